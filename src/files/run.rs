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
/// The model of a sweep's best trials together, beside that of the best one.
const ENSEMBLE: &str = "ensemble.safetensors";
/// The newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";
/// What the report is made of, beside the other files.
pub(crate) const REPORT_DATA: &str = "report.json";
/// What the folds of a cross-validation came to, in the folder that theirs lie in.
pub(crate) const FOLDS: &str = "folds.json";
/// What a sweep is asked to do, in its folder.
pub(crate) const SWEEP_OPTIONS: &str = "sweep.toml";
/// What a sweep came to as a whole.
pub(crate) const SWEEP: &str = "sweep.json";
/// A line for each of its trials that has ended.
pub(crate) const TRIALS: &str = "trials.jsonl";
/// Bytes of that file, at most.
pub(crate) const TRIALS_BYTES: u64 = 1 << 30;
/// Its trials as a table.
pub(crate) const SWEEP_TABLE: &str = "sweep.csv";
/// The page of a run, of the folds of a cross-validation or of a sweep.
pub(crate) const REPORT: &str = "report.html";
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

/// The folder of one trial of a sweep, from 1.
pub(crate) fn trial(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("trial-{number}"))
}

/// The run of a sweep's best trial.
pub(crate) fn best(folder: &Path) -> PathBuf {
    folder.join("best")
}

/// The model of a sweep's best trials together.
pub(crate) fn best_ensemble(folder: &Path) -> PathBuf {
    best(folder).join(ENSEMBLE)
}

/// Whether a file is such a model, by its name.
pub(crate) fn is_ensemble(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == ENSEMBLE)
}

/// Whether a path is, in a folder that holds a run, a file that the run cannot do without: its pages can be made again.
pub(super) fn is_own_file(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else { return false };
    let is_own = [OPTIONS, METRICS, REPORT_DATA, MODEL, ENSEMBLE, TRAINED_ROWS, LOCK].contains(&&*name)
        || name.starts_with(EVENTS)
        || (name.starts_with("checkpoint") && name.ends_with(".safetensors"));
    let folder = folder_of(path);
    let of_sweep =
        [SWEEP_OPTIONS, SWEEP, TRIALS, SWEEP_TABLE, LOCK].contains(&&*name) && folder.join(SWEEP_OPTIONS).is_file();
    is_own && folder.join(OPTIONS).is_file() || of_sweep || name == FOLDS && folder.join(FOLDS).is_file()
}
