//! How far event time has come for one worker: the watermark, with what the run knows of the producers in front.

use std::fmt;

use crate::edge::Word;
use crate::run::Context;
use crate::window::Watermark;

/// One worker's watermark.
pub(crate) struct Reach<'s> {
    watermark: Watermark,
    cx: &'s Context,
}

impl<'s> Reach<'s> {
    pub(crate) fn new(disorder: i64, cx: &'s Context) -> Self {
        Reach {
            watermark: Watermark::new(disorder),
            cx,
        }
    }

    /// Everything before this is complete, as far as was looked.
    #[inline]
    pub(crate) fn at(&self) -> i64 {
        self.watermark.at()
    }

    /// Notes the time of an item of the chunk: of its producer and split, where a source is a producer of its own.
    #[inline]
    pub(crate) fn see(&mut self, time: i64) {
        let cx = self.cx;
        let (producer, split) = if cx.has_edge() {
            cx.input.from.get()
        } else {
            (0, cx.split.get())
        };
        self.watermark.see(producer, split, time);
    }

    /// Looks again; to be asked when a chunk has been worked through, or nothing comes.
    pub(crate) fn advance(&mut self) -> i64 {
        let cx = self.cx;
        match cx.marks() {
            Some((marks, channel)) => self.watermark.advance(&marks, channel),
            None => {
                let unread = cx.unread.get() && !cx.group.in_time_order;
                let word = if unread {
                    Word::Unread
                } else {
                    Word::Reading(cx.split.get())
                };
                self.watermark.advance_by([word].into_iter())
            }
        }
    }

    /// Whether the chunk that was worked through is the last of what came with it, so that it is time to look.
    pub(crate) fn is_time(&self) -> bool {
        !self.cx.has_edge() || self.cx.input.whole.get()
    }
}

impl fmt::Debug for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach")
            .field("watermark", &self.watermark)
            .finish_non_exhaustive()
    }
}
