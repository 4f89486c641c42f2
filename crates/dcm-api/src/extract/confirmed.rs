//! What a caller says on purpose before something happens that cannot be taken back.

use axum::extract::FromRequestParts;
use dcm_app::TombstoneFilter;
use dcm_types::{ClusterKey, ClusterName, ProjectName, ProviderName, Violation};
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// `?confirm=`.
pub(crate) struct Confirm(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for Confirm {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        Ok(Self(query.get("confirm")?.map(str::to_owned)))
    }
}

/// `?forget=true`.
pub(crate) struct Forget(pub(crate) bool);

impl<S: Sync> FromRequestParts<S> for Forget {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        let forget = query.parse("forget", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Violation::new("must be 'true' or 'false'", text)),
        })?;
        Ok(Self(forget.unwrap_or(false)))
    }
}

/// `?generation=`, which must be there.
pub(crate) struct Generation(pub(crate) u64);

impl<S: Sync> FromRequestParts<S> for Generation {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let rule = "must be the generation that the member holds, as its status says";
        let query = Parameters::of(parts)?;
        let parse = |text: &str| text.parse().map_err(|_| Violation::new(rule, text));
        let generation = query.parse("generation", parse)?;
        generation
            .map(Self)
            .ok_or_else(|| ApiError::parameter("generation", Violation::new(rule, "")))
    }
}

/// `?project=` and `?cluster=provider/cluster`.
pub(crate) struct Tombstones(pub(crate) TombstoneFilter);

impl<S: Sync> FromRequestParts<S> for Tombstones {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        Ok(Self(TombstoneFilter {
            project: query.parse("project", ProjectName::parse)?,
            cluster: query.parse("cluster", cluster)?,
        }))
    }
}

fn cluster(text: &str) -> Result<ClusterKey, Violation> {
    let (provider, cluster) = text
        .split_once('/')
        .ok_or_else(|| Violation::new("must be a cluster provider, '/', and a cluster", text))?;
    Ok(ClusterKey {
        provider: ProviderName::parse(provider)?,
        cluster: ClusterName::parse(cluster)?,
    })
}
