//! A consumer that runs a task for each event, each on a thread of its own.

mod calls;
mod credit;
mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ahash::RandomState;
use crossbeam_channel::{Receiver, Sender, unbounded};

use calls::{Look, StartAgain};
pub use calls::{TaskCount, TaskState};
use credit::Credit;
use task::{Finished, Run, spawn};
pub use task::{Task, TaskId};

use super::Consumer;
use super::emit::Caller;
use super::kind::Consumes;
use super::port::Upstream;
use super::reason::{Answer, Asking, Ended, Init, Next, Reason};
use super::reference::StageRef;
use super::start::{self, Builder};
use super::subscription::Tag;
use super::supervise::{Limit, Restart};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::ManualClock;

/// A consumer that runs a task for each event: see [`consumer_supervisor`].
pub struct ConsumerSupervisor<E: Send + 'static> {
    run: Run<E>,
    restart: Restart,
    limit: Limit,
    on_failure: Option<OnFailure>,
    /// Set as it starts.
    this: Option<StageRef<Consumes<Self>>>,
    producers: HashMap<Tag, Credit<E>, RandomState>,
    /// In the order they were started.
    tasks: BTreeMap<TaskId, Entry<E>>,
    next: u64,
    /// The stage ends, and tasks that fail now are not done with.
    ending: bool,
    finished: Sender<Finished<E>>,
    left: Receiver<Finished<E>>,
}

/// Who is told of tasks that failed.
type OnFailure = Box<dyn FnMut(TaskId, &Error) + Send>;

/// A task that counts.
struct Entry<E> {
    task: Task,
    /// The subscription its event came by; none if it was started by hand.
    from: Option<Tag>,
    state: State<E>,
    /// Those that wait for its end.
    callers: Vec<Caller<bool>>,
}

enum State<E> {
    Runs(JoinHandle<()>),
    Restarting(E),
}

/// A consumer that runs a task for each event, each on a thread of its own: for events that are dear and wait, such as
/// requests. A closure is given the event and the [`Task`], and says by its result whether it failed.
///
/// **How many.** No more tasks run than the subscription's `max_demand`, for each subscription of its own. When at
/// least `min_demand` of them have ended since it last asked, it asks for as many as have. So between `max_demand -
/// min_demand` and `max_demand` tasks run while there are events: `min_demand` is not the least number of tasks, but
/// how many have to end before more come. With zero (or one) each that ends makes room for the next at once.
///
/// **Failures.** A task that returns an error or panics has ended as one that did not: nothing else ends by it. With
/// [`restart(Restart::Transient)`](Builder::restart) it is started again with its event, in the place it has; more
/// [restarts](Builder::max_restarts) than three in five seconds are the stage's end. [`Restart::Permanent`] is refused:
/// an event would be worked on for ever. A task for which there is no thread to be had has failed, and is not tried
/// again. Failures are given to [`on_failure`](Builder::on_failure).
///
/// **Ends.** Tasks go on when a temporary subscription ends. When the stage ends it waits for its tasks: no thread is
/// left behind. If its reason is [`Reason::Normal`] (the producers are done, or [`stop`](super::Handle::stop)) they run
/// to their end, restarts included. Otherwise (the handle is dropped, a failure) [`Task::is_stopped`] tells them to
/// return, and none is restarted. A thread cannot be killed: a task that never looks is waited for as long as it takes.
///
/// **With redelivery** an event is done with when its task has ended, well or not, and those of all events before it.
/// Not done with are those whose tasks failed too often, or failed when they were told to stop since the stage ends;
/// they come again to whoever gets the rest.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Subscription};
/// use std::sync::mpsc::channel;
///
/// let (sender, lengths) = channel();
/// let pages = stage::from_iter(["one", "three", "seven"]).start()?;
/// stage::consumer_supervisor(move |page: &&str, _| Ok(sender.send(page.len())?))
///     .subscribe_to(&pages, Subscription::new().max_demand(2).min_demand(0))
///     .start()?
///     .join()?;
/// let mut lengths: Vec<_> = lengths.iter().collect();
/// lengths.sort();
/// assert_eq!(lengths, [3, 5, 5]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn consumer_supervisor<E, F>(run: F) -> Builder<Consumes<ConsumerSupervisor<E>>>
where
    E: Send + 'static,
    F: Fn(&E, &Task) -> Result<(), BoxError> + Send + Sync + 'static,
{
    let (finished, left) = unbounded();
    start::consumer(ConsumerSupervisor {
        run: Arc::new(run),
        restart: Restart::Temporary,
        limit: Limit::new(),
        on_failure: None,
        this: None,
        producers: HashMap::with_hasher(RandomState::new()),
        tasks: BTreeMap::new(),
        next: 0,
        ending: false,
        finished,
        left,
    })
}

