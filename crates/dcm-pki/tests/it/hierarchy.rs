//! A hierarchy of authorities as the product makes them, for the tests of authorities and bundles.

use dcm_pki::authority::{
    AuthorityKey, Certificate, Issuer, Level, Profile, Serial, Subject, issue, revocation_list,
    self_sign,
};
use dcm_pki::bundle::Files;
use dcm_types::{KeyAlgorithm, Timestamp};
use jiff::{SignedDuration, ToSpan as _};

pub(crate) const DOMAIN: &str = "shop.acme.example";

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

/// A root, the anchor of a logical cloud, and the intermediate of one of its edges.
pub(crate) struct Hierarchy {
    pub(crate) root: (Certificate, AuthorityKey),
    pub(crate) cloud: (Certificate, AuthorityKey),
    pub(crate) edge: (Certificate, AuthorityKey),
}

pub(crate) fn profile(level: Level, number: u8) -> Profile {
    let (unit, common_name, days) = match level {
        Level::Root => (None, "acme mesh root 1", 3650),
        Level::Cloud => (Some("shop"), "shop mesh CA 1", 730),
        Level::Edge => (Some("shop"), "shop/edges/berlin mesh CA 1", 90),
    };
    Profile {
        level,
        subject: Subject {
            organization: "acme".to_owned(),
            unit: unit.map(str::to_owned),
            common_name: common_name.to_owned(),
        },
        serial: Serial::from_random([number; 16]),
        trust_domain: (level != Level::Root).then(|| DOMAIN.to_owned()),
        constrained: false,
        now: now(),
        not_after: now() + SignedDuration::from_hours(24 * days),
    }
}

impl Hierarchy {
    /// The edge has a key of this kind; those above it P-384.
    pub(crate) fn new(algorithm: KeyAlgorithm) -> Self {
        let root_key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let root = self_sign(&profile(Level::Root, 1), &root_key)
            .unwrap()
            .certificate;
        let cloud_key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let issuer = Issuer::new(&root, &root_key).unwrap();
        let cloud = issue(&profile(Level::Cloud, 2), &cloud_key, &issuer)
            .unwrap()
            .certificate;
        let edge_key = AuthorityKey::generate(algorithm).unwrap();
        let issuer = Issuer::new(&cloud, &cloud_key).unwrap();
        let edge = issue(&profile(Level::Edge, 3), &edge_key, &issuer)
            .unwrap()
            .certificate;
        Self {
            root: (root, root_key),
            cloud: (cloud, cloud_key),
            edge: (edge, edge_key),
        }
    }

    /// Lists of nothing revoked: the edge's own, and its anchor's.
    pub(crate) fn lists(&self) -> Vec<Vec<u8>> {
        let next = now().checked_add(720.hours()).unwrap();
        [&self.edge, &self.cloud]
            .map(|(certificate, key)| {
                let issuer = Issuer::new(certificate, key).unwrap();
                revocation_list(&issuer, 1, &[], (now(), next)).unwrap()
            })
            .into()
    }

    /// What the edge gets: the anchor is the logical cloud's, the root stays out of the mesh.
    pub(crate) fn files(&self) -> Files {
        let anchors = [self.cloud.0.clone()];
        let key = self.edge.1.to_pem();
        Files::new(&self.edge.0, key, &anchors, &anchors, &self.lists())
    }
}
