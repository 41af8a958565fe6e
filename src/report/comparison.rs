//! Several runs side by side: their curves over each other, the options in which they differ, their results.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::curve::Epoch;
use super::page::{line, metric_name};
use super::story::{Story, Told};
use crate::error::{Result, shown};
use crate::files::Place;
use crate::page::{COLOURS, Chart, Series, Words, document, escaped, figures, named, table};

/// Several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    stories: Vec<Story>,
}

/// What `--json` says of several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The runs, as they were named.
    pub runs: Vec<Told>,
    /// The options in which they differ: by name, each run's in order, null where it does not have one.
    pub differences: Map<String, Value>,
    /// The options because of which they were not tested on the same rows; none, if they were, or if one has no test rows.
    pub other_test_rows: Vec<&'static str>,
}

impl Comparison {
    /// The comparison of these runs; those of the same name are numbered.
    pub fn new(mut stories: Vec<Story>) -> Self {
        let names: Vec<String> = stories.iter().map(|story| story.name.clone()).collect();
        for (index, story) in stories.iter_mut().enumerate() {
            if names.iter().filter(|name| **name == story.name).count() > 1 {
                story.name = format!("{} ({})", names[index], index + 1);
            }
        }
        Self { stories }
    }

    /// What `--json` says.
    pub fn compared(&self) -> Compared {
        let (runs, other_test_rows) = (self.stories.iter().map(Story::told).collect(), self.other_test_rows());
        Compared { runs, differences: self.differences(), other_test_rows }
    }

    /// What its page is called unless a person names it: after the runs, or the first of many.
    pub fn file_name(&self) -> String {
        /// Runs that a name has room for.
        const MOST: usize = 4;
        let is_plain = |character: char| character.is_alphanumeric() || "._-".contains(character);
        let plain = |name: &str| -> String { name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect() };
        let names: Vec<String> = self.stories.iter().map(|story| plain(&story.name)).collect();
        let named = match names.len() {
            0..=MOST => names.join("-"),
            count => format!("{}-and-{}-more", names[0], count - 1),
        };
        format!("comparison-{named}.html")
    }

    /// What a person should hear of it: that scores are of different rows.
    pub fn remark(&self) -> Option<String> {
        let because = self.other_test_rows();
        if because.is_empty() || self.is_cross_validation() {
            return None;
        }
        let advice = match because[..] {
            ["seed"] => "; --split-seed gives runs of other seeds the same test rows",
            _ => "",
        };
        let is_other_data = because.iter().any(|name| ["data", "test"].contains(name));
        let so = if is_other_data {
            "scores of other data cannot be compared"
        } else {
            "part of the difference between their scores is chance"
        };
        let (because, verb) = (because.join(" and "), if because.len() == 1 { "differs" } else { "differ" });
        Some(format!("the runs were not tested on the same rows, since their {because} {verb}: {so}{advice}"))
    }

