//! A row of a table as a model's network sees it, with what a training step would make of it: what `wgrad explain` shows.

use std::path::Path;

use super::beginning::{first_weights, smooth};
use super::finetuning::Base;
use super::options::Options;
use super::own_rows::{OwnRows, own_rows};
use super::resolution;
use crate::data::remarks::unseen_categories;
use crate::data::{Encoding, Matrix, ReadOptions, Readings, Table, Target, read};
use crate::error::{Error, Result, shown};
use crate::explanation::{Explanation, Subject, Titles, Weight};
use crate::files::run::OPTIONS;
use crate::model::{Model, resolve_model};
use crate::name::{self, folder_of};
use crate::network::ensemble::mean_weights;
use crate::network::{Optimizer, OptimizerKind, Weights, converted};
use crate::scalar::Scalar;
use crate::training::session::{Precision, Recipe};

/// A row, and the network that it goes through.
pub struct ModelRow {
    model: Model,
    weights: Weights<f64>,
    /// How the run was trained, if the model lies in a run's folder.
    recipe: Option<Recipe>,
    inputs: Matrix<f64>,
    targets: Matrix<f64>,
    titles: Titles,
}

/// Which row, and which weights.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The data; none: the run's own test rows, read again.
    pub data: Option<&'a str>,
    /// How the data are read.
    pub reading: ReadOptions,
    /// The row of the data, from 1.
    pub row: usize,
    /// The epoch whose weights are taken: 0, or that of the saved ones.
    pub epoch: Option<usize>,
}

impl ModelRow {
    /// Loads a model, and reads a row.
    ///
    /// # Errors
    /// Usage, for a row or an epoch that is not there; data, for columns or cells that the model has no number for; model.
    pub fn new(model: &Path, wanted: &Wanted<'_>) -> Result<Self> {
        let file = resolve_model(model)?;
        let options = folder_of(&file).join(OPTIONS);
        let options = if options.is_file() { Some(Options::from_toml(&options)?) } else { None };
        match wanted.data {
            Some(data) => {
                let model = Model::load(&file)?;
                let columns = Readings::of_model(&model.encoding);
                let table = read(data, &ReadOptions { columns, ..wanted.reading.clone() })?;
                model.encoding.check_columns(&table)?;
                let row = place(wanted.row, table.rows, data)?;
                Self::of(model, options.as_ref(), &file, &table, row, wanted)
            }
            None => {
                let own = own_rows(&file, OwnRows::Test, None, None)?;
                let row = place(wanted.row, own.part.rows.len(), "the run's test rows")?;
                let mut made = None;
                own.part.table.each(&own.part.rows[row..=row], 1, |table, rows| {
                    made = Some(Self::of(own.model.clone(), options.as_ref(), &file, table, rows[0], wanted));
                    Ok(())
                })?;
                made.expect("a row was read")
            }
        }
    }

    fn of(
        model: Model,
        options: Option<&Options>,
        file: &Path,
        table: &Table,
        row: usize,
        wanted: &Wanted<'_>,
    ) -> Result<Self> {
        let (encoding, outputs) = (&model.encoding, model.network.outputs());
        let inputs = encoding.encode_inputs::<f64>(table, &[row])?;
        let mut targets = encoding.encode_targets::<f64>(table, &[row], outputs)?;
        let mut remarks = [table.remarks.clone(), unseen_categories(encoding, table, &[row])].concat();
        let trained = options.map(|options| Trained::of(options, &model)).transpose()?;
        let saved = model.training.pointer("/epoch").and_then(serde_json::Value::as_u64).map(|epoch| epoch as usize);
        let (weights, words) = match (wanted.epoch, &trained) {
            (Some(0), Some(trained)) => {
                (trained.first_weights(&model)?, "the first weights, before any training".to_owned())
            }
            (Some(0), None) => {
                return Err(Error::Usage(format!(
                    "--epoch 0: {} lies in no run's folder, so wgrad does not know what its training started from",
                    name::shown(file)
                )));
            }
            (Some(epoch), _) if saved != Some(epoch) => {
                let saved = saved
                    .map_or_else(|| "those that are saved".to_owned(), |saved| format!("the saved ones of epoch {saved}"));
                return Err(Error::Usage(format!(
                    "--epoch {epoch}: a run has its first weights (--epoch 0) and {saved}, which are explained without --epoch"
                )));
            }
            _ => {
                let epoch = saved.map_or_else(String::new, |saved| format!(" of epoch {saved}"));
                (model.weights.get(), format!("the saved weights{epoch}"))
            }
        };
        if let Some(trained) = &trained {
            remarks.extend(trained.remarks());
            smooth(&mut targets, resolution::label_smoothing(&trained.options, model.loss)?, model.loss);
        }
        let (recipe, rule) = match trained {
            Some(Trained { recipe, .. }) => (Some(recipe), rule(&recipe, model.network.layers())),
            None => (None, "plain gradient descent of rate 1, since the model lies in no run's folder".to_owned()),
        };
        let columns = table.columns.iter().map(|column| {
            (column.name.clone(), column.cells.text(row).map_or_else(String::new, std::borrow::Cow::into_owned))
        });
        let titles = Titles {
            subject: format!("{} through {}", table.row_place(row), name::shown(file)),
            weights: words,
            remarks,
            cells: columns.collect(),
            inputs: encoding.input_names(),
            outputs: output_names(encoding, outputs),
            rule,
        };
        Ok(Self { model, weights, recipe, inputs, targets, titles })
    }

