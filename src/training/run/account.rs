//! What a run tells at its end for its report: test rows, planes, images and layers as plain data. All of it is computed on the CPU, so
//! that no device can fail in it, and bounded, so that nobody waits for it.

use super::attention::{Attentive, Extent};
use super::record::EpochRecord;
use super::sources::Originals;
use super::wrong;
use crate::data::{Encoding, InputColumn, InputKind, Matrix, Task, dates};
use crate::error::Result;
use crate::evaluation::{
    Calibration, PrecisionRecall, Residuals, Roc, Scored, Truth, decided_class, predicted_class, probabilities, thinned,
};
use crate::network::{Loss, Network, Weights, converted};
use crate::page::ends;
use crate::report::account::{Column, Image, Images, Layer, Layers, SCHEMA, Spread, Surface};
use crate::report::{Account, Epoch};
use crate::training::session::{Device, Precision, Rows, Samples, Session};
use crate::verification::gradients::Problem;

/// Training rows that are kept for a look, at most, and numbers of them.
const ROWS: usize = 400;
const NUMBERS: usize = 1 << 18;
/// Training rows of the look at the layers, and products of rows and parameters, at most: some milliseconds.
const LAYER_ROWS: usize = 256;
const LAYER_WORK: u64 = 4_000_000;
/// Points of the plane of two inputs along each side, at most, and products of points and parameters.
const SIDE: usize = 64;
const PLANE_WORK: u64 = 40_000_000;
/// Bars of the weights, images, targets and columns.
const BARS: usize = 24;
const IMAGES: usize = 12;
const TARGETS: usize = 4;
/// Rows that are decoded at a time.
const PIECE: usize = 1 << 12;
const COLUMNS: usize = 40;
/// Pixels along the sides of an image.
const PIXELS: std::ops::RangeInclusive<usize> = 4..=64;

/// A trained network, and what the report looks at.
pub(super) struct Trained<'a, T> {
    pub(super) network: &'a Network,
    pub(super) loss: Loss,
    pub(super) encoding: &'a Encoding,
    /// The weights of each of its networks.
    pub(super) weights: &'a [Weights<T>],
    /// Some training rows, evenly spread, of so many.
    pub(super) looked_at: &'a Samples<T>,
    pub(super) rows: usize,
    /// The seed of the run.
    pub(super) seed: u64,
    /// Whether the rows are arrays of numbers without names, as image files are.
    pub(super) is_array: bool,
}

/// The test rows, and what the network said of them.
pub(super) struct Tested<'a, T> {
    pub(super) rows: &'a Rows<T>,
    pub(super) outputs: &'a Matrix<T>,
    pub(super) truth: &'a Truth,
    /// The rows as their source has them.
    pub(super) originals: &'a Originals,
}

/// Some training rows for the report, evenly spread.
///
/// # Errors
/// Internal, if a file of them cannot be read.
pub(super) fn looked_at<T: Precision>(training: &Rows<T>) -> Result<Samples<T>> {
    let most = (NUMBERS / training.widths().iter().sum::<usize>().max(1)).clamp(1, ROWS);
    let rows: Vec<usize> = thinned(training.rows(), most).collect();
    Ok(Samples { weights: None, ..training.gathered(&rows)? })
}

impl EpochRecord {
    /// What the report's curves show of it.
    pub(super) fn shown(&self) -> Epoch {
        Epoch {
            epoch: self.epoch,
            learning_rate: self.learning_rate,
            loss: self.loss,
            validation_loss: self.validation_loss,
            validation_metric: self.validation_metric,
            metric: self.metric.to_string(),
            seconds: self.seconds,
        }
    }
}

