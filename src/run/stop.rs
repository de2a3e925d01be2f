//! A token that anyone may hold and that stops every flow it was given to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops flows from outside: from another thread, a signal handler, a test.
///
/// Clones share one state. Workers look at it between chunks (about every 100 µs of work, or after the user's
/// call in progress); a stopped flow gives an error of kind [`Stopped`](crate::ErrorKind::Stopped), never a
/// partial result.
///
/// # Examples
/// ```
/// use millstream::{Flow, StopToken};
///
/// let token = StopToken::new();
/// let inside = token.clone();
/// let error = Flow::from_iter(0..)
///     .inspect(move |n| if *n == 1000 { inside.stop() })
///     .stop_token(&token)
///     .count()
///     .unwrap_err();
/// assert!(error.is_stopped());
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopToken(Arc<AtomicBool>);

impl StopToken {
    /// A token that has not been stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every flow that has this token to stop. It cannot be taken back.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody asked.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
