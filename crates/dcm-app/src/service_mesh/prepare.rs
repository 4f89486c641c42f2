//! Preparing a mesh: the bundle of each member, one manifest for all, and the service mesh documents that say so.
//!
//! May stop between any two steps, and may run twice at the same time: what was made is made once, documents are
//! written in one commit with everything that they rest on, and one that says the same already is not written.

use std::collections::{BTreeMap, BTreeSet};

use dcm_store::{Batch, Expect, Scope, StoreExt as _, Versioned};
use dcm_types::ca::{AuthorityScope, CaBundle};
use dcm_types::documents::{
    ClusterReference, LogicalCloud, ManifestDigest, MeshBundle, MeshMode, MeshProblem, ServiceMesh,
    Target,
};
use dcm_types::ports::{Nudge, PortError};
use dcm_types::{CloudKey, ClusterKey, Document as _, DocumentKind, Key, Kind, chain};

use super::plan::{Made, Scene};
use super::render::{Order, Rendered};
use crate::authorities::requester;
use crate::settle::settle;
use crate::{App, Error, Principal};

/// Which bundles are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Thorough {
    /// Those whose time has come.
    #[default]
    Due,
    /// All: the CA controller told of a change.
    All,
}

/// Whether a mesh is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// It is, or waits for somebody who will be heard.
    Done,
    /// Something did not work, and is to be tried again.
    Later,
}

impl App {
    /// Prepares the mesh of a logical cloud, whatever is missing of it.
    pub async fn prepare_mesh(
        &self,
        key: &CloudKey,
        thorough: Thorough,
    ) -> Result<Prepared, Error> {
        settle(|| self.try_prepare(key, thorough)).await
    }

    async fn try_prepare(&self, key: &CloudKey, thorough: Thorough) -> Result<Prepared, Error> {
        let Some(scene) = self.scene(key).await? else {
            return Ok(Prepared::Done);
        };
        let made = self.make(&scene, thorough).await;
        // Making took a while, and touched what the commit rests on.
        let Some(fresh) = self.scene(key).await? else {
            return Ok(Prepared::Done);
        };
        if fresh.revision != scene.revision {
            return Err(Error::raced());
        }
        self.write_down(&fresh, made).await
    }

    /// Reads what is decided on; `None`: there is nothing to decide.
    async fn scene(&self, key: &CloudKey) -> Result<Option<Scene>, Error> {
        let Some(cloud) = self.find::<LogicalCloud>(&Key::cloud(key)).await? else {
            return Ok(None);
        };
        if cloud.document.mesh.is_none() {
            return Ok(None);
        }
        let Some(lifecycle) = self.lifecycle_of(key).await? else {
            return Ok(None);
        };
        let revision = self.current_revision(&cloud, Some(&lifecycle)).await?;
        let revision = revision.ok_or_else(Error::raced)?;
        let below = || Scope::Under(key.path());
        let documents = self.store().read_all::<ServiceMesh>(below()).await?;
        let references = self.store().read_all::<ClusterReference>(below()).await?;
        let targets = self.store().read_all::<Target>(below()).await?;
        let scene = Scene {
            cloud,
            lifecycle,
            revision,
            documents: by_cluster(documents, |document| &document.key.cluster),
            references: references.into_iter().map(|found| found.document).collect(),
            targets: by_cluster(targets, |target| &target.key.cluster),
        };
        let nothing = scene.wish().is_none() && scene.documents.is_empty();
        Ok((!nothing).then_some(scene))
    }

