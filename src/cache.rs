//! What was measured on this machine and is worth keeping between runs: one JSON file a purpose in the user's cache folder.
//!
//! A cache is a help, never a need: what cannot be read is measured again, and what cannot be written is not kept.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::files::{self, Place};

/// Entries of one purpose that are kept: the oldest go first.
const ENTRIES: usize = 256;
/// Bytes of a file, at most: a larger one is none of wgrad's.
const MOST_BYTES: u64 = 4 << 20;

/// The folder: `$WGRAD_CACHE`, else `wgrad` in the user's cache folder. None where there is no such folder.
pub fn folder() -> Option<PathBuf> {
    match std::env::var_os("WGRAD_CACHE") {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(folder.into()),
        None => Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("wgrad")),
    }
}

/// What was kept for `key`; a purpose is a word, such as `tuning`.
pub fn load<T: DeserializeOwned>(purpose: &str, key: &str) -> Option<T> {
    load_from(&folder()?, purpose, key)
}

/// Keeps `value` for `key`, replacing what was kept before.
pub fn store<T: Serialize>(purpose: &str, key: &str, value: &T) {
    if let Some(folder) = folder() {
        store_in(&folder, purpose, key, value);
    }
}

fn file(folder: &Path, purpose: &str) -> PathBuf {
    folder.join(format!("{purpose}.json"))
}

fn entries(folder: &Path, purpose: &str) -> Option<Map<String, Value>> {
    let bytes = files::bounded_own(&file(folder, purpose), MOST_BYTES).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// What was kept for `key` in this folder.
pub fn load_from<T: DeserializeOwned>(folder: &Path, purpose: &str, key: &str) -> Option<T> {
    let value = entries(folder, purpose)?.remove(key)?;
    serde_json::from_value(value).ok()
}

/// Keeps `value` for `key` in this folder.
pub fn store_in<T: Serialize>(folder: &Path, purpose: &str, key: &str, value: &T) {
    let Ok(value) = serde_json::to_value(value) else { return };
    let mut entries = entries(folder, purpose).unwrap_or_default();
    entries.shift_remove(key);
    entries.insert(key.into(), value);
    while entries.len() > ENTRIES {
        let Some(oldest) = entries.keys().next().cloned() else { break };
        entries.shift_remove(&oldest);
    }
    // Where nothing can be written, nothing is kept.
    let _ = files::folder(folder);
    let Ok(text) = serde_json::to_vec_pretty(&entries) else { return };
    if text.len() as u64 <= MOST_BYTES {
        let _ = Place::own(&file(folder, purpose)).save_bytes(&text, |_| Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_and_the_oldest_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(load_from::<u32>(folder.path(), "test", "a"), None);
        for index in 0..=ENTRIES {
            store_in(folder.path(), "test", &format!("key {index}"), &index);
        }
        assert_eq!(load_from::<usize>(folder.path(), "test", "key 0"), None);
        assert_eq!(load_from::<usize>(folder.path(), "test", "key 1"), Some(1));
        store_in(folder.path(), "test", "key 1", &7);
        assert_eq!(load_from::<usize>(folder.path(), "test", "key 1"), Some(7));
    }

    #[test]
    fn a_damaged_file_is_no_error_and_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("test.json"), "{ not json").expect("a file");
        assert_eq!(load_from::<u32>(folder.path(), "test", "a"), None);
        store_in(folder.path(), "test", "a", &1);
        assert_eq!(load_from::<u32>(folder.path(), "test", "a"), Some(1));
    }
}
