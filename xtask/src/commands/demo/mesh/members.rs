//! The members of the mesh, played by a program (`crates/dcm-testkit/examples/mesh_members`), so that this one stays
//! without what they need.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::commands::demo::setup::{CLUSTERS, LEAF_SECONDS, PROJECT, PROVIDERS, Scene, socket};

/// Runs until it is dropped.
pub(super) struct Members {
    child: Child,
    input: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    took: Duration,
}

#[derive(Deserialize)]
struct Ready {
    started_ms: u64,
}

/// What was seen of handshakes so far.
#[derive(Deserialize)]
pub(super) struct Handshakes {
    pub(super) between_clusters: usize,
    pub(super) across_anchors: usize,
    pub(super) refused: Vec<String>,
}

impl Members {
    /// Starts them and waits for the first handshake.
    pub(super) fn start(program: &Path, scene: &Scene, cloud: &str) -> Result<Self> {
        let folder = scene.folder.path();
        let members: Vec<_> = CLUSTERS
            .iter()
            .zip(PROVIDERS)
            .map(|(cluster, provider)| {
                let kubeconfig = folder.join(format!("{cluster}.kubeconfig"));
                json!({ "provider": provider, "cluster": cluster, "kubeconfig": kubeconfig })
            })
            .collect();
        let wanted = json!({
            "socket": socket(folder),
            "project": PROJECT,
            "cloud": cloud,
            "leaf_seconds": LEAF_SECONDS,
            "kubectl": folder.join("bin").join("kubectl"),
            "members": members,
        });
        let mut command = Command::new(program);
        command.arg(wanted.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .context("starting the members of the mesh")?;
        let input = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let mut members = Self {
            child,
            input,
            answers,
            took: Duration::ZERO,
        };
        let ready: Ready = members.answer()?;
        members.took = Duration::from_millis(ready.started_ms);
        Ok(members)
    }

    /// How long the control planes took to start.
    pub(super) fn took(&self) -> Duration {
        self.took
    }

    pub(super) fn seen(&mut self) -> Result<Handshakes> {
        if let Some(input) = &mut self.input {
            writeln!(input, "seen")?;
        }
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the members of the mesh ended by themselves");
        }
        serde_json::from_str(&line).context("what the members of the mesh say")
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        // It ends its control planes when there is no more input, in a moment.
        self.input = None;
        let _ = self.child.wait();
    }
}
