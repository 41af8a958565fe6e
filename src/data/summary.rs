//! What wgrad sees in a table: the columns' types, ranges and gaps, and the target's task and classes.

use std::collections::HashSet;
use std::fmt::{Display, Formatter};

use rayon::prelude::*;
use serde::Serialize;

use super::advice::{self, Advice, Topic};
use super::column_summary::{ColumnSummary, ColumnType, Count, Range, counts};
use super::fit::{self, Counted, Roles};
use super::histogram::{Bars, Places};
use super::{Cells, FitOptions, Table, Task};
use crate::columns::wrapped;
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
    /// The pixels of images, which are one line for a person.
    #[serde(skip)]
    pixels: Option<Pixels>,
}

/// Columns that are the pixels of images, described as one.
#[derive(Debug, Clone, PartialEq)]
struct Pixels {
    /// Where they stand.
    columns: std::ops::Range<usize>,
    /// All of them together.
    together: ColumnSummary,
}

impl Pixels {
    /// Pixels along the side of an image, at least.
    const LEAST_SIDE: usize = 4;

    /// The first columns, if they are an array's and can be images, or are called pixels.
    fn of(table: &Table, columns: &[ColumnSummary]) -> Option<Self> {
        let is_pixel = |(position, column): (usize, &ColumnSummary)| {
            let is_number = matches!(column.kind, ColumnType::Integer | ColumnType::Number);
            let is_unnamed = table.lines.is_empty() && column.name == position.to_string();
            is_number && (is_unnamed || column.name.to_lowercase().starts_with("pixel"))
        };
        let count = columns.iter().enumerate().take_while(|&column| is_pixel(column)).count();
        let cells = || table.columns[..count].iter().map(|column| &column.cells);
        let (side, are_bytes) = (count.isqrt(), cells().all(|cells| matches!(cells, Cells::Bytes(_))));
        if count < Self::LEAST_SIDE.pow(2) || side * side != count && !are_bytes {
            return None;
        }
        let numbers = || cells().flat_map(|cells| (0..table.rows).filter_map(|row| cells.number(row)));
        let ranges = || columns[..count].iter().filter_map(|column| Some((column, column.range.as_ref()?)));
        let present = |column: &ColumnSummary| (table.rows - column.missing) as f64;
        let all: f64 = ranges().map(|(column, _)| present(column)).sum();
        let mean = ranges().map(|(column, range)| present(column) * range.mean).sum::<f64>() / all;
        let square = |range: &Range| range.deviation.powi(2) + (range.mean - mean).powi(2);
        let deviation = (ranges().map(|(column, range)| present(column) * square(range)).sum::<f64>() / all).sqrt();
        let range = Range {
            min: ranges().map(|(_, range)| range.min).fold(f64::INFINITY, f64::min),
            mean,
            max: ranges().map(|(_, range)| range.max).fold(f64::NEG_INFINITY, f64::max),
            deviation,
        };
        let shape = if side * side == count { format!("{side} × {side}") } else { count.to_string() };
        let together = ColumnSummary {
            name: format!("{shape} pixels"),
            kind: columns[..count]
                .iter()
                .map(|column| column.kind)
                .find(|kind| *kind == ColumnType::Number)
                .unwrap_or(ColumnType::Integer),
            missing: columns[..count].iter().map(|column| column.missing).sum(),
            distinct: columns[..count].iter().map(|column| column.distinct).max().unwrap_or(0),
            range: Some(range),
            top: Vec::new(),
            days: None,
            histogram: Places::of(numbers).map(|places| places.count(numbers())),
        };
        Some(Self { columns: 0..count, together })
    }
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
            pixels: Pixels::of(table, &columns),
            columns,
            target: target.iter().map(|&position| table.columns[position].name.clone()).collect(),
            task,
            classes,
        })
    }
}

impl ColumnSummary {
    /// The cells of its line; of a category, as many values as so many characters hold, in the place of the histogram and the figures.
    fn cells(&self, bars: Bars, room: usize) -> [String; CELLS] {
        let figure =
            |digits, of: fn(&Range) -> f64| self.range.as_ref().map_or_else(String::new, |range| rounded(of(range), digits));
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
        let days = self.days.as_ref().map(|[first, last]| format!("{first} … {last}"));
        let drawn = match &self.histogram {
            _ if self.kind == ColumnType::Category => self.values(room),
            None => days.unwrap_or_default(),
            Some(histogram) => histogram.drawn(bars),
        };
        [
            shown(&self.name),
            kind.to_owned(),
            self.missing.to_string(),
            self.distinct.to_string(),
            drawn,
            figure(5, |range| range.min),
            figure(4, |range| range.mean),
            figure(5, |range| range.max),
            figure(4, |range| range.deviation),
        ]
    }

