//! Freezing: from the documents of a cloud to what shall exist in every member. Pure.
//!
//! The order of everything follows the names, never the time of creation, so that the same documents
//! always freeze to the same revision.

use dcm_types::Uid;
use dcm_types::documents::{
    ClusterReference, Member, Namespace, Quota, RevisionPermission, RevisionQuota, RevisionUser,
    Slice, User, UserPermission,
};
use dcm_types::member_name::user_identity;

/// The documents of a cloud.
pub(super) struct Sources {
    pub(super) project: Uid,
    pub(super) cloud: Uid,
    pub(super) namespace: Namespace,
    pub(super) user: Option<User>,
    pub(super) references: Vec<ClusterReference>,
    pub(super) quotas: Vec<Quota>,
    pub(super) permissions: Vec<UserPermission>,
}

/// The members, and what shall exist in each. A permission of a cloud without a user is granted to
/// nobody and so is no part of it.
pub(super) fn freeze(sources: &Sources) -> (Vec<Member>, Slice) {
    let mut members: Vec<Member> = sources
        .references
        .iter()
        .map(|reference| Member {
            cluster: reference.cluster.clone(),
            load_balancer_address: reference.load_balancer_address,
        })
        .collect();
    members.sort_by(|a, b| a.cluster.cmp(&b.cluster));

    let mut quotas: Vec<RevisionQuota> = sources
        .quotas
        .iter()
        .map(|quota| RevisionQuota {
            name: quota.name.clone(),
            limits: quota.limits.clone(),
        })
        .collect();
    quotas.sort_by(|a, b| a.name.cmp(&b.name));

    let namespace = &sources.namespace;
    let slice = Slice {
        namespace: namespace.name.clone(),
        labels: namespace.labels.clone(),
        isolation: namespace.isolation,
        pod_security: namespace.pod_security,
        quotas,
        users: sources
            .user
            .iter()
            .map(|user| identified(sources, user))
            .collect(),
        permissions: permissions(sources),
    };
    (members, slice)
}

fn identified(sources: &Sources, user: &User) -> RevisionUser {
    RevisionUser {
        uid: user.uid,
        name: user.name.clone(),
        identity: user_identity(
            sources.project,
            sources.cloud,
            user.uid,
            user.identity_generation,
        ),
    }
}

fn permissions(sources: &Sources) -> Vec<RevisionPermission> {
    let Some(user) = &sources.user else {
        return Vec::new();
    };
    let mut permissions: Vec<RevisionPermission> = sources
        .permissions
        .iter()
        .map(|permission| RevisionPermission {
            uid: permission.uid,
            name: permission.name.clone(),
            user: user.name.clone(),
            rule: permission.rule.clone(),
        })
        .collect();
    permissions.sort_by(|a, b| a.name.cmp(&b.name));
    permissions
}
