//! Loading into SQLite: what is there afterwards, whatever happened meanwhile.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;

use millstream::sink::{Checkpoint, Sink, When, Writer};
use millstream::sqlite::{Insert, Sqlite, Table};
use millstream::{DeadLetters, ErrorKind, Flow, Rejected};
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::loads::{self, Database, Row, row, rows};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, name TEXT, rating REAL, good INTEGER)";

fn database() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(folder.path().join("a.db")).setup("PRAGMA synchronous = OFF");
    (folder, db)
}

fn bare(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("a.db")).unwrap()
}

/// The ids that are there, as somebody else sees them.
fn ids(folder: &TempDir) -> Vec<i64> {
    let connection = bare(folder);
    let mut select = connection
        .prepare("SELECT id FROM rows ORDER BY id")
        .unwrap();
    let ids = select.query_map((), |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// The splits that have a mark; -1 is that of the whole.
fn marks(folder: &TempDir) -> Vec<i64> {
    let connection = bare(folder);
    let select = connection.prepare("SELECT coalesce(split, -1) FROM millstream_marks ORDER BY 1");
    let Ok(mut select) = select else {
        // The first mark makes the table.
        return Vec::new();
    };
    let splits = select.query_map((), |row| row.get(0)).unwrap();
    splits.map(Result::unwrap).collect()
}

impl Database for (TempDir, Sqlite) {
    type Table = Insert<Table>;

    fn table(&self) -> Insert<Table> {
        self.1.table("rows").create(CREATE)
    }

    fn ids(&self) -> Vec<i64> {
        ids(&self.0)
    }

    fn marks(&self) -> Vec<i64> {
        marks(&self.0)
    }
}

#[test]
fn rows_are_there_as_they_were() {
    for (workers, batch) in [(1, 1), (2, 7), (3, 1000)] {
        let (folder, db) = database();
        let report = Flow::from_iter(rows(500))
            .stages(workers)
            .into_sink(db.table("rows").create(CREATE))
            .batch(batch)
            .run()
            .unwrap();
        assert_eq!(report.stages()[0].items_out(), 500);
        let query = db.query("SELECT * FROM rows ORDER BY id").rows::<Row>();
        assert_eq!(
            Flow::from_source(query).stages(1).collect_vec().unwrap(),
            rows(500)
        );
        drop(folder);
    }
}

#[test]
fn nothing_is_seen_before_the_end_and_nothing_after_a_failure() {
    let db = database();
    bare(&db.0).execute_batch(CREATE).unwrap();
    loads::nothing_is_there_after_a_failure(&db);
}

#[test]
fn a_bad_row_is_an_error_that_says_what_to_do() {
    let (folder, db) = database();
    let load = |rows: Vec<Row>| {
        let load = Flow::from_iter(rows).stages(1);
        load.into_sink(db.table("rows").create(CREATE)).run()
    };
    load(rows(3)).unwrap();
    let error = load(vec![row(5), row(2)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    for words in [
        "table rows, row 2 of a batch",
        "UNIQUE",
        "INSERT INTO",
        "`upsert`",
    ] {
        assert!(error.message().contains(words), "{words}: {error}");
    }
    assert_eq!(ids(&folder), [0, 1, 2]);

    let missing = Flow::from_iter(rows(3)).into_sink(db.table("none")).run();
    let missing = missing.unwrap_err();
    assert!(
        missing.message().contains("make the table with `create`"),
        "{missing}"
    );
    let nested = Flow::from_iter([(1, [2, 3])]).into_sink(db.table("rows").columns(["id", "name"]));
    let nested = nested.run().unwrap_err();
    assert!(
        nested.message().contains("column 2: it is a tuple"),
        "{nested}"
    );
    let large = Flow::from_iter([u64::MAX]).into_sink(db.table("rows").columns(["id"]));
    let large = large.run().unwrap_err();
    assert!(large.message().contains("write it as text"), "{large}");
    let key = Flow::from_iter([1]).into_sink(db.table("rows").columns(["id"]).upsert(["name"]));
    let key = key.run().unwrap_err();
    assert!(key.message().contains("`upsert` by name needs"), "{key}");
    let folder_as_file = Sqlite::open(folder.path()).table("rows");
    let unopened = Flow::from_iter([1])
        .into_sink(folder_as_file)
        .run()
        .unwrap_err();
    assert!(
        unopened.message().contains("is the path right"),
        "{unopened}"
    );
}

#[test]
fn a_row_has_the_columns_it_has() {
    let (folder, db) = database();
    let create = "CREATE TABLE rows (id, \"the \"\"name\"\"\", c)";
    let first = BTreeMap::from([("id", 1), ("the \"name\"", 2)]);
    let second = BTreeMap::from([("id", 3)]);
    let table = db.table("main.rows").create(create);
    let load = Flow::from_iter([first, second]).stages(1).into_sink(table);
    load.run().unwrap();
    let query = db
        .query("SELECT * FROM rows")
        .rows::<(i64, Option<i64>, Option<i64>)>();
    let rows = Flow::from_source(query).stages(1).collect_vec().unwrap();
    assert_eq!(rows, [(1, Some(2), None), (3, None, None)]);

    let more = [BTreeMap::from([("id", 1)]), BTreeMap::from([("c", 1)])];
    let load = Flow::from_iter(more.clone()).stages(1);
    let error = load.into_sink(db.table("rows")).run().unwrap_err();
    assert!(error.message().contains("`c` has no column"), "{error}");
    let table = db.table("rows").columns(["id", "c"]);
    Flow::from_iter(more).into_sink(table).run().unwrap();
    assert_eq!(
        bare(&folder).query_row("SELECT count(*) FROM rows", (), |r| r.get(0)),
        Ok(4)
    );
}

#[test]
fn a_statement_binds_what_it_likes() {
    let (folder, db) = database();
    let sink = |db: &Sqlite| {
        db.statement(
            "INSERT OR REPLACE INTO rows (id, name) VALUES (?, upper(?))",
            |row: &Row, bind| {
                bind.value(row.id)?;
                bind.value(row.name.as_deref())
            },
        )
        .create(CREATE)
        .repeats()
    };
    for _ in 0..2 {
        let checkpoint = Checkpoint::file(folder.path().join("c"));
        let load = Flow::from_iter(rows(5)).into_sink(sink(&db));
        load.resume(checkpoint).run().unwrap();
    }
    assert_eq!(ids(&folder), [0, 1, 2, 3, 4]);
    let short = db.statement(
        "INSERT INTO rows (id, name) VALUES (?, ?)",
        |row: &Row, bind| bind.value(row.id),
    );
    let error = Flow::from_iter(rows(1)).into_sink(short).run().unwrap_err();
    assert!(
        error
            .message()
            .contains("bound 1 values and the statement takes 2"),
        "{error}"
    );
    let own = db.statement("INSERT INTO rows (id) VALUES (?)", |row: &Row, _| {
        Err(format!("not {}", row.id).into())
    });
    let error = Flow::from_iter(rows(1)).into_sink(own).run().unwrap_err();
    assert!(
        error.message().contains("row 1 of a batch: not 0"),
        "{error}"
    );
}

#[test]
fn a_panic_while_a_row_is_bound_leaves_nothing() {
    for every_batch in [false, true] {
        let (folder, db) = database();
        let sink = db
            .statement("INSERT INTO rows (id) VALUES (?)", |row: &Row, bind| {
                assert!(row.id != 150, "no row 150");
                bind.value(row.id)
            })
            .create(CREATE);
        let mut load = Flow::from_iter(rows(300))
            .stages(3)
            .into_sink(sink)
            .batch(20);
        if every_batch {
            load = load.commit_every_batch();
        }
        assert_eq!(load.run().unwrap_err().kind(), ErrorKind::Panic);
        let ids = ids(&folder);
        assert!(!ids.contains(&150));
        assert!(every_batch || ids.is_empty());
    }
}

#[test]
fn a_second_load_of_the_same_keys_changes_nothing() {
    let (folder, db) = database();
    for round in 0..3 {
        let newer = rows(100).into_iter().map(move |row| Row {
            rating: f64::from(round),
            ..row
        });
        let load = Flow::from_iter(newer)
            .stages(2)
            .into_sink(db.table("rows").create(CREATE).upsert(["id"]));
        load.batch(9).run().unwrap();
        assert_eq!(ids(&folder).len(), 100);
    }
    let ratings = db.query("SELECT DISTINCT rating FROM rows").rows::<f64>();
    assert_eq!(Flow::from_source(ratings).collect_vec().unwrap(), [2.0]);
}

#[test]
fn batches_and_those_before_a_failure_are_committed() {
    let (folder, db) = database();
    let load = |workers| {
        let load = Flow::from_iter((0..100).map(|id| row(if id == 95 { 3 } else { id })));
        let load = load
            .stages(workers)
            .into_sink(db.table("rows").create(CREATE))
            .batch(10);
        load.commit_every_batch().run()
    };
    let error = load(1).unwrap_err();
    assert!(error.message().contains("UNIQUE"), "{error}");
    assert_eq!(ids(&folder), (0..90).collect::<Vec<_>>());
    bare(&folder).execute_batch("DELETE FROM rows").unwrap();
    load(3).unwrap_err();
    let ids = ids(&folder);
    assert!(ids.len() < 100 && ids.iter().all(|id| (0..100).contains(id)));
}

#[test]
fn what_sqlite_gave_up_is_not_taken_for_the_whole() {
    let (folder, db) = database();
    bare(&folder).execute_batch(CREATE).unwrap();
    let sink = db.statement(
        "INSERT OR ROLLBACK INTO rows (id) VALUES (?)",
        |id: &i64, bind| bind.value(id),
    );
    Sink::<i64>::begin(&sink, When::End);
    let mut writer = Sink::<i64>::open(&sink, 0).unwrap();
    writer.write(&[1, 2]).unwrap();
    // The statement ends the transaction, and the rows before it are gone.
    writer.write(&[3, 1]).unwrap_err();
    let error = writer.write(&[4]).unwrap_err().to_string();
    assert!(error.contains("was given up"), "{error}");
    Writer::<i64>::commit(&mut writer).unwrap();
    assert!(Sink::<i64>::commit(&sink).is_err());
    Sink::<i64>::abort(&sink);
    assert!(ids(&folder).is_empty());
}

#[test]
fn writers_that_commit_by_themselves_take_turns() {
    let (folder, db) = database();
    let table = db.table("rows").create(CREATE);
    Sink::<Row>::begin(&table, When::Split);
    let mut first = Sink::<Row>::open(&table, 0).unwrap();
    let mut second = Sink::<Row>::open(&table, 1).unwrap();
    first.write(&[row(1)]).unwrap();
    first.write(&[row(2)]).unwrap();
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            second.write(&[row(3)]).unwrap();
            sender.send(()).unwrap();
            // Dropped without a commit: its row is taken back.
        });
        first.write(&[row(8)]).unwrap();
        assert!(ids(&folder).is_empty());
        Writer::<Row>::commit(&mut first).unwrap();
        receiver.recv().unwrap();
    });
    first.write(&[row(4)]).unwrap();
    Writer::<Row>::abort(&mut first);
    first.write(&[row(5), row(5)]).unwrap_err();
    first.write(&[row(6)]).unwrap();
    Writer::<Row>::commit(&mut first).unwrap();
    Sink::<Row>::commit(&table).unwrap();
    assert_eq!(ids(&folder), [1, 2, 6, 8]);
    let error = first.write(&[row(7)]).unwrap_err().to_string();
    assert!(error.contains("has ended"), "{error}");
}

