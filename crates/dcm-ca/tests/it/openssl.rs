//! `openssl` as oracle: it verifies what we issue, strictly, lists of revoked certificates included.

use std::fs;
use std::path::Path;
use std::process::Command;

use dcm_ca::Policy;
use dcm_types::KeyAlgorithm;
use dcm_types::ca::{CaBundle, CaController as _, TrustModel};
use dcm_types::ports::Clock as _;

use crate::world::{World, policy, somebody, target};

/// The answer of `openssl verify` to a bundle's certificate. Below an anchor that does not sign itself openssl can check
/// the list of the anchor only: it takes none for the anchor itself, whose issuer is not in the mesh.
fn verify(bundle: &CaBundle, model: TrustModel, at: dcm_types::Timestamp) -> (bool, String) {
    let lists_checked = match model {
        TrustModel::CloudRoot => "-crl_check_all",
        TrustModel::CloudIntermediate => "-crl_check",
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> String {
        let path: &Path = &folder.path().join(name);
        fs::write(path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let anchors = write("root-cert.pem", &bundle.anchors_pem);
    let lists = write("ca-crl.pem", &bundle.lists_pem);
    let certificate = write("ca-cert.pem", &bundle.certificate_pem);
    // An anchor below a root does not sign itself; for openssl that needs to be said.
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-partial_chain", lists_checked])
        .args(["-attime", &at.as_second().to_string()])
        .args(["-CAfile", &anchors, "-CRLfile", &lists, &certificate])
        .output()
        .expect("these tests use `openssl` as an oracle: install it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = said + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

#[tokio::test]
async fn bundles_of_every_algorithm_and_both_models_verify_strictly() {
    let rows = [
        (KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384),
        (KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP256),
        (KeyAlgorithm::Rsa3072, KeyAlgorithm::EcdsaP384),
        (KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa3072),
        (KeyAlgorithm::Rsa4096, KeyAlgorithm::EcdsaP384),
        (KeyAlgorithm::Ed25519, KeyAlgorithm::Ed25519),
    ];
    for model in [TrustModel::CloudRoot, TrustModel::CloudIntermediate] {
        for (edge_algorithm, anchor_algorithm) in rows {
            let policy = Policy {
                trust_model: Some(model),
                edge_algorithm,
                anchor_algorithm,
                ed25519: true,
                ..policy()
            };
            let world = World::with(policy).await;
            let (good, said) = verify(&world.ensure("berlin").await, model, world.clock.now());
            assert!(
                good,
                "{edge_algorithm:?} {anchor_algorithm:?} {model:?}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_with_the_lists_of_another_member() {
    let world = World::new().await;
    let revoked = world.ensure("berlin").await;
    world
        .ca
        .revoke(&target("berlin"), &somebody())
        .await
        .unwrap();
    let other = world.ensure("paris").await;
    let seen = CaBundle {
        lists_pem: other.lists_pem,
        ..revoked
    };
    let (good, said) = verify(&seen, TrustModel::CloudRoot, world.clock.now());
    assert!(!good && said.contains("revoked"), "{said}");
}
