//! What holds of the crate as a whole: every public type can be printed, the promised types cross threads, the layers
//! know only those below them, and files stay short.

mod layers;
mod types;
