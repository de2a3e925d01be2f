//! The builder: what users write. Nothing here has a thread or a channel.
//!
//! A [`Flow`] is a graph of closed stages and one open chain. Steps extend the chain; a boundary closes it into a
//! stage object and starts a new chain from a typed edge; a terminal method closes the last one and runs the graph.

mod attached;
mod boundary;
mod chain;
mod collect;
mod concat;
mod concurrent;
mod create;
mod custom;
#[cfg(feature = "dashboard")]
mod dashboard;
mod departition;
mod ending;
mod finish;
mod fork;
mod from_stages;
mod graft;
mod hottest;
mod into_sink;
mod into_stages;
mod join;
mod join_within;
mod keeps;
mod keyed;
mod live;
mod lookup;
mod observe;
mod options;
#[cfg(feature = "rate")]
mod rate;
mod read;
mod reduce;
mod reject;
mod results;
mod served;
mod session;
mod sorted;
mod steps;
#[cfg(feature = "stream")]
mod stream;
mod take_sort;
#[cfg(feature = "tcp")]
mod tcp;
mod through_stages;
mod timeline;
mod uniq;
mod unreduced;
mod window;
mod window_fire;
mod window_keyed;

use std::fmt;

pub use attached::Attached;
pub(crate) use chain::Crossing;
pub use ending::{Append, Ending, Ends, Unended};
pub use fork::{Branches, Merging};
pub use into_sink::Load;
pub use into_stages::IntoStages;
pub use live::{Handle, IntoIter, Items};
pub use options::Weighable;
pub use reject::Fallible;
pub use results::{Errs, Oks};
pub use served::{Served, Subscriber};
pub use unreduced::Unreduced;
pub use window::{Early, FiresOnce, Whole, WindowFlow};

use crate::options::Group;
use crate::plan::{End, Node, Plan};
use crate::run::Graph;
use crate::step::{Boxed, Pipe};

