//! Which rows are trained on, which choose the best epoch, and which are kept for the last judgement.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, shown};
use crate::random::{Purpose, Stream};

/// The rows of each part, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows that weights, scaling and categories are fitted on.
    pub training: Vec<usize>,
    /// The rows that early stopping looks at.
    pub validation: Vec<usize>,
    /// The rows that only the final figures come from.
    pub test: Vec<usize>,
}

/// The shares of training, validation and test; written `0.8/0.1/0.1`. They add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fractions {
    training: f64,
    validation: f64,
    test: f64,
}

impl Fractions {
    /// The share of training, above 0.
    pub fn training(self) -> f64 {
        self.training
    }

    /// The share of validation, perhaps 0.
    pub fn validation(self) -> f64 {
        self.validation
    }

    /// The share of test, perhaps 0.
    pub fn test(self) -> f64 {
        self.test
    }
}

impl Default for Fractions {
    fn default() -> Self {
        Self { training: 0.8, validation: 0.1, test: 0.1 }
    }
}

impl FromStr for Fractions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const SLACK: f64 = 1e-9;
        let parts: Option<Vec<f64>> = text.split('/').map(|part| part.trim().parse().ok()).collect();
        match parts.as_deref() {
            Some(&[training, validation, test])
                if training > 0.0
                    && validation >= 0.0
                    && test >= 0.0
                    && (training + validation + test - 1.0).abs() < SLACK =>
            {
                Ok(Self { training, validation, test })
            }
            _ => Err(Error::Usage(format!(
                "a split is three shares that add up to 1 (training above 0, validation, test), as 0.8/0.1/0.1, not '{}'",
                shown(text)
            ))),
        }
    }
}

impl Display for Fractions {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}/{}", self.training, self.validation, self.test)
    }
}

crate::text::as_text!(Fractions);

/// One of several folds of the rows, which take turns in being the test rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Which, from 1.
    pub number: usize,
    /// Of so many.
    pub of: usize,
}

/// Splits rows 0..`rows` at random, as a function of the seed. Validation and test get their share, rounded; training gets
/// the rest. With `stratify`, the class of each row, every class is shared out alike, and its last row is always trained on.
///
/// # Errors
/// Data, if no row is left for training.
///
/// # Panics
/// If `stratify` does not name one class a row.
pub fn split(rows: usize, fractions: Fractions, seed: u64, stratify: Option<&[usize]>) -> Result<Split> {
    let split = shared_out(strata(rows, stratify), fractions, &mut Stream::new(seed, Purpose::Split, 0), stratify.is_some());
    if split.training.is_empty() {
        return Err(Error::Data(format!(
            "{rows} rows split {fractions} leave none for training; give more rows or change --split"
        )));
    }
    Ok(split)
}

/// One fold of rows 0..`rows`, which are dealt out to the folds at random, as a function of the seed: the fold's rows are the test rows,
/// and the others are split by `fractions`, which have no share of test rows. With `stratify`, the class of each row, every class is
/// dealt out alike, and one of a single row is always trained on.
///
/// # Errors
/// Data, if there are more folds than rows, or no row is left for training.
///
/// # Panics
/// If `stratify` does not name one class a row.
pub fn fold(rows: usize, fold: Fold, fractions: Fractions, seed: u64, stratify: Option<&[usize]>) -> Result<Split> {
    if fold.of > rows {
        return Err(Error::Data(format!(
            "{rows} rows make no {} folds; give more rows or a smaller number (--folds)",
            fold.of
        )));
    }
    let (mut stream, mut dealt, mut test) = (Stream::new(seed, Purpose::Split, 0), 0, Vec::new());
    let mut others = strata(rows, stratify);
    for members in others.iter_mut().filter(|members| stratify.is_none() || members.len() > 1) {
        stream.shuffle(members);
        test.extend(members.extract_if(.., |_| {
            dealt += 1;
            dealt % fold.of == fold.number % fold.of
        }));
    }
    let of_fold = &mut Stream::new(seed, Purpose::Split, fold.number as u64);
    let mut split = shared_out(others, fractions, of_fold, stratify.is_some());
    test.sort_unstable();
    split.test = test;
    if split.test.is_empty() {
        return Err(Error::Data(format!(
            "fold {} of {} has no row: classes of a single row are always trained on (--stratify=false deals all rows out)",
            fold.number, fold.of
        )));
    }
    if split.training.is_empty() {
        return Err(Error::Data(format!(
            "{rows} rows in {} folds split {fractions} leave none for training; give more rows or change --split",
            fold.of
        )));
    }
    Ok(split)
}