impl<T: Precision> Trained<'_, T> {
    /// All that the report needs beside the epochs and the options.
    ///
    /// # Errors
    /// What the CPU path reports: limit, if the memory is not there.
    pub(super) fn account(&self, outcome: serde_json::Value, tested: Option<&Tested<'_, T>>) -> Result<Account> {
        let mut account = Account {
            schema: SCHEMA,
            wgrad: env!("CARGO_PKG_VERSION").to_string(),
            outcome,
            surface: self.surface()?,
            layers: self.layers()?,
            columns: self.columns(),
            ranges: self.ranges(),
            ..Account::default()
        };
        let Some(tested) = tested else { return Ok(account) };
        account.side = self.side();
        let (network, loss, encoding, weights) = (self.network, self.loss, self.encoding, self.weights);
        let attentive = Attentive { network, loss, encoding, weights, seed: self.seed };
        // Of a pixel alone no class depends.
        let depends = account.side.is_none();
        let looked = attentive.looks(tested.rows, tested.truth, Extent::REPORT, depends)?;
        (account.importance, account.dependences) = looked.map_or((None, Vec::new()), |(one, others)| (Some(one), others));
        if account.side.is_none() {
            let important: Vec<usize> = match &account.importance {
                Some(importance) => importance.columns.iter().map(|column| column.column).collect(),
                None => (0..encoding.inputs.len()).collect(),
            };
            account.wrong = Some(wrong::rows(encoding, tested.outputs, tested.truth, tested.originals, &important)?);
        }
        match tested.truth {
            Truth::Classes(classes) => {
                let probabilities = probabilities(tested.outputs)?;
                if probabilities.columns == 2 {
                    let positive = self.encoding.decision().positive;
                    let scored = Scored::new(&probabilities.values, classes, positive);
                    account.roc = scored.as_ref().and_then(Roc::new);
                    account.precision_recall = scored.as_ref().and_then(PrecisionRecall::new);
                    account.calibration = scored.and_then(|scored| Calibration::new(&scored, Calibration::BINS));
                }
                account.images = self.images(tested, &probabilities, classes)?;
            }
            Truth::Numbers(numbers) => account.residuals = self.residuals(tested.outputs, numbers),
        }
        Ok(account)
    }

    /// The residuals of the first targets; outputs are decoded piece by piece, for they may be many.
    fn residuals(&self, outputs: &Matrix<T>, truth: &Matrix<f64>) -> Vec<Residuals> {
        let names = self.encoding.target_names();
        let residuals = |(target, name): (usize, &&str)| {
            let pieces = (0..outputs.rows).step_by(PIECE).flat_map(|first| {
                let rows: Vec<usize> = (first..outputs.rows.min(first + PIECE)).collect();
                let predicted = self.encoding.decode_regression(&outputs.gathered(&rows));
                let pair = |(place, row): (usize, usize)| (predicted.row(place)[target], truth.row(row)[target]);
                rows.into_iter().enumerate().map(pair).collect::<Vec<_>>()
            });
            Residuals::new(name, outputs.rows, pieces)
        };
        names.iter().enumerate().take(TARGETS).filter_map(residuals).collect()
    }

    fn has_numbers_alone(&self) -> bool {
        self.encoding.inputs.iter().all(|column| matches!(column.kind, InputKind::Number { .. }))
    }

    /// What the network says over the plane of its two inputs; none with other inputs, or of a network that takes too long.
    fn surface(&self) -> Result<Option<Surface>> {
        let parameters = self.network.parameter_count() * self.weights.len() as u64;
        let side = (2..=SIDE).rev().find(|side| (side * side) as u64 * parameters <= PLANE_WORK);
        let (Some(side), true) = (side.filter(|&side| side >= 16), self.has_numbers_alone()) else { return Ok(None) };
        let [x, y] = &self.encoding.inputs[..] else { return Ok(None) };
        let pairs: Vec<[f64; 2]> = (0..self.looked_at.inputs.rows).map(|row| self.pair(x, y, row)).collect();
        let Some([across, up]) = sides(&pairs) else { return Ok(None) };
        let between = |[from, to]: [f64; 2], place: usize| from + (to - from) * place as f64 / (side - 1) as f64;
        let points = (0..side * side).flat_map(|point| {
            x.encoded(between(across, point % side)).chain(y.encoded(between(up, side - 1 - point / side)))
        });
        let points = Matrix::new(side * side, self.network.inputs(), points.collect());
        let weights: Vec<Weights<f64>> = self.weights.iter().map(converted).collect();
        let device = Device::cpu(Some(1), "");
        let outputs = Session::for_evaluation(self.network.clone(), self.loss, &weights, &device)?.predict(&points)?;
        let (values, classes) = self.said(&outputs)?;
        if !values.iter().all(|value| value.is_finite()) {
            return Ok(None);
        }
        Ok(Some(Surface {
            inputs: [x.name.clone(), y.name.clone()],
            ranges: [across.map(rounded), up.map(rounded)],
            side,
            values: values.into_iter().map(rounded).collect(),
            classes,
            points: self.points(&pairs),
            rows: self.rows,
        }))
    }

    /// Of outputs: the probability of the class that is said and the class, or the first target.
    fn said(&self, outputs: &Matrix<f64>) -> Result<(Vec<f64>, Vec<usize>)> {
        if self.encoding.task() == Task::Regression {
            let decoded = self.encoding.decode_regression(outputs);
            return Ok(((0..decoded.rows).map(|row| decoded.row(row)[0]).collect(), Vec::new()));
        }
        let probabilities = probabilities(outputs)?;
        let said = |row: usize| {
            let class = decided_class(self.encoding.decision(), probabilities.row(row));
            (class.map_or(f64::NAN, |class| probabilities.row(row)[class]), class.unwrap_or(0))
        };
        Ok((0..probabilities.rows).map(said).unzip())
    }

    /// The numbers of one of the training rows that are looked at, in the data's own units, where there are two columns of numbers.
    fn pair(&self, x: &InputColumn, y: &InputColumn, row: usize) -> [f64; 2] {
        let row = self.looked_at.inputs.row(row);
        [(x, 0), (y, x.width())].map(|(column, input)| column.decoded(row[input].to_f64()).unwrap_or(f64::NAN))
    }

    /// The training rows that are looked at, whose numbers are these, each with its class or its first target.
    fn points(&self, pairs: &[[f64; 2]]) -> Vec<[f64; 3]> {
        let targets = &self.looked_at.targets;
        let numbers = match self.encoding.task() {
            Task::Regression => Some(self.encoding.decode_regression(targets)),
            Task::Classification => None,
        };
        let point = |(row, &[x, y]): (usize, &[f64; 2])| {
            let target: Vec<f64> = targets.row(row).iter().map(|value| value.to_f64()).collect();
            let of =
                numbers.as_ref().map_or_else(|| predicted_class(&target).unwrap_or(0) as f64, |numbers| numbers.row(row)[0]);
            [rounded(x), rounded(y), rounded(of)]
        };
        pairs.iter().enumerate().map(point).collect()
    }

    /// Pixels along the side of the images that the rows are; none where they are something else.
    fn side(&self) -> Option<usize> {
        let inputs = self.network.inputs();
        let side = inputs.isqrt();
        let are_pixels = self.encoding.inputs.iter().all(|column| column.name.to_lowercase().starts_with("pixel"));
        let is_image = self.has_numbers_alone()
            && self.encoding.inputs.len() == inputs
            && side * side == inputs
            && (are_pixels || self.is_array);
        (is_image && PIXELS.contains(&side)).then_some(side)
    }

    /// The test images that were taken for another class and gave their own the lowest probability.
    fn images(&self, tested: &Tested<'_, T>, probabilities: &Matrix<f64>, truth: &[usize]) -> Result<Option<Images>> {
        let Some(side) = self.side() else { return Ok(None) };
        let classes = self.encoding.class_names();
        let mistake = |(row, &class): (usize, &usize)| {
            let said = decided_class(self.encoding.decision(), probabilities.row(row)).filter(|&said| said != class)?;
            Some((probabilities.row(row)[class], row, class, said))
        };
        let mut wrong: Vec<_> = truth.iter().enumerate().filter_map(mistake).collect();
        wrong.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let worst = &wrong[..wrong.len().min(IMAGES)];
        let shown = tested.rows.gathered(&worst.iter().map(|&(_, row, ..)| row).collect::<Vec<_>>())?.inputs;
        let image = |(place, &(probability, row, class, said)): (usize, &(f64, usize, usize, usize))| {
            Some(Image {
                row: row + 1,
                origin: tested.originals.of_row(row, &[]).ok().map(|(origin, _)| origin),
                truth: classes.get(class)?.clone(),
                predicted: classes.get(said)?.clone(),
                probability: rounded(probabilities.row(row)[said]),
                probability_of_truth: rounded(probability),
                pixels: self.pixels(shown.row(place)),
            })
        };
        let worst = worst.iter().enumerate().filter_map(image).collect();
        let source = Some(tested.originals.source().to_owned());
        Ok(Some(Images { side, source, wrong: wrong.len(), worst }))
    }

    /// An image's inputs as greys, from its darkest to its lightest pixel.
    fn pixels(&self, inputs: &[T]) -> Vec<u8> {
        let numbers: Vec<f64> = inputs
            .iter()
            .enumerate()
            .map(|(input, &value)| self.encoding.inputs[input].decoded(value.to_f64()).unwrap_or(0.0))
            .collect();
        let (least, largest) = ends(numbers.iter().copied());
        let range = if largest > least { largest - least } else { 1.0 };
        numbers.iter().map(|number| (255.0 * (number - least) / range).round() as u8).collect()
    }

    /// The layers of the first network with their gradients and activations; none of one that is too large for a look, or without rows.
    fn layers(&self) -> Result<Option<Layers>> {
        let rows = (LAYER_WORK / self.network.parameter_count().max(1)).min(LAYER_ROWS as u64) as usize;
        let rows = rows.min(self.looked_at.inputs.rows);
        if rows < 8.min(self.looked_at.inputs.rows).max(1) {
            return Ok(None);
        }
        let order: Vec<usize> = thinned(self.looked_at.inputs.rows, rows).collect();
        let [inputs, targets] =
            [&self.looked_at.inputs, &self.looked_at.targets].map(|matrix| matrix.gathered(&order).converted::<f64>());
        let weights: Weights<f64> = converted(&self.weights[0]);
        let mut problem = Problem::new(self.network, self.loss, &weights, &inputs, &targets)?;
        let (gradients, outputs) = (problem.gradients()?, problem.outputs()?);
        let layer = |l: usize| {
            let shape = [self.network.widths()[l], self.network.widths()[l + 1]];
            let is_hidden = l + 1 < self.network.layers();
            let outputs = outputs.get(l).filter(|_| is_hidden);
            let spread = Spread::of(&weights[l].weight.values)?;
            Some(Layer {
                shape,
                activation: self.network.activations()[l].name().to_string(),
                weights: spread,
                counts: counts(&weights[l].weight.values, &spread),
                gradients: Spread::of(&gradients[l])?,
                activations: outputs.and_then(|outputs| Spread::of(outputs)),
                constant: outputs.map(|outputs| constant(outputs, shape[1])),
            })
        };
        let layers: Option<Vec<Layer>> = (0..self.network.layers()).map(layer).collect();
        Ok(layers.map(|layers| Layers { rows, layers }))
    }

    /// The least and the largest number of each input column, of the rows that are looked at.
    fn ranges(&self) -> Vec<Option<[f64; 2]>> {
        let of = |(column, span): (&InputColumn, std::ops::Range<usize>)| {
            let rows = 0..self.looked_at.inputs.rows;
            let numbers = rows.map(|row| column.decoded(self.looked_at.inputs.row(row)[span.start].to_f64()));
            let (least, largest) = ends(numbers.map(|number| number.unwrap_or(f64::NAN)));
            // What single precision left of a zero is one.
            let told = |end: f64| if end.abs() < 1e-6 * (largest - least) { 0.0 } else { rounded(end) };
            (!column.is_category() && least <= largest).then(|| [least, largest].map(told))
        };
        self.encoding.inputs.iter().zip(self.encoding.spans()).map(of).collect()
    }

    /// The first input columns, and what becomes of them in words.
    fn columns(&self) -> Vec<Column> {
        let column = |column: &InputColumn| Column {
            name: column.name.clone(),
            encoding: match &column.kind {
                InputKind::Number { missing, .. } if column.calendar.is_some() => {
                    let missing =
                        missing.map_or(String::new(), |days| format!("; missing cells become {}", dates::day(days)));
                    format!("a date: days, season, day of the week{missing}")
                }
                InputKind::Number { offset, scale, missing, bins } => {
                    let missing = missing.map_or(String::new(), |value| format!("; missing cells become {value}"));
                    let bins = bins.told(rounded).unwrap_or_default();
                    format!("(cell − {}) / {}{bins}{missing}", rounded(*offset), rounded(*scale))
                }
                InputKind::Category { categories, .. } => {
                    let shown: Vec<&str> = categories.iter().take(8).map(String::as_str).collect();
                    let more = if categories.len() > 8 { ", …" } else { "" };
                    format!("one of {} categories: {}{more}", categories.len(), shown.join(", "))
                }
            },
        };
        self.encoding.inputs.iter().take(COLUMNS).map(column).collect()
    }
}

