//! Documents of the CA controller: authorities, the edges below them, and the record of what happened to keys.
//! Written by the CA controller only. Their keys begin with the uid of the cloud, so that a namesake made later
//! finds nothing.

mod authority;
mod edge;
mod event;
mod rotation;

pub use authority::{
    Anchor, AuthorityOwner, CaAuthority, MadeRequest, PendingRequest, RequestSigner, RevokedEdge,
    SignedList,
};
pub use edge::{CaEdge, EdgeGeneration};
pub use event::{CaEvent, CaEventRecord, CaVerb, ChainEnd, EventCertificate};
pub use rotation::{Aging, Rotation};
