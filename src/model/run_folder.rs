//! The folder of one run: what it holds, and the lock that keeps a second wgrad out of it.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::naming::{RUNS, is_sweep, near, no_run, refused_folds};
use crate::error::{Error, Result, shown, typed_path};
use crate::files::run::{self, CHECKPOINT, LOCK, METRICS, MODEL, OPTIONS};
use crate::files::{self, Place};
/// The most checkpoints that are kept.
pub(crate) const MOST_CHECKPOINTS: usize = 100;

/// A run's folder, locked for as long as this value lives (the system lets go of the lock even when the process is killed).
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// A new run's folder: `path`, which must be empty or not there yet, or else `runs/<name>-<n>` with the first free `n`.
    ///
    /// # Errors
    /// Usage if `path` holds anything or another wgrad works in it; Internal if the system refuses.
    pub fn create(path: Option<&Path>, name: &str) -> Result<Self> {
        match path {
            Some(path) => Self::create_at(path),
            None => Self::create_numbered(Path::new(RUNS), name),
        }
    }

    /// Refuses a folder that is in use or holds something; one that is not there is fine.
    ///
    /// # Errors
    /// Usage, naming what is there.
    pub fn check_new(path: &Path) -> Result<()> {
        if !path.is_dir() {
            return Ok(());
        }
        // A folder in use is named as such; one that holds somebody's files gets no lock file.
        if path.join(LOCK).exists() {
            drop(lock(path)?);
        }
        refuse_unless_empty(path)
    }

    /// A folder for the folders of several runs: as [`create`](Self::create) makes it, but not locked:
    /// each run in it is.
    ///
    /// # Errors
    /// As there.
    pub fn create_for_several(path: Option<&Path>, name: &str) -> Result<PathBuf> {
        let folder = Self::create(path, name)?;
        drop(files::remove(&folder.path.join(LOCK)));
        Ok(folder.path)
    }

    /// The folder of an earlier run, to go on with it.
    ///
    /// # Errors
    /// Usage if there is no run in it or another wgrad works in it; Internal if the system refuses.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.join(OPTIONS).is_file() {
            return Err(Error::Usage(no_run(path)));
        }
        let run = Self { path: path.to_path_buf(), _lock: lock(path)? };
        run.remove_temporary_files();
        Ok(run)
    }

    /// The folder of an earlier sweep, to go on with it.
    ///
    /// # Errors
    /// Usage if another wgrad works in it; Internal if the system refuses.
    pub fn open_sweep(path: &Path) -> Result<Self> {
        let sweep = Self { path: path.to_path_buf(), _lock: lock(path)? };
        sweep.remove_temporary_files();
        Ok(sweep)
    }

    fn create_at(path: &Path) -> Result<Self> {
        files::folder(path).map_err(|error| no_folder(path, &error))?;
        Self::check_new(path)?;
        let run = Self { path: path.to_path_buf(), _lock: lock(path)? };
        refuse_unless_empty(path)?;
        Ok(run)
    }

    fn create_numbered(parent: &Path, name: &str) -> Result<Self> {
        files::folder(parent).map_err(|error| no_folder(parent, &error))?;
        let name = folder_name(name);
        for number in 1_u64.. {
            let path = parent.join(format!("{name}-{number}"));
            match files::new_folder(&path) {
                Ok(()) => return Ok(Self { _lock: lock(&path)?, path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(no_folder(&path, &error)),
            }
        }
        unreachable!("the numbers do not end before the disk does")
    }

    /// Removes what a run that came to nothing has left: its options, its checkpoints, its lock, and the folder, if it is empty then.
    /// What cannot be removed stays.
    pub fn discard(&self) {
        self.remove_temporary_files();
        let files = self.checkpoints().into_iter().chain([self.run_toml(), self.path.join(LOCK)]);
        files.for_each(|path| drop(files::remove(&path)));
        files::remove_folder(&self.path);
    }

    /// Whether a wgrad works in this folder now. The folder stays as it is.
    pub fn is_in_use(path: &Path) -> bool {
        let file = files::open_own(&path.join(LOCK)).ok().flatten();
        file.is_some_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every option of the run, resolved: enough to run it again.
    pub fn run_toml(&self) -> PathBuf {
        self.path.join(OPTIONS)
    }

    /// One JSON object a line: what each epoch came to.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// The trained model.
    pub fn model(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// The state from which training goes on: the newest is number 0, the one before it 1, and so on.
    pub fn checkpoint(&self, number: usize) -> PathBuf {
        self.path.join(run::checkpoint(number))
    }

    /// The checkpoints that are there, newest first. A number may be missing where saving was cut short.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        (0..=MOST_CHECKPOINTS).map(|number| self.checkpoint(number)).filter(|path| path.exists()).collect()
    }

    /// Makes room for a new checkpoint: the newest gets the next number, and so do those behind it, up to the first number that is free.
    /// None is removed before the new one is in its place ([`prune_checkpoints`](Self::prune_checkpoints)).
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn shift_checkpoints(&self) -> Result<()> {
        let free = (0..=MOST_CHECKPOINTS).find(|&number| !self.checkpoint(number).exists());
        for number in (0..free.unwrap_or(MOST_CHECKPOINTS)).rev() {
            let path = self.checkpoint(number);
            files::rename(&path, &self.checkpoint(number + 1))?;
        }
        Ok(())
    }

    /// Removes all checkpoints but the newest `keep`.
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn prune_checkpoints(&self, keep: usize) -> Result<()> {
        let old = self.checkpoints();
        old.iter().skip(keep).try_for_each(|path| files::remove(path))
    }

    /// Leaves the epochs up to `epoch` in `metrics.jsonl`: what was written after the checkpoint that training goes on from is written
    /// again.
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn truncate_metrics(&self, epoch: usize) -> Result<()> {
        let path = self.metrics();
        Place::own(&path).check()?;
        let of_before = |line: &[u8]| {
            let record: Option<serde_json::Value> = serde_json::from_slice(line).ok();
            line.ends_with(b"\n")
                && record.and_then(|record| record["epoch"].as_u64()).is_some_and(|found| found <= epoch as u64)
        };
        let mut is_all = true;
        each_line(&path, |line| {
            is_all &= of_before(line);
            Ok(())
        })?;
        if is_all {
            return Ok(());
        }
        let kept = |file: &mut dyn Write| {
            each_line(&path, |line| match of_before(line) {
                true => file.write_all(line).map_err(|error| Error::writing(&path, &error)),
                false => Ok(()),
            })
        };
        Place::own(&path).save(kept, |_| Ok(()))
    }

    /// The report to read in a browser.
    pub fn report(&self) -> PathBuf {
        self.path.join(run::REPORT)
    }

    /// What the report is made of, beside the other files.
    pub fn report_data(&self) -> PathBuf {
        self.path.join(run::REPORT_DATA)
    }

    /// Appends `record` to `metrics.jsonl` as one line, in one write.
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn append_metrics(&self, record: &impl Serialize) -> Result<()> {
        let path = self.metrics();
        let mut line = serde_json::to_vec(record).map_err(|error| Error::Internal(format!("a metrics record: {error}")))?;
        line.push(b'\n');
        files::append(&path)?.write_all(&line).map_err(|error| Error::writing(&path, &error))
    }

    /// Brings `metrics.jsonl` onto the disk, before a checkpoint that comes after it.
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn sync_metrics(&self) -> Result<()> {
        let path = self.metrics();
        if !path.exists() {
            return Ok(());
        }
        files::append(&path)?.sync_all().map_err(|error| Error::writing(&path, &error))
    }

    /// Saves `text` as `run.toml`.
    ///
    /// # Errors
    /// Limit, if it is longer than wgrad reads; Internal if the system refuses or the file does not read back as it was written.
    pub fn write_run_toml(&self, text: &str) -> Result<()> {
        if text.len() as u64 > run::OPTIONS_BYTES {
            return Err(Error::Limit(format!(
                "the options take {} bytes, and {OPTIONS} has {} at most; name fewer columns",
                text.len(),
                run::OPTIONS_BYTES
            )));
        }
        Place::own(&self.run_toml()).save_bytes(text.as_bytes(), |_| Ok(()))
    }

    /// Removes what a killed process had not finished writing. Called with the lock held; what stays does no harm.
    fn remove_temporary_files(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if files::is_temporary(&name) {
                drop(files::remove(&entry.path()));
            }
        }
    }
}

/// Gives each line of a file with its end, cut where it is longer than any line of wgrad's; nothing where there is no file.
fn each_line(path: &Path, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let unreadable = |error| Error::reading(path, &error);
    let Some(file) = files::open_own(path).map_err(unreadable)? else { return Ok(()) };
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    while (&mut reader).take(run::METRICS_LINE).read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        take(&line)?;
        line.clear();
    }
    Ok(())
}

