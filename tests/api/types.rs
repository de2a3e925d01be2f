//! What the public types promise, apart from what they do: `Debug`, `Send`, `Sync`, `Clone`, `Error`.

use std::fmt::Debug;

use millstream::chain;
use millstream::*;

fn debug<T: Debug + ?Sized>() {}
fn send<T: Send + ?Sized>() {}
fn sync<T: Sync + ?Sized>() {}
fn clone<T: Clone>() {}

type Fun = fn(&u64) -> u64;

/// A chain as a user's flow has it.
type Source = chain::FromRange<u64>;

#[test]
fn every_public_type_is_debug() {
    debug::<Flow<'_, Source>>();
    debug::<BoxFlow<'_, u64>>();
    debug::<(
        Branches<'_, u64>,
        Ending<'_, u64>,
        chain::Unended<'_, Source>,
    )>();
    debug::<(chain::Merging<'_, u64>, chain::Ends<'_, u64>)>();
    debug::<Chunk<'_, '_, u64>>();
    debug::<Handle>();
    debug::<IntoIter<u64>>();
    debug::<(Served<u64>, Subscriber<u64>)>();
    debug::<Items<'_, u64>>();
    debug::<Adder<'_, str>>();
    debug::<Plan>();
    debug::<Text>();
    debug::<(sink::LinesFile, sink::LineRows, sink::Compression)>();
    debug::<sink::FileWriter<sink::LineRows>>();
    debug::<StopToken>();
    debug::<(Side, chain::Inner, chain::LeftOuter)>();
    debug::<(chain::RightOuter, chain::FullOuter)>();
    debug::<(Report, StageReport, WorkerReport)>();
    debug::<(Rejected<u64>, Fail, Skip, Retry, Retry<Skip>)>();
    debug::<(DeadLetters<'_, Fun>, Validation<'_, u64>)>();
    debug::<(Error, ErrorKind, Position, BoxError)>();
}

#[test]
fn every_aggregate_is_debug_and_crosses_threads() {
    fn check<A: Debug + Send + Sync>() {}
    check::<Over<u64>>();
    check::<(Count, ByOrd, ByTotalOrder, Place)>();
    check::<(Sum<Fun>, Mean<Fun>, Min<Fun, ByOrd>, Max<Fun, ByOrd>)>();
    check::<(
        First<Fun>,
        Last<Fun>,
        Collect<Fun>,
        Distinct<Fun>,
        Top<Fun, ByOrd>,
    )>();
    check::<(
        chain::ByRef<Count>,
        chain::Group,
        chain::FoldBy<Fun, Fun, Fun>,
    )>();
}

/// Types behind a flow's chain, with items that need not be `Debug`.
#[test]
fn every_chain_is_debug_and_crosses_threads() {
    struct Opaque;
    fn check<P: Debug + Send + Sync>() {}
    check::<chain::FromIter<std::vec::IntoIter<Opaque>>>();
    check::<chain::Concat<'_, Opaque>>();
    check::<chain::Zip<Opaque, Opaque>>();
    check::<chain::Chunks<'_, Source, Fun>>();
    check::<chain::FromIters<std::vec::IntoIter<Opaque>>>();
    check::<chain::FromSlice<'_, Opaque>>();
    check::<chain::FromRange<u64>>();
    check::<chain::FromReceiver<Opaque>>();
    check::<chain::FromSource<Opaque>>();
    check::<(chain::FromText<'_, str>, chain::FromText<'_, [u8]>)>();
    check::<(chain::ReadLines<str>, chain::ReadLines<[u8]>)>();
    check::<(chain::Partitioned<'_, Opaque>, chain::Shuffled<'_, Opaque>)>();
    check::<chain::Keyed<Opaque, Opaque, Count>>();
    check::<chain::Joined<Opaque, Opaque, Opaque, chain::Inner>>();
    check::<chain::JoinedWithin<'_, Opaque, Opaque, Opaque, chain::Inner>>();
    check::<chain::Boxed<'_, Opaque>>();
    check::<(
        chain::Map<Source, Fun>,
        chain::Filter<Source, Fun>,
        chain::FilterMap<Source, Fun>,
    )>();
    check::<(
        chain::FlatMap<Source, Fun>,
        chain::HottestKeys<Source, Fun>,
        chain::Inspect<Source, Fun>,
        chain::MapBatch<Source, Fun>,
    )>();
    check::<(
        chain::MapWith<Source, Fun, Fun>,
        chain::TryMap<Source, Fun>,
        chain::TryFlatMap<Source, Fun>,
    )>();
    check::<(
        chain::TryMapRef<Source, Fun, Skip>,
        chain::TryItems<Source>,
        chain::Validate<'_, Source, Opaque, Retry<Skip>>,
    )>();
    check::<(
        chain::Reduce<Source, Fun, Fun>,
        chain::Emit<Source, Fun, Fun, Fun>,
    )>();
    check::<chain::Take<Source>>();
    check::<chain::MapConcurrent<Source, Fun>>();
    check::<chain::Departition<Source, Fun, Fun, Fun>>();
    check::<(
        chain::Uniq<Source, chain::Itself>,
        chain::Uniq<Source, chain::ItsKey<Fun>>,
    )>();
    check::<(
        chain::Keyed<Opaque, Opaque, chain::Unique>,
        chain::Keyed<Opaque, Opaque, chain::Keep>,
    )>();
}

