//! Keys are hashed.
use millstream::Flow;

#[derive(PartialEq, Eq)]
struct Name(&'static str);

fn main() {
    let _ = Flow::from_iter(["a", "b"]).count_by(|name| Name(name));
}
