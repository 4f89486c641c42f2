//! The hand of the synchronizer: what it would record of members, for tests of the other side.

use dcm_pki::kubeconfig::{TenantAuthentication, TenantKubeconfig};
use dcm_store::{Batch, Expect, Place, StoreExt as _};
use dcm_types::documents::{
    Access, CredentialKind, IssuedCredential, LastError, Lifecycle, LogicalCloud, Observed,
    Project, Proof, Reservation, Target, User,
};
use dcm_types::member_name::user_identity;
use dcm_types::ports::StatusChange;
use dcm_types::sealed::Purpose;
use dcm_types::{
    CloudKey, Condition, ConditionStatus, Document as _, DocumentKind, Key, NamespaceName, Sealed,
    TargetKey, Timestamp, Track, Uid, UserName,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::world::{World, cluster};

pub(crate) fn target_key(cloud: &CloudKey, name: &str) -> TargetKey {
    TargetKey {
        cloud: cloud.clone(),
        cluster: cluster(name),
    }
}

/// A target of which everything of a generation is in force.
pub(crate) fn ready_target(key: &TargetKey, cloud_uid: Uid, generation: u64) -> Target {
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    Target {
        key: key.clone(),
        cloud_uid,
        namespace: NamespaceName::parse("payments").unwrap(),
        wanted_generation: generation,
        applied_generation: Some(generation),
        observed: Observed::Known {
            generation,
            fingerprint: "f".to_owned(),
        },
        inventory: Vec::new(),
        reaches_out: false,
        gateway_address: None,
        conditions: Track::USUAL
            .iter()
            .map(|track| Condition {
                track: *track,
                status: ConditionStatus::True,
                reason: "InForce".to_owned(),
                message: String::new(),
                hint: None,
                since: at,
            })
            .collect(),
        objects: Vec::new(),
        last_error: None,
        checked_at: Some(at),
        check_at: None,
        emptied_at: None,
    }
}

pub(crate) fn failure(category: &str) -> LastError {
    LastError {
        category: category.to_owned(),
        message: "it did not work".to_owned(),
        hint: String::new(),
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        attempts: 3,
        member_generation: None,
    }
}

impl World {
    pub(crate) async fn lifecycle(&self, cloud: &CloudKey) -> Lifecycle {
        let key = Key::of_cloud(DocumentKind::Lifecycle, cloud);
        let found = self.store.read::<Lifecycle>(&key).await.unwrap();
        found.unwrap().document
    }

    /// Records a target as it is given.
    pub(crate) async fn record(&self, target: &Target) {
        let mut batch = Batch::new();
        batch.put(target, Expect::Anything).unwrap();
        self.store.commit(batch).await.unwrap();
        self.synchronizer.tell(StatusChange {
            target: target.key.clone(),
            applied_generation: target.applied_generation,
        });
    }

    /// Makes the wanted generation true in a member.
    pub(crate) async fn make_ready(&self, cloud: &CloudKey, name: &str) {
        let lifecycle = self.lifecycle(cloud).await;
        let key = target_key(cloud, name);
        self.record(&ready_target(
            &key,
            lifecycle.cloud_uid,
            lifecycle.generation,
        ))
        .await;
    }

    /// Makes a member absent, and releases its reservation in the same commit.
    pub(crate) async fn make_absent(&self, cloud: &CloudKey, name: &str) {
        let lifecycle = self.lifecycle(cloud).await;
        let key = target_key(cloud, name);
        let mut target = ready_target(&key, lifecycle.cloud_uid, lifecycle.generation);
        target.observed = Observed::Absent;
        target.conditions.clear();
        let reservation = Reservation {
            cluster: cluster(name),
            namespace: target.namespace.clone(),
            cloud: cloud.clone(),
            cloud_uid: lifecycle.cloud_uid,
        };
        let mut batch = Batch::new();
        batch.put(&target, Expect::Anything).unwrap();
        batch.delete(reservation.key(), Expect::Exists);
        self.store.commit(batch).await.unwrap();
        self.synchronizer.tell(StatusChange {
            target: key,
            applied_generation: Some(lifecycle.generation),
        });
    }

    /// Who a user is in the members.
    pub(crate) async fn identity(&self, cloud: &CloudKey, user: &str) -> String {
        let read = "there is one";
        let project = Key::project(&cloud.project);
        let project = self.store.read::<Project>(&project).await.unwrap();
        let found = self.store.read::<LogicalCloud>(&Key::cloud(cloud)).await;
        let user = Key::user(cloud, &UserName::parse(user).unwrap());
        let user = self.store.read::<User>(&user).await.unwrap();
        let user = user.expect(read).document;
        user_identity(
            project.expect(read).document.uid,
            found.unwrap().expect(read).document.uid,
            user.uid,
            user.identity_generation,
        )
    }

    /// Stores a credential for the first user in a member, valid for a day from now.
    pub(crate) async fn issue(&self, cloud: &CloudKey, name: &str, usable: bool) -> Access {
        self.issue_to("bob", cloud, name, usable).await
    }

    /// Stores a credential for a user in a member, valid for a day from now.
    pub(crate) async fn issue_to(
        &self,
        user: &str,
        cloud: &CloudKey,
        name: &str,
        usable: bool,
    ) -> Access {
        let now = dcm_types::ports::Clock::now(self.clock.as_ref());
        let target = target_key(cloud, name);
        let mut access = Access {
            uid: Uid::from_random([7; 16]),
            cloud_uid: self.lifecycle(cloud).await.cloud_uid,
            target: target.clone(),
            user: UserName::parse(user).unwrap(),
            identity: self.identity(cloud, user).await,
            credential: CredentialKind::Certificate,
            last_epoch: 0,
            current: None,
            pending: None,
        };
        let kubeconfig = TenantKubeconfig {
            context: format!("lc@{name}"),
            server: "https://52.1.2.3:6443".to_owned(),
            certificate_authority_pem: "ca".to_owned(),
            tls_server_name: None,
            user: user.to_owned(),
            authentication: TenantAuthentication::Certificate {
                certificate_pem: "certificate".to_owned(),
                key_pem: Some(SecretString::from("key".to_owned())),
            },
            namespace: "payments".to_owned(),
        };
        let place = Place {
            key: &access.key(),
            uid: access.uid,
            field: "kubeconfig",
            epoch: 4,
        };
        let plain = kubeconfig.to_json();
        let sealed = self
            .vault
            .seal(
                Purpose::TenantKubeconfig,
                &place,
                plain.expose_secret().as_bytes(),
            )
            .unwrap();
        access.current = Some(IssuedCredential {
            epoch: 4,
            proof: Proof::Certificate {
                certificate_pem: "certificate".to_owned(),
                key: Some(Sealed(String::new())),
            },
            not_before: now,
            not_after: now + std::time::Duration::from_hours(24),
            kubeconfig: sealed,
            usable,
        });
        let mut batch = Batch::new();
        batch.put(&access, Expect::Anything).unwrap();
        self.store.commit(batch).await.unwrap();
        access
    }
}
