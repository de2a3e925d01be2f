//! Reading and loading: files, formats, databases, bad rows, and runs that go on where one was killed.

mod refused;
mod resume;
mod sinks;
mod table;
