//! The test rows that a network was most wrong about, and how the targets are distributed.

use super::account::WrongRow;
use super::page::line;
use super::scores::{bars as places, paragraph};
use super::story::Story;
use crate::error::shown;
use crate::evaluation::Distribution;
use crate::page::{Bar, COLOURS, Chart, Form, Series, Words, bars, digits, table};

/// Characters of a cell that are shown, at most.
const CELL: usize = 32;

impl Story {
    /// The rows of the highest loss, where they are in the file, and what was said of them.
    pub(super) fn wrong(&self) -> String {
        let Some(wrong) = self.account.wrong.as_ref().filter(|wrong| !wrong.rows.is_empty()) else { return String::new() };
        let is_class = wrong.rows.iter().any(|row| row.probability.is_some());
        let of_columns = match wrong.columns.is_empty() {
            true => "",
            false if self.account.importance.is_some() => ", with the cells of the most important columns",
            false => ", with the cells of the first columns",
        };
        let from = if wrong.source == self.text("/data/source") { "" } else { &format!(" in {}", shown(&wrong.source)) };
        let told = format!("The test rows of the highest loss, by their places{from}{of_columns}.");
        let mut headers = vec!["where", "true", "predicted"];
        headers.extend(if is_class { &["its probability", "that of the true class"][..] } else { &["loss"] });
        let headers: Vec<String> =
            headers.into_iter().map(str::to_owned).chain(wrong.columns.iter().map(|name| shown(name))).collect();
        let share = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{share:.3}"));
        let cell = |text: &String| match text.chars().count() {
            0 => "–".to_owned(),
            length if length > CELL => shown(&text.chars().take(CELL - 1).chain(['…']).collect::<String>()),
            _ => shown(text),
        };
        let row = |row: &WrongRow| {
            let mut cells = vec![row.origin.to_string(), shown(&row.truth), shown(&row.predicted)];
            if is_class {
                cells.extend([share(row.probability), share(row.probability_of_truth)]);
            } else {
                cells.push(row.loss.map_or("–".to_owned(), digits));
            }
            cells.extend(row.cells.iter().take(wrong.columns.len()).map(cell));
            cells
        };
        let rows: Vec<Vec<String>> = wrong.rows.iter().map(row).collect();
        format!("<h2>The most wrong rows</h2>\n{}{}", paragraph(&told), table("", &headers, &rows, 3))
    }

    /// How the targets are distributed in the rows to train on and to test with.
    pub(super) fn distributions(&self) -> String {
        let whole = |found: &&Distribution| {
            let parts = found.training.len();
            let is_whole = found.test.is_empty() || found.test.len() == parts;
            let has_places = match found.range {
                Some([least, most]) => least < most && (most - least).is_finite() && parts > 0,
                None => found.classes.len() == parts,
            };
            is_whole && has_places
        };
        let drawn: Vec<String> = self.account.distributions.iter().filter(whole).map(distribution).collect();
        if drawn.is_empty() { String::new() } else { format!("<div class=\"charts\">\n{}</div>\n", drawn.concat()) }
    }
}

fn distribution(found: &Distribution) -> String {
    let name = shown(&found.name);
    let shares = |counts: &[usize]| -> Vec<f64> {
        let all = counts.iter().sum::<usize>().max(1) as f64;
        counts.iter().map(|&count| count as f64 / all).collect()
    };
    let (in_training, in_test) = (shares(&found.training), shares(&found.test));
    let Some([least, most]) = found.range else {
        let largest = in_training.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let told = |count: usize, share: f64| format!("{count} ({:.1} %)", 100.0 * share);
        let bar = |(place, class): (usize, &String)| {
            let test = found.test.get(place).map(|&count| told(count, in_test[place]));
            let cells = [told(found.training[place], in_training[place])].into_iter().chain(test).collect();
            Bar { name: class.clone(), share: in_training[place] / largest, cells }
        };
        let rows: Vec<Bar> = found.classes.iter().enumerate().map(bar).collect();
        let headers = ["class", "training rows", "test rows"];
        let headers = if found.test.is_empty() { &headers[..2] } else { &headers[..] };
        let caption = match found.left_out {
            0 => format!("Classes of {name}"),
            more => {
                format!("The {} most frequent classes of {name}, of {}", found.classes.len(), found.classes.len() + more)
            }
        };
        return format!("<div>{}</div>\n", bars(&caption, headers, &rows, COLOURS[0]));
    };
    let points = |shares: &[f64]| -> Vec<(f64, f64)> {
        places(&vec![0; shares.len()], least, most)
            .into_iter()
            .zip(shares)
            .map(|(place, &share)| (place.0, 100.0 * share))
            .collect()
    };
    let mut series = vec![Series { form: Form::Bars, ..line("training rows", 0, points(&in_training)) }];
    if !found.test.is_empty() {
        series.push(Series { form: Form::MarkedLine, ..line("test rows", 1, points(&in_test)) });
    }
    let top = in_training.iter().chain(&in_test).copied().fold(0.0, f64::max);
    let about = format!(
        "shares of the rows from {} to {}, at most {:.1} % of them in one part",
        digits(least),
        digits(most),
        100.0 * top
    );
    let (x, y) = (Words::linear(&name), Words::linear("% of the rows").over(0.0, 105.0 * top));
    Chart::half(&format!("{name}: how it is distributed"), about, x, y, series).figure()
}
