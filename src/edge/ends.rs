//! The ends of an edge's channels, which note how full the channel is: once a batch, on either side.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, TrySendError};

use super::ready;
use crate::run::Fill;

/// A producer's end of a channel.
#[derive(Debug)]
pub(crate) struct Outlet<M> {
    sender: Sender<M>,
    fill: Arc<Fill>,
}

/// A consumer's end of a channel.
#[derive(Debug)]
pub(crate) struct Inlet<M> {
    receiver: Receiver<M>,
    fill: Arc<Fill>,
}

impl<M> Clone for Outlet<M> {
    fn clone(&self) -> Self {
        Outlet {
            sender: self.sender.clone(),
            fill: self.fill.clone(),
        }
    }
}

impl<M> Clone for Inlet<M> {
    fn clone(&self) -> Self {
        Inlet {
            receiver: self.receiver.clone(),
            fill: self.fill.clone(),
        }
    }
}

/// The two ends of a bounded channel.
pub(super) fn channel<M>(capacity: usize) -> (Outlet<M>, Inlet<M>) {
    let (sender, receiver) = crossbeam_channel::bounded(capacity);
    let fill = Arc::new(Fill::default());
    let outlet = Outlet {
        sender,
        fill: fill.clone(),
    };
    (outlet, Inlet { receiver, fill })
}

impl<M> Outlet<M> {
    pub(crate) fn try_send(&self, message: M) -> Result<(), TrySendError<M>> {
        let sent = self.sender.try_send(message);
        self.fill.note(self.sender.len());
        sent
    }

    /// Blocks until a send would not, or `until` has passed.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        let mut select = Select::new();
        select.send(&self.sender);
        ready(&mut select, until);
    }
}

impl<M> Inlet<M> {
    #[inline]
    pub(crate) fn try_recv(&self) -> Result<M, TryRecvError> {
        let received = self.receiver.try_recv();
        match received {
            Ok(_) => self.fill.note(self.receiver.len()),
            // Nobody sends any more. A sender that was slow to note what it had sent may have noted it behind whoever took it.
            Err(TryRecvError::Disconnected) => self.fill.note(0),
            Err(TryRecvError::Empty) => {}
        }
        received
    }

    /// Blocks until a receive would not, or `until` has passed.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        let mut select = Select::new();
        select.recv(&self.receiver);
        ready(&mut select, until);
    }

    /// The channel itself, to wait for several.
    pub(crate) fn channel(&self) -> &Receiver<M> {
        &self.receiver
    }

    /// The same for good, for a caller who takes from it.
    pub(crate) fn into_channel(self) -> Receiver<M> {
        self.receiver
    }

    /// How full the channel is.
    pub(super) fn fill(&self) -> Arc<Fill> {
        self.fill.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_was_emptied_is_empty() {
        let (outlet, inlet) = channel(2);
        outlet.try_send(1).unwrap();
        assert_eq!(inlet.try_recv(), Ok(1));
        // The sender comes to note its batch only now.
        inlet.fill.note(1);
        drop(outlet);
        assert_eq!(inlet.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!((inlet.fill.now(), inlet.fill.most()), (0, 1));
    }
}
