//! Buffers of events that nobody has asked for, and infos that keep their place among them.

use std::sync::mpsc::{Receiver, Sender, channel};

use millstream::stage::testing::{Record, pushed};
use millstream::stage::{
    self, Answer, Builder, Call, Caller, Cast, Consumer, Emit, Handle, Info, Keep, Never, Next,
    Producer, Produces, Subscription, Upstream,
};
use millstream::{BoxError, Error};

use crate::common::{Ping, batch, counter, demands, doubled, gated, middle, next, nothing, record};

/// What a [`Queue`] tells the test.
#[derive(Debug, PartialEq)]
enum Told {
    Demand(usize),
    Note(char),
    Discarded(usize),
}

/// Emits letters it is sent, and small letters of its own when asked, if it may.
struct Queue {
    counts: bool,
    next: u8,
    told: Sender<Told>,
}

struct Letters(&'static str);
struct Note(char);

impl Queue {
    fn tell(&self, told: Told) -> Result<Next, BoxError> {
        self.told.send(told)?;
        Ok(Next::Go)
    }
}

impl Producer for Queue {
    type Event = char;

    fn handle_demand(&mut self, n: usize, out: &mut Emit<char>) -> Answer {
        if self.counts {
            let end = self.next + u8::try_from(n)?;
            out.extend((self.next..end).map(char::from));
            self.next = end;
        }
        self.tell(Told::Demand(n))
    }

    fn handle_discarded(&mut self, count: usize) {
        let _ = self.tell(Told::Discarded(count));
    }
}

impl Cast<Letters> for Queue {
    type Event = char;
    fn handle_cast(&mut self, letters: Letters, out: &mut Emit<char>) -> Answer {
        out.extend(letters.0.chars());
        Ok(Next::Go)
    }
}

impl Info<Letters> for Queue {
    type Event = char;
    fn handle_info(&mut self, letters: Letters, out: &mut Emit<char>) -> Answer {
        out.extend(letters.0.chars());
        Ok(Next::Go)
    }
}

impl Info<Note> for Queue {
    type Event = char;
    fn handle_info(&mut self, note: Note, _: &mut Emit<char>) -> Answer {
        self.tell(Told::Note(note.0))
    }
}

fn queue(counts: bool) -> (Builder<Produces<Queue>>, Receiver<Told>) {
    let (told, receiver) = channel();
    let queue = Queue {
        counts,
        next: b'0',
        told,
    };
    (stage::producer(queue), receiver)
}

fn text(from: &Receiver<Record<char>>) -> String {
    batch(from).into_iter().collect()
}

#[test]
fn bu_01_the_buffer_serves_before_the_producer() -> Result<(), Error> {
    let (queue, told) = queue(true);
    let queue = queue.start()?;
    queue.sync_info(Letters("abc"))?;
    queue.cast(Letters("de"))?;
    let (_consumer, received) = record(&queue, demands(4, 0))?;
    for letters in ["abcd", "e", "012", "3456"] {
        assert_eq!(text(&received), letters);
    }
    assert_eq!(next(&told), Told::Demand(3));
    assert_eq!(next(&told), Told::Demand(4));
    Ok(())
}

/// What a consumer gets of eight letters in a buffer for five.
fn overflow(keep: Keep) -> Result<(Vec<String>, Handle<Produces<Queue>>), Error> {
    let (queue, told) = queue(false);
    let queue = queue.buffer(5, keep).start()?;
    queue.cast(Letters("abcde"))?;
    assert_eq!(queue.estimate_buffered_count()?, 5);
    nothing(&told);
    queue.cast(Letters("fgh"))?;
    assert_eq!(next(&told), Told::Discarded(3));
    assert_eq!(queue.discarded(), 3);
    let (_consumer, received) = record(&queue, demands(4, 0))?;
    Ok((vec![text(&received), text(&received)], queue))
}

#[test]
fn bu_02_keep_first() -> Result<(), Error> {
    assert_eq!(overflow(Keep::First)?.0, ["abcd", "e"]);
    Ok(())
}

#[test]
fn bu_03_keep_last() -> Result<(), Error> {
    assert_eq!(overflow(Keep::Last)?.0, ["defg", "h"]);
    Ok(())
}

#[test]
fn bu_04_without_bound() -> Result<(), Error> {
    let (queue, told) = queue(false);
    let queue = queue.buffer_unbounded().start()?;
    queue.cast(Letters("abcde"))?;
    queue.cast(Letters("fgh"))?;
    let (_consumer, received) = record(&queue, demands(4, 0))?;
    assert_eq!(text(&received), "abcd");
    assert_eq!(text(&received), "efgh");
    assert_eq!(next(&told), Told::Demand(4));
    assert_eq!(queue.discarded(), 0);
    Ok(())
}

#[test]
fn bu_05_the_callback_and_the_handle_know_what_was_dropped() -> Result<(), Error> {
    let (_, queue) = overflow(Keep::First)?;
    assert_eq!(queue.discarded(), 3);
    Ok(())
}

#[test]
fn bu_06_how_many_wait() -> Result<(), Error> {
    let (queue, _told) = queue(false);
    let queue = queue.start()?;
    queue.cast(Letters("abcde"))?;
    assert_eq!(queue.estimate_buffered_count()?, 5);
    queue.cast(Letters("fgh"))?;
    assert_eq!(queue.estimate_buffered_count()?, 8);
    let (_consumer, received) = record(&queue, demands(4, 0))?;
    assert_eq!(text(&received), "abcd");
    assert_eq!(text(&received), "efgh");
    assert_eq!(queue.estimate_buffered_count()?, 0);
    Ok(())
}

#[test]
fn a_buffer_that_blocks_makes_those_wait_who_push() -> Result<(), Error> {
    let producer = pushed().buffer(4, Keep::Block).start()?;
    producer.push(0..6)?;
    assert_eq!(producer.estimate_buffered_count()?, 6);
    let (pushing, pushed) = channel();
    let stage = producer.stage();
    let pusher = std::thread::spawn(move || -> Result<(), Error> {
        for start in [6, 8] {
            stage.push(start..start + 2)?;
            let _ = pushing.send(start);
        }
        Ok(())
    });
    // Two are gone, but four are left: still no room.
    let mut consumer = gated(&producer, demands(2, 0))?;
    assert_eq!(next(&consumer.batches), [0, 1]);
    assert_eq!(producer.estimate_buffered_count()?, 4);
    nothing(&pushed);
    let (free, _) = channel();
    consumer.go = free;
    for start in [2, 4, 6, 8] {
        assert_eq!(next(&consumer.batches), [start, start + 1]);
    }
    assert_eq!((next(&pushed), next(&pushed)), (6, 8));
    assert_eq!(producer.discarded(), 0);
    pusher.join().expect("no panic")
}

/// Reports its infos at once.
struct Sink(Sender<char>);

impl Consumer for Sink {
    type Event = char;
    fn handle_events(&mut self, _: Vec<char>, _: &Upstream<char>) -> Answer {
        Ok(Next::Go)
    }
}

impl Info<Note> for Sink {
    type Event = Never;
    fn handle_info(&mut self, note: Note, _: &mut Emit<Never>) -> Answer {
        self.0.send(note.0)?;
        Ok(Next::Go)
    }
}

#[test]
fn gi_01_a_consumer_gets_infos_at_once() -> Result<(), Error> {
    let (sender, notes) = channel();
    let sink = stage::consumer(Sink(sender)).start()?;
    sink.sync_info(Note('a'))?;
    assert_eq!(notes.try_recv(), Ok('a'));
    sink.async_info(Note('b'))?;
    assert_eq!(next(&notes), 'b');
    Ok(())
}

#[test]
fn gi_02_a_middle_stage_gets_infos_behind_its_events() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (middle, seen) = middle(2);
    let middle = middle.start()?;
    middle.sync_info(())?;
    assert!(matches!(seen.try_recv(), Ok(Record::Terminated(_))));
    middle.subscribe(&counter, demands(100, 80))?;
    middle.call(Ping)?;
    counter.call(Ping)?;
    middle.sync_info(())?;
    nothing(&seen);
    // Two hundred events are made of the hundred that wait; the info is behind them all.
    let (_consumer, received) = record(&middle, demands(200, 100))?;
    for start in (0..100).step_by(20) {
        assert_eq!(batch(&seen), Vec::from_iter(start..start + 20));
        assert_eq!(batch(&received), doubled(start..start + 20));
    }
    assert!(matches!(next(&seen), Record::Terminated(_)));
    Ok(())
}

