//! Authorities of others, out of files: a certificate with its key, or the answer to a certificate request.

use std::path::{Path, PathBuf};

use clap::Args;
use dcm_wire::documents::{AuthorityImport, SignedAuthority};

use crate::error::Error;
use crate::file;

/// How a PEM block of a certificate ends.
const END: &str = "-----END CERTIFICATE-----";

/// What is imported.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// Its certificate, PEM; those above it may follow in the same file
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    certificate: PathBuf,

    /// Its private key, PEM, not encrypted; it is never shown again
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    key: PathBuf,

    #[command(flatten)]
    above: AboveArguments,
}

/// What was signed.
#[derive(Debug, Args)]
pub(super) struct SignedArguments {
    /// The signed certificate, PEM; those above it may follow in the same file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    certificate: PathBuf,

    #[command(flatten)]
    above: AboveArguments,
}

#[derive(Debug, Args)]
struct AboveArguments {
    /// Those above it, PEM, its issuer first, up to the one to be trusted
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    chain: Option<PathBuf>,

    /// SHA-256 of the certificate that must be among them, in hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    anchor_fingerprint: Option<String>,
}

impl ImportArguments {
    /// What is sent.
    pub(super) fn body(&self) -> Result<AuthorityImport, Error> {
        let (certificate, chain) = self.above.chain(&self.certificate)?;
        Ok(AuthorityImport {
            certificate,
            key: file::read_text(&self.key)?,
            chain,
            anchor_fingerprint: self.above.anchor_fingerprint.clone(),
        })
    }
}

impl SignedArguments {
    /// What is sent.
    pub(super) fn body(&self) -> Result<SignedAuthority, Error> {
        let (certificate, chain) = self.above.chain(&self.certificate)?;
        Ok(SignedAuthority {
            certificate,
            chain,
            anchor_fingerprint: self.above.anchor_fingerprint.clone(),
        })
    }
}

impl AboveArguments {
    /// The certificate, and those above it from both files.
    fn chain(&self, certificate: &Path) -> Result<(String, Option<String>), Error> {
        let text = file::read_text(certificate)?;
        let (first, rest) = divided(&text);
        let mut chain = rest.to_owned();
        if let Some(path) = &self.chain {
            chain.push_str(&file::read_text(path)?);
        }
        let chain = Some(chain).filter(|text| !text.trim().is_empty());
        Ok((first.to_owned(), chain))
    }
}

/// The first certificate of a text, and what follows it.
fn divided(text: &str) -> (&str, &str) {
    let end = text.find(END).map_or(text.len(), |at| at + END.len());
    let (first, rest) = text.split_at(end);
    (first, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_certificate_of_a_file_is_apart_from_those_above_it() {
        let one = format!("a\n{END}");
        assert_eq!(divided(&format!("{one}\n")), (one.as_str(), ""));
        let two = format!("{one}\nb\n{END}\n");
        assert_eq!(
            divided(&two),
            (one.as_str(), format!("b\n{END}\n").as_str())
        );
        assert_eq!(divided("nothing"), ("nothing", ""));
    }
}
