//! A server in a process of its own, its log in a file, and verbs over REST.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use dcm_testkit::ControlPlane;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Names the data folder to the server that a test starts out of its own program.
pub(crate) const FOLDER: &str = "DCM_TEST_SERVER_FOLDER";

/// Settings with short times, for real clusters on this machine.
pub(crate) const SETTINGS: &str = r#"
[clusters]
allow_addresses = ["127.0.0.0/8"]
[log]
level = "trace"
[sync]
scan_interval = "3s"
backoff_first = "50ms"
backoff_cap = "1s"
run_deadline = "2s"
call_deadline = "3s"
"#;

/// Settings with times so short that a second look and a frozen process cost seconds; for simulated clusters.
pub(crate) const SHORT: &str = r#"
[clusters]
allow_addresses = ["127.0.0.0/8"]
[log]
level = "info,dcm_sync=debug"
[sync]
scan_interval = "10s"
health_interval = "5s"
backoff_first = "50ms"
backoff_cap = "500ms"
connect_deadline = "1s"
call_deadline = "1s"
run_deadline = "2s"
watch_idle = "5s"
"#;

/// A folder with settings, data and log.
pub(crate) struct Folder {
    pub(crate) directory: TempDir,
    client: reqwest::Client,
}

/// Arguments with which the binary serves in such a folder.
pub(crate) const SERVE: [&str; 7] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--data-dir",
    "data",
    "--config",
    "dcm.toml",
];

