//! Tests of the REST interface: the real application on the memory store, in process.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![expect(
    clippy::too_many_lines,
    reason = "snapshots stand in the tests that make them"
)]

mod apply;
mod authorities;
mod bad_kubeconfigs;
mod bad_names;
mod bad_rows;
mod cluster_forms;
mod cluster_labels;
mod clusters;
mod compatibility;
mod connections;
mod controllers;
mod described;
mod docs;
mod examples;
#[path = "../../../dcm-pki/tests/it/generate.rs"]
mod generate;
mod idempotency;
mod key_values;
#[path = "../../../dcm-pki/tests/it/kubeconfig_table.rs"]
mod kubeconfig_table;
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
#[path = "../../../dcm-pki/tests/it/sample.rs"]
mod sample;
mod secrets;
mod server;
mod signer;
mod slices;
mod status;
mod streams;
mod tombstones;
mod walk;
