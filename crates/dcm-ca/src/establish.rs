//! Authorities: made when a cloud gets its first bundle, or when something is asked of them before.

use std::time::Duration;

use dcm_pki::authority::{Certificate, Level, Profile, authority_request};
use dcm_store::{Batch, Expect, StoreExt as _, Versioned};
use dcm_types::ca::{CaChange, KeyOrigin, TrustModel};
use dcm_types::documents::LogicalCloud;
use dcm_types::documents::ca::{Anchor, AuthorityOwner, CaAuthority, CaVerb, ChainEnd};
use dcm_types::{Document as _, Key, Timestamp, member_name};

use crate::backend::{ItsOwn, KeyHere, Signed, SigningBackend, order_of};
use crate::controller::itself;
use crate::events::{self, Told, tell};
use crate::issue::{self, Made, Opened, Order, fingerprint};
use crate::keys::{KEY, KeyPlace};
use crate::policy::after;
use crate::{Controller, Error, names, plan};

impl Controller {
    pub(crate) async fn read_authority(
        &self,
        key: &Key,
    ) -> Result<Option<Versioned<CaAuthority>>, Error> {
        Ok(self.store().read(key).await?)
    }

    /// Makes the authority of a cloud that has none. When somebody else made it meanwhile, that one is it.
    pub(crate) async fn establish(&self, cloud: &Versioned<LogicalCloud>) -> Result<(), Error> {
        let mut authority = self.empty_authority(cloud).await?;
        if self.issuer_of(&authority).is_some() {
            return self.establish_waiting(cloud, authority).await;
        }
        let above = self.above(&authority).await?;
        let anchor = Box::pin(self.make_anchor(&authority, above)).await?;
        let mut batch = Batch::new();
        let issued = self.issued(&authority, &anchor, "first anchor");
        tell(
            &mut batch,
            &authority.chain(),
            &mut authority.events,
            issued,
        )?;
        add(&mut authority, anchor);
        let first = authority.last_generation;
        plan::first_anchor(&mut authority, first);
        batch.put(&authority, Expect::Absent)?;
        batch.assert(cloud.document.key(), Expect::Number(cloud.version.number));
        self.commit_new(batch).await?;
        self.tell(CaChange::Cloud(cloud.document.key.clone()));
        Ok(())
    }

    /// An authority of a cloud without any certificate.
    pub(crate) async fn empty_authority(
        &self,
        cloud: &Versioned<LogicalCloud>,
    ) -> Result<CaAuthority, Error> {
        let document = &cloud.document;
        let label = member_name::mesh(document.uid, document.key.cloud.as_str());
        let owner = AuthorityOwner::Cloud {
            key: document.key.clone(),
            uid: document.uid,
        };
        let model = match self.policy().trust_model {
            Some(model) => model,
            None => self.usual_model().await?,
        };
        let domain = format!("{label}.{}", self.policy().domain);
        Ok(self.nothing_of(owner, model, Some(domain)))
    }

    /// An authority whose first anchor the issuer signs: the loop makes its request, and asks.
    async fn establish_waiting(
        &self,
        cloud: &Versioned<LogicalCloud>,
        mut authority: CaAuthority,
    ) -> Result<(), Error> {
        let mut batch = Batch::new();
        self.ask_for_anchor(&mut batch, &mut authority, &itself())?;
        batch.put(&authority, Expect::Absent)?;
        batch.assert(cloud.document.key(), Expect::Number(cloud.version.number));
        self.commit_new(batch).await?;
        self.tell(CaChange::Cloud(cloud.document.key.clone()));
        Ok(())
    }

    /// Below the issuer of the configuration, or the organisation's root where there is one, also while that waits
    /// for its signature.
    async fn usual_model(&self) -> Result<TrustModel, Error> {
        if self.issuer.is_some() {
            return Ok(TrustModel::CloudIntermediate);
        }
        let root = self.read_authority(&Key::ca_organization()).await?;
        Ok(root.map_or(TrustModel::CloudRoot, |_| TrustModel::CloudIntermediate))
    }

