//! What the real `istioctl` renders, on real control planes: written once, and never again.

use std::sync::LazyLock;
use std::time::Duration;

use dcm_istioctl::Istioctl;
use dcm_mesh::renderer::MeshRenderer as _;
use dcm_mesh::{Images, Member, Mesh, values};
use dcm_testkit::{ControlPlane, IstioAssets, shared_control_planes};
use dcm_types::documents::{ManifestDigest, MeshManifest, MeshMode, Revision, Target};
use dcm_types::{ConditionStatus, Track};

use super::authorities::{FIRST, Fake, version};
use super::prepared::{document, mesh, peer};
use crate::world::{World, condition, kubectl, object, owned, quick, revision, target, terminated};
use dcm_store::Expect;
use dcm_sync::{Config, Time};

static ISTIOCTL: LazyLock<Istioctl> =
    LazyLock::new(|| Istioctl::new(&IstioAssets::obtain().unwrap().istioctl).unwrap());

fn rendered(revision: &Revision) -> MeshManifest {
    let wished = revision.slice.mesh.clone().unwrap();
    let mesh = Mesh {
        id: wished.name.to_string(),
        name: wished.name,
        trust_domain: "shop.mesh.internal".to_owned(),
        images: Images::new(&wished.hub, &wished.tag).unwrap(),
    };
    let operator = values::operator(&mesh, &Member::stand_in());
    let text = ISTIOCTL.render(&operator).unwrap();
    let digest = ManifestDigest::of(&text);
    MeshManifest {
        cloud_uid: revision.cloud_uid,
        digest,
        renderer_version: ISTIOCTL.version().unwrap(),
        text,
    }
}

fn patient() -> Config {
    Config {
        run_deadline: Time::seconds(20),
        call_deadline: Time::seconds(10),
        ..quick()
    }
}

/// Everything of the mesh in no namespace or in its own, by kind.
fn of_mesh(plane: &ControlPlane, revision: &Revision) -> Vec<String> {
    let kinds = "secrets,services,deployments,horizontalpodautoscalers,poddisruptionbudgets,mutatingwebhookconfigurations,\
        validatingwebhookconfigurations,gateways.networking.istio.io,peerauthentications";
    let selector = format!("dcm.internal/cloud={}", revision.cloud_uid);
    let text = kubectl(plane, &["get", kinds, "-A", "-l", &selector, "-o", "name"]);
    let names = text.lines().filter(|line| line.contains('/'));
    names.map(str::to_owned).collect()
}

fn is_made(target: &Target) -> bool {
    let mesh = target.conditions.iter().find(|c| c.track == Track::Mesh);
    target.applied_generation == Some(1)
        && mesh.is_some_and(|mesh| mesh.reason == "ControlPlaneNotRunning")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_istioctl_renders_is_written_once_and_goes_without_a_rest() {
    let plane = &shared_control_planes(2)[0];
    let mut world = World::with(patient());
    let fake = Fake::default();
    world.authorities = Some(fake.authorities());
    world.restart().await;
    let one = world.register("one", plane.kubeconfig()).await;
    let mut revision = revision(&[&one]);
    revision.slice.mesh = mesh(&revision, MeshMode::Istio);
    let key = target(&revision, &one);
    let manifest = rendered(&revision);
    let mut prepared = document(&fake, &revision, &key, FIRST);
    prepared.manifest = Some(manifest.digest.clone());
    prepared.peers = vec![peer(&one, Some("192.0.2.9"))];
    world.put(&manifest, Expect::Absent).await;
    world.put(&prepared, Expect::Absent).await;
    world.wish(&revision).await;
    let made = world.until(&key, "made", is_made).await;
    for track in Track::USUAL {
        assert_eq!(
            condition(&made, track).status,
            ConditionStatus::True,
            "{track:?}"
        );
    }
    assert!(
        of_mesh(plane, &revision).len() >= 11,
        "{:?}",
        of_mesh(plane, &revision)
    );

    // The second run, and that of a synchronizer that has just started, change nothing.
    world.quiet(Duration::from_secs(1)).await;
    world.ledger.clear();
    world.restart().await;
    world.quiet(Duration::from_secs(2)).await;
    assert!(!world.ledger.calls().is_empty(), "the second run looked");
    let mutations = world.ledger.mutations();
    assert!(mutations.is_empty(), "{mutations:?}");

    // A renewed bundle changes its Secret alone.
    prepared.bundle = Some(fake.issue(&key, &revision, version(2, 1, 1)));
    world.put(&prepared, Expect::Exists).await;
    let nudge = dcm_types::ports::Nudge::Cloud(revision.cloud.clone());
    dcm_types::ports::Synchronizer::nudge(&world.handle, nudge)
        .await
        .unwrap();
    world.quiet(Duration::from_secs(2)).await;
    assert_eq!(
        world.ledger.mutations(),
        ["claim-fields Secret", "apply Secret"]
    );
    let name = revision.slice.mesh.clone().unwrap().name.to_string();
    let secret = object(plane, &["secret", "cacerts", "-n", &name]).unwrap();
    assert_eq!(
        secret["metadata"]["annotations"]["dcm.internal/bundle"],
        "2.1.1"
    );

    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    assert_eq!(of_mesh(plane, &revision), Vec::<String>::new());
    assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
    assert!(object(plane, &["crd", "gateways.networking.istio.io"]).is_some());
}