/// The ends of two columns, with a little room; none where a column is all the same or not finite.
fn sides(pairs: &[[f64; 2]]) -> Option<[[f64; 2]; 2]> {
    let sides = [0, 1].map(|column| {
        let (least, largest) = ends(pairs.iter().map(|pair| pair[column]));
        let room = 0.06 * (largest - least);
        [least - room, largest + room]
    });
    sides.iter().all(|[least, largest]| least < largest && (largest - least).is_finite()).then_some(sides)
}

/// How many weights lie in each of equal parts of their range.
fn counts(weights: &[f64], spread: &Spread) -> Vec<usize> {
    let mut counts = vec![0; BARS];
    for weight in weights {
        let share = (weight - spread.least) / (spread.largest - spread.least);
        counts[((share * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    counts
}

/// The share of a layer's units whose outputs [rows × units] are the same for every row.
fn constant(outputs: &[f64], units: usize) -> f64 {
    let (first, others) = outputs.split_at(units.min(outputs.len()));
    let same = |unit: &usize| others.iter().skip(*unit).step_by(units).all(|output| output == &first[*unit]);
    (0..first.len()).filter(same).count() as f64 / units as f64
}

/// A number of six significant digits: more than a picture shows.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_say_the_same_for_every_row_are_counted() {
        assert_eq!(constant(&[0.0, 1.0, 2.0, 0.0, 1.0, 3.0, 0.0, 2.0, 2.0], 3), 1.0 / 3.0);
        assert_eq!(constant(&[0.5, 0.5], 2), 1.0, "one row says nothing else");
    }

    #[test]
    fn rows_to_look_at_are_evenly_spread_and_few() {
        let rows = 10_000;
        let values: Vec<f32> = (0..rows).map(|row| row as f32).collect();
        let samples = Samples::new(Matrix::new(rows, 1, values.clone()), Matrix::new(rows, 1, values));
        let looked = looked_at(&samples.clone().into()).expect("rows");
        assert_eq!((looked.inputs.rows, looked.inputs.values[1], looked.targets.values[399]), (ROWS, 25.0, 9975.0));
    }

    #[test]
    fn numbers_keep_six_digits() {
        assert_eq!([0.123_456_789, 1e-9, 0.0, 12_345_678.0].map(rounded), [0.123_457, 1e-9, 0.0, 12_345_700.0]);
    }
}