    pub(crate) fn nothing_of(
        &self,
        owner: AuthorityOwner,
        trust_model: TrustModel,
        trust_domain: Option<String>,
    ) -> CaAuthority {
        CaAuthority {
            owner,
            uid: self.uid(),
            trust_model,
            trust_domain,
            anchors: Vec::new(),
            last_generation: 0,
            signing: 0,
            trusted: Vec::new(),
            trust: 0,
            lists: 0,
            rotations: 0,
            rotation: None,
            request: None,
            events: ChainEnd::default(),
        }
    }

    /// The organisation's authority, once it can sign.
    pub(crate) async fn organization(&self) -> Result<Option<Versioned<CaAuthority>>, Error> {
        let found = self.read_authority(&Key::ca_organization()).await?;
        Ok(found.filter(|found| found.document.signing > 0))
    }

    /// What signs the anchors of a cloud. `None`: they sign themselves. The root is made if it is needed
    /// and nobody imported one.
    pub(crate) async fn above(&self, authority: &CaAuthority) -> Result<Option<Opened>, Error> {
        if authority.trust_model == TrustModel::CloudRoot || authority.trust_domain.is_none() {
            return Ok(None);
        }
        let root = match self.organization().await? {
            Some(found) => found.document,
            None => self.make_root().await?,
        };
        let anchor = root.signing_anchor().ok_or(Error::Raced)?;
        Ok(Some(self.open_anchor(&root, anchor)?))
    }

    async fn make_root(&self) -> Result<CaAuthority, Error> {
        let owner = AuthorityOwner::Organization;
        if let Some(found) = self.read_authority(&Key::ca_organization()).await? {
            // It was asked for by a request that is not answered.
            let message = "the organisation's root waits for a signature";
            let hint = "install the answer to its certificate request";
            debug_assert_eq!(found.document.signing, 0);
            let kind = dcm_types::Kind::Unavailable;
            return Err(Error::refused(kind, message, hint));
        }
        let mut root = self.nothing_of(owner, TrustModel::CloudRoot, None);
        let anchor = Box::pin(self.make_anchor(&root, None)).await?;
        let mut batch = Batch::new();
        let issued = self.issued(&root, &anchor, "root of the organisation");
        tell(&mut batch, &root.chain(), &mut root.events, issued)?;
        add(&mut root, anchor);
        let first = root.last_generation;
        plan::first_anchor(&mut root, first);
        batch.put(&root, Expect::Absent)?;
        self.store().commit(batch).await?;
        Ok(root)
    }

