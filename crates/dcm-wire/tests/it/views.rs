//! What callers get back: each shape once, as JSON, and read back with the same type.

use std::collections::BTreeMap;

use dcm_types::documents::{
    Action, ActionRecord, Cluster, ClusterHealth, ClusterReference, CredentialKind, DriftPolicy,
    Finding, HealthState, Isolation, LastError, Level, Lifecycle, LogicalCloud, Metadata,
    Namespace, ObjectIdentity, ObjectState, ObjectStatus, PodSecurity, Privileged, Project,
    ProjectPolicy, SignerState, User, UserPermission, Wish,
};
use dcm_types::permission::{Reach, Rule};
use dcm_types::status::{CloudStatus, MemberState, MemberStatus};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, Condition, ConditionStatus, NamespaceName,
    PermissionName, ProjectName, ProviderName, ReferenceName, Sealed, Timestamp, Track, Uid,
    UserName,
};
use dcm_wire::documents::{
    ClusterDocument, FlatLogicalCloud, FlatReference, LogicalCloudDocument, PermissionDocument,
    ProjectDocument, ReferenceDocument,
};
use dcm_wire::views::{
    ClustersView, DeploymentView, ResourcesView, Selection, StatusDocument, StatusView,
};
use insta::assert_json_snapshot;
use serde::de::DeserializeOwned;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn uid() -> Uid {
    Uid::from_random([7; 16])
}

fn cluster_key() -> ClusterKey {
    ClusterKey {
        provider: ProviderName::parse("p1").unwrap(),
        cluster: ClusterName::parse("c1").unwrap(),
    }
}

fn cloud_key() -> CloudKey {
    CloudKey {
        project: ProjectName::parse("pr").unwrap(),
        cloud: CloudName::parse("lc").unwrap(),
    }
}

fn reads_back<T: serde::Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(view: &T) {
    let text = serde_json::to_string(view).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), view);
}

fn cluster() -> Cluster {
    Cluster {
        uid: uid(),
        key: cluster_key(),
        metadata: Metadata::default(),
        server: "https://192.0.2.1:6443".to_owned(),
        credential: Sealed("DCMCANARY-sealed".to_owned()),
        credential_epoch: 2,
        git_ops: dcm_types::documents::GitOps::default(),
        public: dcm_types::documents::PublicAccess::default(),
        created_at: at(0),
    }
}

fn health() -> ClusterHealth {
    ClusterHealth {
        key: cluster_key(),
        credential_epoch: 2,
        checked_at: at(5),
        state: HealthState::Degraded,
        since: at(1),
        version: Some("v1.36.2".to_owned()),
        identity: Some("0b5f".to_owned()),
        user_name: Some("admin".to_owned()),
        groups: vec!["system:masters".to_owned()],
        missing_rights: vec!["create namespaces".to_owned()],
        missing_privileged_rights: Vec::new(),
        signer: SignerState::Works,
        findings: vec![Finding {
            reason: "MissingRights".to_owned(),
            message: "may not create namespaces".to_owned(),
            hint: "grant it".to_owned(),
        }],
    }
}

#[test]
fn a_cluster_shows_its_health_and_nothing_of_its_credential() {
    let view = ClusterDocument::of(&cluster(), Some(&health()));
    reads_back(&view);
    assert_json_snapshot!(view);
}

#[test]
fn the_health_of_an_older_credential_is_not_shown() {
    let mut older = health();
    older.credential_epoch = 1;
    let view = ClusterDocument::of(&cluster(), Some(&older));
    assert_eq!(view, ClusterDocument::of(&cluster(), None));
    assert_json_snapshot!(view);
}

fn cloud() -> (LogicalCloud, Namespace, User) {
    let cloud = LogicalCloud {
        uid: uid(),
        key: cloud_key(),
        metadata: Metadata::default(),
        level: Level::Standard,
        user: Some(UserName::parse("u1").unwrap()),
        drift: DriftPolicy::Correct,
        mesh: None,
        flat: false,
        created_at: at(0),
    };
    let namespace = Namespace {
        cloud: cloud_key(),
        name: NamespaceName::parse("ns1").unwrap(),
        labels: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
        isolation: Isolation::Strict,
        pod_security: PodSecurity::Restricted,
    };
    let user = User {
        uid: uid(),
        cloud: cloud_key(),
        name: UserName::parse("u1").unwrap(),
        metadata: Metadata::default(),
        credential: CredentialKind::Certificate,
        identity_generation: 1,
        revoked_at: None,
        signing_request: None,
        revoked_key: None,
    };
    (cloud, namespace, user)
}

