//! A crossbeam channel that somebody else fills: workers take what is there, and wait a few milliseconds at a time.
//!
//! Taking and numbering happen under one lock that is never held while waiting, so tickets follow the channel.
//! Waiting takes nothing out of the channel.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::begin;
use crate::error::Error;
use crate::run::{Context, lock};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

/// The longest wait before the worker looks at the stop token again.
const LOOK: Duration = Duration::from_millis(5);

/// The source of [`Flow::from_receiver`](crate::Flow::from_receiver).
pub struct FromReceiver<T> {
    receiver: Receiver<T>,
    /// The number of the next chunk.
    ticket: Mutex<u64>,
}

impl<T> FromReceiver<T> {
    pub(crate) fn new(receiver: Receiver<T>) -> Self {
        FromReceiver {
            receiver,
            ticket: Mutex::new(0),
        }
    }
}

impl<T: Send> Pipe for FromReceiver<T> {
    type Item = T;
    type Iter<'s>
        = std::vec::IntoIter<T>
    where
        Self: 's;
    type Feed<'s>
        = ReceiverFeed<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> ReceiverFeed<'s, T> {
        ReceiverFeed {
            source: self,
            cx,
            pace: Pace::new(1, cx.group.items(size_of::<T>())),
        }
    }
}

/// One worker's end of a channel.
pub struct ReceiverFeed<'s, T> {
    source: &'s FromReceiver<T>,
    cx: &'s Context,
    pace: Pace,
}

impl<T> Feed for ReceiverFeed<'_, T> {
    type Iter = std::vec::IntoIter<T>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let size = self.pace.next(self.cx.now());
        let mut ticket = lock(&self.source.ticket);
        let mut items = Vec::new();
        while items.len() < size {
            match self.source.receiver.try_recv() {
                Ok(item) => items.push(item),
                Err(TryRecvError::Disconnected) if items.is_empty() => return Ok(Pull::End),
                Err(_) => break,
            }
        }
        if items.is_empty() {
            self.pace.pause();
            return Ok(Pull::Pending);
        }
        let number = *ticket;
        *ticket += 1;
        // Whoever listens to batches is called without the lock.
        drop(ticket);
        begin(self.cx, number, items.len());
        Ok(Pull::Chunk(items.into_iter()))
    }

    fn wait(&mut self, until: Option<Instant>) {
        let look = Instant::now() + LOOK;
        let mut select = Select::new();
        select.recv(&self.source.receiver);
        // Whether it is ready or the time has passed, the next pull finds out.
        let _ = select.ready_deadline(until.map_or(look, |until| until.min(look)));
    }
}

impl<T> fmt::Debug for FromReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromReceiver").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ReceiverFeed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::drive::{context, numbered};

    #[test]
    fn gives_all_that_was_sent_and_ends_with_the_last_sender() {
        for feeds in 1..4 {
            let (sender, receiver) = crossbeam_channel::bounded(8);
            let filling =
                std::thread::spawn(move || (0..500).for_each(|n| sender.send(n).unwrap()));
            let got = numbered(&FromReceiver::new(receiver), feeds, true);
            filling.join().unwrap();
            assert_eq!(got, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_empty_channel_is_pending_until_its_senders_are_gone() {
        let (sender, receiver) = crossbeam_channel::unbounded::<u8>();
        let source = FromReceiver::new(receiver);
        let cx = context(0, 1, false);
        let mut feed = source.open(&cx);
        assert!(matches!(feed.pull(), Ok(Pull::Pending)));
        feed.wait(None);
        assert!(matches!(feed.pull(), Ok(Pull::Pending)));
        sender.send(7).unwrap();
        feed.wait(None);
        drop(sender);
        assert!(matches!(feed.pull(), Ok(Pull::Chunk(chunk)) if chunk.as_slice() == [7]));
        assert!(matches!(feed.pull(), Ok(Pull::End)));
    }
}
