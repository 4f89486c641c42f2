//! A mesh in small: control planes that load bundles and sign workloads, and workloads that verify each other.

use std::collections::HashSet;
use std::time::Duration;

use dcm_pki::authority::certificates;
use dcm_types::Timestamp;
use dcm_types::ca::CaBundle;
use jiff::SignedDuration;
use rcgen::{CertificateParams, DistinguishedName, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// A workload: its certificate with the chain that is sent after it, and the anchors that it got with it.
#[derive(Clone)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) leaf: Vec<u8>,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) trusts: Vec<Vec<u8>>,
    pub(crate) not_after: Timestamp,
}

impl Workload {
    /// Signs one as a control plane does that uses the bundle. `None`: the intermediate is over.
    pub(crate) fn sign(bundle: &CaBundle, now: Timestamp, life: Duration) -> Option<Self> {
        let end = now + SignedDuration::try_from(life).unwrap();
        let not_after = end.min(bundle.not_after);
        if not_after <= now {
            return None;
        }
        let authority = KeyPair::from_pem(bundle.key.expose()).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&bundle.certificate_pem, authority).unwrap();
        let own = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.not_before = moment(now - SignedDuration::from_mins(2));
        parameters.not_after = moment(not_after);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        let uri = format!("spiffe://mesh/ns/x/sa/{}", bundle.target.cluster.cluster);
        parameters.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        let leaf = parameters.signed_by(&own, &issuer).unwrap();
        Some(Self {
            name: format!("{} {:?}", bundle.target.cluster, bundle.version),
            cluster: bundle.target.cluster.cluster.to_string(),
            leaf: leaf.der().to_vec(),
            chain: ders(&bundle.chain_pem),
            trusts: ders(&bundle.anchors_pem),
            not_after,
        })
    }

    /// Whether this one takes the other one for a member of its mesh.
    pub(crate) fn verifies(&self, other: &Self, at: Timestamp) -> Result<(), webpki::Error> {
        let leaf = CertificateDer::from(other.leaf.as_slice());
        let leaf = EndEntityCert::try_from(&leaf)?;
        let trusts: Vec<_> = self
            .trusts
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let anchors: Vec<_> = trusts
            .iter()
            .map(|der| anchor_from_trusted_cert(der).unwrap())
            .collect();
        let chain: Vec<_> = other
            .chain
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let seconds = u64::try_from(at.as_second()).unwrap();
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &chain,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map(drop)
    }
}

/// Workloads that live. Of those of one member with one chain and one set of anchors the last one lives longest, and
/// the others say nothing more.
#[derive(Default)]
pub(crate) struct Mesh {
    workloads: Vec<Living>,
    signed: usize,
    /// Sets of anchors that somebody trusts or trusted.
    sets: Vec<Vec<Vec<u8>>>,
    /// Which leaf was verified by which set: that holds as long as the leaf lives.
    verified: HashSet<(usize, usize)>,
}

struct Living {
    number: usize,
    set: usize,
    workload: Workload,
}

impl Mesh {
    pub(crate) fn add(&mut self, new: Workload) {
        let known = self.sets.iter().position(|set| *set == new.trusts);
        let set = known.unwrap_or_else(|| {
            self.sets.push(new.trusts.clone());
            self.sets.len() - 1
        });
        self.workloads.retain(|old| {
            let old_one = &old.workload;
            old_one.cluster != new.cluster || old.set != set || old_one.chain != new.chain
        });
        self.signed += 1;
        self.workloads.push(Living {
            number: self.signed,
            set,
            workload: new,
        });
    }

    /// A member's workloads are gone.
    pub(crate) fn clear(&mut self, cluster: &str) {
        self.workloads.retain(|one| one.workload.cluster != cluster);
    }

    /// Every workload that lives verifies at every other one that lives.
    pub(crate) fn check(&mut self, at: Timestamp) -> Result<(), String> {
        self.workloads.retain(|one| one.workload.not_after > at);
        for set in 0..self.sets.len() {
            let Some(peer) = self.workloads.iter().find(|one| one.set == set) else {
                continue;
            };
            for other in &self.workloads {
                if !self.verified.insert((other.number, set)) {
                    continue;
                }
                let (one, other) = (&peer.workload, &other.workload);
                one.verifies(other, at)
                    .map_err(|error| format!("{} refuses {}: {error}", one.name, other.name))?;
            }
        }
        Ok(())
    }
}

pub(crate) fn ders(pem: &str) -> Vec<Vec<u8>> {
    let found = certificates(pem, "test").unwrap();
    found.into_iter().map(|one| one.der).collect()
}

fn moment(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap()
}