#[test]
fn a_load_goes_on_behind_the_splits_it_has() {
    let (from, to) = (database(), database());
    let load = Flow::from_iter(rows(200)).into_sink(from.table());
    load.run().unwrap();
    let source = || {
        let query = from.1.query("SELECT * FROM rows").by_key("id", 20);
        query.rows::<Row>()
    };
    loads::goes_on_behind_the_splits_it_has(&to, source);
    bare(&from.0)
        .execute_batch("INSERT INTO rows (id, rating, good) VALUES (1000, 0, 0)")
        .unwrap();
    let error = loads::split_load(&to, source(), None).unwrap_err();
    assert!(error.message().contains("another input"), "{error}");
}

#[test]
fn the_mark_of_the_whole_is_there_with_all_rows() {
    let db = database();
    loads::the_mark_of_the_whole_is_there_with_all_rows(&db);
}

#[test]
fn branches_and_letters_into_one_file_are_one_transaction() {
    for bad in [None, Some(77)] {
        let (folder, db) = database();
        // A table that a load creates while the other writes is taken back with it.
        bare(&folder).execute_batch(CREATE).unwrap();
        let others = "CREATE TABLE IF NOT EXISTS others (id INTEGER PRIMARY KEY)";
        if bad.is_some() {
            let needed = "CREATE TABLE letters (id INTEGER)";
            bare(&folder)
                .execute_batch(&format!("{others}; {needed}"))
                .unwrap();
        }
        let letters = db
            .statement("INSERT INTO letters VALUES (?)", |id: &i64, bind| {
                bind.value(id)
            })
            .create("CREATE TABLE IF NOT EXISTS letters (id INTEGER)");
        let run = Flow::from_iter(0..300i64)
            .stages(2)
            .try_map(|id| if id % 10 == 3 { Err("a three") } else { Ok(id) })
            .on_error(
                DeadLetters::into(letters).map(|rejected: Rejected<i64>| rejected.into_item()),
            )
            .try_map(move |id| if Some(id) == bad { Err("bad") } else { Ok(id) })
            .split(|id| id % 2 == 0)
            .end(|even| {
                let rows = even.map(row).into_sink(db.table("rows").create(CREATE));
                rows.batch(7).ending()
            })
            .end(|odd| {
                let table = db.table("others").create(others).columns(["id"]);
                odd.into_sink(table).batch(11).ending()
            })
            .run();
        assert_eq!(run.is_ok(), bad.is_none(), "{run:?}");
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            bare(&folder)
                .query_row(&sql, (), |row| row.get::<_, i64>(0))
                .unwrap()
        };
        let there = if bad.is_none() {
            (150, 120, 30)
        } else {
            (0, 0, 0)
        };
        let (rows, others) = (count("rows"), count("others"));
        assert_eq!((rows, others), (there.0, there.1));
        assert!(bad.is_some() || count("letters") == there.2);
    }
}

