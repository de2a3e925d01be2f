//! Rows and values: there and back, and what is refused.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: i64,
    name: String,
    rating: Option<f64>,
    small: f32,
    good: bool,
    kind: Kind,
    letter: char,
    wrapped: Wrapped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Plain,
    Odd,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(u64);

fn flat() -> Flat {
    Flat {
        id: -1,
        name: "a\tb".into(),
        rating: None,
        small: 0.5,
        good: true,
        kind: Kind::Odd,
        letter: 'ü',
        wrapped: Wrapped(u64::MAX),
    }
}

/// A record of values in memory.
struct Kept(Vec<String>, Vec<Owned>);

impl Kept {
    fn of<T: Serialize>(row: &T) -> Result<Kept, RowError> {
        let layout = Layout::of(row)?;
        let mut values = vec![Owned::Null; layout.width()];
        write(row, &layout, &mut values)?;
        Ok(Kept(layout.names().to_vec(), values))
    }
}

impl Record for Kept {
    fn width(&self) -> usize {
        self.1.len()
    }

    fn name(&self, at: usize) -> &str {
        self.0.get(at).map_or("", String::as_str)
    }

    fn value(&self, at: usize) -> Result<Value<'_>, RowError> {
        Ok(self.1[at].value())
    }
}

#[test]
fn structs_maps_tuples_and_single_values_are_rows() {
    let kept = Kept::of(&flat()).unwrap();
    assert_eq!(
        kept.0,
        [
            "id", "name", "rating", "small", "good", "kind", "letter", "wrapped"
        ]
    );
    assert_eq!(read::<Flat, _>(&kept).unwrap(), flat());
    let map = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let kept = Kept::of(&map).unwrap();
    assert_eq!(kept.0, ["a", "b"]);
    assert_eq!(read::<BTreeMap<String, i32>, _>(&kept).unwrap(), map);
    assert_eq!(read::<(i64, u8), _>(&kept).unwrap(), (1, 2));
    let kept = Kept::of(&("x", 2.5, ())).unwrap();
    let back: (String, f64, Option<u8>) = read(&kept).unwrap();
    assert_eq!(back, ("x".into(), 2.5, None));
    assert_eq!(read::<u32, _>(&Kept::of(&7u32).unwrap()).unwrap(), 7);
    assert_eq!(
        read::<Option<Kind>, _>(&Kept::of(&Kind::Plain).unwrap()).unwrap(),
        Some(Kind::Plain)
    );
}

#[test]
fn flattened_and_tagged_fields_are_fields() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        id: u8,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        x: i32,
        y: Option<i32>,
    }
    let row = Outer {
        id: 1,
        inner: Inner { x: 2, y: None },
    };
    let kept = Kept::of(&row).unwrap();
    assert_eq!(kept.0, ["id", "x", "y"]);
    assert_eq!(read::<Outer, _>(&kept).unwrap(), row);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Event {
        Click { x: i32 },
    }
    let kept = Kept::of(&Event::Click { x: 3 }).unwrap();
    assert_eq!(kept.0, ["kind", "x"]);
    assert_eq!(read::<Event, _>(&kept).unwrap(), Event::Click { x: 3 });
}

#[test]
fn fields_may_come_in_another_order_or_not_at_all() {
    let layout = Layout::named(["a", "b", "c"].map(String::from).to_vec());
    let mut values = vec![Owned::Null; 3];
    let row = BTreeMap::from([("c", 1), ("a", 2)]);
    write(&row, &layout, &mut values).unwrap();
    assert_eq!(values, [Owned::Int(2), Owned::Null, Owned::Int(1)]);
    let error = write(&BTreeMap::from([("d", 1)]), &layout, &mut values).unwrap_err();
    assert!(error.to_string().contains("`d` has no column"), "{error}");
    let error = write(&(1, 2, 3, 4), &layout, &mut values).unwrap_err();
    assert!(error.to_string().contains("more than 3"), "{error}");
}

