//! Stages that are looked at together: what they did, what is under way, and who held whom up.

use std::sync::mpsc::{Receiver, channel};

use millstream::stage::testing::{pushed, recorder};
use millstream::stage::{self, Graph, Keep, Next, Reason, Subscription, Supervisor};
use millstream::{Doing, EdgeUnit, Report, StageReport};

use crate::common::{demands, next};

/// Looks until something is as it should be; a test that hangs shows what it saw with `--nocapture`.
fn until(graph: &Graph, seen: impl Fn(&Report) -> bool) -> Report {
    let deadline = std::time::Instant::now() + crate::common::GUARD;
    loop {
        let report = graph.report();
        if seen(&report) {
            return report;
        }
        assert!(std::time::Instant::now() < deadline, "{report}\n{report:?}");
        std::thread::yield_now();
    }
}

fn doing(report: &Report) -> Vec<Doing> {
    let stages = report.stages().iter();
    stages.map(|stage| stage.workers()[0].doing).collect()
}

fn names(report: &Report) -> Vec<&str> {
    report.stages().iter().map(StageReport::name).collect()
}

/// Infinite numbers, doubled, to a consumer that handles one batch for each word it gets.
#[test]
fn a_slow_consumer_blocks_those_before_it() {
    let graph = Graph::new("slow");
    assert!(!graph.is_running());
    assert_eq!(graph.report().stages().len(), 0);
    let (word, words): (_, Receiver<()>) = channel();
    let numbers = stage::from_iter(0..)
        .name("numbers")
        .graph(&graph)
        .start()
        .unwrap();
    let doubled = stage::map_events(|n: u64| n * 2)
        .name("doubled")
        .graph(&graph)
        .subscribe_to(&numbers, demands(6, 3))
        .start()
        .unwrap();
    let slow = stage::for_each_batch(move |_: Vec<u64>| {
        let _ = words.recv();
        Ok(Next::Go)
    });
    let slow = slow
        .name("slow")
        .subscribe_to(&doubled, demands(4, 2))
        .start()
        .unwrap();
    graph.add(&slow);
    // Adding it again changes nothing.
    graph.add(&slow);

    // The consumer works on two of four events; in the middle wait three for which there is no demand.
    let stuck = [Doing::Blocked, Doing::Blocked, Doing::Working];
    let report = until(&graph, |report| doing(report) == stuck);
    assert_eq!(names(&report), ["numbers", "doubled", "slow"]);
    let edges: Vec<(&[usize], usize)> = report
        .edges()
        .iter()
        .map(|edge| (&*edge.from, edge.to))
        .collect();
    assert_eq!(edges, [(&[0][..], 1), (&[1][..], 2)]);
    for (edge, room) in report.edges().iter().zip([6, 4]) {
        assert_eq!((edge.unit, edge.capacity), (EdgeUnit::Events, room));
        assert!(
            edge.fill <= edge.high_water && edge.high_water <= room,
            "{edge:?}"
        );
    }
    // What is under way is what one has given and the next has not taken.
    let [numbers_, doubled_, slow_] = report.stages() else {
        panic!("three stages");
    };
    assert_eq!(numbers_.items_in(), 0);
    assert_eq!(
        report.edges()[0].fill,
        numbers_.items_out() - doubled_.items_in()
    );
    assert_eq!(
        report.edges()[1].fill,
        doubled_.items_out() - slow_.items_in()
    );
    assert!(report.edges()[0].fill > 0);

    let before = numbers.counts().blocked;
    let counts = loop {
        let counts = numbers.counts();
        if counts.blocked > before {
            break counts;
        }
    };
    assert_eq!(counts.given, numbers_.items_out());
    assert!(graph.is_running());

    drop(word);
    slow.stop().unwrap();
    doubled.stop().unwrap();
    numbers.stop().unwrap();
    assert!(!graph.is_running());
    let report = graph.report();
    assert_eq!(doing(&report), [Doing::Ended; 3]);
    assert_eq!(report.edges().len(), 2, "the picture stays");
    // Time stands still for those that have ended.
    assert_eq!(report.elapsed(), graph.report().elapsed());
}

#[test]
fn a_stage_that_nothing_comes_to_is_starved() {
    let graph = Graph::new("idle");
    let source = pushed::<u64>()
        .name("source")
        .graph(&graph)
        .start()
        .unwrap();
    let (sink, records) = recorder();
    let sink = sink.name("sink").graph(&graph);
    let sink = sink.subscribe_to(&source, demands(5, 0)).start().unwrap();
    // The source has been asked, and has nothing to give.
    until(&graph, |report| doing(report) == [Doing::Starved; 2]);
    source.push(0..5).unwrap();
    assert_eq!(next(&records).events(), Some(vec![0, 1, 2, 3, 4]));
    let report = until(&graph, |report| doing(report) == [Doing::Starved; 2]);
    assert_eq!(report.stages()[0].items_out(), 5);
    assert_eq!(report.stages()[1].items_in(), 5);
    assert_eq!(report.stages()[1].batches_in(), 1);
    assert_eq!(report.stages()[1].bytes_in(), 40);
    assert_eq!(report.edges()[0].fill, 0);
    assert_eq!(report.edges()[0].high_water, 5);
    drop(sink);
    // Nobody asks any more, but what was asked for is owed still: only who never was asked is blocked.
    let fresh = pushed::<u64>().name("fresh").graph(&graph).start().unwrap();
    until(&graph, |report| doing(report)[2] == Doing::Blocked);
    drop((source, fresh));
}

