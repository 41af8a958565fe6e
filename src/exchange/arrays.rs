//! A model as an npz archive: what plain numpy needs to compute predictions.
//!
//! `W1` [inputs × outputs], `b1` [outputs], `W2`, … are the layers; a net without biases has zeros in `b`. For several
//! networks, whose mean output is the model's, `W1` is [networks × inputs × outputs] and `b1` [networks × 1 × outputs], as
//! `numpy.matmul` takes them. `activations` names each layer's activation.
//!
//! These arrays have an entry for each input of the network: `columns` (its column), `categories` (its category, empty for
//! a number), `offset` and `scale` (the input is (cell - offset) / scale) and `missing` (the value, before scaling, for a
//! missing cell; NaN where there is none). If a column holds dates, `parts` names the part of the date that the input is
//! (`days` are those since 1970; empty for other columns). If columns have bins, a scaled number x becomes
//! x / sqrt(1 + (x / reach)^2), and then at least `least` and at most `most`.
//!
//! A classification has `target` and `classes`; if a threshold decides between two classes, `positive` is the class to
//! predict from a probability of `threshold` on. A regression has `targets`, `target_offset` and `target_scale`.

use std::io::{Cursor, ErrorKind, Write};
use std::iter::repeat;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::data::npy;
use crate::data::{Calendar, Encoding, InputColumn, InputKind, Matrix, Target};
use crate::error::{Error, Result};
use crate::memory;
use crate::model::{Element, Model, StoredWeights};
use crate::network::{Layer, Weights};

/// The model as an npz archive.
///
/// # Errors
/// Internal, if the archive cannot be put together.
pub(super) fn export(model: &Model) -> Result<Vec<u8>> {
    let mut archive = Archive(ZipWriter::new(Cursor::new(Vec::new())));
    let written = archive.write(model).and_then(|()| Ok(archive.0.finish()?.into_inner()));
    written.map_err(|error| match error.kind() {
        ErrorKind::OutOfMemory => {
            Error::Limit(format!("{error}: in npz every text takes as much as the longest; export another format"))
        }
        _ => Error::Internal(format!("the npz archive: {error}")),
    })
}

struct Archive(ZipWriter<Cursor<Vec<u8>>>);

/// What one input of the network is made of.
#[derive(Clone, Copy)]
struct Input<'a> {
    column: &'a str,
    category: &'a str,
    /// Which part of a date it is; empty for other columns.
    part: &'static str,
    offset: f64,
    scale: f64,
    missing: f64,
    /// Where the scaled number is clipped smoothly, and then the least and the most that it may be.
    reach: f64,
    ends: [f64; 2],
}

/// One entry an input of the network.
fn inputs(encoding: &Encoding) -> Vec<Input<'_>> {
    let plain = Input {
        column: "",
        category: "",
        part: "",
        offset: 0.0,
        scale: 1.0,
        missing: f64::NAN,
        reach: f64::INFINITY,
        ends: [f64::NEG_INFINITY, f64::INFINITY],
    };
    let mut inputs = Vec::with_capacity(encoding.inputs());
    for column in &encoding.inputs {
        match &column.kind {
            InputKind::Number { offset, scale, missing, bins } => {
                let missing = missing.unwrap_or(f64::NAN);
                let part = if column.calendar.is_some() { "days" } else { "" };
                let number = Input { column: &column.name, part, offset: *offset, scale: *scale, missing, ..plain };
                inputs.push(Input { reach: bins.reach.unwrap_or(f64::INFINITY), ..number });
                let bin = |(bin, ends): (&[f64], _)| Input { offset: bin[0], scale: bin[1] - bin[0], ends, ..number };
                inputs.extend(bins.edges.windows(2).zip(bins.ends()).map(bin));
                let parts = column.calendar.into_iter().flat_map(Calendar::names);
                inputs.extend(parts.map(|part| Input { column: &column.name, part, missing, ..plain }));
            }
            InputKind::Category { categories, missing } => {
                for category in categories {
                    let stand_in = missing.as_ref().map_or(f64::NAN, |missing| f64::from(u8::from(missing == category)));
                    inputs.push(Input { column: &column.name, category, missing: stand_in, ..plain });
                }
            }
        }
    }
    inputs
}

