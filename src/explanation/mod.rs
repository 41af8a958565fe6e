//! One row's whole way through a network, forwards and back, in f64 on the plan of training, with every number of it in view: sums, outputs,
//! slopes, errors, deltas, gradients and what the optimizer makes of them, each gradient beside the central difference of the loss.

mod chain;
mod links;
mod page;
mod picture;
mod text;

pub use chain::{Chain, Link, Weight};

use clap::ValueEnum;
use serde::Serialize;

use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::kernels::operands::Access;
use crate::network::{Activation, Clip, Extras, Loss, Network, Optimizer, Weights};
use crate::plan::{Frozen, LayerRates, TrainingOptions};
use crate::verification::gradients::Problem;

/// What is explained: a network, and a row of numbers as it sees them.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The network.
    pub network: &'a Network,
    /// What training makes small.
    pub loss: Loss,
    /// The weights.
    pub weights: &'a Weights<f64>,
    /// The rule that turns gradients into steps.
    pub optimizer: Optimizer,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// What each layer's rate is of that.
    pub layer_rates: LayerRates,
    /// Layers that training leaves as they are.
    pub frozen: Frozen,
    /// The row [1 × inputs].
    pub inputs: &'a Matrix<f64>,
    /// What the outputs should be [1 × outputs].
    pub targets: &'a Matrix<f64>,
    /// How many units of a layer are shown.
    pub units: usize,
}

/// The words around the numbers: what the row and the network are called.
#[derive(Debug, Clone, Serialize)]
pub struct Titles {
    /// What is explained, in a line.
    pub subject: String,
    /// Which weights these are.
    pub weights: String,
    /// What a person should know before reading the numbers.
    pub remarks: Vec<String>,
    /// The row as the file has it: each column and its cell.
    pub cells: Vec<(String, String)>,
    /// The names of the network's inputs.
    pub inputs: Vec<String>,
    /// The names of its outputs.
    pub outputs: Vec<String>,
    /// The rule of the optimizer, in words.
    pub rule: String,
}

/// A row explained.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The words around the numbers.
    #[serde(flatten)]
    pub titles: Titles,
    /// Widths of the layers, inputs first.
    pub widths: Vec<usize>,
    /// The loss's name.
    pub loss_name: String,
    /// Its formula.
    pub loss_formula: String,
    /// The row's loss.
    pub loss: f64,
    /// The row as the network sees it.
    pub input_values: Vec<f64>,
    /// What the outputs should be.
    pub targets: Vec<f64>,
    /// The derivative of the loss with respect to each input.
    pub input_errors: Vec<f64>,
    /// The inputs that are shown, by place from 0.
    pub shown_inputs: Vec<usize>,
    /// Layer by layer.
    pub layers: Vec<Layer>,
    /// The weight whose gradient is written out as a chain.
    pub chain: Chain,
    /// How the central differences came out.
    pub checked: Checked,
    #[serde(skip)]
    is_joint: bool,
}

/// A layer's numbers, one a unit.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// The layer, from 1.
    pub layer: usize,
    /// Its activation.
    pub activation: String,
    /// Sums: input · W + b.
    pub z: Vec<f64>,
    /// Outputs: f(z).
    pub outputs: Vec<f64>,
    /// Slopes f'(z); none where an output depends on the other sums too, as in a softmax.
    pub slopes: Vec<Option<f64>>,
    /// Derivatives of the loss with respect to the outputs; none where they are infinite.
    pub errors: Vec<Option<f64>>,
    /// Derivatives of the loss with respect to the sums: error × slope.
    pub deltas: Vec<f64>,
    /// Weights, input by input, one a unit.
    pub weights: Vec<Vec<f64>>,
    /// Biases, one a unit; none in a network without.
    pub biases: Vec<f64>,
    /// Gradients of the weights: input × delta.
    pub gradients: Vec<Vec<f64>>,
    /// Gradients of the biases: delta.
    pub bias_gradients: Vec<f64>,
    /// What the optimizer adds to each weight; empty where training takes no step of this network.
    pub steps: Vec<Vec<f64>>,
    /// What it adds to each bias.
    pub bias_steps: Vec<f64>,
    /// The units that are shown, by place from 0: the most influential ones.
    pub shown: Vec<usize>,
    /// Central differences beside some gradients.
    pub checks: Vec<Check>,
}

