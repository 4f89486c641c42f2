//! Tombstones over REST: shown, selected, written off on purpose only; and what else is done on purpose.

use dcm_store::{Batch, Expect, StoreExt as _};
use dcm_types::documents::{
    LastError, Lifecycle, ObjectIdentity, Observed, Project, Revision, Target, Tombstone,
};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, DocumentKind, Key, ProjectName, ProviderName,
    TargetKey, Timestamp, Uid,
};
use http::{Method, StatusCode};
use serde_json::json;

use crate::server::{CLOUD, Server};

const ID: &str = "0b5e1c7a-0000-4000-8000-000000000001";

fn cloud() -> CloudKey {
    CloudKey {
        project: ProjectName::parse("p").unwrap(),
        cloud: CloudName::parse("l").unwrap(),
    }
}

/// A target that could not be reached, or one that is ahead.
fn target(revision: &Revision, category: &str, member_generation: Option<u64>) -> Target {
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    Target {
        key: TargetKey {
            cloud: cloud(),
            cluster: ClusterKey {
                provider: ProviderName::parse("v").unwrap(),
                cluster: ClusterName::parse("c1").unwrap(),
            },
        },
        cloud_uid: revision.cloud_uid,
        namespace: revision.slice.namespace.clone(),
        wanted_generation: revision.generation,
        applied_generation: Some(1),
        observed: Observed::Unknown,
        inventory: vec![ObjectIdentity {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name: "ns".to_owned(),
        }],
        reaches_out: false,
        gateway_address: None,
        conditions: Vec::new(),
        objects: Vec::new(),
        last_error: Some(LastError {
            category: category.to_owned(),
            message: "get Namespace: connection refused".to_owned(),
            hint: "check the cluster".to_owned(),
            at,
            attempts: 4,
            member_generation,
        }),
        checked_at: Some(at),
        check_at: None,
        emptied_at: None,
    }
}

async fn revision(server: &Server) -> Revision {
    let key = Key::of_cloud(DocumentKind::Lifecycle, &cloud());
    let lifecycle = server.store.read::<Lifecycle>(&key).await.unwrap().unwrap();
    let (uid, generation) = (lifecycle.document.cloud_uid, lifecycle.document.generation);
    let key = Key::revision(uid, generation);
    let found = server.store.read::<Revision>(&key).await.unwrap();
    found.unwrap().document
}

async fn act(server: &Server, actions: &[&str]) {
    let path = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    assert_eq!(server.put(&path, json!({})).await.status, StatusCode::OK);
    for action in actions {
        let answer = server.post(&format!("{CLOUD}/{action}"), json!({})).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer}");
    }
}

/// A cloud of which something is left in the cluster `c1`.
async fn buried() -> Server {
    let server = Server::furnished().await;
    act(&server, &["instantiate", "terminate"]).await;
    let revision = revision(&server).await;
    let project = Key::project(&cloud().project);
    let project = server
        .store
        .read::<Project>(&project)
        .await
        .unwrap()
        .unwrap();
    let tombstone = Tombstone {
        id: Uid::parse(ID).unwrap(),
        project_uid: project.document.uid,
        target: target(&revision, "unreachable", None),
        revision,
        created_at: Timestamp::from_second(1_700_000_100).unwrap(),
    };
    let mut batch = Batch::new();
    batch.put(&tombstone, Expect::Absent).unwrap();
    server.store.commit(batch).await.unwrap();
    server
}

#[tokio::test]
async fn tombstone_says_of_what_it_is_and_what_may_be_left() {
    let server = buried().await;
    let answer = server.get(&format!("/v2/tombstones/{ID}")).await;
    let mut shown = answer.json();
    assert!(answer.header("etag").is_some());
    let uid = shown["spec"]["cloudUid"].take();
    assert!(Uid::parse(uid.as_str().unwrap()).is_some());
    assert_eq!(
        shown,
        json!({
            "metadata": {"name": ID},
            "spec": {"project": "p", "logicalCloud": "l", "cloudUid": null, "clusterProvider": "v",
                     "cluster": "c1", "namespace": "ns", "generation": 2},
            "status": {
                "createdAt": "2023-11-14T22:15:00Z", "checkedAt": "2023-11-14T22:13:20Z",
                "conditions": [],
                "lastError": {"category": "unreachable", "message": "get Namespace: connection refused",
                              "hint": "check the cluster", "at": "2023-11-14T22:13:20Z", "attempts": 4},
                "inventory": [{"group": "", "version": "v1", "kind": "Namespace", "name": "ns"}],
            },
        })
    );
}

