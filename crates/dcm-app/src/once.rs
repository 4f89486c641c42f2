//! A request with an `Idempotency-Key` has one effect and one answer, however often it is sent.
//!
//! Its use case runs on an [`App`] whose store only stages what would be committed. When the answer is made,
//! both are committed together: so a change is never there without its answer, and no use case has to know
//! of any of this. A commit that loses a race is begun again, as every use case does.
//!
//! A request that was refused changed nothing and is not kept: it may be sent again with the same key.

mod register;
mod staged;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dcm_store::{Batch, Expect, Place, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{AnswerVersion, KeptAnswer};
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, Key, Timestamp, Uid};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::{App, Error, Principal};
pub(crate) use register::Register;
use register::Running;
use staged::{HeldNudges, StagedStore, place_of};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// Between the fingerprint, which has none, and the body.
const DIVIDER: char = '\n';
/// How many kept answers are looked at together.
const PAGE: usize = 200;

/// What makes a request what it is; another request under the same key is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of the parts of a request. Each is hashed with its length, so that none runs into the next.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hex::encode(hash.finalize()))
    }
}

/// An answer, as the transport writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers, but for the version.
    pub headers: Vec<(String, String)>,
    /// The version that is told.
    pub version: Option<u64>,
    /// Body.
    pub body: String,
}

/// Why a request with a key is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The first request with this key is still running.
    #[error("a request with this key is still running")]
    Running,
    /// The key was used for another request.
    #[error("this key was used for another request")]
    Reused,
    /// So many answers are kept for this principal that no more are.
    #[error("{limit} answers are kept already")]
    TooMany {
        /// How many are kept.
        limit: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// A request with a key. While it lives, no other one with the same key begins in this process; between
/// processes the store decides.
pub struct Once {
    app: App,
    key: Key,
    principal: String,
    fingerprint: Fingerprint,
    _running: Running,
}

impl fmt::Debug for Once {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Once");
        shown.field("key", &self.key).finish_non_exhaustive()
    }
}

/// How a request begins.
#[derive(Debug)]
pub enum Begun {
    /// It was answered before.
    Answered(Answer),
    /// It is to be done.
    Now(Attempt),
}

/// One attempt at a request.
pub struct Attempt {
    app: App,
    store: Arc<StagedStore>,
    nudges: Arc<HeldNudges>,
    expect: Expect,
    principal: String,
    key: Key,
    fingerprint: Fingerprint,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Attempt");
        shown.field("key", &self.key).finish_non_exhaustive()
    }
}

impl App {
    /// Takes up a request with a key.
    pub fn once(
        &self,
        who: &Principal,
        key: &str,
        fingerprint: Fingerprint,
    ) -> Result<Once, Refused> {
        let principal = hash_of(&who.name);
        let key = Key::kept_answer(&principal, &hash_of(key));
        let running = Register::begin(self.register(), &key).ok_or(Refused::Running)?;
        Ok(Once {
            app: self.clone(),
            key,
            principal,
            fingerprint,
            _running: running,
        })
    }

    /// Deletes answers that were kept long enough.
    pub(crate) async fn sweep_answers(&self) -> Result<(), Error> {
        let now = self.now();
        let mut after = None;
        let mut kept = Vec::new();
        loop {
            let page = self
                .store()
                .read_page::<KeptAnswer>(Scope::All, after, PAGE)
                .await?;
            let (answers, next) = page;
            let mut batch = Batch::new();
            for answer in answers {
                if is_over(answer.document.at, now) {
                    let expect = Expect::Number(answer.version.number);
                    batch.delete(answer.document.key(), expect);
                } else {
                    kept.push(answer.document.principal);
                }
            }
            if !batch.operations.is_empty() {
                self.store().commit(batch).await?;
            }
            if next.is_none() {
                self.register().counted(kept);
                return Ok(());
            }
            after = next;
        }
    }
}

impl Once {
    /// Answers from what is kept, or begins an attempt.
    pub async fn begin(&self) -> Result<Begun, Refused> {
        let found = self.app.find::<KeptAnswer>(&self.key).await?;
        let expect = match found {
            Some(found) if !is_over(found.document.at, self.app.now()) => {
                return self.repeat(found);
            }
            Some(over) => Expect::Number(over.version.number),
            None => Expect::Absent,
        };
        self.refuse_crowd().await?;
        let (store, synchronizer) = self.app.behind();
        let store = Arc::new(StagedStore::new(store));
        let nudges = Arc::new(HeldNudges::new(synchronizer));
        Ok(Begun::Now(Attempt {
            app: self.app.clone(),
            store,
            nudges,
            expect,
            principal: self.principal.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
        }))
    }

