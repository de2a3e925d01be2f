//! Which consumer an item goes to: pure functions, tested without a thread.

use std::hash::Hash;

use ahash::RandomState;

/// Chooses the consumer of an item.
pub(crate) trait Router<T>: Send + Sync {
    /// The consumer's number below `of`, or `None` to drop the item; an error if the number is out of range.
    fn target(&self, item: &T, of: usize, hasher: &RandomState) -> Result<Option<usize>, usize>;
}

/// Everything goes to the one target there is: a shared queue, or the calling thread.
pub(crate) struct Only;

impl<T> Router<T> for Only {
    #[inline]
    fn target(&self, _: &T, _: usize, _: &RandomState) -> Result<Option<usize>, usize> {
        Ok(Some(0))
    }
}

/// Equal keys go to the same consumer.
pub(crate) struct ByHash<F>(pub(crate) F);

impl<T, K: Hash, F: Fn(&T) -> K + Send + Sync> Router<T> for ByHash<F> {
    #[inline]
    fn target(&self, item: &T, of: usize, hasher: &RandomState) -> Result<Option<usize>, usize> {
        Ok(Some(partition_of(hasher.hash_one((self.0)(item)), of)))
    }
}

/// Equal items go to the same consumer.
pub(crate) struct ByItem;

impl<T: Hash> Router<T> for ByItem {
    #[inline]
    fn target(&self, item: &T, of: usize, hasher: &RandomState) -> Result<Option<usize>, usize> {
        Ok(Some(partition_of(hasher.hash_one(item), of)))
    }
}

/// The user's function says where.
pub(crate) struct ByFunction<F>(pub(crate) F);

impl<T, F: Fn(&T, usize) -> Option<usize> + Send + Sync> Router<T> for ByFunction<F> {
    #[inline]
    fn target(&self, item: &T, of: usize, _: &RandomState) -> Result<Option<usize>, usize> {
        match (self.0)(item, of) {
            Some(target) if target >= of => Err(target),
            target => Ok(target),
        }
    }
}

/// The partition of a hash, from its middle bits: hash tables take their buckets from the low bits and their tags from
/// the top seven, so a partition cut from either would leave each consumer's table lopsided.
///
/// Multiply and shift instead of a remainder: D. Lemire, "Fast random integer generation in an interval", 2019.
#[inline]
pub(crate) fn partition_of(hash: u64, of: usize) -> usize {
    let middle = (hash >> 24) as u32;
    ((u64::from(middle) * of as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_in_range_and_even() {
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        for of in [1, 2, 3, 7, 8, 64] {
            let mut counts = vec![0u32; of];
            for n in 0..64_000u64 {
                counts[partition_of(hasher.hash_one(n), of)] += 1;
            }
            let mean = 64_000 / of as u32;
            for count in counts {
                assert!(count.abs_diff(mean) < mean / 5 + 1, "{count} of {mean}");
            }
        }
    }

    #[test]
    fn a_target_out_of_range_is_told() {
        let router = ByFunction(|n: &u32, of: usize| (*n > 0).then_some(*n as usize + of));
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        assert_eq!(router.target(&0, 4, &hasher), Ok(None));
        assert_eq!(router.target(&1, 4, &hasher), Err(5));
    }
}
