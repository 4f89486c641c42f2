//! The doors: store and members as one life of a synchronizer sees them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_cluster::{
    Answer, Call, CallError, CallErrorKind, ClusterApi, Connector, Resource, WatchStream,
};
use dcm_pki::kubeconfig::AdminCredential;
use dcm_store::{Batch, Change, Committed, Error, Lease, Operation, Page, Query, Store, Stored};
use dcm_testkit::kubesim::{Fleet, Member, Rule, When};
use dcm_types::documents::Cluster;
use dcm_types::{DocumentKind, Key};
use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::funnel::{Funnel, Gate, Kind, StoreFault, Strike, Verdict};
use super::observer::Observer;

/// How late a late write is.
const LATE: Duration = Duration::from_secs(5);

/// What a broken member makes of a call; for the tests of the checks.
pub(crate) enum Deed {
    Pass(Call),
    Pretend(Answer),
}

pub(crate) type Treason = dyn Fn(&Member, Call) -> Deed + Send + Sync;

/// What all doors of one life share.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) synchronizer: usize,
    pub(crate) funnel: Arc<Funnel>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) treason: Option<Arc<Treason>>,
    /// How long a call may take.
    pub(crate) call_deadline: Duration,
}

impl Door {
    /// Numbers an effect, and what happens to it.
    async fn enter(&self, kind: Kind, name: String) -> Verdict {
        self.gate.pass().await;
        self.funnel.enter(self.synchronizer, kind, name)
    }

