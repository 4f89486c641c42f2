//! Hints about changes.

use dcm_types::ca::CaChange;

use super::names::{read_cloud, read_target};
use super::read;
use crate::v1;
use crate::v1::watch_response::{Change, Missed};

pub(crate) fn change(hint: &CaChange) -> v1::WatchResponse {
    let change = match hint {
        CaChange::Cloud(cloud) => Change::Cloud(cloud.into()),
        CaChange::Target(target) => Change::Target(target.into()),
        CaChange::Missed => Change::Missed(Missed {}),
    };
    v1::WatchResponse {
        change: Some(change),
    }
}

/// A hint that is not understood (a newer controller may have more of them) says that something was missed.
pub(crate) fn read_change(wire: v1::WatchResponse) -> CaChange {
    let hint = match wire.change {
        Some(Change::Cloud(cloud)) => {
            read(|faults| read_cloud(Some(cloud), "cloud", faults)).map(CaChange::Cloud)
        }
        Some(Change::Target(target)) => {
            read(|faults| read_target(Some(target), "target", faults)).map(CaChange::Target)
        }
        Some(Change::Missed(_)) | None => Ok(CaChange::Missed),
    };
    hint.unwrap_or(CaChange::Missed)
}
