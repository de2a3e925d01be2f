//! Partial results of windows on their way from a producer to the owners of the keys.

use ahash::RandomState;

use crate::output::{Router, partition_of};

/// Entries that go together.
const MOST: usize = 1024;

/// What a producer made of items of one window, for the keys of one owner.
#[derive(Debug)]
pub(crate) struct Partials<K, A> {
    pub(crate) start: i64,
    owner: usize,
    /// How many items they are made of.
    pub(super) items: u64,
    pub(super) entries: Vec<(K, A)>,
}

/// What a producer made of the items of one key in one window.
#[derive(Debug)]
pub(crate) struct Partial<K, A> {
    pub(super) start: i64,
    pub(super) key: K,
    pub(super) acc: A,
}

impl<K, A> Partials<K, A> {
    fn new(start: i64, owner: usize) -> Self {
        Partials {
            start,
            owner,
            items: 0,
            entries: Vec::new(),
        }
    }

    /// They one by one.
    pub(crate) fn each(self) -> impl Iterator<Item = Partial<K, A>> {
        let start = self.start;
        let entries = self.entries.into_iter();
        entries.map(move |(key, acc)| Partial { start, key, acc })
    }

    /// Bytes that they take on an edge.
    pub(crate) fn weight(&self) -> usize {
        self.entries.len() * size_of::<(K, A)>()
    }
}

/// Partials that are being filled.
pub(super) struct Pending<K, A> {
    owners: usize,
    /// By start. Few windows are passed at a time.
    windows: Vec<Filling<K, A>>,
    /// Which of them was added to last.
    last: usize,
}

struct Filling<K, A> {
    start: i64,
    of_owner: Vec<Partials<K, A>>,
    full: Vec<Partials<K, A>>,
}

impl<K, A> Pending<K, A> {
    pub(super) fn new(owners: usize) -> Self {
        Pending {
            owners,
            windows: Vec::new(),
            last: 0,
        }
    }

    /// Adds what was made of some items of a key in the window that starts there.
    #[inline(never)]
    pub(super) fn push(&mut self, start: i64, hash: u64, entry: (K, A), items: u32) {
        if self.windows.get(self.last).map(|window| window.start) != Some(start) {
            self.turn_to(start);
        }
        let owner = partition_of(hash, self.owners);
        let window = &mut self.windows[self.last];
        let partials = &mut window.of_owner[owner];
        partials.items += u64::from(items);
        partials.entries.push(entry);
        if partials.entries.len() == MOST {
            let next = Partials {
                entries: Vec::with_capacity(MOST),
                ..Partials::new(start, owner)
            };
            window.full.push(std::mem::replace(partials, next));
        }
    }

    #[cold]
    fn turn_to(&mut self, start: i64) {
        self.last = match self
            .windows
            .binary_search_by_key(&start, |window| window.start)
        {
            Ok(at) => at,
            Err(at) => {
                let of_owner = (0..self.owners).map(|owner| Partials::new(start, owner));
                let filling = Filling {
                    start,
                    of_owner: of_owner.collect(),
                    full: Vec::new(),
                };
                self.windows.insert(at, filling);
                at
            }
        };
    }

    /// Takes everything, oldest first: what is newer tells the owner that what is older is complete.
    pub(super) fn take(&mut self) -> Vec<Partials<K, A>> {
        let windows = std::mem::take(&mut self.windows).into_iter();
        windows
            .flat_map(|window| {
                let rest = window.of_owner.into_iter();
                window
                    .full
                    .into_iter()
                    .chain(rest.filter(|partials| !partials.entries.is_empty()))
            })
            .collect()
    }
}

/// Partials go to the owner they are for.
pub(crate) struct ToOwner;

impl<K, A> Router<Partials<K, A>> for ToOwner {
    #[inline]
    fn target(
        &self,
        partials: &Partials<K, A>,
        _: usize,
        _: &RandomState,
    ) -> Result<Option<usize>, usize> {
        Ok(Some(partials.owner))
    }
}
