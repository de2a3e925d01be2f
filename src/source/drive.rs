//! A driver for tests of sources: opens several feeds on one thread and pulls them in turn until all have ended.

use std::sync::Arc;

use crate::error::Error;
use crate::options::Group;
use crate::run::{Clock, Context, ManualClock, Scene, Shared};
use crate::step::{Feed, Pipe, Pull};

/// A chunk as a worker would see it.
#[derive(Debug)]
pub(super) struct Seen<T> {
    pub(super) feed: usize,
    pub(super) ticket: u64,
    pub(super) items: Vec<T>,
}

/// The context of one worker of a run that nobody drives.
pub(super) fn context(index: usize, of: usize, ordered: bool) -> Context {
    let shared = Shared::new(
        None,
        None,
        true,
        Clock::Seeded(ManualClock::new()),
        Scene::default(),
    );
    Context::new(
        shared,
        0,
        Arc::from("source"),
        (index, of),
        Group::default(),
        Group::default(),
        ordered,
    )
}

/// All chunks of a source, in the order they were given.
pub(super) fn drive<P: Pipe>(
    source: &P,
    feeds: usize,
    ordered: bool,
) -> Result<Vec<Seen<P::Item>>, Error> {
    let contexts: Vec<Context> = (0..feeds).map(|i| context(i, feeds, ordered)).collect();
    let mut open: Vec<_> = contexts
        .iter()
        .map(|cx| source.open(cx))
        .enumerate()
        .collect();
    let mut seen = Vec::new();
    while !open.is_empty() {
        let mut ended = Vec::new();
        for (index, feed) in &mut open {
            match feed.pull()? {
                Pull::Chunk(chunk) => seen.push(Seen {
                    feed: *index,
                    ticket: contexts[*index].ticket.get(),
                    items: chunk.collect(),
                }),
                Pull::Again | Pull::Border => {}
                Pull::Pending => feed.wait(None),
                Pull::End => ended.push(*index),
            }
        }
        open.retain(|(index, _)| !ended.contains(index));
    }
    Ok(seen)
}

/// All items in the order of their tickets, which must be 0, 1, 2, … in an ordered stage and distinct in any.
pub(super) fn numbered<P: Pipe>(source: &P, feeds: usize, ordered: bool) -> Vec<P::Item> {
    let mut chunks = drive(source, feeds, ordered).expect("a source without errors");
    chunks.sort_by_key(|chunk| chunk.ticket);
    assert!(
        chunks
            .windows(2)
            .all(|pair| pair[0].ticket < pair[1].ticket)
    );
    if ordered {
        assert!(
            chunks
                .iter()
                .map(|chunk| chunk.ticket)
                .eq(0..chunks.len() as u64)
        );
    }
    chunks.into_iter().flat_map(|chunk| chunk.items).collect()
}
