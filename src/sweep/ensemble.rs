//! The best trials of a sweep as one model, which predicts the mean of what their networks predict. wgrad trains each of them once more,
//! alone, as it does the best one.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::report::SweepReport;
use super::settings::Settings;
use super::trial::{Shape, Trial, unit};
use super::watcher::Watcher;
use super::winner;
use crate::error::{Error, Result};
use crate::evaluation::{Asked, Evaluation};
use crate::files::{Place, run};
use crate::model::{Model, StoredWeights};
use crate::report::sweep::{Ensemble, TrialEnding, TrialRecord};
use crate::training::run::application::Application;
use crate::training::run::own_rows::OwnRows;
use crate::training::run::{Options, options::DeviceOptions};
use crate::training::session::PrecisionName;

/// A trial of the ensemble, and the options that train it again.
struct Chosen<'a> {
    record: &'a TrialRecord,
    options: Options,
    /// Whether it has to come out as it did before.
    is_as_before: bool,
}

/// Makes one model of `wanted` of the best trials that have the best one's network, and saves it beside the best one's model; none where no
/// other trial has that network. `is_of_here` says that this process trained all trials, so that each has to come out as it did before.
///
/// # Errors
/// What training, evaluating or saving comes to; internal, if a trial comes out otherwise than before.
pub(super) fn made(
    wanted: usize,
    report: &SweepReport,
    settings: &Settings,
    (trials, shapes): (&BTreeMap<usize, Trial>, &[Shape]),
    is_of_here: bool,
    watcher: &dyn Watcher,
) -> Result<Option<Ensemble>> {
    let folds = settings.options.folds.unwrap_or(1);
    let trial_of = |record: &TrialRecord| &trials[&unit(record.trial, Some(1), folds)];
    let ranked = report.ensemble_trials();
    let kind = |record: &TrialRecord| {
        let shape = &shapes[trial_of(record).group];
        (&shape.network, shape.rows, shape.recipe.loss)
    };
    let alike = ranked.iter().filter(|record| kind(record) == kind(ranked[0]));
    let chosen = alike.take(wanted).map(|record| {
        let trial = trial_of(record);
        // One that halving ended is trained to its end, as the others are.
        let is_short = record.ended == TrialEnding::Halving;
        let options = match folds {
            1 => trial.again(if is_short { trial.recipe.epochs } else { record.epochs }),
            _ => trial.of_all_folds(if is_short { ranked[0] } else { record }.best_epoch.unwrap_or(1)),
        };
        Chosen { record, options, is_as_before: is_of_here && folds == 1 && !is_short }
    });
    let chosen: Vec<Chosen<'_>> = chosen.collect();
    if chosen.len() < wanted {
        let have = match chosen.len() {
            1 => "no other trial has the network, columns and loss of the best one, so there is no ensemble".into(),
            found => {
                format!("{found} trials have the network, columns and loss of the best one, so the ensemble has {found}")
            }
        };
        watcher
            .remark(&format!("--ensemble {wanted}: {have}; fix --hidden, or add trials (--resume SWEEP --trials NUMBER)"));
    }
    if chosen.len() == 1 {
        return Ok(None);
    }
    let best = run::best(&report.folder);
    let mut model = trained(&chosen, &report.folder, watcher)?;
    let device = applied(&settings.options.device);
    let scores = |rows: OwnRows| -> Result<Evaluation> {
        let mut application = Application::of_run(&best, rows, None, None, &device)?;
        application.model = model.clone();
        application.judged(&Asked::default())
    };
    let ([_, validation_rows, test_rows], metric) = (report.account.rows, &report.account.metric);
    let validation = (folds == 1 && validation_rows > 0).then(|| scores(OwnRows::Validation)).transpose()?;
    let test = (test_rows > 0).then(|| scores(OwnRows::Test)).transpose()?;
    let ensemble = Ensemble {
        trials: chosen.iter().map(|chosen| chosen.record.trial).collect(),
        score: validation.and_then(|scores| scores.metric(metric)),
        test_score: test.as_ref().and_then(|scores| scores.metric(metric)),
        test: test.as_ref().map(Evaluation::in_short),
    };
    model.training =
        json!({ "wgrad": env!("CARGO_PKG_VERSION"), "sweep": { "trials": ensemble.trials, "test": ensemble.test } });
    model.save(&Place::own(&run::best_ensemble(&report.folder)))?;
    Ok(Some(ensemble))
}

/// The networks of these trials as one model. The first is the best trial, whose run is there already.
fn trained(chosen: &[Chosen<'_>], folder: &Path, watcher: &dyn Watcher) -> Result<Model> {
    let first = Model::load(&run::best(folder).join(run::MODEL))?;
    let mut networks = vec![first.weights.clone()];
    for Chosen { record, options, is_as_before } in &chosen[1..] {
        let path = folder.join(format!("again-{}", record.trial));
        winner::trained(options, &path, "a trial of the ensemble", watcher)?;
        let model = Model::load(&path.join(run::MODEL))?;
        winner::remove(&path)?;
        if *is_as_before {
            winner::check_weights(record, &model.weights.checksum())?;
        }
        if (&model.network, model.loss, &model.encoding) != (&first.network, first.loss, &first.encoding) {
            return Err(Error::Internal(format!("trial {} is of another network than the best one", record.trial)));
        }
        networks.push(model.weights);
    }
    Ok(Model { weights: StoredWeights::joined(&networks), ..first })
}

/// The device of trained models: what is trained in mixed precision is applied in f32.
fn applied(options: &DeviceOptions) -> DeviceOptions {
    let precision = options.precision.filter(|&precision| precision != PrecisionName::Mixed);
    DeviceOptions { precision, tune: None, tuned: None, ..options.clone() }
}
