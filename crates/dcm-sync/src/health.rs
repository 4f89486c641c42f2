//! The background check of registered clusters: reachable, version, identity, who we are, what we may
//! do, and whether client certificates are signed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::{Batch, Expect, StoreExt};
use dcm_types::documents::{Cluster, ClusterHealth, Finding, HealthState, SignerState};
use dcm_types::{ClusterKey, DocumentKind, Key};
use tokio::time::Instant;

use crate::agenda::Agenda;
use crate::context::Context;
use crate::driver::{Next, Priority, Work};
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
    pub(crate) agenda: Agenda,
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
        let gates = &self.context.registry.gates;
        if let Some(wait) = gates.wait(&key).filter(|wait| !wait.is_zero()) {
            return Next::Done(Some(wait));
        }
        match self.probe(&key).await {
            Ok(after) => Next::Done(Some(after)),
            Err(Error::NotRegistered { .. }) => self.forget(&key).await,
            Err(error) => {
                tracing::warn!(cluster = %key, error = dcm_types::chain(&error), "cannot check the cluster");
                Next::Failed(None)
            }
        }
    }
}

impl Probe {
    /// Checks a cluster and stores the result; says when to check it again.
    async fn probe(&self, key: &ClusterKey) -> Result<Duration, Error> {
        let interval = self.context.config.health_interval.get();
        let gates = &self.context.registry.gates;
        let cluster = self.context.registry.registered(key).await?;
        if cluster.git_ops.is_used() {
            // There is nothing that we could ask.
            return Ok(interval);
        }
        let document = Key::of_cluster(DocumentKind::ClusterHealth, key);
        let earlier = self.context.store.read::<ClusterHealth>(&document).await?;
        let version = earlier.as_ref().map(|earlier| earlier.version.number);
        let earlier = earlier
            .map(|earlier| earlier.document)
            .filter(|health| health.credential_epoch == cluster.credential_epoch);
        let (mut health, after) = match self.look(&cluster, earlier.as_ref()).await {
            Ok(health) => (health, interval),
            Err(error @ (Error::NotRegistered { .. } | Error::Store(_))) => return Err(error),
            // It answers, and something is wrong with it all the same.
            Err(error) if !matches!(error, Error::Held(_)) && !error.shuts_the_gate() => {
                (self.of_error(&cluster, &error), interval)
            }
            Err(error) => {
                let error = match error {
                    Error::Held(why) => why,
                    error => Arc::new(error),
                };
                // The next attempt resolves the name and checks the identity anew.
                self.context.registry.close(key).await;
                let told = gates.check(key).err();
                let after = gates.failed(key, Arc::clone(&error));
                if told.is_some_and(|told| told.category() != error.category()) {
                    // Whoever waits shows why, and it is something else by now. Nothing is sent for that.
                    self.agenda.of_cluster(key).await?;
                }
                (self.of_error(&cluster, &error), after)
            }
        };
        if let Some(earlier) = &earlier
            && earlier.state == health.state
        {
            health.since = earlier.since;
        }
        let mut batch = Batch::new();
        batch.put(&health, version.map_or(Expect::Absent, Expect::Number))?;
        batch.assert(Key::cluster(key), Expect::Exists);
        self.context.store.commit(batch).await?;
        Ok(after)
    }

    /// Everything that the cluster says about itself.
    async fn look(
        &self,
        cluster: &Cluster,
        earlier: Option<&ClusterHealth>,
    ) -> Result<ClusterHealth, Error> {
        let context = &self.context;
        let member = context.registry.probe(&cluster.key).await?;
        if context.registry.gates.open(&cluster.key) {
            // Whatever waited for it goes on, beside the rest of the check.
            self.agenda.of_cluster(&cluster.key).await?;
        }
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
        let version = version.text("/gitVersion").to_owned();
        let mut findings = findings(&missing, signer);
        findings.extend(too_old(&version));
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
            version: Some(version),
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
            Error::Call(call) if call.category() == "unauthorized" || !error.shuts_the_gate() => {
                HealthState::Degraded
            }
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

    /// The cluster is gone from the store: so are its session and its health.
    async fn forget(&self, key: &ClusterKey) -> Next {
        self.context.registry.close(key).await;
        self.context.registry.gates.forget(key);
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

/// The oldest Kubernetes in which everything that we use is served: 1.28, by its `SelfSubjectReview`.
const OLDEST_MINOR: u32 = 28;

/// What is said of a cluster that is older; nothing of a version that cannot be read.
fn too_old(version: &str) -> Option<Finding> {
    let mut parts = version.strip_prefix('v')?.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let minor: u32 = minor.parse().ok()?;
    (major == "1" && minor < OLDEST_MINOR).then(|| Finding {
        reason: "ApiTooOld".to_owned(),
        message: format!("Kubernetes {version} is older than 1.{OLDEST_MINOR}"),
        hint: "upgrade the cluster; some of what we write may not be served".to_owned(),
    })
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

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn only_versions_that_are_too_old_are_told() {
        for old in ["v1.27.16", "v1.9.0-gke.1"] {
            assert_eq!(too_old(old).unwrap().reason, "ApiTooOld", "{old}");
        }
        for fine in [
            "v1.28.0",
            "v1.34.1+k3s1",
            "v2.0.0",
            "",
            "unknown",
            "v1",
            "v1.x.0",
        ] {
            assert_eq!(too_old(fine), None, "{fine}");
        }
    }
}
