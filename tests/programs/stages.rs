//! The examples of stages: what they print, that they end by themselves and on Ctrl-C, and that nothing is lost.

use std::path::Path;

use crate::{CRATE, complaint_of, file, names, stdout_of};

fn data(name: &str) -> String {
    std::fs::read_to_string(Path::new(CRATE).join("examples/data").join(name)).unwrap()
}

#[test]
fn fan_out_shares_repeats_or_parts() {
    let lines = |how: &str, n: &str| -> Vec<String> {
        let printed = stdout_of("fan_out", [how, n]);
        printed.lines().map(str::to_owned).collect()
    };
    let all: u64 = (0..1_000).sum();
    for n in 0..3u64 {
        let rest: Vec<u64> = (n..1_000).step_by(3).collect();
        let (count, sum) = (rest.len(), rest.iter().sum::<u64>());
        assert_eq!(
            lines("partition", "1000")[n as usize],
            format!("consumer {n}: {count} numbers, sum {sum}")
        );
        assert_eq!(
            lines("broadcast", "1000")[n as usize],
            format!("consumer {n}: 1000 numbers, sum {all}")
        );
    }
    for how in ["demand", "partition"] {
        assert_eq!(
            lines(how, "1000")[3],
            format!("all: 1000 numbers, sum {all}")
        );
        assert_eq!(lines(how, "0")[3], "all: 0 numbers, sum 0");
    }
    assert!(complaint_of("fan_out", ["nonsense"]).contains("`nonsense`"));
}

#[test]
fn fan_in_gathers_all() {
    assert_eq!(stdout_of("fan_in", [""; 0]), data("expected_fan_in.txt"));
    assert!(stdout_of("fan_in", ["1"]).ends_with("all: 1 numbers, sum 0\n"));
    assert!(complaint_of("fan_in", ["many"]).contains("`many`"));
}

#[test]
fn etl_stages_makes_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.csv");
    let log = Path::new(CRATE).join("examples/data/requests.log");
    let printed = stdout_of("etl_stages", [&log, &table]);
    let expected = format!(
        "10 rows in {}\nrejected for a size that is no number: 1\nrejected for a status that is no number: 1\n\
         rejected for a time that is no number: 1\nrejected for not seven fields: 1\n",
        table.display()
    );
    assert_eq!(printed, expected);
    let rows = std::fs::read_to_string(&table).unwrap();
    assert_eq!(rows, data("expected_etl_stages.csv"));
}

