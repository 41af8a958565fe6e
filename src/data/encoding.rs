//! What turns a table's columns into the network's numbers: fitted on the training rows only, stored in the model.

use serde::{Deserialize, Serialize};

/// How the columns of a table become inputs and targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// The input columns, in the order of the network's inputs.
    pub inputs: Vec<InputColumn>,
    /// What the network is to say.
    pub target: Target,
}

/// One input column, found in a table by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputColumn {
    /// Its name in the table's header.
    pub name: String,
    /// How its cells become numbers.
    pub kind: InputKind,
}

/// How an input column's cells become numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum InputKind {
    /// One input: (cell - offset) / scale.
    Number {
        /// What is subtracted: the mean, the minimum or 0.
        offset: f64,
        /// What divides: the deviation, the range or 1.
        scale: f64,
        /// What stands in for a missing cell; none = a missing cell is an error.
        missing: Option<f64>,
    },
    /// One input a category: 1 for the cell's, 0 for the others.
    Category {
        /// The categories seen in training, sorted.
        categories: Vec<String>,
        /// What stands in for a missing cell; none = a missing cell is an error.
        missing: Option<String>,
    },
}

/// What the network is to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "task")]
pub enum Target {
    /// One output a class, or a single output for the second of two classes.
    Classification {
        /// The target column's name.
        column: String,
        /// The classes, sorted (numbers by value, text by code point).
        classes: Vec<String>,
    },
    /// One output a column: (cell - offset) / scale.
    Regression {
        /// The target columns.
        columns: Vec<NumberTarget>,
    },
}

/// One target column of a regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberTarget {
    /// Its name in the table's header.
    pub name: String,
    /// What is subtracted.
    pub offset: f64,
    /// What divides.
    pub scale: f64,
}
