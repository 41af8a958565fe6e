//! Metrics of predicted class probabilities against true classes. Definitions as in scikit-learn, except where said.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::parts::{mean, shortened, write_table};
use super::precision_recall::average_precision;
use super::probabilities::probabilities_of;
use super::roc::area;
use super::scored::Scored;
use crate::data::Decision;
use crate::error::shown;

/// Probabilities are clipped to this distance from 0 and 1 before their logarithm is taken, so that one sure mistake does not
/// make the log loss infinite: it costs 34.5.
const CLIP: f64 = 1e-15;

/// The most classes that are printed in full; beyond, the worst scores and the commonest mistakes.
const PRINTED_CLASSES: usize = 20;

/// How many of the commonest mistakes are printed in place of a confusion matrix that is too wide.
const PRINTED_MISTAKES: usize = 10;

/// The metrics of a classification.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// Number of rows judged. With none, the means below are NaN (null in JSON).
    pub rows: usize,
    /// Rows whose prediction is the true class / rows.
    pub accuracy: f64,
    /// What the same class for every row comes to: the commonest one, of equals the first. Null without rows.
    pub baseline: Option<Baseline>,
    /// The mean recall over the classes that occur.
    pub balanced_accuracy: f64,
    /// The mean F1 over the classes that occur or were predicted.
    pub macro_f1: f64,
    /// The probability that a row of the positive class scores above one of the other, ties counting half. Only with two classes,
    /// both of which occur, and without rows unpredicted.
    pub auc: Option<f64>,
    /// Of two classes: how well the positive one is found.
    #[serde(flatten)]
    pub of_two: Option<OfTwo>,
    /// Mean of -ln(probability of the true class), the probability clipped to 1e-15 ..= 1 - 1e-15. NaN if a true class has it.
    pub log_loss: f64,
    /// Rows with NaN among their probabilities: they predict no class, count as wrong and are no mistake for another class.
    pub unpredicted: usize,
    /// The scores of each class, in the order of the model's outputs.
    pub classes: Vec<ClassScores>,
    /// `confusion[t][p]`: rows of true class t predicted as class p; null where the classes are more than 200.
    pub confusion: Option<Vec<Vec<usize>>>,
    /// The commonest mistakes where there is no matrix of them: true class, predicted class, rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mistakes: Option<Vec<Mistake>>,
}

/// What is said by one who always says the same class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// The class.
    pub class: String,
    /// The share of rows that are of it.
    pub accuracy: f64,
}

/// How well the positive of two classes is found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfTwo {
    /// The positive class.
    pub positive: String,
    /// From which probability of which class on that class is said; null where the more probable one is.
    pub decision: Option<Decided>,
    /// Of the rows predicted as the positive class, the share that is; 0 if there are none.
    pub precision: f64,
    /// Of the rows of the positive class, the share that was predicted so; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 if both are.
    pub f1: f64,
    /// Σ (recall - recall before) · precision over all thresholds, from the highest down; null without rows of the positive class, and
    /// with rows unpredicted.
    pub average_precision: Option<f64>,
}

/// From which probability on a class is said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// The class.
    pub class: String,
    /// The least probability of it that says so.
    pub threshold: f64,
}

impl Decided {
    /// What a model with these classes does; none where it says the more probable one.
    pub fn of(decision: Decision, classes: &[String]) -> Option<Self> {
        let threshold = decision.threshold?;
        Some(Self { class: classes[decision.positive].clone(), threshold })
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four digits, none of them for show: 0.3 is as somebody typed it.
        let threshold: f64 = format!("{:.3e}", self.threshold).parse().unwrap_or(self.threshold);
        let class = shortened(&shown(&self.class), 32);
        write!(formatter, "threshold {threshold}: '{class}' from a probability of {threshold} on")
    }
}

/// A true class, another one that it was taken for, and in how many rows.
type Mistake = (usize, usize, usize);