#[test]
fn what_a_buffer_drops_is_rejected_and_panics_are_counted() {
    let graph = Graph::new("full");
    let full = pushed::<u64>()
        .name("full")
        .buffer(2, Keep::First)
        .graph(&graph);
    let full = full.start().unwrap();
    full.push(0..5).unwrap();
    assert_eq!(full.estimate_buffered_count().unwrap(), 2);
    assert_eq!(full.discarded(), 3);
    let panics = stage::for_each(|_: u64| panic!("as it should")).name("panics");
    let panics = panics
        .graph(&graph)
        .subscribe_to(&full, Subscription::new());
    assert!(panics.start().unwrap().join().is_err());
    let report = graph.report();
    assert_eq!(report.rejected()["buffer"], 3);
    assert_eq!(report.stages()[1].panics(), 1);
    assert!(
        report.to_string().contains("rejected: 3 by `buffer`"),
        "{report}"
    );
    drop(full);
}

#[test]
fn a_restart_takes_the_place_of_the_one_before() {
    let graph = Graph::new("again");
    let mut supervisor = Supervisor::new();
    let here = graph.clone();
    let source = supervisor.add(stage::child("source", move || pushed::<u64>().graph(&here)));
    let (here, (sender, records)) = (graph.clone(), channel());
    let sink = stage::child("sink", move || {
        let sender = sender.clone();
        let send = move |n: u64| sender.send(n).expect("the test listens");
        stage::for_each(send).graph(&here)
    });
    let _sink = supervisor.add(sink.subscribe_to(&source, Subscription::new()));
    let supervising = supervisor.start().unwrap();
    for n in 0..3 {
        let stage = source.stage().expect("a stage that runs");
        stage.push([n]).unwrap();
        assert_eq!(next(&records), n);
        let report = graph.report();
        assert_eq!(names(&report), ["source", "sink"]);
        assert_eq!(report.stages()[0].items_out(), 1, "a restart counts anew");
        assert_eq!(report.stages()[1].items_in(), n + 1);
        assert_eq!(report.edges().len(), 1);
        stage.stop_with(Reason::other("as it should")).unwrap();
        let deadline = std::time::Instant::now() + crate::common::GUARD;
        while source.stage().is_none_or(|now| now.id() == stage.id()) {
            assert!(std::time::Instant::now() < deadline, "no restart");
            std::thread::yield_now();
        }
    }
    drop(supervising);
    assert!(!graph.is_running());
}

#[test]
fn tasks_at_work_are_work() {
    let graph = Graph::new("tasks");
    let (word, words) = crossbeam_channel::bounded::<()>(0);
    let events = stage::from_iter(0..2)
        .name("events")
        .graph(&graph)
        .start()
        .unwrap();
    let tasks = stage::consumer_supervisor(move |_: &i32, _| Ok(words.recv()?))
        .name("tasks")
        .graph(&graph)
        .subscribe_to(&events, demands(2, 0))
        .start()
        .unwrap();
    let report = until(&graph, |report| report.stages()[1].items_in() == 2);
    let busy = |report: &Report| report.stages()[1].workers()[0].busy;
    // While two tasks run, time goes by as work.
    until(&graph, |later| busy(later) > busy(&report));
    assert_eq!(doing(&graph.report())[1], Doing::Working);
    word.send(()).unwrap();
    word.send(()).unwrap();
    tasks.join().unwrap();
    drop(events);
}

#[test]
fn stages_that_have_ended_do_not_pile_up() {
    let graph = Graph::new("many");
    for n in 0..200 {
        let one = stage::from_iter(0..1).graph(&graph).start().unwrap();
        if n % 2 == 0 {
            one.stop().unwrap();
        } else {
            one.stop_with(Reason::other("as it should")).unwrap();
            assert!(one.join().is_err());
        }
    }
    assert!(graph.report().stages().len() <= 65);
    let last = pushed::<u64>().name("last").graph(&graph).start().unwrap();
    assert!(names(&graph.report()).contains(&"last"));
    drop(last);
}

#[test]
fn a_report_of_stages_can_be_asked_for_all_that_a_report_has() {
    let graph = Graph::new("all");
    let numbers = stage::from_iter(0..10u64)
        .name("numbers")
        .graph(&graph)
        .start()
        .unwrap();
    let sink = stage::for_each(|_: u64| ()).name("sink").graph(&graph);
    sink.subscribe_to(&numbers, demands(3, 1))
        .start()
        .unwrap()
        .join()
        .unwrap();
    let report = graph.report();
    assert_eq!(report.plan().threads(), 0);
    assert_eq!(report.explain_analyze(), report.to_string());
    assert!(!report.to_mermaid().is_empty() && !report.to_dot().is_empty());
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("stages.html");
    report.to_html(&page).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("numbers → sink") || page.contains(">numbers<"),
        "{page}"
    );
    drop(numbers);
}
