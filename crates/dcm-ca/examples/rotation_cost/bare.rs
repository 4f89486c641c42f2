//! The baseline: the same number of certificates made by a library, and nothing else.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Makes keys and signs certificates for them.
pub(super) fn sign(certificates: usize) -> Result<Duration> {
    let authority = Issuer::new(parameters(1)?, KeyPair::generate()?);
    let begun = Instant::now();
    for _ in 0..certificates {
        let key = KeyPair::generate()?;
        black_box(parameters(0)?.signed_by(&key, &authority)?.pem());
    }
    Ok(begun.elapsed())
}

fn parameters(below: u8) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}
