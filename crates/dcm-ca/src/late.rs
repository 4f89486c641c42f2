//! What should have been replaced long ago: told in the log when it is first seen, and counted as long as it lasts.

use std::collections::BTreeMap;

use dcm_store::Versioned;
use dcm_types::ca::late_at;
use dcm_types::documents::ca::{CaAuthority, CaEdge};
use dcm_types::{Document as _, Key, Timestamp};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::Controller;
use crate::establish::object;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: &'static str,
}

const ANCHOR: &str = "anchor";
const EDGE: &str = "edge";

/// Counts of the CA controller. Cheap to clone; clones share the values.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    late: Family<What, Gauge>,
}

impl Metrics {
    /// Registers the metrics of this crate.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("dcm_ca");
        registry.register(
            "late_certificates",
            "Certificates in force of which five sixths of their life are over",
            metrics.late.clone(),
        );
        // Shown from the beginning.
        metrics.show(&Known::new());
        metrics
    }

    fn show(&self, known: &Known) {
        for what in [ANCHOR, EDGE] {
            let all = known.values().flat_map(BTreeMap::values);
            let count = all.filter(|one| **one == what).count();
            let gauge = self.late.get_or_create(&What { what });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// By authority: which certificates (by fingerprint), and what they are.
type Known = BTreeMap<Key, BTreeMap<String, &'static str>>;

/// What is late, as far as it was looked at.
#[derive(Default)]
pub(crate) struct Late {
    known: Mutex<Known>,
}

impl Controller {
    /// Notes what is late of an authority and its edges.
    pub(crate) fn note_late(&self, authority: &CaAuthority, edges: &[Versioned<CaEdge>]) {
        let now = self.now();
        let mut found = BTreeMap::new();
        let mut known = self.late.known.lock();
        let before = known.remove(&authority.key()).unwrap_or_default();
        let mut late = |what: &'static str, object: String, fingerprint: &str, ends: Timestamp| {
            if !before.contains_key(fingerprint) {
                let ends = ends.to_string();
                tracing::warn!(
                    object,
                    what,
                    ends,
                    "five sixths of its life are over, and nothing took its place"
                );
            }
            found.insert(fingerprint.to_owned(), what);
        };
        if let Some(anchor) = authority.signing_anchor()
            && now >= late_at(anchor.not_before, anchor.not_after)
        {
            late(
                ANCHOR,
                object(authority),
                &anchor.fingerprint,
                anchor.not_after,
            );
        }
        for edge in edges.iter().map(|edge| &edge.document) {
            if let Some(current) = edge.current()
                && now >= late_at(current.not_before, current.not_after)
            {
                let object = edge.target.to_string();
                late(EDGE, object, &current.fingerprint, current.not_after);
            }
        }
        if !found.is_empty() {
            known.insert(authority.key(), found);
        }
        self.metrics.show(&known);
    }

    /// What is gone is not late.
    pub(crate) fn forget_late(&self, authority: &CaAuthority) {
        let mut known = self.late.known.lock();
        known.remove(&authority.key());
        self.metrics.show(&known);
    }
}
