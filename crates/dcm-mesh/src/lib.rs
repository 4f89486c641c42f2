//! The service mesh of a logical cloud: names, values and objects of its control plane in each member. No I/O.
//!
//! ```text
//!   name       namespace and revision of a mesh       values     what a renderer is told (IstioOperator)
//!   member     one member's own values                renderer   whoever makes manifests of values
//!   gateway    addresses of other members             template   a manifest that a user wrote
//!   objects    what we write ourselves: namespace,    manifest   what was rendered, taken apart
//!              Secret, gateway, rules, other members
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
pub mod name;
pub mod objects;
pub mod renderer;
mod template;
pub mod values;

pub use error::Error;
pub use gateway::GatewayAddress;
pub use manifest::Manifest;
pub use member::Member;
pub use name::MeshName;
pub use renderer::MeshRenderer;
pub use template::Template;
pub use values::{Images, Mesh};
