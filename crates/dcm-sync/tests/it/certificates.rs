//! Certificates: planted requests are never approved (T20), a silent signer holds nothing else back.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use dcm_cluster::meddling::{Judge, Verdict};
use dcm_cluster::{Call, CallErrorKind};
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::{ConditionStatus, Track};
use serde_json::Value;

use crate::world::{World, condition, kubectl, kubectl_as, object, revision, target};

/// Puts a request of somebody else under a name, asking to be the controller manager.
fn plant(plane: &ControlPlane, name: &str) {
    let key = dcm_pki::UserKey::generate().unwrap();
    let request = dcm_pki::certificate_request(&key, "system:kube-controller-manager").unwrap();
    let manifest = serde_json::json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": { "name": name },
        "spec": {
            "request": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, request),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["digital signature", "client auth"],
        },
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), manifest.to_string()).unwrap();
    kubectl(plane, &["create", "-f", file.path().to_str().unwrap()]);
}

/// The moments at which an attacker acts.
#[derive(Debug, Clone, Copy)]
enum Moment {
    BeforeCreate,
    AfterLostCreate,
    BetweenCreateAndApprove,
    InsteadOfOurs,
    AfterApproval,
}

fn attack(
    plane: &'static ControlPlane,
    moment: Moment,
    planted: Arc<Mutex<Vec<String>>>,
) -> Arc<Judge> {
    let replace = move |name: &str| {
        kubectl(plane, &["delete", "csr", name, "--ignore-not-found"]);
        plant(plane, name);
    };
    Arc::new(move |_, call: &Call| {
        let mut planted = planted.lock().unwrap();
        let (Call::Create(object) | Call::Approve(object)) = call else {
            return Verdict::Pass;
        };
        if object.kind() != "CertificateSigningRequest" || planted.len() >= 2 {
            return Verdict::Pass;
        }
        let name = object.name().to_owned();
        // The test request of the health check is not what is attacked here.
        if planted.contains(&name) || name.contains("probe") {
            return Verdict::Pass;
        }
        match (moment, call) {
            (Moment::BeforeCreate, Call::Create(_)) => plant(plane, &name),
            (Moment::AfterLostCreate, Call::Create(_))
            | (Moment::AfterApproval, Call::Approve(_)) => {
                planted.push(name);
                return Verdict::FailAfter(CallErrorKind::Timeout);
            }
            (Moment::InsteadOfOurs, Call::Create(_)) => {
                plant(plane, &name);
                planted.push(name);
                return Verdict::FailBefore(CallErrorKind::Timeout);
            }
            (Moment::BetweenCreateAndApprove, Call::Approve(_)) => replace(&name),
            _ => return Verdict::Pass,
        }
        planted.push(name);
        Verdict::Pass
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_is_not_ours_is_never_approved() {
    let plane = &shared_control_planes(2)[0];
    let moments = [
        Moment::BeforeCreate,
        Moment::AfterLostCreate,
        Moment::BetweenCreateAndApprove,
        Moment::InsteadOfOurs,
        Moment::AfterApproval,
    ];
    for moment in moments {
        let world = World::new();
        let one = world.register("one", plane.kubeconfig()).await;
        let planted = Arc::new(Mutex::new(Vec::new()));
        world
            .ledger
            .judge(Some(attack(plane, moment, Arc::clone(&planted))));
        let revision = revision(&[&one]);
        world.wish(&revision).await;
        let key = target(&revision, &one);
        world.ready(&key, 1).await;
        let planted = planted.lock().unwrap().clone();
        assert!(!planted.is_empty(), "{moment:?}: the attacker acted");
        for name in &planted {
            let Some(request) = object(plane, &["csr", name]) else {
                continue;
            };
            let is_ours = request["metadata"]["labels"]
                .get("dcm.internal/cloud")
                .is_some();
            let conditions = request["status"]["conditions"]
                .as_array()
                .map_or(0, Vec::len);
            assert!(is_ours || conditions == 0, "{moment:?}: {request:#}");
        }
        // One current certificate, which matches its key and opens the namespace.
        let access = world.access(&key, "alice").await.unwrap();
        assert!(access.pending.is_none() && access.current.is_some());
        let tenant = world.kubeconfig(&access);
        let (ok, text) = kubectl_as(plane, &tenant, &["get", "configmaps"]);
        assert!(ok, "{moment:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_expires_as_asked_and_names_only_the_identity() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let ready = world.ready(&key, 1).await;
    let access = world.access(&key, "alice").await.unwrap();
    let current = access.current.as_ref().unwrap();
    let days = (current.not_after.as_second() - current.not_before.as_second()) / 86_400;
    assert_eq!(days, 7);
    let renewal = ready.check_at.unwrap().as_second() - current.not_before.as_second();
    let third = (current.not_after.as_second() - current.not_before.as_second()) / 3;
    assert!(
        (renewal - third).abs() <= 2,
        "renewed after a third: {renewal} of {third}"
    );
    let (ok, who) = kubectl_as(
        plane,
        &world.kubeconfig(&access),
        &["auth", "whoami", "-o", "json"],
    );
    assert!(ok, "{who}");
    let who: Value = serde_json::from_str(&who).unwrap();
    assert_eq!(
        who["status"]["userInfo"]["username"],
        revision.slice.users[0].identity.as_str()
    );
    assert_eq!(
        who["status"]["userInfo"]["groups"],
        serde_json::json!(["system:authenticated"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_signer_holds_back_access_only() {
    let planes = ControlPlane::start_many(1).unwrap();
    let plane = &planes[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let warm = revision(&[&one]);
    world.wish(&warm).await;
    world.ready(&target(&warm, &one), 1).await;
    plane.stop_controller_manager();
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let waiting = world
        .until(&key, "waiting", |target| {
            target
                .conditions
                .iter()
                .any(|c| c.reason == "WaitsForSigner")
        })
        .await;
    assert_eq!(
        condition(&waiting, Track::Namespace).status,
        ConditionStatus::True
    );
    assert_eq!(
        condition(&waiting, Track::Isolation).status,
        ConditionStatus::True
    );
    assert_eq!(condition(&waiting, Track::Quota).reason, "NotInForce");
    let namespace = revision.slice.namespace.as_str();
    let bindings = kubectl(
        plane,
        &["get", "rolebindings", "-n", namespace, "-o", "name"],
    );
    assert_eq!(bindings.trim(), "", "no right before quota and certificate");
    plane.start_controller_manager().unwrap();
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_renewed_after_a_third_of_its_life_without_a_gap() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let first = world.access(&key, "alice").await.unwrap();
    let first_kubeconfig = world.kubeconfig(&first);
    world.quiet(Duration::from_millis(300)).await;
    world.ledger.clear();
    world.clock.advance(Duration::from_hours(3 * 24));
    let nudge = dcm_types::ports::Nudge::Cloud(revision.cloud.clone());
    dcm_types::ports::Synchronizer::nudge(&world.handle, nudge)
        .await
        .unwrap();
    let started = std::time::Instant::now();
    let second = loop {
        let access = world.access(&key, "alice").await.unwrap();
        let current = access
            .current
            .as_ref()
            .expect("there is one at every moment");
        assert!(current.usable);
        if current.epoch > first.current.as_ref().unwrap().epoch {
            break access;
        }
        assert!(started.elapsed() < crate::world::PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let second_kubeconfig = world.kubeconfig(&second);
    assert_ne!(first_kubeconfig, second_kubeconfig);
    for kubeconfig in [first_kubeconfig, second_kubeconfig] {
        let (ok, text) = kubectl_as(plane, &kubeconfig, &["get", "configmaps"]);
        assert!(ok, "{text}");
    }
    let bindings = world
        .ledger
        .mutations()
        .into_iter()
        .filter(|name| name.contains("RoleBinding"));
    assert_eq!(bindings.count(), 0, "a renewal does not touch bindings");
}
