//! What the operator decided about authorities: names, kinds of keys, and how long things live.

use std::time::Duration;

use dcm_types::ca::TrustModel;
use dcm_types::{Fault, KeyAlgorithm, Timestamp, Violation};
use jiff::SignedDuration;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Longest trust domain that leaves room for the name of a cloud before it (the SPIFFE limit is 255).
const DOMAIN_LIMIT: usize = 180;
/// Longest part of a subject (X.520).
const ORGANIZATION_LIMIT: usize = 64;

/// Decisions of the operator that the CA controller obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The organisation in every subject.
    pub organization: String,
    /// The last part of every trust domain.
    pub domain: String,
    /// What stands above the anchor of a new cloud; `None`: the organisation's root where there is one.
    pub trust_model: Option<TrustModel>,
    /// Kind of the keys of edges.
    pub edge_algorithm: KeyAlgorithm,
    /// Kind of the keys of anchors and of the root.
    pub anchor_algorithm: KeyAlgorithm,
    /// Keys of kind Ed25519 may be made.
    pub ed25519: bool,
    /// How long the intermediate of an edge is valid.
    pub edge_life: Duration,
    /// How long an anchor below a root is valid.
    pub anchor_life: Duration,
    /// How long a root is valid, and an anchor that is one.
    pub root_life: Duration,
    /// How long a list of revoked certificates is valid; it is made anew after half of that.
    pub list_life: Duration,
    /// The longest life of a workload's certificate.
    pub longest_leaf: Duration,
    /// The longest that a bundle takes to be used everywhere.
    pub propagation: Duration,
    /// The most that the clock is believed to have gone on between two looks at a rotation.
    pub longest_step: Duration,
    /// Members of a cloud that get another intermediate at the same time.
    pub edges_in_flight: usize,
    /// Time between two looks at everything.
    pub interval: Duration,
    /// Slow keys (RSA) that are made at the same time.
    pub slow_keys: usize,
    /// Slow keys that may wait; more are refused.
    pub slow_keys_waiting: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            organization: "DCM".to_owned(),
            domain: "mesh.internal".to_owned(),
            trust_model: None,
            edge_algorithm: KeyAlgorithm::EcdsaP256,
            anchor_algorithm: KeyAlgorithm::EcdsaP384,
            ed25519: false,
            edge_life: Duration::from_secs(90 * DAY),
            anchor_life: Duration::from_secs(730 * DAY),
            root_life: Duration::from_secs(3650 * DAY),
            list_life: Duration::from_secs(30 * DAY),
            longest_leaf: Duration::from_hours(24),
            propagation: Duration::from_mins(10),
            longest_step: Duration::from_mins(2),
            edges_in_flight: 100,
            interval: Duration::from_mins(1),
            slow_keys: 1,
            slow_keys_waiting: 64,
        }
    }
}

