//! A line on the terminal that shows how far a run has come (feature `progress`).
//!
//! A watcher: one thread reads the report ten times a second. Where nobody would see it, because the standard error is no
//! terminal, there is no thread either.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::sampler::Sampler;
use crate::error::Error;
use crate::run::{InputSize, Report, StageReport, Unit, Watch, Watched, Watching, lock};

/// How often the line is drawn.
const EVERY: Duration = Duration::from_millis(100);

/// How [`Flow::progress_with`](crate::Flow::progress_with) shows how far a run has come (feature `progress`).
///
/// Where the sources know how much there is, it is a bar with the rate and the time that is left; see
/// [`Report::input_size`](crate::Report::input_size) for which do. A query that is cut by a key has a bar of its ranges, with
/// the items beside it; one that is not, or other sources that do not know, have a spinner that counts. When the
/// run has ended, a line stays that says how much it was, how long it took, and how many rows were rejected.
///
/// # Examples
/// ```
/// use indicatif::{InMemoryTerm, ProgressDrawTarget};
/// use millstream::{Flow, Progress};
///
/// let terminal = InMemoryTerm::new(10, 80);
/// let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
/// let progress = Progress::new().name("squares").to(target);
/// Flow::from_range(0..1000u64).progress_with(progress).map(|n| n * n).sum::<u64>()?;
/// assert!(terminal.contents().starts_with("squares: 1,000 items in "));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Default)]
pub struct Progress {
    name: Option<String>,
    /// Taken by the run.
    place: Mutex<Place>,
}

/// Where it is drawn.
#[derive(Default)]
enum Place {
    #[default]
    Stderr,
    Target(ProgressDrawTarget),
    /// One of the user's, with a style of its own.
    Bar(ProgressBar),
}

impl Progress {
    /// A line on the standard error, if that is a terminal.
    pub fn new() -> Self {
        Progress::default()
    }

    /// What stands in front of it, instead of the name of the flow.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where it is drawn, instead of the standard error.
    pub fn to(mut self, target: ProgressDrawTarget) -> Self {
        self.place = Mutex::new(Place::Target(target));
        self
    }

    /// A bar of one's own, such as one of several on a terminal (`indicatif::MultiProgress`). It keeps its style; it is given
    /// length, position, prefix and message.
    ///
    /// ```
    /// use indicatif::{MultiProgress, ProgressBar};
    /// use millstream::{Flow, Progress};
    ///
    /// let bars = MultiProgress::new();
    /// let bar = bars.add(ProgressBar::new(0));
    /// let sum = Flow::from_range(0..100u64).progress_with(Progress::new().bar(bar.clone())).sum::<u64>()?;
    /// assert_eq!((bar.position(), bar.length()), (100, Some(100)));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn bar(mut self, bar: ProgressBar) -> Self {
        self.place = Mutex::new(Place::Bar(bar));
        self
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Watch for Progress {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        let (bar, styled) = match std::mem::take(&mut *lock(&self.place)) {
            Place::Stderr => (target(ProgressDrawTarget::stderr()), true),
            Place::Target(at) => (target(at), true),
            Place::Bar(bar) => (bar, false),
        };
        let name = self.name.clone().or_else(|| run.name().map(str::to_owned));
        let mut line = Line {
            bar,
            styled,
            name,
            shape: None,
        };
        // A bar of the user's may be looked at in other ways than on a terminal.
        if styled && line.bar.is_hidden() {
            return Box::new(|_: Result<(), &Error>| ());
        }
        line.begin();
        let here = run.clone();
        let look = move |line: &mut Line| line.show(&here.report_now());
        let sampler = Sampler::start("flow:progress", EVERY, run.lost(), line, look);
        let run = run.clone();
        Box::new(move |outcome: Result<(), &Error>| {
            sampler.stop(|line| line.end(&run.report(), outcome));
        })
    }
}

fn target(target: ProgressDrawTarget) -> ProgressBar {
    ProgressBar::with_draw_target(None, target)
}

/// The line of one run.
struct Line {
    bar: ProgressBar,
    /// Whether its style is ours.
    styled: bool,
    name: Option<String>,
    /// What it is drawn as.
    shape: Option<Shape>,
}

/// What a line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    unit: Unit,
    /// Whether it is known how much there will be.
    sized: bool,
}

