//! What the builder hands to the runner.

use std::sync::Arc;

use super::{Afters, Stage};
use crate::edge::AnyEdge;
use crate::options::RunOptions;
use crate::plan::Plan;

/// The stages closed so far, with their plan and the edges between them.
#[derive(Default)]
pub(crate) struct Graph<'env> {
    pub(crate) plan: Plan,
    /// One a node of the plan.
    pub(crate) stages: Vec<Arc<dyn Stage + 'env>>,
    /// One an edge of the plan.
    pub(crate) edges: Vec<Arc<dyn AnyEdge + 'env>>,
    /// What is to be done when all workers have ended.
    pub(crate) afters: Afters<'env>,
    pub(crate) run: RunOptions,
}