    /// Sends something to a member, which it reaches after a while. What is under way needs its sender no more: it
    /// arrives also when that is stopped or dies meanwhile. It is given up after the deadline of a call, as the real
    /// connection does; on this the second look of a removal rests.
    async fn send<T, E>(
        &self,
        kind: Kind,
        name: String,
        effect: impl FnOnce(Option<Strike>) -> E,
    ) -> Result<T, CallError>
    where
        E: Future<Output = Result<T, CallError>>,
    {
        let _busy = self.gate.busy();
        let Verdict { delay, strike } = self.enter(kind, name.clone()).await;
        if strike == Some(Strike::CrashBefore) {
            return self.die().await;
        }
        let travels = async {
            wait(delay).await;
            effect(strike).await
        };
        let answer = match tokio::time::timeout(self.call_deadline, travels).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::new(
                CallErrorKind::Timeout,
                name,
                "no answer in time",
            )),
        };
        self.leave(strike, answer).await
    }

    /// What becomes of an effect that took place.
    async fn leave<T>(&self, strike: Option<Strike>, answer: T) -> T {
        match strike {
            Some(Strike::CrashAfter) => {
                self.gate.die();
                answer
            }
            Some(Strike::CrashLost) => {
                self.gate.die();
                pending().await
            }
            _ => {
                self.gate.pass().await;
                answer
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.gate.die();
        pending().await
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The store.
pub(crate) struct StoreDoor {
    pub(crate) door: Door,
    pub(crate) inner: Arc<dyn Store>,
}

impl StoreDoor {
    async fn apply(&self, batch: Batch) -> Result<Committed, Error> {
        let written = batch.clone();
        let committed = self.inner.commit(batch).await?;
        self.door.observer.committed(&written);
        Ok(committed)
    }

    async fn fail(&self, fault: StoreFault, batch: Batch) -> Result<Committed, Error> {
        match fault {
            StoreFault::Busy => Err(unavailable("the database is locked")),
            StoreFault::Io => Err(unavailable("disk I/O error")),
            StoreFault::NoSpace => Err(unavailable("the disk is full")),
            StoreFault::Unknown => {
                self.apply(batch).await?;
                Err(unavailable("the answer is lost"))
            }
            StoreFault::Late => {
                wait(LATE).await;
                self.door.gate.pass().await;
                self.apply(batch).await
            }
        }
    }
}

fn unavailable(why: &str) -> Error {
    Error::Unavailable {
        doing: "commit",
        source: why.into(),
    }
}

/// What a batch writes, for people and for the list of crash points.
fn name_of(batch: &Batch) -> String {
    let short = |key: &Key| match key.kind() {
        DocumentKind::Target => key.to_string(),
        kind => kind.as_str().to_owned(),
    };
    let writes = batch.operations.iter().filter_map(|operation| {
        Some(match operation {
            Operation::Put { key, .. } => format!("put {}", short(key)),
            Operation::Delete { key, .. } => format!("delete {}", short(key)),
            Operation::Assert { .. } => return None,
        })
    });
    writes.collect::<Vec<_>>().join(", ")
}

#[async_trait]
impl Store for StoreDoor {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        self.door.gate.pass().await;
        self.inner.get(key).await
    }

    async fn list(&self, query: &Query) -> Result<Page, Error> {
        self.door.gate.pass().await;
        self.inner.list(query).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let _busy = self.door.gate.busy();
        let Verdict { delay, strike } = self.door.enter(Kind::Write, name_of(&batch)).await;
        wait(delay).await;
        // The store is in the process: while that is stopped, nothing is written.
        self.door.gate.pass().await;
        let answer = match strike {
            Some(Strike::CrashBefore) => return self.door.die().await,
            Some(Strike::Store(fault)) => self.fail(fault, batch).await,
            _ => self.apply(batch).await,
        };
        self.door.leave(strike, answer).await
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.inner.changes()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        self.door.gate.pass().await;
        self.inner.lease(name, holder, ttl).await
    }
}

/// The members.
pub(crate) struct FleetDoor {
    pub(crate) door: Door,
    pub(crate) fleet: Arc<Fleet>,
}

#[async_trait]
impl Connector for FleetDoor {
    async fn connect(
        &self,
        cluster: &Cluster,
        credential: &AdminCredential,
    ) -> Result<Arc<dyn ClusterApi>, CallError> {
        self.door.gate.pass().await;
        let inner = self.fleet.connect(cluster, credential).await?;
        let name = cluster.key.cluster.as_str();
        let member = self.fleet.member(name).ok_or_else(|| {
            CallError::new(CallErrorKind::Unreachable, "connect", "no such member")
        })?;
        Ok(Arc::new(MemberDoor {
            door: self.door.clone(),
            member,
            inner,
        }))
    }
}

struct MemberDoor {
    door: Door,
    member: Member,
    inner: Arc<dyn ClusterApi>,
}

impl MemberDoor {
    /// Lets the very next call of the member fail: nothing comes between this and its first poll.
    fn strike(&self, strike: Option<Strike>) {
        if let Some(Strike::Fault(fault)) = strike {
            let faults = self.member.faults();
            faults.clear();
            faults.add(Rule::new(fault, When::Always).once());
        }
    }

    async fn send(&self, strike: Option<Strike>, call: Call) -> Result<Answer, CallError> {
        let call = match &self.door.treason {
            Some(treason) => match treason(&self.member, call) {
                Deed::Pass(call) => call,
                Deed::Pretend(answer) => return Ok(answer),
            },
            None => call,
        };
        self.strike(strike);
        self.inner.call(call).await
    }
}

fn name_of_call(call: &Call, member: &str) -> String {
    let object = match call {
        Call::Get(place) | Call::Delete(place, _) => place.name.as_str(),
        Call::Create(object) | Call::Apply(object) | Call::ClaimFields(object) => object.name(),
        Call::List { .. }
        | Call::Approve(_)
        | Call::RequestToken(_)
        | Call::Review(_)
        | Call::Version => "",
    };
    // Names of requests are random.
    let is_request = call.name().ends_with("CertificateSigningRequest");
    let object = if is_request { "" } else { object };
    let name = format!("{member}: {} {object}", call.name());
    name.trim_end().to_owned()
}

#[async_trait]
impl ClusterApi for MemberDoor {
    async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let door = &self.door;
        let name = name_of_call(&call, self.member.name());
        if call.mutates() && door.gate.is_frozen() {
            door.gate.pass().await;
            // It was not asked for until now: its time is up, unless it was a short stop.
            return Err(CallError::new(
                CallErrorKind::Deadline,
                name,
                "the run took too long",
            ));
        }
        let effect = |strike| async move {
            door.observer.sent(&call);
            self.send(strike, call).await
        };
        door.send(Kind::Call, name, effect).await
    }

    async fn watch(
        &self,
        resource: Resource,
        selector: &str,
        resource_version: &str,
    ) -> Result<WatchStream, CallError> {
        let door = &self.door;
        let name = format!("{}: {}", self.member.name(), resource.kind());
        let effect = |strike| async move {
            self.strike(strike);
            self.inner.watch(resource, selector, resource_version).await
        };
        let events = door.send(Kind::Watch, name, effect).await?;
        let gate = Arc::clone(&door.gate);
        let events = events.then(move |event| {
            let gate = Arc::clone(&gate);
            async move {
                gate.pass().await;
                event
            }
        });
        Ok(events.boxed())
    }
}
