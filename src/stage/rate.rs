//! A rate that producers share (feature `rate`): so many events in a time, changeable while they run.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::rate::Bucket;
use crate::run::ManualClock;

/// How often a stage looks at a clock that somebody moves by hand.
const LOOK: Duration = Duration::from_millis(1);

/// How many events stages may give in a time (feature `rate`). Clones are the same rate: whoever has it shares its permits,
/// and may [change](Rate::change) it.
///
/// It is a bucket of `n` permits, full at first, into which one comes back in each `n`th of the period. A stage with
/// [`rate`](super::Builder::rate) takes a permit for each event demanded, before it looks into its buffer or calls
/// `handle_demand`; demand without a permit waits, on a timer of the stage's and not in a callback. Events that come before
/// there is a permit for them (casts, a batch of a stage in the middle) wait in the stage's buffer, by its size and
/// [`Keep`](super::Keep).
///
/// A permit counts when demand passes, which is when events go unless the producer answers later. So over any time `t` all
/// stages together give no more than `n + n × t / per` events, and on top what was demanded before and was answered late,
/// at most `n` a stage.
///
/// # Examples
/// ```
/// use millstream::ManualClock;
/// use millstream::stage::{self, Rate, Subscription};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let rate = Rate::with_clock(2, Duration::from_secs(1), &clock)?;
/// let numbers = stage::from_iter(0..6).rate(&rate).start()?;
/// let mut events = stage::stream([(&numbers, Subscription::new())])?;
/// assert_eq!((events.next().unwrap()?, events.next().unwrap()?), (0, 1));
/// assert_eq!(numbers.counts().given, 2);
/// // A test need not wait for the next.
/// clock.advance(Duration::from_secs(1));
/// assert_eq!((events.next().unwrap()?, events.next().unwrap()?), (2, 3));
/// rate.change(1000, Duration::from_secs(1))?;
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(events.collect::<Result<Vec<i32>, _>>()?, [4, 5]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone)]
pub struct Rate(Arc<Inner>);

struct Inner {
    time: Time,
    state: Mutex<State>,
}

enum Time {
    Machine(Instant),
    Manual(ManualClock),
}

struct State {
    n: u32,
    per: Duration,
    bucket: Bucket,
    stages: Vec<Weak<dyn Watcher>>,
}

/// A stage that is told when its rate has changed.
pub(crate) trait Watcher: Send + Sync {
    fn look(&self);
}

impl Rate {
    /// `n` events in each period, by the machine's clock.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] if either is zero.
    pub fn new(n: u32, per: Duration) -> Result<Self, Error> {
        Self::by(Time::Machine(Instant::now()), n, per)
    }

    /// `n` events in each period, by a clock that somebody moves: for tests. Stages that wait look at it every millisecond,
    /// and whenever they get a message.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] if either is zero.
    pub fn with_clock(n: u32, per: Duration, clock: &ManualClock) -> Result<Self, Error> {
        Self::by(Time::Manual(clock.clone()), n, per)
    }

    fn by(time: Time, n: u32, per: Duration) -> Result<Self, Error> {
        let state = State {
            n,
            per,
            bucket: bucket(n, per)?,
            stages: Vec::new(),
        };
        Ok(Rate(Arc::new(Inner {
            time,
            state: Mutex::new(state),
        })))
    }

    /// Changes the rate for all who share it, and wakes those that wait. The permits that are left stay, as far as the new
    /// bucket has room for them; a larger bucket fills in its own time.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] if either is zero; the rate stays as it was.
    pub fn change(&self, n: u32, per: Duration) -> Result<(), Error> {
        let bucket = bucket(n, per)?;
        let now = self.now();
        let mut state = self.state();
        let left = state.bucket.draw_up_to(now, state.n);
        bucket.draw_up_to(now, n.saturating_sub(left));
        (state.n, state.per, state.bucket) = (n, per, bucket);
        tell(state);
        Ok(())
    }

    /// Fills the bucket at once, and wakes those that wait.
    pub fn refill(&self) {
        let mut state = self.state();
        // What made a bucket once makes one again.
        if let Some(full) = Bucket::new(state.n, state.per) {
            state.bucket = full;
        }
        tell(state);
    }

    /// How many events, and in which period.
    pub fn get(&self) -> (u32, Duration) {
        let state = self.state();
        (state.n, state.per)
    }

    /// Takes permits for demand that waits, when so many were taken that were not used yet: how many, or when there may be
    /// one. Never, if as many are not used as the bucket holds.
    pub(crate) fn draw(&self, waiting: u64, unused: u64) -> Result<u64, Option<Instant>> {
        let now = self.now();
        let state = self.state();
        let room = u64::from(state.n).saturating_sub(unused).min(waiting);
        let most = u32::try_from(room).unwrap_or(u32::MAX);
        if most == 0 {
            return Err(None);
        }
        match state.bucket.draw_up_to(now, most) {
            0 => {}
            permits => return Ok(permits.into()),
        }
        match state.bucket.draw(now) {
            Ok(()) => Ok(1),
            Err(until) => Err(Some(self.look(until))),
        }
    }

    /// Has a stage told of changes, as long as it is there.
    pub(crate) fn watch(&self, stage: Weak<dyn Watcher>) {
        let stages = &mut self.state().stages;
        stages.retain(|stage| stage.strong_count() > 0);
        stages.push(stage);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of the user's runs under the lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        match &self.0.time {
            Time::Machine(started) => started.elapsed(),
            Time::Manual(clock) => clock.elapsed(),
        }
    }

    /// When, by the machine's clock, to look whether a time has come.
    fn look(&self, until: Duration) -> Instant {
        let now = Instant::now();
        match &self.0.time {
            Time::Machine(started) => started.checked_add(until).unwrap_or(now + LOOK),
            Time::Manual(_) => now + LOOK,
        }
    }
}

/// Tells the stages of a change, without the lock.
fn tell(state: MutexGuard<'_, State>) {
    let stages = state.stages.clone();
    drop(state);
    for stage in stages.iter().filter_map(Weak::upgrade) {
        stage.look();
    }
}

fn bucket(n: u32, per: Duration) -> Result<Bucket, Error> {
    Bucket::new(n, per).ok_or_else(|| {
        let message = match n {
            0 => "a rate of 0 events lets none pass: use 1 or more, or start the stage without a rate",
            _ => "a rate in a period of 0 s has no time to count in: give a period, or start the stage without a rate",
        };
        Error::new(ErrorKind::Option, message)
    })
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Rate")
            .field("n", &state.n)
            .field("per", &state.per)
            .field("stages", &state.stages.len())
            .finish_non_exhaustive()
    }
}
