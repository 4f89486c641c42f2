//! Spellings that are accepted, members that nobody knows, and documents that come back as they were.

use dcm_types::documents::{Isolation, Level, PodSecurity};
use dcm_wire::documents::{
    read_cluster, read_flat_reference, read_logical_cloud, read_project, read_quota, read_reference,
};
use dcm_wire::{FieldValidation, UnknownMember};
use serde_json::{Value, json};

const WARN: FieldValidation = FieldValidation::Warn;

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

#[test]
fn every_spelling_of_the_load_balancer_is_read() {
    for name in [
        "loadBalancerIP",
        "loadBalancerIp",
        "loadbalancerIp",
        "loadbalancerIP",
        "LOADBALANCERIP",
        "loadbalancerip",
        "loadbalancer-ip",
        "load-balancer-ip",
    ] {
        let body = json!({"spec": {"cluster-provider": "p", "cluster-name": "c", name: "fe80::1"}});
        let read = read_reference(&bytes(&body), None, FieldValidation::Strict).unwrap();
        let address = read.draft.load_balancer_address.unwrap();
        assert_eq!(address.to_string(), "fe80::1", "{name}");
        assert_eq!(read.draft.cluster.path(), "p/c");
        assert_eq!(read.draft.name, None);
    }
}

#[test]
fn an_empty_address_is_none() {
    let body = json!({"spec": {"clusterProvider": "p", "cluster": "c", "loadBalancerIP": ""}});
    let read = read_reference(&bytes(&body), None, WARN).unwrap();
    assert_eq!(read.draft.load_balancer_address, None);
    let cluster = dcm_types::ClusterName::parse("c").unwrap();
    for (body, address) in [
        (json!({}), None),
        (json!({"loadbalancer-ip": ""}), None),
        (json!({"loadbalancer-ip": "0.0.0.0"}), Some("0.0.0.0")),
        (
            json!({"cluster-name": "c", "loadBalancerIP": "::1"}),
            Some("::1"),
        ),
    ] {
        let read = read_flat_reference(&bytes(&body), &cluster, WARN).unwrap();
        assert_eq!(
            read.draft.map(|a| a.to_string()).as_deref(),
            address,
            "{body}"
        );
    }
}

#[test]
fn a_minimal_logical_cloud_has_the_defaults() {
    for body in [
        json!({"metadata": {"name": "a"}}),
        json!({"metadata": {"name": "a"}, "spec": null}),
        json!({"metadata": {"name": "a"}, "spec": {"labels": null, "level": "", "namespace": "",
               "user": {"userName": "", "type": ""}}}),
    ] {
        let draft = read_logical_cloud(&bytes(&body), None, FieldValidation::Strict)
            .unwrap()
            .draft;
        assert_eq!(draft.level, Level::Standard);
        assert_eq!(draft.isolation, Isolation::Baseline);
        assert_eq!(draft.pod_security, PodSecurity::Baseline);
        assert_eq!(draft.namespace, None);
        assert_eq!(draft.user, None);
        assert!(!draft.flat);
    }
}