    /// Gets what the wish asks for. What cannot be got becomes a problem of the members that miss it.
    async fn make(&self, scene: &Scene, thorough: Thorough) -> Made {
        let Some((mesh, members)) = scene.wish() else {
            return Made::default();
        };
        let due = match thorough {
            Thorough::Due => scene.due(self.now()),
            Thorough::All => members.iter().map(|member| &member.cluster).collect(),
        };
        let bundles = self.ask_for(scene, due).await;
        let trust_domain = self.trust_domain(scene).await;
        let manifest = match (mesh.mode, &trust_domain) {
            (MeshMode::Off | MeshMode::CaOnly, _) => None,
            (MeshMode::Istio, Ok(trust_domain)) => {
                let order = Order {
                    cloud_uid: scene.cloud.document.uid,
                    mesh: mesh.clone(),
                    trust_domain: trust_domain.clone(),
                };
                let known = |from: &ManifestDigest| rendered_from(scene, from);
                let meshes = self.meshes();
                Some(self.renderings().render(meshes, &order, known).await)
            }
            (MeshMode::Istio, Err(problem)) => Some(Err(problem.clone())),
        };
        Made {
            bundles,
            manifest,
            trust_domain: trust_domain.ok(),
        }
    }

    /// One after the other: who does not answer is not asked for every member.
    async fn ask_for(
        &self,
        scene: &Scene,
        due: Vec<&ClusterKey>,
    ) -> BTreeMap<ClusterKey, Result<MeshBundle, MeshProblem>> {
        let mut down = None;
        let mut bundles = BTreeMap::new();
        for cluster in due {
            let outcome = match &down {
                Some(problem) => Err(MeshProblem::clone(problem)),
                None => match self
                    .authorities()
                    .ensure_bundle(&scene.target_key(cluster))
                    .await
                {
                    Ok(bundle) => Ok(without_key(&bundle)),
                    Err(error) => {
                        let problem = refused(&error);
                        if is_down(&error) {
                            down = Some(problem.clone());
                        }
                        Err(problem)
                    }
                },
            };
            bundles.insert(cluster.clone(), outcome);
        }
        bundles
    }

    /// Kept from the first bundle on: an authority never changes it.
    async fn trust_domain(&self, scene: &Scene) -> Result<String, MeshProblem> {
        let mut documents = scene.documents.values();
        let known = documents.find_map(|found| found.document.trust_domain.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let scope = AuthorityScope::Cloud(scene.cloud.document.key.clone());
        let authority = self.authorities().show(&scope).await;
        let authority = authority.map_err(|error| refused(&error))?;
        authority.trust_domain.ok_or_else(|| MeshProblem {
            reason: "AuthorityRefused".to_owned(),
            message: "the authority of the logical cloud has no trust domain".to_owned(),
            hint: HINT.to_owned(),
        })
    }

    /// One commit with what changed, on everything that it was decided on.
    async fn write_down(&self, scene: &Scene, made: Made) -> Result<Prepared, Error> {
        let wanted = scene.wanted(&made, self.now());
        let mut prepared = Prepared::Done;
        let mut batch = Batch::new();
        let mut changed = false;
        for document in &wanted {
            let present = scene.documents.get(&document.key.cluster);
            if present.map(|found| &found.document) != Some(document) {
                let number = present.map(|found| found.version.number);
                batch.put(document, number.map_or(Expect::Absent, Expect::Number))?;
                changed = true;
                tell(document, present.map(|found| &found.document));
            }
            if document.problem.is_some() {
                prepared = Prepared::Later;
            }
        }
        let mut gone = BTreeSet::new();
        for found in scene.departed() {
            let cluster = &found.document.key.cluster;
            if self.release_edge(&found.document).await {
                batch.delete(found.document.key(), Expect::Number(found.version.number));
                batch.assert(
                    Key::target(&found.document.key),
                    still(scene.targets.get(cluster)),
                );
                gone.insert(cluster.clone());
                changed = true;
            } else {
                prepared = Prepared::Later;
            }
        }
        if !changed {
            return Ok(prepared);
        }
        keep_manifests(scene, (&wanted, &gone), made.manifest, &mut batch)?;
        let key = &scene.cloud.document.key;
        // References assert the cloud, so addresses and members are those that were read.
        batch.assert(Key::cloud(key), Expect::Untouched(scene.cloud.version));
        batch.assert(
            Key::of_cloud(DocumentKind::Lifecycle, key),
            Expect::Number(scene.lifecycle.version.number),
        );
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(dcm_store::Error::Precondition { .. }) => return Err(Error::raced()),
            Err(error) => return Err(error.into()),
        }
        self.nudge(Nudge::Cloud(key.clone())).await;
        Ok(prepared)
    }