impl<E: Send + 'static> Builder<Consumes<ConsumerSupervisor<E>>> {
    /// Whether tasks that failed are started again: [`Restart::Temporary`], never, if nothing else is said, or
    /// [`Restart::Transient`]. Starting the stage refuses [`Restart::Permanent`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.kind.0.restart = restart;
        self
    }

    /// At most so many restarts in a time, of all tasks together; one more is the end of the stage, with an error.
    pub fn max_restarts(mut self, most: usize, within: Duration) -> Self {
        self.kind.0.limit.set(most, within);
        self
    }

    /// The clock by which restarts are counted: for tests.
    pub fn clock(mut self, clock: &ManualClock) -> Self {
        self.kind.0.limit.set_clock(clock);
        self
    }

    /// Called for each task that failed, on the stage's thread, before anything is done about it. A panic in it is the
    /// stage's end.
    pub fn on_failure(mut self, on_failure: impl FnMut(TaskId, &Error) + Send + 'static) -> Self {
        self.kind.0.on_failure = Some(Box::new(on_failure));
        self
    }
}

impl<E: Send + 'static> ConsumerSupervisor<E> {
    /// Starts a task for an event that came.
    fn start(&mut self, event: E, from: Option<Tag>) -> Result<TaskId, Error> {
        let task = Task::new(TaskId(self.next));
        self.next += 1;
        let id = task.id();
        let thread = self.spawn(task.clone(), event)?;
        let entry = Entry {
            task,
            from,
            state: State::Runs(thread),
            callers: Vec::new(),
        };
        self.tasks.insert(id, entry);
        Ok(id)
    }

    fn spawn(&self, task: Task, event: E) -> Result<JoinHandle<()>, Error> {
        let Some(this) = self.this.clone() else {
            let message = "a task can only be started by a stage that runs";
            return Err(Error::new(ErrorKind::Stage, message));
        };
        let name = format!("{}-task-{}", this.name(), task.id());
        // A stage at its end looks by itself.
        let look = move || drop(this.cast(Look));
        let run = self.run.clone();
        spawn(name, task, event, run, self.finished.clone(), look)
    }

    /// Tells the owner of a failure.
    fn tell(&mut self, id: TaskId, error: &Error) -> Result<(), Error> {
        let Some(on_failure) = &mut self.on_failure else {
            return Ok(());
        };
        catch_unwind(AssertUnwindSafe(|| on_failure(id, error))).map_err(Error::panicked)
    }

    /// A task has returned: it makes room, or is to be restarted.
    fn returned(&mut self, finished: Finished<E>) -> Result<(), Error> {
        let id = finished.id;
        let Some(entry) = self.tasks.get_mut(&id) else {
            return Ok(());
        };
        let stopped = entry.task.is_stopped();
        let Some((event, error)) = finished.failed else {
            self.forget(id, true);
            return Ok(());
        };
        if self.restart != Restart::Transient || stopped {
            self.forget(id, !self.ending);
            return self.tell(id, &error);
        }
        if !self.limit.allows() {
            self.forget(id, false);
            self.tell(id, &error)?;
            let last = error.to_string();
            return Err(self.limit.exceeded("a task", &last).because(error.into()));
        }
        if let State::Runs(thread) = std::mem::replace(&mut entry.state, State::Restarting(event)) {
            // It has caught its panics, and is at its end.
            let _ = thread.join();
        }
        self.tell(id, &error)?;
        if let Some(this) = &self.this {
            // A stage at its end restarts by itself.
            let _ = this.cast(StartAgain(id));
        }
        Ok(())
    }

    /// Starts a task again that is to be; not one that was terminated meanwhile.
    fn start_again(&mut self, id: TaskId) -> Result<(), Error> {
        let Some(entry) = self.tasks.remove(&id) else {
            return Ok(());
        };
        let State::Restarting(event) = entry.state else {
            self.tasks.insert(id, entry);
            return Ok(());
        };
        match self.spawn(entry.task.clone(), event) {
            Ok(thread) => {
                let state = State::Runs(thread);
                self.tasks.insert(id, Entry { state, ..entry });
                Ok(())
            }
            Err(error) => {
                self.release(entry.from, id, true);
                self.tell(id, &error)
            }
        }
    }

    /// A task is gone: waits for its thread, makes room, and tells those that wait. Its event is done with, or is not.
    fn forget(&mut self, id: TaskId, done: bool) {
        let Some(entry) = self.tasks.remove(&id) else {
            return;
        };
        if let State::Runs(thread) = entry.state {
            // It has caught its panics, and is at its end.
            let _ = thread.join();
        }
        self.release(entry.from, id, done);
        for mut caller in entry.callers {
            caller.reply_now(true);
        }
    }

    /// The place of a task is free.
    fn release(&mut self, from: Option<Tag>, id: TaskId, done: bool) {
        let Some(tag) = from else {
            return;
        };
        if let Some(credit) = self.producers.get_mut(&tag) {
            if done {
                credit.settle(id);
            }
            credit.free();
            if credit.is_over() {
                self.producers.remove(&tag);
            }
        }
    }

    /// Ends a task that waits for its restart, or asks one that runs to return.
    fn end(&mut self, id: TaskId, caller: &mut Caller<bool>) {
        match self.tasks.get_mut(&id) {
            None => caller.reply(false),
            Some(entry) => {
                entry.task.stop();
                if let State::Runs(_) = entry.state {
                    entry.callers.push(caller.later());
                } else {
                    self.forget(id, true);
                    caller.reply(true);
                }
            }
        }
    }

    /// Waits for all tasks: to their end, or as soon as they return.
    fn wait(&mut self, mut to_their_end: bool) {
        loop {
            if !to_their_end {
                self.ending = true;
                self.tasks.values().for_each(|entry| entry.task.stop());
            }
            let restarting = self
                .tasks
                .iter()
                .filter_map(|(id, entry)| match entry.state {
                    State::Restarting(_) => Some(*id),
                    State::Runs(_) => None,
                });
            for id in restarting.collect::<Vec<_>>() {
                match to_their_end {
                    true => to_their_end &= self.start_again(id).is_ok(),
                    false => self.forget(id, false),
                }
            }
            if self.tasks.is_empty() {
                return;
            }
            // Each that runs leaves something here.
            match self.left.recv() {
                Ok(finished) => to_their_end &= self.returned(finished).is_ok(),
                Err(_) => return,
            }
        }
    }
}

