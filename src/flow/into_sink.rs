//! Flows that load their items into a sink.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Flow;
use super::ending::Ending;
use super::live::Handle;
use crate::error::{Error, ErrorKind};
use crate::output::{Commits, Load as Rows, Loaded, Of};
use crate::plan::{End, Plan};
use crate::reject::{AfterRun, Fail, Policy};
use crate::run::{After, Graph, Prepared, Report};
use crate::sink::{Checkpoint, Keeper, Sink, When};
use crate::step::Pipe;

/// Rows written at a time, if nothing else is said.
const BATCH: usize = 1024;

/// A flow that is about to be loaded into a sink: made by [`Flow::into_sink`].
#[must_use = "nothing is loaded before it is run"]
pub struct Load<'env, P, S, R = Fail> {
    flow: Flow<'env, P>,
    sink: S,
    batch: usize,
    every_batch: bool,
    checkpoint: Option<Checkpoint>,
    policy: R,
}

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Loads the items into a [`Sink`]: files, tables, or one of your own. [`run`](Load::run) does it, behind the options.
    ///
    /// Each worker of the last stage opens a writer and writes batches. Nothing is committed before all workers have
    /// ended well: then the thread that waits for the run commits the writers one after the other, and the sink at last.
    /// If anything failed, or the flow was stopped, all is taken back. [`commit_every_batch`](Load::commit_every_batch)
    /// and [`resume`](Load::resume) commit on the way.
    ///
    /// - **Order**: each worker's rows in their order; `.stages(1)` or [`ordered`](Flow::ordered) input do not order workers
    ///   among each other.
    /// - **Threads**: the stage's.
    /// - **Memory**: a batch of rows a worker; under [`resume`](Load::resume) the rows of a split a worker.
    /// - **Fails**: with [`ErrorKind::Sink`] and what the sink said, in which stage and partition.
    ///
    /// [`Sink`] has an example with a sink of one's own.
    pub fn into_sink<S>(self, sink: S) -> Load<'env, P, S>
    where
        S: Sink<P::Item> + 'env,
        S::Writer: 'env,
    {
        Load {
            flow: self,
            sink,
            batch: BATCH,
            every_batch: false,
            checkpoint: None,
            policy: Fail,
        }
    }
}

/// What is left of a load to do.
enum Job<'env> {
    Run(Box<Graph<'env>>),
    /// The marks say that all is there.
    Done,
}

