//! The members and their servers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use dcm_testkit::kubesim::{
    CallInfo, Fault, Load, Member, Options, Rule, Server, VirtualClock, When,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Bytes of changes that a member remembers: enough for watches that come late.
const HISTORY: usize = 64 * 1024;

/// From the end of a namespace to the end of what is in it: a cluster takes seconds, which are not ours.
const NAMESPACE_END: Duration = Duration::from_millis(100);

struct Running {
    member: Member,
    /// `None` once it is dead.
    server: Option<Server>,
    /// Connections that it had while it lived.
    connections: u64,
}

pub(crate) struct Fleet {
    running: Vec<Running>,
    watches: Arc<AtomicU64>,
    /// Where the dead ones that hang still listen.
    mute: Vec<TcpListener>,
}

impl Fleet {
    /// Starts the members, and writes the kubeconfig of each into the folder.
    pub(crate) async fn start(folder: &Path, members: u64, latency: Duration) -> Result<Self> {
        let clock = Arc::new(VirtualClock::starting_at(jiff::Timestamp::now()));
        let watches = Arc::new(AtomicU64::new(0));
        let mut running = Vec::new();
        for number in 0..members {
            let options = Options {
                seed: number + 1,
                version: "v1.36.3".to_owned(),
                clock: Arc::clone(&clock) as _,
                authority: None,
            };
            let member = Member::new(&format!("m{number:04}"), options)?;
            member.keep_history(HISTORY);
            member.set_load(Load {
                latency,
                capacity: None,
            });
            member.faults().add(counting(&watches));
            member.controllers(|controllers| controllers.namespace_end = NAMESPACE_END);
            let server = Server::start(&member).await?;
            let kubeconfig = server.kubeconfig().context("no kubeconfig")?;
            fs::write(folder.join(format!("{number:04}.yaml")), kubeconfig)?;
            running.push(Running {
                member,
                server: Some(server),
                connections: 0,
            });
        }
        Ok(Self {
            running,
            watches,
            mute: Vec::new(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }

    /// A part of the members.
    pub(crate) fn some(&self, first: usize, count: usize) -> Result<Vec<Member>> {
        let part = self.running.get(first..first + count);
        let part = part.context("there are not so many members")?;
        Ok(part.iter().map(|running| running.member.clone()).collect())
    }

    pub(crate) fn count(&self) -> Value {
        let all = self.running.iter();
        let calls: u64 = all.clone().map(|one| one.member.faults().calls()).sum();
        let connections: u64 = all.map(Running::connections).sum();
        let watches = self.watches.load(Ordering::Relaxed);
        json!({ "calls": calls, "watches": watches, "connections": connections })
    }

    /// Ends members: one refuses connections, the next one takes them and never says a word.
    pub(crate) async fn die(&mut self, first: usize, count: usize) -> Result<usize> {
        let part = self.running.get_mut(first..first + count);
        for (number, one) in part
            .context("there are not so many members")?
            .iter_mut()
            .enumerate()
        {
            one.connections = one.connections();
            let Some(server) = one.server.take() else {
                continue;
            };
            let address = server.address();
            drop(server);
            if number % 2 == 1 {
                self.mute.push(listen_again(address).await?);
            }
        }
        Ok(count)
    }
}

impl Running {
    fn connections(&self) -> u64 {
        let serving = self.server.as_ref();
        serving.map_or(self.connections, Server::connections)
    }
}

/// A rule that strikes nothing and counts the watches.
fn counting(watches: &Arc<AtomicU64>) -> Rule {
    let watches = Arc::clone(watches);
    let picks = move |call: &CallInfo| {
        watches.fetch_add(u64::from(call.watch), Ordering::Relaxed);
        false
    };
    Rule::new(Fault::Unavailable, When::Matching(Arc::new(picks)))
}

/// The port is free once the task that had it has ended.
async fn listen_again(address: std::net::SocketAddr) -> Result<TcpListener> {
    for _ in 0..100 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    TcpListener::bind(address).await.context("the port is kept")
}
