//! The gate of a stage with a rate: demand waits in front of it until there are permits. One without a rate is open.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::super::kind::Kind;
use super::super::message::{Mailbox, Message};
#[cfg(feature = "rate")]
use super::super::rate::{Rate, Watcher};

/// Demand on its way from the dispatcher to the stage's buffer and callback. Each event that goes to the dispatcher uses
/// up demand that was let through, and so a permit: events without wait in the buffer.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    #[cfg(feature = "rate")]
    rate: Option<Rate>,
    /// Demand in front of the gate.
    waiting: u64,
    /// Demand let through, for which no event has gone to the dispatcher yet.
    released: u64,
    /// When there may be a permit for what waits.
    until: Option<Instant>,
}

impl Gate {
    #[cfg(feature = "rate")]
    pub(crate) fn new(rate: &Rate) -> Self {
        Gate {
            rate: Some(rate.clone()),
            ..Gate::default()
        }
    }

    #[cfg(feature = "rate")]
    fn is_limited(&self) -> bool {
        self.rate.is_some()
    }

    #[cfg(not(feature = "rate"))]
    fn is_limited(&self) -> bool {
        false
    }

    /// Has the stage told when the rate is changed.
    pub(super) fn watch<K: Kind>(&self, stage: &Arc<Mailbox<K>>) {
        #[cfg(feature = "rate")]
        if let Some(rate) = &self.rate {
            let stage: Arc<dyn Watcher> = stage.clone();
            rate.watch(Arc::downgrade(&stage));
        }
        #[cfg(not(feature = "rate"))]
        let _ = stage;
    }

    /// Whether demand stays in front of the gate, which is then counted; else it may go on at once.
    pub(super) fn holds(&mut self, demand: u64) -> bool {
        if !self.is_limited() {
            return false;
        }
        self.waiting = self.waiting.saturating_add(demand);
        true
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Lets through as much as there are permits for: no more than one full bucket before the stage has answered. The
    /// next wait for a message ends when there may be more.
    pub(super) fn release(&mut self) -> u64 {
        self.until = None;
        if self.waiting == 0 {
            return 0;
        }
        #[cfg(feature = "rate")]
        if let Some(rate) = &self.rate {
            return match rate.draw(self.waiting, self.released) {
                Ok(permits) => {
                    self.waiting -= permits;
                    self.released += permits;
                    permits
                }
                Err(until) => {
                    self.until = until;
                    0
                }
            };
        }
        0
    }

    /// How much demand has come through, of all that the stage owes.
    pub(super) fn open(&self, owed: u64) -> u64 {
        if self.is_limited() {
            self.released
        } else {
            owed
        }
    }

    /// Cuts off the events that may not go to the dispatcher yet: for want of permits, or behind others in the buffer.
    pub(super) fn late<E>(&self, events: &mut Vec<E>, buffered: usize) -> Vec<E> {
        if !self.is_limited() {
            return Vec::new();
        }
        let most = if buffered > 0 { 0 } else { self.released };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        events.split_off(most.min(events.len()))
    }

    /// So many events went to the dispatcher.
    pub(super) fn count(&mut self, events: u64) {
        self.released = self.released.saturating_sub(events);
    }

    /// The next message, or [`Message::Look`] when there may be permits; `None` if there never will be a message.
    pub(super) fn receive<K: Kind>(&self, inbox: &Receiver<Message<K>>) -> Option<Message<K>> {
        let Some(until) = self.until else {
            return inbox.recv().ok();
        };
        // The stage holds a sender of its own, so nothing but time ends the wait.
        Some(inbox.recv_deadline(until).unwrap_or(Message::Look))
    }
}

#[cfg(feature = "rate")]
impl<K: Kind> Watcher for Mailbox<K> {
    fn look(&self) {
        self.post(Message::Look);
    }
}
