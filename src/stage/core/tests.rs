//! Messages that no reference can send, since tags and ends are made together: a stage takes them calmly.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::stage::port::{Emits, Inlet, Join, Joining};
use crate::stage::subscription::{StageId, Subscription};
use crate::stage::testing::{pushed, recorder};

/// What a consumer without a stage is sent.
enum Sent {
    Events(Tag, Vec<u32>),
    Ended(Tag, Ended),
}

struct Bare(Sender<Sent>);

impl Inlet<u32> for Bare {
    fn events(&self, tag: Tag, events: Vec<u32>) {
        let _ = self.0.send(Sent::Events(tag, events));
    }
    fn ended(&self, tag: Tag, ended: Ended) {
        let _ = self.0.send(Sent::Ended(tag, ended));
    }
}

fn join(tag: Tag) -> (Joining<u32>, Receiver<Sent>) {
    let (sender, sent) = channel();
    let join = Join {
        tag,
        wants: Subscription::new().wants(StageId::new()),
        redelivery: None,
        link: None,
        inlet: Arc::new(Bare(sender)),
    };
    (Joining::new(join), sent)
}

#[test]
fn gc_16_the_same_subscription_twice_is_refused() -> Result<(), Error> {
    let producer = pushed::<u32>().start()?;
    let outlet = producer.output().outlet;
    let tag = Tag::new();
    let (first, sent) = join(tag);
    outlet.subscribe(first);
    let (second, refused) = join(tag);
    outlet.subscribe(second);
    producer.demanded()?;
    let Ok(Sent::Ended(of, Ended::Cancelled(Reason::Duplicate))) = refused.try_recv() else {
        panic!("the second was not refused");
    };
    assert_eq!(of, tag);
    // The first is as it was.
    outlet.ask(tag, 2);
    producer.push([1, 2])?;
    let Ok(Sent::Events(of, events)) = sent.try_recv() else {
        panic!("no events");
    };
    assert_eq!((of, events), (tag, vec![1, 2]));
    producer.stop()
}

#[test]
fn gc_16_asks_and_cancels_of_unknown_subscriptions_change_nothing() -> Result<(), Error> {
    let producer = pushed::<u32>().start()?;
    let outlet = producer.output().outlet;
    outlet.ask(Tag::new(), 10);
    outlet.cancel(Tag::new(), Ended::Cancelled(Reason::Normal));
    assert!(producer.demanded()?.is_empty());
    producer.stop()
}

#[test]
fn gc_16_events_of_unknown_subscriptions_are_not_handled() -> Result<(), Error> {
    let (consumer, records) = recorder::<u32>();
    let consumer = consumer.start()?;
    let mailbox = consumer.stage().mailbox;
    mailbox.events(Tag::new(), vec![1]);
    mailbox.ended(Tag::new(), Ended::Down(Reason::Normal));
    consumer.stop()?;
    let first = records.recv_timeout(Duration::from_secs(10));
    assert!(
        matches!(first, Ok(crate::stage::testing::Record::Terminated(_))),
        "{first:?}"
    );
    Ok(())
}

#[test]
fn a_subscription_on_its_way_to_a_stage_that_ends_is_told() -> Result<(), Error> {
    let producer = pushed::<u32>().start()?;
    let outlet = producer.output().outlet;
    producer.stop()?;
    let tag = Tag::new();
    let (late, sent) = join(tag);
    outlet.subscribe(late);
    let Ok(Sent::Ended(of, Ended::Down(Reason::NoStage))) = sent.try_recv() else {
        panic!("nothing was said");
    };
    assert_eq!(of, tag);
    Ok(())
}
