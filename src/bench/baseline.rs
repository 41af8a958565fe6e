//! An earlier report to compare with: which cells have become slower by more than they may.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cell::{Cell, LeftOut};
use super::machine::Machine;
use super::net::Net;
use super::statistics::Statistics;
use super::table::seconds;
use crate::error::{Error, Result, shown};
use crate::files;
use crate::training::session::Device;

/// A report that `wgrad bench --json` printed.
#[derive(Debug, Clone, Deserialize)]
pub struct Baseline {
    schema: u32,
    command: String,
    machine: Machine,
    #[serde(default)]
    tune: bool,
    cells: Vec<OldCell>,
}

/// What is needed of a cell.
#[derive(Debug, Clone, Deserialize)]
struct OldCell {
    net: String,
    batch: usize,
    device: String,
    step: Statistics,
}

/// How much of a baseline could be compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    /// Cells that were measured both times.
    pub cells: usize,
    /// Cells of the baseline.
    pub of: usize,
    /// The share by which a step may be slower.
    pub most: f64,
}

/// A cell that has become slower by more than it may, or that was left out.
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
    /// Median seconds of a step now; null if it was left out.
    pub now: Option<f64>,
    /// Why it was left out; null if it was not.
    pub why: Option<String>,
}

/// Bytes of a baseline, at most.
const BYTES: u64 = 64 << 20;

impl Baseline {
    /// Reads a report of this schema.
    ///
    /// # Errors
    /// Data, if it cannot be read or is no such report, naming the place.
    pub fn read(path: &Path, schema: u32) -> Result<Self> {
        let text = files::text(path, BYTES)?;
        let name = path.to_string_lossy();
        let wrong = |why: String| Error::Data(format!("{}: {why}", shown(&name)));
        let no_report = |why: String| wrong(format!("is no report of 'wgrad bench --json': {why}"));
        let baseline: Self = serde_json::from_str(&text).map_err(|error| no_report(error.to_string()))?;
        if baseline.command != "bench" {
            return Err(no_report(format!("it is one of '{}'", shown(&baseline.command))));
        }
        if baseline.schema != schema {
            return Err(wrong(format!("has schema {}, not {schema}: measure the baseline again", baseline.schema)));
        }
        for (index, cell) in baseline.cells.iter().enumerate() {
            let median = cell.step.median;
            if !(median.is_finite() && median > 0.0) {
                return Err(wrong(format!("cells[{index}].step.median is {median}: it must be seconds above zero")));
            }
        }
        Ok(baseline)
    }

    /// That something of it is about to be measured, before it is.
    ///
    /// # Errors
    /// Data, if no net, batch size and device are in common.
    pub fn check_asked(&self, nets: &[Net], batches: &[usize], devices: &[Device]) -> Result<()> {
        let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
        let devices: Vec<String> = devices.iter().map(Device::label).collect();
        let asked =
            |cell: &OldCell| nets.contains(&cell.net) && batches.contains(&cell.batch) && devices.contains(&cell.device);
        if self.cells.iter().any(asked) {
            return Ok(());
        }
        Err(Error::Data(
            "the baseline has no net, batch size and device in common with what is to be measured: take the same flags on the \
             same machine"
                .into(),
        ))
    }

    /// What has to be said where it was measured on another machine, or only one of the two with `--tune`.
    pub fn remarks(&self, here: &Machine, tune: bool) -> Vec<String> {
        let there = &self.machine;
        let named = |machine: &Machine| {
            let processor = machine.processor.as_deref().map_or(String::new(), |name| format!("{}, ", shown(name)));
            format!("{processor}{}", shown(&machine.architecture))
        };
        let other = there.processor.is_some() && here.processor.is_some() && there.processor != here.processor;
        let other = (other || there.architecture != here.architecture).then(|| {
            format!("the baseline was measured on another machine ({}); this one is {}", named(there), named(here))
        });
        let (with, without) = ("the baseline was measured with --tune", "the baseline was measured without --tune");
        let tuned = (self.tune != tune).then(|| String::from(if self.tune { with } else { without }));
        other.into_iter().chain(tuned).collect()
    }

    /// Compares the cells by their medians: how many could be, and which are slower than before by more than this share or were
    /// left out. Cells of the baseline that were not asked for are neither.
    pub fn compare(&self, cells: &[Cell], left_out: &[LeftOut], most: f64) -> (Compared, Vec<Regression>) {
        let mut compared = Compared { cells: 0, of: self.cells.len(), most };
        let mut regressions = Vec::new();
        for old in &self.cells {
            let now = cells.iter().find(|new| (&new.net, new.batch, &new.device) == (&old.net, old.batch, &old.device));
            let left =
                left_out.iter().find(|left| (&left.net, left.batch, &left.device) == (&old.net, old.batch, &old.device));
            compared.cells += usize::from(now.is_some());
            // What cannot be compared, as NaN, is no success.
            let slower = now.is_some_and(|new| {
                let within = new.step.median <= old.step.median * (1.0 + most);
                !within
            });
            if slower || left.is_some() {
                regressions.push(Regression {
                    net: old.net.clone(),
                    batch: old.batch,
                    device: old.device.clone(),
                    before: old.step.median,
                    now: now.map(|new| new.step.median),
                    why: left.map(|left| left.why.clone()),
                });
            }
        }
        (compared, regressions)
    }
}

