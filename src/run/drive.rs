//! The one kind of worker: pull a chunk through the chain, drain it into the output, stop when there is no room, resume.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use super::{Context, Stage, Step, Worker};
use crate::error::Error;
use crate::observe::Begun;
use crate::output::{Output, Sink};
use crate::step::{Feed, Pipe, Pull, Release};

/// A closed stage: a chain and where its items go.
pub(crate) struct Closed<P, S> {
    pub(crate) pipe: P,
    pub(crate) sink: S,
}

impl<P: Pipe, S: Sink<P::Item>> Stage for Closed<P, S> {
    fn worker<'s>(&'s self, cx: &'s Context) -> Box<dyn Worker + 's> {
        // A panic in a step's `init` must become known before the output closes, or consumers would take it for
        // the end of the input.
        let output = self.sink.open(cx);
        match catch_unwind(AssertUnwindSafe(|| self.pipe.open(cx))) {
            Ok(feed) => Box::new(Drive {
                pipe: &self.pipe,
                feed,
                output,
                chunk: None,
                cut: false,
                ending: false,
                begun: Begun::default(),
                cx,
            }),
            Err(payload) => Box::new(Broken {
                _output: output,
                payload: Some(payload),
            }),
        }
    }

    fn abandon(&self) {
        self.pipe.release(Release::Abandon);
        self.sink.abandon();
    }
}

/// One worker of a stage.
struct Drive<'s, P, D: Feed, O> {
    /// The chain that all workers of the stage share.
    pipe: &'s P,
    feed: D,
    output: O,
    /// What is left of a chunk that filled the output.
    chunk: Option<D::Iter>,
    /// Whether the last chunk was cut, so that the next one goes on with it.
    cut: bool,
    /// Set when the input has ended and only the output has things to hand over.
    ending: bool,
    /// When the chunk was begun, if somebody listens.
    begun: Begun,
    cx: &'s Context,
}

impl<P, D: Feed, O: Output<<D::Iter as Iterator>::Item>> Drive<'_, P, D, O> {
    /// The error that a step or the output has left in the context, if there is one.
    #[inline]
    fn failed(&self) -> Result<Step, Error> {
        self.cx.take_fault().map_or(Ok(Step::Progress), Err)
    }

    fn drain(&mut self, chunk: D::Iter) -> Result<Step, Error> {
        self.chunk = self.output.drain(chunk);
        self.failed()?;
        if self.chunk.is_none() {
            self.cut = self.cx.cut.get();
            if self.cut {
                // The step that cut it is about to wait, so what is there goes on its way.
                self.output.flush();
            } else {
                self.output.end();
                self.cx.counts.tap.done(&mut self.begun);
            }
        }
        Ok(Step::Progress)
    }
}

impl<P: Pipe, D: Feed, O: Output<<D::Iter as Iterator>::Item>> Worker for Drive<'_, P, D, O> {
    fn step(&mut self) -> Result<Step, Error> {
        if self.output.closed() {
            // Nobody behind wants more, so nobody before need make any: workers that wait for input must end too.
            self.pipe.release(Release::Close);
            return Ok(Step::Done);
        }
        let delivered = self.output.deliver();
        self.failed()?;
        if !delivered {
            return Ok(Step::Full);
        }
        if let Some(rest) = self.chunk.take() {
            return self.drain(rest);
        }
        if self.ending {
            let finished = self.output.finish();
            self.failed()?;
            return Ok(if finished { Step::Done } else { Step::Full });
        }
        // Before anything is taken: whoever looks must not believe that nothing is under way.
        self.output.awake();
        if self.feed.slow() {
            self.output.flush();
        }
        let pulled = self.feed.pull()?;
        self.failed()?;
        if self.cx.shared.halted() {
            // An input that ended because the run failed must not pass for a complete one: what a reduction gave
            // now would be a part in disguise.
            return Ok(Step::Progress);
        }
        match pulled {
            Pull::Chunk(chunk) => {
                if !self.cut {
                    self.output.begin(self.cx.ticket.get());
                    self.begun = self.cx.counts.tap.begun();
                }
                self.drain(chunk)
            }
            Pull::Again => Ok(Step::Progress),
            Pull::Border => {
                self.output.border();
                self.failed()
            }
            Pull::Pending => {
                // A step that has cut a chunk still has its rest.
                if !self.cut {
                    self.output.idle();
                }
                Ok(Step::Empty)
            }
            Pull::End => {
                self.ending = true;
                Ok(Step::Progress)
            }
        }
    }

    fn wait_input(&mut self, until: Option<Instant>) {
        self.feed.wait(until);
    }

    fn wait_room(&mut self, until: Option<Instant>) {
        self.output.wait(until);
    }

    fn linger(&self) -> Option<Instant> {
        self.output.linger()
    }

    fn flush(&mut self) {
        self.output.flush();
    }

    fn timer(&self) -> Option<Instant> {
        // An output that waits for its time is not given anything before it.
        self.output.timer().or_else(|| self.feed.timer())
    }
}

/// A worker whose chain panicked while it was opened: it holds its output open until it has said so.
struct Broken<O> {
    _output: O,
    payload: Option<Box<dyn Any + Send>>,
}

impl<O> Worker for Broken<O> {
    fn step(&mut self) -> Result<Step, Error> {
        match self.payload.take() {
            Some(payload) => resume_unwind(payload),
            None => Ok(Step::Done),
        }
    }

    fn wait_input(&mut self, _until: Option<Instant>) {}

    fn wait_room(&mut self, _until: Option<Instant>) {}

    fn linger(&self) -> Option<Instant> {
        None
    }

    fn flush(&mut self) {}

    fn is_broken(&self) -> bool {
        true
    }
}
