//! Logical clouds over the REST interface: described, brought to life, changed and ended.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::stage::{SECOND_LOOK, member};
use crate::http::Connection;
use crate::serve::Server;

const CLOUDS: &str = "/v2/projects/bench/logical-clouds";

/// A logical cloud in some members: those from `first` on, and at the end those at the beginning.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) name: String,
    pub(super) first: usize,
    pub(super) count: usize,
    /// Of all members that there are.
    pub(super) of: usize,
}

impl Cloud {
    /// In the first so many members.
    pub(super) fn in_all(name: impl Into<String>, count: usize) -> Self {
        Self {
            name: name.into(),
            first: 0,
            count,
            of: count,
        }
    }

    /// For the bare client.
    pub(super) fn word(&self) -> String {
        format!("bare-{}:{}:{}", self.name, self.first, self.count)
    }

    fn path(&self) -> String {
        format!("{CLOUDS}/{}", self.name)
    }
}

/// The interface of one server. It closes connections on which nothing happens for too long, so each request
/// has its own.
pub(super) struct Clouds {
    server: SocketAddr,
}

impl Clouds {
    pub(super) fn of(server: &Server) -> Self {
        Self {
            server: server.address(),
        }
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let answer = Connection::open(self.server)?.send(method, path, body)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {}: {}", answer.status, answer.body);
        }
        Ok(answer.body)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<String> {
        self.send("POST", path, &body.to_string())
    }

    /// Everything that is written down before the wish.
    pub(super) fn describe(&self, cloud: &Cloud) -> Result<()> {
        let (name, path) = (&cloud.name, cloud.path());
        let members: Range<usize> = cloud.first..cloud.first + cloud.count;
        let clusters: Vec<_> = members
            .map(|number| json!({ "clusterProvider": "edges", "cluster": member(number % cloud.of) }))
            .collect();
        let spec = json!({
            "namespace": name, "user": { "userName": "alice" }, "clusters": clusters,
        });
        let metadata = json!({ "name": name });
        self.post(CLOUDS, &json!({ "metadata": metadata, "spec": spec }))?;
        let quota = json!({ "metadata": { "name": "small" }, "spec": { "configmaps": "10" } });
        self.post(&format!("{path}/cluster-quotas"), &quota)?;
        let rule = json!({
            "apiGroups": [""], "resources": ["configmaps"],
            "verbs": ["get", "list", "create", "update", "delete"],
        });
        let permission = json!({ "metadata": { "name": "edit" }, "spec": rule });
        self.post(&format!("{path}/user-permissions"), &permission)?;
        Ok(())
    }

    /// Asks for an action: `instantiate`, `update` or `terminate`.
    pub(super) fn act(&self, cloud: &Cloud, action: &str) -> Result<()> {
        self.send("POST", &format!("{}/{action}", cloud.path()), "")?;
        Ok(())
    }

    /// Waits until it is `ready` or `absent` in all members, as the server says.
    pub(super) fn wait(&self, cloud: &Cloud, until: &str) -> Result<()> {
        let path = format!("{}/status?wait={until}&timeout=110s", cloud.path());
        let status = self.send("GET", &path, "")?;
        let reached = status.contains("\"reached\":true");
        ensure!(
            reached,
            "cloud {} is not {until}: {}",
            cloud.name,
            shortened(&status)
        );
        Ok(())
    }

    /// Milliseconds from an action until all of them are there: `ready` or `absent`.
    pub(super) fn act_and_wait(&self, clouds: &[Cloud], action: &str, until: &str) -> Result<f64> {
        let began = Instant::now();
        for cloud in clouds {
            self.act(cloud, action)?;
        }
        for cloud in clouds {
            self.wait(cloud, until)?;
        }
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    pub(super) fn instantiate(&self, clouds: &[Cloud]) -> Result<f64> {
        self.act_and_wait(clouds, "instantiate", "ready")
    }

    /// Milliseconds until nothing is left, without the wait between the two empty looks.
    pub(super) fn terminate(&self, clouds: &[Cloud]) -> Result<f64> {
        let took = self.act_and_wait(clouds, "terminate", "absent")?;
        Ok(took - SECOND_LOOK.as_secs_f64() * 1e3)
    }

    /// Changes the quota of a cloud; what is wished changes with the next `update`.
    pub(super) fn change_quota(&self, cloud: &Cloud, configmaps: u32) -> Result<()> {
        let quota = json!({
            "metadata": { "name": "small" }, "spec": { "configmaps": configmaps.to_string() },
        });
        let path = format!("{}/cluster-quotas/small", cloud.path());
        self.send("PUT", &path, &quota.to_string())?;
        Ok(())
    }
}

/// The beginning of a status that is not as it should be.
fn shortened(status: &str) -> String {
    let reasons = ["Progressing", "Blocked", "Pending", "Failed"];
    let from = reasons
        .iter()
        .filter_map(|reason| status.find(reason))
        .min();
    let from = from.unwrap_or_default().saturating_sub(600);
    status.chars().skip(from).take(1500).collect()
}

/// For how long a server is left alone.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