/// That nothing has become slower or was left out.
///
/// # Errors
/// Check failed, naming what has.
pub fn check(regressions: &[Regression]) -> Result<()> {
    if regressions.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = regressions.iter().map(ToString::to_string).collect();
    Err(Error::CheckFailed(format!("slower than the baseline allows, or left out:\n{}", lines.join("\n"))))
}

impl std::fmt::Display for Regression {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let before = seconds(self.before);
        write!(text, "  {}, batches of {}, {}: {before} before, ", shown(&self.net), self.batch, shown(&self.device))?;
        match self.now {
            Some(now) => write!(text, "{} now (+{:.0} %)", seconds(now), 100.0 * (now / self.before - 1.0)),
            None => write!(text, "now left out: {}", self.why.as_deref().unwrap_or_default()),
        }
    }
}

impl std::fmt::Display for Compared {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = (1000.0 * self.most).round() / 10.0;
        write!(text, "compared {} of the baseline's {} cells: a step may be {percent} % slower", self.cells, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(processor: Option<&str>, architecture: &str) -> Machine {
        Machine {
            wgrad: "0".into(),
            system: "linux".into(),
            architecture: architecture.into(),
            processor: processor.map(Into::into),
            cores: 2,
        }
    }

    fn baseline(cells: Vec<Cell>) -> Baseline {
        let old = |Cell { net, batch, device, step, .. }| OldCell { net, batch, device, step };
        let cells = cells.into_iter().map(old).collect();
        Baseline { schema: 1, command: "bench".into(), machine: machine(Some("A"), "x86_64"), tune: false, cells }
    }

    #[test]
    fn only_what_is_slower_by_more_than_it_may_is_a_regression() {
        let baseline = baseline(vec![Cell::for_tests(1, 1.0), Cell::for_tests(2, 1.0), Cell::for_tests(4, 1.0)]);
        let now = [Cell::for_tests(1, 1.09), Cell::for_tests(2, 1.11), Cell::for_tests(4, 0.5), Cell::for_tests(8, 9.0)];
        let (compared, regressions) = baseline.compare(&now, &[], 0.1);
        assert_eq!(regressions.iter().map(|regression| regression.batch).collect::<Vec<_>>(), [2]);
        assert_eq!((compared.cells, compared.of), (3, 3));
        assert_eq!(check(&regressions).expect_err("slower").exit_code(), 4);
        assert!(check(&baseline.compare(&now, &[], 0.2).1).is_ok());
        assert_eq!(baseline.compare(&[Cell::for_tests(2, f64::NAN)], &[], 0.1).1.len(), 1);
    }

    #[test]
    fn what_was_left_out_is_no_success() {
        let left_out = |batch| {
            let why = "it would take long".into();
            LeftOut { net: "3-4-1".into(), batch, device: "the CPU, 1 thread".into(), why }
        };
        let baseline = baseline(vec![Cell::for_tests(1, 1.0), Cell::for_tests(2, 1.0), Cell::for_tests(4, 1.0)]);
        let (compared, regressions) = baseline.compare(&[Cell::for_tests(1, 1.0)], &[left_out(2), left_out(8)], 0.1);
        assert_eq!((compared.cells, compared.of), (1, 3));
        let error = check(&regressions).expect_err("one was left out").to_string();
        assert!(error.contains("batches of 2,") && error.ends_with("now left out: it would take long"), "{error}");
    }

    #[test]
    fn a_baseline_of_something_else_is_refused_before_the_measurement() {
        let baseline = baseline(vec![Cell::for_tests(1, 1.0)]);
        let nets = ["3-4-1".parse().expect("a net")];
        let devices = [Device::cpu(Some(1), "a test")];
        assert!(baseline.check_asked(&nets, &[1, 2], &devices).is_ok());
        assert_eq!(baseline.check_asked(&nets, &[3], &devices).expect_err("nothing in common").exit_code(), 3);
        assert!(baseline.check_asked(&nets, &[1], &[Device::cpu(Some(2), "a test")]).is_err());
    }

    #[test]
    fn another_machine_is_told() {
        let baseline = baseline(vec![Cell::for_tests(1, 1.0)]);
        let remarks = |here| baseline.remarks(&here, false);
        assert!(remarks(machine(Some("A"), "x86_64")).is_empty());
        assert!(remarks(machine(None, "x86_64")).is_empty(), "what is not known does not differ");
        assert!(remarks(machine(Some("B"), "x86_64"))[0].contains("(A, x86_64); this one is B, x86_64"));
        assert_eq!(remarks(machine(None, "aarch64")).len(), 1);
        assert_eq!(baseline.remarks(&machine(Some("A"), "x86_64"), true), ["the baseline was measured without --tune"]);
    }
}
