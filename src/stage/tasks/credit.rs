//! What one subscription has asked for, and which of its events are done with.

use std::collections::{HashSet, VecDeque};

use ahash::RandomState;

use super::super::port::Upstream;
use super::super::reason::{Ended, Reason};
use super::task::TaskId;

/// One subscription.
pub(super) struct Credit<E> {
    upstream: Upstream<E>,
    /// Tasks that have ended and are not asked for anew.
    free: u64,
    /// With redelivery: the tasks of events that are not acknowledged, as they came. The producer counts in that order.
    order: VecDeque<TaskId>,
    /// Those of them that have ended.
    ended: HashSet<TaskId, RandomState>,
    /// The subscription is over, but some of its tasks are not.
    over: bool,
}

impl<E> Credit<E> {
    pub(super) fn new(upstream: Upstream<E>) -> Self {
        Credit {
            upstream,
            free: 0,
            order: VecDeque::new(),
            ended: HashSet::default(),
            over: false,
        }
    }

    /// The first ask.
    pub(super) fn begin(&self) {
        let max = self.upstream.max_demand();
        self.upstream
            .ask(usize::try_from(max).unwrap_or(usize::MAX));
    }

    /// An event has come, and has a task.
    pub(super) fn came(&mut self, task: TaskId) {
        if self.upstream.acknowledges {
            self.order.push_back(task);
        }
    }

    /// A task makes room; if that makes enough, as many are asked for.
    pub(super) fn free(&mut self) {
        self.free += 1;
        if !self.over && self.free >= self.upstream.min_demand() {
            let ask = std::mem::take(&mut self.free);
            self.upstream
                .ask(usize::try_from(ask).unwrap_or(usize::MAX));
        }
    }

    /// The event of a task is done with; it is acknowledged when those before it are.
    pub(super) fn settle(&mut self, task: TaskId) {
        if !self.upstream.acknowledges {
            return;
        }
        self.ended.insert(task);
        let mut n = 0;
        while self
            .order
            .front()
            .is_some_and(|first| self.ended.remove(first))
        {
            self.order.pop_front();
            n += 1;
        }
        if n > 0 {
            let outlet = &self.upstream.output.outlet;
            outlet.acknowledge(self.upstream.tag(), n);
        }
    }

    /// The subscription is over.
    pub(super) fn end(&mut self) {
        self.over = true;
    }

    /// Whether nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        self.over && self.order.is_empty()
    }

    /// The stage ends. A producer that still waits for acknowledgements of a subscription that is over is told.
    pub(super) fn abandon(&self, reason: &Reason) {
        if self.over && !self.order.is_empty() {
            let ended = Ended::Down(reason.clone());
            self.upstream
                .output
                .outlet
                .cancel(self.upstream.tag(), ended);
        }
    }
}
