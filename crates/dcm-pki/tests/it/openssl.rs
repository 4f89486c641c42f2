//! `openssl` as oracle: it reads what we write, and we read every kind of key that it writes.

use std::fs;
use std::path::Path;

use dcm_pki::{UserKey, certificate_key_matches, certificate_request, kubeconfig};
use secrecy::{ExposeSecret as _, SecretString};

use crate::program::run;
use crate::sample::{base64, good};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_request_verifies_and_its_subject_is_only_the_common_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.pem");
    let name = "dcm:0123456789abcdef0123456789abcdef01234567";
    let key = UserKey::generate().unwrap();
    fs::write(&file, certificate_request(&key, name).unwrap()).unwrap();
    let verified = run("openssl", &["req", "-verify", "-noout", "-in", text(&file)]);
    assert!(verified.contains("verify OK"), "{verified}");
    let subject = [
        "req",
        "-noout",
        "-subject",
        "-nameopt",
        "RFC2253",
        "-in",
        text(&file),
    ];
    assert_eq!(
        run("openssl", &subject).trim(),
        format!("subject=CN={name}")
    );
    let shown = run("openssl", &["req", "-noout", "-text", "-in", text(&file)]);
    assert!(shown.contains("prime256v1"), "{shown}");
    assert!(!shown.contains("X509v3"), "{shown}");
}

#[test]
fn a_key_is_a_valid_p256_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let key = UserKey::generate().unwrap();
    fs::write(&file, key.to_pem().expose_secret()).unwrap();
    let shown = run(
        "openssl",
        &["pkey", "-check", "-noout", "-text", "-in", text(&file)],
    );
    assert!(
        shown.contains("Key is valid") && shown.contains("prime256v1"),
        "{shown}"
    );
}

#[test]
fn keys_and_certificates_of_every_kind_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let certificate = folder.path().join("certificate.pem");
    let other = UserKey::generate().unwrap().to_pem();
    let kinds: [(&str, &[&str]); 8] = [
        (
            "PKCS#8 RSA",
            &[
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
            ],
        ),
        ("PKCS#1 RSA", &["genrsa", "-traditional", "2048"]),
        (
            "PKCS#8 P-256",
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ],
        ),
        (
            "PKCS#8 P-521",
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-521",
            ],
        ),
        (
            "SEC 1 P-256",
            &["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
        ),
        (
            "SEC 1 P-256 with parameters",
            &["ecparam", "-name", "prime256v1", "-genkey"],
        ),
        (
            "SEC 1 P-384",
            &["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
        ),
        ("PKCS#8 Ed25519", &["genpkey", "-algorithm", "ED25519"]),
    ];
    for (kind, generate) in kinds {
        fs::write(&key, run("openssl", generate)).unwrap();
        let issue = [
            "req",
            "-x509",
            "-subj",
            "/O=system:masters/CN=admin",
            "-days",
            "2",
            "-text",
            "-key",
            text(&key),
            "-out",
            text(&certificate),
        ];
        run("openssl", &issue);
        let key_pem = fs::read_to_string(&key).unwrap();
        let certificate_pem = fs::read_to_string(&certificate).unwrap();
        let secret = SecretString::from(key_pem.clone());
        assert!(
            certificate_key_matches(&certificate_pem, &secret).unwrap(),
            "{kind}"
        );
        assert!(
            !certificate_key_matches(&certificate_pem, &other).unwrap(),
            "{kind}"
        );
        let user = format!(
            "{{client-certificate-data: {}, client-key-data: {}}}",
            base64(&certificate_pem),
            base64(&key_pem)
        );
        let file = good(&base64(&certificate_pem), &user);
        let credential =
            kubeconfig::parse(file.as_bytes()).unwrap_or_else(|e| panic!("{kind} {e:?}"));
        // What we stored is what openssl can still read.
        let kubeconfig::Authentication::ClientCertificate {
            certificate_pem,
            key_pem,
        } = credential.authentication
        else {
            panic!("{kind}");
        };
        fs::write(&key, key_pem.expose_secret()).unwrap();
        fs::write(&certificate, certificate_pem).unwrap();
        let of_key = run("openssl", &["pkey", "-pubout", "-in", text(&key)]);
        let of_certificate = run(
            "openssl",
            &["x509", "-pubkey", "-noout", "-in", text(&certificate)],
        );
        assert_eq!(of_key, of_certificate, "{kind}");
    }
}
