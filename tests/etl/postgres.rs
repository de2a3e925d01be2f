//! Loading into PostgreSQL and reading from it. Each test has a schema of its own, named after it.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use millstream::postgres::{Postgres, Query, Table};
use millstream::sink::{Checkpoint, Mark, Sink, When, Writer};
use millstream::{ErrorKind, Flow, Observer, Source, Unit};
use postgres::{Client, Config, NoTls};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde::{Deserialize, Serialize};

use super::loads::{self, Database, Row, row, rows};

const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS rows (id bigint PRIMARY KEY, name text, rating float8, good bool)";

/// A schema of the server's, in which all connections are.
#[derive(Clone)]
struct Schema(Config);

impl Schema {
    fn new(name: &str) -> Self {
        let url = std::env::var("MILLSTREAM_POSTGRES");
        let url = url.expect("MILLSTREAM_POSTGRES has the URL of a server for tests");
        let mut config: Config = url.parse().unwrap();
        let mut client = config.connect(NoTls).unwrap();
        client
            .batch_execute(&format!(
                "DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"
            ))
            .unwrap();
        config.options(&format!("-c search_path={name}"));
        Schema(config)
    }

    fn client(&self) -> Client {
        self.0.connect(NoTls).unwrap()
    }

    fn run(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }

    fn db(&self) -> Postgres {
        let config = self.0.clone();
        Postgres::connect_by(move || config.connect(NoTls))
    }

    /// The numbers that a query gives.
    fn numbers(&self, sql: &str) -> Vec<i64> {
        let rows = self.client().query(sql, &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn ids(&self) -> Vec<i64> {
        self.numbers("SELECT id FROM rows ORDER BY id")
    }

    fn marks(&self) -> Vec<i64> {
        self.numbers("SELECT coalesce(split, -1) FROM millstream_marks ORDER BY 1")
    }

    fn way(&self, one_transaction: bool, upsert: bool) -> Way<'_> {
        Way {
            schema: self,
            one_transaction,
            upsert,
        }
    }

    fn sessions(&self) -> i64 {
        let mine = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                    AND datname = current_database() AND query LIKE '%only_here%'";
        self.numbers(mine)[0]
    }
}

/// A way to load the table of a schema.
struct Way<'a> {
    schema: &'a Schema,
    one_transaction: bool,
    upsert: bool,
}

