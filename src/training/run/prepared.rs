//! A run whose rows are on its device and that has its folder: it trains, evaluates and saves.

use std::cell::RefCell;
use std::path::PathBuf;

use serde_json::json;

use super::Run;
use super::account::{Tested, Trained, looked_at};
use super::beginning::{first_weights_of_all, reachable, smooth};
use super::checkpoint::{self, Checkpoints, DataFacts, Facts, Resumed};
use super::destination::{Destination, run_name};
use super::fit::{Fitted, Limits, Measure, Training};
use super::length::Trial;
use super::memory::Memory;
use super::notes::{Noted, Notes};
use super::observer::{Observer, RunObserver};
use super::options::{Log, Options};
use super::record::EpochRecord;
use super::recorder::{Events, Recorder};
use super::report::{NetworkReport, RunReport};
use super::resolution;
use super::signs::{Outcome, constant_loss, few_rows};
use super::sources::{DataReport, Encoded, Originals, Sources};
use super::threshold::ThresholdReport;
use crate::data::{Encoding, Matrix, Task};
use crate::error::{Error, Result};
use crate::evaluation::{Asked, Distribution, Evaluation, Rule, Truth, predicted_class, thinned};
use crate::files::{self, Place, run::OPTIONS_BYTES};
use crate::model::{Model, RunFolder, StoredWeights, TrainedRows, resolve_model};
use crate::network::Network;
use crate::report::{Account, Curve, Story, for_each_epoch};
use crate::training::session::{Device, Precision, Recipe, Rows, Samples, Session};

/// A run whose data is on its device, and that has its folder.
pub(super) struct Prepared<T> {
    options: Options,
    data: DataReport,
    encoding: Encoding,
    network: Network,
    recipe: Recipe,
    trial: Option<Trial>,
    device: Device,
    facts: Facts,
    session: Session<T>,
    validation: Option<Rows<T>>,
    test: Option<(Rows<T>, Truth)>,
    /// What is to choose the threshold, and the true classes of the validation rows.
    threshold: Option<(Rule, Vec<usize>)>,
    /// The rows to test with, as their source has them.
    originals: Option<Originals>,
    /// How the targets are distributed.
    distributions: Vec<Distribution>,
    /// Some training rows, evenly spread, which the report looks at.
    looked_at: Samples<T>,
    /// That rows of a file to test with are among those to train on.
    same_rows: Option<String>,
    /// The rows to train on, to be known again.
    trained_rows: TrainedRows,
    /// The loss of a network that says the same for every training row, where that is known.
    constant_loss: Option<f64>,
    /// Whether the rows come from an array, whose columns have no names.
    is_array: bool,
    /// The epochs, for the report.
    curve: Curve,
    /// Whether there was no memory for its batches as they are.
    is_cut: bool,
    /// What it goes on from, if it was interrupted.
    resumed: Option<Resumed<T>>,
    /// Its folder.
    pub(super) folder: RunFolder,
}

