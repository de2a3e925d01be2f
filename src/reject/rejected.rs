//! A row that was rejected: the item, why, and where. What is costly to find (the line) is found only for those who keep it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::{BoxError, Error, ErrorKind, Position};
use crate::run::Context;

/// An item that a fallible step rejected, with the error, the rule, and where it came from.
///
/// It is what a policy given to [`Flow::on_error`](crate::Flow::on_error) gets, and what dead letters are made of. `T` is the
/// item as it came into the step; it is `()` where there is none: the error of
/// [`try_items`](crate::Flow::try_items) is all there was.
///
/// With the feature `serde` it is a row of the columns `item`, `error`, `rule`, `file` and `line`.
///
/// # Examples
/// ```
/// use millstream::{Flow, Rejected};
/// use std::sync::Mutex;
///
/// let seen = Mutex::new(Vec::new());
/// let sum: u32 = Flow::from_iter(["1", "two", "3"])
///     .try_map(|text| text.parse::<u32>())
///     .on_error(|rejected: Rejected<&str>| {
///         seen.lock().unwrap().push(rejected.to_string());
///         Ok::<(), std::io::Error>(())
///     })
///     .sum()?;
/// assert_eq!(sum, 4);
/// assert_eq!(seen.into_inner().unwrap(), ["invalid digit found in string (rejected by try_map)"]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone)]
pub struct Rejected<T> {
    item: T,
    why: Box<Why>,
}

#[derive(Debug, Clone)]
struct Why {
    error: Arc<dyn StdError + Send + Sync>,
    kind: ErrorKind,
    rule: Cow<'static, str>,
    tried: u32,
    stage: Option<Arc<str>>,
    partition: Option<usize>,
    position: Option<Position>,
    /// Whether the item is not the one that the worker has pulled last, so that its position is not known.
    elsewhere: bool,
}

impl<T> Rejected<T> {
    /// An item that was rejected by a rule with an error; for tests of policies and of sinks of one's own.
    ///
    /// ```
    /// use millstream::Rejected;
    ///
    /// let rejected = Rejected::new("-3", "less than nothing", "not negative");
    /// assert_eq!((*rejected.item(), rejected.rule()), ("-3", "not negative"));
    /// ```
    #[cold]
    pub fn new(
        item: T,
        error: impl Into<BoxError>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Rejected<T> {
        Rejected {
            item,
            why: Box::new(Why {
                error: Arc::from(error.into()),
                kind: ErrorKind::Step,
                rule: rule.into(),
                tried: 1,
                stage: None,
                partition: None,
                position: None,
                elsewhere: false,
            }),
        }
    }

    /// The item as it came into the step.
    pub fn item(&self) -> &T {
        &self.item
    }

    /// The item alone.
    pub fn into_item(self) -> T {
        self.item
    }

    /// The same with another item, such as its text.
    ///
    /// ```
    /// use millstream::Rejected;
    ///
    /// let rejected = Rejected::new(-3, "less than nothing", "not negative");
    /// assert_eq!(rejected.map(|n| n.to_string()).item(), "-3");
    /// ```
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Rejected<U> {
        Rejected {
            item: f(self.item),
            why: self.why,
        }
    }

    /// What is wrong with it.
    pub fn error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.why.error
    }

    /// The rule that rejected it, or the name of the step: `try_map`.
    pub fn rule(&self) -> &str {
        &self.why.rule
    }

    /// How often it was tried; more than once under [`Retry`](crate::Retry).
    pub fn tried(&self) -> u32 {
        self.why.tried
    }

    /// The name of the stage that rejected it.
    pub fn stage(&self) -> Option<&str> {
        self.why.stage.as_deref()
    }

    /// The partition (the number of the worker within its stage) that rejected it.
    pub fn partition(&self) -> Option<usize> {
        self.why.partition
    }

    /// Where in the input it stands, if its source knows and no boundary lies between.
    pub fn position(&self) -> Option<&Position> {
        self.why.position.as_ref()
    }

    /// The same; other items have been pulled since.
    pub(crate) fn elsewhere(mut self) -> Self {
        self.why.elsewhere = true;
        self
    }

    /// The same, tried so often.
    pub(crate) fn after(mut self, tried: u32) -> Self {
        self.why.tried = tried;
        self
    }

    /// The same, with the worker it was rejected by, and its position if the source of this worker's chain knows it.
    pub(crate) fn located(mut self, cx: &Context) -> Self {
        let why = &mut *self.why;
        why.stage.get_or_insert_with(|| cx.name.clone());
        why.partition.get_or_insert(cx.index);
        if why.position.is_none() {
            let own = why.error.downcast_ref::<Error>();
            why.position = own.and_then(|error| error.position().cloned());
        }
        if why.position.is_none() && !why.elsewhere {
            why.position = cx.position();
        }
        self
    }

    /// The error of a run that ends with it. The runner adds where it happened.
    pub(crate) fn into_error(self) -> Error {
        let Why {
            error,
            kind,
            position,
            ..
        } = *self.why;
        if let Some(own) = error.downcast_ref::<Error>() {
            return own.again();
        }
        let failed = Error::new(kind, error.to_string()).caused_by(error);
        match position {
            Some(position) => failed.at(position),
            None => failed,
        }
    }
}

impl<T> fmt::Display for Rejected<T> {
    /// The position, the error and the rule; the item has a type of its own to show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = &*self.why;
        let own = why.error.downcast_ref::<Error>();
        if let Some(position) = &why.position {
            if own.is_none_or(|error| error.position().is_none()) {
                write!(f, "{position}: ")?;
            }
        }
        write!(f, "{} (rejected by {})", why.error, why.rule)
    }
}

impl<T: fmt::Debug> fmt::Debug for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("item", &self.item)
            .field("why", &self.why)
            .finish()
    }
}
