//! How right a network is on the test rows: tables of classes and mistakes, curves, residuals.

use serde_json::Value;

use super::page::line;
use super::story::Story;
use crate::error::shown;
use crate::evaluation::{Calibration, PrecisionRecall, Residuals, Roc, thinned};
use crate::page::{COLOURS, Chart, Form, NEUTRAL, Series, Size, Words, digits, ends, escaped, figures, named, table};

/// Classes of a confusion matrix that is shown whole; of more, the commonest mistakes.
const CLASSES: usize = 25;
/// Mistakes that are listed, and classes, at most.
const MISTAKES: usize = 20;
const LISTED: usize = 100;

impl Story {
    /// What the test rows say; nothing without any.
    pub(super) fn scores(&self) -> String {
        let mut parts = self.decided();
        if self.at("/test/confusion").is_array() || self.at("/test/mistakes").is_array() {
            parts += &self.confusion();
            parts += &self.classes();
            let charts = [
                self.account.roc.as_ref().map(|roc| self.roc_chart(roc)),
                self.account.precision_recall.as_ref().map(|curve| self.precision_recall_chart(curve)),
                self.account.calibration.as_ref().map(|c| self.calibration_chart(c)),
            ];
            let charts: String = charts.into_iter().flatten().map(|chart| chart.figure()).collect();
            if !charts.is_empty() {
                parts += &format!("<div class=\"charts\">\n{charts}</div>\n");
                parts += &self.curves_table();
            }
        }
        parts += &self.account.residuals.iter().map(residuals).collect::<String>();
        if self.at("/test/targets").is_array() {
            parts += &self.targets();
        }
        if parts.is_empty() { parts } else { format!("<h2>Test rows</h2>\n{parts}") }
    }

    fn class_names(&self) -> Vec<String> {
        let classes = self.at("/test/classes").as_array();
        classes.map_or(Vec::new(), |classes| classes.iter().map(|class| text(class, "name").to_string()).collect())
    }

    /// Rows of true classes, columns of predicted ones, the darker the larger their share of the row.
    fn confusion(&self) -> String {
        let names = self.class_names();
        let rows = counts(self.at("/test/confusion"));
        if names.len() > CLASSES {
            return self.mistakes(&names, &rows, &counts(self.at("/test/mistakes")));
        }
        let head: String = names.iter().map(|name| format!("<th scope=\"col\">{}</th>", named(name))).collect();
        let row = |(truth, (name, row)): (usize, (&String, &Vec<u64>))| {
            let all: u64 = row.iter().sum();
            let cell = |(predicted, &count): (usize, &u64)| {
                let share = if all == 0 { 0.0 } else { count as f64 / all as f64 };
                let colour = if truth == predicted { "0,114,178" } else { "213,94,0" };
                // A mistake is seen even where it is one of very many.
                let alpha = if count == 0 { 0.0 } else { 0.12 + 0.43 * share };
                let shown = if count == 0 { "·".to_string() } else { count.to_string() };
                format!("<td style=\"background:rgba({colour},{alpha:.2})\">{shown}</td>")
            };
            let cells: String = row.iter().enumerate().map(cell).collect();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", named(name))
        };
        let body: String = names.iter().zip(&rows).enumerate().map(row).collect();
        format!(
            "<div class=\"scroll\"><table class=\"confusion\">\n<caption>Confusion matrix</caption>\n\
             <thead><tr><th scope=\"col\">true \\ predicted</th>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
        )
    }

    /// The commonest mistakes: those of a matrix, or [true class, predicted class, rows] each.
    fn mistakes(&self, names: &[String], rows: &[Vec<u64>], listed: &[Vec<u64>]) -> String {
        let listed = listed.iter().filter_map(|mistake| match mistake[..] {
            [truth, predicted, count] => Some((count, usize::try_from(truth).ok()?, usize::try_from(predicted).ok()?)),
            _ => None,
        });
        let cells = rows
            .iter()
            .enumerate()
            .flat_map(|(truth, row)| row.iter().enumerate().map(move |(predicted, &count)| (count, truth, predicted)));
        let mut mistakes: Vec<_> =
            cells.chain(listed).filter(|(count, truth, predicted)| *count > 0 && truth != predicted).collect();
        mistakes.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
        let name = |class: usize| names.get(class).map_or(String::new(), |name| shown(name));
        let listed = mistakes.iter().take(MISTAKES);
        let cells: Vec<Vec<String>> =
            listed.map(|&(count, truth, predicted)| vec![name(truth), name(predicted), count.to_string()]).collect();
        let caption = format!("The commonest mistakes: {} classes are too many for a matrix", names.len());
        table(&caption, &["true class", "predicted as", "rows"], &cells, 2)
    }

