//! One run, from what `--tune` measures to its report.

use clap::ColorChoice;

use crate::cli::print;
use crate::cli::progress::Progress;
use crate::error::Result;
use crate::training::{Destination, Run, RunReport};

/// Trains, with progress on stderr, after the measurement that `--tune` asks for.
pub(super) fn trained(mut ready: Run, destination: Destination, quiet: bool, color: ColorChoice) -> Result<RunReport> {
    tune(&mut ready, quiet)?;
    let mut progress = Progress::new(quiet);
    let report = ready.train(destination, &mut progress);
    progress.finish();
    let report = report?;
    progress.show(&report.curve, color);
    Ok(report)
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
