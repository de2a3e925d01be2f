//! A report drawn as SVG.
//!
//! Whatever stands in a name is text: every string goes through [`text`]. Colours are named by classes, and `style.rs` says what they are,
//! so a page has to contain that once. Each box has the number of its stage in `data-stage`, and each line that of its edge in
//! `data-edge`, so that a page that changes can find them.

use std::fmt::Write;

use super::advice::percent;
use super::figures::{figures, short};
use super::layout::{Sizes, layout};
use crate::plan::{Figures, HOT, Link, count, results, threads};
use crate::run::{Report, StageReport};

const SIZES: Sizes = Sizes {
    width: 260.0,
    height: 88.0,
    gap: 24.0,
    fall: 68.0,
};
/// Left and right of what stands in a box.
const PADDING: f64 = 10.0;
/// Around the graph, so that frames and labels are not cut off.
const MARGIN: f64 = 8.0;
/// How much smaller than drawn a graph may be shown before it is cut off and can be scrolled.
const LEAST: f64 = 0.9;
/// How wide a letter beside a line is, or a little more.
const LETTER: f64 = 6.3;
/// Room for what stands beside lines comes in steps, so that the picture does not move with each digit.
const STEP: f64 = 40.0;
/// Letters of a name and of the small line below it that fit a box, in a font whose letters are wide; the whole name is shown by its title.
const LETTERS: (usize, usize) = (25, 38);

/// The stages and edges of a report as one SVG element.
pub(super) fn graph(report: &Report, cores: usize) -> String {
    let size = |width: f64, _| {
        let least = width * LEAST;
        format!("style=\"width:{width}px;min-width:{least}px\"")
    };
    drawn(report, &figures(report, cores), size)
}

/// The same for a page that changes, of what a run did lately: what stands at the edges is about now. Such a page allows no styles
/// within elements, so the least width is in `data-least`.
#[cfg(feature = "dashboard")]
pub(crate) fn live(recent: &Report, cores: usize) -> String {
    let size = |width: f64, height: f64| {
        let least = width * LEAST;
        format!("width=\"{width}\" height=\"{height}\" data-least=\"{least}\"")
    };
    drawn(recent, &super::figures::lately(recent, cores), size)
}

/// Draws it; `size` says in which attributes its size is.
fn drawn(report: &Report, figures: &Figures, size: impl Fn(f64, f64) -> String) -> String {
    let plan = &report.plan;
    let links: Vec<(usize, usize, usize)> = report
        .edges
        .iter()
        .enumerate()
        .flat_map(|(at, edge)| {
            let from = edge.from.iter().enumerate();
            from.map(move |(place, _)| (at, place, edge.to))
        })
        .collect();
    let lines: Vec<(usize, usize)> = links
        .iter()
        .map(|&(edge, place, to)| (report.edges[edge].from[place], to))
        .collect();
    let drawn = layout(report.stages.len(), &lines, SIZES);
    let (mut labels, mut left, mut right) = (String::new(), 0.0, drawn.width);
    for (at, (&(edge, place, _), points)) in links.iter().zip(&drawn.lines).enumerate() {
        let (from, to) = lines[at];
        let leaving = lines.iter().filter(|line| line.0 == from).count();
        let entering = lines.iter().filter(|line| line.1 == to).count();
        let link = &figures.links[edge][place];
        let (begin, end) = label(&mut labels, link, points, entering > leaving);
        (left, right) = (f64::min(left, begin), f64::max(right, end));
    }
    let beside = |room: f64| MARGIN + (room / STEP).ceil() * STEP;
    let (before, behind) = (beside(-left), beside(right - drawn.width));
    let (width, height) = (before + drawn.width + behind, drawn.height + 2.0 * MARGIN);
    let mut out = format!(
        "<svg class=\"graph\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{} {} {width} {height}\" {} \
         role=\"img\" aria-label=\"{}\">",
        -before,
        -MARGIN,
        size(width, height),
        text(&in_words(report, &lines))
    );
    for (&(edge, place, _), points) in links.iter().zip(&drawn.lines) {
        line(&mut out, edge, &figures.links[edge][place], points);
    }
    out.push_str(&labels);
    let ends: Vec<(usize, String)> = results(plan).collect();
    for (at, (stage, &corner)) in report.stages.iter().zip(&drawn.boxes).enumerate() {
        let end = ends.iter().find(|(of, _)| *of == at).map(|(_, end)| &**end);
        let hot = figures.bottleneck == Some(at);
        let steps = plan.nodes.get(at).map(|node| node.steps.join(" → "));
        let steps = steps.unwrap_or_default();
        let facts = Facts { stage, end, steps };
        boxed(
            &mut out,
            at,
            &facts,
            corner,
            hot,
            report.elapsed.as_secs_f64(),
        );
    }
    out.push_str("</svg>");
    out
}

