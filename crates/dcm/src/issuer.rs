//! `[ca.issuer]` of the configuration file: who signs the anchors of logical clouds, when it is not a key of ours.

use std::path::PathBuf;

use anyhow::anyhow;
use dcm_ca::Controller;
use dcm_issuer::{Kind, Settings};
use dcm_sync::Time;
use dcm_types::{Fault, Violation};
use serde::{Deserialize, Serialize};

/// `[ca.issuer]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// "none", the default: keys that are here sign. "vault": the PKI engine of a Vault or `OpenBao`. "step-ca": a
    /// JWK provisioner of a step-ca, whose template must make an authority with a path length of 1.
    pub kind: Issuer,
    /// Its address, with https://. Default: none.
    pub url: String,
    /// For "vault": the mount of the PKI engine. Default "pki".
    pub mount: String,
    /// For "vault": the file with a token that may sign intermediates; it is read for each call. Default: none.
    pub token_file: PathBuf,
    /// For "step-ca": the name of the provisioner. Default: none.
    pub provisioner: String,
    /// For "step-ca": the file with the provisioner's key, P-256 in PEM, unencrypted. Default: none.
    pub key_file: PathBuf,
    /// The file with the authorities by which its server is recognised, PEM. Default: none.
    pub ca_file: PathBuf,
    /// The file with the one certificate that everything it signs must lead to, PEM. Default: none.
    pub anchor_file: PathBuf,
    /// Longest time for a call. Default 15s.
    pub timeout: Time,
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Issuer {
    /// Keys that are here.
    #[default]
    None,
    /// Vault or `OpenBao`.
    Vault,
    /// step-ca.
    StepCa,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kind: Issuer::None,
            url: String::new(),
            mount: "pki".to_owned(),
            token_file: PathBuf::new(),
            provisioner: String::new(),
            key_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            anchor_file: PathBuf::new(),
            timeout: Time::seconds(15),
        }
    }
}

impl Config {
    /// All rules that it breaks, by their keys.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let texts: &[(&str, &str)] = match self.kind {
            Issuer::None => &[],
            Issuer::Vault => &[("url", &self.url), ("mount", &self.mount)],
            Issuer::StepCa => &[("url", &self.url), ("provisioner", &self.provisioner)],
        };
        let paths: &[(&str, &PathBuf)] = match self.kind {
            Issuer::None => &[],
            Issuer::Vault => &[
                ("token_file", &self.token_file),
                ("ca_file", &self.ca_file),
                ("anchor_file", &self.anchor_file),
            ],
            Issuer::StepCa => &[
                ("key_file", &self.key_file),
                ("ca_file", &self.ca_file),
                ("anchor_file", &self.anchor_file),
            ],
        };
        let mut faults = Vec::new();
        let mut broken = |field: &str, rule: &str, got: &str| {
            faults.push(Violation::new(rule, got).at(format!("ca.issuer.{field}")));
        };
        for (field, text) in texts {
            if text.trim().is_empty() {
                broken(field, "must be given for this kind of issuer", text);
            }
        }
        for (field, path) in paths {
            if !path.is_absolute() {
                broken(
                    field,
                    "must be an absolute path",
                    &path.display().to_string(),
                );
            }
        }
        let seconds = self.timeout.get().as_secs();
        if self.kind != Issuer::None && !(1..=60).contains(&seconds) {
            broken("timeout", "must be from 1s to 60s", &format!("{seconds}s"));
        }
        faults
    }

    /// The controller, with the issuer if there is one.
    pub(crate) fn with(&self, controller: Controller) -> anyhow::Result<Controller> {
        let kind = match self.kind {
            Issuer::None => return Ok(controller),
            Issuer::Vault => Kind::Vault {
                mount: self.mount.clone(),
                token_file: self.token_file.clone(),
            },
            Issuer::StepCa => Kind::StepCa {
                provisioner: self.provisioner.clone(),
                key_file: self.key_file.clone(),
            },
        };
        let settings = Settings {
            kind,
            url: self.url.clone(),
            ca_file: self.ca_file.clone(),
            anchor_file: self.anchor_file.clone(),
            timeout: self.timeout.get(),
        };
        let opened = dcm_issuer::open(&settings);
        let (backend, anchor) = opened
            .map_err(|error| anyhow!(error).context("use the issuer of the configuration"))?;
        tracing::info!(
            issuer = backend.name(),
            url = self.url,
            "anchors are signed by an issuer"
        );
        Ok(controller.with_issuer(backend, anchor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(kind: Issuer) -> Config {
        Config {
            kind,
            url: "https://vault.example.com".to_owned(),
            token_file: PathBuf::from("/t"),
            provisioner: "dcm".to_owned(),
            key_file: PathBuf::from("/k"),
            ca_file: PathBuf::from("/c"),
            anchor_file: PathBuf::from("/a"),
            ..Config::default()
        }
    }

    #[test]
    fn what_an_issuer_needs_is_asked_for_by_its_key() {
        type Spoil = fn(&mut Config);
        assert_eq!(Config::default().faults(), vec![]);
        let rows: [(&str, Issuer, Spoil); 8] = [
            ("url", Issuer::Vault, |one| one.url.clear()),
            ("mount", Issuer::Vault, |one| one.mount.clear()),
            ("token_file", Issuer::Vault, |one| {
                one.token_file = PathBuf::new();
            }),
            ("ca_file", Issuer::Vault, |one| {
                one.ca_file = PathBuf::from("c");
            }),
            ("anchor_file", Issuer::StepCa, |one| {
                one.anchor_file = PathBuf::new();
            }),
            ("provisioner", Issuer::StepCa, |one| one.provisioner.clear()),
            ("key_file", Issuer::StepCa, |one| {
                one.key_file = PathBuf::new();
            }),
            ("timeout", Issuer::StepCa, |one| {
                one.timeout = Time::seconds(61);
            }),
        ];
        for (field, kind, spoil) in rows {
            let mut config = good(kind);
            assert_eq!(config.faults(), vec![], "{field}");
            spoil(&mut config);
            let faults = config.faults();
            assert_eq!(faults.len(), 1, "{field}: {faults:?}");
            assert_eq!(faults[0].field, format!("ca.issuer.{field}"));
        }
    }
}
