//! A row of a table as a model's network sees it, with what a training step would make of it: what `wgrad explain` shows.

use std::ops::ControlFlow;
use std::path::Path;

use super::beginning::{first_weights_of_all, smooth};
use super::finetuning::Base;
use super::options::Options;
use super::own_rows::{OwnRows, own_rows};
use super::resolution;
use crate::browser::{Net, Play, SelfTest, Set, picture};
use crate::data::remarks::{filled_in, missing_cells, unseen_categories};
use crate::data::{Encoding, Matrix, ReadOptions, Readings, Table, Target, Task, read};
use crate::error::{Error, Result, printable_lines, shown};
use crate::explanation::{Explanation, Subject, Titles, Weight};
use crate::files::run::{OPTIONS, is_ensemble};
use crate::model::{Model, resolve_model};
use crate::name::{self, folder_of};
use crate::network::{Initialization, Optimizer, OptimizerKind, Weights, converted};
use crate::page::{escaped, visible};
use crate::plan::human_bytes;
use crate::scalar::Scalar;
use crate::training::session::{Device, Precision, Recipe, Samples, Session};

/// A row, and the network that it goes through: the model's, or one of several.
pub struct ModelRow {
    model: Model,
    /// The network's trained weights, and those that are explained.
    trained: Weights<f64>,
    weights: Weights<f64>,
    /// How the run was trained, if the model lies in a run's folder.
    recipe: Option<Recipe>,
    inputs: Matrix<f64>,
    targets: Matrix<f64>,
    titles: Titles,
    /// The weights that training started from, where they are known, and whether they are those that are explained.
    first: Option<Weights<f64>>,
    is_first: bool,
    /// Rows to play with, the row's own place among them, and what each is called.
    played: (Matrix<f64>, Matrix<f64>),
    place: usize,
    /// What the rows are called.
    rows: String,
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
    /// Which of several networks, from 1; none: the first.
    pub member: Option<usize>,
    /// Whether other rows are wanted as well, for a page on which the network trains.
    pub plays: bool,
}

/// Rows of a page on which a network trains, at most.
const PLAYED: usize = 200;
/// Parameters up to which such a page has weights drawn from other seeds, and the seeds.
const DRAWN: u64 = 20_000;
const SEEDS: u64 = 3;
/// Steps of its self-test, and the learning rates that it offers.
const TESTED: usize = 20;
const RATES: [f64; 7] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
/// Bytes of a page, at most.
const PAGE: usize = 20 << 20;