/// A lazy, parallel dataflow: sources, steps, boundaries and reductions, run by a terminal method.
///
/// Nothing happens until a terminal method is called. Then each *stage* becomes a set of OS threads, stages are
/// joined by bounded channels, and everything between two boundaries runs fused, as one loop over a chunk.
///
/// ```text
///  from_lines ─ flat_map ─┬─▶ count_by 0 ─┬─▶ collect
///  (one thread a core)    └─▶ count_by 1 ─┘
/// ```
///
/// | what | methods |
/// |---|---|
/// | sources | [`from_iter`], [`from_iters`], [`from_slice`], [`from_vec`], [`from_range`], [`from_receiver`], [`from_lines`], [`from_byte_lines`], [`read`], [`read_lines`], [`read_byte_lines`], [`from_source`] |
/// | steps | [`map`], [`filter`], [`reject`], [`filter_map`], [`flat_map`], [`map_values`], [`inspect`], [`map_batch`], [`map_with`], [`try_map`], [`try_map_ref`], [`try_flat_map`], [`validate`], [`take`], [`ordered`], [`adapt`], [`through`], [`uniq`], [`uniq_by`] |
#[cfg_attr(
    feature = "rate",
    doc = "| rate (feature `rate`) | [`rate_limit`](Flow::rate_limit) |"
)]
/// | bad rows | [`on_error`](Flow::on_error) behind `try_map`, `try_map_ref`, `try_flat_map`, `try_items`, `validate` |
/// | results | [`try_items`], [`partition_results`], [`map_ok`](Flow::map_ok), `filter_ok`, `and_then`, `flat_map_ok`, `map_err`, `or_else`, `inspect_err`, `oks`, `errs` |
/// | by a feature | `from_tcp`, `from_tcp_bytes` (feature `tcp`), `from_stream`, `into_stream` (feature `stream`), `progress` (feature `progress`), `metrics` (feature `metrics`), `dashboard`, `show_on` (feature `dashboard`) |
/// | boundaries | [`partition`], [`partition_by`], [`partition_with`], [`shuffle`], [`merge`], [`concat`], [`zip`], [`broadcast`], [`split`], [`route`], [`boxed`], [`map_concurrent`] |
/// | reductions | [`reduce`], [`events`], [`emit_and_reduce`], [`departition`], [`take_sort`], [`take_sort_by_key`], [`take_top`], [`take_top_by_key`] |
/// | windows | [`window`], [`window_by`], [`in_time_order`] |
/// | by key | [`count_by`], [`sum_by`], [`min_by`], [`max_by`], [`group_by`], [`fold_by`], [`aggregate_by`], [`count_each`], [`count_by_ref`], [`distinct`], [`distinct_by`], [`group_by_key`] |
/// | joins | [`inner_join`], [`left_join`], [`right_join`], [`full_join`], [`build`], [`within`], [`lookup_join`], [`lookup_join_with`], [`left_lookup_join`], [`left_lookup_join_with`] |
/// | stages | [`from_stages`], [`from_specs`], [`through_stages`], [`through_specs`], [`into_stages`], [`into_specs`] |
/// | ends | [`collect`], [`collect_vec`], [`collect_partitions`], [`fold`], [`count`], [`sum`], [`for_each`], [`try_for_each`], [`sorted`], [`sorted_by_key`], [`top`], [`top_by_key`], [`into_sink`], [`run`], [`start`], [`serve`], [`serve_to_all`], [`into_iter`], [`scope`], [`ending`] |
/// | options of a stage | [`stages`], [`batch`], [`batch_bytes`], [`buffer`], [`linger`], [`weigh`], [`name`] |
/// | options of a run | [`deadline`](Flow::deadline), [`stop_token`](Flow::stop_token), [`seeded`](Flow::seeded), [`clock`](Flow::clock), [`held`](Flow::held), [`flow_name`](Flow::flow_name), [`observe`](Flow::observe), [`hottest_keys`](Flow::hottest_keys), [`timeline`](Flow::timeline), [`watch`](Flow::watch) |
/// | the plan | [`explain`](Flow::explain), [`plan`](Flow::plan) |
///
/// # Examples
/// ```
/// use millstream::{Flow, Text};
/// use std::collections::HashMap;
///
/// let text = Text::from("roses are red\nviolets are blue\n");
/// let counts: HashMap<&str, u64> = Flow::from_lines(&text)
///     .flat_map(|line| line.split_whitespace())
///     .count_by(|word| *word)
///     .collect()?;
/// assert_eq!(counts["are"], 2);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// [`try_map_ref`]: Flow::try_map_ref
/// [`validate`]: Flow::validate
/// [`try_items`]: Flow::try_items
/// [`partition_results`]: Flow::partition_results
/// [`from_iter`]: Flow::from_iter
/// [`from_iters`]: Flow::from_iters
/// [`from_slice`]: Flow::from_slice
/// [`from_vec`]: Flow::from_vec
/// [`from_range`]: Flow::from_range
/// [`from_receiver`]: Flow::from_receiver
/// [`from_lines`]: Flow::from_lines
/// [`from_byte_lines`]: Flow::from_byte_lines
/// [`read`]: Flow::read
/// [`read_lines`]: Flow::read_lines
/// [`read_byte_lines`]: Flow::read_byte_lines
/// [`from_source`]: Flow::from_source
/// [`from_stages`]: Flow::from_stages
/// [`from_specs`]: Flow::from_specs
/// [`through_stages`]: Flow::through_stages
/// [`through_specs`]: Flow::through_specs
/// [`into_stages`]: Flow::into_stages
/// [`into_specs`]: Flow::into_specs
/// [`map`]: Flow::map
/// [`filter`]: Flow::filter
/// [`reject`]: Flow::reject
/// [`filter_map`]: Flow::filter_map
/// [`flat_map`]: Flow::flat_map
/// [`map_values`]: Flow::map_values
/// [`inspect`]: Flow::inspect
/// [`map_batch`]: Flow::map_batch
/// [`map_with`]: Flow::map_with
/// [`try_map`]: Flow::try_map
/// [`try_flat_map`]: Flow::try_flat_map
/// [`uniq`]: Flow::uniq
/// [`uniq_by`]: Flow::uniq_by
/// [`take`]: Flow::take
/// [`ordered`]: Flow::ordered
/// [`adapt`]: Flow::adapt
/// [`through`]: Flow::through
/// [`partition`]: Flow::partition
/// [`partition_by`]: Flow::partition_by
/// [`partition_with`]: Flow::partition_with
/// [`shuffle`]: Flow::shuffle
/// [`map_concurrent`]: Flow::map_concurrent
/// [`merge`]: Flow::merge
/// [`concat`]: Flow::concat
/// [`zip`]: Flow::zip
/// [`broadcast`]: Flow::broadcast
/// [`split`]: Flow::split
/// [`route`]: Flow::route
/// [`boxed`]: Flow::boxed
/// [`reduce`]: Flow::reduce
/// [`events`]: Flow::events
/// [`emit_and_reduce`]: Flow::emit_and_reduce
/// [`window`]: Flow::window
/// [`window_by`]: Flow::window_by
/// [`in_time_order`]: Flow::in_time_order
/// [`departition`]: Flow::departition
/// [`take_sort`]: Flow::take_sort
/// [`take_sort_by_key`]: Flow::take_sort_by_key
/// [`take_top`]: Flow::take_top
/// [`take_top_by_key`]: Flow::take_top_by_key
/// [`count_by`]: Flow::count_by
/// [`sum_by`]: Flow::sum_by
/// [`min_by`]: Flow::min_by
/// [`max_by`]: Flow::max_by
/// [`group_by`]: Flow::group_by
/// [`group_by_key`]: Flow::group_by_key
/// [`fold_by`]: Flow::fold_by
/// [`aggregate_by`]: Flow::aggregate_by
/// [`count_each`]: Flow::count_each
/// [`count_by_ref`]: Flow::count_by_ref
/// [`distinct`]: Flow::distinct
/// [`distinct_by`]: Flow::distinct_by
/// [`inner_join`]: Flow::inner_join
/// [`left_join`]: Flow::left_join
/// [`right_join`]: Flow::right_join
/// [`full_join`]: Flow::full_join
/// [`build`]: Flow::build
/// [`within`]: Flow::within
/// [`lookup_join`]: Flow::lookup_join
/// [`lookup_join_with`]: Flow::lookup_join_with
/// [`left_lookup_join`]: Flow::left_lookup_join
/// [`left_lookup_join_with`]: Flow::left_lookup_join_with
/// [`collect`]: Flow::collect
/// [`collect_vec`]: Flow::collect_vec
/// [`collect_partitions`]: Flow::collect_partitions
/// [`fold`]: Flow::fold
/// [`count`]: Flow::count
/// [`sum`]: Flow::sum
/// [`for_each`]: Flow::for_each
/// [`try_for_each`]: Flow::try_for_each
/// [`sorted`]: Flow::sorted
/// [`sorted_by_key`]: Flow::sorted_by_key
/// [`top`]: Flow::top
/// [`top_by_key`]: Flow::top_by_key
/// [`into_sink`]: Flow::into_sink
/// [`run`]: Flow::run
/// [`start`]: Flow::start
/// [`serve`]: Flow::serve
/// [`serve_to_all`]: Flow::serve_to_all
/// [`into_iter`]: IntoIterator::into_iter
/// [`scope`]: Flow::scope
/// [`ending`]: Flow::ending
/// [`stages`]: Flow::stages
/// [`batch`]: Flow::batch
/// [`batch_bytes`]: Flow::batch_bytes
/// [`buffer`]: Flow::buffer
/// [`linger`]: Flow::linger
/// [`weigh`]: Flow::weigh
/// [`name`]: Flow::name
#[must_use = "flows are lazy and do nothing until a terminal method such as `collect` or `run` is called"]
pub struct Flow<'env, P> {
    pub(crate) graph: Graph<'env>,
    pub(crate) pipe: P,
    /// Options of the stage being written.
    pub(crate) group: Group,
    /// Its steps in words, for the plan.
    pub(crate) steps: Vec<&'static str>,
    /// What it keeps in memory, in words.
    pub(crate) keeps: Vec<keeps::Keep>,
    /// The edges it takes from; none for sources.
    pub(crate) inputs: Vec<usize>,
}

/// A flow whose steps have no name in its type: for signatures, struct fields and collections of flows.
///
/// Made by [`Flow::boxed`].
pub type BoxFlow<'env, T> = Flow<'env, Boxed<'env, T>>;

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// The plan of the flow as it stands, as data: to draw it, or to look at its bound.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..100).partition();
    /// assert!(flow.plan().to_mermaid().starts_with("flowchart"));
    /// ```
    pub fn plan(&self) -> Plan {
        let mut plan = self.graph.plan.clone();
        for &edge in &self.inputs {
            plan.edges[edge].to = plan.nodes.len();
        }
        plan.nodes.push(Node {
            steps: self.steps.clone(),
            group: self.group.clone(),
            end: End::Result("the terminal method"),
            keeps: self.keeps.clone(),
        });
        plan
    }

    /// What will run, in words: stages, threads, edges, the most items that can be in flight, and what stages keep beside
    /// them, with the bytes of one key, row or state by its type.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..100).name("numbers").partition();
    /// assert!(flow.explain().contains("numbers"));
    /// ```
    pub fn explain(&self) -> String {
        self.plan().explain()
    }
}

impl<P> fmt::Debug for Flow<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("stages", &(self.graph.plan.nodes.len() + 1))
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
