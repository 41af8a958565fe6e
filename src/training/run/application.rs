//! A trained model applied to a table, in memory or larger than it: outputs, and their judgement where the truth is known.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::attention::{self, Attentive};
use super::options::{Bytes, DeviceOptions};
use super::own_rows::{EVALUATE, OwnRows, own_rows};
use super::sources::{Held, NOT_IN_PARTS, Part, in_parts, is_larger};
use crate::data::table::listed;
use crate::data::{FitOptions, Matrix, ReadOptions, Readings, StoredTable, Table, remarks};
use crate::error::{Error, Result, shown, typed, typed_path};
use crate::evaluation::{Asked, Dependence, Evaluation, Importance, thinned};
use crate::memory;
use crate::model::{Model, TrainedRows, resolve_model};
use crate::network::ensemble::mean_outputs;
use crate::scalar::Scalar;
use crate::training::session::device::in_precision;
use crate::training::session::{Device, Precision, PrecisionName, Samples, Session};

/// A model, and rows of a table whose columns fit it.
pub struct Application {
    /// The model.
    pub model: Model,
    /// What a person may want to know about the table.
    pub notes: Vec<String>,
    /// What a person should hear about it.
    pub remarks: Vec<String>,
    /// Where outputs are computed.
    pub device: Device,
    source: String,
    rows: Part,
    /// The rows that the model was trained on, where it is known and the targets are looked at.
    trained: Option<TrainedRows>,
    /// Those that [`judged`](Self::judged) has gone through.
    seen: RefCell<TrainedRows>,
    /// Whether outputs are computed in f64.
    double: bool,
    unfinite: RefCell<Unfinite>,
    /// Columns with cells that are missing, and how many of each.
    missing: RefCell<BTreeMap<String, usize>>,
}

/// What a model says of some rows, exact in f64 whatever it was computed in.
#[derive(Debug)]
pub struct Outputs {
    /// What each of its networks says [rows × outputs].
    pub networks: Vec<Matrix<f64>>,
    /// The mean of these, which is what the model says.
    pub mean: Matrix<f64>,
}

/// Rows whose outputs are not finite.
#[derive(Debug, Default)]
struct Unfinite {
    count: usize,
    /// Where the first is.
    first: Option<String>,
}

/// How much of a table is looked at, and in how much memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent {
    /// Bytes that its files may have to be read into memory; none: as many as there is memory for.
    pub memory: Option<Bytes>,
    /// Whether columns are looked at that the model does not know.
    pub all_columns: bool,
    /// Whether the targets are looked at, and not the inputs alone.
    pub targets: bool,
}

/// Cells or inputs, and rows, whose outputs are computed at a time.
const CELLS: usize = 1 << 21;
const ROWS: usize = 1 << 14;

impl Application {
    /// Loads a model and reads a table: into memory, or, where there is none for it or not as much as is wanted, into a
    /// file without a name. Outputs are computed in the model's own precision unless said otherwise (f32 on a GPU).
    ///
    /// # Errors
    /// Model, data, no device or limit.
    pub fn new(model: &Path, source: &str, reading: &ReadOptions, extent: Extent, options: &DeviceOptions) -> Result<Self> {
        let file = resolve_model(model)?;
        let model = Model::load(&file)?;
        let columns = if extent.targets { Readings::of_model } else { Readings::of_inputs }(&model.encoding);
        let reading = &ReadOptions { columns, keeps_text: extent.all_columns, ..reading.clone() };
        let mut extra = Vec::new();
        let mut fitting = |table: &Table| {
            extra = model.encoding.check_columns(table)?.extra;
            let ignore = if extent.all_columns { Vec::new() } else { extra.clone() };
            Ok(FitOptions { ignore, ..FitOptions::default() })
        };
        let can_be_stored = || StoredTable::is_for(source, reading);
        let stored = is_larger(source, extent.memory) && can_be_stored();
        let (table, _) = match Held::read(source, reading, stored, None, &mut fitting) {
            Err(Error::Limit(_)) if !stored && can_be_stored() => Held::read(source, reading, true, None, fitting)?,
            read => read?,
        };
        let mut notes = Vec::new();
        match &table {
            Held::File(_) => notes.push(in_parts(source)),
            Held::Memory(_) if extent.memory.is_some() && !can_be_stored() => notes.push(NOT_IN_PARTS.into()),
            Held::Memory(_) => {}
        }
        if !extra.is_empty() {
            let names = listed(extra.iter().map(String::as_str));
            notes.push(format!("{}: not used by the model: {names}", shown(source)));
        }
        let rows = Part::of(table);
        let mut remarks = rows.table.remarks().to_vec();
        remarks.extend(rows.table.unseen_categories(&rows.rows, &model.encoding));
        let trained = match TrainedRows::of_model(&file) {
            Ok(trained) => trained.filter(|_| extent.targets),
            Err(error) => {
                remarks.push(error.to_string());
                None
            }
        };
        Self::of(model, source.to_owned(), rows, trained, options, notes, remarks)
    }

