//! What stands in the subjects of authorities. A subject is never used for another key: each has eight digits of a
//! random uid, and counts generations.

use dcm_pki::authority::Subject;
use dcm_types::documents::ca::{AuthorityOwner, CaAuthority, CaEdge};

use crate::Policy;

/// Longest readable part of a common name: with the rest it stays below 64 characters.
const READABLE: usize = 32;
/// Longest name of a cloud in the unit.
const UNIT: usize = 64;

/// The subject of an anchor, or of the organisation's root.
pub(crate) fn of_authority(policy: &Policy, authority: &CaAuthority, generation: u64) -> Subject {
    let id = short(&authority.uid.to_string());
    let (unit, common_name) = match &authority.owner {
        AuthorityOwner::Organization => {
            let name = cut(&policy.organization, READABLE);
            (None, format!("{name} mesh root {id} {generation}"))
        }
        AuthorityOwner::Cloud { key, .. } => {
            let name = cut(key.cloud.as_str(), READABLE);
            let unit = cut(key.cloud.as_str(), UNIT);
            (Some(unit), format!("{name} mesh CA {id} {generation}"))
        }
    };
    Subject {
        organization: policy.organization.clone(),
        unit,
        common_name,
    }
}

/// The subject of the intermediate of an edge.
pub(crate) fn of_edge(policy: &Policy, edge: &CaEdge, generation: u64) -> Subject {
    let id = short(&edge.uid.to_string());
    let name = cut(edge.target.cluster.cluster.as_str(), READABLE);
    Subject {
        organization: policy.organization.clone(),
        unit: Some(cut(edge.target.cloud.cloud.as_str(), UNIT)),
        common_name: format!("{name} edge CA {id} {generation}"),
    }
}

fn cut(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

fn short(uid: &str) -> String {
    cut(uid, 8)
}
