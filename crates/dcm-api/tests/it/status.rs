//! The forms of a status and the parameters that select in them; stop.

use dcm_store::{Batch, Expect};
use dcm_types::documents::{ObjectIdentity, ObjectState, ObjectStatus, Observed, Target};
use dcm_types::{CloudKey, ClusterKey, Document as _, DocumentKind, Key, TargetKey, Track};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{CLOUD, Server};

/// A cloud that is instantiated on `c1`, of which a namespace was read back and a role is missing.
async fn looked_at() -> Server {
    let server = Server::furnished().await;
    let path = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    assert_eq!(server.put(&path, json!({})).await.status, 200);
    act(&server, "instantiate").await;
    let cloud = CloudKey {
        project: "p".parse_name(),
        cloud: "l".parse_name(),
    };
    let key = Key::of_cloud(DocumentKind::Lifecycle, &cloud);
    let lifecycle = server.store.get(&key).await.unwrap().unwrap();
    let lifecycle: dcm_types::documents::Lifecycle = serde_json::from_str(&lifecycle.body).unwrap();
    let at = "2026-03-01T12:00:00Z".parse().unwrap();
    let object = |kind: &str, state| ObjectStatus {
        object: ObjectIdentity {
            group: String::new(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: format!("the-{}", kind.to_lowercase()),
        },
        track: Track::Namespace,
        state,
        reason: "Told".to_owned(),
        message: String::new(),
        read_at: (state == ObjectState::Ready).then_some(at),
        drift: None,
    };
    let target = Target {
        key: TargetKey {
            cloud,
            cluster: ClusterKey {
                provider: "v".parse_name(),
                cluster: "c1".parse_name(),
            },
        },
        cloud_uid: lifecycle.cloud_uid,
        namespace: "ns".parse_name(),
        wanted_generation: 1,
        applied_generation: None,
        observed: Observed::Unknown,
        inventory: Vec::new(),
        reaches_out: false,
        gateway_address: None,
        conditions: Vec::new(),
        objects: vec![
            object("Namespace", ObjectState::Ready),
            object("Role", ObjectState::Pending),
        ],
        last_error: None,
        checked_at: Some(at),
        check_at: None,
        emptied_at: None,
    };
    let mut batch = Batch::new();
    assert_eq!(target.key().kind(), DocumentKind::Target);
    batch.put(&target, Expect::Absent).unwrap();
    server.store.commit(batch).await.unwrap();
    server
}

/// Names in tests are short texts of any kind of name.
trait ParseName {
    fn parse_name<N: serde::de::DeserializeOwned>(&self) -> N;
}

impl ParseName for str {
    fn parse_name<N: serde::de::DeserializeOwned>(&self) -> N {
        serde_json::from_value(json!(self)).unwrap()
    }
}

async fn act(server: &Server, action: &str) -> Value {
    let answer = server.post(&format!("{CLOUD}/{action}"), json!({})).await;
    assert_eq!(answer.status, 202, "{answer}");
    answer.json()
}

async fn status(server: &Server, query: &str) -> Value {
    let answer = server.get(&format!("{CLOUD}/status?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer}");
    answer.json()
}

fn members(document: &Value) -> Vec<&str> {
    document
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn the_deployment_is_told_from_what_was_read_back() {
    let server = looked_at().await;
    assert_snapshot!(server.get(&format!("{CLOUD}/status?status=ready")).await, @r#"
    200 OK
    content-type: application/json
    {
      "clusters": [
        {
          "cluster": "c1",
          "clusterProvider": "v",
          "connectivity": "Available",
          "resources": [
            {
              "GVK": {
                "Group": "",
                "Kind": "Namespace",
                "Version": "v1"
              },
              "name": "the-namespace",
              "readyStatus": "Ready"
            },
            {
              "GVK": {
                "Group": "",
                "Kind": "Role",
                "Version": "v1"
              },
              "name": "the-role",
              "readyStatus": "NotPresent"
            }
          ]
        }
      ],
      "deployedStatus": "Instantiating",
      "name": "l",
      "project": "p",
      "readyCounts": {
        "NotPresent": 1,
        "Ready": 1
      },
      "readyStatus": "NotReady",
      "states": {
        "actions": [
          {
            "instance": "",
            "revision": 0,
            "state": "Created",
            "time": "[time]"
          },
          {
            "instance": "1",
            "revision": 1,
            "state": "Instantiated",
            "time": "[time]"
          }
        ],
        "statusctxid": "1"
      }
    }
    "#);
}

#[tokio::test]
async fn parameters_select_as_documented() {
    let server = looked_at().await;
    let deployed = status(&server, "status=deployed").await;
    assert_eq!(
        deployed["deployedCounts"],
        json!({"Applied": 1, "Pending": 1})
    );
    assert!(deployed.get("readyStatus").is_none());
    let summary = status(&server, "output=summary&cluster=v%2Bc1").await;
    assert!(summary.get("clusters").is_none() && summary.get("readyCounts").is_some());
    let detail = status(&server, "output=detail&resource=the-role").await;
    let resources = &detail["clusters"][0]["resources"];
    assert_eq!(resources.as_array().unwrap().len(), 1);
    assert_eq!(resources[0]["detail"]["status"]["state"], "pending");
    let both = status(&server, "resource=the-role&resource=the-namespace").await;
    assert_eq!(both["readyCounts"], json!({"Ready": 1, "NotPresent": 1}));
    let other = status(&server, "cluster=v%2Bc2").await;
    assert!(other.get("clusters").is_none());
    let first = status(&server, "instance=1").await;
    assert_eq!(
        first["clusters"],
        status(&server, "status=ready").await["clusters"]
    );
    let clusters = status(&server, "clusters=x&output=detail").await;
    assert_eq!(members(&clusters), ["clustersByApp", "name", "project"]);
    let resources = status(&server, "resources&cluster=v%2Bc1").await;
    assert_eq!(members(&resources), ["name", "project", "resourcesByApp"]);
    assert_eq!(resources["resourcesByApp"][0]["cluster"], "c1");
}

#[tokio::test]
async fn both_forms_are_told_unless_one_is_asked_for() {
    let server = looked_at().await;
    let whole = status(&server, "").await;
    assert!(whole["members"].is_array() && whole["clusters"].is_array());
    for query in [
        "view=conditions",
        "view=conditions&output=all",
        "wait=ready&timeout=0",
    ] {
        let conditions = status(&server, query).await;
        assert!(
            conditions["members"].is_array() && conditions.get("states").is_none(),
            "{query}"
        );
    }
    let deployment = status(&server, "view=deployment").await;
    assert!(deployment.get("members").is_none() && deployment["states"].is_object());
    let headers = [("accept", "text/html, application/vnd.dcm.status+json;q=0.9")];
    let path = format!("{CLOUD}/status");
    let typed = server.call(http::Method::GET, &path, &headers, "").await;
    let media_type = typed.header("content-type");
    assert_eq!(media_type, Some("application/vnd.dcm.status+json"));
    assert!(typed.json().get("states").is_none());
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let server = looked_at().await;
    for (query, field) in [
        ("instance=", "instance"),
        ("instance=x", "instance"),
        ("instance=-1", "instance"),
        ("instance=7", "instance"),
        ("instance=7&clusters", "instance"),
        ("instance=7&resources", "instance"),
        ("status=", "status"),
        ("status=Ready", "status"),
        ("output=some", "output"),
        ("view=both", "view"),
        ("cluster=v", "cluster"),
        ("cluster=v+c1", "cluster"),
        ("cluster=v%2B", "cluster"),
        ("cluster=v%2Bc1&cluster=%2Bc1", "cluster"),
        ("resource=", "resource"),
        ("resource=a%2Fb", "resource"),
    ] {
        let answer = server.get(&format!("{CLOUD}/status?{query}")).await;
        let told = (answer.status.as_u16(), answer.fields());
        assert_eq!(told, (400, vec![field.to_owned()]), "{query}");
    }
    let missing = "/v2/projects/p/logical-clouds/none/status?output=all";
    assert_eq!(server.get(missing).await.status, 404);
}

#[tokio::test]
async fn a_stop_is_accepted_in_every_state_and_shown() {
    let server = Server::furnished().await;
    let path = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    server.put(&path, json!({})).await;
    assert_eq!(
        act(&server, "stop").await,
        json!({"generation": 0, "wish": "absent"})
    );
    act(&server, "instantiate").await;
    let stopped = json!({"generation": 1, "wish": "present", "paused": true});
    assert_eq!(act(&server, "stop").await, stopped);
    assert_eq!(act(&server, "stop").await, stopped);
    let shown = status(&server, "").await;
    assert_eq!(shown["members"][0]["state"], "paused");
    assert!(shown["pausedSince"].is_string());
    assert_eq!(shown["history"][1]["action"], "stop");
    assert_eq!(shown["states"]["actions"][2]["state"], "InstantiateStopped");
    assert_eq!(shown["readyStatus"], "NotReady");
    act(&server, "update").await;
    assert!(status(&server, "").await.get("pausedSince").is_none());
    act(&server, "terminate").await;
    act(&server, "stop").await;
    let shown = status(&server, "").await;
    assert_eq!(shown["states"]["actions"][5]["state"], "TerminateStopped");
    assert_eq!(act(&server, "instantiate").await["generation"], 3);
}
