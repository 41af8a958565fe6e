//! What a net is trained for.

use serde::{Deserialize, Serialize};

/// What a net is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// To name the class of a row.
    Classification,
    /// To give one or more numbers for a row.
    Regression,
}
