//! A limit to how fast items pass (feature `rate`).

use std::time::Duration;

use super::Flow;
use crate::rate::Bucket;
use crate::step::{Pipe, RateLimit};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Lets items pass at a rate of `n` in each period, over all workers of the stage (feature `rate`).
    ///
    /// The workers share a bucket of `n` permits, which is full at first; an item takes one, and one comes back in
    /// each `n`th of the period. So `n` items may pass at once after a pause, and over any time `t` no more than
    /// `n + n × t / per`. For a service that refuses more than `n` in *any* window of a period, give half of `n`.
    ///
    /// It belongs right before the step that makes the call, in the same stage: a permit counts when the item
    /// passes. A worker without a permit holds what it has, and its producers wait. Zero items, or a period
    /// of zero, is an error when the flow starts.
    ///
    /// In a seeded run time stands still, so the bucket has a time of its own: a worker that would wait moves it on to
    /// the next permit. All items pass, in an order that the seed decides, and nothing is slept for.
    ///
    /// *Order* kept. *Threads* the stage's. *Memory* one item a worker, and the rest of its chunk. *Ends* with its input; a
    /// stop is seen while it waits, every 5 ms.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::time::Duration;
    ///
    /// let answers = Flow::from_range(0..20)
    ///     .rate_limit(100, Duration::from_millis(50))
    ///     .map(|id| format!("asked for {id}"));
    /// assert_eq!(answers.count()?, 20);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn rate_limit(mut self, n: u32, per: Duration) -> Flow<'env, RateLimit<P>> {
        let bucket = Bucket::new(n, per);
        if bucket.is_none() {
            self.group.refused = Some(match n {
                0 => "rate_limit(0, …) lets no item pass: use 1 or more, or leave it out",
                _ => "rate_limit(…, 0 s) has no time to count in: give a period, or leave it out",
            });
        }
        self.keeps
            .push("an item that waits for `rate_limit`".into());
        self.step("rate_limit", |pipe| RateLimit { pipe, bucket })
    }
}
