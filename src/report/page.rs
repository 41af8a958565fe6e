//! The page of one run.

use super::curve::{Curve, Epoch, patience_for};
use super::story::Story;
use crate::error::typed;
use crate::page::{COLOURS, Chart, Form, Rule, Series, Words, digits, document, escaped, figures, named, table, visible};

/// Epochs in the table, at most, beside the best.
const EPOCHS: usize = 12;

impl Story {
    /// The page, whole.
    pub fn page(&self) -> String {
        let parts = [
            self.head(),
            remarks(&self.account.remarks),
            self.training(),
            self.scores(),
            self.images(),
            self.wrong(),
            self.attention(),
            self.surface(),
            self.data(),
            self.machine(),
            self.settings(),
            self.inside(),
        ];
        document(&format!("wgrad: {}", self.name), &parts.concat())
    }

    /// The title, the result in a sentence, the command, and the figures that say most.
    fn head(&self) -> String {
        let (name, headline) = (named(&self.name), escaped(&self.headline()));
        let (commands, cards) = (commands(&self.account.commands), cards(&self.cards()));
        format!("<h1>{name}</h1>\n<p>{headline}</p>\n{commands}{cards}")
    }

    /// What was judged, and how training ended.
    fn headline(&self) -> String {
        let rows = self.number("/data/test_rows").or(self.number("/test/rows")).unwrap_or(0.0);
        let rows = if rows == 1.0 { "1 test row".to_owned() } else { format!("{rows} test rows") };
        let result = match self.number("/test/accuracy").or(self.number("/test/rmse")) {
            Some(_) => format!("Judged by {rows}."),
            _ if self.at("/test").is_object() => {
                let unpredicted = self.number("/test/unpredicted").unwrap_or_default();
                format!("The scores of {rows} are not finite: {unpredicted} of them have outputs that are NaN or infinite.")
            }
            _ => "There are no scores of test rows.".to_string(),
        };
        format!("{result} {}", self.ending())
    }

    /// Why training ended, and which epoch the weights are from.
    fn ending(&self) -> String {
        let (epochs, last) = (self.curve.count(), self.curve.last().map_or(0, |epoch| epoch.epoch));
        let has_validation = self.curve.best().is_some_and(|best| best.validation_loss.is_some());
        let loss = if has_validation { "validation loss" } else { "training loss" };
        let saved = self.number("/epoch").map_or(last, |epoch| epoch as usize);
        let trained = match self.text("/ending/reason") {
            "no-better" => {
                let waited = match last.saturating_sub(saved) {
                    1 => "1 epoch".to_owned(),
                    waited => format!("{waited} epochs"),
                };
                format!("Stopped at epoch {last}: no better {loss} for {waited}.")
            }
            "time" => format!("Training was ended by its limit of time after {epochs} epochs."),
            "stop-after" => format!("Training was to end after {epochs} epochs (--stop-after)."),
            "signal" => format!("Training was interrupted after {epochs} epochs."),
            "" => format!("Training has {epochs} epochs so far, and no end is written down."),
            _ => format!("It was trained for {epochs} epochs."),
        };
        let better = self.curve.better_than_last();
        match better.zip(self.curve.last().and_then(|last| last.validation_loss)) {
            _ if saved < last => format!("{trained} The saved weights are epoch {saved}'s."),
            Some((best, of_last)) if self.at("/ending/reason").is_string() => format!(
                "{trained} The saved weights are those of the last epoch, although epoch {} had a lower validation loss ({} against {}): \
                 with --patience {} training ends earlier and saves the weights of the best epoch.",
                best.epoch,
                digits(best.decisive()),
                digits(of_last),
                patience_for(best.epoch)
            ),
            _ => trained,
        }
    }

    fn cards(&self) -> Vec<(&'static str, String)> {
        let score = |name, place| self.number(place).map(|value| (name, format!("{value:.4}")));
        let plain = |name, place| self.number(place).map(|value| (name, digits(value)));
        let several = self.at("/test/targets").as_array().is_some_and(|targets| targets.len() > 1);
        let names = if several { ["mean R²", "mean RMSE", "mean MAE"] } else { ["R²", "RMSE", "MAE"] };
        let seconds = self.number("/seconds").map(|seconds| ("training took", format!("{} s", figures(seconds))));
        let cards = [
            score("accuracy", "/test/accuracy"),
            score("balanced accuracy", "/test/balanced_accuracy"),
            score("AUC", "/test/auc"),
            plain("log loss", "/test/log_loss"),
            score(names[0], "/test/r2"),
            plain(names[1], "/test/rmse"),
            plain(names[2], "/test/mae"),
            seconds,
        ];
        cards.into_iter().flatten().collect()
    }

    /// The curves of loss and measure, and a table of some epochs.
    fn training(&self) -> String {
        if self.curve.count() == 0 {
            return "<h2>Training</h2>\n<p>No epoch was finished.</p>\n".to_string();
        }
        let thinned = self.curve.epochs().len() < self.curve.count();
        let note = if thinned {
            format!(
                "<p class=\"soft\">The curves show {} of {} epochs.</p>\n",
                self.curve.epochs().len(),
                self.curve.count()
            )
        } else {
            String::new()
        };
        let charts: String =
            [self.loss_chart(), self.metric_chart()].into_iter().flatten().map(|chart| chart.figure()).collect();
        format!("<h2>Training</h2>\n<div class=\"charts\">\n{charts}</div>\n{note}{}", self.epochs_table())
    }

