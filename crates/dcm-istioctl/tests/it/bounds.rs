//! A program that does not do what it should: it is told, and nothing of it is left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use dcm_istioctl::Istioctl;
use dcm_mesh::{Error, MeshRenderer as _};
use serde_json::json;

/// A renderer that is a script of the shell.
struct Script {
    folder: tempfile::TempDir,
    renderer: Istioctl,
}

impl Script {
    fn new(body: &str, seconds: u64, output: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let renderer = Istioctl::new(&program).unwrap();
        Self {
            folder,
            renderer: renderer.bounded(Duration::from_secs(seconds), output),
        }
    }

    fn told(&self) -> String {
        match self.renderer.render(&json!({})) {
            Err(error @ Error::Render(_)) => error.to_string(),
            other => format!("{other:?}"),
        }
    }
}

#[test]
fn program_that_hangs_is_ended() {
    let script = Script::new(
        "echo $$ > \"$(dirname \"$0\")/pid\"; exec sleep 600",
        1,
        100,
    );
    assert!(
        script.told().contains("longer than 1 s"),
        "{}",
        script.told()
    );
    let pid = fs::read_to_string(script.folder.path().join("pid")).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn program_that_closes_its_streams_and_hangs_is_ended_too() {
    let script = Script::new("exec sleep 600 >&- 2>&-", 1, 100);
    assert!(
        script.told().contains("longer than 1 s"),
        "{}",
        script.told()
    );
}

#[test]
fn program_that_floods_either_stream_is_ended() {
    for body in ["exec yes", "exec yes >&2"] {
        let script = Script::new(body, 600, 100_000);
        assert!(
            script.told().contains("more than 100000 bytes"),
            "{body}: {}",
            script.told()
        );
    }
}

#[test]
fn program_that_fails_says_why_and_not_too_much() {
    let script = Script::new(
        "echo cause >&2; yes | head -n 5000 >&2; exit 3",
        60,
        1 << 20,
    );
    let told = script.told();
    assert!(told.contains("the program failed: cause"), "{told}");
    assert!(told.len() < 700, "{}", told.len());
}

#[test]
fn program_gets_nothing_of_our_environment_and_only_its_input() {
    let script = Script::new("env | cut -d= -f1 | sort; ls", 60, 1 << 20);
    let seen = script.renderer.render(&json!({})).unwrap();
    // PWD is the shell's own.
    let seen: Vec<_> = seen
        .lines()
        .filter(|line| !["PWD", "OLDPWD", "SHLVL", "_"].contains(line))
        .collect();
    assert_eq!(seen, ["HOME", "operator.json"]);
}

#[test]
fn program_that_is_not_there_or_would_be_searched_for_is_refused() {
    let missing = Istioctl::new(Path::new("/nowhere/istioctl")).unwrap();
    assert!(matches!(missing.render(&json!({})), Err(Error::Render(_))));
    assert!(matches!(
        Istioctl::new(Path::new("istioctl")),
        Err(Error::Render(_))
    ));
}
