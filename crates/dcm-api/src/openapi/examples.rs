//! Examples, for every operation that has what they are of: parameters by name, bodies by schema.
//!
//! They stand in `examples.json` and are of one small world, in which the name in a path is the name in
//! the body that goes there. Tests send every body to the real server, and hold every answer against its
//! schema; an operation without an example fails them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::example::Example;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder};
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::{Content, OpenApi, RefOr, Response};

const EXAMPLES: &str = include_str!("examples.json");

/// Examples by the name under which they are shown.
type Named = BTreeMap<String, Value>;

#[derive(Deserialize)]
struct Examples {
    /// Values of parameters, by the parameter's name, or by operation and name where it means more.
    parameters: BTreeMap<String, Value>,
    /// The same for parameters that may be repeated.
    repeated: BTreeMap<String, Value>,
    /// Bodies that are sent, by schema, or by operation where one takes less than others.
    requests: BTreeMap<String, Named>,
    /// Bodies that are returned, by schema.
    answers: BTreeMap<String, Named>,
    /// Bodies that are both, by schema.
    documents: BTreeMap<String, Named>,
    /// Bodies that have no schema of their own, by operation.
    texts: BTreeMap<String, Value>,
    /// Errors, by status.
    problems: BTreeMap<String, Value>,
}

/// Adds the examples to every operation, and to the answers that stand once.
pub(super) fn illustrate(document: &mut OpenApi) {
    let examples: Examples =
        serde_json::from_str(EXAMPLES).expect("a file that every test of the document reads");
    for operation in super::operations(document) {
        examples.illustrate_operation(operation);
    }
    let components = document.components.get_or_insert_default();
    for (name, response) in &mut components.responses {
        let status = name.trim_start_matches(|character: char| !character.is_ascii_digit());
        if let (RefOr::T(response), Some(problem)) = (response, examples.problems.get(status)) {
            for content in spelled_out(response.content.values_mut()) {
                content.example = Some(problem.clone());
            }
        }
    }
}

impl Examples {
    fn illustrate_operation(&self, operation: &mut Operation) {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        for parameter in spelled_out(operation.parameters.iter_mut().flatten()) {
            self.illustrate_parameter(id, parameter);
        }
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for content in spelled_out(body.content.values_mut()) {
                match self.requests.get(id) {
                    Some(own) => content.examples = named(own, false),
                    None => show(content, &self.requests, &self.documents),
                }
            }
        }
        let text = self.texts.get(id);
        for response in spelled_out(operation.responses.responses.values_mut()) {
            self.illustrate_response(response, text);
        }
    }

    fn illustrate_parameter(&self, operation: &str, parameter: &mut Parameter) {
        let list = matches!(parameter.schema, Some(RefOr::T(Schema::Array(_))));
        let examples = if list {
            &self.repeated
        } else {
            &self.parameters
        };
        let own = examples.get(&format!("{operation}.{}", parameter.name));
        let example = own.or_else(|| examples.get(&parameter.name)).cloned();
        let described = ParameterBuilder::from(std::mem::take(parameter)).example(example);
        *parameter = described.build();
    }

    fn illustrate_response(&self, response: &mut Response, text: Option<&Value>) {
        for content in spelled_out(response.content.values_mut()) {
            show(content, &self.answers, &self.documents);
            if content.examples.is_empty() {
                content.example = text.cloned();
            }
        }
    }
}

/// Those that are not a reference to what stands elsewhere.
fn spelled_out<'a, T: 'a>(
    items: impl Iterator<Item = &'a mut RefOr<T>>,
) -> impl Iterator<Item = &'a mut T> {
    items.filter_map(|item| match item {
        RefOr::T(item) => Some(item),
        RefOr::Ref(_) => None,
    })
}

/// Shows the examples of the schema of a body, from the first place that has some.
fn show(content: &mut Content, first: &BTreeMap<String, Named>, second: &BTreeMap<String, Named>) {
    let Some((schema, list)) = schema_of(content) else {
        return;
    };
    let found = first.get(schema).or_else(|| second.get(schema));
    content.examples = found.map_or_else(BTreeMap::new, |found| named(found, list));
}

/// Examples as the document has them, each a list of its own when the body is a list.
fn named(examples: &Named, list: bool) -> BTreeMap<String, RefOr<Example>> {
    let named = examples.iter().map(|(name, value)| {
        let value = if list {
            Value::Array(vec![value.clone()])
        } else {
            value.clone()
        };
        let example = Example::builder().value(Some(value)).build();
        (name.clone(), RefOr::T(example))
    });
    named.collect()
}

/// Name of the schema of a body, and whether the body is a list of such.
fn schema_of(content: &Content) -> Option<(&str, bool)> {
    let (reference, list) = match content.schema.as_ref()? {
        RefOr::Ref(reference) => (reference, false),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(item) => match item.as_ref() {
                RefOr::Ref(reference) => (reference, true),
                RefOr::T(_) => return None,
            },
            ArrayItems::False => return None,
        },
        RefOr::T(_) => return None,
    };
    let name = reference.ref_location.rsplit('/').next()?;
    Some((name, list))
}
