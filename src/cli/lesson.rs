//! `wgrad lesson`: replays one of the famous small programs, or lists them.

use std::path::PathBuf;

use clap::ColorChoice;
use serde_json::json;

use super::pages::Pages;
use super::{colour, print};
use crate::error::{Error, Result};
use crate::lesson::{self, Answer, Canvas, Options, QUESTIONS, Question};
use crate::training::session::PrecisionName;
use crate::training::session::Wanted;

/// What `wgrad lesson` takes.
#[derive(Debug, clap::Args)]
pub(super) struct LessonArguments {
    /// A lesson's name, or a question; without it wgrad lists the lessons
    #[arg(value_name = "LESSON")]
    name: Vec<String>,
    /// Where to compute: cpu, gpu, gpu:INDEX, a part of a GPU's name, or auto
    #[arg(long, default_value = "cpu")]
    device: Wanted,
    /// The type of the numbers: f64 on the CPU and f32 on a GPU, unless said otherwise
    #[arg(long, value_enum)]
    precision: Option<PrecisionName>,
    /// The data of the lesson `admissions`, or your own rows for `plane`
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Also run the lesson `loy` from each seed from 0 to N - 1, and count how many of these runs learn
    #[arg(long, value_name = "N")]
    seeds: Option<u32>,
    /// Also run variants of the program from the same first weights: trask, trask-hidden, loy and backprop-2-2-1 have some
    #[arg(long)]
    compare: bool,
    /// Write the lesson, with its curves and the picture of its net, as one HTML file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a page on which the lesson's network trains in the browser, by the same kernels
    #[arg(long, value_name = "FILE")]
    play: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings: the exit code is the answer
    #[arg(short, long)]
    quiet: bool,
}

/// Prints the list, the answers to a question, or a lesson's report.
///
/// # Errors
/// Usage, data or no device, as [`lesson::run`]; a failed check, if the numbers do not agree.
pub(super) fn run(arguments: LessonArguments, color: ColorChoice) -> Result<()> {
    let LessonArguments { name, device, precision, data, seeds, compare, html, play, json, quiet } = arguments;
    let options = Options { device, precision, data, seeds, compare };
    let name = name.join(" ");
    // A text is a question unless it is a lesson's name, or close to one.
    let found = if lesson::is_like_a_name(&name) { Vec::new() } else { lesson::answers(&name) };
    if name.is_empty() || !found.is_empty() {
        if options.data.is_some() || options.seeds.is_some() || options.compare || html.is_some() || play.is_some() {
            return Err(Error::Usage(
                "--data, --seeds, --compare, --html and --play go with a lesson's name: wgrad lesson NAME".into(),
            ));
        }
        return if name.is_empty() { list(json) } else { answer(&name, &found, json) };
    }
    play.as_ref().map_or(Ok(()), |_| lesson::check_play(&name))?;
    let pages = Pages::new(html.as_deref(), play.as_deref())?;
    let report = lesson::run(&name, &options)?;
    let printed = match (json, quiet) {
        (true, _) => print::json("lesson", &report),
        (_, true) => Ok(()),
        _ => print::bytes(report.text(canvas(color)).as_bytes()),
    };
    pages.save(quiet || json, || Ok(report.page()), || lesson::play(&report, &options, 1))?;
    printed?;
    if report.agrees {
        return Ok(());
    }
    Err(Error::CheckFailed(format!(
        "the numbers of the lesson '{name}' do not agree: they differ by up to {:.1e}",
        report.largest_difference
    )))
}

/// Where a picture is drawn: on a terminal that takes its characters.
fn canvas(color: ColorChoice) -> Option<Canvas> {
    let columns = print::columns_of_stdout().filter(|_| print::takes_all_characters())?;
    Some(Canvas { columns, coloured: colour::is_allowed(color) })
}

/// Prints the lessons, a line each, and what learners ask.
fn list(json: bool) -> Result<()> {
    let lessons = lesson::names().map(|name| (name, lesson::summary(name).unwrap_or_default()));
    if json {
        let lessons: Vec<_> = lessons.map(|(name, summary)| json!({ "name": name, "summary": summary })).collect();
        return print::json("lesson", &json!({ "lessons": lessons, "questions": QUESTIONS }));
    }
    for (name, summary) in lessons {
        print::line(format!("{name:16}{summary}"))?;
    }
    print::line("\nWhat learners ask")?;
    for Question { question, command } in QUESTIONS {
        print::line(format!("{question:64}{command}"))?;
    }
    print::line("\nRun one with: wgrad lesson NAME [--compare] [--html FILE] [--device cpu|gpu] [--precision f32|f64]")
}

/// Prints the lessons that answer a question, a line each.
fn answer(question: &str, found: &[Answer], json: bool) -> Result<()> {
    if json {
        return print::json("lesson", &json!({ "question": question, "answers": found }));
    }
    found.iter().try_for_each(|Answer { command, answers, .. }| print::line(format!("{command:38}{answers}")))
}
