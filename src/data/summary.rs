//! What wgrad sees in a table: the columns' types, ranges and gaps, and the target's task and classes.

use std::collections::HashSet;
use std::fmt::{Display, Formatter};

use rayon::prelude::*;
use serde::Serialize;

use super::advice::{self, Advice, Topic};
use super::column_summary::{ColumnSummary, ColumnType, Count, PARTS, Range, counts};
use super::fit::{self, Counted, Roles};
use super::{FitOptions, Table, Task};
use crate::error::{Result, flagged, shown};

/// A table, described.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Where the table came from.
    pub source: String,
    /// Number of rows.
    pub rows: usize,
    /// One entry a column, in the table's order.
    pub columns: Vec<ColumnSummary>,
    /// The columns that would be predicted.
    pub target: Vec<String>,
    /// What they would be predicted as.
    pub task: Task,
    /// The target's classes in order; none for regression.
    pub classes: Vec<Count>,
    /// What may be worth doing about the table.
    pub advice: Vec<Advice>,
}

impl Summary {
    /// Describes a table, its target and task being those that training with these options would take.
    ///
    /// # Errors
    /// As [`fit::task`].
    pub fn of(table: &Table, options: &FitOptions) -> Result<Self> {
        let task = fit::task(table, options)?;
        let target = fit::targets(table, options)?;
        let rows: Vec<usize> = (0..table.rows).collect();
        let roles = Roles::of(table, options)?;
        let as_written: HashSet<usize> = roles.categorical.iter().chain(&roles.targets).copied().collect();
        let used: HashSet<usize> = roles.inputs.into_iter().chain(roles.targets).collect();
        let classes = match task {
            Task::Classification => counts(Counted::of(&table.columns[target[0]], &rows)),
            Task::Regression => Vec::new(),
        };
        let columns: Vec<ColumnSummary> = table
            .columns
            .par_iter()
            .enumerate()
            .map(|(position, column)| match used.contains(&position) {
                true => ColumnSummary::of(column, &rows, as_written.contains(&position)),
                false => ColumnSummary::ignored(column),
            })
            .collect();
        Ok(Self {
            source: table.source.clone(),
            rows: table.rows,
            advice: advice::of(table, &columns, options)?,
            columns,
            target: target.iter().map(|&position| table.columns[position].name.clone()).collect(),
            task,
            classes,
        })
    }
}

impl ColumnSummary {
    fn cells(&self) -> [String; CELLS] {
        let figure = |of: fn(&Range) -> f64| self.range.as_ref().map_or_else(String::new, |range| rounded(of(range)));
        let kind = match self.kind {
            ColumnType::Number => "number",
            ColumnType::Integer => "integer",
            ColumnType::Category => "category",
            ColumnType::Date => "date",
            ColumnType::Ignored => {
                let mut cells: [String; CELLS] = Default::default();
                (cells[0], cells[1]) = (shown(&self.name), "ignored".to_owned());
                return cells;
            }
        };
        let top: Vec<String> = self.top.iter().map(|top| format!("{} ({})", shown(&top.value), top.count)).collect();
        let others = if self.distinct > self.top.len() { ", …" } else { "" };
        [
            shown(&self.name),
            kind.to_owned(),
            self.missing.to_string(),
            self.distinct.to_string(),
            match (&self.kind, &self.days) {
                (ColumnType::Category, _) => top.join(", ") + others,
                (_, Some([first, last])) => format!("{first} … {last}"),
                _ => figure(|range| range.min),
            },
            figure(|range| range.mean),
            figure(|range| range.max),
            figure(|range| range.deviation),
        ]
    }
}

/// How a histogram is drawn: one character a part, from nothing to the largest part's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bars {
    /// Block characters.
    Blocks,
    /// ASCII, where others may not be shown.
    Plain,
}

