//! The pipe of a source: all its items, and those before an error.

use std::sync::Mutex;

use super::*;
use crate::error::Position;
use crate::run::lock;
use crate::source::drive::{context, drive};

type Parts = Vec<Vec<Result<u32, BoxError>>>;

struct Listed(Mutex<std::vec::IntoIter<Vec<Result<u32, BoxError>>>>);

fn listed(parts: Parts) -> FromSource<Listed> {
    FromSource::new(Listed(Mutex::new(parts.into_iter())))
}

impl Source for Listed {
    type Item = u32;
    type Split<'s> = std::vec::IntoIter<Result<u32, BoxError>>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        Ok(lock(&self.0).next().map(|part| part.into_iter()))
    }
}

#[test]
fn gives_the_items_of_all_splits() {
    for feeds in 1..4 {
        let parts = (0..5)
            .map(|i| (i * 50..i * 50 + 50).map(Ok).collect())
            .collect();
        let chunks = drive(&listed(parts), feeds, true).unwrap();
        let mut got: Vec<u32> = chunks.into_iter().flat_map(|c| c.items).collect();
        got.sort_unstable();
        assert_eq!(got, (0..250).collect::<Vec<_>>());
    }
}

#[test]
fn the_items_before_an_error_come_first() {
    let parts = vec![vec![
        Ok(1),
        Ok(2),
        Ok(3),
        Err("the page is torn".into()),
        Ok(4),
    ]];
    let source = listed(parts);
    let cx = context(0, 1, false);
    let mut feed = source.open(&cx);
    let mut got = Vec::new();
    let error = loop {
        match feed.pull() {
            Ok(Pull::Chunk(chunk)) => got.extend(chunk),
            Ok(Pull::Again) => {}
            Ok(other) => panic!("{other:?} before the error"),
            Err(error) => break error,
        }
    };
    assert_eq!(got, [1, 2, 3]);
    assert_eq!(error.kind(), ErrorKind::Source);
    assert_eq!(error.message(), "the page is torn");
}

#[test]
fn an_error_of_this_crate_keeps_its_kind_and_position() {
    let own = Error::new(ErrorKind::Io, "gone").at(Position::in_file("rows.bin", 77));
    let error = drive(&listed(vec![vec![Err(Box::new(own))]]), 1, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.position().unwrap().byte, 77);
}
