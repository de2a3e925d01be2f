//! A tuple of aggregates is an aggregate: each gets every item, and keeps to its own accumulator.

use super::{Aggregate, Place};

macro_rules! tuple {
    ($($part:ident $at:tt),+) => {
        impl<Item, $($part),+> Aggregate<Item> for ($($part,)+)
        where
            $($part: Aggregate<Item>,)+
        {
            type Acc = ($($part::Acc,)+);
            type Out = ($($part::Out,)+);
            const PLACED: bool = $($part::PLACED)||+;

            #[inline]
            fn first(&self, item: &Item, at: Place) -> Self::Acc {
                ($(self.$at.first(item, at),)+)
            }

            #[inline]
            fn fold(&self, acc: &mut Self::Acc, item: &Item, at: Place) {
                $(self.$at.fold(&mut acc.$at, item, at);)+
            }

            #[inline]
            fn merge(&self, acc: &mut Self::Acc, other: Self::Acc) {
                $(self.$at.merge(&mut acc.$at, other.$at);)+
            }

            #[inline]
            fn finish(&self, acc: Self::Acc) -> Self::Out {
                ($(self.$at.finish(acc.$at),)+)
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