impl Policy {
    /// All rules that it breaks.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut rule = |field: &str, holds: bool, rule: &str, got: &str| {
            if !holds {
                faults.push(Violation::new(rule, got).at(field));
            }
        };
        let organization = &self.organization;
        let fits = (1..=ORGANIZATION_LIMIT).contains(&organization.chars().count());
        let plain = fits && !organization.chars().any(char::is_control);
        let text = "must have 1 to 64 characters, none of them a control character";
        rule("organization", plain, text, organization);
        let text = "must be a DNS name in lower case of at most 180 characters";
        rule("domain", is_domain(&self.domain), text, &self.domain);
        for (field, algorithm) in [
            ("edge_algorithm", self.edge_algorithm),
            ("anchor_algorithm", self.anchor_algorithm),
        ] {
            let allowed = self.ed25519 || algorithm != KeyAlgorithm::Ed25519;
            let text = "must not be ed25519 unless it is allowed with ed25519 = true";
            rule(field, allowed, text, algorithm.as_str());
        }
        self.check_times(&mut rule);
        faults
    }

    fn check_times(&self, rule: &mut impl FnMut(&str, bool, &str, &str)) {
        let shown = |duration: Duration| format!("{}s", duration.as_secs());
        let between =
            |duration: Duration, low: u64, high: u64| (low..=high).contains(&duration.as_secs());
        let edge = self.edge_life;
        let text = "must be from 1 day to 1 year";
        rule(
            "edge_life",
            between(edge, DAY, 366 * DAY),
            text,
            &shown(edge),
        );
        let rows = [
            (
                "anchor_life",
                self.anchor_life,
                edge.saturating_mul(2),
                "must be at least twice edge_life",
            ),
            (
                "root_life",
                self.root_life,
                self.anchor_life,
                "must be at least anchor_life",
            ),
            // Half of a list's life passes before it is made anew, and the new one takes a while.
            (
                "list_life",
                self.list_life,
                self.propagation.saturating_mul(4),
                "must be at least four times propagation",
            ),
        ];
        for (field, life, least, text) in rows {
            let fits = life >= least && life.as_secs() <= 20 * 366 * DAY;
            rule(field, fits, text, &shown(life));
        }
        // An intermediate is renewed at two thirds of its life at the latest; what it signed last must end before it.
        let window = edge / 3;
        let leaf = self.longest_leaf;
        let fits = leaf.saturating_add(self.propagation) <= window && !leaf.is_zero();
        let text = "must fit, with propagation, into the last third of edge_life";
        rule("longest_leaf", fits, text, &shown(leaf));
        let step = self.longest_step;
        let text = "must be longer than interval";
        rule("longest_step", step > self.interval, text, &shown(step));
        let text = "must be at least 1";
        for (field, count) in [
            ("slow_keys", self.slow_keys),
            ("edges_in_flight", self.edges_in_flight),
        ] {
            rule(field, count > 0, text, &count.to_string());
        }
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
        let bytes = label.as_bytes();
        let whole = edge(bytes.first()) && edge(bytes.last()) && bytes.len() <= 63;
        whole && bytes.iter().all(|byte| inside(*byte))
    };
    text.len() <= DOMAIN_LIMIT && text.split('.').all(label)
}

/// A moment and what follows it; the end of time at the latest.
pub(crate) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_add(signed(duration)).unwrap_or(Timestamp::MAX)
}

/// A moment and what lies before it; the beginning of time at the earliest.
pub(crate) fn before(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_sub(signed(duration)).unwrap_or(Timestamp::MIN)
}

pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_break_no_rule() {
        assert_eq!(Policy::default().check(), vec![]);
    }

    #[test]
    fn each_rule_is_told_with_its_field() {
        type Spoil = fn(&mut Policy);
        let rows: [(&str, Spoil); 16] = [
            ("organization", |policy| policy.organization.clear()),
            ("organization", |policy| {
                policy.organization.push_str(&"x".repeat(62));
            }),
            ("organization", |policy| policy.organization.push('\n')),
            ("domain", |policy| policy.domain.push('X')),
            ("domain", |policy| policy.domain.push_str("..internal")),
            ("edge_algorithm", |policy| {
                policy.edge_algorithm.clone_from(&KeyAlgorithm::Ed25519);
            }),
            ("anchor_algorithm", |policy| {
                policy.anchor_algorithm.clone_from(&KeyAlgorithm::Ed25519);
            }),
            ("edge_life", |policy| policy.edge_life /= 91),
            ("anchor_life", |policy| policy.anchor_life /= 10),
            ("root_life", |policy| policy.root_life /= 10),
            ("list_life", |policy| policy.list_life /= 10_000),
            ("longest_leaf", |policy| policy.longest_leaf *= 45),
            ("longest_leaf", |policy| policy.longest_leaf *= 0),
            ("longest_step", |policy| policy.longest_step /= 2),
            ("slow_keys", |policy| policy.slow_keys -= 1),
            ("edges_in_flight", |policy| policy.edges_in_flight = 0),
        ];
        for (field, spoil) in rows {
            let mut policy = Policy::default();
            spoil(&mut policy);
            let faults = policy.check();
            assert!(
                faults.iter().any(|fault| fault.field == field),
                "{field}: {faults:?}"
            );
        }
    }
}
