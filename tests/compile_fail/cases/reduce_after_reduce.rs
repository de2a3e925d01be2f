//! A worker has one accumulator: reducing it again means nothing.
use millstream::Flow;

fn main() {
    let sums = Flow::from_range(0..9).reduce(|| 0, |sum, n| *sum += n);
    let _ = sums.map(|sum| sum + 1).reduce(|| 0, |total, sum| *total += sum);
}
