//! The time line of a run: its report, looked at from time to time.
//!
//! It reads counters and nothing else. Where no thread is to be had, the run goes on without a time line.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::sampler::Sampler;
use crate::error::Error;
use crate::run::{Timeline, Watch, Watched, Watching, lock};

/// Keeps the time line of each run of a flow.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    every: Duration,
}

impl Timekeeper {
    /// With so long from one look to the next, at least a millisecond.
    pub(crate) fn every(every: Duration) -> Self {
        Timekeeper {
            every: every.max(Duration::from_millis(1)),
        }
    }
}

impl Watch for Timekeeper {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        let line = Arc::new(Mutex::new(Timeline::new(self.every)));
        if !run.keep(line.clone()) {
            return Box::new(|_: Result<(), &Error>| ());
        }
        let (run, every, lost) = (run.clone(), self.every, run.lost());
        let mut next = Duration::ZERO;
        let look = move |line: &mut Arc<Mutex<Timeline>>| {
            let seen = run.report_now();
            // A line that was full takes every other look from then on.
            if seen.elapsed() + every / 2 >= next {
                let mut line = lock(line);
                line.add(&seen);
                next = seen.elapsed() + line.interval();
            }
        };
        let sampler = Sampler::start("flow:timeline", every, lost, line, look);
        Box::new(move |_: Result<(), &Error>| {
            sampler.stop(|_| ());
        })
    }
}
