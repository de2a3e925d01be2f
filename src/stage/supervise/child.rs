//! Children of a supervisor: how each is made, what it is subscribed to, and the one that runs now.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::core::OnEnd;
use super::super::handle::Handle;
use super::super::kind::{Emitting, Kind, Taking};
use super::super::message::{Message, Request};
use super::super::port::{Emits, Output};
use super::super::reason::Reason;
use super::super::reference::StageRef;
use super::super::start::Builder;
use super::super::subscription::{Cancel, Subscription};
use super::limit::Restart;
use crate::error::Error;

/// The running stage of a child, for those that know the child.
pub(super) type Cell<K> = Arc<Mutex<Option<StageRef<K>>>>;

/// A lock that is held for an assignment alone; there is nothing a panic could leave half done.
fn lock<T>(cell: &Mutex<T>) -> MutexGuard<'_, T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A declared subscription: to which child, and how it is made.
struct Link<K: Kind> {
    to: usize,
    plan: u64,
    at_end: Cancel,
    /// Where the events are now; `None` if that child does not run.
    output: Box<dyn Fn() -> Option<Output<K::In>> + Send>,
    options: Subscription<K::In>,
}

/// A child to be: a closure that makes the stage, anew for each start, and what it is subscribed to.
///
/// See [`Supervisor`](super::Supervisor) for an example.
#[must_use = "a child is nothing before it is given to a supervisor"]
pub struct Child<K: Kind> {
    name: String,
    make: Box<dyn FnMut() -> Builder<K> + Send>,
    restart: Restart,
    links: Vec<Link<K>>,
}

/// A child of a supervisor from a closure that makes its stage: it is called for every start, so each start has new
/// state. The stage gets the child's name.
///
/// Restarted are those that failed ([`Restart::Transient`]), if nothing else is said.
pub fn child<K: Kind>(
    name: impl Into<String>,
    make: impl FnMut() -> Builder<K> + Send + 'static,
) -> Child<K> {
    Child {
        name: name.into(),
        make: Box::new(make),
        restart: Restart::default(),
        links: Vec::new(),
    }
}

impl<K: Kind> Child<K> {
    /// When it is started again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    pub(super) fn enter(self, plan: u64, index: usize) -> (ChildRef<K>, Slot<K>) {
        let cell = Cell::default();
        let child = ChildRef {
            plan,
            index,
            name: self.name.as_str().into(),
            cell: cell.clone(),
        };
        let slot = Slot {
            name: self.name,
            make: self.make,
            restart: self.restart,
            links: self.links,
            cell,
            handle: None,
        };
        (child, slot)
    }
}

impl<K: Taking> Child<K> {
    /// Subscribes the child to one that was given to the same supervisor before it, at each start of either.
    ///
    /// As long as the producer is restarted, the options' `cancel` does not matter: the consumer goes on and is
    /// subscribed to the restart. When the producer has ended and does not come again, the consumer does what `cancel`
    /// says.
    pub fn subscribe_to<P: Emitting<Out = K::In>>(
        mut self,
        producer: &ChildRef<P>,
        options: Subscription<K::In>,
    ) -> Self {
        let cell = producer.cell.clone();
        self.links.push(Link {
            to: producer.index,
            plan: producer.plan,
            at_end: options.at_end(),
            output: Box::new(move || lock(&cell).as_ref().map(Emits::output)),
            // The supervisor says when the end of it means something.
            options: options.cancel(Cancel::Temporary),
        });
        self
    }
}

impl<K: Kind> fmt::Debug for Child<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.name)
            .field("restart", &self.restart)
            .field("subscriptions", &self.links.len())
            .finish_non_exhaustive()
    }
}

/// A child of a supervisor, whichever stage runs for it: others subscribe to it by this. Clones are cheap.
pub struct ChildRef<K: Kind> {
    plan: u64,
    index: usize,
    name: Arc<str>,
    cell: Cell<K>,
}

impl<K: Kind> ChildRef<K> {
    /// The child's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stage that runs for it now; `None` before it is started and when it has ended. What this gives is one stage,
    /// not its restart: ask again when calls to it fail.
    pub fn stage(&self) -> Option<StageRef<K>> {
        lock(&self.cell).clone()
    }
}

impl<K: Kind> Clone for ChildRef<K> {
    fn clone(&self) -> Self {
        ChildRef {
            plan: self.plan,
            index: self.index,
            name: self.name.clone(),
            cell: self.cell.clone(),
        }
    }
}

impl<K: Kind> fmt::Debug for ChildRef<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildRef")
            .field("name", &self.name)
            .field("stage", &self.stage())
            .finish_non_exhaustive()
    }
}

/// A child in its supervisor.
pub(super) struct Slot<K: Kind> {
    name: String,
    make: Box<dyn FnMut() -> Builder<K> + Send>,
    restart: Restart,
    links: Vec<Link<K>>,
    cell: Cell<K>,
    handle: Option<Handle<K>>,
}

/// A child, whatever its kind.
pub(super) trait Ward: Send {
    fn name(&self) -> &str;
    fn restart(&self) -> Restart;
    /// Which children of which plans it is subscribed to.
    fn links(&self) -> Vec<(u64, usize)>;
    /// Starts it, with its subscriptions to those that run.
    fn start(&mut self, on_end: OnEnd) -> Result<(), Error>;
    /// Subscribes the running one again to a child that was restarted.
    fn resubscribe(&self, to: usize);
    /// Tells the running one that a child it is subscribed to does not come again.
    fn orphan(&self, to: usize, reason: &Reason);
    /// Stops it as soon as its callback returns, if it runs, and waits for its thread.
    fn stop(&mut self);
}

impl<K: Kind> Ward for Slot<K> {
    fn name(&self) -> &str {
        &self.name
    }

    fn restart(&self) -> Restart {
        self.restart
    }

    fn links(&self) -> Vec<(u64, usize)> {
        self.links.iter().map(|link| (link.plan, link.to)).collect()
    }

    fn start(&mut self, on_end: OnEnd) -> Result<(), Error> {
        let made = catch_unwind(AssertUnwindSafe(|| (self.make)()));
        let mut builder = made
            .map_err(|payload| Error::panicked(payload).of_stage(&self.name))?
            .name(&self.name);
        for link in &self.links {
            if let Some(output) = (link.output)() {
                builder.also_subscribe(output, link.options.clone());
            }
        }
        let handle = builder.start_watched(Some(on_end))?;
        *lock(&self.cell) = Some(handle.stage());
        self.handle = Some(handle);
        Ok(())
    }

    fn resubscribe(&self, to: usize) {
        let Some(handle) = &self.handle else {
            return;
        };
        for link in self.links.iter().filter(|link| link.to == to) {
            if let Some(output) = (link.output)() {
                // One that has just ended gets its subscriptions when it is restarted.
                handle
                    .stage
                    .mailbox
                    .post(Message::SubscribeTo(Box::new(Request {
                        producer: output,
                        options: link.options.clone(),
                        instead_of: None,
                        reply: None,
                    })));
            }
        }
    }

    fn orphan(&self, to: usize, reason: &Reason) {
        let Some(handle) = &self.handle else {
            return;
        };
        for link in self.links.iter().filter(|link| link.to == to) {
            let message = Message::Orphaned(reason.clone(), link.at_end);
            handle.stage.mailbox.post(message);
        }
    }

    fn stop(&mut self) {
        *lock(&self.cell) = None;
        // How it ended is told by the stage itself.
        self.handle = None;
    }
}
