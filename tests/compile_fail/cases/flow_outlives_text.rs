//! A flow borrows from the text whose lines it reads.
use millstream::{BoxFlow, Flow, Text};

fn words<'t>() -> BoxFlow<'t, &'t str> {
    let text = Text::from("a b\n");
    Flow::from_lines(&text).flat_map(|line| line.split(' ')).boxed()
}

fn main() {
    let _ = words().count();
}
