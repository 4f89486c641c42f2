//! The Go tool modules of this repository, and the key under which their programs are cached.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    Error, READY_FOLDER_VARIABLE, READY_ISTIO_FOLDER_VARIABLE, READY_PREVIOUS_FOLDER_VARIABLE,
};

/// A module that only names programs of others is known by these.
const PINS: &[&str] = &["go.mod", "go.sum"];

/// One Go module below `tools/` and what is built from it.
pub(super) struct Module {
    pub(super) name: &'static str,
    /// The dependency whose version is the version of the programs.
    dependency: &'static str,
    /// Files in its folder that decide what comes out.
    sources: &'static [&'static str],
    /// Packages to build, each with the name of its program.
    pub(super) programs: &'static [(&'static str, &'static str)],
    /// Measured on two cores with empty caches; shown to whoever waits.
    pub(super) expected: Duration,
    /// Go variable prefix that carries the version, for programs that ask the linker for it.
    version_variable: Option<&'static str>,
    /// The variable that names a folder with ready programs, and which ones.
    ready: Option<(&'static str, &'static str)>,
}

/// Of one version, as other test tools have them.
const CONTROL_PLANE: Option<(&str, &str)> = Some((
    READY_FOLDER_VARIABLE,
    "etcd, kube-apiserver, kube-controller-manager and kubectl",
));

impl Module {
    pub(super) const ETCD: Self = Self {
        name: "etcd",
        dependency: "go.etcd.io/etcd/server/v3",
        sources: PINS,
        programs: &[("etcd", "go.etcd.io/etcd/server/v3")],
        expected: Duration::from_secs(40),
        version_variable: None,
        ready: CONTROL_PLANE,
    };

    pub(super) const KUBERNETES: Self = Self {
        name: "kubernetes",
        dependency: "k8s.io/kubernetes",
        sources: PINS,
        programs: &[
            ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            (
                "kube-controller-manager",
                "k8s.io/kubernetes/cmd/kube-controller-manager",
            ),
            ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ],
        expected: Duration::from_mins(5),
        // Without it the API server calls itself v0.0.0-master.
        version_variable: Some("k8s.io/component-base/version"),
        ready: CONTROL_PLANE,
    };

    /// The minor version before, without what does not depend on it.
    pub(super) const KUBERNETES_PREVIOUS: Self = Self {
        name: "kubernetes-previous",
        dependency: "k8s.io/kubernetes",
        sources: PINS,
        programs: &[
            ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            (
                "kube-controller-manager",
                "k8s.io/kubernetes/cmd/kube-controller-manager",
            ),
        ],
        expected: Duration::from_mins(4),
        version_variable: Some("k8s.io/component-base/version"),
        ready: Some((
            READY_PREVIOUS_FOLDER_VARIABLE,
            "kube-apiserver and kube-controller-manager of the minor version before",
        )),
    };

    /// Its versions are no tags but commits; the programs are told none of them.
    pub(super) const ISTIO: Self = Self {
        name: "istio",
        dependency: "istio.io/istio",
        sources: PINS,
        programs: &[
            ("istioctl", "istio.io/istio/istioctl/cmd/istioctl"),
            (
                "pilot-discovery",
                "istio.io/istio/pilot/cmd/pilot-discovery",
            ),
        ],
        expected: Duration::from_mins(5),
        version_variable: None,
        ready: Some((READY_ISTIO_FOLDER_VARIABLE, "istioctl and pilot-discovery")),
    };

    /// A judge of certificates of our own, with nothing but what comes with Go.
    pub(super) const BUNDLE_VERIFIER: Self = Self {
        name: "bundle-verifier",
        dependency: "go",
        sources: &["go.mod", "main.go"],
        programs: &[("bundle-verifier", "dcm.example/tools/bundle-verifier")],
        expected: Duration::from_secs(15),
        version_variable: None,
        ready: None,
    };

    /// Go could not be run.
    pub(super) fn needs_go(&self, source: io::Error) -> Error {
        let instead = self.ready.map(|(variable, programs)| {
            format!(", or set {variable} to a folder that holds {programs}")
        });
        Error::RunGo {
            tool: self.name,
            instead: instead.unwrap_or_default(),
            source,
        }
    }

