//! Meshes in this process: how control planes are rendered, and the loop that prepares what members shall hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use dcm_app::Meshes;
use dcm_istioctl::Istioctl;
use dcm_mesh::{Images, MeshRenderer, Template};
use dcm_sync::Time;
use dcm_types::documents::{ManifestDigest, MeshMode};
use dcm_types::{Fault, Violation};
use serde::{Deserialize, Serialize};

/// Longest template; what it renders may be as long.
const TEMPLATE_LIMIT: u64 = 8 << 20;
/// Longest output of a renderer.
const OUTPUT_LIMIT: usize = 8 << 20;

/// `[mesh]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What a new logical cloud has of a mesh when its request says nothing: "off", "ca-only" (a namespace with a
    /// bundle of authorities in every member) or "istio" (a control plane in every member). Default "off".
    pub default_mode: MeshMode,
    /// Registry and path of the images of control planes, for example "registry.istio.io/release". Empty, the default:
    /// there are none, and mode "istio" is refused.
    pub hub: String,
    /// Version of the images, for example "1.30.3"; never "latest". Default empty.
    pub tag: String,
    /// Absolute path of the program `istioctl` that renders control planes. Empty, the default: none does.
    pub istioctl: PathBuf,
    /// Absolute path of a manifest of your own, with places such as ${REVISION} and ${NETWORK}, in the place of
    /// `istioctl`. It is read when the server starts. Default empty.
    pub template: PathBuf,
    /// The longest that one run of `istioctl` may take, from 1s to 10m. Default 30s.
    pub render_timeout: Time,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_mode: MeshMode::Off,
            hub: String::new(),
            tag: String::new(),
            istioctl: PathBuf::new(),
            template: PathBuf::new(),
            render_timeout: Time::seconds(30),
        }
    }
}

impl Config {
    /// All rules that it breaks, by their keys.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (field, path) in [
            ("mesh.istioctl", &self.istioctl),
            ("mesh.template", &self.template),
        ] {
            if is_set(path) && !path.is_absolute() {
                let rule = "must be an absolute path, or empty";
                faults.push(Violation::new(rule, &path.display().to_string()).at(field));
            }
        }
        if is_set(&self.istioctl) && is_set(&self.template) {
            let rule = "must be empty when mesh.istioctl is set";
            let violation = Violation::new(rule, &self.template.display().to_string());
            faults.push(violation.at("mesh.template"));
        }
        if let Some((field, rule)) = self.unpinned() {
            let got = if field == "hub" { &self.hub } else { &self.tag };
            faults.push(Violation::new(rule, got).at(format!("mesh.{field}")));
        }
        let seconds = self.render_timeout.get().as_secs();
        if !(1..=600).contains(&seconds) {
            let violation = Violation::new("must be from 1s to 10m", &format!("{seconds}s"));
            faults.push(violation.at("mesh.render_timeout"));
        }
        let renders = is_set(&self.istioctl) || is_set(&self.template);
        if self.default_mode == MeshMode::Istio && !(renders && self.has_images()) {
            let rule = "must not be istio without hub, tag, and istioctl or template";
            faults.push(Violation::new(rule, "istio").at("mesh.default_mode"));
        }
        faults
    }

    fn has_images(&self) -> bool {
        !self.hub.is_empty() || !self.tag.is_empty()
    }

    /// Of images that are named, the field that does not pin them.
    fn unpinned(&self) -> Option<(&'static str, &'static str)> {
        if !self.has_images() {
            return None;
        }
        match Images::new(&self.hub, &self.tag) {
            Err(dcm_mesh::Error::ImagesNotPinned { field, rule }) => Some((field, rule)),
            _ => None,
        }
    }

    /// What use cases are told.
    pub(crate) fn meshes(&self) -> anyhow::Result<Meshes> {
        Ok(Meshes {
            default_mode: self.default_mode,
            hub: self.hub.clone(),
            tag: self.tag.clone(),
            renderer: self.renderer()?,
        })
    }

    fn renderer(&self) -> anyhow::Result<Option<Arc<dyn MeshRenderer>>> {
        if is_set(&self.template) {
            let shown = self.template.display();
            let template = read_template(&self.template);
            let template = template.with_context(|| format!("read mesh.template '{shown}'"))?;
            return Ok(Some(Arc::new(template)));
        }
        if !is_set(&self.istioctl) {
            return Ok(None);
        }
        let program = Istioctl::new(&self.istioctl).map_err(|error| anyhow!(error))?;
        let bounded = program.bounded(self.render_timeout.get(), OUTPUT_LIMIT);
        Ok(Some(Arc::new(bounded)))
    }
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

fn read_template(path: &Path) -> anyhow::Result<Template> {
    if fs::metadata(path)?.len() > TEMPLATE_LIMIT {
        bail!("it is longer than 8 MiB");
    }
    let text = fs::read_to_string(path)?;
    let version = format!("template {}", ManifestDigest::of(&text).as_str());
    Template::new(&text, &version).map_err(|error| {
        let hint = error.hint();
        anyhow!(error).context(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_break_no_rule_and_render_nothing() {
        let config = Config::default();
        assert_eq!(config.faults(), vec![]);
        assert!(config.meshes().unwrap().refusal().is_some());
    }

    #[test]
    fn each_rule_is_told_with_its_key() {
        type Spoil = fn(&mut Config);
        let rows: [(&str, Spoil); 8] = [
            ("mesh.istioctl", |config| {
                config.istioctl = PathBuf::from("istioctl");
            }),
            ("mesh.template", |config| {
                config.template = PathBuf::from("mesh.yaml");
            }),
            ("mesh.template", |config| {
                config.istioctl = PathBuf::from("/opt/istioctl");
                config.template = PathBuf::from("/opt/mesh.yaml");
            }),
            ("mesh.tag", |config| {
                config.hub = "registry.example/istio".to_owned();
            }),
            ("mesh.tag", |config| {
                config.hub = "registry.example/istio".to_owned();
                config.tag = "latest".to_owned();
            }),
            ("mesh.hub", |config| config.tag = "1.30.3".to_owned()),
            ("mesh.render_timeout", |config| {
                config.render_timeout = Time::seconds(0);
            }),
            ("mesh.default_mode", |config| {
                config.default_mode = MeshMode::Istio;
            }),
        ];
        for (field, spoil) in rows {
            let mut config = Config::default();
            spoil(&mut config);
            let faults = config.faults();
            let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, [field]);
        }
    }

    #[test]
    fn a_template_renders_and_one_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.yaml");
        let config = Config {
            hub: "registry.example/istio".to_owned(),
            tag: "1.30.3".to_owned(),
            template: path.clone(),
            ..Config::default()
        };
        fs::write(&path, "${NAMESPACE} ${REVISION}").unwrap();
        assert!(config.meshes().unwrap().refusal().is_none());
        fs::write(&path, "${PASSWORD}").unwrap();
        assert!(config.meshes().is_err());
    }
}
