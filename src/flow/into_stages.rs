//! Flows whose last workers are producers: stages subscribe to them, before the flow starts and while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Flow;
use super::attached::{Attached, Owned};
use super::from_stages::{check, name_of};
use super::live;
use crate::error::{Error, ErrorKind};
use crate::options::Neighbours;
use crate::output::{Consumers, Dispatchers, Doors, ToStages};
use crate::plan::{self, End, Plan};
use crate::run::Prepared;
use crate::stage::dispatch::{DemandDispatch, Dispatcher};
use crate::stage::{Builder, Cancel, DemandMode, Handle, Kind, Subscription, Takes, Taking};
use crate::step::Pipe;

/// How long a consumer may take to subscribe, if nothing else is said.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How the last stage ends, in the plan.
const END: End = End::Stages("stages");

/// A flow that is about to be started with stages behind it: made by [`Flow::into_stages`] and [`Flow::into_specs`].
#[must_use = "a flow into stages does nothing before it is started"]
pub struct IntoStages<P: Pipe> {
    flow: Flow<'static, P>,
    begin: Box<dyn FnOnce() -> Result<Begun<P::Item>, Error> + Send>,
    dispatchers: Dispatchers<P::Item>,
    mode: DemandMode,
    at_leave: Cancel,
    patience: Duration,
}

/// Consumers that run, and those of them that the flow owns.
struct Begun<T> {
    consumers: Consumers<T>,
    owned: Vec<Box<dyn Owned>>,
}

impl<P: Pipe + 'static> Flow<'static, P>
where
    P::Item: Send + 'static,
{
    /// Gives what comes out of the flow to running stages, consumers or producer-consumers, each with the options of its
    /// subscriptions; more may subscribe while it runs. [`start`](IntoStages::start) starts it.
    ///
    /// Each worker of the last stage is a producer, with nobody in between, and each consumer subscribes to all of them.
    /// A worker gives what was asked for and then stands still: there is no buffer, and a slow consumer holds the flow
    /// back. With no consumer yet, the flow waits for one.
    ///
    /// - **Order**: that of each worker and consumer. [`ordered`](Flow::ordered) needs `.stages(1)`, or the flow refuses
    ///   to run.
    /// - **Threads**: the workers'.
    /// - **Memory**: what consumers have asked for, and a chunk a worker.
    /// - **Ends**: when its input has and everything is given away. Then, all workers together, the consumers are told of the
    ///   end: [`Reason::Normal`](crate::stage::Reason::Normal) after a complete run, `Shutdown` if the flow was stopped,
    ///   `Failed` if it failed. Those subscribed as `Permanent`, which is the default, end with it and have got all there is;
    ///   the others go on. What the end of a consumer does to the flow says [`at_leave`](IntoStages::at_leave).
    /// - **Fails**: with [`ErrorKind::Option`] for options that cannot work; when a consumer cannot subscribe.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::testing::recorder;
    /// use millstream::stage::Subscription;
    ///
    /// let (consumer, records) = recorder();
    /// let consumer = consumer.start()?;
    /// let running = Flow::from_range(0..100u64)
    ///     .filter(|n| n % 7 == 0)
    ///     .into_stages([(&consumer, Subscription::new())])
    ///     .start()?;
    /// running.join()?;
    /// consumer.join()?;
    /// let events = records.iter().filter_map(|record| record.events()).flatten();
    /// assert_eq!(events.count(), 15);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn into_stages<C>(
        self,
        consumers: impl IntoIterator<Item = (C, Subscription<P::Item>)>,
    ) -> IntoStages<P>
    where
        C: Takes<Event = P::Item>,
    {
        let consumers: Consumers<P::Item> = consumers
            .into_iter()
            .map(|(consumer, options)| (consumer.input(), options))
            .collect();
        let named = consumers
            .iter()
            .map(|(input, options)| (Arc::from(input.name()), options));
        let beside = consumers_beside(named);
        IntoStages::new("into_stages", self, beside, move || {
            Ok(Begun {
                consumers,
                owned: Vec::new(),
            })
        })
    }

    /// The same with consumers that the flow starts itself, and stops when it has ended, behind the last they were given.
    ///
    /// [`Attached::join`] waits for them too, and gives the error of one that failed. One whose `init`
    /// [declines](crate::stage::Init::Ignore) is left out.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::{self, Subscription};
    /// use std::sync::mpsc::channel;
    ///
    /// let (sender, sum) = channel();
    /// let adds = stage::for_each(move |n: u64| sender.send(n).unwrap());
    /// Flow::from_range(1..=4u64).into_specs([(adds, Subscription::new())]).start()?.join()?;
    /// assert_eq!(sum.iter().sum::<u64>(), 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn into_specs<K>(
        self,
        consumers: impl IntoIterator<Item = (Builder<K>, Subscription<P::Item>)>,
    ) -> IntoStages<P>
    where
        K: Taking<In = P::Item>,
    {
        let specs: Vec<(Builder<K>, Subscription<P::Item>)> = consumers.into_iter().collect();
        let named = specs
            .iter()
            .map(|(spec, options)| (name_of(spec.named()), options));
        let beside = consumers_beside(named);
        IntoStages::new("into_specs", self, beside, move || {
            let mut begun = Begun {
                consumers: Vec::new(),
                owned: Vec::new(),
            };
            for (spec, options) in specs {
                if let Some(handle) = started(spec)? {
                    begun.consumers.push((handle.input(), options));
                    begun.owned.push(Box::new(handle));
                }
            }
            Ok(begun)
        })
    }
}

