//! The best trials of a sweep as one model, which predicts the mean of what their networks predict. Each is trained once more, alone, as
//! the best one is.

use std::path::Path;

use serde_json::json;

use super::winner;
use crate::error::{Error, Result};
use crate::evaluation::{Asked, Evaluation};
use crate::files::{Place, run};
use crate::model::{Model, StoredWeights};
use crate::report::sweep::{Ensemble, TrialRecord};
use crate::training::run::application::Application;
use crate::training::run::own_rows::OwnRows;
use crate::training::run::{Options, options::DeviceOptions};
use crate::training::session::PrecisionName;

/// A trial that is to be in the ensemble, and the options that train it again.
pub(super) struct Chosen<'a> {
    pub(super) record: &'a TrialRecord,
    pub(super) options: Options,
    /// Whether it is to come out as it did before.
    pub(super) is_as_before: bool,
}

/// Makes a model of the networks of these trials, the first of which is the best one, whose run is there already; saves it in the folder
/// of that run. `train` trains a trial again into a folder.
///
/// # Errors
/// What training, evaluating or saving comes to; internal, if a trial comes out otherwise than before.
pub(super) fn made(
    chosen: &[Chosen<'_>],
    folder: &Path,
    account: Judged<'_>,
    mut train: impl FnMut(&Options, &Path) -> Result<()>,
) -> Result<Ensemble> {
    let best = run::best(folder);
    let first = Model::load(&best.join(run::MODEL))?;
    let mut networks = vec![first.weights.clone()];
    for Chosen { record, options, is_as_before } in &chosen[1..] {
        let path = folder.join(format!("again-{}", record.trial));
        winner::remove(&path)?;
        train(options, &path)?;
        let model = Model::load(&path.join(run::MODEL))?;
        winner::remove(&path)?;
        let is_other = record.weights.as_ref().is_some_and(|weights| *weights != model.weights.checksum());
        if *is_as_before && is_other {
            return Err(Error::Internal(format!(
                "trial {} has other weights alone than among the others: a fault of wgrad or of the device",
                record.trial
            )));
        }
        if (&model.network, model.loss, &model.encoding) != (&first.network, first.loss, &first.encoding) {
            return Err(Error::Internal(format!("trial {} is of another network than the best one", record.trial)));
        }
        networks.push(model.weights);
    }
    let trials: Vec<usize> = chosen.iter().map(|chosen| chosen.record.trial).collect();
    let mut ensemble = Ensemble { trials, score: None, test_score: None, test: None };
    let mut model = Model { weights: StoredWeights::joined(&networks), ..first };
    let judged = |model: &Model, rows: OwnRows| -> Result<Evaluation> {
        let mut application = Application::of_run(&best, rows, None, None, account.device)?;
        application.model = model.clone();
        application.judged(&Asked::default())
    };
    if account.has_validation {
        ensemble.score = judged(&model, OwnRows::Validation)?.metric(account.metric);
    }
    if account.has_test {
        let test = judged(&model, OwnRows::Test)?;
        ensemble.test_score = test.metric(account.metric);
        ensemble.test = Some(test.in_short());
    }
    model.training =
        json!({ "wgrad": env!("CARGO_PKG_VERSION"), "sweep": { "trials": ensemble.trials, "test": ensemble.test } });
    model.save(&Place::own(&run::best_ensemble(folder)))?;
    Ok(ensemble)
}

/// What the ensemble is judged by.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) metric: &'a str,
    /// Whether there are rows that trials were judged by and that none was trained on, and rows to test with.
    pub(super) has_validation: bool,
    pub(super) has_test: bool,
    pub(super) device: &'a DeviceOptions,
}

/// The device of trained models: what is trained in mixed precision is applied in f32.
pub(super) fn applied(options: &DeviceOptions) -> DeviceOptions {
    let precision = options.precision.filter(|&precision| precision != PrecisionName::Mixed);
    DeviceOptions { precision, tune: None, tuned: None, ..options.clone() }
}
