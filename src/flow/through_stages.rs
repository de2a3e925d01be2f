//! A flow through stages in the middle: its workers give to them, and other workers of it take from them.
//!
//! The flow is one run with two ends that know of each other. When the front has given all it has, each stage is sent an
//! info behind the last event; when that comes up, the stage has handled everything and given it away, and the
//! subscriptions of the workers behind end. So a finite flow ends, and the stages may go on.

use std::sync::{Arc, Mutex};

use super::Flow;
use super::from_stages::{name_of, producers_beside};
use super::graft::graft;
use super::into_stages::{PATIENCE, by_demand, consumers_beside, started};
use crate::error::Error;
use crate::options::Neighbours;
use crate::output::{AtEnd, BeginConsumers, Consumers, Doors, ToStages};
use crate::plan::{self, End};
use crate::run::lock;
use crate::source::{Begin, Begun, FromStages, Gate};
use crate::stage::{Builder, Passage, ProducerConsumer, StageRef, Subscription, Transforms};
use crate::step::Pipe;

/// A stage to go through, and what owns it if the flow does.
struct Passing<A, B> {
    passage: Passage<A, B>,
    into: Subscription<A>,
    from: Subscription<B>,
    owned: Option<Box<dyn Send>>,
}

type BeginPassing<A, B> = Box<dyn FnOnce() -> Result<Vec<Passing<A, B>>, Error> + Send>;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'static,
{
    /// Sends the flow through running producer-consumers and goes on with what they emit.
    ///
    /// Each comes with two options: those of its subscriptions to the workers in front, and those of the subscriptions
    /// of the workers behind to it. The workers in front are producers as in [`into_stages`](Flow::into_stages), by demand;
    /// those behind are consumers as in [`from_stages`](Flow::from_stages); demand goes through from end to end.
    ///
    /// - **Order**: that of each stage and worker.
    /// - **Threads**: the workers' of the new stage of the flow, one a core by default.
    /// - **Memory**: what was asked for, see [`explain`](Flow::explain), and what the stages hold.
    /// - **Ends**: when the flow in front has, and the stages have handled all of it and given it away. A stage that is
    ///   subscribed as [`Permanent`](crate::stage::Cancel::Permanent), which is the default, ends with the flow in front;
    ///   one that is `Transient` or `Temporary` is told of the end and goes on, ready for another flow. What else
    ///   comes to such a stage meanwhile, and what others ask of it, mixes with the flow's events.
    /// - **Fails**: with the error of a stage that fails, and as the two others do.
    ///
    /// The parts in front and behind are not connected as the plan sees it: what is put in front of one input of
    /// [`concat`](Flow::concat) or [`zip`](Flow::zip) should not come from what goes into the other.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::{self, Cancel, Subscription};
    ///
    /// let twice = stage::map_events(|n: u64| n * 2).start()?;
    /// for flow in [0..10, 10..20] {
    ///     let sum = flow.clone().sum::<u64>();
    ///     let into = Subscription::new().cancel(Cancel::Transient);
    ///     let through = Flow::from_range(flow)
    ///         .through_stages([(twice.stage(), into, Subscription::new())])
    ///         .stages(1);
    ///     assert_eq!(through.sum::<u64>()?, sum * 2);
    /// }
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn through_stages<S>(
        self,
        stages: impl IntoIterator<
            Item = (
                StageRef<Transforms<S>>,
                Subscription<P::Item>,
                Subscription<S::Out>,
            ),
        >,
    ) -> Flow<'env, FromStages<S::Out>>
    where
        S: ProducerConsumer<In = P::Item>,
    {
        let stages: Vec<_> = stages.into_iter().collect();
        let names = stages.iter().map(|(stage, ..)| Arc::from(stage.name()));
        let names: Vec<Arc<str>> = names.collect();
        let options: Vec<_> = stages
            .iter()
            .map(|(_, into, from)| (into.clone(), from.clone()))
            .collect();
        let begin: BeginPassing<P::Item, S::Out> = Box::new(move || {
            let passing = stages.into_iter().map(|(stage, into, from)| Passing {
                passage: stage.passage(),
                into,
                from,
                owned: None,
            });
            Ok(passing.collect())
        });
        self.pass("through_stages", &names, &options, begin)
    }

    /// The same through producer-consumers that the flow starts itself and stops when it ends.
    ///
    /// One whose `init` [declines](crate::stage::Init::Ignore) is left out; if none is left, nothing comes through.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    /// use millstream::stage::{self, Subscription};
    ///
    /// let twice = || stage::map_events(|n: u64| n * 2);
    /// let both = [twice(), twice()].map(|spec| (spec, Subscription::new(), Subscription::new()));
    /// assert_eq!(Flow::from_range(0..100u64).through_specs(both).sum::<u64>()?, 9900);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn through_specs<S>(
        self,
        stages: impl IntoIterator<
            Item = (
                Builder<Transforms<S>>,
                Subscription<P::Item>,
                Subscription<S::Out>,
            ),
        >,
    ) -> Flow<'env, FromStages<S::Out>>
    where
        S: ProducerConsumer<In = P::Item>,
    {
        let specs: Vec<_> = stages.into_iter().collect();
        let names: Vec<Arc<str>> = specs
            .iter()
            .map(|(spec, ..)| name_of(spec.named()))
            .collect();
        let options: Vec<_> = specs
            .iter()
            .map(|(_, into, from)| (into.clone(), from.clone()))
            .collect();
        let begin: BeginPassing<P::Item, S::Out> = Box::new(move || {
            let mut passing = Vec::with_capacity(specs.len());
            for (spec, into, from) in specs {
                if let Some(handle) = started(spec)? {
                    passing.push(Passing {
                        passage: handle.passage(),
                        into,
                        from,
                        owned: Some(Box::new(handle)),
                    });
                }
            }
            Ok(passing)
        });
        self.pass("through_specs", &names, &options, begin)
    }

    fn pass<B: Send + 'static>(
        mut self,
        method: &'static str,
        names: &[Arc<str>],
        options: &[(Subscription<P::Item>, Subscription<B>)],
        begin: BeginPassing<P::Item, B>,
    ) -> Flow<'env, FromStages<B>> {
        let into = options.iter().map(|(into, _)| into);
        let beside = consumers_beside(names.iter().cloned().zip(into));
        let from = options.iter().map(|(_, from)| from);
        let behind: Neighbours = producers_beside(method, names.iter().cloned().zip(from));
        self.group.consumers = Some(Arc::new(beside));

        let gate = Arc::new(Gate::default());
        let (front, back) = halves(begin, &gate);
        let left = gate.clone();
        let name = plan::stage_names(&self.plan()).pop().unwrap_or_default();
        let doors = Doors::new(&name, self.group.workers());
        let sink = ToStages::new(doors, by_demand(), front, PATIENCE).until(move || left.is_left());
        let graph = self.close(End::Stages(method), sink);
        let mut flow = Flow::over_stages(method, back, behind, Some(gate));
        graft(&mut flow.graph, graph);
        flow
    }
}