impl<'env, P: Pipe + 'env, S, R> Load<'env, P, S, R>
where
    P::Item: Send + 'env,
    S: Sink<P::Item> + 'env,
    S::Writer: 'env,
    R: Policy<P::Item> + 'env,
{
    /// How many rows are written at a time, at most. The default is 1,024; zero is an error when the flow starts.
    pub fn batch(mut self, rows: usize) -> Self {
        self.batch = rows;
        self
    }

    /// Commits each batch when it was written, instead of all at the end: less is lost when a long load fails, and what
    /// was committed stays. Which sinks cannot is said with them.
    pub fn commit_every_batch(mut self) -> Self {
        self.every_batch = true;
        self
    }

    /// What is done about rows that the sink refuses, instead of ending the run: see the policies of
    /// [`Flow::on_error`].
    ///
    /// A batch that is refused is halved until its bad rows are found; the others are written. Under
    /// [`Retry`](crate::Retry) a row is tried again while the worker waits, so a sink that is away for a while holds the flow
    /// back. A commit that fails ends the run: what it left is not known.
    ///
    /// ```
    /// use millstream::sink::{Sink, Writer};
    /// use millstream::{BoxError, Flow, Skip};
    ///
    /// struct Small;
    ///
    /// impl Sink<u32> for Small {
    ///     type Writer = Small;
    ///
    ///     fn open(&self, _partition: usize) -> Result<Small, BoxError> {
    ///         Ok(Small)
    ///     }
    /// }
    ///
    /// impl Writer<u32> for Small {
    ///     fn write(&mut self, rows: &[u32]) -> Result<(), BoxError> {
    ///         match rows.iter().find(|row| **row > 99) {
    ///             Some(row) => Err(format!("{row} is too large").into()),
    ///             None => Ok(()),
    ///         }
    ///     }
    ///
    ///     fn commit(&mut self) -> Result<(), BoxError> {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let report = Flow::from_range(0..103u32).into_sink(Small).on_error(Skip).run()?;
    /// assert_eq!(report.rejected()["into_sink"], 3);
    /// assert_eq!(report.stages()[0].items_out(), 100);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn on_error<N>(self, policy: N) -> Load<'env, P, S, N>
    where
        N: Policy<P::Item> + 'env,
    {
        Load {
            flow: self.flow,
            sink: self.sink,
            batch: self.batch,
            every_batch: self.every_batch,
            checkpoint: self.checkpoint,
            policy,
        }
    }

    /// Notes how far the load is, and goes on there when it is run again: after a failure, or when the process was
    /// killed.
    ///
    /// *Where each item is made of one item of the input* (no reduction, join, window, `take` or state in between, and no
    /// boundary), rows are committed split by split with a [`Checkpoint`], and splits that have their mark are left out.
    /// With [`Checkpoint::in_sink`] each row is there once; with [`Checkpoint::file`] the sink has to be
    /// [repeatable](Sink::repeatable), since the rows of a split may be written twice. *Other flows* are run again
    /// from the beginning until they have ended well once. That too needs a repeatable sink, or `in_sink`, where all is committed
    /// together with a mark.
    ///
    /// The input must be the same. Where splits are marked, a checkpoint of other files, or of a file that has grown, is
    /// refused. A flow that runs as a whole is known by its steps alone, so give each input a checkpoint of its own.
    ///
    /// A load of the whole with marks in the sink that is [drained](Handle::drain) is taken back, with an error of kind
    /// [`Stopped`](ErrorKind::Stopped): the next run would double it.
    ///
    /// # Errors
    /// When it runs: of kind [`ErrorKind::Plan`] if neither can be right for this flow and sink, or the checkpoint is of
    /// another input; [`Io`](ErrorKind::Io) or [`Sink`](ErrorKind::Sink) if it cannot be read.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// The plan of the load, as data.
    pub fn plan(&self) -> Plan {
        self.flow.plan()
    }

    /// What will run, in words: see [`Flow::explain`].
    pub fn explain(&self) -> String {
        self.plan().explain()
    }

    /// Runs the load to its end. The report says how many rows the last stage has written (`items_out`).
    pub fn run(self) -> Result<Report, Error> {
        match self.job()? {
            Job::Run(graph) => Prepared::new(*graph)?.run(),
            Job::Done => Ok(Report::default()),
        }
    }

    /// The load as an end that has not run yet, for a branch of a flow: see [`Flow::ending`].
    ///
    /// A branch cannot [resume](Load::resume), since the others would begin anew: that is an error when the flow starts.
    ///
    /// Sinks of one database take turns where every batch is committed; a load that keeps its transaction open to the end
    /// would have the others wait for it.
    pub fn ending(mut self) -> Ending<'env, ()> {
        if self.checkpoint.take().is_some() {
            self.flow.group.refused = Some(
                "a branch that loads cannot `resume`, since the others would begin anew: load it in a flow of its own, or \
                 leave `resume` out",
            );
        }
        Ending::new(self.graph(Commits::AtEnd, None), || ())
    }

    /// Makes the graph, when it is known what is left to do.
    fn job(mut self) -> Result<Job<'env>, Error> {
        let (commits, whole) = match self.checkpoint.take() {
            None => (Commits::AtEnd, None),
            Some(checkpoint) => match self.resumed(&checkpoint)? {
                Some(way) => way,
                None => return Ok(Job::Done),
            },
        };
        Ok(Job::Run(Box::new(self.graph(commits, whole))))
    }

    /// The graph of a load that is committed in this way, or batch by batch if that was said.
    fn graph(self, commits: Commits, whole: Option<Keeper>) -> Graph<'env> {
        let mut flow = self.flow;
        let commits = match commits {
            Commits::AtEnd if self.every_batch => Commits::Batches,
            commits => commits,
        };
        if self.batch == 0 {
            flow.group.refused = Some(
                "batch(0) of `into_sink` writes nothing: use 1 or more, or leave it out for 1,024",
            );
        }
        if self.every_batch && !self.sink.commits_batches() {
            flow.group.refused = Some(
                "this sink cannot `commit_every_batch`, since it is committed as a whole: leave that out",
            );
        }
        flow.keeps
            .push(super::keeps::written::<P::Item>(match commits {
                Commits::Splits(_) => None,
                Commits::AtEnd | Commits::Batches => Some(self.batch),
            }));
        flow.keeps.extend(self.policy.keeps().map(Into::into));
        let letters: Option<AfterRun<'env>> = self.policy.after();
        let at_end = matches!(commits, Commits::AtEnd);
        self.sink.begin(match commits {
            Commits::AtEnd if whole.as_ref().is_some_and(Keeper::in_sink) => When::MarkedEnd,
            Commits::AtEnd => When::End,
            Commits::Batches => When::Batch,
            Commits::Splits(_) => When::Split,
        });
        let stage = flow
            .group
            .name
            .clone()
            .unwrap_or_else(|| "into_sink".into());
        let sink = Of(self.sink, PhantomData);
        let loaded = Arc::new(Loaded::new(sink, stage, at_end, whole));
        let after: Arc<dyn After + 'env> = loaded.clone();
        let rows = Rows {
            loaded,
            policy: self.policy,
            batch: self.batch,
            commits,
        };
        let mut graph = flow.close(End::Result("into_sink"), rows);
        graph.afters.extend(letters.map(|letters| letters.0));
        graph.afters.push(after);
        graph
    }

    /// How a load with a checkpoint is committed, and who keeps the mark of the whole; `None` when it is done already.
    fn resumed(&self, checkpoint: &Checkpoint) -> Result<Option<(Commits, Option<Keeper>)>, Error> {
        let repeats = self.sink.repeatable();
        let in_sink = checkpoint.is_in_sink();
        let refuse = |why: &str| Err(Error::new(ErrorKind::Plan, why.to_owned()));
        if !in_sink && !repeats {
            return refuse(
                "this load cannot resume by a checkpoint file: rows whose mark was not written yet would be there twice; \
                 use a sink that upserts by key, or `Checkpoint::in_sink` with one that has transactions",
            );
        }
        let splits = self.flow.pipe.splits();
        let settles = self.sink.commits_batches() && self.policy.by_splits();
        if let Some(splits) = splits.filter(|_| settles) {
            let (progress, keeper) = checkpoint.open(splits.input()?, self.sink.marks())?;
            splits.leave_out(progress.splits);
            return Ok(Some((Commits::Splits(Arc::new(keeper)), None)));
        }
        if self.every_batch && in_sink && !repeats {
            return refuse(
                "this flow keeps state, or its source has no fixed splits, so it begins anew when it resumes; what \
                 `commit_every_batch` had committed would be there twice: leave that out, or use a sink that upserts by key",
            );
        }
        // What the flow reads is not known here; that it does the same is the least to ask.
        let plan = self.flow.plan();
        let steps: Vec<&str> = plan
            .nodes
            .iter()
            .flat_map(|node| node.steps.iter().copied())
            .collect();
        let input = format!("the steps {}", steps.join(" "));
        let (progress, keeper) = checkpoint.open(input, self.sink.marks())?;
        if progress.whole {
            return Ok(None);
        }
        Ok(Some((Commits::AtEnd, Some(keeper))))
    }
}

impl<P: Pipe + 'static, S, R> Load<'static, P, S, R>
where
    P::Item: Send + 'static,
    S: Sink<P::Item> + 'static,
    S::Writer: 'static,
    R: Policy<P::Item> + 'static,
{
    /// Starts the load on threads of its own and returns at once. [`Handle::join`] waits for its end and commits; a handle
    /// that is dropped stops the load and takes it back.
    pub fn start(self) -> Result<Handle, Error> {
        let graph = match self.job()? {
            Job::Run(graph) => *graph,
            Job::Done => Graph::default(),
        };
        Ok(Handle(Prepared::new(graph)?.launch()))
    }
}

impl<P, S, R> fmt::Debug for Load<'_, P, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load")
            .field("flow", &self.flow)
            .field("batch", &self.batch)
            .field("every_batch", &self.every_batch)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}
