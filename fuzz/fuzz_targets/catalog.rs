#![no_main]
//! libFuzzer over `retrovue_fuzz_checks::catalog`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = retrovue_fuzz_checks::catalog::check(data);
});
