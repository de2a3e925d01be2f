//! Key ranges: how a query is read in parts, each row in exactly one of them.

/// The ranges of a whole number's column. The first also has rows without a key, and the outer two are open, so a row
/// outside of the known bounds is in one of them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranges {
    min: i64,
    max: i64,
    count: u64,
}

impl Ranges {
    /// At most `splits` ranges of about the same width between two bounds; one, if no row has a key.
    pub(crate) fn new(bounds: Option<(i64, i64)>, splits: u64) -> Self {
        let (min, max) = bounds.unwrap_or((0, 0));
        let width = i128::from(max) - i128::from(min) + 1;
        let count = u64::try_from(width).unwrap_or(u64::MAX).min(splits).max(1);
        Ranges { min, max, count }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The first key of a range that has one before it.
    fn bound(&self, number: u64) -> i64 {
        let width = i128::from(self.max) - i128::from(self.min) + 1;
        let offset = width * i128::from(number) / i128::from(self.count);
        // Between `min` and `max`, since `number` is less than `count`.
        (i128::from(self.min) + offset) as i64
    }

    /// What rows of a range fulfil, in SQL; nothing where there is one range.
    pub(crate) fn condition(&self, key: &str, number: u64) -> Option<String> {
        if self.count == 1 {
            return None;
        }
        let low = self.bound(number);
        if number == 0 {
            let high = self.bound(1);
            Some(format!("({key} < {high} OR {key} IS NULL)"))
        } else if number + 1 < self.count {
            let high = self.bound(number + 1);
            Some(format!("({key} >= {low} AND {key} < {high})"))
        } else {
            Some(format!("({key} >= {low})"))
        }
    }

    /// For the name of the input.
    pub(crate) fn describe(&self, key: &str) -> String {
        format!(
            "by {key} from {} to {} in {} splits",
            self.min, self.max, self.count
        )
    }
}
