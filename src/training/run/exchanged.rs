//! What networks say in the mean of rows when some of their inputs are others: of the first layer only what these inputs add is computed anew.

use std::ops::Range;
use std::slice;

use rayon::prelude::*;

use crate::data::Matrix;
use crate::error::Result;
use crate::network::{Activation, Layer, Loss, Network, Weights};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};
use crate::training::session::{Device, Precision, Session};

/// Rows whose outputs are computed at a time.
const ROWS: usize = 1024;

/// A network and some rows, on the CPU.
pub(super) struct Exchanged<'a, T> {
    inputs: &'a Matrix<T>,
    first: Option<First<'a, T>>,
    /// The layers after the first, or the only one.
    rest: Session<T>,
    /// The memory of what `rest` is given.
    given: Vec<T>,
}

/// The first of several layers.
struct First<'a, T> {
    layer: &'a Layer<T>,
    activation: Activation,
    /// What it adds up for each row before its activation: rows × units.
    sums: Matrix<T>,
}

impl<'a, T: Precision> Exchanged<'a, T> {
    /// Networks of these weights, and rows of these inputs [rows × inputs].
    ///
    /// # Errors
    /// Limit, if there is no memory for it.
    pub(super) fn all(network: &Network, loss: Loss, weights: &'a [Weights<T>], inputs: &'a Matrix<T>) -> Result<Vec<Self>> {
        weights.iter().map(|weights| Self::new(network, loss, weights, inputs)).collect()
    }

    /// A network of these weights, and rows of these inputs [rows × inputs].
    ///
    /// # Errors
    /// Limit, if there is no memory for it.
    pub(super) fn new(network: &Network, loss: Loss, weights: &'a Weights<T>, inputs: &'a Matrix<T>) -> Result<Self> {
        let device = Device::cpu(None, "");
        if network.layers() == 1 {
            let rest = Session::for_evaluation_of(ROWS, network.clone(), loss, slice::from_ref(weights), &device)?;
            return Ok(Self { inputs, first: None, rest, given: Vec::new() });
        }
        let (widths, activations) = (network.widths(), network.activations());
        let sums = Network::new(widths[..2].to_vec(), vec![Activation::Identity], network.bias())?;
        let (of_first, rows) = ([weights[..1].to_vec()], inputs.rows.clamp(1, ROWS));
        let sums = Session::for_evaluation_of(rows, sums, Loss::SquaredError, &of_first, &device)?.predict(inputs)?;
        let rest = Network::new(widths[1..].to_vec(), activations[1..].to_vec(), network.bias())?;
        let rest = Session::for_evaluation_of(ROWS, rest, loss, &[weights[1..].to_vec()], &device)?;
        let first = Some(First { layer: &weights[0], activation: activations[0], sums });
        Ok(Self { inputs, first, rest, given: Vec::new() })
    }

    /// The outputs [rows × outputs] when the inputs in a range are these [rows × inputs in the range]; or those of several times all rows,
    /// one time after the other, each with inputs of its own.
    ///
    /// # Errors
    /// What the CPU path reports.
    pub(super) fn says(&mut self, span: &Range<usize>, others: &Matrix<T>) -> Result<Matrix<T>> {
        let (inputs, first, width) = (self.inputs, self.first.as_ref(), self.rest.network().inputs());
        let mut outputs = Vec::new();
        for begin in (0..others.rows).step_by(ROWS) {
            let rows = ROWS.min(others.rows - begin);
            let mut values = std::mem::take(&mut self.given);
            values.resize(rows * width, T::ZERO);
            values.par_chunks_exact_mut(width).with_min_len(32).enumerate().for_each(|(place, given)| {
                let (row, others) = ((begin + place) % inputs.rows, others.row(begin + place));
                match first {
                    None => {
                        given.copy_from_slice(inputs.row(row));
                        given[span.clone()].copy_from_slice(others);
                    }
                    Some(First { layer, activation, sums }) => vectorised(Hidden {
                        sums: sums.row(row),
                        weights: &layer.weight.values[span.start * width..span.end * width],
                        from: &inputs.row(row)[span.clone()],
                        to: others,
                        activation: *activation,
                        hidden: given,
                    }),
                }
            });
            let given = Matrix::new(rows, width, values);
            outputs.extend(self.rest.predict(&given)?.values);
            self.given = given.values;
        }
        Ok(Matrix::new(others.rows, self.rest.network().outputs(), outputs))
    }
}

