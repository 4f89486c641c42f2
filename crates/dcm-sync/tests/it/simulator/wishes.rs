//! Wishes of a run: revisions whose uids come from the seed.

use std::collections::BTreeMap;

use dcm_types::documents::{
    CredentialKind, DriftPolicy, Isolation, Level, Member, PodSecurity, Revision,
    RevisionPermission, RevisionUser, Slice, Wish,
};
use dcm_types::permission::{Reach, Rule};
use dcm_types::ports::Randomness;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, NamespaceName, PermissionName, ProjectName, Timestamp, Uid,
    UserName, member_name,
};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};

use crate::world::quota;

/// Randomness of a seed.
pub(crate) struct Seeded(Mutex<StdRng>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Randomness for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().fill_bytes(buffer);
    }
}

/// The first wish of a new cloud: a user, a permission on `ConfigMaps`, three of them at most.
pub(crate) fn first(
    random: &Seeded,
    (project, cloud): (&str, &str),
    members: &[&ClusterKey],
    created_at: Timestamp,
) -> Revision {
    let cloud_uid = random.uid();
    let mut revision = Revision {
        cloud: CloudKey {
            project: ProjectName::parse(project).unwrap(),
            cloud: CloudName::parse(cloud).unwrap(),
        },
        cloud_uid,
        generation: 1,
        wish: Wish::Present,
        level: Level::Standard,
        members: Vec::new(),
        slice: Slice {
            namespace: NamespaceName::parse(&format!("{project}-{cloud}")).unwrap(),
            labels: BTreeMap::new(),
            isolation: Isolation::Baseline,
            pod_security: PodSecurity::Baseline,
            quotas: vec![quota("limits", &[("configmaps", "3")])],
            users: vec![user(random, cloud_uid, "alice")],
            permissions: Vec::new(),
            drift: DriftPolicy::Correct,
            mesh: None,
        },
        created_at,
    };
    permit(random, &mut revision, "maps", "configmaps");
    place(&mut revision, members);
    revision
}

/// Puts the cloud on these members.
pub(crate) fn place(revision: &mut Revision, members: &[&ClusterKey]) {
    let member = |key: &&ClusterKey| Member {
        cluster: (*key).clone(),
        load_balancer_address: None,
    };
    revision.members = members.iter().map(member).collect();
}

pub(crate) fn user(random: &Seeded, cloud: Uid, name: &str) -> RevisionUser {
    let uid = random.uid();
    RevisionUser {
        uid,
        name: UserName::parse(name).unwrap(),
        identity: member_name::user_identity(cloud, cloud, uid, 1),
        credential: CredentialKind::Certificate,
    }
}

/// Gives the first user a permission.
pub(crate) fn permit(random: &Seeded, revision: &mut Revision, name: &str, resource: &str) {
    let verbs = ["get", "list", "create", "delete"];
    revision.slice.permissions.push(RevisionPermission {
        uid: random.uid(),
        name: PermissionName::parse(name).unwrap(),
        user: revision.slice.users[0].name.clone(),
        reach: Reach::Own,
        rules: vec![Rule {
            api_groups: vec![String::new()],
            resources: vec![resource.to_owned()],
            verbs: verbs.map(str::to_owned).to_vec(),
        }],
    });
}
