//! The plan by tables, and two properties: the plan of an applied plan keeps everything, and no plan
//! touches what does not carry our owner's uid.

use dcm_types::documents::Isolation;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Observed, Step, matches_wish, step, surplus};
use crate::render::{self, Wanted, fixtures};
use dcm_cluster::Object;

const OWNER: &str = "11111111-1111-4111-8111-111111111111";

/// The object as a member holds it after our POST: uid, version, and everything booked to us.
fn posted(wanted: &Wanted) -> Object {
    let mut object = wanted.object.clone();
    object.0["metadata"]["uid"] = json!("u");
    object.0["metadata"]["resourceVersion"] = json!("7");
    let fields = owned_fields(&object);
    object.0["metadata"]["managedFields"] =
        json!([{ "manager": "dcm", "operation": "Update", "fieldsV1": fields }]);
    object
}

fn owned_fields(object: &Object) -> Value {
    fn of(value: &Value) -> Value {
        let Some(map) = value.as_object() else {
            return json!({});
        };
        map.iter()
            .map(|(key, value)| (format!("f:{key}"), of(value)))
            .collect()
    }
    of(&object.0)
}

fn wanted() -> Vec<Wanted> {
    render::slice(&fixtures::revision(OWNER, Isolation::Strict))
}

#[test]
fn applied_plan_keeps_everything() {
    let wanted = wanted();
    assert!(wanted.len() >= 8);
    for wanted in &wanted {
        let live = posted(wanted);
        assert_eq!(step(wanted, Some(&live), OWNER), Step::Keep(live));
    }
}

#[test]
fn what_is_missing_is_created_and_what_is_going_is_awaited() {
    for wanted in &wanted() {
        assert_eq!(step(wanted, None, OWNER), Step::Create);
        let mut going = posted(wanted);
        going.0["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(step(wanted, Some(&going), OWNER), Step::Terminating);
    }
}

#[test]
fn removed_label_and_limit_of_ours_are_seen_and_those_of_others_are_not() {
    for wanted in &wanted() {
        let mut live = posted(wanted);
        live.0["metadata"]["labels"]["somebody"] = json!("else");
        assert!(
            matches_wish(&wanted.object, &live),
            "a label of somebody else"
        );
        let owned = owned_fields(&live);
        live.0["metadata"]["managedFields"][0]["fieldsV1"] = owned;
        assert!(
            !matches_wish(&wanted.object, &live),
            "a label of ours that is not wished any more"
        );
    }
}

#[test]
fn server_label_of_a_namespace_is_nobodys_wish() {
    let wanted = wanted();
    let namespace = wanted
        .iter()
        .find(|wanted| wanted.object.kind() == "Namespace")
        .unwrap();
    let mut live = posted(namespace);
    live.0["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!("x");
    let owned = owned_fields(&live);
    live.0["metadata"]["managedFields"][0]["fieldsV1"] = owned;
    live.0["spec"] = json!({ "finalizers": ["kubernetes"] });
    assert!(matches_wish(&namespace.object, &live));
}

#[test]
fn quantities_are_compared_as_amounts() {
    let wanted = wanted();
    let quota = wanted
        .iter()
        .find(|wanted| wanted.object.kind() == "ResourceQuota")
        .unwrap();
    let mut live = posted(quota);
    live.0["spec"]["hard"]["requests.cpu"] = json!("1500m");
    let mut wish = quota.clone();
    wish.object.0["spec"]["hard"]["requests.cpu"] = json!("1.5");
    assert!(matches_wish(&wish.object, &live));
    live.0["spec"]["hard"]["requests.cpu"] = json!("1501m");
    assert!(matches!(step(&wish, Some(&live), OWNER), Step::Change(_)));
}

#[test]
fn other_role_reference_is_replaced_not_changed() {
    let wanted = wanted();
    let binding = wanted
        .iter()
        .find(|wanted| wanted.object.kind() == "RoleBinding")
        .unwrap();
    let mut live = posted(binding);
    live.0["roleRef"]["name"] = json!("cluster-admin");
    assert!(matches!(
        step(binding, Some(&live), OWNER),
        Step::Replace(_)
    ));
}

#[test]
fn cluster_role_that_others_made_an_aggregate_is_replaced() {
    let wanted = crate::render::slice(&crate::render::fixtures::privileged(OWNER));
    let role = wanted
        .iter()
        .find(|wanted| wanted.object.kind() == "ClusterRole")
        .unwrap();
    let mut live = posted(role);
    assert!(matches!(step(role, Some(&live), OWNER), Step::Keep(_)));
    live.0["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": {} }] });
    assert!(matches!(step(role, Some(&live), OWNER), Step::Replace(_)));
}

proptest! {
    #[test]
    fn nothing_foreign_is_planned_for(owner in "[a-z0-9-]{0,36}", labelled in any::<bool>()) {
        prop_assume!(owner != OWNER);
        let wanted = wanted();
        let mut observed = Observed::default();
        for wanted in &wanted {
            let mut live = posted(wanted);
            live.0["spec"] = json!({ "other": true });
            if labelled {
                live.0["metadata"]["labels"]["dcm.internal/cloud"] = json!(owner);
            } else {
                live.0["metadata"]["labels"] = json!({});
            }
            prop_assert_eq!(step(wanted, Some(&live), OWNER), Step::Foreign);
            observed.objects.insert(wanted.place.clone(), live);
        }
        prop_assert!(surplus(&[], &observed, OWNER).is_empty());
    }

    #[test]
    fn any_edit_of_ours_is_changed_back(index in 0_usize..8, text in "[a-z]{1,12}") {
        let wanted = wanted();
        let wanted = &wanted[index % wanted.len()];
        let mut live = posted(wanted);
        let member = ["data", "spec", "rules", "subjects"]
            .into_iter()
            .find(|member| wanted.object.0.get(*member).is_some());
        match member {
            Some("data") => live.0["data"]["project"] = json!(format!("not-{text}")),
            Some("spec") if wanted.object.kind() == "ResourceQuota" => {
                live.0["spec"]["hard"]["pods"] = json!("0");
                live.0["spec"]["hard"]["requests.cpu"] = json!("0");
            }
            Some(member) => live.0[member] = json!([text]),
            None => live.0["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = json!(text),
        }
        prop_assert!(step(wanted, Some(&live), OWNER).mutates());
    }
}
