//! Control planes that all tests of one process share, because each costs seconds to start.

use std::sync::OnceLock;

use super::ControlPlane;

static SHARED: OnceLock<Vec<ControlPlane>> = OnceLock::new();

/// The first `count` of the shared control planes, started by the first call.
///
/// They end with the process. All callers in one process ask for the same number, or the one that
/// asks first for the largest.
///
/// # Panics
///
/// When they cannot be started, or fewer are running than asked for: a test has no use for an error.
pub fn shared_control_planes(count: usize) -> &'static [ControlPlane] {
    let all = SHARED.get_or_init(|| match ControlPlane::start_many(count) {
        Ok(started) => started,
        Err(error) => fail(&error),
    });
    assert!(
        count <= all.len(),
        "{} control planes are shared in this process, {count} are asked for: ask for the largest \
         number in every call",
        all.len()
    );
    &all[..count]
}

#[expect(clippy::panic, reason = "a test cannot go on without control planes")]
fn fail(error: &super::Error) -> ! {
    let mut reasons = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reasons.push_str(": ");
        reasons.push_str(&cause.to_string());
        source = cause.source();
    }
    panic!("control planes cannot be started: {reasons}");
}
