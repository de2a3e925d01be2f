//! Sensors in real time: `sensors [--seconds N] [--every MS]`, four thermometers that are read every few milliseconds.
//!
//! ```text
//!  thermometers ─ call ─▶ readings ─▶ celsius ─▶ means ─▶ alarm
//!                         (producer)  (°F → °C)  (of each second)  (prints)
//! ```
//!
//! A reading is accepted when the call that hands it over returns: `readings` has a buffer that blocks, so if the stages behind
//! were slow, the thermometers would be read more slowly and nothing would be dropped. The program ends after N seconds, or on
//! Ctrl-C; either way all that was accepted goes through, windows that have just begun too.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use millstream::stage::{
    self, Answer, Call, Caller, Consumer, Emit, Ended, Keep, Next, Producer, ProducerConsumer,
    Subscription, Upstream,
};

#[path = "common/args.rs"]
mod args;

/// A mean above this is an alarm, in °C.
const TOO_HOT: f64 = 30.0;

/// What a thermometer shows.
#[derive(Clone, Copy)]
struct Reading {
    sensor: u32,
    /// Since the first one.
    at: Duration,
    degrees: f64,
}

/// Hands on what it is called with.
struct Readings;

impl Producer for Readings {
    type Event = Reading;

    fn handle_demand(&mut self, _: usize, _: &mut Emit<Reading>) -> Answer {
        Ok(Next::Go)
    }
}

impl Call<Vec<Reading>> for Readings {
    type Reply = ();
    type Event = Reading;

    fn handle_call(
        &mut self,
        readings: Vec<Reading>,
        caller: &mut Caller<()>,
        out: &mut Emit<Reading>,
    ) -> Answer {
        out.append(readings);
        caller.reply(());
        Ok(Next::Go)
    }
}

/// The mean of a sensor over a second.
struct Mean {
    sensor: u32,
    second: u64,
    readings: u64,
    degrees: f64,
}

/// Windows of a second, for each sensor the one that is open: its number, how many readings, and their sum.
#[derive(Default)]
struct Means(BTreeMap<u32, (u64, u64, f64)>);

impl Means {
    fn close(sensor: u32, (second, readings, sum): (u64, u64, f64)) -> Mean {
        Mean {
            sensor,
            second,
            readings,
            degrees: sum / readings as f64,
        }
    }
}

impl ProducerConsumer for Means {
    type In = Reading;
    type Out = Mean;

    fn handle_events(
        &mut self,
        batch: Vec<Reading>,
        _: &Upstream<Reading>,
        out: &mut Emit<Mean>,
    ) -> Answer {
        for reading in batch {
            let second = reading.at.as_secs();
            let open = self.0.entry(reading.sensor).or_insert((second, 0, 0.0));
            // The readings of a sensor come in the order of time: the next second closes the one before.
            if open.0 != second {
                let closed = std::mem::replace(open, (second, 0, 0.0));
                out.push(Means::close(reading.sensor, closed));
            }
            open.1 += 1;
            open.2 += reading.degrees;
        }
        Ok(Next::Go)
    }

    /// No more readings: what is open is given as it is.
    fn handle_cancel(&mut self, _: &Upstream<Reading>, _: &Ended, out: &mut Emit<Mean>) -> Answer {
        let open = std::mem::take(&mut self.0);
        out.extend(
            open.into_iter()
                .map(|(sensor, open)| Means::close(sensor, open)),
        );
        Ok(Next::Go)
    }
}

/// What has come out at the end.
#[derive(Default, Clone, Copy)]
struct Summary {
    readings: u64,
    means: u64,
    alarms: u64,
}

/// Prints each mean, and says which are too hot.
struct Alarm {
    summary: Summary,
    report: Sender<Summary>,
}

impl Consumer for Alarm {
    type Event = Mean;

    fn handle_events(&mut self, batch: Vec<Mean>, _: &Upstream<Mean>) -> Answer {
        for mean in batch {
            let hot = mean.degrees > TOO_HOT;
            self.summary.readings += mean.readings;
            self.summary.means += 1;
            self.summary.alarms += u64::from(hot);
            println!(
                "second {}, sensor {}: {:.2} °C{}",
                mean.second,
                mean.sensor,
                mean.degrees,
                if hot { ", too hot" } else { "" }
            );
        }
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, _: &Upstream<Mean>, _: &Ended) -> Answer {
        self.report.send(self.summary)?;
        Ok(Next::Go)
    }
}

fn main() -> ExitCode {
    args::main("sensors [--seconds N] [--every MS]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let mut args = args.to_vec();
    let seconds = Duration::from_secs(args::option(&mut args, "--seconds", 10)?);
    let every = Duration::from_millis(args::option(&mut args, "--every", 10)?);
    args::no_more(&args)?;
    if every.is_zero() {
        return Err("--every needs 1 ms or more".into());
    }
    let (pressed, ctrl_c) = channel();
    ctrlc::set_handler(move || {
        // Pressed once more, while the rest goes through: it goes through.
        let _ = pressed.send(());
    })?;

    let (report, summary) = channel();
    let readings = stage::producer(Readings)
        .name("readings")
        .buffer(1_000, Keep::Block)
        .start()?;
    let celsius = stage::map_events(|reading: Reading| Reading {
        degrees: (reading.degrees - 32.0) / 1.8,
        ..reading
    });
    let celsius = celsius
        .name("celsius")
        .subscribe_to(&readings, Subscription::new().max_demand(100))
        .start()?;
    let means = stage::producer_consumer(Means::default())
        .name("means")
        .subscribe_to(&celsius, Subscription::new().max_demand(100))
        .start()?;
    let alarm = stage::consumer(Alarm {
        summary: Summary::default(),
        report,
    });
    let alarm = alarm
        .name("alarm")
        .subscribe_to(&means, Subscription::new().max_demand(10))
        .start()?;

    let mut accepted = 0;
    let started = Instant::now();
    let mut at = Duration::ZERO;
    while at < seconds && alarm.ended().is_none() {
        let now: Vec<Reading> = (0..4).map(|sensor| read(sensor, at)).collect();
        let count = now.len();
        readings.call(now)?;
        accepted += count;
        at += every;
        if ctrl_c
            .recv_timeout(at.saturating_sub(started.elapsed()))
            .is_ok()
        {
            break;
        }
    }
    // No more comes; each stage ends when it has given away what it has.
    readings.finish()?;
    // If one has failed, the stages in front of it stop with their handles.
    alarm.join()?;
    means.join()?;
    celsius.join()?;
    readings.join()?;
    let summary = summary.recv()?;
    println!(
        "{accepted} readings accepted, {} in {} means, {} of them too hot",
        summary.readings, summary.means, summary.alarms
    );
    Ok(())
}

/// A thermometer, in °F: a slow wave, and the last sensor stands near an oven.
fn read(sensor: u32, at: Duration) -> Reading {
    let wave = (at.as_secs_f64() + f64::from(sensor)).sin();
    let oven = if sensor == 3 { 25.0 } else { 0.0 };
    Reading {
        sensor,
        at,
        degrees: 68.0 + 4.0 * wave + oven,
    }
}
