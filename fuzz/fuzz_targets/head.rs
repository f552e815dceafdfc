#![no_main]
//! libFuzzer over `retrovue_fuzz_checks::head`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = retrovue_fuzz_checks::head::check(data);
});
