//! The issuer of the configuration is asked for the anchors of clouds, by a loop of its own: a slow one keeps nothing
//! else waiting, and no user waits for it. Its key and its request are stored before it is asked; an answer is
//! taken as one that a person brings, after all checks. What it was asked for and why it did not answer stands in
//! the document, so another process goes on with it.

use std::time::Duration;

use dcm_pki::authority::certificates;
use dcm_store::{Batch, Change, Scope, StoreExt as _, Versioned};
use dcm_types::ca::{InstallSigned, Requester, TrustModel};
use dcm_types::documents::ca::{CaAuthority, CaVerb, MadeRequest, PendingRequest, RequestSigner};
use dcm_types::text::is_unprintable;
use dcm_types::{DocumentKind, Timestamp, chain};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::time::{sleep, timeout};

use crate::answer::Bounds;
use crate::backend::{Signed, SigningBackend, SigningError, Somebody, order_of};
use crate::controller::Issuer;
use crate::establish::object;
use crate::events::tell;
use crate::policy::after;
use crate::{Controller, Error};

/// Authorities that are read at once.
const PAGE: usize = 200;
/// Longest that one call may take, whatever its own limit.
const CALL: Duration = Duration::from_mins(2);
/// Pauses after an issuer that did not answer, and after one that has to be seen to by somebody: first and longest.
const UNANSWERED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
const REFUSED: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));
/// How far the clock of an issuer may be ahead: its certificates end so much later.
const SKEW: Duration = Duration::from_mins(10);
/// The pause after documents could not be read.
const PAUSE: Duration = Duration::from_secs(1);
/// Most characters of what is told of a refusal.
const TOLD: usize = 300;

impl Controller {
    /// Who signs the anchors of this authority, when it is not a key of ours.
    pub(crate) fn issuer_of(&self, authority: &CaAuthority) -> Option<&Issuer> {
        let below = authority.trust_model == TrustModel::CloudIntermediate;
        let of_cloud = authority.cloud_uid().is_some();
        self.issuer.as_ref().filter(|_| below && of_cloud)
    }

    /// Writes down that the issuer is to sign the next anchor. A request that a person was given is used for it.
    pub(crate) fn ask_for_anchor(
        &self,
        batch: &mut Batch,
        authority: &mut CaAuthority,
        by: &Requester,
    ) -> Result<(), Error> {
        let signer = RequestSigner::Issuer {
            tries: 0,
            try_at: None,
            problem: None,
        };
        match &mut authority.request {
            Some(waiting) => waiting.signer = signer,
            none => {
                authority.last_generation += 1;
                *none = Some(PendingRequest {
                    epoch: authority.last_generation,
                    asked_at: self.now(),
                    made: None,
                    signer,
                });
            }
        }
        let detail = "a certificate request, for the issuer";
        let event = self.told(authority, by, CaVerb::Requested, None, detail);
        tell(batch, &authority.chain(), &mut authority.events, event)
    }

    /// Asks for everything that waits and is due, one after another. Returns when the next is due. When the issuer
    /// does not answer, the others are not tried now.
    pub async fn ask_issuer(&self) -> Result<Option<Timestamp>, Error> {
        let Some(issuer) = &self.issuer else {
            return Ok(None);
        };
        let mut next: Option<Timestamp> = None;
        let mut page_after = None;
        loop {
            let page = self
                .store()
                .read_page::<CaAuthority>(Scope::All, page_after, PAGE);
            let (authorities, more) = page.await?;
            for read in authorities {
                let Some((request, made)) = waiting(&read.document) else {
                    continue;
                };
                let due = try_at(request).unwrap_or(Timestamp::MIN);
                if due > self.now() {
                    next = Some(next.map_or(due, |next| next.min(due)));
                    continue;
                }
                let outcome = self.ask_for(issuer, &read, (request, made)).await;
                let Err(error) = outcome else { continue };
                let at = self.note_failure(&read, request, &error).await?;
                next = Some(next.map_or(at, |next| next.min(at)));
                if error.is_about_all() {
                    return Ok(next);
                }
            }
            if more.is_none() {
                return Ok(next);
            }
            page_after = more;
        }
    }

