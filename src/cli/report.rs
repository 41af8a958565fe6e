//! `wgrad report`: a run's page made anew from its files, or several runs side by side.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::print;
use crate::error::{Result, shown};
use crate::files::Place;
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
    let place = Place::named(&page)?;
    let path = page.to_string_lossy();
    let result = match <[Story; 1]>::try_from(stories) {
        Ok([story]) => {
            story.save(&place)?;
            json!({ "page": path, "runs": [story.told()] })
        }
        Err(stories) => {
            let comparison = Comparison::new(stories);
            comparison.save(&place)?;
            let compared = comparison.compared();
            json!({ "page": path, "runs": compared.runs, "differences": compared.differences })
        }
    };
    if arguments.json {
        print::json("report", &result)?;
    } else if !arguments.quiet {
        print::line(format_args!("written: {}", shown(&path)))?;
    }
    if let (true, Err(why)) = (arguments.open, page.canonicalize().and_then(open::that_detached)) {
        let why = match why.kind() {
            ErrorKind::NotFound => "wgrad found no program that opens pages, such as xdg-open".to_owned(),
            _ => why.to_string(),
        };
        print::remarks(&[format!("{} could not be opened: {why}", shown(&path))]);
    }
    Ok(())
}