    fn loss_chart(&self) -> Option<Chart> {
        let curve = &self.curve;
        let series = [
            line("training", 0, curve.points(|epoch| Some(epoch.loss))),
            line("validation", 1, curve.points(|epoch| epoch.validation_loss)),
        ];
        let series: Vec<Series> = series.into_iter().filter(|series| !series.points.is_empty()).collect();
        let (first, last) = (curve.epochs().first().copied()?, curve.last()?);
        let mut about = format!(
            "from {} in epoch {} to {} in epoch {}",
            figures(first.loss),
            first.epoch,
            figures(last.loss),
            last.epoch
        );
        if let Some(best) = curve.best() {
            about += &format!("; the best epoch is {} with {}", best.epoch, figures(best.decisive()));
        }
        let y = Words::suiting("loss of a row", series.iter().flat_map(|series| series.points.iter().map(|point| point.1)));
        let chart = Chart::half("Loss by epoch", about, epochs_axis(curve), y, series);
        Some(Chart { rules: rule(curve), ..chart })
    }

    fn metric_chart(&self) -> Option<Chart> {
        let last = self.curve.last()?;
        let points = self.curve.points(|epoch| epoch.validation_metric);
        let (first, end) = (points.first()?.1, points.last()?.1);
        let name = metric_name(&last.metric);
        let about = format!("of the validation rows, from {} to {}", figures(first), figures(end));
        let series = vec![line("validation", 1, points)];
        let title = format!("Validation {name} by epoch");
        Some(Chart::half(&title, about, epochs_axis(&self.curve), Words::linear(name), series))
    }

    fn epochs_table(&self) -> String {
        let epochs = self.curve.epochs();
        let apart = epochs.len().div_ceil(EPOCHS).max(1);
        let mut shown: Vec<&Epoch> = epochs.iter().copied().step_by(apart).collect();
        shown.extend(self.curve.best().into_iter().chain(self.curve.last()));
        shown.sort_by_key(|epoch| epoch.epoch);
        shown.dedup_by_key(|epoch| epoch.epoch);
        let best = self.curve.best().map(|epoch| epoch.epoch);
        let number = |value: Option<f64>| value.map_or("–".to_string(), digits);
        let row = |epoch: &&Epoch| {
            let mark = if Some(epoch.epoch) == best { " (best)" } else { "" };
            vec![
                format!("{}{mark}", epoch.epoch),
                number(Some(epoch.loss)),
                number(epoch.validation_loss),
                number(epoch.validation_metric),
                digits(epoch.learning_rate),
                figures(epoch.seconds),
            ]
        };
        let metric = self.curve.last().map_or("", |epoch| metric_name(&epoch.metric));
        let metric = format!("validation {metric}");
        let headers = ["epoch", "training loss", "validation loss", &metric, "learning rate", "seconds"];
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        format!("<details>\n<summary>Some epochs in numbers</summary>\n{}</details>\n", table("", &headers, &rows, 0))
    }

    /// What the network was trained on.
    fn data(&self) -> String {
        let list = |place: &str| -> Vec<&str> {
            self.at(place).as_array().map_or(Vec::new(), |names| names.iter().filter_map(|name| name.as_str()).collect())
        };
        let number = |place: &str| self.number(place).map_or(String::new(), |value| format!("{value}"));
        let classes = list("/data/classes");
        let shown_classes: Vec<&str> = classes.iter().take(30).copied().collect();
        let more = if classes.len() > 30 { format!(" … {} more", classes.len() - 30) } else { String::new() };
        let rows_for =
            |place: &str, what: &str| self.number(place).filter(|&rows| rows > 0.0).map(|rows| format!("{rows} to {what}"));
        let rows = [
            rows_for("/data/training_rows", "train on"),
            rows_for("/data/validation_rows", "validate with"),
            rows_for("/data/test_rows", "test with"),
        ];
        let rows: Vec<String> = rows.into_iter().flatten().collect();
        let distributions = self.distributions();
        let are_counted = self.account.distributions.first().is_some_and(|found| found.left_out == 0);
        let rows = [
            ("source", self.text("/data/source").to_string()),
            ("task", self.text("/data/task").to_string()),
            ("target", list("/data/target").join(", ")),
            ("classes", if are_counted { String::new() } else { shown_classes.join(", ") + &more }),
            ("input columns", number("/data/columns")),
            ("inputs of the network", number("/data/inputs")),
            ("rows", rows.join(", ")),
        ];
        let mut html = format!("<h2>Data</h2>\n{}{distributions}", facts(&rows));
        let columns = &self.account.columns;
        if !columns.is_empty() {
            let cells: Vec<Vec<String>> = columns
                .iter()
                .map(|column| vec![crate::error::shown(&column.name), crate::error::shown(&column.encoding)])
                .collect();
            let all = self.number("/data/columns").unwrap_or(0.0) as usize;
            let which = if all > columns.len() {
                format!("The first {} of {all} input columns", columns.len())
            } else {
                "The input columns".into()
            };
            html += &format!(
                "<details>\n<summary>{which}</summary>\n{}</details>\n",
                table("", &["column", "becomes"], &cells, 2)
            );
        }
        html
    }