impl Bars {
    fn draw(self, counts: &[usize]) -> String {
        let levels = match self {
            Self::Blocks => [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Plain => [' ', '.', ':', '-', '=', '+', '*', '#', '@'],
        };
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        counts.iter().map(|count| levels[(count * (levels.len() - 1)).div_ceil(most)]).collect()
    }
}

/// A number in five significant digits at most.
fn rounded(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let places = 4 - number.abs().log10().floor() as i32;
    match places {
        0..=8 => format!("{number:.*}", places as usize).parse::<f64>().unwrap_or(number).to_string(),
        -8..0 => format!("{number:.0}"),
        _ => format!("{number:.4e}"),
    }
}

/// Cells of a column's line.
const CELLS: usize = 8;

impl Summary {
    /// The summary for a person, with histograms where they fit into 80 columns.
    pub fn text(&self, bars: Bars) -> String {
        let mut lines = vec![format!("{}: {} rows, {} columns", shown(&self.source), self.rows, self.columns.len())];
        lines.extend(self.table(bars));
        lines.push(self.target());
        if !self.advice.is_empty() {
            lines.extend([String::new(), "advice for wgrad train:".into()]);
        }
        for advice in &self.advice {
            // A training that refuses a column says what to do.
            let flag = advice.flag.as_ref().filter(|_| advice.about != Topic::Obstacle);
            let flag = flag.map(|(flag, value)| match value {
                Some(value) => format!(" ({})", flagged(flag, value)),
                None => format!(" ({flag})"),
            });
            lines.push(format!("  {}{}", advice.text, flag.unwrap_or_default()));
        }
        lines.join("\n")
    }

    /// The columns, one a line; of a wide table, the first ones and the last, which is often the target.
    fn table(&self, bars: Bars) -> Vec<String> {
        const MOST_COLUMNS: usize = 50;
        const MOST_WIDTH: usize = 80;
        let head = ["column", "type", "missing", "distinct", "min", "mean", "max", "spread"].map(str::to_owned);
        let left_out = self.columns.len().saturating_sub(MOST_COLUMNS);
        let (first, last) =
            if left_out > 0 { (MOST_COLUMNS - 1, self.columns.len() - 1) } else { (self.columns.len(), self.columns.len()) };
        let shown_columns: Vec<&ColumnSummary> = self.columns[..first].iter().chain(&self.columns[last..]).collect();
        let cells: Vec<_> = std::iter::once(head).chain(shown_columns.iter().map(|column| column.cells())).collect();
        let widths = widths(&cells);
        let width = 2 * CELLS + widths.iter().sum::<usize>();
        let is_drawn = width + 2 + PARTS <= MOST_WIDTH && shown_columns.iter().any(|column| !column.histogram.is_empty());
        let mut lines: Vec<String> = cells.iter().map(|cells| line(cells, &widths)).collect();
        if is_drawn {
            let drawn = shown_columns.iter().map(|column| bars.draw(&column.histogram));
            for (line, drawn) in lines.iter_mut().skip(1).zip(drawn).filter(|(_, drawn)| !drawn.is_empty()) {
                *line = format!("{line:<width$}  {drawn}");
            }
        }
        if left_out > 0 {
            lines.insert(lines.len() - 1, format!("  … {left_out} more columns (--json lists them all)"));
        }
        lines
    }

    /// The target as a line.
    fn target(&self) -> String {
        const MOST_CLASSES: usize = 20;
        const SOME: usize = 5;
        let target = self.target.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
        if self.task == Task::Regression {
            return format!("target: {target}, regression");
        }
        let class = |class: &Count| format!("{} ({})", shown(&class.value), class.count);
        let (named, others) = if self.classes.len() > MOST_CLASSES { (SOME, ", …") } else { (MOST_CLASSES, "") };
        let classes: Vec<String> = self.classes.iter().take(named).map(class).collect();
        let count = self.classes.len();
        format!("target: {target}, classification into {count} classes: {}{others}", classes.join(", "))
    }
}

/// Whether the line is of a column of categories or dates, which fill the place of the figures.
fn is_category(cells: &[String; CELLS]) -> bool {
    ["category", "date"].contains(&cells[1].as_str())
}

fn widths(lines: &[[String; CELLS]]) -> [usize; CELLS] {
    std::array::from_fn(|cell| {
        let lengths = lines.iter().filter(|line| cell < 4 || !is_category(line)).map(|line| line[cell].chars().count());
        lengths.max().unwrap_or(0)
    })
}

fn line(cells: &[String; CELLS], widths: &[usize; CELLS]) -> String {
    let mut text = format!("  {:<2$}  {:<3$}", cells[0], cells[1], widths[0], widths[1]);
    for cell in 2..CELLS {
        text += &match cell {
            4 if is_category(cells) => format!("  {}", cells[cell]),
            _ => format!("  {:>1$}", cells[cell], if cell > 4 && is_category(cells) { 0 } else { widths[cell] }),
        };
    }
    text.trim_end().to_owned()
}

impl Display for Summary {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text(Bars::Blocks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ReadOptions, csv, read};

    fn summary(text: &str) -> Summary {
        let table = csv::read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        Summary::of(&table, &FitOptions::default()).unwrap()
    }

