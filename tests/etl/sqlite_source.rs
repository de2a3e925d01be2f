//! Reading from SQLite: every row once, whatever the splits.

use millstream::sqlite::Sqlite;
use millstream::{ErrorKind, Flow, Source};
use proptest::prelude::*;
use rusqlite::Connection;
use serde::Deserialize;
use tempfile::TempDir;

fn database(sql: &str) -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    (folder, Sqlite::open(path))
}

#[test]
fn columns_are_found_by_name() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        b: Option<String>,
        a: u8,
        data: Vec<u8>,
        good: bool,
    }
    let (_folder, db) = database(
        "CREATE TABLE t (a, b, c, data, good);
         INSERT INTO t VALUES (1, NULL, 2.5, x'00ff', 1), (2, 'zwei', 'x', x'', 0)",
    );
    let rows = Flow::from_source(db.query("SELECT * FROM t ORDER BY a; -- all").rows::<Row>());
    let rows = rows.collect_vec().unwrap();
    assert_eq!(
        rows[0],
        Row {
            b: None,
            a: 1,
            data: vec![0, 255],
            good: true
        }
    );
    assert_eq!(
        rows[1],
        Row {
            b: Some("zwei".into()),
            a: 2,
            data: vec![],
            good: false
        }
    );
    let query = db
        .query("SELECT a FROM t WHERE a > ? AND b = ?")
        .params((1, "zwei"));
    assert_eq!(
        Flow::from_source(query.rows::<i64>())
            .collect_vec()
            .unwrap(),
        [2]
    );
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_source() {
    let (folder, db) =
        database("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), ('y', 'x'), (3, 'x')");
    let fails = |sql: &str, words: &[&str]| {
        let error = Flow::from_source(db.query(sql).rows::<(i64, String)>())
            .collect_vec()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Source);
        for words in words {
            assert!(error.message().contains(words), "{words}: {error}");
        }
    };
    fails(
        "SELECT * FROM t",
        &["row 2", "column `a`", "SELECT * FROM t"],
    );
    fails(
        "SELECT * FROM none",
        &["no such table: none", "SELECT * FROM none"],
    );
    fails("SELEC", &["syntax error"]);
    fails("SELECT a FROM t LIMIT 1", &["tuple of size 2"]);
    fails("SELECT a, b FROM t WHERE a = ?", &["parameter"]);
    fails(
        "SELECT a, CAST(x'ff' AS TEXT) AS b FROM t",
        &["column `b`", "BLOB"],
    );
    let query = db
        .query("SELECT b, a FROM t")
        .by_key("b", 4)
        .rows::<(String, i64)>();
    let error = Flow::from_source(query).collect_vec().unwrap_err();
    assert!(error.message().contains("whole numbers"), "{error}");
    let none = Sqlite::open(folder.path().join("none.db"))
        .query("SELECT 1")
        .rows::<i64>();
    let error = Flow::from_source(none).collect_vec().unwrap_err();
    assert!(error.message().contains("is the path right"), "{error}");
    assert!(!folder.path().join("none.db").exists());
    let params = db.query("SELECT 1").params(((1, 2), 3)).rows::<i64>();
    let error = Flow::from_source(params).collect_vec().unwrap_err();
    assert!(error.message().contains("parameters"), "{error}");
}

#[test]
fn rows_are_read_as_they_are_asked_for() {
    // Endless: a source that read ahead would not come back.
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let (_folder, db) = database("");
    let query = db.query(sql).rows::<u64>();
    let few = Flow::from_source(query)
        .stages(2)
        .take(100)
        .collect_vec()
        .unwrap();
    assert_eq!(few, (1..=100).collect::<Vec<_>>());
    let query = db.query(sql).rows::<u64>();
    let mut split = query.next_split().unwrap().unwrap();
    assert_eq!(split.next().unwrap().unwrap(), 1);
    assert!(query.next_split().unwrap().is_none(), "one split");
    assert!(query.input().unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Keys that are absent, negative, far apart, the same or no numbers at all: each row is in one split, and in the same one again.
    #[test]
    fn every_row_is_in_one_split(
        keys in prop::collection::vec(
            prop_oneof![Just(None), (-20i64..20).prop_map(Some), any::<i64>().prop_map(Some)], 0..40),
        splits in 0u64..12,
        workers in 1usize..4,
        late in any::<bool>(),
    ) {
        let (folder, db) = database("CREATE TABLE t (row INTEGER PRIMARY KEY, k INTEGER)");
        let connection = Connection::open(folder.path().join("a.db")).unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
        for key in &keys {
            connection.execute("INSERT INTO t (k) VALUES (?)", [key]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
        let query = || db.query("SELECT row, k FROM t -- all").by_key("k", splits).rows::<(i64, Option<i64>)>();
        let source = query();
        let input = source.input().unwrap().unwrap();
        let mut expected = keys.len() as i64;
        if late {
            // Outside of the bounds that are known by now.
            connection.execute_batch("INSERT INTO t (k) VALUES (-9223372036854775808), (9223372036854775807)").unwrap();
            expected += 2;
        } else {
            let again = query();
            prop_assert_eq!(again.input().unwrap().unwrap(), input);
            for number in 0..splits.max(1) {
                let rows = |source: &millstream::sqlite::Rows<_>| {
                    let split = source.split(number).unwrap();
                    split.map(|split| split.map(Result::unwrap).collect::<Vec<(i64, Option<i64>)>>())
                };
                prop_assert_eq!(rows(&source), rows(&again));
            }
        }
        let mut rows = Flow::from_source(source).stages(workers).map(|row| row.0).collect_vec().unwrap();
        rows.sort_unstable();
        prop_assert_eq!(rows, (1..=expected).collect::<Vec<_>>());
    }
}