impl<T: Precision> Prepared<T> {
    /// Encodes the rows, puts everything onto the device and makes the folder.
    ///
    /// # Errors
    /// Data, limit or usage; model, if there is no checkpoint to go on from or it is another run's; what the device reports.
    pub(super) fn new(run: Run, destination: Destination) -> Result<Self> {
        let Run { mut options, sources, network, recipe, trial, base, device, .. } = run;
        let (data, threshold) = (sources.report(), sources.threshold.clone());
        let (source, encoding, is_array) = (sources.source.clone(), sources.encoding.clone(), sources.is_array);
        let share = resolution::label_smoothing(&options, recipe.loss)?;
        let is_new = matches!(destination, Destination::New(_));
        let trained_rows = RefCell::new(TrainedRows::default());
        let as_trained = |samples: &mut Samples<T>| {
            trained_rows.borrow_mut().add(&samples.inputs, &samples.targets);
            smooth(&mut samples.targets, share, recipe.loss);
            if is_new { reachable(&network, samples) } else { Ok(()) }
        };
        let distributions = distributions(&sources, &encoding);
        let originals = sources.test.as_ref().map(Originals::of);
        let Encoded { training, validation, test } = sources.encoded::<T>(network.outputs(), as_trained)?;
        let looked_at = looked_at(&training)?;
        let mut trained_rows = trained_rows.into_inner().finished();
        if let Some((rows, _)) = &test {
            trained_rows = trained_rows.with_test_rows(&some(rows)?);
        }
        // What it is fine-tuned from was trained on rows of the same columns.
        if let (Some(base), false) = (&options.finetune, options.new_output.unwrap_or(false))
            && let Ok(Some(base)) = resolve_model(base).and_then(|base| TrainedRows::of_model(&base))
        {
            trained_rows = trained_rows.after(&base);
        }
        let same_rows = options.test.as_ref().and_then(|file| trained_rows.remark_on_test_rows(file));
        let constant_loss = constant_loss(recipe.loss, &training, &looked_at, &recipe);
        let facts_of = |rows: &Rows<T>| DataFacts { rows: rows.rows(), checksum: rows.checksum() };
        let parts = [
            ("training", Some(facts_of(&training))),
            ("validation", validation.as_ref().map(facts_of)),
            ("test", test.as_ref().map(|(rows, _)| facts_of(rows))),
        ];
        let parts = parts.into_iter().filter_map(|(name, facts)| Some((name.to_string(), facts?)));
        let mut facts = Facts::new(&options, &network, parts.collect(), &device);
        let resumed = match &destination {
            Destination::New(_) => None,
            Destination::Resumed(folder) => {
                Some(checkpoint::latest::<T>(folder, &facts, &network, recipe.optimizer.states())?)
            }
        };
        let weights = match &resumed {
            None => first_weights_of_all::<T>(&options, &network, base.as_ref(), &recipe)?,
            Some(resumed) => resumed.state.members.iter().map(|member| member.weights.clone()).collect(),
        };
        let mut session = Session::ensemble(network.clone(), recipe, &weights, training, &device)?;
        let is_cut = session.recipe().micro_batches != recipe.micro_batches;
        let recipe = *session.recipe();
        if is_cut {
            if resumed.is_some() {
                let was = facts.options.accumulate.unwrap_or(1);
                return Err(Error::Limit(format!(
                    "there is no memory left for a batch in {was} micro-batches, as the run began"
                )));
            }
            options.accumulate = Some(recipe.micro_batches);
            facts.options.accumulate = options.accumulate;
        }
        if let Some(resumed) = &resumed {
            session.restore(&resumed.state)?;
            if recipe.epochs < session.epoch() {
                let (wanted, done) = (recipe.epochs, session.epoch());
                return Err(Error::Usage(format!("--epochs {wanted}: the run has done {done} already")));
            }
        }
        let folder = match destination {
            Destination::New(path) => RunFolder::create(path.as_deref(), &run_name(&source))?,
            Destination::Resumed(folder) => folder,
        };
        Ok(Self {
            options,
            data,
            encoding,
            network,
            recipe,
            trial,
            device,
            facts,
            session,
            validation,
            test,
            threshold,
            originals,
            distributions,
            looked_at,
            same_rows,
            trained_rows,
            constant_loss,
            is_array,
            curve: Curve::default(),
            is_cut,
            resumed,
            folder,
        })
    }

