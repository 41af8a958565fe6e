//! A Python to compare with.

use std::process::Command;
use std::sync::OnceLock;

/// `WGRAD_TEST_PYTHON`, or `python3`, if it has these modules; the same ones at every call of a test binary.
pub(crate) fn python(modules: &str) -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        let python = std::env::var("WGRAD_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let there = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
        there.is_ok_and(|output| output.status.success()).then_some(python)
    };
    PYTHON.get_or_init(find).as_deref()
}
