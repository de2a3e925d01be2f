//! `rate_limit`: items pass at a rate, whichever of the stage's workers has them.
//!
//! The workers share one bucket of permits. A chunk whose next item finds the bucket empty is cut there: what is left
//! of it stays here, the runner is told when there may be a permit, and the next pull goes on with it. The bucket has no
//! clock; it is told the time of the run, which in a seeded run moves on when nothing else can be done.

use std::cell::RefCell;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::{Feed, Pipe, Pull, Release};
use crate::error::Error;
use crate::run::Context;

/// The longest wait before the worker looks at the stop flag again.
const LOOK: Duration = Duration::from_millis(5);

/// The longest period, and the latest time of a run, in nanoseconds: 73 years, so that sums of a few stay within 64 bits.
const LONGEST: u128 = 1 << 61;

/// The chain of [`Flow::rate_limit`](crate::Flow::rate_limit).
pub struct RateLimit<P> {
    pub(crate) pipe: P,
    /// `None` where the numbers made none: then the plan is refused, and nothing opens.
    pub(crate) bucket: Option<Bucket>,
}

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
    fn draw(&self, now: Duration) -> Result<(), Duration> {
        self.time.tell(now);
        self.limiter
            .check()
            .map_err(|refused| refused.earliest_possible())
    }
}

impl<P: Pipe> Pipe for RateLimit<P> {
    type Item = P::Item;
    type Iter<'s>
        = Limited<'s, P::Iter<'s>>
    where
        Self: 's;
    type Feed<'s>
        = Limiting<'s, P::Feed<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Limiting {
            feed: self.pipe.open(cx),
            held: Rc::new(RefCell::new(Held {
                chunk: None,
                item: None,
                until: None,
                cut: false,
            })),
            bucket: self.bucket.as_ref(),
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// One worker's access to the bucket.
pub struct Limiting<'s, D: Feed> {
    feed: D,
    held: Rc<RefCell<Held<D::Iter>>>,
    bucket: Option<&'s Bucket>,
    cx: &'s Context,
}

/// What a worker has not passed on yet.
struct Held<I: Iterator> {
    /// What is left of the chunk.
    chunk: Option<I>,
    /// The item that found no permit.
    item: Option<I::Item>,
    /// When there may be one, since the start of the run.
    until: Option<Duration>,
    /// Whether the chunk was cut by a step before when its item found no permit.
    cut: bool,
}

impl<'s, D: Feed> Feed for Limiting<'s, D> {
    type Iter = Limited<'s, D::Iter>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let mut held = self.held.borrow_mut();
        if held.item.is_some() {
            if let Some(until) = held.until.take() {
                if self.cx.elapsed() < until {
                    held.until = Some(until);
                    return Ok(Pull::Pending);
                }
            }
            self.cx.cut.set(held.cut);
        } else {
            self.cx.cut.set(false);
            match self.feed.pull()? {
                Pull::Chunk(chunk) => held.chunk = Some(chunk),
                Pull::Again => return Ok(Pull::Again),
                Pull::Border => return Ok(Pull::Border),
                Pull::Pending => return Ok(Pull::Pending),
                Pull::End => return Ok(Pull::End),
            }
        }
        drop(held);
        Ok(Pull::Chunk(Limited {
            ended: false,
            held: self.held.clone(),
            bucket: self.bucket,
            cx: self.cx,
        }))
    }

    fn wait(&mut self, until: Option<Instant>) {
        if self.permit().is_none() {
            return self.feed.wait(until);
        }
        // Nothing but time brings a permit; the runner says how much of it to wait for.
        let until = until.map_or(LOOK, |until| {
            until.saturating_duration_since(Instant::now())
        });
        std::thread::sleep(until.min(LOOK));
    }

    fn slow(&self) -> bool {
        self.held.borrow().item.is_none() && self.feed.slow()
    }

    fn timer(&self) -> Option<Instant> {
        // While an item waits for its permit, what is in front is not asked.
        self.permit().or_else(|| self.feed.timer())
    }
}

impl<D: Feed> Limiting<'_, D> {
    /// When there may be a permit for the item that found none.
    fn permit(&self) -> Option<Instant> {
        let until = self.held.borrow().until?;
        self.cx.shared.started.checked_add(until)
    }
}

/// The items of a chunk that find a permit.
pub struct Limited<'s, I: Iterator> {
    /// Set once it has ended, by the chunk's end or by a cut: what is left belongs to the next one.
    ended: bool,
    held: Rc<RefCell<Held<I>>>,
    bucket: Option<&'s Bucket>,
    cx: &'s Context,
}

impl<I: Iterator> Iterator for Limited<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.ended {
            return None;
        }
        let mut held = self.held.borrow_mut();
        let item = match held.item.take() {
            Some(item) => item,
            None => match held.chunk.as_mut().and_then(Iterator::next) {
                Some(item) => item,
                None => {
                    self.ended = true;
                    held.chunk = None;
                    return None;
                }
            },
        };
        let drawn = self.bucket.map(|bucket| bucket.draw(self.cx.elapsed()));
        if let Some(Err(until)) = drawn {
            self.ended = true;
            held.item = Some(item);
            held.until = Some(until);
            held.cut = self.cx.cut.replace(true);
            return None;
        }
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let held = self.held.borrow();
        let left = held.chunk.as_ref().map_or(Some(0), |c| c.size_hint().1);
        (0, left.and_then(|left| left.checked_add(1)))
    }
}

impl<P> fmt::Debug for RateLimit<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").finish_non_exhaustive()
    }
}

impl<D: Feed> fmt::Debug for Limiting<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiting").finish_non_exhaustive()
    }
}

impl<I: Iterator> fmt::Debug for Limited<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").finish_non_exhaustive()
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
