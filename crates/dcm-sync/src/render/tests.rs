//! What is rendered, by snapshot and by rule.

use dcm_types::documents::{Isolation, PodSecurity};
use serde_json::json;

use super::{anchor_generation, fixtures, quota_in_force, slice};
use dcm_cluster::Object;

const OWNER: &str = "11111111-1111-4111-8111-111111111111";

#[test]
fn everything_carries_the_owner_and_a_name_that_fits() {
    for wanted in slice(&fixtures::revision(OWNER, Isolation::Strict)) {
        assert_eq!(wanted.object.owner(), OWNER, "{:?}", wanted.place);
        assert_eq!(wanted.object.place().as_ref(), Some(&wanted.place));
        assert!(wanted.place.name.len() <= 63, "{:?}", wanted.place);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(wanted.place.name.chars().all(fits), "{:?}", wanted.place);
    }
}

#[test]
fn order_is_that_of_trust() {
    let kinds: Vec<String> = slice(&fixtures::revision(OWNER, Isolation::Strict))
        .iter()
        .map(|wanted| wanted.object.kind().to_owned())
        .collect();
    insta::assert_json_snapshot!(kinds, @r#"
    [
      "ConfigMap",
      "Namespace",
      "ResourceQuota",
      "LimitRange",
      "NetworkPolicy",
      "NetworkPolicy",
      "Role",
      "RoleBinding"
    ]
    "#);
}

#[test]
fn presets_of_isolation() {
    let policies = |isolation| {
        slice(&fixtures::revision(OWNER, isolation))
            .iter()
            .filter(|wanted| wanted.object.kind() == "NetworkPolicy")
            .map(|wanted| wanted.object.at("/spec/policyTypes/0").unwrap().clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(policies(Isolation::Open), Vec::<serde_json::Value>::new());
    assert_eq!(policies(Isolation::Baseline), [json!("Ingress")]);
    assert_eq!(
        policies(Isolation::Strict),
        [json!("Ingress"), json!("Egress")]
    );
}

#[test]
fn tenant_labels_do_not_replace_ours() {
    let mut revision = fixtures::revision(OWNER, Isolation::Open);
    for key in ["dcm.internal/cloud", "pod-security.kubernetes.io/enforce"] {
        revision
            .slice
            .labels
            .insert(key.to_owned(), "privileged".to_owned());
    }
    revision.slice.pod_security = PodSecurity::Restricted;
    let namespace = slice(&revision).remove(1).object;
    assert_eq!(
        namespace.at("/metadata/labels").unwrap(),
        &json!({
            "app.kubernetes.io/managed-by": "dcm",
            "dcm.internal/cloud": OWNER,
            "pod-security.kubernetes.io/enforce": "restricted",
            "team": "payments",
        })
    );
}

#[test]
fn defaults_for_containers_come_only_with_a_quota_on_the_resource() {
    let revision = fixtures::revision(OWNER, Isolation::Open);
    let range = slice(&revision)
        .into_iter()
        .find(|wanted| wanted.object.kind() == "LimitRange")
        .unwrap();
    assert_eq!(
        range.object.at("/spec/limits/0").unwrap(),
        &json!({ "type": "Container", "default": { "cpu": "500m" }, "defaultRequest": { "cpu": "100m" } })
    );
    let mut without = revision;
    without.slice.quotas.clear();
    assert!(
        slice(&without)
            .iter()
            .all(|wanted| wanted.object.kind() != "LimitRange")
    );
}

#[test]
fn role_is_named_by_the_permission_and_not_by_its_position() {
    let mut revision = fixtures::revision(OWNER, Isolation::Open);
    let name = |revision: &dcm_types::documents::Revision| {
        slice(revision)
            .into_iter()
            .filter(|wanted| wanted.object.kind() == "Role")
            .map(|wanted| wanted.place.name)
            .next_back()
            .unwrap()
    };
    let before = name(&revision);
    let mut other = revision.slice.permissions[0].clone();
    other.uid = dcm_types::Uid::from_random([9; 16]);
    revision.slice.permissions.insert(0, other);
    assert_eq!(name(&revision), before);
}

#[test]
fn permissions_that_reach_out_become_objects_that_say_whose_they_are() {
    let revision = fixtures::privileged(OWNER);
    let outside: Vec<_> = slice(&revision)
        .into_iter()
        .filter(|wanted| super::is_outside(&revision, &wanted.place))
        .collect();
    let shown: Vec<_> = outside
        .iter()
        .map(|wanted| {
            let place = &wanted.place;
            let namespace = place.namespace.as_deref().unwrap_or("-");
            let name = place.name.rsplit_once('-').unwrap().0;
            let role = wanted.object.text("/roleRef/kind");
            let of = wanted
                .object
                .at("/metadata/annotations/dcm.internal~1logical-cloud");
            format!(
                "{} {namespace} {name} {role} {}",
                place.resource.kind(),
                of.unwrap()
            )
        })
        .collect();
    insta::assert_json_snapshot!(shown, @r#"
    [
      "Role other dcm-shop-front-1-maps  \"shop/Front_1\"",
      "ClusterRole - dcm-shop-front-1-maps  \"shop/Front_1\"",
      "RoleBinding other dcm-shop-front-1-maps Role \"shop/Front_1\"",
      "ClusterRoleBinding - dcm-shop-front-1-maps ClusterRole \"shop/Front_1\""
    ]
    "#);
    let mut names: Vec<_> = outside.iter().map(|wanted| &wanted.place.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), outside.len(), "each has a name of its own");
    for wanted in &outside {
        assert_eq!(wanted.object.owner(), OWNER);
        assert!(wanted.place.name.len() <= 63, "{:?}", wanted.place);
        if wanted.place.resource.is_binding() {
            let role = super::role_of(&wanted.object);
            assert!(outside.iter().any(|other| other.place == role), "{role:?}");
        }
    }
}

#[test]
fn generation_of_an_anchor_is_read_back() {
    let anchor = slice(&fixtures::revision(OWNER, Isolation::Open))
        .remove(0)
        .object;
    assert_eq!(anchor_generation(&anchor), 3);
    assert_eq!(anchor_generation(&Object(json!({}))), 0);
}

#[test]
fn quota_is_in_force_only_with_its_status() {
    let quota = |status| {
        Object(
            json!({ "kind": "ResourceQuota", "spec": { "hard": { "cpu": "1500m" } }, "status": status }),
        )
    };
    assert!(!quota_in_force(&quota(json!({}))));
    assert!(!quota_in_force(&quota(json!({ "hard": { "cpu": "2" } }))));
    assert!(quota_in_force(&quota(
        json!({ "hard": { "cpu": "1500m" } })
    )));
}