impl<E: Send + 'static> Consumer for ConsumerSupervisor<E> {
    type Event = E;

    fn init(&mut self, this: &StageRef<Consumes<Self>>) -> Result<Init, BoxError> {
        if self.restart == Restart::Permanent {
            let message = "restart(Permanent): an event would be worked on for ever; use Transient or Temporary";
            return Err(Error::new(ErrorKind::Option, message).into());
        }
        self.this = Some(this.clone());
        Ok(Init::Run)
    }

    fn handle_subscribe(&mut self, producer: &Upstream<E>) -> Result<Asking, BoxError> {
        let credit = Credit::new(producer.clone());
        credit.begin();
        self.producers.insert(producer.tag(), credit);
        Ok(Asking::Manual)
    }

    fn handle_events(&mut self, batch: Vec<E>, from: &Upstream<E>) -> Answer {
        let tag = from.tag();
        for event in batch {
            let id = TaskId(self.next);
            if let Some(credit) = self.producers.get_mut(&tag) {
                credit.came(id);
            }
            if let Err(error) = self.start(event, Some(tag)) {
                self.release(Some(tag), id, true);
                self.tell(id, &error)?;
            }
        }
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, producer: &Upstream<E>, _: &Ended) -> Answer {
        let tag = producer.tag();
        if let Some(credit) = self.producers.get_mut(&tag) {
            credit.end();
            if credit.is_over() {
                self.producers.remove(&tag);
            }
        }
        Ok(Next::Go)
    }

    fn settles(&self) -> bool {
        true
    }

    fn works(&self) -> bool {
        !self.tasks.is_empty()
    }

    fn terminate(&mut self, reason: &Reason) {
        self.wait(matches!(reason, Reason::Normal));
        for credit in self.producers.values() {
            credit.abandon(reason);
        }
    }
}

impl<E: Send + 'static> fmt::Debug for ConsumerSupervisor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerSupervisor")
            .field("restart", &self.restart)
            .field("limit", &self.limit)
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}
