//! Async streams into flows and out of them: under an executor of a few lines, where every wake-up counts, and in tokio.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use millstream::{Error, ErrorKind, Flow, FlowStream, StopToken};
use proptest::prelude::*;
use tokio::sync::mpsc;

/// A waker of a thread that waits.
struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// Runs a future; it polls only when it was woken, so a lost wake-up is a test that hangs.
fn block_on<F: Future>(future: F) -> F::Output {
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        woken: AtomicBool::new(true),
    });
    let waker = Waker::from(unpark.clone());
    let mut future = pin!(future);
    loop {
        while !unpark.woken.swap(false, Ordering::SeqCst) {
            thread::park();
        }
        if let Poll::Ready(made) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return made;
        }
    }
}

/// All items of a stream, and the error if there was one.
async fn all<T>(mut stream: FlowStream<T>) -> (Vec<T>, Option<Error>) {
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(item) => items.push(item),
            Err(error) => {
                // It is the last, and the stream stays at its end.
                assert!(stream.next().await.is_none());
                assert!(stream.is_terminated());
                return (items, Some(error));
            }
        }
    }
    assert!(stream.next().await.is_none());
    (items, None)
}

/// A stream over a queue with room for a few items, whose sender blocks.
#[derive(Clone)]
struct Queue(Arc<Mutex<Inner>>);

struct Inner {
    items: VecDeque<u64>,
    room: usize,
    closed: bool,
    waker: Option<Waker>,
    sender: Option<Thread>,
}

impl Queue {
    fn new(room: usize) -> Self {
        Queue(Arc::new(Mutex::new(Inner {
            items: VecDeque::new(),
            room,
            closed: false,
            waker: None,
            sender: None,
        })))
    }

    fn send(&self, item: u64) {
        loop {
            let mut inner = self.0.lock().unwrap();
            if inner.items.len() < inner.room {
                inner.items.push_back(item);
                let waker = inner.waker.take();
                drop(inner);
                waker.into_iter().for_each(Waker::wake);
                return;
            }
            inner.sender = Some(thread::current());
            drop(inner);
            thread::park();
        }
    }

