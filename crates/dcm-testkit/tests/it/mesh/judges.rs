//! Judges of a chain that share no code with us. Each gives its reason when it refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use dcm_pki::bundle::Files;
use dcm_testkit::assets::judges;

/// The files of a bundle, where programs can read them.
pub(crate) struct Laid {
    folder: tempfile::TempDir,
}

impl Laid {
    /// The certificate that signs workloads is judged; `anchors` are trusted, and nothing else.
    pub(crate) fn out(files: &Files, anchors: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("certificate.pem", files.certificate.as_str()),
            ("chain.pem", files.chain.as_str()),
            ("anchors.pem", anchors),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `anchor_signed_itself` or not: else openssl wants to be told that it may stop there.
    pub(crate) fn openssl(&self, anchor_signed_itself: bool) -> Result<(), String> {
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-no-CApath", "-no-CAstore"]);
        if !anchor_signed_itself {
            command.arg("-partial_chain");
        }
        command.arg("-CAfile").arg(self.file("anchors.pem"));
        command.arg("-untrusted").arg(self.file("chain.pem"));
        judged(command.arg(self.file("certificate.pem")))
    }

    pub(crate) fn go(&self) -> Result<(), String> {
        let mut command = Command::new(judges::go_verifier().unwrap());
        judged(
            command
                .arg(self.file("anchors.pem"))
                .arg(self.file("chain.pem")),
        )
    }
}

fn judged(command: &mut Command) -> Result<(), String> {
    let said = command.output().unwrap();
    if said.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&said.stderr).into_owned())
}

/// What pkilint finds in a certificate, from `NOTICE` upwards: stable codes of findings.
pub(crate) fn pkilint(certificate: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    std::fs::write(&file, certificate).unwrap();
    findings(&file)
}

fn findings(file: &Path) -> Vec<String> {
    let mut command = Command::new(judges::pkilint().unwrap());
    command.args(["lint", "--severity", "NOTICE", "--format", "JSON"]);
    let said = command.arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    let report: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("pkilint: {}", String::from_utf8_lossy(&said.stderr)));
    let mut codes = Vec::new();
    for result in report["results"].as_array().unwrap() {
        for finding in result["finding_descriptions"].as_array().unwrap() {
            codes.push(finding["code"].as_str().unwrap().to_owned());
        }
    }
    codes
}
