//! Every check is shown to fail: a member that breaks its word, or a history that was tampered with.

use std::sync::Arc;

use dcm_cluster::{Answer, Call, Object, Resource};
use dcm_store::{Batch, Expect, Scope, StoreExt as _};
use dcm_testkit::kubesim::{Member, Request, User};
use dcm_types::documents::{Access, Observed, Revision, Target};
use serde_json::json;

use super::doors::{Deed, Treason};
use super::scenario::{self, BOUND, Plan};
use super::stage::{Setting, Stage, in_virtual_time};
use super::wishes;

/// What R3 finds where members break their word.
fn found_in_r3(treason: Arc<Treason>) -> String {
    let outcome = scenario::run(Plan {
        treason: Some(treason),
        ..Plan::default()
    });
    outcome.violations.join("\n")
}

/// A cloud on the first two members, at rest.
async fn stage() -> (Stage, Revision) {
    let mut stage = Stage::new(Setting::plain());
    stage.start();
    stage.register(0..2).await;
    let members: Vec<_> = stage.clusters.iter().take(2).collect();
    let first = wishes::first(&stage.random, ("shop", "cloud"), &members, stage.now());
    stage.wish(&first).await;
    stage.rest(BOUND).await.unwrap();
    assert_eq!(stage.violations().await, [""; 0]);
    (stage, first)
}

async fn found(stage: &Stage) -> String {
    stage.violations().await.join("\n")
}

fn ask(member: &Member, user: &User, request: &Request) {
    let answer = member.request(user, request);
    assert!(answer.status < 300, "{}", answer.body);
}

async fn documents<D: dcm_types::Document>(stage: &Stage) -> Vec<D> {
    let all = stage.store.read_all::<D>(Scope::All).await.unwrap();
    all.into_iter().map(|found| found.document).collect()
}

fn batch<D: dcm_types::Document>(document: &D) -> Batch {
    let mut batch = Batch::new();
    batch.put(document, Expect::Anything).unwrap();
    batch
}

#[test]
fn delete_that_is_only_said_to_be_done_is_an_orphan() {
    let found = found_in_r3(Arc::new(|_, call| match call {
        Call::Delete(place, _) if place.resource == Resource::RoleBinding => {
            Deed::Pretend(Answer::Absent)
        }
        other => Deed::Pass(other),
    }));
    assert!(found.contains("I1: shop/cloud"), "{found}");
}

#[test]
fn wish_that_was_acknowledged_and_lost_is_found() {
    in_virtual_time(async {
        let (mut stage, first) = stage().await;
        let lost = Revision {
            generation: 2,
            ..first
        };
        stage.observer.wished(&lost);
        stage.wishes.insert(lost.cloud.clone(), lost);
        let why = stage.rest(BOUND).await.unwrap_err();
        assert!(why.contains("I2, I5") && why.contains("lost"), "{why}");
    });
}

#[test]
fn certificate_of_another_key_is_found() {
    in_virtual_time(async {
        let (stage, _) = stage().await;
        let mut accesses = documents::<Access>(&stage).await;
        let other = accesses.pop().unwrap().current.unwrap();
        let access = &mut accesses[0];
        let current = access.current.as_mut().unwrap();
        let key = current.proof.clone();
        current.proof = other.proof;
        if let (
            dcm_types::documents::Proof::Certificate { key: ours, .. },
            dcm_types::documents::Proof::Certificate { key, .. },
        ) = (&mut current.proof, key)
        {
            *ours = key;
        }
        stage.store.commit(batch(access)).await.unwrap();
        let found = found(&stage).await;
        assert!(found.contains("I3: "), "{found}");
    });
}

#[test]
fn epoch_that_goes_back_is_found() {
    in_virtual_time(async {
        let (stage, _) = stage().await;
        let mut access = documents::<Access>(&stage).await.remove(0);
        access.current = None;
        stage.observer.committed(&batch(&access));
        let found = found(&stage).await;
        assert!(found.contains("I3: epoch"), "{found}");
    });
}

#[test]
fn access_without_its_quota_is_found() {
    let found = found_in_r3(Arc::new(|_, call| match call {
        Call::Create(mut object) if object.kind() == "ResourceQuota" => {
            object.0["metadata"]["uid"] = json!("u");
            object.0["metadata"]["resourceVersion"] = json!("1");
            object.0["status"] = json!({ "hard": object.0["spec"]["hard"] });
            Deed::Pretend(Answer::Object(object))
        }
        other => Deed::Pass(other),
    }));
    assert!(found.contains("I4: "), "{found}");
}

