//! `partition` hashes the items themselves.
use millstream::Flow;

struct Name(&'static str);

fn main() {
    let _ = Flow::from_iter(["a", "b"]).map(Name).partition();
}