    /// The most frequent values, as many as there is room for, but at least one.
    fn values(&self, room: usize) -> String {
        let top: Vec<String> = self.top.iter().map(|top| format!("{} ({})", shown(&top.value), top.count)).collect();
        let listed = |count: usize| {
            let others = if self.distinct > count { ", …" } else { "" };
            top[..count].join(", ") + others
        };
        let fits = |count: &usize| listed(*count).chars().count() <= room;
        listed((1..=top.len()).rev().find(fits).unwrap_or(top.len().min(1)))
    }
}

/// A number in so many significant digits at most, whole numbers in all of theirs.
fn rounded(number: f64, digits: i32) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let places = digits - 1 - number.abs().log10().floor() as i32;
    match places {
        0..=8 => format!("{number:.*}", places as usize).parse::<f64>().unwrap_or(number).to_string(),
        -8..0 => format!("{number:.0}"),
        _ => format!("{number:.*e}", digits as usize - 1),
    }
}

/// Cells of a column's line, and those in the middle of it.
const CELLS: usize = 9;
const HEAD: [&str; CELLS] = ["column", "type", "missing", "distinct", "", "min", "mean", "max", "std"];
const MISSING: usize = 2;
const DISTINCT: usize = 3;
const HISTOGRAM: usize = 4;
const MEAN: usize = 6;
const DEVIATION: usize = 8;
/// Characters of a line where nobody says how many there is room for.
const WIDTH: usize = 100;

