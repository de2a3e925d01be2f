//! Stages as a source: each worker is a consumer of all of them, with a mailbox of its own.
//!
//! Nobody stands between a worker and a producer. The worker asks for more as it works its chunks through, so what is
//! under way is bounded by the demand.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::vec;

use super::begin;
use crate::error::Error;
use crate::run::{Context, lock};
use crate::stage::{Ended, Output, Reason, StageId, Subscription, Tag, Taken, Taker};
use crate::step::{Feed, Pipe, Pull};

/// The longest wait, for whoever says nothing else.
const LOOK: Duration = Duration::from_millis(20);

/// Something that is let go of to stop it.
pub(crate) type Owned = Box<dyn Send>;

/// A producer to subscribe to, with which options, and what owns it if the flow does.
pub(crate) struct Begun<E> {
    pub(crate) output: Output<E>,
    pub(crate) options: Subscription<E>,
    pub(crate) owned: Option<Owned>,
}

/// Starts producers, or just names them, as the flow begins.
pub(crate) type Begin<E> = Box<dyn FnOnce() -> Result<Vec<Begun<E>>, Error> + Send>;

/// The source of [`Flow::from_stages`](crate::Flow::from_stages).
pub struct FromStages<E> {
    ticket: AtomicU64,
    state: Mutex<State<E>>,
    /// If the stages get their events of the same flow.
    gate: Option<Arc<Gate<E>>>,
}

struct State<E> {
    begin: Option<Begin<E>>,
    /// A mailbox a worker, once the flow has begun.
    takers: Vec<Option<Taker<E>>>,
    owned: Vec<Owned>,
    closed: usize,
}

impl<E> FromStages<E> {
    pub(crate) fn new(begin: Begin<E>, gate: Option<Arc<Gate<E>>>) -> Self {
        FromStages {
            ticket: AtomicU64::new(0),
            state: Mutex::new(State {
                begin: Some(begin),
                takers: Vec::new(),
                owned: Vec::new(),
                closed: 0,
            }),
            gate,
        }
    }
}

/// Where a flow goes through stages: what the part in front of them and the part behind them know of each other.
pub(crate) struct Gate<E> {
    state: Mutex<Passing<E>>,
    /// Whether the part behind wants no more.
    left: AtomicBool,
}

struct Passing<E> {
    /// The subscriptions of the workers behind.
    subscribed: Vec<(Output<E>, Tag)>,
    /// The stages, by their places, that have handled all that the part in front had for them.
    passed: Vec<StageId>,
}

impl<E> Default for Gate<E> {
    fn default() -> Self {
        Gate {
            state: Mutex::new(Passing {
                subscribed: Vec::new(),
                passed: Vec::new(),
            }),
            left: AtomicBool::new(false),
        }
    }
}

impl<E> Gate<E> {
    /// A worker behind has subscribed.
    fn enter(&self, output: Output<E>, tag: Tag) {
        let mut state = lock(&self.state);
        if state.passed.contains(&output.id) {
            end(&output, tag);
        }
        state.subscribed.push((output, tag));
    }

    /// A stage has handled and given away all that it got of the part in front: its part in the flow is over.
    pub(crate) fn pass(&self, stage: &Output<E>) {
        let mut state = lock(&self.state);
        state.passed.push(stage.id);
        for (output, tag) in &state.subscribed {
            if output.id == stage.id {
                end(output, *tag);
            }
        }
    }

    /// Whether the part behind wants no more.
    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }
}

fn end<E>(output: &Output<E>, tag: Tag) {
    output.outlet.cancel(tag, Ended::Cancelled(Reason::Normal));
}