    /// Trains, evaluates on the test rows and saves the model. `begun` is the folder, once a checkpoint is in it.
    ///
    /// # Errors
    /// What the device, divergence or saving comes to.
    pub(super) fn train(&mut self, begun: &mut Option<PathBuf>, observer: &mut Noted<'_>) -> Result<RunReport> {
        let (epoch, step) = (self.session.epoch(), self.session.steps());
        let mut was_done = self.is_done();
        // A run that has nothing left to train is as its run.toml says, but for what is decided after training.
        if self.resumed.is_none() || epoch < self.recipe.epochs && !was_done {
            self.folder.write_run_toml(&self.options.to_toml())?;
        } else if let Ok(file) = Options::from_toml(&self.folder.run_toml()) {
            let (positive, threshold) = (self.options.positive.clone(), self.options.threshold);
            if (&file.positive, file.threshold) != (&positive, threshold) {
                was_done = false;
                self.folder.write_run_toml(&Options { positive, threshold, ..file }.to_toml())?;
            }
        }
        let network = NetworkReport::of(&self.network, &self.recipe);
        if !was_done {
            observer.begins(&self.data, &network, &self.recipe, &self.device, self.folder.path())?;
        }
        if self.is_cut {
            let count = self.recipe.micro_batches;
            observer.remark(&format!("the device had no memory for a whole batch: it is computed in {count} micro-batches"));
        }
        if !was_done {
            self.same_rows.iter().for_each(|remark| observer.remark(remark));
            few_rows(&self.data, &self.options).iter().for_each(|remark| observer.remark(remark));
        }
        let constant_loss = self.constant_loss;
        let checkpoints = Checkpoints::new(&self.folder, self.facts.clone(), self.resumed.as_ref());
        let memory = match self.resumed.take() {
            None => Memory::default(),
            Some(resumed) => {
                // A report that cannot be read tells nothing.
                if let Ok(Some(earlier)) = Account::read(&self.folder.report_data()) {
                    observer.notes = std::mem::take(&mut observer.notes).after(&earlier);
                }
                if !was_done {
                    resumed.remarks.iter().for_each(|remark| observer.remark(remark));
                    self.folder.truncate_metrics(epoch)?;
                }
                self.curve = Curve::read(&self.folder.metrics()).unwrap_or_else(|error| {
                    observer.remark(&format!("the report shows no earlier epochs: {error}"));
                    Curve::default()
                });
                if !was_done {
                    observer.resumed(epoch, step);
                }
                resumed.memory
            }
        };
        let training = Training {
            session: &mut self.session,
            epochs: self.recipe.epochs,
            validation: self.validation.as_ref(),
            measure: match self.encoding.task() {
                Task::Classification => Measure::Accuracy(self.encoding.decision()),
                Task::Regression => Measure::R2,
            },
            constant_loss,
            limits: Limits {
                patience: self.options.patience,
                min_delta: self.options.min_delta.unwrap_or(0.0),
                time: self.options.max_time.map(|time| time.0),
                epochs: self.options.stop_after,
            },
            memory,
            checkpoints,
        };
        let events = self.options.log.map(|Log::Tensorboard| Events::FromEpoch(epoch + 1));
        let curve = &mut self.curve;
        let fitted = training.fit(&mut Recorder { folder: &self.folder, events, curve, begun, observer })?;
        let (report, outputs) = self.finish(&fitted, (step > 0).then_some(step), was_done)?;
        if was_done {
            return Ok(report);
        }
        report.threshold.iter().filter_map(ThresholdReport::remark).for_each(|remark| observer.remark(&remark));
        if let Some(unpredicted) = report.test.as_ref().map(Evaluation::unpredicted).filter(|&count| count > 0) {
            let rows = if unpredicted == 1 { "1 test row has".into() } else { format!("{unpredicted} test rows have") };
            observer.remark(&format!(
                "{rows} outputs that are NaN or infinite; their numbers may lie far from the training rows'"
            ));
        }
        if let Some(remark) = self.nothing_learnt(&fitted, &report, constant_loss)? {
            observer.remark(&remark);
        }
        // The model is saved: a report that fails costs nobody a training.
        if let Err(error) = self.show(&fitted, &report, outputs.as_ref(), &observer.notes) {
            observer.remark(&format!("the report could not be written: {error}"));
        }
        Ok(report)
    }

