//! What is used of the quotas of one logical cloud in one cluster. Written by the synchronizer only.
//!
//! It is a document of its own, because it changes with every pod of the tenant and a target does not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Index};
use crate::key::{DocumentKind, Key, TargetKey};
use crate::quantity::Quantity;
use crate::uid::Uid;

/// One quota as its cluster counts it: amounts per resource, canonical.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaState {
    /// Its name.
    pub name: String,
    /// The limits that are in force.
    pub hard: BTreeMap<String, String>,
    /// What is used of them.
    pub used: BTreeMap<String, String>,
}

/// What is used in one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaUsage {
    /// Cloud and cluster.
    pub key: TargetKey,
    /// Uid of the logical cloud.
    pub cloud_uid: Uid,
    /// The quotas, by name.
    pub quotas: Vec<QuotaState>,
    /// When this was written.
    pub at: Timestamp,
}

impl QuotaState {
    /// How many resources of a quota are taken from a cluster.
    const RESOURCES: usize = 200;
    /// Longest name of a resource.
    const RESOURCE_LENGTH: usize = 253;

    /// What a cluster says of a quota: data of somebody else, so what is no amount is left out.
    pub fn read<'a>(
        name: &str,
        hard: impl Iterator<Item = (&'a str, &'a str)>,
        used: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            hard: amounts(hard),
            used: amounts(used),
        }
    }

    /// Adds the amounts of the same quota in another member.
    pub fn add(&mut self, other: &Self) {
        add_amounts(&mut self.hard, &other.hard);
        add_amounts(&mut self.used, &other.used);
    }
}

fn amounts<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    texts
        .filter(|(resource, _)| resource.len() <= QuotaState::RESOURCE_LENGTH)
        .filter_map(|(resource, text)| {
            let amount = Quantity::parse(text).ok()?;
            Some((resource.to_owned(), amount.canonical()))
        })
        .take(QuotaState::RESOURCES)
        .collect()
}

fn add_amounts(sum: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) {
    for (resource, text) in more {
        let Ok(amount) = Quantity::parse(text) else {
            continue;
        };
        let total = match sum.get(resource).map(|text| Quantity::parse(text)) {
            Some(Ok(before)) => before.saturating_add(&amount),
            _ => amount,
        };
        sum.insert(resource.clone(), total.canonical());
    }
}

impl Document for QuotaUsage {
    const KIND: DocumentKind = DocumentKind::QuotaUsage;

    fn key(&self) -> Key {
        Key::quota_usage(&self.key)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![(Index::Cluster, self.key.cluster.path())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(
        hard: &[(&'static str, &'static str)],
        used: &[(&'static str, &'static str)],
    ) -> QuotaState {
        QuotaState::read("q", hard.iter().copied(), used.iter().copied())
    }

    #[test]
    fn amounts_of_members_are_added_exactly() {
        let mut sum = quota(
            &[
                ("limits.cpu", "1500m"),
                ("limits.memory", "1Gi"),
                ("pods", "10"),
            ],
            &[("limits.cpu", "1m"), ("pods", "0")],
        );
        sum.add(&quota(
            &[
                ("limits.cpu", "0.5"),
                ("limits.memory", "512Mi"),
                ("services", "2"),
            ],
            &[("limits.cpu", "999m"), ("pods", "3")],
        ));
        let expected = quota(
            &[
                ("limits.cpu", "2"),
                ("limits.memory", "1536Mi"),
                ("pods", "10"),
                ("services", "2"),
            ],
            &[("limits.cpu", "1"), ("pods", "3")],
        );
        assert_eq!(sum, expected);
    }

    #[test]
    fn zero_and_some_memory_are_shown_as_memory() {
        let mut sum = quota(&[], &[("limits.memory", "0")]);
        sum.add(&quota(&[], &[("limits.memory", "2Gi")]));
        assert_eq!(sum.used["limits.memory"], "2Gi");
    }

    #[test]
    fn what_is_no_amount_is_left_out() {
        let long = "x".repeat(300);
        let read = QuotaState::read(
            "q",
            [("pods", "many"), ("services", "3"), (long.as_str(), "1")].into_iter(),
            [("pods", "")].into_iter(),
        );
        assert_eq!(
            read.hard,
            BTreeMap::from([("services".to_owned(), "3".to_owned())])
        );
        assert!(read.used.is_empty());
    }
}
