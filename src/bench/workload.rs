//! The workloads that programs are compared on: nets, data, first weights, rates, all from one counter-based generator.
//!
//! Every program that follows the same definition starts from the same numbers, so that final losses can be compared.

use clap::ValueEnum;
use serde::Serialize;

use crate::data::Matrix;
use crate::error::Result;
use crate::network::{Activation, Layer, Loss, Network, Weights};
use crate::training::session::{Recipe, Samples};

/// The workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadName {
    /// 3-4-1 on the four rows of exclusive or
    Tiny,
    /// 64-32-10, 1,797 rows, batches of 64
    Digits,
    /// 784-512-256-10, 20,000 rows, batches of 256
    Mnist,
    /// 1024-2048-2048-1024, 16,384 rows, batches of 2,048
    Wide,
}

/// A net, its data and its recipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// Its name.
    pub name: WorkloadName,
    /// Inputs, hidden widths, outputs.
    pub widths: &'static [usize],
    /// Rows of the data.
    pub rows: usize,
    /// Rows of a batch; the last one may be shorter.
    pub batch: usize,
    /// The learning rate of a loss that is the mean of (a - y)² over rows and outputs.
    pub rate: f64,
    /// Epochs that are trained before the clock starts, unless said otherwise.
    pub warmup: usize,
}

impl WorkloadName {
    /// What it stands for.
    pub fn workload(self) -> Workload {
        let workload = |widths, rows, batch, rate, warmup| Workload { name: self, widths, rows, batch, rate, warmup };
        match self {
            Self::Tiny => workload(&[3, 4, 1], 4, 4, 2.0, 100),
            Self::Digits => workload(&[64, 32, 10], 1797, 64, 5.0, 1),
            Self::Mnist => workload(&[784, 512, 256, 10], 20_000, 256, 5.0, 1),
            Self::Wide => workload(&[1024, 2048, 2048, 1024], 16_384, 2048, 50.0, 1),
        }
    }
}

impl Workload {
    /// Its net: sigmoids after every layer.
    ///
    /// # Errors
    /// None for the widths above.
    pub fn network(&self) -> Result<Network> {
        Network::new(self.widths.to_vec(), vec![Activation::Sigmoid; self.widths.len() - 1], true)
    }

    /// Trained numbers of its net.
    pub fn parameters(&self) -> usize {
        self.widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// How it is trained: plain gradient descent, rows in their order.
    ///
    /// The workloads' loss is the mean of (a - y)² over rows and outputs; ours is ½ Σ (a - y)² a row. The gradients differ by
    /// 2 / outputs, which goes into the rate.
    pub fn recipe(&self) -> Recipe {
        let outputs = self.widths[self.widths.len() - 1] as f64;
        Recipe::plain(Loss::SquaredError, self.rate * 2.0 / outputs, self.batch)
    }

    /// Our loss of a row as the workloads' loss.
    pub fn loss(&self, ours: f64) -> f64 {
        2.0 * ours / self.widths[self.widths.len() - 1] as f64
    }

    /// The first `rows` rows of its data.
    pub fn samples(&self, rows: usize) -> Samples<f32> {
        let (inputs, outputs) = (self.widths[0], self.widths[self.widths.len() - 1]);
        if self.name == WorkloadName::Tiny {
            let bits = [0., 0., 1., 0., 1., 1., 1., 0., 1., 1., 1., 1.];
            let targets = Matrix::new(rows, outputs, [0., 1., 1., 0.][..rows].to_vec());
            return Samples::new(Matrix::new(rows, inputs, bits[..rows * inputs].to_vec()), targets);
        }
        let values: Vec<f32> = (0..rows * inputs).map(|index| uniform(1, index as u64)).collect();
        let mut targets = Matrix::zeros(rows, outputs);
        for (x, y) in values.chunks(inputs).zip(targets.values.chunks_mut(outputs)) {
            if self.name == WorkloadName::Wide {
                y.iter_mut().enumerate().for_each(|(column, y)| *y = 0.25 + 0.5 * x[(7 * column + 3) % inputs]);
            } else {
                y[first_largest(&x[..10])] = 1.0;
            }
        }
        Samples::new(Matrix::new(rows, inputs, values), targets)
    }

    /// The weights that training starts from.
    pub fn weights(&self) -> Weights<f32> {
        self.weights_of(0)
    }

    /// The weights that one of many networks starts from; the first starts from those of [`weights`](Self::weights).
    pub fn weights_of(&self, replica: usize) -> Weights<f32> {
        let layer = |(index, pair): (usize, &[usize])| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let scale = 1.0 / (inputs as f32).sqrt();
            let drawn = |seed: u64, count: usize| -> Vec<f32> {
                (0..count).map(|index| (2.0 * uniform(seed, index as u64) - 1.0) * scale).collect()
            };
            let seed = 100 + 2 * index as u64 + 1000 * replica as u64;
            Layer { weight: Matrix::new(inputs, outputs, drawn(seed, inputs * outputs)), bias: drawn(seed + 1, outputs) }
        };
        self.widths.windows(2).enumerate().map(layer).collect()
    }
}

/// The place of the largest value, the first of equals.
fn first_largest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}

/// Number `index` of a stream, uniform in [0, 1) in steps of 2^-24: the finalizer of splitmix64 over a counter.
fn uniform(seed: u64, index: u64) -> f32 {
    let counter = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut mixed = seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(counter);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 40) as f32 * 2.0_f32.powi(-24)
}
