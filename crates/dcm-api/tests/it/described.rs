//! The description is complete: whatever operation is added has a summary, parameters, bodies, answers and
//! errors, each with a schema and with an example that is true of the schema.

use std::collections::BTreeSet;

use http::Method;
use jsonschema::Draft;
use serde_json::{Map, Value};

/// The document, with what is needed to look things up in it.
pub(crate) struct Description(Value);

/// An operation with its place.
pub(crate) struct Described<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) told: &'a Value,
}

impl Described<'_> {
    pub(crate) fn id(&self) -> &str {
        self.told["operationId"].as_str().unwrap()
    }
}

impl Description {
    pub(crate) fn new() -> Self {
        Self(serde_json::from_str(&dcm_api::openapi_document()).unwrap())
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = Described<'_>> {
        let paths = self.0["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(|(method, told)| Described {
                method: method.to_uppercase().parse().unwrap(),
                path,
                told,
            })
        })
    }

    pub(crate) fn operation(&self, method: &Method, path: &str) -> &Value {
        &self.0["paths"][path][method.as_str().to_lowercase()]
    }

    /// Follows a reference, if it is one.
    pub(crate) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(target) => self.0.pointer(target.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// What of a value is not as a schema of the document says.
    pub(crate) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let validator = options.build(&schema).unwrap();
        let faults = validator.iter_errors(value);
        faults
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect()
    }
}

/// The examples of a body, by name.
pub(crate) fn examples_of(content: &Value) -> Vec<&Value> {
    let named = content["examples"].as_object().into_iter().flatten();
    let one = content.get("example");
    one.into_iter()
        .chain(named.map(|(_, example)| &example["value"]))
        .collect()
}

/// What is missing or wrong in the description of a body.
fn lacks_of_bodies(description: &Description, content: &Map<String, Value>) -> Vec<String> {
    let mut lacks = Vec::new();
    for (media_type, content) in content {
        if !content["schema"].is_object() {
            lacks.push(format!("{media_type}: no schema"));
            continue;
        }
        let examples = examples_of(content);
        if examples.is_empty() {
            lacks.push(format!("{media_type}: no example"));
        }
        for example in examples {
            let faults = description.faults(&content["schema"], example);
            lacks.extend(
                faults
                    .into_iter()
                    .map(|fault| format!("{media_type}: {fault}")),
            );
        }
    }
    lacks
}

fn lacks_of_parameter(description: &Description, parameter: &Value) -> Vec<String> {
    let mut lacks = Vec::new();
    for member in ["description", "schema", "example"] {
        if parameter.get(member).is_none() {
            lacks.push(format!("no {member}"));
        }
    }
    if lacks.is_empty() {
        lacks = description.faults(&parameter["schema"], &parameter["example"]);
    }
    lacks
}

fn lacks_of_answer(description: &Description, status: &str, answer: &Value) -> Vec<String> {
    let mut lacks = Vec::new();
    if answer["description"].as_str().is_none_or(str::is_empty) {
        lacks.push("no description".to_owned());
    }
    let content = answer["content"].as_object();
    lacks.extend(
        content
            .iter()
            .flat_map(|content| lacks_of_bodies(description, content)),
    );
    for (name, header) in answer["headers"].as_object().into_iter().flatten() {
        if !header["schema"].is_object() || !header["description"].is_string() {
            lacks.push(format!("header {name}: no schema or description"));
        }
    }
    // The HTTP library answers that one, without a body; `connections.rs` sees it do so.
    if status == "431" {
        if content.is_some() {
            lacks.push("a body that is never sent".to_owned());
        }
    } else if status >= "400" {
        let problem = &answer["content"]["application/problem+json"];
        let example = &problem["example"];
        if example["status"].as_u64() != status.parse().ok() {
            lacks.push(format!("the example is of {}", example["status"]));
        }
    }
    lacks
}

#[test]
fn every_operation_tells_what_it_is() {
    let description = Description::new();
    let mut ids = BTreeSet::new();
    for operation in description.operations() {
        let name = format!("{} {}", operation.method, operation.path);
        for member in ["summary", "operationId"] {
            let text = operation.told[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name} has no {member}");
        }
        assert!(ids.insert(operation.id().to_owned()), "{name} is not alone");
        assert_eq!(
            operation.told["tags"].as_array().map(Vec::len),
            Some(1),
            "{name}"
        );
    }
}

#[test]
fn every_parameter_has_a_description_a_schema_and_an_example() {
    let description = Description::new();
    let mut lacks = Vec::new();
    for operation in description.operations() {
        for parameter in operation.told["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let name = format!("{}, {}", operation.id(), parameter["name"]);
            let found = lacks_of_parameter(&description, parameter);
            lacks.extend(found.into_iter().map(|lack| format!("{name}: {lack}")));
        }
    }
    assert!(lacks.is_empty(), "{lacks:#?}");
}

#[test]
fn every_body_has_a_schema_and_examples_that_are_true_of_it() {
    let description = Description::new();
    let mut lacks = Vec::new();
    for operation in description.operations() {
        let body = &operation.told["requestBody"];
        if let Some(content) = body["content"].as_object() {
            let found = lacks_of_bodies(&description, content);
            lacks.extend(
                found
                    .into_iter()
                    .map(|lack| format!("{}: {lack}", operation.id())),
            );
        }
        for (status, answer) in operation.told["responses"].as_object().unwrap() {
            let answer = description.resolved(answer);
            let name = format!("{} {status}", operation.id());
            let found = lacks_of_answer(&description, status, answer);
            lacks.extend(found.into_iter().map(|lack| format!("{name}: {lack}")));
        }
    }
    assert!(lacks.is_empty(), "{lacks:#?}");
}

#[test]
fn everything_that_is_created_is_linked_to_what_can_be_done_with_it() {
    let description = Description::new();
    let ids: BTreeSet<String> = description
        .operations()
        .map(|o| o.id().to_owned())
        .collect();
    let mut creators = 0;
    for operation in description.operations() {
        let created = &operation.told["responses"]["201"];
        if operation.method != Method::POST || created.is_null() {
            continue;
        }
        creators += 1;
        let links = created["links"].as_object();
        let links = links.unwrap_or_else(|| unreachable!("{} has no links", operation.id()));
        let targets: Vec<&str> = links
            .values()
            .map(|link| link["operationId"].as_str().unwrap())
            .collect();
        for verb in ["get_", "put_", "delete_"] {
            assert!(
                targets.iter().any(|id| id.starts_with(verb)),
                "{}",
                operation.id()
            );
        }
        for target in targets {
            assert!(ids.contains(target), "{target}");
        }
    }
    assert!(creators > 10, "{creators}");
}
