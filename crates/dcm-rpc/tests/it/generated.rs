//! The generated code is that of the description in `proto`. The compiler of descriptions is a library, so no
//! program of others is needed.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// Set to write the code instead of comparing it.
const SWITCH: &str = "DCM_UPDATE_RPC";
const DESCRIPTION: &str = "dcm/ca/v1/ca.proto";
const CODE: &str = "dcm.ca.v1.rs";
/// What holds a key is printed by code of ours.
const SECRET: [&str; 2] = ["dcm.ca.v1.Bundle", "dcm.ca.v1.ImportAuthorityRequest"];

fn generate(proto: &Path) -> String {
    let folder = TempDir::new().unwrap();
    let description = protox::compile([DESCRIPTION], [proto]).unwrap();
    tonic_prost_build::configure()
        .out_dir(folder.path())
        .emit_rerun_if_changed(false)
        .skip_debug(SECRET)
        .compile_fds(description)
        .unwrap();
    let code = fs::read_to_string(folder.path().join(CODE)).unwrap();
    format!("//! Generated from `proto/{DESCRIPTION}`; do not edit.\n\n{code}")
}

#[test]
fn the_code_is_the_one_that_is_checked_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("src/generated").join(CODE);
    let generated = generate(&root.join("proto"));
    if std::env::var_os(SWITCH).is_some() {
        fs::write(&file, &generated).unwrap();
    }
    let checked_in = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        generated == checked_in,
        "the generated code is out of date: run the tests of dcm-rpc with {SWITCH}=1 and look at the difference"
    );
}
