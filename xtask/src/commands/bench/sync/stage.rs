//! What a measurement stands on: a fleet of simulated members, and a server in which they are registered.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;

use super::Bench;
use super::clouds::Clouds;
use crate::commands::bench::load::{Ask, Load, Until};
use crate::commands::bench::tools::Program;
use crate::http::Connection;
use crate::output;
use crate::serve::{self, Server};

/// How many clients register members.
const CLIENTS: usize = 8;
const CLUSTERS: &str = "/v2/cluster-providers/edges/clusters";
/// As the configuration below says.
pub(super) const RUNS: usize = 64;
/// From the first empty look to the second one: both deadlines below.
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(20);
const CONFIGURATION: &str = "[clusters]\nallow_addresses = [\"127.0.0.0/8\"]\n\
    [sync]\nruns_total = 64\nrun_deadline = \"15s\"\ncall_deadline = \"5s\"\n";
/// How long members may take to be found healthy, or dead.
const CHECK_LIMIT: Duration = Duration::from_mins(5);
const LOOK: Duration = Duration::from_millis(500);

/// Simulated members.
pub(super) struct Fleet {
    pub(super) members: usize,
    kubeconfigs: PathBuf,
    program: Program,
}

#[derive(Deserialize)]
struct Ready {
    members: usize,
}

#[derive(Deserialize)]
struct Dead {
    dead: usize,
}

#[derive(Deserialize)]
pub(super) struct Took {
    pub(super) milliseconds: f64,
}

/// What members were asked.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Count {
    pub(super) calls: f64,
    pub(super) watches: f64,
    pub(super) connections: f64,
}

impl Count {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            watches: self.watches - before.watches,
            connections: self.connections - before.connections,
        }
    }
}

impl Fleet {
    pub(super) fn start(bench: &Bench<'_>, name: &str, members: usize) -> Result<Self> {
        let kubeconfigs = bench.place.folder(&format!("{name}-kubeconfigs"), "")?;
        let latency = bench.arguments.latency.into();
        let mut program = bench.tools.fleet(&kubeconfigs, members, latency)?;
        let ready: Ready = program.ask("ready")?;
        ensure!(ready.members == members, "not all members are there");
        Ok(Self {
            members,
            kubeconfigs,
            program,
        })
    }

    pub(super) fn count(&mut self) -> Result<Count> {
        self.program.ask("count")
    }

    /// Milliseconds until so many members have something at a place of an object.
    pub(super) fn wait_for(&mut self, (first, count): (usize, usize), what: &str) -> Result<f64> {
        let took: Took = self.program.ask(&format!("await {first} {count} {what}"))?;
        Ok(took.milliseconds)
    }

    /// Ends members: half of them refuse, half of them hang.
    pub(super) fn kill(&mut self, first: usize, count: usize) -> Result<()> {
        let dead: Dead = self.program.ask(&format!("dead {first} {count}"))?;
        ensure!(dead.dead == count, "not all are dead");
        Ok(())
    }

    fn kubeconfig(&self, number: usize) -> PathBuf {
        self.kubeconfigs.join(format!("{number:04}.yaml"))
    }

    /// A bare client of all members, to be ended before the product comes: the watches of either cost
    /// the members something.
    pub(super) fn bare_client(&self, bench: &Bench<'_>) -> Result<Program> {
        let files: Vec<_> = (0..self.members).map(|one| self.kubeconfig(one)).collect();
        bench.tools.bare_client(&files)
    }

    /// A server in which the first so many members are registered and healthy.
    pub(super) fn server(&self, bench: &Bench<'_>, name: &str, members: usize) -> Result<Server> {
        let folder = bench.place.folder(name, CONFIGURATION)?;
        let server = Server::start(&bench.tools.dcm, &folder, serve::any_address())?;
        let clouds = Clouds::of(&server);
        clouds.post("/v2/projects", &json!({ "metadata": { "name": "bench" } }))?;
        let provider = json!({ "metadata": { "name": "edges" } });
        clouds.post("/v2/cluster-providers", &provider)?;
        let bodies = (0..members)
            .map(|number| {
                let kubeconfig = fs::read_to_string(self.kubeconfig(number));
                let kubeconfig = kubeconfig.context("a kubeconfig is missing")?;
                let spec = json!({ "kubeconfig": kubeconfig });
                Ok(json!({ "metadata": { "name": member(number) }, "spec": spec }).to_string())
            })
            .collect::<Result<Vec<_>>>()?;
        let until = Until::Number(members as u64);
        let next = AtomicU64::new(0);
        let began = Instant::now();
        Load::run(server.address(), CLIENTS, until, &next, &|number| Ask {
            method: "POST",
            path: CLUSTERS.to_owned(),
            body: usize::try_from(number)
                .ok()
                .and_then(|number| bodies.get(number))
                .cloned()
                .unwrap_or_default(),
        })?;
        wait_for_states(&server, members, "healthy")?;
        let took = began.elapsed().as_secs_f64();
        output::warn(format!("{members} members are registered: {took:.1} s"));
        Ok(server)
    }
}

/// The name under which a member is registered.
pub(super) fn member(number: usize) -> String {
    format!("m{number:04}")
}

/// Waits until so many clusters are in a state, as the server says.
pub(super) fn wait_for_states(server: &Server, count: usize, state: &str) -> Result<()> {
    let mut connection = Connection::open(server.address())?;
    let began = Instant::now();
    let wanted = format!("\"state\":\"{state}\"");
    loop {
        let (mut found, mut after) = (0, String::new());
        loop {
            let path = format!("{CLUSTERS}?limit=500{after}");
            let answer = connection.send("GET", &path, "")?;
            ensure!(answer.status == 200, "{path}: {}", answer.body);
            found += answer.body.matches(&wanted).count();
            match answer.next {
                Some(next) => after = format!("&continue={next}"),
                None => break,
            }
        }
        if found >= count {
            return Ok(());
        }
        if began.elapsed() > CHECK_LIMIT {
            bail!("{found} of {count} clusters are {state}");
        }
        thread::sleep(LOOK);
    }
}
