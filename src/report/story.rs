//! A run as its files tell it.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::account::{Account, SCHEMA};
use super::curve::Curve;
use crate::error::{Error, Result, shown};
use crate::files::{self, Place, run};
use crate::model::{Model, RunFolder, no_run};

/// A run as its files tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// What it is called: its folder's name, or more of the path where several have that.
    pub name: String,
    /// Its `run.toml`.
    pub options: String,
    /// Its epochs.
    pub curve: Curve,
    /// What is known from its end; of a run without a `report.json`, what its model tells.
    pub account: Account,
}

/// What `--json` says of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// The run.
    pub run: String,
    /// How many epochs there were.
    pub epochs: usize,
    /// The epoch of the least loss.
    pub best_epoch: Option<usize>,
    /// That loss: of the validation rows, or, without any, of the training rows.
    pub best_loss: Option<f64>,
    /// What `wgrad train --json` printed.
    pub outcome: Value,
}

impl Story {
    /// Reads the files of a run's folder, and says what is not there.
    ///
    /// # Errors
    /// Usage, if there is no run in it; data, naming the file that is damaged.
    pub fn read(folder: &Path) -> Result<(Self, Option<String>)> {
        let file = |name: &str| folder.join(name);
        let shown_name = shown(&folder.to_string_lossy());
        let path = file(run::OPTIONS);
        let options = files::bounded_own(&path, run::OPTIONS_BYTES)?.ok_or_else(|| Error::Usage(no_run(folder)))?;
        let options = String::from_utf8(options)
            .map_err(|error| Error::Data(format!("{}: {error}", shown(&path.to_string_lossy()))))?;
        let curve = Curve::read(&file(run::METRICS))?;
        let known = Account::read(&file(run::REPORT_DATA))?;
        let remark = known.is_none().then(|| {
            format!(
                "{shown_name}: has no report.json, as a run that was cut off: what takes its data is left out of the report"
            )
        });
        let account = known.unwrap_or_else(|| told_by_model(&file(run::MODEL)));
        let name = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let name = name.file_name().map_or_else(|| shown_name.clone(), |name| name.to_string_lossy().into_owned());
        Ok((Self { name, options, curve, account }, remark))
    }

    /// The story of a run that has just ended.
    pub fn new(folder: &Path, options: String, curve: Curve, account: Account) -> Self {
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Self { name, options, curve, account }
    }

    /// Writes the page and the data that it is made of into the run's folder.
    ///
    /// # Errors
    /// Internal or usage, if they cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let bytes = self.account.to_bytes()?;
        Place::own(&folder.report_data()).save_bytes(&bytes, |_| Ok(()))?;
        self.save(&Place::own(&folder.report()))
    }

    /// Saves its page as a file.
    ///
    /// # Errors
    /// Internal or usage, if it cannot be written.
    pub fn save(&self, place: &Place) -> Result<()> {
        place.save_without_waiting(self.page().as_bytes())
    }

    /// What `--json` says of it.
    pub fn told(&self) -> Told {
        let best = self.curve.best();
        Told {
            run: self.name.clone(),
            epochs: self.curve.count(),
            best_epoch: best.map(|epoch| epoch.epoch),
            best_loss: best.map(super::curve::Epoch::decisive),
            outcome: self.account.outcome.clone(),
        }
    }

    /// Its options by name; none, if its `run.toml` is no TOML.
    pub(super) fn options(&self) -> Map<String, Value> {
        self.options.parse().map(flattened).unwrap_or_default()
    }

    /// What the outcome has at this place, as in `/test/accuracy`; null if it has nothing there.
    pub(super) fn at(&self, place: &str) -> &Value {
        self.account.outcome.pointer(place).unwrap_or(&Value::Null)
    }

    pub(super) fn number(&self, place: &str) -> Option<f64> {
        self.at(place).as_f64()
    }

    pub(super) fn text(&self, place: &str) -> &str {
        self.at(place).as_str().unwrap_or_default()
    }
}

/// The options of a `run.toml` by their names, those of a table behind the table's.
pub(super) fn flattened(table: toml::Table) -> Map<String, Value> {
    let mut options = Map::new();
    for (name, value) in table {
        match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => {
                options.extend(fields.into_iter().map(|(field, value)| (format!("{name}.{field}"), value)));
            }
            Ok(value) => {
                options.insert(name, value);
            }
            Err(_) => {}
        }
    }
    options
}

/// What a model's file tells of how it came about; nothing, if there is none that can be read.
fn told_by_model(path: &Path) -> Account {
    let Ok(model) = Model::load(path) else { return Account { schema: SCHEMA, ..Account::default() } };
    let mut outcome = model.training.clone();
    let wgrad = outcome["wgrad"].as_str().unwrap_or_default().to_string();
    if let Some(fields) = outcome.as_object_mut() {
        fields.retain(|name, _| !["wgrad", "options"].contains(&name.as_str()));
        let target: Vec<&str> = model.encoding.target_names();
        let (columns, inputs) = (model.encoding.inputs.len(), model.encoding.inputs());
        let data = json!({
            "task": model.encoding.task(), "target": target, "classes": model.encoding.class_names(), "columns": columns,
            "inputs": inputs,
        });
        fields.insert("data".into(), data);
        let activations: Vec<&str> = model.network.activations().iter().map(|activation| activation.name()).collect();
        let mut network = json!({
            "widths": model.network.widths(), "activations": activations, "bias": model.network.bias(),
            "parameters": model.network.parameter_count(), "loss": model.loss.name(),
        });
        if let Some((_, number)) = model.loss.number() {
            network["loss_number"] = json!(number);
        }
        fields.insert("network".into(), network);
    }
    Account { schema: SCHEMA, wgrad, outcome, ..Account::default() }
}
