//! `aggregate_by` wants aggregates, not values.
use millstream::Flow;

fn main() {
    let _ = Flow::from_iter([("Oslo", 3), ("Rome", 20)])
        .aggregate_by(|r| r.0, |_| 7);
}