    /// The module's folder in the source tree that this crate was compiled from.
    pub(super) fn folder(&self) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools")).join(self.name)
    }

    /// Everything but the Go version that decides what comes out of a build, hashed.
    pub(super) fn key(&self) -> Result<String, Error> {
        let mut hash = Sha256::new();
        for file in self.sources {
            let content = self.read(file)?;
            hash.update(content.len().to_be_bytes());
            hash.update(content);
        }
        hash.update(self.linker_flags()?);
        Ok(hex::encode(&hash.finalize()[..6]))
    }

    /// The version in `go.mod`, such as `v1.36.3`.
    pub(super) fn version(&self) -> Result<String, Error> {
        let version = version_of(self.dependency, &self.read("go.mod")?);
        Ok(version.unwrap_or_else(|| "of this repository".into()))
    }

    pub(super) fn linker_flags(&self) -> Result<String, Error> {
        let mut flags = String::from("-s -w");
        if let Some(variable) = self.version_variable {
            let version = self.version()?;
            let mut numbers = version.trim_start_matches('v').split('.');
            let (major, minor) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
            for (name, value) in [
                ("gitVersion", version.as_str()),
                ("gitMajor", major),
                ("gitMinor", minor),
            ] {
                // Writing to a String cannot fail.
                let _ = write!(flags, " -X {variable}.{name}={value}");
            }
        }
        Ok(flags)
    }

    fn read(&self, file: &str) -> Result<String, Error> {
        let path = self.folder().join(file);
        fs::read_to_string(&path).map_err(|source| Error::ReadModule { path, source })
    }
}

fn version_of(dependency: &str, go_mod: &str) -> Option<String> {
    go_mod
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .filter_map(|line| line.strip_prefix(dependency)?.strip_prefix(' '))
        .find_map(|rest| {
            rest.split_whitespace()
                .next()
                .filter(|word| word.starts_with('v'))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_requirement_and_not_from_a_replacement() {
        let go_mod = "require (\n\tk8s.io/kubernetes-csi v9.9.9\n\tk8s.io/kubernetes v1.36.3 // indirect\n)\n\
                      replace k8s.io/kubernetes => k8s.io/kubernetes v0.1.0\n";
        assert_eq!(version_of("k8s.io/kubernetes", go_mod).unwrap(), "v1.36.3");
    }

    #[test]
    fn the_api_server_is_told_its_version() {
        let flags = Module::KUBERNETES.linker_flags().unwrap();
        assert!(flags.contains("version.gitVersion=v1."), "{flags}");
        assert!(flags.contains("version.gitMajor=1 "), "{flags}");
    }

    #[test]
    fn modules_have_different_keys_that_do_not_change_by_themselves() {
        let key = Module::ETCD.key().unwrap();
        assert_eq!(key.len(), 12);
        assert_eq!(key, Module::ETCD.key().unwrap());
        assert_ne!(key, Module::KUBERNETES.key().unwrap());
    }

    #[test]
    fn the_previous_version_is_another_minor_version() {
        let minor = |module: &Module| {
            let version = module.version().unwrap();
            version.split('.').nth(1).unwrap().parse::<u32>().unwrap()
        };
        assert!(minor(&Module::KUBERNETES_PREVIOUS) < minor(&Module::KUBERNETES));
    }

    #[test]
    fn who_has_no_go_is_told_what_to_set_instead() {
        let told = |module: &Module| {
            let missing = io::Error::from(io::ErrorKind::NotFound);
            module.needs_go(missing).to_string()
        };
        assert!(told(&Module::ETCD).contains("set KUBEBUILDER_ASSETS to"));
        assert!(told(&Module::KUBERNETES_PREVIOUS).contains("set KUBEBUILDER_ASSETS_PREVIOUS to"));
        assert!(told(&Module::ISTIO).contains("set DCM_ISTIO_ASSETS to"));
        assert!(!told(&Module::BUNDLE_VERIFIER).contains("set"));
    }
}