/// The rows of each class in order, or all rows where there are none.
fn strata(rows: usize, classes: Option<&[usize]>) -> Vec<Vec<usize>> {
    let Some(classes) = classes else { return vec![(0..rows).collect()] };
    assert_eq!(classes.len(), rows, "one class a row");
    let mut strata: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &class) in classes.iter().enumerate() {
        strata.entry(class).or_default().push(row);
    }
    strata.into_values().collect()
}

/// Shares out the rows of each stratum at random, of which the last is trained on if `keeps_last`.
fn shared_out(strata: Vec<Vec<usize>>, fractions: Fractions, stream: &mut Stream, keeps_last: bool) -> Split {
    let sizes: Vec<usize> = strata.iter().map(Vec::len).collect();
    let kept: Vec<usize> = sizes.iter().map(|&size| size.saturating_sub(usize::from(keeps_last))).collect();
    let test = shares(&sizes, &kept, fractions.test);
    let left: Vec<usize> = kept.iter().zip(&test).map(|(kept, test)| kept - test).collect();
    let validation = shares(&sizes, &left, fractions.validation);

    let mut split = Split { training: Vec::new(), validation: Vec::new(), test: Vec::new() };
    for ((mut members, test), validation) in strata.into_iter().zip(test).zip(validation) {
        stream.shuffle(&mut members);
        split.test.extend(members.drain(..test));
        split.validation.extend(members.drain(..validation));
        // One stratum's rows are many and need not be copied.
        if split.training.is_empty() {
            split.training = members;
        } else {
            split.training.extend(members);
        }
    }
    for part in [&mut split.training, &mut split.validation, &mut split.test] {
        part.shrink_to_fit();
        part.sort_unstable();
    }
    split
}

