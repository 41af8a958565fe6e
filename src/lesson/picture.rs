//! The picture of a lesson's net with its last weights, and one row on its way through.

use crate::network::Activation;
use crate::page::{Edge, Net, Row, Unit, digits, in_circle};

/// The row that goes through the net of a picture, and what inputs and outputs are called.
#[derive(Debug, Clone)]
pub(super) struct Example {
    /// What each input is called, and its value.
    pub(super) inputs: Vec<(&'static str, f64)>,
    /// What each output is called; several are a softmax.
    pub(super) outputs: Vec<&'static str>,
    /// Which net it is.
    pub(super) net: &'static str,
    /// The activation of hidden units.
    pub(super) hidden: Activation,
    /// The biases, layer by layer; none of a net without.
    pub(super) biases: Vec<Vec<f64>>,
}

/// Units of a layer that are drawn.
const DRAWN: usize = 8;

impl Example {
    /// An example of one output.
    pub(super) fn new(inputs: &[(&'static str, f64)]) -> Self {
        Self {
            inputs: inputs.to_vec(),
            outputs: vec!["output"],
            net: "The net",
            hidden: Activation::Sigmoid,
            biases: Vec::new(),
        }
    }

    /// The row 1, 0 and the third input, which is always 1.
    pub(super) fn bits() -> Self {
        Self::new(&[("first bit", 1.0), ("second bit", 0.0), ("always 1", 1.0)])
    }

    /// The net of these weights, layer by layer a list an input.
    pub(super) fn picture(&self, weights: &[Vec<Vec<f64>>]) -> Net {
        let mut values = vec![self.inputs.iter().map(|input| input.1).collect::<Vec<_>>()];
        for (layer, weight) in weights.iter().enumerate() {
            let before = &values[layer];
            let bias = |unit: usize| self.biases.get(layer).map_or(0.0, |biases| biases[unit]);
            let sum =
                |unit: usize| bias(unit) + before.iter().zip(weight).map(|(x, weights)| x * weights[unit]).sum::<f64>();
            let sums: Vec<f64> = (0..weight[0].len()).map(sum).collect();
            let is_output = layer + 1 == weights.len();
            let activation = if is_output { Activation::Sigmoid } else { self.hidden };
            let is_softmax = is_output && sums.len() > 1;
            values.push(if is_softmax {
                softmax(&sums)
            } else {
                sums.into_iter().map(|z| activation.activate(z)).collect()
            });
        }
        let layers = values.iter().enumerate().map(|(layer, values)| self.row(layer, weights.len(), values)).collect();
        let row =
            self.inputs.iter().map(|(name, value)| format!("{name} {}", digits(*value))).collect::<Vec<_>>().join(", ");
        let said = self.outputs.iter().zip(&values[weights.len()]).map(|(name, value)| format!("{name} {}", digits(*value)));
        Net {
            title: format!("{} after its last step, and a row on its way through", self.net),
            about: format!("the lines are weights; for {row} it says {}", said.collect::<Vec<_>>().join(", ")),
            layers,
            edges: weights.iter().map(|weight| edges(weight)).collect(),
        }
    }

    fn row(&self, layer: usize, last: usize, values: &[f64]) -> Row {
        let name = match layer {
            0 => "inputs".to_owned(),
            _ if layer == last => {
                format!("output ({})", if values.len() > 1 { Activation::Softmax } else { Activation::Sigmoid })
            }
            _ if last > 2 => format!("hidden layer {layer} ({})", self.hidden),
            _ => format!("hidden layer ({})", self.hidden),
        };
        let label = |unit: usize| match layer {
            0 => self.inputs[unit].0,
            _ if layer == last => self.outputs[unit],
            _ => "",
        };
        let largest = values.iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
        let unit = |(unit, value): (usize, &f64)| Unit {
            label: label(unit).to_owned(),
            value: in_circle(*value),
            shade: value / largest,
        };
        let units = values.iter().enumerate().take(DRAWN).map(unit).collect();
        Row { name, units, left_out: values.len().saturating_sub(DRAWN) }
    }
}

/// The lines of a layer, as strong as they are beside its strongest.
fn edges(weight: &[Vec<f64>]) -> Vec<Edge> {
    let largest = weight.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let drawn = weight.iter().take(DRAWN).enumerate();
    let lines =
        drawn.flat_map(|(from, weights)| weights.iter().take(DRAWN).enumerate().map(move |(to, &value)| (from, to, value)));
    lines
        .map(|(from, to, value)| Edge {
            from,
            to,
            strength: if largest > 0.0 { value / largest } else { 0.0 },
            title: format!("weight {}", digits(value)),
            marked: false,
        })
        .collect()
}

fn softmax(sums: &[f64]) -> Vec<f64> {
    let largest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all: f64 = sums.iter().map(|z| (z - largest).exp()).sum();
    sums.iter().map(|z| (z - largest).exp() / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circles_hold_what_the_row_becomes_and_wide_layers_are_cut() {
        let example = Example::new(&[("a", 1.0), ("b", 0.5)]);
        let net = example.picture(&[vec![vec![2.0; 10], vec![-4.0; 10]], vec![vec![0.0]; 10]]);
        assert_eq!(
            net.layers.iter().map(|row| (row.units.len(), row.left_out)).collect::<Vec<_>>(),
            [(2, 0), (8, 2), (1, 0)]
        );
        assert_eq!([&net.layers[1].units[0].value, &net.layers[2].units[0].value], [".500", ".500"]);
        assert_eq!((net.edges[0].len(), net.edges[1].len(), net.edges[0][8].strength), (16, 8, -1.0));
        assert!(net.about.contains("for a 1, b 0.5 it says output 0.5"), "{}", net.about);
    }
}