/// A gradient beside the central difference of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Check {
    /// The input, from 0; none: the bias.
    pub input: Option<usize>,
    /// The unit, from 0.
    pub unit: usize,
    /// The gradient by the plan.
    pub gradient: f64,
    /// The central difference.
    pub difference: f64,
    /// How far they are apart, relative to the difference, or to a thousandth of the layer's largest gradient if that is more.
    pub relative_difference: f64,
    /// Whether the loss has a kink here, as with relu at 0: then its difference says nothing, and any number between the slopes on both
    /// sides is a gradient, as this one is.
    pub kink: bool,
}

/// How the central differences came out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Checked {
    /// Gradients that were held against a difference.
    pub parameters: usize,
    /// All of them.
    pub of: u64,
    /// The largest relative difference, but for those at kinks.
    pub largest: f64,
    /// Gradients at kinks of the loss.
    pub kinks: usize,
}

/// Networks of so many parameters are checked whole, larger ones in the units that are shown.
const CHECKED_WHOLE: u64 = 2_000;
/// A gradient may be so far from its difference, relative to it: beyond that something is wrong.
pub const LARGEST_DIFFERENCE: f64 = 1e-6;

impl Explanation {
    /// Explains a row; `weight` is the one that is written out as a chain, without one that with the largest gradient of the first layer.
    ///
    /// # Errors
    /// Usage, for a softmax over one output, which is 1 whatever goes in, or a weight that is not there; limit, without memory.
    pub fn new(subject: &Subject<'_>, titles: Titles, weight: Option<Weight>) -> Result<Self> {
        let Subject { network, loss, .. } = subject;
        if network.outputs() == 1 && network.output_activation().facts().is_over_rows {
            let activation = network.output_activation();
            return Err(Error::Usage(format!(
                "{activation} over one output is 1 whatever goes in, so there is nothing to explain"
            )));
        }
        let optimizer = &subject.optimizer;
        let extras = Extras { any: true, norm: matches!(optimizer.clip, Clip::Norm(_)), average: false };
        let layer_rates = subject.layer_rates;
        let training = TrainingOptions { extras, layer_rates, ..TrainingOptions::plain(1, 1, optimizer.kind) };
        let of = |training| -> Result<Problem> {
            let mut problem = Problem::trained(network, *loss, subject.weights, subject.inputs, subject.targets, training)?;
            problem.step.rates = optimizer.rates(1, subject.learning_rate);
            Ok(problem)
        };
        let mut problem = of(training)?;
        let value = problem.loss()?;
        let mut layers = forwards(subject, &mut problem)?;
        let steps = problem.steps()?;
        backwards(subject, &mut problem, &mut layers)?;
        // Frozen layers have gradients, and take no part in the step.
        let frozen = subject.frozen;
        let steps = if frozen.is_empty() { steps } else { of(TrainingOptions { frozen, ..training })?.steps()? };
        layers.iter_mut().zip(steps).for_each(|(layer, steps)| layer.take_steps(&steps));
        let input_errors = errors_before(&layers[0]);
        let inputs = &subject.inputs.values;
        let influence: Vec<f64> = inputs.iter().zip(&input_errors).map(|(input, error)| input * error).collect();
        let shown_inputs = most(&influence, subject.units);
        show(&mut layers, subject);
        let mut explanation = Self {
            titles,
            widths: network.widths().to_vec(),
            loss_name: loss.description(),
            loss_formula: formula(*loss),
            loss: value,
            input_values: inputs.clone(),
            targets: subject.targets.values.clone(),
            input_errors,
            shown_inputs,
            layers,
            chain: Chain::default(),
            checked: Checked { parameters: 0, of: network.parameter_count(), largest: 0.0, kinks: 0 },
            is_joint: loss.is_joint(),
        };
        let weight = weight.unwrap_or_else(|| explanation.steepest());
        explanation.chain = explanation.chain_of(weight)?;
        explanation.check(&mut problem)?;
        Ok(explanation)
    }

