//! An ONNX file, imported as a model.
#![no_main]

use wgrad::exchange::{Naming, import};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(imported) = import(&wgrad_fuzz::named("input.onnx", bytes), &Naming::default()) {
        assert!(imported.model.to_bytes().is_ok(), "a model that is imported can be saved");
    }
});
