//! What stages keep besides batches, in words with their numbers: for `explain`, and so for the other forms of a plan.
//!
//! Bytes are those of the types, known when the flow is built; what a value owns elsewhere is said to be there, and not
//! counted.

use std::borrow::Cow;
use std::mem::needs_drop;

use crate::plan::{bytes, number};
use crate::state::{Entry, entry_bytes, front_places, partial_bytes};
use crate::window::{KeySessions, Panes, Spec};

/// One thing that a stage keeps.
pub(super) type Keep = Cow<'static, str>;

/// The size of a value, and that it owns more if its type does.
fn sized<T>() -> String {
    owning::<T>(size_of::<T>())
}

fn owning<T>(size: usize) -> String {
    let owns = if needs_drop::<T>() {
        " and what it owns"
    } else {
        ""
    };
    format!("{}{owns}", bytes(size as u64))
}

/// The size of a value in a hash table, which has a byte beside each place, and grows to twice its places when seven
/// eighths are taken.
fn in_table<T>(size: usize) -> String {
    let place = size as u64 + 1;
    format!(
        "{}, {} to {} with its place in a table",
        owning::<T>(size),
        number((place * 8).div_ceil(7)),
        number((place * 16).div_ceil(7))
    )
}

/// Blocks of files that are being read.
pub(super) fn blocks(size: usize) -> Keep {
    format!(
        "a block of a file a thread, {} or its longest record",
        bytes(size as u64)
    )
    .into()
}

/// An accumulator a worker.
pub(super) fn accumulators<A>(method: &str) -> Keep {
    format!("an accumulator of `{method}` a thread, {}", sized::<A>()).into()
}

/// The one that accumulators are merged into.
pub(super) fn merged<A>() -> Keep {
    format!("what has been merged, {}", sized::<A>()).into()
}

/// Items that are collected.
pub(super) fn collected<T>() -> Keep {
    format!("the collected items, each {}", sized::<T>()).into()
}

/// Rows that are about to be written: so many, or those of a split.
pub(super) fn written<T>(most: Option<usize>) -> Keep {
    let each = sized::<T>();
    match most {
        Some(most) => format!(
            "up to {} rows a thread to be written together, each {each}",
            number(most as u64)
        ),
        None => format!("the rows of a split a thread, to be written together, each {each}"),
    }
    .into()
}

/// Heaps of what comes first.
pub(super) fn heaps<T>(n: usize) -> Keep {
    format!(
        "up to {} items a thread that a sort may still take, each {}",
        number(n as u64),
        sized::<T>()
    )
    .into()
}

/// The items a worker that passed before.
pub(super) fn seen<K>() -> Keep {
    let key = in_table::<K>(size_of::<K>());
    format!("the distinct keys that `uniq` has seen, each {key}").into()
}

/// The states of windows.
pub(super) fn windows<A, T>(spec: &Spec<T>) -> Keep {
    format!(
        "{}; a state is {}, {} with its place",
        spec.keeps(),
        sized::<A>(),
        number(Panes::<A>::BYTES as u64)
    )
    .into()
}

/// The keys of windows that have a table as their state.
pub(super) fn keys_of_windows<K, A, T>(spec: &Spec<T>) -> Keep {
    let key = in_table::<(K, A)>(size_of::<(K, A)>());
    format!("{}; a state is its distinct keys, each {key}", spec.keeps()).into()
}

/// What a producer combines by key, and by windows or gaps of time.
pub(super) fn partials<K, A>(by: &str) -> Keep {
    let partial = in_table::<(K, A)>(partial_bytes::<K, A>());
    format!("partial results by {by} and key a thread, up to 65,536 and a chunk, each {partial}")
        .into()
}

/// What a producer combines by key. The batches on their way are those that are filling up.
pub(super) fn combines<K: Eq, A>() -> Keep {
    format!(
        "entries to combine a thread, up to {}, each {}; and on their way less than 64 batches a thread, or than 256 \
         while nearly every key is new, of entries of {}",
        number(front_places::<K, A>() as u64),
        owning::<(K, A)>(size_of::<Option<Entry<K, A>>>()),
        bytes(entry_bytes::<K, A>() as u64)
    )
    .into()
}