/// The model file that a MODEL argument means: the file itself, or a run folder's `model.safetensors`.
///
/// # Errors
/// Model, saying what is there instead.
pub fn resolve_model(path: &Path) -> Result<PathBuf> {
    let name = shown(&path.to_string_lossy());
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Model(format!(
            "{name}: there is no such file or folder{}; MODEL is a run's folder or its {MODEL} (wgrad runs lists what there is)",
            near(path)
        )),
        _ => Error::Model(format!("{name}: cannot be read: {error}")),
    })?;
    if !metadata.is_dir() {
        return Ok(path.to_path_buf());
    }
    let model = path.join(MODEL);
    if model.is_file() {
        return Ok(model);
    }
    Err(Error::Model(if path.join(CHECKPOINT).is_file() {
        format!(
            "{name}: has a checkpoint but no {MODEL} yet: its training was not finished; wgrad train --resume {} goes on",
            typed_path(path)
        )
    } else if let Some(folds) = refused_folds(path) {
        folds
    } else if is_sweep(path) {
        no_run(path)
    } else if path.join(OPTIONS).is_file() {
        format!("{name}: this run has saved no {MODEL}; train again")
    } else {
        format!("{name}: is a folder without a {MODEL}; name a run's folder or a model file")
    }))
}

/// Takes the lock of the folder `path`.
fn lock(path: &Path) -> Result<File> {
    let file_path = path.join(LOCK);
    let file = files::open_shared(&file_path)?;
    let name = shown(&path.to_string_lossy());
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Usage(format!(
            "another wgrad works in {name}; wait for it, stop it, or choose another folder with -o"
        ))),
        Err(TryLockError::Error(error)) => Err(Error::Internal(format!(
            "{name}: cannot be locked ({error}); choose a folder on a file system with locks with -o"
        ))),
    }
}

