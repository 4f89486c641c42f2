//! Authorities of logical clouds as the product makes them, with as many edges as a test wants.

use dcm_pki::authority::{
    AuthorityKey, Certificate, Issuer, Level, Profile, Serial, Subject, issue, revocation_list,
    self_sign,
};
use dcm_pki::bundle::Files;
use dcm_types::{KeyAlgorithm, Timestamp};
use jiff::SignedDuration;

/// The anchor of one logical cloud, with what stands above it.
pub(crate) struct Cloud {
    pub(crate) name: String,
    /// Missing where the anchor has signed itself.
    pub(crate) root: Option<Certificate>,
    pub(crate) anchor: Certificate,
    key: AuthorityKey,
}

/// What one edge of a cloud gets.
pub(crate) struct Edge {
    pub(crate) certificate: Certificate,
    pub(crate) files: Files,
}

impl Cloud {
    /// Under the root of an organisation, which stays out of the mesh.
    pub(crate) fn under_root(name: &str) -> Self {
        let root_key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let root = self_sign(&profile(Level::Root, name, "root", 1), &root_key).unwrap();
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let issuer = Issuer::new(&root.certificate, &root_key).unwrap();
        let anchor = issue(&profile(Level::Cloud, name, "cloud", 2), &key, &issuer).unwrap();
        Self {
            name: name.to_owned(),
            root: Some(root.certificate),
            anchor: anchor.certificate,
            key,
        }
    }

    /// A root of its own.
    pub(crate) fn own_root(name: &str) -> Self {
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let anchor = self_sign(&profile(Level::Cloud, name, "cloud", 2), &key).unwrap();
        Self {
            name: name.to_owned(),
            root: None,
            anchor: anchor.certificate,
            key,
        }
    }

    pub(crate) fn domain(&self) -> String {
        domain(&self.name)
    }

    pub(crate) fn edge(&self, cluster: &str, number: u8, algorithm: KeyAlgorithm) -> Edge {
        let key = AuthorityKey::generate(algorithm).unwrap();
        let issuer = Issuer::new(&self.anchor, &self.key).unwrap();
        let asked = profile(Level::Edge, &self.name, cluster, number);
        let certificate = issue(&asked, &key, &issuer).unwrap().certificate;
        let own = Issuer::new(&certificate, &key).unwrap();
        let times = (now(), now() + SignedDuration::from_hours(720));
        let lists = [&own, &issuer].map(|of| revocation_list(of, 1, &[], times).unwrap());
        let anchors = [self.anchor.clone()];
        let files = Files::new(&certificate, key.to_pem(), &anchors, &anchors, &lists);
        Edge { certificate, files }
    }
}

fn domain(cloud: &str) -> String {
    format!("{cloud}.acme.example")
}

fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

fn profile(level: Level, cloud: &str, name: &str, number: u8) -> Profile {
    let days = match level {
        Level::Root => 3650,
        Level::Cloud => 730,
        Level::Edge => 90,
    };
    let below_root = level != Level::Root;
    Profile {
        level,
        subject: Subject {
            organization: "acme".to_owned(),
            unit: below_root.then(|| cloud.to_owned()),
            common_name: format!("{cloud} {name} mesh CA {number}"),
        },
        serial: Serial::from_random([number; 16]),
        trust_domain: below_root.then(|| domain(cloud)),
        constrained: false,
        now: now(),
        not_after: now() + SignedDuration::from_hours(24 * days),
    }
}