#[test]
fn flows_and_what_runs_them_cross_threads() {
    send::<Flow<'_, Source>>();
    sync::<Flow<'_, Source>>();
    send::<BoxFlow<'_, u64>>();
    sync::<BoxFlow<'_, u64>>();
    send::<Handle>();
    sync::<Handle>();
    send::<IntoIter<u64>>();
    send::<Items<'_, u64>>();
}

#[test]
fn values_cross_threads_and_are_cloned() {
    fn check<T: Send + Sync + 'static>() {}
    check::<(Error, ErrorKind, Position)>();
    check::<(Plan, Report, StageReport, WorkerReport)>();
    check::<(StopToken, Text)>();
    check::<(Rejected<u64>, Validation<'_, u64>, Retry<Skip>)>();
    check::<DeadLetters<'_, Fun>>();
    clone::<(Rejected<u64>, Fail, Skip, Retry<Skip>)>();
    clone::<(
        Plan,
        Report,
        StageReport,
        WorkerReport,
        StopToken,
        ErrorKind,
        Position,
    )>();
}

#[test]
fn an_error_goes_where_errors_go() {
    fn check<E: std::error::Error + Send + Sync + 'static>() {}
    check::<Error>();
    let boxed: BoxError = Flow::from_range(0..3)
        .stages(0)
        .count()
        .expect_err("no stages")
        .into();
    let own = boxed.downcast_ref::<Error>().expect("our own error");
    assert_eq!(own.kind(), ErrorKind::Option);
    // As large as a pointer, so that results are as small as what they hold.
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

/// Flows over borrowed and over static data can be used as one type: `'env` is covariant.
#[test]
fn a_static_flow_is_a_borrowed_one() {
    fn shorter<'short>(flow: BoxFlow<'static, u64>, _of: &'short u64) -> BoxFlow<'short, u64> {
        flow
    }
    let local = 3;
    let flow = shorter(Flow::from_range(0..3u64).boxed(), &local);
    assert_eq!(flow.count().expect("a run"), 3);
}

#[test]
fn a_flow_prints_its_steps_and_not_its_items() {
    let printed = format!(
        "{:?}",
        Flow::from_vec(vec![1u64, 2]).map(|n| n + 1).partition()
    );
    assert_eq!(printed, r#"Flow { stages: 2, steps: ["partition"], .. }"#);
}

#[test]
fn an_error_prints_what_went_wrong() {
    let error = Flow::from_range(0..3u64)
        .name("read")
        .stages(0)
        .count()
        .expect_err("no stages");
    let printed = format!("{error:?}");
    assert!(
        printed.starts_with("Error { kind: Option, message: \"stage `read`: stages(0)"),
        "{printed}"
    );
}

#[test]
fn the_types_of_stages_are_debug_and_cross_threads() {
    use millstream::stage::testing::{Pushed, Record, Recorder};
    use millstream::stage::*;

    type Numbers = Produces<FromIter<std::ops::Range<u64>>>;
    fn check<T: Debug + Send>() {}
    check::<(Builder<Numbers>, Handle<Numbers>, StageRef<Numbers>)>();
    check::<(Output<u64>, Upstream<u64>, Downstream, Stream<u64>)>();
    check::<(Subscription<u64>, Tag, StageId, Partition, Cancel, Keep)>();
    check::<(Next, Init, Asking, DemandMode, Reason, Ended, OnCancel)>();
    check::<(Emit<u64>, Caller<u64>, Never, Wants<u64>)>();
    check::<(Pushed<u64>, Record<u64>, Recorder<u64>)>();
    check::<(FromFn<u64, Fun>, MapBatches<u64, u64, Fun>)>();
    check::<(ForEachBatch<u64, Fun>, Transforms<u64>, Consumes<u64>)>();
    sync::<(StageRef<Numbers>, Output<u64>, Upstream<u64>, Downstream)>();
    clone::<(StageRef<Numbers>, Output<u64>, Upstream<u64>, Downstream)>();
    clone::<(Reason, Ended, Next, Subscription<u64>)>();
}

#[cfg(feature = "stream")]
#[test]
fn the_types_of_async_streams_are_debug_and_cross_threads() {
    struct Opaque;
    fn check<T: Debug + Send + Sync>() {}
    check::<chain::FromStream<Opaque>>();
    check::<FlowStream<u64>>();
    fn free<T: Unpin>() {}
    free::<FlowStream<std::marker::PhantomPinned>>();
}

#[cfg(feature = "tcp")]
#[test]
fn the_types_of_tcp_are_debug_and_cross_threads() {
    fn check<T: Debug + Send + Sync>() {}
    check::<(TcpLines, TcpWatch)>();
    check::<(chain::FromTcp<str>, chain::FromTcp<[u8]>)>();
    clone::<TcpWatch>();
}

#[test]
fn the_types_of_those_who_look_are_debug_and_cross_threads() {
    fn check<T: Debug + Send + Sync>() {}
    check::<(Observer, Watched, InputSize, Unit)>();
    clone::<(Observer, Watched, InputSize, Unit)>();
    #[cfg(feature = "progress")]
    check::<Progress>();
    #[cfg(feature = "metrics")]
    check::<Metrics>();
}
