//! How much each option of a sweep mattered: the share of the differences between trials that it explains alone.
//!
//! Trials are ranked by their scores after the same number of epochs. Those with neighbouring values of an option form a group, up to
//! five of ranges and one for each value of a list, and ω² = (SS between - (groups - 1) · MS within) / (SS total + MS within) is the
//! share of the ranks' variance that the groups explain beyond chance (Hays, "Statistics", 1963). What options do only together is
//! in no share.

use std::collections::BTreeMap;

use serde_json::Value;

use super::record::{Importance, TrialRecord, Varied};

/// The most groups of a range, and the fewest trials of a group.
const GROUPS: usize = 5;
const LEAST: usize = 4;

/// How much each option mattered, the most first, by the scores after so many epochs, of all trials that have as many.
pub fn importance(trials: &[TrialRecord], varied: &[Varied], epochs: usize, lower_is_better: bool) -> Vec<Importance> {
    let scored: Vec<(&TrialRecord, f64)> =
        trials.iter().filter_map(|trial| Some((trial, score_after(trial, epochs)?))).collect();
    let ranks = ranks(&scored.iter().map(|(_, score)| if lower_is_better { -score } else { *score }).collect::<Vec<_>>());
    let of = |option: &Varied| {
        let values: Vec<&Value> =
            scored.iter().map(|(trial, _)| trial.options.get(&option.key).unwrap_or(&Value::Null)).collect();
        let groups = if option.is_range { of_range(&values) } else { of_list(&values) };
        Importance { key: option.key.clone(), share: omega_squared(&ranks, &groups) }
    };
    let mut all: Vec<Importance> = varied.iter().map(of).collect();
    all.sort_by(|a, b| b.share.unwrap_or(-1.0).total_cmp(&a.share.unwrap_or(-1.0)));
    all
}

/// The score of the best of a trial's first epochs, by its validation loss; none of a trial with fewer, or none that is finite.
fn score_after(trial: &TrialRecord, epochs: usize) -> Option<f64> {
    let losses = trial.curve.validation_loss.get(..epochs)?;
    let best = losses.iter().enumerate().filter(|(_, loss)| loss.is_finite()).min_by(|a, b| a.1.total_cmp(b.1))?.0;
    trial.curve.score.get(best).copied().flatten().filter(|score| score.is_finite())
}

/// The place of each number among all, from 0, equal ones having their mean.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let (mut ranks, mut first) = (vec![0.0; numbers.len()], 0);
    while first < order.len() {
        let equal = order[first..].iter().take_while(|&&place| numbers[place] == numbers[order[first]]).count();
        order[first..first + equal].iter().for_each(|&place| ranks[place] = first as f64 + (equal - 1) as f64 / 2.0);
        first += equal;
    }
    ranks
}

/// The group of each trial by its number, as many in each as can be; equal numbers are in one group.
fn of_range(values: &[&Value]) -> Vec<usize> {
    let numbers: Vec<f64> = values.iter().map(|value| number(value).unwrap_or(f64::NAN)).collect();
    let count = (values.len() / LEAST).clamp(1, GROUPS) as f64;
    ranks(&numbers).into_iter().map(|rank| (rank * count / values.len() as f64) as usize).collect()
}

/// The number that a value of a range is: a list of one number, as of hidden layers, is that number.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Array(several) if several.len() == 1 => several[0].as_f64(),
        other => other.as_f64(),
    }
}

/// The group of each trial by its value.
fn of_list(values: &[&Value]) -> Vec<usize> {
    let mut groups = BTreeMap::new();
    values
        .iter()
        .map(|value| {
            let next = groups.len();
            *groups.entry(value.to_string()).or_insert(next)
        })
        .collect()
}

