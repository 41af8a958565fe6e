//! The best trials of a sweep as one model, which predicts the mean of what their networks predict. wgrad trains each of them once more,
//! alone, as it does the best one, and adds them one after the other, but for those that would lower the validation score (Caruana et
//! al., "Ensemble Selection from Libraries of Models", 2004). It trains a trial that halving ended to its last epoch, and takes it only if
//! its validation loss is then no higher than that of every trial that halving kept.

use std::collections::BTreeMap;

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
use crate::network::Loss;
use crate::report::sweep::{Ensemble, TrialEnding, TrialRecord};
use crate::training::run::application::Application;
use crate::training::run::options::DeviceOptions;
use crate::training::run::own_rows::OwnRows;
use crate::training::session::PrecisionName;

/// A sweep whose trials have ended, and whose best one has its run.
#[derive(Clone, Copy)]
pub(super) struct Swept<'a> {
    pub(super) report: &'a SweepReport,
    pub(super) settings: &'a Settings,
    pub(super) trials: &'a BTreeMap<usize, Trial>,
    pub(super) shapes: &'a [Shape],
    /// Whether this process trained all trials, so that each has to come out as it did before.
    pub(super) is_of_here: bool,
    pub(super) watcher: &'a dyn Watcher,
}

impl<'a> Swept<'a> {
    fn folds(&self) -> usize {
        self.settings.options.folds.unwrap_or(1)
    }

