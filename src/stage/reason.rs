//! What callbacks answer, and why stages and subscriptions end.

use std::fmt;
use std::sync::Arc;

use crate::error::{BoxError, Error, ErrorKind};

/// What a stage does after a callback.
///
/// # Examples
/// A producer that has no more after its last event:
/// ```
/// use millstream::stage::{self, Answer, Emit, Next, Producer, Subscription};
///
/// struct Countdown(u32);
///
/// impl Producer for Countdown {
///     type Event = u32;
///
///     fn handle_demand(&mut self, n: usize, out: &mut Emit<u32>) -> Answer {
///         for _ in 0..n {
///             if self.0 == 0 {
///                 return Ok(Next::Done);
///             }
///             out.push(self.0);
///             self.0 -= 1;
///         }
///         Ok(Next::Go)
///     }
/// }
///
/// let countdown = stage::producer(Countdown(3)).start()?;
/// let events: Result<Vec<u32>, _> = stage::stream([(&countdown, Subscription::new())])?.collect();
/// assert_eq!(events?, [3, 2, 1]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub enum Next {
    /// The stage goes on.
    #[default]
    Go,
    /// The stage has nothing more to give: it ends normally once its buffer is taken. Until then it still takes calls,
    /// casts and infos, but is asked for nothing and given no events: those that wait to be handled are dropped.
    Done,
    /// The stage ends at once; what is in its buffer is dropped.
    Stop(Reason),
}

/// What a callback returns; an error ends the stage with [`Reason::Failed`].
pub type Answer = Result<Next, BoxError>;

/// What `init` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Init {
    /// The stage runs.
    #[default]
    Run,
    /// There is nothing to do for this stage: starting it gives an error of [`ErrorKind::Ignored`], and is no failure.
    Ignore,
}

/// Who asks for events of a subscription: what a consumer's `handle_subscribe` chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asking {
    /// The stage asks by itself: `max_demand` at first, and again whenever no more than `min_demand` is under way.
    #[default]
    Automatic,
    /// Nothing is asked but by [`Upstream::ask`](super::Upstream::ask).
    Manual,
}

/// What a producer does with the demand of its consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DemandMode {
    /// It goes to `handle_demand`.
    #[default]
    Forward,
    /// It is kept, and events are buffered, until the mode is set to forward: for when all consumers shall have
    /// subscribed before the first event.
    Accumulate,
}

/// Why a stage, or a subscription, ended. Clones are cheap.
///
/// # Examples
/// ```
/// use millstream::stage::testing::pushed;
/// use millstream::stage::Reason;
///
/// let producer = pushed::<u32>().start()?;
/// producer.stop_with(Reason::other("out of paper"))?;
/// let stage = producer.stage();
/// assert_eq!(producer.join().unwrap_err().message(), "out of paper");
/// assert!(!stage.ended().unwrap().is_good());
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// It had nothing more to do.
    Normal,
    /// Its owner wanted it to end.
    Shutdown,
    /// A callback returned an error or panicked.
    Failed(Arc<Error>),
    /// The producer had ended before the subscription came to it.
    NoStage,
    /// The producer's dispatcher does not take this consumer; the text says why. The consumer goes on, whatever its
    /// subscription's `cancel` says.
    Refused(Arc<str>),
    /// The same subscription came twice.
    Duplicate,
    /// A reason of one's own.
    Other(Arc<str>),
}

impl Reason {
    /// A reason of one's own; it counts as a failure.
    pub fn other(text: impl AsRef<str>) -> Self {
        Reason::Other(text.as_ref().into())
    }

    /// Whether all is well: [`Normal`](Reason::Normal) or [`Shutdown`](Reason::Shutdown).
    pub fn is_good(&self) -> bool {
        matches!(self, Reason::Normal | Reason::Shutdown)
    }

    /// How a run of a flow went for a worker that leaves it: what it failed with, or else whether it was halted.
    pub(crate) fn of_run(failure: Option<Error>, halted: bool) -> Self {
        match failure {
            Some(error) if error.kind() == ErrorKind::Stopped => Reason::Shutdown,
            Some(error) => Reason::failed(error),
            None if halted => Reason::Shutdown,
            None => Reason::Normal,
        }
    }

    pub(crate) fn failed(error: Error) -> Self {
        Reason::Failed(Arc::new(error))
    }

    /// What joining a stage that ended so gives.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        match self {
            Reason::Normal | Reason::Shutdown => Ok(()),
            Reason::Failed(error) => Err(error.again()),
            other => Err(Error::new(ErrorKind::Stage, other.to_string())),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Normal => f.write_str("normal"),
            Reason::Shutdown => f.write_str("shutdown"),
            Reason::Failed(error) => error.fmt(f),
            Reason::NoStage => f.write_str(
                "the producer had ended before the subscription: start producers before their consumers, \
                 or subscribe with `Cancel::Temporary`",
            ),
            Reason::Refused(why) => write!(f, "the producer refused the subscription: {why}"),
            Reason::Duplicate => f.write_str("the same subscription came twice"),
            Reason::Other(text) => f.write_str(text),
        }
    }
}

/// How a subscription ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// One of its two ends cancelled it.
    Cancelled(Reason),
    /// The stage at the other end is gone.
    Down(Reason),
}

impl Ended {
    /// Why.
    pub fn reason(&self) -> &Reason {
        match self {
            Ended::Cancelled(reason) | Ended::Down(reason) => reason,
        }
    }

    /// Whether the stage at the other end is gone.
    pub fn is_down(&self) -> bool {
        matches!(self, Ended::Down(_))
    }
}
