//! A simulated member: the API server with a clock, faults and load around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dcm_types::Timestamp;
use dcm_types::ports::Clock;
use futures::stream::{self, BoxStream, StreamExt as _};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use super::authority::{Authority, Error};
use super::controllers::Controllers;
use super::core::{Core, Outcome};
use super::faults::{Effect, Fault, Faults};
use super::journal::Journal;
use super::message::{MASTERS, Refusal, Request, Response, User};
use super::signal::Signal;
use super::tokens;
use super::watch::Watch;
use crate::control_plane::{Identity, render_kubeconfig};

/// Life of the certificates of administrators.
const ADMIN_LIFE: Duration = Duration::from_hours(24 * 365);

/// How a member is made.
#[derive(Clone)]
pub struct Options {
    /// Decides the uids; two members need two.
    pub seed: u64,
    /// What it calls itself.
    pub version: String,
    /// Its time. It must go on with tokio's, or watches never wake.
    pub clock: Arc<dyn Clock>,
    /// Its certificate authority; `None`: one of its own.
    pub authority: Option<Arc<Authority>>,
}

/// How busy a member is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Time of each call, half of it before the effect.
    pub latency: Duration,
    /// Calls at once; more are told to come back (429). `None`: as many as you like.
    pub capacity: Option<usize>,
}

struct Shared {
    name: String,
    core: Mutex<Core>,
    clock: Arc<dyn Clock>,
    changed: Signal,
    faults: Faults,
    journal: Journal,
    load: Mutex<Load>,
    in_flight: AtomicUsize,
}

/// A simulated member cluster. Clones are the same member.
#[derive(Clone)]
pub struct Member {
    shared: Arc<Shared>,
}

/// How a call ends that does not end with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken(pub(super) Fault);

