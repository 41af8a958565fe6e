//! `wgrad report`: a run's page made anew from its files, or several runs side by side.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::print;
use crate::error::{Result, shown};
use crate::report::{Comparison, Story};

/// The arguments of `wgrad report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad report runs/digits-1 --open
           wgrad report runs/digits-1 runs/digits-2 -o comparison.html")]
pub(super) struct ReportArguments {
    /// A run's folder; several are compared
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The page [default: report.html in the run's folder; of several runs comparison.html here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Open the page with the system's program for it
    #[arg(long)]
    open: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings
    #[arg(short, long)]
    quiet: bool,
}

/// Makes the page.
pub(super) fn run(arguments: &ReportArguments) -> Result<()> {
    let (mut stories, mut remarks) = (Vec::new(), Vec::new());
    for folder in &arguments.runs {
        let (story, remark) = Story::read(folder)?;
        stories.push(story);
        remarks.extend(remark);
    }
    print::remarks(&remarks);
    let page = arguments.output.clone().unwrap_or_else(|| match &arguments.runs[..] {
        [run] => run.join("report.html"),
        _ => PathBuf::from("comparison.html"),
    });
    super::refuse_own(&page)?;
    let path = page.to_string_lossy();
    let result = match <[Story; 1]>::try_from(stories) {
        Ok([story]) => {
            story.save(&page)?;
            json!({ "page": path, "runs": [story.told()] })
        }
        Err(stories) => {
            let comparison = Comparison::new(stories);
            comparison.save(&page)?;
            let compared = comparison.compared();
            json!({ "page": path, "runs": compared.runs, "differences": compared.differences })
        }
    };
    if arguments.json {
        print::json("report", &result)?;
    } else if !arguments.quiet {
        print::line(format_args!("written: {}", shown(&path)))?;
    }
    if let (true, Err(why)) = (arguments.open, opened(&page)) {
        print::remarks(&[format!("{} could not be opened: {why}", shown(&path))]);
    }
    Ok(())
}

/// Opens a page with the system's program for it. One that is still at work after a moment has not failed.
fn opened(page: &Path) -> std::result::Result<(), String> {
    /// How long a failure is waited for.
    const MOMENT: Duration = Duration::from_millis(1500);
    let (program, arguments): (&str, &[&str]) = if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    let page = page.canonicalize().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(arguments).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let begun = Instant::now();
    while begun.elapsed() < MOMENT {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{program}: {status}")),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    Ok(())
}
