//! What is handed out: the bundle of an edge, put together from its document and that of its authority.

use dcm_store::{Versioned, decode};
use dcm_types::TargetKey;
use dcm_types::ca::{BundleSummary, BundleVersion, CaBundle, GenerationState, PrivateKeyPem};
use dcm_types::documents::ca::{CaAuthority, CaEdge, EdgeGeneration};
use dcm_types::{Document as _, Key, Kind, Uid};

use crate::keys::{KEY, KeyPlace};
use crate::plan;
use crate::{Controller, Error};

/// What a bundle is put together from, read at one moment: otherwise bundles of an edge would have no order.
pub(crate) struct Moment {
    pub(crate) authority: Option<Versioned<CaAuthority>>,
    pub(crate) edge: Option<Versioned<CaEdge>>,
}

impl Controller {
    /// Reads what the bundle of an edge is put together from.
    pub(crate) async fn moment(&self, cloud: Uid, target: &TargetKey) -> Result<Moment, Error> {
        let keys = [
            Key::ca_authority(cloud),
            Key::ca_edge(cloud, &target.cluster),
        ];
        let mut found = self.store().get_many(&keys).await?.into_iter();
        let mut next = || found.next().flatten();
        let (authority, edge) = (next(), next());
        Ok(Moment {
            authority: authority.map(decode).transpose()?,
            edge: edge.map(decode).transpose()?,
        })
    }

    /// The bundle of an edge as it is.
    pub(crate) fn bundle(&self, authority: &CaAuthority, edge: &CaEdge) -> Result<CaBundle, Error> {
        let current = edge.current().ok_or_else(|| missing(&edge.target))?;
        if current.revoked_at.is_some() {
            let message = format!("the certificate of '{}' was revoked", edge.target.cluster);
            let hint = "its bundle is made anew when the mesh of the member is prepared";
            return Err(Error::conflict(message, hint));
        }
        let anchor = authority.anchor(current.anchor);
        let (Some(anchor), Some(sealed)) = (anchor, &current.key) else {
            return Err(missing(&edge.target));
        };
        let place = KeyPlace {
            document: &edge.key(),
            uid: edge.uid,
            field: KEY,
            epoch: current.generation,
        };
        let trusted = authority.trusted.iter();
        let anchors_pem = trusted
            .filter_map(|generation| authority.anchor(*generation))
            .map(|anchor| anchor.certificate_pem.as_str())
            .collect();
        Ok(CaBundle {
            target: edge.target.clone(),
            cloud_uid: edge.cloud_uid,
            version: version(authority, edge, current),
            certificate_pem: current.certificate_pem.clone(),
            key: PrivateKeyPem::new(self.open(place, sealed)?),
            chain_pem: format!("{}{}", current.certificate_pem, anchor.certificate_pem),
            anchors_pem,
            lists_pem: format!("{}{}", current.list.pem, anchor.list.pem),
            not_after: current.not_after,
            ask_again_at: plan::ask_again_at(self.now(), authority, current),
        })
    }
}

fn version(authority: &CaAuthority, edge: &CaEdge, of: &EdgeGeneration) -> BundleVersion {
    BundleVersion {
        generation: of.generation,
        trust: authority.trust,
        lists: authority.lists + edge.lists,
    }
}

pub(crate) fn missing(target: &TargetKey) -> Error {
    let message = format!(
        "logical cloud '{}' has no bundle for cluster '{}'",
        target.cloud, target.cluster
    );
    let hint = "it is made when the mesh of the member is prepared";
    Error::refused(Kind::NotFound, message, hint)
}

/// What is told of the generations of an edge, the newest first.
pub(crate) fn summaries(authority: &CaAuthority, edge: &CaEdge) -> Vec<BundleSummary> {
    let newest = edge.current().map_or(0, |current| current.generation);
    let loaded = edge.loaded.map_or(0, |seen| seen.version.generation);
    let generations = edge.generations.iter().rev();
    generations
        .map(|one| BundleSummary {
            target: edge.target.clone(),
            version: version(authority, edge, one),
            state: match one.revoked_at {
                Some(_) => GenerationState::Revoked,
                None if one.generation < newest => GenerationState::Superseded,
                None if one.generation == loaded => GenerationState::Active,
                None => GenerationState::Issued,
            },
            anchor: one.anchor,
            algorithm: one.algorithm,
            serial: one.serial.clone(),
            fingerprint: one.fingerprint.clone(),
            certificate_pem: one.certificate_pem.clone(),
            not_before: one.not_before,
            not_after: one.not_after,
            renew_at: one.renew_at,
            written: edge.written,
            loaded: edge.loaded,
        })
        .collect()
}