    fn repeat(&self, found: Versioned<KeptAnswer>) -> Result<Begun, Refused> {
        let number = found.version.number;
        let kept = found.document;
        let place = place(&self.key, kept.uid);
        let vault = self.app.vault();
        let opened = vault
            .unseal(Purpose::KeptAnswer, &place, &kept.sealed)
            .map_err(Error::from)?;
        let opened = std::str::from_utf8(opened.expose_secret()).unwrap_or_default();
        let (fingerprint, body) = opened.split_once(DIVIDER).unwrap_or_default();
        if fingerprint != self.fingerprint.0 {
            return Err(Refused::Reused);
        }
        Ok(Begun::Answered(Answer {
            status: kept.status,
            headers: kept.headers,
            version: kept.version.map(|version| match version {
                AnswerVersion::Number(version) => version,
                AnswerVersion::Before(count) => number.saturating_sub(count),
            }),
            body: body.to_owned(),
        }))
    }

    async fn refuse_crowd(&self) -> Result<(), Refused> {
        let limit = self.app.policy().kept_answers;
        let register = self.app.register();
        let count = if let Some(count) = register.count(&self.principal) {
            count
        } else {
            let scope = Scope::Under(self.principal.clone());
            let kept = self.app.store().read_all::<KeptAnswer>(scope).await;
            register.count_from(&self.principal, kept.map_err(Error::from)?.len())
        };
        if count < limit {
            return Ok(());
        }
        Err(Refused::TooMany { limit })
    }
}

impl Attempt {
    /// The use cases: what they change is staged, and whom they would tell is told later.
    pub fn app(&self) -> App {
        self.app.with(self.store.clone(), self.nudges.clone())
    }

    /// Commits what was staged together with its answer; answers `None` when others were faster and the
    /// whole is to be begun again.
    pub async fn keep(self, answer: Answer) -> Result<Option<Answer>, Error> {
        let mut batch = self.store.take();
        let puts = batch.puts() as u64;
        let told = answer.version.map(|version| match place_of(version) {
            Some(place) => AnswerVersion::Before(puts.saturating_sub(place)),
            None => AnswerVersion::Number(version),
        });
        let uid = self.app.new_uid();
        let plain = format!("{}{DIVIDER}{}", self.fingerprint.0, answer.body);
        let sealed = self.app.vault().seal(
            Purpose::KeptAnswer,
            &place(&self.key, uid),
            plain.as_bytes(),
        )?;
        let kept = KeptAnswer {
            principal: self.principal.clone(),
            key: key_part(&self.key),
            uid,
            at: self.app.now(),
            status: answer.status,
            headers: answer.headers.clone(),
            version: told,
            sealed,
        };
        // The last, so that the numbers of the others are known from its own.
        batch.put(&kept, self.expect)?;
        let committed = match self.app.store().commit(batch).await {
            Ok(committed) => committed,
            Err(dcm_store::Error::Precondition { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.app.register().one_more(&self.principal);
        for nudge in self.nudges.take() {
            self.app.nudge(nudge).await;
        }
        let number = crate::change::version_of(&committed, &self.key);
        let version = match told {
            Some(AnswerVersion::Before(count)) => Some(number.saturating_sub(count)),
            Some(AnswerVersion::Number(version)) => Some(version),
            None => None,
        };
        Ok(Some(Answer { version, ..answer }))
    }
}

/// Where the sealed part of a kept answer opens.
fn place(key: &Key, uid: Uid) -> Place<'_> {
    Place {
        key,
        uid,
        field: "sealed",
        epoch: 1,
    }
}

fn is_over(at: Timestamp, now: Timestamp) -> bool {
    at.checked_add(KEPT).is_ok_and(|end| end <= now)
}

fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The last part of the path of a key.
fn key_part(key: &Key) -> String {
    let path = key.path();
    path.rsplit('/').next().unwrap_or(path).to_owned()
}
