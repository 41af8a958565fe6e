//! A file of options.
#![no_main]

use wgrad::training::Options;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(options) = Options::from_toml(&wgrad_fuzz::file(bytes)) {
        let text = options.to_toml();
        let again = Options::from_toml(&wgrad_fuzz::file(text.as_bytes())).expect("our own text");
        assert_eq!(again, options, "options read back as they were written");
    }
});