    /// The network, where it was trained, and how long that took.
    fn machine(&self) -> String {
        let words = |place: &str| -> Vec<String> {
            let list = self.at(place).as_array();
            list.map_or(Vec::new(), |list| {
                list.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_string)).collect()
            })
        };
        let number = |place: &str| self.number(place).map_or(String::new(), |value| format!("{value}"));
        let rate = self.number("/last_epoch/samples_per_second").map_or(String::new(), |rate| format!("{rate:.0}"));
        let wgrad = self.account.wgrad.clone();
        let of_loss = self.number("/network/loss_number").map_or(String::new(), |number| format!(" ({number})"));
        let mean = self
            .number("/network/ensemble")
            .map_or(String::new(), |count| format!(", {count} times: the model is their mean"));
        let rows = [
            ("network", words("/network/widths").join("-") + &mean),
            ("activations", words("/network/activations").join(", ")),
            ("parameters", number("/network/parameters")),
            ("loss", self.text("/network/loss").to_string() + &of_loss),
            (
                "device",
                if self.text("/device/kind") == "cpu" {
                    "the CPU".into()
                } else {
                    self.text("/device/gpu/name").to_string()
                },
            ),
            ("why this device", self.text("/device/reason").to_string()),
            ("threads", number("/device/threads")),
            ("interface", self.text("/device/gpu/backend").to_string()),
            ("driver", self.text("/device/gpu/driver").to_string()),
            ("rows a second, at the end", rate),
            ("steps", number("/steps")),
            ("went on from step", number("/resumed_at")),
            ("wgrad", wgrad),
        ];
        format!("<h2>Network, device and time</h2>\n{}", facts(&rows))
    }

    fn settings(&self) -> String {
        let options: Vec<String> = self.options.lines().map(visible).collect();
        format!(
            "<h2>Options</h2>\n<p class=\"soft\"><code>wgrad train --config {}</code> trains the same network again, in the folder where the run began.</p>\n\
             <details>\n<summary>run.toml: every option</summary>\n<pre>{}</pre>\n</details>\n",
            escaped(&typed(&format!("{}/run.toml", self.text("/run")))),
            options.join("\n")
        )
    }
}

/// A table of names and what they are, those left out of which nothing is known.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let row = |(name, value): &(&str, String)| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), visible(value))
    };
    let rows: String = rows.iter().filter(|(_, value)| !value.is_empty()).map(row).collect();
    format!("<table class=\"facts\">\n<tbody>\n{rows}</tbody>\n</table>\n")
}

/// The commands that made what a page shows.
pub(super) fn commands(commands: &[String]) -> String {
    let commands: Vec<String> = commands.iter().map(|command| visible(command)).collect();
    if commands.is_empty() { String::new() } else { format!("<pre class=\"command\">{}</pre>\n", commands.join("\n")) }
}

/// The figures that say most, each with its name.
pub(super) fn cards(cards: &[(&str, String)]) -> String {
    // Rows of cards that are equally long, or nearly so.
    let rows = cards.len().div_ceil(6).max(1);
    let across = cards.len().div_ceil(rows).max(1);
    let card =
        |(name, value): &(&str, String)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value));
    let cards: String = cards.iter().map(card).collect();
    format!("<dl class=\"cards\" style=\"--across:{across}\">\n{cards}</dl>\n")
}

/// What wgrad remarked on the way.
pub(super) fn remarks(remarks: &[String]) -> String {
    let remarks: String = remarks.iter().map(|remark| format!("<li>{}</li>\n", visible(remark))).collect();
    if remarks.is_empty() { remarks } else { format!("<h2>Remarks</h2>\n<ul class=\"remarks\">\n{remarks}</ul>\n") }
}

/// A line of a chart, in its colour.
pub(super) fn line(name: &str, colour: usize, points: Vec<(f64, f64)>) -> Series {
    let form = if points.len() > 1 { Form::Line } else { Form::Marks };
    let colour = COLOURS[colour % COLOURS.len()];
    Series { name: name.to_string(), colour, form, dashed: false, points }
}

/// The measure's name for people.
pub(super) fn metric_name(name: &str) -> &str {
    if name == "r2" { "R²" } else { name }
}

fn epochs_axis(curve: &Curve) -> Words {
    match curve.count() {
        0 | 1 => Words::linear("epoch"),
        _ => Words::linear("epoch").over(
            curve.epochs().first().map_or(1.0, |epoch| epoch.epoch as f64),
            curve.last().map_or(1.0, |epoch| epoch.epoch as f64),
        ),
    }
}

fn rule(curve: &Curve) -> Vec<Rule> {
    let best = curve.best();
    best.map(|epoch| Rule { x: epoch.epoch as f64, label: format!("best: {}", epoch.epoch) }).into_iter().collect()
}
