//! The CA controller in this process: its settings, its loop, and the socket at which others reach it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use dcm_ca::{Controller, Parts, Policy};
use dcm_rpc::Socket;
use dcm_sync::Time;
use dcm_types::ca::TrustModel;
use dcm_types::{Fault, KeyAlgorithm, Violation};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::issuer;

/// `[ca]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The organisation in the subject of every authority, at most 64 characters. Default "DCM".
    pub organization: String,
    /// The last part of the trust domain of every mesh, a DNS name in lower case. A mesh keeps the one that it
    /// began with. Default "mesh.internal".
    pub domain: String,
    /// What stands above the anchor of a new logical cloud: "cloud-root" (it signs itself), "cloud-intermediate"
    /// (the organisation's root, which stays out of the mesh), or "auto": the root where there is one.
    /// Default "auto".
    pub trust_model: Model,
    /// Kind of the keys of edges: ecdsa-p256, ecdsa-p384, rsa-3072, rsa-4096 or ed25519.
    /// Default "ecdsa-p256".
    pub edge_algorithm: KeyAlgorithm,
    /// Kind of the keys of anchors and of the root. Default "ecdsa-p384".
    pub anchor_algorithm: KeyAlgorithm,
    /// Keys of kind ed25519 may be made, although no document of Istio promises that it takes them.
    /// Default false.
    pub ed25519: bool,
    /// How many days the intermediate of an edge is valid, from 1 to 366. Default 90.
    pub edge_days: u32,
    /// How many days an anchor below a root is valid: at least twice `edge_days`. Default 730.
    pub anchor_days: u32,
    /// How many days a root is valid, and an anchor that signs itself. Default 3650.
    pub root_days: u32,
    /// How many days a list of revoked certificates is valid; it is made anew after half of them. Default 30.
    pub list_days: u32,
    /// The longest life of a workload's certificate in any mesh. Default 24h.
    pub longest_leaf: Time,
    /// The longest that a new bundle takes until a control plane uses it. Default 10m.
    pub propagation: Time,
    /// Members of one logical cloud that get another intermediate at the same time. One that does not answer counts for a
    /// propagation only. Default 100.
    pub edges_in_flight: u32,
    /// Time between two looks at all authorities. Default 1m.
    pub interval: Time,
    /// Path of a unix socket at which the CA controller is served by gRPC to processes of the same user, in
    /// a folder that nobody else can enter. Empty, the default: it is not served.
    pub socket: PathBuf,
    /// Who signs the anchors of logical clouds, when it is not a key that is here.
    pub issuer: issuer::Config,
}

/// What stands above the anchor of a new cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// The organisation's root where there is one.
    #[default]
    Auto,
    /// The organisation's root.
    CloudIntermediate,
    /// Nothing: it signs itself.
    CloudRoot,
}

impl Default for Config {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            organization: policy.organization,
            domain: policy.domain,
            trust_model: Model::Auto,
            edge_algorithm: policy.edge_algorithm,
            anchor_algorithm: policy.anchor_algorithm,
            ed25519: policy.ed25519,
            edge_days: 90,
            anchor_days: 730,
            root_days: 3650,
            list_days: 30,
            longest_leaf: Time::hours(24),
            propagation: Time::seconds(600),
            edges_in_flight: 100,
            interval: Time::seconds(60),
            socket: PathBuf::new(),
            issuer: issuer::Config::default(),
        }
    }
}

impl Config {
    /// What the controller obeys.
    pub(crate) fn policy(&self) -> Policy {
        let standard = Policy::default();
        Policy {
            organization: self.organization.clone(),
            domain: self.domain.clone(),
            trust_model: match self.trust_model {
                Model::Auto => None,
                Model::CloudIntermediate => Some(TrustModel::CloudIntermediate),
                Model::CloudRoot => Some(TrustModel::CloudRoot),
            },
            edge_algorithm: self.edge_algorithm,
            anchor_algorithm: self.anchor_algorithm,
            ed25519: self.ed25519,
            edge_life: days(self.edge_days),
            anchor_life: days(self.anchor_days),
            root_life: days(self.root_days),
            list_life: days(self.list_days),
            longest_leaf: self.longest_leaf.get(),
            propagation: self.propagation.get(),
            edges_in_flight: usize::try_from(self.edges_in_flight).unwrap_or(usize::MAX),
            // A look that comes late must not count for more time than may pass between two.
            longest_step: self.interval.get().saturating_mul(2),
            interval: self.interval.get(),
            ..standard
        }
    }

