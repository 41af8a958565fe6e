//! Metrics of predicted class probabilities against true classes. Definitions as in scikit-learn, except where said.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::parts::{mean, shortened, write_table};
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
    /// The mean recall over the classes that occur.
    pub balanced_accuracy: f64,
    /// The mean F1 over the classes that occur or were predicted.
    pub macro_f1: f64,
    /// The probability that a row of the second class scores above one of the first, ties counting half. Only with two classes,
    /// both of which occur, and without rows unpredicted.
    pub auc: Option<f64>,
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
    pub const METRICS: [&str; 5] = ["accuracy", "balanced-accuracy", "macro-f1", "auc", "log-loss"];

    /// Judges `probabilities` (rows × classes, row-major) by the true class indices `truth` (rows).
    ///
    /// The class predicted is the one of highest probability, the first of equals.
    ///
    /// # Panics
    /// If the lengths do not agree or a true class is not below the number of classes.
    pub fn new(probabilities: &[f64], truth: &[usize], class_names: &[String]) -> Self {
        let (rows, classes) = (truth.len(), class_names.len());
        assert!(classes > 0, "a classification has classes");
        assert_eq!(probabilities.len(), rows * classes, "{rows} rows of {classes} classes need that many probabilities");
        assert!(truth.iter().all(|&class| class < classes), "a true class is one of the {classes}");

        let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut support = vec![0; classes];
        let mut unpredicted = 0;
        for (row, &class) in probabilities.chunks_exact(classes).zip(truth) {
            support[class] += 1;
            match predicted_class(row) {
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
        let truly_there = scores.iter().filter(|class| class.support > 0);
        let there = scores.iter().enumerate().filter(|(class, scores)| scores.support > 0 || predicted[*class] > 0);
        Self {
            rows,
            accuracy: right as f64 / rows as f64,
            balanced_accuracy: mean(truly_there.map(|class| class.recall)),
            macro_f1: mean(there.map(|(_, class)| class.f1)),
            auc: if classes == 2 && unpredicted == 0 { area_under_curve(probabilities, truth) } else { None },
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

impl fmt::Display for Classification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = (self.accuracy * self.rows as f64).round();
        writeln!(formatter, "accuracy           {:.4}  ({right} of {} right)", self.accuracy, self.rows)?;
        writeln!(formatter, "balanced accuracy  {:.4}", self.balanced_accuracy)?;
        writeln!(formatter, "macro F1           {:.4}", self.macro_f1)?;
        if let Some(auc) = self.auc {
            writeln!(formatter, "AUC                {auc:.4}")?;
        }
        writeln!(formatter, "log loss           {:.4}", self.log_loss)?;
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

fn log_loss(probabilities: &[f64], truth: &[usize], classes: usize) -> f64 {
    let of_truth = truth.iter().enumerate().map(|(row, class)| probabilities[row * classes + class]);
    mean(of_truth.map(|probability| -libm::log(probability.clamp(CLIP, 1.0 - CLIP))))
}

/// By ranks (Mann and Whitney): rows of equal score share the mean of their ranks.
fn area_under_curve(probabilities: &[f64], truth: &[usize]) -> Option<f64> {
    let mut scored: Vec<(f64, usize)> = probabilities.chunks_exact(2).map(|row| row[1]).zip(truth.iter().copied()).collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positive = truth.iter().sum::<usize>() as f64;
    let negative = truth.len() as f64 - positive;
    let (mut ranks_of_positive, mut before) = (0.0, 0);
    for tied in scored.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        ranks_of_positive += rank * tied.iter().filter(|(_, class)| *class == 1).count() as f64;
        before += tied.len();
    }
    let above = ranks_of_positive - positive * (positive + 1.0) / 2.0;
    (positive > 0.0 && negative > 0.0).then(|| above / (positive * negative))
}

/// The expected numbers were printed by scikit-learn.
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
accuracy           0.7000  (7 of 10 right)
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
