//! The rows that a run trained on, validated with and tested with, read again from its data and split as they were; and which rows of a
//! training that starts from a model this model knows already.

use std::path::Path;

use clap::ValueEnum;

use super::finetuning::Base;
use super::options::{Bytes, Options};
use super::sources::{Part, with_named_arrays};
use super::values::Init;
use super::{DataReport, Sources};
use crate::data;
use crate::error::{Error, Result, shown, typed_path};
use crate::files::run::OPTIONS;
use crate::model::{Model, TrainedRows, resolve_model};
use crate::name::folder_of;

/// Which of a run's own rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OwnRows {
    /// Those that nothing was chosen by.
    Test,
    /// Those that the best epoch, and the threshold, were chosen by.
    Validation,
    /// Those that it was trained on.
    Training,
}

impl OwnRows {
    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::Training => "training",
        }
    }
}

/// Some of a run's own rows, and its model.
pub(super) struct Own {
    pub(super) model: Model,
    pub(super) source: String,
    pub(super) part: Part,
    /// That the model which it was trained from knows some of them.
    pub(super) remark: Option<String>,
}

impl Own {
    pub(super) fn is_stored(&self) -> bool {
        self.part.is_stored()
    }
}

/// The command that judges.
pub(super) const EVALUATE: &str = "evaluate";

/// Reads, for a command, some of the rows of the run whose model this file is, its data being where they were or where it is said.
///
/// # Errors
/// Usage, if the file is in no run's folder or the run has no such rows; data, if its data are not there or not what they were.
pub(super) fn own_rows(
    model: &Path,
    which: OwnRows,
    data: Option<&str>,
    memory: Option<Bytes>,
    command: &str,
) -> Result<Own> {
    let folder = folder_of(model);
    let name = shown(&folder.to_string_lossy());
    let options = folder.join(OPTIONS);
    if !options.is_file() {
        return Err(Error::Usage(format!(
            "{}: lies in no run's folder, so wgrad does not know which rows tested it: name the data",
            shown(&model.to_string_lossy())
        )));
    }
    let options = Options::from_toml(&options)?;
    let data_now = data.map(str::to_owned).or(options.data.clone());
    let options = with_named_arrays(&Options { data: data_now, memory: memory.or(options.memory), ..options })?;
    let source = options.data.clone().unwrap_or_default();
    if !data::is_there_again(&source) {
        return Err(Error::Data(format!("{name}: was trained on '{}', which can be read once: name data", shown(&source))));
    }
    let absent = [Some(&source), options.test.as_ref(), options.validation.as_ref()].into_iter().flatten();
    if let Some(file) = absent.into_iter().find(|file| data::is_absent(file)) {
        return Err(Error::Data(format!(
            "there is no '{}' here, which {name} was made from: go to the folder where the run began, or say where its data are now: wgrad \
             {command} {} FILE{}",
            shown(file),
            typed_path(folder),
            if command == EVALUATE { format!(" --rows {}", which.name()) } else { String::new() }
        )));
    }
    let trained = TrainedRows::of_model(model)?;
    let model = Model::load(model)?;
    // What a model started from may be gone; it has the same columns.
    let base = options.finetune.is_some().then(|| Base::like(&model, &options));
    let sources = Sources::read(&options, base.as_ref(), false)?;
    let Model { encoding, network, .. } = &model;
    let is_same = sources.encoding.fits_as(encoding)
        && match &trained {
            None => true,
            Some(trained) => trained.are(&hashed(&sources.training, encoding, network.outputs())?),
        };
    if !is_same {
        return Err(Error::Data(format!(
            "{}: is not what {name} was trained on any more, so wgrad cannot tell which of its rows the model knows: name data",
            shown(&source)
        )));
    }
    let of_file = options.test.as_ref().filter(|_| which == OwnRows::Test);
    let of_file = of_file.zip(trained.as_ref()).and_then(|(file, trained)| trained.remark_on_test_rows(file));
    let known = known_rows(&options, &sources).or(of_file);
    let DataReport { training_rows, validation_rows, test_rows, .. } = sources.report();
    let part = match which {
        OwnRows::Test => sources.test,
        OwnRows::Validation => sources.validation,
        OwnRows::Training => Some(sources.training),
    };
    let part = part.ok_or_else(|| {
        let which = which.name();
        Error::Usage(format!(
            "{name}: has no {which} rows: {training_rows} training, {validation_rows} validation and {test_rows} test rows; name data, as \
             in wgrad {command} {} DATA",
            typed_path(folder)
        ))
    })?;
    let source = part.table.shape().source.clone();
    let tested = model.training.pointer("/test/rows").and_then(serde_json::Value::as_u64);
    if which == OwnRows::Test && tested.is_some_and(|rows| rows != part.rows() as u64) {
        return Err(Error::Data(format!(
            "{}: has other rows than those that {name} was tested with: name it",
            shown(&source)
        )));
    }
    Ok(Own { model, source, part, remark: known.filter(|_| which != OwnRows::Training) })
}

