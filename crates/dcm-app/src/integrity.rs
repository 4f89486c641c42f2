//! What depends on what: parents that must exist, children that must not, and how they are named to
//! callers. The only place that knows.

use dcm_store::{Scope, StoreExt as _, Versioned};
use dcm_types::documents::{
    ClusterProvider, ClusterReference, LogicalCloud, Namespace, Observed, Project, Reservation,
    Target, Tombstone,
};
use dcm_types::{
    CloudKey, ClusterKey, Document, DocumentKind, Index, Key, ProjectName, ProviderName, Uid,
    Violation,
};

use crate::{App, Error};

/// A document in words: `logical cloud 'lc' of project 'p'`.
pub(crate) fn describe(key: &Key) -> String {
    let parts: Vec<&str> = key.path().split('/').collect();
    let word = match key.kind() {
        DocumentKind::Project => "project",
        DocumentKind::ClusterProvider => "cluster provider",
        DocumentKind::Cluster => "cluster",
        DocumentKind::LogicalCloud => "logical cloud",
        DocumentKind::User => "user",
        DocumentKind::ClusterReference => "cluster reference",
        DocumentKind::Quota => "cluster quota",
        DocumentKind::UserPermission => "user permission",
        DocumentKind::Controller => "controller",
        DocumentKind::ClusterLabel => "label",
        DocumentKind::ClusterKv | DocumentKind::LogicalCloudKv => "kv-pairs",
        DocumentKind::ClusterSyncObject => "cluster sync object",
        DocumentKind::Tombstone => "tombstone",
        _ => "document",
    };
    match (key.kind(), parts.as_slice()) {
        (DocumentKind::ClusterLabel | DocumentKind::ClusterKv, [provider, cluster, name]) => {
            format!("{word} '{name}' of cluster '{provider}/{cluster}'")
        }
        (DocumentKind::Cluster | DocumentKind::ClusterSyncObject, [provider, name]) => {
            format!("{word} '{name}' of cluster provider '{provider}'")
        }
        (DocumentKind::LogicalCloud, [project, name]) => {
            format!("{word} '{name}' of project '{project}'")
        }
        (_, [_, cloud, name]) => format!("{word} '{name}' of logical cloud '{cloud}'"),
        (DocumentKind::Controller, [_, name]) | (_, [name]) => format!("{word} '{name}'"),
        _ => word.to_owned(),
    }
}

pub(crate) fn missing(key: &Key) -> Error {
    Error::missing(key, &describe(key))
}

/// Refuses a body whose name is not that of its path.
pub(crate) fn same_name(path: &str, body: &str) -> Result<(), Error> {
    if path == body {
        return Ok(());
    }
    let rule = format!("must be '{path}', the name in the path");
    Err(Error::invalid(vec![
        Violation::new(rule, body).at("metadata.name"),
    ]))
}

impl App {
    /// Reads a document that must exist.
    pub(crate) async fn require<D: Document>(&self, key: &Key) -> Result<Versioned<D>, Error> {
        self.find(key).await?.ok_or_else(|| missing(key))
    }

    pub(crate) async fn require_project(
        &self,
        project: &ProjectName,
    ) -> Result<Versioned<Project>, Error> {
        self.require(&Key::project(project)).await
    }

    pub(crate) async fn require_provider(
        &self,
        provider: &ProviderName,
    ) -> Result<Versioned<ClusterProvider>, Error> {
        self.require(&Key::provider(provider)).await
    }

    /// Reads a logical cloud; when it is its project that is missing, the error names the project.
    pub(crate) async fn require_cloud(
        &self,
        cloud: &CloudKey,
    ) -> Result<Versioned<LogicalCloud>, Error> {
        let key = Key::cloud(cloud);
        if let Some(found) = self.find(&key).await? {
            return Ok(found);
        }
        self.require_project(&cloud.project).await?;
        Err(missing(&key))
    }

    /// Reads the namespace of a cloud, which is there as long as the cloud is.
    pub(crate) async fn namespace_of(
        &self,
        cloud: &CloudKey,
    ) -> Result<Versioned<Namespace>, Error> {
        let key = Key::of_cloud(DocumentKind::Namespace, cloud);
        let found = self.find(&key).await?;
        found.ok_or_else(|| missing(&Key::cloud(cloud)))
    }

    /// Makes sure that a cloud, with all that belongs to it, is as it was when it was read.
    pub(crate) async fn confirm(&self, cloud: &Versioned<LogicalCloud>) -> Result<(), Error> {
        let now = self.require_cloud(&cloud.document.key).await?;
        if now.version == cloud.version {
            Ok(())
        } else {
            Err(Error::raced())
        }
    }

    /// Whether anything is stored below this path. The parent must be read before this, and be
    /// committed on as untouched.
    async fn has_any<D: Document>(&self, scope: Scope) -> Result<bool, Error> {
        let (found, _) = self.store().read_page::<D>(scope, None, 1).await?;
        Ok(!found.is_empty())
    }

    pub(crate) async fn refuse_children<D: Document>(
        &self,
        parent: &Key,
        children: &str,
    ) -> Result<(), Error> {
        if !self
            .has_any::<D>(Scope::Under(parent.path().to_owned()))
            .await?
        {
            return Ok(());
        }
        let described = describe(parent);
        Err(Error::conflict(format!("{described} still has {children}"))
            .hint(format!("delete its {children} first")))
    }

    /// Refuses while a reference names the cluster, or something of ours is or may come to be on it.
    pub(crate) async fn refuse_use_of(&self, cluster: &ClusterKey) -> Result<(), Error> {
        let scope = || Scope::Indexed(Index::Cluster, cluster.path());
        let described = describe(&Key::cluster(cluster));
        if self.has_any::<ClusterReference>(scope()).await? {
            return Err(
                Error::conflict(format!("{described} is referenced by logical clouds"))
                    .hint("delete the cluster references that name it first"),
            );
        }
        if self.has_any::<Tombstone>(scope()).await? {
            return Err(Error::conflict(format!(
                "{described} holds objects of deleted logical clouds, which have tombstones"
            ))
            .hint("wait until it answers and they are cleaned up, or write the tombstones off"));
        }
        let reserved = self.has_any::<Reservation>(scope()).await?;
        let targets = self.store().read_all::<Target>(scope()).await?;
        let occupied = targets
            .iter()
            .any(|target| target.document.observed != Observed::Absent);
        if reserved || occupied {
            return Err(Error::conflict(format!(
                "{described} still holds objects of logical clouds"
            ))
            .hint("wait until the logical clouds that used it are updated or terminated on it"));
        }
        Ok(())
    }

    /// Whether nothing of a cloud is, or can come to be, in any member.
    pub(crate) async fn is_clean(&self, cloud: &CloudKey, uid: Uid) -> Result<bool, Error> {
        let by_uid = Scope::Indexed(Index::Cloud, uid.to_string());
        if self.has_any::<Reservation>(by_uid).await? {
            return Ok(false);
        }
        let targets = self
            .store()
            .read_all::<Target>(Scope::Under(cloud.path()))
            .await?;
        Ok(targets
            .iter()
            .all(|target| target.document.observed == Observed::Absent))
    }
}
