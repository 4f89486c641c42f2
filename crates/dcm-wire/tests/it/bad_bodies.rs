//! The table of bad bodies: each row says which reader, how it refuses, and the fields it names.

use dcm_types::{Kind, ReferenceName};
use dcm_wire::documents::{
    read_cloud_kv, read_cluster, read_cluster_kv, read_cluster_label,
    read_cluster_manager_controller, read_controller, read_flat_reference, read_logical_cloud,
    read_permission, read_project, read_provider, read_quota, read_reference, read_sync_object,
    read_user_document,
};
use dcm_wire::{Decoded, FieldValidation, Refusal};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Row {
    shape: String,
    path_name: Option<String>,
    #[serde(default)]
    strict: bool,
    raw: Option<String>,
    body: Option<Value>,
    kind: Kind,
    fields: Vec<String>,
}

fn parsed<N>(
    name: Option<&str>,
    parse: impl Fn(&str) -> Result<N, dcm_types::Violation>,
) -> Option<N> {
    name.map(|name| parse(name).unwrap())
}

fn outcome<D>(result: Result<Decoded<D>, Refusal>) -> Result<(), Refusal> {
    result.map(|_| ())
}

fn read(row: &Row, body: &[u8]) -> Result<(), Refusal> {
    use dcm_types::{
        CloudName, ClusterName, PermissionName, ProjectName, ProviderName, QuotaName, UserName,
    };
    let mode = if row.strict {
        FieldValidation::Strict
    } else {
        FieldValidation::Warn
    };
    let name = row.path_name.as_deref();
    match row.shape.as_str() {
        "project" => outcome(read_project(
            body,
            parsed(name, ProjectName::parse).as_ref(),
            mode,
        )),
        "provider" => outcome(read_provider(
            body,
            parsed(name, ProviderName::parse).as_ref(),
            mode,
        )),
        "cluster" => outcome(read_cluster(
            body,
            parsed(name, ClusterName::parse).as_ref(),
            mode,
        )),
        "cloud" => outcome(read_logical_cloud(
            body,
            parsed(name, CloudName::parse).as_ref(),
            mode,
        )),
        "reference" => outcome(read_reference(
            body,
            parsed(name, ReferenceName::parse).as_ref(),
            mode,
        )),
        "flat-reference" => outcome(read_flat_reference(
            body,
            &ClusterName::parse("c").unwrap(),
            mode,
        )),
        "quota" => outcome(read_quota(
            body,
            parsed(name, QuotaName::parse).as_ref(),
            mode,
        )),
        "permission" => outcome(read_permission(
            body,
            parsed(name, PermissionName::parse).as_ref(),
            mode,
        )),
        "user" => outcome(read_user_document(
            body,
            parsed(name, UserName::parse).as_ref(),
            mode,
        )),
        _ => read_beside(row, body, mode),
    }
}

fn read_beside(row: &Row, body: &[u8], mode: FieldValidation) -> Result<(), Refusal> {
    use dcm_types::{CloudKvName, ClusterKvName, ClusterLabelName, ControllerName, SyncObjectName};
    let name = row.path_name.as_deref();
    match row.shape.as_str() {
        "controller" => outcome(read_controller(
            body,
            parsed(name, ControllerName::parse).as_ref(),
            mode,
        )),
        "clm-controller" => outcome(read_cluster_manager_controller(
            body,
            parsed(name, ControllerName::parse).as_ref(),
            mode,
        )),
        "cluster-label" => outcome(read_cluster_label(
            body,
            parsed(name, ClusterLabelName::parse).as_ref(),
            mode,
        )),
        "cluster-kv" => outcome(read_cluster_kv(
            body,
            parsed(name, ClusterKvName::parse).as_ref(),
            mode,
        )),
        "sync-object" => outcome(read_sync_object(
            body,
            parsed(name, SyncObjectName::parse).as_ref(),
            mode,
        )),
        "cloud-kv" => outcome(read_cloud_kv(
            body,
            parsed(name, CloudKvName::parse).as_ref(),
            mode,
        )),
        other => unreachable!("no reader for {other}"),
    }
}

#[test]
fn every_bad_body_is_refused_with_all_its_faults() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../data/bad_bodies.json")).unwrap();
    assert!(rows.len() > 180, "{}", rows.len());
    for row in &rows {
        let body = match (&row.raw, &row.body) {
            (Some(raw), _) => raw.clone(),
            (None, Some(body)) => body.to_string(),
            (None, None) => "null".to_owned(),
        };
        let shown = format!("{} {body:.300}", row.shape);
        let refusal = read(row, body.as_bytes()).expect_err(&shown);
        assert_eq!(refusal.kind, row.kind, "{shown}: {refusal:?}");
        let fields: Vec<_> = refusal
            .faults
            .iter()
            .map(|fault| fault.field.as_str())
            .collect();
        assert_eq!(fields, row.fields, "{shown}: {refusal:?}");
        assert!(!refusal.detail.is_empty(), "{shown}");
    }
}

#[test]
fn a_kubeconfig_never_appears_in_a_refusal() {
    let canary = "DCMCANARY-1";
    let long = canary.repeat(30_000);
    for kubeconfig in [
        serde_json::json!(long),
        serde_json::json!([canary]),
        serde_json::json!({ "users": canary }),
    ] {
        let body =
            serde_json::json!({"metadata": {"name": "/"}, "spec": {"kubeconfig": kubeconfig}});
        let refusal = read_cluster(body.to_string().as_bytes(), None, FieldValidation::Strict)
            .err()
            .unwrap();
        assert!(!format!("{refusal:?}").contains("CANARY"), "{refusal:?}");
    }
}