impl Database for Way<'_> {
    type Table = Table;

    fn table(&self) -> Table {
        let mut table = self.schema.db().table("rows").create(CREATE);
        if self.one_transaction {
            table = table.one_transaction();
        }
        if self.upsert {
            table = table.upsert(["id"]);
        }
        table
    }

    fn ids(&self) -> Vec<i64> {
        self.schema.ids()
    }

    fn marks(&self) -> Vec<i64> {
        self.schema.marks()
    }
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn rows_are_there_as_they_were() {
    let schema = Schema::new("as_they_were");
    for (workers, batch, shared) in [
        (1, 1, false),
        (2, 7, true),
        (3, 1000, false),
        (3, 11, false),
    ] {
        schema.run("DROP TABLE IF EXISTS rows");
        let mut table = schema.db().table("rows").create(CREATE);
        if shared {
            table = table.one_transaction();
        }
        let load = Flow::from_iter(rows(300)).stages(workers).into_sink(table);
        let report = load.batch(batch).run().unwrap();
        assert_eq!(report.stages()[0].items_out(), 300);
        let query = schema
            .db()
            .query("SELECT * FROM rows ORDER BY id -- all\n;");
        for query in [query.clone(), query.copy()] {
            let back = Flow::from_source(query.rows::<Row>())
                .stages(1)
                .collect_vec();
            assert_eq!(back.unwrap(), rows(300));
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn values_of_all_types_go_and_come() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        i2: i16,
        i4: i32,
        f4: f32,
        f8: f64,
        n: f64,
        exact: String,
        at: String,
        day: Option<String>,
        id: String,
        js: String,
        mood: Mood,
        big: u64,
        c: char,
        #[serde(serialize_with = "bytes")]
        data: Vec<u8>,
    }
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mood {
        Good,
    }
    fn bytes<S: serde::Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }
    let schema = Schema::new("all_types");
    schema.run(
        "CREATE TYPE mood AS ENUM ('good');
         CREATE TABLE t (i2 int2, i4 int4, f4 float4, f8 float8, n numeric, exact numeric, at timestamp, day date, id uuid,
            js json, mood mood, big numeric(20), c char(1), data bytea)",
    );
    let of = |f8: f64, f4: f32| All {
        i2: -5,
        i4: i32::MIN,
        f4,
        f8,
        n: 2.5,
        exact: "0.10".into(),
        at: "2024-02-29 12:00:00.5".into(),
        day: None,
        id: "00000000-0000-0000-0000-00000000000a".into(),
        js: "{\"a\": \"\\n\\\\\"}".into(),
        mood: Mood::Good,
        big: u64::MAX,
        c: '\\',
        data: (0..=255).collect(),
    };
    let all = [
        of(0.1, 0.1),
        of(f64::MIN_POSITIVE, f32::MAX),
        of(f64::NEG_INFINITY, f32::INFINITY),
        of(-1e300, -0.0),
    ];
    let load = Flow::from_slice(&all)
        .stages(1)
        .into_sink(schema.db().table("all_types.t"));
    load.run().unwrap();
    let query = schema.db().query("SELECT * FROM t");
    for query in [query.clone(), query.copy()] {
        let back = Flow::from_source(query.rows::<All>())
            .stages(1)
            .collect_vec();
        assert_eq!(back.unwrap(), all);
    }
    let nan = Flow::from_iter([(f64::NAN, f32::NAN)])
        .into_sink(schema.db().table("t").columns(["f8", "f4"]));
    nan.run().unwrap();
    let query = schema.db().query("SELECT f8, f4 FROM t WHERE i2 IS NULL");
    let back = Flow::from_source(query.rows::<(f64, f32)>())
        .collect_vec()
        .unwrap();
    assert!(back[0].0.is_nan() && back[0].1.is_nan());
    let typed = schema.db().query(
        "SELECT i4 FROM t WHERE i2 = $1 AND day IS NOT DISTINCT FROM $2 AND data = $3 LIMIT 1",
    );
    #[derive(Serialize)]
    struct Given(
        i8,
        Option<String>,
        #[serde(serialize_with = "bytes")] Vec<u8>,
    );
    let typed = typed
        .params(Given(-5, None, (0..=255).collect()))
        .rows::<i64>();
    assert_eq!(
        Flow::from_source(typed).collect_vec().unwrap(),
        [i64::from(i32::MIN)]
    );
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn nothing_is_there_after_a_failure() {
    for one_transaction in [false, true] {
        let schema = Schema::new("nothing_after");
        schema.run(CREATE);
        loads::nothing_is_there_after_a_failure(&schema.way(one_transaction, false));
    }
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn a_bad_row_is_an_error_that_says_what_to_do() {
    let schema = Schema::new("bad_row");
    let load = |rows: Vec<Row>| {
        let table = schema.db().table("rows").create(CREATE);
        Flow::from_iter(rows).stages(1).into_sink(table).run()
    };
    load(rows(3)).unwrap();
    let error = load(vec![row(5), row(2)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    for words in [
        "table rows",
        "duplicate key",
        "(id)=(2)",
        "line 2",
        "COPY \"rows\"",
        "`upsert`",
    ] {
        assert!(error.message().contains(words), "{words}: {error}");
    }
    let fails = |table: millstream::postgres::Table, words: &str| {
        let error = Flow::from_iter([("x", 2)])
            .into_sink(table)
            .run()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sink);
        assert!(error.message().contains(words), "{words}: {error}");
    };
    let table = || schema.db().table("rows");
    fails(schema.db().table("none"), "make the table with `create`");
    fails(table().columns(["id", "none"]), "by their names");
    fails(table().columns(["id", "name"]), "check the rows");
    fails(
        table().columns(["name", "id"]).upsert(["rating"]),
        "`upsert` by rating needs",
    );
    fails(
        table().columns(["name", "id"]).upsert(["name"]),
        "exactly these columns",
    );
    fails(table().columns(["name"]), "more than 1");
    fails(
        Postgres::connect("postgres://127.0.0.1:1/none").table("rows"),
        "is the server there",
    );
    assert_eq!(schema.ids(), [0, 1, 2]);
    let maps = [BTreeMap::from([("id", 10)]), BTreeMap::from([("good", 1)])];
    let error = Flow::from_iter(maps)
        .stages(1)
        .into_sink(table())
        .run()
        .unwrap_err();
    assert!(
        error
            .message()
            .contains("row 2 of a batch: its field `good` has no column"),
        "{error}"
    );
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn a_second_load_of_the_same_keys_changes_nothing() {
    let schema = Schema::new("second_load");
    for (round, workers, way) in [(1, 1, 0), (2, 3, 0), (3, 3, 1), (4, 2, 2)] {
        let newer = rows(100).into_iter().chain(rows(60)).map(move |row| Row {
            rating: f64::from(round),
            ..row
        });
        let mut table = schema.db().table("rows").create(CREATE).upsert(["id"]);
        if way == 1 {
            table = table.one_transaction();
        }
        let mut load = Flow::from_iter(newer)
            .stages(workers)
            .into_sink(table)
            .batch(9);
        if way == 2 {
            load = load.commit_every_batch();
        }
        load.run().unwrap();
        assert_eq!(schema.ids(), (0..100).collect::<Vec<_>>());
        let ratings = schema.numbers("SELECT DISTINCT rating::bigint FROM rows");
        assert_eq!(ratings, [i64::from(round)]);
    }
    // The last of a key counts, within a batch and beyond; rows without one are each their own.
    schema.run("CREATE TABLE loose (k bigint UNIQUE, v bigint)");
    let table = schema.db().table("loose").columns(["k", "v"]).upsert(["k"]);
    let pairs = (0..40).map(|n| ((n % 4 > 0).then_some(n % 4), n));
    Flow::from_iter(pairs)
        .stages(1)
        .into_sink(table)
        .batch(7)
        .run()
        .unwrap();
    assert_eq!(
        schema.numbers("SELECT v FROM loose WHERE k IS NOT NULL ORDER BY v"),
        [37, 38, 39]
    );
    assert_eq!(
        schema.numbers("SELECT count(*) FROM loose WHERE k IS NULL"),
        [10]
    );
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn workers_with_the_same_new_key_do_not_wait_for_ever() {
    let schema = Schema::new("same_key");
    schema.run(CREATE);
    let db = schema.db().lock_timeout(Duration::from_millis(50));
    let table = db.table("rows");
    Sink::<Row>::begin(&table, When::End);
    let mut first = Sink::<Row>::open(&table, 0).unwrap();
    let mut second = Sink::<Row>::open(&table, 1).unwrap();
    first.write(&[row(1)]).unwrap();
    second.write(&[row(2)]).unwrap();
    let error = second.write(&[row(1)]).unwrap_err().to_string();
    assert!(error.contains("partition_by"), "{error}");
    second.write(&[row(3)]).unwrap();
    Writer::<Row>::commit(&mut first).unwrap();
    Writer::<Row>::commit(&mut second).unwrap();
    assert_eq!(schema.ids(), [1, 2, 3]);
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn a_broken_connection_loses_its_transaction_and_no_more() {
    let schema = Schema::new("broken");
    schema.run(CREATE);
    let kill = || {
        let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                      AND application_name = 'broken'";
        assert_eq!(schema.numbers(others), [1]);
    };
    let mut config = schema.0.clone();
    config.application_name("broken");
    let table = Postgres::connect_by(move || config.connect(NoTls)).table("rows");
    Sink::<Row>::begin(&table, When::Batch);
    let mut writer = Sink::<Row>::open(&table, 0).unwrap();
    writer.write(&[row(1)]).unwrap();
    Writer::<Row>::commit(&mut writer).unwrap();
    writer.write(&[row(2)]).unwrap();
    kill();
    // What was written before is gone, so nothing may be added to it, nor be committed.
    writer.write(&[row(3)]).unwrap_err();
    writer.write(&[row(3)]).unwrap_err();
    Writer::<Row>::commit(&mut writer).unwrap_err();
    Writer::<Row>::abort(&mut writer);
    writer.write(&[row(4)]).unwrap();
    Writer::<Row>::commit(&mut writer).unwrap();
    assert_eq!(schema.ids(), [1, 4]);
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn a_load_goes_on_behind_the_splits_it_has() {
    let from = Schema::new("goes_on_from");
    let load = Flow::from_iter(rows(200)).into_sink(from.way(false, false).table());
    load.run().unwrap();
    let source = || {
        let query = from.db().query("SELECT * FROM rows").by_key("id", 20);
        query.rows::<Row>()
    };
    for upsert in [false, true] {
        let to = Schema::new("goes_on_to");
        loads::goes_on_behind_the_splits_it_has(&to.way(false, upsert), source);
    }
    from.run("INSERT INTO rows (id) VALUES (1000)");
    let error = loads::split_load(&from.way(false, false), source(), None).unwrap_err();
    assert!(error.message().contains("duplicate key"), "{error}");
    let to = Schema::new("goes_on_to");
    let to = to.way(false, false);
    loads::split_load(&to, source(), Some(1000)).unwrap_err();
    from.run("DELETE FROM rows WHERE id = 1000");
    let error = loads::split_load(&to, source(), None).unwrap_err();
    assert!(error.message().contains("another input"), "{error}");
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn the_mark_of_the_whole_is_there_with_all_rows() {
    for upsert in [false, true] {
        let schema = Schema::new("whole");
        loads::the_mark_of_the_whole_is_there_with_all_rows(&schema.way(false, upsert));
    }
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn a_split_has_one_mark_whoever_loads_it() {
    let schema = Schema::new("one_mark");
    schema.run(CREATE);
    let tables = [schema.db().table("rows"), schema.db().table("rows")];
    assert_eq!(
        Sink::<Row>::marks(&tables[0]).map(|marks| marks.of("job").unwrap()),
        Some(vec![])
    );
    let marked = |table: &millstream::postgres::Table, id| {
        // A mark of the library's own making: the rows of the only split of a source.
        let load = Flow::from_source(One(id)).into_sink(table);
        load.resume(Checkpoint::in_sink("job")).run()
    };
    marked(&tables[0], 1).unwrap();
    let marks: Vec<Mark> = Sink::<Row>::marks(&tables[1]).unwrap().of("job").unwrap();
    assert_eq!(
        (marks.len(), marks[0].split, marks[0].input.as_str()),
        (1, Some(0), "one")
    );
    let mut late = Sink::<Row>::open(&tables[1], 0).unwrap();
    late.write(&[row(2)]).unwrap();
    let error = Writer::<Row>::mark(&mut late, &marks[0])
        .unwrap_err()
        .to_string();
    assert!(error.contains("duplicate key"), "{error}");
    Writer::<Row>::abort(&mut late);
    assert_eq!((schema.ids(), schema.marks()), (vec![1], vec![0]));
}

/// A source of one split with one row.
struct One(i64);

impl Source for One {
    type Item = Row;
    type Split<'s> = std::iter::Once<Result<Row, millstream::BoxError>>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, millstream::BoxError> {
        Ok(None)
    }

    fn input(&self) -> Result<Option<String>, millstream::BoxError> {
        Ok(Some("one".into()))
    }

    fn split(&self, number: u64) -> Result<Option<Self::Split<'_>>, millstream::BoxError> {
        Ok((number == 0).then(|| std::iter::once(Ok(row(self.0)))))
    }
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn a_refused_batch_leaves_nothing_of_itself() {
    let schema = Schema::new("refused");
    schema.run(CREATE);
    let mut runner = TestRunner::new(Cases::with_cases(60));
    let tested = runner.run(&loads::batches(), |batches| {
        schema.run("TRUNCATE rows");
        loads::a_refused_batch_leaves_nothing_of_itself(&schema.way(false, false), batches)
    });
    tested.unwrap();
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn every_row_is_in_one_split() {
    let schema = Schema::new("splits");
    schema.run("CREATE TABLE t (row bigserial PRIMARY KEY, k bigint)");
    let key = prop_oneof![
        Just(None),
        (-20i64..20).prop_map(Some),
        any::<i64>().prop_map(Some)
    ];
    let given = (
        prop::collection::vec(key, 0..30),
        0u64..8,
        1usize..4,
        any::<bool>(),
    );
    let mut runner = TestRunner::new(Cases::with_cases(40));
    let tested = runner.run(&given, |(keys, splits, workers, copy)| {
        schema.run("TRUNCATE t RESTART IDENTITY");
        let table = schema.db().table("t").columns(["k"]);
        Flow::from_iter(keys.clone())
            .stages(1)
            .map(|key| (key,))
            .into_sink(table)
            .run()
            .unwrap();
        let query = schema
            .db()
            .query("SELECT row, k FROM t -- all")
            .by_key("k", splits);
        let source = if copy { query.copy() } else { query }.rows::<(i64, Option<i64>)>();
        let input = source.input().unwrap().unwrap();
        prop_assert!(input.contains("SELECT row, k FROM t"));
        let mut rows = Flow::from_source(source)
            .stages(workers)
            .collect_vec()
            .unwrap();
        rows.sort_unstable();
        let all: Vec<_> = (1..).zip(keys).collect();
        prop_assert_eq!(rows, all);
        Ok(())
    });
    tested.unwrap();
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn rows_are_read_as_they_are_asked_for() {
    let schema = Schema::new("asked_for");
    // More than a test would wait for; the server makes rows as they are taken.
    let sql = "SELECT generate_series(1, 1000000000000) AS only_here";
    for copy in [false, true] {
        let query = schema.db().query(sql);
        let query = if copy { query.copy() } else { query };
        let few = Flow::from_source(query.rows::<u64>())
            .stages(2)
            .take(100)
            .collect_vec();
        assert_eq!(few.unwrap(), (1..=100).collect::<Vec<_>>());
    }
    // The server has ended what nobody reads; it says so a moment later.
    let (sender, receiver) = channel();
    thread::spawn(move || {
        while schema.sessions() > 0 {
            thread::yield_now();
        }
        sender.send(()).unwrap();
    });
    receiver
        .recv_timeout(Duration::from_secs(60))
        .expect("no session is left");
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn what_cannot_be_read_is_an_error_of_the_source() {
    let schema = Schema::new("not_read");
    schema.run(
        "CREATE TABLE t (a bigint, b text); INSERT INTO t VALUES (1, 'x'), (NULL, 'x'), (3, 'x')",
    );
    let fails = |query: millstream::postgres::Query, words: &[&str]| {
        let error = Flow::from_source(query.rows::<(i64, String)>())
            .stages(1)
            .collect_vec()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Source);
        for words in words {
            assert!(error.message().contains(words), "{words}: {error}");
        }
    };
    let db = schema.db();
    for copy in [false, true] {
        let query = |sql: &str| {
            if copy {
                db.query(sql).copy()
            } else {
                db.query(sql)
            }
        };
        fails(
            query("SELECT * FROM t"),
            &["row 2", "column `a`", "SELECT * FROM t"],
        );
        fails(
            query("SELECT * FROM none"),
            &["\"none\" does not exist", "make the table"],
        );
        fails(query("SELEC"), &["syntax error"]);
        fails(
            query("SELECT 10 / (a - 3), b FROM t WHERE a > 0"),
            &["division by zero"],
        );
        fails(
            query("SELECT a, b FROM t").by_key("b", 3),
            &["whole numbers", "min"],
        );
        fails(
            query("SELECT a, b FROM t").params(((1, 2), 3)),
            &["parameters"],
        );
    }
    fails(db.query("SELECT a, b FROM t WHERE a = $1"), &["parameters"]);
    fails(
        db.query("SELECT a, b FROM t WHERE a = $1").params("x"),
        &["invalid input syntax"],
    );
    fails(
        db.query("SELECT a, b FROM t WHERE a = $1").params(1).copy(),
        &["no parameters"],
    );
}

#[test]
#[ignore = "needs PostgreSQL: start one and set MILLSTREAM_POSTGRES=postgres://user@host/database, or use .ci/postgres"]
fn queries_say_how_much_there_is() {
    let schema = Schema::new("how_much");
    let load = Flow::from_iter(rows(200)).into_sink(schema.db().table("rows").create(CREATE));
    load.run().unwrap();
    let size = |query: Query, workers: usize| {
        let observer = Observer::new();
        let flow = Flow::from_source(query.rows::<Row>()).stages(workers);
        flow.observe(&observer).run().unwrap();
        let size = observer.report().unwrap().input_size();
        size.map(|size| (size.unit, size.total, size.taken))
    };
    let db = schema.db();
    let all = db.query("SELECT * FROM rows ORDER BY id -- all\n;");
    let some = db.query("SELECT * FROM rows WHERE id < $1").params(30);
    for workers in 1..4 {
        for (query, rows) in [(&all, 200), (&all.clone().copy(), 200), (&some, 30)] {
            let query = query.clone();
            assert_eq!(size(query.clone(), workers), None);
            let counted = Some((Unit::Items, rows, rows));
            assert_eq!(size(query.clone().counted(), workers), counted);
            let about = Some((Unit::Items, 100, rows));
            assert_eq!(size(query.clone().about(100), workers), about);
            let cut = query.by_key("id", 7);
            assert_eq!(size(cut.clone(), workers), Some((Unit::Splits, 7, 7)));
            assert_eq!(size(cut.counted(), workers), counted);
        }
    }

    // What cannot be counted is the query's error, and what nobody looks at is not counted.
    let observer = Observer::new();
    let none = db.query("SELECT * FROM only_here").counted().rows::<Row>();
    let error = Flow::from_source(none).observe(&observer).count();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Source);
    assert_eq!(observer.report().unwrap().input_size(), None);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let endless = db.query(endless).counted().rows::<i32>();
    assert_eq!(Flow::from_source(endless).take(10).count().unwrap(), 10);
}
