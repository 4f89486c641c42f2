//! `openssl` as oracle: it reads what we write, and we read every kind of key that it writes.

use std::fs;

use dcm_pki::kubeconfig::{self, Authentication};
use dcm_pki::{UserKey, certificate_key_matches, certificate_request, check_request};
use secrecy::{ExposeSecret as _, SecretString};

use crate::program::run;
use crate::sample::{base64, good};

#[test]
fn a_request_verifies_and_its_subject_is_only_the_common_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.pem");
    let name = "dcm:0123456789abcdef0123456789abcdef01234567";
    let key = UserKey::generate().unwrap();
    fs::write(&file, certificate_request(&key, name).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let verified = run(&format!("openssl req -verify -noout -in {file}"));
    let verified = verified.output + &verified.errors; // versions differ in where they say it
    assert!(verified.contains("verify OK"), "{verified}");
    let subject = run(&format!(
        "openssl req -noout -subject -nameopt RFC2253 -in {file}"
    ))
    .output;
    assert_eq!(subject.trim(), format!("subject=CN={name}"));
    let shown = run(&format!("openssl req -noout -text -in {file}")).output;
    assert!(shown.contains("prime256v1"), "{shown}");
    assert!(!shown.contains("X509v3"), "{shown}");
}

#[test]
fn a_key_is_a_valid_p256_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let key = UserKey::generate().unwrap();
    fs::write(&file, key.to_pem().expose_secret()).unwrap();
    let file = file.to_str().unwrap();
    let shown = run(&format!("openssl pkey -check -noout -text -in {file}")).output;
    assert!(
        shown.contains("Key is valid") && shown.contains("prime256v1"),
        "{shown}"
    );
}

#[test]
fn keys_and_certificates_of_every_kind_are_read() {
    let kinds = [
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "genrsa -traditional 2048",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
        "ecparam -name prime256v1 -genkey -noout",
        "ecparam -name prime256v1 -genkey",
        "ecparam -name secp384r1 -genkey -noout",
        "genpkey -algorithm ED25519",
    ];
    let other = UserKey::generate().unwrap().to_pem();
    for kind in kinds {
        let (certificate, key) = self_signed(kind);
        let secret = SecretString::from(key.as_str());
        assert!(
            certificate_key_matches(&certificate, &secret).unwrap(),
            "{kind}"
        );
        assert!(
            !certificate_key_matches(&certificate, &other).unwrap(),
            "{kind}"
        );
        let (of_key, of_certificate) = public_keys_after_upload(&certificate, &key);
        assert_eq!(of_key, of_certificate, "{kind}");
    }
}

/// A self-signed certificate and its key, with the text that `openssl` puts around them.
fn self_signed(generate: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
    fs::write(&key, run(&format!("openssl {generate}")).output).unwrap();
    run(&format!(
        "openssl req -x509 -subj /O=system:masters/CN=admin -days 2 -text -key {} -out {}",
        key.to_str().unwrap(),
        certificate.to_str().unwrap()
    ));
    let read = |path| fs::read_to_string(path).unwrap();
    (read(certificate), read(key))
}

/// What `openssl` takes for the public key of key and certificate, after they went through an
/// uploaded kubeconfig.
fn public_keys_after_upload(certificate: &str, key: &str) -> (String, String) {
    let (certificate, key) = (base64(certificate), base64(key));
    let user = format!("{{client-certificate-data: {certificate}, client-key-data: {key}}}");
    let credential = kubeconfig::parse(good(&certificate, &user).as_bytes()).unwrap();
    let Authentication::ClientCertificate {
        certificate_pem,
        key_pem,
    } = credential.authentication
    else {
        panic!("the certificate became a token");
    };
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
    fs::write(&certificate, certificate_pem).unwrap();
    fs::write(&key, key_pem.expose_secret()).unwrap();
    let key = run(&format!(
        "openssl pkey -pubout -in {}",
        key.to_str().unwrap()
    ));
    let certificate = certificate.to_str().unwrap();
    let certificate = run(&format!("openssl x509 -pubkey -noout -in {certificate}"));
    (key.output, certificate.output)
}

#[test]
fn requests_for_strong_keys_are_taken_and_others_refused() {
    let strong = [
        "-newkey rsa:2048",
        "-newkey rsa:2048 -sha512",
        "-newkey ec -pkeyopt ec_paramgen_curve:P-256",
        "-newkey ec -pkeyopt ec_paramgen_curve:P-384",
        "-newkey ed25519",
    ];
    for kind in strong {
        let checked = check_request(&requested(kind));
        let checked = checked.unwrap_or_else(|rule| panic!("{kind}: {rule}"));
        assert!(checked.is_for("dcm:abc"), "{kind}");
    }
    let weak = [
        ("-newkey rsa:1024", "for a key of"),
        ("-newkey rsa:4224", "for a key of"),
        (
            "-newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:3",
            "for a key of",
        ),
        (
            "-newkey ec -pkeyopt ec_paramgen_curve:P-521",
            "for a key of",
        ),
        (
            "-newkey rsa-pss -pkeyopt rsa_keygen_bits:2048",
            "for a key of",
        ),
        ("-newkey rsa:2048 -sha1", "signed with SHA-256"),
        (
            "-newkey ed25519 -addext subjectAltName=DNS:a",
            "no attributes",
        ),
        ("-newkey ed25519 -newhdr", "labelled CERTIFICATE REQUEST"),
    ];
    for (kind, rule) in weak {
        let refused = check_request(&requested(kind)).unwrap_err();
        assert!(refused.contains(rule), "{kind}: {refused}");
    }
    for subject in [
        "/CN=dcm:abc/O=system:masters",
        "/O=x/CN=dcm:abc",
        "/CN=dcm:abc/CN=dcm:abc",
    ] {
        let other = run(&format!(
            "openssl req -new -newkey ed25519 -nodes -keyout /dev/null -subj {subject}"
        ));
        assert!(
            !check_request(&other.output).unwrap().is_for("dcm:abc"),
            "{subject}"
        );
    }
}

/// A request as its holder makes one, with the text that `openssl` can put before it.
fn requested(kind: &str) -> String {
    let command = "openssl req -new -nodes -keyout /dev/null -subj /CN=dcm:abc -text";
    run(&format!("{command} {kind}")).output
}
