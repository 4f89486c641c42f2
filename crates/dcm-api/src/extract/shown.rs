//! What of a status is shown: the form with conditions, the form of the main dialect's older servers
//! with its parameters, or both in one document.

use axum::extract::FromRequestParts;
use dcm_types::{ClusterName, ProviderName, Violation};
use dcm_wire::views::Selection;
use http::header::ACCEPT;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// Media type of the form with conditions.
pub(crate) const CONDITIONS_TYPE: &str = "application/vnd.dcm.status+json";
/// Longest name of an object in a cluster.
const NAME_LIMIT: usize = 253;
/// Most digits of an instance.
const INSTANCE_DIGITS: usize = 19;

/// The form of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// Conditions and deployment in one document.
    Whole,
    /// Conditions only; the flag tells whether their own media type was asked for.
    Conditions(bool),
    /// Deployment only.
    Deployment,
    /// The list of clusters.
    Clusters,
    /// The list of resources.
    Resources,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) form: Form,
    pub(crate) selection: Selection,
}

impl<S: Sync> FromRequestParts<S> for Shown {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        let view = query.parse("view", parse_view)?;
        let deployed = query.parse("status", parse_status)?;
        let output = query.parse("output", parse_output)?;
        let selection = Selection {
            instance: query.parse("instance", parse_instance)?,
            deployed: deployed.unwrap_or(false),
            summary: output == Some(Output::Summary),
            detail: output == Some(Output::Detail),
            clusters: query.parse_all("cluster", parse_cluster)?,
            resources: query.parse_all("resource", parse_resource)?,
        };
        let chosen = ["instance", "status", "output", "cluster", "resource"];
        let form = if view == Some(View::Conditions) {
            Form::Conditions(false)
        } else if query.has("clusters") {
            Form::Clusters
        } else if query.has("resources") {
            Form::Resources
        } else if view.is_some() || chosen.iter().any(|name| query.has(name)) {
            Form::Deployment
        } else if accepts_conditions(parts) {
            Form::Conditions(true)
        } else {
            Form::Whole
        };
        Ok(Self { form, selection })
    }
}

/// Whether the caller names the media type of the form with conditions.
fn accepts_conditions(parts: &Parts) -> bool {
    let values = parts.headers.get_all(ACCEPT).iter();
    let mut types = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    types.any(|range| {
        let name = range.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case(CONDITIONS_TYPE)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Conditions,
    Deployment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Summary,
    All,
    Detail,
}

fn parse_view(text: &str) -> Result<View, Violation> {
    match text {
        "conditions" => Ok(View::Conditions),
        "deployment" => Ok(View::Deployment),
        _ => Err(Violation::new("must be conditions or deployment", text)),
    }
}

fn parse_instance(text: &str) -> Result<u64, Violation> {
    let known = text.len() <= INSTANCE_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| known)
        .ok_or_else(|| no_instance(text))
}

/// The instance is none of the cloud.
pub(crate) fn no_instance(text: &str) -> Violation {
    Violation::new("must be an instance of this logical cloud", text)
        .hint("states.actions of the status names them")
}

/// Whether it is asked what is deployed.
fn parse_status(text: &str) -> Result<bool, Violation> {
    match text {
        "ready" => Ok(false),
        "deployed" => Ok(true),
        _ => Err(Violation::new("must be ready or deployed", text)),
    }
}

fn parse_output(text: &str) -> Result<Output, Violation> {
    match text {
        "summary" => Ok(Output::Summary),
        "all" => Ok(Output::All),
        "detail" => Ok(Output::Detail),
        _ => Err(Violation::new("must be summary, all or detail", text)),
    }
}

fn parse_cluster(text: &str) -> Result<(String, String), Violation> {
    let (provider, cluster) = text.split_once('+').ok_or_else(|| {
        Violation::new("must be a provider and a cluster, joined by '+'", text)
            .hint("in a URL, '+' is written as %2B")
    })?;
    ProviderName::parse(provider)?;
    ClusterName::parse(cluster)?;
    Ok((provider.to_owned(), cluster.to_owned()))
}

fn parse_resource(text: &str) -> Result<String, Violation> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    if text.is_empty() || text.len() > NAME_LIMIT || !text.bytes().all(known) {
        return Err(Violation::new(
            "must be the name of a Kubernetes object",
            text,
        ));
    }
    Ok(text.to_owned())
}