    /// The options that decide which rows a run is tested on and in which these runs differ.
    fn other_test_rows(&self) -> Vec<&'static str> {
        if self.stories.iter().any(|story| story.at("/test").is_null()) {
            return Vec::new();
        }
        let decide = |story: &Story| -> Vec<(&'static str, Value)> {
            let options = story.options();
            let said = |name: &'static str| (name, options.get(name).cloned().unwrap_or(Value::Null));
            let (of_rows, has_file) = (("test rows", story.at("/data/test_rows").clone()), options.contains_key("test"));
            let dealt = |name| if has_file { (name, Value::Null) } else { said(name) };
            let drops = options.get("missing").is_some_and(|missing| missing == "drop");
            let seed = options.get("split-seed").or_else(|| options.get("seed"));
            let seed = ("seed", seed.filter(|_| !has_file).cloned().unwrap_or(Value::Null));
            let data = ["data", "split", "stratify", "folds", "fold"].map(dealt);
            [said("test"), ("missing", drops.into()), seed, of_rows].into_iter().chain(data).collect()
        };
        let all: Vec<_> = self.stories.iter().map(decide).collect();
        let Some((first, others)) = all.split_first() else { return Vec::new() };
        let differs = |place: usize| others.iter().any(|other| other[place].1 != first[place].1);
        let mut names: Vec<&str> = (0..first.len()).filter(|&place| differs(place)).map(|place| first[place].0).collect();
        // How many there are follows from the others, where those are known.
        if names.len() > 1 {
            names.retain(|name| *name != "test rows");
        }
        names
    }

    /// Whether the runs are folds of one cross-validation.
    fn is_cross_validation(&self) -> bool {
        let folds = self.stories.iter().map(|story| story.options().get("fold").and_then(Value::as_u64));
        let folds: Option<HashSet<u64>> = folds.collect();
        folds.is_some_and(|folds| folds.len() == self.stories.len()) && self.other_test_rows() == ["fold"]
    }

    /// Saves the page as a file.
    ///
    /// # Errors
    /// Internal or usage, if it cannot be written.
    pub fn save(&self, place: &Place) -> Result<()> {
        place.save_without_waiting(self.page().as_bytes())
    }

    fn page(&self) -> String {
        let names: Vec<String> = self.stories.iter().map(|story| named(&story.name)).collect();
        let charts: String = self.charts().iter().map(Chart::figure).collect();
        let body = format!(
            "<h1>{} runs side by side</h1>\n<p>{}</p>\n{}<h2>Results</h2>\n{}<h2>Curves</h2>\n<div class=\"charts\">\n{charts}</div>\n\
             <h2>Options that differ</h2>\n{}",
            self.stories.len(),
            names.join(", "),
            self.warning(),
            self.results(),
            self.options()
        );
        document("wgrad: runs side by side", &body)
    }

    /// That losses of different data or kinds say nothing about each other.
    fn warning(&self) -> String {
        if self.is_cross_validation() {
            return "<p>These runs are folds of one cross-validation: each is tested on rows of its own.</p>\n".to_string();
        }
        let all_the_same = |place: &str| self.stories.windows(2).all(|pair| pair[0].at(place) == pair[1].at(place));
        let places = ["/data/source", "/data/target", "/network/loss", "/network/loss_number"];
        if !places.into_iter().all(all_the_same) {
            return "<p>These runs differ in data, target or loss: their losses and scores say nothing about each other.</p>\n"
                .to_string();
        }
        let of_rows = self.remark().map(|remark| sentence(&remark));
        let of_validation = (!all_the_same("/data/validation_rows"))
            .then(|| "<p>Their validation losses are not of the same rows.</p>\n".to_string());
        of_rows.into_iter().chain(of_validation).collect()
    }

    fn results(&self) -> String {
        let places = [
            ("accuracy", "/test/accuracy"),
            ("balanced accuracy", "/test/balanced_accuracy"),
            ("AUC", "/test/auc"),
            ("log loss", "/test/log_loss"),
            ("R²", "/test/r2"),
            ("RMSE", "/test/rmse"),
            ("MAE", "/test/mae"),
        ];
        let places: Vec<(&str, &str)> =
            places.into_iter().filter(|(_, place)| self.stories.iter().any(|story| story.number(place).is_some())).collect();
        let mut headers = vec!["run"];
        headers.extend(places.iter().map(|(name, _)| *name));
        let decisive = self.stories.iter().filter_map(|story| story.curve.best());
        let validated: Vec<bool> = decisive.map(|best| best.validation_loss.is_some()).collect();
        let best_loss = match (validated.contains(&true), validated.contains(&false)) {
            (true, false) => "best validation loss",
            (false, _) => "best training loss",
            (true, true) => "best loss",
        };
        headers.extend(["best epoch", best_loss, "epochs", "parameters", "seconds", "device"]);
        let row = |story: &Story| {
            let number = |place: &str| story.number(place).map_or("–".to_string(), |value| format!("{value:.4}"));
            let best = story.curve.best();
            let mut cells = vec![shown(&story.name)];
            cells.extend(places.iter().map(|(_, place)| number(place)));
            cells.push(best.map_or("–".to_string(), |epoch| epoch.epoch.to_string()));
            cells.push(best.map_or("–".to_string(), |epoch| figures(epoch.decisive())));
            cells.push(story.curve.count().to_string());
            cells.push(story.number("/network/parameters").map_or("–".to_string(), |value| format!("{value}")));
            cells.push(story.number("/seconds").map_or("–".to_string(), figures));
            let gpu = story.text("/device/gpu/name");
            cells.push(if gpu.is_empty() { story.text("/device/kind").to_string() } else { shown(gpu) });
            cells
        };
        let mut rows: Vec<Vec<String>> = self.stories.iter().map(row).collect();
        if self.is_cross_validation() {
            let spread = |place: &str| {
                let values: Option<Vec<f64>> = self.stories.iter().map(|story| story.number(place)).collect();
                values.map_or("–".to_string(), |values| {
                    let (mean, deviation) = spread(&values);
                    format!("{mean:.4} ± {deviation:.4}")
                })
            };
            let mut cells = vec!["mean ± deviation".to_string()];
            cells.extend(places.iter().map(|(_, place)| spread(place)));
            cells.resize(headers.len(), "–".to_string());
            rows.push(cells);
        }
        table("", &headers, &rows, 1)
    }

    /// Validation loss, training loss and measure of all runs, as far as they have them.
    fn charts(&self) -> Vec<Chart> {
        let metric = self.stories.iter().find_map(|story| story.curve.last()).map_or("", |epoch| metric_name(&epoch.metric));
        let charts = [
            self.chart("Validation loss", "loss of a row", |epoch| epoch.validation_loss),
            self.chart("Training loss", "loss of a row", |epoch| Some(epoch.loss)),
            self.chart(&format!("Validation {metric}"), metric, |epoch| epoch.validation_metric),
        ];
        charts.into_iter().flatten().collect()
    }

    fn chart(&self, title: &str, label: &str, value: fn(&Epoch) -> Option<f64>) -> Option<Chart> {
        let drawn = |(index, story): (usize, &Story)| {
            let series = line(&shown(&story.name), index, story.curve.points(value));
            Series { dashed: index / COLOURS.len() % 2 == 1, ..series }
        };
        let series: Vec<Series> =
            self.stories.iter().enumerate().map(drawn).filter(|series| !series.points.is_empty()).collect();
        if series.is_empty() {
            return None;
        }
        let ends =
            series.iter().filter_map(|series| Some(format!("{} ends at {}", series.name, figures(series.points.last()?.1))));
        let about = ends.collect::<Vec<_>>().join("; ");
        let values = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        let y = if label == "loss of a row" { Words::suiting(label, values) } else { Words::linear(label) };
        Some(Chart::half(&format!("{title} by epoch"), about, Words::linear("epoch"), y, series))
    }

    /// The options in which the runs differ, each with the runs' values.
    fn differences(&self) -> Map<String, Value> {
        let options: Vec<Map<String, Value>> = self.stories.iter().map(Story::options).collect();
        let mut names: Vec<&String> = options.iter().flat_map(Map::keys).collect();
        names.sort();
        names.dedup();
        let values = |name: &String| -> Vec<Value> {
            options.iter().map(|options| options.get(name).cloned().unwrap_or(Value::Null)).collect()
        };
        let differs = |values: &Vec<Value>| values.windows(2).any(|pair| pair[0] != pair[1]);
        let named = names.into_iter().map(|name| (name.clone(), values(name)));
        named.filter(|(_, values)| differs(values)).map(|(name, values)| (name, Value::Array(values))).collect()
    }

    fn options(&self) -> String {
        let differences = self.differences();
        if differences.is_empty() {
            return "<p>The runs have the same options.</p>\n".to_string();
        }
        let headers: Vec<String> =
            ["option".to_string()].into_iter().chain(self.stories.iter().map(|story| shown(&story.name))).collect();
        let cell = |value: &Value| match value {
            Value::Null => "–".to_string(),
            Value::String(text) => shown(text),
            other => shown(&other.to_string()),
        };
        let row = |(name, values): (&String, &Value)| {
            let cells = values.as_array().map_or(Vec::new(), |values| values.iter().map(cell).collect());
            [vec![shown(name)], cells].concat()
        };
        let rows: Vec<Vec<String>> = differences.iter().map(row).collect();
        table("", &headers, &rows, self.stories.len() + 1)
    }
}

