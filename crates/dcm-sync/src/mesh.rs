//! The mesh of a cloud in a member, beside all other tracks: none of them ever waits for it.
//!
//! ```text
//!   wish         what shall be there, of the service mesh document: pure     compare      what differs: pure
//!   secret       the bundle of authorities; its key is joined at the call    definitions  what all clouds share
//!   left         what may be there, by the inventory                         look         what is there
//!   down         the way out, in the reverse order                           readiness    what can be seen of it
//!   evidence     what the CA controller is told                              manifests    manifests as last parsed
//! ```
//!
//! The order stands in [`Stage`]: namespace, bundle, what the control plane needs, the control plane, its webhooks,
//! and what only it reads. Objects carry the owner's label as all others do; they are told apart by their place
//! ([`holds`]). Definitions of kinds belong to nobody and are never deleted.
//!
//! Invariants: a key is never in a document, a fingerprint, an outcome or a log; a bundle never goes back to an
//! older one; what the control plane writes into its own objects is no drift.

use std::sync::Arc;
use std::time::Duration;

use dcm_cluster::{Place, Resource};
use dcm_types::ca::CaController;

pub(crate) mod compare;
pub(crate) mod definitions;
pub(crate) mod down;
pub(crate) mod evidence;
pub(crate) mod left;
pub(crate) mod look;
pub(crate) mod manifests;
pub(crate) mod readiness;
pub(crate) mod secret;
pub(crate) mod wish;

/// Who gives out the bundles of meshes.
#[derive(Clone)]
pub struct Authorities {
    /// The CA controller.
    pub controller: Arc<dyn CaController>,
    /// The longest that a bundle takes to be used, where nobody shows that it is.
    pub propagation: Duration,
}

/// When something of a mesh happens that no watch shows, it is looked for so often.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Steps of the way up; the way down is the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The namespace of the mesh.
    Namespace,
    /// The bundle: a control plane that starts without it makes an authority of its own.
    Bundle,
    /// Accounts, roles, settings, services.
    Basis,
    /// What runs.
    Workload,
    /// Webhooks: without what runs behind them they hold up pods.
    Admission,
    /// What only the control plane reads.
    Wiring,
}

impl Stage {
    /// All, in the order of the way up.
    pub(crate) const UP: [Self; 6] = [
        Self::Namespace,
        Self::Bundle,
        Self::Basis,
        Self::Workload,
        Self::Admission,
        Self::Wiring,
    ];

    /// The stage of an object of a mesh.
    pub(crate) fn of(place: &Place) -> Self {
        match place.resource {
            Resource::Namespace => Self::Namespace,
            Resource::Secret if place.name == secret::NAME => Self::Bundle,
            Resource::Deployment
            | Resource::HorizontalPodAutoscaler
            | Resource::PodDisruptionBudget => Self::Workload,
            Resource::MutatingWebhookConfiguration | Resource::ValidatingWebhookConfiguration => {
                Self::Admission
            }
            Resource::Gateway | Resource::ServiceEntry | Resource::PeerAuthentication => {
                Self::Wiring
            }
            _ => Self::Basis,
        }
    }
}

/// Whether a place is one of the mesh of this name: its namespace, in it, or with its name where there is none.
pub(crate) fn holds(name: &str, place: &Place) -> bool {
    match &place.namespace {
        Some(namespace) => namespace == name,
        None if place.resource == Resource::Namespace => place.name == name,
        None => place.name.contains(name),
    }
}
