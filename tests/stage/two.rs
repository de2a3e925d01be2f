//! Demand between two stages.

use millstream::Error;

use crate::common::{batch, counter, demands, record};
use millstream::stage::Subscription;

#[test]
fn gs_01_batches_of_half_the_demand() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (consumer, records) = record(&counter, Subscription::new())?;
    for start in [0, 500, 1000, 1500] {
        assert_eq!(batch(&records), Vec::from_iter(start..start + 500));
    }
    consumer.stop()?;
    counter.stop()
}

#[test]
fn gs_02_min_demand_makes_small_batches() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (_consumer, records) = record(&counter, demands(100, 80))?;
    for start in (0..=1000).step_by(20) {
        assert_eq!(batch(&records), Vec::from_iter(start..start + 20));
    }
    Ok(())
}

#[test]
fn gs_03_min_demand_makes_large_and_small_batches() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (_consumer, records) = record(&counter, demands(100, 20))?;
    for (start, end) in [(0, 80), (80, 100), (100, 180), (180, 260), (260, 280)] {
        assert_eq!(batch(&records), Vec::from_iter(start..end));
    }
    Ok(())
}

#[test]
fn gs_04_one_at_a_time() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.start()?;
    let (_consumer, records) = record(&counter, demands(1, 0))?;
    for n in 0..3 {
        assert_eq!(batch(&records), [n]);
    }
    assert_eq!(demanded.recv(), Ok(1));
    Ok(())
}
