//! Which rows of the main table are for what: as shares of it, or as one fold of several.

use crate::data::{self, Fold, Fractions, Split};
use crate::error::{Error, Result};
use crate::training::run::options::Options;

/// The rows by what they are for.
pub(super) fn split(rows: usize, options: &Options, strata: Option<&[usize]>) -> Result<Split> {
    let (shares, seed) = (options.split(), options.split_seed.unwrap_or_else(|| options.seed()));
    match fold(options)? {
        None => data::split(rows, shares, seed, strata),
        Some(fold) if shares.test() > 0.0 => beside_test_rows(rows, fold, shares, seed, strata),
        Some(fold) => data::fold(rows, fold, shares, seed, strata),
    }
}

/// One fold of the rows that no test takes: the fold's rows validate, and the others are trained on.
fn beside_test_rows(rows: usize, fold: Fold, shares: Fractions, seed: u64, strata: Option<&[usize]>) -> Result<Split> {
    let Split { training: rest, test, .. } = data::split(rows, shares, seed, strata)?;
    let strata: Option<Vec<usize>> = strata.map(|strata| rest.iter().map(|&row| strata[row]).collect());
    let all = "1/0/0".parse().expect("shares that add up to 1");
    let of_fold = data::fold(rest.len(), fold, all, seed, strata.as_deref())?;
    let of_rest = |places: Vec<usize>| places.into_iter().map(|place| rest[place]).collect();
    Ok(Split { training: of_rest(of_fold.training), validation: of_rest(of_fold.test), test })
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

/// Refuses rows to test with beside folds that are tested in turn.
fn refuse_test_rows(split: Fractions) -> Result<()> {
    Err(Error::Usage(format!(
        "--folds sets test rows apart, and so does --split {split}: make its last share 0; the others share what is left; or take \
         'wgrad sweep', whose folds validate"
    )))
}

/// Refuses a cross-validation, whose folds are tested in turn, that sets rows apart to test with.
///
/// # Errors
/// Usage, if it does.
pub fn check_folds(options: &Options) -> Result<()> {
    options.split.filter(|split| split.test() > 0.0).map_or(Ok(()), refuse_test_rows)
}

/// Refuses a share of the rows that nothing would use, because a file holds what it is for.
pub(super) fn unused_share(options: &Options) -> Result<()> {
    let Some(split) = options.split else { return Ok(()) };
    let twice = [
        ("--validation", options.validation.is_some() && split.validation() > 0.0),
        ("--test", options.test.is_some() && split.test() > 0.0),
    ];
    if options.folds.is_some() && split.test() > 0.0 {
        if options.fold.is_none() {
            return refuse_test_rows(split);
        }
        if split.validation() > 0.0 {
            return Err(Error::Usage(format!(
                "--fold and --split {split}: where the split sets test rows apart, the fold validates; make the middle share 0"
            )));
        }
    }
    match twice.into_iter().find(|(_, twice)| *twice) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::Usage(format!(
            "{flag} names a file, and --split {split} sets rows apart for the same: make that share 0, or leave one of the two out"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row that is no test row validates in one fold, and is trained on in the others; the test rows are those without folds.
    #[test]
    fn folds_beside_test_rows_validate_in_turn() {
        let strata: Vec<usize> = (0..100).map(|row| row % 3).collect();
        let of = |folds: Option<usize>, fold| {
            let options = Options { folds, fold, split: "0.9/0/0.1".parse().ok(), seed: Some(3), ..Options::default() };
            unused_share(&options).expect("shares that are used");
            split(100, &options, Some(&strata)).expect("a split")
        };
        let plain = of(None, None);
        let mut validating = Vec::new();
        for fold in 1..=4 {
            let split = of(Some(4), Some(fold));
            assert_eq!(split.test, plain.test);
            let mut all = [&split.training[..], &split.validation, &split.test].concat();
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
            validating.extend(split.validation);
        }
        validating.sort_unstable();
        assert_eq!(validating, plain.training);
        for split in ["0.9/0/0.1", "0.8/0.1/0.1"] {
            let fold = (split != "0.9/0/0.1").then_some(1);
            let options = Options { folds: Some(4), fold, split: split.parse().ok(), ..Options::default() };
            unused_share(&options).expect_err(split);
        }
    }

    #[test]
    fn runs_of_other_seeds_share_a_split_if_its_seed_is_said() {
        let rows = |seed: u64, split_seed, folds| {
            let options = Options { seed: Some(seed), split_seed, folds, ..Options::default() };
            split(100, &options, None).expect("a split")
        };
        for folds in [None, Some(4)] {
            assert_eq!(rows(1, Some(7), folds), rows(2, Some(7), folds));
            assert_ne!(rows(1, None, folds), rows(2, None, folds));
            assert_eq!(rows(7, None, folds), rows(2, Some(7), folds), "it is the same seed");
        }
    }
}
