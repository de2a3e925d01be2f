//! A trigger from outside: a message to a running flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fires all open windows of a running flow, from outside.
///
/// Clones are the same signal. Each worker looks at it between chunks, and a few times a second of waiting; what is
/// fired several times in between fires once.
///
/// # Examples
/// ```
/// use millstream::{Flow, Signal, Window};
///
/// let signal = Signal::new("sample");
/// let sums = Flow::from_range(0..10)
///     .stages(1)
///     .inspect({
///         let signal = signal.clone();
///         move |n| if *n == 4 { signal.fire() }
///     })
///     .window(Window::global())
///     .trigger_on(&signal)
///     .reduce(|| 0, |sum, n| *sum += n)
///     .collect_vec()?;
/// assert_eq!(sums.last(), Some(&45));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Signal {
    name: Arc<str>,
    fired: Arc<AtomicU64>,
}

impl Signal {
    /// A signal; windows that it fires say its name.
    pub fn new(name: impl Into<String>) -> Self {
        Signal {
            name: Arc::from(name.into()),
            fired: Arc::default(),
        }
    }

    /// Fires the open windows of every flow that listens.
    pub fn fire(&self) {
        self.fired.fetch_add(1, Ordering::Release);
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// How often it was fired.
    pub(crate) fn count(&self) -> u64 {
        self.fired.load(Ordering::Acquire)
    }
}
