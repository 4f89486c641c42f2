//! Freezing: from the documents of a cloud to what shall exist in every member. Pure.
//!
//! The order of everything follows the names, never the time of creation, so that the same documents
//! always freeze to the same revision.

use std::collections::BTreeMap;

use dcm_store::Versioned;
use dcm_types::documents::{
    ClusterReference, DriftPolicy, Level, Member, Namespace, Project, Quota, RevisionPermission,
    RevisionQuota, RevisionUser, Slice, User, UserPermission,
};
use dcm_types::member_name::user_identity;
use dcm_types::{Uid, UserName};

use crate::privileged::leaves;

/// The documents of a cloud.
pub(super) struct Sources {
    pub(super) project: Versioned<Project>,
    pub(super) cloud: Uid,
    pub(super) namespace: Namespace,
    pub(super) level: Level,
    pub(super) drift: DriftPolicy,
    pub(super) first_user: Option<UserName>,
    pub(super) users: Vec<User>,
    pub(super) references: Vec<ClusterReference>,
    pub(super) quotas: Vec<Quota>,
    pub(super) permissions: Vec<UserPermission>,
}

impl Sources {
    /// Whether a permission leaves the namespace, also one that is granted to nobody yet.
    pub(super) fn is_privileged(&self) -> bool {
        let mut permissions = self.permissions.iter();
        self.level == Level::Standard
            && permissions.any(|permission| leaves(permission, &self.namespace.name))
    }

    /// The user who gets a permission; `None`: it is granted to nobody.
    pub(super) fn user_of<'a>(&'a self, permission: &'a UserPermission) -> Option<&'a User> {
        let name = permission.user.as_ref().or(self.first_user.as_ref())?;
        self.users.iter().find(|user| &user.name == name)
    }
}

/// The members, and what shall exist in each. A permission of a cloud without a user is granted to
/// nobody and so is no part of it; in an admin cloud nothing exists.
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

    let slice = match sources.level {
        Level::Standard => slice(sources),
        Level::Admin => bare(sources),
    };
    (members, slice)
}

fn bare(sources: &Sources) -> Slice {
    let namespace = &sources.namespace;
    Slice {
        namespace: namespace.name.clone(),
        labels: BTreeMap::new(),
        isolation: namespace.isolation,
        pod_security: namespace.pod_security,
        drift: sources.drift,
        mesh: None,
        quotas: Vec::new(),
        users: Vec::new(),
        permissions: Vec::new(),
    }
}

fn slice(sources: &Sources) -> Slice {
    let mut quotas: Vec<RevisionQuota> = sources
        .quotas
        .iter()
        .map(|quota| RevisionQuota {
            name: quota.name.clone(),
            limits: quota.limits.clone(),
        })
        .collect();
    quotas.sort_by(|a, b| a.name.cmp(&b.name));

    let mut users: Vec<RevisionUser> = sources
        .users
        .iter()
        .map(|user| identified(sources, user))
        .collect();
    users.sort_by(|a, b| a.name.cmp(&b.name));

    let namespace = &sources.namespace;
    Slice {
        namespace: namespace.name.clone(),
        labels: namespace.labels.clone(),
        isolation: namespace.isolation,
        pod_security: namespace.pod_security,
        drift: sources.drift,
        mesh: None,
        quotas,
        users,
        permissions: permissions(sources),
    }
}

fn identified(sources: &Sources, user: &User) -> RevisionUser {
    RevisionUser {
        uid: user.uid,
        name: user.name.clone(),
        identity: user_identity(
            sources.project.document.uid,
            sources.cloud,
            user.uid,
            user.identity_generation,
        ),
        credential: user.credential,
    }
}

fn permissions(sources: &Sources) -> Vec<RevisionPermission> {
    let mut permissions: Vec<RevisionPermission> = sources
        .permissions
        .iter()
        .filter_map(|permission| {
            Some(RevisionPermission {
                uid: permission.uid,
                name: permission.name.clone(),
                user: sources.user_of(permission)?.name.clone(),
                rules: permission.rule.expanded(permission.reach.extent()),
                reach: permission.reach.clone().seen_from(&sources.namespace.name),
            })
        })
        .collect();
    permissions.sort_by(|a, b| a.name.cmp(&b.name));
    permissions
}
