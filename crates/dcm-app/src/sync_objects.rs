//! Synchronisation objects of a cluster provider, kept for clients. Tokens of repositories are among
//! their values, so the values are sealed; whoever may read the object is given them back.

use dcm_store::{Place, Scope};
use dcm_types::documents::ClusterSyncObject;
use dcm_types::drafts::SyncObjectDraft;
use dcm_types::key_value::KeyValues;
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, Key, ProviderName, Sealed, SyncObjectName, Uid};
use secrecy::ExposeSecret as _;

use crate::documents::Site;
use crate::integrity::same_name;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

/// A synchronisation object with its values opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncObjectDetail {
    /// As it is stored.
    pub object: ClusterSyncObject,
    /// Its values.
    pub pairs: KeyValues,
}

impl App {
    /// Creates a synchronisation object.
    pub async fn create_sync_object(
        &self,
        who: &Principal,
        provider: &ProviderName,
        draft: SyncObjectDraft,
    ) -> Result<Saved<SyncObjectDetail>, Error> {
        self.require_provider(provider).await?;
        let object = self.new_sync_object(provider, &draft)?;
        let site = Site::system(Key::provider(provider));
        let saved = self.create_document(who, &site, object).await?;
        self.opened(saved)
    }

    /// Reads a synchronisation object.
    pub async fn get_sync_object(
        &self,
        _who: &Principal,
        provider: &ProviderName,
        name: &SyncObjectName,
    ) -> Result<Saved<SyncObjectDetail>, Error> {
        self.require_provider(provider).await?;
        let key = Key::sync_object(provider, name);
        let found = self.require::<ClusterSyncObject>(&key).await?;
        self.opened(found.into())
    }

    /// Lists the synchronisation objects of a provider.
    pub async fn list_sync_objects(
        &self,
        _who: &Principal,
        provider: &ProviderName,
        page: PageRequest,
    ) -> Result<Listed<SyncObjectDetail>, Error> {
        self.require_provider(provider).await?;
        let scope = Scope::Under(provider.to_string());
        let listed = self.page::<ClusterSyncObject>(scope, page).await?;
        let items = listed.items.into_iter().map(|saved| self.opened(saved));
        Ok(Listed {
            items: items.collect::<Result<_, _>>()?,
            next: listed.next,
        })
    }

    /// Creates or replaces a synchronisation object.
    pub async fn put_sync_object(
        &self,
        who: &Principal,
        provider: &ProviderName,
        name: &SyncObjectName,
        draft: SyncObjectDraft,
        precondition: Precondition,
    ) -> Result<Written<SyncObjectDetail>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        self.require_provider(provider).await?;
        let make = |found: Option<&ClusterSyncObject>| match found {
            Some(found) => self.replaced_sync_object(found, &draft),
            None => self.new_sync_object(provider, &draft),
        };
        let site = Site::system(Key::provider(provider));
        let key = Key::sync_object(provider, name);
        let written = self
            .put_document(who, &site, &key, &precondition, make)
            .await?;
        Ok(Written {
            saved: self.opened(written.saved)?,
            created: written.created,
        })
    }

    /// Deletes a synchronisation object.
    pub async fn delete_sync_object(
        &self,
        who: &Principal,
        provider: &ProviderName,
        name: &SyncObjectName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        self.require_provider(provider).await?;
        let site = Site::system(Key::provider(provider));
        let key = Key::sync_object(provider, name);
        self.delete_document::<ClusterSyncObject>(who, &site, &key, &precondition)
            .await
    }

    fn new_sync_object(
        &self,
        provider: &ProviderName,
        draft: &SyncObjectDraft,
    ) -> Result<ClusterSyncObject, Error> {
        let uid = self.new_uid();
        let key = Key::sync_object(provider, &draft.name);
        Ok(ClusterSyncObject {
            uid,
            provider: provider.clone(),
            name: draft.name.clone(),
            metadata: draft.metadata.clone(),
            values: self.seal_values(&key, uid, 1, &draft.pairs)?,
            epoch: 1,
        })
    }

    /// Values that stay as they are also stay sealed as they are, so that nothing is written.
    fn replaced_sync_object(
        &self,
        present: &ClusterSyncObject,
        draft: &SyncObjectDraft,
    ) -> Result<ClusterSyncObject, Error> {
        let mut object = ClusterSyncObject {
            metadata: draft.metadata.clone(),
            ..present.clone()
        };
        if self.open_values(present)? != draft.pairs {
            object.epoch += 1;
            object.values =
                self.seal_values(&present.key(), object.uid, object.epoch, &draft.pairs)?;
        }
        Ok(object)
    }

    fn seal_values(
        &self,
        key: &Key,
        uid: Uid,
        epoch: u64,
        pairs: &KeyValues,
    ) -> Result<Sealed, Error> {
        let place = Place {
            key,
            uid,
            field: "values",
            epoch,
        };
        let json = pairs.to_json();
        let plain = json.expose_secret().as_bytes();
        Ok(self
            .vault()
            .seal(Purpose::SyncObjectValues, &place, plain)?)
    }

    fn open_values(&self, object: &ClusterSyncObject) -> Result<KeyValues, Error> {
        let place = Place {
            key: &object.key(),
            uid: object.uid,
            field: "values",
            epoch: object.epoch,
        };
        let plain = self
            .vault()
            .unseal(Purpose::SyncObjectValues, &place, &object.values)?;
        KeyValues::from_json(plain.expose_secret()).map_err(Error::internal)
    }

    fn opened(&self, saved: Saved<ClusterSyncObject>) -> Result<Saved<SyncObjectDetail>, Error> {
        let pairs = self.open_values(&saved.document)?;
        Ok(saved.map(|object| SyncObjectDetail { object, pairs }))
    }
}