    /// Loads the model of a run, and reads some of the run's own rows again: as [`new`](Self::new), from the same data, wherever these are now, which are
    /// split as they were.
    ///
    /// # Errors
    /// As there; usage, if the run has no such rows; data, if its data are not what they were.
    pub fn of_run(
        model: &Path,
        which: OwnRows,
        data: Option<&str>,
        memory: Option<Bytes>,
        options: &DeviceOptions,
    ) -> Result<Self> {
        let file = resolve_model(model)?;
        let own = own_rows(&file, which, data, memory, EVALUATE)?;
        let notes = own.is_stored().then(|| in_parts(&own.source)).into_iter().collect();
        let remarks = own.remark.into_iter().collect();
        Self::of(own.model, own.source, own.part, None, options, notes, remarks)
    }

    fn of(
        model: Model,
        source: String,
        rows: Part,
        trained: Option<TrainedRows>,
        options: &DeviceOptions,
        notes: Vec<String>,
        remarks: Vec<String>,
    ) -> Result<Self> {
        if options.mixed() {
            return Err(Error::Usage("--precision mixed is for training: a model is applied in f32, or in f64".into()));
        }
        let device = options.open()?;
        let stored_double = model.weights.precision() == <f64 as Scalar>::NAME;
        let double = match options.precision {
            Some(precision) => precision == PrecisionName::F64,
            None => stored_double && device.gpu().is_none(),
        };
        Ok(Self {
            model,
            notes,
            remarks,
            device,
            source,
            rows,
            trained,
            seen: RefCell::default(),
            double,
            unfinite: RefCell::default(),
            missing: RefCell::default(),
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// Whether the table is in a file, because there is no memory for it.
    pub fn is_stored(&self) -> bool {
        self.rows.is_stored()
    }

    /// Computes the outputs [rows × outputs] of some rows after the other; `put` is given a table, which of its rows they
    /// are, and the outputs.
    ///
    /// # Errors
    /// Data, naming line and column, for a cell that the model has no number for; what the device reports; what `put`
    /// comes to.
    pub fn each(&self, put: impl FnMut(&Table, &[usize], &Outputs) -> Result<()>) -> Result<()> {
        in_precision!(self.double, T => self.each_in::<T>(put))
    }

    fn each_in<T: Precision>(&self, mut put: impl FnMut(&Table, &[usize], &Outputs) -> Result<()>) -> Result<()> {
        let Model { network, loss, weights, encoding, .. } = &self.model;
        let mut session = Session::<T>::for_evaluation(network.clone(), *loss, &weights.get(), &self.device)?;
        let most = (CELLS / encoding.inputs().max(self.rows.table.columns()).max(network.outputs())).clamp(64, ROWS);
        self.rows.table.each(&self.rows.rows, most, |table, rows| {
            let inputs = encoding.encode_inputs(table, rows)?;
            let networks = session.predict_each(&inputs)?;
            // In the precision in which the networks are computed.
            let mean = mean_outputs(networks.clone()).converted();
            let outputs = Outputs { networks: networks.iter().map(Matrix::converted).collect(), mean };
            if self.trained.is_some() {
                self.seen.borrow_mut().add(&inputs, &encoding.encode_targets(table, rows, network.outputs())?);
            }
            self.note(table, rows, &outputs.mean);
            for (column, count) in remarks::missing_cells(encoding, table, &rows.iter().copied()) {
                *self.missing.borrow_mut().entry(column).or_default() += count;
            }
            put(table, rows, &outputs)
        })
    }

    /// Takes note of outputs that are not finite.
    fn note(&self, table: &Table, rows: &[usize], outputs: &Matrix<f64>) {
        let is_finite = |place: usize| outputs.row(place).iter().all(|output| output.is_finite());
        let mut unfinite = self.unfinite.borrow_mut();
        for place in (0..outputs.rows).filter(|&place| !is_finite(place)) {
            unfinite.count += 1;
            unfinite.first.get_or_insert_with(|| table.row_place(rows[place]));
        }
    }

    /// What a person should hear of cells that were missing in the rows that [`each`](Self::each) has gone through.
    pub fn remark_on_missing(&self) -> Option<String> {
        let missing: Vec<(String, usize)> = self.missing.borrow().clone().into_iter().collect();
        remarks::filled_in(&self.source, &missing)
    }

    /// What a person should hear of rows that were judged although the model was trained on them.
    pub fn remark_on_trained_rows(&self, model: &Path) -> Option<String> {
        let (among, is_exact) = self.trained_on()?;
        if !self.trained.as_ref()?.are_more_than_by_chance(among, self.rows() as u64) {
            return None;
        }
        let about = if is_exact { "" } else { "about " };
        let own = if model.is_dir() {
            let data = typed(&self.source);
            format!("; wgrad evaluate {} {data} --rows test judges the run's own test rows", typed_path(model))
        } else {
            String::new()
        };
        Some(format!(
            "{}: {about}{among} of these {} rows are rows that the model was trained on, or the same as such: the scores say less of new \
             rows{own}",
            shown(&self.source),
            self.rows()
        ))
    }

    /// The source of the rows, as it was named.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Rows whose outputs are not finite, of those that [`each`](Self::each) has gone through.
    pub fn unfinite(&self) -> usize {
        self.unfinite.borrow().count
    }

    /// What a person should hear of such rows.
    pub fn remark_on_unfinite(&self) -> Option<String> {
        let unfinite = self.unfinite.borrow();
        let first = unfinite.first.as_ref()?;
        let rows = if unfinite.count == 1 {
            "1 row has".into()
        } else {
            format!("{} of {} rows have", unfinite.count, self.rows())
        };
        Some(format!(
            "{first}: {rows} outputs that are NaN or infinite, this one first; its numbers may lie far from those that the model was \
             trained on"
        ))
    }

    /// How much the model goes by each column of the table, and its dependence on the most important ones, shuffled by the seed of the
    /// run that trained it. None where the rows are too few, and where an output is not finite.
    ///
    /// # Errors
    /// Data, naming line and column, for a cell that the model has no number for, and for absent, missing or unknown targets; limit,
    /// if there is no memory for it.
    pub fn attention(&self) -> Result<Option<(Importance, Vec<Dependence>)>> {
        in_precision!(self.double, T => self.attention_in::<T>())
    }

    fn attention_in<T: Precision>(&self) -> Result<Option<(Importance, Vec<Dependence>)>> {
        let Model { network, loss, weights, encoding, training, .. } = &self.model;
        let extent = attention::Extent::ASKED;
        let chosen: Vec<usize> = thinned(self.rows(), extent.most(network)).map(|place| self.rows.rows[place]).collect();
        let mut values = Vec::with_capacity(chosen.len() * encoding.inputs());
        self.rows.table.each(&chosen, ROWS, |table, rows| {
            values.extend(encoding.encode_inputs::<T>(table, rows)?.values);
            Ok(())
        })?;
        let truth = self.rows.table.truth(&chosen, encoding)?;
        let inputs = Matrix::new(chosen.len(), encoding.inputs(), values);
        let rows = Samples::new(inputs, Matrix::zeros(chosen.len(), network.outputs())).into();
        let seed = training.pointer("/options/seed").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let attentive = Attentive { network, loss: *loss, encoding, weights: &weights.get(), seed };
        attentive.looks(&rows, &truth, extent, true)
    }

    /// How right the outputs are, by the targets that the table holds.
    ///
    /// # Errors
    /// Data, naming line and column, for absent, missing or unknown targets; as [`each`](Self::each).
    pub fn judged(&self, asked: &Asked) -> Result<Evaluation> {
        let outputs = self.model.network.outputs();
        let mut values = memory::reserved(self.rows() as u128 * (outputs as u128 + 2), || {
            format!("{outputs} outputs of {} rows", self.rows())
        })?;
        *self.seen.borrow_mut() = TrainedRows::default();
        self.each(|_, _, outputs| {
            values.extend_from_slice(&outputs.mean.values);
            Ok(())
        })?;
        let truth = self.rows.truth(&self.model.encoding)?;
        truth.judge(&self.model.encoding, &Matrix::new(self.rows(), outputs, values), asked)
    }

    /// How many of the rows that were [judged](Self::judged) are the same as rows that the model was trained on, if that is known, and
    /// whether it is said exactly.
    pub fn trained_on(&self) -> Option<(u64, bool)> {
        let trained = self.trained.as_ref()?;
        let seen = std::mem::take(&mut *self.seen.borrow_mut()).finished();
        let among = seen.among(trained);
        let is_exact = seen.are_all() && trained.are_all();
        *self.seen.borrow_mut() = seen;
        Some((among, is_exact))
    }
}
