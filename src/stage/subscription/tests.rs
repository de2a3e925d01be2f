//! Options of a subscription: what is refused, and how it is said.

use super::*;

fn refused(subscription: Subscription<u8>) -> String {
    let error = subscription.check().expect_err("options that cannot work");
    assert_eq!(error.kind(), ErrorKind::Option);
    error.to_string()
}

#[test]
fn gc_02_bounds_of_demand_are_named_with_what_was_got() {
    let error = refused(Subscription::new().max_demand(0));
    assert!(
        error.contains("max_demand(0)") && error.contains("at least 1"),
        "{error}"
    );
    let error = refused(Subscription::new().min_demand(2000));
    assert!(
        error.contains("min_demand(2000)") && error.contains("at most 999"),
        "{error}"
    );
    let error = refused(Subscription::new().max_demand(1).min_demand(1));
    assert!(error.contains("at most 0"), "{error}");
}

#[test]
fn the_minimum_is_half_if_not_given() {
    let mut chunks = std::collections::VecDeque::new();
    for (max, first) in [(1000, 500), (5, 3), (1, 1)] {
        let subscription = Subscription::<u8>::new().max_demand(max);
        assert!(subscription.check().is_ok());
        let mut demand = subscription.demand();
        assert_eq!(demand.first(), max);
        demand.cut(vec![0; max as usize], &mut chunks);
        assert_eq!(
            chunks.drain(..).next().expect("a chunk").events.len(),
            first
        );
    }
    assert_eq!(Subscription::<u8>::new().manual().demand().first(), 0);
}

#[test]
fn what_a_dispatcher_is_told() {
    let subscription = Subscription::new()
        .cancel(Cancel::Transient)
        .partition("odd")
        .selector(|n: &u8| n % 2 == 1)
        .clone();
    let consumer = StageId::new();
    let wants = subscription.wants(consumer);
    assert_eq!(subscription.at_end(), Cancel::Transient);
    assert_eq!(wants.consumer(), consumer);
    assert_eq!(wants.partition(), Some(&Partition::from("odd")));
    let selects = wants.selector().expect("a selector");
    assert!(selects(&3) && !selects(&4));
}

#[test]
fn names_are_of_one_subscription_each() {
    assert_ne!(Tag::new(), Tag::new());
    assert_ne!(StageId::new(), StageId::new());
}