impl<E: Send + 'static> Pipe for FromStages<E> {
    type Item = E;
    type Iter<'s>
        = vec::IntoIter<E>
    where
        Self: 's;
    type Feed<'s>
        = StagesFeed<'s, E>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> StagesFeed<'s, E> {
        let mut state = lock(&self.state);
        if let Some(begin) = state.begin.take() {
            match begin() {
                Ok(begun) => self.begin(&mut state, begun, cx.of),
                // Under the lock, so that no worker takes no producers for the end of the input.
                Err(error) => cx.shared.fail(cx.locate(error)),
            }
        }
        let taker = state.takers.get_mut(cx.index).and_then(Option::take);
        drop(state);
        StagesFeed {
            source: self,
            cx,
            taker: taker.unwrap_or_else(Taker::new),
            rest: Vec::new().into_iter(),
            border: false,
            drained: false,
        }
    }
}

impl<E: Send + 'static> FromStages<E> {
    /// Subscribes all workers, by the first of them, before any of them asks: a producer that has little to give must not
    /// have ended before the last has come.
    fn begin(&self, state: &mut State<E>, producers: Vec<Begun<E>>, workers: usize) {
        let mut takers: Vec<Taker<E>> = (0..workers).map(|_| Taker::new()).collect();
        for Begun {
            output,
            options,
            owned,
        } in producers
        {
            for taker in &mut takers {
                let tag = taker.subscribe(output.clone(), &options);
                if let Some(gate) = &self.gate {
                    gate.enter(output.clone(), tag);
                }
            }
            state.owned.extend(owned);
        }
        takers.iter_mut().for_each(Taker::begin);
        if let (false, Some(first)) = (state.owned.is_empty(), takers.first()) {
            first.forward();
        }
        state.takers = takers.into_iter().map(Some).collect();
    }
}

/// One worker's subscriptions.
pub struct StagesFeed<'s, E: Send + 'static> {
    source: &'s FromStages<E>,
    cx: &'s Context,
    taker: Taker<E>,
    /// What is left of a chunk that is larger than a batch.
    rest: vec::IntoIter<E>,
    /// Whether a chunk has just ended: what gathers items lets go of them, and then more is asked for.
    border: bool,
    drained: bool,
}

impl<E: Send + 'static> Feed for StagesFeed<'_, E> {
    type Iter = vec::IntoIter<E>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let origin = self.source.gate.is_none();
        if origin && self.cx.shared.draining() && !self.drained {
            // What is under way still comes, and then the end.
            self.drained = true;
            self.taker.cancel();
        }
        if std::mem::take(&mut self.border) {
            return Ok(Pull::Border);
        }
        if self.rest.len() == 0 {
            match self.taker.take()? {
                Taken::Chunk(chunk) => self.rest = chunk.into_iter(),
                Taken::Nothing => return Ok(Pull::Pending),
                Taken::End => return Ok(Pull::End),
            }
        }
        let size = self.cx.group.items(size_of::<E>());
        let items = if self.rest.len() <= size {
            std::mem::take(&mut self.rest)
        } else {
            self.rest
                .by_ref()
                .take(size)
                .collect::<Vec<E>>()
                .into_iter()
        };
        self.border = self.rest.len() == 0;
        let ticket = self.source.ticket.fetch_add(1, Ordering::Relaxed);
        begin(self.cx, ticket, items.len());
        Ok(Pull::Chunk(items))
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.taker
            .wait(until.unwrap_or_else(|| Instant::now() + LOOK));
    }
}

impl<E: Send + 'static> Drop for StagesFeed<'_, E> {
    fn drop(&mut self) {
        let shared = &self.cx.shared;
        let reason = Reason::of_run(shared.failure(), shared.halted());
        self.taker.leave(&Ended::Down(reason));
        let mut state = lock(&self.source.state);
        state.closed += 1;
        if state.closed < self.cx.of {
            return;
        }
        let owned = std::mem::take(&mut state.owned);
        drop(state);
        if let Some(gate) = &self.source.gate {
            gate.left.store(true, Ordering::Release);
        }
        // Each is stopped and waited for.
        drop(owned);
    }
}

impl<E> fmt::Debug for FromStages<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromStages").finish_non_exhaustive()
    }
}

impl<E: Send + 'static> fmt::Debug for StagesFeed<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagesFeed").finish_non_exhaustive()
    }
}
