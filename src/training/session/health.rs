//! Signs that training gets nowhere, looked for on a few rows in the first epochs: units that are saturated, gradients that vanish on
//! their way back.

use serde::{Deserialize, Serialize};

use super::Session;
use super::device::Precision;
use crate::error::Result;
use crate::network::{Activation, Network, converted};
use crate::verification::gradients::Problem;

/// The epochs after which a look is taken: later, units may well be saturated, and rightly so.
const EPOCHS: [usize; 5] = [1, 2, 4, 8, 16];
/// Rows that are looked at, and parameters of a network that is, at most.
const ROWS: usize = 64;
const PARAMETERS: u64 = 4_000_000;
/// A unit is saturated where its slope is below this share of the steepest...
const FLAT: f64 = 0.01;
/// ... for this share of the rows; and a layer, if this share of its units is.
const OF_ROWS: f64 = 0.95;
const OF_UNITS: f64 = 0.5;
/// Gradients have vanished where those of the first layer are below this share of the last one's.
const VANISHED: f64 = 1e-3;

/// What was said already: each once in a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    saturated: bool,
    vanished: bool,
}

impl Health {
    /// What a person should hear after the epochs of this range.
    ///
    /// # Errors
    /// What the device reports.
    pub fn look<T: Precision>(
        &mut self,
        session: &mut Session<T>,
        epochs: std::ops::RangeInclusive<usize>,
    ) -> Result<Vec<String>> {
        let due = EPOCHS.iter().any(|epoch| epochs.contains(epoch)) && !(self.saturated && self.vanished);
        if !due || session.network().parameter_count() > PARAMETERS {
            return Ok(Vec::new());
        }
        let (network, loss) = (session.network().clone(), session.recipe().loss);
        let weights = converted(&session.weights_of(0)?);
        let samples = session.first_rows(ROWS)?;
        let (inputs, targets) = (samples.inputs.converted::<f64>(), samples.targets.converted::<f64>());
        let mut problem = Problem::new(&network, loss, &weights, &inputs, &targets)?;
        let mut remarks = Vec::new();
        let of = match session.replicas() {
            1 => String::new(),
            networks => format!(" (in the first of {networks} networks)"),
        };
        let gradients = problem.gradients()?;
        let outputs = problem.outputs()?;
        remarks.extend(saturated(&network, &outputs).filter(|_| !std::mem::replace(&mut self.saturated, true)));
        remarks.extend(vanished(&gradients).filter(|_| !std::mem::replace(&mut self.vanished, true)));
        Ok(remarks.into_iter().map(|remark: String| remark + &of).collect())
    }
}

/// The hidden layers whose units are mostly saturated, given each layer's outputs [rows × units].
fn saturated(network: &Network, outputs: &[Vec<f64>]) -> Option<String> {
    let layers = network.activations().iter().zip(&network.widths()[1..]).zip(outputs).enumerate();
    let hidden = layers.take(network.layers() - 1);
    let flat = |(l, ((&activation, &units), outputs)): (usize, ((&Activation, &usize), &Vec<f64>))| {
        let steepest = activation.facts().saturates_from?;
        let rows = outputs.len() / units;
        let is_flat = |unit: &usize| {
            let slopes = (0..rows).map(|row| activation.slope_of().derivative(outputs[row * units + unit]));
            let flat = slopes.filter(|slope| slope.abs() < FLAT * steepest).count();
            flat as f64 >= OF_ROWS * rows as f64
        };
        let count = (0..units).filter(is_flat).count();
        let told = format!("{count} of the {units} {activation} units of layer {}", l + 1);
        (count as f64 >= OF_UNITS * units as f64).then_some(told)
    };
    let layers: Vec<String> = hidden.filter_map(flat).collect();
    (!layers.is_empty()).then(|| {
        format!(
            "saturated, and so hardly trained, are {}: try --scale standard, a lower --learning-rate or another --init",
            layers.join(", ")
        )
    })
}

/// What to say of gradients that vanish, layer by layer.
fn vanished(gradients: &[Vec<f64>]) -> Option<String> {
    let mean = |layer: &Vec<f64>| (layer.iter().map(|value| value * value).sum::<f64>() / layer.len() as f64).sqrt();
    let sizes: Vec<f64> = gradients.iter().map(mean).collect();
    let (first, last) = (*sizes.first()?, *sizes.last()?);
    if !first.is_finite() || !last.is_finite() || last == 0.0 || first >= VANISHED * last {
        return None;
    }
    if first == 0.0 {
        return Some("the gradients of the first layer are all 0: try a lower --learning-rate or another --init".into());
    }
    let sizes: Vec<String> = sizes.iter().map(|size| format!("{size:.1e}")).collect();
    Some(format!(
        "gradients vanish on their way back: in the mean they are {} from the first layer to the last; try --activation relu, fewer \
         layers or another --init",
        sizes.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_saturated_units_are_told_with_their_share() {
        let activations = vec![Activation::Sigmoid, Activation::Tanh, Activation::Sigmoid];
        let network = Network::new(vec![2, 3, 2, 1], activations, true).expect("a network");
        let rows = 20;
        let layer = |units: &[f64]| units.repeat(rows);
        let flat = saturated(&network, &[layer(&[0.001, 0.999, 0.5]), layer(&[0.9, 0.1]), layer(&[0.0])]);
        assert!(flat.expect("most of layer 1").contains("2 of the 3 sigmoid units of layer 1:"), "and no other");
        assert_eq!(saturated(&network, &[layer(&[0.001, 0.5, 0.5]), layer(&[0.9, 0.1]), layer(&[0.0])]), None);
        let tanh = saturated(&network, &[layer(&[0.5; 3]), layer(&[0.9999, -0.9999]), layer(&[0.5])]);
        assert!(tanh.expect("layer 2").contains("2 of the 2 tanh units of layer 2"));
    }

    #[test]
    fn gradients_that_vanish_are_told_layer_by_layer() {
        let told = vanished(&[vec![1e-6, -1e-6], vec![1e-3], vec![0.1, 0.1]]).expect("they vanish");
        assert!(told.contains("1.0e-6, 1.0e-3, 1.0e-1"), "{told}");
        assert_eq!(vanished(&[vec![1e-3], vec![0.1, 0.1]]), None);
        assert_eq!(vanished(&[vec![0.0], vec![0.0]]), None);
        assert!(vanished(&[vec![0.0], vec![0.5]]).expect("dead").contains("all 0"));
    }
}
