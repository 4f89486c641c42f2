//! The service mesh of a logical cloud: names, values and objects of its control plane in each member. No I/O.
//!
//! ```text
//!   member     one member's own values                values     what a renderer is told (IstioOperator)
//!   gateway    addresses of other members             renderer   whoever makes manifests of values
//!   objects    what we write ourselves: namespace,    template   a manifest that a user wrote
//!              Secret, gateway, rules, other members  manifest   what was rendered, taken apart
//! ```
//!
//! One rendering serves all members of a cloud: it is made with stand-ins for what differs between members, which are
//! replaced in the parsed objects ([`Manifest::for_member`]). A changed address of a gateway renders nothing anew.
//!
//! Nothing calls it yet: the service mesh module of `dcm-app` and the mesh track of `dcm-sync` will.
//!
//! Invariants: nothing here reads a clock or a file. Objects that others share (definitions of resources) are told
//! apart from those of the tenant, and only those of the tenant are ever removed with it. Rendered text is data from
//! outside: bounded, parsed, and refused where it reaches out of the mesh's own namespace.

mod error;
pub mod gateway;
pub mod manifest;
pub mod member;
pub mod objects;
pub mod renderer;
mod template;
pub mod values;

pub use dcm_types::MeshName;
pub use error::Error;
pub use gateway::GatewayAddress;
pub use manifest::Manifest;
pub use member::Member;
pub use renderer::MeshRenderer;
pub use template::Template;
pub use values::{Images, Mesh};
