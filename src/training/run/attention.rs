//! What a trained network goes by: the importance of its columns on some rows, and its dependence on the most important ones. All of it
//! is computed on the CPU, so that every device leads to the same numbers and none can fail in it.

use super::exchanged::Exchanged;
use std::ops::Range;

use crate::data::{Encoding, Matrix};
use crate::error::Result;
use crate::evaluation::{Dependence, Importance, Truth, thinned};
use crate::network::ensemble::mean_outputs;
use crate::network::{Loss, Network, Weights};
use crate::training::session::{Precision, Rows};

/// How many rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Rows, at most.
    pub rows: usize,
    /// Multiply-adds, at most, about. Fewer rows are looked at rather than more computed.
    pub work: u64,
}

impl Extent {
    /// For the report that every run writes: some tenths of a second.
    pub const REPORT: Self = Self { rows: 4096, work: 2_000_000_000 };
    /// For those who ask for it.
    pub const ASKED: Self = Self { rows: 10_000, work: u64::MAX };
    /// Fewer rows tell nothing.
    pub const LEAST: usize = 10;
    /// Where only some of the rows can be looked at, so many are too few.
    const TOO_FEW: usize = 100;
    /// Inputs that are copied, at most.
    const NUMBERS: usize = 1 << 22;

    /// Rows that are looked at, at most, whatever the work.
    pub fn most(self, network: &Network) -> usize {
        self.rows.min(Self::NUMBERS / network.inputs().max(1))
    }

    /// How many of so many rows are looked at; none where that would be too few.
    fn of(self, network: &Network, encoding: &Encoding, rows: usize) -> Option<usize> {
        let columns = encoding.inputs.len() as u64;
        let work = (columns * Importance::SHUFFLES as u64).saturating_mul(rest(network)).saturating_add(exchanged(network));
        let affordable = usize::try_from(self.work / work.max(1)).unwrap_or(usize::MAX);
        let taken = rows.min(self.most(network)).min(affordable);
        (taken >= Self::LEAST && taken >= rows.min(Self::TOO_FEW)).then_some(taken)
    }
}

/// Multiply-adds of a row in the layers after the first, or in the only one, and as many operations for the activation of the first as its
/// units.
fn rest(network: &Network) -> u64 {
    let widths = &network.widths()[usize::from(network.layers() > 1)..];
    widths[0] as u64 + widths.windows(2).map(|pair| pair[0] as u64 * pair[1] as u64).fold(0, u64::saturating_add)
}

/// Those of a row in the first of several layers, when all inputs are exchanged in turn.
fn exchanged(network: &Network) -> u64 {
    let first = network.inputs() as u64 * network.widths()[1] as u64;
    if network.layers() > 1 { first.saturating_mul(Importance::SHUFFLES as u64) } else { 0 }
}

/// What networks say in the mean where the inputs in a range are others ([`Exchanged::says`]).
fn says<T: Precision>(networks: &mut [Exchanged<'_, T>], span: &Range<usize>, others: &Matrix<T>) -> Result<Matrix<T>> {
    let each: Vec<Matrix<T>> = networks.iter_mut().map(|network| network.says(span, others)).collect::<Result<_>>()?;
    Ok(mean_outputs(each))
}

/// A trained network, or several whose mean is the model.
pub struct Attentive<'a, T> {
    /// Its shape.
    pub network: &'a Network,
    /// Its loss.
    pub loss: Loss,
    /// What the columns become.
    pub encoding: &'a Encoding,
    /// The weights of each of its networks.
    pub weights: &'a [Weights<T>],
    /// The seed of the shuffles.
    pub seed: u64,
}

impl<T: Precision> Attentive<'_, T> {
    /// The importance of all columns on these rows, and, `if depends`, the dependence on the most important ones. None where that takes
    /// too long, where the rows are too few, and where an output is not finite.
    ///
    /// # Errors
    /// Limit, if there is no memory for it; internal, if a file of rows cannot be read.
    pub fn looks(
        &self,
        rows: &Rows<T>,
        truth: &Truth,
        extent: Extent,
        depends: bool,
    ) -> Result<Option<(Importance, Vec<Dependence>)>> {
        /// Columns on which the dependence is told, and rows over which it is.
        const DEPENDENCES: usize = 4;
        const ROWS: usize = 500;
        let networks = self.weights.len() as u64;
        let extent = Extent { work: extent.work / networks, ..extent };
        let Some(taken) = extent.of(self.network, self.encoding, rows.rows()) else { return Ok(None) };
        let some = |most: usize| -> Vec<usize> { thinned(rows.rows(), most).collect() };
        let chosen = some(taken);
        let inputs = rows.gathered(&chosen)?.inputs;
        let mut exchanged = Exchanged::all(self.network, self.loss, self.weights, &inputs)?;
        let truth = truth.gathered(&chosen);
        let importance =
            Importance::new(self.encoding, &inputs, &truth, self.seed, |span, others| says(&mut exchanged, &span, others))?;
        let Some(importance) = importance else { return Ok(None) };
        let mut dependences = Vec::new();
        if depends {
            let inputs = rows.gathered(&some(taken.min(ROWS)))?.inputs;
            let mut exchanged = Exchanged::all(self.network, self.loss, self.weights, &inputs)?;
            for column in importance.columns.iter().take(DEPENDENCES) {
                let said = |span, others: &_| says(&mut exchanged, &span, others);
                dependences.extend(Dependence::new(self.encoding, &inputs, column.column, said)?);
            }
        }
        Ok(Some((importance, dependences)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Decision;
    use crate::data::{Bins, InputColumn, InputKind, Numerals, Target};
    use crate::network::Activation;

    fn rows_of(widths: &[usize], rows: usize) -> Option<usize> {
        let kind = InputKind::Number { offset: 0.0, scale: 1.0, missing: None, bins: Bins::default() };
        let column = |place: usize| InputColumn::new(place.to_string(), kind.clone());
        let target = Target::Classification {
            column: "y".into(),
            classes: vec!["0".into(), "1".into()],
            decision: Decision::default(),
        };
        let inputs = (0..widths[0]).map(column).collect();
        let encoding = Encoding { inputs, target, missing_values: None, numerals: Numerals::default() };
        let network = Network::new(widths.to_vec(), vec![Activation::Relu; widths.len() - 1], true).expect("a network");
        Extent::REPORT.of(&network, &encoding, rows)
    }

    #[test]
    fn what_takes_long_is_looked_at_on_fewer_rows_or_not_at_all() {
        assert_eq!(rows_of(&[64, 1024, 10], 180), Some(180), "digits");
        let images = rows_of(&[784, 128, 10], 10_000).expect("some rows");
        assert!((100..2000).contains(&images), "{images}");
        assert_eq!(rows_of(&[784, 4096, 4096, 10], 10_000), None, "of a large network not even a hundred");
        assert_eq!((rows_of(&[4, 3], 9), rows_of(&[4, 3], 10), rows_of(&[4, 3], 100_000)), (None, Some(10), Some(4096)));
    }
}
