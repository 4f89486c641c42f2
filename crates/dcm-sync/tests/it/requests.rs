//! Certificate requests that come to nothing: denied, failed, answered wrongly, forgotten, never answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dcm_cluster::Call;
use dcm_cluster::meddling::Verdict;
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{CredentialKind, PendingCertificate, Revision, Target};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{Condition, ConditionStatus, TargetKey, Track};
use serde_json::{Value, json};

use crate::world::{
    PATIENCE, World, condition, is_ready, kubectl, kubectl_as, object, revision, target,
};

/// How a signer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Failed,
    SignedByAnother,
    SignedForAnother,
}

/// A revision without quotas, which nobody puts in force here.
fn plain(cluster: &dcm_types::ClusterKey) -> Revision {
    let mut revision = revision(&[cluster]);
    revision.slice.quotas.clear();
    revision
}

fn access(target: &Target) -> &Condition {
    condition(target, Track::Access)
}

async fn pending(world: &World, key: &TargetKey) -> PendingCertificate {
    let access = world.access(key, "alice").await.unwrap();
    access.pending.expect("a request is on its way")
}

async fn nudge(world: &World, key: &TargetKey) {
    let nudge = Nudge::Cloud(key.cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
}

async fn until_reason(world: &World, key: &TargetKey, reason: &str) -> Target {
    world
        .until(key, reason, |target| {
            target.conditions.iter().any(|c| c.reason == reason)
        })
        .await
}

/// A certificate for a request, signed by an authority that the cluster does not know.
fn sign(request_pem: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("request"), request_pem).unwrap();
    let authority = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=other -keyout {} -out {}",
        path("key"),
        path("authority")
    );
    let certificate = format!(
        "x509 -req -days 7 -in {} -CA {} -CAkey {} -CAcreateserial -out {}",
        path("request"),
        path("authority"),
        path("key"),
        path("certificate")
    );
    for line in [authority, certificate] {
        let output = std::process::Command::new("openssl")
            .args(line.split(' '))
            .output()
            .expect("openssl is installed");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {told}");
    }
    std::fs::read_to_string(path("certificate")).unwrap()
}

