//! What EMCO gets wrong, by the numbers of the table in `docs/reliability.md`; here it goes right. On real control
//! planes, which fail by their own means: policies that refuse, and a proxy before them.

mod denial;
mod edges;
mod refusals;
mod restarts;
mod table;

use dcm_testkit::ControlPlane;
use dcm_testkit::proxy::Proxy;
use serde_json::Value;

/// The kubeconfig of a control plane as reached through a proxy.
fn through(proxy: &Proxy, plane: &ControlPlane) -> String {
    let there = format!("https://{}", proxy.address());
    plane.kubeconfig().replace(&plane.server(), &there)
}

fn proxied(plane: &ControlPlane) -> (Proxy, String) {
    let proxy = Proxy::start(plane.address()).unwrap();
    let kubeconfig = through(&proxy, plane);
    (proxy, kubeconfig)
}

/// Whether the member of a number says this anywhere: in a condition or as its last error.
fn says(view: &Value, number: usize, words: &str) -> bool {
    let member = crate::members::harness::member(view, number);
    member.to_string().contains(words)
}
