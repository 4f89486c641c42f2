//! The programs of a measurement, all with optimisation: `dcm` itself, and those that make baselines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

use crate::serve::{self, Profile};
use crate::{output, workspace};

/// Package, name and features of what is measured beside, or with.
pub(super) type Example = (&'static str, &'static str, &'static str);

pub(super) const COMMIT_RATE: Example = ("dcm-store", "commit_rate", "");
pub(super) const ISSUE_RATE: Example = ("dcm-ca", "issue_rate", "");
pub(super) const MESH_RATE: Example = ("dcm-app", "mesh_rate", "");
pub(super) const ROTATION_COST: Example = ("dcm-ca", "rotation_cost", "");
pub(super) const BUNDLE_RATE: Example = ("dcm-rpc", "bundle_rate", "");
pub(super) const BARE_CLIENT: Example = ("dcm-sync", "bare_client", "");
pub(super) const BARE_SERVER: Example = ("dcm-api", "bare_server", "");
pub(super) const KUBESIM_FLEET: Example = ("dcm-testkit", "kubesim_fleet", "kubesim");

pub(super) struct Tools {
    pub(super) dcm: PathBuf,
    commit_rate: PathBuf,
    issue_rate: PathBuf,
    mesh_rate: PathBuf,
    rotation_cost: PathBuf,
    bundle_rate: PathBuf,
    bare_client: PathBuf,
    bare_server: PathBuf,
    kubesim_fleet: PathBuf,
}

impl Tools {
    /// Where the programs are once they are built.
    pub(super) fn locate() -> Result<Self> {
        let release = workspace::metadata()?.target_directory.join("release");
        let example = |name| release.join("examples").join(name).into();
        Ok(Self {
            dcm: release.join("dcm").into(),
            commit_rate: example("commit_rate"),
            issue_rate: example("issue_rate"),
            mesh_rate: example("mesh_rate"),
            rotation_cost: example("rotation_cost"),
            bundle_rate: example("bundle_rate"),
            bare_client: example("bare_client"),
            bare_server: example("bare_server"),
            kubesim_fleet: example("kubesim_fleet"),
        })
    }

    /// Builds `dcm` and those of the others that are named.
    pub(super) fn build(examples: &[Example]) -> Result<()> {
        output::warn("building with optimisation: about 6 min the first time");
        // Apart from the others, so that it is built as it is delivered: what tests need turns on
        // more of the libraries.
        serve::build(Profile::Release)?;
        for (package, name, features) in examples {
            let words = [
                "build",
                "--locked",
                "--release",
                "--package",
                package,
                "--example",
                name,
                "--features",
                features,
            ];
            workspace::run(&mut workspace::cargo(words))?;
        }
        Ok(())
    }

    /// Commits to bare SQLite and to our store without anything around them; documents are as long as
    /// those of the last create in `store`. Each of its six figures takes so many seconds.
    pub(super) fn commit_rate(&self, folder: &Path, store: &Path, seconds: u64) -> Result<String> {
        let mut command = Command::new(&self.commit_rate);
        command
            .args([folder, store])
            .arg(seconds.to_string())
            .stderr(Stdio::inherit());
        said(command)
    }

    /// The CA controller in a process of its own, on a store in the folder.
    pub(super) fn issue_rate(&self, folder: &Path, edges: usize) -> Result<String> {
        let mut command = Command::new(&self.issue_rate);
        command.arg(folder).arg(edges.to_string());
        command.stderr(Stdio::inherit());
        said(command)
    }

    /// The step that prepares meshes in a process of its own, on a store in the folder.
    pub(super) fn mesh_rate(
        &self,
        folder: &Path,
        istioctl: &Path,
        members: usize,
    ) -> Result<String> {
        let mut command = Command::new(&self.mesh_rate);
        command.args([folder, istioctl]).arg(members.to_string());
        command.stderr(Stdio::inherit());
        said(command)
    }

    /// Rotations of one cloud in virtual time, on a store in the folder.
    pub(super) fn rotation_cost(&self, folder: &Path, members: usize) -> Result<String> {
        let mut command = Command::new(&self.rotation_cost);
        command.arg(folder).arg(members.to_string());
        command.stderr(Stdio::inherit());
        said(command)
    }

    /// The CA controller behind its socket, on a store in the folder.
    pub(super) fn bundle_rate(&self, folder: &Path, edges: usize) -> Result<String> {
        let mut command = Command::new(&self.bundle_rate);
        command.arg(folder).arg(edges.to_string());
        command.stderr(Stdio::inherit());
        said(command)
    }

    pub(super) fn bare_client(&self, kubeconfigs: &[PathBuf]) -> Result<Program> {
        let mut command = Command::new(&self.bare_client);
        Program::start(command.args(kubeconfigs))
    }

    /// Simulated members, whose kubeconfigs stand in the folder afterwards.
    pub(super) fn fleet(&self, folder: &Path, members: usize, latency: u64) -> Result<Program> {
        let mut command = Command::new(&self.kubesim_fleet);
        command.arg(folder).arg(members.to_string());
        Program::start(command.arg(latency.to_string()))
    }

    /// Starts a server that answers with this text.
    pub(super) fn bare_server(&self, text: &str) -> Result<BareServer> {
        let mut command = Command::new(&self.bare_server);
        command
            .arg(text)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("running bare_server")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse();
        Ok(BareServer {
            address: address.with_context(|| format!("bare_server said \"{line}\""))?,
            child,
        })
    }
}

/// What a program prints that ends by itself.
fn said(mut command: Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("running {name}"))?;
    if !output.status.success() {
        bail!("{name} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A server that answers with one text, whatever is asked: see `crates/dcm-api/examples/bare_server.rs`.
pub(super) struct BareServer {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that is told what to do, one line each, and answers each with a line of JSON: a plain client
/// of clusters (`crates/dcm-sync/examples/bare_client`), or simulated members
/// (`crates/dcm-testkit/examples/kubesim_fleet`).
pub(super) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().display().to_string();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("running {name}"))?;
        let input = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self {
            child,
            input: Some(input),
            answers,
        })
    }

    pub(super) fn ask<T: DeserializeOwned>(&mut self, command: &str) -> Result<T> {
        if let Some(input) = &mut self.input {
            writeln!(input, "{command}")?;
        }
        self.answer(command)
    }

    /// A further answer to a command.
    pub(super) fn answer<T: DeserializeOwned>(&mut self, command: &str) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("there is no answer to `{command}`");
        }
        serde_json::from_str(&line).with_context(|| format!("the answer to `{command}`"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It ends when there are no more commands; if it hangs, it ends all the same.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
