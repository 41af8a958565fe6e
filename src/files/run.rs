//! The names of the files in a run's folder.

use std::path::{Path, PathBuf};

use crate::name::folder_of;

/// Every option of the run.
pub(crate) const OPTIONS: &str = "run.toml";
/// Bytes of such a file, at most.
pub(crate) const OPTIONS_BYTES: u64 = 16 << 20;
/// What each epoch came to.
pub(crate) const METRICS: &str = "metrics.jsonl";
/// Bytes of a line of it, at most: more is no record of an epoch.
pub(crate) const METRICS_LINE: u64 = 1 << 16;
/// The trained model.
pub(crate) const MODEL: &str = "model.safetensors";
/// Hashes of the rows that the model was trained on.
pub(crate) const TRAINED_ROWS: &str = "trained-rows.bin";
/// The newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";
/// What the report is made of, beside the other files.
pub(crate) const REPORT_DATA: &str = "report.json";
/// What the folds of a cross-validation came to, in the folder that theirs lie in.
pub(crate) const FOLDS: &str = "folds.json";
/// What a sweep came to, in its folder.
pub(crate) const SWEEP: &str = "sweep.json";
/// What each trial of a sweep came to.
pub(crate) const TRIALS: &str = "trials.jsonl";
/// The file whose lock says that a wgrad works in the folder.
pub(crate) const LOCK: &str = "wgrad.lock";
/// How the names of TensorBoard's event files begin: it looks for `tfevents` in them.
pub(crate) const EVENTS: &str = "events.out.tfevents.";

/// The file of the checkpoint that is so many older than the newest.
pub(crate) fn checkpoint(number: usize) -> String {
    if number == 0 { CHECKPOINT.to_owned() } else { format!("checkpoint-{number}.safetensors") }
}

/// The folder of one fold's run, from 1, in that of a cross-validation.
pub(crate) fn fold(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("fold-{number}"))
}

/// Whether a path is, in a folder that holds a run, a file that the run cannot do without: its pages can be made again.
pub(super) fn is_own_file(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else { return false };
    let is_own = [OPTIONS, METRICS, REPORT_DATA, MODEL, TRAINED_ROWS, LOCK].contains(&&*name)
        || name.starts_with(EVENTS)
        || (name.starts_with("checkpoint") && name.ends_with(".safetensors"));
    let folder = folder_of(path);
    is_own && folder.join(OPTIONS).is_file() || name == FOLDS && folder.join(FOLDS).is_file()
}
