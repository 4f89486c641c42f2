//! A member gets a namespace for the control plane of the mesh, and the control plane is started on its first bundle.

use std::thread;

use anyhow::{Context as _, Result, bail};
use dcm_testkit::mesh::{Istiod, Member, Settings, through_the_secret};
use dcm_types::TargetKey;

use super::Wanted;
use super::socket::Controller;

pub(super) const SERVICE_ACCOUNT: &str = "web";
/// Label of the namespaces that belong to the mesh.
const LABEL: &str = "mesh.example/cloud";

/// A member whose control plane runs.
pub(super) struct Started {
    pub(super) target: TargetKey,
    pub(super) reached: Member,
    pub(super) istiod: Istiod,
}

/// All at once.
pub(super) fn start(controller: &Controller, wanted: &Wanted) -> Result<Vec<Started>> {
    thread::scope(|scope| {
        let starting: Vec<_> = (0..wanted.members.len())
            .map(|index| scope.spawn(move || start_one(controller, wanted, index)))
            .collect();
        let started = starting.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        started.collect()
    })
}

fn start_one(controller: &Controller, wanted: &Wanted, index: usize) -> Result<Started> {
    let member = wanted.members.get(index).context("a member")?;
    let cloud = wanted.cloud.as_str();
    let target = controller.target(&member.provider, &member.cluster)?;
    let reached = Member::new(&wanted.kubectl, &member.kubeconfig);
    let bundle = controller.first_bundle(&target)?;
    let name = format!("istio-{cloud}");
    let settings = Settings {
        namespace: name.clone(),
        revision: name.clone(),
        trust_domain: controller.trust_domain()?,
        cluster: member.cluster.clone(),
        discovery_label: (LABEL.to_owned(), cloud.to_owned()),
    };
    let label = format!("{LABEL}={cloud}");
    kubectl(&reached, &["create", "namespace", &name])?;
    kubectl(&reached, &["label", "namespace", cloud, &label])?;
    let account = ["create", "serviceaccount", SERVICE_ACCOUNT];
    kubectl(&reached, &[&account[..], &["--namespace", cloud]].concat())?;
    let files = through_the_secret(&reached, &name, &bundle)?;
    let istiod = Istiod::start(reached.clone(), &settings, &files.each())?;
    Ok(Started {
        target,
        reached,
        istiod,
    })
}

fn kubectl(member: &Member, words: &[&str]) -> Result<()> {
    let said = member.kubectl().args(words).output()?;
    if !said.status.success() {
        let reason = String::from_utf8_lossy(&said.stderr).into_owned();
        bail!("kubectl {}: {reason}", words.join(" "));
    }
    Ok(())
}