/// What a picture shows, for who does not see it.
fn in_words(report: &Report, lines: &[(usize, usize)]) -> String {
    let name = |at: usize| report.stages.get(at).map_or("", StageReport::name);
    let lines = lines.iter();
    let lines: Vec<String> = lines
        .map(|&(from, to)| format!("{} to {}", name(from), name(to)))
        .collect();
    let stages = count(report.stages.len() as u64, "stage", "stages");
    match lines.len() {
        0 => stages,
        _ => format!("{stages}: {}", lines.join(", ")),
    }
}

/// What stands in a box.
struct Facts<'r> {
    stage: &'r StageReport,
    /// Where its items go, if they leave the flow.
    end: Option<&'r str>,
    steps: String,
}

fn class(link: &Link) -> &'static str {
    match link.colour {
        HOT => "hot",
        colour if colour == super::figures::WARM => "warm",
        _ => "calm",
    }
}

/// A curve through the points, and the head of an arrow.
fn line(out: &mut String, edge: usize, link: &Link, points: &[(f64, f64)]) {
    let Some((&(x, y), rest)) = points.split_first() else {
        return;
    };
    let class = class(link);
    // The curve ends where the arrow begins.
    let tip = 5.0 + f64::from(link.width);
    let mut path = format!("M{x:.1} {y:.1}");
    let (mut before, last) = (y, rest.len().saturating_sub(1));
    for (at, &(x2, y2)) in rest.iter().enumerate() {
        let y2 = if at == last { y2 - tip } else { y2 };
        let half = f64::midpoint(before, y2);
        let from = if at == 0 { x } else { rest[at - 1].0 };
        let _ = write!(
            path,
            "C{from:.1} {half:.1} {x2:.1} {half:.1} {x2:.1} {y2:.1}"
        );
        before = y2;
    }
    let (end, at) = rest.last().copied().unwrap_or((x, y));
    let wide = 3.0 + f64::from(link.width) * 0.8;
    let _ = write!(
        out,
        "<path class=\"line {class}\" data-edge=\"{edge}\" stroke-width=\"{}\" d=\"{path}\"/>\
         <path class=\"tip {class}\" d=\"M{end:.1} {at:.1}l{:.1} {:.1}h{:.1}z\"/>",
        link.width,
        -wide,
        -tip,
        2.0 * wide
    );
}

/// What stands at a line: at its bend if it has one, or else at the end that it shares with fewer others, on the side to which it does
/// not turn. Returns where the words begin and end.
fn label(out: &mut String, link: &Link, points: &[(f64, f64)], begins: bool) -> (f64, f64) {
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else {
        return (0.0, 0.0);
    };
    let inner = if begins {
        points.get(1)
    } else {
        points.iter().rev().nth(1)
    };
    let bend = if points.len() > 2 {
        points.get(1)
    } else {
        None
    };
    let (x, y) = match bend {
        Some(&(x, y)) => (x, y - 4.0),
        None if begins => (first.0, first.1 + 20.0),
        None => (last.0, last.1 - 24.0),
    };
    let turns_right = bend.is_none() && inner.is_some_and(|inner| inner.0 > x + 1.0);
    let (anchor, x) = if turns_right {
        ("end", x - 12.0)
    } else {
        ("start", x + 12.0)
    };
    for (at, words) in link.label.iter().enumerate() {
        let _ = write!(
            out,
            "<text class=\"soft halo\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            y + 14.0 * at as f64,
            text(words)
        );
    }
    let letters = link.label.iter().map(|words| words.chars().count()).max();
    let wide = letters.unwrap_or(0) as f64 * LETTER;
    match turns_right {
        true => (x - wide, x),
        false => (x, x + wide),
    }
}

