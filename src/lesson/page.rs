//! A lesson's page: prose, tables, curves and the picture of the net, in one file.

use super::compare::{Alternatives, grouped};
use super::report::Report;
use crate::page::{COLOURS, Chart, Form, Series, Words, document, escaped, figures, table, visible};

impl Report {
    /// The page, whole.
    pub fn page(&self) -> String {
        let parts =
            [self.head(), self.pictures(), self.output(), self.alternatives(), self.prose(), self.agreement_on_page()];
        document(&format!("wgrad lesson {}", self.lesson), &parts.concat())
    }

    fn head(&self) -> String {
        let compare = if self.comparison.is_some() { " --compare" } else { "" };
        let data = if self.lesson == super::admissions::NAME { " --data FILE" } else { "" };
        let steps = if self.steps == 1 { "1 step".to_owned() } else { format!("{} steps", grouped(self.steps)) };
        let (name, summary, place) = (escaped(self.lesson), escaped(self.summary), visible(&self.place()));
        format!(
            "<h1>Lesson {name}</h1>\n<p>{summary}</p>\n<pre class=\"command\">wgrad lesson {name}{compare}{data}</pre>\n\
             <p class=\"soft\">{steps}, computed in {place}.</p>\n"
        )
    }

    /// The net, the losses, and the lesson's own charts.
    fn pictures(&self) -> String {
        let charts = self.loss_chart().into_iter().chain(self.charts.clone()).map(|chart| chart.figure());
        let net = self.example.picture(&self.weights).figure();
        format!("<div class=\"charts\">\n{net}{}</div>\n", charts.collect::<String>())
    }

    fn loss_chart(&self) -> Option<Chart> {
        let (first, last) = (self.curve.first()?, self.curve.last()?);
        if self.curve.len() < 2 {
            return None;
        }
        let about = format!("{} before the first step, {} before the last", figures(first.1), figures(last.1));
        let y = Words::suiting("mean loss of the rows", self.curve.iter().map(|point| point.1));
        let x = Words::logarithmic("step");
        let (name, colour, points) = ("loss before each step".to_owned(), COLOURS[0], self.curve.clone());
        let series = Series { name, colour, form: Form::Line, dashed: false, points };
        Some(Chart::half("Loss by step", about, x, y, vec![series]))
    }

    fn output(&self) -> String {
        let seeds =
            self.seeds.as_ref().map_or(String::new(), |seeds| format!("<pre>{}</pre>\n", escaped(&seeds.to_string())));
        format!("<h2>{}</h2>\n<pre>{}</pre>\n{seeds}", self.printed_heading(), escaped(self.printed.trim_end()))
    }

    fn alternatives(&self) -> String {
        let Some(alternatives) = &self.comparison else { return String::new() };
        let Alternatives { steps, conclusions, .. } = alternatives;
        let found = alternatives.table();
        format!(
            "<h2>The alternatives, side by side</h2>\n{}<div class=\"charts\">\n{}</div>\n{}",
            table(&format!("{} steps from the same start", grouped(*steps)), &found.headers, &found.rows, 1),
            alternatives.chart().figure(),
            paragraphs(conclusions)
        )
    }

    fn prose(&self) -> String {
        format!("<h2>What it shows</h2>\n{}", paragraphs(&self.explanation))
    }

    fn agreement_on_page(&self) -> String {
        let row = |comparison: &super::Comparison| {
            let published = if comparison.is_published() { "yes" } else { "no" };
            let agrees = if comparison.agrees { "yes" } else { "no" };
            let (difference, allowed) = (comparison.largest_difference, comparison.tolerance);
            let numbers = comparison.computed.len().to_string();
            vec![
                comparison.name.to_owned(),
                published.to_owned(),
                agrees.to_owned(),
                numbers,
                format!("{difference:.1e}"),
                format!("{allowed:.0e}"),
            ]
        };
        let rows: Vec<Vec<String>> = self.comparisons.iter().map(row).collect();
        let headers = ["what", "published", "agrees", "numbers", "largest difference", "allowed"];
        format!("<h2>Do the numbers agree?</h2>\n<p>{}</p>\n{}", visible(&self.verdict()), table("", &headers, &rows, 3))
    }
}

/// Paragraphs, each under its first sentence.
fn paragraphs(paragraphs: &[String]) -> String {
    let of = |paragraph: &String| {
        // The first sentence, which may be a question.
        let end = paragraph.find(". ").into_iter().chain(paragraph.find("? ").map(|end| end + 1)).min();
        let (heading, rest) = paragraph.split_at(end.unwrap_or(0));
        let rest = rest.trim_start_matches(['.', ' ']);
        format!("<h3>{}</h3>\n<p>{}</p>\n", escaped(heading), escaped(rest))
    };
    paragraphs.iter().map(of).collect()
}
