//! Cluster providers: groups of clusters.

use dcm_store::{Expect, Scope};
use dcm_types::documents::{Cluster, ClusterProvider, ClusterSyncObject};
use dcm_types::drafts::ProviderDraft;
use dcm_types::{Key, ProviderName};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::settle::settle;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

const SITE: Site<'static> = Site::top(Key::SYSTEM_SCOPE);

impl App {
    /// Creates a cluster provider.
    pub async fn create_provider(
        &self,
        who: &Principal,
        draft: ProviderDraft,
    ) -> Result<Saved<ClusterProvider>, Error> {
        let provider = self.new_provider(draft);
        self.create_document(who, &SITE, provider).await
    }

    /// Reads a cluster provider.
    pub async fn get_provider(
        &self,
        _who: &Principal,
        name: &ProviderName,
    ) -> Result<Saved<ClusterProvider>, Error> {
        Ok(self.require_provider(name).await?.into())
    }

    /// Lists cluster providers.
    pub async fn list_providers(
        &self,
        _who: &Principal,
        page: PageRequest,
    ) -> Result<Listed<ClusterProvider>, Error> {
        self.page(Scope::All, page).await
    }

    /// Creates or replaces a cluster provider.
    pub async fn put_provider(
        &self,
        who: &Principal,
        name: &ProviderName,
        draft: ProviderDraft,
        precondition: Precondition,
    ) -> Result<Written<ClusterProvider>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        let make = |found: Option<&ClusterProvider>| {
            let mut provider = self.new_provider(draft.clone());
            if let Some(found) = found {
                provider.uid = found.uid;
                provider.created_at = found.created_at;
            }
            Ok(provider)
        };
        self.put_document(who, &SITE, &Key::provider(name), &precondition, make)
            .await
    }

    /// Deletes a cluster provider that has no clusters and no synchronisation objects.
    pub async fn delete_provider(
        &self,
        who: &Principal,
        name: &ProviderName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let key = Key::provider(name);
        settle(async || {
            let found = self.require_provider(name).await?;
            precondition.check(Some(&found))?;
            self.refuse_children::<Cluster>(&key, "clusters").await?;
            self.refuse_children::<ClusterSyncObject>(&key, "cluster sync objects")
                .await?;
            self.commit_delete(who, &SITE, &key, Expect::Untouched(found.version))
                .await
        })
        .await
    }

    fn new_provider(&self, draft: ProviderDraft) -> ClusterProvider {
        ClusterProvider {
            uid: self.new_uid(),
            name: draft.name,
            metadata: draft.metadata,
            created_at: self.now(),
        }
    }
}