#[test]
fn gi_03_a_producer_gets_infos_behind_its_buffer() -> Result<(), Error> {
    let (bare, told) = queue(false);
    let bare = bare.start()?;
    bare.sync_info(Note('x'))?;
    assert_eq!(told.try_recv(), Ok(Told::Note('x')));
    bare.async_info(Note('y'))?;
    assert_eq!(next(&told), Told::Note('y'));

    for (size, letters) in [(100, "abc"), (3, "a"), (3, "ab"), (3, "abc")] {
        let (queue, told) = queue(false);
        let queue = queue.buffer(size, Keep::Last).start()?;
        queue.cast(Letters(letters))?;
        queue.sync_info(Note('x'))?;
        nothing(&told);
        let (_consumer, received) = record(&queue, demands(4, 0))?;
        assert_eq!(text(&received), letters);
        let mut seen = vec![next(&told), next(&told)];
        seen.sort_by_key(|told| matches!(told, Told::Demand(_)));
        let rest = 4 - letters.len();
        assert_eq!(seen, [Told::Note('x'), Told::Demand(rest)]);
    }
    Ok(())
}

/// A consumer that asks by hand.
fn by_hand(
    queue: &Handle<Produces<Queue>>,
) -> Result<
    (
        impl Fn(usize) -> Result<(), Error>,
        Receiver<Record<char>>,
        Handle<stage::Consumes<Hand>>,
    ),
    Error,