    async fn ask_for(
        &self,
        issuer: &Issuer,
        read: &Versioned<CaAuthority>,
        (request, made): (&PendingRequest, &MadeRequest),
    ) -> Result<(), SigningError> {
        let authority = &read.document;
        let profile = self.anchor_profile(authority, request.epoch, Some(issuer.anchor.not_after));
        let order = order_of(&profile, &made.pem, None);
        let backend: &dyn SigningBackend = match &request.signer {
            RequestSigner::Somebody => &Somebody,
            RequestSigner::Issuer { .. } => issuer.backend.as_ref(),
        };
        let signed = timeout(CALL, backend.sign(&order)).await;
        let signed =
            signed.map_err(|_| SigningError::Unanswered("it took too long".to_owned()))??;
        let Signed::Chain(mut chain_pem) = signed else {
            return Ok(());
        };
        let given = certificates(&chain_pem, "an answer").unwrap_or_default();
        // Issuers may leave out what everybody who believes them has.
        if given.last().is_some_and(|last| !last.is_self_issued()) {
            if !chain_pem.ends_with('\n') {
                chain_pem.push('\n');
            }
            chain_pem.push_str(&issuer.anchor.to_pem());
        }
        let now = self.now();
        let bounds = Bounds {
            epoch: request.epoch,
            anchor: issuer.anchor.clone(),
            ends: (
                after(now, self.policy().edge_life),
                after(profile.not_after, SKEW),
            ),
        };
        let answer = InstallSigned {
            scope: authority.owner.scope(),
            chain_pem,
            anchor_fingerprint: None,
        };
        match self.install_issued(&answer, &bounds).await {
            Ok(_) => {
                let (object, name) = (object(authority), issuer.backend.name());
                tracing::info!(object, issuer = name, "the issuer signed an anchor");
                Ok(())
            }
            Err(Error::Invalid(faults)) => {
                let told: Vec<String> = faults
                    .iter()
                    .map(|one| format!("{} {}", one.field, one.rule))
                    .collect();
                Err(SigningError::Unusable(told.join("; ")))
            }
            // Somebody else answered, or it is not wished any more.
            Err(Error::Refused { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes down why there is no answer, and when it is tried again.
    async fn note_failure(
        &self,
        read: &Versioned<CaAuthority>,
        request: &PendingRequest,
        error: &SigningError,
    ) -> Result<Timestamp, Error> {
        let (object, category) = (object(&read.document), error.category());
        let told = printable(&chain(error));
        tracing::warn!(
            object,
            category,
            error = told,
            "the issuer signed nothing, it is asked again"
        );
        let tries = match &request.signer {
            RequestSigner::Issuer { tries, .. } => tries.saturating_add(1),
            RequestSigner::Somebody => 1,
        };
        let pause = pause(error, tries).mul_f64(self.parts.randomness.jitter());
        let at = after(self.now(), pause);
        let mut authority = read.document.clone();
        if let Some(waiting) = &mut authority.request {
            waiting.signer = RequestSigner::Issuer {
                tries,
                try_at: Some(at),
                problem: Some(told),
            };
        }
        // What changed meanwhile is looked at anew.
        match self.commit_authority(Batch::new(), &authority, read).await {
            Ok(()) | Err(Error::Raced) => Ok(at),
            Err(error) => Err(error),
        }
    }
}

/// What waits for an answer.
fn waiting(authority: &CaAuthority) -> Option<(&PendingRequest, &MadeRequest)> {
    let request = authority.request.as_ref()?;
    Some((request, request.made.as_ref()?))
}

fn try_at(request: &PendingRequest) -> Option<Timestamp> {
    match &request.signer {
        RequestSigner::Issuer { try_at, .. } => *try_at,
        RequestSigner::Somebody => None,
    }
}

/// Twice as long each time.
fn pause(error: &SigningError, tries: u32) -> Duration {
    let (first, longest) = if error.is_about_all() {
        UNANSWERED
    } else {
        REFUSED
    };
    let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
    first.saturating_mul(doubled).min(longest)
}

/// What an issuer says is data: printable, and short.
fn printable(text: &str) -> String {
    let shown = |c: char| !is_unprintable(c);
    text.chars().filter(|c| shown(*c)).take(TOLD).collect()
}

/// Runs until it is dropped.
pub(crate) async fn ask_again_and_again(controller: &Controller) {
    if controller.issuer.is_none() {
        return std::future::pending().await;
    }
    let mut changes = controller.store().changes();
    loop {
        let wait = match controller.ask_issuer().await {
            Ok(None) => controller.policy().interval,
            Ok(Some(next)) => {
                let left = next.duration_since(controller.now());
                let left = Duration::try_from(left).unwrap_or_default();
                left.clamp(PAUSE, controller.policy().interval.max(PAUSE))
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(
                    error,
                    "what the issuer shall sign cannot be read, it is repeated"
                );
                sleep(PAUSE).await;
                PAUSE
            }
        };
        timeout(wait, hint(&mut changes)).await.ok();
    }
}

/// Until an authority may have changed.
async fn hint(changes: &mut BoxStream<'static, Change>) {
    loop {
        match changes.next().await {
            Some(Change::Document(key)) if key.kind() != DocumentKind::CaAuthority => {}
            Some(_) => return,
            None => std::future::pending().await,
        }
    }
}
