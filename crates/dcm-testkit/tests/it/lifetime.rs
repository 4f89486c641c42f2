//! Nothing is left behind, however the owner of a control plane ends.

use std::io::{BufRead, BufReader};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use dcm_testkit::{Assets, ControlPlane, shared_control_planes};

use crate::processes::{is_alive, wait_until};

/// Set for a second process of this test binary, which is there to be killed.
const OWNER: &str = "DCM_TESTKIT_TEST_OWNER";

fn process_ids(control_plane: &ControlPlane) -> Vec<u32> {
    control_plane
        .processes()
        .into_iter()
        .map(|(_, pid)| pid)
        .collect()
}

#[test]
fn dropping_leaves_no_process_and_no_folder() {
    let control_plane = ControlPlane::start().unwrap();
    let pids = process_ids(&control_plane);
    let folder = control_plane.folder().to_owned();
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|pid| is_alive(*pid)));

    drop(control_plane);
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "{pids:?}");
    assert!(!folder.exists());
}

#[test]
fn a_panic_leaves_no_process_and_no_folder() {
    let control_plane = ControlPlane::start().unwrap();
    let pids = process_ids(&control_plane);
    let folder = control_plane.folder().to_owned();
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(move || {
        control_plane.freeze().unwrap();
        panic::resume_unwind(Box::new("the test failed"));
    }));
    assert!(outcome.is_err());
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "{pids:?}");
    assert!(!folder.exists());
}

/// The part of the next test that runs in the process to be killed; else there is nothing to do.
#[test]
fn owner_that_is_killed_holds_a_control_plane_in_a_static() {
    if std::env::var_os(OWNER).is_none() {
        return;
    }
    let control_plane = &shared_control_planes(1)[0];
    let pids: Vec<_> = process_ids(control_plane)
        .iter()
        .map(u32::to_string)
        .collect();
    println!(
        "\nowner: {} {}",
        pids.join(" "),
        control_plane.folder().display()
    );
    thread::sleep(Duration::from_mins(2));
}

#[test]
fn a_killed_owner_leaves_no_process_and_no_folder() {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("lifetime::owner_that_is_killed_holds_a_control_plane_in_a_static")
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut told = lines.filter_map(|line| line.strip_prefix("owner: ").map(str::to_owned));
    let line = told.next().unwrap();
    let mut words: Vec<_> = line.split(' ').collect();
    let folder = PathBuf::from(words.pop().unwrap());
    let pids: Vec<u32> = words.iter().map(|word| word.parse().unwrap()).collect();
    assert!(
        pids.len() == 3 && pids.iter().all(|pid| is_alive(*pid)),
        "{line}"
    );

    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_until("the processes to end", || {
        pids.iter().all(|pid| !is_alive(*pid))
    });
    wait_until("the folder to go", || !folder.exists());
}

#[test]
fn a_start_that_fails_quotes_the_log_and_leaves_nothing() {
    let mut assets = Assets::obtain().unwrap();
    assets.kube_apiserver = PathBuf::from("/bin/false");
    let error = ControlPlane::start_with(&assets).err().unwrap().to_string();
    assert!(
        error.starts_with("kube-apiserver ended by itself (exit status: 1)"),
        "{error}"
    );
    assert!(error.contains("--- kube-apiserver"), "{error}");

    assets.etcd = Path::new("/nowhere/etcd").to_owned();
    let error = ControlPlane::start_with(&assets).err().unwrap().to_string();
    assert!(
        error.contains("etcd") && error.contains("not found"),
        "{error}"
    );
}
