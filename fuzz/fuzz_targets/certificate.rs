//! Target `certificate`: see the function of its name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dcm_fuzz::certificate(data));