    /// All rules that it breaks, by their keys.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let as_written = |text: &str| text.replace("_life", "_days");
        let broken = self.policy().check().into_iter();
        let mut faults: Vec<Fault> = broken
            .map(|fault| Fault {
                field: format!("ca.{}", as_written(&fault.field)),
                rule: as_written(&fault.rule),
                ..fault
            })
            .collect();
        if !self.is_unserved() && !self.socket.is_absolute() {
            let rule = "must be an absolute path, or empty";
            let violation = Violation::new(rule, &self.socket.display().to_string());
            faults.push(violation.at("ca.socket"));
        }
        faults.extend(self.issuer.faults());
        faults
    }

    fn is_unserved(&self) -> bool {
        self.socket.as_os_str().is_empty()
    }
}

fn days(count: u32) -> Duration {
    Duration::from_hours(24 * u64::from(count))
}

/// What runs for the controller.
pub(crate) struct Running {
    controller: Controller,
    step: JoinHandle<()>,
    served: Option<JoinHandle<Result<(), dcm_rpc::Error>>>,
}

/// Starts the loop, and serves the controller if that is wished. Both end with the token.
pub(crate) fn start(
    config: &Config,
    parts: Parts,
    metrics: dcm_ca::Metrics,
    cancellation: &CancellationToken,
) -> anyhow::Result<Running> {
    let controller = Controller::new(parts).with_metrics(metrics);
    let controller = config.issuer.with(controller)?;
    let served = if config.is_unserved() {
        None
    } else {
        let socket = Socket::bind(&config.socket).map_err(|error| {
            let hint = error.hint();
            anyhow!(error).context(format!("serve the CA controller ({hint})"))
        })?;
        let path = config.socket.display().to_string();
        tracing::info!(path, "the CA controller is served");
        let controller = Arc::new(controller.clone());
        let serving = dcm_rpc::serve(socket, controller, cancellation.clone());
        Some(tokio::spawn(serving))
    };
    let step = tokio::spawn(dcm_ca::run(controller.clone(), cancellation.clone()));
    Ok(Running {
        controller,
        step,
        served,
    })
}

impl Running {
    /// The controller, for whoever is in this process.
    pub(crate) fn controller(&self) -> Arc<Controller> {
        Arc::new(self.controller.clone())
    }

    /// Until both ended.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        if let Some(served) = self.served {
            served.await.context("serve the CA controller")??;
        }
        self.step.await.context("look at the authorities")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_controller() {
        let config = Config::default();
        assert_eq!(config.policy(), Policy::default());
        assert_eq!(config.faults(), vec![]);
    }

    #[test]
    fn each_rule_is_told_with_the_key_as_it_is_written() {
        type Spoil = fn(&mut Config);
        let rows: [(&str, Spoil); 7] = [
            ("ca.organization", |config| config.organization.clear()),
            ("ca.domain", |config| config.domain = "Mesh".to_owned()),
            ("ca.edge_algorithm", |config| {
                config.edge_algorithm = KeyAlgorithm::Ed25519;
            }),
            ("ca.edge_days", |config| config.edge_days = 0),
            ("ca.anchor_days", |config| config.anchor_days = 100),
            ("ca.longest_leaf", |config| config.edge_days = 1),
            ("ca.socket", |config| {
                config.socket = PathBuf::from("ca.sock");
            }),
        ];
        for (field, spoil) in rows {
            let mut config = Config::default();
            spoil(&mut config);
            let faults = config.faults();
            let found = faults.iter().find(|fault| fault.field == field);
            let found = found.unwrap_or_else(|| unreachable!("{field}: {faults:?}"));
            assert!(!found.rule.contains("_life"), "{}", found.rule);
        }
    }
}