/// The most classes whose confusion is a matrix, and the most mistakes that are kept of others.
const MATRIX_CLASSES: usize = 200;
const KEPT_MISTAKES: usize = 1000;

/// How well one class is told from the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScores {
    /// The class.
    pub name: String,
    /// Of the rows predicted as this class, the share that is; 0 if there are none.
    pub precision: f64,
    /// Of the rows of this class, the share that was predicted so; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 if both are.
    pub f1: f64,
    /// Number of rows of this class.
    pub support: usize,
}

impl Classification {
    /// The names that [`metric`](Self::metric) knows.
    pub const METRICS: [&str; 9] =
        ["accuracy", "balanced-accuracy", "macro-f1", "log-loss", "precision", "recall", "f1", "auc", "average-precision"];
    /// How many of them, the first, more than two classes have.
    const OF_MANY: usize = 4;

    /// The names that [`metric`](Self::metric) knows for so many classes as these.
    pub fn metrics(&self) -> &'static [&'static str] {
        if self.classes.len() == 2 { &Self::METRICS } else { &Self::METRICS[..Self::OF_MANY] }
    }

    /// Judges `probabilities` (rows × classes, row-major) by the true class indices `truth` (rows).
    ///
    /// The class predicted is the one of highest probability, the first of equals.
    ///
    /// # Panics
    /// If the lengths do not agree or a true class is not below the number of classes.
    pub fn new(probabilities: &[f64], truth: &[usize], class_names: &[String]) -> Self {
        Self::decided(probabilities, truth, class_names, Decision::default(), 1)
    }

    /// The same with a decision of its own between two classes, of which `positive` is the one whose precision and recall are told.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn decided(
        probabilities: &[f64],
        truth: &[usize],
        class_names: &[String],
        decision: Decision,
        positive: usize,
    ) -> Self {
        let (rows, classes) = (truth.len(), class_names.len());
        assert!(classes > 0, "a classification has classes");
        assert_eq!(probabilities.len(), rows * classes, "{rows} rows of {classes} classes need that many probabilities");
        assert!(truth.iter().all(|&class| class < classes), "a true class is one of the {classes}");

        let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut support = vec![0; classes];
        let mut unpredicted = 0;
        for (row, &class) in probabilities.chunks_exact(classes).zip(truth) {
            support[class] += 1;
            match decided_class(decision, row) {
                Some(predicted) => *counts.entry((class, predicted)).or_default() += 1,
                None => unpredicted += 1,
            }
        }

        let mut predicted = vec![0; classes];
        counts.iter().for_each(|(&(_, class), count)| predicted[class] += count);
        let right: Vec<usize> = (0..classes).map(|class| counts.get(&(class, class)).copied().unwrap_or(0)).collect();
        let scores = class_scores(class_names, &support, &predicted, &right);
        let right: usize = right.into_iter().sum();
        let mut mistakes: Vec<Mistake> = counts.iter().map(|(&(truth, class), &count)| (truth, class, count)).collect();
        let confusion = (classes <= MATRIX_CLASSES).then(|| {
            let mut matrix = vec![vec![0; classes]; classes];
            mistakes.iter().for_each(|&(truth, predicted, count)| matrix[truth][predicted] = count);
            matrix
        });
        mistakes.retain(|(truth, predicted, _)| truth != predicted);
        mistakes.sort_by_key(|&(.., count)| Reverse(count));
        mistakes.truncate(KEPT_MISTAKES);
        let scored = (classes == 2).then(|| Scored::new(probabilities, truth, positive)).flatten();
        let scored = scored.filter(|_| unpredicted == 0);
        let of_two = (classes == 2).then(|| OfTwo {
            positive: class_names[positive].clone(),
            decision: Decided::of(decision, class_names),
            precision: scores[positive].precision,
            recall: scores[positive].recall,
            f1: scores[positive].f1,
            average_precision: scored.as_ref().and_then(average_precision),
        });
        let commonest = scores.iter().rev().max_by_key(|class| class.support).filter(|_| rows > 0);
        let truly_there = scores.iter().filter(|class| class.support > 0);
        let there = scores.iter().enumerate().filter(|(class, scores)| scores.support > 0 || predicted[*class] > 0);
        Self {
            rows,
            accuracy: right as f64 / rows as f64,
            baseline: commonest
                .map(|class| Baseline { class: class.name.clone(), accuracy: class.support as f64 / rows as f64 }),
            balanced_accuracy: mean(truly_there.map(|class| class.recall)),
            macro_f1: mean(there.map(|(_, class)| class.f1)),
            auc: scored.as_ref().and_then(area),
            of_two,
            log_loss: log_loss(probabilities, truth, classes),
            unpredicted,
            classes: scores,
            mistakes: confusion.is_none().then_some(mistakes),
            confusion,
        }
    }

    /// The metric of that name; none if there is no such metric or these rows leave it undefined.
    pub fn metric(&self, name: &str) -> Option<f64> {
        match name {
            "accuracy" => Some(self.accuracy),
            "balanced-accuracy" => Some(self.balanced_accuracy),
            "macro-f1" => Some(self.macro_f1),
            "auc" => self.auc,
            "precision" => self.of_two.as_ref().map(|of_two| of_two.precision),
            "recall" => self.of_two.as_ref().map(|of_two| of_two.recall),
            "f1" => self.of_two.as_ref().map(|of_two| of_two.f1),
            "average-precision" => self.of_two.as_ref()?.average_precision,
            "log-loss" => Some(self.log_loss),
            _ => None,
        }
    }

    fn write_scores(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut classes: Vec<&ClassScores> = self.classes.iter().collect();
        if classes.len() > PRINTED_CLASSES {
            classes.retain(|class| class.support > 0);
            classes.sort_by(|a, b| a.f1.total_cmp(&b.f1));
            classes.truncate(PRINTED_CLASSES);
            writeln!(formatter, "the {} of {} classes with the lowest F1:", classes.len(), self.classes.len())?;
        }
        let mut table = vec![["class", "precision", "recall", "F1", "rows"].map(str::to_owned).to_vec()];
        table.extend(classes.iter().map(|class| {
            let score = |value: f64| format!("{value:.4}");
            let name = shortened(&shown(&class.name), 32);
            vec![name, score(class.precision), score(class.recall), score(class.f1), class.support.to_string()]
        }));
        write_table(formatter, &table)
    }

    fn write_confusion(&self, formatter: &mut fmt::Formatter<'_>, confusion: &[Vec<usize>]) -> fmt::Result {
        let names = |longest: usize| self.classes.iter().map(move |class| shortened(&shown(&class.name), longest));
        let mut table = vec![vec!["true \\ predicted".to_owned()]];
        table[0].extend(names(12));
        for (name, row) in names(32).zip(confusion) {
            let counts = row.iter().map(|count| if *count == 0 { "·".to_owned() } else { count.to_string() });
            table.push([name].into_iter().chain(counts).collect());
        }
        write_table(formatter, &table)
    }

    fn write_mistakes(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |class: usize| shortened(&shown(&self.classes[class].name), 32);
        let matrix = self.confusion.iter().flatten().enumerate();
        let cells =
            matrix.flat_map(|(truth, row)| row.iter().enumerate().map(move |(predicted, count)| (truth, predicted, *count)));
        let of_matrix = cells.filter(|(truth, predicted, count)| *count > 0 && truth != predicted);
        let mut mistakes: Vec<Mistake> = of_matrix.chain(self.mistakes.iter().flatten().copied()).collect();
        if mistakes.is_empty() {
            return writeln!(formatter, "no class was taken for another");
        }
        mistakes.sort_by_key(|&(.., count)| Reverse(count));
        let mut table = vec![["true class", "predicted as", "rows"].map(str::to_owned).to_vec()];
        let printed = mistakes.iter().take(PRINTED_MISTAKES);
        table.extend(printed.map(|(truth, predicted, count)| vec![name(*truth), name(*predicted), count.to_string()]));
        writeln!(formatter, "the commonest mistakes:")?;
        write_table(formatter, &table)
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "always '{}': {:.4}", shortened(&shown(&self.class), 16), self.accuracy)
    }
}

