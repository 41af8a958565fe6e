//! Runs and models as people name them, for every command that takes one.

use std::path::{Path, PathBuf};

use super::print;
use crate::error::{Error, Result};
use crate::files::run::OPTIONS;
use crate::model::{Named, no_run};
use crate::training::run::Options;
use crate::training::run::options::Init;

/// The path of the run that the user named. If the name is not a path, prints which run it stands for, unless `quiet`.
///
/// # Errors
/// Model, if `latest` is named and there is no run.
pub(super) fn named(name: &Path, quiet: bool) -> Result<PathBuf> {
    Ok(told(Named::of(name)?.run(), quiet))
}

/// The path of the model that the user named, or of its run; prints what the name stands for, as [`named`] does.
///
/// # Errors
/// As there.
pub(super) fn named_model(name: &Path, quiet: bool) -> Result<PathBuf> {
    Ok(told(Named::of(name)?.model(), quiet))
}

fn told(Named { path, remark }: Named, quiet: bool) -> PathBuf {
    if !quiet {
        print::remarks(remark.as_slice());
    }
    path
}

/// The file of options that is named: itself, or that of a run.
///
/// # Errors
/// As [`named`]; usage, for a folder without a run.
pub(super) fn named_options(name: &Path, quiet: bool) -> Result<PathBuf> {
    let path = named(name, quiet)?;
    match (path.is_dir(), path.join(OPTIONS)) {
        (false, _) => Ok(path),
        (true, options) if options.is_file() => Ok(options),
        (true, _) => Err(Error::Usage(no_run(&path))),
    }
}

/// Options with the paths of the runs and models that they name.
///
/// # Errors
/// As [`named`].
pub(super) fn with_named_runs(mut options: Options, quiet: bool) -> Result<Options> {
    if let Some(model) = &mut options.finetune {
        *model = named_model(model, quiet)?;
    }
    if let Some(Init::File(file)) = &mut options.init {
        *file = named_model(file, quiet)?;
    }
    Ok(options)
}