#[test]
fn letters_of_a_load_that_commits_splits_are_there_when_it_fails() {
    let (from_folder, from) = database();
    let (folder, db) = database();
    let load = Flow::from_iter(rows(100)).into_sink(from.table("rows").create(CREATE));
    load.run().unwrap();
    for bad in [Some(88), None] {
        let letters = db.table("letters").columns(["id"]).upsert(["id"]);
        let letters = letters.create("CREATE TABLE IF NOT EXISTS letters (id INTEGER PRIMARY KEY)");
        let source = from
            .query("SELECT * FROM rows")
            .by_key("id", 10)
            .rows::<Row>();
        let run = Flow::from_source(source)
            .stages(2)
            .try_map(|row| {
                if row.id % 10 == 3 {
                    Err("a three")
                } else {
                    Ok(row)
                }
            })
            .on_error(
                DeadLetters::into(letters).map(|rejected: Rejected<Row>| rejected.into_item().id),
            )
            .try_map(move |row| {
                if Some(row.id) == bad {
                    Err("bad")
                } else {
                    Ok(row)
                }
            })
            .into_sink(db.table("rows").create(CREATE))
            .batch(4)
            .resume(Checkpoint::in_sink("job"))
            .run();
        assert_eq!(run.is_ok(), bad.is_none(), "{run:?}");
        let ids = ids(&folder);
        let mut select = bare(&folder);
        let select = select.transaction().unwrap();
        let mut letters = select
            .prepare("SELECT id FROM letters ORDER BY id")
            .unwrap();
        let letters: Vec<i64> = letters
            .query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        // Whatever split is marked has its letter.
        for split in marks(&folder) {
            assert!(letters.contains(&(split * 10 + 3)), "{split} {letters:?}");
        }
        assert!(bad.is_some() || (ids.len() == 90 && letters.len() == 10));
    }
    drop(from_folder);
}

