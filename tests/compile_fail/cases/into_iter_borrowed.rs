//! An iterator over a running flow cannot borrow either; `scope` can.
use millstream::{Flow, Text};

fn main() {
    let text = Text::from("a\nb\n");
    for line in Flow::from_lines(&text) {
        drop(line);
    }
}
