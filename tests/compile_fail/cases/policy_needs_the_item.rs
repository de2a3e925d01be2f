//! A policy that wants the item keeps a clone of it while `try_map` gives it away.
use millstream::{Flow, Retry};

struct Row(u32);

fn main() {
    let _ = Flow::from_range(0..10u32)
        .map(Row)
        .try_map(|row| if row.0 > 0 { Ok(row.0) } else { Err("zero") })
        .on_error(Retry::times(3));
}
