//! How a member is reached: with `kubectl`, by a kubeconfig in a file.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ControlPlane;

/// See the module.
#[derive(Debug, Clone)]
pub struct Member {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

impl Member {
    /// One that somebody else holds.
    pub fn new(kubectl: &Path, kubeconfig: &Path) -> Self {
        Self {
            kubectl: kubectl.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
        }
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// As the one whose kubeconfig it is; add arguments and run it.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        // Beside it, so that nothing stays in the home folder.
        let cache = self.kubeconfig.with_extension("cache");
        command.arg("--cache-dir").arg(cache);
        command
    }
}

impl From<&ControlPlane> for Member {
    fn from(of: &ControlPlane) -> Self {
        Self {
            kubectl: of.kubectl().get_program().into(),
            kubeconfig: of.kubeconfig_path(),
        }
    }
}