/// How many of each stratum make up `fraction` of all (largest remainder), at most `available` of each.
fn shares(sizes: &[usize], available: &[usize], fraction: f64) -> Vec<usize> {
    let total = (sizes.iter().sum::<usize>() as f64 * fraction).round() as usize;
    let exact: Vec<f64> = sizes.iter().map(|&size| size as f64 * fraction).collect();
    let mut shares: Vec<usize> =
        exact.iter().zip(available).map(|(exact, &available)| (*exact as usize).min(available)).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    let remainder = |stratum: usize| exact[stratum] - exact[stratum].floor();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let missing = total.saturating_sub(shares.iter().sum());
    let takers: Vec<usize> =
        order.into_iter().filter(|&stratum| shares[stratum] < available[stratum]).take(missing).collect();
    takers.into_iter().for_each(|stratum| shares[stratum] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_fold_and_folds_differ_by_a_row() {
        for (rows, of) in [(10, 5), (23, 4), (7, 7), (3, 2)] {
            let folds: Vec<Split> =
                (1..=of).map(|number| fold(rows, Fold { number, of }, fractions("1/0/0"), 3, None).unwrap()).collect();
            let mut all: Vec<usize> = folds.iter().flat_map(|split| split.test.clone()).collect();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>(), "{rows} rows in {of} folds");
            for split in &folds {
                assert!(split.test.len().abs_diff(rows / of) <= 1, "{split:?}");
                let mut both = [split.training.clone(), split.test.clone()].concat();
                both.sort_unstable();
                assert_eq!(both, (0..rows).collect::<Vec<_>>());
            }
        }
        assert!(fold(3, Fold { number: 1, of: 4 }, fractions("1/0/0"), 0, None).is_err());
    }

    #[test]
    fn classes_are_dealt_out_alike_and_a_single_row_is_always_trained_on() {
        let classes: Vec<usize> = (0..41).map(|row| usize::from(row >= 30) + usize::from(row == 40)).collect();
        for number in 1..=5 {
            let split = fold(41, Fold { number, of: 5 }, fractions("0.8/0.2/0"), 1, Some(&classes)).unwrap();
            let count = |part: &[usize], class: usize| part.iter().filter(|&&row| classes[row] == class).count();
            assert_eq!([0, 1, 2].map(|class| count(&split.test, class)), [6, 2, 0], "fold {number}");
            assert_eq!(split.validation.len(), 7);
            assert_eq!(count(&split.training, 2), 1);
        }
    }

    fn fractions(text: &str) -> Fractions {
        text.parse().unwrap()
    }

    fn sizes(split: &Split) -> (usize, usize, usize) {
        (split.training.len(), split.validation.len(), split.test.len())
    }

    #[test]
    fn every_row_is_in_exactly_one_part_and_parts_ascend() {
        for rows in [1, 2, 3, 7, 10, 99, 1000] {
            for text in ["0.8/0.1/0.1", "0.6/0.25/0.15", "1/0/0", "0.5/0/0.5"] {
                let classes: Vec<usize> = (0..rows).map(|row| row * row % 5 % 3).collect();
                for stratify in [None, Some(classes.as_slice())] {
                    let Ok(split) = split(rows, fractions(text), 3, stratify) else { continue };
                    for part in [&split.training, &split.validation, &split.test] {
                        assert!(part.is_sorted(), "{rows} rows, {text}");
                    }
                    let mut all = [split.training, split.validation, split.test].concat();
                    all.sort_unstable();
                    assert_eq!(all, (0..rows).collect::<Vec<_>>(), "{rows} rows, {text}");
                }
            }
        }
    }

    #[test]
    fn validation_and_test_are_rounded_and_training_gets_the_rest() {
        assert_eq!(sizes(&split(1797, Fractions::default(), 0, None).unwrap()), (1437, 180, 180));
        assert_eq!(sizes(&split(10, fractions("1/0/0"), 0, None).unwrap()), (10, 0, 0));
        assert_eq!(sizes(&split(5, fractions("0.5/0.25/0.25"), 0, None).unwrap()), (3, 1, 1));
        assert!(split(0, Fractions::default(), 0, None).is_err());
        assert!(split(2, fractions("0.2/0.4/0.4"), 0, None).is_err());
    }

    #[test]
    fn the_seed_alone_decides() {
        let of = |seed| split(100, Fractions::default(), seed, None).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(of(1).test, [1, 14, 20, 29, 56, 69, 72, 75, 84, 86], "the split of seed 1 is fixed for ever");
    }

    #[test]
    fn a_stratified_split_shares_out_every_class_alike() {
        let classes: Vec<usize> = (0..1000).map(|row| if row % 10 == 0 { 1 } else { 0 }).collect();
        let split = split(1000, Fractions::default(), 5, Some(&classes)).unwrap();
        let rare = |part: &[usize]| part.iter().filter(|&&row| classes[row] == 1).count();
        assert_eq!((rare(&split.training), rare(&split.validation), rare(&split.test)), (80, 10, 10));
        assert_eq!(sizes(&split), (800, 100, 100));
    }

    #[test]
    fn a_stratified_split_trains_on_every_class() {
        let classes = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2];
        for seed in 0..50 {
            let split = split(10, fractions("0.4/0.3/0.3"), seed, Some(&classes)).unwrap();
            for class in 0..3 {
                assert!(split.training.iter().any(|&row| classes[row] == class), "seed {seed}, class {class}");
            }
        }
    }

    #[test]
    fn fractions_are_written_as_they_are_read() {
        assert_eq!(fractions("0.7/0.2/0.1").to_string(), "0.7/0.2/0.1");
        let json = serde_json::to_string(&fractions("0.5/0.5/0")).unwrap();
        assert_eq!(json, "\"0.5/0.5/0\"");
        assert_eq!(serde_json::from_str::<Fractions>(&json).unwrap(), fractions("0.5/0.5/0"));
        for wrong in ["", "0.8", "0.8/0.2", "0.8/0.1/0.2", "0/0.5/0.5", "1.2/-0.1/-0.1", "NaN/0/0", "a/b/c", "1/0/0/0"] {
            assert!(matches!(wrong.parse::<Fractions>(), Err(Error::Usage(_))), "{wrong}");
        }
    }
}
