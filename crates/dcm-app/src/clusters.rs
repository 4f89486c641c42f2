//! Clusters: registered with an administrator's kubeconfig, which is sealed at once and never given
//! back. Names are resolved and checked by whoever connects; a literal address is checked here too,
//! so that the caller is told at once.

use dcm_pki::kubeconfig::{self, AdminCredential, Host};
use dcm_store::{Expect, Place, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{Cluster, ClusterHealth, ClusterIdentity};
use dcm_types::drafts::ClusterDraft;
use dcm_types::ports::Nudge;
use dcm_types::sealed::Purpose;
use dcm_types::{ClusterKey, Document as _, DocumentKind, Index, Key, ProviderName, Sealed, Uid};
use dcm_types::{Fault, Violation};
use secrecy::{ExposeSecret as _, SecretString};

use crate::change::{Act, Change};
use crate::documents;
use crate::integrity::same_name;
use crate::settle::settle;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

/// The field that holds the uploaded kubeconfig.
const KUBECONFIG: &str = "spec.kubeconfig";

/// A cluster, joined with what its last check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDetail {
    /// The cluster.
    pub cluster: Cluster,
    /// The last check of its present credential; `None` before it.
    pub health: Option<ClusterHealth>,
}

impl App {
    /// Registers a cluster and has it checked in the background.
    pub async fn create_cluster(
        &self,
        who: &Principal,
        provider: &ProviderName,
        draft: ClusterDraft,
    ) -> Result<Saved<ClusterDetail>, Error> {
        let key = ClusterKey {
            provider: provider.clone(),
            cluster: draft.name.clone(),
        };
        let credential = self.read_credential(draft.kubeconfig.as_ref())?;
        let credential = credential.ok_or_else(kubeconfig_is_required)?;
        let cluster = self.new_cluster(&key, &draft, &credential)?;
        let site = documents::Site::system(Key::provider(provider));
        let saved = self.create_document(who, &site, cluster).await?;
        self.nudge(Nudge::Cluster(key)).await;
        Ok(saved.map(unchecked))
    }

    /// Reads a cluster.
    pub async fn get_cluster(
        &self,
        _who: &Principal,
        key: &ClusterKey,
    ) -> Result<Saved<ClusterDetail>, Error> {
        let found = self.require_cluster(key).await?;
        self.with_health(found.into()).await
    }

    /// Lists the clusters of a provider.
    pub async fn list_clusters(
        &self,
        _who: &Principal,
        provider: &ProviderName,
        page: PageRequest,
    ) -> Result<Listed<ClusterDetail>, Error> {
        self.require_provider(provider).await?;
        let scope = Scope::Under(provider.to_string());
        let listed = self.page::<Cluster>(scope, page).await?;
        let mut items = Vec::with_capacity(listed.items.len());
        for saved in listed.items {
            items.push(self.with_health(saved).await?);
        }
        Ok(Listed {
            items,
            next: listed.next,
        })
    }

    /// Registers a cluster, or replaces its free text and, when one is given, its credential.
    pub async fn put_cluster(
        &self,
        who: &Principal,
        key: &ClusterKey,
        draft: ClusterDraft,
        precondition: Precondition,
    ) -> Result<Written<ClusterDetail>, Error> {
        same_name(key.cluster.as_str(), draft.name.as_str())?;
        let credential = self.read_credential(draft.kubeconfig.as_ref())?;
        let make = |found: Option<&Cluster>| match (found, &credential) {
            (Some(found), credential) => self.replaced(found, &draft, credential.as_ref()),
            (None, Some(credential)) => self.new_cluster(key, &draft, credential),
            (None, None) => Err(kubeconfig_is_required()),
        };
        let site = documents::Site::system(Key::provider(&key.provider));
        let written = self
            .put_document(who, &site, &Key::cluster(key), &precondition, make)
            .await?;
        self.nudge(Nudge::Cluster(key.clone())).await;
        let saved = self.with_health(written.saved).await?;
        Ok(Written {
            saved,
            created: written.created,
        })
    }