#[test]
fn a_logical_cloud_is_shown_in_both_dialects() {
    let (cloud, namespace, user) = cloud();
    let lifecycle = Lifecycle {
        cloud: cloud_key(),
        cloud_uid: uid(),
        generation: 3,
        wish: Wish::Absent,
        delete_when_absent: true,
        paused_at: None,
        history: Vec::new(),
        forgotten: 0,
    };
    let view = LogicalCloudDocument::of(&cloud, &namespace, Some(&user), Some(&lifecycle), false);
    reads_back(&view);
    assert_json_snapshot!(view);
    let flat = FlatLogicalCloud::of(&cloud, &namespace, Some(&user), &[]);
    reads_back(&flat);
    assert_json_snapshot!(flat);
}

#[test]
fn what_is_shown_of_a_logical_cloud_can_be_written_back() {
    let (cloud, namespace, user) = cloud();
    let view = LogicalCloudDocument::of(&cloud, &namespace, Some(&user), None, true);
    assert!(view.privileged);
    let body = serde_json::to_vec(&view).unwrap();
    let read = dcm_wire::documents::read_logical_cloud(
        &body,
        Some(&cloud.key.cloud),
        dcm_wire::FieldValidation::Strict,
    )
    .unwrap();
    assert_eq!(read.draft.namespace, Some(namespace.name));
    assert_eq!(read.draft.labels, namespace.labels);
    assert_eq!(read.draft.isolation, namespace.isolation);
    assert_eq!(read.draft.pod_security, namespace.pod_security);
    assert_eq!(read.draft.user.unwrap().name, user.name);
}

#[test]
fn a_project_shows_its_policy_only_when_it_allows_something() {
    let project = |privileged| Project {
        uid: uid(),
        name: ProjectName::parse("p").unwrap(),
        metadata: Metadata::default(),
        policy: ProjectPolicy { privileged },
        created_at: at(0),
    };
    for privileged in [Privileged::Allow, Privileged::Refuse] {
        let view = ProjectDocument::of(&project(privileged));
        assert_eq!(view.spec.is_some(), privileged == Privileged::Allow);
        let body = serde_json::to_vec(&view).unwrap();
        let mode = dcm_wire::FieldValidation::Strict;
        let read = dcm_wire::documents::read_project(&body, None, mode).unwrap();
        assert_eq!(read.draft.policy.privileged, privileged);
    }
    let earlier = serde_json::to_value(project(Privileged::Allow)).unwrap();
    let mut earlier = earlier.as_object().unwrap().clone();
    earlier.remove("policy");
    let read: Project = serde_json::from_value(earlier.into()).unwrap();
    assert_eq!(read.policy.privileged, Privileged::Refuse);
}

#[test]
fn a_permission_says_where_it_holds_and_what_that_means() {
    let other = NamespaceName::parse("other").unwrap();
    let rows = [
        (Reach::Own, None),
        (Reach::Namespace(other), Some("other")),
        (Reach::Cluster, Some("")),
    ];
    for (reach, namespace) in rows {
        let permission = UserPermission {
            uid: uid(),
            cloud: cloud_key(),
            name: PermissionName::parse("x").unwrap(),
            metadata: Metadata::default(),
            user: None,
            reach,
            rule: Rule {
                api_groups: vec![String::new()],
                resources: vec!["*".to_owned()],
                verbs: vec!["*".to_owned()],
            },
        };
        let view = PermissionDocument::of(&permission);
        reads_back(&view);
        assert_eq!(view.spec.namespace.as_deref(), namespace);
        let effective = view.status.clone().unwrap().effective;
        let grants = |resource: &str, verb: &str| {
            effective.iter().any(|rule| {
                rule.resources.iter().any(|r| r == resource) && rule.verbs.iter().any(|v| v == verb)
            })
        };
        let cluster_wide = namespace == Some("");
        assert_eq!(grants("secrets", "get"), !cluster_wide);
        assert_eq!(grants("pods", "create"), !cluster_wide);
        assert_eq!(grants("nodes", "list"), cluster_wide);
        let body = serde_json::to_vec(&view).unwrap();
        let mode = dcm_wire::FieldValidation::Strict;
        let draft = dcm_wire::documents::read_permission(&body, None, mode)
            .unwrap()
            .draft;
        assert_eq!(draft.namespace.as_deref(), namespace);
        let note = dcm_wire::documents::expansion_note(&draft).unwrap();
        assert_eq!(note.contains("read cluster-wide"), cluster_wide, "{note}");
    }
}