    /// Precision, recall and F1 of each class.
    fn classes(&self) -> String {
        let Some(classes) = self.at("/test/classes").as_array() else { return String::new() };
        let mut classes: Vec<&Value> = classes.iter().collect();
        let all = classes.len();
        let number = |class: &Value, name: &str| class[name].as_f64().unwrap_or(f64::NAN);
        if all > LISTED {
            classes.sort_by(|a, b| number(a, "f1").total_cmp(&number(b, "f1")));
            classes.truncate(LISTED);
        }
        let row = |class: &&Value| {
            let score = |name| format!("{:.4}", number(class, name));
            let support = class["support"].as_u64().unwrap_or(0).to_string();
            vec![shown(text(class, "name")), score("precision"), score("recall"), score("f1"), support]
        };
        let rows: Vec<Vec<String>> = classes.iter().map(row).collect();
        let caption =
            if all > LISTED { format!("The {LISTED} of {all} classes with the lowest F1") } else { "Classes".to_string() };
        table(&caption, &["class", "precision", "recall", "F1", "support"], &rows, 1)
    }

    /// The positive of two classes: in a report of an earlier version, the second.
    fn positive_class(&self) -> String {
        match self.text("/test/positive") {
            "" => self.class_names().get(1).map_or(String::new(), |name| shown(name)),
            name => shown(name),
        }
    }

    /// What saying the same for every row comes to, and of two classes from which probability on the positive one is said.
    fn decided(&self) -> String {
        let mut told = String::new();
        if let Some(share) = self.number("/test/baseline/accuracy") {
            let class = shown(self.text("/test/baseline/class"));
            told += &format!("Always saying '{class}' would be right for {:.2} % of the rows. ", 100.0 * share);
        }
        if let (Some(rmse), Some(mae)) = (self.number("/test/baseline/rmse"), self.number("/test/baseline/mae")) {
            let (rmse, mae) = (digits(rmse), digits(mae));
            told += &format!("Always saying the mean of these rows would have an RMSE of {rmse} and an MAE of {mae}.");
        }
        if let Some(threshold) = self.number("/test/decision/threshold") {
            let class = shown(self.text("/test/decision/class"));
            told += &format!("The model says '{class}' from a probability of {} on", digits(threshold));
            if let (rule, Some(rows)) = (self.text("/threshold/rule"), self.number("/threshold/rows"))
                && !rule.is_empty()
            {
                told += &format!(", as --threshold {rule} chose on {rows} validation rows");
            }
            told += ".";
        }
        if told.is_empty() { told } else { paragraph(&told) }
    }

    fn roc_chart(&self, roc: &Roc) -> Chart {
        let points = roc.points.iter().map(|point| (point.false_positives, point.true_positives)).collect();
        let chance = should("chance", vec![(0.0, 0.0), (1.0, 1.0)]);
        let name = format!("'{}', area {:.4}", self.positive_class(), roc.area);
        let about = format!("the area below the curve is {:.4}", roc.area);
        let [x, y] = ["false positive rate", "true positive rate"].map(|label| Words::linear(label).over(0.0, 1.0));
        Chart { size: Size::Square, ..Chart::half("ROC curve", about, x, y, vec![line(&name, 0, points), chance]) }
    }

    /// Precision by recall: between two thresholds the precision is the lower one's, so that the area is the average precision.
    fn precision_recall_chart(&self, curve: &PrecisionRecall) -> Chart {
        let mut points = Vec::new();
        let mut before = 0.0;
        for point in &curve.points {
            // What adds no rows of the class adds nothing to the area.
            if point.recall > before {
                points.extend([(before, point.precision), (point.recall, point.precision)]);
                before = point.recall;
            }
        }
        let always = should("always positive", vec![(0.0, curve.share), (1.0, curve.share)]);
        let name = format!("'{}', average precision {:.4}", self.positive_class(), curve.average);
        let about =
            format!("the average precision is {:.4}, and {:.4} of the rows are positive", curve.average, curve.share);
        let [x, y] = ["recall", "precision"].map(|label| Words::linear(label).over(0.0, 1.0));
        Chart {
            size: Size::Square,
            ..Chart::half("Precision and recall", about, x, y, vec![line(&name, 2, points), always])
        }
    }