/// The mean of some numbers, two at least, and their standard deviation, with one degree of freedom less than there are.
fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() - 1) as f64).sqrt())
}

/// A remark as a paragraph.
fn sentence(remark: &str) -> String {
    let (first, rest) = remark.split_at(remark.chars().next().map_or(0, char::len_utf8));
    format!("<p>{}{}.</p>\n", first.to_uppercase(), escaped(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Account, Curve};

    fn story(name: &str, options: &str) -> Story {
        Story { name: name.into(), options: options.into(), curve: Curve::default(), account: Account::default() }
    }

    #[test]
    fn only_options_that_differ_are_told() {
        let runs = vec![story("a", "seed = 1\nepochs = 5\n"), story("b", "seed = 2\nepochs = 5\npatience = 3\n")];
        let differences = Comparison::new(runs).differences();
        assert_eq!(serde_json::to_string(&differences).expect("JSON"), r#"{"patience":[null,3],"seed":[1,2]}"#);
    }

    /// A run of these options that was tested.
    fn tested(name: &str, options: &str, accuracy: f64) -> Story {
        let outcome = serde_json::json!({ "test": { "accuracy": accuracy }, "data": { "test_rows": 10 } });
        Story { account: Account { outcome, ..Account::default() }, ..story(name, options) }
    }

    #[test]
    fn runs_that_were_tested_on_other_rows_say_why() {
        let of = |options: [&str; 2]| Comparison::new(options.map(|options| tested("a", options, 0.5)).into());
        let because = |options: [&str; 2]| of(options).other_test_rows();
        assert_eq!(because(["seed = 1", "seed = 2"]), ["seed"]);
        assert!(of(["seed = 1", "seed = 2"]).remark().is_some_and(|remark| remark.contains("--split-seed")));
        let none: [&str; 0] = [];
        assert_eq!(
            because(["seed = 1\nsplit-seed = 3", "seed = 2\nsplit-seed = 3"]),
            none,
            "the split has a seed of its own"
        );
        assert_eq!(because(["seed = 3", "seed = 2\nsplit-seed = 3"]), none);
        assert_eq!(because(["seed = 1\ntest = \"t.csv\"", "seed = 2\ntest = \"t.csv\""]), none, "a file of their own");
        assert_eq!(because(["test = \"t.csv\"", "split = \"0.9/0/0.1\""]), ["test", "split"]);
        assert_eq!(because(["missing = \"mean\"", "missing = \"drop\""]), ["missing"]);
        assert_eq!(because(["missing = \"mean\"\nepochs = 3", "missing = \"median\""]), none);
        assert!(of(["stratify = true", "stratify = false"]).page().contains("since their stratify differs"));
        let untested = Comparison::new(vec![story("a", "seed = 1"), tested("b", "seed = 2", 0.5)]);
        assert_eq!(untested.remark(), None, "nothing is compared");
    }

    #[test]
    fn folds_have_a_row_of_means_and_deviations() {
        let fold = |number: usize, accuracy| tested("f", &format!("seed = 1\nfolds = 3\nfold = {number}"), accuracy);
        let folds = Comparison::new(vec![fold(1, 0.9), fold(2, 1.0), fold(3, 0.8)]);
        // numpy's mean and std with ddof=1.
        assert!(folds.page().contains("0.9000 ± 0.1000"), "{}", folds.page());
        assert!(folds.page().contains("folds of one cross-validation") && folds.remark().is_none());
        let twice = Comparison::new(vec![fold(1, 0.9), fold(1, 0.8)]);
        assert!(!twice.page().contains(" ± "), "one fold, trained twice");
        let other = tested("f", "seed = 2\nfolds = 3\nfold = 2", 0.5);
        assert!(!Comparison::new(vec![fold(1, 0.9), other]).page().contains(" ± "), "another cross-validation's");
    }

    #[test]
    fn a_page_is_called_after_its_runs() {
        let of = |names: &[&str]| Comparison::new(names.iter().map(|name| story(name, "")).collect()).file_name();
        assert_eq!(of(&["a-1", "b/fold-2"]), "comparison-a-1-b-fold-2.html");
        assert_eq!(of(&["a", "b", "c", "d", "e"]), "comparison-a-and-4-more.html");
        assert_eq!(of(&["a", "a"]), "comparison-a--1--a--2-.html");
    }

    #[test]
    fn runs_of_the_same_name_are_numbered_and_names_escaped() {
        let page = Comparison::new(vec![story("<b>", ""), story("<b>", "x"), story("c", "")]).page();
        assert!(page.contains("&lt;b&gt; (1), &lt;b&gt; (2), c") && !page.contains("<b>("), "{page}");
        assert!(page.contains("have the same options"), "{page}");
    }
}
