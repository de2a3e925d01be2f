//! Ends that gather items: into any collection, a vector, or a vector a partition.

use super::{Flow, keeps};
use crate::error::Error;
use crate::output::{Gather, Gathered, Slots};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Runs the flow and collects its items into any collection: `Vec`, `HashMap` with any hasher, `BTreeMap`, `String`.
    ///
    /// Workers gather on their own; this thread then fills the collection, whose size is known by then. For millions
    /// of rows a [`collect_vec`](Flow::collect_vec) or [`collect_partitions`](Flow::collect_partitions) costs less
    /// than one big map.
    ///
    /// *Order* none, or that of the input after [`ordered`](Flow::ordered). *Memory* the items. *Errors* as of any
    /// end: what a step, a source or a plan made wrong; never a partial result.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::collections::BTreeMap;
    ///
    /// let squares: BTreeMap<u32, u32> = Flow::from_range(0..4).map(|n| (n, n * n)).collect()?;
    /// assert_eq!(squares[&3], 9);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn collect<C: FromIterator<P::Item>>(self) -> Result<C, Error> {
        self.ending().collect().run()
    }

    /// Runs the flow and collects its items into a vector.
    ///
    /// *Order* none, or that of the input after [`ordered`](Flow::ordered). *Memory* the items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let mut items = Flow::from_range(0..3).collect_vec()?;
    /// items.sort();
    /// assert_eq!(items, [0, 1, 2]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn collect_vec(self) -> Result<Vec<P::Item>, Error> {
        let parts = self.gather("collect_vec")?;
        if parts.iter().any(|part| !part.chunks.is_empty()) {
            return Ok(in_order(parts).collect());
        }
        let total: usize = parts.iter().map(|part| part.items.len()).sum();
        let mut parts = parts.into_iter().map(|part| part.items);
        let mut all = parts.next().unwrap_or_default();
        all.reserve_exact(total - all.len());
        parts.for_each(|mut part| all.append(&mut part));
        Ok(all)
    }

    /// Runs the flow and collects the items of each worker of its last stage into a vector of their own.
    ///
    /// The vectors are in the order of the partitions. Nothing is copied.
    ///
    /// *Order* within a partition: that of arrival. *Memory* the items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let parts = Flow::from_range(0..100).partition().stages(3).collect_partitions()?;
    /// assert_eq!(parts.len(), 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn collect_partitions(self) -> Result<Vec<Vec<P::Item>>, Error> {
        let parts = self.gather("collect_partitions")?;
        Ok(parts.into_iter().map(|part| part.items).collect())
    }

    fn gather(mut self, method: &'static str) -> Result<Vec<Gathered<P::Item>>, Error> {
        self.keeps.push(keeps::collected::<P::Item>());
        let parts = Slots::new();
        self.finish(
            method,
            Gather {
                parts: parts.clone(),
            },
        )?;
        Ok(parts.take())
    }
}

/// A collection of the items of all workers.
pub(super) fn fill<T, C: FromIterator<T>>(parts: Vec<Gathered<T>>) -> C {
    let left = parts.iter().map(|part| part.items.len()).sum();
    let items = in_order(parts);
    Sized { items, left }.collect()
}

/// The items of all workers, by the tickets of their chunks where those were noted.
fn in_order<T>(parts: Vec<Gathered<T>>) -> impl Iterator<Item = T> {
    let mut runs: Vec<(u64, usize, usize)> = Vec::new();
    let mut sources: Vec<std::vec::IntoIter<T>> = Vec::with_capacity(parts.len());
    for (worker, part) in parts.into_iter().enumerate() {
        if part.chunks.is_empty() {
            runs.push((0, worker, part.items.len()));
        }
        runs.extend(
            part.chunks
                .iter()
                .map(|(ticket, items)| (*ticket, worker, *items)),
        );
        sources.push(part.items.into_iter());
    }
    // Stable, and a worker's tickets ascend: each worker's items are taken front to back.
    runs.sort_by_key(|(ticket, _, _)| *ticket);
    let mut runs = runs.into_iter();
    let mut run: Option<(usize, usize)> = None;
    std::iter::from_fn(move || {
        loop {
            match &mut run {
                Some((worker, left)) if *left > 0 => {
                    *left -= 1;
                    return sources.get_mut(*worker)?.next();
                }
                _ => {
                    let (_, worker, items) = runs.next()?;
                    run = Some((worker, items));
                }
            }
        }
    })
}

/// An iterator whose exact length is known, so that collections make room once.
struct Sized<I> {
    items: I,
    left: usize,
}

impl<I: Iterator> Iterator for Sized<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.left = self.left.saturating_sub(1);
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
