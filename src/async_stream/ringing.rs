//! An end of a stage that wakes a task whenever something was sent to it, and when a worker lets go of the end.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use super::Alarm;
use crate::output::{Output, Sink};
use crate::run::Context;

/// Any end over a channel, with the alarm of the task at its other side.
pub(crate) struct Ringing<S> {
    sink: S,
    alarm: Arc<Alarm>,
}

impl<S> Ringing<S> {
    pub(crate) fn new(sink: S, alarm: Arc<Alarm>) -> Self {
        Ringing { sink, alarm }
    }
}

impl<T, S: Sink<T>> Sink<T> for Ringing<S> {
    type Output<'s>
        = RingingOutput<'s, S::Output<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        RingingOutput {
            output: self.sink.open(cx),
            ringer: Ringer {
                alarm: &self.alarm,
                cx,
                sent: Cell::new(0),
            },
        }
    }

    fn abandon(&self) {
        self.sink.abandon();
        self.alarm.ring();
    }
}

/// One worker's end. The order of its fields is that in which they are dropped: the task is woken when it can see that
/// the worker is gone.
pub(crate) struct RingingOutput<'s, O> {
    output: O,
    ringer: Ringer<'s>,
}

/// Rings when the worker has sent something since it rang last, and when the worker is gone.
struct Ringer<'s> {
    alarm: &'s Alarm,
    cx: &'s Context,
    /// How many batches had been sent when it rang last.
    sent: Cell<u64>,
}

impl Ringer<'_> {
    #[inline]
    fn look(&self) {
        let sent = self.cx.counts.batches_out.get();
        if sent != self.sent.replace(sent) {
            self.alarm.ring();
        }
    }
}

impl Drop for Ringer<'_> {
    fn drop(&mut self) {
        self.alarm.ring();
    }
}

impl<O> RingingOutput<'_, O> {
    /// Has the output do something, and wakes the task if there is something new for it.
    fn then_look<R>(&mut self, act: impl FnOnce(&mut O) -> R) -> R {
        let done = act(&mut self.output);
        self.ringer.look();
        done
    }
}

/// Items that take long to make must not keep the task from those that were sent: it is woken before the next is made.
struct Between<'a, 's, I> {
    items: &'a mut I,
    ringer: &'a Ringer<'s>,
}

impl<I: Iterator> Iterator for Between<'_, '_, I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.ringer.look();
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<T, O: Output<T>> Output<T> for RingingOutput<'_, O> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let between = Between {
            items: &mut items,
            ringer: &self.ringer,
        };
        let left = self.output.drain(between).is_some();
        self.ringer.look();
        left.then_some(items)
    }

    fn begin(&mut self, ticket: u64) {
        self.then_look(|output| output.begin(ticket));
    }

    fn awake(&mut self) {
        self.then_look(O::awake);
    }

    fn idle(&mut self) {
        self.then_look(O::idle);
    }

    fn end(&mut self) {
        self.then_look(O::end);
    }

    fn border(&mut self) {
        self.then_look(O::border);
    }

    fn deliver(&mut self) -> bool {
        self.then_look(O::deliver)
    }

    fn flush(&mut self) {
        self.then_look(O::flush);
    }

    fn finish(&mut self) -> bool {
        self.then_look(O::finish)
    }

    fn closed(&self) -> bool {
        self.output.closed()
    }

    fn linger(&self) -> Option<Instant> {
        self.output.linger()
    }

    fn timer(&self) -> Option<Instant> {
        self.output.timer()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.output.wait(until);
    }
}