impl Archive {
    fn write(&mut self, model: &Model) -> std::io::Result<()> {
        self.text("wgrad", env!("CARGO_PKG_VERSION"))?;
        match &model.weights {
            StoredWeights::Single(networks) => self.layers(networks)?,
            StoredWeights::Double(networks) => self.layers(networks)?,
        }
        self.texts("activations", model.network.activations().iter().map(|activation| activation.name()))?;
        let inputs = inputs(&model.encoding);
        self.texts("columns", inputs.iter().map(|input| input.column))?;
        self.texts("categories", inputs.iter().map(|input| input.category))?;
        self.numbers("offset", inputs.iter().map(|input| input.offset))?;
        self.numbers("scale", inputs.iter().map(|input| input.scale))?;
        self.numbers("missing", inputs.iter().map(|input| input.missing))?;
        let has_bins = |column: &InputColumn| matches!(&column.kind, InputKind::Number { bins, .. } if !bins.is_empty());
        if model.encoding.inputs.iter().any(has_bins) {
            self.numbers("reach", inputs.iter().map(|input| input.reach))?;
            self.numbers("least", inputs.iter().map(|input| input.ends[0]))?;
            self.numbers("most", inputs.iter().map(|input| input.ends[1]))?;
        }
        if model.encoding.inputs.iter().any(|column| column.calendar.is_some()) {
            self.texts("parts", inputs.iter().map(|input| input.part))?;
        }
        match &model.encoding.target {
            Target::Classification { column, classes, decision } => {
                self.text("target", column)?;
                self.texts("classes", classes.iter().map(String::as_str))?;
                if let Some(threshold) = decision.threshold {
                    self.text("positive", &classes[decision.positive])?;
                    self.values("threshold", &[], &[threshold])?;
                }
                Ok(())
            }
            Target::Regression { columns } => {
                self.texts("targets", columns.iter().map(|column| column.name.as_str()))?;
                self.numbers("target_offset", columns.iter().map(|column| column.offset))?;
                self.numbers("target_scale", columns.iter().map(|column| column.scale))
            }
        }
    }

    fn layers<T: Element>(&mut self, networks: &[Weights<T>]) -> std::io::Result<()> {
        for l in 0..networks[0].len() {
            let Matrix { rows, columns, .. } = networks[0][l].weight;
            let (mut weights, mut biases) = (Vec::new(), Vec::new());
            for Layer { weight, bias } in networks.iter().map(|weights| &weights[l]) {
                weights.extend_from_slice(&weight.values);
                biases.extend_from_slice(bias);
                biases.resize(weights.len() / rows, T::ZERO);
            }
            let (of_weights, of_biases) = match networks.len() {
                1 => (vec![rows, columns], vec![columns]),
                several => (vec![several, rows, columns], vec![several, 1, columns]),
            };
            self.values(&format!("W{}", l + 1), &of_weights, &weights)?;
            self.values(&format!("b{}", l + 1), &of_biases, &biases)?;
        }
        Ok(())
    }

    fn numbers(&mut self, name: &str, numbers: impl Iterator<Item = f64>) -> std::io::Result<()> {
        let numbers: Vec<f64> = numbers.collect();
        self.values(name, &[numbers.len()], &numbers)
    }

    fn values<T: Element>(&mut self, name: &str, shape: &[usize], values: &[T]) -> std::io::Result<()> {
        let mut bytes = npy::written(&format!("<f{}", size_of::<T>()), shape);
        bytes.reserve(size_of_val(values));
        values.iter().for_each(|value| value.append_to(&mut bytes));
        self.array(name, &bytes)
    }

    /// One text, as an array without dimensions.
    fn text(&mut self, name: &str, text: &str) -> std::io::Result<()> {
        self.characters(name, &[], &[text])
    }

    fn texts<'a>(&mut self, name: &str, texts: impl Iterator<Item = &'a str>) -> std::io::Result<()> {
        let texts: Vec<&str> = texts.collect();
        self.characters(name, &[texts.len()], &texts)
    }

    /// Texts, each as long as the longest, which has one character at least, and filled up with zeros.
    fn characters(&mut self, name: &str, shape: &[usize], texts: &[&str]) -> std::io::Result<()> {
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let bytes = 4 * texts.len() as u128 * longest as u128;
        if !memory::is_there(3 * bytes) {
            let why = format!("there is no memory for the {bytes} bytes of '{name}'");
            return Err(std::io::Error::new(ErrorKind::OutOfMemory, why));
        }
        let mut array = npy::written(&format!("<U{longest}"), shape);
        for text in texts {
            let characters = text.chars().map(u32::from).chain(repeat(0)).take(longest);
            array.extend(characters.flat_map(u32::to_le_bytes));
        }
        self.array(name, &array)
    }

    fn array(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        // As numpy does: beyond 4 GiB only where that has been said.
        self.0.start_file(format!("{name}.npy"), SimpleFileOptions::default().large_file(true))?;
        self.0.write_all(bytes)
    }
}
