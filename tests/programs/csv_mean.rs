//! `csv_mean`: the same answer in each way, and what is said of a row that is wrong.

use crate::{complaint_of, file, names, stdout_of};

const WAYS: [&str; 3] = ["serde", "borrowed", "crate"];

#[test]
fn each_way_prints_the_same() {
    let rows: String = (0..5000)
        .map(|n| format!("{n},{},{},2006-04-07 17:08\r\n", n % 7, n % 5 + 1))
        .collect();
    let (_folder, path) = file(format!("reviewerId,vendorId,rating,date\r\n{rows}"));
    let means: f64 = (0..7u32)
        .map(|vendor| {
            let of: Vec<u32> = (0..5000).filter(|n| n % 7 == vendor).collect();
            of.iter().map(|n| n % 5 + 1).sum::<u32>() as f64 / of.len() as f64
        })
        .sum();
    for way in WAYS {
        let printed = stdout_of("csv_mean", [way.as_ref(), path.as_os_str()]);
        assert_eq!(
            printed,
            format!("7 vendors, 5000 reviews, {means:.6}\n"),
            "{way}"
        );
    }
}

#[test]
fn a_row_that_is_wrong_is_named_with_its_line() {
    let (_folder, path) = file("reviewerId,vendorId,rating,date\n0,1,5,a\n1,1,five,b\n");
    for way in ["serde", "borrowed"] {
        let complaint = complaint_of("csv_mean", [way.as_ref(), path.as_os_str()]);
        assert!(names(&complaint, &path), "{complaint}");
        assert!(complaint.contains("line 3"), "{complaint}");
        assert!(complaint.contains("`rating`"), "{complaint}");
    }
    complaint_of("csv_mean", ["serde"]);
    complaint_of("csv_mean", ["by hand".as_ref(), path.as_os_str()]);
}
