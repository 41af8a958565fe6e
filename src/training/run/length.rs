//! How long to train an ensemble, where nobody says it: some lengths are tried on a part of the training rows and judged by the rest of
//! them. The networks are then trained on all rows. Of a single network this would take most of the time.

use std::ops::ControlFlow;

use serde::Serialize;

use super::beginning::{first_weights, smooth};
use super::options::{Options, draws_weights};
use super::resolution::{label_smoothing, members};
use super::sources::Sources;
use crate::error::{Error, Result};
use crate::memory;
use crate::network::Network;
use crate::page::figures;
use crate::random::{Purpose, Stream};
use crate::training::session::{Device, Recipe, Samples, Schedule, ScheduleKind, Session};

/// A training of so many epochs, at this learning rate, and how good it was beside the one that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Length {
    /// Epochs, over which the rate falls along a cosine.
    pub epochs: usize,
    /// The learning rate at the beginning.
    pub learning_rate: f64,
    /// The mean loss of the rows that were held back, as they weigh in training.
    pub held_back_loss: f64,
    /// Whether it differs from that of the length that is taken by more than the standard error of their difference.
    pub is_clear: bool,
}

/// What was tried, and on how many rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Each length, the shortest first.
    pub lengths: Vec<Length>,
    /// The one that was taken.
    pub taken: usize,
    /// Rows that were held back, those of all parts together.
    pub held_back_rows: usize,
}

/// The lengths: epochs, and what the learning rate is of the usual one. With few rows the first is where the search begins, for they are
/// soon overfitted and tell little of it; else it is the second.
const LENGTHS: [(usize, f64); 4] = [(10, 1.0), (20, 1.0), (40, 2.0), (80, 2.0)];
const FEW_ROWS: usize = 200;
/// Rows that are needed, and the most numbers that they may be. All of them take part: with fewer, other lengths are right.
const LEAST_ROWS: usize = 10;
const NUMBERS: usize = 1 << 22;
/// The rows are cut into so many parts. As many of them are held back in turn as it takes to judge by so many rows, and no more than these.
const PARTS: usize = 5;
const MOST_HELD: usize = 3;
const JUDGES: usize = 700;
/// Networks of a trial: a single one overfits sooner than the mean of several.
const MEMBERS: usize = 2;
/// Multiply-adds of one epoch's forward passes from which nothing is tried, as it takes too long.
const WORK: f64 = 6e8;

impl Options {
    /// Whether the length of the training is left open.
    fn leaves_length_open(&self) -> bool {
        let is_said = self.epochs.is_some() || self.learning_rate.is_some() || self.max_time.is_some();
        let is_usual = self.schedule() == ScheduleKind::Cosine && self.optimizer().has_squares() && draws_weights(self);
        !is_said && is_usual
    }

    /// The same options with this length.
    pub(super) fn with_length(self, trial: &Trial) -> Self {
        let Length { epochs, learning_rate, .. } = trial.lengths[trial.taken];
        Self { epochs: Some(epochs), learning_rate: Some(learning_rate), ..self }
    }
}

/// Tries how long to train; none of a single network, where it is said, where there are too few rows to tell, or where it
/// would take long.
///
/// # Errors
/// Data, for a cell that the encoding has no number for; limit, if there is no memory for it; what training comes to.
pub(super) fn tried(options: &Options, sources: &Sources, network: &Network, recipe: &Recipe) -> Result<Option<Trial>> {
    let has_part = |&place: &usize| sources.weights.as_ref().is_none_or(|weights| weights[place] != 0.0);
    let places: Vec<usize> = (0..sources.training.rows()).filter(has_part).collect();
    let (rows, numbers) = (places.len(), network.inputs() + network.outputs());
    let is_quick = rows as f64 * network.parameter_count() as f64 <= WORK && rows <= NUMBERS / numbers;
    if recipe.members == 1 || !options.leaves_length_open() || rows < LEAST_ROWS || !is_quick {
        return Ok(None);
    }
    // The rows, those of a part, and these on the device.
    if !memory::has_room((3 * rows * numbers * size_of::<f32>()) as u128) {
        return Err(Error::Limit("there is no memory to try how long to train; say it (--epochs)".into()));
    }
    // Test rows that the training will be refused for are no reason to try anything first.
    sources.test.as_ref().map(|test| test.truth(&sources.encoding)).transpose()?;
    let samples = sources.sampled(&places, network.outputs())?;
    let mut places: Vec<usize> = (0..rows).collect();
    Stream::new(recipe.seed, Purpose::Length, 0).shuffle(&mut places);
    let is_affordable = |epochs: usize| {
        let longer = Options { epochs: Some(epochs), ..options.clone() };
        members(&longer, network, sources.rows(), None).is_ok_and(|members| members == recipe.members)
    };
    Trials { options, network, recipe, samples: &samples, places: &places, is_affordable: &is_affordable }.best()
}

