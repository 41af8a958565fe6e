//! Several networks as one: its outputs are the mean of what theirs add up before the output's activation.
//!
//! The first layer has the units of all networks side by side, layers between hidden ones are block diagonal, and the last
//! layer adds up all units with weights divided by the number of networks. So a model that is the mean of several networks
//! needs no format of its own.

use super::{Layer, Network, Weights};
use crate::data::Matrix;
use crate::error::Result;
use crate::scalar::Scalar;

/// The network that is the mean of so many networks of this shape.
///
/// # Errors
/// Limit, if a layer is beyond every memory.
pub fn mean_network(network: &Network, members: usize) -> Result<Network> {
    let (widths, last) = (network.widths(), network.layers());
    let wide = |(l, &width): (usize, &usize)| if l == 0 || l == last { width } else { width.saturating_mul(members) };
    let widths = widths.iter().enumerate().map(wide).collect();
    Network::new(widths, network.activations().to_vec(), network.bias())
}

/// The weights of the mean of networks of one shape, whose weights these are.
///
/// # Panics
/// If there is none.
pub fn mean_weights<T: Scalar>(members: &[Weights<T>]) -> Weights<T> {
    if let [one] = members {
        return one.clone();
    }
    let last = members[0].len() - 1;
    let layers = (0..=last).map(|l| {
        let layers: Vec<&Layer<T>> = members.iter().map(|weights| &weights[l]).collect();
        let (weights, biases): (Vec<_>, Vec<_>) = layers.iter().map(|layer| (&layer.weight, &layer.bias)).unzip();
        let weight = match (l == 0, l == last) {
            (true, true) => mean(&weights.iter().map(|weight| weight.values.as_slice()).collect::<Vec<_>>()),
            (true, false) => (0..weights[0].rows)
                .flat_map(|row| weights.iter().flat_map(move |weight| weight.row(row).to_vec()))
                .collect(),
            (false, false) => block_diagonal(&weights),
            (false, true) => {
                let share = T::from_f64(1.0 / members.len() as f64);
                weights.iter().flat_map(|weight| weight.values.iter().map(|&value| value * share)).collect()
            }
        };
        let bias: Vec<T> = match l == last {
            true => mean(&biases.iter().map(|bias| bias.as_slice()).collect::<Vec<_>>()),
            false => biases.into_iter().flatten().copied().collect(),
        };
        let rows = if l == 0 { weights[0].rows } else { weights[0].rows * members.len() };
        let columns = if l == last { weights[0].columns } else { weights[0].columns * members.len() };
        Layer { weight: Matrix::new(rows, columns, weight), bias }
    });
    layers.collect()
}

/// The mean of vectors of one length, in f64.
fn mean<T: Scalar>(vectors: &[&[T]]) -> Vec<T> {
    let mean = |place: usize| vectors.iter().map(|vector| vector[place].to_f64()).sum::<f64>() / vectors.len() as f64;
    (0..vectors[0].len()).map(|place| T::from_f64(mean(place))).collect()
}

/// Matrices of one shape along a diagonal, and zeros.
fn block_diagonal<T: Scalar>(blocks: &[&Matrix<T>]) -> Vec<T> {
    let (rows, columns) = (blocks[0].rows, blocks[0].columns);
    let width = columns * blocks.len();
    let mut values = vec![T::ZERO; rows * blocks.len() * width];
    for (index, block) in blocks.iter().enumerate() {
        for row in 0..rows {
            let first = (index * rows + row) * width + index * columns;
            values[first..first + columns].copy_from_slice(block.row(row));
        }
    }
    values
}
