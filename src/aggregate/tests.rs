//! Every aggregate against a plain computation over the whole sequence, however the sequence was cut into parts
//! and in whichever order the parts were merged.

use super::*;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt::Debug;
use std::time::Duration;

/// The place of the item at an index: chunks of three.
fn place(index: usize) -> Place {
    Place {
        chunk: index as u64 / 3,
        item: index as u64 % 3,
    }
}

/// Folds the items at some indexes, in the order given. `None` if there are none.
fn part<T: Clone, C: Combine<T>>(
    combine: &C,
    items: &[T],
    indexes: impl IntoIterator<Item = usize>,
) -> Option<C::Acc> {
    let mut indexes = indexes.into_iter();
    let start = indexes.next()?;
    let mut acc = combine.first(items[start].clone(), place(start));
    for index in indexes {
        combine.fold(&mut acc, items[index].clone(), place(index));
    }
    Some(acc)
}

/// Merges parts from left to right and finishes; parts without items are not there.
fn merged<T, C: Combine<T>>(
    combine: &C,
    parts: impl IntoIterator<Item = Option<C::Acc>>,
) -> C::Out {
    let acc = parts.into_iter().flatten().reduce(|mut acc, other| {
        combine.merge(&mut acc, other);
        acc
    });
    combine.finish(acc.expect("a test has items"))
}

/// The results of every way to cut the items: whole; in two at each point, merged both ways round; in three at
/// each pair of points, in all six orders; dealt out to two and three workers in turn; and one by one, backwards.
fn every_cut<T: Clone, C: Combine<T>>(combine: &C, items: &[T]) -> Vec<C::Out> {
    let n = items.len();
    let mut outs = vec![merged(combine, [part(combine, items, 0..n)])];
    for cut in 0..=n {
        let parts = || (part(combine, items, 0..cut), part(combine, items, cut..n));
        let (left, right) = parts();
        outs.push(merged(combine, [left, right]));
        let (left, right) = parts();
        outs.push(merged(combine, [right, left]));
        for second in cut..=n {
            for order in [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ] {
                let ends = [(0, cut), (cut, second), (second, n)];
                outs.push(merged(
                    combine,
                    order.map(|at| part(combine, items, ends[at].0..ends[at].1)),
                ));
            }
        }
    }
    for workers in [2, 3] {
        outs.push(merged(
            combine,
            (0..workers)
                .rev()
                .map(|w| part(combine, items, (w..n).step_by(workers))),
        ));
    }
    outs.push(merged(
        combine,
        (0..n).rev().map(|index| part(combine, items, [index])),
    ));
    outs
}

/// Every cut gives what the plain computation gave.
fn agrees<T, A>(aggregate: A, items: &[T], expected: A::Out)
where
    T: Clone,
    A: Aggregate<T>,
    A::Out: PartialEq + Debug,
{
    for out in every_cut(&ByRef(aggregate), items) {
        assert_eq!(out, expected);
    }
}

/// As `agrees`, for floats bit by bit: tells zeros apart, and a NaN is equal to itself.
fn agrees_in_bits<A: Aggregate<f64, Out = f64>>(aggregate: A, items: &[f64], expected: f64) {
    for out in every_cut(&ByRef(aggregate), items) {
        assert_eq!(
            out.to_bits(),
            expected.to_bits(),
            "{out} instead of {expected}"
        );
    }
}

fn over<T>(_: &[T]) -> Over<T> {
    Over::new()
}

const NUMBERS: [i32; 11] = [5, -2, 9, 9, 0, 7, -2, 9, 3, 12, -8];

#[test]
fn count_is_the_number_of_items() {
    agrees(over(&NUMBERS).count(), &NUMBERS, 11);
    for out in every_cut::<i32, _>(&Count, &NUMBERS) {
        assert_eq!(out, 11);
    }
}