    /// The weight of the first layer with the largest gradient, of those that are shown.
    fn steepest(&self) -> Weight {
        let first = &self.layers[0];
        let of_unit = |&unit: &usize| self.shown_inputs.iter().map(move |&input| (input, unit));
        let size = |&(input, unit): &(usize, usize)| first.gradients[input][unit].abs();
        let largest = first.shown.iter().flat_map(of_unit).max_by(|one, other| size(one).total_cmp(&size(other)));
        let (input, unit) = largest.expect("a layer shows a unit, and it has an input");
        Weight { layer: 0, input: Some(input), unit }
    }

    /// Holds the gradients that are shown, or all of a small network, against central differences.
    fn check(&mut self, problem: &mut Problem) -> Result<()> {
        let is_whole = self.checked.of <= CHECKED_WHOLE;
        let Weight { layer: chained, input: chained_input, unit: chained_unit } = self.chain.weight;
        for (l, id) in problem.parameters().into_iter().enumerate() {
            let before: Vec<usize> = match l {
                0 => self.shown_inputs.clone(),
                _ => self.layers[l - 1].shown.clone(),
            };
            let layer = &mut self.layers[l];
            let (inputs, units) = (layer.weights.len(), layer.z.len());
            let all = |shown: &[usize], count: usize| if is_whole { (0..count).collect() } else { shown.to_vec() };
            let (from, to): (Vec<usize>, Vec<usize>) = (all(&before, inputs), all(&layer.shown, units));
            let bias = (!layer.biases.is_empty()).then_some(None);
            let inputs_of_unit = from.into_iter().map(Some).chain(bias);
            let mut places: Vec<(Option<usize>, usize)> =
                inputs_of_unit.flat_map(|input| to.iter().map(move |&unit| (input, unit))).collect();
            if chained == l && !places.contains(&(chained_input, chained_unit)) {
                places.push((chained_input, chained_unit));
            }
            let largest = layer.all_gradients().fold(1e-6_f64, |largest, value| largest.max(value.abs()));
            for (input, unit) in places {
                let gradient = layer.gradient(input, unit);
                let index = input.unwrap_or(inputs) * units + unit;
                let (difference, relative_difference) = problem.closest_difference(id, index, gradient, 1e-3 * largest)?;
                let is_far = relative_difference > LARGEST_DIFFERENCE;
                let between = if is_far { problem.kink(id, index)? } else { None };
                let kink = between.is_some_and(|[least, most]| {
                    let room = 1e-4 * most.abs().max(least.abs());
                    (least - room..=most + room).contains(&gradient)
                });
                layer.checks.push(Check { input, unit, gradient, difference, relative_difference, kink });
                self.checked.parameters += 1;
                match kink {
                    true => self.checked.kinks += 1,
                    false => self.checked.largest = self.checked.largest.max(relative_difference),
                }
            }
        }
        Ok(())
    }

    /// Refuses gradients that are not what the differences of the loss say.
    ///
    /// # Errors
    /// A failed check, naming the largest difference.
    pub fn agreement(&self) -> Result<()> {
        match self.checked.largest <= LARGEST_DIFFERENCE {
            true => Ok(()),
            false => Err(Error::CheckFailed(format!(
                "a gradient is {:.1e} from the difference of the loss, relative to it; {LARGEST_DIFFERENCE:e} is allowed",
                self.checked.largest
            ))),
        }
    }

    /// The name of an input of a layer, from 0: a column's, or a unit's number from 1; none is the bias.
    pub(crate) fn input_name(&self, layer: usize, input: Option<usize>) -> String {
        match input {
            None => "bias".to_owned(),
            Some(input) if layer == 0 => self.titles.inputs[input].clone(),
            Some(input) => self.unit_name(layer - 1, input),
        }
    }

