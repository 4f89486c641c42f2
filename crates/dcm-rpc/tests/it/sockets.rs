//! The socket: who can reach it, and what is there already.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use dcm_rpc::{Error, Socket};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run/ca.sock");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn socket_and_folder_are_closed_to_others() {
    let (_folder, path) = folder();
    let _socket = Socket::bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn a_socket_goes_with_its_server() {
    let (_folder, path) = folder();
    drop(Socket::bind(&path).unwrap());
    assert!(!path.exists());
    Socket::bind(&path).unwrap();
}

#[test]
fn a_socket_that_a_dead_process_left_is_replaced() {
    let (_folder, path) = folder();
    drop(Socket::bind(&path).unwrap());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let _socket = Socket::bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_socket_that_is_served_is_left_alone() {
    let (_folder, path) = folder();
    let _first = Socket::bind(&path).unwrap();
    let error = Socket::bind(&path).unwrap_err();
    assert!(matches!(error, Error::Served { .. }), "{error}");
    assert!(error.hint().contains("other process"));
    assert!(path.exists());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let (_folder, path) = folder();
    drop(Socket::bind(&path).unwrap());
    fs::write(&path, "mine").unwrap();
    let error = Socket::bind(&path).unwrap_err();
    assert!(matches!(error, Error::Occupied { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let (_folder, path) = folder();
    let parent = path.parent().unwrap();
    fs::create_dir(parent).unwrap();
    for open in [0o755, 0o710, 0o701] {
        fs::set_permissions(parent, Permissions::from_mode(open)).unwrap();
        let error = Socket::bind(&path).unwrap_err();
        assert!(matches!(error, Error::Exposed { .. }), "{open:o} {error}");
        assert!(error.hint().contains("chmod 700"));
    }
}

#[test]
fn a_path_without_a_place_of_its_own_is_refused() {
    for path in ["", "ca.sock", "run/ca.sock", "/"] {
        let error = Socket::bind(Path::new(path)).unwrap_err();
        assert!(matches!(error, Error::Nowhere { .. }), "{path} {error}");
    }
    let (_folder, path) = folder();
    let error = Socket::bind(&path.with_file_name("x".repeat(120))).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.hint().contains("100 bytes"));
}
