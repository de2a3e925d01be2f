//! What cannot be seen from outside: a task between its failure and its restart.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::testing::pushed;
use super::super::{Call, Cast, Consumes, Emit, Never, StageRef, Subscription};
use super::calls::{Terminate, Which};
use super::*;

const GUARD: Duration = Duration::from_secs(10);

/// Lets a test put messages between a failure and the restart: the callback runs in the middle of that.
struct Between<M>(M, Sender<()>);

impl<M: Send> Cast<Between<M>> for ConsumerSupervisor<Seen>
where
    ConsumerSupervisor<Seen>: Call<M, Event = Never>,
    Heard: Hears<<ConsumerSupervisor<Seen> as Call<M>>::Reply>,
{
    type Event = Never;
    fn handle_cast(&mut self, message: Between<M>, out: &mut Emit<Never>) -> Answer {
        let (to, reply) = crossbeam_channel::bounded(1);
        let mut caller = Caller::new(to);
        let answer = self.handle_call(message.0, &mut caller, out);
        caller.send();
        Heard.hears(reply.try_recv().ok());
        let _ = message.1.send(());
        answer
    }
}

/// What a reply has to be.
struct Heard;

trait Hears<R> {
    fn hears(&self, reply: Option<R>);
}

impl Hears<Vec<(TaskId, TaskState)>> for Heard {
    fn hears(&self, reply: Option<Vec<(TaskId, TaskState)>>) {
        assert_eq!(reply, Some(vec![(TaskId(0), TaskState::Restarting)]));
    }
}

impl Hears<bool> for Heard {
    fn hears(&self, reply: Option<bool>) {
        assert_eq!(reply, Some(true));
    }
}

/// An event that fails at first; the number tells it from others.
struct Seen(u32);

type Stage = StageRef<Consumes<ConsumerSupervisor<Seen>>>;

/// Runs one event that fails, with a message handled between its failure and its restart, and a second event that does
/// not. Returns what ran.
fn between(post: impl Fn(&Stage, Sender<()>) + Send + 'static) -> Receiver<u32> {
    let (ran, runs) = channel();
    let (handled, wait) = channel();
    let this: Arc<Mutex<Option<Stage>>> = Arc::default();
    let known = this.clone();
    let first = Mutex::new(true);
    let supervisor = consumer_supervisor(move |event: &Seen, _| {
        ran.send(event.0)?;
        match std::mem::take(&mut *first.lock().unwrap()) {
            true => Err("fails at first".into()),
            false => Ok(()),
        }
    })
    .restart(Restart::Transient)
    .on_failure(move |_, _| {
        if let Some(stage) = &*known.lock().unwrap() {
            post(stage, handled.clone());
        }
    })
    .start()
    .unwrap();
    *this.lock().unwrap() = Some(supervisor.stage());
    let producer = pushed().start().unwrap();
    let one = Subscription::new().max_demand(1).min_demand(0);
    supervisor.subscribe(&producer, one).unwrap();
    producer.push([Seen(1), Seen(2)]).unwrap();
    wait.recv_timeout(GUARD).unwrap();
    producer.finish().unwrap();
    producer.join().unwrap();
    supervisor.join().unwrap();
    *this.lock().unwrap() = None;
    runs
}

#[test]
fn cs_03_a_task_that_restarts_has_its_place() {
    let runs = between(|stage, handled| stage.cast(Between(Which, handled)).unwrap());
    // The second had to wait for the first, which ran twice.
    assert_eq!(runs.iter().collect::<Vec<_>>(), [1, 1, 2]);
}

#[test]
fn cs_03_a_task_that_restarts_can_be_terminated() {
    let terminate = |stage: &Stage, handled| stage.cast(Between(Terminate(TaskId(0)), handled));
    let runs = between(move |stage, handled| terminate(stage, handled).unwrap());
    assert_eq!(runs.iter().collect::<Vec<_>>(), [1, 2]);
}
