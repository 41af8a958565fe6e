//! Sweeps that are made up, for tests.

use serde_json::json;

use super::importance::importance;
use super::page::SweepPage;
use super::record::{Best, Curve, Ensemble, SweepAccount, TrialEnding, TrialRecord, Varied};
use crate::random::{Purpose, Stream};

/// Epochs of a trial.
const EPOCHS: usize = 30;

/// A trial of no options that was trained for two epochs.
pub(super) fn trial(number: usize) -> TrialRecord {
    let curve = Curve { loss: vec![1.0; 2], validation_loss: vec![0.5, 0.4], score: vec![Some(0.4), Some(0.5)] };
    TrialRecord {
        trial: number,
        options: serde_json::Map::new(),
        ended: TrialEnding::AllEpochs,
        epochs: 2,
        best_epoch: Some(2),
        score: Some(0.5),
        validation_loss: Some(0.4),
        weights: None,
        deviation: None,
        fold: None,
        curve,
    }
}

/// A sweep of so many trials by halving, over options of all kinds, of which one has a hostile value: a classification, or a
/// regression. Some trials diverged and have no score.
pub(super) fn sweep(trials: usize, is_regression: bool) -> SweepPage {
    let trials: Vec<TrialRecord> = (1..=trials).map(|number| drawn(number, is_regression)).collect();
    let account = account(&trials, is_regression);
    SweepPage { name: "digits sweep".into(), account, trials }
}

fn drawn(number: usize, is_regression: bool) -> TrialRecord {
    let mut stream = Stream::new(5, Purpose::Test, number as u64);
    let [rate, dropout, decay] = [0, 1, 2].map(|_| stream.uniform());
    let optimizer = ["adam", "sgd", "rmsprop"][stream.below(3) as usize];
    let hidden = [json!([32]), json!([64, 64]), json!([128, 64, 32])][stream.below(3) as usize].clone();
    let activation = ["relu", "tanh", "<script>alert('1')</script>"][stream.below(3) as usize];
    let batch = 1 << (4 + stream.below(6));
    let options = json!({
        "learning-rate": 1e-4 * 1000.0_f64.powf(rate), "optimizer": optimizer, "hidden": hidden, "dropout": [0.6 * dropout],
        "activation": activation, "batch-size": batch, "l2": 1e-6 * 1e4_f64.powf(decay),
    });
    let quality = 1.0 - 1.6 * (rate - 0.55).powi(2) - 0.12 * dropout - if optimizer == "sgd" { 0.15 } else { 0.0 };
    let quality = quality - 0.05 * stream.uniform();
    let has_diverged = rate > 0.97;
    let reached = if has_diverged { 2 } else { [3, 9, EPOCHS][(quality * 40.0) as usize % 3] };
    let ended = match reached {
        EPOCHS => TrialEnding::AllEpochs,
        _ if has_diverged => TrialEnding::Diverged,
        _ => TrialEnding::Halving,
    };
    let at =
        |epoch: usize| quality * (1.0 - 0.7 * (-0.3 * epoch as f64).exp()) + 0.01 * (epoch as f64 * quality * 9.0).sin();
    let loss: Vec<f64> = (1..=reached).map(|epoch| 2.5 * (1.02 - at(epoch)).max(0.01)).collect();
    let scored = |value: f64| (!has_diverged).then_some(if is_regression { 40.0 * (1.02 - value) } else { value });
    let score: Vec<Option<f64>> = (1..=reached).map(|epoch| scored(at(epoch))).collect();
    let best = (0..reached).min_by(|&a, &b| loss[a].total_cmp(&loss[b])).unwrap_or(0);
    TrialRecord {
        options: options.as_object().cloned().unwrap_or_default(),
        ended,
        epochs: reached,
        best_epoch: Some(best + 1),
        score: score[best],
        validation_loss: Some(loss[best]),
        curve: Curve { loss: loss.clone(), validation_loss: loss, score },
        ..trial(number)
    }
}

/// The account of these trials.
pub(super) fn account(trials: &[TrialRecord], is_regression: bool) -> SweepAccount {
    let varied: Vec<Varied> = [
        ("learning-rate", "1e-4..1e-1:log", true, true),
        ("optimizer", "adam/sgd/rmsprop", false, false),
        ("hidden", "32/64,64/128,64,32", false, false),
        ("dropout", "0..0.6", true, false),
        ("activation", "relu/tanh/<script>alert('1')</script>", false, false),
        ("batch-size", "16..512:log2", true, true),
        ("l2", "1e-6..1e-2:log", true, true),
    ]
    .map(|(key, text, is_range, is_log)| Varied { key: key.into(), text: format!("{key}={text}"), is_range, is_log })
    .into();
    let scored = trials.iter().filter_map(|trial| Some((trial, trial.score?)));
    let sign = if is_regression { 1.0 } else { -1.0 };
    let best = scored.min_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
    let best = best.map(|(trial, score)| Best { trial: trial.trial, score, test_score: Some(score - 0.0123), test: None });
    SweepAccount {
        wgrad: "0.1.0".into(),
        source: "digits".into(),
        task: if is_regression { "regression" } else { "classification" }.into(),
        metric: if is_regression { "rmse" } else { "accuracy" }.into(),
        lower_is_better: is_regression,
        search: "halving".into(),
        importance: importance(trials, &varied, 3, is_regression),
        varied,
        trials: trials.len(),
        rungs: vec![3, 9],
        folds: 1,
        rows: [1257, 180, 360],
        folder: String::new(),
        device: "NVIDIA H200".into(),
        seconds: 192.4,
        is_whole: true,
        ensemble: best.as_ref().filter(|_| is_regression).map(|best| Ensemble {
            trials: vec![best.trial, 7, 3],
            score: Some(best.score - 0.02),
            test_score: Some(best.score - 0.01),
            test: None,
        }),
        alike: (!is_regression).then_some(9),
        best,
        commands: vec!["wgrad sweep digits --vary learning-rate=1e-4..1e-1:log --search halving --trials 60".into()],
        remarks: Vec::new(),
    }
}
