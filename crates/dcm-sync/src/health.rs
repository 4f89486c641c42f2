//! The background check of registered clusters: reachable, version, identity, who we are, what we may
//! do, and whether client certificates are signed.

use std::sync::Arc;

use async_trait::async_trait;
use dcm_store::{Batch, Expect, Scope, StoreExt};
use dcm_types::documents::{Cluster, ClusterHealth, Finding, HealthState, SignerState, Target};
use dcm_types::{ClusterKey, DocumentKind, Index, Key, TargetKey};
use tokio::time::Instant;

use crate::context::Context;
use crate::driver::{Next, Priority, Queue, Work};
use crate::error::Error;
use crate::member::Member;
use crate::member::identity::who_am_i;
use crate::member::limits::Limited;
use dcm_cluster::call::Calls;

mod rights;
mod signer;

/// The work of the clusters' driver.
pub(crate) struct Probe {
    pub(crate) context: Arc<Context>,
    pub(crate) targets: Queue<TargetKey>,
}

#[async_trait]
impl Work for Probe {
    type Key = ClusterKey;
    type Group = ClusterKey;

    fn group(&self, key: &ClusterKey) -> ClusterKey {
        key.clone()
    }

    fn jitter(&self) -> f64 {
        self.context.randomness.jitter()
    }

    async fn run(&self, key: ClusterKey, _priority: Priority, _attempts: u32) -> Next {
        match self.probe(&key).await {
            Ok(true) => Next::Done(Some(self.context.config.health_interval.get())),
            Ok(false) => Next::Failed(None),
            Err(Error::NotRegistered { .. }) => self.forget(&key).await,
            Err(error) => {
                tracing::warn!(cluster = %key, error = dcm_types::chain(&error), "cannot check the cluster");
                Next::Failed(None)
            }
        }
    }
}

impl Probe {
    /// Checks a cluster and stores the result; says whether it answered.
    async fn probe(&self, key: &ClusterKey) -> Result<bool, Error> {
        let cluster = self.context.registry.registered(key).await?;
        if cluster.git_ops.is_used() {
            // There is nothing that we could ask.
            return Ok(true);
        }
        let document = Key::of_cluster(DocumentKind::ClusterHealth, key);
        let earlier = self.context.store.read::<ClusterHealth>(&document).await?;
        let version = earlier.as_ref().map(|earlier| earlier.version.number);
        let earlier = earlier
            .map(|earlier| earlier.document)
            .filter(|health| health.credential_epoch == cluster.credential_epoch);
        let mut health = match self.look(&cluster, earlier.as_ref()).await {
            Ok(health) => health,
            Err(Error::NotRegistered { cluster }) => return Err(Error::NotRegistered { cluster }),
            Err(error) => self.of_error(&cluster, &error),
        };
        if let Some(earlier) = &earlier
            && earlier.state == health.state
        {
            health.since = earlier.since;
        }
        let answered = health.state != HealthState::Unreachable;
        let returned = answered
            && earlier
                .as_ref()
                .is_some_and(|e| e.state == HealthState::Unreachable);
        if !answered {
            // The next attempt resolves the name and checks the identity anew.
            self.context.registry.close(key).await;
        }
        let mut batch = Batch::new();
        batch.put(&health, version.map_or(Expect::Absent, Expect::Number))?;
        batch.assert(Key::cluster(key), Expect::Exists);
        self.context.store.commit(batch).await?;
        if returned {
            self.nudge_targets(key).await?;
        }
        Ok(answered)
    }

