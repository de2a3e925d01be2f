//! Permits: so many at first, then one in each part of a period. What limits the rate of a flow's step and of stages.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// The longest period, and the latest time of a run, in nanoseconds: 73 years, so that sums of a few stay within 64 bits.
const LONGEST: u128 = 1 << 61;

/// Permits that all workers draw from: so many at first, then one in each part of the period.
#[derive(Debug)]
pub(crate) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, Told, NoOpMiddleware<Duration>>,
    time: Told,
}

/// A clock that is told the time, in nanoseconds since the start of the run; it never goes back.
#[derive(Debug, Clone, Default)]
struct Told(Arc<AtomicU64>);

impl Told {
    fn tell(&self, time: Duration) {
        let nanos = time.as_nanos().min(LONGEST) as u64;
        self.0.fetch_max(nanos, Ordering::Relaxed);
    }
}

impl Clock for Told {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl Bucket {
    /// A bucket of `n` permits, of which one comes back in each `n`th of the period; `None` if either is zero.
    pub(crate) fn new(n: u32, per: Duration) -> Option<Self> {
        let n = NonZeroU32::new(n)?;
        // Rounded up: rather a nanosecond late than one item too many.
        let each = per.as_nanos().min(LONGEST).div_ceil(n.get().into());
        let each = Duration::from_nanos(u64::try_from(each).unwrap_or(u64::MAX));
        let quota = Quota::with_period(each)?.allow_burst(n);
        let time = Told::default();
        Some(Bucket {
            limiter: RateLimiter::direct_with_clock(quota, time.clone()),
            time,
        })
    }

    /// Draws a permit at a time of the run, or says when there may be one.
    pub(crate) fn draw(&self, now: Duration) -> Result<(), Duration> {
        self.time.tell(now);
        self.limiter
            .check()
            .map_err(|refused| refused.earliest_possible())
    }

    /// Draws as many permits as there are, `most` at most.
    pub(crate) fn draw_up_to(&self, now: Duration, most: u32) -> u32 {
        self.time.tell(now);
        if self.has(most) {
            return most;
        }
        // The bucket does not tell how many it has: found bit by bit, the highest first.
        let mut drawn = 0;
        for bit in (0..u32::BITS).rev().map(|shift| 1 << shift) {
            if bit <= most - drawn && self.has(bit) {
                drawn += bit;
            }
        }
        drawn
    }

    /// Draws so many permits at once, or none.
    fn has(&self, permits: u32) -> bool {
        let Some(permits) = NonZeroU32::new(permits) else {
            return true;
        };
        matches!(self.limiter.check_n(permits), Ok(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of so many items passes, asking as early as the bucket says.
    fn passes(bucket: &Bucket, items: usize, mut now: Duration) -> Vec<Duration> {
        let mut passed = Vec::new();
        while passed.len() < items {
            match bucket.draw(now) {
                Ok(()) => passed.push(now),
                Err(until) => {
                    assert!(until > now, "a refusal names a later time");
                    now = until;
                }
            }
        }
        passed
    }

    #[test]
    fn a_full_bucket_first_and_then_one_in_each_part() {
        let ms = Duration::from_millis;
        let bucket = Bucket::new(4, ms(100)).expect("a bucket");
        let passed = passes(&bucket, 8, ms(0));
        let expected = [0, 0, 0, 0, 25, 50, 75, 100].map(ms);
        assert_eq!(passed, expected);
        // A pause of a period fills it again, one of ten no further.
        let passed = passes(&bucket, 6, ms(1_100));
        assert_eq!(passed, [1_100, 1_100, 1_100, 1_100, 1_125, 1_150].map(ms));
    }

    #[test]
    fn over_any_time_no_more_than_the_bucket_and_what_comes_back() {
        for (n, per) in [(1, 7), (3, 10), (10, 3), (1_000, 999), (7, 1_000_000)] {
            let per = Duration::from_nanos(per);
            let bucket = Bucket::new(n, per).expect("a bucket");
            let passed = passes(&bucket, 5_000, Duration::ZERO);
            for (count, at) in (1u128..).zip(passed) {
                let came_back = at.as_nanos() * u128::from(n) / per.as_nanos();
                assert!(count <= u128::from(n) + came_back, "{n} in {per:?}");
            }
        }
    }

    #[test]
    fn time_does_not_go_back() {
        let bucket = Bucket::new(1, Duration::from_secs(1)).expect("a bucket");
        assert_eq!(bucket.draw(Duration::from_secs(5)), Ok(()));
        let until = Duration::from_secs(6);
        assert_eq!(bucket.draw(Duration::from_secs(2)), Err(until));
        assert_eq!(bucket.draw(until), Ok(()));
    }

    #[test]
    fn as_many_as_there_are() {
        let ms = Duration::from_millis;
        let bucket = Bucket::new(100, ms(100)).expect("a bucket");
        assert_eq!(bucket.draw_up_to(ms(0), 0), 0);
        assert_eq!(bucket.draw_up_to(ms(0), 37), 37);
        assert_eq!(bucket.draw_up_to(ms(0), 1_000), 63);
        assert_eq!(bucket.draw_up_to(ms(0), 1_000), 0);
        assert_eq!(bucket.draw_up_to(ms(21), u32::MAX), 21);
        assert_eq!(bucket.draw(ms(21)), Err(ms(22)));
        assert_eq!(bucket.draw_up_to(ms(1_000), u32::MAX), 100);
    }

    #[test]
    fn zeros_make_no_bucket_and_a_long_time_does() {
        assert!(Bucket::new(0, Duration::from_secs(1)).is_none());
        assert!(Bucket::new(1, Duration::ZERO).is_none());
        for n in [1, u32::MAX] {
            let bucket = Bucket::new(n, Duration::MAX).expect("a bucket");
            assert_eq!(bucket.draw(Duration::ZERO), Ok(()));
            let _ = bucket.draw(Duration::MAX);
        }
    }
}
