//! What handlers take out of a request: names of the path, queries, preconditions, bodies, the caller.

mod body;
mod caller;
mod confirmed;
mod dry_run;
mod filter;
mod form;
mod page;
mod path;
mod precondition;
mod query;
mod resumed;
mod rotation;
mod shown;
mod user;
mod wait;

pub(crate) use body::{BodyTime, Write, receive_bytes};
pub(crate) use caller::{Caller, RequestId};
pub(crate) use confirmed::{Confirm, Forget, Generation, Tombstones};
pub(crate) use dry_run::DryRun;
pub(crate) use filter::{ClusterQuery, KvKey, Selector};
pub(crate) use form::ClusterWrite;
pub(crate) use page::Page;
pub(crate) use path::Names;
pub(crate) use precondition::IfMatch;
pub(crate) use resumed::{Ending, Resumed};
pub(crate) use rotation::{Kind, Unkeyed};
pub(crate) use shown::{CONDITIONS_TYPE, Form, Shown, no_instance};
pub(crate) use user::{OfKubeconfig, OfUser};
pub(crate) use wait::Wait;