/// A stage.
fn boxed(
    out: &mut String,
    at: usize,
    facts: &Facts<'_>,
    corner: (f64, f64),
    hot: bool,
    elapsed: f64,
) {
    let (stage, (x, y)) = (facts.stage, corner);
    let name = stage.name();
    let title = match facts.steps.as_str() {
        "" => text(name),
        steps => format!("{}: {}", text(name), text(steps)),
    };
    let _ = write!(
        out,
        "<g data-stage=\"{at}\" transform=\"translate({x:.1} {y:.1})\"><title>{title}</title>\
         <rect class=\"box{}\" width=\"{}\" height=\"{}\" rx=\"8\"/>\
         <svg x=\"{PADDING}\" width=\"{}\" height=\"{}\"><text class=\"name\" y=\"22\">{}</text>",
        if hot { " hot" } else { "" },
        SIZES.width,
        SIZES.height,
        // What is wider than thought does not leave the box.
        SIZES.width - PADDING - 2.0,
        SIZES.height,
        text(&cut_middle(name, LETTERS.0))
    );
    let items = stage.items_in().max(stage.items_out());
    let mut rate = format!(
        "{}, {} items/s",
        threads(stage.workers().len() as u64),
        short(items as f64 / elapsed.max(1e-9))
    );
    if let Some(end) = facts.end {
        let _ = write!(rate, " → {end}");
    }
    let _ = write!(
        out,
        "<text class=\"soft\" y=\"41\">{}</text>",
        text(&cut(&rate, LETTERS.1))
    );
    let wide = SIZES.width - 2.0 * PADDING;
    out.push_str(&bar(stage, 1.0, 51.0, wide - 2.0, 9.0));
    let _ = write!(
        out,
        "<text class=\"soft\" y=\"77\">busy {}, no input {}, no room {}</text></svg></g>",
        percent(stage.busy_share()),
        percent(stage.starved_share()),
        percent(stage.blocked_share())
    );
}

/// Where the time of a stage went, as a bar in three parts.
pub(crate) fn bar(stage: &StageReport, x: f64, y: f64, width: f64, height: f64) -> String {
    let parts = [
        ("busy", stage.busy_share()),
        ("starved", stage.starved_share()),
        ("blocked", stage.blocked_share()),
    ];
    let mut out = String::new();
    let mut left = x;
    for (class, share) in parts {
        let wide = share * width;
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{height:.1}\"/>"
        );
        left += wide;
    }
    out
}

/// A line that fits a box.
fn cut(line: &str, letters: usize) -> String {
    cut_at(line, letters, letters)
}

/// A name that fits a box: its middle is left out, since names begin alike and end alike.
fn cut_middle(name: &str, letters: usize) -> String {
    cut_at(name, letters, letters.div_ceil(2))
}

/// As many letters as fit, of them so many from the front.
fn cut_at(line: &str, letters: usize, front: usize) -> String {
    let all: usize = line.chars().map(wide).sum();
    if all <= letters {
        return line.to_owned();
    }
    let room = letters - 1;
    let fitting = |most: usize| {
        let mut sum = 0;
        move |c: &char| {
            sum += wide(*c);
            sum <= most
        }
    };
    let front: String = line.chars().take_while(fitting(front.min(room))).collect();
    let left = room - front.chars().map(wide).sum::<usize>();
    let back: String = line.chars().rev().take_while(fitting(left)).collect();
    let back: String = back.chars().rev().collect();
    format!("{}…{}", front.trim_end(), back.trim_start())
}

/// What a letter takes of a line; those of East Asia take two.
fn wide(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}' | '\u{1f300}'..='\u{3ffff}' => 2,
        _ => 1,
    }
}

/// A string as text of HTML and SVG, within elements and quoted attributes.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_box_and_can_be_told_apart() {
        assert_eq!(cut_middle("short", 9), "short");
        assert_eq!(cut_middle("com.example.reader", 9), "com.e…der");
        assert_eq!(cut_middle("com.example.writer", 9), "com.e…ter");
        assert_eq!(cut_middle("日本語の段階", 9), "日本…段階");
        assert_eq!(cut("1 thread, 20 items/s → collect", 9), "1 thread…");
        assert_eq!(cut("日本語の段階", 12), "日本語の段階");
    }
}
