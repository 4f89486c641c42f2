//! The interface in process, and a small client for it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use dcm_api::{HttpMetrics, PressureLimits};
use dcm_app::{App, Meshes, Parts, Policy, run_background};
use dcm_ca::Controller;
use dcm_store::{Batch, Expect, MemoryStore, Scope, Store, StoreExt as _, Vault};
use dcm_types::documents::{Lifecycle, Observed, Reservation, Target};
use dcm_types::ports::{Clock, Nudge, PortError, Randomness, StatusChange, Synchronizer};
use dcm_types::{Document as _, Timestamp};
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, Method, Request, StatusCode};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A kubeconfig that the strict parser takes; its token is a canary.
pub(crate) const KUBECONFIG: &str = include_str!("../data/kubeconfig.yaml");

/// What no answer may contain.
pub(crate) const CANARY: &str = "DCMCANARY";

/// A clock that moves by a second with each look, so that snapshots do not depend on speed.
#[derive(Default)]
pub(crate) struct StepClock(AtomicI64);

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        let second = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }
}

/// Bytes that are never the same twice.
#[derive(Default)]
struct Counting(AtomicI64);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = count[index % count.len()];
        }
    }
}

/// A synchronizer that only remembers what it was told.
#[derive(Default)]
struct Recording(Mutex<Vec<Nudge>>);

#[async_trait]
impl Synchronizer for Recording {
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError> {
        self.0.lock().unwrap().push(nudge);
        Ok(())
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        futures::stream::pending().boxed()
    }
}

/// The interface on an empty store.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) authorities: Controller,
    synchronizer: Arc<Recording>,
    app: App,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(Policy::default(), PressureLimits::default())
    }

    /// With what the operator decided.
    pub(crate) fn with(policy: Policy, limits: PressureLimits) -> Self {
        let clock = Arc::new(StepClock::default());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let vault = Arc::new(Vault::ephemeral());
        let synchronizer = Arc::new(Recording::default());
        let authorities = Controller::new(dcm_ca::Parts {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            randomness: Arc::new(Counting::default()),
            policy: dcm_ca::Policy::default(),
        });
        let app = App::new(Parts {
            store: store.clone(),
            vault: vault.clone(),
            synchronizer: synchronizer.clone(),
            authorities: Arc::new(authorities.clone()),
            meshes: Meshes::default(),
            clock,
            randomness: Arc::new(Counting::default()),
            policy,
        });
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let router = dcm_api::router(app.clone(), metrics, Arc::new(registry), limits);
        Self {
            router,
            store,
            vault,
            authorities,
            synchronizer,
            app,
        }
    }

    /// Takes everything out of every member, as the synchronizer would, and does what waited for that.
    pub(crate) async fn finish(&self) {
        let mut batch = Batch::new();
        for mut target in self.store.read_all::<Target>(Scope::All).await.unwrap() {
            target.document.observed = Observed::Absent;
            batch.put(&target.document, Expect::Exists).unwrap();
        }
        for held in self
            .store
            .read_all::<Reservation>(Scope::All)
            .await
            .unwrap()
        {
            batch.delete(held.document.key(), Expect::Exists);
        }
        self.store.commit(batch).await.unwrap();
        let ending = CancellationToken::new();
        let work = tokio::spawn(run_background(self.app.clone(), ending.clone()));
        let scope = || self.store.read_all::<Lifecycle>(Scope::All);
        let waits = async || {
            let all = scope().await.unwrap();
            all.iter().any(|found| found.document.delete_when_absent)
        };
        let done = async {
            while waits().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), done)
            .await
            .expect("a queued deletion is done when every member is clean");
        ending.cancel();
        work.await.unwrap();
    }

    /// What the synchronizer was told so far.
    pub(crate) fn nudges(&self) -> Vec<Nudge> {
        self.synchronizer.0.lock().unwrap().clone()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Sends a request with headers and the text of a body.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &[], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, &[], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], Body::empty()).await
    }

    /// A project `p`, a provider `v` with the clusters `c1` and `c2`, a logical cloud `l`.
    pub(crate) async fn furnished() -> Self {
        let server = Self::new();
        server.furnish().await;
        server
    }

    /// See [`Self::furnished`].
    pub(crate) async fn furnish(&self) {
        let rows = [
            ("/v2/projects", json!({"metadata": {"name": "p"}})),
            ("/v2/cluster-providers", json!({"metadata": {"name": "v"}})),
            ("/v2/cluster-providers/v/clusters", new_cluster("c1")),
            ("/v2/cluster-providers/v/clusters", new_cluster("c2")),
            (
                "/v2/projects/p/logical-clouds",
                json!({"metadata": {"name": "l"}, "spec": {"namespace": "ns", "user": {"userName": "u"}}}),
            ),
        ];
        for (path, body) in rows {
            let answer = self.post(path, body).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{path}: {answer}");
        }
    }
}

/// Path of the logical cloud of [`Server::furnished`].
pub(crate) const CLOUD: &str = "/v2/projects/p/logical-clouds/l";

/// The body that registers a cluster.
pub(crate) fn new_cluster(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"kubeconfig": KUBECONFIG}})
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The fields that a problem names, in its order.
    pub(crate) fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        faults
            .iter()
            .map(|fault| fault["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Replaces moments, which depend on how often the clock was looked at.
fn hide_times(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<Timestamp>().is_ok() => "[time]".clone_into(text),
        Value::Object(members) => members.values_mut().for_each(hide_times),
        Value::Array(items) => items.iter_mut().for_each(hide_times),
        _ => {}
    }
}

/// Status, the headers that callers act on, and the body; ids, versions and moments are left out.
impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.status)?;
        for name in [
            "location",
            "etag",
            "allow",
            "link",
            "x-continue",
            "warning",
            "retry-after",
            "content-type",
            "content-disposition",
            "cache-control",
        ] {
            for value in self.headers.get_all(name) {
                let value = value.to_str().unwrap();
                let shown = if name == "etag" {
                    "\"[version]\""
                } else {
                    value
                };
                writeln!(formatter, "{name}: {shown}")?;
            }
        }
        match serde_json::from_str::<Value>(&self.text) {
            Ok(mut body) => {
                if let Some(problem) = body.as_object_mut() {
                    problem.remove("requestId");
                }
                hide_times(&mut body);
                write!(
                    formatter,
                    "{}",
                    serde_json::to_string_pretty(&body).unwrap()
                )
            }
            Err(_) => write!(formatter, "{}", self.text),
        }
    }
}
