//! The error of `try_map` is kept in the flow's, so it must be one, or a text.
use millstream::Flow;

struct Odd;

fn main() {
    let _ = Flow::from_range(0..3)
        .try_map(|n| if n % 2 == 0 { Ok(n) } else { Err(Odd) });
}
