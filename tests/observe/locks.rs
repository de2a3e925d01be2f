//! Code of others is called without a lock: while a subscriber thinks about a batch, other workers of the stage go on.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{ThreadId, current};
use std::time::Duration;

use crossbeam_channel::unbounded;
use millstream::{Error, Flow};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Metadata, Subscriber};

/// A subscriber that keeps each worker that has taken a batch until another one has, too.
#[derive(Clone, Default)]
struct Meeting(Arc<(Mutex<Room>, Condvar)>);

/// Who has come, and whether one has waited in vain.
#[derive(Default)]
struct Room {
    came: BTreeSet<Came>,
    in_vain: bool,
}

/// A thread that has come, as something that can be sorted.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Came(String);

impl From<ThreadId> for Came {
    fn from(thread: ThreadId) -> Self {
        Came(format!("{thread:?}"))
    }
}

impl Meeting {
    /// Whether two have met while the flow ran.
    fn of(self, flow: impl FnOnce() -> Result<u64, Error>) -> bool {
        with_default(self.clone(), flow).unwrap();
        let room = self.0.0.lock().unwrap();
        room.came.len() >= 2 && !room.in_vain
    }
}

impl Subscriber for Meeting {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == "millstream"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        if event.metadata().name() != "millstream.batch.in" {
            return;
        }
        // Only those who would meet: the stages in front of them have one worker.
        if !current().name().is_some_and(|name| name.contains("meet")) {
            return;
        }
        let (room, changed) = &*self.0;
        let mut room = room.lock().unwrap();
        room.came.insert(current().id().into());
        changed.notify_all();
        // Long enough for any machine; nobody waits for it unless the other one cannot come.
        let patience = Duration::from_secs(20);
        let alone = |room: &mut Room| room.came.len() < 2 && !room.in_vain;
        let (mut room, waited) = changed.wait_timeout_while(room, patience, alone).unwrap();
        room.in_vain |= waited.timed_out();
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn workers_of_one_iterator_meet() {
    let flow = Flow::from_iter(0..100u64).name("meet").stages(2);
    assert!(Meeting::default().of(|| flow.count()));
}

#[test]
fn workers_of_one_channel_meet() {
    let (sender, receiver) = unbounded();
    (0..100u64).for_each(|n| sender.send(n).unwrap());
    drop(sender);
    let flow = Flow::from_receiver(receiver).name("meet").stages(2);
    assert!(Meeting::default().of(|| flow.count()));
}

#[test]
fn workers_of_one_zip_meet() {
    let side = || Flow::from_range(0..100u64).stages(1).ordered();
    let flow = side().zip(side()).name("meet").stages(2).batch(1);
    assert!(Meeting::default().of(|| flow.count()));
}

#[test]
fn workers_of_one_queue_meet() {
    let flow = Flow::from_range(0..100u64).stages(1).shuffle();
    let flow = flow.name("meet").stages(2).batch(1);
    assert!(Meeting::default().of(|| flow.count()));
}