#[test]
fn sum_adds_integers_floats_and_durations() {
    agrees(
        over(&NUMBERS).sum(|n| *n),
        &NUMBERS,
        NUMBERS.iter().sum::<i32>(),
    );
    // Quarters are exact in binary, so no order of additions rounds.
    let quarters = NUMBERS.map(|n| f64::from(n) / 4.0);
    agrees_in_bits(
        over(&quarters).sum(|x| *x),
        &quarters,
        quarters.iter().sum(),
    );
    let waits = [3, 1, 4, 1, 5].map(Duration::from_millis);
    agrees(
        over(&waits).sum(|wait| *wait),
        &waits,
        waits.iter().sum::<Duration>(),
    );
}

#[test]
fn a_sum_starts_at_the_first_value_not_at_zero() {
    let zeros = [-0.0, -0.0];
    agrees_in_bits(over(&zeros).sum(|x| *x), &zeros, -0.0);
}

#[test]
fn min_and_max_go_by_ord() {
    agrees(over(&NUMBERS).min(|n| *n), &NUMBERS, -8);
    agrees(over(&NUMBERS).max(|n| *n), &NUMBERS, 12);
    agrees(over(&NUMBERS).max(|n| Reverse(*n)), &NUMBERS, Reverse(-8));
    let words = ["pear", "fig", "plum", "fennel"];
    agrees(
        over(&words).min(|word| (word.len(), *word)),
        &words,
        (3, "fig"),
    );
    agrees(
        over(&words).max(|word| word.to_string()),
        &words,
        "plum".to_string(),
    );
}

#[test]
fn min_and_max_of_floats_go_by_total_order() {
    let zeros = [0.0, -0.0, 0.0];
    agrees_in_bits(over(&zeros).min(|x| *x), &zeros, -0.0);
    agrees_in_bits(over(&zeros).max(|x| *x), &zeros, 0.0);
    let with_nan = [1.5, f64::NAN, f64::NEG_INFINITY, -7.0];
    agrees_in_bits(over(&with_nan).min(|x| *x), &with_nan, f64::NEG_INFINITY);
    agrees_in_bits(over(&with_nan).max(|x| *x), &with_nan, f64::NAN);
    let negative_nan = [1.5, -f64::NAN, f64::NEG_INFINITY];
    agrees_in_bits(over(&negative_nan).min(|x| *x), &negative_nan, -f64::NAN);
    let singles = [2.5_f32, -1.0, 8.0];
    agrees(over(&singles).min(|x| *x), &singles, -1.0);
    agrees(over(&singles).max(|x| *x), &singles, 8.0);
}

#[test]
fn mean_of_integers_is_exact_before_the_division() {
    let sum: i32 = NUMBERS.iter().sum();
    agrees(over(&NUMBERS).mean(|n| *n), &NUMBERS, f64::from(sum) / 11.0);
    agrees(
        over(&NUMBERS).mean(|n| *n as i8),
        &NUMBERS,
        f64::from(sum) / 11.0,
    );
    // Far past what a 64-bit sum holds, and the large values cancel.
    let large = [i64::MAX, i64::MAX, 6, -i64::MAX, -i64::MAX, 6];
    agrees(over(&large).mean(|n| *n), &large, 2.0);
    let unsigned = [u64::MAX; 5];
    agrees(over(&unsigned).mean(|n| *n), &unsigned, u64::MAX as f64);
    let sizes = [usize::MAX, 1];
    agrees(
        over(&sizes).mean(|n| *n),
        &sizes,
        (usize::MAX as f64 + 1.0) / 2.0,
    );
}

#[test]
fn mean_of_booleans_is_the_share_of_true() {
    agrees(over(&NUMBERS).mean(|n| *n == 9), &NUMBERS, 3.0 / 11.0);
}

#[test]
fn mean_of_floats() {
    let quarters = NUMBERS.map(|n| f64::from(n) / 4.0);
    agrees_in_bits(
        over(&quarters).mean(|x| *x),
        &quarters,
        quarters.iter().sum::<f64>() / 11.0,
    );
    agrees_in_bits(
        over(&quarters).mean(|x| *x as f32),
        &quarters,
        quarters.iter().sum::<f64>() / 11.0,
    );
    let with_nan = [1.0, f64::NAN, 2.0];
    for out in every_cut(&ByRef(over(&with_nan).mean(|x| *x)), &with_nan) {
        assert!(out.is_nan());
    }
}