/// A server that runs; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for a process that ends by itself, and says whether it was killed.
    pub(crate) async fn was_killed(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        self.ended()
            .await
            .is_some_and(|status| status.signal() == Some(9))
    }

    /// Waits for the end of the process, for a while.
    pub(crate) async fn ended(&mut self) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self::with(SETTINGS)
    }

    pub(crate) fn with(settings: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("dcm.toml"), settings).unwrap();
        Self {
            directory,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The binary as it is shipped.
    pub(crate) fn serve(&self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcm"));
        command.args(SERVE).env_clear();
        self.start(command)
    }

    /// The same server inside this test program, with something between it and the clusters.
    pub(crate) fn serve_from_test(&self, test: &str) -> Server {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, self.directory.path());
        self.start(command)
    }

    pub(crate) fn start(&self, mut command: Command) -> Server {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let mut child = command
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.map_while(Result::ok).find_map(|line| {
            let rest = &line[line.find("http://")?..];
            Some(rest.split([' ', ',']).next()?.to_owned())
        });
        let url = url.unwrap_or_else(|| panic!("no server: {}", read(&self.path("log"))));
        Server { child, url }
    }

    /// A POST whose answer may be lost; says whether it was acknowledged.
    pub(crate) async fn try_post(&self, server: &Server, path: &str) -> bool {
        let url = format!("{}/v2/{path}", server.url);
        match self.client.post(url).send().await {
            Ok(answer) => {
                assert_eq!(answer.status().as_u16(), 202);
                true
            }
            Err(_) => false,
        }
    }

    /// One request; gives status and body.
    pub(crate) async fn send(
        &self,
        server: &Server,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, String) {
        let url = format!("{}/v2/{path}", server.url);
        let mut request = self.client.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap())
    }

    /// A POST that must be accepted.
    pub(crate) async fn post(&self, server: &Server, path: &str, body: Value) -> Value {
        let (status, text) = self.send(server, "POST", path, Some(body)).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Registers control planes as `site/edge0`, `site/edge1`, ...
    pub(crate) async fn register(&self, server: &Server, planes: &[&ControlPlane]) {
        let kubeconfigs: Vec<_> = planes.iter().map(|plane| plane.kubeconfig()).collect();
        self.register_by(server, &kubeconfigs).await;
    }

    /// Registers clusters by their kubeconfigs as `site/edge0`, `site/edge1`, ...
    pub(crate) async fn register_by(&self, server: &Server, kubeconfigs: &[&str]) {
        let provider = json!({ "metadata": { "name": "site" } });
        self.post(server, "cluster-providers", provider).await;
        for (number, kubeconfig) in kubeconfigs.iter().enumerate() {
            let body = json!({
                "metadata": { "name": format!("edge{number}") },
                "spec": { "kubeconfig": kubeconfig },
            });
            self.post(server, "cluster-providers/site/clusters", body)
                .await;
        }
    }

    /// The same on the first clusters.
    pub(crate) async fn describe(
        &self,
        server: &Server,
        project: &str,
        namespace: &str,
        clusters: usize,
    ) -> String {
        let clusters: Vec<_> = (0..clusters).collect();
        self.describe_on(server, project, namespace, &clusters)
            .await
    }

    /// Makes a project with one logical cloud on the clusters of these numbers: a quota of three
    /// `ConfigMaps`, and the right to use them.
    pub(crate) async fn describe_on(
        &self,
        server: &Server,
        project: &str,
        namespace: &str,
        clusters: &[usize],
    ) -> String {
        let projects = format!("projects/{project}/logical-clouds");
        let body = json!({ "metadata": { "name": project } });
        self.post(server, "projects", body).await;
        let clusters: Vec<Value> = clusters
            .iter()
            .map(|number| json!({ "clusterProvider": "site", "cluster": format!("edge{number}") }))
            .collect();
        let cloud = json!({
            "metadata": { "name": "front" },
            "spec": {
                "namespace": namespace,
                "user": { "userName": "alice", "type": "certificate" },
                "clusters": clusters,
            },
        });
        self.post(server, &projects, cloud).await;
        let cloud = format!("{projects}/front");
        let quota = json!({ "metadata": { "name": "limits" }, "spec": { "configmaps": "3" } });
        self.post(server, &format!("{cloud}/cluster-quotas"), quota)
            .await;
        let permission = json!({
            "metadata": { "name": "maps" },
            "spec": {
                "namespace": namespace, "apiGroups": [""], "resources": ["configmaps"],
                "verbs": ["get", "list", "create", "delete"],
            },
        });
        self.post(server, &format!("{cloud}/user-permissions"), permission)
            .await;
        cloud
    }

    /// Sets the quota to so many `ConfigMaps`, without an update.
    pub(crate) async fn limit(&self, server: &Server, cloud: &str, count: usize) {
        let body = json!({
            "metadata": { "name": "limits" }, "spec": { "configmaps": count.to_string() },
        });
        let path = format!("{cloud}/cluster-quotas/limits");
        let (status, text) = self.send(server, "PUT", &path, Some(body)).await;
        assert_eq!(status, 200, "{text}");
    }

    /// Asks for an action that must be accepted; gives its generation.
    pub(crate) async fn act(&self, server: &Server, cloud: &str, action: &str) -> u64 {
        let accepted = self
            .post(server, &format!("{cloud}/{action}"), json!({}))
            .await;
        accepted["generation"].as_u64().unwrap_or_default()
    }

    /// The status as it is now.
    pub(crate) async fn status(&self, server: &Server, cloud: &str) -> Value {
        let (status, text) = self
            .send(server, "GET", &format!("{cloud}/status"), None)
            .await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the status is as wanted; gives it.
    pub(crate) async fn until(
        &self,
        server: &Server,
        cloud: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let started = Instant::now();
        loop {
            let view = self.status(server, cloud).await;
            if holds(&view) {
                return view;
            }
            let late = started.elapsed() > Duration::from_mins(1);
            assert!(!late, "{cloud}: not {what}: {view:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the status shows what was waited for; gives it.
    pub(crate) async fn wait(&self, server: &Server, cloud: &str, until: &str) -> Value {
        let path = format!("{cloud}/status?wait={until}&timeout=60s");
        let (status, text) = self.send(server, "GET", &path, None).await;
        assert_eq!(status, 200, "{text}");
        let view: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(view["reached"], true, "{cloud} is not {until}: {view:#}");
        view
    }

    /// The merged kubeconfig of a cloud.
    pub(crate) async fn kubeconfig(&self, server: &Server, cloud: &str) -> String {
        let (status, text) = self
            .send(server, "GET", &format!("{cloud}/kubeconfig"), None)
            .await;
        assert_eq!(status, 200, "{text}");
        text
    }

    /// Runs kubectl with a kubeconfig of its own.
    pub(crate) fn kubectl_as(
        &self,
        plane: &ControlPlane,
        kubeconfig: &str,
        arguments: &[&str],
    ) -> (bool, String) {
        let file = tempfile::NamedTempFile::new_in(self.directory.path()).unwrap();
        std::fs::write(file.path(), kubeconfig).unwrap();
        let mut command = plane.kubectl();
        command
            .env("KUBECONFIG", file.path())
            .arg("--kubeconfig")
            .arg(file.path());
        output(command.args(arguments))
    }
}

/// Runs a command that must succeed; gives what it wrote to standard output.
pub(crate) fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs kubectl as administrator.
pub(crate) fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> String {
    let (ok, text) = output(plane.kubectl().args(arguments));
    assert!(ok, "kubectl {arguments:?}: {text}");
    text
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Names of everything in a cluster that belongs to the namespace's cloud, or to any cloud.
pub(crate) fn labelled(plane: &ControlPlane, namespace: &str) -> Vec<String> {
    let kinds =
        "namespaces,configmaps,resourcequotas,limitranges,networkpolicies,roles,rolebindings";
    let template = "-o=custom-columns=NAME:.metadata.name,NAMESPACE:.metadata.namespace,DATA:.data";
    let text = kubectl(
        plane,
        &["get", kinds, "-A", "-l", "dcm.internal/cloud", template],
    );
    text.lines()
        .filter(|line| line.contains(namespace))
        .map(str::to_owned)
        .collect()
}

/// What the status says of the member of a number.
pub(crate) fn member(view: &Value, number: usize) -> &Value {
    let name = format!("edge{number}");
    let members = view["members"].as_array().unwrap();
    let found = members.iter().find(|member| member["cluster"] == *name);
    found.unwrap_or(&Value::Null)
}

pub(crate) fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// A namespace that no other test of this process uses.
pub(crate) fn namespace(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}