/// A row's hidden units, from what the first layer adds up for it and the inputs that are exchanged.
struct Hidden<'a, T> {
    sums: &'a [T],
    /// The exchanged inputs' weights, one row of them after the other.
    weights: &'a [T],
    from: &'a [T],
    to: &'a [T],
    activation: Activation,
    hidden: &'a mut [T],
}

impl<T: Scalar> Vectorised for Hidden<'_, T> {
    #[inline(always)]
    fn run(self) {
        self.hidden.copy_from_slice(self.sums);
        for ((&from, &to), weights) in self.from.iter().zip(self.to).zip(self.weights.chunks_exact(self.hidden.len())) {
            let change = to - from;
            // Of categories most inputs stay 0.
            if change != T::ZERO {
                for (hidden, &weight) in self.hidden.iter_mut().zip(weights) {
                    *hidden += change * weight;
                }
            }
        }
        self.activation.activate_all(self.hidden);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Initialization;
    use crate::random::{Purpose, Stream};

    fn numbers(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
        let mut stream = Stream::new(seed, Purpose::Test, 0);
        Matrix::new(rows, columns, (0..rows * columns).map(|_| stream.normal()).collect())
    }

    /// Of one layer and of several, with and without biases, of one input and of several.
    #[test]
    fn what_is_said_is_what_the_network_says_of_the_exchanged_inputs() {
        for (hidden, output, bias) in [
            (vec![], Activation::Softmax, true),
            (vec![7], Activation::Softmax, true),
            (vec![5, 4], Activation::Identity, false),
            (vec![40, 3], Activation::Sigmoid, true),
        ] {
            let widths = [vec![6], hidden.clone(), vec![if output == Activation::Sigmoid { 1 } else { 3 }]].concat();
            let activations = [vec![Activation::Gelu; hidden.len()], vec![output]].concat();
            let network = Network::new(widths, activations, bias).expect("a network");
            let loss = match output {
                Activation::Softmax => Loss::CrossEntropy,
                Activation::Sigmoid => Loss::BinaryCrossEntropy,
                _ => Loss::SquaredError,
            };
            let mut weights: Weights<f64> = Initialization::Auto.weights(&network, 1);
            let biases = weights.iter_mut().flat_map(|layer| &mut layer.bias);
            biases.enumerate().for_each(|(place, bias)| *bias = 0.1 * place as f64 - 0.2);
            let inputs = numbers(9, 6, 2);
            let mut whole =
                Session::for_evaluation(network.clone(), loss, slice::from_ref(&weights), &Device::cpu(Some(1), ""))
                    .expect("a session");
            let mut exchanged = Exchanged::new(&network, loss, &weights, &inputs).expect("a network");
            for span in [0..0, 0..1, 2..5, 5..6] {
                let others = numbers(9, span.len(), 3 + span.start as u64);
                let mut expected = inputs.clone();
                for row in 0..9 {
                    expected.values[row * 6 + span.start..row * 6 + span.end].copy_from_slice(others.row(row));
                }
                let expected = whole.predict(&expected).expect("outputs");
                let said = exchanged.says(&span, &others).expect("outputs");
                assert_eq!((said.rows, said.columns), (expected.rows, expected.columns));
                for (said, expected) in said.values.iter().zip(&expected.values) {
                    assert!((said - expected).abs() < 1e-12, "{hidden:?}, {span:?}: {said}, expected {expected}");
                }
                // Several times all rows, more than are computed at a time, the last time others.
                let times = 300;
                let mut many = Matrix::new(9 * times, span.len(), others.values.repeat(times));
                many.values[9 * (times - 1) * span.len()..].fill(0.5);
                let many = exchanged.says(&span, &many).expect("outputs");
                let last = exchanged.says(&span, &Matrix::new(9, span.len(), vec![0.5; 9 * span.len()])).expect("outputs");
                assert_eq!(many.values[..27.min(said.values.len())], said.values[..27.min(said.values.len())]);
                assert_eq!(many.values[many.values.len() - last.values.len()..], last.values[..]);
                assert_eq!(many.rows, 9 * times);
            }
        }
    }
}
