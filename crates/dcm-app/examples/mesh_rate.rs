//! How long it takes to prepare the mesh of a logical cloud of many members with the real renderer, and what a changed
//! address costs.
//!
//! Run it with `--release`. Arguments: the folder to measure in, the path of istioctl, and how many members. It prints
//! one line of JSON.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use async_trait::async_trait;
use dcm_app::{App, Meshes, Parts, Policy, Thorough};
use dcm_ca::Controller;
use dcm_istioctl::Istioctl;
use dcm_mesh::{Error, Images, Manifest, Member, Mesh, MeshName, MeshRenderer, renderer};
use dcm_store::{Batch, Expect, SqliteStore, Store, Vault};
use dcm_types::documents::{
    ClusterReference, DriftPolicy, Isolation, Level, Lifecycle, LogicalCloud, MeshMode, MeshSpec,
    Metadata, PodSecurity, Revision, RevisionMesh, Slice, Wish,
};
use dcm_types::ports::{Clock, Nudge, PortError, Randomness, StatusChange, Synchronizer};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, NamespaceName, ProjectName, ProviderName,
    ReferenceName, Timestamp, Uid,
};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use rand::RngCore as _;
use serde_json::{Value, json};

const HUB: &str = "registry.example/istio";
const TAG: &str = "1.30.3";

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

/// Nobody is told.
struct Nobody;

#[async_trait]
impl Synchronizer for Nobody {
    async fn nudge(&self, _nudge: Nudge) -> Result<(), PortError> {
        Ok(())
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        futures::stream::pending().boxed()
    }
}

/// The program, and how often it rendered.
struct Counted {
    program: Istioctl,
    runs: AtomicUsize,
}

impl MeshRenderer for Counted {
    fn version(&self) -> Result<String, Error> {
        self.program.version()
    }

    fn render(&self, operator: &Value) -> Result<String, Error> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.program.render(operator)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().context(what);
    let folder = next("give a folder")?;
    let program = next("give the path of istioctl")?;
    let members: usize = next("give a number of members")?.parse()?;
    let counted = Arc::new(Counted {
        program: Istioctl::new(Path::new(&program))?,
        runs: AtomicUsize::new(0),
    });
    let manifests = manifests(&counted, members)?;
    counted.runs.store(0, Ordering::Relaxed);

    let store = SqliteStore::open(
        &Path::new(&folder).join("mesh.sqlite"),
        Arc::new(SystemClock),
    )?;
    let store: Arc<dyn Store> = Arc::new(store);
    let cloud = fill(store.as_ref(), members).await?;
    let app = app(Arc::clone(&store), Arc::clone(&counted));
    let key = cloud.key.clone();
    let begun = Instant::now();
    app.prepare_mesh(&key, Thorough::Due).await?;
    let prepared = begun.elapsed();
    let runs = counted.runs.swap(0, Ordering::Relaxed);

    let mut batch = Batch::new();
    batch.put(&reference(&cloud, 0, "192.0.2.7")?, Expect::Exists)?;
    store.commit(batch).await?;
    let begun = Instant::now();
    app.prepare_mesh(&key, Thorough::Due).await?;
    let line = json!({
        "manifests_seconds": manifests,
        "prepared_seconds": prepared.as_secs_f64(),
        "runs": runs,
        "changed_address_seconds": begun.elapsed().as_secs_f64(),
        "changed_address_runs": counted.runs.load(Ordering::Relaxed),
    });
    println!("{line}");
    Ok(())
}