fn refuse_unless_empty(path: &Path) -> Result<()> {
    let unreadable = |error| Error::Internal(format!("{}: cannot be read: {error}", shown(&path.to_string_lossy())));
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.file_name();
        if entry == LOCK {
            continue;
        }
        let name = shown(&path.to_string_lossy());
        if [OPTIONS, METRICS, MODEL, CHECKPOINT].iter().any(|file| path.join(file).exists()) {
            return Err(Error::Usage(format!("{name}: holds a run already; choose a new folder with -o")));
        }
        if path.join(run::SWEEP_OPTIONS).exists() {
            return Err(Error::Usage(format!(
                "{name}: holds a sweep already; wgrad sweep --resume {} goes on with it, or choose a new folder with -o",
                typed_path(path)
            )));
        }
        let entry = shown(&entry.to_string_lossy());
        return Err(Error::Usage(format!("{name}: is not empty (it holds {entry}); choose a new folder with -o")));
    }
    Ok(())
}

fn no_folder(path: &Path, error: &std::io::Error) -> Error {
    let name = shown(&path.to_string_lossy());
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Error::Usage(format!("{name}: a file is in the way of this folder; choose another with -o"))
        }
        _ => Error::Internal(format!("{name}: this folder cannot be made: {error}")),
    }
}

