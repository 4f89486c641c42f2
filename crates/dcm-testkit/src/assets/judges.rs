//! Programs that judge certificates independently of us, for tests.

use std::path::PathBuf;

use super::module::Module;
use super::{Error, build, cache, python};

const PKILINT_VERSION: &str = "0.13.3";

/// `bundle-verifier ANCHORS CHAIN`: the verifier of Go, built from `tools/bundle-verifier`.
pub fn go_verifier() -> Result<PathBuf, Error> {
    let folder = build::obtain(&Module::BUNDLE_VERIFIER, &cache::folder()?)?;
    Ok(folder.join("bundle-verifier"))
}

/// `lint_pkix_cert lint FILE` of pkilint: whether a certificate is as RFC 5280 wants it.
pub fn pkilint() -> Result<PathBuf, Error> {
    let environment = python::environment("pkilint", PKILINT_VERSION)?;
    Ok(environment.join("bin").join("lint_pkix_cert"))
}
