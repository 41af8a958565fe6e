//! The trials of a sweep, by how good they are.

use std::cmp::Ordering;

use super::record::{SweepAccount, TrialRecord};
use crate::page::escaped;
use crate::report::page::metric_name;

/// A trial and its score.
pub(super) type Scored<'a> = (&'a TrialRecord, f64);

/// A sweep and its trials, the best first.
pub(super) struct Ranked<'a> {
    /// What the sweep is called.
    pub name: &'a str,
    /// Its `sweep.json`.
    pub account: &'a SweepAccount,
    /// The metric's name for people.
    pub metric: &'a str,
    /// The trials that have a score, and what it is.
    pub scored: Vec<Scored<'a>>,
    /// The trials that have none, by number.
    pub unscored: Vec<&'a TrialRecord>,
    /// The trial that the sweep chose, or the best so far.
    pub best: Option<&'a TrialRecord>,
}

impl<'a> Ranked<'a> {
    /// The trials of a sweep, which has this name.
    pub(super) fn new(name: &'a str, account: &'a SweepAccount, trials: &'a [TrialRecord]) -> Self {
        let chosen = account.best.as_ref().map_or(0, |best| best.trial);
        let score = |trial: &TrialRecord| trial.score.filter(|score| score.is_finite());
        let mut scored: Vec<Scored<'_>> = trials.iter().filter_map(|trial| Some((trial, score(trial)?))).collect();
        let loss = |trial: &TrialRecord| trial.validation_loss.unwrap_or(f64::INFINITY);
        scored.sort_by(|(one, a), (other, b)| {
            // Of equally good ones that first which was chosen.
            let is_chosen = (one.trial != chosen).cmp(&(other.trial != chosen));
            in_order(*a, *b, account.lower_is_better).then(is_chosen).then(loss(one).total_cmp(&loss(other)))
        });
        let unscored = trials.iter().filter(|trial| score(trial).is_none()).collect();
        let best = trials.iter().find(|trial| trial.trial == chosen).or_else(|| Some(scored.first()?.0));
        Self { name, account, metric: metric_name(&account.metric), scored, unscored, best }
    }

    /// How many trials there are.
    pub(super) fn count(&self) -> usize {
        self.scored.len() + self.unscored.len()
    }

    /// All trials, those without a score last.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a TrialRecord> {
        self.scored.iter().map(|(trial, _)| *trial).chain(self.unscored.iter().copied())
    }

    /// Whether this is the best trial.
    pub(super) fn is_best(&self, trial: &TrialRecord) -> bool {
        self.best.is_some_and(|best| best.trial == trial.trial)
    }
}

/// Which of two scores comes first: the better one.
pub(super) fn in_order(a: f64, b: f64, lower_is_better: bool) -> Ordering {
    if lower_is_better { a.total_cmp(&b) } else { b.total_cmp(&a) }
}

/// A remark in the page.
pub(super) fn soft(text: &str) -> String {
    format!("<p class=\"soft\">{}</p>\n", escaped(text))
}

/// So many at most, taken evenly, the first always among them.
pub(super) fn evenly<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    let count = all.len().min(most);
    (0..count).map(|place| all[place * all.len() / count]).collect()
}

/// What a reader must know of a picture that shows [some](evenly) of all trials or curves.
pub(super) fn selected(shown: usize, all: usize, what: &str) -> String {
    match shown < all {
        true => soft(&format!("The best and an even selection of the rest are drawn: {shown} of {all} {what}.")),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_even_and_has_the_first() {
        assert_eq!(evenly(&[0, 1, 2, 3, 4, 5, 6], 3), [0, 2, 4]);
        assert_eq!((evenly(&[0, 1], 3), evenly::<u8>(&[], 3)), (vec![0, 1], vec![]));
    }
}
