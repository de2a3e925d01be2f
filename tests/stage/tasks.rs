//! A task for each event: rows CS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use millstream::stage::testing::pushed;
use millstream::stage::{
    self, Builder, Cancel, ConsumerSupervisor, Consumes, Handle, Restart, Subscription, TaskId,
    TaskState,
};
use millstream::{ErrorKind, ManualClock};

use crate::common::{demands, next, nothing};

/// How a task ends.
enum End {
    Well,
    Error,
    Panic,
}

/// An event: its task runs until it is told how to end, or to stop.
struct Job {
    number: u64,
    ends: Receiver<End>,
}

/// A job that runs until the sender says more or is gone.
fn job(number: u64) -> (Job, Sender<End>) {
    let (sender, ends) = channel();
    (Job { number, ends }, sender)
}

/// A job that ends at once.
fn at_once(number: u64, end: End) -> Job {
    let (job, ends) = job(number);
    ends.send(end).unwrap();
    job
}

/// A supervisor of jobs; each that starts is told, with its number, as is each that failed.
fn supervisor() -> (
    Builder<Consumes<ConsumerSupervisor<Job>>>,
    Receiver<(u64, TaskId)>,
    Receiver<String>,
) {
    let (started, starts) = channel();
    let (failed, failures) = channel();
    let supervisor = stage::consumer_supervisor(move |job: &Job, task| {
        started.send((job.number, task.id()))?;
        loop {
            match job.ends.recv_timeout(Duration::from_millis(1)) {
                Ok(End::Well) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(End::Error) => return Err(format!("job {} failed", job.number).into()),
                Ok(End::Panic) => panic!("job {} panicked", job.number),
                Err(RecvTimeoutError::Timeout) if task.is_stopped() => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    });
    let supervisor = supervisor.on_failure(move |_, error| {
        let _ = failed.send(error.to_string());
    });
    (supervisor, starts, failures)
}

fn active(supervisor: &Handle<Consumes<ConsumerSupervisor<Job>>>) -> usize {
    let count = supervisor.count_children().unwrap();
    assert_eq!(count.specified, count.active);
    count.active
}

#[test]
fn cs_01_a_task_for_each_event_and_failures_do_not_count() {
    let (supervisor, starts, failures) = supervisor();
    let producer = pushed().start().unwrap();
    let supervisor = supervisor
        .subscribe_to(&producer, Subscription::new())
        .start()
        .unwrap();
    let (one, _one) = job(1);
    let (five, _five) = job(5);
    let jobs = [
        one,
        at_once(2, End::Error),
        at_once(3, End::Panic),
        at_once(4, End::Well),
        five,
    ];
    producer.push(jobs).unwrap();
    let mut numbers: Vec<u64> = (0..5).map(|_| next(&starts).0).collect();
    numbers.sort();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let mut messages = [next(&failures), next(&failures)];
    messages.sort();
    assert!(messages[0].contains("job 3 panicked"), "{messages:?}");
    assert!(messages[1].contains("job 2 failed"), "{messages:?}");
    // The fourth may be about to end still.
    while active(&supervisor) > 2 {}
    // And it goes on.
    let (six, _six) = job(6);
    producer.push([six]).unwrap();
    assert_eq!(next(&starts).0, 6);
    assert_eq!(active(&supervisor), 3);
}

#[test]
fn cs_02_one_at_a_time() {
    let (supervisor, starts, _failures) = supervisor();
    let producer = pushed().start().unwrap();
    let supervisor = supervisor
        .subscribe_to(&producer, demands(1, 0))
        .start()
        .unwrap();
    let (one, ends_one) = job(1);
    let (four, _four) = job(4);
    let (five, _five) = job(5);
    let jobs = [
        one,
        at_once(2, End::Error),
        at_once(3, End::Well),
        four,
        five,
    ];
    producer.push(jobs).unwrap();
    assert_eq!(next(&starts).0, 1);
    assert_eq!(active(&supervisor), 1);
    nothing(&starts);

    ends_one.send(End::Panic).unwrap();
    assert_eq!([next(&starts).0, next(&starts).0], [2, 3]);
    let (number, task) = next(&starts);
    assert_eq!(number, 4);
    assert_eq!(
        supervisor.which_children().unwrap(),
        [(task, TaskState::Active)]
    );
    nothing(&starts);

    assert!(supervisor.terminate_child(task).unwrap());
    assert_eq!(next(&starts).0, 5);
    assert!(!supervisor.terminate_child(task).unwrap());
}

#[test]
fn cs_03_a_transient_task_is_restarted_in_its_place() {
    let (supervisor, starts, failures) = supervisor();
    let producer = pushed().start().unwrap();
    let supervisor = supervisor.restart(Restart::Transient);
    let supervisor = supervisor
        .subscribe_to(&producer, demands(1, 0))
        .start()
        .unwrap();
    let (one, ends) = job(1);
    let (two, _two) = job(2);
    producer.push([one, two]).unwrap();
    let (_, first) = next(&starts);
    ends.send(End::Panic).unwrap();
    assert!(next(&failures).contains("panicked"));
    assert_eq!(next(&starts), (1, first));
    ends.send(End::Error).unwrap();
    assert_eq!(next(&starts), (1, first));
    // The place is not free meanwhile: nothing was asked for.
    assert_eq!(active(&supervisor), 1);
    nothing(&starts);
    ends.send(End::Well).unwrap();
    assert_eq!(next(&starts).0, 2);
}

#[test]
fn cs_04_tasks_outlive_their_producer() {
    let (supervisor, starts, _failures) = supervisor();
    let producer = pushed().start().unwrap();
    let temporary = || demands(2, 0).cancel(Cancel::Temporary);
    let supervisor = supervisor
        .subscribe_to(&producer, temporary())
        .start()
        .unwrap();
    let (one, ends_one) = job(1);
    let (two, _two) = job(2);
    producer.push([one, two]).unwrap();
    next(&starts);
    next(&starts);
    producer.stop().unwrap();
    assert_eq!(active(&supervisor), 2);
    // Their ends are no demand for anybody.
    drop(ends_one);
    while active(&supervisor) > 1 {}
    let producer = pushed().start().unwrap();
    supervisor.subscribe(&producer, temporary()).unwrap();
    let (three, _three) = job(3);
    producer.push([three]).unwrap();
    assert_eq!(next(&starts).0, 3);
    assert_eq!(producer.demanded().unwrap(), [2]);
}

#[test]
fn cs_05_as_many_as_ended_are_asked_for_when_they_are_min_demand() {
    let (supervisor, starts, _failures) = supervisor();
    let producer = pushed().start().unwrap();
    let supervisor = supervisor
        .subscribe_to(&producer, demands(3, 2))
        .start()
        .unwrap();
    let (jobs, _ends): (Vec<Job>, Vec<Sender<End>>) = (0..6).map(job).unzip();
    producer.push(jobs).unwrap();
    let mut tasks: Vec<TaskId> = (0..3).map(|_| next(&starts).1).collect();
    assert!(supervisor.terminate_child(tasks.remove(0)).unwrap());
    assert_eq!(producer.estimate_buffered_count().unwrap(), 3);
    assert_eq!(active(&supervisor), 2);
    nothing(&starts);
    assert!(supervisor.terminate_child(tasks.remove(0)).unwrap());
    next(&starts);
    next(&starts);
    assert_eq!(producer.estimate_buffered_count().unwrap(), 1);
    assert_eq!(active(&supervisor), 3);
    nothing(&starts);
}

#[test]
fn cs_05_nothing_is_asked_for_while_all_run() {
    let (supervisor, starts, _failures) = supervisor();
    let producer = pushed().start().unwrap();
    let supervisor = supervisor
        .subscribe_to(&producer, demands(3, 0))
        .start()
        .unwrap();
    let (one, _one) = job(1);
    let (two, _two) = job(2);
    producer.push([one, two]).unwrap();
    let (_, first) = next(&starts);
    next(&starts);
    assert_eq!(active(&supervisor), 2);
    assert_eq!(producer.demanded().unwrap(), [3]);
    supervisor.terminate_child(first).unwrap();
    assert_eq!(producer.demanded().unwrap(), [3, 1]);
}

#[test]
fn cs_06_too_many_restarts_are_the_end() {
    let (supervisor, starts, _failures) = supervisor();
    let clock = ManualClock::new();
    let supervisor = supervisor
        .restart(Restart::Transient)
        .clock(&clock)
        .start()
        .unwrap();
    let (fails, ends) = job(1);
    let (other, _other) = job(2);
    for _ in 0..4 {
        ends.send(End::Error).unwrap();
    }
    supervisor.start_child(other).unwrap();
    supervisor.start_child(fails).unwrap();
    let error = supervisor.join().unwrap_err();
    let message = error.to_string();
    assert!(message.contains("max_restarts(3, 5s)"), "{message}");
    assert!(message.contains("job 1 failed"), "{message}");
    // The other was told to stop, and has.
    assert_eq!(starts.iter().filter(|(number, _)| *number == 1).count(), 4);
}

#[test]
fn cs_06_restarts_long_ago_do_not_count() {
    let clock = ManualClock::new();
    let hands = clock.clone();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let supervisor = stage::consumer_supervisor(move |_: &(), _| {
        match counted.fetch_add(1, Ordering::Relaxed) {
            10 => Ok(()),
            _ => Err("again".into()),
        }
    });
    let supervisor = supervisor
        .restart(Restart::Transient)
        .max_restarts(1, Duration::from_secs(1))
        .clock(&clock)
        .on_failure(move |_, _| hands.advance(Duration::from_secs(1)));
    let supervisor = supervisor.start().unwrap();
    supervisor.start_child(()).unwrap();
    // A normal end waits for the tasks, with their restarts.
    supervisor.stop().unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 11);
}

#[test]
fn cs_06_permanent_is_refused() {
    let (supervisor, ..) = supervisor();
    let error = supervisor.restart(Restart::Permanent).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(
        error.to_string().contains("Transient or Temporary"),
        "{error}"
    );
}

/// A supervisor with so many tasks that run until they are told to stop, and the number of those that run.
fn looking(tasks: usize) -> (Handle<Consumes<ConsumerSupervisor<()>>>, Arc<AtomicUsize>) {
    let running = Arc::new(AtomicUsize::new(0));
    let counted = running.clone();
    let (started, starts) = channel();
    let supervisor = stage::consumer_supervisor(move |_: &(), task| {
        counted.fetch_add(1, Ordering::SeqCst);
        started.send(())?;
        while !task.is_stopped() {
            std::thread::yield_now();
        }
        counted.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    });
    let supervisor = supervisor.start().unwrap();
    for _ in 0..tasks {
        supervisor.start_child(()).unwrap();
    }
    (0..tasks).for_each(|_| next(&starts));
    (supervisor, running)
}

#[test]
fn cs_06_dropping_tells_the_tasks_to_stop_and_waits() {
    let (supervisor, running) = looking(3);
    assert_eq!(running.load(Ordering::SeqCst), 3);
    drop(supervisor);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[test]
fn cs_07_a_producer_that_is_gone() {
    let gone = || {
        let producer = pushed().start().unwrap();
        let output = stage::Emits::output(&producer);
        producer.stop().unwrap();
        output
    };
    let (permanent, ..) = supervisor();
    let permanent = permanent
        .subscribe_to(gone(), Subscription::new())
        .start()
        .unwrap();
    let error = permanent.join().unwrap_err();
    assert!(error.to_string().contains("had ended before"), "{error}");

    let (temporary, ..) = supervisor();
    let options = Subscription::new().cancel(Cancel::Temporary);
    let temporary = temporary.subscribe_to(gone(), options).start().unwrap();
    assert_eq!(active(&temporary), 0);

    let producer = pushed().start().unwrap();
    let (refused, ..) = supervisor();
    let error = refused
        .subscribe_to(&producer, demands(0, 0))
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
}

#[test]
fn tasks_started_by_hand_are_not_counted_against_demand() {
    let (supervisor, starts, _failures) = supervisor();
    let producer = pushed().start().unwrap();
    let supervisor = supervisor
        .subscribe_to(&producer, demands(1, 0))
        .start()
        .unwrap();
    let (one, _one) = job(1);
    let (two, _two) = job(2);
    let (three, _three) = job(3);
    producer.push([one, three]).unwrap();
    assert_eq!(next(&starts).0, 1);
    let task = supervisor.start_child(two).unwrap();
    assert_eq!(next(&starts), (2, task));
    assert!(supervisor.terminate_child(task).unwrap());
    assert_eq!(active(&supervisor), 1);
    assert_eq!(producer.demanded().unwrap(), [1]);
}