    /// The name of a unit of a layer, from 0: an output's, or its number from 1.
    pub(crate) fn unit_name(&self, layer: usize, unit: usize) -> String {
        match layer + 1 == self.layers.len() {
            true => self.titles.outputs[unit].clone(),
            false => (unit + 1).to_string(),
        }
    }

    /// What goes into a layer, from 0: the row, or the outputs of the layer before.
    pub(crate) fn inputs_of(&self, layer: usize) -> &[f64] {
        if layer == 0 { &self.input_values } else { &self.layers[layer - 1].outputs }
    }

    /// The places of what goes into a layer that are shown.
    pub(crate) fn shown_into(&self, layer: usize) -> &[usize] {
        if layer == 0 { &self.shown_inputs } else { &self.layers[layer - 1].shown }
    }

    /// Why delta is error × slope, or what stands in its place, in words.
    pub(crate) fn word_on_delta(&self) -> &'static str {
        let softmax = self.layers.last().is_some_and(|layer| layer.slopes.iter().any(Option::is_none));
        match (self.is_joint, softmax) {
            (true, true) => {
                "a softmax has no slope of one unit alone, so there is none; the error is dLoss/da, -1/output for the true class and 0 for the \
                 others; together with cross-entropy delta is output - target"
            }
            (true, false) => {
                "delta = error × slope; the error of cross-entropy is (output - target) / slope, so that the slope cancels and delta is output - \
                 target"
            }
            (false, _) => "delta = error × slope",
        }
    }
}

impl Layer {
    /// The gradient of a weight, or without an input of the bias.
    pub(crate) fn gradient(&self, input: Option<usize>, unit: usize) -> f64 {
        input.map_or_else(|| self.bias_gradients[unit], |input| self.gradients[input][unit])
    }

    /// What the optimizer adds to it; none where training takes no step of this network.
    pub(crate) fn step(&self, input: Option<usize>, unit: usize) -> Option<f64> {
        match input {
            None => self.bias_steps.get(unit).copied(),
            Some(input) => self.steps.get(input).map(|steps| steps[unit]),
        }
    }

    /// The matrix of (inputs + bias) × units as lists of an input, and those of the bias.
    fn split(&self, values: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut rows: Vec<Vec<f64>> = values.chunks(self.z.len()).map(<[f64]>::to_vec).collect();
        let bias = if self.biases.is_empty() { Vec::new() } else { rows.pop().unwrap_or_default() };
        (rows, bias)
    }

    fn take_steps(&mut self, steps: &[f64]) {
        (self.steps, self.bias_steps) = self.split(steps);
    }

    /// The weight, or without an input the bias.
    pub(crate) fn parameter(&self, input: Option<usize>, unit: usize) -> f64 {
        input.map_or_else(|| self.biases[unit], |input| self.weights[input][unit])
    }

    fn all_gradients(&self) -> impl Iterator<Item = f64> + '_ {
        self.gradients.iter().flatten().chain(&self.bias_gradients).copied()
    }
}

/// A loss as its help has it.
fn formula(loss: Loss) -> String {
    let value = loss.to_possible_value();
    value.and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
}

/// The forward pass: sums, outputs and slopes of each layer.
fn forwards(subject: &Subject<'_>, problem: &mut Problem) -> Result<Vec<Layer>> {
    let network = subject.network;
    let plan = problem.plan();
    let hidden = plan.evaluation.iter().filter(|launch| launch.label.starts_with("forward"));
    let mut ids: Vec<_> = hidden.take(network.layers() - 1).map(|launch| launch.writes[0]).collect();
    ids.push(plan.evaluation_outputs);
    let mut input = subject.inputs.values.clone();
    let mut layers = Vec::new();
    for (l, &activation) in network.activations().iter().enumerate() {
        let own = &subject.weights[l];
        let units = network.widths()[l + 1];
        let weights: Vec<Vec<f64>> = (0..own.weight.rows).map(|row| own.weight.row(row).to_vec()).collect();
        let sum = |unit: usize| {
            let products = input.iter().zip(&weights).map(|(input, weights)| input * weights[unit]);
            products.sum::<f64>() + own.bias.get(unit).copied().unwrap_or(0.0)
        };
        let z: Vec<f64> = (0..units).map(sum).collect();
        let outputs = problem.read(ids[l])?;
        let slope = |&z: &f64| (!activation.facts().is_over_rows).then(|| activation.slope(z));
        layers.push(Layer {
            layer: l + 1,
            activation: activation.name().to_owned(),
            slopes: z.iter().map(slope).collect(),
            z,
            outputs: outputs.clone(),
            errors: Vec::new(),
            deltas: Vec::new(),
            weights,
            biases: own.bias.clone(),
            gradients: Vec::new(),
            bias_gradients: Vec::new(),
            steps: Vec::new(),
            bias_steps: Vec::new(),
            shown: Vec::new(),
            checks: Vec::new(),
        });
        input = outputs;
    }
    Ok(layers)
}

