//! What the partitions are called, and what is said to those who call them something else.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use crate::stage::subscription::Partition;

/// Gives an event and the place of its partition, or none to drop it; an error if there is no such partition.
pub(super) type Route<E> = Box<dyn FnMut(E, &Names) -> Result<Option<(E, usize)>, String> + Send>;

/// The partitions, by number or by name.
#[derive(Debug)]
pub(super) enum Names {
    Numbers(usize),
    Named {
        names: Vec<Arc<str>>,
        places: HashMap<Arc<str>, usize, RandomState>,
    },
}

impl Names {
    pub(super) fn named<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<Arc<str>> = names.into_iter().map(|name| name.as_ref().into()).collect();
        let places = names.iter().cloned().zip(0..).collect();
        Names::Named { names, places }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Names::Numbers(count) => *count,
            Names::Named { names, .. } => names.len(),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Names::Numbers(0) => {
                Err("PartitionBy::new(0, ..): there must be at least 1 partition".to_owned())
            }
            Names::Named { names, .. } if names.is_empty() => {
                Err("PartitionBy::named([], ..): there must be at least 1 name".to_owned())
            }
            Names::Named { names, places } => {
                // Of equal names the map has the last place.
                let twice = names
                    .iter()
                    .zip(0..)
                    .find(|(name, place)| places[*name] != *place);
                match twice {
                    Some((name, _)) => Err(format!(
                        "PartitionBy::named: {name:?} is there twice; give each partition a name of its own"
                    )),
                    None => Ok(()),
                }
            }
            Names::Numbers(_) => Ok(()),
        }
    }

    /// The place of a name that the function gave.
    pub(super) fn find(&self, name: &str) -> Result<usize, String> {
        let place = match self {
            Names::Named { places, .. } => places.get(name).copied(),
            Names::Numbers(_) => None,
        };
        place.ok_or_else(|| self.unknown(&Partition::from(name)))
    }

    /// The place of the partition that a consumer wants.
    pub(super) fn place(&self, partition: Option<&Partition>) -> Result<usize, String> {
        let Some(partition) = partition else {
            return Err(format!(
                "the subscription names no partition: add `.partition(..)`; {}",
                self.all()
            ));
        };
        match (self, partition) {
            (Names::Numbers(count), Partition::Number(number)) if number < count => Ok(*number),
            (Names::Named { .. }, Partition::Named(name)) => self.find(name),
            _ => Err(self.unknown(partition)),
        }
    }

    pub(super) fn of(&self, place: usize) -> Partition {
        match self {
            Names::Numbers(_) => Partition::Number(place),
            Names::Named { names, .. } => Partition::Named(names[place].clone()),
        }
    }

    pub(super) fn unknown(&self, partition: &Partition) -> String {
        format!("there is no partition {partition}: {}", self.all())
    }

    /// What there is.
    fn all(&self) -> String {
        match self {
            Names::Numbers(1) => "the only partition is 0".to_owned(),
            Names::Numbers(count) => format!("partitions are 0 to {}", count - 1),
            Names::Named { names, .. } => {
                let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
                format!("partitions are {}", quoted.join(", "))
            }
        }
    }
}