#[test]
fn a_reference_is_shown_in_both_dialects() {
    let reference = ClusterReference {
        uid: uid(),
        cloud: cloud_key(),
        name: ReferenceName::parse("p1-c1").unwrap(),
        metadata: Metadata::default(),
        cluster: cluster_key(),
        load_balancer_address: Some("192.0.2.7".parse().unwrap()),
    };
    let view = ReferenceDocument::of(&reference, Some(at(9)));
    reads_back(&view);
    assert_json_snapshot!(view);
    assert_json_snapshot!(FlatReference::of(&reference));
}

fn member() -> MemberStatus {
    MemberStatus {
        cluster: cluster_key(),
        reference: Some(ReferenceName::parse("p1-c1").unwrap()),
        state: MemberState::Blocked,
        applied_generation: Some(1),
        conditions: vec![Condition {
            track: Track::Namespace,
            status: ConditionStatus::Blocked,
            reason: "Conflict".to_owned(),
            message: "the namespace belongs to somebody else".to_owned(),
            hint: Some("choose another".to_owned()),
            since: at(10),
        }],
        objects: vec![ObjectStatus {
            object: ObjectIdentity {
                group: String::new(),
                version: "v1".to_owned(),
                kind: "Namespace".to_owned(),
                namespace: None,
                name: "ns1".to_owned(),
            },
            track: Track::Namespace,
            state: ObjectState::Blocked,
            reason: "Conflict".to_owned(),
            message: String::new(),
            read_at: Some(at(20)),
            drift: None,
        }],
        last_error: Some(LastError {
            category: "conflict".to_owned(),
            message: "somebody else's".to_owned(),
            hint: "choose another".to_owned(),
            at: at(20),
            attempts: 2,
            member_generation: None,
        }),
        checked_at: Some(at(20)),
        kubeconfig_until: Some(at(1000)),
        quotas: Vec::new(),
    }
}

#[test]
fn a_status_tells_reason_and_age_per_member_and_object() {
    let status = CloudStatus {
        cloud: cloud_key(),
        wanted_generation: 2,
        wish: Some(Wish::Present),
        last_action: Some(Action::Update),
        created_at: at(0),
        privileged: false,
        drift: DriftPolicy::Correct,
        paused_at: None,
        forgotten: 0,
        history: vec![ActionRecord {
            action: Action::Instantiate,
            generation: 1,
            at: at(1),
        }],
        members: vec![member()],
        at: at(30),
    };
    let view = StatusView::of(&status, Some(false));
    reads_back(&view);
    assert_json_snapshot!(view);
}

/// A cloud with a past: instantiated, updated, stopped, resumed, terminated, instantiated again.
fn storied() -> CloudStatus {
    let record = |action, generation, second| ActionRecord {
        action,
        generation,
        at: at(second),
    };
    CloudStatus {
        cloud: cloud_key(),
        wanted_generation: 4,
        wish: Some(Wish::Present),
        last_action: Some(Action::Instantiate),
        created_at: at(0),
        privileged: false,
        drift: DriftPolicy::Correct,
        paused_at: None,
        forgotten: 0,
        history: vec![
            record(Action::Instantiate, 1, 1),
            record(Action::Update, 2, 2),
            record(Action::Stop, 2, 3),
            record(Action::Terminate, 3, 4),
            record(Action::Stop, 3, 5),
            record(Action::Instantiate, 4, 6),
        ],
        members: vec![member()],
        at: at(30),
    }
}

fn deployment(selection: &Selection) -> serde_json::Value {
    let view = DeploymentView::of(&storied(), selection).unwrap();
    reads_back(&view);
    serde_json::to_value(view).unwrap()
}

#[test]
fn actions_are_told_with_their_instance() {
    let states = &deployment(&Selection::default())["states"];
    assert_eq!(states["statusctxid"], "4");
    let told: Vec<_> = states["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| {
            let text = |member: &str| action[member].as_str().unwrap().to_owned();
            format!(
                "{} {}{}",
                action["revision"],
                text("state"),
                text("instance")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "0 Created",
            "1 Instantiated1",
            "2 Updated2",
            "3 InstantiateStopped2",
            "4 Terminated2",
            "5 TerminateStopped2",
            "6 Instantiated4"
        ]
    );
}

#[test]
fn an_overtaken_instance_tells_how_it_ended() {
    let of = |instance| Selection {
        instance: Some(instance),
        ..Selection::default()
    };
    for (instance, end) in [(1, "Updated"), (2, "Terminated"), (4, "InstantiateFailed")] {
        let shown = deployment(&of(instance));
        assert_eq!(shown["deployedStatus"], end, "{instance}");
        assert_eq!(shown["readyStatus"], "NotReady", "{instance}");
    }
    for unknown in [0, 3, 5] {
        assert_eq!(DeploymentView::of(&storied(), &of(unknown)), None);
        assert_eq!(ClustersView::of(&storied(), &of(unknown)), None);
        assert_eq!(ResourcesView::of(&storied(), &of(unknown)), None);
    }
    let clusters = ClustersView::of(&storied(), &of(1)).unwrap();
    assert!(clusters.clusters_by_app.is_empty());
}