    const SMALL: &str = "x,n,town,y\n0.5,1,b,yes\n1.5,,a,no\n2.5,3,b,yes\n,3,,no\n";

    #[test]
    fn columns_are_described_by_type_gaps_and_range() {
        let summary = summary(SMALL);
        let [x, n, town, _] = &summary.columns[..] else { panic!() };
        assert_eq!((x.kind, x.missing, x.distinct), (ColumnType::Number, 1, 3));
        let range = x.range.unwrap();
        assert_eq!((range.min, range.mean, range.max), (0.5, 1.5, 2.5));
        assert!((range.deviation - (2.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!((n.kind, n.missing, n.distinct), (ColumnType::Integer, 1, 2));
        assert_eq!((town.kind, town.missing, town.distinct, town.range), (ColumnType::Category, 1, 2, None));
        assert_eq!(town.top, [Count { value: "b".into(), count: 2 }, Count { value: "a".into(), count: 1 }]);
    }

    #[test]
    fn the_target_is_described_by_task_and_classes() {
        let of = |name: &str| Summary::of(&read(name, &ReadOptions::default()).unwrap(), &FitOptions::default()).unwrap();
        let iris = of("iris");
        assert_eq!(
            (iris.task, iris.target, iris.classes.len(), iris.classes[2].count),
            (Task::Classification, vec!["species".into()], 3, 50)
        );
        let wines = of("wine-quality");
        assert_eq!((wines.task, wines.classes), (Task::Regression, vec![]));
    }

    #[test]
    fn the_text_is_an_aligned_table() {
        let text = summary(SMALL).to_string();
        let expected = "\
t.csv: 4 rows, 4 columns
  column  type      missing  distinct  min    mean  max   spread
  x       number          1         3  0.5     1.5  2.5   0.8165  █   █  █
  n       integer         1         2    1  2.3333    3  0.94281  ▄      █
  town    category        1         2  b (2), a (1)
  y       category        0         2  no (2), yes (2)
target: y, classification into 2 classes: no (2), yes (2)

advice for wgrad train:
  missing cells in 'x', 'n', 'town': 2 of 4 rows have one; the median, or the most frequent text, takes its place";
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn a_wide_table_is_shortened_and_ends_with_its_last_column() {
        let text =
            Summary::of(&read("digits", &ReadOptions::default()).unwrap(), &FitOptions::default()).unwrap().to_string();
        assert!(
            text.contains("  … 15 more columns") && text.contains("pixel_6_0 ") && !text.contains("pixel_6_1 "),
            "{text}"
        );
        assert!(text.contains("\n  digit "), "{text}");
    }

    #[test]
    fn histograms_count_every_number_and_are_left_out_where_they_do_not_fit() {
        let rows: String = (0..90).map(|row| format!("{},{row}\n", f64::from(row * row) / 100.0)).collect();
        let described = summary(&format!("x,y\n{rows}"));
        let counts = &described.columns[0].histogram;
        assert_eq!((counts.iter().sum::<usize>(), counts.len(), counts.is_sorted_by(|a, b| a >= b)), (90, PARTS, true));
        assert_eq!(Bars::Plain.draw(&[8, 0, 1, 4]), "@ .=");
        assert!(described.text(Bars::Plain).is_ascii() && described.to_string().contains('█'));
        let wide = summary(&format!("{},y\n{rows}", "x".repeat(40))).to_string();
        assert!(!wide.contains('█'), "{wide}");
    }

    #[test]
    fn a_column_without_values_has_no_range() {
        let empty = &summary("x,z,y\n1,,0\n2,,1\n").columns[1];
        assert_eq!((empty.missing, empty.distinct, empty.range), (2, 0, None));
    }

    #[test]
    fn json_names_the_type_and_the_figures() {
        let json = serde_json::to_value(summary(SMALL)).unwrap();
        assert_eq!(json["columns"][0]["type"], "number");
        assert_eq!(json["columns"][0]["mean"], 1.5);
        assert_eq!(json["columns"][2]["top"][0]["value"], "b");
        assert_eq!(json["task"], "classification");
    }

    #[test]
    fn figures_have_five_digits() {
        let texts = [0.1 + 0.2, 123_456.7, -0.000_012_345_67, 1e-20, 1e30, 42.0].map(rounded);
        assert_eq!(texts, ["0.3", "123457", "-1.2346e-5", "1.0000e-20", "1.0000e30", "42"]);
    }
}