impl ModelRow {
    /// Loads a model, and reads a row.
    ///
    /// # Errors
    /// Usage, for a row or an epoch that is not there; data, for columns or cells that the model has no number for; model.
    pub fn new(model: &Path, wanted: &Wanted<'_>) -> Result<Self> {
        let file = resolve_model(model)?;
        let options = folder_of(&file).join(OPTIONS);
        // The networks of a sweep's ensemble were trained by options of their own, and not by those of the best trial's run.
        let is_of_run = options.is_file() && !is_ensemble(&file);
        let options = if is_of_run { Some(Options::from_toml(&options)?) } else { None };
        match wanted.data {
            Some(data) => {
                let model = Model::load(&file)?;
                let columns = Readings::of_model(&model.encoding);
                let table = read(data, &ReadOptions { columns, ..wanted.reading.clone() })?;
                model.encoding.check_columns(&table)?;
                let (rows, place) = rows(wanted, table.rows, data)?;
                Self::of(model, options.as_ref(), &file, (&table, &rows), place, wanted)
            }
            None => {
                let own = own_rows(&file, OwnRows::Test, None, None, "explain")?;
                let (rows, place) = rows(wanted, own.part.rows.len(), "the run's test rows")?;
                let rows: Vec<usize> = rows.into_iter().map(|row| own.part.rows[row]).collect();
                let mut made = None;
                own.part.table.each(&rows, rows.len(), |table, rows| {
                    made = Some(Self::of(own.model.clone(), options.as_ref(), &file, (table, rows), place, wanted));
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
        (table, rows): (&Table, &[usize]),
        place: usize,
        wanted: &Wanted<'_>,
    ) -> Result<Self> {
        let row = rows[place];
        let (encoding, outputs) = (&model.encoding, model.network.outputs());
        let inputs = encoding.encode_inputs::<f64>(table, &[row])?;
        let mut targets = encoding.encode_targets::<f64>(table, &[row], outputs)?;
        let mut remarks = [table.remarks.clone(), unseen_categories(encoding, table, &[row])].concat();
        remarks.extend(filled_in(&table.row_place(row), &missing_cells(encoding, table, &std::iter::once(row))));
        let trained = options.map(|options| Trained::of(options, &model)).transpose()?;
        let no_run = if is_ensemble(file) { "holds trials of a sweep" } else { "lies in no run's folder" };
        let networks = model.weights.networks();
        let member = wanted.member.unwrap_or(1);
        if !(1..=networks).contains(&member) {
            let there = if networks == 1 { "one network".into() } else { format!("the networks 1 to {networks}") };
            return Err(Error::Usage(format!("--member {member}: the model has {there}")));
        }
        let of_member = model.weights.get().swap_remove(member - 1);
        let saved = model.training.pointer("/epoch").and_then(serde_json::Value::as_u64).map(|epoch| epoch as usize);
        let (weights, words) = match (wanted.epoch, &trained) {
            (Some(0), Some(trained)) => {
                (trained.first_weights(&model, member)?, "the first weights, before any training".to_owned())
            }
            (Some(0), None) => {
                return Err(Error::Usage(format!(
                    "--epoch 0: {} {no_run}, so wgrad does not know what its training started from",
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
                (of_member.clone(), format!("the saved weights{epoch}"))
            }
        };
        let mut played = match wanted.plays {
            true => (encoding.encode_inputs::<f64>(table, rows)?, encoding.encode_targets::<f64>(table, rows, outputs)?),
            false => (inputs.clone(), targets.clone()),
        };
        let first =
            trained.as_ref().filter(|_| wanted.plays).map(|trained| trained.first_weights(&model, member)).transpose()?;
        if let (Some(from), Some(0)) = (trained.as_ref().and_then(|trained| trained.options.finetune.as_ref()), wanted.epoch)
        {
            remarks.push(format!("The first weights are those that {} has now.", name::shown(from)));
        }
        if networks > 1 {
            remarks.push(format!(
                "This is network {member} of {networks} (--member N takes another): each is trained by itself, and the model predicts \
                 the mean of what they predict."
            ));
        }
        if let Some(trained) = &trained {
            remarks.extend(trained.remarks());
            let smoothing = resolution::label_smoothing(&trained.options, model.loss)?;
            if smoothing > 0.0 {
                remarks.push(format!("The targets are smoothed as in training (--label-smoothing {smoothing})."));
            }
            [&mut targets, &mut played.1].into_iter().for_each(|targets| smooth(targets, smoothing, model.loss));
        }
        let (recipe, rule) = match trained {
            Some(Trained { recipe, .. }) => (Some(recipe), rule(&recipe, model.network.layers())),
            None => (None, format!("plain gradient descent of rate 1, since the model {no_run}")),
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
        let is_first = wanted.epoch == Some(0);
        let count = if rows.len() == 1 { "1 row".to_owned() } else { format!("{} rows", rows.len()) };
        let rows = match wanted.data {
            Some(data) => format!("{count} of {}", shown(data)),
            None => format!("{count} of the run's own test rows"),
        };
        Ok(Self {
            model,
            trained: of_member,
            weights,
            recipe,
            inputs,
            targets,
            titles,
            first,
            is_first,
            played,
            place,
            rows,
        })
    }

    /// Explains the row, showing so many units of a layer.
    ///
    /// # Errors
    /// As [`Explanation::new`].
    pub fn explained(&self, units: usize, weight: Option<Weight>) -> Result<Explanation> {
        let Self { model, weights, recipe, inputs, targets, titles, .. } = self;
        let optimizer = recipe.map_or_else(|| Optimizer::new(OptimizerKind::Sgd), |recipe| recipe.optimizer);
        let subject = Subject {
            network: &model.network,
            loss: model.loss,
            weights,
            optimizer,
            learning_rate: recipe.map_or(1.0, |recipe| recipe.schedule.learning_rate),
            layer_rates: recipe.map(|recipe| recipe.layer_rates).unwrap_or_default(),
            frozen: recipe.map(|recipe| recipe.frozen).unwrap_or_default(),
            inputs,
            targets,
            units,
        };
        Explanation::new(&subject, titles.clone(), weight)
    }
}

/// The places, from 0, of the rows that are wanted, and the place among them of the row that is explained.
fn rows(wanted: &Wanted<'_>, rows: usize, of: &str) -> Result<(Vec<usize>, usize)> {
    let row = wanted.row;
    let Some(place) = row.checked_sub(1).filter(|&place| place < rows) else {
        return Err(Error::Usage(format!("--row {row}: there are the rows 1 to {rows} in {}", shown(of))));
    };
    if !wanted.plays {
        return Ok((vec![place], 0));
    }
    let mut all: Vec<usize> = (0..rows.min(PLAYED)).collect();
    if place >= all.len() {
        all.pop();
        all.push(place);
    }
    let among = all.iter().position(|&row| row == place).unwrap_or_default();
    Ok((all, among))
}

impl ModelRow {
    /// A page on which the network trains on the row and others, by plain gradient descent; the units that are shown are the explanation's.
    ///
    /// # Errors
    /// Usage, for more units than a picture has room for; limit, for a network that is too large for a page.
    pub fn play(&self, explanation: &Explanation) -> Result<String> {
        let Self { model, titles, first, played: (inputs, targets), .. } = self;
        let (network, loss) = (&model.network, model.loss);
        let shown: Vec<Vec<usize>> = std::iter::once(&explanation.shown_inputs)
            .chain(explanation.layers.iter().map(|layer| &layer.shown))
            .cloned()
            .collect();
        let mut starts = vec![("trained".to_owned(), self.trained.clone())];
        starts.extend(first.iter().map(|first| ("before training".to_owned(), first.clone())));
        // The page begins with the weights that are explained.
        if self.is_first {
            starts.swap(0, 1);
        }
        let seeds = if network.parameter_count() <= DRAWN { SEEDS } else { 0 };
        starts.extend((0..seeds).map(|seed| (format!("drawn, seed {seed}"), Initialization::Auto.weights(network, seed))));
        let (rates, rate, tested) = self.tested(&starts[0].1)?;
        let numbers = tested.iter().flat_map(|layer| layer.weight.values.iter().chain(&layer.bias));
        let largest = numbers.fold(16.0_f64, |largest, number| largest.max(number.abs()));
        let rates = (rates, rate);
        let test = SelfTest {
            steps: TESTED,
            weights: tested,
            // Each step rounds a weight by half a unit of its last place.
            bound: TESTED as f64 * largest.log2().ceil().exp2() * 2.0_f64.powi(-25),
        };
        let outputs = titles.outputs.clone();
        let picture = picture(network, &titles.inputs, &outputs, &shown)?;
        let play = Play {
            title: format!("wgrad explain: {}", titles.subject),
            about: format!(
                "<p>{}. Every step on this page is computed by wgrad's own kernels, which the browser runs by WebGPU: plain gradient descent \
                 on {}. The page's script does no calculations itself.</p>\n",
                visible(&explanation.shape()),
                escaped(&self.rows)
            ),
            recorded: format!(
                "<h2>What the command line computed</h2>\n<pre>{}</pre>\n",
                escaped(&printable_lines(&explanation.to_string()))
            ),
            sets: vec![Set { name: titles.subject.clone(), inputs: inputs.clone(), targets: targets.clone() }],
            nets: vec![Net { network: network.clone(), activation: None, shown, starts, picture }],
            row: self.place,
            loss,
            optimizer: Optimizer::new(OptimizerKind::Sgd),
            adds_up: false,
            rates,
            batches: vec![10, inputs.rows.max(11)],
            outputs,
            inputs: titles.inputs.clone(),
            classes: model.encoding.task() == Task::Classification,
            two: two(&model.encoding),
            test: Some(test),
        };
        let page = play.page()?;
        match page.len() <= PAGE {
            true => Ok(page),
            false => Err(Error::Limit(format!(
                "the page would have {}, and a browser is given {} at most",
                human_bytes(page.len() as u64),
                human_bytes(PAGE as u64)
            ))),
        }
    }
}

impl ModelRow {
    /// Learning rates to choose from, the place of the largest of the first five by which some steps make the loss no larger, and the weights
    /// after these. Where inputs are large, as without scaling, all rates are small.
    fn tested(&self, first: &Weights<f64>) -> Result<(Vec<f64>, usize, Weights<f64>)> {
        let (inputs, targets) = &self.played;
        let device = Device::cpu(Some(1), "a page's self-test");
        let factors = (0..8).map(|power| 100.0_f64.powi(-power));
        let tries = factors.flat_map(|factor| (0..5).rev().map(move |place| (factor, place)));
        let (mut rates, mut weights) = (RATES.to_vec(), first.clone());
        for (factor, place) in tries {
            rates = RATES.iter().map(|rate| rate * factor).collect();
            let recipe = Recipe::plain(self.model.loss, rates[place], inputs.rows);
            let samples = Samples::new(inputs.converted(), targets.converted());
            let network = self.model.network.clone();
            let mut session = Session::<f32>::new(network, recipe, &converted(first), samples, &device)?;
            let mut losses = Vec::new();
            for _ in 0..TESTED {
                losses.extend(session.train(1, |_| ControlFlow::Continue(()))?.losses);
            }
            weights = converted(&session.weights()?);
            if losses[TESTED - 1] <= losses[0] {
                return Ok((rates, place, weights));
            }
        }
        Ok((rates, 0, weights))
    }
}

/// The names of the network's outputs.
fn output_names(encoding: &Encoding, outputs: usize) -> Vec<String> {
    match &encoding.target {
        // A single output is the second class's probability.
        Target::Classification { classes, .. } if outputs == 1 => vec![format!("P({})", classes[classes.len() - 1])],
        Target::Classification { classes, .. } => classes.clone(),
        Target::Regression { columns } => columns.iter().map(|column| column.name.clone()).collect(),
    }
}

/// What targets of 0 and 1 mean, of two classes.
fn two(encoding: &Encoding) -> [String; 2] {
    match encoding.class_names() {
        [first, second] => [first.clone(), second.clone()],
        _ => ["0".into(), "1".into()],
    }
}

/// The optimizer's rule, in words.
fn rule(recipe: &Recipe, layers: usize) -> String {
    let beyond = recipe.beyond_the_rule(layers);
    let beyond = if beyond.is_empty() { String::new() } else { format!(", {}", beyond.join(", ")) };
    let is_adam = recipe.optimizer.kind.has_mean();
    let of_adam = if is_adam { "; its first step is as long as the rate, whatever the size of the gradient" } else { "" };
    format!(
        "{}, as its first step, on this row alone, at the learning rate {}, without its schedule{beyond}{of_adam}",
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

    /// The weights that the training of one of the run's networks (from 1) started from.
    fn first_weights(&self, model: &Model, member: usize) -> Result<Weights<f64>> {
        let is_double = model.weights.precision() == <f64 as Scalar>::NAME;
        if is_double { self.drawn::<f64>(model, member) } else { Ok(converted(&self.drawn::<f32>(model, member)?)) }
    }

    fn drawn<T: Precision>(&self, model: &Model, member: usize) -> Result<Weights<T>> {
        let base = Base::of(&self.options)?;
        if let Some(base) = &base {
            base.check_same_shape(&model.network)?;
        }
        let (network, _) = match &base {
            Some(base) => base.network(&self.options, &model.encoding)?,
            None => resolution::network(&self.options, &model.encoding)?,
        };
        let mut networks = first_weights_of_all::<T>(&self.options, &network, base.as_ref(), &self.recipe)?;
        match member <= networks.len() {
            true => Ok(networks.swap_remove(member - 1)),
            false => Err(Error::Model(format!("the run trained {} networks, and not {member}", networks.len()))),
        }
    }

    /// What of the run's training is not in the numbers.
    fn remarks(&self) -> Vec<String> {
        let dropout = (!self.recipe.dropout.is_none()).then(|| "No unit is dropped here, as in a prediction.".to_owned());
        let weighted =
            self.recipe.weighted.then(|| "The row counts as one row here, whatever its weight in training.".to_owned());
        [dropout, weighted].into_iter().flatten().collect()
    }
}
