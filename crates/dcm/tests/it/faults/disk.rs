//! A disk without space under a server that runs: a small file system in memory, mounted for that process alone.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use dcm_testkit::kubesim::Load;
use serde_json::{Value, json};

use super::frozen::copy_files;
use super::site::Edge;
use crate::members::harness::{Folder, SERVE, SHORT, Server, read};

/// Mounts a file system of its own over the data folder, then becomes the server.
const MOUNTED: &str = r#"mount -t tmpfs -o size=3m,mode=700 none data && exec "$@""#;

struct Small {
    folder: Folder,
    server: Server,
}

impl Small {
    fn new() -> Self {
        let folder = Folder::with(SHORT);
        std::fs::create_dir(folder.path("data")).unwrap();
        let mut command = Command::new("unshare");
        // The mount goes with the process. Who is not root may mount where they are root of their own.
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", MOUNTED, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_dcm")).args(SERVE);
        let server = folder.start(command);
        Self { folder, server }
    }

    /// The data folder as the server sees it.
    fn data(&self) -> PathBuf {
        let seen = format!("/proc/{}/root", self.server.pid().as_raw_nonzero());
        let path = self.folder.path("data");
        PathBuf::from(seen).join(path.strip_prefix("/").unwrap())
    }

    /// Takes all the space there is.
    fn fill(&self) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.data().join("filler"))
            .unwrap();
        for size in [64 * 1024, 4096, 512] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.data().join("filler")).unwrap();
    }

    /// Creates projects until one is refused; gives the names of those that were made, and the refusal.
    async fn until_refused(&self) -> (Vec<String>, Value) {
        let mut made = Vec::new();
        for number in 0..1_000 {
            // What a checkpoint gave back is taken, too.
            self.fill();
            let name = format!("late-{number}");
            let body = json!({ "metadata": { "name": name, "description": "x".repeat(500) } });
            let (status, text) = self
                .folder
                .send(&self.server, "POST", "projects", Some(body))
                .await;
            if status != 201 {
                assert_eq!(status, 503, "{text}");
                return (made, serde_json::from_str(&text).unwrap());
            }
            made.push(name);
        }
        panic!("the disk was never full");
    }

    async fn projects(&self) -> Vec<String> {
        projects(&self.folder, &self.server).await
    }
}

/// The projects of these tests that a server shows.
async fn projects(folder: &Folder, server: &Server) -> Vec<String> {
    let (status, text) = folder
        .send(server, "GET", "projects?limit=1000", None)
        .await;
    assert_eq!(status, 200, "{text}");
    let all: Value = serde_json::from_str(&text).unwrap();
    let names = all.as_array().unwrap().iter();
    let mut names: Vec<String> = names
        .filter_map(|project| project["metadata"]["name"].as_str())
        .filter(|name| name.starts_with("late-"))
        .map(str::to_owned)
        .collect();
    names.sort_by_key(|name| name["late-".len()..].parse::<u32>().unwrap());
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_says_why_and_goes_on_when_there_is_space() {
    let small = Small::new();
    let (mut made, problem) = small.until_refused().await;
    for word in [
        "disk of the store is full",
        "nothing was changed",
        "make space",
    ] {
        let told = format!("{} {}", problem["detail"], problem["hint"]);
        assert!(told.contains(word), "{problem:#}");
    }
    assert_eq!(
        small.projects().await,
        made,
        "what was acknowledged, and nothing else"
    );
    small.free();
    let body = json!({ "metadata": { "name": "late-5000" } });
    small.folder.post(&small.server, "projects", body).await;
    made.push("late-5000".to_owned());
    assert_eq!(small.projects().await, made);

    // Killed without a goodbye, what is on the disk is whole: it is checked when it is opened.
    let copy = Folder::with(SHORT);
    small.server.signal(rustix::process::Signal::STOP);
    copy_files(&small.data(), &copy.path("data"));
    let server = copy.serve();
    assert_eq!(projects(&copy, &server).await, made);
    let log = read(&copy.path("log"));
    assert!(log.contains("the store was not closed last time"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f07_a_store_that_fails_midway_loses_no_plan() {
    let small = Small::new();
    let edge = Edge::start().await;
    let Small { folder, server } = &small;
    folder.register_by(server, &[edge.kubeconfig()]).await;
    let cloud = folder.describe(server, "shop", "slice", 1).await;
    let latency = Duration::from_millis(60);
    edge.member.set_load(Load {
        latency,
        capacity: None,
    });
    folder.act(server, &cloud, "instantiate").await;
    while edge.object("/api/v1/namespaces/slice").is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The cluster is written to, and what came of it finds no space.
    let (made, _) = small.until_refused().await;
    assert_eq!(small.projects().await, made);
    let view = folder.status(server, &cloud).await;
    assert_eq!(view["generation"]["wanted"], 1, "{view:#}");
    small.free();
    folder.wait(server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(server, &cloud).await;
    assert!(edge.opens(&tenant, "slice"));
    folder.act(server, &cloud, "terminate").await;
    folder.wait(server, &cloud, "absent").await;
    assert_eq!(edge.ours(), [""; 0]);
    edge.check_what_was_written();
}
