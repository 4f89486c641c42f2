//! What shall be there of a mesh: pure. It follows from the revision, the service mesh document and its manifest.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_cluster::{Object, Place, Resource};
use dcm_mesh::objects::{gateway, namespace, strict_mutual_tls, with_mesh_networks};
use dcm_mesh::{GatewayAddress, Member, objects::Peer};
use dcm_pki::bundle::{ANCHORS, CERTIFICATE, CHAIN};
use dcm_types::documents::{MeshBundle, MeshMode, MeshPeer, Revision, ServiceMesh};
use dcm_types::member_name::{MANAGED_BY_LABEL, MANAGER, OWNER_LABEL};
use dcm_types::{ConditionStatus, Track};
use serde_json::{Value, json};

use super::manifests::Parsed;
use super::{compare, secret};
use crate::render::{CLOUD_ANNOTATION, Wanted};

/// What is said of a mesh as a whole, where its objects do not say it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    pub(crate) status: ConditionStatus,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// Where it is not the one that the reason has everywhere.
    pub(crate) hint: Option<String>,
}

impl Note {
    pub(crate) fn progressing(reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: ConditionStatus::Progressing,
            reason: reason.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn blocked(reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: ConditionStatus::Blocked,
            ..Self::progressing(reason, message)
        }
    }
}

/// What the store says about the mesh of a target.
#[derive(Default)]
pub(crate) struct MeshInputs {
    /// What was prepared for it.
    pub(crate) document: Option<ServiceMesh>,
    /// The manifest of its control plane, or why there is none that can be used.
    pub(crate) manifest: Option<Result<Arc<Parsed>, String>>,
}

/// What shall be there.
pub(crate) struct Wished {
    pub(crate) document: ServiceMesh,
    pub(crate) bundle: MeshBundle,
    pub(crate) wanted: Vec<Wanted>,
    /// Definitions of kinds, of which each cluster has one set.
    pub(crate) definitions: Option<Arc<Parsed>>,
}

/// What shall be there, or why nothing of the mesh is touched for now. `None`: no mesh is wished.
pub(crate) fn wished(
    revision: &Revision,
    inputs: &MeshInputs,
) -> Option<Result<Box<Wished>, Note>> {
    let mesh = revision.slice.mesh.as_ref()?;
    if mesh.name.as_str() == revision.slice.namespace.as_str() {
        let message = "the namespace of the cloud has the name that its mesh's namespace has";
        return Some(Err(Note::blocked("Invalid", message)));
    }
    let prepared = inputs.document.as_ref().filter(|document| {
        document.cloud_uid == revision.cloud_uid
            && document.generation >= revision.generation
            && document.mode == mesh.mode
            && document.name == mesh.name
            && document.is_complete()
    });
    Some(match prepared {
        Some(document) => made_of(revision, document, inputs),
        None => Err(preparing(inputs.document.as_ref())),
    })
}

/// What is waited for: the step that prepares, and what it says.
fn preparing(document: Option<&ServiceMesh>) -> Note {
    match document.and_then(|document| document.problem.as_ref()) {
        Some(problem) => Note {
            hint: Some(problem.hint.clone()),
            ..Note::progressing(&problem.reason, problem.message.clone())
        },
        None => Note::progressing(
            "Preparing",
            "its bundle and its manifest are being prepared",
        ),
    }
}

fn made_of(
    revision: &Revision,
    document: &ServiceMesh,
    inputs: &MeshInputs,
) -> Result<Box<Wished>, Note> {
    let member = Member::new(&document.cluster_name, &document.network)
        .map_err(|error| Note::blocked("Invalid", dcm_types::chain(&error)))?;
    let Some(bundle) = document.bundle.clone() else {
        return Err(preparing(Some(document)));
    };
    let of_cloud = OfCloud { revision };
    let id = document.name.as_str();
    let mut wanted = vec![
        of_cloud.object(namespace(&document.name, id, &member))?,
        of_cloud.bundle(document, &bundle)?,
    ];
    let mut definitions = None;
    if document.mode == MeshMode::Istio {
        let parsed = match &inputs.manifest {
            Some(Ok(parsed)) => parsed,
            Some(Err(why)) => return Err(Note::blocked("ManifestUnusable", why.clone())),
            None => return Err(preparing(Some(document))),
        };
        let own = parsed.manifest.for_member(&member);
        let own = with_mesh_networks(own, &document.name, &peers(&document.peers)?);
        let control_plane = compare::settled(own);
        let ours = [gateway(&document.name), strict_mutual_tls(&document.name)];
        for object in control_plane.into_iter().chain(ours) {
            wanted.push(of_cloud.object(object)?);
        }
        definitions = Some(Arc::clone(parsed));
    }
    Ok(Box::new(Wished {
        document: document.clone(),
        bundle,
        wanted,
        definitions,
    }))
}

fn peers(known: &[MeshPeer]) -> Result<Vec<Peer>, Note> {
    let read = |peer: &MeshPeer| {
        let member = Member::new(&peer.cluster_name, &peer.network)
            .map_err(|error| Note::blocked("Invalid", dcm_types::chain(&error)))?;
        // What cannot be an address is as good as none.
        let gateway = peer.address.as_deref().map(GatewayAddress::read);
        let gateway = gateway.and_then(Result::ok).flatten();
        Ok(Peer { member, gateway })
    };
    known.iter().map(read).collect()
}

/// Makes objects of one cloud.
struct OfCloud<'a> {
    revision: &'a Revision,
}

impl OfCloud<'_> {
    /// An object with our labels and the digest of what is wished of it.
    fn object(&self, value: Value) -> Result<Wanted, Note> {
        let mut wanted = self.labelled(value)?;
        compare::sign(&mut wanted.object);
        Ok(wanted)
    }

    /// The Secret as far as it may be seen; the rest is joined when it is sent.
    fn bundle(&self, document: &ServiceMesh, bundle: &MeshBundle) -> Result<Wanted, Note> {
        let data = json!({
            CERTIFICATE: STANDARD.encode(&bundle.certificate_pem),
            CHAIN: STANDARD.encode(&bundle.chain_pem),
            ANCHORS: STANDARD.encode(&bundle.anchors_pem),
        });
        let mut wanted = self.labelled(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": secret::NAME, "namespace": document.name.as_str() },
            "type": "Opaque",
            "data": data,
        }))?;
        secret::set_version(&mut wanted.object, &bundle.version);
        Ok(wanted)
    }

    fn labelled(&self, value: Value) -> Result<Wanted, Note> {
        let mut object = Object(value);
        let Some(place) = object.place() else {
            let message = format!(
                "its manifest has {} {}, and that kind is not known here",
                object.kind(),
                object.name()
            );
            return Err(Note::blocked("UnknownKind", message));
        };
        let metadata = &mut object.0["metadata"];
        metadata["labels"][OWNER_LABEL] = json!(self.revision.cloud_uid.to_string());
        metadata["labels"][MANAGED_BY_LABEL] = json!(MANAGER);
        if place.resource == Resource::Namespace {
            metadata["annotations"][CLOUD_ANNOTATION] = json!(self.revision.cloud.to_string());
        }
        Ok(Wanted {
            track: Track::Mesh,
            place,
            object,
        })
    }
}

/// The place of the namespace of a mesh.
pub(crate) fn namespace_place(name: &str) -> Place {
    Place {
        resource: Resource::Namespace,
        namespace: None,
        name: name.to_owned(),
    }
}
