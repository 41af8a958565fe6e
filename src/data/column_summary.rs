//! What wgrad sees in a column: its type, its range or its values, and its gaps.

use serde::Serialize;

use super::fit::{Counted, deviation, mean};
use super::histogram::{Histogram, Places};
use super::{Cells, Column, dates};

/// A column, described.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// What its cells are.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Number of missing cells.
    pub missing: usize,
    /// Number of different values.
    pub distinct: usize,
    /// Of numbers.
    #[serde(flatten)]
    pub range: Option<Range>,
    /// Of categories, the most frequent, at most five.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<Count>,
    /// Of dates, the first and the last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<[String; 2]>,
    /// Of numbers that differ, where in their range they lie.
    #[serde(flatten)]
    pub histogram: Option<Histogram>,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// Numbers.
    Number,
    /// Whole numbers.
    Integer,
    /// Text.
    Category,
    /// Dates in ISO form.
    Date,
    /// Anything: the column is left out.
    Ignored,
}

/// Where numbers lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The smallest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
    /// The population deviation.
    pub deviation: f64,
}

/// A value and how often it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value.
    pub value: String,
    /// Number of rows.
    pub count: usize,
}

impl ColumnSummary {
    /// A column that is left out, whose cells may be anything.
    pub(super) fn ignored(column: &Column) -> Self {
        let (name, top) = (column.name.clone(), Vec::new());
        Self { name, kind: ColumnType::Ignored, missing: 0, distinct: 0, range: None, top, days: None, histogram: None }
    }

    /// A column of which these rows count, and whose texts are said to be categories or not.
    pub(super) fn of(column: &Column, rows: &[usize], is_category: bool) -> Self {
        const TOP: usize = 5;
        let name = column.name.clone();
        if let Cells::Text(_) = column.cells {
            let mut top = counts(Counted::of(column, rows));
            let distinct = top.len();
            let missing = rows.len() - top.iter().map(|count| count.count).sum::<usize>();
            let days = |is_category: bool| {
                let days: Option<Vec<f64>> = top.iter().map(|count| dates::days(&count.value)).collect();
                let days = days.filter(|_| !is_category)?;
                Some([days.iter().copied().reduce(f64::min)?, days.iter().copied().reduce(f64::max)?].map(dates::day))
            };
            if let Some(days) = days(is_category) {
                let (kind, days, top) = (ColumnType::Date, Some(days), Vec::new());
                return Self { name, kind, missing, distinct, range: None, top, days, histogram: None };
            }
            top.sort_by_key(|count| std::cmp::Reverse(count.count));
            top.truncate(TOP);
            return Self {
                name,
                kind: ColumnType::Category,
                missing,
                distinct,
                range: None,
                top,
                days: None,
                histogram: None,
            };
        }
        let mut numbers: Vec<f64> = rows.iter().filter_map(|&row| column.cells.number(row)).collect();
        numbers.sort_by(f64::total_cmp);
        let mean = mean(&numbers);
        let range = numbers.first().zip(numbers.last()).map(|(&min, &max)| {
            // The rounding of a sum may lead out of the range.
            Range { min, mean, max, deviation: deviation(&numbers, mean) }
        });
        let integer = numbers.iter().all(|number| number.fract() == 0.0);
        Self {
            name,
            kind: if integer { ColumnType::Integer } else { ColumnType::Number },
            missing: rows.len() - numbers.len(),
            distinct: numbers.chunk_by(|a, b| a == b).count(),
            histogram: Places::of(|| numbers.iter().copied()).map(|places| places.count(numbers.iter().copied())),
            range,
            top: Vec::new(),
            days: None,
        }
    }
}

/// Values and how often they are there.
pub(super) fn counts(counted: Counted) -> Vec<Count> {
    counted.names.into_iter().zip(counted.counts).map(|(value, count)| Count { value, count }).collect()
}
