//! Several runs side by side: their curves over each other, the options in which they differ, their results.

use serde::Serialize;
use serde_json::{Map, Value};

use super::curve::Epoch;
use super::page::{line, metric_name};
use super::story::{Story, Told};
use crate::error::{Result, shown};
use crate::files::Place;
use crate::page::{COLOURS, Chart, Series, Words, document, figures, named, table};

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
        Compared { runs: self.stories.iter().map(Story::told).collect(), differences: self.differences() }
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
        let all_the_same = |place: &str| self.stories.windows(2).all(|pair| pair[0].at(place) == pair[1].at(place));
        let of_data = ["/data/source", "/data/target", "/data/test_rows", "/data/validation_rows"];
        let places = of_data.into_iter().chain(["/network/loss", "/network/loss_number"]);
        if places.into_iter().all(all_the_same) {
            return String::new();
        }
        "<p>These runs differ in data, split or loss: their losses and scores are not of the same rows.</p>\n".to_string()
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
        headers.extend(["best epoch", "its loss", "epochs", "parameters", "seconds", "device"]);
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
        let rows: Vec<Vec<String>> = self.stories.iter().map(row).collect();
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
        let options: Vec<Map<String, Value>> = self.stories.iter().map(|story| flattened(&story.options)).collect();
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

/// The options of a `run.toml` by their names, those of a table behind the table's; none, if it is no TOML.
fn flattened(text: &str) -> Map<String, Value> {
    let mut options = Map::new();
    let Ok(table) = text.parse::<toml::Table>() else { return options };
    for (name, value) in table {
        match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => {
                options.extend(fields.into_iter().map(|(field, value)| (format!("{name}.{field}"), value)));
            }
            Ok(value) => {
                options.insert(name, value);
            }
            Err(_) => {}
        }
    }
    options
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

    #[test]
    fn runs_of_the_same_name_are_numbered_and_names_escaped() {
        let page = Comparison::new(vec![story("<b>", ""), story("<b>", "x"), story("c", "")]).page();
        assert!(page.contains("&lt;b&gt; (1), &lt;b&gt; (2), c") && !page.contains("<b>("), "{page}");
        assert!(page.contains("have the same options"), "{page}");
    }
}