#[tokio::test]
async fn tombstones_are_selected_by_project_and_cluster() {
    let server = buried().await;
    let rows = [
        ("", 1),
        ("?project=p", 1),
        ("?cluster=v/c1", 1),
        ("?cluster=v%2Fc2", 0),
        ("?project=p&cluster=v/c1", 1),
    ];
    for (query, count) in rows {
        let answer = server.get(&format!("/v2/tombstones{query}")).await;
        let list = answer.json();
        assert_eq!(list.as_array().unwrap().len(), count, "{query}: {answer}");
    }
    let unknown = server.get("/v2/tombstones?project=nobody").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_said_on_purpose() {
    let server = buried().await;
    let one = format!("/v2/tombstones/{ID}");
    let rows = [
        (Method::DELETE, one.clone(), "confirm"),
        (Method::DELETE, format!("{one}?confirm="), "confirm"),
        (Method::DELETE, format!("{one}?confirm=l"), "confirm"),
        (
            Method::DELETE,
            format!("{one}?confirm=ns&confirm=ns"),
            "confirm",
        ),
        (
            Method::DELETE,
            "/v2/tombstones/none?confirm=ns".to_owned(),
            "tombstone",
        ),
        (
            Method::GET,
            "/v2/tombstones?cluster=c1".to_owned(),
            "cluster",
        ),
        (
            Method::GET,
            "/v2/tombstones?cluster=v/".to_owned(),
            "cluster",
        ),
        (
            Method::GET,
            "/v2/tombstones?project=-".to_owned(),
            "project",
        ),
        (
            Method::DELETE,
            "/v2/cluster-providers/v/clusters/c1?forget=yes".to_owned(),
            "forget",
        ),
        (
            Method::POST,
            format!("{CLOUD}/adopt-generation"),
            "generation",
        ),
        (
            Method::POST,
            format!("{CLOUD}/adopt-generation?generation=-1"),
            "generation",
        ),
    ];
    for (method, path, field) in rows {
        let answer = server.call(method, &path, &[], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        assert_eq!(answer.fields(), [field], "{path}");
    }
    let answer = server.delete(&format!("{one}?confirm=ns")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer}");
    assert_eq!(server.get(&one).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn cluster_in_use_is_deleted_only_when_it_shall_be_forgotten() {
    let server = Server::furnished().await;
    act(&server, &["instantiate"]).await;
    let path = "/v2/cluster-providers/v/clusters/c1";
    for query in ["", "?forget=false"] {
        let refused = server.delete(&format!("{path}{query}")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused}");
    }
    let forgotten = server.delete(&format!("{path}?forget=true")).await;
    assert_eq!(forgotten.status, StatusCode::NO_CONTENT, "{forgotten}");
}

#[tokio::test]
async fn generation_is_adopted_when_the_newest_of_a_member_is_named() {
    let server = Server::furnished().await;
    act(&server, &["instantiate"]).await;
    let adopt = async |generation: u64| {
        let path = format!("{CLOUD}/adopt-generation?generation={generation}");
        server.post(&path, json!({})).await
    };
    let nothing = adopt(7).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT, "{nothing}");
    let revision = revision(&server).await;
    let mut batch = Batch::new();
    let ahead = target(&revision, "ahead", Some(7));
    batch.put(&ahead, Expect::Anything).unwrap();
    server.store.commit(batch).await.unwrap();
    let status = server.get(&format!("{CLOUD}/status?form=conditions")).await;
    assert!(status.text.contains("\"memberGeneration\":7"), "{status}");
    for other in [1, 6, 8] {
        let refused = adopt(other).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused}");
        assert!(refused.text.contains("holds is 7"), "{refused}");
    }
    let adopted = adopt(7).await;
    assert_eq!(adopted.status, StatusCode::ACCEPTED, "{adopted}");
    assert_eq!(adopted.json(), json!({"generation": 8, "wish": "present"}));
    let again = adopt(7).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again}");
}
