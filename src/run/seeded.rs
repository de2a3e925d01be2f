//! The same workers on one thread, in an order that a seed decides: a failing interleaving can be replayed.
//!
//! Workers never block, so a scheduler is a loop that steps one of them at a time. When none can go on, their
//! half-full batches are flushed, as lingering would; then those that wait for the world outside are given a moment.
//! The time of the run stands still, so that neither pacing nor lingering depends on the speed of the machine, and is
//! moved on to the next timer when nothing else can be done. What a worker is busy is measured by the machine's clock, and only while it
//! has the thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::report::Doing;
use super::start::Prepared;
use super::threads::caught;
use super::{Context, Step, Worker};
use crate::error::{Error, ErrorKind};
use crate::observe::WorkerTrace;

/// How long inputs from outside the flow (a channel) may keep every worker waiting before the run counts as stalled.
const PATIENCE: Duration = Duration::from_secs(10);

/// Drives all workers to their end. `attended` says that the calling thread takes what comes out meanwhile, at its own
/// pace, so that a worker without room is no sign of a stall.
pub(crate) fn drive(run: &Prepared<'_>, seed: u64, attended: bool) {
    let contexts: Vec<Context> = run
        .workers
        .iter()
        .map(|seat| seat.context(&run.shared))
        .collect();
    let mut traces = Vec::new();
    for (seat, cx) in run.workers.iter().zip(&contexts) {
        let trace = run.watchers.trace.worker(&seat.name, seat.index);
        trace.tap(&cx.counts.tap);
        traces.push(trace);
        cx.counts.begin(run.shared.age());
        cx.counts.steps_aside(run.shared.age());
    }
    let mut open: Vec<Option<Box<dyn Worker + '_>>> = Vec::new();
    for ((seat, cx), trace) in run.workers.iter().zip(&contexts).zip(&traces) {
        let inside = trace.enter();
        cx.counts.does(Doing::Working, run.shared.age());
        let made = catch_unwind(AssertUnwindSafe(|| run.stages[seat.stage].worker(cx)));
        cx.counts.steps_aside(run.shared.age());
        match made {
            Ok(worker) => open.push(Some(worker)),
            Err(payload) => {
                caught(run, cx, trace, payload);
                break;
            }
        }
        drop(inside);
    }
    // Nothing can be done before there is input, so all of them wait with the sources, and the dice with them.
    if !open.iter().flatten().any(|worker| worker.is_broken()) {
        run.shared.wait_to_begin();
    }
    let mut dice = Dice(seed);
    // Workers that said they cannot go on since the last progress of any.
    let mut stuck = vec![None; open.len()];
    let mut idle_since: Option<Instant> = None;
    while !run.shared.must_end() {
        let ready: Vec<usize> = (0..open.len())
            .filter(|&w| open[w].is_some() && stuck[w].is_none())
            .collect();
        let Some(&chosen) = ready.get(dice.below(ready.len())) else {
            if open.iter().all(Option::is_none) {
                break;
            }
            if attended && stuck.contains(&Some(Step::Full)) {
                idle_since = None;
            }
            if wake(run, &mut open, &contexts, &mut idle_since) {
                stuck.fill(None);
            }
            continue;
        };
        let Some(worker) = &mut open[chosen] else {
            continue;
        };
        let (cx, trace) = (&contexts[chosen], &traces[chosen]);
        let inside = trace.enter();
        cx.counts.does(Doing::Working, run.shared.age());
        match catch_unwind(AssertUnwindSafe(|| worker.step())) {
            Ok(Ok(Step::Progress)) => {
                cx.counts.steps_aside(run.shared.age());
                stuck.fill(None);
                idle_since = None;
            }
            Ok(Ok(step @ (Step::Empty | Step::Full))) => {
                let doing = if step == Step::Full {
                    Doing::Blocked
                } else {
                    Doing::Starved
                };
                cx.counts.does(doing, run.shared.age());
                stuck[chosen] = Some(step);
            }
            Ok(Ok(Step::Done)) => {
                close(run, cx, trace, &mut open[chosen]);
                stuck.fill(None);
            }
            Ok(Err(error)) => {
                let error = cx.locate(error);
                trace.failed(&error);
                run.shared.fail(error);
            }
            Err(payload) => caught(run, cx, trace, payload),
        }
        drop(inside);
    }
    if open.iter().any(Option::is_some) {
        run.shared.cut_short();
    }
    for ((worker, cx), trace) in open.iter_mut().zip(&contexts).zip(&traces) {
        let inside = trace.enter();
        close(run, cx, trace, worker);
        drop(inside);
    }
    for (cx, trace) in contexts.iter().zip(&traces) {
        cx.counts.end(run.shared.age());
        trace.ended(|| cx.counts.report(run.shared.age()));
    }
}

/// Drops a worker, which may run the user's destructors.
fn close<'w>(
    run: &Prepared<'_>,
    cx: &Context,
    trace: &WorkerTrace,
    worker: &mut Option<Box<dyn Worker + 'w>>,
) {
    let Some(open) = worker.take() else {
        return;
    };
    cx.counts.does(Doing::Working, run.shared.age());
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(open)));
    if let Err(payload) = dropped {
        caught(run, cx, trace, payload);
    }
    cx.counts.end(run.shared.age());
}

/// Every worker is stuck: flush what lingers, or give inputs from outside a moment. False when it is hopeless.
fn wake(
    run: &Prepared<'_>,
    open: &mut [Option<Box<dyn Worker + '_>>],
    contexts: &[Context],
    idle_since: &mut Option<Instant>,
) -> bool {
    let mut flushed = false;
    for worker in open.iter_mut().flatten() {
        if worker.linger().is_some() {
            worker.flush();
            flushed = true;
        }
    }
    if flushed {
        return true;
    }
    // Nothing can go on but with time: on to the next timer. One that is due already belongs to a worker that waits for
    // something else.
    let time = run.shared.now();
    let timers = open.iter().flatten().filter_map(|w| w.timer());
    if let Some(timer) = timers.filter(|timer| *timer > time).min() {
        if run.shared.clock.move_to(timer, run.shared.started) {
            return true;
        }
    }
    let now = Instant::now();
    if now - *idle_since.get_or_insert(now) > PATIENCE {
        let waiting = contexts
            .iter()
            .zip(open)
            .find(|(_, worker)| worker.is_some())
            .map_or("", |(cx, _)| &cx.name);
        run.shared.fail(Error::new(
            ErrorKind::Stalled,
            format!(
                "no worker of the seeded run can go on, the stage {waiting} among them: \
                 a seeded run needs sources that lie inside the flow"
            ),
        ));
        return false;
    }
    for worker in open.iter_mut().flatten() {
        worker.wait_input(Some(now + Duration::from_millis(1)));
        worker.wait_room(Some(now + Duration::from_millis(1)));
    }
    true
}

/// A small generator: splitmix64, by G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number
/// generators", 2014.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        if n == 0 { 0 } else { (z % n as u64) as usize }
    }
}
