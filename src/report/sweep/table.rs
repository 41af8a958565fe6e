//! The table of a sweep's trials, which a click on a heading sorts.

use std::fmt::Write;

use super::ranked::{Ranked, soft};
use super::record::{TrialEnding, TrialRecord};
use super::values::said;
use crate::error::counted;
use crate::page::{digits, escaped, named};

/// The most rows and cells.
const ROWS: usize = 1000;
const CELLS: usize = 16_000;

/// What the table adds to the style of all pages, and what sorts it.
const STYLE: &str = include_str!("style.css");
const SORT: &str = include_str!("sort.js");

impl Ranked<'_> {
    /// The trials, the best first.
    pub(super) fn table(&self) -> String {
        if self.count() == 0 {
            return String::new();
        }
        let varied = &self.account.varied;
        let most = (CELLS / (varied.len() + 6)).clamp(1, ROWS);
        let mut rows = String::new();
        self.all().take(most).for_each(|trial| self.row(&mut rows, trial));
        let which = match self.count() > most {
            true => format!("The best {most} of {}; all are in sweep.csv.", counted(self.count(), "trial")),
            false => "All of them, the best first; they are in sweep.csv as well.".to_owned(),
        };
        let sorted = if self.account.lower_is_better { "ascending" } else { "descending" };
        let options: String = varied.iter().map(|option| heading(&option.key)).collect();
        let others: String = ["validation loss", "best epoch", "epochs", "ended"].map(heading).concat();
        let head = format!(
            "{}<th scope=\"col\" aria-sort=\"{sorted}\">{}</th>{options}{others}",
            heading("trial"),
            escaped(self.metric)
        );
        format!(
            "<h2>Trials</h2>\n{}{}<div class=\"scroll trials\" role=\"region\" aria-label=\"Trials\" tabindex=\"0\">\n\
             <table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n<script>\n{SORT}</script>\n",
            soft(&which),
            self.style()
        )
    }

    fn row(&self, rows: &mut String, trial: &TrialRecord) {
        let number = |value: Option<f64>| value.filter(|value| value.is_finite()).map_or("–".to_owned(), digits);
        let is_best = self.is_best(trial);
        let ended = match trial.ended {
            TrialEnding::AllEpochs => "all epochs",
            TrialEnding::Halving => "halving",
            TrialEnding::Patience => "patience",
            TrialEnding::Diverged => "diverged",
            TrialEnding::Unfinished => "unfinished",
        };
        let cells = [trial.trial.to_string(), number(trial.score)]
            .into_iter()
            .chain(self.account.varied.iter().map(|option| said(trial, &option.key)))
            .chain([
                number(trial.validation_loss),
                trial.best_epoch.map_or("–".to_owned(), |epoch| epoch.to_string()),
                trial.epochs.to_string(),
                if is_best { format!("{ended}, the best") } else { ended.to_owned() },
            ]);
        rows.push_str(if is_best { "<tr class=\"best\">" } else { "<tr>" });
        cells.for_each(|cell| {
            let _ = write!(rows, "<td>{}</td>", named(&cell));
        });
        rows.push_str("</tr>\n");
    }

    /// The style, with text at the left of its column.
    fn style(&self) -> String {
        let is_text =
            |key: &str| self.all().any(|trial| said(trial, key).parse::<f64>().is_err_and(|_| said(trial, key) != "–"));
        let columns = self.account.varied.iter().enumerate().filter(|(_, option)| is_text(&option.key));
        // The options stand from the third column on, and the ending in the last.
        let columns = columns.map(|(place, _)| format!(":nth-child({})", place + 3)).chain([":last-child".to_owned()]);
        let left: Vec<String> = columns.map(|column| format!(".trials tr > {column}")).collect();
        format!("<style>\n{STYLE}{} {{ text-align: left }}\n</style>\n", left.join(", "))
    }
}

/// A column's heading.
fn heading(name: &str) -> String {
    format!("<th scope=\"col\">{}</th>", named(name))
}
