//! The end of `collect`: each worker keeps its items; the caller joins them, in order if that was asked.

use std::ops::ControlFlow;

use super::{Output, Sink, Slots};
use crate::run::{Context, bump};

/// Keeps items, one vector a worker.
pub(crate) struct Gather<T> {
    pub(crate) parts: Slots<Gathered<T>>,
}

/// What one worker kept.
#[derive(Debug)]
pub(crate) struct Gathered<T> {
    pub(crate) items: Vec<T>,
    /// Under `ordered`: for each chunk its ticket and how many items it gave.
    pub(crate) chunks: Vec<(u64, usize)>,
}

impl<T: Send> Sink<T> for Gather<T> {
    type Output<'s>
        = Gathering<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Gathering {
            part: Gathered {
                items: Vec::new(),
                chunks: Vec::new(),
            },
            parts: &self.parts,
            cx,
        }
    }
}

/// One worker's vector.
pub(crate) struct Gathering<'s, T> {
    part: Gathered<T>,
    parts: &'s Slots<Gathered<T>>,
    cx: &'s Context,
}

impl<T> Output<T> for Gathering<'_, T> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let before = self.part.items.len();
        if items.size_hint().1.is_some() {
            self.part.items.extend(items);
        } else {
            let _ = items.try_for_each(|item| {
                self.part.items.push(item);
                if self.cx.shared.halted() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
        }
        let got = self.part.items.len() - before;
        if let Some((_, of_chunk)) = self.part.chunks.last_mut() {
            *of_chunk += got;
        }
        bump(&self.cx.counts.items_out, got as u64);
        None
    }

    fn begin(&mut self, ticket: u64) {
        if self.cx.group.ordered {
            self.part.chunks.push((ticket, 0));
        }
    }

    fn finish(&mut self) -> bool {
        let part = std::mem::replace(
            &mut self.part,
            Gathered {
                items: Vec::new(),
                chunks: Vec::new(),
            },
        );
        self.parts.put(self.cx.index, part);
        true
    }
}
