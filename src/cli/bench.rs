//! `wgrad bench`: how fast wgrad is on this machine.

use std::time::Instant;

use clap::{Args, Subcommand};

use super::print;
use crate::bench::{self, TrainingOptions, WorkloadName};
use crate::error::Result;
use crate::training::values::{count, count_above_zero};
use crate::training::{Device, Wanted};

/// The arguments of `wgrad bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Time one of the workloads that other programs are compared on
    Training(TrainingArguments),
}

/// The arguments of `wgrad bench training`.
#[derive(Debug, Args)]
struct TrainingArguments {
    /// The net, its data, its batches and its rate
    #[arg(long, default_value = "digits")]
    workload: WorkloadName,
    /// Epochs that are timed
    #[arg(long, value_name = "N", default_value = "1", value_parser = count_above_zero)]
    epochs: usize,
    /// Rows of the data, from its beginning [default: all]
    #[arg(long, value_name = "N", value_parser = count_above_zero)]
    samples: Option<usize>,
    /// Epochs before the clock starts [default: 1; tiny: 100]
    #[arg(long, value_name = "N", value_parser = count)]
    warmup: Option<usize>,
    /// auto, cpu, gpu, gpu:INDEX (see 'wgrad devices') or a part of a GPU's name
    #[arg(long, default_value = "auto", help_heading = "Device")]
    device: Wanted,
    /// Threads of the CPU path [default: as many as there are cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Device")]
    threads: Option<u16>,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Measures.
pub(super) fn run(arguments: &BenchArguments) -> Result<()> {
    match &arguments.what {
        What::Training(arguments) => training(arguments),
    }
}

fn training(arguments: &TrainingArguments) -> Result<()> {
    let started = Instant::now();
    let device = Device::choose(&arguments.device, arguments.threads.map(usize::from), false)?;
    let options = TrainingOptions {
        workload: arguments.workload,
        epochs: arguments.epochs,
        samples: arguments.samples,
        warmup: arguments.warmup,
    };
    let report = bench::training(&options, &device, started)?;
    if arguments.json { print::json("bench training", &report) } else { print::line(report) }
}