struct Trials<'a> {
    options: &'a Options,
    network: &'a Network,
    recipe: &'a Recipe,
    samples: &'a Samples<f32>,
    /// The rows, in the order in which they are cut into parts.
    places: &'a [usize],
    /// Whether as many networks can be trained for so many epochs.
    is_affordable: &'a dyn Fn(usize) -> bool,
}

impl Trials<'_> {
    /// The length with the lowest loss, from the usual one on in the direction in which it falls; none where the usual one diverges.
    fn best(&self) -> Result<Option<Trial>> {
        let mut known: [Option<Vec<f32>>; LENGTHS.len()] = Default::default();
        let usual = usize::from(self.places.len() >= FEW_ROWS);
        known[usual] = Some(self.losses(usual)?);
        if known[usual].iter().flatten().any(|loss| !loss.is_finite()) {
            return Ok(None);
        }
        let mut taken = usual;
        let mut is_better = |length: usize, than: usize| -> Result<bool> {
            let losses = self.losses(length)?;
            let is_better = is_lower(&losses, known[than].as_deref().expect("it was tried before"));
            known[length] = Some(losses);
            Ok(is_better)
        };
        let is_possible = |length: usize| LENGTHS.get(length).is_some_and(|(epochs, _)| (self.is_affordable)(*epochs));
        while is_possible(taken + 1) && is_better(taken + 1, taken)? {
            taken += 1;
        }
        while taken > 0 && taken <= usual && is_better(taken - 1, taken)? {
            taken -= 1;
        }
        let rate = self.recipe.schedule.learning_rate;
        let best = known[taken].clone().expect("what is taken was tried");
        let of = |(length, losses): (usize, &Option<Vec<f32>>)| {
            let ((epochs, factor), losses) = (LENGTHS[length], losses.as_ref()?);
            let held_back_loss = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len() as f64;
            let is_clear = is_lower(&best, losses) || is_lower(losses, &best);
            Some((length, Length { epochs, learning_rate: factor * rate, held_back_loss, is_clear }))
        };
        let lengths: Vec<(usize, Length)> = known.iter().enumerate().filter_map(of).collect();
        let taken = lengths.iter().position(|&(length, _)| length == taken).expect("what is taken was tried");
        let lengths = lengths.into_iter().map(|(_, length)| length).collect();
        Ok(Some(Trial { lengths, taken, held_back_rows: best.len() }))
    }

    /// Parts that are held back in turn.
    fn parts(&self) -> usize {
        JUDGES.div_ceil((self.places.len() / PARTS).max(1)).clamp(1, MOST_HELD)
    }

    /// The loss of each row that is held back, as it weighs in training, after a training of this length on the others.
    fn losses(&self, length: usize) -> Result<Vec<f32>> {
        let (epochs, factor) = LENGTHS[length];
        let rate = factor * self.recipe.schedule.learning_rate;
        let schedule = Schedule { learning_rate: rate, ..self.recipe.schedule };
        let recipe = Recipe { epochs, schedule, members: MEMBERS, mixed: None, streamed: false, ..*self.recipe };
        let device = Device::cpu(self.options.device.threads.map(usize::from), "");
        let (part, share) = (self.places.len() / PARTS, label_smoothing(self.options, recipe.loss)?);
        let mut losses = Vec::new();
        for held in 0..self.parts() {
            let rows = |is_held: bool| {
                let of_part = |place: &usize| (held * part..(held + 1) * part).contains(place) == is_held;
                (0..self.places.len()).filter(of_part).map(|place| self.places[place]).collect::<Vec<_>>()
            };
            let mut training = self.samples.gathered(&rows(false));
            smooth(&mut training.targets, share, recipe.loss);
            let held_back = self.samples.gathered(&rows(true));
            let first = |seed| first_weights::<f32>(self.options, self.network, seed);
            let weights = recipe.seeds().into_iter().map(first).collect::<Result<Vec<_>>>()?;
            let mut session = Session::ensemble(self.network.clone(), recipe, &weights, training, &device)?;
            while session.epoch() < epochs {
                session.train(epochs - session.epoch(), |_| ControlFlow::Continue(()))?;
            }
            let of_part = session.losses_of(&held_back)?;
            match &held_back.weights {
                None => losses.extend(of_part),
                Some(weights) => losses.extend(of_part.iter().zip(&weights.values).map(|(loss, weight)| loss * weight)),
            }
        }
        Ok(losses)
    }
}