impl fmt::Display for OfTwo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { positive, precision, recall, f1, .. } = self;
        let positive = shortened(&shown(positive), 16);
        write!(formatter, "'{positive}': precision {precision:.4}, recall {recall:.4}, F1 {f1:.4}")
    }
}

impl fmt::Display for Classification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = (self.accuracy * self.rows as f64).round();
        let always = self.baseline.as_ref().map_or(String::new(), |baseline| format!("; {baseline}"));
        writeln!(formatter, "accuracy           {:.4}  ({right} of {} right{always})", self.accuracy, self.rows)?;
        writeln!(formatter, "balanced accuracy  {:.4}", self.balanced_accuracy)?;
        writeln!(formatter, "macro F1           {:.4}", self.macro_f1)?;
        writeln!(formatter, "log loss           {:.4}", self.log_loss)?;
        if let Some(auc) = self.auc {
            writeln!(formatter, "AUC                {auc:.4}")?;
        }
        if let Some(of_two) = &self.of_two {
            if let Some(average) = of_two.average_precision {
                writeln!(formatter, "average precision  {average:.4}")?;
            }
            writeln!(formatter, "positive class     {of_two}")?;
            if let Some(decided) = &of_two.decision {
                writeln!(formatter, "{decided}")?;
            }
        }
        if self.unpredicted > 0 {
            writeln!(formatter, "{} rows got NaN for a prediction and count as wrong", self.unpredicted)?;
        }
        writeln!(formatter)?;
        self.write_scores(formatter)?;
        writeln!(formatter)?;
        match &self.confusion {
            Some(confusion) if self.classes.len() <= PRINTED_CLASSES => self.write_confusion(formatter, confusion),
            _ => self.write_mistakes(formatter),
        }
    }
}

