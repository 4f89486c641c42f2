//! Cluster providers: groups of clusters.

use dcm_store::{Expect, Scope};
use dcm_types::documents::{Cluster, ClusterProvider};
use dcm_types::drafts::ProviderDraft;
use dcm_types::{Key, ProviderName};

use crate::change::{Act, Change};
use crate::integrity::same_name;
use crate::settle::settle;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Creates a cluster provider.
    pub async fn create_provider(
        &self,
        who: &Principal,
        draft: ProviderDraft,
    ) -> Result<Saved<ClusterProvider>, Error> {
        let provider = self.new_provider(draft);
        self.create(who, Key::SYSTEM_SCOPE, provider, Change::new())
            .await
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
        settle(async || {
            let found = self.find::<ClusterProvider>(&Key::provider(name)).await?;
            precondition.check(found.as_ref())?;
            let provider = match &found {
                Some(found) => ClusterProvider {
                    metadata: draft.metadata.clone(),
                    ..found.document.clone()
                },
                None => self.new_provider(draft.clone()),
            };
            self.write(who, Key::SYSTEM_SCOPE, found, provider, Change::new())
                .await
        })
        .await
    }

    /// Deletes a cluster provider that has no clusters.
    pub async fn delete_provider(
        &self,
        who: &Principal,
        name: &ProviderName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require_provider(name).await?;
            precondition.check(Some(&found))?;
            let key = Key::provider(name);
            self.refuse_children::<Cluster>(&key, "clusters").await?;
            let mut change = Change::new();
            change.delete(key.clone(), Expect::Untouched(found.version));
            self.commit(change, Act::done(who, Key::SYSTEM_SCOPE, "delete", key))
                .await?;
            Ok(())
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
