//! A world with meshes: a real CA controller behind something that fails when it is told to, and a renderer that
//! counts.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use dcm_app::{App, Meshes, Precondition, Prepared, Thorough};
use dcm_ca::Controller;
use dcm_mesh::{Error, MeshRenderer, Template};
use dcm_store::{Scope, StoreExt as _, Versioned};
use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, AuthoritySummary, BundleSummary, CaAuditReport, CaBundle,
    CaChange, CaController, Evidence, ImportAuthority, InstallSigned, Requester, RotationState,
    StartRotation,
};
use dcm_types::documents::ca::CaEdge;
use dcm_types::documents::{MeshManifest, MeshMode, ServiceMesh};
use dcm_types::drafts::MeshDraft;
use dcm_types::ports::PortError;
use dcm_types::{CloudKey, Kind, TargetKey};
use futures::stream::BoxStream;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use crate::world::{World, cloud_draft, cloud_key, cluster, who};

/// A manifest with what differs between members.
const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\n\
    metadata: {name: 'istio-${REVISION}', namespace: '${NAMESPACE}'}\n\
    data: {cluster: '${CLUSTER}', network: '${NETWORK}', image: '${HUB}/pilot:${TAG}'}\n";

/// Counts what it renders.
pub(crate) struct Counting {
    template: Template,
    version: Mutex<String>,
    fails: AtomicBool,
    rendered: AtomicUsize,
}

impl Counting {
    pub(crate) fn new(version: &str) -> Arc<Self> {
        Arc::new(Self {
            template: Template::new(TEMPLATE, version).unwrap(),
            version: Mutex::new(version.to_owned()),
            fails: AtomicBool::new(false),
            rendered: AtomicUsize::new(0),
        })
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn rendered(&self) -> usize {
        self.rendered.load(Ordering::SeqCst)
    }
}

impl MeshRenderer for Counting {
    fn version(&self) -> Result<String, Error> {
        Ok(self.version.lock().clone())
    }

    fn render(&self, operator: &Value) -> Result<String, Error> {
        self.rendered.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::Render("the program failed: out of ink".to_owned()));
        }
        self.template.render(operator)
    }
}

/// The real controller, until it is told to be away, or to do something and never answer.
pub(crate) struct Shaky {
    inner: Controller,
    away: AtomicBool,
    /// Calls until the one whose answer is lost.
    left: AtomicUsize,
    lost: Notify,
    issued_for: AtomicUsize,
}

impl Shaky {
    pub(crate) fn on(world: &World) -> Arc<Self> {
        Arc::new(Self {
            inner: world.controller(),
            away: AtomicBool::new(false),
            left: AtomicUsize::new(usize::MAX),
            lost: Notify::new(),
            issued_for: AtomicUsize::new(0),
        })
    }

    pub(crate) fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The call with this number, from 0, is done and not answered.
    pub(crate) fn lose_answer(&self, number: usize) {
        self.left.store(number, Ordering::SeqCst);
    }

    pub(crate) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// How often a bundle was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.issued_for.load(Ordering::SeqCst)
    }

    fn reach(&self) -> Result<(), PortError> {
        if self.away.load(Ordering::SeqCst) {
            let message = "the CA controller does not answer";
            return Err(PortError::new(Kind::Unavailable, message));
        }
        Ok(())
    }

    async fn answer<T>(&self, answer: T) -> T {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.lost.notify_one();
            std::future::pending::<()>().await;
        }
        answer
    }
}

#[async_trait]
impl CaController for Shaky {
    async fn ensure_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        self.issued_for.fetch_add(1, Ordering::SeqCst);
        self.reach()?;
        self.answer(self.inner.ensure_bundle(target).await).await
    }

    async fn get_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        self.inner.get_bundle(target).await
    }

    async fn list_bundles(&self, cloud: &CloudKey) -> Result<Vec<BundleSummary>, PortError> {
        self.inner.list_bundles(cloud).await
    }

    async fn release(&self, target: &TargetKey, by: &Requester) -> Result<(), PortError> {
        self.reach()?;
        self.answer(self.inner.release(target, by).await).await
    }

    async fn show(&self, scope: &AuthorityScope) -> Result<AuthoritySummary, PortError> {
        self.reach()?;
        self.answer(self.inner.show(scope).await).await
    }

    async fn start_rotation(
        &self,
        rotation: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        self.inner.start_rotation(rotation, by).await
    }

    async fn get_rotation(&self, cloud: &CloudKey) -> Result<RotationState, PortError> {
        self.inner.get_rotation(cloud).await
    }

    async fn abort_rotation(
        &self,
        cloud: &CloudKey,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        self.inner.abort_rotation(cloud, by).await
    }

    async fn revoke(&self, target: &TargetKey, by: &Requester) -> Result<BundleSummary, PortError> {
        self.inner.revoke(target, by).await
    }

    async fn report_evidence(&self, evidence: &Evidence) -> Result<(), PortError> {
        self.inner.report_evidence(evidence).await
    }

    fn watch(&self) -> BoxStream<'static, CaChange> {
        self.inner.watch()
    }

    async fn authority_request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, PortError> {
        self.inner.authority_request(scope, by).await
    }

    async fn install_signed(
        &self,
        answer: &InstallSigned,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        self.inner.install_signed(answer, by).await
    }

    async fn import(
        &self,
        import: ImportAuthority,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        self.inner.import(import, by).await
    }

    async fn verify_audit(&self, scope: &AuthorityScope) -> Result<CaAuditReport, PortError> {
        self.inner.verify_audit(scope).await
    }
}