/// What a call gets.
pub(super) enum Reply {
    Answer(Response),
    Watch(BoxStream<'static, Value>),
}

impl Member {
    /// A new member, as after its installation.
    pub fn new(name: &str, options: Options) -> Result<Self, Error> {
        let now = options.clock.now();
        let authority = match options.authority {
            Some(authority) => authority,
            None => Arc::new(Authority::create(&format!("{name}-ca"), now)?),
        };
        let core = Core::new(options.seed, &options.version, authority, now);
        Ok(Self {
            shared: Arc::new(Shared {
                name: name.to_owned(),
                core: Mutex::new(core),
                clock: options.clock,
                changed: Signal::default(),
                faults: Faults::default(),
                journal: Journal::default(),
                load: Mutex::default(),
                in_flight: AtomicUsize::new(0),
            }),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The rules by which calls fail. They concern both fronts, and not [`Member::request`].
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What happens to its objects.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// How busy it is from now on.
    pub fn set_load(&self, load: Load) {
        *self.shared.load.lock() = load;
    }

    /// Changes how its controllers behave.
    pub fn controllers(&self, change: impl FnOnce(&mut Controllers)) {
        let now = self.now();
        self.with_core("", now, |core| {
            change(&mut core.controllers);
            core.advance(now);
        });
    }

    /// Forgets old changes: from here on older watches get 410.
    pub fn compact(&self) {
        self.shared.core.lock().objects.compact();
    }

    /// Remembers changes up to so many bytes, in place of 64 KB.
    pub fn keep_history(&self, bytes: usize) {
        self.shared.core.lock().objects.keep(bytes);
    }

    /// Bytes of the objects and of the log of changes, as JSON text. What else a member needs does not
    /// grow with its objects.
    pub fn text_bytes(&self) -> usize {
        self.shared.core.lock().objects.text_bytes()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Asks at once, past faults and load: how a test looks at a member, and meddles with it.
    ///
    /// A watch cannot be asked for in this way.
    pub fn request(&self, user: &User, request: &Request) -> Response {
        let now = self.now();
        match self.with_core(&user.name, now, |core| core.handle(request, user, now)) {
            Outcome::Answer(response) => response,
            Outcome::Watch(_) => Refusal::bad_request("a watch needs a front").into(),
        }
    }

    /// An object by path, as an administrator sees it.
    pub fn object(&self, path: &str) -> Option<Value> {
        let response = self.request(&User::admin(), &Request::new("GET", path));
        (response.status == 200).then_some(response.body)
    }

    /// Does something with the server, writes it into the journal, and tells the watches.
    fn with_core<T>(&self, by: &str, now: Timestamp, act: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.shared.core.lock();
        let before = core.objects.version();
        core.advance(now);
        let between = core.objects.version();
        let result = act(&mut core);
        let after = core.objects.version();
        for (from, to, by) in [(before, between, ""), (between, after, by)] {
            if from < to
                && let Some(changes) = core.objects.since(from)
            {
                let changes = changes.take_while(|change| change.version <= to);
                self.shared.journal.add(changes, by, now);
            }
        }
        drop(core);
        if before != after {
            self.shared.changed.give();
        }
        result
    }

    /// The user of a client certificate (PEM), if it opens this member now.
    pub fn user(&self, certificate_pem: &str) -> Option<User> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?;
        self.authenticate(&certificate)
    }

    /// The user of a client certificate.
    pub(super) fn authenticate(&self, certificate: &CertificateDer<'_>) -> Option<User> {
        let authority = self.authority();
        authority.authenticate(certificate, self.now())
    }

    /// The user of a bearer token.
    pub(super) fn authenticate_token(&self, token: &str) -> Option<User> {
        tokens::authenticate(&self.shared.core.lock(), token, self.now())
    }

    /// The authority of this member.
    pub fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.shared.core.lock().authority)
    }

    /// Kubeconfig of an administrator, for [`super::Fleet`].
    pub fn kubeconfig(&self) -> Option<String> {
        self.kubeconfig_for(
            &super::fleet::server(self.name()),
            "kubesim-admin",
            &[MASTERS],
        )
    }

    /// Kubeconfig of any user at any address of this member.
    pub fn kubeconfig_for(&self, server: &str, user: &str, groups: &[&str]) -> Option<String> {
        let authority = self.authority();
        let pair = authority.client(user, groups, self.now(), ADMIN_LIFE)?;
        let identity = Identity {
            certificate: pair.certificate,
            key: pair.key,
        };
        Some(render_kubeconfig(
            server,
            &authority.certificate(),
            user,
            &identity,
        ))
    }

    /// One call as a front makes it: counted, delayed, failed.
    pub(super) async fn call(&self, user: Option<User>, request: Request) -> Result<Reply, Broken> {
        let call = self.shared.faults.count(&request);
        let load = *self.shared.load.lock();
        let fault = self.shared.faults.decide(&call);
        if let Some((fault, Effect::Before)) = fault {
            return spoiled(fault, call.watch);
        }
        let Some(_permit) = Permit::take(&self.shared, load.capacity) else {
            return Ok(Reply::Answer(busy()));
        };
        pause(load.latency / 2).await;
        let reply = match user {
            None => Reply::Answer(unknown_user()),
            Some(user) => self.serve(&user, &request),
        };
        pause(load.latency / 2).await;
        match fault {
            Some((fault, Effect::After)) => spoiled(fault, call.watch),
            _ => Ok(reply),
        }
    }

    fn serve(&self, user: &User, request: &Request) -> Reply {
        let now = self.now();
        let outcome = self.with_core(&user.name, now, |core| core.handle(request, user, now));
        match outcome {
            Outcome::Answer(response) => Reply::Answer(response),
            Outcome::Watch(watch) => Reply::Watch(self.clone().events(watch)),
        }
    }

    /// The events of a watch, until it ends. Nothing runs while nobody asks.
    fn events(self, watch: Box<Watch>) -> BoxStream<'static, Value> {
        let state = (self, watch, false);
        stream::unfold(state, |(member, mut watch, ended)| async move {
            if ended {
                return None;
            }
            loop {
                let now = member.now();
                let seen = member.shared.changed.given();
                let (look, due) =
                    member.with_core("", now, |core| (watch.look(core, now), core.next_due()));
                if look.ended || !look.events.is_empty() {
                    return Some((stream::iter(look.events), (member, watch, look.ended)));
                }
                let until = due.map_or(look.again_at, |due| due.min(look.again_at));
                let time = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                tokio::select! {
                    biased;
                    () = member.shared.changed.after(seen) => {}
                    () = tokio::time::sleep(time.max(Duration::from_millis(1))) => {}
                }
            }
        })
        .flatten()
        .boxed()
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn spoiled(fault: Fault, watch: bool) -> Result<Reply, Broken> {
    let Some(refusal) = fault.refusal() else {
        return Err(Broken(fault));
    };
    if fault == Fault::Gone && watch {
        let event = serde_json::json!({ "type": "ERROR", "object": refusal.status() });
        return Ok(Reply::Watch(stream::iter([event]).boxed()));
    }
    Ok(Reply::Answer(refusal.into()))
}

fn busy() -> Response {
    let mut refusal = Refusal::new(
        429,
        "TooManyRequests",
        "Too many requests, please try again later.",
    );
    refusal.retry_after = Some(1);
    refusal.into()
}

fn unknown_user() -> Response {
    Refusal::new(401, "Unauthorized", "Unauthorized").into()
}

/// A place among the calls at once.
struct Permit<'a>(&'a Shared);

impl<'a> Permit<'a> {
    fn take(shared: &'a Shared, capacity: Option<usize>) -> Option<Self> {
        let others = shared.in_flight.fetch_add(1, Ordering::AcqRel);
        let permit = Self(shared);
        capacity
            .is_none_or(|capacity| others < capacity)
            .then_some(permit)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
