//! The `OpenAPI` document: what the routes say of themselves, and what they have in common.

mod grammar;
mod protocol;

use std::collections::BTreeMap;

use dcm_wire::views::Problem;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Object, Ref, RefOr, Type};
use utoipa::{IntoParams, IntoResponses, OpenApi};

/// Everything that is not said at a route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Distributed Cloud Manager",
        version = "2",
        description = "Logical clouds: slices through many Kubernetes clusters, kept true until they are \
                       terminated. Documents are `metadata` and `spec`; the paths under \
                       `.../logical-clouds/{logicalCloud}/cluster-providers` take and give the flat form of \
                       the original design. Every error is an `application/problem+json` document. Lists \
                       are bare arrays; with `limit`, the headers `Link` and `X-Continue` say where they \
                       go on.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
    tags(
        (name = "projects", description = "Tenants"),
        (name = "cluster-providers", description = "Groups of clusters"),
        (name = "clusters", description = "Registered clusters and their health"),
        (name = "cluster-labels", description = "Labels of clusters; they have no value"),
        (name = "cluster-kv-pairs", description = "Key-values of clusters, kept for clients"),
        (name = "cluster-sync-objects", description = "Key-values of cluster providers with which repositories are reached. \
                       Tokens are among them: they are stored sealed, and returned in clear to whoever may read them"),
        (name = "logical-clouds", description = "Logical clouds and their life"),
        (name = "cluster-references", description = "Members of a logical cloud"),
        (name = "cluster-quotas", description = "Limits of a logical cloud in each member"),
        (name = "users", description = "Who works in a logical cloud"),
        (name = "user-permissions", description = "What a user of a logical cloud may do"),
        (name = "logical-cloud-kv-pairs", description = "Free JSON objects of logical clouds, kept for clients"),
        (name = "kubeconfigs", description = "What a tenant works with"),
        (name = "controllers", description = "Controllers of the later system, kept for its clients; ours need none"),
        (name = "tombstones", description = "What is left of deleted logical clouds in clusters that did not answer"),
        (name = "system", description = "Health, metrics, this document"),
    )
)]
pub(crate) struct Common;

/// The document as it is served and checked in: pretty, ending in a line break.
pub fn document() -> String {
    let mut document = crate::router::documented().into_openapi();
    grammar::describe(&mut document);
    protocol::describe(&mut document);
    let mut text = with_problems(document)
        .to_pretty_json()
        .expect("a document of plain strings and maps can be written as JSON");
    text.push('\n');
    text
}

/// Path of a project.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
pub(crate) struct ProjectPath {
    /// Name of the project.
    project: String,
}

/// Path of a cluster provider.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
pub(crate) struct ProviderPath {
    /// Name of the cluster provider.
    cluster_provider: String,
}

/// Path of a cluster.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
pub(crate) struct ClusterPath {
    /// Name of the cluster provider.
    cluster_provider: String,
    /// Name of the cluster within it.
    cluster: String,
}

/// Path of a logical cloud.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
pub(crate) struct CloudPath {
    /// Name of the project.
    project: String,
    /// Name of the logical cloud within it.
    logical_cloud: String,
}

/// Query of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Page`"
)]
pub(crate) struct PageQuery {
    /// Longest page; at most 500 are returned at once. Without it the whole list is returned.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// Where to go on: the header `X-Continue` of the page before.
    #[param(rename = "continue")]
    continue_: Option<String>,
}

/// Query of a list of clusters.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `ClusterQuery`"
)]
pub(crate) struct ClusterListQuery {
    /// Only the names of clusters that have this label.
    label: Option<String>,
    /// `true`: name, free text and labels of each cluster, and nothing else. Goes before `label`.
    with_labels: Option<String>,
    /// Only clusters whose labels are selected, in Kubernetes' syntax; a label of a cluster has the
    /// empty value.
    label_selector: Option<String>,
}

/// Query of a list of logical clouds.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Selector`"
)]
pub(crate) struct SelectorQuery {
    /// Only logical clouds whose namespace has the selected labels, in Kubernetes' syntax.
    label_selector: Option<String>,
}

/// Path of a tombstone.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
pub(crate) struct TombstonePath {
    /// Its id.
    tombstone: String,
}

