//! Flows over stages: running ones, or ones that the flow starts and stops.

use std::sync::Arc;

use super::Flow;
use super::into_stages::started;
use crate::error::{Error, ErrorKind};
use crate::options::Neighbours;
use crate::source::{Begin, Begun, FromStages, Gate};
use crate::stage::{Builder, DemandMode, Emits, Output, Producer, Produces, Subscription};

impl<'env, E: Send + 'static> Flow<'env, FromStages<E>> {
    /// A flow of the events of running stages: producers or producer-consumers, each with the options of its
    /// subscriptions.
    ///
    /// Each worker of the first stage subscribes to every producer and is a consumer itself, with nobody in between: it
    /// asks for more as it works its events through. So a slow flow holds its producers back, and at most `max_demand`
    /// events are under way a worker and producer. `.stages(1)` makes it one consumer.
    ///
    /// - **Order**: that of each producer and worker. [`ordered`](Flow::ordered) needs `.stages(1)`, or the flow refuses
    ///   to run.
    /// - **Threads**: the workers'.
    /// - **Memory**: what was asked for, see [`explain`](Flow::explain).
    /// - **Ends**: when all subscriptions have ended. A producer that fails, or had ended before, ends the flow with an
    ///   error that names it, unless its subscription is [`Temporary`](crate::stage::Cancel::Temporary); the two other
    ///   modes are the same here. When the flow ends first, the producers are told how it went, in `handle_cancel`, and
    ///   go on; events that were under way are lost then. [`Handle::drain`](crate::Handle::drain) loses none.
    /// - **Fails**: with [`ErrorKind::Plan`] without a producer; with [`ErrorKind::Option`] for options that cannot work.
    ///
    /// Producers that collect demand go on doing so until they are [told to forward](crate::stage::StageRef::set_demand).
    /// In a [`seeded`](Flow::seeded) run stages are outside, as the channel of [`from_receiver`](Flow::from_receiver) is:
    /// they may keep it waiting for ten seconds.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::{self, Subscription};
    ///
    /// let numbers = stage::from_iter(0u64..).start()?;
    /// let even = Flow::from_stages([(&numbers, Subscription::new().max_demand(100))])
    ///     .stages(1)
    ///     .filter(|n| n % 2 == 0)
    ///     .take(4)
    ///     .collect_vec()?;
    /// assert_eq!(even, [0, 2, 4, 6]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_stages<P>(
        producers: impl IntoIterator<Item = (P, Subscription<E>)>,
    ) -> Flow<'env, FromStages<E>>
    where
        P: Emits<Event = E>,
    {
        let producers: Vec<(Output<E>, Subscription<E>)> = producers
            .into_iter()
            .map(|(producer, options)| (producer.output(), options))
            .collect();
        let named = producers
            .iter()
            .map(|(output, options)| (Arc::from(output.name()), options));
        let beside = producers_beside("from_stages", named);
        let begin: Begin<E> = Box::new(move || {
            let begun = producers.into_iter().map(|(output, options)| Begun {
                output,
                options,
                owned: None,
            });
            Ok(begun.collect())
        });
        Self::over_stages("from_stages", begin, beside, None)
    }

    /// The same over producers that the flow starts itself and stops when it ends.
    ///
    /// They are started with the run, and forward demand once all workers have subscribed: no worker misses anything. One
    /// whose `init` [declines](crate::stage::Init::Ignore) is left out; one whose `init` fails ends the flow with that error.
    /// All else is as with [`from_stages`](Flow::from_stages).
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::{self, Subscription};
    ///
    /// let numbers = stage::from_iter(1..=100u64).name("numbers");
    /// let flow = Flow::from_specs([(numbers, Subscription::new())]);
    /// assert!(flow.explain().contains("from the stage `numbers`"));
    /// assert_eq!(flow.sum::<u64>()?, 5050);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_specs<S>(
        producers: impl IntoIterator<Item = (Builder<Produces<S>>, Subscription<E>)>,
    ) -> Flow<'env, FromStages<E>>
    where
        S: Producer<Event = E>,
    {
        let specs: Vec<(Builder<Produces<S>>, Subscription<E>)> = producers.into_iter().collect();
        let named = specs
            .iter()
            .map(|(spec, options)| (name_of(spec.named()), options));
        let beside = producers_beside("from_specs", named);
        let begin: Begin<E> = Box::new(move || {
            let mut begun = Vec::with_capacity(specs.len());
            for (spec, options) in specs {
                if let Some(handle) = started(spec.demand(DemandMode::Accumulate))? {
                    begun.push(Begun {
                        output: handle.output(),
                        options,
                        owned: Some(Box::new(handle)),
                    });
                }
            }
            Ok(begun)
        });
        Self::over_stages("from_specs", begin, beside, None)
    }

    pub(super) fn over_stages(
        kind: &'static str,
        begin: Begin<E>,
        beside: Neighbours,
        gate: Option<Arc<Gate<E>>>,
    ) -> Flow<'env, FromStages<E>> {
        let mut flow = Flow::from_pipe(kind, FromStages::new(begin, gate));
        flow.group.producers = Some(Arc::new(beside));
        flow
    }
}

/// The name a stage will have, for the plan.
pub(super) fn name_of(given: Option<&str>) -> Arc<str> {
    given.unwrap_or("a stage without a name").into()
}

/// What the plan has to know of producers.
pub(super) fn producers_beside<'a, E: 'a>(
    method: &str,
    producers: impl Iterator<Item = (Arc<str>, &'a Subscription<E>)>,
) -> Neighbours {
    let mut beside = Neighbours::default();
    for (name, options) in producers {
        if options.most().is_none() {
            let why =
                format!("the subscription to `{name}`: a flow asks by itself: leave `manual` out");
            beside.refused.get_or_insert((ErrorKind::Option, why));
        }
        check(&mut beside, "to", &name, options.check());
        beside.stages.push((name, options.most().unwrap_or(0)));
    }
    if beside.stages.is_empty() {
        let why = format!("`{method}` has no stage to take from: give it one or more");
        beside.refused.get_or_insert((ErrorKind::Plan, why));
    }
    beside
}

/// Notes options that cannot work.
pub(super) fn check(beside: &mut Neighbours, of: &str, name: &str, checked: Result<(), Error>) {
    if let Err(error) = checked {
        let why = format!("the subscription {of} `{name}`: {}", error.message());
        beside.refused.get_or_insert((error.kind(), why));
    }
}