    /// Whether it goes on with a run of which nothing is left to train, and whose folder has its model and its report.
    fn is_done(&self) -> bool {
        let Some(resumed) = &self.resumed else { return false };
        let best = resumed.memory.best.as_ref().map(|(_, epoch, _)| *epoch);
        let waited = best.map(|best| self.session.epoch().saturating_sub(best));
        let is_exhausted = self.options.patience.zip(waited).is_some_and(|(patience, waited)| waited >= patience);
        let last = self.options.stop_after.map_or(self.recipe.epochs, |most| most.min(self.recipe.epochs));
        let is_trained = self.session.epoch() >= last || is_exhausted;
        // Of those epochs, and not of some before.
        let is_told = || {
            let told = Account::read(&self.folder.report_data()).ok().flatten();
            told.is_some_and(|told| {
                let (outcome, steps) = (&told.outcome, self.session.steps());
                outcome["steps"] == steps
                    && ["all-epochs", "no-better", "stop-after"].map(Some).contains(&outcome["ending"]["reason"].as_str())
            })
        };
        is_trained && self.folder.model().is_file() && is_told()
    }

    /// Chooses the threshold, where a rule is to, scores the trained weights on the test rows and saves the model, unless it `was_done`
    /// before. Gives the outputs of these rows beside the report.
    fn finish(
        &mut self,
        fitted: &Fitted<T>,
        resumed_at: Option<u64>,
        was_done: bool,
    ) -> Result<(RunReport, Option<Matrix<T>>)> {
        let chosen = match (self.threshold.take(), &self.validation) {
            (Some((rule, truth)), Some(rows)) => {
                let outputs = self.session.predict_by(&fitted.weights, rows);
                let chosen = |outputs| ThresholdReport::chosen(rule, &mut self.encoding, &outputs, &truth);
                outputs.and_then(chosen).map(Some)
            }
            _ => Ok(ThresholdReport::of(&self.encoding)),
        };
        // Rows that there is no memory for cost nobody a model.
        let (threshold, unchosen) = match chosen {
            Ok(threshold) => (threshold, None),
            Err(error) => (None, Some(error)),
        };
        let judged = match &self.test {
            Some((rows, truth)) => self.session.predict_by(&fitted.weights, rows).and_then(|outputs| {
                let test = truth.judge(&self.encoding, &outputs, &Asked::default())?;
                Ok((Some(outputs), Some(test)))
            }),
            None => Ok((None, None)),
        };
        let (judged, failed) = match judged {
            Ok(judged) => (judged, None),
            Err(error) => ((None, None), Some(error)),
        };
        let (outputs, test) = judged;
        let report = RunReport {
            network: NetworkReport::of(&self.network, &self.recipe),
            trial: self.trial.clone(),
            device: self.device.report(),
            data: self.data.clone(),
            ending: fitted.ending,
            epoch: fitted.epoch,
            last_epoch: fitted.last.clone(),
            kept_epoch: self.record_of(fitted),
            steps: fitted.steps,
            seconds: fitted.seconds,
            resumed_at,
            was_done,
            threshold,
            test,
            run: self.folder.path().to_path_buf(),
            curve: self.curve.clone(),
        };
        if was_done {
            return failed.map_or(Ok((report, outputs)), Err);
        }
        let model = Model {
            network: self.network.clone(),
            loss: self.recipe.loss,
            weights: StoredWeights::new(&fitted.weights),
            encoding: self.encoding.clone(),
            training: json!({
                "wgrad": env!("CARGO_PKG_VERSION"),
                "options": self.options,
                "seeds": (self.recipe.members > 1).then(|| self.recipe.seeds()),
                "device": report.device,
                "ending": report.ending,
                "epoch": report.epoch,
                "last_epoch": report.last_epoch,
                "threshold": report.threshold,
                "test": report.test,
            }),
        };
        self.trained_rows.save(self.folder.path())?;
        model.save(&Place::own(&self.folder.model()))?;
        unchosen.or(failed).map_or(Ok((report, outputs)), Err)
    }

