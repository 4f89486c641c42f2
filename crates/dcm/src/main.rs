//! The `dcm` binary.

fn main() {}
