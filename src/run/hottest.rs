//! The keys that come most often, estimated from a sample in bounded memory.
//!
//! The sketch is "space saving": A. Metwally, D. Agrawal and A. El Abbadi, "Efficient computation of frequent and top-k elements in
//! data streams", 2005. It keeps a fixed number of counters. A key that has none takes that of the rarest one, with its count, and
//! notes how much of the count is not its own; so what it reports of a key is never too much, and a key with more than a part in the number of
//! counters is among them for sure.

use std::collections::HashMap;

use super::report::StageReport;

/// Counters for each key that was asked for: the more, the surer the order.
const FOR_EACH: usize = 8;
const COUNTERS: std::ops::RangeInclusive<usize> = 64..=1024;

/// Counters of one worker.
#[derive(Debug)]
pub(crate) struct Sketch {
    asked: usize,
    room: usize,
    counters: Vec<Counter>,
    seen: u64,
}

/// A key by its hash, and how often it came.
#[derive(Debug)]
struct Counter {
    hash: u64,
    label: String,
    count: u64,
    /// What of the count may be other keys'.
    over: u64,
}

/// What a sketch knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hot {
    asked: usize,
    seen: u64,
    /// Keys, and how often they came at least.
    keys: Vec<(String, u64)>,
}

impl Sketch {
    /// A sketch for so many keys.
    pub(crate) fn new(asked: usize) -> Self {
        let room = asked.saturating_mul(FOR_EACH);
        Sketch {
            asked,
            room: room.clamp(*COUNTERS.start(), *COUNTERS.end()),
            counters: Vec::new(),
            seen: 0,
        }
    }

    /// Counts a key if it has a counter; whether it has.
    pub(crate) fn again(&mut self, hash: u64) -> bool {
        let known = self.counters.iter_mut().find(|c| c.hash == hash);
        let has = known.map(|known| known.count += 1).is_some();
        self.seen += u64::from(has);
        has
    }

    /// Counts a key that has no counter yet.
    pub(crate) fn first(&mut self, hash: u64, label: String) {
        self.seen += 1;
        if self.counters.len() < self.room {
            self.counters.push(Counter {
                hash,
                label,
                count: 1,
                over: 0,
            });
        } else if let Some(rarest) = self.counters.iter_mut().min_by_key(|c| c.count) {
            *rarest = Counter {
                hash,
                label,
                count: rarest.count + 1,
                over: rarest.count,
            };
        }
    }

    /// What it knows until now.
    pub(crate) fn hot(&self) -> Hot {
        let keys = self.counters.iter();
        Hot {
            asked: self.asked,
            seen: self.seen,
            keys: keys.map(|c| (c.label.clone(), c.count - c.over)).collect(),
        }
    }
}

impl StageReport {
    /// The keys that came most often through [`hottest_keys`](crate::Flow::hottest_keys), from the most frequent, each with its
    /// estimated part of the items, from 0 to 1; empty if the stage has no such step.
    ///
    /// A part is estimated from a sample, and rather too small than too large.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::iter::repeat_n;
    ///
    /// let words = repeat_n("the", 60_000).chain(repeat_n("mill", 20_000));
    /// let report = Flow::from_iter(words).stages(1).hottest_keys(1, |word| *word).run()?;
    /// let (word, share) = &report.stages()[0].hottest()[0];
    /// assert_eq!(word, "\"the\"");
    /// assert!((0.6..0.9).contains(share));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn hottest(&self) -> Vec<(String, f64)> {
        let hot = self.workers.iter().map(|worker| &worker.hot);
        let asked = hot.clone().map(|hot| hot.asked).max().unwrap_or(0);
        let seen: u64 = hot.clone().map(|hot| hot.seen).sum();
        let mut all: HashMap<&str, u64> = HashMap::new();
        for (key, count) in hot.flat_map(|hot| &hot.keys) {
            *all.entry(key).or_default() += count;
        }
        let mut all: Vec<(&str, u64)> = all.into_iter().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        // What came once or twice in the sample says nothing.
        let most = all.into_iter().take_while(|(_, count)| *count > 2);
        let most = most.take(asked);
        most.map(|(key, count)| (key.to_owned(), count as f64 / seen.max(1) as f64))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::WorkerReport;
    use super::*;

    fn see(sketch: &mut Sketch, hash: u64, label: &str) {
        if !sketch.again(hash) {
            sketch.first(hash, label.to_owned());
        }
    }

    fn worker(sketch: &Sketch) -> WorkerReport {
        WorkerReport {
            hot: sketch.hot(),
            ..WorkerReport::default()
        }
    }

    #[test]
    fn a_frequent_key_is_found_among_many_rare_ones() {
        let mut sketch = Sketch::new(2);
        for n in 0..30_000_u64 {
            let key = match n % 10 {
                0..4 => 1,
                4 | 5 => 2,
                _ => 1_000 + n,
            };
            see(&mut sketch, key, &key.to_string());
        }
        assert_eq!(sketch.counters.len(), 64);
        let stage = StageReport {
            workers: vec![worker(&sketch)],
            ..StageReport::default()
        };
        let hottest = stage.hottest();
        assert_eq!(hottest.len(), 2);
        assert_eq!(hottest[0].0, "1");
        assert_eq!(hottest[1].0, "2");
        // Never more than it was, and few of its own are lost.
        assert!(hottest[0].1 <= 0.4 && hottest[0].1 > 0.39, "{hottest:?}");
        assert!(hottest[1].1 <= 0.2 && hottest[1].1 > 0.19, "{hottest:?}");
    }

    #[test]
    fn workers_are_added_by_label() {
        let (mut one, mut two) = (Sketch::new(1), Sketch::new(1));
        for _ in 0..3 {
            see(&mut one, 7, "a");
            see(&mut two, 7, "a");
        }
        see(&mut two, 8, "b");
        see(&mut two, 8, "b");
        let stage = StageReport {
            workers: vec![worker(&one), worker(&two), WorkerReport::default()],
            ..StageReport::default()
        };
        assert_eq!(stage.hottest(), [("a".to_owned(), 6.0 / 8.0)]);
        assert!(StageReport::default().hottest().is_empty());
    }
}