/// The backward pass, as the training step of the plan goes: deltas, gradients, and the optimizer's steps.
fn backwards(subject: &Subject<'_>, problem: &mut Problem, layers: &mut [Layer]) -> Result<()> {
    let plan = problem.plan();
    let of_update = |l: usize| {
        let update = plan.training.iter().find(|launch| launch.label == format!("update {}", l + 1));
        let update = update.expect("every layer is updated");
        let place = update.names(Access::Read).position(|name| name == "delta");
        update.reads[place.expect("an update reads its delta")]
    };
    let deltas: Vec<_> = (0..layers.len()).map(of_update).collect();
    let gradients = plan.gradients.clone();
    for (l, layer) in layers.iter_mut().enumerate() {
        (layer.gradients, layer.bias_gradients) = layer.split(&problem.read(gradients[l])?);
        layer.deltas = problem.read(deltas[l])?;
    }
    for l in 0..layers.len() {
        layers[l].errors = match layers.get(l + 1) {
            Some(next) => errors_before(next).into_iter().map(Some).collect(),
            None => output_errors(subject, &layers[l]),
        };
    }
    Ok(())
}

/// The derivatives of the loss with respect to what goes into a layer: delta · Wᵀ.
fn errors_before(layer: &Layer) -> Vec<f64> {
    let error = |weights: &Vec<f64>| weights.iter().zip(&layer.deltas).map(|(weight, delta)| weight * delta).sum();
    layer.weights.iter().map(error).collect()
}

/// The derivatives of the loss with respect to the network's outputs.
fn output_errors(subject: &Subject<'_>, layer: &Layer) -> Vec<Option<f64>> {
    let outputs = layer.outputs.iter().zip(&subject.targets.values);
    let finite = |error: f64| error.is_finite().then_some(error);
    if subject.network.output_activation() == Activation::Softmax {
        return outputs.map(|(&output, &target)| finite(-target / output)).collect();
    }
    if subject.loss.is_joint() {
        let delta_by_slope = |(&delta, slope): (&f64, &Option<f64>)| slope.and_then(|slope| finite(delta / slope));
        return layer.deltas.iter().zip(&layer.slopes).map(delta_by_slope).collect();
    }
    let mut errors = layer.outputs.clone();
    subject.loss.errors(&mut errors, &subject.targets.values, 1.0);
    errors.into_iter().map(Some).collect()
}

/// Chooses the units that are shown: those whose outputs, times the derivative of the loss with respect to them, are largest; at the
/// outputs those with the largest deltas.
fn show(layers: &mut [Layer], subject: &Subject<'_>) {
    let last = layers.len() - 1;
    for (l, layer) in layers.iter_mut().enumerate() {
        let influence: Vec<f64> = match l == last {
            true => layer.deltas.clone(),
            false => layer.outputs.iter().zip(&layer.errors).map(|(a, error)| a * error.unwrap_or(0.0)).collect(),
        };
        layer.shown = most(&influence, subject.units);
    }
}

/// The places of the largest numbers, whatever their signs, in their order.
fn most(values: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&one, &other| values[other].abs().total_cmp(&values[one].abs()));
    places.truncate(count.max(1));
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests;
