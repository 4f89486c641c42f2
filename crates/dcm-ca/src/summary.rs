//! What is told of an authority, without its keys.

use dcm_pki::authority::Certificate;
use dcm_types::ca::{AnchorSummary, AuthorityScope, AuthoritySummary, BundleSummary};
use dcm_types::documents::ca::{Anchor, CaAuthority, PendingRequest, RequestSigner};
use dcm_types::{CloudKey, Key};

use crate::bundle;
use crate::{Controller, Error, issue, plan};

impl Controller {
    /// The authority of a scope.
    pub(crate) async fn summary(&self, scope: &AuthorityScope) -> Result<AuthoritySummary, Error> {
        let read = match scope {
            AuthorityScope::Cloud(cloud) => self.authority_of(cloud).await?,
            AuthorityScope::Organization => {
                let found = self.read_authority(&Key::ca_organization()).await?;
                found.ok_or_else(|| Error::missing("the authority of the organisation"))?
            }
        };
        self.summary_of(&read.document).await
    }

    pub(crate) async fn summary_of(
        &self,
        authority: &CaAuthority,
    ) -> Result<AuthoritySummary, Error> {
        let scope = authority.owner.scope();
        let rotation = match (&scope, &authority.rotation) {
            (AuthorityScope::Cloud(cloud), Some(rotation)) => {
                let edges = self.edge_documents(authority).await?;
                let of = (authority, rotation);
                Some(plan::rotation_state(self.policy(), cloud, of, &edges))
            }
            _ => None,
        };
        let anchors = authority.anchors.iter();
        Ok(AuthoritySummary {
            scope,
            trust_model: authority.trust_model,
            trust_domain: authority.trust_domain.clone(),
            trust: authority.trust,
            anchors: anchors
                .map(|anchor| anchor_summary(authority, anchor))
                .collect::<Result<_, Error>>()?,
            rotation,
            request_pending: authority.request.is_some(),
            request_problem: authority.request.as_ref().and_then(problem),
        })
    }

    /// What is told of the bundles of a cloud.
    pub(crate) async fn bundles(&self, cloud: &CloudKey) -> Result<Vec<BundleSummary>, Error> {
        let read = self.authority_of(cloud).await?;
        let edges = self.edge_documents(&read.document).await?;
        let summaries = edges
            .iter()
            .map(|edge| bundle::summaries(&read.document, edge));
        Ok(summaries.flatten().collect())
    }
}

fn problem(request: &PendingRequest) -> Option<String> {
    match &request.signer {
        RequestSigner::Somebody => None,
        RequestSigner::Issuer { problem, .. } => problem.clone(),
    }
}

fn anchor_summary(authority: &CaAuthority, anchor: &Anchor) -> Result<AnchorSummary, Error> {
    let certificate: Certificate = issue::stored_anchor(anchor)?;
    Ok(AnchorSummary {
        generation: anchor.generation,
        subject: certificate.subject_text,
        algorithm: anchor.algorithm,
        origin: anchor.origin,
        serial: anchor.serial.clone(),
        fingerprint: anchor.fingerprint.clone(),
        certificate_pem: anchor.certificate_pem.clone(),
        above_pem: anchor.above_pem.clone(),
        not_before: anchor.not_before,
        not_after: anchor.not_after,
        trusted: authority.trusted.contains(&anchor.generation),
        signs: authority.signing == anchor.generation,
        revoked: anchor.revoked.len() as u64,
        list_ends_at: Some(anchor.list.ends_at),
    })
}
