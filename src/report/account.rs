//! What is known of a run at its end and could not be found out later without its data: `report.json` in its folder.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::table::Origin;
use crate::error::{Error, Result, shown};
use crate::evaluation::{Calibration, Dependence, Distribution, Importance, PrecisionRecall, Residuals, Roc};
use crate::files;
use crate::page::ends;

/// The version of `report.json`.
pub const SCHEMA: u32 = 1;
/// Bytes of a `report.json`, at most: it holds a few pictures.
pub(super) const BYTES: u64 = 32 << 20;
/// Values in it, at most, as [`values`] counts them: each may take a thousand times its bytes in memory.
const VALUES: usize = 400_000;

/// A run's result, and what its pictures are drawn from.
///
/// What an earlier version of wgrad did not write is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// The version of these fields.
    pub schema: u32,
    /// The version of wgrad that trained.
    pub wgrad: String,
    /// What `wgrad train --json` prints of the run.
    pub outcome: Value,
    /// The command lines that made the run: the first, and those that went on with it.
    pub commands: Vec<String>,
    /// What wgrad remarked on the way.
    pub remarks: Vec<String>,
    /// Of two classes: the receiver operating characteristic on the test rows.
    pub roc: Option<Roc>,
    /// Of two classes: precision and recall on the test rows.
    pub precision_recall: Option<PrecisionRecall>,
    /// Of two classes: whether the probabilities of the test rows are what they say.
    pub calibration: Option<Calibration>,
    /// Of a regression: the residuals of the test rows, for the first few targets.
    pub residuals: Vec<Residuals>,
    /// With two numeric inputs: what the network says in the plane that they span.
    pub surface: Option<Surface>,
    /// How the targets are distributed.
    pub distributions: Vec<Distribution>,
    /// How much the network goes by each column.
    pub importance: Option<Importance>,
    /// Pixels along the side of the images that the rows are, where they are images.
    pub side: Option<usize>,
    /// What the network says by the values of its most important columns.
    pub dependences: Vec<Dependence>,
    /// Of images: those of the test rows that it was most wrong about.
    pub images: Option<Images>,
    /// Of other rows: those of the test rows that it was most wrong about.
    pub wrong: Option<WrongRows>,
    /// The network's layers, unless it is too large for a look.
    pub layers: Option<Layers>,
    /// The input columns, the first few.
    pub columns: Vec<Column>,
    /// Of each input column the least and the largest number of some training rows; none of categories.
    #[serde(default)]
    pub ranges: Vec<Option<[f64; 2]>>,
}

/// What a network says over a grid of its two inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    /// The inputs' names.
    pub inputs: [String; 2],
    /// From where to where the grid goes, in the data's own units.
    pub ranges: [[f64; 2]; 2],
    /// Points of the grid along each side.
    pub side: usize,
    /// Of a classification, the probability of the class that is said; of a regression, the first target: row by row from the highest
    /// second input down, along the first input.
    pub values: Vec<f64>,
    /// Of a classification, the class that is said.
    pub classes: Vec<usize>,
    /// Training rows: both inputs, and the class or the first target.
    pub points: Vec<[f64; 3]>,
    /// How many training rows there are.
    pub rows: usize,
}

/// Images that a network was wrong about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Images {
    /// Pixels along each side.
    pub side: usize,
    /// Where the images come from, as the user named it.
    #[serde(default)]
    pub source: Option<String>,
    /// How many test images were taken for another class.
    pub wrong: usize,
    /// Those whose own class was given the lowest probability, lowest first.
    pub worst: Vec<Image>,
}

/// An image, and what was said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Which of the test rows it is, from 1.
    pub row: usize,
    /// Where it is in its source.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Its class.
    pub truth: String,
    /// The class that it was taken for.
    pub predicted: String,
    /// That one's probability.
    pub probability: f64,
    /// Its own class's probability.
    pub probability_of_truth: f64,
    /// Its pixels row by row, from the darkest, 0, to the lightest, 255.
    pub pixels: Vec<u8>,
}

/// Rows that a network was wrong about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrongRows {
    /// Where they come from, as the user named it.
    pub source: String,
    /// The columns of which the cells are told: the most important ones.
    pub columns: Vec<String>,
    /// The rows of the highest loss, highest first.
    pub rows: Vec<WrongRow>,
}

/// A row, and what was said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrongRow {
    /// Where it is in its source.
    pub origin: Origin,
    /// Its loss; none where it is not finite.
    pub loss: Option<f64>,
    /// Its class, or its numbers.
    pub truth: String,
    /// What was predicted.
    pub predicted: String,
    /// The probability of the class that was predicted.
    pub probability: Option<f64>,
    /// The probability of its own class.
    pub probability_of_truth: Option<f64>,
    /// Its cells in those columns, as the source has them; empty where they are not known.
    pub cells: Vec<String>,
}

