//! What a training will take, from steps that are really taken: for `wgrad train --dry-run`.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::device::{Device, Precision};
use super::fastest::{OPERATIONS, row_weights, sample_of, samples, seconds_a_step, weights};
use super::{Recipe, Samples, Session};
use crate::error::Result;
use crate::network::{Network, converted};

/// Time for the steps that are measured, after the first ones.
const TIME: Duration = Duration::from_millis(400);
/// Epochs of made-up rows that are measured, at most.
const MOST: usize = 64;

/// How long a training will take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// Seconds of a step, as it was measured.
    pub step_seconds: f64,
    /// Seconds of an epoch, with the evaluation of the validation rows.
    pub epoch_seconds: f64,
    /// Seconds of all epochs, unless a limit of time ends them before.
    pub seconds: f64,
    /// Epochs that are counted on.
    pub epochs: usize,
    /// Whether the time of a step was estimated from a smaller batch, as a whole one would take long.
    pub estimated: bool,
}

impl Forecast {
    /// Takes some steps of a training on so many rows, and validation rows, on a device; on rows that are made up, since what they
    /// hold changes no time.
    ///
    /// # Errors
    /// Limit, where there is no room for it; what the device reports.
    pub fn of<T: Precision>(
        network: &Network,
        recipe: &Recipe,
        rows: usize,
        validation_rows: usize,
        device: &Device,
    ) -> Result<Self> {
        let (sample, sample_rows) = sample_of(network, recipe, rows, OPERATIONS[usize::from(device.gpu().is_some())]);
        let batch = recipe.batch.min(rows);
        // A sample of fewer rows is cut into fewer micro-batches of the same size.
        let micro_batches = (recipe.micro_batches * sample.batch).div_ceil(batch.max(1)).max(1);
        let made_up = samples(network, sample_rows);
        let (inputs, targets) = (made_up.inputs.converted::<T>(), made_up.targets.converted::<T>());
        let made_up = Samples { inputs, targets, weights: row_weights(&sample, sample_rows) };
        let first = vec![converted::<f32, T>(&weights(network)); recipe.members];
        let sample = Recipe { micro_batches, ..sample };
        let mut session = Session::<T>::ensemble(network.clone(), sample, &first, made_up.clone(), device)?;
        let step_seconds = seconds_a_step(&mut session, TIME, MOST)? * batch as f64 / sample.batch as f64;
        let mut evaluation = 0.0;
        if validation_rows > 0 {
            session.evaluate(&made_up)?;
            let started = Instant::now();
            session.evaluate(&made_up)?;
            evaluation = started.elapsed().as_secs_f64() * validation_rows as f64 / sample_rows as f64;
        }
        // The last batch of an epoch may be a short one.
        let epoch_seconds = step_seconds * rows as f64 / batch.max(1) as f64 + evaluation;
        let (epochs, estimated) = (recipe.epochs, sample.batch < batch);
        Ok(Self { step_seconds, epoch_seconds, seconds: epochs as f64 * epoch_seconds, epochs, estimated })
    }
}

/// Seconds as a person says them: in the unit in which they are few.
pub fn human_seconds(seconds: f64) -> String {
    // From how many seconds a unit is taken, and the unit.
    let units = [
        (0.0, 1e-6, "µs"),
        (1e-3, 1e-3, "ms"),
        (1.0, 1.0, "s"),
        (100.0, 60.0, "min"),
        (6000.0, 3600.0, "h"),
        (172_800.0, 86_400.0, "days"),
    ];
    let (_, unit, name) = units.into_iter().rev().find(|(from, ..)| seconds >= *from).unwrap_or(units[0]);
    let count = seconds / unit;
    if count < 10.0 { format!("{count:.1} {name}") } else { format!("{count:.0} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Loss};

    #[test]
    fn epochs_add_up_and_a_larger_net_takes_longer() {
        let of = |hidden: usize, epochs: usize| {
            let activations = vec![Activation::Sigmoid; 2];
            let network = Network::new(vec![64, hidden, 10], activations, true).expect("a network");
            let recipe = Recipe { shuffle: true, epochs, ..Recipe::plain(Loss::SquaredError, 0.1, 32) };
            Forecast::of::<f64>(&network, &recipe, 1000, 100, &Device::cpu(Some(1), "a test")).expect("a forecast")
        };
        let (small, large) = (of(8, 3), of(1024, 3));
        assert!(
            (small.seconds - 3.0 * small.epoch_seconds).abs() < 1e-12 && small.epoch_seconds > 31.0 * small.step_seconds
        );
        assert!(large.step_seconds > 4.0 * small.step_seconds, "{small:?}, {large:?}");
        assert_eq!(of(8, 0).seconds, 0.0);
    }

    #[test]
    fn seconds_are_said_in_the_unit_that_suits_them() {
        let said = [0.0, 2.34e-6, 0.0123, 0.13, 1.2, 40.0, 100.0, 7000.0, 200_000.0].map(human_seconds);
        assert_eq!(said, ["0.0 µs", "2.3 µs", "12 ms", "130 ms", "1.2 s", "40 s", "1.7 min", "1.9 h", "2.3 days"]);
    }
}