#[test]
fn generation_that_goes_back_is_found() {
    in_virtual_time(async {
        let (mut stage, first) = stage().await;
        let second = Revision {
            generation: 2,
            ..first
        };
        stage.wish(&second).await;
        stage.rest(BOUND).await.unwrap();
        let member = &stage.members[0];
        let anchors = member.object("/api/v1/namespaces/dcm-system/configmaps");
        let anchors = anchors.unwrap();
        let mut names = anchors["items"].as_array().unwrap().iter();
        let anchor = names
            .find_map(|anchor| {
                anchor["metadata"]["name"]
                    .as_str()
                    .filter(|n| n.starts_with("anchor-"))
            })
            .unwrap();
        let back = json!({ "metadata": { "annotations": { "dcm.internal/generation": "1" } } });
        let path = format!("/api/v1/namespaces/dcm-system/configmaps/{anchor}");
        let backwards = Request::new("PATCH", &path)
            .with_body(&back)
            .with_media_type("application/merge-patch+json");
        ask(member, &User::admin(), &backwards);
        let found = found(&stage).await;
        assert!(found.contains("I6: "), "{found}");
    });
}

/// What is found when we write an object into the namespace of a stranger, or delete one there.
fn found_of_strangers(act: impl FnOnce(&Member, &Revision)) -> String {
    in_virtual_time(async {
        let (stage, first) = stage().await;
        let member = &stage.members[0];
        let stranger = User::named("stranger", &["system:masters"]);
        for (path, name) in [
            ("/api/v1/namespaces", "theirs"),
            ("/api/v1/namespaces/theirs/configmaps", "map"),
        ] {
            let object = json!({ "metadata": { "name": name } });
            ask(
                member,
                &stranger,
                &Request::new("POST", path).with_body(&object),
            );
        }
        act(member, &first);
        found(&stage).await
    })
}

#[test]
fn object_in_the_namespace_of_another_is_found() {
    let found = found_of_strangers(|member, revision| {
        let labels = json!({ "dcm.internal/cloud": revision.cloud_uid.to_string() });
        let object = json!({ "metadata": { "name": "ours", "labels": labels } });
        let path = "/api/v1/namespaces/theirs/configmaps";
        ask(
            member,
            &User::admin(),
            &Request::new("POST", path).with_body(&object),
        );
    });
    assert!(found.contains("I7: "), "{found}");
}

#[test]
fn foreign_object_that_we_delete_is_found() {
    let found = found_of_strangers(|member, _| {
        let path = "/api/v1/namespaces/theirs/configmaps/map";
        ask(member, &User::admin(), &Request::new("DELETE", path));
    });
    assert!(found.contains("I8: "), "{found}");
}

#[test]
fn status_that_says_more_than_there_is_is_found() {
    in_virtual_time(async {
        let (stage, first) = stage().await;
        let target = documents::<Target>(&stage).await.remove(0);
        let namespace = &first.slice.namespace;
        let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/limits");
        let stranger = User::named("stranger", &["system:masters"]);
        ask(&stage.members[0], &stranger, &Request::new("DELETE", &path));
        stage.observer.committed(&batch(&target));
        let mut absent = target;
        absent.observed = Observed::Absent;
        stage.observer.committed(&batch(&absent));
        let found = found(&stage).await;
        assert!(found.contains("is said to be known"), "{found}");
        assert!(found.contains("is said to be absent"), "{found}");
    });
}

/// Puts another request under the name of ours, and has it approved.
fn swap(member: &Member, approval: &Object) -> Call {
    let stranger = User::named("stranger", &["system:masters"]);
    let collection = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let path = format!("{collection}/{}", approval.name());
    ask(member, &stranger, &Request::new("DELETE", &path));
    let key = dcm_pki::UserKey::generate().unwrap();
    let request = dcm_pki::certificate_request(&key, "stranger").unwrap();
    let mut object = approval.0.clone();
    object["metadata"] = json!({ "name": approval.name(), "labels": object["metadata"]["labels"] });
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    object["spec"]["request"] = json!(encode(request.as_bytes()));
    ask(
        member,
        &stranger,
        &Request::new("POST", collection).with_body(&object),
    );
    let mut planted = member.object(&path).unwrap();
    planted["status"]["conditions"] = approval.0["status"]["conditions"].clone();
    Call::Approve(Object(planted))
}

#[test]
fn approval_of_a_foreign_request_is_found() {
    let found = found_in_r3(Arc::new(|member, call| match call {
        Call::Approve(approval) => Deed::Pass(swap(member, &approval)),
        other => Deed::Pass(other),
    }));
    assert!(found.contains("I14: "), "{found}");
}
