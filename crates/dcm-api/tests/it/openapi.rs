//! The `OpenAPI` document: as checked in, complete, and true of the routes.

use std::path::Path;

use serde_json::Value;

use crate::described::Description;
use crate::server::Server;

/// Set to write the document instead of comparing it.
const SWITCH: &str = "DCM_UPDATE_OPENAPI";

#[tokio::test]
async fn the_document_is_the_one_that_is_checked_in() {
    let served = Server::new().get("/v2/openapi.json").await.text;
    assert_eq!(served, dcm_api::openapi_document());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os(SWITCH).is_some() {
        std::fs::write(&file, &served).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        served == checked_in,
        "openapi.json is out of date: run the tests of dcm-api with {SWITCH}=1 and look at the difference"
    );
}

fn document() -> Value {
    serde_json::from_str(&dcm_api::openapi_document()).unwrap()
}

/// Every `$ref` in the document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("$ref", Value::String(target)) => found.push(target.clone()),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_document_is_resolved() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}

#[test]
fn every_path_tells_its_parameters_and_what_is_not_found() {
    let description = Description::new();
    for operation in description.operations() {
        let name = operation.id();
        let parameters = operation.told["parameters"].as_array();
        let declared: Vec<&str> = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let in_path: Vec<&str> = operation
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert_eq!(declared, in_path, "{name}");
        if !in_path.is_empty() {
            let missing = description.resolved(&operation.told["responses"]["404"]);
            assert!(missing["content"].is_object(), "{name}");
        }
    }
}

#[test]
fn no_answer_has_a_member_for_a_kubeconfig() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let has = schema.pointer("/properties/kubeconfig").is_some();
        assert_eq!(has, name == "CreateClusterSpec", "{name}");
    }
}
