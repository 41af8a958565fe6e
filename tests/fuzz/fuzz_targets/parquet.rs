//! A Parquet file: what follows its first bytes, footer and all.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrad_fuzz::table(&[b"PAR1", bytes].concat()));