    /// Everything that the cluster says about itself.
    async fn look(
        &self,
        cluster: &Cluster,
        earlier: Option<&ClusterHealth>,
    ) -> Result<ClusterHealth, Error> {
        let context = &self.context;
        let member = context.registry.open(&cluster.key).await?;
        let api = limited(&member, context);
        let calls = Calls(&api);
        let (version, identity, me, (missing, missing_privileged)) = futures::future::try_join4(
            calls.version(),
            crate::member::identity::read(&calls),
            who_am_i(&calls),
            rights::missing(&calls),
        )
        .await?;
        let known_signer = earlier.map_or(SignerState::Unknown, |earlier| earlier.signer);
        let signer = match known_signer {
            SignerState::Works => SignerState::Works,
            SignerState::Silent | SignerState::Unknown => {
                signer::try_it(&api, context.randomness.as_ref(), context.clock.now()).await
            }
        };
        let findings = findings(&missing, signer);
        let now = context.clock.now();
        Ok(ClusterHealth {
            key: cluster.key.clone(),
            credential_epoch: cluster.credential_epoch,
            checked_at: now,
            state: if findings.is_empty() {
                HealthState::Healthy
            } else {
                HealthState::Degraded
            },
            since: now,
            version: Some(version.text("/gitVersion").to_owned()),
            identity: Some(identity),
            user_name: Some(me.0),
            groups: me.1,
            missing_rights: missing,
            missing_privileged_rights: missing_privileged,
            signer,
            findings,
        })
    }

    fn of_error(&self, cluster: &Cluster, error: &Error) -> ClusterHealth {
        let now = self.context.clock.now();
        let state = match error {
            Error::IdentityChanged { .. } | Error::DuplicateCluster { .. } => HealthState::Refused,
            Error::Call(call) if call.category() == "unauthorized" => HealthState::Degraded,
            _ => HealthState::Unreachable,
        };
        ClusterHealth {
            key: cluster.key.clone(),
            credential_epoch: cluster.credential_epoch,
            checked_at: now,
            state,
            since: now,
            version: None,
            identity: None,
            user_name: None,
            groups: Vec::new(),
            missing_rights: Vec::new(),
            missing_privileged_rights: Vec::new(),
            signer: SignerState::Unknown,
            findings: vec![Finding {
                reason: crate::conditions::camel_case(error.category()),
                message: dcm_types::chain(error),
                hint: error.hint().to_owned(),
            }],
        }
    }

    async fn nudge_targets(&self, key: &ClusterKey) -> Result<(), Error> {
        let scope = Scope::Indexed(Index::Cluster, key.path());
        for target in self.context.store.read_all::<Target>(scope).await? {
            self.targets
                .nudge(target.document.key, Priority::Foreground);
        }
        Ok(())
    }

    /// The cluster is gone from the store: so are its session and its health.
    async fn forget(&self, key: &ClusterKey) -> Next {
        self.context.registry.close(key).await;
        let mut batch = Batch::new();
        batch.delete(
            Key::of_cluster(DocumentKind::ClusterHealth, key),
            Expect::Anything,
        );
        if let Err(error) = self.context.store.commit(batch).await {
            tracing::warn!(cluster = %key, error = dcm_types::chain(&error), "cannot remove the health of a cluster");
            return Next::Failed(None);
        }
        Next::Done(None)
    }
}

fn limited(member: &Arc<Member>, context: &Context) -> Limited {
    Limited {
        inner: Arc::clone(&member.api),
        limits: Arc::clone(&member.limits),
        deadline: Instant::now() + context.config.run_deadline.get(),
        housekeeping: false,
    }
}

fn findings(missing: &[String], signer: SignerState) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !missing.is_empty() {
        findings.push(Finding {
            reason: "MissingRights".to_owned(),
            message: format!("the credential may not: {}", missing.join(", ")),
            hint: "register the cluster with a credential that has these rights".to_owned(),
        });
    }
    if signer == SignerState::Silent {
        findings.push(Finding {
            reason: "SignerSilent".to_owned(),
            message: "a certificate request for kubernetes.io/kube-apiserver-client was approved and not signed in time".to_owned(),
            hint: "kube-controller-manager must run with --cluster-signing-cert-file and --cluster-signing-key-file; where it never will, as in some managed clusters, use users of type service-account".to_owned(),
        });
    }
    findings
}
