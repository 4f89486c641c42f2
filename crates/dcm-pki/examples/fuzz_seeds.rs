//! Good inputs for the fuzzer (`fuzz`), made new each time: `fuzz_seeds FOLDER` writes one folder per target.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use dcm_pki::authority::revocation::RevocationList;
use dcm_pki::authority::{
    AuthorityKey, Certificate, Issuer, Level, Profile, Revoked, Serial, Subject, authority_request,
    issue, revocation_list, self_sign,
};
use dcm_pki::bundle::Files;
use dcm_pki::{UserKey, certificate_request};
use dcm_types::{KeyAlgorithm, Timestamp};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Between the parts of an input, as the targets read them.
const APART: &str = "\n=====\n";
const NOW: &str = "2026-01-01T00:00:00Z";

fn main() -> Outcome<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("usage: fuzz_seeds FOLDER")?;
    for algorithm in [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa3072,
    ] {
        of_algorithm(&folder, algorithm)?;
    }
    let request = certificate_request(&UserKey::generate()?, "dcm:alice")?;
    write(&folder, "request", "user", request)
}

fn of_algorithm(folder: &Path, algorithm: KeyAlgorithm) -> Outcome<()> {
    let name = algorithm.as_str();
    let (anchor_key, edge_key) = (
        AuthorityKey::generate(algorithm)?,
        AuthorityKey::generate(algorithm)?,
    );
    let anchor = self_sign(&profile(Level::Cloud)?, &anchor_key)?.certificate;
    let issuer = Issuer::new(&anchor, &anchor_key)?;
    let edge = issue(&profile(Level::Edge)?, &edge_key, &issuer)?.certificate;
    let own = Issuer::new(&edge, &edge_key)?;
    let lists = [list(&issuer, Some(&edge))?, list(&own, None)?];
    let both = edge.to_pem() + &anchor.to_pem();

    write(folder, "certificate", name, &both)?;
    write(folder, "certificate", &format!("{name}-der"), &edge.der)?;
    let request = authority_request(&profile(Level::Edge)?, &edge_key)?.pem;
    write(folder, "request", name, request)?;
    let key = anchor_key.to_pem();
    let import = [key.expose_secret(), anchor.to_pem().as_str()].join(APART);
    write(folder, "import", name, import)?;
    let mut signed = lists[0].clone();
    signed.extend_from_slice(APART.as_bytes());
    signed.extend_from_slice(anchor.to_pem().as_bytes());
    write(folder, "list", &format!("{name}-der"), signed)?;
    write(folder, "list", name, RevocationList::to_pem(&lists[1]))?;
    let above = std::slice::from_ref(&anchor);
    let files = Files::new(&edge, edge_key.to_pem(), above, above, &lists);
    let texts: Vec<&str> = files.each().into_iter().map(|(_, text)| text).collect();
    write(folder, "bundle", name, texts.join(APART))
}

fn profile(level: Level) -> Outcome<Profile> {
    let now: Timestamp = NOW.parse()?;
    let edge = level == Level::Edge;
    let days = if edge { 90 } else { 730 };
    Ok(Profile {
        level,
        subject: Subject {
            organization: "Fuzz".to_owned(),
            unit: Some("cloud".to_owned()),
            common_name: if edge { "edge 1" } else { "anchor 1" }.to_owned(),
        },
        serial: Serial::from_random([if edge { 2 } else { 1 }; 16]),
        trust_domain: Some("cloud.mesh.internal".to_owned()),
        constrained: false,
        now,
        not_after: now + SignedDuration::from_hours(24 * days),
    })
}

fn list(issuer: &Issuer<'_>, revoked: Option<&Certificate>) -> Outcome<Vec<u8>> {
    let now: Timestamp = NOW.parse()?;
    let revoked: Vec<Revoked> = revoked
        .map(|certificate| Revoked {
            serial: certificate.serial.clone(),
            at: now,
        })
        .into_iter()
        .collect();
    let next = now + SignedDuration::from_hours(24 * 30);
    Ok(revocation_list(issuer, 1, &revoked, (now, next))?)
}

fn write(folder: &Path, target: &str, name: &str, input: impl AsRef<[u8]>) -> Outcome<()> {
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), input)?)
}
