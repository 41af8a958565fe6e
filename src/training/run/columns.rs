//! What the options say about a table's columns.

use super::options::Options;
use crate::data::{FitOptions, Scale};
use crate::network::Activation;

/// What the options say about the columns.
pub fn fitting(options: &Options) -> FitOptions {
    FitOptions {
        target: options.target.clone().unwrap_or_default(),
        task: options.task,
        ignore: options.ignore.iter().flatten().chain(&options.weight_column).cloned().collect(),
        categorical: options.categorical(),
        missing: options.missing(),
        missing_values: options.missing_values.clone(),
        scale: options.scale,
        bins: options.bins,
        target_scale: target_scale(options),
    }
}

/// How the targets of a regression are scaled, as its output's activation asks for.
pub(super) fn target_scale(options: &Options) -> Option<Scale> {
    match options.output_activation {
        None | Some(Activation::Identity) => None,
        Some(_) => Some(Scale::Minmax),
    }
}
