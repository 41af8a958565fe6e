//! Which run a name means: a path, a run's name without its folder, or `latest`; and folders of folds, which are no run.

use std::cmp::Ordering;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result, closest_path, neighbour, shown, typed_path};
use crate::files::run::{FOLDS, OPTIONS, SWEEP_OPTIONS, best, best_ensemble, fold};

/// The folder of runs, in the current folder.
pub const RUNS: &str = "runs";
/// The name of the newest run in it.
pub const LATEST: &str = "latest";

/// What the name of a run, or of a file in one, means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The path.
    pub path: PathBuf,
    /// What a person should hear of it; nothing where the name is a path.
    pub remark: Option<String>,
}

impl Named {
    /// What a name means: the file or folder of this very name, if there is one, here or else in `runs`; of `latest` the newest run
    /// there. What is none of these stays as it is.
    ///
    /// # Errors
    /// Model, if `latest` is named and there is no run.
    pub fn of(name: &Path) -> Result<Self> {
        Self::within(Path::new(RUNS), name)
    }

    /// The run that is meant: of a sweep's folder that of its best trial.
    #[must_use]
    pub fn run(self) -> Self {
        let best = best(&self.path);
        if !is_sweep(&self.path) || !best.join(OPTIONS).is_file() {
            return self;
        }
        let said = |path: &Path| shown(&path.to_string_lossy());
        let of_sweep = format!("{} is a sweep; its best run is {}", said(&self.path), said(&best));
        let remark = self.remark.map_or_else(|| of_sweep.clone(), |remark| format!("{remark}; {of_sweep}"));
        Self { path: best, remark: Some(remark) }
    }

    /// The model that is meant: of a sweep's folder that of its best trials together, if they were asked for, or else that of the best.
    #[must_use]
    pub fn model(self) -> Self {
        let together = best_ensemble(&self.path);
        if !is_sweep(&self.path) || !together.is_file() {
            return self.run();
        }
        let said = |path: &Path| shown(&path.to_string_lossy());
        let of_sweep =
            format!("{} is a sweep; the model of its best trials together is {}", said(&self.path), said(&together));
        let remark = self.remark.map_or_else(|| of_sweep.clone(), |remark| format!("{remark}; {of_sweep}"));
        Self { path: together, remark: Some(remark) }
    }

    fn within(runs: &Path, name: &Path) -> Result<Self> {
        let mut parts = name.components();
        let is_bare = name.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_bare || name.symlink_metadata().is_ok() {
            return Ok(Self { path: name.to_path_buf(), remark: None });
        }
        let said = |path: &Path| shown(&path.to_string_lossy());
        let path = runs.join(name);
        if path.exists() {
            return Ok(Self { remark: Some(format!("{} is {}", said(name), said(&path))), path });
        }
        if parts.next().is_some_and(|first| first.as_os_str() == LATEST) {
            let run = newest(runs).ok_or_else(|| {
                let here = said(runs);
                Error::Model(format!("{LATEST}: there is no run in {here}/ of the current folder; name a run's folder"))
            })?;
            let rest = parts.as_path();
            let path = if rest.as_os_str().is_empty() { run.clone() } else { run.join(rest) };
            return Ok(Self { path, remark: Some(format!("{LATEST} is {}", said(&run))) });
        }
        Ok(Self { path: name.to_path_buf(), remark: None })
    }
}

/// Whether a folder holds a sweep.
pub fn is_sweep(folder: &Path) -> bool {
    folder.join(SWEEP_OPTIONS).is_file()
}

/// The folders in a folder of runs, each a run, that of a sweep's best trial, or the folds of a cross-validation.
///
/// # Errors
/// The system's, if the folder cannot be read.
pub fn runs_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.join(OPTIONS).symlink_metadata().is_ok() || is_folds(&path) {
            runs.push(path);
        } else if is_sweep(&path) && best(&path).join(OPTIONS).is_file() {
            runs.push(best(&path));
        }
    }
    Ok(runs)
}

/// The newest of the runs in a folder; of those of the same time the one of the higher number.
fn newest(runs: &Path) -> Option<PathBuf> {
    let runs = runs_in(runs).ok()?;
    runs.into_iter().max_by(|a, b| made(a).cmp(&made(b)).then_with(|| by_name(a, b)))
}

/// When a run was begun, or went on last: the time of its options. That of a cross-validation is its last fold's.
pub fn made(run: &Path) -> Option<SystemTime> {
    let time = |path: PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let all = folds_of(run).into_iter().map(|fold| fold.join(OPTIONS)).chain([run.join(OPTIONS)]);
    all.filter_map(time).max().or_else(|| time(run.join(FOLDS)))
}

/// The order of two names in which numbers count as numbers: `a-2` comes before `a-10`.
pub fn by_name(a: &Path, b: &Path) -> Ordering {
    let parts = |path: &Path| {
        let (mut parts, mut text) = (Vec::new(), path.to_string_lossy().into_owned());
        while !text.is_empty() {
            let is_digit = text.starts_with(|character: char| character.is_ascii_digit());
            let end = text.find(|character: char| character.is_ascii_digit() != is_digit).unwrap_or(text.len());
            let rest = text.split_off(end);
            parts.push((text.parse::<u64>().ok(), text));
            text = rest;
        }
        parts
    };
    parts(a).cmp(&parts(b))
}

