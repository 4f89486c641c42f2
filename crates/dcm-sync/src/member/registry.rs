//! The sessions: one per registered cluster, opened when needed, replaced when the credential changes.

use std::collections::HashMap;
use std::sync::Arc;

use dcm_pki::kubeconfig::AdminCredential;
use dcm_store::vault::Place as SealedPlace;
use dcm_store::{Store, StoreExt, Vault};
use dcm_types::documents::Cluster;
use dcm_types::sealed::Purpose;
use dcm_types::{ClusterKey, Document as _, Key};
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::gate::Gates;
use super::limits::{Limited, Limits};
use super::{Member, MemberParts, Outlets, identity};
use crate::config::Config;
use crate::error::Error;
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, Connector};

/// A slot per cluster; its lock lets one caller open while the others wait for the outcome.
#[derive(Default)]
struct Slot {
    member: Option<Arc<Member>>,
    /// There was a session before.
    opened: bool,
    /// When opening failed last, and why: whoever waited meanwhile takes this for an answer.
    failed: Option<(Instant, CallError)>,
}

/// All sessions.
pub(crate) struct Registry {
    store: Arc<dyn Store>,
    vault: Arc<Vault>,
    connector: Arc<dyn Connector>,
    config: Config,
    outlets: Outlets,
    pub(crate) gates: Arc<Gates>,
    slots: Mutex<HashMap<ClusterKey, Arc<tokio::sync::Mutex<Slot>>>>,
    ended: CancellationToken,
}

impl Registry {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        vault: Arc<Vault>,
        connector: Arc<dyn Connector>,
        config: Config,
        (outlets, gates): (Outlets, Arc<Gates>),
        ended: CancellationToken,
    ) -> Self {
        Self {
            store,
            vault,
            connector,
            config,
            outlets,
            gates,
            slots: Mutex::default(),
            ended,
        }
    }

    /// The cluster as registered now.
    pub(crate) async fn registered(&self, key: &ClusterKey) -> Result<Cluster, Error> {
        let cluster = self.store.read::<Cluster>(&Key::cluster(key)).await?;
        let cluster = cluster.ok_or_else(|| Error::NotRegistered {
            cluster: key.clone(),
        })?;
        Ok(cluster.document)
    }

    /// The session with a cluster, opened if need be and if its gate is.
    pub(crate) async fn open(&self, key: &ClusterKey) -> Result<Arc<Member>, Error> {
        let cluster = self.registered(key).await?;
        self.gates.check(key)?;
        match self.session(key, cluster).await {
            Err(Error::Held(why)) => {
                self.gates.shut(key, Arc::clone(&why));
                Err(Error::Held(why))
            }
            other => other,
        }
    }

    /// The session with a cluster, for a probe: whatever its gate says.
    pub(crate) async fn probe(&self, key: &ClusterKey) -> Result<Arc<Member>, Error> {
        let cluster = self.registered(key).await?;
        self.session(key, cluster).await
    }

    /// What keeps one from opening a session keeps everybody: such errors are [`Error::Held`].
    async fn session(&self, key: &ClusterKey, cluster: Cluster) -> Result<Arc<Member>, Error> {
        let opened = self.open_session(key, cluster).await;
        opened.map_err(|error| match error {
            error @ (Error::Call(_)
            | Error::IdentityChanged { .. }
            | Error::DuplicateCluster { .. }) => Error::Held(Arc::new(error)),
            other => other,
        })
    }

    async fn open_session(&self, key: &ClusterKey, cluster: Cluster) -> Result<Arc<Member>, Error> {
        let slot = Arc::clone(self.slots.lock().entry(key.clone()).or_default());
        let asked = Instant::now();
        let mut slot = slot.lock().await;
        if let Some(member) = slot.member.take() {
            let same = member.cluster_uid == cluster.uid
                && member.credential_epoch == cluster.credential_epoch
                && !member.ended.is_cancelled();
            if same {
                slot.member = Some(Arc::clone(&member));
                return Ok(member);
            }
            member.ended.cancel();
        }
        if let Some((at, error)) = &slot.failed
            && *at >= asked
        {
            return Err(error.clone().into());
        }
        match self.connect(cluster).await {
            Ok(member) => {
                let member = Arc::new(member);
                slot.member = Some(Arc::clone(&member));
                slot.failed = None;
                let again = std::mem::replace(&mut slot.opened, true);
                // Behind a gate that is shut everything goes on when that opens.
                if again && self.gates.wait(key).is_none() {
                    // Nobody listens at shutdown only.
                    drop(self.outlets.reopened.send(key.clone()));
                }
                Ok(member)
            }
            Err(error) => {
                if let Error::Call(call) = &error {
                    slot.failed = Some((Instant::now(), call.clone()));
                }
                Err(error)
            }
        }
    }

    /// Ends the session with a cluster, so that the next call opens a new one (and resolves its name,
    /// and checks its identity, again).
    pub(crate) async fn close(&self, key: &ClusterKey) {
        let slot = self.slots.lock().get(key).cloned();
        if let Some(slot) = slot
            && let Some(member) = slot.lock().await.member.take()
        {
            member.ended.cancel();
        }
    }

    /// The administrator's credential of a cluster.
    fn credential(&self, cluster: &Cluster) -> Result<AdminCredential, Error> {
        let key = cluster.key();
        let place = SealedPlace {
            key: &key,
            uid: cluster.uid,
            field: "credential",
            epoch: cluster.credential_epoch,
        };
        let plain = self
            .vault
            .unseal(Purpose::ClusterCredential, &place, &cluster.credential)
            .map_err(|source| Error::Vault {
                what: "credential of the cluster",
                source,
            })?;
        AdminCredential::from_json(plain.expose_secret()).map_err(|_| Error::Credential {
            what: "credential of the cluster",
        })
    }

    async fn connect(&self, cluster: Cluster) -> Result<Member, Error> {
        let credential = self.credential(&cluster)?;
        let inner = self.connector.connect(&cluster, &credential).await?;
        let limits = Arc::new(Limits::new(&self.config));
        let first = Limited {
            inner: Arc::clone(&inner),
            limits: Arc::clone(&limits),
            deadline: Instant::now() + self.config.call_deadline.get(),
            housekeeping: false,
        };
        let calls = Calls(&first);
        let (identity, me) = if self.gates.wait(&cluster.key).is_some() {
            // A probe of what does not answer is one call.
            let identity = identity::read(&calls).await?;
            (identity, identity::who_am_i(&calls).await?)
        } else {
            futures::future::try_join(identity::read(&calls), identity::who_am_i(&calls)).await?
        };
        identity::claim(self.store.as_ref(), &cluster, &identity).await?;
        tracing::info!(cluster = %cluster.key, identity, user = me.0, "session opened");
        Ok(Member::new(MemberParts {
            key: cluster.key,
            cluster_uid: cluster.uid,
            credential_epoch: cluster.credential_epoch,
            credential,
            user_name: me.0,
            api: inner,
            limits,
            gates: Arc::clone(&self.gates),
            outlets: self.outlets.clone(),
            ended: self.ended.child_token(),
        }))
    }
}
