//! Where events of one type can be given: consumers and producer-consumers as a flow sees them, started or not.

use std::fmt;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::emit::Emit;
use super::handle::Handle;
use super::kind::{Emitting, Taking};
use super::message::{Message, Request};
use super::port::{Emits, Output};
use super::reason::{Next, Reason};
use super::reference::StageRef;
use super::subscription::{StageId, Subscription, Tag};
use crate::error::Error;

/// A stage that can be told to subscribe to a producer of events of one type.
pub(crate) trait Subscribes<E>: Send + Sync {
    /// Has the stage subscribe; it answers with the subscription's tag.
    fn subscribe(
        &self,
        producer: Output<E>,
        options: Subscription<E>,
        reply: Sender<Tag>,
    ) -> Result<(), Error>;

    /// Why the stage ended; `None` while it runs.
    fn ended(&self) -> Option<Reason>;
}

impl<K: Taking> Subscribes<K::In> for StageRef<K> {
    fn subscribe(
        &self,
        producer: Output<K::In>,
        options: Subscription<K::In>,
        reply: Sender<Tag>,
    ) -> Result<(), Error> {
        let request = Request {
            producer,
            options,
            instead_of: None,
            reply: Some(reply),
        };
        if self.mailbox.post(Message::SubscribeTo(Box::new(request))) {
            Ok(())
        } else {
            Err(self.mailbox.gone())
        }
    }

    fn ended(&self) -> Option<Reason> {
        StageRef::ended(self)
    }
}

/// Where events of one type can be given: a consumer or producer-consumer, whatever its own type. It does not own the
/// stage, and clones are cheap. The counterpart of [`Output`].
///
/// # Examples
/// ```
/// use millstream::stage::testing::recorder;
/// use millstream::stage::{Input, Subscription, Takes};
/// use millstream::Flow;
///
/// let ((first, seen), (second, records)) = (recorder(), recorder());
/// let (first, second) = (first.start()?, second.start()?);
/// let both: Vec<Input<u32>> = vec![first.input(), second.input()];
/// let flow = Flow::from_range(0..10u32);
/// flow.into_stages(both.iter().map(|stage| (stage, Subscription::new()))).start()?.join()?;
/// // They have ended with the flow.
/// first.join()?;
/// second.join()?;
/// let batches = seen.iter().chain(records).filter_map(|record| record.events());
/// assert_eq!(batches.flatten().count(), 10);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Input<E> {
    pub(crate) id: StageId,
    pub(crate) name: Arc<str>,
    pub(crate) stage: Arc<dyn Subscribes<E>>,
}

impl<E> Input<E> {
    /// The stage's name in this process.
    pub fn id(&self) -> StageId {
        self.id
    }

    /// The name the stage was given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<E> Clone for Input<E> {
    fn clone(&self) -> Self {
        Input {
            id: self.id,
            name: self.name.clone(),
            stage: self.stage.clone(),
        }
    }
}

impl<E> fmt::Debug for Input<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("stage", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What events can be given to: references and handles of consumers and producer-consumers, and [`Input`]s. The
/// counterpart of [`Emits`].
pub trait Takes {
    /// The events it takes.
    type Event;
    /// Where to give them.
    fn input(&self) -> Input<Self::Event>;
}

impl<E> Takes for Input<E> {
    type Event = E;
    fn input(&self) -> Input<E> {
        self.clone()
    }
}

impl<T: Takes> Takes for &T {
    type Event = T::Event;
    fn input(&self) -> Input<T::Event> {
        (**self).input()
    }
}

impl<K: Taking> Takes for StageRef<K> {
    type Event = K::In;
    fn input(&self) -> Input<K::In> {
        Input {
            id: self.id(),
            name: self.mailbox.shared.name.clone(),
            stage: Arc::new(self.clone()),
        }
    }
}

impl<K: Taking> Takes for Handle<K> {
    type Event = K::In;
    fn input(&self) -> Input<K::In> {
        self.stage.input()
    }
}

/// A stage in the middle that a flow goes through.
pub(crate) struct Passage<A, B> {
    pub(crate) input: Input<A>,
    pub(crate) output: Output<B>,
    pub(crate) mark: Mark,
}

/// Calls a closure on a stage when all events that have come to it so far are handled and given away.
pub(crate) type Mark = Box<dyn FnOnce(Box<dyn FnOnce() + Send>) + Send>;

impl<K: Taking + Emitting> StageRef<K> {
    pub(crate) fn passage(&self) -> Passage<K::In, K::Out> {
        let stage = self.clone();
        Passage {
            input: self.input(),
            output: self.output(),
            mark: Box::new(move |then| {
                let run = Box::new(move |_: &mut K, _: &mut Emit<K::Out>| {
                    then();
                    (Ok(Next::Go), None)
                });
                // A stage that has ended has told so.
                stage.mailbox.post(Message::Info(run, None));
            }),
        }
    }
}