#[test]
fn the_flat_form_reads_everything_of_the_original_design() {
    let body = json!({
        "name": "lc", "description": "d", "namespace": "ns",
        "user": {"user-name": "u", "type": "certificate", "user-permissions": [
            {"permission-name": "p1", "apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        "user-permissions": [
            {"name": "p2", "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}],
        "quota": {"pods": 5, "limits.memory": "1024Mi"},
        "cluster-references": [{"cluster-provider": "p", "cluster-name": "c", "loadbalancer-ip": "1.2.3.4"}],
    });
    let read = read_logical_cloud(&bytes(&body), None, FieldValidation::Strict).unwrap();
    let draft = read.draft;
    assert!(draft.flat);
    assert_eq!(draft.name.as_str(), "lc");
    assert_eq!(draft.metadata.description.as_str(), "d");
    assert_eq!(draft.namespace.unwrap().as_str(), "ns");
    assert_eq!(draft.user.unwrap().name.as_str(), "u");
    let permissions: Vec<_> = draft.permissions.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(permissions, ["p1", "p2"]);
    let limits: Vec<_> = draft.quotas[0].limits.iter().collect();
    assert_eq!(limits, [("limits.memory", "1Gi"), ("pods", "5")]);
    assert_eq!(draft.clusters[0].cluster.path(), "p/c");
}

#[test]
fn numbers_in_a_quota_become_text() {
    let body =
        br#"{"metadata":{"name":"q"},"spec":{"pods":5,"limits.cpu":0.5,"limits.memory":1e9}}"#;
    let draft = read_quota(body, None, WARN).unwrap().draft;
    let limits: Vec<_> = draft.limits.iter().collect();
    assert_eq!(
        limits,
        [
            ("limits.cpu", "500m"),
            ("limits.memory", "1G"),
            ("pods", "5")
        ]
    );
}

#[test]
fn the_name_of_the_path_stands_in_for_a_missing_one() {
    let name = dcm_types::ProjectName::parse("a").unwrap();
    for body in [
        json!({}),
        json!({"metadata": {}}),
        json!({"metadata": {"name": "a"}}),
    ] {
        let draft = read_project(&bytes(&body), Some(&name), WARN)
            .unwrap()
            .draft;
        assert_eq!(draft.name, name);
    }
}

#[test]
fn a_put_of_a_cluster_may_keep_the_credential() {
    let name = dcm_types::ClusterName::parse("c").unwrap();
    let body =
        json!({"metadata": {"name": "c"}, "spec": {"server": "https://x"}, "status": {"x": 1}});
    let read = read_cluster(&bytes(&body), Some(&name), FieldValidation::Strict).unwrap();
    assert!(read.draft.kubeconfig.is_none());
}

#[test]
fn unknown_members_are_told_with_the_nearest_known_one() {
    let body = json!({"metadata": {"name": "a", "descripton": "x"},
                      "spec": {"namespaec": "n", "zzzzzz": 1}, "kind": "LogicalCloud"});
    let unknown = read_logical_cloud(&bytes(&body), None, WARN)
        .unwrap()
        .unknown;
    let told: Vec<_> = unknown.iter().map(UnknownMember::to_string).collect();
    assert_eq!(
        told,
        [
            "unknown member 'kind' was ignored",
            "unknown member 'metadata.descripton', did you mean 'metadata.description'?",
            "unknown member 'spec.namespaec', did you mean 'spec.namespace'?",
            "unknown member 'spec.zzzzzz' was ignored",
        ]
    );
    let ignored = read_logical_cloud(&bytes(&body), None, FieldValidation::Ignore).unwrap();
    assert!(ignored.unknown.is_empty());
}

#[test]
fn strict_validation_hints_at_the_nearest_member() {
    let body = json!({"metadata": {"name": "a"}, "spec": {"usr": {}}});
    let refusal = read_logical_cloud(&bytes(&body), None, FieldValidation::Strict)
        .err()
        .unwrap();
    assert_eq!(refusal.faults[0].field, "spec.usr");
    assert_eq!(
        refusal.faults[0].hint.as_deref(),
        Some("did you mean 'spec.user'?")
    );
}

#[test]
fn what_is_told_of_a_hostile_document_is_bounded() {
    let members: serde_json::Map<String, Value> = (0..5000)
        .map(|n| (format!("\u{202e}{n}{}", "x".repeat(500)), json!(1)))
        .collect();
    let body = json!({"metadata": {"name": "a"}, "spec": Value::Object(members)});
    let unknown = read_logical_cloud(&bytes(&body), None, WARN)
        .unwrap()
        .unknown;
    assert_eq!(unknown.len(), 16);
    assert!(
        unknown
            .iter()
            .all(|member| member.field.chars().count() < 80)
    );
    assert!(!unknown[0].field.contains('\u{202e}'));
    let labels: serde_json::Map<String, Value> =
        (0..5000).map(|n| (n.to_string(), json!(1))).collect();
    let body = json!({"metadata": {"name": "a"}, "spec": {"labels": labels}});
    let refusal = read_logical_cloud(&bytes(&body), None, WARN).err().unwrap();
    assert_eq!(refusal.faults.len(), 64);
}