impl Summary {
    /// The summary for a person: a line a column, with its histogram. On a terminal of so many columns, what is too wide for them is left
    /// out, and sentences end between words.
    pub fn text(&self, bars: Bars, terminal: Option<usize>) -> String {
        let has_gaps = self.columns.iter().any(|column| column.missing > 0);
        let gaps = if has_gaps { "" } else { ", no missing cells" };
        let (rows, columns) = (self.rows, self.columns.len());
        let sentence = |text: String| terminal.map(|columns| wrapped(&text, columns)).unwrap_or(text);
        let mut lines = vec![sentence(format!("{}: {rows} rows, {columns} columns{gaps}", shown(&self.source)))];
        lines.extend(self.table(bars, terminal.unwrap_or(WIDTH), has_gaps));
        lines.push(sentence(self.target()));
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
            lines.push(sentence(format!("  {}{}", advice.text, flag.unwrap_or_default())));
        }
        lines.join("\n")
    }

    /// The columns, one a line; of a wide table, the first ones and the last, which is often the target.
    fn table(&self, bars: Bars, width: usize, has_gaps: bool) -> Vec<String> {
        const MOST_COLUMNS: usize = 50;
        let all: Vec<&ColumnSummary> = match &self.pixels {
            None => self.columns.iter().collect(),
            Some(Pixels { columns, together }) => std::iter::once(together).chain(&self.columns[columns.end..]).collect(),
        };
        let left_out = all.len().saturating_sub(MOST_COLUMNS);
        let (first, last) = if left_out > 0 { (MOST_COLUMNS - 1, all.len() - 1) } else { (all.len(), all.len()) };
        let shown_columns: Vec<&ColumnSummary> = all[..first].iter().chain(&all[last..]).copied().collect();
        let lines_of = |room: usize| -> Vec<[String; CELLS]> {
            let cells = shown_columns.iter().map(|column| column.cells(bars, room));
            std::iter::once(HEAD.map(str::to_owned)).chain(cells).collect()
        };
        let mut cells = lines_of(0);
        let mut widths = widths(&cells);
        let mut is_there = [true; CELLS];
        is_there[MISSING] = has_gaps;
        let total =
            |is_there: &[bool; CELLS]| (0..CELLS).filter(|&cell| is_there[cell]).map(|cell| 2 + widths[cell]).sum::<usize>();
        for cell in [DEVIATION, MEAN, DISTINCT] {
            is_there[cell] = total(&is_there) <= width;
        }
        let before: usize = (0..HISTOGRAM).filter(|&cell| is_there[cell]).map(|cell| 2 + widths[cell]).sum();
        cells = lines_of(width.saturating_sub(before + 2));
        widths[HISTOGRAM] = widths[HISTOGRAM].max(1);
        let mut lines: Vec<String> = cells.iter().map(|cells| line(cells, &widths, &is_there)).collect();
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

/// Whether the line is of a column of categories or dates, whose values fill the place of the histogram and the figures.
fn is_category(cells: &[String; CELLS]) -> bool {
    ["category", "date"].contains(&cells[1].as_str())
}

fn widths(lines: &[[String; CELLS]]) -> [usize; CELLS] {
    std::array::from_fn(|cell| {
        let lengths = lines.iter().filter(|line| cell < HISTOGRAM || !is_category(line));
        lengths.map(|line| line[cell].chars().count()).max().unwrap_or(0)
    })
}

fn line(cells: &[String; CELLS], widths: &[usize; CELLS], is_there: &[bool; CELLS]) -> String {
    let last = if is_category(cells) { HISTOGRAM } else { CELLS - 1 };
    let cell = |cell: usize| match cell {
        0 | 1 | HISTOGRAM => format!("  {:<1$}", cells[cell], widths[cell]),
        _ => format!("  {:>1$}", cells[cell], widths[cell]),
    };
    (0..=last).filter(|&place| is_there[place]).map(cell).collect::<String>().trim_end().to_owned()
}

impl Display for Summary {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text(Bars::Blocks, None))
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
  column  type      missing  distinct       min   mean  max     std
  x       number          1         3  ███  0.5    1.5  2.5  0.8165
  n       integer         1         2  ▄█     1  2.333    3  0.9428
  town    category        1         2  b (2), a (1)
  y       category        0         2  no (2), yes (2)
target: y, classification into 2 classes: no (2), yes (2)

advice for wgrad train:
  missing cells in 'x', 'n', 'town': 2 of 4 rows have one; the median, or the most frequent text, takes its place";
        assert_eq!(text, expected, "\n{text}");
    }

    fn described(name: &str) -> String {
        Summary::of(&read(name, &ReadOptions::default()).unwrap(), &FitOptions::default()).unwrap().to_string()
    }

    #[test]
    fn a_wide_table_is_shortened_and_ends_with_its_last_column() {
        let names: Vec<String> = (0..60).map(|column| format!("c{column}")).collect();
        let row = |row: i32| (0..60).map(|column| (row * column % 7).to_string()).collect::<Vec<_>>().join(",");
        let text = summary(&format!("{}\n{}\n{}\n", names.join(","), row(1), row(2))).to_string();
        assert!(text.contains("\n  … 10 more columns") && text.contains("\n  c48 ") && !text.contains("\n  c49 "), "{text}");
        assert!(text.contains("\n  c59 "), "{text}");
    }

    #[test]
    fn pixels_are_one_line() {
        let text = described("digits");
        assert!(!text.contains("\n  pixel_") && text.lines().count() < 12, "{text}");
        let line = text.lines().find(|line| line.starts_with("  8 × 8 pixels  integer ")).expect("the pixels");
        // numpy's load_digits().data: mean 4.8841646..., std 6.0167878...
        assert!(line.ends_with("  0  4.884   16  6.017"), "{line}");
        assert!(text.contains("\n  digit ") && text.contains("  ██████████  "), "{text}");
    }

    #[test]
    fn what_is_too_wide_for_the_terminal_loses_figures_and_never_the_histogram() {
        let rows: String = (0..90).map(|row| format!("{},{row}\n", f64::from(row * row) / 100.0)).collect();
        let described = summary(&format!("{},y\n{rows}", "x".repeat(40)));
        for (columns, last, is_there, is_not) in [
            (120, "std", "mean", "missing"),
            (95, "max", "mean", "std"),
            (86, "max", "distinct", "mean"),
            (80, "max", "min", "distinct"),
        ] {
            let text = described.text(Bars::Blocks, Some(columns));
            let head = text.lines().nth(1).expect("a head");
            assert!(head.ends_with(last) && head.contains(is_there) && !head.contains(is_not), "{columns}: {text}");
            assert!(text.contains('█') && text.lines().all(|line| line.chars().count() <= columns), "{columns}: {text}");
        }
        assert!(described.text(Bars::Blocks, Some(20)).contains('█'), "as little as there is room for");
        assert!(described.text(Bars::Plain, None).is_ascii());
        let long: String = (0..50).map(|row| format!("{row},{}{row}\n", "long ".repeat(8))).collect();
        let text = summary(&format!("a,b\n{long}")).text(Bars::Blocks, Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
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
        let texts = [0.1 + 0.2, 123_456.7, -0.000_012_345_67, 1e-20, 1e30, 42.0].map(|number| rounded(number, 5));
        assert_eq!(texts, ["0.3", "123457", "-1.2346e-5", "1.0000e-20", "1.0000e30", "42"]);
    }
}