fn class_scores(names: &[String], support: &[usize], predicted: &[usize], right: &[usize]) -> Vec<ClassScores> {
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let scores = |(class, name): (usize, &String)| {
        let (right, predicted) = (right[class], predicted[class]);
        ClassScores {
            name: name.clone(),
            precision: share(right, predicted),
            recall: share(right, support[class]),
            f1: share(2 * right, predicted + support[class]),
            support: support[class],
        }
    };
    names.iter().enumerate().map(scores).collect()
}

/// The mean of -ln(probability of the true class), of rows × classes.
pub(super) fn log_loss(probabilities: &[f64], truth: &[usize], classes: usize) -> f64 {
    let of_truth = truth.iter().enumerate().map(|(row, class)| probabilities[row * classes + class]);
    mean(of_truth.map(|probability| -libm::log(probability.clamp(CLIP, 1.0 - CLIP))))
}

/// The class that a row of outputs says: of a single output the second class above ½, else the first; of several the largest, the
/// first of equals. None where an output is NaN or infinite.
pub fn predicted_class(outputs: &[f64]) -> Option<usize> {
    if !outputs.iter().all(|output| output.is_finite()) {
        return None;
    }
    match outputs {
        [second] => Some(usize::from(*second > 0.5)),
        _ => (0..outputs.len()).rev().max_by(|&a, &b| outputs[a].total_cmp(&outputs[b])),
    }
}

/// The class that a row of outputs says: as [`predicted_class`] has it, or, of two classes with a threshold, the positive one where the
/// [`probabilities`](super::probabilities()) that the outputs say have at least that.
pub fn said_class(decision: Decision, outputs: &[f64]) -> Option<usize> {
    match decision.threshold {
        None => predicted_class(outputs),
        Some(_) if !outputs.iter().all(|output| output.is_finite()) => None,
        Some(_) => decided_class(decision, &probabilities_of(outputs)),
    }
}

