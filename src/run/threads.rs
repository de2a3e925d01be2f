//! Workers on threads of their own, named `flow:stage-partition`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle, Scope};
use std::time::{Duration, Instant};

use super::report::Doing;
use super::start::{Prepared, Seat, cannot_spawn};
use super::{Context, Step, Worker, seeded};
use crate::error::Error;
use crate::observe::WorkerTrace;

/// The thread that drives all workers of a seeded run beside the calling one.
const SEEDED: &str = "flow:seeded";

/// How often a worker that waits for input looks whether anybody still wants what it makes: an edge that was closed
/// early wakes those behind it, not those in front, and an idle source may never wake them.
const LOOK: Duration = Duration::from_millis(20);

/// Starts every worker on a scoped thread.
pub(crate) fn spawn_scoped<'scope, 'env: 'scope, 'p: 'scope>(
    run: &'p Prepared<'env>,
    scope: &'scope Scope<'scope, 'p>,
) {
    if let Some(seed) = run.seed {
        let started = Builder::new()
            .name(SEEDED.to_owned())
            .spawn_scoped(scope, move || seeded::drive(run, seed, true));
        if let Err(error) = started {
            give_up(run, cannot_spawn(SEEDED, error));
        }
        return;
    }
    for seat in &run.workers {
        let name = thread_name(seat);
        let started = Builder::new()
            .name(name.clone())
            .spawn_scoped(scope, move || work(run, seat));
        if let Err(error) = started {
            give_up(run, cannot_spawn(&name, error));
            break;
        }
    }
}

/// Starts every worker on a thread that outlives this call.
pub(crate) fn spawn(run: &Arc<Prepared<'static>>) -> Vec<JoinHandle<()>> {
    if let Some(seed) = run.seed {
        let here = run.clone();
        let started = Builder::new()
            .name(SEEDED.to_owned())
            .spawn(move || seeded::drive(&here, seed, true));
        return started
            .map_err(|error| give_up(run, cannot_spawn(SEEDED, error)))
            .into_iter()
            .collect();
    }
    let mut threads = Vec::with_capacity(run.workers.len());
    for place in 0..run.workers.len() {
        let name = thread_name(&run.workers[place]);
        let here = run.clone();
        let started = Builder::new()
            .name(name.clone())
            .spawn(move || work(&here, &here.workers[place]));
        match started {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                give_up(run, cannot_spawn(&name, error));
                break;
            }
        }
    }
    threads
}

fn thread_name(seat: &Seat) -> String {
    format!("flow:{}-{}", seat.name, seat.index)
}

/// Records a failure and lets go of what unstarted workers would have taken, so that their neighbours end.
fn give_up(run: &Prepared<'_>, error: Error) {
    run.shared.fail(error);
    run.abandon();
}

/// A worker's life: open, step until done, leave the counts.
fn work(run: &Prepared<'_>, seat: &Seat) {
    let cx = seat.context(&run.shared);
    let trace = run.watchers.trace.worker(&seat.name, seat.index);
    trace.tap(&cx.counts.tap);
    let inside = trace.enter();
    cx.counts.begin(cx.shared.age());
    let mut worker = None;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let worker = worker.insert(run.stages[seat.stage].worker(&cx));
        if seat.source && !worker.is_broken() && run.shared.is_held() {
            cx.counts.does(Doing::Starved, cx.shared.age());
            run.shared.wait_to_begin();
            cx.counts.does(Doing::Working, cx.shared.age());
        }
        drive(&mut **worker, &cx)
    }));
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = cx.locate(error);
            trace.failed(&error);
            give_up(run, error);
        }
        Err(payload) => caught(run, &cx, &trace, payload),
    }
    // The worker's channel ends close only now, so a neighbour that sees the end can see the reason too.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(worker))) {
        caught(run, &cx, &trace, payload);
    }
    cx.counts.end(cx.shared.age());
    trace.ended(|| cx.counts.report(cx.shared.age()));
    drop(inside);
}

/// Makes an error of a caught panic; a payload whose own drop panics cannot take the thread down with it.
pub(super) fn caught(
    run: &Prepared<'_>,
    cx: &Context,
    trace: &WorkerTrace,
    payload: Box<dyn Any + Send>,
) {
    cx.counts.panics.add(1);
    let mut error = Some(cx.locate(Error::panicked(payload)));
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(error) = error.take() {
            trace.failed(&error);
            give_up(run, error);
        }
    }));
}

/// Steps a worker to its end, waiting where it says so.
fn drive(worker: &mut dyn Worker, cx: &Context) -> Result<(), Error> {
    while !cx.shared.must_end() {
        match worker.step()? {
            Step::Progress => {}
            Step::Done => return Ok(()),
            Step::Empty => {
                cx.counts.does(Doing::Starved, cx.shared.age());
                let since = Instant::now();
                let until = worker.linger();
                let timer = worker.timer().map(|timer| cx.shared.clock.look(timer));
                let soonest = [until, timer].into_iter().flatten();
                worker.wait_input(soonest.chain([since + LOOK]).min());
                if until.is_some_and(|until| Instant::now() >= until) {
                    worker.flush();
                }
                cx.counts.does(Doing::Working, cx.shared.age());
            }
            Step::Full => {
                cx.counts.does(Doing::Blocked, cx.shared.age());
                worker.wait_room(None);
                cx.counts.does(Doing::Working, cx.shared.age());
            }
        }
    }
    cx.shared.cut_short();
    Ok(())
}