    fn close(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.closed = true;
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Stream for Queue {
    type Item = u64;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<u64>> {
        let mut inner = self.0.lock().unwrap();
        if let Some(item) = inner.items.pop_front() {
            if let Some(sender) = inner.sender.take() {
                sender.unpark();
            }
            return Poll::Ready(Some(item));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        inner.waker = Some(task.waker().clone());
        Poll::Pending
    }
}

/// A stream of a list in which `None` is a moment when it has nothing yet.
struct Halting(std::vec::IntoIter<Option<u64>>);

impl Stream for Halting {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<u64>> {
        match self.0.next() {
            Some(None) => {
                task.waker().wake_by_ref();
                Poll::Pending
            }
            Some(item) => Poll::Ready(item),
            None => Poll::Ready(None),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// In, a step, and out: what comes is what went, in its order where that is asked for.
    #[test]
    fn a_stream_through_a_flow_is_the_stream(
        items in proptest::collection::vec(proptest::option::of(0..1000u64), 0..200),
        workers in 1..4usize,
        batch in 1..5usize,
        buffer in 1..3usize,
        ordered in any::<bool>(),
        seed in proptest::option::of(0..100u64),
    ) {
        let mut expected: Vec<u64> = items.iter().flatten().map(|n| n + 1).collect();
        let mut flow = Flow::from_stream(Halting(items.into_iter()))
            .stages(workers)
            .batch(batch)
            .buffer(buffer)
            .map(|n| n + 1);
        if ordered {
            flow = flow.ordered();
        }
        if let Some(seed) = seed {
            flow = flow.seeded(seed);
        }
        let (mut got, error) = block_on(all(flow.into_stream()));
        prop_assert!(error.is_none());
        if !ordered {
            got.sort();
            expected.sort();
        }
        prop_assert_eq!(got, expected);
    }
}

/// One place everywhere, so that both sides wait for each other all the time.
#[test]
fn no_wake_up_is_lost() {
    for run in 0..100 {
        let queue = Queue::new(1);
        let sender = queue.clone();
        let sending = thread::spawn(move || {
            (0..50).for_each(|n| sender.send(n));
            sender.close();
        });
        let flow = Flow::from_stream(queue)
            .stages(1 + run % 3)
            .batch(1)
            .buffer(1);
        let (mut got, error) = block_on(all(flow.into_stream()));
        sending.join().unwrap();
        assert!(error.is_none());
        got.sort();
        assert!(got.into_iter().eq(0..50));
    }
}

/// A stream that has nothing counts how often it is asked.
struct Silent(Arc<AtomicU64>);

impl Stream for Silent {
    type Item = u64;

    fn poll_next(self: Pin<&mut Self>, _task: &mut Context<'_>) -> Poll<Option<u64>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Poll::Pending
    }
}

#[test]
fn a_stream_that_waits_is_not_asked_again() {
    let asked = Arc::new(AtomicU64::new(0));
    let error = Flow::from_stream(Silent(asked.clone()))
        .stages(3)
        .deadline(Duration::from_millis(60))
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    // Once, or once more by each worker that was about to while the first did.
    assert!(asked.load(Ordering::SeqCst) <= 3);
}

#[test]
fn a_stream_may_borrow_and_need_not_be_unpinned() {
    struct Borrowing<'a>(Mutex<std::slice::Iter<'a, u64>>, std::marker::PhantomPinned);
    impl<'a> Stream for Borrowing<'a> {
        type Item = &'a u64;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<&'a u64>> {
            Poll::Ready(self.0.lock().unwrap().next())
        }
    }
    let numbers = [1, 2, 3];
    let stream = Borrowing(Mutex::new(numbers.iter()), std::marker::PhantomPinned);
    assert_eq!(Flow::from_stream(stream).sum::<u64>().unwrap(), 6);
}

/// A stream that panics at an item, and must not be polled after that or after its end.
struct Strict {
    left: u64,
    panics: bool,
    over: bool,
}

impl Stream for Strict {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, _task: &mut Context<'_>) -> Poll<Option<u64>> {
        assert!(!self.over, "polled after its end");
        if self.left == 0 {
            self.over = true;
            if self.panics {
                std::panic::resume_unwind(Box::new("boom"));
            }
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(self.left))
    }
}

#[test]
fn a_stream_is_not_polled_after_its_end_or_its_panic() {
    for panics in [false, true] {
        for left in [0, 1, 5000] {
            let stream = Strict {
                left,
                panics,
                over: false,
            };
            let counted = Flow::from_stream(stream).stages(3).count();
            match panics {
                false => assert_eq!(counted.unwrap(), left),
                true => {
                    let error = counted.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Panic);
                    assert!(error.message().contains("boom"), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_waiting_flow_is_stopped_and_drained() {
    let token = StopToken::new();
    let never = || Silent(Arc::default());
    let flow = Flow::from_stream(never()).stop_token(&token);
    let handle = flow.start().unwrap();
    token.stop();
    assert!(handle.join().unwrap_err().is_stopped());

    let handle = Flow::from_stream(never()).start().unwrap();
    handle.drain();
    assert_eq!(handle.join().unwrap().stages()[0].items_in(), 0);

    drop(Flow::from_stream(never()).start().unwrap());
}

#[test]
fn an_error_is_the_last_item() {
    let flow = Flow::from_range(0..10_000u64)
        .ordered()
        .try_map(|n| if n < 5000 { Ok(n) } else { Err("too many") });
    let (got, error) = block_on(all(flow.into_stream()));
    assert!(got.into_iter().zip(0..).all(|(n, i)| n == i));
    let error = error.expect("the step's");
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Step, "too many")
    );

    let panicking = Flow::from_range(0..10u64).map(|n| match n {
        7 => std::panic::resume_unwind(Box::new("boom")),
        n => n,
    });
    let (_, error) = block_on(all(panicking.into_stream()));
    assert_eq!(error.expect("the step's").kind(), ErrorKind::Panic);
}

#[test]
fn a_flow_that_is_refused_is_a_stream_of_its_error() {
    let (got, error) = block_on(all(Flow::from_range(0..10u64).stages(0).into_stream()));
    assert!(got.is_empty());
    assert_eq!(error.expect("no workers").kind(), ErrorKind::Option);
}

#[test]
fn a_held_flow_begins_with_the_first_poll() {
    let mut stream = Flow::from_range(0..10u64).held().into_stream();
    assert_eq!(stream.report().expect("it runs").stages()[0].items_in(), 0);
    block_on(async {
        assert!(stream.next().await.is_some());
    });
    let (rest, error) = block_on(all(stream));
    assert!(error.is_none());
    assert_eq!(rest.len(), 9);
}

/// What is under way while the task takes one item after the other is what the plan says at most, and the
/// way to the task.
#[test]
fn a_flow_that_is_not_polled_waits() {
    let taken = Arc::new(AtomicU64::new(0));
    let inside = taken.clone();
    let flow = Flow::from_iter(0..2000u64)
        .inspect(move |_| {
            inside.fetch_add(1, Ordering::SeqCst);
        })
        .stages(2)
        .batch(4)
        .buffer(1);
    // That way is a queue, two batches a worker, and one in the task's hands.
    let most = flow.plan().most_in_flight() + (1 + 2 * 2 + 1) * 4;
    assert!(most < 100, "{most}");
    let mut stream = flow.into_stream();
    block_on(async {
        let mut given = 0;
        while let Some(item) = stream.next().await {
            item.unwrap();
            given += 1;
            let taken = taken.load(Ordering::SeqCst);
            assert!(taken <= given + most, "{taken} taken, {given} given");
            thread::yield_now();
        }
        assert_eq!(given, 2000);
    });
}

/// What was sent must not wait for the rest of the chunk that it was made in.
#[test]
fn a_slow_step_does_not_keep_what_was_sent() {
    let (go, wait) = crossbeam_channel::unbounded::<()>();
    let mut stream = Flow::from_range(0..1u64)
        .stages(1)
        .batch(1)
        .buffer(8)
        .flat_map(move |_| {
            let wait = wait.clone();
            (0..5u64).inspect(move |n| {
                if *n > 0 {
                    wait.recv().unwrap();
                }
            })
        })
        .into_stream();
    block_on(async {
        for n in 0..5 {
            assert_eq!(stream.next().await.unwrap().unwrap(), n);
            // Behind the last nobody waits.
            let _ = go.send(());
        }
        assert!(stream.next().await.is_none());
    });
}

/// A worker is in a call that ends only after the stream was dropped.
#[test]
fn dropping_the_stream_waits_for_nobody_and_leaves_nobody() {
    let (enter, entered) = crossbeam_channel::unbounded::<()>();
    let (go, wait) = crossbeam_channel::bounded::<()>(0);
    let (alive, gone) = crossbeam_channel::bounded::<()>(0);
    let mut stream = Flow::from_iter(0..)
        .stages(1)
        .batch(1)
        .map(move |n| {
            let _alive = &alive;
            if n > 0 {
                enter.send(()).unwrap();
                wait.recv().unwrap();
            }
            n
        })
        .into_stream();
    block_on(async { assert_eq!(stream.next().await.unwrap().unwrap(), 0) });
    entered.recv().unwrap();
    drop(stream);
    go.send(()).unwrap();
    // The flow lets go of its closures, so nobody is left who could run them.
    assert!(gone.recv().is_err());
}

/// One thread waits on, whoever polled before.
#[test]
fn the_task_that_polled_last_is_woken() {
    let queue = Queue::new(1);
    let mut stream = Flow::from_stream(queue.clone()).stages(1).into_stream();
    let first = Arc::new(Unpark {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(first);
    let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    let (polling, polled) = crossbeam_channel::bounded(1);
    let second = thread::spawn(move || {
        let mut next = pin!(stream.next());
        block_on(std::future::poll_fn(|task| {
            let now = next.as_mut().poll(task);
            let _ = polling.try_send(());
            now
        }))
    });
    polled.recv().unwrap();
    queue.send(7);
    queue.close();
    assert_eq!(second.join().unwrap().unwrap().unwrap(), 7);
}

/// A flow that always has something lets other tasks have their turn.
#[test]
fn an_endless_flow_does_not_keep_other_tasks_waiting() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut endless = Flow::from_iter(0..u64::MAX).into_stream();
        let (done, mut is_done) = tokio::sync::oneshot::channel();
        tokio::spawn(async move { done.send(()).unwrap() });
        while is_done.try_recv().is_err() {
            // All of this loop is one poll of its task, unless a poll of the stream says otherwise.
            endless.next().await.unwrap().unwrap();
        }
    });
}

/// What `ReceiverStream` is.
struct Incoming<T>(mpsc::Receiver<T>);

impl<T> Stream for Incoming<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(task)
    }
}

#[test]
fn both_ways_in_tokio() {
    for capacity in [1, 64] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (sender, receiver) = mpsc::channel(capacity);
            let flow = Flow::from_stream(Incoming(receiver))
                .stages(2)
                .batch(capacity)
                .count_by(|n: &u64| n % 10);
            let sending = tokio::spawn(async move {
                for n in 0..1000 {
                    sender.send(n).await.unwrap();
                }
            });
            let (mut counts, error) = all(flow.into_stream()).await;
            sending.await.unwrap();
            assert!(error.is_none());
            counts.sort();
            assert!(counts.into_iter().eq((0..10).map(|key| (key, 100))));
        });
    }
}

