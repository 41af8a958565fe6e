//! What the fuzz targets share: bytes as a file, and a table taken through all that training does with it before it trains.

use std::path::PathBuf;
use std::sync::OnceLock;

use wgrad::data::{Encoding, FitOptions, ReadOptions, read};

/// A file of these bytes, the same one in each run of a process.
pub fn file(bytes: &[u8]) -> PathBuf {
    named("input", bytes)
}

/// The same, of this name.
pub fn named(name: &str, bytes: &[u8]) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let path = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// Reads a table, fits an encoding to it and applies it: whatever it is, that ends in numbers or in an error.
pub fn table(bytes: &[u8]) {
    for header in [true, false] {
        let options = ReadOptions { header, ..ReadOptions::default() };
        let Ok(table) = read(&file(bytes).to_string_lossy(), &options) else { continue };
        let rows: Vec<usize> = (0..table.rows).collect();
        let Ok(encoding) = Encoding::fit(&table, &rows, &FitOptions::default()) else { continue };
        if let Ok(inputs) = encoding.encode_inputs::<f32>(&table, &rows) {
            assert!(inputs.values.iter().all(|value| value.is_finite()), "what is encoded is finite");
        }
    }
}