/// Answers a request as a signer does, through its status.
fn answer(plane: &ControlPlane, request: &PendingCertificate, identity: &str, how: Answer) {
    let name = &request.request_name;
    let mut csr = object(plane, &["csr", name]).unwrap();
    let mut give = |pem: &str| {
        csr["status"]["certificate"] = json!(base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            pem
        ));
    };
    match how {
        Answer::SignedByAnother => give(&sign(&request.request_pem)),
        Answer::SignedForAnother => {
            let key = dcm_pki::UserKey::generate().unwrap();
            give(&sign(
                &dcm_pki::certificate_request(&key, identity).unwrap(),
            ));
        }
        Answer::Failed => {
            let conditions = csr["status"]["conditions"].as_array_mut().unwrap();
            conditions.push(json!({
                "type": "Failed", "status": "True", "reason": "SignerValidationFailure",
                "message": "the signer is out of ink",
            }));
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csr.to_string()).unwrap();
    let path = format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}/status");
    let file = file.path().to_str().unwrap();
    kubectl(plane, &["replace", "--raw", &path, "-f", file]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_to_nothing_blocks_access_and_is_made_anew() {
    let planes = ControlPlane::start_many(1).unwrap();
    let plane = &planes[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    plane.stop_controller_manager();

    let mut waiting = Vec::new();
    for (how, reason, told) in [
        (Answer::Failed, "CertificateRefused", "out of ink"),
        (Answer::SignedByAnother, "CertificateMismatch", "authority"),
        (
            Answer::SignedForAnother,
            "CertificateMismatch",
            "another key",
        ),
    ] {
        let revision = plain(&one);
        let key = target(&revision, &one);
        world.wish(&revision).await;
        let seen = until_reason(&world, &key, "WaitsForSigner").await;
        assert!(
            access(&seen)
                .hint
                .as_ref()
                .unwrap()
                .contains("service-account")
        );
        let request = pending(&world, &key).await;
        answer(plane, &request, &revision.slice.users[0].identity, how);
        let seen = until_reason(&world, &key, reason).await;
        assert_eq!(access(&seen).status, ConditionStatus::Blocked, "{how:?}");
        assert!(access(&seen).message.contains(told), "{:?}", access(&seen));
        assert!(world.access(&key, "alice").await.unwrap().current.is_none());
        waiting.push((key, request));
    }

    // One is collected before an hour is over: the same request is sent again.
    let young = plain(&one);
    let key = target(&young, &one);
    world.wish(&young).await;
    until_reason(&world, &key, "WaitsForSigner").await;
    let request = pending(&world, &key).await;
    let name = request.request_name.as_str();
    let uid = |csr: Option<Value>| csr.map(|csr| csr["metadata"]["uid"].clone());
    let before = uid(object(plane, &["csr", name]));
    kubectl(plane, &["delete", "csr", name]);
    let started = Instant::now();
    loop {
        let now = uid(object(plane, &["csr", name]));
        if now.is_some() && now != before {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "it was not sent again");
    }
    assert_eq!(pending(&world, &key).await, request);
    waiting.push((key, request));

    // A user with a token needs no signer.
    let mut robot = plain(&one);
    robot.slice.users[0].credential = CredentialKind::ServiceAccount;
    let key = target(&robot, &one);
    world.wish(&robot).await;
    world.ready(&key, 1).await;
    let token = world.access(&key, "alice").await.unwrap();
    assert!(kubectl_as(plane, &world.kubeconfig(&token), &["get", "configmaps"]).0);

    // After an hour the cluster has forgotten them: others are made, with other keys.
    world.clock.advance(Duration::from_mins(61));
    kubectl(plane, &["delete", "csr", &waiting[3].1.request_name]);
    plane.start_controller_manager().unwrap();
    for (key, old) in &waiting {
        let started = Instant::now();
        while !is_ready(&world.target(key).await.unwrap(), 1) {
            nudge(&world, key).await;
            assert!(started.elapsed() < PATIENCE, "{key}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let access = world.access(key, "alice").await.unwrap();
        assert!(access.current.as_ref().unwrap().epoch > old.epoch, "{key}");
        let (ok, text) = kubectl_as(plane, &world.kubeconfig(&access), &["get", "configmaps"]);
        assert!(ok, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_request_blocks_access_and_a_denied_renewal_is_told() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let deny = || {
        world.ledger.judge(Some(Arc::new(move |_, call: &Call| {
            if let Call::Approve(request) = call
                && !request.name().contains("probe")
            {
                kubectl(plane, &["certificate", "deny", request.name()]);
            }
            Verdict::Pass
        })));
    };
    deny();
    let unlucky = revision(&[&one]);
    let key = target(&unlucky, &one);
    world.wish(&unlucky).await;
    let seen = until_reason(&world, &key, "CertificateRefused").await;
    assert_eq!(access(&seen).status, ConditionStatus::Blocked);
    assert!(access(&seen).hint.is_some());

    world.ledger.judge(None);
    let lucky = revision(&[&one]);
    let key = target(&lucky, &one);
    world.wish(&lucky).await;
    world.ready(&key, 1).await;
    let issued = world.access(&key, "alice").await.unwrap();
    world.quiet(Duration::from_millis(300)).await;
    deny();
    world.clock.advance(Duration::from_hours(3 * 24));
    nudge(&world, &key).await;
    let seen = until_reason(&world, &key, "CertificateRefused").await;
    assert_eq!(
        access(&seen).status,
        ConditionStatus::True,
        "it still holds"
    );
    assert!(access(&seen).message.contains("the next does not come"));
    assert!(is_ready(&seen, 1));
    let now = world.access(&key, "alice").await.unwrap();
    assert_eq!(now.current, issued.current);
    assert!(kubectl_as(plane, &world.kubeconfig(&now), &["get", "configmaps"]).0);

    // At its end nothing is in force any more, and that is said, too.
    world.clock.advance(Duration::from_hours(5 * 24));
    nudge(&world, &key).await;
    world
        .until(&key, "not in force", |target| {
            access(target).status != ConditionStatus::True
        })
        .await;
}
