//! The programs of a control plane: found ready, or built from their Go modules into a cache.
//!
//! Ready programs come from `KUBEBUILDER_ASSETS`, when all four are in that folder. Else they are
//! built once from `tools/etcd` and `tools/kubernetes` into the [`cache`] folder, which lies outside the work
//! tree and is keyed by what decides the outcome. A build happens in a folder of its own that is
//! renamed when it is complete, so an interrupted one leaves nothing that looks usable.
//!
//! API server and controller manager exist in two minor versions, so that nothing here holds for one of
//! them by chance. Those of the older one come from `KUBEBUILDER_ASSETS_PREVIOUS` or `tools/kubernetes-previous`;
//! etcd and kubectl are the same for both.
//!
//! The programs of the mesh are apart ([`IstioAssets`]): only its tests wait for them.

mod build;
pub mod cache;
mod error;
mod istio;
pub mod judges;
mod module;
pub mod python;

use std::env;
use std::path::{Path, PathBuf};

pub use error::Error;
pub use istio::{IstioAssets, READY_ISTIO_FOLDER_VARIABLE};
use module::Module;

use crate::progress;

/// Where ready programs may be, by a convention that other Kubernetes test tools share.
pub const READY_FOLDER_VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// Where the ready programs of the older minor version may be; etcd and kubectl are not looked for there.
pub const READY_PREVIOUS_FOLDER_VARIABLE: &str = "KUBEBUILDER_ASSETS_PREVIOUS";

const ETCD: &str = "etcd";
const KUBE_APISERVER: &str = "kube-apiserver";
const KUBE_CONTROLLER_MANAGER: &str = "kube-controller-manager";
const KUBECTL: &str = "kubectl";

/// Paths of the programs, all of which exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    pub etcd: PathBuf,
    pub kube_apiserver: PathBuf,
    pub kube_controller_manager: PathBuf,
    pub kubectl: PathBuf,
}

impl Assets {
    /// Finds the programs and builds those that are missing, which takes minutes the first time.
    pub fn obtain() -> Result<Self, Error> {
        if let Some(folder) = env::var_os(READY_FOLDER_VARIABLE).map(PathBuf::from) {
            let missing = missing_programs(&folder, &ALL);
            if missing.is_empty() {
                return Ok(Self::in_folders(&folder, &folder));
            }
            tell_incomplete(READY_FOLDER_VARIABLE, &folder, &missing);
        }
        let cache = cache::folder()?;
        // The small module first, so that a broken Go installation shows within seconds.
        let etcd = build::obtain(&Module::ETCD, &cache)?;
        let kubernetes = build::obtain(&Module::KUBERNETES, &cache)?;
        Ok(Self::in_folders(&etcd, &kubernetes))
    }

    /// The same with API server and controller manager of the older minor version.
    pub fn obtain_previous() -> Result<Self, Error> {
        let current = Self::obtain()?;
        if let Some(folder) = env::var_os(READY_PREVIOUS_FOLDER_VARIABLE).map(PathBuf::from) {
            let missing = missing_programs(&folder, &VERSIONED);
            if missing.is_empty() {
                return Ok(current.with_servers_of(&folder));
            }
            tell_incomplete(READY_PREVIOUS_FOLDER_VARIABLE, &folder, &missing);
        }
        let folder = build::obtain(&Module::KUBERNETES_PREVIOUS, &cache::folder()?)?;
        Ok(current.with_servers_of(&folder))
    }

    fn with_servers_of(self, folder: &Path) -> Self {
        Self {
            kube_apiserver: folder.join(KUBE_APISERVER),
            kube_controller_manager: folder.join(KUBE_CONTROLLER_MANAGER),
            ..self
        }
    }

    fn in_folders(etcd: &Path, kubernetes: &Path) -> Self {
        Self {
            etcd: etcd.join(ETCD),
            kube_apiserver: kubernetes.join(KUBE_APISERVER),
            kube_controller_manager: kubernetes.join(KUBE_CONTROLLER_MANAGER),
            kubectl: kubernetes.join(KUBECTL),
        }
    }
}

const ALL: [&str; 4] = [ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBECTL];
/// The programs that exist in two versions.
const VERSIONED: [&str; 2] = [KUBE_APISERVER, KUBE_CONTROLLER_MANAGER];

fn missing_programs(folder: &Path, programs: &[&'static str]) -> Vec<&'static str> {
    let programs = programs.iter().copied();
    programs
        .filter(|program| !folder.join(program).is_file())
        .collect()
}

fn tell_incomplete(variable: &str, folder: &Path, missing: &[&str]) {
    progress::plain(&format!(
        "{variable}={} lacks {}: building all of its programs instead",
        folder.display(),
        missing.join(", ")
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_folder_is_told_program_by_program() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(ETCD), "").unwrap();
        std::fs::write(folder.path().join(KUBECTL), "").unwrap();
        assert_eq!(
            missing_programs(folder.path(), &ALL),
            [KUBE_APISERVER, KUBE_CONTROLLER_MANAGER]
        );
    }

    #[test]
    fn a_complete_folder_lacks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for program in ALL {
            std::fs::write(folder.path().join(program), "").unwrap();
        }
        assert_eq!(missing_programs(folder.path(), &ALL), [""; 0]);
    }

    #[test]
    fn of_the_older_version_only_the_two_servers_are_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(missing_programs(folder.path(), &VERSIONED), VERSIONED);
        for program in VERSIONED {
            std::fs::write(folder.path().join(program), "").unwrap();
        }
        assert_eq!(missing_programs(folder.path(), &VERSIONED), [""; 0]);
    }
}
