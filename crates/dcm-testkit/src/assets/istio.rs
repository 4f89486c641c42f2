//! The programs of the mesh: its control plane, and the one that writes its manifests.

use std::env;
use std::path::{Path, PathBuf};

use super::module::Module;
use super::{Error, build, cache, missing_programs, tell_incomplete};

/// Where ready programs of the mesh may be.
pub const READY_ISTIO_FOLDER_VARIABLE: &str = "DCM_ISTIO_ASSETS";

const ISTIOCTL: &str = "istioctl";
const PILOT_DISCOVERY: &str = "pilot-discovery";

/// Paths of both programs, which exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IstioAssets {
    /// Writes manifests.
    pub istioctl: PathBuf,
    /// The control plane of a mesh.
    pub pilot_discovery: PathBuf,
}

impl IstioAssets {
    /// Finds the programs in `DCM_ISTIO_ASSETS`, or builds them from `tools/istio`, which takes minutes the
    /// first time.
    pub fn obtain() -> Result<Self, Error> {
        if let Some(folder) = env::var_os(READY_ISTIO_FOLDER_VARIABLE).map(PathBuf::from) {
            let missing = missing_programs(&folder, &[ISTIOCTL, PILOT_DISCOVERY]);
            if missing.is_empty() {
                return Ok(Self::in_folder(&folder));
            }
            tell_incomplete(READY_ISTIO_FOLDER_VARIABLE, &folder, &missing);
        }
        let built = build::obtain(&Module::ISTIO, &cache::folder()?)?;
        Ok(Self::in_folder(&built))
    }

    /// The programs, where they are there: for who can do without them.
    pub fn find() -> Result<Option<Self>, Error> {
        if let Some(folder) = env::var_os(READY_ISTIO_FOLDER_VARIABLE).map(PathBuf::from)
            && missing_programs(&folder, &[ISTIOCTL, PILOT_DISCOVERY]).is_empty()
        {
            return Ok(Some(Self::in_folder(&folder)));
        }
        let built = build::find(&Module::ISTIO, &cache::folder()?)?;
        Ok(built.as_deref().map(Self::in_folder))
    }

    fn in_folder(folder: &Path) -> Self {
        Self {
            istioctl: folder.join(ISTIOCTL),
            pilot_discovery: folder.join(PILOT_DISCOVERY),
        }
    }
}
