//! How far event time has come over two inputs: each has a watermark of its own, and the least of the two counts.

use super::Watermark;
use crate::edge::Marks;

/// The watermarks of two inputs, the left one first.
#[derive(Debug)]
pub(crate) struct Both {
    sides: [Watermark; 2],
    /// Everything before this is complete on both sides; it never goes back.
    at: i64,
}

impl Both {
    pub(crate) fn new(disorder: i64) -> Self {
        Both {
            sides: [Watermark::new(disorder), Watermark::new(disorder)],
            at: Watermark::START,
        }
    }

    /// One side's own watermark, to note times in.
    pub(crate) fn side(&mut self, side: usize) -> &mut Watermark {
        &mut self.sides[side]
    }

    /// The side that is not ahead of the other.
    pub(crate) fn behind(&self) -> Option<usize> {
        let [left, right] = &self.sides;
        match left.at().cmp(&right.at()) {
            std::cmp::Ordering::Less => Some(0),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(1),
        }
    }

    pub(crate) fn at(&self) -> i64 {
        self.at
    }

    /// Moves on with what the producers of both sides say.
    pub(crate) fn advance(&mut self, marks: [&Marks; 2], channel: usize) -> i64 {
        // Asked before the times are looked at: what comes later is no reason to wait.
        let rests = marks.map(|marks| marks.rests(channel));
        for (side, marks) in self.sides.iter_mut().zip(marks) {
            side.advance(marks, channel);
        }
        self.combine(rests)
    }

    /// The least of the sides that have something under way; if none has, everything that was seen is all there is.
    fn combine(&mut self, rests: [bool; 2]) -> i64 {
        let [left, right] = [self.sides[0].at(), self.sides[1].at()];
        let at = match rests {
            [false, false] => left.min(right),
            [true, false] => right,
            [false, true] => left,
            [true, true] => left.max(right),
        };
        self.at = self.at.max(at);
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Word;

    fn sees(both: &mut Both, side: usize, time: i64) {
        both.side(side).see(0, 0, time);
        both.side(side).advance_by([Word::Reading(0)].into_iter());
    }

    #[test]
    fn it_is_the_least_of_the_sides_that_do_not_rest() {
        let mut both = Both::new(2);
        sees(&mut both, 0, 10);
        assert_eq!(
            both.combine([false; 2]),
            Watermark::START,
            "nothing is known of the right side"
        );
        assert_eq!(both.behind(), Some(1));
        sees(&mut both, 1, 5);
        assert_eq!(both.combine([false; 2]), 3);
        assert_eq!(both.combine([true, false]), 3);
        assert_eq!(both.combine([false, true]), 8);
        assert_eq!(both.combine([false; 2]), 8, "it never goes back");
        sees(&mut both, 1, 20);
        assert_eq!(both.behind(), Some(0));
        assert_eq!(both.combine([true; 2]), 18);
    }
}
