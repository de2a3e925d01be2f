//! A guide in thirteen short chapters: a picture, programs that run, and what to know about them.
//!
//! 1. [A first flow](first_flow): sources, steps, ends
//! 2. [Stages, order and backpressure](stages): which threads there are, and what lies between them
//! 3. [Keys](keys): counts, sums, groups, one of each
//! 4. [Windows and triggers](windows): pieces of time, and when they are given
//! 5. [Joins](joins): two flows by key, whole or near in time
//! 6. [Graphs](graphs): several flows into one, one into several
//! 7. [Running](running): starting, serving, stopping; errors and reports
//! 8. [Bad rows](bad_rows): what becomes of what is rejected
//! 9. [Reading and loading](loading): files, databases, and loads that go on where they were
//! 10. [Where did the time go](time): what held a run back, and pictures of it
//! 11. [Testing flows](testing): seeds, clocks, channels
//! 12. [Stages by hand](demand): producers and consumers that run as long as the program does
//! 13. [From Elixir's Flow](from_elixir): its functions, and ours
//!
//! What a single method does exactly is told at [`Flow`](crate::Flow).

/// The chapters. Their links name files, for readers of the repository; the first definition of a link counts, so
/// those in front make them links to modules here.
macro_rules! chapters {
    ($($name:ident $file:literal)*) => {$(
        #[doc = "[first]: crate::guide::first_flow"]
        #[doc = "[stages]: crate::guide::stages"]
        #[doc = "[keys]: crate::guide::keys"]
        #[doc = "[windows]: crate::guide::windows"]
        #[doc = "[joins]: crate::guide::joins"]
        #[doc = "[graphs]: crate::guide::graphs"]
        #[doc = "[running]: crate::guide::running"]
        #[doc = "[bad]: crate::guide::bad_rows"]
        #[doc = "[loading]: crate::guide::loading"]
        #[doc = "[time]: crate::guide::time"]
        #[doc = "[testing]: crate::guide::testing"]
        #[doc = "[demand]: crate::guide::demand"]
        #[doc = "[elixir]: crate::guide::from_elixir"]
        #[doc = "[stage]: crate::stage"]
        #[doc = ""]
        #[doc = include_str!(concat!("../docs/guide/", $file))]
        pub mod $name {}
    )*};
}

chapters! {
    first_flow "first-flow.md"
    stages "stages.md"
    keys "keys.md"
    windows "windows.md"
    joins "joins.md"
    graphs "graphs.md"
    running "running.md"
    bad_rows "bad-rows.md"
    loading "loading.md"
    time "where-did-the-time-go.md"
    testing "testing.md"
    demand "demand.md"
    from_elixir "from-elixir.md"
}
