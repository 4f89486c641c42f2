//! Worlds with a mesh: documents as the step that prepares writes them, and what stands in for a control plane.

use std::collections::BTreeSet;
use std::time::Duration;

use dcm_store::Expect;
use dcm_testkit::kubesim::{Member, Request, User};
use dcm_types::ca::BundleVersion;
use dcm_types::documents::{
    ManifestDigest, MeshManifest, MeshMode, MeshPeer, Revision, RevisionMesh, ServiceMesh, Target,
};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ClusterKey, MeshName, TargetKey, Timestamp, Track};
use serde_json::{Value, json};

use super::authorities::{FIRST, Fake};
use super::manifest;
use crate::world::{World, condition, next, revision, target};

/// A world of one simulated member, and a cloud with a mesh in it that nobody has wished yet.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) member: Member,
    pub(super) cluster: ClusterKey,
    pub(super) fake: Fake,
    pub(super) revision: Revision,
    pub(super) key: TargetKey,
}

pub(super) fn mesh(revision: &Revision, mode: MeshMode) -> Option<RevisionMesh> {
    (mode != MeshMode::Off).then(|| RevisionMesh {
        mode,
        name: MeshName::of("shop", &revision.slice.namespace.to_string()),
        hub: "registry.example".to_owned(),
        tag: "1.31.0".to_owned(),
        remote_secrets: false,
    })
}

impl Scene {
    pub(super) async fn new(mode: MeshMode) -> Self {
        let (mut world, mut members) = World::simulated(&["one"]);
        let fake = Fake::default();
        world.authorities = Some(fake.authorities());
        world.restart().await;
        let member = members.remove(0);
        let cluster = world.register("one", &member.kubeconfig().unwrap()).await;
        let mut revision = revision(&[&cluster]);
        revision.slice.mesh = mesh(&revision, mode);
        let key = target(&revision, &cluster);
        Self {
            world,
            member,
            cluster,
            fake,
            revision,
            key,
        }
    }

    /// With everything wished, prepared, made, and running.
    pub(super) async fn running(mode: MeshMode) -> Self {
        let scene = Self::new(mode).await;
        scene.world.wish(&scene.revision).await;
        if mode != MeshMode::Off {
            scene.prepare(FIRST).await;
        }
        scene.until_made().await;
        if mode == MeshMode::Istio {
            scene.run_control_plane();
            scene.nudge().await;
        }
        scene.world.ready(&scene.key, 1).await;
        scene
    }

    pub(super) fn name(&self) -> String {
        MeshName::of("shop", &self.revision.slice.namespace.to_string()).to_string()
    }

    /// Prepares the present revision with this bundle, and tells of it.
    pub(super) async fn prepare(&self, version: BundleVersion) {
        let document = self.document(version);
        self.write(&document).await;
    }

    pub(super) fn document(&self, version: BundleVersion) -> ServiceMesh {
        document(&self.fake, &self.revision, &self.key, version)
    }

    pub(super) async fn write(&self, document: &ServiceMesh) {
        write(&self.world, document).await;
        self.nudge().await;
    }

    pub(super) async fn nudge(&self) {
        let cloud = Nudge::Cloud(self.revision.cloud.clone());
        self.world.handle.nudge(cloud).await.unwrap();
    }

    /// Waits until everything is written, whether or not it runs.
    pub(super) async fn until_made(&self) -> Target {
        let generation = self.revision.generation;
        let made = |target: &Target| {
            let written = |track: &dcm_types::Condition| {
                track.status == dcm_types::ConditionStatus::True
                    || track.reason == "ControlPlaneNotRunning"
            };
            target.applied_generation == Some(generation)
                && matches!(
                    target.observed,
                    dcm_types::documents::Observed::Known { .. }
                )
                && target.conditions.iter().all(written)
        };
        self.world.until(&self.key, "made", made).await
    }

    /// Waits until the mesh is told to be so.
    pub(super) async fn until_told(&self, reason: &str) -> Target {
        let what = format!("the mesh {reason}");
        let told = |target: &Target| {
            let mesh = target.conditions.iter().find(|c| c.track == Track::Mesh);
            mesh.is_some_and(|condition| condition.reason == reason)
        };
        let target = self.world.until(&self.key, &what, told).await;
        assert_eq!(condition(&target, Track::Mesh).reason, reason);
        target
    }

    /// The next revision, in another mode.
    pub(super) fn changed(&mut self, mode: MeshMode) {
        self.revision = next(&self.revision);
        self.revision.slice.mesh = mesh(&self.revision, mode);
    }