#[test]
fn etl_stages_takes_many_lines() {
    let lines: String = (0..5_000)
        .map(|n| format!("t{n} a GET /{n} 200 {n} 0.00{}\n", n % 10))
        .collect();
    let (folder, log) = file(lines);
    let table = folder.path().join("table.csv");
    stdout_of("etl_stages", [&log, &table]);
    let rows = std::fs::read_to_string(&table).unwrap();
    let mut rows = rows.lines().skip(1);
    for n in 0..5_000 {
        let row = format!("{},t{n},GET,\"/{n}\",200,{n},{}", n + 1, n % 10);
        assert_eq!(rows.next(), Some(row.as_str()));
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn etl_stages_that_fails_leaves_no_table() {
    let lines = "t a GET / 200 1 0.1\n".repeat(1_000);
    let (folder, log) = file([lines.as_bytes(), b"t a GET /\xff 200 1 0.1\n"].concat());
    let table = folder.path().join("table.csv");
    let complaint = complaint_of("etl_stages", [&log, &table]);
    assert!(names(&complaint, &log), "{complaint}");
    assert!(complaint.contains("line 1001"), "{complaint}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the log: {left:?}");
    let missing = folder.path().join("missing.log");
    assert!(names(
        &complaint_of("etl_stages", [&missing, &table]),
        &missing
    ));
}

#[test]
fn sensors_lose_nothing() {
    let printed = stdout_of("sensors", ["--seconds", "1", "--every", "5"]);
    // Two hundred readings of four sensors, each with a mean of its one second; the one at the oven is too hot.
    let last = printed.lines().last().unwrap();
    assert_eq!(
        last,
        "800 readings accepted, 800 in 4 means, 1 of them too hot"
    );
    assert!(printed.contains("second 0, sensor 3: "), "{printed}");
    assert!(complaint_of("sensors", ["--every", "0"]).contains("--every"));
    assert!(complaint_of("sensors", ["--seconds", "few"]).contains("`few`"));
    assert!(complaint_of("sensors", ["--hours"]).contains("`--hours`"));
}

#[test]
fn stages_and_channels_add_up() {
    let n = 20_001u64;
    let sum: u64 = (0..n).map(|n| n * 2).sum();
    for how in ["stages", "channel"] {
        let printed = stdout_of("stages", [how, &n.to_string()]);
        assert!(printed.starts_with(&format!("{how} {sum} ")), "{printed}");
    }
    assert!(complaint_of("stages", ["nonsense"]).contains("`nonsense`"));
}

#[test]
#[cfg(target_os = "linux")]
fn idle_consumers_are_idle() {
    let printed = stdout_of("stages", ["idle", "100"]);
    assert!(printed.starts_with("idle 100: "), "{printed}");
}

#[test]
fn every_example_of_stages_has_help() {
    for name in ["sensors", "fan_out", "fan_in", "etl_stages", "stages"] {
        let help = stdout_of(name, ["--help"]);
        assert!(help.starts_with(&format!("usage: {name} ")), "{help}");
    }
}

/// Ctrl-C, as the terminal sends it.
#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    use crate::program;

    /// What a program printed that was interrupted after so many lines. It must have gone well.
    fn interrupted(name: &str, args: &[&str], after: usize) -> String {
        let mut child = Command::new(program(name))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut printed = String::new();
        for _ in 0..after {
            output.read_line(&mut printed).expect("a line");
        }
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .expect("kill starts");
        assert!(sent.success());
        output.read_to_string(&mut printed).expect("the rest");
        let status = child.wait().expect("it ends");
        assert!(status.success(), "{status}: {printed}");
        printed
    }

    /// The numbers of the last line.
    fn numbers(printed: &str) -> Vec<u64> {
        let last = printed.lines().last().expect("a line");
        let numbers = last.split(|c: char| !c.is_ascii_digit());
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    #[test]
    fn sensors_give_what_was_accepted() {
        let printed = interrupted("sensors", &["--seconds", "3600", "--every", "1"], 1);
        let numbers = numbers(&printed);
        let (accepted, in_means) = (numbers[0], numbers[1]);
        assert!(accepted > 0, "{printed}");
        assert_eq!(accepted, in_means, "{printed}");
        assert_eq!(printed.lines().count() as u64, numbers[2] + 1, "{printed}");
    }

    #[test]
    #[cfg(feature = "rate")]
    fn scraper_fetches_what_was_accepted() {
        let args = ["--pages", "1000000", "--rate", "20"];
        let printed = interrupted("scraper", &args, 5);
        let numbers = numbers(&printed);
        let (accepted, fetched) = (numbers[0], numbers[1]);
        assert_eq!(accepted, fetched, "{printed}");
        assert_eq!(printed.lines().count() as u64, fetched + 1, "{printed}");
        assert!((5..1_000_000).contains(&fetched), "{printed}");
    }
}

#[test]
#[cfg(feature = "rate")]
fn scraper_fetches_every_page_once() {
    let printed = stdout_of("scraper", ["--pages", "40", "--rate", "1000"]);
    let mut pages: Vec<u64> = printed
        .lines()
        .filter_map(|line| line.strip_prefix('/')?.split(':').next()?.parse().ok())
        .collect();
    pages.sort_unstable();
    assert!(pages.into_iter().eq(0..40), "{printed}");
    let last = printed.lines().last().unwrap();
    assert!(
        last.starts_with("40 pages accepted, 40 fetched in "),
        "{last}"
    );
    assert!(stdout_of("scraper", ["--help"]).starts_with("usage: scraper "));
    assert!(complaint_of("scraper", ["--rate", "0"]).contains("0 events"));
    assert!(complaint_of("scraper", ["--pages", "0"]).contains("--pages"));
}