> {
    let (seen, received) = channel();
    let hand = stage::consumer(Hand { from: None, seen });
    let hand = hand
        .subscribe_to(queue, Subscription::new().manual())
        .start()?;
    let stage = hand.stage();
    Ok((move |n| stage.call(Ask(n)), received, hand))
}

struct Hand {
    from: Option<Upstream<char>>,
    seen: Sender<Record<char>>,
}

struct Ask(usize);

impl Consumer for Hand {
    type Event = char;
    fn handle_events(&mut self, batch: Vec<char>, _: &Upstream<char>) -> Answer {
        self.seen.send(Record::Events(batch))?;
        Ok(Next::Go)
    }
    fn handle_subscribe(&mut self, producer: &Upstream<char>) -> Result<stage::Asking, BoxError> {
        self.from = Some(producer.clone());
        Ok(stage::Asking::Manual)
    }
}

impl Call<Ask> for Hand {
    type Reply = ();
    type Event = Never;
    fn handle_call(&mut self, ask: Ask, caller: &mut Caller<()>, _: &mut Emit<Never>) -> Answer {
        if let Some(from) = &self.from {
            from.ask(ask.0);
        }
        caller.reply(());
        Ok(Next::Go)
    }
}

#[test]
fn gi_04_infos_in_a_buffer_that_moves() -> Result<(), Error> {
    let (queue, told) = queue(false);
    let queue = queue.buffer(3, Keep::Last).start()?;
    queue.cast(Letters("abc"))?;
    queue.sync_info(Note('1'))?;
    let (ask, received, _hand) = by_hand(&queue)?;
    ask(2)?;
    assert_eq!(text(&received), "ab");
    queue.cast(Letters("de"))?;
    queue.sync_info(Note('2'))?;
    nothing(&told);
    ask(1)?;
    assert_eq!(text(&received), "c");
    assert_eq!(next(&told), Told::Note('1'));
    ask(2)?;
    assert_eq!(text(&received), "de");
    assert_eq!(next(&told), Told::Note('2'));
    assert_eq!(queue.discarded(), 0);
    Ok(())
}

#[test]
fn gi_05_an_overflow_delivers_the_infos_behind_what_it_drops() -> Result<(), Error> {
    let (queue, told) = queue(false);
    let queue = queue.buffer(3, Keep::Last).start()?;
    queue.cast(Letters("abc"))?;
    queue.sync_info(Note('x'))?;
    nothing(&told);
    queue.cast(Letters("def"))?;
    let mut seen = vec![next(&told), next(&told)];
    seen.sort_by_key(|told| matches!(told, Told::Note(_)));
    assert_eq!(seen, [Told::Discarded(3), Told::Note('x')]);
    Ok(())
}

#[test]
fn gi_06_infos_cut_batches_and_keep_their_order() -> Result<(), Error> {
    let (queue, told) = queue(false);
    let queue = queue.start()?;
    queue.cast(Letters("abc"))?;
    for note in ['d', 'e', 'f'] {
        queue.sync_info(Note(note))?;
    }
    queue.cast(Letters("gh"))?;
    queue.sync_info(Note('i'))?;
    let (ask, received, _hand) = by_hand(&queue)?;
    ask(5)?;
    assert_eq!(text(&received), "abc");
    assert_eq!(text(&received), "gh");
    for note in ['d', 'e', 'f', 'i'] {
        assert_eq!(next(&told), Told::Note(note));
    }
    Ok(())
}
