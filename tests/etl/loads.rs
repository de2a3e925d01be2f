//! What a load into a table promises, whatever the database: the checks that the tests of SQLite and of PostgreSQL share.

use millstream::sink::{Checkpoint, Sink, When, Writer};
use millstream::{Error, ErrorKind, Flow, Report, Source, StopToken};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) name: Option<String>,
    pub(super) rating: f64,
    pub(super) good: bool,
}

pub(super) fn row(id: i64) -> Row {
    Row {
        id,
        name: (id % 3 != 0).then(|| format!("name\t{id}\\\n")),
        rating: id as f64 / 4.0,
        good: id % 2 == 0,
    }
}

pub(super) fn rows(n: i64) -> Vec<Row> {
    (0..n).map(row).collect()
}

/// A database with a table of rows, whose ids are its keys.
pub(super) trait Database: Sync {
    type Table: Sink<Row, Writer: 'static> + 'static;

    /// A sink into the table, which is made where it is missing.
    fn table(&self) -> Self::Table;

    /// The ids that are there, as somebody else sees them.
    fn ids(&self) -> Vec<i64>;

    /// The splits that have a mark; -1 is that of the whole.
    fn marks(&self) -> Vec<i64>;
}

/// Nothing is seen before the end, nor after a failure of any kind. The table is there already.
pub(super) fn nothing_is_there_after_a_failure(db: &impl Database) {
    let run = Flow::from_iter(rows(300))
        .stages(2)
        .try_map(|row| match (row.id, db.ids().len()) {
            (299, 0) => Err("the last is bad".to_owned()),
            (_, 0) => Ok(row),
            (_, seen) => Err(format!("{seen} rows were seen")),
        })
        .into_sink(db.table())
        .batch(10)
        .run();
    let error = run.unwrap_err();
    assert!(error.message().contains("the last is bad"), "{error}");
    // A panic, a stop and a dropped handle as well.
    let panicked = Flow::from_iter(rows(300))
        .inspect(|row| assert!(row.id < 299, "too far"))
        .into_sink(db.table())
        .batch(10)
        .run();
    assert_eq!(panicked.unwrap_err().kind(), ErrorKind::Panic);
    let token = StopToken::new();
    let stopper = token.clone();
    let stopped = Flow::from_iter((0..).map(row))
        .inspect(move |row| {
            if row.id == 1000 {
                stopper.stop()
            }
        })
        .stop_token(&token)
        .into_sink(db.table())
        .run();
    assert!(stopped.unwrap_err().is_stopped());
    let endless = Flow::from_iter((0..).map(row)).into_sink(db.table());
    drop(endless.start().unwrap());
    assert_eq!(db.ids(), [0i64; 0]);
    Flow::from_iter(rows(10))
        .into_sink(db.table())
        .run()
        .unwrap();
    assert_eq!(db.ids().len(), 10);
}

/// Copies rows by splits; a bad one fails the run.
pub(super) fn split_load<S>(db: &impl Database, from: S, bad: Option<i64>) -> Result<Report, Error>
where
    S: Source<Item = Row>,
{
    Flow::from_source(from)
        .stages(3)
        .try_map(move |row| {
            if Some(row.id) == bad {
                Err("bad")
            } else {
                Ok(row)
            }
        })
        .into_sink(db.table())
        .batch(4)
        .resume(Checkpoint::in_sink("copy"))
        .run()
}

/// Each run adds whole splits, and none twice. The source has 200 rows in 20 splits.
pub(super) fn goes_on_behind_the_splits_it_has<S>(db: &impl Database, from: impl Fn() -> S)
where
    S: Source<Item = Row>,
{
    let mut there = Vec::new();
    for bad in [0, 55, 110, 199] {
        // A load that failed elsewhere may have come to this split already.
        let done = there.contains(&bad);
        let run = split_load(db, from(), Some(bad));
        assert_eq!(
            run.map_err(|error| error.kind()).err(),
            (!done).then_some(ErrorKind::Step)
        );
        there = db.ids();
        assert_eq!(
            (there.len() % 10, there.len() / 10),
            (0, db.marks().len()),
            "whole splits"
        );
        assert_eq!(there.contains(&bad), done);
    }
    split_load(db, from(), None).unwrap();
    assert_eq!(db.ids(), (0..200).collect::<Vec<_>>());
    assert_eq!(db.marks(), (0..20).collect::<Vec<_>>());
    let report = split_load(db, from(), None).unwrap();
    assert_eq!(report.stages()[0].items_in(), 0);
}

/// A load without splits is marked as a whole, and not done twice.
pub(super) fn the_mark_of_the_whole_is_there_with_all_rows(db: &impl Database) {
    let load = |bad: bool| {
        let rows = Flow::from_iter(rows(100))
            .stages(3)
            .uniq_by(|row: &Row| row.id);
        let rows = rows.try_map(move |row| {
            if bad && row.id == 60 {
                Err("bad")
            } else {
                Ok(row)
            }
        });
        let load = rows.into_sink(db.table()).batch(7);
        load.resume(Checkpoint::in_sink("whole")).run()
    };
    load(true).unwrap_err();
    assert_eq!((db.ids(), db.marks()), (vec![], vec![]));
    for _ in 0..2 {
        load(false).unwrap();
        assert_eq!((db.ids().len(), db.marks()), (100, vec![-1]));
    }
}

/// Batches of ids, which may be there already, and whether a commit follows.
pub(super) fn batches() -> impl Strategy<Value = Vec<(Vec<i64>, bool)>> {
    prop::collection::vec(
        (prop::collection::vec(0i64..30, 0..6), any::<bool>()),
        0..12,
    )
}

/// What is there in the end is what whole good batches are, up to the last commit. The table is empty.
pub(super) fn a_refused_batch_leaves_nothing_of_itself(
    db: &impl Database,
    batches: Vec<(Vec<i64>, bool)>,
) -> Result<(), TestCaseError> {
    let table = db.table();
    table.begin(When::Split);
    let mut writer = table.open(0).unwrap();
    let (mut model, mut open) = (Vec::new(), Vec::new());
    for (batch, commits) in batches {
        let mut with = open.clone();
        let good = batch.iter().all(|id| {
            let new = !with.contains(id);
            with.push(*id);
            new
        });
        let rows: Vec<Row> = batch.iter().map(|id| row(*id)).collect();
        prop_assert_eq!(writer.write(&rows).is_ok(), good);
        if good {
            open = with;
        }
        if commits {
            writer.commit().unwrap();
            model = open.clone();
        }
    }
    writer.abort();
    model.sort_unstable();
    prop_assert_eq!(db.ids(), model);
    Ok(())
}