/// Timers were made within the runtime, so they need none around them when they are polled.
#[test]
fn a_timer_of_tokio_is_a_stream() {
    struct Ticks(tokio::time::Interval, u64);
    impl Stream for Ticks {
        type Item = u64;
        fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<u64>> {
            if self.1 == 0 {
                return Poll::Ready(None);
            }
            self.0.poll_tick(task).map(|_| {
                self.1 -= 1;
                Some(self.1)
            })
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ticks = Ticks(tokio::time::interval(Duration::from_millis(2)), 5);
        let flow = Flow::from_stream(ticks).stages(2).ordered();
        let (got, error) = all(flow.into_stream()).await;
        assert!(error.is_none());
        assert_eq!(got, [4, 3, 2, 1, 0]);
    });
}

/// Within a runtime's context a stream may make timers as it goes.
#[test]
fn a_stream_that_enters_its_runtime_may_make_timers() {
    struct Naps {
        runtime: tokio::runtime::Handle,
        nap: Option<Pin<Box<tokio::time::Sleep>>>,
        left: u64,
    }
    impl Stream for Naps {
        type Item = u64;
        fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<u64>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            let runtime = self.runtime.clone();
            let _guard = runtime.enter();
            let nap = self
                .nap
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_millis(2))));
            nap.as_mut().poll(task).map(|()| {
                self.nap = None;
                self.left -= 1;
                Some(self.left)
            })
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let naps = Naps {
            runtime: tokio::runtime::Handle::current(),
            nap: None,
            left: 3,
        };
        let (got, error) = all(Flow::from_stream(naps).ordered().into_stream()).await;
        assert!(error.is_none());
        assert_eq!(got, [2, 1, 0]);
    });
}

/// The other end of a channel sees that the flow is gone.
#[test]
fn a_dropped_stream_closes_what_the_flow_took_from() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (sender, receiver) = mpsc::channel(1);
        let mut stream = Flow::from_stream(Incoming(receiver)).into_stream();
        sender.send(1).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        drop(stream);
        sender.closed().await;
    });
}
