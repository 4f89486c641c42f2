//! A revision with some of everything, for tests of pure steps.

use std::collections::BTreeMap;

use dcm_types::documents::{
    CredentialKind, Isolation, Level, Member, PodSecurity, Revision, RevisionPermission,
    RevisionQuota, RevisionUser, Slice, Wish,
};
use dcm_types::permission::{Reach, Rule};
use dcm_types::quota::QuotaLimits;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, NamespaceName, PermissionName, ProjectName,
    ProviderName, QuotaName, Timestamp, Uid, UserName,
};

pub(crate) fn revision(owner: &str, isolation: Isolation) -> Revision {
    let limits = [("pods", "10"), ("requests.cpu", "1500m")]
        .map(|(key, amount)| (key.to_owned(), amount.to_owned()));
    let user = UserName::parse("alice").unwrap();
    Revision {
        cloud: CloudKey {
            project: ProjectName::parse("shop").unwrap(),
            cloud: CloudName::parse("Front_1").unwrap(),
        },
        cloud_uid: Uid::parse(owner).unwrap(),
        generation: 3,
        wish: Wish::Present,
        level: Level::Standard,
        members: vec![Member {
            cluster: ClusterKey {
                provider: ProviderName::parse("site").unwrap(),
                cluster: ClusterName::parse("edge").unwrap(),
            },
            load_balancer_address: None,
        }],
        slice: Slice {
            namespace: NamespaceName::parse("front").unwrap(),
            labels: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
            isolation,
            pod_security: PodSecurity::Baseline,
            drift: dcm_types::documents::DriftPolicy::Correct,
            mesh: None,
            quotas: vec![RevisionQuota {
                name: QuotaName::parse("limits").unwrap(),
                limits: QuotaLimits::parse(BTreeMap::from(limits)).unwrap(),
            }],
            users: vec![RevisionUser {
                uid: Uid::from_random([2; 16]),
                name: user.clone(),
                identity: "dcm:0123456789abcdef0123456789abcdef01234567".to_owned(),
                credential: CredentialKind::Certificate,
            }],
            permissions: vec![RevisionPermission {
                uid: Uid::from_random([3; 16]),
                name: PermissionName::parse("maps").unwrap(),
                user,
                reach: Reach::Own,
                rules: vec![Rule {
                    api_groups: vec![String::new()],
                    resources: vec!["configmaps".to_owned()],
                    verbs: vec!["get".to_owned()],
                }],
            }],
        },
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A revision of a privileged cloud: beside the permission in its own namespace one in another, and one
/// in the whole cluster.
pub(crate) fn privileged(owner: &str) -> Revision {
    let mut revision = revision(owner, Isolation::Open);
    let other = NamespaceName::parse("other").unwrap();
    for (byte, reach) in [(4, Reach::Namespace(other)), (5, Reach::Cluster)] {
        let mut permission = revision.slice.permissions[0].clone();
        permission.uid = Uid::from_random([byte; 16]);
        permission.reach = reach;
        revision.slice.permissions.push(permission);
    }
    revision
}
