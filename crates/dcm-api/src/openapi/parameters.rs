//! Parameters that several operations have, as the document tells them.

use utoipa::IntoParams;

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
    /// Whose; the first user's when this is left out.
    user: Option<String>,
}

/// What a kubeconfig shall hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `OfKubeconfig`"
)]
pub(crate) struct KubeconfigQuery {
    /// Whose; the first user's when this is left out.
    user: Option<String>,
    /// Address of this server: instead of a credential the kubeconfig names `dcm credential`, which asks
    /// there for the present one at each use.
    exec: Option<String>,
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
