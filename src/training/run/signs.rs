//! Signs that a training does not do what it is for, each told once, with what to type: rows too few to tell anything, a rate at which
//! nothing is learnt, the training rows learnt by heart, and in the end a model that says no more than the most frequent class or the
//! mean does.

use serde::{Deserialize, Serialize};

use super::options::Options;
use super::record::EpochRecord;
use super::sources::DataReport;
use crate::data::embedded;
use crate::error::{counted, shown};
use crate::evaluation::{Classification, Evaluation, thinned};
use crate::network::{Activation, Loss, Network};
use crate::page::figures;
use crate::report::patience_for;
use crate::training::session::{Precision, Recipe, Rows, Samples};

/// Rows below which training, and a score, say little.
const FEW_TRAINING_ROWS: usize = 20;
const FEW_TEST_ROWS: usize = 10;

/// What to say of rows that are so few that little follows from them.
pub(super) fn few_rows(data: &DataReport, options: &Options) -> Vec<String> {
    let (training, test) = (data.training_rows, data.test_rows);
    if embedded::find(&data.source).is_some() {
        return Vec::new();
    }
    let few_to_train = (training < FEW_TRAINING_ROWS).then(|| {
        let untested = if test + data.validation_rows == 0 { ", and no row is left to test it" } else { "" };
        let rows = counted(training, "training row");
        format!("{rows} can be learnt by heart: the model may be of no use for others{untested}")
    });
    let in_folds = options.folds.is_some();
    let few_to_test = (1..FEW_TEST_ROWS).contains(&test) && !in_folds;
    let few_to_test = few_to_test.then(|| {
        let all = training + data.validation_rows + test;
        let folds = options.test.is_none() && options.validation.is_none() && all >= FEW_TEST_ROWS;
        let folds = if folds { ": --folds 5 tests with every row in turn" } else { "" };
        format!("scores of {} say little{folds}", counted(test, "test row"))
    });
    few_to_train.into_iter().chain(few_to_test).collect()
}

/// A number in a few digits.
fn few(number: f64) -> String {
    if number.abs() < 1e6 { figures(number) } else { format!("{number:.2e}") }
}

/// The loss of a network that says the same for every row: the mean of the targets. The loss of training rows is held against it. None
/// where rows have weights of their own, which the loss of training has in it.
pub(super) fn constant_loss<T: Precision>(loss: Loss, rows: &Rows<T>, some: &Samples<T>, recipe: &Recipe) -> Option<f64> {
    /// Targets that are looked at, at most; of a file's rows those that are in memory.
    const TARGETS: usize = 1 << 16;
    let targets = match rows {
        Rows::Memory(samples) => {
            let most = TARGETS / samples.targets.columns.max(1);
            samples.targets.gathered(&thinned(samples.targets.rows, most.max(1)).collect::<Vec<_>>())
        }
        Rows::File(_) => some.targets.clone(),
    };
    let targets = targets.converted::<f64>();
    if targets.rows == 0 || recipe.weighted {
        return None;
    }
    let mean = |column: usize| {
        let sum: f64 = (0..targets.rows).map(|row| targets.row(row)[column]).sum();
        sum / targets.rows as f64
    };
    // Of a joint pair the loss takes logits.
    let share = |mean: f64| mean.clamp(1e-6, 1.0 - 1e-6);
    let result = |mean: f64| match loss.facts().joint {
        Some(Activation::Softmax) => share(mean).ln(),
        Some(_) => (share(mean) / (1.0 - share(mean))).ln(),
        None => mean,
    };
    let results: Vec<f64> = (0..targets.columns).map(|column| result(mean(column))).collect();
    let (mut results, mut losses) = (results.repeat(targets.rows), vec![0.0; targets.rows]);
    loss.of_rows(&mut results, &targets.values, targets.columns, &mut losses);
    Some(losses.iter().sum::<f64>() / targets.rows as f64).filter(|loss| loss.is_finite() && *loss > 0.0)
}

/// What the losses of the epochs so far tell, and what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signs {
    /// The epoch of the least validation loss, that loss, and the training loss of the same epoch.
    best: Option<(usize, f64, f64)>,
    /// Epochs in a row whose validation loss was far above it.
    above: usize,
    /// The loss of the first epoch, and the least.
    first: Option<f64>,
    least: Option<f64>,
    told_overfitting: bool,
    told_rate: bool,
}