/// Query of a list of tombstones.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Tombstones`"
)]
pub(crate) struct TombstoneQuery {
    /// Only those of logical clouds of this project.
    project: Option<String>,
    /// Only those in this cluster: its provider, `/`, and its name.
    #[param(pattern = "^[A-Za-z0-9]{1,64}/[A-Za-z0-9]{1,64}$")]
    cluster: Option<String>,
}

/// Query of a write-off.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Confirm`"
)]
pub(crate) struct ConfirmQuery {
    /// The namespace in which objects may be left for good.
    confirm: String,
}

/// Query of the deletion of a cluster.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Forget`"
)]
pub(crate) struct ForgetQuery {
    /// `true`: also while logical clouds use it; what they have in it is written off.
    forget: Option<bool>,
}

/// Query of the adoption of a generation.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Generation`"
)]
pub(crate) struct GenerationQuery {
    /// The newest generation that a member holds, as the status says.
    generation: u64,
}

/// Query of a read of key-values.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `KvKey`"
)]
pub(crate) struct KvQuery {
    /// Only the value of this key, of the first map that has it.
    key: Option<String>,
}

/// Query and headers of a write with a body.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Write`"
)]
pub(crate) struct WriteQuery {
    /// What to do with unknown members: `Ignore`, `Warn` (default; named in a `Warning` header) or
    /// `Strict` (refused).
    #[param(inline)]
    field_validation: Option<Validation>,
}

/// Values of `fieldValidation`.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes a parameter")]
enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// Query of a kubeconfig.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `OfUser`"
)]
pub(crate) struct UserQuery {
    /// Whose kubeconfig; the first user's when this is left out.
    user: Option<String>,
}

/// `If-Match`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `IfMatch`"
)]
pub(crate) struct MatchHeader {
    /// Only when the version is one of these entity tags, or `*`: only when it exists.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// Errors of a read.
pub(crate) struct ReadProblems;

/// Errors of a write with a body.
pub(crate) struct WriteProblems;

/// Errors of a deletion.
pub(crate) struct DeleteProblems;

/// Errors of an action on a logical cloud.
pub(crate) struct ActionProblems;

/// Every status with which an error is told, and what it means; they stand once in the document.
const STATUSES: [(u16, &str); 14] = [
    (400, "A value breaks a rule; `errors` names every field"),
    (404, "It, or its parent, does not exist"),
    (406, "Nothing that is offered is accepted by `Accept`"),
    (408, "The body did not arrive in time"),
    (
        409,
        "It exists already, or the present state does not allow this",
    ),
    (
        411,
        "A body is needed, and the request has neither a length nor chunks",
    ),
    (412, "`If-Match` does not hold"),
    (413, "The body is larger than 1 MiB"),
    (414, "Path and query are longer than 16 KiB"),
    (415, "The body is not JSON by its own word"),
    (
        422,
        "The body is not one JSON value, a member has the wrong type, or the `Idempotency-Key` was used for \
         another request",
    ),
    (
        429,
        "More requests than one address may send, or more keys than are kept; `Retry-After` tells when to \
         come back",
    ),
    (
        500,
        "A fault of ours; the log has it under the id of the request",
    ),
    (503, "Try again later"),
];

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 500, 503])
    }
}

impl IntoResponses for DeleteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 409, 412, 500, 503])
    }
}

impl IntoResponses for ActionProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 409, 500, 503])
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 408, 409, 412, 413, 415, 422, 500, 503])
    }
}

fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses
        .iter()
        .map(|status| {
            let told = Ref::from_response_name(component(*status));
            (status.to_string(), RefOr::Ref(told))
        })
        .collect()
}

fn component(status: u16) -> String {
    format!("Problem{status}")
}

/// Adds what the routes refer to.
fn with_problems(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let components = document.components.get_or_insert_default();
    for (status, description) in STATUSES {
        let response = problem(description).into();
        components.responses.insert(component(status), response);
    }
    document
}

fn problem(description: &str) -> Response {
    let id = HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::String)))
        .description(Some("Id of the request, also in the log"))
        .build();
    let schema = Ref::from_schema_name("Problem");
    ResponseBuilder::new()
        .description(description)
        .header("X-Request-Id", id)
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}
