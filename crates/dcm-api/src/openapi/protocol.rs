//! What every operation has from the layers around it: the key of a write, and the refusals that come before
//! a route is reached.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, OpenApi, Ref, RefOr, Required, Type};

use super::problems::{HEAD_TOO_LARGE, component};

/// Of each operation under `/v2`.
const ALWAYS: [u16; 5] = [406, 414, 429, HEAD_TOO_LARGE, 503];
/// Of each write beside them: the body is received with the key.
const KEYED: [u16; 4] = [400, 408, 409, 413];
/// Of each write with a key.
const KEYED_TOO: [u16; 2] = [415, 422];

pub(super) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let bounded = path.starts_with("/v2/");
        // What the CA controller does is no part of our commit, so it takes no key.
        let keyed = !path.contains("/ca/");
        let writes = [&mut item.post, &mut item.put, &mut item.delete];
        for operation in writes.into_iter().flatten() {
            if keyed {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.push(key().into());
            }
            add(operation, &KEYED);
            add(operation, &KEYED_TOO);
            if operation.request_body.is_some() {
                add(operation, &[411]);
            }
        }
        let all = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
        ];
        for operation in all.into_iter().flatten().filter(|_| bounded) {
            add(operation, &ALWAYS);
        }
    }
}

/// Adds problems that are not told yet.
fn add(operation: &mut Operation, statuses: &[u16]) {
    for status in statuses {
        let told = RefOr::Ref(Ref::from_response_name(component(*status)));
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert(told);
    }
}

fn key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A new key for each change, at most 255 visible ASCII characters: whoever repeats the request \
             with it is given the same answer, for 24 hours, and the change is made once.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(r"^[!#-\[\]-~]+$"))
                .min_length(Some(1))
                .max_length(Some(255)),
        ))
        .build()
}