    /// That the model says no more than the most frequent class or the mean does: by the test rows, else by some validation rows, else by
    /// its loss.
    fn nothing_learnt(&mut self, fitted: &Fitted<T>, report: &RunReport, constant: Option<f64>) -> Result<Option<String>> {
        const MOST_ROWS: usize = 10_000;
        let losses = fitted.last.as_ref().map(|last| last.loss).zip(constant);
        let (network, recipe) = (self.network.clone(), self.recipe);
        let outcome = Outcome { network: &network, recipe: &recipe, losses };
        if fitted.last.is_none() {
            // Nobody trained it.
            return Ok(None);
        }
        if let Some(scores) = &report.test {
            return Ok(outcome.of_scores(scores, "test"));
        }
        let Some(rows) = &self.validation else { return Ok(outcome.of_training()) };
        let few: Vec<usize> = (0..rows.rows().min(MOST_ROWS)).collect();
        if self.encoding.task() == Task::Regression {
            let r2 = report.kept_epoch.as_ref().and_then(|kept| kept.validation_metric);
            return Ok(r2.and_then(|r2| outcome.of_r2(r2, rows.rows(), "validation")));
        }
        let samples = rows.gathered(&few)?;
        let row = |row: usize| samples.targets.row(row).iter().map(|value| value.to_f64()).collect::<Vec<f64>>();
        let classes: Option<Vec<usize>> = few.iter().map(|&index| predicted_class(&row(index))).collect();
        let outputs = self.session.predict_by(&fitted.weights, &samples.into())?;
        let scores =
            classes.map(|classes| Truth::Classes(classes).judge(&self.encoding, &outputs, &Asked::default())).transpose()?;
        Ok(scores.and_then(|scores| outcome.of_scores(&scores, "validation")))
    }

    /// The epoch whose weights are saved: the last one, or an earlier one, which `metrics.jsonl` tells of.
    fn record_of(&self, fitted: &Fitted<T>) -> Option<EpochRecord> {
        if let Some(last) = fitted.last.as_ref().filter(|last| last.epoch == fitted.epoch) {
            return Some(last.clone());
        }
        let mut found = None;
        let is_it = |record: &EpochRecord| record.epoch == fitted.epoch;
        let read = for_each_epoch(&self.folder.metrics(), |record| found = found.take().or(Some(record).filter(is_it)));
        found.filter(|_| read.is_ok())
    }

    /// Writes the report for people, and what it is made of, into the folder.
    fn show(&self, fitted: &Fitted<T>, report: &RunReport, outputs: Option<&Matrix<T>>, notes: &Notes) -> Result<()> {
        let outcome =
            serde_json::to_value(report).map_err(|error| Error::Internal(format!("the result is no JSON: {error}")))?;
        let trained = Trained {
            network: &self.network,
            loss: self.recipe.loss,
            encoding: &self.encoding,
            weights: &fitted.weights,
            looked_at: &self.looked_at,
            rows: self.data.training_rows,
            seed: self.recipe.seed,
            is_array: self.is_array,
        };
        let tested = self.test.as_ref().zip(outputs).zip(self.originals.as_ref());
        let tested = tested.map(|(((rows, truth), outputs), originals)| Tested { rows, outputs, truth, originals });
        let account = Account {
            commands: notes.commands.clone(),
            remarks: notes.remarks.clone(),
            distributions: self.distributions.clone(),
            ..trained.account(outcome, tested.as_ref())?
        };
        let options = files::text(&self.folder.run_toml(), OPTIONS_BYTES).unwrap_or_else(|_| self.options.to_toml());
        Story::new(self.folder.path(), options, self.curve.clone(), account).write(&self.folder)
    }
}

/// How the targets are distributed; nothing of targets that make no sense, which is told where they become numbers.
fn distributions(sources: &Sources, encoding: &Encoding) -> Vec<Distribution> {
    let test = sources.test.as_ref().and_then(|test| test.truth(encoding).ok());
    let training = sources.training.truth(encoding);
    training.map_or_else(|_| Vec::new(), |training| Distribution::of(encoding, &training, test.as_ref()))
}

/// Some test rows, evenly spread, by what they are known again.
fn some<T: Precision>(rows: &Rows<T>) -> Result<TrainedRows> {
    const MOST: usize = 1 << 12;
    let samples = rows.gathered(&thinned(rows.rows(), MOST).collect::<Vec<_>>())?;
    let mut some = TrainedRows::default();
    some.add(&samples.inputs, &samples.targets);
    Ok(some.finished())
}
