//! `dcm ca check` on bundles that `openssl` made: as an operator has them who never heard of us.

use std::path::Path;
use std::process::Command;

use crate::environment::Environment;

fn openssl(folder: &Path, command: &str) {
    let words = command.split_whitespace();
    let run = Command::new("openssl")
        .args(words)
        .current_dir(folder)
        .output();
    let run = run.unwrap_or_else(|error| panic!("openssl is needed for this test: {error}"));
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{command}: {said}");
}

/// A root and an intermediate under it, in the layout of the mesh's documentation.
fn bundle(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let extensions = "basicConstraints=critical,CA:TRUE,pathlen:0\n\
                      keyUsage=critical,keyCertSign,cRLSign\n\
                      subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
    std::fs::write(folder.join("extensions"), extensions).unwrap();
    openssl(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 3650 -subj /O=acme/CN=root \
         -addext keyUsage=critical,keyCertSign,cRLSign -keyout root-key.pem -out root-cert.pem",
    );
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=acme/CN=berlin \
         -keyout ca-key.pem -out request.pem",
    );
    openssl(
        folder,
        "x509 -req -in request.pem -CA root-cert.pem -CAkey root-key.pem -days 90 -set_serial 77 \
         -extfile extensions -out ca-cert.pem",
    );
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    std::fs::write(
        folder.join("cert-chain.pem"),
        text("ca-cert.pem") + &text("root-cert.pem"),
    )
    .unwrap();
}

#[test]
fn good_bundle_is_good_and_a_spoiled_one_says_what_to_do() {
    let environment = Environment::new();
    let folder = environment.path("cacerts");
    bundle(&folder);
    let path = folder.display().to_string();
    let good = environment.dcm(&["ca", "check", &path]).done();
    assert_eq!(good.stdout, "");
    assert!(
        good.stderr.contains("good: 1 bundle(s) keep all rules"),
        "{}",
        good.shown()
    );

    // The control plane takes this one, and then every peer refuses every leaf.
    std::fs::copy(folder.join("root-cert.pem"), folder.join("cert-chain.pem")).unwrap();
    let spoiled = environment.dcm(&["ca", "check", &path]);
    assert_eq!(spoiled.code, 1);
    for expected in [
        "breaks",
        "ChainWithoutCertificate",
        "cert-chain.pem must begin with",
    ] {
        assert!(
            spoiled.stdout.contains(expected),
            "{expected}: {}",
            spoiled.shown()
        );
    }
    let data = environment
        .dcm(&["ca", "check", &path, "-o", "json"])
        .json();
    assert_eq!(data[0]["rule"], "ChainWithoutCertificate");
    assert_eq!(data[0]["severity"], "breaks");
}

#[test]
fn bundles_are_held_against_each_other_and_secrets_are_read() {
    use base64::Engine as _;
    let environment = Environment::new();
    let folder = environment.path("cacerts");
    bundle(&folder);
    let data: serde_json::Map<String, serde_json::Value> = [
        "ca-cert.pem",
        "ca-key.pem",
        "cert-chain.pem",
        "root-cert.pem",
    ]
    .into_iter()
    .map(|name| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        (name.to_owned(), text.into())
    })
    .collect();
    let secret = environment.path("secret.json");
    let object = serde_json::json!({ "apiVersion": "v1", "kind": "Secret", "data": data });
    std::fs::write(&secret, object.to_string()).unwrap();
    let (folder, secret) = (folder.display().to_string(), secret.display().to_string());
    environment.dcm(&["ca", "check", &secret]).done();
    let both = environment.dcm(&["ca", "check", &folder, &secret]);
    assert_eq!(both.code, 1);
    assert!(both.stdout.contains("KeyShared"), "{}", both.shown());

    std::fs::write(&secret, "kind: ConfigMap").unwrap();
    let other = environment.dcm(&["ca", "check", &secret]);
    assert_eq!(other.code, 1);
    assert!(
        other.stderr.contains("must be one object of kind Secret"),
        "{}",
        other.shown()
    );
    assert!(other.stderr.contains("hint:"), "{}", other.shown());
    let missing = environment.dcm(&["ca", "check", "nowhere"]);
    assert!(missing.stderr.contains("nowhere"), "{}", missing.shown());
}