#[test]
fn the_accumulator_of_a_mean_is_as_small_as_documented() {
    fn size<T, A: Aggregate<T>>(_: A, _: &[T]) -> usize {
        size_of::<A::Acc>()
    }
    assert_eq!(size(over(&NUMBERS).mean(|n| *n as i16), &NUMBERS), 16);
    assert_eq!(size(over(&NUMBERS).mean(|n| *n as f64), &NUMBERS), 16);
    assert_eq!(size(over(&NUMBERS).mean(|n| *n), &NUMBERS), 24);
}

#[test]
fn first_and_last_go_by_place_whatever_the_order_of_arrival() {
    let words = ["c", "a", "d", "a", "b", "e", "b"];
    agrees(over(&words).first(|word| *word), &words, "c");
    agrees(over(&words).last(|word| *word), &words, "b");
    let first = ByRef(over(&words).first(|word| word.to_string()));
    let backwards = part(&first, &words, (0..words.len()).rev());
    assert_eq!(merged(&first, [backwards]), "c");
    let last = ByRef(over(&words).last(|word| word.to_string()));
    let backwards = part(&last, &words, (0..words.len() - 2).rev());
    assert_eq!(merged(&last, [backwards]), "b");
}

#[test]
fn places_compare_by_chunk_and_then_by_item() {
    let early = Place {
        chunk: 1,
        item: 900,
    };
    let late = Place { chunk: 2, item: 0 };
    assert!(early < late);
    let last = Over::<char>::new().last(|c| *c);
    let mut acc = last.first(&'l', late);
    last.fold(&mut acc, &'e', early);
    assert_eq!(last.finish(acc), 'l');
}

#[test]
fn collect_is_in_the_order_of_the_input() {
    agrees(
        over(&NUMBERS).collect(|n| n * 2),
        &NUMBERS,
        NUMBERS.map(|n| n * 2).to_vec(),
    );
}

#[test]
fn top_is_the_largest_values_largest_first() {
    let mut sorted = NUMBERS.to_vec();
    sorted.sort_by_key(|n| Reverse(*n));
    for n in 0..=NUMBERS.len() {
        agrees(
            over(&NUMBERS).top(n, |n| *n),
            &NUMBERS,
            sorted[..n].to_vec(),
        );
    }
    agrees(
        over(&NUMBERS).top(usize::MAX, |n| *n),
        &NUMBERS,
        sorted.clone(),
    );
    agrees(
        over(&NUMBERS).top(2, |n| Reverse(*n)),
        &NUMBERS,
        vec![Reverse(-8), Reverse(-2)],
    );
}

#[test]
fn top_of_floats_goes_by_total_order() {
    let floats = [1.0, f64::NAN, -0.0, 0.0, f64::INFINITY];
    for out in every_cut(&ByRef(over(&floats).top(4, |x| *x)), &floats) {
        let bits: Vec<u64> = out.into_iter().map(f64::to_bits).collect();
        assert_eq!(bits, [f64::NAN, f64::INFINITY, 1.0, 0.0].map(f64::to_bits));
    }
}

#[test]
fn top_never_keeps_more_than_it_gives() {
    let top = over(&NUMBERS).top(3, |n| *n);
    let mut acc = top.first(&0, place(0));
    for n in 1..1000 {
        top.fold(&mut acc, &((n * 37) % 1000), place(0));
        assert!(acc.len() <= 3);
    }
    let other = top.first(&5000, place(0));
    top.merge(&mut acc, other);
    assert_eq!(top.finish(acc), [5000, 999, 998]);
}

