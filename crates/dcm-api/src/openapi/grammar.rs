//! The grammar of parameters, by name: said once here, for every operation that has them.
//!
//! What stands here is what the extractors accept, so that a client that follows the document is not
//! refused for the form of a parameter.

use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// Names of our own resources (`dcm_types::name`): no `..`, a letter or digit at both ends.
const NAME: &str = r"^[A-Za-z0-9]((\.?[-_A-Za-z0-9])*\.?[A-Za-z0-9])?$";
/// RFC 1123 subdomain.
const SUBDOMAIN: &str =
    r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$";

/// A label selector, which may be empty; a requirement is `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)` or
/// `a notin (b,c)`.
const SELECTOR: &str = concat!(
    r"^$|^(!?[-A-Za-z0-9_./]{1,63}|[-A-Za-z0-9_./]{1,63}(==?|!=)[-A-Za-z0-9_.]{0,63}",
    r"|[-A-Za-z0-9_./]{1,63} (in|notin) \([-A-Za-z0-9_.]{0,63}(,[-A-Za-z0-9_.]{0,63}){0,7}\))",
    r"(,!?[-A-Za-z0-9_./]{1,63}|,[-A-Za-z0-9_./]{1,63}(==?|!=)[-A-Za-z0-9_.]{0,63}){0,15}$",
);

/// An id.
const ID: &str = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

/// Name of a parameter, its pattern, and its greatest length.
const GRAMMAR: [(&str, &str, usize); 19] = [
    ("tombstone", ID, 36),
    ("project", NAME, 128),
    ("clusterProvider", NAME, 128),
    ("cluster", NAME, 128),
    ("logicalCloud", NAME, 128),
    ("clusterReference", NAME, 128),
    ("userPermission", NAME, 128),
    ("user", NAME, 128),
    ("clusterLabel", NAME, 128),
    ("label", NAME, 128),
    ("clusterKv", NAME, 128),
    ("clusterSyncObject", NAME, 128),
    ("logicalCloudKv", NAME, 128),
    ("controller", NAME, 128),
    ("labelSelector", SELECTOR, 4096),
    ("clusterQuota", SUBDOMAIN, 253),
    (
        "If-Match",
        r#"^(\*|"[0-9]{1,19}"(, ?"[0-9]{1,19}"){0,7})$"#,
        200,
    ),
    ("continue", r"^[-A-Za-z0-9_./~]+$", 1024),
    (
        "timeout",
        r"^([1-5]?[0-9]{1,2}s|[0-9]{1,5}ms|[1-9]m|10m)$",
        8,
    ),
];

/// Adds the grammar to every operation.
pub(super) fn describe(document: &mut OpenApi) {
    for operation in super::operations(document) {
        describe_operation(operation);
    }
}

fn describe_operation(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        // One that is called like a name may be more than that, and says so itself.
        if has_pattern(parameter) {
            continue;
        }
        let known = GRAMMAR.iter().find(|(name, ..)| *name == parameter.name);
        if let Some((_, pattern, limit)) = known {
            set(parameter, pattern, *limit);
        }
    }
}

fn has_pattern(parameter: &Parameter) -> bool {
    match &parameter.schema {
        Some(RefOr::T(Schema::Object(schema))) => schema.pattern.is_some(),
        _ => false,
    }
}

fn set(parameter: &mut Parameter, pattern: &str, limit: usize) {
    // A list that is called like a name says at its operation what is in it.
    if matches!(parameter.schema, Some(RefOr::T(Schema::Array(_)))) {
        return;
    }
    let may_be_empty = pattern.starts_with("^$|");
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(usize::from(!may_be_empty)))
        .max_length(Some(limit))
        .pattern(Some(pattern))
        .build();
    parameter.schema = Some(RefOr::T(Schema::Object(schema)));
}
