//! The load step: everything a run needs from the store, read by its key alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use dcm_cluster::Place;
use dcm_store::{Error as StoreError, Expect, Scope, Store, StoreExt, Versioned};
use dcm_types::documents::{
    Access, CredentialKind, Lifecycle, Observed, Reservation, Revision, RevisionUser, Target,
    Tombstone, User, Wish,
};
use dcm_types::{Document as _, DocumentKind, Key, TargetKey, UserName};

use crate::mesh::left::Left;
use crate::mesh::{self, wish::MeshInputs};
use crate::revisions::Revisions;
use crate::subject::Subject;

/// What the store says about one subject.
pub(crate) struct Inputs {
    /// Cloud and cluster.
    pub(crate) key: TargetKey,
    /// Where the record of it is kept when the cloud is gone.
    pub(crate) tombstone: Option<Tombstone>,
    /// The wanted revision.
    pub(crate) revision: Arc<Revision>,
    /// That it is still the wanted one: held against every commit of the run. Nothing else can be wanted of a
    /// cloud that is gone.
    pub(crate) still_wanted: Option<(Key, Expect)>,
    /// Whether the cluster shall hold the slice.
    pub(crate) wish: Wish,
    /// The record may go when nothing is left: the cloud lives on without this cluster, or is gone.
    pub(crate) dropped: bool,
    /// What was recorded so far.
    pub(crate) target: Option<Versioned<Target>>,
    /// The hold of this cloud on the namespace in this cluster.
    pub(crate) reservation: Option<Versioned<Reservation>>,
    /// Credentials in this member.
    pub(crate) accesses: Vec<Versioned<Access>>,
    /// What users who keep their key gave: credentials are joined when they are needed, not frozen.
    pub(crate) requests: BTreeMap<UserName, String>,
    /// What was prepared of the mesh; read apart, and only where one is wished.
    pub(crate) mesh: MeshInputs,
}

impl Inputs {
    /// Whether the member certainly holds nothing of ours, so that nothing needs to be read first.
    pub(crate) fn is_fresh(&self) -> bool {
        self.target
            .as_ref()
            .is_none_or(|target| target.document.observed == Observed::Absent)
    }

    /// Whether something of ours may be outside of the namespace.
    pub(crate) fn reaches_out(&self) -> bool {
        let target = self.target.as_ref();
        target.is_some_and(|target| target.document.reaches_out)
    }

    /// Whether a service account is wished, or may have been made: the inventory is written before.
    pub(crate) fn may_have_accounts(&self) -> bool {
        let wished = self.revision.slice.users.iter();
        let target = self.target.as_ref().map(|target| &target.document);
        let inventory = target.into_iter().flat_map(|target| &target.inventory);
        wished
            .map(|user| user.credential)
            .any(|kind| kind == CredentialKind::ServiceAccount)
            || inventory
                .map(|object| object.kind.as_str())
                .any(|kind| kind == "ServiceAccount")
    }

    /// Whether a place is one of a mesh that is wished, or may be left.
    pub(crate) fn is_of_mesh(&self, place: &Place) -> bool {
        let wished = self.revision.slice.mesh.as_ref();
        if wished.is_some_and(|mesh| mesh::holds(mesh.name.as_str(), place)) {
            return true;
        }
        self.may_have_mesh()
            .is_some_and(|left| left.names.iter().any(|name| mesh::holds(name, place)))
    }

    /// What may be left of meshes, by the inventory.
    pub(crate) fn may_have_mesh(&self) -> Option<Left> {
        Left::of(self.target.as_ref().map(|target| &target.document))
    }

    /// The reservation without which nothing may be written; where the wish is absent nothing is.
    pub(crate) fn hold(&self) -> Option<Key> {
        let held = self.reservation.as_ref()?;
        (self.wish == Wish::Present).then(|| held.document.key())
    }

    /// The release of the reservation, if this cloud holds it. An action that relies on it asserts it
    /// and so touches it: then the release fails, and with it the commit that it is part of.
    pub(crate) fn release(&self) -> Option<(Key, Expect)> {
        let held = self.reservation.as_ref()?;
        Some((held.document.key(), Expect::Untouched(held.version)))
    }
}