/// `name` with only what every file system takes in a folder's name: letters, digits, `.`, `_`, `-`; at most 40 of them.
fn folder_name(name: &str) -> String {
    let kept = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let clean: String = name.chars().take(40).map(|c| if kept(c) { c } else { '-' }).collect();
    match clean.trim_matches(['.', '-']) {
        "" => "run".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(result: Result<RunFolder>) -> String {
        match result {
            Err(Error::Usage(sentence)) => sentence,
            other => panic!("not refused as a usage error: {other:?}"),
        }
    }

    #[test]
    fn a_second_run_in_the_same_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let run = RunFolder::create(Some(&path), "digits").unwrap();
        assert!(usage(RunFolder::create(Some(&path), "digits")).contains("another wgrad works in"));
        run.write_run_toml("seed = 1\n").unwrap();
        assert!(usage(RunFolder::create(Some(&path), "digits")).contains("another wgrad works in"));
        assert!(usage(RunFolder::open(&path)).contains("another wgrad works in"));

        drop(run);
        assert!(usage(RunFolder::create(Some(&path), "digits")).contains("holds a run"));
        assert!(RunFolder::open(&path).is_ok());
    }

    #[test]
    fn an_empty_folder_is_taken_and_a_full_one_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunFolder::create(Some(folder.path()), "digits").unwrap());
        drop(RunFolder::create(Some(folder.path()), "digits").unwrap());

        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("thesis.txt"), "x").unwrap();
        assert!(usage(RunFolder::create(Some(other.path()), "digits")).contains("thesis.txt"));
        assert!(!other.path().join(LOCK).exists());
        assert!(usage(RunFolder::create(Some(&other.path().join("thesis.txt")), "digits")).contains("a file is in the way"));
        assert!(usage(RunFolder::open(other.path())).contains("holds no run"));
    }

    #[test]
    fn runs_are_numbered_and_named_safely() {
        let folder = tempfile::tempdir().unwrap();
        let create = |name| RunFolder::create_numbered(folder.path(), name).unwrap();
        let (first, second) = (create("digits"), create("digits"));
        assert_eq!(first.path(), folder.path().join("digits-1"));
        assert_eq!(second.path(), folder.path().join("digits-2"));
        assert_eq!(folder_name("../a b\n.csv"), "a-b-.csv");
        assert_eq!(folder_name("-"), "run");
    }

    #[test]
    fn metrics_are_one_object_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(Some(folder.path()), "digits").unwrap();
        for epoch in 1..=2 {
            run.append_metrics(&serde_json::json!({ "epoch": epoch, "loss": 0.5 })).unwrap();
        }
        assert_eq!(fs::read_to_string(run.metrics()).unwrap(), "{\"epoch\":1,\"loss\":0.5}\n{\"epoch\":2,\"loss\":0.5}\n");
    }

    #[test]
    fn opening_a_run_clears_away_what_a_killed_process_left() {
        let folder = tempfile::tempdir().unwrap();
        RunFolder::create(Some(folder.path()), "digits").unwrap().write_run_toml("").unwrap();
        let left = folder.path().join(".wgrad-abc.tmp");
        fs::write(&left, "half").unwrap();
        RunFolder::open(folder.path()).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn the_last_checkpoints_are_kept_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(Some(folder.path()), "digits").unwrap();
        let kept = |keep: usize, name: &str| {
            run.shift_checkpoints().unwrap();
            fs::write(run.checkpoint(0), name).unwrap();
            run.prune_checkpoints(keep).unwrap();
            run.checkpoints().iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(kept(3, "a"), ["a"]);
        assert_eq!(kept(3, "b"), ["b", "a"]);
        assert_eq!(kept(3, "c"), ["c", "b", "a"]);
        assert_eq!(kept(3, "d"), ["d", "c", "b"]);
        assert_eq!(kept(2, "e"), ["e", "d"]);
        assert_eq!(kept(1, "f"), ["f"]);
        assert_eq!(kept(1, "g"), ["g"]);
        assert_eq!(kept(3, "h"), ["h", "g"]);
        // What a kill between the two has left: nothing moves over what is there.
        fs::remove_file(run.checkpoint(0)).unwrap();
        assert_eq!(kept(3, "i"), ["i", "g"]);
    }

    #[test]
    fn metrics_after_a_checkpoint_are_cut_off_with_what_was_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(Some(folder.path()), "digits").unwrap();
        run.truncate_metrics(3).unwrap();
        let lines = "{\"epoch\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n{\"epo";
        for (epoch, text, expected) in
            [(5, lines, &lines[..36]), (2, lines, &lines[..24]), (0, lines, ""), (3, &lines[..35], &lines[..24])]
        {
            fs::write(run.metrics(), text).unwrap();
            run.truncate_metrics(epoch).unwrap();
            assert_eq!(fs::read_to_string(run.metrics()).unwrap(), expected);
        }
    }

    #[test]
    fn a_model_argument_is_a_file_or_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let sentence = |path: &Path| match resolve_model(path) {
            Err(Error::Model(sentence)) => sentence,
            other => panic!("{other:?}"),
        };
        assert!(sentence(&folder.path().join("nothing")).contains("no such file"));
        assert!(sentence(folder.path()).contains("without a model.safetensors"));
        fs::write(folder.path().join("run.toml"), "").unwrap();
        assert!(sentence(folder.path()).contains("train again"));
        fs::write(folder.path().join(CHECKPOINT), "").unwrap();
        assert!(sentence(folder.path()).contains("not finished"));
        let model = folder.path().join(MODEL);
        fs::write(&model, "").unwrap();
        assert_eq!(resolve_model(folder.path()).unwrap(), model);
        assert_eq!(resolve_model(&model).unwrap(), model);
    }
}