/// ω² of numbers in groups, not below 0; none where there are too few numbers, or no differences.
fn omega_squared(numbers: &[f64], groups: &[usize]) -> Option<f64> {
    let count = groups.iter().max()? + 1;
    let (rows, mean) = (numbers.len(), numbers.iter().sum::<f64>() / numbers.len() as f64);
    if rows < 2 * LEAST || rows <= count {
        return None;
    }
    let (mut sums, mut sizes) = (vec![0.0; count], vec![0.0; count]);
    groups.iter().zip(numbers).for_each(|(&group, number)| {
        sums[group] += number;
        sizes[group] += 1.0;
    });
    let total: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    let there = sizes.iter().filter(|&&size| size > 0.0).count();
    let of_groups = sums.iter().zip(&sizes).filter(|(_, size)| **size > 0.0);
    let between: f64 = of_groups.map(|(sum, size)| size * (sum / size - mean).powi(2)).sum();
    let within = (total - between) / (rows - there) as f64;
    (total > 0.0).then(|| ((between - (there as f64 - 1.0) * within) / (total + within)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::record::{Curve, TrialEnding};
    use super::*;
    use crate::random::{Purpose, Stream};

    fn trial(number: usize, options: &Value, score: f64) -> TrialRecord {
        let curve = Curve { loss: vec![1.0; 2], validation_loss: vec![0.5, 0.4], score: vec![Some(0.0), Some(score)] };
        TrialRecord {
            trial: number,
            options: options.as_object().cloned().expect("a table"),
            ended: TrialEnding::AllEpochs,
            epochs: 2,
            best_epoch: Some(2),
            score: Some(score),
            validation_loss: Some(0.4),
            weights: None,
            deviation: None,
            fold: None,
            curve,
        }
    }

    fn varied(key: &str, is_range: bool) -> Varied {
        Varied { key: key.into(), text: String::new(), is_range, is_log: false }
    }

    /// The score follows one option, in part another, and not the third.
    #[test]
    fn what_decides_the_scores_comes_first_and_chance_is_no_reason() {
        let mut stream = Stream::new(1, Purpose::Test, 0);
        let trials: Vec<TrialRecord> = (0..200)
            .map(|number| {
                let [a, b] = [stream.uniform(), stream.uniform()];
                let word = ["x", "y"][stream.below(2) as usize];
                let better = if word == "x" { 0.35 } else { 0.0 };
                trial(
                    number,
                    &json!({ "momentum": a, "dropout": [b], "optimizer": word }),
                    -(a - 0.5).powi(2) * 4.0 + better,
                )
            })
            .collect();
        let all = [varied("dropout", true), varied("optimizer", false), varied("momentum", true)];
        let found = importance(&trials, &all, 2, false);
        assert_eq!(found.iter().map(|of| &*of.key).collect::<Vec<_>>(), ["momentum", "optimizer", "dropout"]);
        let shares: Vec<f64> = found.iter().map(|of| of.share.expect("a share")).collect();
        assert!(shares[0] > 0.4 && (0.15..0.5).contains(&shares[1]) && shares[2] < 0.05, "{shares:?}");
        // A loss is better the lower it is: the shares are the same.
        let losses: Vec<TrialRecord> =
            trials.iter().map(|of| trial(of.trial, &json!(of.options), -of.score.expect("a score"))).collect();
        assert_eq!(importance(&losses, &all, 2, true), found);
    }

    /// Worked out by hand: groups of 4, means 1.5 and 5.5; SS between 32, SS total 42, MS within 10 / 6.
    #[test]
    fn omega_squared_is_that_of_the_definition() {
        let numbers: Vec<f64> = (0..8).map(f64::from).collect();
        let expected = (32.0 - 10.0 / 6.0) / (42.0 + 10.0 / 6.0);
        let found = omega_squared(&numbers, &[0, 0, 0, 0, 1, 1, 1, 1]).expect("a share");
        assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        assert_eq!(omega_squared(&numbers, &[0, 1, 0, 1, 1, 0, 1, 0]), Some(0.0));
        assert_eq!(omega_squared(&[1.0; 8], &[0, 0, 0, 0, 1, 1, 1, 1]), None, "no differences");
        assert_eq!(omega_squared(&numbers[..7], &[0, 0, 0, 0, 1, 1, 1]), None, "too few");
    }

    #[test]
    fn equal_numbers_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
    }

    #[test]
    fn trials_that_ended_before_are_left_out() {
        let trials: Vec<TrialRecord> =
            (0..20).map(|number| trial(number, &json!({ "l1": number }), number as f64)).collect();
        let of = |epochs| importance(&trials, &[varied("l1", true)], epochs, false)[0].share;
        assert!(of(2).is_some_and(|share| share > 0.8) && of(3).is_none());
    }
}