/// The hashes of some rows, as an encoding has them.
fn hashed(part: &Part, encoding: &data::Encoding, outputs: usize) -> Result<TrainedRows> {
    let mut rows = TrainedRows::default();
    part.table.each(&part.rows, ROWS, |table, places| {
        let inputs = encoding.encode_inputs::<f32>(table, places)?;
        rows.add(&inputs, &encoding.encode_targets::<f32>(table, places, outputs)?);
        Ok(())
    })?;
    Ok(rows.finished())
}

/// Rows at a time.
const ROWS: usize = 1 << 12;

/// What a person should hear of a training that starts from a run's model: how many of its test and validation rows that model was
/// trained on.
pub(super) fn known_rows(options: &Options, sources: &Sources) -> Option<String> {
    let ((Some(from), _) | (None, Some(Init::File(from)))) = (&options.finetune, &options.init) else { return None };
    let file = resolve_model(from).ok()?;
    let trained = TrainedRows::of_model(&file).ok()??;
    let model = Model::load(&file).ok()?;
    let (encoding, outputs) = (&model.encoding, model.network.outputs());
    let of = |what: &str, part: Option<&Part>| {
        let part = part?;
        // Other columns or classes are other rows.
        let known = hashed(part, encoding, outputs).ok()?.among(&trained);
        let is_told = trained.are_more_than_by_chance(known, part.rows() as u64);
        is_told.then(|| format!("{known} of the {} {what} rows", part.rows()))
    };
    let known: Vec<String> =
        [of("test", sources.test.as_ref()), of("validation", sources.validation.as_ref())].into_iter().flatten().collect();
    let same = Options::from_toml(&folder_of(&file).join(OPTIONS)).ok().and_then(|before| same_split(&before, options));
    (!known.is_empty()).then(|| {
        format!(
            "{} was trained on {}, so their scores are too good{}",
            shown(&from.to_string_lossy()),
            known.join(" and "),
            same.map_or(String::new(), |flags| format!("; {flags} keeps the rows where they were"))
        )
    })
}

/// The flags that split the rows as another run's options did, if it had the same data.
fn same_split(before: &Options, now: &Options) -> Option<String> {
    let sources =
        |options: &Options| (options.data.clone(), options.test.clone(), options.validation.clone(), options.folds);
    let split = |options: &Options| {
        (options.split().to_string(), options.split_seed.unwrap_or_else(|| options.seed()), options.stratify())
    };
    let before = with_named_arrays(before).ok()?;
    if sources(&before) != sources(now) || now.folds.is_some() || split(&before) == split(now) {
        return None;
    }
    let seed = split(&before).1;
    let stratify = if before.stratify() { "" } else { " --stratify=false" };
    Some(format!("--split {} --split-seed {seed}{stratify}", before.split()))
}
