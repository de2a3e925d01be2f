//! Pictures of real runs: what they show is what the report says, and names cannot break them.

use millstream::{ErrorKind, Flow, Report};
use std::time::Duration;

use crate::burn;

/// A run with a merge, a hash boundary and a name that every format must escape.
fn run() -> Report {
    Flow::from_range(0..3_000u64)
        .stages(1)
        .name("left <b>\"one\"</b>")
        .merge(Flow::from_range(0..1_000u64).stages(1).name("right"))
        .stages(1)
        .name("both")
        .map(|n| n ^ burn(200))
        .count_by(|n| n % 10)
        .stages(2)
        .timeline(Duration::from_millis(1))
        .run()
        .unwrap()
}

#[test]
fn numbers_in_pictures_are_the_reports() {
    let report = run();
    let mermaid = report.to_mermaid();
    assert!(mermaid.starts_with("flowchart LR\n"));
    assert!(mermaid.contains("<br/>3.0k in, 3.0k out<br/>"), "{mermaid}");
    assert!(mermaid.contains("<br/>4.0k in, "), "{mermaid}");
    assert_eq!(mermaid.matches("linkStyle ").count(), 3);
    assert!(mermaid.contains("left #60;b#62;#34;one#34;"));
    let dot = report.to_dot();
    assert!(dot.contains("left <b>\\\"one\\\"</b>"), "{dot}");
    assert_eq!(
        dot.matches("penwidth=").count(),
        4,
        "three edges and the bottleneck"
    );
    // The plan by itself stays without figures.
    assert!(!report.plan().to_dot().contains("penwidth"));
}

#[test]
fn a_page_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let report = run();
    report.to_html(&path).unwrap();
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<b>\"one\""));
    for stage in [
        "left &lt;b&gt;&quot;one&quot;&lt;/b&gt;",
        "right",
        "both",
        "count_by",
    ] {
        assert!(page.contains(stage), "{stage}");
    }
    assert!(
        page.contains("data-label=\"items in\">4,000</td>"),
        "{page}"
    );
    // A box each, a line for each stage that sends, a curve for each stage and each edge.
    assert_eq!(page.matches("<g data-stage=").count(), 4);
    assert_eq!(page.matches("data-edge=").count(), 3);
    assert_eq!(page.matches("class=\"curve\"").count(), 6);
    assert!(page.contains("prefers-color-scheme:dark") && !page.contains("<script"));
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("report.html");
    let error = run().to_html(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains("cannot write the report to "),
        "{error}"
    );
}

#[test]
fn a_failed_run_has_its_pictures() {
    let flow = Flow::from_iter(["1", "two"])
        .stages(1)
        .try_map(|text| text.parse::<u32>());
    let error = flow.run().unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    error.report().unwrap().to_html(&path).unwrap();
    assert!(path.exists());
}
