//! Names in the path: decoded once, validated, and all wrong ones told at once.

use std::cell::RefCell;

use axum::extract::{FromRequestParts, RawPathParams};
use dcm_types::{
    CloudKey, CloudKvName, CloudName, ClusterKey, ClusterKvName, ClusterLabelName, ClusterName,
    ControllerName, Fault, PermissionName, ProjectName, ProviderName, QuotaName, ReferenceName,
    SyncObjectName, Uid, UserName, Violation,
};
use http::request::Parts;

use crate::error::ApiError;

/// The names in the path of a request.
pub(crate) struct Names<T>(pub(crate) T);

/// Raw values of the path, and what is wrong with them.
struct PathValues {
    values: Vec<(String, String)>,
    faults: RefCell<Vec<Fault>>,
}

impl PathValues {
    fn name<N>(&self, parameter: &str, parse: fn(&str) -> Result<N, Violation>) -> Option<N> {
        let value = self
            .values
            .iter()
            .find(|(name, _)| name == parameter)
            .map_or("", |(_, value)| value.as_str());
        parse(value)
            .map_err(|violation| self.faults.borrow_mut().push(violation.at(parameter)))
            .ok()
    }
}

/// What can be read from a path.
trait FromPath: Sized {
    fn read(path: &PathValues) -> Option<Self>;
}

macro_rules! one_name {
    ($($type:ty = $parameter:literal),* $(,)?) => {$(
        impl FromPath for $type {
            fn read(path: &PathValues) -> Option<Self> {
                path.name($parameter, <$type>::parse)
            }
        }
    )*};
}

one_name!(
    ProjectName = "project",
    CloudName = "logicalCloud",
    ProviderName = "clusterProvider",
    ClusterName = "cluster",
    ReferenceName = "clusterReference",
    QuotaName = "clusterQuota",
    PermissionName = "userPermission",
    UserName = "user",
    ClusterLabelName = "clusterLabel",
    ClusterKvName = "clusterKv",
    SyncObjectName = "clusterSyncObject",
    CloudKvName = "logicalCloudKv",
    ControllerName = "controller",
);

impl FromPath for Uid {
    fn read(path: &PathValues) -> Option<Self> {
        path.name("tombstone", |text| {
            Self::parse(text)
                .ok_or_else(|| Violation::new("must be an id such as the list shows", text))
        })
    }
}

impl FromPath for CloudKey {
    fn read(path: &PathValues) -> Option<Self> {
        let (project, cloud) = <(ProjectName, CloudName)>::read(path)?;
        Some(Self { project, cloud })
    }
}

impl FromPath for ClusterKey {
    fn read(path: &PathValues) -> Option<Self> {
        let (provider, cluster) = <(ProviderName, ClusterName)>::read(path)?;
        Some(Self { provider, cluster })
    }
}

impl<A: FromPath, B: FromPath> FromPath for (A, B) {
    fn read(path: &PathValues) -> Option<Self> {
        // Both are read before either ends it, so that every fault is noted.
        let first = A::read(path);
        let second = B::read(path);
        first.zip(second)
    }
}

impl<S, T> FromRequestParts<S> for Names<T>
where
    S: Send + Sync,
    T: FromPath,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                ApiError::parameter("path", Violation::hidden("must be UTF-8 when decoded"))
            })?;
        let values = raw
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let path = PathValues {
            values,
            faults: RefCell::default(),
        };
        T::read(&path)
            .map(Self)
            .ok_or_else(|| ApiError::invalid(path.faults.into_inner()))
    }
}
