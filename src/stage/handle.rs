//! The owner of a running stage.

use std::fmt;
use std::ops::Deref;
use std::thread::{self, JoinHandle};

use super::kind::{Emitting, Kind};
use super::port::{Emits, Output};
use super::reason::Reason;
use super::reference::StageRef;
use crate::error::Error;

/// A running stage and its owner. It can all that a [`StageRef`] can.
///
/// Dropping it stops the stage and waits for its thread: as soon as the callback that runs has returned, the stage ends with
/// [`Reason::Shutdown`]. What waits in its mailbox and buffer is dropped. To end in turn, [`stop`](Handle::stop) it,
/// or have it [`finish`](StageRef::finish).
///
/// Dropped on the stage's own thread, it stops the stage but cannot wait for it.
///
/// # Examples
/// ```
/// use millstream::ErrorKind;
/// use millstream::stage::{self, Next, Subscription};
///
/// let numbers = stage::from_iter(1..).start()?;
/// let picky = stage::for_each_batch(|batch: Vec<i32>| match batch.contains(&1000) {
///     true => Err("no thousands".into()),
///     false => Ok(Next::Go),
/// });
/// let picky = picky.name("picky").subscribe_to(&numbers, Subscription::new()).start()?;
/// let error = picky.join().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Stage);
/// assert_eq!(error.to_string(), "no thousands (stage picky)");
/// numbers.stop()?; // The producer has lived on.
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "dropping the handle stops the stage"]
pub struct Handle<K: Kind> {
    pub(crate) stage: StageRef<K>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl<K: Kind> Handle<K> {
    /// A reference to the stage, which does not own it.
    pub fn stage(&self) -> StageRef<K> {
        self.stage.clone()
    }

    /// Waits until the stage has ended by itself. A normal end and a shutdown are `Ok`.
    ///
    /// Fails if the stage did; and if a stage waits for itself, which stops it.
    pub fn join(mut self) -> Result<(), Error> {
        self.stage.not_from_itself("join", "`Next::Stop`")?;
        self.wait();
        self.stage.ended().map_or(Ok(()), |reason| reason.outcome())
    }

    /// Stops the stage for [`Reason::Normal`] and waits. All that was sent to it before is handled; what is in its buffer is
    /// dropped.
    pub fn stop(self) -> Result<(), Error> {
        // One that has ended already tells how in `join`.
        let _ = self.stage.stop_with(Reason::Normal);
        self.join()
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // The stage's thread catches panics; what it threw is in `ended`.
            let _ = thread.join();
        }
    }
}

impl<K: Kind> Drop for Handle<K> {
    fn drop(&mut self) {
        let Some(thread) = &self.thread else {
            return;
        };
        let own = thread.thread().id() == thread::current().id();
        self.stage.mailbox.halt();
        if !own {
            self.wait();
        }
    }
}

impl<K: Kind> Deref for Handle<K> {
    type Target = StageRef<K>;
    fn deref(&self) -> &StageRef<K> {
        &self.stage
    }
}

impl<K: Emitting> Emits for Handle<K> {
    type Event = K::Out;
    fn output(&self) -> Output<K::Out> {
        self.stage.output()
    }
}

impl<K: Kind> fmt::Debug for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.stage).finish()
    }
}
