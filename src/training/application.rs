//! A trained model applied to a table: outputs, and their judgement where the truth is known.

use std::path::{Path, PathBuf};

use super::options::{DeviceOptions, PrecisionName};
use super::{Device, Precision, Session};
use crate::data::{Matrix, ReadOptions, Table, read, remarks};
use crate::error::{Result, shown};
use crate::evaluation::{Evaluation, Truth};
use crate::model::{Model, resolve_model};

/// A model, a table whose columns fit it, and what the model says of each row.
pub struct Application {
    /// The model's file.
    pub file: PathBuf,
    /// The model.
    pub model: Model,
    /// The table.
    pub table: Table,
    /// What a person should hear about the table.
    pub remarks: Vec<String>,
    /// The outputs, rows × outputs; exact in f64 whatever they were computed in.
    pub outputs: Matrix<f64>,
    /// Where they were computed.
    pub device: Device,
}

impl Application {
    /// Loads a model, reads a table, and computes the outputs, in the model's own precision unless said otherwise (f32 on a GPU).
    ///
    /// # Errors
    /// Model, data, no device or limit.
    pub fn new(model: &Path, source: &str, reading: &ReadOptions, options: &DeviceOptions) -> Result<Self> {
        let file = resolve_model(model)?;
        let model = Model::load(&file)?;
        let table = read(source, reading)?;
        let extra = model.encoding.check_columns(&table)?.extra;
        let mut remarks = Vec::new();
        if !extra.is_empty() {
            let names: Vec<String> = extra.iter().take(10).map(|name| format!("'{}'", shown(name))).collect();
            remarks.push(format!("{}: not used by the model: {}", shown(source), names.join(", ")));
        }
        let rows: Vec<usize> = (0..table.rows).collect();
        remarks.extend(remarks::unseen_categories(&model.encoding, &table, &rows));
        let device = options.open()?;
        let stored_double = model.weights.precision() == <f64 as crate::scalar::Scalar>::NAME;
        let double = match options.precision {
            Some(precision) => precision == PrecisionName::F64,
            None => stored_double && device.gpu().is_none(),
        };
        let outputs =
            if double { outputs::<f64>(&model, &table, &device)? } else { outputs::<f32>(&model, &table, &device)? };
        Ok(Self { file, model, table, remarks, outputs, device })
    }

    /// How right the outputs are, by the targets that the table holds.
    ///
    /// # Errors
    /// Data, naming line and column, for absent, missing or unknown targets.
    pub fn judged(&self) -> Result<Evaluation> {
        let rows: Vec<usize> = (0..self.table.rows).collect();
        Ok(Truth::of(&self.model.encoding, &self.table, &rows)?.judge(&self.model.encoding, &self.outputs))
    }
}

/// The network's outputs over all rows, a piece at a time so that the encoded inputs take little memory.
fn outputs<T: Precision>(model: &Model, table: &Table, device: &Device) -> Result<Matrix<f64>> {
    const ROWS: usize = 1 << 14;
    let mut session = Session::<T>::for_evaluation(model.network.clone(), model.loss, &model.weights.get(), device)?;
    let mut values = Vec::with_capacity(table.rows * model.network.outputs());
    for first in (0..table.rows).step_by(ROWS) {
        let rows: Vec<usize> = (first..(first + ROWS).min(table.rows)).collect();
        let outputs = session.predict(&model.encoding.encode_inputs(table, &rows)?)?;
        values.extend(outputs.values.into_iter().map(T::to_f64));
    }
    Ok(Matrix::new(table.rows, model.network.outputs(), values))
}
