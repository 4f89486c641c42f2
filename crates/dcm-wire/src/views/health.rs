//! What the background check of a registered cluster found.

use serde::{Deserialize, Serialize};

use dcm_types::Timestamp;
use dcm_types::documents::{ClusterHealth, HealthState, SignerState};

/// Overall result of the last check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// The present credential was not checked yet.
    Unchecked,
    /// Everything that a logical cloud needs is there.
    Healthy,
    /// It answers, but something is missing; the findings say what.
    Degraded,
    /// It does not answer.
    Unreachable,
    /// Nothing is written to it; the findings say why.
    Refused,
}

/// Whether client certificates are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SignerView {
    /// A test request was signed.
    Works,
    /// A test request was not signed in time.
    Silent,
    /// Not tried, or the request could not be made.
    Unknown,
}

/// One thing that the check found wanting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingView {
    /// One word, stable, for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The last check of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterHealthView {
    /// Overall result.
    pub state: CheckState,
    /// Whether it answered.
    pub reachable: bool,
    /// When the check ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Since when it has been in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Version of its API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// UID of its namespace `kube-system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Who the server is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Its groups there.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What the server may not do there but must, as `verb resource.group`.
    #[serde(default)]
    pub missing_rights: Vec<String>,
    /// What it may not do there and only privileged logical clouds need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_privileged_rights: Vec<String>,
    /// Whether client certificates are signed.
    pub signer: SignerView,
    /// What is wanting, with hints.
    #[serde(default)]
    pub findings: Vec<FindingView>,
}

impl ClusterHealthView {
    /// Before the first check of the present credential.
    pub fn unchecked() -> Self {
        Self {
            state: CheckState::Unchecked,
            reachable: false,
            checked_at: None,
            since: None,
            version: None,
            identity: None,
            user_name: None,
            groups: Vec::new(),
            missing_rights: Vec::new(),
            missing_privileged_rights: Vec::new(),
            signer: SignerView::Unknown,
            findings: Vec::new(),
        }
    }

    /// What a check found.
    pub fn of(health: &ClusterHealth) -> Self {
        Self {
            state: show_state(health.state),
            reachable: health.version.is_some() && health.state != HealthState::Unreachable,
            checked_at: Some(health.checked_at),
            since: Some(health.since),
            version: health.version.clone(),
            identity: health.identity.clone(),
            user_name: health.user_name.clone(),
            groups: health.groups.clone(),
            missing_rights: health.missing_rights.clone(),
            missing_privileged_rights: health.missing_privileged_rights.clone(),
            signer: match health.signer {
                SignerState::Works => SignerView::Works,
                SignerState::Silent => SignerView::Silent,
                SignerState::Unknown => SignerView::Unknown,
            },
            findings: health
                .findings
                .iter()
                .map(|finding| FindingView {
                    reason: finding.reason.clone(),
                    message: finding.message.clone(),
                    hint: finding.hint.clone(),
                })
                .collect(),
        }
    }
}

fn show_state(state: HealthState) -> CheckState {
    match state {
        HealthState::Healthy => CheckState::Healthy,
        HealthState::Degraded => CheckState::Degraded,
        HealthState::Unreachable => CheckState::Unreachable,
        HealthState::Refused => CheckState::Refused,
    }
}