/// Reads the inputs of a run; `None` when there is nothing to do.
pub(crate) async fn load(
    store: &dyn Store,
    revisions: &Revisions,
    key: &Subject,
) -> Result<Option<Inputs>, StoreError> {
    match key {
        Subject::Target(target) => load_target(store, revisions, target).await,
        Subject::Tombstone { id, .. } => load_rest(store, &Key::tombstone(*id)).await,
    }
}

/// What is left of a cloud that is gone: everything stands in the tombstone, but for the reservation.
async fn load_rest(store: &dyn Store, key: &Key) -> Result<Option<Inputs>, StoreError> {
    let Some(found) = store.read::<Tombstone>(key).await? else {
        return Ok(None);
    };
    let tombstone = found.document;
    let target = tombstone.target.clone();
    Ok(Some(Inputs {
        wish: Wish::Absent,
        dropped: true,
        reservation: reservation_of(store, &target.key, &tombstone.revision).await?,
        revision: Arc::new(tombstone.revision.clone()),
        still_wanted: None,
        key: target.key.clone(),
        target: Some(Versioned {
            document: target,
            version: found.version,
        }),
        accesses: Vec::new(),
        requests: BTreeMap::new(),
        mesh: MeshInputs::default(),
        tombstone: Some(tombstone),
    }))
}

/// The hold on the namespace, if it is this cloud's.
async fn reservation_of(
    store: &dyn Store,
    key: &TargetKey,
    revision: &Revision,
) -> Result<Option<Versioned<Reservation>>, StoreError> {
    let reservation = Key::reservation(&key.cluster, &revision.slice.namespace);
    let held = store.read::<Reservation>(&reservation).await?;
    Ok(held.filter(|held| held.document.cloud_uid == revision.cloud_uid))
}

async fn load_target(
    store: &dyn Store,
    revisions: &Revisions,
    key: &TargetKey,
) -> Result<Option<Inputs>, StoreError> {
    let lifecycle = Key::of_cloud(DocumentKind::Lifecycle, &key.cloud);
    let target_key = Key::target(key);
    let (lifecycle, target) = futures::future::try_join(
        store.read::<Lifecycle>(&lifecycle),
        store.read::<Target>(&target_key),
    )
    .await?;
    let Some(lifecycle) = lifecycle else {
        return Ok(None);
    };
    let still_wanted = (
        lifecycle.document.key(),
        Expect::Number(lifecycle.version.number),
    );
    let lifecycle = lifecycle.document;
    // Work on it rests; the next action asks for a run.
    if lifecycle.paused_at.is_some() {
        return Ok(None);
    }
    let revision = Key::revision(lifecycle.cloud_uid, lifecycle.generation);
    let Some(revision) = revisions.read(store, &revision).await? else {
        return Ok(None);
    };
    let is_member = revision.has_member(&key.cluster);
    let reservation = reservation_of(store, key, &revision).await?;
    // A wish that was overtaken before its first run leaves a reservation and no target.
    if !is_member && target.is_none() && reservation.is_none() {
        return Ok(None);
    }
    let accesses = store.read_all::<Access>(Scope::Under(key.path())).await?;
    let requests = given_requests(store, &revision).await?;
    Ok(Some(Inputs {
        wish: if is_member {
            Wish::Present
        } else {
            Wish::Absent
        },
        dropped: !is_member && revision.wish == Wish::Present,
        key: key.clone(),
        tombstone: None,
        revision,
        still_wanted: Some(still_wanted),
        target,
        reservation,
        accesses,
        requests,
        mesh: MeshInputs::default(),
    }))
}

/// The requests of those who keep their key, each for exactly the identity that the revision has: after a
/// revocation an earlier one is for nobody.
async fn given_requests(
    store: &dyn Store,
    revision: &Revision,
) -> Result<BTreeMap<UserName, String>, StoreError> {
    let mut requests = BTreeMap::new();
    let keeping = |user: &&RevisionUser| user.credential == CredentialKind::SigningRequest;
    for wanted in revision.slice.users.iter().filter(keeping) {
        let key = Key::user(&revision.cloud, &wanted.name);
        let Some(user) = store.read::<User>(&key).await? else {
            continue;
        };
        let given = user.document.signing_request;
        let given = given.filter(|_| user.document.uid == wanted.uid);
        let is_theirs = |pem: &String| {
            dcm_pki::check_request(pem).is_ok_and(|given| given.is_for(&wanted.identity))
        };
        if let Some(request) = given.filter(is_theirs) {
            requests.insert(wanted.name.clone(), request);
        }
    }
    Ok(requests)
}
