//! What the user said about the columns.

use serde::{Deserialize, Serialize};

use crate::data::Task;

/// What to do about missing cells in input columns. A missing target is an error, unless its row is dropped. The default
/// here is an error; that of `wgrad train` is the median.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// They are an error.
    #[default]
    Error,
    /// Their rows are left out.
    Drop,
    /// The mean of the column stands in; of text, the most frequent value.
    Mean,
    /// The median of the column stands in; of text, the most frequent value.
    Median,
    /// The most frequent value of the column stands in.
    Mode,
}

/// How numeric columns are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// To mean 0 and deviation 1 (of the population); a constant column to 0.
    Standard,
    /// To 0 … 1: from the smallest to the largest, of bytes always from 0 to 255; a constant column to 0.
    Minmax,
    /// Not at all.
    None,
}

/// What the user said about the columns. A column is named by its name or by its position from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct FitOptions {
    /// The target columns; empty = the last that is not ignored.
    pub target: Vec<String>,
    /// The task; none = see [`task`](super::task).
    pub task: Option<Task>,
    /// The columns that are left out.
    pub ignore: Vec<String>,
    /// The numeric columns that are categories.
    pub categorical: Vec<String>,
    /// What to do about missing cells.
    pub missing: Missing,
    /// The cells that count as missing beside empty ones; none = the usual ones.
    pub missing_values: Option<Vec<String>>,
    /// How numbers are scaled; none = minmax if all input columns are bytes, else standard.
    pub scale: Option<Scale>,
    /// The most bins of a numeric column, each of which makes an input beside the scaled number; none = as
    /// [`bins`](super::bins) says.
    pub bins: Option<usize>,
    /// How the targets of a regression are scaled where `scale` says nothing; none = standard. An output that is bounded,
    /// such as a sigmoid's, reaches them only with minmax.
    pub target_scale: Option<Scale>,
}
