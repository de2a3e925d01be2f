//! An aggregate of one's own: all rows that share the highest score, as `WHERE score = MAX(score)` gives them in SQL.

use millstream::{Aggregate, Over, Place};

/// The highest score, and a value of each item that has it.
pub(super) struct Leaders<F, G> {
    score: F,
    value: G,
}

/// The leaders of the items of a key; the first argument only says what the items are.
pub(super) fn leaders<T, S, V, F, G>(_: Over<T>, score: F, value: G) -> Leaders<F, G>
where
    F: Fn(&T) -> S,
    G: Fn(&T) -> V,
{
    Leaders { score, value }
}

impl<T, S, V, F, G> Aggregate<T> for Leaders<F, G>
where
    S: Ord + Send,
    V: Send,
    F: Fn(&T) -> S + Send + Sync,
    G: Fn(&T) -> V + Send + Sync,
{
    type Acc = (S, Vec<V>);
    type Out = (S, Vec<V>);

    fn first(&self, item: &T, _: Place) -> Self::Acc {
        ((self.score)(item), vec![(self.value)(item)])
    }

    fn fold(&self, acc: &mut Self::Acc, item: &T, at: Place) {
        // Most items are behind: for them no vector is made.
        if (self.score)(item) >= acc.0 {
            self.merge(acc, self.first(item, at));
        }
    }

    fn merge(&self, acc: &mut Self::Acc, other: Self::Acc) {
        if other.0 > acc.0 {
            *acc = other;
        } else if other.0 == acc.0 {
            acc.1.extend(other.1);
        }
    }

    fn finish(&self, acc: Self::Acc) -> Self::Out {
        acc
    }
}