#[test]
fn a_load_that_fails_takes_those_in_its_transaction_along() {
    let (folder, db) = database();
    let load = |rows: &[Row]| {
        let table = db.table("rows").create(CREATE);
        Sink::<Row>::begin(&table, When::End);
        let mut writer = Sink::<Row>::open(&table, 0).unwrap();
        writer.write(rows).unwrap();
        Writer::<Row>::prepare(&mut writer).unwrap();
        (table, writer)
    };
    let (first, _first) = load(&[row(1)]);
    let (second, _second) = load(&[row(2)]);
    Sink::<Row>::abort(&first);
    let error = Sink::<Row>::commit(&second).unwrap_err().to_string();
    assert!(error.contains("was given up"), "{error}");
    Sink::<Row>::abort(&second);
    let (third, _third) = load(&[row(3)]);
    let (fourth, _fourth) = load(&[row(4)]);
    // One that commits by itself meanwhile: a turn that is taken back, and one that is not.
    let turns = db.table("rows").create(CREATE);
    Sink::<Row>::begin(&turns, When::Split);
    let mut writer = Sink::<Row>::open(&turns, 0).unwrap();
    writer.write(&[row(5)]).unwrap();
    writer.write(&[row(6), row(6)]).unwrap_err();
    Writer::<Row>::abort(&mut writer);
    writer.write(&[row(7)]).unwrap();
    Writer::<Row>::commit(&mut writer).unwrap();
    assert!(ids(&folder).is_empty());
    Sink::<Row>::commit(&third).unwrap();
    Sink::<Row>::commit(&fourth).unwrap();
    assert_eq!(ids(&folder), [3, 4, 7]);
    writer.write(&[row(8)]).unwrap();
    Writer::<Row>::commit(&mut writer).unwrap();
    Sink::<Row>::commit(&turns).unwrap();
    assert_eq!(ids(&folder), [3, 4, 7, 8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_refused_batch_leaves_nothing_of_itself(batches in loads::batches()) {
        let db = database();
        loads::a_refused_batch_leaves_nothing_of_itself(&db, batches)?;
    }
}

#[test]
fn a_file_is_read_and_written_in_one_run() {
    for every_batch in [false, true] {
        let (folder, db) = database();
        let db = db.setup("PRAGMA journal_mode = WAL");
        let copies = "CREATE TABLE IF NOT EXISTS copies (id INTEGER PRIMARY KEY)";
        let load = Flow::from_iter(rows(2000)).into_sink(db.table("rows").create(CREATE));
        load.run().unwrap();
        let source = db
            .query("SELECT id FROM rows")
            .by_key("id", 7)
            .rows::<i64>();
        let table = db.table("copies").create(copies).columns(["id"]);
        let mut load = Flow::from_source(source)
            .stages(2)
            .into_sink(table)
            .batch(50);
        if every_batch {
            load = load.commit_every_batch();
        }
        load.run().unwrap();
        let sql = "SELECT count(*) FROM copies";
        let copied = bare(&folder).query_row(sql, (), |row| row.get::<_, i64>(0));
        assert_eq!(copied, Ok(2000));
    }
}

#[test]
fn letters_of_the_sink_itself_go_with_its_rows() {
    for every_batch in [false, true] {
        let (from_folder, from) = database();
        let (folder, db) = database();
        let load = Flow::from_iter(rows(100)).into_sink(from.table("rows").create(CREATE));
        load.run().unwrap();
        let refuses = "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY CHECK (id % 10 <> 3), name, rating, good)";
        let letters = db.table("letters").columns(["id"]);
        let letters = letters.create("CREATE TABLE IF NOT EXISTS letters (id INTEGER)");
        let source = from
            .query("SELECT * FROM rows")
            .by_key("id", 10)
            .rows::<Row>();
        let load = Flow::from_source(source)
            .stages(3)
            .into_sink(db.table("rows").create(refuses))
            .on_error(DeadLetters::into(letters).map(|bad: Rejected<Row>| bad.into_item().id))
            .batch(4);
        let load = if every_batch {
            load.commit_every_batch()
        } else {
            load.resume(Checkpoint::in_sink("job"))
        };
        load.run().unwrap();
        assert_eq!(ids(&folder).len(), 90);
        let sql = "SELECT count(*), count(DISTINCT id) FROM letters";
        let letters = bare(&folder).query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(letters, Ok((10, 10)));
        drop(from_folder);
    }
}
