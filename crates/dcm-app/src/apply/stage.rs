//! Where the steps of an apply run: the use case of each entry, on a stage.

use std::collections::BTreeMap;

use dcm_types::documents::Action;
use dcm_types::drafts::{PermissionDraft, ReferenceDraft};
use dcm_types::{CloudKey, ClusterKey, Document, Entry, Key};

use super::Outcome;
use crate::permissions::Grants;
use crate::references::Members;
use crate::staging::Staging;
use crate::{App, Error, Precondition, Principal, Written};

/// A step that was taken.
pub(super) struct Done {
    pub(super) key: Key,
    pub(super) outcome: Outcome,
    /// The version of the document when nothing of it is written.
    pub(super) version: u64,
}

/// The use cases over what is gathered.
pub(super) struct Stage {
    staging: Staging,
    /// The members of the cloud whose references come one after the other.
    members: Option<(CloudKey, Members)>,
    /// Likewise for permissions.
    grants: Option<(CloudKey, Grants)>,
}

/// Key, whether it was created, and version of what a use case wrote.
type Put = (Key, bool, u64);

fn put<D>(key: Key, written: &Written<D>) -> Put {
    (key, written.created, written.saved.version)
}

fn put_document<D: Document>(written: &Written<D>) -> Put {
    put(written.saved.document.key(), written)
}

impl Stage {
    pub(super) fn over(app: &App) -> Self {
        Self {
            staging: app.stage(),
            members: None,
            grants: None,
        }
    }

    fn app(&self) -> &App {
        self.staging.app()
    }

    /// Runs the use case of an entry.
    pub(super) async fn take(&mut self, who: &Principal, entry: &Entry) -> Result<Done, Error> {
        if let Entry::Action(cloud, action) = entry {
            return self.act(who, cloud, *action).await;
        }
        let before = self.staging.store().commits();
        let put = match entry {
            Entry::Reference(cloud, draft) => Some(self.put_reference(who, cloud, draft).await?),
            Entry::Permission(cloud, draft) => Some(self.put_permission(who, cloud, draft).await?),
            entry => match Box::pin(self.put_outside(who, entry)).await? {
                None => Box::pin(self.put_in_project(who, entry)).await?,
                put => put,
            },
        };
        let (key, created, version) = put.expect("an entry that is no action is put");
        let outcome = match (created, self.staging.store().commits() == before) {
            (true, _) => Outcome::Created,
            (false, true) => Outcome::Unchanged,
            (false, false) => Outcome::Updated,
        };
        Ok(Done {
            key,
            outcome,
            version,
        })
    }

    async fn put_reference(
        &mut self,
        who: &Principal,
        cloud: &CloudKey,
        draft: &ReferenceDraft,
    ) -> Result<Put, Error> {
        let mut members = match self.members.take() {
            Some((of, members)) if of == *cloud => members,
            _ => self.app().members_to_change(cloud).await?,
        };
        let written = self.app().apply_reference(who, &mut members, draft).await;
        self.members = Some((cloud.clone(), members));
        Ok(put_document(&written?))
    }

    async fn put_permission(
        &mut self,
        who: &Principal,
        cloud: &CloudKey,
        draft: &PermissionDraft,
    ) -> Result<Put, Error> {
        let mut grants = match self.grants.take() {
            Some((of, grants)) if of == *cloud => grants,
            _ => self.app().grants_of(cloud).await?,
        };
        let written = self
            .app()
            .apply_permission(who, &mut grants, draft.clone())
            .await;
        self.grants = Some((cloud.clone(), grants));
        Ok(put_document(&written?))
    }

    async fn act(&self, who: &Principal, cloud: &CloudKey, action: Action) -> Result<Done, Error> {
        let accepted = match action {
            Action::Instantiate => self.app().instantiate(who, cloud).await,
            Action::Update => self.app().update(who, cloud).await,
            Action::Terminate => self.app().terminate(who, cloud).await,
            Action::Stop => self.app().stop(who, cloud).await,
            // No document wishes one.
            Action::Revoke => Err(Error::conflict("a revocation names a user")),
        };
        Ok(Done {
            key: Key::cloud(cloud),
            outcome: Outcome::Accepted(accepted?),
            version: self.app().require_cloud(cloud).await?.version.number,
        })
    }

    /// Documents that belong to no project; `None` for others.
    async fn put_outside(&self, who: &Principal, entry: &Entry) -> Result<Option<Put>, Error> {
        let (app, any) = (self.app(), Precondition::None);
        Ok(Some(match entry {
            Entry::Controller(group, draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_controller(who, *group, name, draft, any).await?)
            }
            Entry::Provider(draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_provider(who, name, draft, any).await?)
            }
            Entry::SyncObject(provider, draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                let written = app.put_sync_object(who, provider, name, draft, any).await?;
                put(written.saved.document.object.key(), &written)
            }
            Entry::Cluster(provider, draft) => {
                let key = ClusterKey {
                    provider: provider.clone(),
                    cluster: draft.name.clone(),
                };
                let written = app.put_cluster(who, &key, draft.clone(), any).await?;
                put(Key::cluster(&key), &written)
            }
            Entry::ClusterLabel(cluster, label) => {
                put_document(&app.put_cluster_label(who, cluster, label, any).await?)
            }
            Entry::ClusterKv(cluster, draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_cluster_kv(who, cluster, name, draft, any).await?)
            }
            _ => return Ok(None),
        }))
    }

    /// Projects, and what belongs to them; `None` for others.
    async fn put_in_project(&self, who: &Principal, entry: &Entry) -> Result<Option<Put>, Error> {
        let (app, any) = (self.app(), Precondition::None);
        Ok(Some(match entry {
            Entry::Project(draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_project(who, name, draft, any).await?)
            }
            Entry::LogicalCloud(project, draft) => {
                let key = CloudKey {
                    project: project.clone(),
                    cloud: draft.name.clone(),
                };
                let draft = draft.as_ref().clone();
                let written = app.put_logical_cloud(who, &key, draft, any).await?;
                put(Key::cloud(&key), &written)
            }
            Entry::User(cloud, draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_user(who, cloud, name, draft, any).await?)
            }
            Entry::Quota(cloud, draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_quota(who, cloud, name, draft, any).await?)
            }
            Entry::CloudKv(cloud, draft) => {
                let (name, draft) = (&draft.name, draft.clone());
                put_document(&app.put_cloud_kv(who, cloud, name, draft, any).await?)
            }
            _ => return Ok(None),
        }))
    }

    /// Whether the final version of a document is known by its commit only.
    pub(super) fn writes(&self, key: &Key) -> bool {
        self.staging.store().writes(key)
    }

    /// Makes sure that a refusal rests on what is there now.
    pub(super) async fn confirm(&self) -> Result<(), Error> {
        if self.staging.is_current().await? {
            Ok(())
        } else {
            Err(Error::raced())
        }
    }

    /// Commits what was gathered, and gives the new versions.
    pub(super) async fn commit(&self) -> Result<BTreeMap<Key, u64>, Error> {
        let flushed = self.staging.store().flush().await;
        let committed = flushed.map_err(|error| match error {
            dcm_store::Error::Precondition { .. } => Error::raced(),
            other => other.into(),
        })?;
        self.staging.nudge().await;
        Ok(committed.written.into_iter().collect())
    }
}