/// A world whose server makes meshes.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) app: App,
    pub(crate) ca: Arc<Shaky>,
    pub(crate) renderer: Arc<Counting>,
    pub(crate) key: CloudKey,
}

impl Site {
    /// With a cloud in these clusters, instantiated.
    pub(crate) async fn with(world: World, mode: MeshMode, clusters: &[&str]) -> Self {
        let ca = Shaky::on(&world);
        let renderer = Counting::new("1");
        let app = world.another_with(ca.clone(), meshes(&renderer));
        world.register(clusters).await;
        world.project("p").await;
        let site = Self {
            key: cloud_key("p", "lc"),
            world,
            app,
            ca,
            renderer,
        };
        let draft = dcm_types::drafts::LogicalCloudDraft {
            mesh: wished(mode),
            ..cloud_draft("lc")
        };
        let project = &site.key.project;
        site.app
            .create_logical_cloud(&who(), project, draft)
            .await
            .unwrap();
        for name in clusters {
            site.world.refer(&site.key, name).await;
        }
        site.app.instantiate(&who(), &site.key).await.unwrap();
        site.world.synchronizer.nudges();
        site
    }

    /// Another process on the same documents.
    pub(crate) fn another(&self) -> App {
        let ca = Shaky::on(&self.world);
        self.world.another_with(ca, meshes(&self.renderer))
    }

    pub(crate) async fn prepare(&self) -> Prepared {
        let prepared = self.app.prepare_mesh(&self.key, Thorough::Due).await;
        prepared.unwrap()
    }

    /// Writes another mode, and lets it count.
    pub(crate) async fn change_mode(&self, mode: MeshMode) {
        let draft = dcm_types::drafts::LogicalCloudDraft {
            mesh: wished(mode),
            ..cloud_draft("lc")
        };
        self.app
            .put_logical_cloud(&who(), &self.key, draft, Precondition::None)
            .await
            .unwrap();
        self.app.update(&who(), &self.key).await.unwrap();
    }

    pub(crate) async fn put_address(&self, name: &str, address: &str) {
        let address: IpAddr = address.parse().unwrap();
        let cluster = cluster(name);
        let none = Precondition::None;
        self.app
            .put_reference_of(&who(), &self.key, &cluster, Some(address), none)
            .await
            .unwrap();
    }

    pub(crate) async fn documents(&self) -> Vec<Versioned<ServiceMesh>> {
        self.world.store.read_all(Scope::All).await.unwrap()
    }

    pub(crate) async fn document(&self, name: &str) -> ServiceMesh {
        let found = self.documents().await;
        let mut documents = found.into_iter().map(|found| found.document);
        documents
            .find(|document| document.key.cluster == cluster(name))
            .unwrap()
    }

    /// Names of the clusters that have a document.
    pub(crate) async fn prepared(&self) -> Vec<String> {
        let documents = self.documents().await.into_iter();
        documents
            .map(|found| found.document.key.cluster.cluster.to_string())
            .collect()
    }

    pub(crate) async fn manifests(&self) -> Vec<MeshManifest> {
        let found = self.world.store.read_all(Scope::All).await.unwrap();
        found.into_iter().map(|found| found.document).collect()
    }

    /// Clusters for which the CA controller has an edge, with the generation of each.
    pub(crate) async fn edges(&self) -> Vec<(String, u64)> {
        let found = self.world.store.read_all::<CaEdge>(Scope::All).await;
        let edges = found.unwrap().into_iter().map(|found| found.document);
        edges
            .map(|edge| {
                let generation = edge.current().unwrap().generation;
                (edge.target.cluster.cluster.to_string(), generation)
            })
            .collect()
    }

    /// Where a member is told that another one is reached.
    pub(crate) async fn told(&self, member: &str, of: &str) -> Option<String> {
        let document = self.document(member).await;
        let mut peers = document.peers.into_iter();
        peers
            .find(|peer| peer.cluster == cluster(of))
            .unwrap()
            .address
    }
}

pub(crate) fn meshes(renderer: &Arc<Counting>) -> Meshes {
    Meshes {
        default_mode: MeshMode::Off,
        hub: "registry.example/istio".to_owned(),
        tag: "1.30.3".to_owned(),
        renderer: Some(renderer.clone()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as drafts want it")]
pub(crate) fn wished(mode: MeshMode) -> Option<MeshDraft> {
    Some(MeshDraft {
        mode: Some(mode),
        ..MeshDraft::default()
    })
}
