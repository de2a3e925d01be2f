//! A supervisor that runs: its thread waits for children to end, and starts them again.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::super::reason::Reason;
use super::Strategy;
use super::child::Ward;
use super::limit::{Limit, Restart};
use crate::error::{Error, ErrorKind};
use crate::run::StopToken;

/// A child that has ended by itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exit<'a> {
    /// Its name.
    pub child: &'a str,
    /// Why it ended.
    pub reason: &'a Reason,
    /// Whether it is to be started again, if the limit allows it.
    pub comes_again: bool,
}

/// Who is told of exits.
pub(super) type OnExit = Box<dyn FnMut(&Exit<'_>) + Send>;

/// What comes to the supervisor's thread.
enum Word {
    /// A child has ended: which, and which of its starts.
    Ended(usize, u64, Reason),
    Stop,
}

/// What a child is at.
enum State {
    /// The number of its start.
    Runs(u64),
    /// It ended, or was stopped to be started again.
    Stopped,
    /// It ended and does not come again by itself.
    Done(Reason),
}

/// The children and what they are at.
pub(super) struct Children {
    wards: Vec<Box<dyn Ward>>,
    states: Vec<State>,
    starts: u64,
    sender: Sender<Word>,
    words: Receiver<Word>,
}

impl Children {
    pub(super) fn new(wards: Vec<Box<dyn Ward>>) -> Self {
        let (sender, words) = unbounded();
        Children {
            states: wards.iter().map(|_| State::Stopped).collect(),
            wards,
            starts: 0,
            sender,
            words,
        }
    }

    pub(super) fn start_all(&mut self) -> Result<(), Error> {
        for index in 0..self.wards.len() {
            self.start(index)?;
        }
        Ok(())
    }

    /// Starts a child that does not run.
    fn start(&mut self, index: usize) -> Result<(), Error> {
        self.starts += 1;
        let (sender, start) = (self.sender.clone(), self.starts);
        let on_end = Box::new(move |reason| {
            // A supervisor that is at its end needs no telling.
            let _ = sender.send(Word::Ended(index, start, reason));
        });
        match self.wards[index].start(on_end) {
            Ok(()) => self.states[index] = State::Runs(start),
            // Nothing to do for it is a good end.
            Err(error) if error.kind() == ErrorKind::Ignored => {
                self.orphan_consumers(index, &Reason::Normal);
                self.states[index] = State::Done(Reason::Normal);
            }
            Err(error) => return Err(error),
        }
        // Producers that are gone for good cannot tell it so.
        for (_, to) in self.wards[index].links() {
            if let State::Done(reason) = &self.states[to] {
                self.wards[index].orphan(to, reason);
            }
        }
        Ok(())
    }

    /// Stops those of a range that run, the last first.
    fn stop(&mut self, range: Range<usize>) {
        for index in range.rev() {
            if let State::Runs(_) = self.states[index] {
                self.wards[index].stop();
                self.states[index] = match self.wards[index].restart() {
                    Restart::Temporary => State::Done(Reason::Shutdown),
                    _ => State::Stopped,
                };
            }
        }
    }

    pub(super) fn stop_all(&mut self) {
        self.stop(0..self.wards.len());
    }

    /// Tells the consumers of a child that it does not come again.
    fn orphan_consumers(&self, of: usize, reason: &Reason) {
        for ward in &self.wards {
            ward.orphan(of, reason);
        }
    }

    /// Whether all have ended for good.
    fn are_done(&self) -> bool {
        let mut states = self.states.iter();
        states.all(|state| matches!(state, State::Done(_)))
    }
}

/// The thread of a supervisor.
struct Watch {
    children: Children,
    strategy: Strategy,
    limit: Limit,
    on_exit: Option<OnExit>,
    restarts: Arc<AtomicU64>,
    /// So that nothing is started any more, whatever waits before the word.
    stop: StopToken,
}

impl Watch {
    fn work(&mut self) -> Result<(), Error> {
        while !self.children.are_done() && !self.stop.is_stopped() {
            match self.children.words.recv() {
                Ok(Word::Ended(index, start, reason)) => self.ended(index, start, reason)?,
                // It has a sender itself.
                Ok(Word::Stop) | Err(_) => break,
            }
        }
        Ok(())
    }

    fn ended(&mut self, index: usize, start: u64, reason: Reason) -> Result<(), Error> {
        // One that was stopped, or never was a start that counts, has been dealt with.
        if !matches!(self.children.states[index], State::Runs(running) if running == start) {
            return Ok(());
        }
        let ward = &mut self.children.wards[index];
        ward.stop();
        let comes_again = match ward.restart() {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_good(),
            Restart::Temporary => false,
        };
        if let Some(on_exit) = &mut self.on_exit {
            on_exit(&Exit {
                child: ward.name(),
                reason: &reason,
                comes_again,
            });
        }
        if !comes_again {
            self.children.orphan_consumers(index, &reason);
            self.children.states[index] = State::Done(reason);
            return Ok(());
        }
        self.children.states[index] = State::Stopped;
        self.restart(index, reason.to_string())
    }

    /// Starts a child again, and those that belong to it, until it works or was tried too often.
    fn restart(&mut self, mut index: usize, mut why: String) -> Result<(), Error> {
        let all = self.children.wards.len();
        let mut group = index..index;
        loop {
            if !self.limit.allows() {
                let name = format!("child {:?}", self.children.wards[index].name());
                return Err(self
                    .limit
                    .exceeded(&name, &why)
                    .of_stage(self.children.wards[index].name()));
            }
            self.restarts.fetch_add(1, Ordering::Relaxed);
            let with_it = match self.strategy {
                Strategy::OneForOne => index..index + 1,
                Strategy::RestForOne => index..all,
                Strategy::OneForAll => 0..all,
            };
            self.children.stop(with_it.clone());
            group = match group.is_empty() {
                true => with_it,
                false => group.start.min(with_it.start)..group.end.max(with_it.end),
            };
            match self.start_group(group.clone()) {
                Ok(()) => return Ok(()),
                // It does not matter any more.
                Err(_) if self.stop.is_stopped() => return Ok(()),
                Err((failed, error)) => (index, why) = (failed, error.to_string()),
            }
        }
    }

    /// Starts those of a range that do not run, in their order, and subscribes their consumers again.
    fn start_group(&mut self, group: Range<usize>) -> Result<(), (usize, Error)> {
        let alone = self.strategy == Strategy::OneForOne;
        for index in group {
            let again = match &self.children.states[index] {
                State::Runs(_) => false,
                State::Stopped => true,
                State::Done(_) => {
                    !alone && self.children.wards[index].restart() != Restart::Temporary
                }
            };
            if !again {
                continue;
            }
            // Until it runs it is not done, so consumers started meanwhile are not told so.
            self.children.states[index] = State::Stopped;
            if let Err(error) = self.children.start(index) {
                return Err((index, error));
            }
            for (consumer, ward) in self.children.wards.iter().enumerate() {
                if matches!(self.children.states[consumer], State::Runs(_)) {
                    ward.resubscribe(index);
                }
            }
        }
        Ok(())
    }
}

/// A supervisor that runs, and its owner: dropping it stops the children in reverse order, waits for their threads, and
/// for its own.
///
/// To be dropped, stopped and joined from outside: a child that does so in a callback waits for itself.
#[must_use = "dropping it stops the children"]
pub struct Supervising {
    sender: Sender<Word>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    restarts: Arc<AtomicU64>,
    stop: StopToken,
}

impl Supervising {
    pub(super) fn watch(
        children: Children,
        strategy: Strategy,
        limit: Limit,
        on_exit: Option<OnExit>,
    ) -> Result<Self, Error> {
        let sender = children.sender.clone();
        let restarts = Arc::new(AtomicU64::new(0));
        let counted = restarts.clone();
        let stop = StopToken::new();
        let asked = stop.clone();
        // If there is no thread, the children are dropped with the closure; the handles of those that run stop them.
        let watch = move || {
            let mut watch = Watch {
                children,
                strategy,
                limit,
                on_exit,
                restarts: counted,
                stop: asked,
            };
            let worked = catch_unwind(AssertUnwindSafe(|| watch.work()));
            watch.children.stop_all();
            worked.unwrap_or_else(|payload| Err(Error::panicked(payload)))
        };
        let thread = thread::Builder::new()
            .name("supervisor".to_owned())
            .spawn(watch)
            .map_err(|error| {
                let message = format!("cannot start a thread for a supervisor: {error}");
                Error::new(ErrorKind::Spawn, message)
            })?;
        Ok(Supervising {
            sender,
            thread: Some(thread),
            restarts,
            stop,
        })
    }

    /// How many restarts there were so far; those of a strategy that belong together are one.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Waits until no child is left to come again.
    ///
    /// # Errors
    /// [`ErrorKind::Stage`] if there were too many restarts, with the last reason; what
    /// [`on_exit`](super::Supervisor::on_exit) panicked with. A child that failed and is not restarted is no error here.
    pub fn join(mut self) -> Result<(), Error> {
        self.wait()
    }

    /// Stops the children in reverse order, and waits.
    ///
    /// # Errors
    /// As [`join`](Supervising::join), if the supervisor had failed before.
    pub fn stop(mut self) -> Result<(), Error> {
        self.ask();
        self.wait()
    }

    fn ask(&self) {
        self.stop.stop();
        // One that has ended needs no asking.
        let _ = self.sender.send(Word::Stop);
    }

    fn wait(&mut self) -> Result<(), Error> {
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|p| Err(Error::panicked(p))),
            None => Ok(()),
        }
    }
}

impl Drop for Supervising {
    fn drop(&mut self) {
        self.ask();
        // Whoever wants to know the outcome joins.
        let _ = self.wait();
    }
}

impl fmt::Debug for Supervising {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervising")
            .field("restarts", &self.restarts())
            .finish_non_exhaustive()
    }
}
