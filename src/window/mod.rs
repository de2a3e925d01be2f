//! Windows: which items belong together by time or by number, and when what they made is given out.
//!
//! Everything here is plain arithmetic, without a thread or a channel: [`Spec`] says what was asked for, [`Panes`] keeps
//! the windows that are open ([`OpenSessions`] where items make them), and [`Watermark`] says how far event time has
//! come. The step that joins them to a chain is `step::window`.
//!
//! A window is open from its first item until the watermark has passed its end and the lateness that is allowed.
//! The watermark is the least of what the producers in front have reached: see `edge::marks`.

mod both;
mod firing;
mod join;
mod kinds;
mod open;
mod panes;
mod session;
mod signal;
#[cfg(test)]
mod tests;
mod time;
mod watermark;

pub(crate) use both::Both;
pub use firing::{Firing, Pane, Trigger};
pub(crate) use join::Nearness;
pub use join::{Interval, JoinSpec, JoinWindow};
pub(crate) use kinds::Kind;
pub use kinds::Spec;
pub use kinds::{
    Aligned, CountWindow, EventWindow, Fixed, Global, Periodic, PlainWindow, Session, Sessions,
    Sliding, Window,
};
pub use open::OpenWindows;
pub use panes::Panes;
pub(crate) use panes::{Fit, Keep};
pub(crate) use session::KeySessions;
pub use session::OpenSessions;
pub use signal::Signal;
pub(crate) use time::By;
pub use time::{EventTime, TimeOf, Timeless};
pub(crate) use watermark::Watermark;
