//! The roles in one process: store, vault, synchronizer, CA controller, use cases, REST interface; and their end.
//!
//! What must stay true: the address policy knows our own listener before anybody can ask us to
//! connect to it; the store is the last to end.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use dcm_api::{HttpMetrics, Limits};
use dcm_app::{App, Policy};
use dcm_cluster::{Connector, KubeConnector};
use dcm_types::address::AddressPolicy;
use dcm_types::ports::Clock;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Loaded};
use crate::data_directory::Opened;
use crate::occupancy::Occupancy;
use crate::system::{SystemClock, SystemRandomness};
use crate::{ca, data_directory, listener, signals, telemetry};

/// How long requests may go on after the end was asked for.
const REQUESTS_ENDING: Duration = Duration::from_secs(3);
/// How long all parts together may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// A server that runs.
pub struct Server {
    address: SocketAddr,
    api: JoinHandle<io::Result<()>>,
    background: JoinHandle<()>,
    meshes: JoinHandle<()>,
    synchronizer: dcm_sync::Handle,
    authorities: ca::Running,
    occupancy: Option<Occupancy>,
    cancellation: CancellationToken,
}

/// Starts all roles. They end with the token.
pub async fn start(config: Config, cancellation: CancellationToken) -> anyhow::Result<Server> {
    start_with(config, cancellation, |connector| Arc::new(connector)).await
}

/// Starts all roles, with something between them and the clusters.
pub async fn start_with(
    config: Config,
    cancellation: CancellationToken,
    wrap: impl FnOnce(KubeConnector) -> Arc<dyn Connector>,
) -> anyhow::Result<Server> {
    let mut registry = Registry::default();
    let listener = listener::bind(&config.server).await?;
    let address = listener.local_addr().context("ask for our address")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (opened, occupancy) = open(&config.store, &clock, &cancellation).await?;
    let vault = data_directory::open_vault(&config.store, &opened).await?;
    let store = opened.store();
    let randomness = Arc::new(SystemRandomness);
    let addresses = AddressPolicy {
        allow: config.clusters.allow_addresses,
        own: vec![address],
    };
    let meshes = config.mesh.meshes()?;
    let authorities = ca::start(
        &config.ca,
        dcm_ca::Parts {
            store: Arc::clone(&store),
            vault: Arc::clone(&vault),
            clock: Arc::clone(&clock),
            randomness: Arc::clone(&randomness) as _,
            policy: config.ca.policy(),
        },
        dcm_ca::Metrics::register(&mut registry),
        &cancellation,
    )?;
    let synchronizer = dcm_sync::start(
        dcm_sync::Parts {
            store: Arc::clone(&store),
            vault: Arc::clone(&vault),
            clock: Arc::clone(&clock),
            randomness: Arc::clone(&randomness) as _,
            connector: wrap(KubeConnector::new(
                addresses.clone(),
                config.sync.call_limits(),
            )),
            metrics: dcm_sync::Metrics::register(&mut registry),
            authorities: Some(dcm_sync::Authorities {
                controller: authorities.controller(),
                propagation: config.ca.propagation.get(),
            }),
            config: config.sync,
        },
        cancellation.clone(),
    );
    let app = App::new(dcm_app::Parts {
        store,
        vault,
        synchronizer: Arc::new(synchronizer.clone()),
        authorities: authorities.controller(),
        meshes,
        clock,
        randomness,
        policy: Policy {
            addresses,
            kept_answers: listener::count(config.server.idempotency_keys),
        },
    });
    let background = tokio::spawn(dcm_app::run_background(app.clone(), cancellation.clone()));
    let meshes = dcm_app::run_service_meshes(app.clone(), cancellation.clone());
    let meshes = tokio::spawn(meshes);
    let api = tokio::spawn(serve_api(
        (listener, config.server),
        app,
        registry,
        cancellation.clone(),
    ));
    Ok(Server {
        address,
        api,
        background,
        meshes,
        synchronizer,
        authorities,
        occupancy,
        cancellation,
    })
}

/// Opens the store, for this process alone.
async fn open(
    config: &data_directory::Config,
    clock: &Arc<dyn Clock>,
    cancellation: &CancellationToken,
) -> anyhow::Result<(Opened, Option<Occupancy>)> {
    let opened = data_directory::open_store(config, Arc::clone(clock)).await?;
    let occupancy = match &opened {
        // Its file is locked.
        Opened::Sqlite(_) => None,
        Opened::Mongodb(_) => Some(Occupancy::take(opened.store(), cancellation).await?),
    };
    Ok((opened, occupancy))
}

async fn serve_api(
    (listener, config): (TcpListener, listener::Config),
    app: App,
    mut registry: Registry,
    cancellation: CancellationToken,
) -> io::Result<()> {
    let metrics = HttpMetrics::register(&mut registry);
    let router = dcm_api::router(app, metrics, Arc::new(registry), config.pressure());
    let limits = Limits {
        connections: listener::count(config.connections),
        connections_per_address: listener::count(config.connections_per_address),
        shutdown: REQUESTS_ENDING,
        ..Limits::default()
    };
    dcm_api::serve(listener, router, limits, cancellation.cancelled_owned()).await
}

impl Server {
    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until the token is cancelled, or until a part fails; then ends the others.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = self.cancellation.cancelled() => None,
            ended = &mut self.api => Some(ended),
        };
        self.cancellation.cancel();
        let parts = async {
            let api = match ended {
                Some(ended) => ended,
                None => self.api.await,
            };
            let background = self.background.await;
            let meshes = self.meshes.await;
            let authorities = self.authorities.ended().await;
            self.synchronizer.stopped().await;
            let occupancy = match self.occupancy {
                Some(occupancy) => occupancy.give_up().await,
                None => Ok(()),
            };
            (api, background, meshes, authorities, occupancy)
        };
        let Ok((api, background, meshes, authorities, occupancy)) =
            tokio::time::timeout(ENDING, parts).await
        else {
            tracing::warn!("a part did not end within {} s", ENDING.as_secs());
            return Ok(());
        };
        api.context("serve the REST interface")?
            .context("serve the REST interface")?;
        background.context("work in the background")?;
        meshes.context("prepare meshes")?;
        authorities?;
        occupancy
    }
}

/// Starts, says so, and runs until a signal asks for the end.
pub async fn until_signal(loaded: Loaded, began: Instant) -> anyhow::Result<()> {
    let spans = telemetry::start(&loaded.config.log, &loaded.config.traces)?;
    let cancellation = CancellationToken::new();
    signals::cancel_on_signal(cancellation.clone())?;
    let data = loaded.config.store.place();
    let server = start(loaded.config, cancellation).await?;
    announce(server.address(), &data, began);
    let ended = server.run().await;
    if let Some(spans) = spans {
        spans.send_the_rest().await;
    }
    ended
}

/// The one line that says where to go. Whoever closed standard output does not want it.
fn announce(address: SocketAddr, data: &str, began: Instant) {
    let version = env!("CARGO_PKG_VERSION");
    let elapsed = began.elapsed().as_millis();
    let _ = writeln!(
        io::stdout(),
        "dcm {version} serves http://{address} (this machine only), data in {data}, \
         ready in {elapsed} ms"
    );
}
