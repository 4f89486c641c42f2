//! What a tenant wishes of a mesh: from a draft to the cloud's document, and from there to a revision.

use dcm_types::documents::{Level, LogicalCloud, MeshMode, MeshSpec, RevisionMesh};
use dcm_types::drafts::LogicalCloudDraft;
use dcm_types::{CloudKey, MeshName, Violation};

use super::Meshes;
use crate::Error;
use crate::error::Faults;

const MODE: &str = "spec.mesh.mode";

/// Judges what a draft says itself; what is not said is not at fault.
pub(crate) fn judge(draft: &LogicalCloudDraft, meshes: &Meshes, faults: &mut Faults) {
    let Some(mesh) = draft.mesh else {
        return;
    };
    let mode = mesh.mode.unwrap_or_default();
    if mode != MeshMode::Off && draft.level == Level::Admin {
        let rule = "must be off in a logical cloud of level 0: nothing of it is in its clusters";
        faults.add(MODE, Violation::new(rule, mode.as_str()));
    }
    if let Some(violation) = refusal(mode, meshes) {
        faults.add(MODE, violation);
    }
    if mesh.remote_secrets {
        let rule = "must be false: members are reached by their gateways, and no credential crosses clusters";
        let violation =
            Violation::new(rule, "true").hint("give cluster references a loadBalancerIP");
        faults.add("spec.mesh.remoteSecrets", violation);
    }
}

/// The mesh of a new cloud.
pub(crate) fn first(
    key: &CloudKey,
    draft: &LogicalCloudDraft,
    meshes: &Meshes,
) -> Option<MeshSpec> {
    let asked = draft.mesh.unwrap_or_default();
    let mode = asked.mode.or_else(|| usual(draft.level, meshes))?;
    Some(MeshSpec {
        mode,
        name: MeshName::of(key.project.as_str(), key.cloud.as_str()),
        trust_model: asked.trust_model,
        remote_secrets: asked.remote_secrets,
    })
}

/// Nothing is written down where nothing is wished and nothing was said.
fn usual(level: Level, meshes: &Meshes) -> Option<MeshMode> {
    let mode = meshes.default_mode;
    (level == Level::Standard && mode != MeshMode::Off).then_some(mode)
}

/// The mesh of a cloud that is replaced. What is not said stays; name and trust model always do.
pub(crate) fn next(
    cloud: &LogicalCloud,
    draft: &LogicalCloudDraft,
) -> Result<Option<MeshSpec>, Error> {
    let asked = draft.mesh.unwrap_or_default();
    let Some(present) = &cloud.mesh else {
        // Only what is said: that a server has another default by now changes no cloud.
        let said = asked.mode.is_some();
        return Ok(said
            .then(|| first(&cloud.key, draft, &Meshes::default()))
            .flatten());
    };
    if asked.trust_model.is_some() && asked.trust_model != present.trust_model {
        let violation = Violation::hidden("cannot change: it is decided with the first anchor")
            .hint("leave it out, or create another logical cloud");
        return Err(Error::conflict("the trust model of a mesh cannot change")
            .fault(violation.at("spec.mesh.trustModel")));
    }
    let mode = match (asked.mode, draft.level) {
        (Some(mode), _) => mode,
        (None, Level::Admin) => MeshMode::Off,
        (None, Level::Standard) => present.mode,
    };
    Ok(Some(MeshSpec {
        mode,
        ..present.clone()
    }))
}

/// The mesh of a revision.
pub(crate) fn frozen(cloud: &LogicalCloud, meshes: &Meshes) -> Option<RevisionMesh> {
    let spec = cloud.mesh.as_ref()?;
    if spec.mode == MeshMode::Off || cloud.level == Level::Admin {
        return None;
    }
    let pinned = |text: &str| match spec.mode {
        MeshMode::Istio => text.to_owned(),
        MeshMode::Off | MeshMode::CaOnly => String::new(),
    };
    Some(RevisionMesh {
        mode: spec.mode,
        name: spec.name.clone(),
        hub: pinned(&meshes.hub),
        tag: pinned(&meshes.tag),
        remote_secrets: spec.remote_secrets,
    })
}

/// Refuses a revision for which no control plane can be made: the server may have changed since it was wished.
pub(crate) fn refuse_unmade(mesh: Option<&RevisionMesh>, meshes: &Meshes) -> Result<(), Error> {
    let Some(violation) = mesh.and_then(|mesh| refusal(mesh.mode, meshes)) else {
        return Ok(());
    };
    let error = Error::conflict("this server cannot make the mesh of the logical cloud");
    Err(error.fault(violation.at(MODE)))
}

fn refusal(mode: MeshMode, meshes: &Meshes) -> Option<Violation> {
    match mode {
        MeshMode::Istio => meshes.refusal(),
        MeshMode::Off | MeshMode::CaOnly => None,
    }
}
