//! `wgrad inspect`: what a model file holds.

use std::path::PathBuf;

use clap::Args;

use super::naming::named_model;
use super::print;
use crate::error::Result;
use crate::model::{Model, resolve_model};

/// The arguments of `wgrad inspect`.
#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// A model file, a run's folder or name, or latest
    model: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// No notes on stderr; warnings stay
    #[arg(short, long)]
    quiet: bool,
}

/// Shows a model.
pub(super) fn run(arguments: &InspectArguments) -> Result<()> {
    let path = resolve_model(&named_model(&arguments.model, arguments.quiet)?)?;
    let model = Model::load(&path)?;
    let summary = model.summary(std::fs::metadata(&path).ok().map(|metadata| metadata.len()));
    if arguments.json { print::json("inspect", &summary) } else { print::line(summary) }
}
