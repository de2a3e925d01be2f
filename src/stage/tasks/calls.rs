//! What a running `ConsumerSupervisor` is asked by others, and what it tells itself.

use super::super::emit::{Caller, Emit};
use super::super::kind::{Consumes, Never};
use super::super::message::{Call, Cast};
use super::super::reason::{Answer, Next};
use super::super::reference::StageRef;
use super::{ConsumerSupervisor, State, TaskId};
use crate::error::Error;

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It runs.
    Active,
    /// It failed and is about to be started again.
    Restarting,
}

/// How many tasks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TaskCount {
    /// All that have a place.
    pub specified: usize,
    /// Those that run.
    pub active: usize,
}

/// Tasks have returned.
pub(super) struct Look;

/// A task is to be started again.
pub(super) struct StartAgain(pub(super) TaskId);

struct StartTask<E>(E);
pub(super) struct Which;
pub(super) struct Terminate(pub(super) TaskId);

impl<E: Send + 'static> Cast<Look> for ConsumerSupervisor<E> {
    type Event = Never;
    fn handle_cast(&mut self, _: Look, _: &mut Emit<Never>) -> Answer {
        while let Ok(finished) = self.left.try_recv() {
            self.returned(finished)?;
        }
        Ok(Next::Go)
    }
}

impl<E: Send + 'static> Cast<StartAgain> for ConsumerSupervisor<E> {
    type Event = Never;
    fn handle_cast(&mut self, message: StartAgain, _: &mut Emit<Never>) -> Answer {
        self.start_again(message.0)?;
        Ok(Next::Go)
    }
}

impl<E: Send + 'static> Call<StartTask<E>> for ConsumerSupervisor<E> {
    type Reply = Result<TaskId, Error>;
    type Event = Never;
    fn handle_call(
        &mut self,
        message: StartTask<E>,
        caller: &mut Caller<Self::Reply>,
        _: &mut Emit<Never>,
    ) -> Answer {
        caller.reply(self.start(message.0, None));
        Ok(Next::Go)
    }
}

impl<E: Send + 'static> Call<Which> for ConsumerSupervisor<E> {
    type Reply = Vec<(TaskId, TaskState)>;
    type Event = Never;
    fn handle_call(
        &mut self,
        _: Which,
        caller: &mut Caller<Self::Reply>,
        _: &mut Emit<Never>,
    ) -> Answer {
        let tasks = self.tasks.iter().map(|(id, entry)| match entry.state {
            State::Runs(_) => (*id, TaskState::Active),
            State::Restarting(_) => (*id, TaskState::Restarting),
        });
        caller.reply(tasks.collect());
        Ok(Next::Go)
    }
}

impl<E: Send + 'static> Call<Terminate> for ConsumerSupervisor<E> {
    type Reply = bool;
    type Event = Never;
    fn handle_call(
        &mut self,
        message: Terminate,
        caller: &mut Caller<bool>,
        _: &mut Emit<Never>,
    ) -> Answer {
        self.end(message.0, caller);
        Ok(Next::Go)
    }
}

impl<E: Send + 'static> StageRef<Consumes<ConsumerSupervisor<E>>> {
    /// Starts a task for an event of one's own, beside those that were asked for: it is not counted against `max_demand`.
    ///
    /// # Errors
    /// The stage has ended, or there is no thread to be had.
    pub fn start_child(&self, event: E) -> Result<TaskId, Error> {
        self.call(StartTask(event))?
    }

    /// Tells a task to stop, and waits until it has returned; its place is free then, and it is not started again. False
    /// if there is no such task. One that waits for its restart is gone at once.
    ///
    /// A thread cannot be killed: a task that never looks at [`Task::is_stopped`](super::Task::is_stopped) is waited
    /// for as long as it takes.
    ///
    /// # Errors
    /// The stage has ended, or does meanwhile.
    pub fn terminate_child(&self, task: TaskId) -> Result<bool, Error> {
        self.call(Terminate(task))
    }

    /// The tasks that have a place, in the order they were started first.
    pub fn which_children(&self) -> Result<Vec<(TaskId, TaskState)>, Error> {
        self.call(Which)
    }

    /// How many tasks have a place, and how many of them run.
    pub fn count_children(&self) -> Result<TaskCount, Error> {
        let tasks = self.call(Which)?;
        let active = tasks.iter().filter(|(_, s)| *s == TaskState::Active);
        Ok(TaskCount {
            specified: tasks.len(),
            active: active.count(),
        })
    }
}