    fn trial(&self, record: &TrialRecord) -> &'a Trial {
        &self.trials[&unit(record.trial, Some(1), self.folds())]
    }

    /// The trials that have the network, the columns and the loss of the best one, which comes first: good ones, then those that halving
    /// ended, unless folds leave no rows to judge by what becomes of them.
    pub(super) fn alike(&self) -> Vec<&'a TrialRecord> {
        let kind = |record: &TrialRecord| {
            let shape = &self.shapes[self.trial(record).group];
            (&shape.network, shape.rows, shape.recipe.loss)
        };
        let good = self.report.good_trials();
        let Some(&best) = good.first() else { return Vec::new() };
        let is_good = |record: &TrialRecord| good.iter().any(|known| known.trial == record.trial);
        let ended = if self.folds() == 1 { self.report.ended_trials() } else { Vec::new() };
        let all = good.iter().copied().chain(ended.into_iter().filter(|record| !is_good(record)));
        all.filter(|record| kind(record) == kind(best)).collect()
    }

    /// Makes one model of up to `wanted` of these trials, and saves it beside the best one's model; none where no other trial is worth a
    /// place in it.
    ///
    /// # Errors
    /// What training, evaluating or saving comes to; internal, if a trial comes out otherwise than before.
    pub(super) fn ensemble(&self, wanted: usize, alike: &[&'a TrialRecord]) -> Result<Option<Ensemble>> {
        /// How many trials are trained for each place.
        const TRIED: usize = 2;
        let best = run::best(&self.report.folder);
        let device = applied(&self.settings.options.device);
        let ([_, _, test_rows], metric) = (self.report.account.rows, &self.report.account.metric);
        let rows_of = |rows: OwnRows| Application::of_run(&best, rows, None, None, &device);
        let mut validation = if self.folds() == 1 { Some(rows_of(OwnRows::Validation)?) } else { None };
        let lower_is_better = self.report.account.lower_is_better;
        // The larger, the better; where nobody judges all are equal.
        let mut score = |networks: &[StoredWeights]| -> Result<f64> {
            let Some(application) = &mut validation else { return Ok(0.0) };
            application.model.weights = StoredWeights::joined(networks);
            let score = application.judged(&Asked::default())?.metric(metric).unwrap_or(f64::NAN);
            Ok(if lower_is_better { -score } else { score })
        };
        let mut model = Model::load(&best.join(run::MODEL))?;
        let mut networks = vec![model.weights.clone()];
        let mut trials = vec![alike[0].trial];
        let (mut best_score, mut tried) = (score(&networks)?, 0);
        for record in alike[1..].iter().take(TRIED.saturating_mul(wanted - 1)) {
            if networks.len() == wanted {
                break;
            }
            tried += 1;
            let Some(network) = self.network(record, &model)? else { continue };
            networks.push(network);
            let with_it = score(&networks)?;
            if with_it >= best_score {
                best_score = with_it;
                trials.push(record.trial);
            } else {
                networks.pop();
            }
        }
        if networks.len() < wanted {
            self.tell_of_fewer(wanted, networks.len(), tried);
        }
        if networks.len() == 1 {
            return Ok(None);
        }
        model.weights = StoredWeights::joined(&networks);
        let judged = |mut application: Application| {
            application.model.weights = model.weights.clone();
            application.judged(&Asked::default())
        };
        let validation = validation.map(judged).transpose()?;
        let test = if test_rows > 0 { Some(judged(rows_of(OwnRows::Test)?)?) } else { None };
        let ensemble = Ensemble {
            trials,
            score: validation.and_then(|scores| scores.metric(metric)),
            test_score: test.as_ref().and_then(|scores| scores.metric(metric)),
            test: test.as_ref().map(Evaluation::in_short),
        };
        model.training =
            json!({ "wgrad": env!("CARGO_PKG_VERSION"), "sweep": { "trials": ensemble.trials, "test": ensemble.test } });
        model.save(&Place::own(&run::best_ensemble(&self.report.folder)))?;
        Ok(Some(ensemble))
    }

    /// Trains a trial again, and gives its network; none of one that halving ended and that does not come up to those that it kept.
    fn network(&self, record: &TrialRecord, best: &Model) -> Result<Option<StoredWeights>> {
        let trial = self.trial(record);
        let is_ended = record.ended == TrialEnding::Halving;
        let options = match self.folds() {
            1 => trial.again(if is_ended { trial.recipe.epochs } else { record.epochs }),
            _ => trial.of_all_folds(record.best_epoch.unwrap_or(1)),
        };
        let path = self.report.folder.join(format!("again-{}", record.trial));
        let trained = winner::trained(&options, &path, &format!("trial {} of the ensemble", record.trial), self.watcher);
        let (report, model) = match trained {
            // It was ended before it left the finite numbers.
            Err(Error::Diverged(_)) if is_ended => {
                winner::remove(&path)?;
                return Ok(None);
            }
            report => (report?, Model::load(&path.join(run::MODEL))?),
        };
        winner::remove(&path)?;
        let loss = report.kept_epoch.and_then(|kept| kept.validation_loss).unwrap_or(f64::INFINITY);
        if is_ended && loss > self.highest_kept_loss(best.loss) {
            return Ok(None);
        }
        if self.is_of_here && self.folds() == 1 && !is_ended {
            winner::check_weights(record, &model.weights.checksum())?;
        }
        if (&model.network, model.loss, &model.encoding) != (&best.network, best.loss, &best.encoding) {
            return Err(Error::Internal(format!("trial {} is of another network than the best one", record.trial)));
        }
        Ok(Some(model.weights))
    }

    /// The highest validation loss of the good trials that have this loss.
    fn highest_kept_loss(&self, loss: Loss) -> f64 {
        let kept = self.report.good_trials().into_iter();
        let kept = kept.filter(|record| self.shapes[self.trial(record).group].recipe.loss == loss);
        kept.filter_map(|record| record.validation_loss).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Says why there are not as many networks as the user wants.
    fn tell_of_fewer(&self, wanted: usize, found: usize, tried: usize) {
        let others = if tried == 1 { "1 other trial has".into() } else { format!("{tried} other trials have") };
        let why = match tried {
            0 => "no other good trial has the network, columns and loss of the best one".into(),
            _ => {
                format!(
                    "{others} the best one's network, and {} of them do not come up to those that halving kept or would lower the validation score",
                    tried + 1 - found
                )
            }
        };
        let so = if found == 1 { "there is no ensemble".into() } else { format!("the ensemble has {found} networks") };
        self.watcher.remark(&format!(
            "--ensemble {wanted}: {why}, so {so}; fix --hidden, or add trials (--resume SWEEP --trials NUMBER)"
        ));
    }
}

/// The device of trained models: what is trained in mixed precision is applied in f32.
fn applied(options: &DeviceOptions) -> DeviceOptions {
    let precision = options.precision.filter(|&precision| precision != PrecisionName::Mixed);
    DeviceOptions { precision, tune: None, tuned: None, ..options.clone() }
}
