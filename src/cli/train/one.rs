//! One run, from what `--tune` measures to its report.

use crate::cli::print;
use crate::cli::progress::Progress;
use crate::error::{Result, typed};
use crate::name;
use crate::training::{Destination, Run, RunReport};

/// Trains, while `progress` watches, after the measurement that `--tune` asks for.
pub(super) fn trained(mut ready: Run, destination: Destination, progress: &mut Progress) -> Result<RunReport> {
    tune(&mut ready, progress.is_quiet())?;
    ready.notes.commands.push(command());
    let report = ready.train(destination, progress);
    progress.finish();
    let report = report?;
    progress.show(&report);
    Ok(report)
}

/// The command line, as it can be typed again.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| typed(&name::text(&word)));
    std::iter::once("wgrad".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Measures, where it is asked for, how the products are computed fastest.
fn tune(ready: &mut Run, quiet: bool) -> Result<()> {
    let tuned = ready.tune()?;
    if !quiet {
        print::remarks(&tuned.iter().map(|(product, tuned)| tuned.of(product)).collect::<Vec<_>>());
        if ready.options.device.tuned.is_none() && ready.options.device.tune == Some(true) {
            print::remarks(&["there is nothing to tune: every product has one way to be computed here".into()]);
        }
    }
    Ok(())
}
