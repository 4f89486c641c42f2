//! A request with an `Idempotency-Key` has one effect and one answer, however often it is sent.
//!
//! Its use case runs on a stage (`staging`). When the answer is made, what was gathered and the answer are
//! committed together: so a change is never there without its answer, and no use case has to know of any
//! of this. A commit that loses a race is begun again, as every use case does. The versions that an answer
//! tells are known with that commit only; until then they are numbers that the stage gave out.
//!
//! A request that was refused changed nothing and is not kept: it may be sent again with the same key.

mod register;
mod told;

use std::fmt;
use std::time::Duration;

use dcm_store::{Batch, Expect, Gathered, Place, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{AnswerVersion, KeptAnswer, ToldVersion};
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, Key, Timestamp, Uid};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::staging::Staging;
use crate::{App, Error, Principal};
pub(crate) use register::Register;
use register::Running;
use told::{Cut, cut, filled};

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
    staging: Staging,
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
    /// The use cases on a stage that is never committed: to see what a request would be refused for.
    pub fn rehearsal(&self) -> App {
        self.app.stage().app().clone()
    }

    /// Answers from what is kept, or begins an attempt.
    pub async fn begin(&self) -> Result<Begun, Refused> {
        let staging = self.app.stage();
        // Read on the stage, so that a refusal that comes after another process answered is not current.
        let found = staging.app().find::<KeptAnswer>(&self.key).await?;
        let expect = match found {
            Some(found) if !is_over(found.document.at, self.app.now()) => {
                return self.repeat(found);
            }
            Some(over) => Expect::Number(over.version.number),
            None => Expect::Absent,
        };
        self.refuse_crowd().await?;
        Ok(Begun::Now(Attempt {
            app: self.app.clone(),
            staging,
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
        let (fingerprint, text) = opened.split_once(DIVIDER).unwrap_or_default();
        if fingerprint != self.fingerprint.0 {
            return Err(Refused::Reused);
        }
        Ok(Begun::Answered(Answer {
            status: kept.status,
            headers: kept.headers,
            version: kept.version.map(|version| real(version, number)),
            body: filled(text, &kept.told, number),
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
        self.staging.app().clone()
    }

    /// Whether everything that the use cases have read is still so. A refusal that is not current is no
    /// answer: the request is to be begun again.
    pub async fn is_current(&self) -> Result<bool, Error> {
        self.staging.is_current().await
    }

    /// Commits what was staged together with its answer; answers `None` when others were faster and the
    /// whole is to be begun again.
    pub async fn keep(self, answer: Answer) -> Result<Option<Answer>, Error> {
        let Gathered { mut batch, places } = self.staging.store().gathered();
        let puts = batch.puts();
        let version = answer.version.map(|version| match places.get(&version) {
            Some(place) => AnswerVersion::Before(puts.saturating_sub(*place) as u64),
            None => AnswerVersion::Number(version),
        });
        let Cut { text, told } = cut(&answer.body, &places, puts);
        let kept = self.kept(&answer, version, &text, told)?;
        // The last, so that the numbers of the others are known from its own.
        batch.put(&kept, self.expect)?;
        let committed = match self.app.store().commit(batch).await {
            Ok(committed) => committed,
            Err(dcm_store::Error::Precondition { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.app.register().one_more(&self.principal);
        self.staging.nudge().await;
        let number = crate::change::version_of(&committed, &self.key);
        Ok(Some(Answer {
            version: version.map(|version| real(version, number)),
            body: filled(&text, &kept.told, number),
            ..answer
        }))
    }

    fn kept(
        &self,
        answer: &Answer,
        version: Option<AnswerVersion>,
        text: &str,
        told: Vec<ToldVersion>,
    ) -> Result<KeptAnswer, Error> {
        let uid = self.app.new_uid();
        let plain = format!("{}{DIVIDER}{text}", self.fingerprint.0);
        let sealed = self.app.vault().seal(
            Purpose::KeptAnswer,
            &place(&self.key, uid),
            plain.as_bytes(),
        )?;
        Ok(KeptAnswer {
            principal: self.principal.clone(),
            key: key_part(&self.key),
            uid,
            at: self.app.now(),
            status: answer.status,
            headers: answer.headers.clone(),
            version,
            told,
            sealed,
        })
    }
}

/// The version, when that of the kept answer is known.
fn real(version: AnswerVersion, number: u64) -> u64 {
    match version {
        AnswerVersion::Number(version) => version,
        AnswerVersion::Before(count) => number.saturating_sub(count),
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
