//! Rows of reviews, made up: the columns of a shop's export, which the loads into databases are measured with.

use serde::Serialize;

use crate::mix::mix;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Review {
    pub(crate) reviewer_id: u32,
    pub(crate) vendor_id: u32,
    pub(crate) rating: u8,
    pub(crate) date: String,
}

/// The review with a number.
pub(crate) fn review(number: u64) -> Review {
    let random = mix(number);
    let (day, minute) = (number / 500, random % 1440);
    Review {
        reviewer_id: (random >> 16) as u32 % 300_000,
        vendor_id: (random >> 40) as u32 % 20_000,
        rating: (random % 5 + 1) as u8,
        date: format!(
            "{}-{:02}-{:02} {:02}:{:02}",
            2006 + day / 336,
            day / 28 % 12 + 1,
            day % 28 + 1,
            minute / 60,
            minute % 60
        ),
    }
}
