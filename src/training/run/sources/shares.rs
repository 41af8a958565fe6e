//! Which rows of the main table are for what: as shares of it, or as one fold of several.

use crate::data::{self, Fold, Split};
use crate::error::{Error, Result};
use crate::training::run::options::Options;

/// The rows by what they are for.
pub(super) fn split(rows: usize, options: &Options, strata: Option<&[usize]>) -> Result<Split> {
    let (shares, seed) = (options.split(), options.seed());
    match fold(options)? {
        None => data::split(rows, shares, seed, strata),
        Some(fold) => data::fold(rows, fold, shares, seed, strata),
    }
}

/// The fold whose rows are the test rows, in a cross-validation.
fn fold(options: &Options) -> Result<Option<Fold>> {
    let number = options.fold.unwrap_or(1);
    let refused = |what: String| Err(Error::Usage(what));
    match options.folds {
        None if options.fold.is_some() => refused(format!("--fold {number}: of how many (--folds NUMBER)?")),
        None => Ok(None),
        Some(_) if options.test.is_some() => {
            refused("--folds and --test: each fold is tested on its own rows; leave one of the two out".into())
        }
        Some(of) if of < 2 => refused(format!("--folds {of}: two at least")),
        Some(of) if number == 0 || number > of => refused(format!("--fold {number}: there are the folds 1 to {of}")),
        Some(of) => Ok(Some(Fold { number, of })),
    }
}

/// Refuses a share of the rows that nothing would use, because a file holds what it is for.
pub(super) fn unused_share(options: &Options) -> Result<()> {
    let Some(split) = options.split else { return Ok(()) };
    let twice = [
        ("--validation", options.validation.is_some() && split.validation() > 0.0),
        ("--test", options.test.is_some() && split.test() > 0.0),
    ];
    if options.folds.is_some() && split.test() > 0.0 {
        return Err(Error::Usage(format!(
            "--folds sets test rows apart, and so does --split {split}: make its last share 0; the others share what is left"
        )));
    }
    match twice.into_iter().find(|(_, twice)| *twice) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::Usage(format!(
            "{flag} names a file, and --split {split} sets rows apart for the same: make that share 0, or leave one of the two out"
        ))),
    }
}
