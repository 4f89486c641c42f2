//! SIGKILL at call-indexed moments of instantiate, update and terminate: it always ends right, with one
//! current certificate that matches its key.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcm::config::{Sources, load};
use dcm_cluster::Call;
use dcm_cluster::meddling::{Ledger, MeddlingConnector, Verdict};
use dcm_testkit::shared_control_planes;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::harness::{FOLDER, Folder, Server, kubectl, labelled, namespace};

/// File whose number says at which call from now on the process dies.
const FUSE: &str = "fuse";
/// The moments: so many calls go through before the process dies.
const MOMENTS: [usize; 5] = [0, 2, 4, 6, 8];

/// Not a test of its own: the process that is killed. Without the variable it is not meant.
#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stdout,
    reason = "the parent test reads the address there"
)]
async fn server_with_a_fuse() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let sources = Sources {
        file: Some(Path::new(&folder).join("dcm.toml")),
        listen: Some("127.0.0.1:0".parse().unwrap()),
        data_dir: Some(Path::new(&folder).join("data")),
        ..Sources::default()
    };
    let loaded = load(&sources).unwrap();
    let ledger = Arc::new(Ledger::default());
    ledger.judge(Some(Arc::new(fuse(Path::new(&folder).join(FUSE)))));
    let cancellation = CancellationToken::new();
    let server = dcm::serve::start_with(loaded.config, cancellation, move |connector| {
        Arc::new(MeddlingConnector::new(connector, ledger))
    })
    .await
    .unwrap();
    println!("http://{} ", server.address());
    server.run().await.unwrap();
}

/// Counts the calls about slices (not those of checks and watches) once the file is there.
fn fuse(file: std::path::PathBuf) -> impl Fn(usize, &Call) -> Verdict + Send + Sync {
    let left = AtomicUsize::new(usize::MAX);
    move |_, call| {
        let counts = match call {
            Call::Review(_) | Call::Version => false,
            Call::Get(place) => place.name != "kube-system",
            Call::List { selector, .. } => selector.contains('='),
            Call::Create(object) | Call::Approve(object) => !object.name().contains("probe"),
            Call::ClaimFields(_) | Call::Apply(_) | Call::RequestToken(_) => true,
            Call::Delete(place, _) => !place.name.contains("probe"),
        };
        if !counts {
            return Verdict::Pass;
        }
        if let Ok(text) = std::fs::read_to_string(&file) {
            std::fs::remove_file(&file).unwrap();
            left.store(text.trim().parse().unwrap(), Ordering::SeqCst);
        }
        if left.load(Ordering::SeqCst) == usize::MAX {
            return Verdict::Pass;
        }
        if left.fetch_sub(1, Ordering::SeqCst) == 0 {
            let myself = rustix::process::getpid();
            rustix::process::kill_process(myself, rustix::process::Signal::KILL).unwrap();
        }
        Verdict::Pass
    }
}

fn serve(folder: &Folder) -> Server {
    folder.serve_from_test("members::killed::server_with_a_fuse")
}

/// Asks for an action with the fuse burning; after the kill a new process goes on.
async fn killed_in(
    folder: &Folder,
    mut server: Server,
    cloud: &str,
    action: &str,
    moment: usize,
) -> Server {
    std::fs::write(folder.path(FUSE), moment.to_string()).unwrap();
    let path = format!("{cloud}/{action}");
    let acknowledged = folder.try_post(&server, &path).await;
    assert!(
        server.was_killed().await,
        "{action}: the process was not killed at call {moment}"
    );
    drop(server);
    let server = serve(folder);
    if !acknowledged {
        // Whoever got no answer asks again; actions are idempotent.
        folder.post(&server, &path, json!({})).await;
    }
    server
}

async fn life(moment: usize) {
    let plane = &shared_control_planes(2)[moment % 4 / 2];
    let folder = Folder::new();
    let mut server = serve(&folder);
    folder.register(&server, &[plane]).await;
    let name = namespace(&format!("killed-{moment}"));
    let cloud = folder.describe(&server, "shop", &name, 1).await;

    server = killed_in(&folder, server, &cloud, "instantiate", moment).await;
    folder.wait(&server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(&server, &cloud).await;
    let (ok, text) = folder.kubectl_as(plane, &tenant, &["create", "configmap", "a"]);
    assert!(ok, "moment {moment}: {text}");

    let quota = json!({ "metadata": { "name": "limits" }, "spec": { "configmaps": "5" } });
    let path = format!("{cloud}/cluster-quotas/limits");
    folder.send(&server, "PUT", &path, Some(quota)).await;
    let permission = json!({
        "metadata": { "name": "more" },
        "spec": { "namespace": name, "apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"] },
    });
    folder
        .post(&server, &format!("{cloud}/user-permissions"), permission)
        .await;
    server = killed_in(&folder, server, &cloud, "update", moment).await;
    folder.wait(&server, &cloud, "ready").await;
    let same = folder.kubeconfig(&server, &cloud).await;
    assert_eq!(same, tenant, "an update does not change the certificate");
    assert!(folder.kubectl_as(plane, &same, &["get", "services"]).0);
    let hard = kubectl(
        plane,
        &[
            "get",
            "quota",
            "limits",
            "-n",
            &name,
            "-o",
            "jsonpath={.spec.hard.configmaps}",
        ],
    );
    assert_eq!(hard, "5");

    server = killed_in(&folder, server, &cloud, "terminate", moment).await;
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(labelled(plane, &name), Vec::<String>::new());
    assert!(!folder.kubectl_as(plane, &tenant, &["get", "configmaps"]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn process_killed_at_any_moment_ends_right() {
    let lives = MOMENTS.map(|moment| tokio::spawn(life(moment)));
    for (moment, life) in MOMENTS
        .into_iter()
        .zip(futures::future::join_all(lives).await)
    {
        life.unwrap_or_else(|error| panic!("killed at call {moment}: {error}"));
    }
}
