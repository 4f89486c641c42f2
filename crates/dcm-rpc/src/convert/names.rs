//! Clouds, clusters, edges, whose authority, and who asks.

use dcm_types::ca::{AuthorityScope, Requester};
use dcm_types::text::is_unprintable;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey, Violation,
};

use super::Faults;
use crate::v1;

/// Longest text about who asks, in bytes.
const REQUESTER_LIMIT: usize = 512;

impl From<&CloudKey> for v1::Cloud {
    fn from(cloud: &CloudKey) -> Self {
        Self {
            project: cloud.project.to_string(),
            logical_cloud: cloud.cloud.to_string(),
        }
    }
}

impl From<&ClusterKey> for v1::Cluster {
    fn from(cluster: &ClusterKey) -> Self {
        Self {
            provider: cluster.provider.to_string(),
            cluster: cluster.cluster.to_string(),
        }
    }
}

impl From<&TargetKey> for v1::Target {
    fn from(target: &TargetKey) -> Self {
        Self {
            cloud: Some((&target.cloud).into()),
            cluster: Some((&target.cluster).into()),
        }
    }
}

impl From<&AuthorityScope> for v1::Scope {
    fn from(scope: &AuthorityScope) -> Self {
        use v1::scope::{Organization, Owner};
        let owner = match scope {
            AuthorityScope::Organization => Owner::Organization(Organization {}),
            AuthorityScope::Cloud(cloud) => Owner::Cloud(cloud.into()),
        };
        Self { owner: Some(owner) }
    }
}

impl From<&Requester> for v1::Requester {
    fn from(by: &Requester) -> Self {
        Self {
            principal: by.principal.clone(),
            origin: by.origin.clone(),
            request: by.request.clone(),
        }
    }
}

pub(crate) fn read_cloud(
    wire: Option<v1::Cloud>,
    field: &str,
    faults: &mut Faults,
) -> Option<CloudKey> {
    let wire = faults.required(wire, field)?;
    let project = ProjectName::parse(&wire.project);
    let project = faults.taken(project, &format!("{field}.project"));
    let cloud = CloudName::parse(&wire.logical_cloud);
    let cloud = faults.taken(cloud, &format!("{field}.logical_cloud"));
    Some(CloudKey {
        project: project?,
        cloud: cloud?,
    })
}

pub(super) fn read_cluster(
    wire: Option<v1::Cluster>,
    field: &str,
    faults: &mut Faults,
) -> Option<ClusterKey> {
    let wire = faults.required(wire, field)?;
    let provider = ProviderName::parse(&wire.provider);
    let provider = faults.taken(provider, &format!("{field}.provider"));
    let cluster = ClusterName::parse(&wire.cluster);
    let cluster = faults.taken(cluster, &format!("{field}.cluster"));
    Some(ClusterKey {
        provider: provider?,
        cluster: cluster?,
    })
}

pub(crate) fn read_target(
    wire: Option<v1::Target>,
    field: &str,
    faults: &mut Faults,
) -> Option<TargetKey> {
    let wire = faults.required(wire, field)?;
    let cloud = read_cloud(wire.cloud, &format!("{field}.cloud"), faults);
    let cluster = read_cluster(wire.cluster, &format!("{field}.cluster"), faults);
    Some(TargetKey {
        cloud: cloud?,
        cluster: cluster?,
    })
}

pub(crate) fn read_scope(
    wire: Option<v1::Scope>,
    field: &str,
    faults: &mut Faults,
) -> Option<AuthorityScope> {
    use v1::scope::Owner;
    let owner = wire.and_then(|scope| scope.owner);
    match faults.required(owner, field)? {
        Owner::Organization(_) => Some(AuthorityScope::Organization),
        Owner::Cloud(cloud) => {
            let cloud = read_cloud(Some(cloud), &format!("{field}.cloud"), faults)?;
            Some(AuthorityScope::Cloud(cloud))
        }
    }
}

/// Who asks goes into the record of key events, so it is there, bounded and printable.
pub(crate) fn read_requester(
    wire: Option<v1::Requester>,
    field: &str,
    faults: &mut Faults,
) -> Option<Requester> {
    let wire = faults.required(wire, field)?;
    let named = Some(()).filter(|()| !wire.principal.is_empty());
    let named = faults.required(named, &format!("{field}.principal"));
    let principal = faults.taken(plain(wire.principal), &format!("{field}.principal"));
    let origin = faults.taken(plain(wire.origin), &format!("{field}.origin"));
    let request = faults.taken(plain(wire.request), &format!("{field}.request"));
    named?;
    Some(Requester {
        principal: principal?,
        origin: origin?,
        request: request?,
    })
}

fn plain(text: String) -> Result<String, Violation> {
    if text.len() > REQUESTER_LIMIT {
        return Err(Violation::new("must be at most 512 bytes", &text));
    }
    if text.chars().any(is_unprintable) {
        return Err(Violation::new("must have printable characters only", &text));
    }
    Ok(text)
}