#[test]
fn resources_are_told_as_selected() {
    let all = deployment(&Selection::default());
    assert_eq!(all["readyCounts"], serde_json::json!({"NotReady": 1}));
    let resource = &all["clusters"][0]["resources"][0];
    assert_eq!(resource["GVK"]["Kind"], "Namespace");
    assert_eq!(resource["readyStatus"], "NotReady");
    assert!(resource.get("deployedStatus").is_none() && resource.get("detail").is_none());
    let deployed = deployment(&Selection {
        deployed: true,
        detail: true,
        ..Selection::default()
    });
    assert!(deployed.get("readyStatus").is_none() && deployed.get("readyCounts").is_none());
    assert_eq!(deployed["deployedCounts"], serde_json::json!({"Failed": 1}));
    let detail = &deployed["clusters"][0]["resources"][0]["detail"];
    assert_eq!(detail["metadata"]["name"], "ns1");
    assert_eq!(detail["status"]["reason"], "Conflict");
    let summary = deployment(&Selection {
        summary: true,
        ..Selection::default()
    });
    assert!(summary.get("clusters").is_none());
    assert_eq!(summary["readyCounts"], all["readyCounts"]);
    let other = |provider: &str, name: &str| Selection {
        clusters: vec![(provider.to_owned(), "c1".to_owned())],
        resources: vec![name.to_owned()],
        ..Selection::default()
    };
    assert_eq!(deployment(&other("p1", "ns1"))["clusters"], all["clusters"]);
    for none in [other("p2", "ns1"), other("p1", "ns2")] {
        assert!(deployment(&none).get("clusters").is_none());
    }
}

#[test]
fn lists_of_clusters_and_resources_are_documents_of_their_own() {
    let status = storied();
    assert_json_snapshot!(ClustersView::of(&status, &Selection::default()), @r#"
    {
      "project": "pr",
      "name": "lc",
      "clustersByApp": [
        {
          "app": "logical-cloud",
          "clusters": [
            {
              "clusterProvider": "p1",
              "cluster": "c1"
            }
          ]
        }
      ]
    }
    "#);
    assert_json_snapshot!(ResourcesView::of(&status, &Selection::default()), @r#"
    {
      "project": "pr",
      "name": "lc",
      "resourcesByApp": [
        {
          "app": "logical-cloud",
          "clusterProvider": "p1",
          "cluster": "c1",
          "resources": [
            {
              "name": "ns1",
              "GVK": {
                "Group": "",
                "Version": "v1",
                "Kind": "Namespace"
              }
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_cloud_that_was_never_instantiated_tells_its_creation_only() {
    let status = CloudStatus {
        wanted_generation: 0,
        wish: None,
        last_action: None,
        history: Vec::new(),
        members: Vec::new(),
        ..storied()
    };
    let view = DeploymentView::of(&status, &Selection::default()).unwrap();
    let shown = serde_json::to_value(view).unwrap();
    let members: Vec<_> = shown.as_object().unwrap().keys().collect();
    assert_eq!(members, ["name", "project", "states"]);
    let clusters = ClustersView::of(&status, &Selection::default()).unwrap();
    assert!(clusters.clusters_by_app.is_empty());
}

#[test]
fn both_forms_stand_in_one_document() {
    let document = serde_json::to_value(StatusDocument::of(&storied())).unwrap();
    let read: StatusView = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(read, StatusView::of(&storied(), None));
    let read: DeploymentView = serde_json::from_value(document).unwrap();
    assert_eq!(
        Some(read),
        DeploymentView::of(&storied(), &Selection::default())
    );
}

#[test]
fn quotas_are_shown_per_member_and_added_up() {
    let quota = dcm_types::documents::QuotaState::read(
        "q",
        [("pods", "10")].into_iter(),
        [("pods", "3")].into_iter(),
    );
    let one = MemberStatus {
        quotas: vec![quota],
        ..member()
    };
    let status = CloudStatus {
        members: vec![one.clone(), one],
        ..storied()
    };
    let view = StatusView::of(&status, None);
    reads_back(&view);
    assert_eq!(view.members[1].quotas[0].used["pods"], "3");
    assert_eq!(view.quotas[0].used["pods"], "6");
    assert_eq!(view.quotas[0].hard["pods"], "20");
}
