//! An async stream as a source: workers take turns to poll it, and one of those that wait is woken by its waker.
//!
//! The stream is asked for nothing more once it has ended or panicked: the state says "over" while the user's code runs,
//! and stays so if that unwinds.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use std::vec;

use futures_core::Stream;

use super::bell::Bell;
use crate::error::Error;
use crate::run::{Context, lock};
use crate::source::{Stride, begin};
use crate::step::{Feed, Pace, Pipe, Pull};

/// The longest wait before the worker looks at the stop token again.
const LOOK: Duration = Duration::from_millis(5);

/// The source of [`Flow::from_stream`](crate::Flow::from_stream).
pub struct FromStream<S> {
    state: Mutex<State<S>>,
    bell: Arc<Bell>,
    waker: Waker,
}

struct State<S> {
    stream: Pin<Box<S>>,
    over: bool,
    ticket: u64,
    stride: Stride,
}

impl<S> FromStream<S> {
    pub(crate) fn new(stream: S) -> Self {
        let bell = Arc::new(Bell::default());
        FromStream {
            state: Mutex::new(State {
                stream: Box::pin(stream),
                over: false,
                ticket: 0,
                stride: Stride::default(),
            }),
            waker: Waker::from(bell.clone()),
            bell,
        }
    }
}

impl<S: Stream + Send> Pipe for FromStream<S>
where
    S::Item: Send,
{
    type Item = S::Item;
    type Iter<'s>
        = vec::IntoIter<S::Item>
    where
        Self: 's;
    type Feed<'s>
        = StreamFeed<'s, S>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> StreamFeed<'s, S> {
        StreamFeed {
            source: self,
            cx,
            pace: Pace::new(1, cx.group.items(size_of::<S::Item>())),
            slow: false,
        }
    }
}

/// One worker's end of a shared stream.
pub struct StreamFeed<'s, S> {
    source: &'s FromStream<S>,
    cx: &'s Context,
    pace: Pace,
    slow: bool,
}

impl<S: Stream> Feed for StreamFeed<'_, S> {
    type Iter = vec::IntoIter<S::Item>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let FromStream { state, bell, waker } = self.source;
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        if !bell.is_rung() {
            // The stream has said that it would tell.
            self.pace.pause();
            return Ok(Pull::Pending);
        }
        let size = self.pace.next(self.cx.now());
        let since = self.cx.now();
        let mut guard = lock(state);
        // Waiting for the lock may have taken long: another worker was in the user's code.
        if self.cx.shared.must_end() || self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        if guard.over {
            // A panic lets go of the lock before the run knows of it, and is not the end of the input.
            return Ok(if state.is_poisoned() {
                Pull::Again
            } else {
                Pull::End
            });
        }
        let turn = &mut *guard;
        turn.over = true;
        bell.silence();
        let mut now = Now {
            stream: turn.stream.as_mut(),
            task: std::task::Context::from_waker(waker),
            pending: false,
        };
        let taken = turn.stride.take(&mut now, size, since, || self.cx.now());
        let pending = now.pending;
        turn.over = taken.ended && !pending;
        self.slow = taken.slow;
        if turn.over {
            bell.ring_all();
        } else if !pending {
            // There may be more, and nobody will be told.
            bell.ring();
        }
        if taken.items.is_empty() {
            self.pace.pause();
            return Ok(if turn.over { Pull::End } else { Pull::Pending });
        }
        let ticket = turn.ticket;
        turn.ticket += 1;
        // Whoever listens to batches is called without the lock.
        drop(guard);
        begin(self.cx, ticket, taken.items.len());
        Ok(Pull::Chunk(taken.items.into_iter()))
    }

    fn wait(&mut self, until: Option<Instant>) {
        let look = Instant::now() + LOOK;
        self.source
            .bell
            .wait(until.map_or(look, |until| until.min(look)));
    }

    fn slow(&self) -> bool {
        self.slow
    }
}

/// What a stream has now, as an iterator that ends where the stream would have to be waited for.
struct Now<'a, S> {
    stream: Pin<&'a mut S>,
    task: std::task::Context<'a>,
    /// Whether it ended there, and not because the stream did.
    pending: bool,
}

impl<S: Stream> Iterator for Now<'_, S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        match self.stream.as_mut().poll_next(&mut self.task) {
            Poll::Ready(item) => item,
            Poll::Pending => {
                self.pending = true;
                None
            }
        }
    }
}

impl<S> fmt::Debug for FromStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromStream").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for StreamFeed<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamFeed").finish_non_exhaustive()
    }
}