/// The folds of a cross-validation that have a folder in this one, in their order; none of what is a run itself.
pub fn folds_of(folder: &Path) -> Vec<PathBuf> {
    if folder.join(OPTIONS).symlink_metadata().is_ok() {
        return Vec::new();
    }
    (1..).map(|number| fold(folder, number)).take_while(|fold| fold.is_dir()).collect()
}

/// Whether a folder holds the folds of a cross-validation.
pub fn is_folds(folder: &Path) -> bool {
    !folds_of(folder).is_empty() || folder.join(FOLDS).is_file() && folder.join(OPTIONS).symlink_metadata().is_err()
}

/// Why a folder is not the one of a run: it is not there, is a cross-validation, or holds none.
pub fn no_run(path: &Path) -> String {
    let name = shown(&path.to_string_lossy());
    if !path.exists() {
        return format!("{name}: there is no such folder{}; name a run's folder", near(path));
    }
    if is_sweep(path) {
        return format!("{name}: is a sweep that has no best run yet; wgrad sweep --resume {} goes on", typed_path(path));
    }
    refused_folds(path).unwrap_or_else(|| format!("{name}: holds no run (there is no {OPTIONS} in it); name a run's folder"))
}

/// What to say where one run is needed and the folder is a cross-validation; nothing if it is none.
pub(super) fn refused_folds(path: &Path) -> Option<String> {
    let (name, folds) = (shown(&path.to_string_lossy()), folds_of(path));
    is_folds(path).then(|| match folds.first() {
        None => format!("{name}: is a cross-validation whose folds are not there any more"),
        Some(first) => {
            let count = folds.len();
            let one =
                if count == 1 { "one fold so far; name it".into() } else { format!("{count} folds; name one of them") };
            format!("{name}: is a cross-validation of {one}: {}", typed_path(first))
        }
    })
}

/// A run, or else a path, that is called much like one that is not there, as a question.
pub(super) fn near(path: &Path) -> String {
    let run = path.is_relative().then(|| closest_path(&Path::new(RUNS).join(path))).flatten();
    run.map_or_else(|| neighbour(path), |run| format!(", did you mean '{}'?", shown(&run.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A folder of runs, each with so many seconds since the first.
    fn runs(made: &[(&str, u64)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (name, seconds) in made {
            let run = folder.path().join(name);
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join(OPTIONS), "").unwrap();
            let file = fs::File::options().write(true).open(run.join(OPTIONS)).unwrap();
            file.set_modified(start + Duration::from_secs(*seconds)).unwrap();
        }
        folder
    }

    #[test]
    fn the_newest_run_is_latest_and_of_the_same_time_that_of_the_higher_number() {
        let folder = runs(&[("a-9", 5), ("a-10", 5), ("b-1", 3), ("c-1/fold-1", 1), ("c-1/fold-2", 2)]);
        fs::create_dir(folder.path().join("no-run")).unwrap();
        let of = |name: &str| Named::within(folder.path(), Path::new(name)).unwrap();
        assert_eq!(of("latest").path, folder.path().join("a-10"));
        assert!(of("latest").remark.unwrap().starts_with("latest is "));
        assert_eq!(of("latest/run.toml").path, folder.path().join("a-10/run.toml"));
        fs::create_dir(folder.path().join("latest")).unwrap();
        assert_eq!(of("latest").path, folder.path().join("latest"), "a run of this very name");
        let later = runs(&[("a-1", 5), ("c-1/fold-1", 1), ("c-1/fold-2", 7)]);
        assert_eq!(newest(later.path()), Some(later.path().join("c-1")), "a cross-validation is as new as its last fold");
        let empty = tempfile::tempdir().unwrap();
        let error = Named::within(empty.path(), Path::new("latest")).unwrap_err();
        assert!(matches!(&error, Error::Model(sentence) if sentence.contains("there is no run in")), "{error}");
    }

    #[test]
    fn a_run_is_found_by_its_name_and_what_is_there_by_that_name_comes_first() {
        let folder = runs(&[("a-1", 0), ("src", 0)]);
        let of = |name: &str| Named::within(folder.path(), Path::new(name)).unwrap();
        assert_eq!(of("a-1").path, folder.path().join("a-1"));
        assert!(of("a-1").remark.unwrap().starts_with("a-1 is "));
        // Tests run in the folder of the crate, where there is a src.
        for name in ["src", "./a-1", "../a-1", "/a-1", "b-1"] {
            assert_eq!(of(name), Named { path: name.into(), remark: None });
        }
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["b-1", "a-10", "a-9", "a-9b", "a"].map(Path::new);
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["a", "a-9", "a-9b", "a-10", "b-1"].map(Path::new));
    }

    #[test]
    fn a_folder_of_folds_names_one_of_them() {
        let folder = runs(&[("c-1/fold-1", 1), ("c-1/fold-2", 2), ("d-1", 3)]);
        let folds = folder.path().join("c-1");
        assert!(is_folds(&folds) && !is_folds(&folder.path().join("d-1")) && !is_folds(folder.path()));
        let said = no_run(&folds);
        assert!(
            said.contains("a cross-validation of 2 folds; name one of them: ") && said.ends_with("c-1/fold-1"),
            "{said}"
        );
        assert!(no_run(folder.path()).contains("holds no run"));
        assert!(no_run(&folder.path().join("e")).contains("no such folder"));
    }
}
