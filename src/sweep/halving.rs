//! Successive halving (Jamieson and Talwalkar, 2016; Li et al., "Hyperband", 2018): all trials are trained for a few epochs, the best
//! of them for a few times as many, and so on; the best of all to the end.

/// Of how many trials one goes on, and how many times as long it is trained then.
const SHARE: usize = 4;
/// How often the worse trials end, at most.
const RUNGS: usize = 3;

/// The epochs after which the worse trials end, ascending; the last are all epochs, after which none goes on.
pub(super) fn rungs(epochs: usize) -> Vec<usize> {
    let mut rungs = vec![epochs];
    while rungs.len() < RUNGS && rungs[0] > 1 {
        rungs.insert(0, rungs[0].div_ceil(SHARE));
    }
    rungs
}

/// How many of so many trials go on after a rung.
pub(super) fn quota(trials: usize) -> usize {
    trials.div_ceil(SHARE)
}

/// What a trial has come to at a rung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    /// Its number.
    pub(super) trial: usize,
    /// Its score; none where it has none.
    pub(super) score: Option<f64>,
    /// Its validation loss, which decides between equal scores.
    pub(super) loss: Option<f64>,
}

/// The trials from the best to the worst.
pub(super) fn ranked(mut standings: Vec<Standing>, lower_is_better: bool) -> Vec<usize> {
    let worst = f64::INFINITY;
    let score = |standing: &Standing| standing.score.map_or(worst, |score| if lower_is_better { score } else { -score });
    standings.sort_by(|a, b| {
        let by_score = score(a).total_cmp(&score(b));
        by_score.then(a.loss.unwrap_or(worst).total_cmp(&b.loss.unwrap_or(worst))).then(a.trial.cmp(&b.trial))
    });
    standings.iter().map(|standing| standing.trial).collect()
}

/// The share of the epochs of all trials that halving trains, about.
pub(super) fn share_of_epochs(trials: usize, rungs: &[usize]) -> f64 {
    let (mut left, mut before, mut trained) = (trials, 0, 0);
    for &rung in rungs {
        trained += left * (rung - before);
        (left, before) = (quota(left), rung);
    }
    trained as f64 / (trials * rungs.last().copied().unwrap_or(1)).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_end_with_all_epochs_and_are_a_few_times_as_long_as_each_other() {
        assert_eq!(rungs(20), [2, 5, 20]);
        assert_eq!(rungs(50), [4, 13, 50]);
        assert_eq!(rungs(5), [1, 2, 5]);
        assert_eq!((rungs(2), rungs(1)), (vec![1, 2], vec![1]));
        let share = share_of_epochs(64, &rungs(20));
        assert!((share - (64.0 * 2.0 + 16.0 * 3.0 + 4.0 * 15.0) / 1280.0).abs() < 1e-12 && share < 0.25, "{share}");
    }

    #[test]
    fn better_scores_come_first_then_lower_losses_then_earlier_trials() {
        let of = |trial, score, loss| Standing { trial, score, loss };
        let all = vec![
            of(1, Some(0.5), Some(0.3)),
            of(2, None, None),
            of(3, Some(0.9), Some(0.4)),
            of(4, Some(0.9), Some(0.2)),
            of(5, Some(0.5), Some(0.3)),
        ];
        assert_eq!(ranked(all.clone(), false), [4, 3, 1, 5, 2]);
        assert_eq!(ranked(all, true), [1, 5, 4, 3, 2]);
    }
}