/// Starts a stage that the flow owns; there is none if it declines.
pub(super) fn started<K: Kind>(spec: Builder<K>) -> Result<Option<Handle<K>>, Error> {
    match spec.start() {
        Ok(handle) => Ok(Some(handle)),
        Err(error) if error.kind() == ErrorKind::Ignored => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the plan has to know of consumers.
pub(super) fn consumers_beside<'a, E: 'a>(
    consumers: impl Iterator<Item = (Arc<str>, &'a Subscription<E>)>,
) -> Neighbours {
    let mut beside = Neighbours::default();
    for (name, options) in consumers {
        check(&mut beside, "of", &name, options.check());
        beside.stages.push((name, options.most().unwrap_or(0)));
    }
    beside
}

/// A dispatcher by demand for each worker.
pub(super) fn by_demand<T: Send + 'static>() -> Dispatchers<T> {
    Box::new(|| Box::new(DemandDispatch::new()))
}

impl<P: Pipe + 'static> IntoStages<P>
where
    P::Item: Send + 'static,
{
    fn new(
        method: &'static str,
        mut flow: Flow<'static, P>,
        beside: Neighbours,
        begin: impl FnOnce() -> Result<Begun<P::Item>, Error> + Send + 'static,
    ) -> Self {
        flow.steps.push(method);
        flow.group.consumers = Some(Arc::new(beside));
        IntoStages {
            flow,
            begin: Box::new(begin),
            dispatchers: by_demand(),
            mode: DemandMode::Forward,
            at_leave: Cancel::Transient,
            patience: PATIENCE,
        }
    }

    /// Who gets which events: the closure makes a dispatcher for each worker. By demand, if nothing else is said.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::dispatch::Broadcast;
    /// use millstream::stage::testing::recorder;
    /// use millstream::stage::Subscription;
    ///
    /// let ((a, of_a), (b, of_b)) = (recorder(), recorder());
    /// Flow::from_range(0..10u64)
    ///     .into_specs([(a, Subscription::new()), (b, Subscription::new())])
    ///     .dispatcher(Broadcast::new)
    ///     .start()?
    ///     .join()?;
    /// for records in [of_a, of_b] {
    ///     let events = records.iter().filter_map(|record| record.events()).flatten();
    ///     assert_eq!(events.sum::<u64>(), 45);
    /// }
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn dispatcher<D>(mut self, make: impl Fn() -> D + Send + Sync + 'static) -> Self
    where
        D: Dispatcher<P::Item> + 'static,
    {
        self.dispatchers = Box::new(move || Box::new(make()));
        self
    }

    /// With [`DemandMode::Accumulate`] nothing is given before [`Attached::forward`]: for when all consumers shall have
    /// subscribed before the first event.
    pub fn demand(mut self, mode: DemandMode) -> Self {
        self.mode = mode;
        self
    }

    /// What the end of a consumer does to the flow.
    ///
    /// - [`Cancel::Transient`], the default: one that fails ends the flow with its error; the flow ends well, early, when the
    ///   last one has gone for a good reason.
    /// - [`Cancel::Permanent`]: the same, but the first one that goes for a good reason ends the flow.
    /// - [`Cancel::Temporary`]: the flow goes on. With no consumer left it waits for another.
    pub fn at_leave(mut self, cancel: Cancel) -> Self {
        self.at_leave = cancel;
        self
    }

    /// How long each consumer may take to subscribe, five seconds if not given: one that is in a call of its own is late.
    pub fn subscribe_timeout(mut self, timeout: Duration) -> Self {
        self.patience = timeout;
        self
    }

    /// What will run, as [`Flow::explain`] says it.
    pub fn explain(&self) -> String {
        self.plan().explain()
    }

    fn plan(&self) -> Plan {
        let mut plan = self.flow.plan();
        if let Some(last) = plan.nodes.last_mut() {
            last.end = END;
        }
        plan
    }

    /// Starts the flow on threads of its own and returns when the consumers have subscribed.
    ///
    /// # Errors
    /// What is wrong with the plan or the options; what starting a consumer gave; [`ErrorKind::Deadline`] if one did not
    /// subscribe in time, and [`ErrorKind::Stage`] if one has ended.
    pub fn start(self) -> Result<Attached<P::Item>, Error> {
        let plan = self.plan();
        plan::check(&plan)?;
        let name = plan::stage_names(&plan).pop();
        let doors = Doors::new(&name.unwrap_or_default(), self.flow.group.workers());
        let outputs = doors.outputs.clone();
        let Begun { owned, consumers } = (self.begin)()?;
        let sink = ToStages::new(
            doors,
            self.dispatchers,
            Box::new(move || Ok((consumers, Vec::new()))),
            self.patience,
        )
        .mode(self.mode)
        .at_leave(self.at_leave);
        sink.link()?;
        let run = Prepared::new(self.flow.close(END, sink))?;
        Ok(Attached {
            run: live::Handle(run.launch()),
            outputs,
            owned,
            patience: self.patience,
        })
    }
}

impl<P: Pipe> fmt::Debug for IntoStages<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoStages")
            .field("flow", &self.flow)
            .field("mode", &self.mode)
            .field("at_leave", &self.at_leave)
            .finish_non_exhaustive()
    }
}