    /// Explains the row, showing so many units of a layer.
    ///
    /// # Errors
    /// As [`Explanation::new`].
    pub fn explained(self, units: usize, weight: Option<Weight>) -> Result<Explanation> {
        let Self { model, weights, recipe, inputs, targets, titles } = self;
        let layers = model.network.layers();
        let optimizer = recipe.map_or_else(|| Optimizer::new(OptimizerKind::Sgd), |recipe| recipe.optimizer);
        let subject = Subject {
            network: &model.network,
            loss: model.loss,
            weights: &weights,
            optimizer,
            learning_rate: recipe.map_or(1.0, |recipe| recipe.schedule.learning_rate),
            layer_rates: recipe.map(|recipe| recipe.layer_rates).unwrap_or_default(),
            frozen: (0..layers).filter(|&layer| recipe.is_some_and(|recipe| recipe.frozen.contains(layer))).collect(),
            inputs: &inputs,
            targets: &targets,
            units,
        };
        Explanation::new(&subject, titles, weight)
    }
}

/// A row's place from 0.
fn place(row: usize, rows: usize, of: &str) -> Result<usize> {
    match row.checked_sub(1).filter(|&place| place < rows) {
        Some(place) => Ok(place),
        None => Err(Error::Usage(format!("--row {row}: {} has the rows 1 to {rows}", shown(of)))),
    }
}

/// The names of the network's outputs.
fn output_names(encoding: &Encoding, outputs: usize) -> Vec<String> {
    match &encoding.target {
        // A single output is the second class's probability.
        Target::Classification { classes, .. } if outputs == 1 => vec![classes[classes.len() - 1].clone()],
        Target::Classification { classes, .. } => classes.clone(),
        Target::Regression { columns } => columns.iter().map(|column| column.name.clone()).collect(),
    }
}

/// The optimizer's rule, in words.
fn rule(recipe: &Recipe, layers: usize) -> String {
    let beyond = recipe.beyond_the_rule(layers);
    let beyond = if beyond.is_empty() { String::new() } else { format!(", {}", beyond.join(", ")) };
    format!(
        "{}, as its first step, on this row alone, at the learning rate {}, without its schedule{beyond}",
        recipe.optimizer.kind, recipe.schedule.learning_rate
    )
}

/// How a run was trained.
struct Trained {
    options: Options,
    recipe: Recipe,
}

impl Trained {
    /// Rows that a batch is taken from, of which nothing here depends.
    const ROWS: usize = 1 << 10;

    fn of(options: &Options, model: &Model) -> Result<Self> {
        let (network, loss) = (&model.network, model.loss);
        let recipe = resolution::recipe(options, network, loss, Self::ROWS, false)?;
        let members = options.ensemble.unwrap_or(1);
        Ok(Self { options: options.clone(), recipe: Recipe { members, ..recipe } })
    }

    /// The weights that the run's training started from: where it trained several networks, their mean.
    fn first_weights(&self, model: &Model) -> Result<Weights<f64>> {
        let is_double = model.weights.precision() == <f64 as Scalar>::NAME;
        if is_double { self.drawn::<f64>(model) } else { Ok(converted(&self.drawn::<f32>(model)?)) }
    }

    fn drawn<T: Precision>(&self, model: &Model) -> Result<Weights<T>> {
        let base = Base::of(&self.options)?;
        let (network, _) = match &base {
            Some(base) => base.network(&self.options, &model.encoding)?,
            None => resolution::network(&self.options, &model.encoding)?,
        };
        let of_seed = |seed| match &base {
            Some(base) => Ok(base.weights(&network, seed)),
            None => first_weights::<T>(&self.options, &network, seed),
        };
        let members: Vec<Weights<T>> = self.recipe.seeds().into_iter().map(of_seed).collect::<Result<_>>()?;
        Ok(mean_weights(&members))
    }

    /// What of the run's training is not in the numbers.
    fn remarks(&self) -> Vec<String> {
        let members = self.recipe.members;
        let ensemble = (members > 1).then(|| {
            format!(
                "The model is the mean of {members} networks, as one network {members} times as wide: training goes over each of them by \
                 itself, and gradients here are those of the one."
            )
        });
        let dropout = (!self.recipe.dropout.is_none()).then(|| "No unit is dropped here, as in a prediction.".to_owned());
        let weighted =
            self.recipe.weighted.then(|| "The row counts as one row here, whatever its weight in training.".to_owned());
        [ensemble, dropout, weighted].into_iter().flatten().collect()
    }
}