#[test]
fn distinct_counts_each_value_once() {
    let different: HashSet<i32> = NUMBERS.into_iter().collect();
    agrees(
        over(&NUMBERS).distinct(|n| *n),
        &NUMBERS,
        different.len() as u64,
    );
    agrees(
        over(&NUMBERS).distinct(|n| n.to_string()),
        &NUMBERS,
        different.len() as u64,
    );
    agrees(over(&NUMBERS).distinct(|_| ()), &NUMBERS, 1);
}

#[test]
fn distinct_stays_exact_while_its_table_grows() {
    let distinct = Over::<u64>::new().distinct(|n| n % 700);
    let halves = [0..5_000_u64, 5_000..10_000].map(|half| {
        let mut acc = distinct.first(&half.start, place(0));
        half.for_each(|n| distinct.fold(&mut acc, &n, place(0)));
        Some(acc)
    });
    assert_eq!(merged(&ByRef(distinct), halves), 700);
}

#[test]
fn a_tuple_gives_every_part_every_item() {
    let a = over(&NUMBERS);
    agrees((a.count(),), &NUMBERS, (11,));
    agrees(
        (
            a.count(),
            a.sum(|n| *n),
            a.min(|n| *n),
            a.max(|n| f64::from(*n)),
            a.first(|n| *n),
            a.last(|n| *n),
            a.top(1, |n| *n),
            (a.distinct(|n| *n), a.mean(|n| *n > 0)),
        ),
        &NUMBERS,
        (11, 42, -8, 12.0, 5, -8, vec![12], (8, 7.0 / 11.0)),
    );
}

#[test]
fn a_tuple_asks_for_places_if_a_part_does() {
    fn placed<T, A: Aggregate<T>>(_: A, _: &[T]) -> (bool, bool) {
        (A::PLACED, ByRef::<A>::PLACED)
    }
    let a = over(&NUMBERS);
    assert_eq!(
        placed((a.count(), a.sum(|n| *n), a.min(|n| *n)), &NUMBERS),
        (false, false)
    );
    assert_eq!(
        placed(
            (a.mean(|n| *n), a.top(1, |n| *n), a.distinct(|n| *n)),
            &NUMBERS
        ),
        (false, false)
    );
    assert_eq!(
        placed((a.count(), a.count(), a.first(|n| *n)), &NUMBERS),
        (true, true)
    );
    assert_eq!(placed((a.last(|n| *n), a.count()), &NUMBERS), (true, true));
    assert_eq!(
        placed((a.count(), (a.count(), a.collect(|n| *n))), &NUMBERS),
        (true, true)
    );
}

#[test]
fn group_keeps_every_item() {
    let words = NUMBERS.map(|n| n.to_string());
    let mut expected = words.to_vec();
    expected.sort();
    for mut out in every_cut(&Group, &words) {
        out.sort();
        assert_eq!(out, expected);
    }
    assert_eq!(
        merged(&Group, [part(&Group, &words, 0..words.len())]),
        words
    );
}

#[test]
fn fold_by_starts_every_part_with_init() {
    let fold = FoldBy {
        init: || (0_u64, 1_i64),
        fold: |acc: &mut (u64, i64), n: i32| *acc = (acc.0 + 1, acc.1 * i64::from(n.abs() + 1)),
        merge: |acc: &mut (u64, i64), other: (u64, i64)| *acc = (acc.0 + other.0, acc.1 * other.1),
    };
    let expected = (11, NUMBERS.iter().map(|n| i64::from(n.abs() + 1)).product());
    for out in every_cut(&fold, &NUMBERS) {
        assert_eq!(out, expected);
    }
}

#[test]
fn debug_names_the_aggregate_without_asking_anything_of_the_closure() {
    let a = over(&NUMBERS);
    assert_eq!(format!("{a:?}"), "Over");
    assert_eq!(
        format!("{:?}", (a.count(), a.sum(|n| *n), a.max(|n| *n))),
        "(Count, Sum { .. }, Max { .. })"
    );
    let fold = FoldBy {
        init: || 0,
        fold: |_: &mut i32, _: i32| (),
        merge: |_: &mut i32, _: i32| (),
    };
    assert_eq!(format!("{fold:?}"), "FoldBy { .. }");
}