    /// What a control plane does: it has a pod, takes its webhooks over, and shows its anchors.
    pub(super) fn run_control_plane(&self) {
        let name = self.name();
        let admin = User::named("istiod", &["system:masters"]);
        let deployment = format!("/apis/apps/v1/namespaces/{name}/deployments/istiod-{name}");
        let mut live = self.member.object(&deployment).unwrap();
        live["status"] = json!({ "conditions": [{ "type": "Available", "status": "True" }] });
        let put = Request::new("PUT", &format!("{deployment}/status")).with_body(&live);
        let answer = self.member.request(&admin, &put);
        assert_eq!(answer.status, 200, "{}", answer.body);
        for (plural, prefix) in [
            ("mutatingwebhookconfigurations", "istio-sidecar-injector"),
            ("validatingwebhookconfigurations", "istio-validator"),
        ] {
            let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/{prefix}-{name}");
            let mut live = self.member.object(&path).unwrap();
            live["webhooks"][0]["clientConfig"]["caBundle"] = json!("YQ==");
            live["webhooks"][0]["failurePolicy"] = json!("Fail");
            let put = Request::new("PUT", &path).with_body(&live);
            assert_eq!(self.member.request(&admin, &put).status, 200);
        }
    }

    /// Shows anchors in the namespace of the cloud.
    pub(super) fn show_anchors(&self, anchors: &str) {
        let namespace = self.revision.slice.namespace.to_string();
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let map = json!({ "metadata": { "name": "istio-ca-root-cert" }, "data": { "root-cert.pem": anchors } });
        let admin = User::named("istiod", &["system:masters"]);
        let place = format!("{path}/istio-ca-root-cert");
        self.member.request(&admin, &Request::new("DELETE", &place));
        let answer = self
            .member
            .request(&admin, &Request::new("POST", &path).with_body(&map));
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    pub(super) fn secret(&self) -> Option<Value> {
        let name = self.name();
        self.member
            .object(&format!("/api/v1/namespaces/{name}/secrets/cacerts"))
    }

    /// Everything of the mesh that is in the member.
    pub(super) fn objects(&self) -> BTreeSet<String> {
        objects(&self.member, &self.name())
    }

    /// What was changed in the member since the last look, once nothing more happens.
    pub(super) async fn mutations(&self) -> Vec<String> {
        self.world.quiet(Duration::from_millis(900)).await;
        let mutations = self.world.ledger.mutations();
        self.world.ledger.clear();
        mutations
    }
}

/// What a step that prepares would write.
pub(super) fn document(
    fake: &Fake,
    revision: &Revision,
    key: &TargetKey,
    version: BundleVersion,
) -> ServiceMesh {
    let mesh = revision.slice.mesh.clone().unwrap();
    let text = manifest::of(mesh.name.as_str());
    ServiceMesh {
        key: key.clone(),
        cloud_uid: revision.cloud_uid,
        generation: revision.generation,
        mode: mesh.mode,
        name: mesh.name,
        cluster_name: format!("member-{}", key.cluster.cluster),
        network: format!("net-{}", key.cluster.cluster),
        trust_domain: Some("shop.mesh.internal".to_owned()),
        bundle: Some(fake.issue(key, revision, version)),
        manifest: (mesh.mode == MeshMode::Istio).then(|| ManifestDigest::of(&text)),
        rendered_from: None,
        peers: Vec::new(),
        problem: None,
        prepared_at: Timestamp::UNIX_EPOCH,
    }
}

/// Another member of the mesh.
pub(super) fn peer(cluster: &ClusterKey, address: Option<&str>) -> MeshPeer {
    MeshPeer {
        cluster: cluster.clone(),
        cluster_name: "member-two".to_owned(),
        network: "net-two".to_owned(),
        address: address.map(str::to_owned),
    }
}

/// Writes a service mesh document, and the manifest that it names.
pub(super) async fn write(world: &World, document: &ServiceMesh) {
    if let Some(digest) = &document.manifest {
        let manifest = MeshManifest {
            cloud_uid: document.cloud_uid,
            digest: digest.clone(),
            renderer_version: "1".to_owned(),
            text: manifest::of(document.name.as_str()),
        };
        world.put(&manifest, Expect::Anything).await;
    }
    world.put(document, Expect::Anything).await;
}

/// Everything in the namespace of a mesh, and everything in none that has its name.
pub(super) fn objects(member: &Member, name: &str) -> BTreeSet<String> {
    const LISTS: [&str; 18] = [
        "/api/v1/namespaces",
        "/api/v1/configmaps",
        "/api/v1/secrets",
        "/api/v1/serviceaccounts",
        "/api/v1/services",
        "/apis/apps/v1/deployments",
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        "/apis/policy/v1/poddisruptionbudgets",
        "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/networking.istio.io/v1/gateways",
        "/apis/networking.istio.io/v1/serviceentries",
        "/apis/security.istio.io/v1/peerauthentications",
        "/apis/networking.k8s.io/v1/networkpolicies",
    ];
    let mut found = BTreeSet::new();
    for path in LISTS {
        let Some(list) = member.object(path) else {
            continue;
        };
        let plural = path.rsplit('/').next().unwrap();
        for item in list["items"].as_array().into_iter().flatten() {
            let metadata = &item["metadata"];
            let own = metadata["name"].as_str().unwrap();
            let inside = metadata["namespace"] == name;
            let wide = metadata.get("namespace").is_none() && own.contains(name);
            // What a cluster puts into every namespace.
            let of_cluster =
                own == "kube-root-ca.crt" || (plural == "serviceaccounts" && own == "default");
            if (inside || wide) && !of_cluster {
                found.insert(format!("{plural}/{}", own.replace(name, "NAME")));
            }
        }
    }
    found
}
