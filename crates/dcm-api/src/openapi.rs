//! The `OpenAPI` document: what the routes say of themselves, and what they have in common.

mod answers;
mod examples;
mod grammar;
mod links;
mod parameters;
mod problems;
mod protocol;

use dcm_wire::views::{Accepted, Problem, TombstoneView};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::openapi::path::{Operation, PathItem};

pub(crate) use self::answers::{AcceptedAction, Created, Deleted, Found, Listed, Written};
pub(crate) use self::parameters::{
    CloudPath, ClusterListQuery, ClusterPath, ConfirmQuery, ForgetQuery, GenerationQuery,
    KubeconfigQuery, KvQuery, MatchHeader, PageQuery, ProjectPath, ProviderPath, SelectorQuery,
    TombstonePath, TombstoneQuery, UserQuery, WriteQuery,
};
pub(crate) use self::problems::{ActionProblems, DeleteProblems, ReadProblems, WriteProblems};
use crate::routes::PairsOrValue;
use crate::routes::clusters::ClusterItem;

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
    components(schemas(Problem, Accepted, PairsOrValue, ClusterItem, TombstoneView)),
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
        (name = "authorities", description = "Certificate authorities of meshes"),
        (name = "service-meshes", description = "What the members of a logical cloud shall hold of its mesh"),
        (name = "tombstones", description = "What is left of deleted logical clouds in clusters that did not answer"),
        (name = "system", description = "Health, metrics, this document"),
    )
)]
pub(crate) struct Common;

/// The document as it is served and checked in: pretty, ending in a line break.
pub fn document() -> String {
    let mut document = problems::with_problems(crate::router::documented().into_openapi());
    grammar::describe(&mut document);
    protocol::describe(&mut document);
    links::connect(&mut document);
    examples::illustrate(&mut document);
    let mut text = document
        .to_pretty_json()
        .expect("a document of plain strings and maps can be written as JSON");
    text.push('\n');
    text
}

/// Every operation, to add to it.
fn operations(document: &mut OpenApiDocument) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|item| {
        let PathItem {
            get,
            put,
            post,
            delete,
            ..
        } = item;
        [get, put, post, delete]
            .into_iter()
            .filter_map(Option::as_mut)
    })
}

/// The operations of a path.
fn each_of(item: &PathItem) -> impl Iterator<Item = &Operation> {
    [&item.get, &item.put, &item.post, &item.delete]
        .into_iter()
        .filter_map(Option::as_ref)
}