/// The layers of a trained network, with its gradients and activations on some training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layers {
    /// How many training rows were looked at.
    pub rows: usize,
    /// The layers in order.
    pub layers: Vec<Layer>,
}

/// A layer's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its inputs and outputs.
    pub shape: [usize; 2],
    /// Its activation.
    pub activation: String,
    /// Its weights, without the biases.
    pub weights: Spread,
    /// How many weights lie in each of equal parts from the least to the largest.
    pub counts: Vec<usize>,
    /// The gradients of the mean loss by its parameters.
    pub gradients: Spread,
    /// What its units give; none of the last layer.
    pub activations: Option<Spread>,
    /// The share of its units that give the same for every row; none of the last layer.
    pub constant: Option<f64>,
}

/// How numbers are spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The least.
    pub least: f64,
    /// The largest.
    pub largest: f64,
}

/// An input column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What becomes of its cells, in words.
    pub encoding: String,
}

impl Spread {
    /// The spread of some numbers; none where there are none or one is not finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let (least, largest) = ends(values.iter().copied());
        [mean, deviation].iter().all(|value| value.is_finite()).then_some(Self { mean, deviation, least, largest })
    }
}

impl Account {
    /// Reads a run's `report.json`; none if there is no such file.
    ///
    /// # Errors
    /// Data, if it cannot be read or was not written by this version of wgrad.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let Some(bytes) = files::bounded_own(path, BYTES)? else { return Ok(None) };
        let name = shown(&path.to_string_lossy());
        let advice = "remove it to have a report without what it holds";
        if values(&bytes) > VALUES {
            return Err(Error::Data(format!("{name}: holds more than {VALUES} values, which no report has; {advice}")));
        }
        let account: Self =
            serde_json::from_slice(&bytes).map_err(|error| Error::Data(format!("{name}: {error}; {advice}")))?;
        match account.schema {
            SCHEMA => Ok(Some(account)),
            other => Err(Error::Data(format!("{name}: is of schema {other}, and this wgrad reads {SCHEMA}; {advice}"))),
        }
    }

    /// Its bytes as JSON, with as much of it as [`read`](Self::read) takes: pictures go first, then lists in the outcome.
    ///
    /// # Errors
    /// Internal, if it is no JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let alone =
            || Self { schema: self.schema, wgrad: self.wgrad.clone(), outcome: self.outcome.clone(), ..Self::default() };
        let shortest = || Self { outcome: without_long_lists(&self.outcome), ..alone() };
        let bytes = |account: &Self| {
            serde_json::to_vec(account).map_err(|error| Error::Internal(format!("the report's data is no JSON: {error}")))
        };
        let fits = |bytes: &[u8]| bytes.len() as u64 <= BYTES && values(bytes) <= VALUES;
        let all = bytes(self)?;
        if fits(&all) {
            return Ok(all);
        }
        let all = bytes(&alone())?;
        if fits(&all) { Ok(all) } else { bytes(&shortest()) }
    }
}

/// How many values a JSON text holds, or more, without reading it: each but the first stands behind a comma, a colon or a bracket.
fn values(json: &[u8]) -> usize {
    json.iter().filter(|byte| b",:[{".contains(byte)).count()
}

/// An outcome whose lists and tables of more than a few entries are null.
fn without_long_lists(value: &Value) -> Value {
    /// Entries that a list or table may have.
    const MOST: usize = 64;
    match value {
        Value::Array(values) if values.len() <= MOST => values.iter().map(without_long_lists).collect(),
        Value::Object(fields) if fields.len() <= MOST => {
            fields.iter().map(|(key, value)| (key.clone(), without_long_lists(value))).collect()
        }
        Value::Array(_) | Value::Object(_) => Value::Null,
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_too_much_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        let column = |number: usize| Column { name: format!("c{number}"), encoding: "as it is".into() };
        let account = |columns: usize, scores: usize| Account {
            schema: SCHEMA,
            outcome: json!({ "loss": 0.5, "scores": vec![0; scores] }),
            columns: (0..columns).map(column).collect(),
            ..Account::default()
        };
        let read = |account: &Account| {
            std::fs::write(&path, account.to_bytes().expect("JSON")).expect("a file");
            Account::read(&path).expect("within the bounds").expect("a file")
        };
        assert_eq!(read(&account(3, 10)), account(3, 10));
        assert_eq!(read(&account(200_000, 10)), account(0, 10), "without what pictures show");
        let cut = read(&account(3, 500_000));
        assert_eq!((cut.outcome, cut.columns.len()), (json!({ "loss": 0.5, "scores": null }), 0));
    }
}
