//! Rules with names that rows must keep: the first that one breaks is the one that rejects it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use super::Rejected;
use crate::error::BoxError;

/// What a rule says of a row: nothing, or that it is broken, perhaps with a reason.
type Check<'env, T> = Box<dyn Fn(&T) -> Result<(), Option<BoxError>> + Send + Sync + 'env>;

/// Named rules that rows must keep, for [`Flow::validate`](crate::Flow::validate).
///
/// They are asked in the order they were written; the first that a row breaks rejects it, under its name. A row that keeps
/// all of them goes on as it is.
///
/// # Examples
/// ```
/// use millstream::{Flow, Skip, Validation};
///
/// let ratings = Validation::new()
///     .rule("at least 1", |n: &i32| *n >= 1)
///     .rule("at most 5", |n| *n <= 5);
/// let report = Flow::from_iter([3, 0, 7, 5, -1]).validate(ratings).on_error(Skip).run()?;
/// assert_eq!(report.rejected()["at least 1"], 2);
/// assert_eq!(report.rejected()["at most 5"], 1);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Validation<'env, T> {
    rules: Vec<(Cow<'static, str>, Check<'env, T>)>,
}

impl<'env, T> Validation<'env, T> {
    /// No rules yet; every row keeps them.
    ///
    /// The first rule names the type of the rows (`|row: &Row| …`), or `Validation::<Row>::new()` does.
    pub fn new() -> Self {
        Validation { rules: Vec::new() }
    }

    /// A rule that rows keep for which the closure says true.
    ///
    /// ```
    /// use millstream::Validation;
    ///
    /// let rules = Validation::new().rule("not empty", |text: &String| !text.is_empty());
    /// # drop(rules);
    /// ```
    pub fn rule(
        mut self,
        name: impl Into<Cow<'static, str>>,
        keeps: impl Fn(&T) -> bool + Send + Sync + 'env,
    ) -> Self {
        let check = move |row: &T| if keeps(row) { Ok(()) } else { Err(None) };
        self.rules.push((name.into(), Box::new(check)));
        self
    }

    /// A rule that says what is wrong: rows keep it for which the closure gives no error.
    ///
    /// ```
    /// use millstream::{Flow, Validation};
    ///
    /// let rules = Validation::new().check("a number", |text: &&str| text.parse::<u32>().map(drop));
    /// let error = Flow::from_iter(["x"]).validate(rules).count().unwrap_err();
    /// assert_eq!(error.message(), "the rule `a number` is broken: invalid digit found in string");
    /// ```
    pub fn check<E: Into<BoxError>>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        check: impl Fn(&T) -> Result<(), E> + Send + Sync + 'env,
    ) -> Self {
        let check = move |row: &T| check(row).map_err(|error| Some(error.into()));
        self.rules.push((name.into(), Box::new(check)));
        self
    }

    /// The row, if it keeps all rules.
    #[inline]
    pub(crate) fn validate(&self, row: T) -> Result<T, Rejected<T>> {
        for (name, check) in &self.rules {
            if let Err(because) = check(&row) {
                let rule = name.clone();
                let broken = Broken {
                    rule: rule.clone(),
                    because,
                };
                return Err(Rejected::new(row, broken, rule));
            }
        }
        Ok(row)
    }
}

impl<T> Default for Validation<'_, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Validation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.rules.iter().map(|(name, _)| &**name).collect();
        f.debug_tuple("Validation").field(&names).finish()
    }
}

/// What is wrong with a row that breaks a rule.
#[derive(Debug)]
struct Broken {
    rule: Cow<'static, str>,
    because: Option<BoxError>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rule `{}` is broken", self.rule)?;
        match &self.because {
            Some(because) => write!(f, ": {because}"),
            None => Ok(()),
        }
    }
}

impl StdError for Broken {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.because.as_deref().map(|e| e as _)
    }
}