    /// Says whether nothing waits for the edge any more. Before its document goes: that is what remembers it.
    async fn release_edge(&self, document: &ServiceMesh) -> bool {
        let by = requester(&Principal::background());
        let released = self.authorities().release(&document.key, &by).await;
        if let Err(error) = &released {
            tracing::warn!(member = %document.key, error = chain(error), "an edge is not released yet");
        }
        released.is_ok()
    }
}

fn by_cluster<D>(
    found: Vec<Versioned<D>>,
    cluster: impl Fn(&D) -> &ClusterKey,
) -> BTreeMap<ClusterKey, Versioned<D>> {
    let keyed = |found: Versioned<D>| (cluster(&found.document).clone(), found);
    found.into_iter().map(keyed).collect()
}

/// The manifest that was rendered from the same before.
fn rendered_from(scene: &Scene, from: &ManifestDigest) -> Option<ManifestDigest> {
    let mut documents = scene.documents.values().map(|found| &found.document);
    let found = documents.find(|document| document.rendered_from.as_ref() == Some(from))?;
    found.manifest.clone()
}

/// Stores a new manifest, and deletes those that no document names any more.
fn keep_manifests(
    scene: &Scene,
    (wanted, gone): (&[ServiceMesh], &BTreeSet<ClusterKey>),
    manifest: Option<Result<Rendered, MeshProblem>>,
    batch: &mut Batch,
) -> Result<(), Error> {
    let named: BTreeSet<Key> = wanted
        .iter()
        .filter_map(ServiceMesh::manifest_key)
        .collect();
    let replaced: BTreeSet<&ClusterKey> = wanted.iter().map(|one| &one.key.cluster).collect();
    let (mut kept, mut left) = (named, BTreeSet::new());
    for (cluster, found) in &scene.documents {
        let goes = gone.contains(cluster) || replaced.contains(cluster);
        let keys = if goes { &mut left } else { &mut kept };
        keys.extend(found.document.manifest_key());
    }
    for key in left.difference(&kept) {
        batch.delete(key.clone(), Expect::Anything);
    }
    if let Some(Ok(rendered)) = manifest
        && let Some(new) = rendered.new
    {
        // Its key is its content: one that is there is the same.
        batch.put(&new, Expect::Anything)?;
    }
    Ok(())
}

fn still<D>(found: Option<&Versioned<D>>) -> Expect {
    found.map_or(Expect::Absent, |found| Expect::Number(found.version.number))
}

fn without_key(bundle: &CaBundle) -> MeshBundle {
    MeshBundle {
        version: bundle.version,
        certificate_pem: bundle.certificate_pem.clone(),
        chain_pem: bundle.chain_pem.clone(),
        anchors_pem: bundle.anchors_pem.clone(),
        not_after: bundle.not_after,
        ask_again_at: bundle.ask_again_at,
    }
}

const HINT: &str = "it is tried again by itself; `dcm ca show` tells how the authority stands";

fn is_down(error: &PortError) -> bool {
    matches!(error.kind, Kind::Unavailable | Kind::TimedOut)
}

fn refused(error: &PortError) -> MeshProblem {
    let reason = if is_down(error) {
        "AuthorityUnavailable"
    } else {
        "AuthorityRefused"
    };
    MeshProblem {
        reason: reason.to_owned(),
        message: error.message.clone(),
        hint: HINT.to_owned(),
    }
}

/// Once, when it begins or is another one.
fn tell(document: &ServiceMesh, present: Option<&ServiceMesh>) {
    let before = present.and_then(|document| document.problem.as_ref());
    match &document.problem {
        Some(problem) if before != Some(problem) => tracing::warn!(
            member = %document.key,
            reason = problem.reason,
            message = problem.message,
            "a mesh cannot be prepared, it is tried again"
        ),
        None if before.is_some() => {
            tracing::info!(member = %document.key, "a mesh is prepared again");
        }
        _ => {}
    }
}
