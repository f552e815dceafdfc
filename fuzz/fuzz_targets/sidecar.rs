#![no_main]
//! libFuzzer over `retrovue_fuzz_checks::sidecar`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = retrovue_fuzz_checks::sidecar::check(data);
});