    /// The shares that are so by predicted probability, before bars of how many rows each share is of.
    fn calibration_chart(&self, calibration: &Calibration) -> Chart {
        let bins = &calibration.bins;
        let points = bins.iter().map(|bin| (bin.predicted, bin.observed)).collect();
        let perfect = should("perfect", vec![(0.0, 0.0), (1.0, 1.0)]);
        let positive = self.positive_class();
        let name = format!("'{positive}', Brier score {:.4}", calibration.brier);
        let all: usize = bins.iter().map(|bin| bin.rows).sum();
        let mut counts = [0; Calibration::BINS];
        for bin in bins {
            // A probability on the border of two parts belongs to the lower one.
            let part = (bin.predicted * Calibration::BINS as f64).ceil() as usize;
            counts[part.clamp(1, Calibration::BINS) - 1] += bin.rows;
        }
        let listed: Vec<String> = counts.iter().map(usize::to_string).collect();
        let about = format!(
            "predicted probabilities beside how often it was so; the Brier score is {:.4}; the bars stand for {} of {all} rows",
            calibration.brier,
            listed.join(", ")
        );
        let heights = bars(&counts, 0.0, 1.0).into_iter().map(|(x, count)| (x, count / all.max(1) as f64)).collect();
        let colour = "var(--faint)";
        let of_rows = Series { form: Form::Bars, colour, ..line("share of the rows", 2, heights) };
        let [x, y] = ["mean predicted probability".to_string(), format!("share that is '{positive}'")]
            .map(|label| Words::linear(&label).over(0.0, 1.0));
        let series = vec![of_rows, Series { form: Form::MarkedLine, ..line(&name, 1, points) }, perfect];
        Chart { size: Size::Square, ..Chart::half("Calibration", about, x, y, series) }
    }

    /// Some points of the curves in numbers.
    fn curves_table(&self) -> String {
        let mut tables = String::new();
        if let Some(roc) = &self.account.roc {
            let taken = thinned(roc.points.len(), MISTAKES).map(|index| &roc.points[index]);
            let row = |point: &crate::evaluation::RocPoint| {
                let threshold = point.threshold.map_or("–".to_string(), |threshold| format!("{threshold:.4}"));
                vec![threshold, format!("{:.4}", point.false_positives), format!("{:.4}", point.true_positives)]
            };
            let rows: Vec<Vec<String>> = taken.map(row).collect();
            tables += &table("ROC curve", &["threshold", "false positive rate", "true positive rate"], &rows, 0);
        }
        if let Some(curve) = &self.account.precision_recall {
            let taken = thinned(curve.points.len(), MISTAKES).map(|index| &curve.points[index]);
            let row = |point: &crate::evaluation::PrecisionRecallPoint| {
                [point.threshold, point.precision, point.recall].map(|number| format!("{number:.4}")).to_vec()
            };
            let rows: Vec<Vec<String>> = taken.map(row).collect();
            tables += &table("Precision and recall", &["threshold", "precision", "recall"], &rows, 0);
        }
        if let Some(calibration) = &self.account.calibration {
            let row = |bin: &crate::evaluation::Bin| {
                vec![format!("{:.4}", bin.predicted), format!("{:.4}", bin.observed), bin.rows.to_string()]
            };
            let rows: Vec<Vec<String>> = calibration.bins.iter().map(row).collect();
            let share = format!("share of '{}'", self.positive_class());
            tables += &table("Calibration", &["mean predicted probability", &share, "rows"], &rows, 0);
        }
        format!("<details>\n<summary>The curves in numbers</summary>\n{tables}</details>\n")
    }

    /// The scores of each of several targets of a regression.
    fn targets(&self) -> String {
        let Some(targets) = self.at("/test/targets").as_array().filter(|targets| targets.len() > 1) else {
            return String::new();
        };
        let row = |target: &Value| {
            let score = |name: &str| target[name].as_f64().map_or("undefined".to_string(), digits);
            vec![shown(text(target, "name")), score("r2"), score("rmse"), score("mae"), score("mse")]
        };
        let mut rows: Vec<Vec<String>> = targets.iter().take(LISTED).map(row).collect();
        if let (Some(rmse), Some(mae)) = (self.number("/test/baseline/rmse"), self.number("/test/baseline/mae")) {
            let empty = String::new();
            rows.push(vec!["always the mean".into(), empty.clone(), digits(rmse), digits(mae), empty]);
        }
        table("Targets", &["target", "R²", "RMSE", "MAE", "MSE"], &rows, 1)
    }
}

/// One target's predicted and true numbers, and how its residuals are spread.
fn residuals(residuals: &Residuals) -> String {
    let name = shown(&residuals.name);
    let shown_rows = residuals.points.len();
    let thinned = if shown_rows < residuals.rows {
        let told = format!(
            "The pictures show {shown_rows} of {} test rows, evenly spread; the numbers are of all.",
            residuals.rows
        );
        paragraph(&told)
    } else {
        String::new()
    };
    let charts: String =
        [fit(residuals, &name), apart(residuals, &name), histogram(residuals)].iter().map(Chart::figure).collect();
    format!("<div class=\"charts\">\n{charts}</div>\n{thinned}{}", quantiles(residuals, &name))
}

