//! An earlier report to compare with: which cells have become slower by more than they may.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::comparison::Cell;
use super::report::seconds;
use crate::error::{Error, Result, shown};

/// The cells of a report that `wgrad bench --json` printed.
#[derive(Debug, Clone, Deserialize)]
pub struct Baseline {
    cells: Vec<Cell>,
}

/// A cell that has become slower by more than it may.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regression {
    /// The net.
    pub net: String,
    /// Rows of the batch.
    pub batch: usize,
    /// The device's name.
    pub device: String,
    /// Median seconds of a step then.
    pub before: f64,
    /// Median seconds of a step now.
    pub now: f64,
}

impl Baseline {
    /// Reads a report.
    ///
    /// # Errors
    /// Data, if it cannot be read or is no such report.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::reading(path, &error))?;
        serde_json::from_str(&text).map_err(|error| {
            let name = path.to_string_lossy();
            Error::Data(format!("{}: is no report of 'wgrad bench --json': {error}", shown(&name)))
        })
    }

    /// The cells that are slower than before by more than this share, by the medians.
    ///
    /// # Errors
    /// Data, if no net, batch size and device were measured both times.
    pub fn regressions(&self, cells: &[Cell], most: f64) -> Result<Vec<Regression>> {
        let before = |cell: &Cell| {
            let same = |old: &&Cell| old.net == cell.net && old.batch == cell.batch && old.device == cell.device;
            self.cells.iter().find(same)
        };
        let pairs: Vec<(&Cell, &Cell)> = cells.iter().filter_map(|cell| Some((before(cell)?, cell))).collect();
        if pairs.is_empty() {
            return Err(Error::Data(
                "the baseline has no net, batch size and device in common with what was measured: take the same flags on the \
                 same machine"
                    .into(),
            ));
        }
        // What cannot be compared, as NaN, is no success.
        let slower = |(old, new): &(&Cell, &Cell)| {
            let within = new.step.median <= old.step.median * (1.0 + most);
            !within
        };
        Ok(pairs
            .into_iter()
            .filter(slower)
            .map(|(old, new)| Regression {
                net: new.net.clone(),
                batch: new.batch,
                device: new.device.clone(),
                before: old.step.median,
                now: new.step.median,
            })
            .collect())
    }
}

/// That nothing has become slower.
///
/// # Errors
/// Check failed, naming what has.
pub fn check(regressions: &[Regression]) -> Result<()> {
    if regressions.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = regressions.iter().map(ToString::to_string).collect();
    Err(Error::CheckFailed(format!("slower than the baseline allows:\n{}", lines.join("\n"))))
}

impl std::fmt::Display for Regression {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slower = 100.0 * (self.now / self.before - 1.0);
        let (before, now) = (seconds(self.before), seconds(self.now));
        write!(
            text,
            "  {}, batches of {}, {}: {before} before, {now} now (+{slower:.0} %)",
            self.net, self.batch, self.device
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::statistics::Statistics;

    fn cell(batch: usize, median: f64) -> Cell {
        Cell {
            net: "3-4-1".into(),
            batch,
            device: "the CPU, 1 thread".into(),
            gpu: false,
            software: false,
            step: Statistics::of(&[median]),
            device_step: None,
            samples_per_second: 1.0,
            gflops: 1.0,
            computed_gflops: 1.0,
            share_of_peak: 1.0,
            intensity: 1.0,
        }
    }

    #[test]
    fn only_what_is_slower_by_more_than_it_may_is_a_regression() {
        let baseline = Baseline { cells: vec![cell(1, 1.0), cell(2, 1.0), cell(4, 1.0)] };
        let now = [cell(1, 1.09), cell(2, 1.11), cell(4, 0.5), cell(8, 9.0)];
        let regressions = baseline.regressions(&now, 0.1).expect("cells in common");
        assert_eq!(regressions.iter().map(|regression| regression.batch).collect::<Vec<_>>(), [2]);
        assert_eq!(check(&regressions).expect_err("slower").exit_code(), 4);
        assert!(check(&baseline.regressions(&now, 0.2).expect("cells in common")).is_ok());
        assert_eq!(baseline.regressions(&[cell(2, f64::NAN)], 0.1).expect("cells in common").len(), 1);
    }

    #[test]
    fn a_baseline_of_something_else_is_no_success() {
        let baseline = Baseline { cells: vec![cell(1, 1.0)] };
        assert_eq!(baseline.regressions(&[cell(3, 1.0)], 0.1).expect_err("nothing in common").exit_code(), 3);
    }
}
