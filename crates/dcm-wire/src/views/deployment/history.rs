//! The history of actions, told with the names and instances of the main dialect.

use dcm_types::documents::Action;
use dcm_types::status::CloudStatus;

use super::{DeployedStatus, InstanceActionView, InstanceStatesView};

/// What the history says of instances.
pub(super) struct Told {
    pub(super) states: InstanceStatesView,
    /// The one that the last action was about; `None` before the first.
    pub(super) present: Option<u64>,
    /// Those before it, and how they ended.
    pub(super) overtaken: Vec<(u64, DeployedStatus)>,
}

pub(super) fn of(status: &CloudStatus) -> Told {
    let mut actions = Vec::new();
    if status.forgotten == 0 {
        actions.push(InstanceActionView {
            state: "Created".to_owned(),
            instance: String::new(),
            time: status.created_at,
            revision: 0,
        });
    }
    let mut present = None;
    let mut overtaken: Vec<(u64, DeployedStatus)> = Vec::new();
    let mut gone = false;
    for (index, record) in status.history.iter().enumerate() {
        let state = match record.action {
            Action::Instantiate => "Instantiated",
            Action::Update | Action::Revoke if gone => "Terminated",
            // The older systems know no revocation; what it makes is another revision.
            Action::Update | Action::Revoke => "Updated",
            Action::Terminate => "Terminated",
            Action::Stop if gone => "TerminateStopped",
            Action::Stop => "InstantiateStopped",
        };
        let makes = state == "Instantiated" || state == "Updated";
        let before = present;
        present = match record.action {
            _ if makes => Some(record.generation),
            // The one that made it was forgotten; it came right before.
            Action::Terminate if present.is_none() => Some(record.generation.saturating_sub(1)),
            _ => present.or(Some(record.generation)),
        };
        if let Some(before) = before.filter(|_| before != present) {
            let end = if gone {
                DeployedStatus::Terminated
            } else {
                DeployedStatus::Updated
            };
            overtaken.push((before, end));
        }
        gone = match record.action {
            Action::Terminate => true,
            Action::Instantiate => false,
            Action::Update | Action::Stop | Action::Revoke => gone,
        };
        actions.push(InstanceActionView {
            state: state.to_owned(),
            instance: present
                .map(|instance| instance.to_string())
                .unwrap_or_default(),
            time: record.at,
            revision: status.forgotten + u64::try_from(index).unwrap_or(0) + 1,
        });
    }
    Told {
        states: InstanceStatesView {
            statusctxid: present
                .map(|instance| instance.to_string())
                .unwrap_or_default(),
            actions,
        },
        present,
        overtaken,
    }
}