/// What the owner of keys keeps of them.
pub(super) fn keys<K, A>() -> Keep {
    format!(
        "its distinct keys with what was accumulated, each {}; and entries as large that wait to be counted: by groups of \
         keys, at least 64 in all, each up to 4,096 or twice its keys, whichever is more; while nearly every key is new \
         by a fourth of a group, up to 5,632 or 2.75 times its keys",
        owning::<(K, A)>(entry_bytes::<K, A>())
    )
    .into()
}

/// Rows on their way to a join.
pub(super) fn rows_to_join<K, T>() -> Keep {
    format!(
        "rows on their way, less than a batch in each of at least 256 parts a thread, each {} with its key",
        owning::<(K, T)>(entry_bytes::<K, T>())
    )
    .into()
}

/// Rows of both sides of a join.
pub(super) fn rows_of_both<K, L, R>() -> Keep {
    format!(
        "the rows of both sides, until one side is complete; then the rows of that side, and up to half as many of the \
         other that wait to be matched; {}",
        rows::<K, L, R>()
    )
    .into()
}

/// Rows of the side of a join that is declared to be kept.
pub(super) fn rows_of_one<K, L, R>(left: bool) -> Keep {
    let (kept, other) = if left {
        ("left", "right")
    } else {
        ("right", "left")
    };
    format!(
        "the rows of the {kept} side, and up to half as many of the {other} that wait to be matched; {}",
        rows::<K, L, R>()
    )
    .into()
}

/// Rows of both sides of a join within windows, or within an interval.
pub(super) fn rows_within<K, L, R>(interval: bool) -> Keep {
    let until = if interval {
        ", until the watermark says that none can come that they would meet"
    } else {
        " of windows that are open"
    };
    format!("the rows of both sides{until}; {}", rows::<K, L, R>()).into()
}

/// The sessions of each key.
pub(super) fn sessions_of_keys<K, A>() -> Keep {
    format!(
        "a state a session that is open, of each key; a key with its latest session is {}, and up to {} more to find it",
        owning::<(K, A)>(KeySessions::<K, A>::BYTES),
        bytes(KeySessions::<K, A>::TO_FIND as u64)
    )
    .into()
}

/// The sessions of a partition's items.
pub(super) fn sessions<A>() -> Keep {
    format!(
        "a state a session that is open, in each partition; a state is {}",
        sized::<A>()
    )
    .into()
}

fn rows<K, L, R>() -> String {
    format!(
        "a left row is {}, a right row {}, with their keys",
        owning::<(K, L)>(entry_bytes::<K, L>()),
        owning::<(K, R)>(entry_bytes::<K, R>())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_types() {
        assert_eq!(sized::<u64>(), "8 bytes");
        assert_eq!(sized::<u8>(), "1 byte");
        assert_eq!(sized::<&str>(), "16 bytes");
        assert_eq!(sized::<String>(), "24 bytes and what it owns");
    }

    #[test]
    fn a_table_is_between_seven_eighths_and_seven_sixteenths_full() {
        assert_eq!(
            in_table::<u64>(8),
            "8 bytes, 11 to 21 with its place in a table"
        );
        assert_eq!(
            in_table::<[u8; 6]>(6),
            "6 bytes, 8 to 16 with its place in a table"
        );
    }

    #[test]
    fn a_session_is_kept_with_its_times_and_its_key() {
        let keeps = sessions_of_keys::<u64, u64>();
        assert!(
            keeps.contains("latest session is 72 bytes, and up to 55 bytes more"),
            "{keeps}"
        );
        let keeps = partials::<u64, u64>("gap of time");
        assert!(
            keeps.starts_with("partial results by gap of time and key"),
            "{keeps}"
        );
    }

    #[test]
    fn what_waits_is_what_parts_let_wait() {
        let keys = keys::<u64, u64>();
        assert!(keys.contains("accumulated, each 16 bytes;"), "{keys}");
        assert!(combines::<u64, u64>().contains("up to 16,384, each 32 bytes"));
        assert!(combines::<[u64; 31], u64>().contains("up to 2,048, each 272 bytes"));
    }
}
