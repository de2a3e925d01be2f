//! Which windows there are, and when they fire.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::window::{Signal, Spec};

/// One worker's custom trigger.
pub(crate) type Punctuate<'s, T> = Box<dyn FnMut(Vec<T>) -> Punctuation<T> + 's>;

/// Makes the custom triggers of the workers. It lends them, so that a flow over static data stays one over borrowed.
pub(crate) trait Punctuates<T>: Send + Sync {
    fn worker<'s>(&'s self) -> Punctuate<'s, T>;
}

/// A custom trigger with a state a worker.
struct Custom<B, N, F> {
    init: N,
    f: F,
    state: PhantomData<fn() -> B>,
}

impl<T, B, N, F> Punctuates<T> for Custom<B, N, F>
where
    N: Fn() -> B + Send + Sync,
    F: Fn(&mut B, Vec<T>) -> Punctuation<T> + Send + Sync,
{
    fn worker<'s>(&'s self) -> Punctuate<'s, T> {
        let mut state = (self.init)();
        Box::new(move |items| (self.f)(&mut state, items))
    }
}

/// The rules of the windows of a stage.
pub(crate) struct Rules<'env, T> {
    pub(crate) spec: Spec<T>,
    /// When an item happened, in milliseconds.
    pub(crate) time: Option<Box<dyn Fn(&T) -> i64 + Send + Sync + 'env>>,
    pub(crate) every: Option<u64>,
    pub(crate) periods: Vec<Duration>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) punctuate: Option<Box<dyn Punctuates<T> + 'env>>,
}

impl<'env, T: 'env> Rules<'env, T> {
    /// Windows without triggers; those of event time get their time later or here.
    pub(crate) fn new(spec: Spec<T>) -> Self {
        Rules {
            spec,
            time: None,
            every: None,
            periods: Vec::new(),
            signals: Vec::new(),
            punctuate: None,
        }
    }

    /// Sets a custom trigger with a state a worker.
    pub(crate) fn set_punctuate<B, N, F>(&mut self, init: N, f: F)
    where
        B: 'env,
        N: Fn() -> B + Send + Sync + 'env,
        F: Fn(&mut B, Vec<T>) -> Punctuation<T> + Send + Sync + 'env,
    {
        self.punctuate = Some(Box::new(Custom {
            init,
            f,
            state: PhantomData,
        }));
    }
}

/// What a custom trigger says to some items: what [`WindowFlow::trigger`](crate::WindowFlow::trigger) asks for.
///
/// # Examples
/// ```
/// use millstream::Punctuation;
///
/// let none = Punctuation::<u8>::Take(Vec::new());
/// assert!(matches!(none, Punctuation::Take(items) if items.is_empty()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Punctuation<T> {
    /// Reduce these items and go on: all that were given, some of them, others, or none.
    Take(Vec<T>),
    /// Reduce the items `before`, fire all open windows, then ask again about the items `after`.
    Fire {
        /// The name that the firing says.
        name: String,
        /// What is reduced first.
        before: Vec<T>,
        /// What is asked about next; it must come to an end.
        after: Vec<T>,
    },
}

impl<T> fmt::Debug for Rules<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}