/// One run of the program, and the objects of every member out of it.
fn manifests(renderer: &Counted, members: usize) -> Result<f64> {
    let mesh = Mesh {
        name: MeshName::of("acme", "shop"),
        id: "shop".to_owned(),
        trust_domain: "shop.acme.example".to_owned(),
        images: Images::new(HUB, TAG)?,
    };
    let begun = Instant::now();
    let manifest: Manifest = renderer::render(renderer, &mesh)?;
    for number in 0..members {
        let member = Member::new(&format!("member{number}"), &format!("net{number}"))?;
        let objects = manifest.for_member(&member);
        anyhow::ensure!(objects.len() > 20, "a control plane has more objects");
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn app(store: Arc<dyn Store>, renderer: Arc<Counted>) -> App {
    let vault = Arc::new(Vault::ephemeral());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    let authorities = Controller::new(dcm_ca::Parts {
        store: Arc::clone(&store),
        vault: Arc::clone(&vault),
        clock: Arc::clone(&clock),
        randomness: Arc::clone(&randomness),
        policy: dcm_ca::Policy::default(),
    });
    App::new(Parts {
        store,
        vault,
        synchronizer: Arc::new(Nobody),
        authorities: Arc::new(authorities),
        meshes: Meshes {
            default_mode: MeshMode::Off,
            hub: HUB.to_owned(),
            tag: TAG.to_owned(),
            renderer: Some(renderer),
        },
        clock,
        randomness,
        policy: Policy::default(),
    })
}

/// An instantiated cloud, as its documents say it.
async fn fill(store: &dyn Store, members: usize) -> Result<LogicalCloud> {
    let cloud = logical_cloud()?;
    let mut batch = Batch::new();
    batch.put(&cloud, Expect::Absent)?;
    let mut frozen = Vec::new();
    for number in 0..members {
        let reference = reference(&cloud, number, "192.0.2.1")?;
        frozen.push(dcm_types::documents::Member {
            cluster: reference.cluster.clone(),
            load_balancer_address: reference.load_balancer_address,
        });
        batch.put(&reference, Expect::Absent)?;
    }
    frozen.sort_by(|one, other| one.cluster.cmp(&other.cluster));
    batch.put(&revision(&cloud, frozen)?, Expect::Absent)?;
    let lifecycle = Lifecycle {
        cloud: cloud.key.clone(),
        cloud_uid: cloud.uid,
        generation: 1,
        wish: Wish::Present,
        delete_when_absent: false,
        paused_at: None,
        history: Vec::new(),
        forgotten: 0,
    };
    batch.put(&lifecycle, Expect::Absent)?;
    store.commit(batch).await?;
    Ok(cloud)
}

fn logical_cloud() -> Result<LogicalCloud> {
    Ok(LogicalCloud {
        uid: uid(),
        key: CloudKey {
            project: ProjectName::parse("acme").map_err(refused)?,
            cloud: CloudName::parse("shop").map_err(refused)?,
        },
        metadata: Metadata::default(),
        level: Level::Standard,
        user: None,
        drift: DriftPolicy::default(),
        mesh: Some(MeshSpec {
            mode: MeshMode::Istio,
            name: MeshName::of("acme", "shop"),
            trust_model: None,
            remote_secrets: false,
        }),
        flat: false,
        created_at: Timestamp::now(),
    })
}

fn reference(cloud: &LogicalCloud, number: usize, address: &str) -> Result<ClusterReference> {
    let name = format!("cluster{number}");
    Ok(ClusterReference {
        uid: uid(),
        cloud: cloud.key.clone(),
        name: ReferenceName::parse(&name).map_err(refused)?,
        metadata: Metadata::default(),
        cluster: ClusterKey {
            provider: ProviderName::parse("edge").map_err(refused)?,
            cluster: ClusterName::parse(&name).map_err(refused)?,
        },
        load_balancer_address: Some(address.parse()?),
    })
}

fn revision(cloud: &LogicalCloud, members: Vec<dcm_types::documents::Member>) -> Result<Revision> {
    Ok(Revision {
        cloud: cloud.key.clone(),
        cloud_uid: cloud.uid,
        generation: 1,
        wish: Wish::Present,
        level: Level::Standard,
        members,
        slice: Slice {
            namespace: NamespaceName::parse("shop").map_err(refused)?,
            labels: std::collections::BTreeMap::new(),
            isolation: Isolation::Baseline,
            pod_security: PodSecurity::Baseline,
            drift: DriftPolicy::default(),
            mesh: Some(RevisionMesh {
                mode: MeshMode::Istio,
                name: MeshName::of("acme", "shop"),
                hub: HUB.to_owned(),
                tag: TAG.to_owned(),
                remote_secrets: false,
            }),
            quotas: Vec::new(),
            users: Vec::new(),
            permissions: Vec::new(),
        },
        created_at: Timestamp::now(),
    })
}

fn uid() -> Uid {
    SystemRandomness.uid()
}

fn refused(violation: dcm_types::Violation) -> anyhow::Error {
    anyhow::anyhow!(violation.rule)
}