/// Whether rows have lower losses than others have of the same rows: by more than the standard error of the mean difference. What is not
/// finite is not lower.
fn is_lower(losses: &[f32], others: &[f32]) -> bool {
    let count = losses.len() as f64;
    let differences = || losses.iter().zip(others).map(|(&loss, &other)| f64::from(other) - f64::from(loss));
    let mean = differences().sum::<f64>() / count;
    let variance = differences().map(|difference| (difference - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    mean > (variance / count).sqrt()
}

impl std::fmt::Display for Trial {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let taken = self.lengths[self.taken];
        let said = |length: &Length| {
            // One that is lower was not taken, as rows that are so few do not tell it.
            let by_chance = if length.held_back_loss < taken.held_back_loss { " (perhaps by chance)" } else { "" };
            format!("{} after {}{by_chance}", figures(length.held_back_loss), length.epochs)
        };
        let each: Vec<String> = self.lengths.iter().map(said).collect();
        let Length { epochs, learning_rate, .. } = taken;
        write!(text, "chose {epochs} epochs from learning rate {learning_rate} on; loss in a trial: {}", each.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_lower_only_by_more_than_chance() {
        let even = |gain: f32| -> Vec<f32> { (0..100).map(|row| 1.0 - gain + 0.1 * (row % 2) as f32).collect() };
        assert!(is_lower(&even(0.2), &even(0.0)), "each row by as much");
        assert!(!is_lower(&even(0.0), &even(0.0)) && !is_lower(&even(0.0), &even(0.2)));
        // One row of a hundred is better by 2 and one worse by 0.5: the mean by 0.015, and its standard error is 0.021.
        let mut one = even(0.0);
        one[7] -= 2.0;
        one[8] += 0.5;
        assert!(!is_lower(&one, &even(0.0)));
        one.iter_mut().step_by(5).for_each(|loss| *loss -= 0.5);
        assert!(is_lower(&one, &even(0.0)), "a fifth of the rows is better");
        one[3] = f32::NAN;
        assert!(!is_lower(&one, &even(0.0)) && !is_lower(&even(0.0), &one), "what is not finite is not lower");
        one[3] = f32::INFINITY;
        assert!(!is_lower(&one, &even(0.0)));
    }

    #[test]
    fn what_was_tried_is_said_in_a_line() {
        let length = |(epochs, held_back_loss, is_clear)| Length { epochs, learning_rate: 0.005, held_back_loss, is_clear };
        let said = |lengths: &[_], taken| {
            let lengths = lengths.iter().copied().map(length).collect();
            Trial { lengths, taken, held_back_rows: 30 }.to_string()
        };
        let clear = said(&[(10, 0.25, true), (20, 0.125_04, false), (40, 0.5, true)], 1);
        let all =
            "chose 20 epochs from learning rate 0.005 on; loss in a trial: 0.250 after 10, 0.125 after 20, 0.500 after 40";
        assert_eq!(clear, all);
        let chance = said(&[(10, 0.125, false), (20, 0.25, false)], 1);
        assert!(chance.ends_with(": 0.125 after 10 (perhaps by chance), 0.250 after 20"), "{chance}");
    }
}
