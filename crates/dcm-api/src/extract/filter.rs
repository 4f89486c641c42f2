//! What lists are narrowed by, and which value of key-values is asked for.

use axum::extract::FromRequestParts;
use dcm_app::ClusterFilter;
use dcm_types::ClusterLabelName;
use dcm_types::selector::LabelSelector;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// `?labelSelector=`; `None`: everything.
pub(crate) struct Selector(pub(crate) Option<LabelSelector>);

impl<S: Sync> FromRequestParts<S> for Selector {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        Ok(Self(query.parse("labelSelector", LabelSelector::parse)?))
    }
}

/// Which clusters are listed, and what of them.
pub(crate) struct ClusterQuery {
    pub(crate) filter: ClusterFilter,
    /// `?withLabels=true`, in any case of letters.
    pub(crate) with_labels: bool,
}

impl<S: Sync> FromRequestParts<S> for ClusterQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Selector(selector) = Selector::from_request_parts(parts, state).await?;
        let query = Parameters::of(parts)?;
        let with_labels = query.get("withLabels")?;
        let with_labels = with_labels.is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let label = query.parse("label", ClusterLabelName::parse)?;
        Ok(Self {
            filter: ClusterFilter {
                label: label.filter(|_| !with_labels),
                selector: selector.unwrap_or_default(),
            },
            with_labels,
        })
    }
}

/// `?key=`.
pub(crate) struct KvKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for KvKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        Ok(Self(query.get("key")?.map(str::to_owned)))
    }
}