#[test]
fn what_no_column_has_is_an_error_that_names_the_field() {
    #[derive(Serialize)]
    struct Nested {
        id: u8,
        tags: Vec<u8>,
    }
    let row = Nested {
        id: 1,
        tags: vec![],
    };
    let error = Kept::of(&row).err().unwrap().to_string();
    assert!(error.contains("column `tags`: it is a sequence"), "{error}");
    let _ = row.id;
    assert!(Kept::of(&()).is_err() && Kept::of(&None::<u8>).is_err());
    assert!(Kept::of(&[0u8; 0]).is_err(), "no columns");
    #[derive(Serialize)]
    enum Bare {
        Click { x: i32 },
    }
    let error = Kept::of(&Bare::Click { x: 1 }).err().unwrap().to_string();
    assert!(error.contains("serde(tag"), "{error}");
}

#[test]
fn text_of_no_type_is_what_the_reader_asks_for() {
    struct Raw(Vec<Option<&'static str>>);
    impl Record for Raw {
        fn width(&self) -> usize {
            self.0.len()
        }
        fn name(&self, at: usize) -> &str {
            ["a", "b", "c", "d", "e"][at]
        }
        fn value(&self, at: usize) -> Result<Value<'_>, RowError> {
            Ok(self.0[at].map_or(Value::Null, Value::Raw))
        }
    }
    let record = Raw(vec![
        Some("-5"),
        Some("NaN"),
        Some("t"),
        Some("\\x00ff"),
        None,
    ]);
    let row: (i8, f64, bool, Vec<u8>, Option<String>) = read(&record).unwrap();
    assert!(row.1.is_nan());
    assert_eq!((row.0, row.2, row.3, row.4), (-5, true, vec![0, 255], None));
    let error = read::<(u8,), _>(&Raw(vec![Some("300")])).unwrap_err();
    assert!(error.to_string().contains("column `a`"), "{error}");
    let error = read::<(u8,), _>(&Raw(vec![Some("x")])).unwrap_err();
    assert!(error.to_string().contains("`x`: invalid digit"), "{error}");
    assert!(read::<(Vec<u8>,), _>(&Raw(vec![Some("\\x0")])).is_err());
}

#[test]
fn words_are_quoted() {
    assert_eq!(table("main.a\"b"), "\"main\".\"a\"\"b\"");
    let names = ["id", "x", "y"].map(String::from);
    assert_eq!(
        conflict(&names, &names[..1]),
        "ON CONFLICT (\"id\") DO UPDATE SET \"x\" = excluded.\"x\", \"y\" = excluded.\"y\""
    );
    assert!(conflict(&names, &names).ends_with("DO NOTHING"));
    assert_eq!(statement("SELECT 1 ; \n"), "SELECT 1\n");
}

proptest! {
    /// Bounds are in order, and every number is on one side of each.
    #[test]
    fn ranges_cut_all_numbers(a in any::<i64>(), b in any::<i64>(), small in any::<bool>(), splits in 0u64..40) {
        let (a, b) = if small { (a % 10, b % 10) } else { (a, b) };
        let (min, max) = (a.min(b), a.max(b));
        let ranges = Ranges::new(Some((min, max)), splits);
        prop_assert!(ranges.count() >= 1 && ranges.count() <= splits.max(1));
        let count = ranges.count();
        let conditions: Vec<_> = (0..count).map(|n| ranges.condition("k", n)).collect();
        if count == 1 {
            prop_assert_eq!(&conditions, &vec![None]);
        } else {
            let bounds: Vec<i64> = conditions[1..].iter().map(|c| {
                let c = c.as_ref().unwrap();
                c.strip_prefix("(k >= ").unwrap().split([' ', ')']).next().unwrap().parse().unwrap()
            }).collect();
            prop_assert!(bounds.windows(2).all(|two| two[0] < two[1]));
            prop_assert!(min < bounds[0] && *bounds.last().unwrap() <= max);
            let first = conditions[0].clone().unwrap();
            prop_assert_eq!(first, format!("(k < {} OR k IS NULL)", bounds[0]));
            for (n, two) in bounds.windows(2).enumerate() {
                let here = conditions[n + 1].clone().unwrap();
                prop_assert_eq!(here, format!("(k >= {} AND k < {})", two[0], two[1]));
            }
        }
    }
}