impl Shape {
    fn template(self) -> &'static str {
        match (self.sized, self.unit) {
            (true, Unit::Bytes) => {
                "{prefix}[{wide_bar}] {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}{msg}"
            }
            (true, Unit::Items) => {
                "{prefix}[{wide_bar}] {human_pos}/{human_len} {per_sec} {eta}{msg}"
            }
            (false, Unit::Bytes) => {
                "{spinner} {prefix}{bytes} {binary_bytes_per_sec} {elapsed}{msg}"
            }
            // How many ranges a second says nothing: the items and their rate are in the message.
            (true, Unit::Splits) => {
                "{prefix}[{wide_bar}] {human_pos}/{human_len} splits {eta}{msg}"
            }
            (false, Unit::Items | Unit::Splits) => {
                "{spinner} {prefix}{human_pos} items {per_sec} {elapsed}{msg}"
            }
        }
    }
}

impl Line {
    fn begin(&mut self) {
        if let Some(name) = &self.name {
            self.bar.set_prefix(format!("{name} "));
        }
    }

    fn style(&self, template: &str) {
        if self.styled {
            // The templates are ours, and tests see all of them.
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style.progress_chars("=> "));
            }
        }
    }

    /// Draws what has been done.
    fn show(&mut self, report: &Report) {
        let done = Done::of(report);
        let shape = Shape {
            unit: done.unit,
            sized: done.total.is_some(),
        };
        if self.shape != Some(shape) {
            self.style(shape.template());
            self.shape = Some(shape);
        }
        match done.total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_position(done.taken);
        let mut message = String::new();
        if done.unit == Unit::Splits {
            let (items, rate) = done.items(report.elapsed());
            message = format!(", {items}, {rate}/s");
        }
        if done.rejected > 0 {
            message.push_str(&format!(", {} rejected", HumanCount(done.rejected)));
        }
        if !message.is_empty() {
            self.bar.set_message(message);
        }
        self.bar.tick();
    }

    /// Draws the line that stays.
    fn end(&mut self, report: &Report, outcome: Result<(), &Error>) {
        let done = Done::of(report);
        if let Some(total) = done.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done.taken);
        self.style("{msg}");
        let message = done.in_words(self.name.as_deref(), report.elapsed(), outcome);
        self.bar.abandon_with_message(message);
    }
}

/// How far a run has come.
struct Done {
    unit: Unit,
    taken: u64,
    total: Option<u64>,
    items: u64,
    rejected: u64,
}

impl Done {
    fn of(report: &Report) -> Self {
        let rejected = report.rejected().values().sum();
        let items: u64 = report.sources().map(StageReport::items_in).sum();
        if let Some(InputSize { unit, total, taken }) = report.input_size() {
            return Done {
                unit,
                taken,
                total: Some(total),
                items,
                rejected,
            };
        }
        let bytes: u64 = report.sources().map(StageReport::bytes_in).sum();
        let (unit, taken) = match items {
            0 if bytes > 0 => (Unit::Bytes, bytes),
            _ => (Unit::Items, items),
        };
        Done {
            unit,
            taken,
            total: None,
            items,
            rejected,
        }
    }

    /// How many items, and how many a second.
    fn items(&self, took: Duration) -> (String, String) {
        let s = if self.items == 1 { "" } else { "s" };
        let much = format!("{} item{s}", HumanCount(self.items));
        let rate = self.items as f64 / took.as_secs_f64().max(1e-9);
        (much, HumanCount(rate as u64).to_string())
    }

    fn in_words(&self, name: Option<&str>, took: Duration, outcome: Result<(), &Error>) -> String {
        let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
        let ended = match outcome {
            Ok(()) => "",
            Err(error) if error.is_stopped() => "stopped after ",
            Err(_) => "failed after ",
        };
        let (much, rate) = match self.unit {
            Unit::Items | Unit::Splits => self.items(took),
            Unit::Bytes => {
                let rate = self.taken as f64 / took.as_secs_f64().max(1e-9);
                let much = HumanBytes(self.taken).to_string();
                (much, HumanBytes(rate as u64).to_string())
            }
        };
        let rejected = match self.rejected {
            0 => String::new(),
            n => format!(", {} rejected", HumanCount(n)),
        };
        format!("{name}{ended}{much} in {took:.1?}, {rate}/s{rejected}")
    }
}
