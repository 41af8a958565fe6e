//! A Python to compare with.

use std::collections::HashMap;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

static PYTHON: LazyLock<String> = LazyLock::new(|| std::env::var("WGRAD_TEST_PYTHON").unwrap_or_else(|_| "python3".into()));

/// `WGRAD_TEST_PYTHON`, or `python3`, if it has these modules.
pub(crate) fn python(modules: &'static str) -> Option<&'static str> {
    static HAS: Mutex<Option<HashMap<&str, bool>>> = Mutex::new(None);
    let has = || {
        let there = Command::new(&*PYTHON).args(["-c", &format!("import {modules}")]).output();
        there.is_ok_and(|output| output.status.success())
    };
    let mut known = HAS.lock().expect("no panic under this lock");
    known.get_or_insert_default().entry(modules).or_insert_with(has).then_some(PYTHON.as_str())
}
