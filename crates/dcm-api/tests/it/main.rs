//! Tests of the REST interface: the real application on the memory store, in process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::too_many_lines,
    reason = "snapshots stand in the tests that make them"
)]

mod bad_names;
mod cluster_forms;
mod cluster_labels;
mod clusters;
mod connections;
mod controllers;
mod key_values;
mod kubeconfigs;
mod lifecycle;
mod logical_clouds;
mod openapi;
mod paging;
mod preconditions;
mod privileged;
mod projects;
mod protocol;
mod references;
mod secrets;
mod server;
mod slices;
mod status;
mod streams;
mod walk;
