//! What people type: one file a subcommand; flags in, calls out, nothing computed here.

mod bench;
mod colour;
mod completions;
mod curve;
mod data;
mod devices;
mod evaluate;
mod explain;
mod export;
mod gradcheck;
mod import;
mod inspect;
mod lesson;
mod man;
mod memory;
mod moving;
mod naming;
mod pages;
mod plan;
mod predict;
mod print;
mod progress;
mod report;
mod runs;
mod signals;
mod sweep;
mod tips;
mod train;
mod verify;

use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

use crate::error::Result;
use crate::threads;

/// Trains dense neural networks on any GPU, or on the CPU by the same plan.
#[derive(Debug, Parser)]
#[command(name = "wgrad", version, about, max_term_width = 120, after_help = EXIT_CODES, subcommand_required = true)]
#[command(arg_required_else_help = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// Colours on a terminal: auto (unless the variable `NO_COLOR` is set), always or never; what is no terminal never gets any
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    color: ColorChoice,
}

// Lines of up to 79 characters: clap breaks longer ones wherever a terminal of 80 columns ends.
const EXIT_CODES: &str = "\
Start with:  wgrad train digits

Exit codes:  0 done · 1 internal · 2 usage · 3 data · 4 a check failed
             5 no such device, or lost · 6 memory or limit · 7 diverged
             8 model or checkpoint unfit · 130/143 interrupted, state saved";

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and save it into a run's folder
    Train(Box<train::TrainArguments>),
    /// Try many options side by side, and keep the best network
    Sweep(Box<sweep::SweepArguments>),
    /// Judge a model on data with known targets
    Evaluate(evaluate::EvaluateArguments),
    /// Predict the targets of data, as CSV
    Predict(predict::PredictArguments),
    /// Show a run as a page for the browser, or several side by side
    Report(report::ReportArguments),
    /// List runs with their scores, the newest first
    Runs(runs::RunsArguments),
    /// Show what a model file holds
    Inspect(inspect::InspectArguments),
    /// Write a model as ONNX, plain safetensors, npz, JSON or a page for the browser
    Export(export::ExportArguments),
    /// Make a model of a net from an ONNX or a plain safetensors file
    Import(import::ImportArguments),
    /// Show what wgrad sees in a file: columns, types, missing cells, classes
    Data(data::DataArguments),
    /// Replay a famous small numpy program, with its numbers and what it shows
    Lesson(lesson::LessonArguments),
    /// Follow one row through a network and back, number by number
    Explain(Box<explain::ExplainArguments>),
    /// Measure how fast wgrad is on this machine
    Bench(Box<bench::BenchArguments>),
    /// List the devices that wgrad can compute on
    Devices(devices::DevicesArguments),
    /// Prove that a GPU computes what it should
    Verify(verify::VerifyArguments),
    /// Hold a model's gradients against central differences of its loss
    Gradcheck(gradcheck::GradcheckArguments),
    /// Print what a shell needs to complete commands, options and their values
    Completions(completions::CompletionsArguments),
    /// Print the manual page, or write those of all commands into a folder
    Man(man::ManArguments),
}

impl CommandLine {
    /// What was typed, or what is wrong with it, with wgrad's word where another program's was typed.
    ///
    /// # Errors
    /// As clap's `try_parse`.
    pub fn typed() -> std::result::Result<Self, clap::Error> {
        Self::try_parse().map_err(|error| {
            let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            tips::with_tip(error, &Self::command(), &words)
        })
    }
}

/// Runs what was typed.
///
/// # Errors
/// Everything that the command can fail with.
pub fn run(line: CommandLine) -> Result<()> {
    signals::outlive_full_files();
    // A training's threads may be named in a file of options, which is read first.
    if !matches!(line.command, Command::Train(_) | Command::Sweep(_)) {
        print::remarks(threads::begin(line.command.threads())?.as_slice());
    }
    match line.command {
        Command::Train(arguments) => train::run(*arguments, line.color),
        Command::Sweep(arguments) => sweep::run(*arguments, line.color),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Lesson(arguments) => lesson::run(arguments, line.color),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Gradcheck(arguments) => gradcheck::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, CommandLine::command()),
        Command::Man(arguments) => man::run(&arguments, CommandLine::command()),
    }
}

impl Command {
    /// The threads that were asked for.
    fn threads(&self) -> Option<usize> {
        let threads = match self {
            Self::Evaluate(arguments) => arguments.device.threads,
            Self::Predict(arguments) => arguments.device.threads,
            Self::Bench(arguments) => arguments.threads(),
            _ => None,
        };
        threads.map(usize::from)
    }
}