    /// Commits what there was none of: another one that came first is as good.
    async fn commit_new(&self, batch: Batch) -> Result<(), Error> {
        match self.store().commit(batch).await.map_err(Error::from) {
            Ok(_) | Err(Error::Raced) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn issued(&self, authority: &CaAuthority, anchor: &Anchor, detail: &str) -> Told {
        Told {
            at: self.now(),
            by: itself(),
            verb: CaVerb::Issued,
            object: object(authority),
            certificate: Some(events::of_anchor(anchor)),
            detail: detail.to_owned(),
        }
    }

    /// Makes, verifies and seals the next certificate of an authority.
    pub(crate) async fn make_anchor(
        &self,
        authority: &CaAuthority,
        above: Option<Opened>,
    ) -> Result<Anchor, Error> {
        let policy = self.policy();
        let algorithm = policy.anchor_algorithm;
        let key = self.pool.make(algorithm).await?;
        let generation = authority.last_generation + 1;
        let ends = above.as_ref().map(|opened| opened.certificate.not_after);
        let profile = self.anchor_profile(authority, generation, ends);
        let backend: Box<dyn SigningBackend> = match above {
            None => Box::new(ItsOwn),
            Some(opened) => Box::new(KeyHere(opened)),
        };
        let order = Order {
            profile,
            key: &key,
            list: authority.lists + 1,
            policy,
        };
        let chain = sign_here(backend.as_ref(), &order).await?;
        let made = issue::accepted(&order, chain)?;
        let place = KeyPlace {
            document: &authority.key(),
            uid: authority.uid,
            field: KEY,
            epoch: generation,
        };
        let sealed = self.seal(place, &key)?;
        Ok(anchor(
            made,
            generation,
            (KeyOrigin::Made, Some(algorithm)),
            sealed,
        ))
    }

    /// What the next certificate of an authority is asked to be.
    pub(crate) fn anchor_profile(
        &self,
        authority: &CaAuthority,
        generation: u64,
        above_ends: Option<Timestamp>,
    ) -> Profile {
        let policy = self.policy();
        let now = self.now();
        let end = |life: Duration| after(now, life);
        let not_after = match above_ends {
            Some(ends) => end(policy.anchor_life).min(ends),
            None => end(policy.root_life),
        };
        Profile {
            level: level(authority),
            subject: names::of_authority(policy, authority, generation),
            serial: self.serial(),
            trust_domain: authority.trust_domain.clone(),
            constrained: false,
            now,
            not_after,
        }
    }

    /// Opens a certificate with its key, to sign with it.
    pub(crate) fn open_anchor(
        &self,
        authority: &CaAuthority,
        anchor: &Anchor,
    ) -> Result<Opened, Error> {
        let place = KeyPlace {
            document: &authority.key(),
            uid: authority.uid,
            field: KEY,
            epoch: anchor.generation,
        };
        Ok(Opened {
            certificate: issue::stored_anchor(anchor)?,
            key: self.open_key(place, &anchor.key)?,
            above: issue::stored(&anchor.above_pem)?,
        })
    }
}

/// Has a certificate signed by a back end that answers at once.
async fn sign_here(
    backend: &dyn SigningBackend,
    order: &Order<'_>,
) -> Result<Vec<Certificate>, Error> {
    let request = authority_request(&order.profile, order.key)?;
    let asked = order_of(&order.profile, &request.pem, Some(order.key));
    match backend.sign(&asked).await? {
        Signed::Chain(pem) => issue::stored(&pem),
        Signed::Later => Err(Error::conflict(
            "the certificate is signed by somebody else",
            "ask for a certificate request, and install its answer",
        )),
    }
}

/// Where an authority stands.
pub(crate) fn level(authority: &CaAuthority) -> Level {
    match authority.owner {
        AuthorityOwner::Organization => Level::Root,
        AuthorityOwner::Cloud { .. } => Level::Cloud,
    }
}

/// As it is stored.
pub(crate) fn anchor(
    made: Made,
    generation: u64,
    (origin, algorithm): (KeyOrigin, Option<dcm_types::KeyAlgorithm>),
    key: dcm_types::Sealed,
) -> Anchor {
    let certificate = &made.certificate;
    let above = made.above.iter();
    Anchor {
        generation,
        origin,
        algorithm,
        certificate_pem: certificate.to_pem(),
        above_pem: above.map(dcm_pki::authority::Certificate::to_pem).collect(),
        key,
        serial: hex::encode(&certificate.serial),
        fingerprint: fingerprint(certificate),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        revoked: Vec::new(),
        list: made.list,
    }
}

/// Adds a certificate to those of its authority.
pub(crate) fn add(authority: &mut CaAuthority, anchor: Anchor) {
    authority.last_generation = authority.last_generation.max(anchor.generation);
    authority.lists = authority.lists.max(anchor.list.number);
    authority.anchors.push(anchor);
}

/// As events name it.
pub(crate) fn object(authority: &CaAuthority) -> String {
    match &authority.owner {
        AuthorityOwner::Organization => "organisation".to_owned(),
        AuthorityOwner::Cloud { key, .. } => key.to_string(),
    }
}