/// True numbers by predicted ones, and the diagonal on which they should lie.
fn fit(residuals: &Residuals, name: &str) -> Chart {
    let points = &residuals.points;
    let (least, largest) = ends(points.iter().flatten().copied());
    let about = format!("{} of {} test rows; the closer to the diagonal, the better", points.len(), residuals.rows);
    let dots = points.iter().map(|&[predicted, truth]| (predicted, truth)).collect();
    let [x, y] = [format!("predicted {name}"), format!("true {name}")].map(|label| Words::linear(&label));
    let series = vec![test_rows(dots, 0), should("perfect", vec![(least, least), (largest, largest)])];
    Chart { size: Size::Square, ..Chart::half(&format!("{name}: true by predicted"), about, x, y, series) }
}

/// What is left between true and predicted numbers, by the predicted ones.
fn apart(residuals: &Residuals, name: &str) -> Chart {
    let points = &residuals.points;
    let (least, largest) = ends(points.iter().map(|point| point[0]));
    let about = format!(
        "true minus predicted, in the mean {}, standard deviation {}",
        figures(residuals.mean),
        figures(residuals.deviation)
    );
    let dots = points.iter().map(|&[predicted, truth]| (predicted, truth - predicted)).collect();
    let [x, y] = [format!("predicted {name}"), "residual".to_string()].map(|label| Words::linear(&label));
    let series = vec![test_rows(dots, 1), should("zero", vec![(least, 0.0), (largest, 0.0)])];
    Chart { size: Size::Square, ..Chart::half(&format!("{name}: residuals"), about, x, y, series) }
}

fn test_rows(points: Vec<(f64, f64)>, colour: usize) -> Series {
    Series { form: Form::Dots, ..line("test rows", colour, points) }
}

/// The line on which points should lie.
fn should(name: &str, points: Vec<(f64, f64)>) -> Series {
    Series { dashed: true, colour: NEUTRAL[0], ..line(name, 0, points) }
}

/// How many residuals lie where.
fn histogram(residuals: &Residuals) -> Chart {
    let [least, largest] =
        [residuals.quantiles.first(), residuals.quantiles.last()].map(|value| value.copied().unwrap_or(0.0));
    let about = format!("how many lie where between {} and {}", figures(least), figures(largest));
    let bars = bars(&residuals.counts, least, largest);
    let title = format!("{}: spread of the residuals", shown(&residuals.name));
    let y = Words::linear("test rows");
    let most = residuals.counts.iter().max().copied().unwrap_or(1) as f64;
    Chart::half(
        &title,
        about,
        Words::linear("residual"),
        y.over(0.0, 1.05 * most),
        vec![Series { form: Form::Bars, colour: COLOURS[2], ..line("test rows", 2, bars) }],
    )
}

/// The bars of counts in equal parts of a range.
pub(super) fn bars(counts: &[usize], least: f64, largest: f64) -> Vec<(f64, f64)> {
    let wide = (largest - least) / counts.len().max(1) as f64;
    counts.iter().enumerate().map(|(index, &count)| (least + (index as f64 + 0.5) * wide, count as f64)).collect()
}

fn quantiles(residuals: &Residuals, name: &str) -> String {
    let shares = Residuals::SHARES.iter().map(|share| match share {
        0.0 => "least".to_string(),
        1.0 => "largest".to_string(),
        0.5 => "median".to_string(),
        _ => format!("{:.0} %", 100.0 * share),
    });
    let headers: Vec<String> = ["mean".to_string(), "deviation".to_string()].into_iter().chain(shares).collect();
    let values = [residuals.mean, residuals.deviation].into_iter().chain(residuals.quantiles.iter().copied());
    let row: Vec<String> = values.map(digits).collect();
    table(&format!("{name}: residuals and the shares of rows below"), &headers, &[row], 0)
}

/// The whole numbers of a matrix; what is none counts as zero.
fn counts(matrix: &Value) -> Vec<Vec<u64>> {
    let row =
        |row: &Value| row.as_array().map_or(Vec::new(), |row| row.iter().map(|count| count.as_u64().unwrap_or(0)).collect());
    matrix.as_array().map_or(Vec::new(), |rows| rows.iter().map(row).collect())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Text in a paragraph.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p class=\"soft\">{}</p>\n", escaped(text))
}