impl Signs {
    /// Times its least that a validation loss has to be to be far above it, for so many epochs in a row, and to be told.
    const ABOVE: f64 = 1.25;
    const EPOCHS: usize = 5;
    const TOLD: f64 = 1.5;
    /// Of the loss of constant outputs: a smaller difference of validation losses is none.
    const SMALL: f64 = 0.1;
    /// The epoch by whose end a loss has to have fallen, and how far above that of constant outputs it may be before.
    const BEGUN: usize = 3;
    const HIGH: f64 = 2.0;
    const FALLEN: f64 = 0.9;

    /// What a person should hear after an epoch; `constant` is the loss of constant outputs, where it is known.
    pub(super) fn look(&mut self, record: &EpochRecord, constant: Option<f64>, has_patience: bool) -> Vec<String> {
        let rate = self.rate(record, constant);
        let overfitting = self.overfitting(record, constant.unwrap_or(0.0)).filter(|_| !has_patience);
        rate.into_iter().chain(overfitting).collect()
    }

    /// That the validation loss rises while the training loss falls.
    fn overfitting(&mut self, record: &EpochRecord, constant: f64) -> Option<String> {
        let validation = record.validation_loss?;
        let Some((epoch, least, training)) = self.best.filter(|&(_, least, _)| validation >= least) else {
            self.best = Some((record.epoch, validation, record.loss));
            self.above = 0;
            return None;
        };
        let is_above = |times: f64| validation > times * least && validation > least + Self::SMALL * constant;
        self.above = if is_above(Self::ABOVE) && record.loss < training { self.above + 1 } else { 0 };
        if self.told_overfitting || self.above < Self::EPOCHS || !is_above(Self::TOLD) {
            return None;
        }
        self.told_overfitting = true;
        Some(format!(
            "the validation loss has risen from {} in epoch {epoch} to {} in epoch {}, while the training loss falls: --patience {} ends \
             such a training and keeps the best epoch's weights",
            few(least),
            few(validation),
            record.epoch,
            patience_for(epoch)
        ))
    }

    /// That the first epochs' losses are far above that of constant outputs, and do not fall.
    fn rate(&mut self, record: &EpochRecord, constant: Option<f64>) -> Option<String> {
        let first = *self.first.get_or_insert(record.loss);
        let least = self.least.map_or(record.loss, |least| least.min(record.loss));
        self.least = Some(least);
        let constant = constant?;
        let is_high = least > Self::HIGH * constant && record.loss > Self::FALLEN * first;
        if record.epoch != Self::BEGUN || !is_high || std::mem::replace(&mut self.told_rate, true) {
            return None;
        }
        Some(format!(
            "after {} epochs the training loss is {}, far above the {} of a network that always says the same: try a lower \
             --learning-rate than {}, or --scale standard",
            record.epoch,
            few(record.loss),
            few(constant),
            record.learning_rate
        ))
    }
}

/// What a trained network can be told by.
pub(super) struct Outcome<'a> {
    /// How it was trained.
    pub(super) network: &'a Network,
    pub(super) recipe: &'a Recipe,
    /// The last epoch's training loss, and that of constant outputs, where they are known.
    pub(super) losses: Option<(f64, f64)>,
}

