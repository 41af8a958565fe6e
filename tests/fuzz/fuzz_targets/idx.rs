//! An IDX file: what follows its first bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrad_fuzz::table(&[b"\0\0", bytes].concat()));
