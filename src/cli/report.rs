//! `wgrad report`: a run's page made anew from its files, or several runs side by side.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::naming::named;
use super::print;
use crate::error::{Result, shown};
use crate::files::Place;
use crate::files::run::REPORT;
use crate::model::{Named, folds_of, is_folds, is_sweep};
use crate::report::sweep::SweepPage;
use crate::report::{Comparison, Story};

/// The arguments of `wgrad report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad report runs/digits-1 --open
           wgrad report latest --open
           wgrad report runs/digits-1 runs/digits-2 -o comparison.html
           wgrad report runs/wine-1")]
pub(super) struct ReportArguments {
    /// A run's or a sweep's folder or name, or latest; several runs are compared, and so are the folds of a cross-validation
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The page [default: report.html in the folder; of several runs comparison-NAMES.html here]
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
    if let [name] = &arguments.runs[..] {
        let named = Named::of(name)?;
        if is_sweep(&named.path) {
            return of_sweep(&named, arguments);
        }
    }
    let (mut folders, mut whole) = (Vec::new(), None);
    for name in &arguments.runs {
        let folder = named(name, arguments.quiet)?;
        match folds_of(&folder) {
            folds if folds.is_empty() => folders.push(folder),
            folds => {
                folders.extend(folds);
                whole = Some(folder);
            }
        }
    }
    let whole = whole.filter(|_| arguments.runs.len() == 1);
    let (is_mixed, mut stories, mut remarks) = (whole.is_none() && folders.len() > 1, Vec::new(), Vec::new());
    for folder in &folders {
        let (mut story, remark) = Story::read(folder)?;
        // Folds of several cross-validations are called alike.
        if let (true, Some(of)) = (is_mixed, folder.parent().filter(|parent| is_folds(parent)).and_then(Path::file_name)) {
            story.name = format!("{}/{}", of.to_string_lossy(), story.name);
        }
        stories.push(story);
        remarks.extend(remark);
    }
    let comparison = Comparison::new(stories.clone());
    let page = arguments.output.clone().unwrap_or_else(|| match (whole, &folders[..]) {
        (Some(folder), _) => folder.join(REPORT),
        (None, [run]) => run.join(REPORT),
        _ => PathBuf::from(comparison.file_name()),
    });
    let place = Place::named(&page)?;
    let path = page.to_string_lossy();
    // A page of runs that are called as others were, which nobody named.
    let replaces = arguments.output.is_none() && page.file_name() != Some(REPORT.as_ref()) && page.exists();
    let result = if let [story] = &stories[..] {
        print::remarks(&remarks);
        story.save(&place)?;
        json!({ "page": path, "runs": [story.told()] })
    } else {
        remarks.extend(comparison.remark());
        print::remarks(&remarks);
        comparison.save(&place)?;
        let compared = comparison.compared();
        json!({
            "page": path, "replaced": replaces, "runs": compared.runs, "differences": compared.differences,
            "other_test_rows": compared.other_test_rows,
        })
    };
    if arguments.json {
        print::json("report", &result)?;
    } else if !arguments.quiet {
        let instead = if replaces { ", in place of an earlier one" } else { "" };
        print::line(format_args!("written: {}{instead}", shown(&path)))?;
    }
    open_if_asked(&page, arguments);
    Ok(())
}

/// Makes the page of a sweep.
fn of_sweep(sweep: &Named, arguments: &ReportArguments) -> Result<()> {
    if !arguments.quiet {
        print::remarks(sweep.remark.as_slice());
    }
    let page = arguments.output.clone().unwrap_or_else(|| sweep.path.join(REPORT));
    let told = SweepPage::read(&sweep.path)?;
    told.save(&Place::named(&page)?)?;
    let path = page.to_string_lossy();
    if arguments.json {
        print::json("report", &json!({ "page": path, "sweep": told.account, "trials": told.trials.len() }))?;
    } else if !arguments.quiet {
        print::line(format_args!("written: {}", shown(&path)))?;
    }
    open_if_asked(&page, arguments);
    Ok(())
}

/// Opens the page, where that was asked for.
fn open_if_asked(page: &Path, arguments: &ReportArguments) {
    let path = page.to_string_lossy();
    if let (true, Err(why)) = (arguments.open, page.canonicalize().and_then(open::that_detached)) {
        let why = match why.kind() {
            ErrorKind::NotFound => "wgrad found no program that opens pages, such as xdg-open".to_owned(),
            _ => why.to_string(),
        };
        print::remarks(&[format!("{} could not be opened: {why}", shown(&path))]);
    }
}