impl Outcome<'_> {
    /// Rows below which scores are too much by chance.
    const ROWS: usize = FEW_TEST_ROWS;
    /// A balanced accuracy is that of guessing up to this share of the way from there to 1, and classes are not told apart by probabilities
    /// up to this area under their curve.
    const GUESSING: f64 = 0.02;
    const AREA: f64 = 0.6;
    /// Shares of the loss of constant outputs between which a training loss is the same.
    const SAME: [f64; 2] = [0.97, 1.03];

    /// That a model says no more than the most frequent class or the mean does, by its scores on rows that are called so.
    pub(super) fn of_scores(&self, scores: &Evaluation, rows: &str) -> Option<String> {
        match scores {
            Evaluation::Classification(scores) => self.of_classes(scores, rows),
            Evaluation::Regression(scores) => self.of_r2(scores.r2?, scores.rows, rows),
        }
    }

    /// The same of a regression, by its R².
    pub(super) fn of_r2(&self, r2: f64, count: usize, rows: &str) -> Option<String> {
        (r2 <= 0.0 && count >= Self::ROWS).then(|| {
            let advice = self.advice("fewer --epochs or more rows may help");
            let r2 = if r2 > -10.0 { format!("{r2:.4}") } else { format!("{r2:.2e}") };
            format!("R² is {r2} on {count} {rows} rows, no better than always saying the mean; {advice}")
        })
    }

    /// The same by the loss of the training rows, where there are no others.
    pub(super) fn of_training(&self) -> Option<String> {
        let (loss, constant) = self.losses.filter(|(loss, constant)| *loss >= Self::SAME[0] * constant)?;
        let (loss, constant) = (few(loss), few(constant));
        let advice = self.advice("");
        Some(format!("the training loss ended at {loss}, and a network that always says the same has {constant}; {advice}"))
    }

    fn of_classes(&self, scores: &Classification, rows: &str) -> Option<String> {
        let confusion = scores.confusion.as_ref().filter(|_| scores.rows >= Self::ROWS && scores.unpredicted == 0)?;
        let occurring = scores.classes.iter().filter(|class| class.support > 0).count();
        if occurring < 2 {
            return None;
        }
        let is_said = |class: &usize| confusion.iter().any(|of_class| of_class[*class] > 0);
        let said: Vec<usize> = (0..scores.classes.len()).filter(is_said).collect();
        let rare = "--class-weights balanced makes rare classes count as much";
        if let [class] = said[..] {
            let name = shown(&scores.classes[class].name);
            return Some(format!("the model says '{name}' for all {} {rows} rows; {}", scores.rows, self.advice(rare)));
        }
        let most = scores.classes.iter().max_by_key(|class| class.support)?;
        let share = most.support as f64 / scores.rows as f64;
        let guessing = 1.0 / occurring as f64;
        let is_guessed = scores.balanced_accuracy <= guessing + Self::GUESSING * (1.0 - guessing)
            && scores.accuracy <= share
            && scores.auc.is_none_or(|area| area < Self::AREA);
        is_guessed.then(|| {
            format!(
                "accuracy is {:.4} on {} {rows} rows, no better than always saying '{}'; {}",
                scores.accuracy,
                scores.rows,
                shown(&most.name),
                self.advice("fewer --epochs or more rows may help")
            )
        })
    }

    /// What to try, as the training loss says: it is above that of constant outputs, the same, or below, where `learnt` is what may help.
    fn advice(&self, learnt: &str) -> String {
        let rate = self.recipe.schedule.learning_rate;
        let lower = match rate > 0.0 {
            true => format!("try a lower --learning-rate than {rate}, or more --epochs"),
            false => "--learning-rate 0 learns nothing".into(),
        };
        match self.losses {
            None => lower,
            Some((loss, constant)) if loss > Self::SAME[1] * constant => lower,
            Some((loss, constant)) if loss > Self::SAME[0] * constant => {
                let hidden = &self.network.activations()[..self.network.layers() - 1];
                let saturates = hidden.iter().any(|activation| activation.facts().saturates_from.is_some());
                let others = [
                    (!self.recipe.optimizer.kind.has_squares()).then_some("--optimizer adam"),
                    saturates.then_some("--activation relu"),
                ];
                let others: Vec<&str> = others.into_iter().flatten().collect();
                let all = [
                    &[format!("another --learning-rate than {rate}")],
                    &others.iter().map(ToString::to_string).collect::<Vec<_>>()[..],
                ];
                format!("it has learnt nothing of the training rows: try {}", all.concat().join(" or "))
            }
            Some(_) => learnt.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, Task};
    use crate::network::OptimizerKind;

    fn record(epoch: usize, loss: f64, validation_loss: Option<f64>) -> EpochRecord {
        EpochRecord {
            epoch,
            step: 0,
            learning_rate: 0.1,
            loss,
            validation_loss,
            validation_metric: None,
            metric: "accuracy".into(),
            seconds: 0.0,
            samples_per_second: 1.0,
            loss_scale: None,
        }
    }

    /// What is said of epochs with these training and validation losses.
    fn said(losses: impl IntoIterator<Item = (f64, Option<f64>)>, constant: Option<f64>, has_patience: bool) -> Vec<String> {
        let mut signs = Signs::default();
        let epochs = losses.into_iter().enumerate();
        epochs.flat_map(|(index, (loss, of))| signs.look(&record(index + 1, loss, of), constant, has_patience)).collect()
    }

    #[test]
    fn a_validation_loss_that_rises_far_above_its_best_is_told_once() {
        let rises = || (0..40).map(|epoch| (0.5 / f64::from(epoch + 1), Some(0.2 + 0.02 * f64::from(epoch))));
        let told = said(rises(), Some(0.7), false);
        assert!(matches!(&told[..], [one] if one.contains("from 0.200 in epoch 1 to 0.360 in epoch 9")), "{told:?}");
        assert_eq!(said(rises(), Some(0.7), true), [""; 0], "patience takes care of it");
        let both = |epoch: i32| (0.5 + 0.1 * f64::from(epoch), Some(0.2 + 0.1 * f64::from(epoch)));
        assert_eq!(said((0..40).map(both), None, false), [""; 0], "the training loss rises as well");
        let wavers = |epoch: i32| (0.5 / f64::from(epoch + 1), Some(if epoch % 5 == 4 { 0.2 } else { 0.4 }));
        assert_eq!(said((0..40).map(wavers), Some(0.7), false), [""; 0], "now and then is not for long");
        let tiny = |epoch: i32| (0.5 / f64::from(epoch + 1), Some(0.001 * f64::from(epoch + 1)));
        assert_eq!(said((0..40).map(tiny), Some(0.7), false), [""; 0], "next to nothing has risen");
        assert_eq!(said((0..40).map(tiny), None, false).len(), 1, "where nobody knows what is small");
    }

    #[test]
    fn a_loss_that_begins_far_above_that_of_constant_outputs_and_stays_is_told() {
        let told = |losses: [f64; 4], constant| said(losses.map(|loss| (loss, None)), constant, false);
        let high = told([44.0, 45.0, 44.5, 40.0], Some(0.5));
        assert!(
            matches!(&high[..], [one] if one.contains("after 3 epochs the training loss is 44.5, far above the 0.500")),
            "{high:?}"
        );
        for (losses, constant) in
            [([44.0, 20.0, 10.0, 5.0], Some(0.5)), ([0.9, 0.9, 0.9, 0.9], Some(0.5)), ([44.0, 44.0, 44.0, 44.0], None)]
        {
            assert_eq!(told(losses, constant), [""; 0], "{losses:?}");
        }
    }

    #[test]
    fn the_loss_of_constant_outputs_is_that_of_the_mean() {
        let of = |loss: Loss, targets: &[f64], columns| {
            let rows = targets.len() / columns;
            let samples = Samples::new(Matrix::zeros(rows, 1), Matrix::new(rows, columns, targets.to_vec()));
            let recipe = Recipe::plain(loss, 0.1, 1);
            let rows = Rows::from(samples.clone());
            let weighted = constant_loss(loss, &rows, &samples, &Recipe { weighted: true, ..recipe });
            assert_eq!(weighted, None);
            constant_loss(loss, &rows, &samples, &recipe)
        };
        // The variance 1.25, and entropies: 0.5623 of a quarter, 1.0397 of a half and two quarters.
        let near =
            |found: Option<f64>, expected: f64| assert!((found.expect("a loss") - expected).abs() < 1e-4, "{found:?}");
        let squared = of(Loss::SquaredError, &[1.0, 2.0, 3.0, 4.0], 1).expect("a loss");
        assert!([1.25, 0.625].iter().any(|expected| (squared - expected).abs() < 1e-12), "{squared}");
        near(of(Loss::of(Activation::Sigmoid, Task::Classification), &[0.0, 0.0, 1.0, 0.0], 1), 0.5623);
        let classes = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        near(of(Loss::of(Activation::Softmax, Task::Classification), &classes, 3), 1.0397);
        assert_eq!(of(Loss::SquaredError, &[2.0, 2.0], 1), None, "nothing is left to learn");
    }

    /// What is said of predictions of three classes, of which `said[t][p]` rows of class t are taken for p.
    fn of_classes(confusion: &[&[usize]], losses: (f64, f64), kind: OptimizerKind) -> Option<String> {
        let classes = confusion.len();
        let (mut truth, mut probabilities) = (Vec::new(), Vec::new());
        for (class, row) in confusion.iter().enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                for _ in 0..count {
                    truth.push(class);
                    probabilities
                        .extend((0..classes).map(|of| if of == predicted { 0.6 } else { 0.4 / (classes - 1) as f64 }));
                }
            }
        }
        let names: Vec<String> = (0..classes).map(|class| format!("k{class}")).collect();
        let scores = Evaluation::Classification(Classification::new(&probabilities, &truth, &names));
        let network =
            Network::new(vec![2, 3, classes], vec![Activation::Sigmoid, Activation::Softmax], true).expect("a network");
        let mut recipe = Recipe::plain(Loss::of(Activation::Softmax, Task::Classification), 0.1, 8);
        recipe.optimizer.kind = kind;
        Outcome { network: &network, recipe: &recipe, losses: Some(losses) }.of_scores(&scores, "test")
    }

    #[test]
    fn a_model_that_says_one_class_for_all_is_told_with_what_fits_its_loss() {
        let same: &[&[usize]] = &[&[80, 0], &[20, 0]];
        let told = |losses, kind| of_classes(same, losses, kind).expect("a remark");
        let nothing = told((0.5, 0.5), OptimizerKind::Sgd);
        assert!(nothing.starts_with("the model says 'k0' for all 100 test rows; it has learnt nothing"), "{nothing}");
        assert!(nothing.ends_with("--learning-rate than 0.1 or --optimizer adam or --activation relu"), "{nothing}");
        assert!(!told((0.5, 0.5), OptimizerKind::Adam).contains("--optimizer"));
        assert!(told((44.0, 0.5), OptimizerKind::Sgd).ends_with("try a lower --learning-rate than 0.1, or more --epochs"));
        assert!(told((0.3, 0.5), OptimizerKind::Sgd).contains("--class-weights balanced"));
        assert_eq!(of_classes(&[&[80, 0], &[0, 0]], (0.5, 0.5), OptimizerKind::Sgd), None, "there is no other class");
        assert_eq!(of_classes(&[&[5, 0], &[4, 0]], (0.5, 0.5), OptimizerKind::Sgd), None, "too few rows to tell");
    }

    #[test]
    fn a_model_that_guesses_is_told_and_one_that_tells_classes_apart_is_not() {
        let told = |confusion: &[&[usize]]| of_classes(confusion, (0.3, 0.5), OptimizerKind::Sgd);
        let guesses = told(&[&[70, 10], &[18, 2]]).expect("a remark");
        assert!(guesses.starts_with("accuracy is 0.7200 on 100 test rows, no better than always saying 'k0'"), "{guesses}");
        assert_eq!(told(&[&[70, 10], &[10, 10]]), None);
        assert_eq!(told(&[&[75, 5], &[12, 8]]), None, "hard, and yet something");
        assert_eq!(told(&[&[30, 3, 0], &[4, 20, 9], &[0, 10, 24]]), None);
    }

    #[test]
    fn a_regression_no_better_than_the_mean_is_told() {
        let network = Network::new(vec![2, 3, 1], vec![Activation::Relu, Activation::Identity], true).expect("a network");
        let recipe = Recipe::plain(Loss::SquaredError, 0.1, 8);
        let outcome = |losses| Outcome { network: &network, recipe: &recipe, losses };
        assert_eq!(outcome(Some((0.1, 1.0))).of_r2(0.01, 50, "test"), None);
        let told = outcome(Some((0.1, 1.0))).of_r2(-0.2, 50, "test").expect("a remark");
        assert!(told.starts_with("R² is -0.2000 on 50 test rows, no better than always saying the mean; fewer"), "{told}");
        assert!(outcome(Some((9.0, 1.0))).of_r2(-2e10, 50, "test").expect("a remark").contains("R² is -2.00e10 on"));
        assert_eq!(outcome(Some((0.5, 1.0))).of_training(), None);
        assert!(outcome(Some((1.0, 1.0))).of_training().expect("a remark").contains("ended at 1.00, and"));
        assert_eq!(outcome(None).of_training(), None);
    }

    #[test]
    fn few_rows_are_told_unless_the_set_is_known() {
        let data = |source: &str, [training_rows, validation_rows, test_rows]: [usize; 3]| DataReport {
            source: source.into(),
            task: Task::Regression,
            target: vec!["y".into()],
            classes: Vec::new(),
            columns: 2,
            inputs: 2,
            training_rows,
            validation_rows,
            test_rows,
        };
        let said = |rows, folds| few_rows(&data("t.csv", rows), &Options { folds, ..Options::default() }).join("\n");
        let three = said([3, 0, 0], None);
        assert!(three.starts_with("3 training rows can be learnt by heart") && three.ends_with("no row is left to test it"));
        assert_eq!(said([18, 0, 2], None).lines().count(), 2);
        assert!(
            said([18, 0, 2], None).ends_with("scores of 2 test rows say little: --folds 5 tests with every row in turn")
        );
        assert!(said([4, 0, 1], None).ends_with("scores of 1 test row say little"), "too few for folds, too");
        assert_eq!(said([16, 0, 4], Some(5)).lines().count(), 1, "folds test with all rows in turn");
        assert_eq!([said([20, 0, 10], None), said([20, 0, 0], None)], ["", ""]);
        assert_eq!(few_rows(&data("iris", [9, 0, 1]), &Options::default()), [""; 0]);
    }
}