/// The class that a row of class probabilities says: as [`predicted_class`] has it, or, of two classes with a threshold, the positive one
/// from that probability on.
pub fn decided_class(decision: Decision, probabilities: &[f64]) -> Option<usize> {
    match decision.threshold {
        Some(threshold) if probabilities.iter().all(|probability| probability.is_finite()) => {
            let is_positive = probabilities[decision.positive] >= threshold;
            Some(if is_positive { decision.positive } else { 1 - decision.positive })
        }
        Some(_) => None,
        None => predicted_class(probabilities),
    }
}

/// The expected numbers were printed by scikit-learn.
#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    /// The two-class matrix whose second column is `scores`.
    fn two_classes(scores: &[f64]) -> Vec<f64> {
        scores.iter().flat_map(|score| [1.0 - score, *score]).collect()
    }

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-14, "{found} is not {expected}");
    }

    fn three_classes() -> Classification {
        #[rustfmt::skip]
        let probabilities = [
            0.7, 0.2, 0.1,    0.1, 0.6, 0.3,    0.2, 0.2, 0.6,    0.1, 0.5, 0.4,    0.3, 0.3, 0.4,
            0.4, 0.35, 0.25,  0.05, 0.05, 0.9,  0.2, 0.7, 0.1,    0.1, 0.8, 0.1,    0.3, 0.1, 0.6,
        ];
        Classification::new(&probabilities, &[0, 1, 2, 2, 1, 0, 2, 1, 0, 2], &names(3))
    }

    #[test]
    fn three_classes_score_as_in_scikit_learn() {
        let scores = three_classes();
        assert_close(scores.accuracy, 0.7);
        assert_close(scores.balanced_accuracy, 0.6944444444444443);
        assert_close(scores.macro_f1, 0.7071428571428572);
        assert_close(scores.log_loss, 0.7690326635901554);
        assert_eq!(scores.auc, None);
        assert_eq!(scores.confusion.unwrap(), [[2, 1, 0], [0, 2, 1], [0, 1, 3]]);
        let expected =
            [(1.0, 0.6666666666666666, 0.8, 3), (0.5, 0.6666666666666666, 0.5714285714285714, 3), (0.75, 0.75, 0.75, 4)];
        for (class, (precision, recall, f1, support)) in scores.classes.iter().zip(expected) {
            assert_close(class.precision, precision);
            assert_close(class.recall, recall);
            assert_close(class.f1, f1);
            assert_eq!(class.support, support);
        }
    }

    #[test]
    fn two_classes_with_tied_scores_have_scikit_learns_auc() {
        let probabilities = two_classes(&[0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.05]);
        let scores = Classification::new(&probabilities, &[0, 0, 1, 1, 0, 1, 1, 0], &names(2));
        assert_close(scores.auc.unwrap(), 0.8125);
        assert_close(scores.log_loss, 0.4341152476152784);
        assert_close(scores.accuracy, 0.75);
    }

    /// What `precision_score`, `recall_score`, `f1_score`, `average_precision_score` and `roc_auc_score` say, with `pos_label=0` and the
    /// other column for the first class.
    #[test]
    fn precision_and_recall_are_those_of_the_positive_class_by_the_threshold() {
        let scores = [0.62, 0.11, 0.11, 0.58, 0.97, 0.34, 0.34, 0.34, 0.76, 0.05, 0.62, 0.29, 0.88, 0.88];
        let (probabilities, truth) = (two_classes(&scores), [1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0]);
        let of = |threshold, of_class, positive| {
            let decision = Decision { positive: of_class, threshold };
            Classification::decided(&probabilities, &truth, &names(2), decision, positive)
        };
        #[rustfmt::skip]
        let expected = [
            (None, 1, 1, 0.5714285714285714, 0.6666666666666666, 0.6153846153846154, 0.6602564102564102, 0.6875),
            (Some(0.34), 1, 1, 0.5, 0.8333333333333334, 0.625, 0.6602564102564102, 0.6875),
            (Some(0.35), 1, 1, 0.5714285714285714, 0.6666666666666666, 0.6153846153846154, 0.6602564102564102, 0.6875),
            (Some(0.38), 0, 0, 0.6, 0.75, 0.6666666666666666, 0.7308732933732933, 0.6875),
            (Some(0.34), 1, 0, 0.75, 0.375, 0.5, 0.7308732933732933, 0.6875),
            (Some(0.9), 1, 1, 1.0, 0.16666666666666666, 0.2857142857142857, 0.6602564102564102, 0.6875),
            (Some(0.99), 1, 1, 0.0, 0.0, 0.0, 0.6602564102564102, 0.6875),
        ];
        for (threshold, of_class, positive, precision, recall, f1, average, auc) in expected {
            let scores = of(threshold, of_class, positive);
            let of_two = scores.of_two.as_ref().expect("two classes");
            assert_close(of_two.precision, precision);
            assert_close(of_two.recall, recall);
            assert_close(of_two.f1, f1);
            assert_close(of_two.average_precision.expect("positive rows"), average);
            assert_close(scores.auc.expect("both classes"), auc);
            assert_eq!((of_two.positive.as_str(), scores.metric("f1")), (names(2)[positive].as_str(), Some(of_two.f1)));
        }
        let told = of(Some(0.34), 1, 0).to_string();
        assert!(told.contains("positive class     'class 0': precision 0.7500, recall 0.3750, F1 0.5000\n"), "{told}");
        assert!(told.contains("threshold 0.34: 'class 1' from a probability of 0.34 on\n"), "{told}");
    }

    #[test]
    fn a_probability_of_just_the_threshold_says_the_positive_class() {
        let from = |positive, threshold| Decision { positive, threshold };
        assert_eq!(decided_class(from(1, Some(0.5)), &[0.5, 0.5]), Some(1));
        assert_eq!(decided_class(from(1, None), &[0.5, 0.5]), Some(0), "the more probable class, of equals the first");
        assert_eq!(decided_class(from(0, Some(0.75)), &[0.75, 0.25]), Some(0));
        assert_eq!(decided_class(from(0, Some(0.75)), &[0.7499, 0.2501]), Some(1));
        assert_eq!(decided_class(from(1, Some(0.0)), &[1.0, 0.0]), Some(1));
        assert_eq!(decided_class(from(1, Some(0.5)), &[f64::NAN, 0.5]), None);
        assert_eq!(said_class(from(1, Some(0.3)), &[0.3]), Some(1));
        assert_eq!(said_class(from(1, Some(0.3)), &[f64::from(0.3_f32)]), Some(1), "0.3 in single precision is above it");
        assert_eq!(said_class(from(1, Some(0.7)), &[f64::from(0.7_f32)]), Some(0), "and 0.7 is below");
        assert_eq!(said_class(from(1, Some(0.3)), &[1.4, 0.6]), Some(1), "outputs that are divided by their sum");
        assert_eq!(said_class(from(1, Some(0.3)), &[f64::INFINITY]), None);
    }

    #[test]
    fn the_commonest_class_is_the_baseline() {
        let baseline =
            |truth: &[usize]| Classification::new(&two_classes(&vec![0.5; truth.len()]), truth, &names(2)).baseline;
        let expected = |class: &str, accuracy| Some(Baseline { class: class.into(), accuracy });
        assert_eq!(baseline(&[1, 1, 0, 1]), expected("class 1", 0.75));
        assert_eq!(baseline(&[1, 0]), expected("class 0", 0.5));
        assert_eq!(baseline(&[]), None);
    }

    #[test]
    fn auc_needs_both_classes() {
        assert_eq!(Classification::new(&two_classes(&[0.1, 0.9]), &[1, 1], &names(2)).auc, None);
        assert_eq!(Classification::new(&two_classes(&[0.1, 0.9]), &[0, 1], &names(2)).auc, Some(1.0));
        assert_eq!(Classification::new(&two_classes(&[0.5, 0.5]), &[0, 1], &names(2)).auc, Some(0.5));
    }

    #[test]
    fn a_class_predicted_but_absent_lowers_f1_and_not_balanced_accuracy() {
        let probabilities = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
        let scores = Classification::new(&probabilities, &[0, 0, 1, 1], &names(3));
        assert_close(scores.balanced_accuracy, 0.5);
        assert_close(scores.macro_f1, 0.38888888888888884);
        assert_eq!(scores.classes[2].support, 0);
        let four = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        assert_eq!(Classification::new(&four, &[0, 1], &names(4)).macro_f1, 1.0);
    }

    #[test]
    fn one_sure_mistake_has_a_finite_cost() {
        let scores = Classification::new(&[1.0, 0.0, 1.0, 0.0], &[0, 1], &names(2));
        assert!((scores.log_loss - 34.538776394910684 / 2.0).abs() < 1e-12);
    }

    #[test]
    fn nan_is_never_right() {
        for row in [[f64::NAN, 0.0], [1.0, f64::NAN], [f64::NAN, f64::NAN]] {
            let scores = Classification::new(&[row, [0.2, 0.8]].concat(), &[0, 1], &names(2));
            assert_eq!((scores.accuracy, scores.unpredicted, scores.auc), (0.5, 1, None));
            assert_eq!(scores.classes[0].recall, 0.0);
        }
        assert!(Classification::new(&[f64::NAN, 0.0], &[0], &names(2)).log_loss.is_nan());
    }

    #[test]
    fn no_rows_have_no_accuracy() {
        let scores = Classification::new(&[], &[], &names(2));
        assert!(scores.accuracy.is_nan() && scores.log_loss.is_nan() && scores.auc.is_none());
    }

    #[test]
    fn the_text_is_aligned() {
        let expected = "\
accuracy           0.7000  (7 of 10 right; always 'class 2': 0.4000)
balanced accuracy  0.6944
macro F1           0.7071
log loss           0.7690

class    precision  recall      F1  rows
class 0     1.0000  0.6667  0.8000     3
class 1     0.5000  0.6667  0.5714     3
class 2     0.7500  0.7500  0.7500     4

true \\ predicted  class 0  class 1  class 2
class 0                 2        1        ·
class 1                 ·        2        1
class 2                 ·        1        3
";
        assert_eq!(three_classes().to_string(), expected);
    }

    #[test]
    fn many_classes_are_shortened_to_the_worst() {
        let classes = 50;
        let truth: Vec<usize> = (0..classes).collect();
        let mut probabilities = vec![0.0; classes * classes];
        for class in 0..classes {
            let predicted = if class == 7 { 8 } else { class };
            probabilities[class * classes + predicted] = 1.0;
        }
        let text = Classification::new(&probabilities, &truth, &names(classes)).to_string();
        assert!(text.contains("the 20 of 50 classes with the lowest F1:\n"), "{text}");
        assert!(text.contains("class 7          class 8     1\n"), "{text}");
        assert!(text.lines().count() < 35, "{text}");
    }

    #[test]
    fn names_are_escaped() {
        let names = ["a\u{1b}[2J".to_owned(), "b".to_owned()];
        let text = Classification::new(&[0.9, 0.1], &[0], &names).to_string();
        assert!(!text.contains('\u{1b}') && text.contains("a\\u{1b}[2J"), "{text}");
    }
    #[test]
    fn a_class_is_said_by_the_largest_output_the_first_of_equals_and_never_by_nan() {
        assert_eq!(predicted_class(&[0.1, 0.7, 0.7]), Some(1));
        assert_eq!(predicted_class(&[0.5]), Some(0));
        assert_eq!(predicted_class(&[0.500_001]), Some(1));
        assert_eq!(predicted_class(&[0.5, 0.5]), Some(0), "one output of a half, as probabilities");
        assert_eq!(predicted_class(&[0.9, f64::NAN]), None);
        assert_eq!(predicted_class(&[0.9, f64::INFINITY]), None, "as probabilities it is none");
    }
}
