//! What the CA controller is told of the bundles that were seen in members. A report may be repeated or late: so it
//! is remembered in this process only, and told again after a restart.

use std::collections::HashMap;
use std::time::Duration;

use dcm_types::ca::{BundleVersion, Evidence, EvidenceStage};
use dcm_types::{TargetKey, Uid};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Authorities, LOOK_AGAIN};

/// What was told of each target.
#[derive(Default)]
pub(crate) struct Told(Mutex<HashMap<TargetKey, Report>>);

#[derive(Debug, Clone, Copy)]
struct Report {
    cloud_uid: Uid,
    version: BundleVersion,
    written: Instant,
    loaded: bool,
    /// Generation of the last bundle that was told to be in use.
    in_use: Option<u64>,
}

/// Whether the control plane shows that it uses a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It shows the anchors.
    Anchors,
    /// It shows others, or nothing.
    Nothing,
    /// Nobody here would.
    ByNobody,
}

impl Told {
    /// Whether it is still to be told that a bundle is in use.
    pub(crate) fn is_open(&self, target: &TargetKey, version: &BundleVersion) -> bool {
        let told = self.0.lock();
        let told = told.get(target);
        !told.is_some_and(|report| report.version == *version && report.loaded)
    }

    /// Forgets what was told of a target of which nothing is left.
    pub(crate) fn forget(&self, target: &TargetKey) {
        self.0.lock().remove(target);
    }

    /// Tells what is new; gives when to look again.
    pub(crate) async fn tell(
        &self,
        authorities: &Authorities,
        (target, cloud_uid): (&TargetKey, Uid),
        version: BundleVersion,
        shown: Shown,
    ) -> Option<Duration> {
        let evidence = |stage| Evidence {
            target: target.clone(),
            cloud_uid,
            version,
            stage,
        };
        let known = self.0.lock().get(target).copied();
        let known = known.filter(|report| report.cloud_uid == cloud_uid);
        let report = if let Some(report) = known.filter(|report| report.version == version) {
            report
        } else {
            if !send(authorities, &evidence(EvidenceStage::Written)).await {
                return Some(LOOK_AGAIN);
            }
            let report = Report {
                cloud_uid,
                version,
                written: Instant::now(),
                loaded: false,
                in_use: known.and_then(|report| report.in_use),
            };
            self.0.lock().insert(target.clone(), report);
            report
        };
        if report.loaded {
            return None;
        }
        if let Some(wait) = wait(&report, shown, authorities.propagation) {
            return Some(wait);
        }
        if !send(authorities, &evidence(EvidenceStage::Loaded)).await {
            return Some(LOOK_AGAIN);
        }
        let report = Report {
            loaded: true,
            in_use: Some(version.generation),
            ..report
        };
        self.0.lock().insert(target.clone(), report);
        None
    }
}

/// How long until it is taken for used. Shown anchors say nothing of an intermediate, and a control plane reads both
/// at the same time: where the intermediate is the one before, the anchors do.
fn wait(report: &Report, shown: Shown, propagation: Duration) -> Option<Duration> {
    let only_anchors = report.in_use == Some(report.version.generation);
    let left = propagation.saturating_sub(report.written.elapsed());
    match shown {
        Shown::Nothing => Some(LOOK_AGAIN),
        Shown::Anchors if only_anchors => None,
        Shown::Anchors | Shown::ByNobody => (!left.is_zero()).then_some(left),
    }
}

/// Whether it was taken; what was not is told again.
async fn send(authorities: &Authorities, evidence: &Evidence) -> bool {
    match authorities.controller.report_evidence(evidence).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(member = %evidence.target, stage = ?evidence.stage, error = dcm_types::chain(&error), "the CA controller did not take what was seen of a bundle; told again later");
            false
        }
    }
}
