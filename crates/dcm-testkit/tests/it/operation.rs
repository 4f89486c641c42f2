//! What can be done with a control plane while it lives.

use std::process::Command;

use dcm_testkit::{ControlPlane, shared_control_planes};

use crate::processes::{is_alive, run, text, wait_until};

fn kubectl(control_plane: &ControlPlane, arguments: &[&str]) -> Command {
    let mut command = control_plane.kubectl();
    command.args(arguments);
    command
}

fn namespaces(control_plane: &ControlPlane) -> String {
    run(&mut kubectl(
        control_plane,
        &["get", "namespaces", "--output=name"],
    ))
}

#[test]
fn two_at_once_know_nothing_of_each_other() {
    let [one, two] = shared_control_planes(2) else {
        panic!("two were asked for")
    };
    assert_ne!(one.server(), two.server());
    assert!(
        one.version().unwrap().starts_with("v1."),
        "{}",
        one.version().unwrap()
    );

    run(&mut kubectl(one, &["create", "namespace", "only-here"]));
    assert!(namespaces(one).contains("only-here"));
    assert!(!namespaces(two).contains("only-here"));

    run(&mut kubectl(
        one,
        &["delete", "namespace", "only-here", "--wait=false"],
    ));
    wait_until("the namespace to go", || {
        !namespaces(one).contains("only-here")
    });
}

#[test]
fn the_kubeconfig_needs_no_other_file_and_gives_all_rights() {
    let control_plane = &shared_control_planes(2)[0];
    let text = control_plane.kubeconfig();
    assert!(
        text.contains("client-certificate-data") && !text.contains("/tmp"),
        "{text}"
    );
    let answer = run(&mut kubectl(control_plane, &["auth", "can-i", "*", "*"]));
    assert!(answer.starts_with("yes"), "{answer}");
}

#[test]
fn a_user_of_no_group_has_no_rights() {
    let control_plane = &shared_control_planes(2)[0];
    let path = control_plane.folder().join("nobody.kubeconfig");
    std::fs::write(&path, control_plane.kubeconfig_for("nobody", None).unwrap()).unwrap();
    // The last value of a repeated flag wins.
    let output = kubectl(control_plane, &["get", "secrets", "--kubeconfig"])
        .arg(path)
        .output();
    let text = text(&output.unwrap());
    assert!(
        text.contains("User \"nobody\" cannot list resource \"secrets\""),
        "{text}"
    );
}

#[test]
fn certificates_are_signed_by_the_controller_manager_only() {
    let control_plane = ControlPlane::start().unwrap();
    let make_token = ["create", "namespace", "watched"];
    control_plane.stop_controller_manager();
    assert_eq!(control_plane.processes().len(), 2);
    run(&mut kubectl(&control_plane, &make_token));
    let sign_of_life = [
        "get",
        "configmap",
        "kube-root-ca.crt",
        "--namespace=watched",
        "--ignore-not-found",
    ];
    assert_eq!(run(&mut kubectl(&control_plane, &sign_of_life)), "");

    control_plane.start_controller_manager().unwrap();
    wait_until("the new controller manager to see to the namespace", || {
        !run(&mut kubectl(&control_plane, &sign_of_life)).is_empty()
    });
}

#[test]
fn a_frozen_one_answers_nothing_until_it_is_thawed() {
    let control_plane = ControlPlane::start().unwrap();
    control_plane.freeze().unwrap();
    let request = ["get", "namespaces", "--request-timeout=1s"];
    let output = kubectl(&control_plane, &request).output().unwrap();
    assert!(!output.status.success());
    assert!(control_plane.is_running());

    control_plane.thaw().unwrap();
    wait_until("an answer", || namespaces_if_any(&control_plane).is_some());
}

fn namespaces_if_any(control_plane: &ControlPlane) -> Option<String> {
    let output = kubectl(control_plane, &["get", "namespaces"])
        .output()
        .unwrap();
    output.status.success().then(|| text(&output))
}

#[test]
fn a_restart_keeps_data_and_address() {
    let control_plane = ControlPlane::start().unwrap();
    run(&mut kubectl(
        &control_plane,
        &["create", "namespace", "kept"],
    ));
    let (server, before) = (control_plane.server(), control_plane.processes());

    control_plane.stop();
    assert!(!control_plane.is_running());
    assert!(before.iter().all(|(_, pid)| !is_alive(*pid)), "{before:?}");
    assert!(control_plane.freeze().is_err());

    control_plane.restart().unwrap();
    assert_eq!(control_plane.server(), server);
    assert!(namespaces(&control_plane).contains("kept"));
    assert_eq!(control_plane.processes().len(), 3);
}