/// What starting the stages gave, for those in front and those behind: whoever comes first starts them.
struct Halves<A, B> {
    begin: Option<BeginPassing<A, B>>,
    failed: Option<Error>,
    front: (Consumers<A>, Vec<AtEnd>),
    back: Vec<Begun<B>>,
}

impl<A: Send + 'static, B: Send + 'static> Halves<A, B> {
    fn begin(&mut self, gate: &Arc<Gate<B>>) -> Result<(), Error> {
        if let Some(begin) = self.begin.take() {
            match begin() {
                Ok(passing) => passing.into_iter().for_each(|one| self.add(one, gate)),
                Err(error) => self.failed = Some(error),
            }
        }
        match &self.failed {
            Some(error) => Err(error.copy()),
            None => Ok(()),
        }
    }

    fn add(&mut self, one: Passing<A, B>, gate: &Arc<Gate<B>>) {
        let Passage {
            input,
            output,
            mark,
        } = one.passage;
        let (gate, stage) = (gate.clone(), output.clone());
        self.front.0.push((input, one.into));
        self.front
            .1
            .push(Box::new(move || mark(Box::new(move || gate.pass(&stage)))));
        self.back.push(Begun {
            output,
            options: one.from,
            owned: one.owned,
        });
    }
}

fn halves<A: Send + 'static, B: Send + 'static>(
    begin: BeginPassing<A, B>,
    gate: &Arc<Gate<B>>,
) -> (BeginConsumers<A>, Begin<B>) {
    let halves = Arc::new(Mutex::new(Halves {
        begin: Some(begin),
        failed: None,
        front: (Vec::new(), Vec::new()),
        back: Vec::new(),
    }));
    let (of_back, gate_of_back, gate) = (halves.clone(), gate.clone(), gate.clone());
    let front: BeginConsumers<A> = Box::new(move || {
        let mut halves = lock(&halves);
        halves.begin(&gate)?;
        Ok(std::mem::take(&mut halves.front))
    });
    let back: Begin<B> = Box::new(move || {
        let mut halves = lock(&of_back);
        halves.begin(&gate_of_back)?;
        Ok(std::mem::take(&mut halves.back))
    });
    (front, back)
}
