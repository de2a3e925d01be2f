//! What pictures of a plan show beside the plan: made of a report by whoever has one.

/// What was measured of a plan that has run, for its pictures.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Lines in the box of each stage.
    pub(crate) stages: Vec<Vec<String>>,
    /// For each edge, for each stage that sends over it.
    pub(crate) links: Vec<Vec<Link>>,
    /// The stage that held the run back.
    pub(crate) bottleneck: Option<usize>,
}

/// What was measured of one stage that sends over an edge.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// Lines at it.
    pub(crate) label: Vec<String>,
    /// How thick it is drawn, by how many items went over it.
    pub(crate) width: u8,
    /// How it is coloured, by how long the sender had no room: `#rrggbb`.
    pub(crate) colour: &'static str,
}

/// The colour of what held a run back.
pub(crate) const HOT: &str = "#c0392b";

impl Figures {
    /// Of a stage that sends over an edge, by its place among those that do.
    pub(super) fn link(&self, edge: usize, from: usize) -> Option<&Link> {
        self.links.get(edge).and_then(|links| links.get(from))
    }
}
