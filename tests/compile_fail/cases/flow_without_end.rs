//! A flow without a terminal method does nothing.
#![deny(unused_must_use)]
use millstream::Flow;

fn main() {
    Flow::from_range(0..3).map(|n| n + 1);
}