    /// Deletes a cluster that nothing uses.
    pub async fn delete_cluster(
        &self,
        who: &Principal,
        key: &ClusterKey,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require_cluster(key).await?;
            precondition.check(Some(&found))?;
            self.refuse_use_of(key).await?;
            let mut change = Change::new();
            let document = Key::cluster(key);
            change.delete(document.clone(), Expect::Untouched(found.version));
            let health = Key::of_cluster(DocumentKind::ClusterHealth, key);
            change.delete(health, Expect::Anything);
            for identity in self.identities_of(key, found.document.uid).await? {
                change.delete(identity, Expect::Anything);
            }
            let act = Act::done(who, Key::SYSTEM_SCOPE, "delete", document);
            self.commit(change, act).await?;
            Ok(())
        })
        .await?;
        self.nudge(Nudge::Cluster(key.clone())).await;
        Ok(())
    }

    pub(crate) async fn require_cluster(
        &self,
        key: &ClusterKey,
    ) -> Result<Versioned<Cluster>, Error> {
        let document = Key::cluster(key);
        if let Some(found) = self.find(&document).await? {
            return Ok(found);
        }
        self.require_provider(&key.provider).await?;
        Err(crate::integrity::missing(&document))
    }

    /// Joins the last check, unless it was of another credential or of an earlier namesake.
    async fn with_health(&self, saved: Saved<Cluster>) -> Result<Saved<ClusterDetail>, Error> {
        let cluster = &saved.document;
        let key = Key::of_cluster(DocumentKind::ClusterHealth, &cluster.key);
        let health = self
            .find::<ClusterHealth>(&key)
            .await?
            .map(|found| found.document)
            .filter(|health| {
                health.credential_epoch == cluster.credential_epoch
                    && health.checked_at >= cluster.created_at
            });
        Ok(saved.map(|cluster| ClusterDetail { cluster, health }))
    }

    async fn identities_of(&self, key: &ClusterKey, uid: Uid) -> Result<Vec<Key>, Error> {
        let held = self
            .store()
            .read_all::<ClusterIdentity>(Scope::Indexed(Index::Cluster, key.path()))
            .await?;
        Ok(held
            .into_iter()
            .filter(|identity| identity.document.holder_uid == uid)
            .map(|identity| identity.document.key())
            .collect())
    }

    /// Reads an uploaded kubeconfig, which is hostile input.
    fn read_credential(
        &self,
        uploaded: Option<&SecretString>,
    ) -> Result<Option<AdminCredential>, Error> {
        let Some(text) = uploaded else {
            return Ok(None);
        };
        let credential = kubeconfig::parse(text.expose_secret().as_bytes())
            .map_err(|faults| Error::invalid(kubeconfig::faults_within(KUBECONFIG, faults)))?;
        if let Some(fault) = self.refused_address(&credential) {
            return Err(Error::invalid(vec![fault]));
        }
        Ok(Some(credential))
    }

    fn refused_address(&self, credential: &AdminCredential) -> Option<Fault> {
        let server = &credential.server;
        let Host::Address(address) = server.host else {
            return None;
        };
        let socket = (address, server.port).into();
        let refusal = self.policy().addresses.check_socket(socket).err()?;
        Some(refusal.violation(&server.to_string()).at(KUBECONFIG))
    }

    fn new_cluster(
        &self,
        key: &ClusterKey,
        draft: &ClusterDraft,
        credential: &AdminCredential,
    ) -> Result<Cluster, Error> {
        let uid = self.new_uid();
        Ok(Cluster {
            uid,
            key: key.clone(),
            metadata: draft.metadata.clone(),
            server: credential.server.to_string(),
            credential: self.seal_credential(key, uid, 1, credential)?,
            credential_epoch: 1,
            created_at: self.now(),
        })
    }

    fn replaced(
        &self,
        present: &Cluster,
        draft: &ClusterDraft,
        credential: Option<&AdminCredential>,
    ) -> Result<Cluster, Error> {
        let mut cluster = Cluster {
            metadata: draft.metadata.clone(),
            ..present.clone()
        };
        if let Some(credential) = credential {
            cluster.credential_epoch += 1;
            cluster.server = credential.server.to_string();
            cluster.credential = self.seal_credential(
                &cluster.key,
                cluster.uid,
                cluster.credential_epoch,
                credential,
            )?;
        }
        Ok(cluster)
    }

    fn seal_credential(
        &self,
        key: &ClusterKey,
        uid: Uid,
        epoch: u64,
        credential: &AdminCredential,
    ) -> Result<Sealed, Error> {
        let place = Place {
            key: &Key::cluster(key),
            uid,
            field: "credential",
            epoch,
        };
        let json = credential.to_json();
        let plain = json.expose_secret().as_bytes();
        Ok(self
            .vault()
            .seal(Purpose::ClusterCredential, &place, plain)?)
    }
}

fn unchecked(cluster: Cluster) -> ClusterDetail {
    ClusterDetail {
        cluster,
        health: None,
    }
}

fn kubeconfig_is_required() -> Error {
    let violation =
        Violation::hidden("is required").hint("give the administrator's kubeconfig as text");
    Error::invalid(vec![violation.at(KUBECONFIG)])
}
