//! `wgrad verify`: a GPU proves that it computes what it should.

use clap::Args;
use serde_json::json;

use super::moving::{MovingLine, bar};
use super::print;
use crate::error::{Error, Result, shown};
use crate::executor::gpu::device::{Device as Gpu, Gpus};
use crate::executor::gpu::info::GpuInfo;
use crate::executor::gpu::pipelines::Reuse;
use crate::training::session::{Device, Wanted};
use crate::verification::adapter::{Extent, MOST_FAILURES, QUICK, Verification, verify};
use crate::verification::faults::FaultReport;

/// The arguments of `wgrad verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every kernel gets the same numbers on the GPU and on the CPU in double precision, and may differ by what rounding explains.

Examples:  wgrad verify --quick
           wgrad verify --device gpu:1
           wgrad verify --all --json")]
pub(super) struct VerifyArguments {
    /// gpu (the best), gpu:INDEX (see 'wgrad devices') or a part of a GPU's name
    #[arg(long, default_value = "gpu", conflicts_with = "all")]
    device: Wanted,
    /// Every GPU of this machine
    #[arg(long)]
    all: bool,
    /// Every kernel on few sizes, for about 15 seconds
    #[arg(long)]
    quick: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings: the exit code is the answer
    #[arg(short, long)]
    quiet: bool,
}

/// Verifies.
pub(super) fn run(arguments: &VerifyArguments) -> Result<()> {
    let extent = if arguments.quick { Extent::Quick(QUICK) } else { Extent::Whole };
    let (mut verifications, mut unopened) = (Vec::new(), None);
    for device in devices(arguments)? {
        let device = match device {
            Ok(device) => device,
            Err(error) => {
                // The others are verified all the same.
                print::remarks(&[error.to_string()]);
                unopened.get_or_insert(error);
                continue;
            }
        };
        let (name, mut line) = (shown(&device.info().name), if arguments.quiet { None } else { MovingLine::new() });
        let verification = verify(&device, extent, &mut |done, all| {
            if let Some(line) = &mut line {
                line.show(|| format!("{name} {} {done}/{all}", bar(done as f64 / all.max(1) as f64, 30)));
            }
        });
        if let Some(line) = &mut line {
            line.clear();
        }
        if !arguments.json && !arguments.quiet {
            print::line(text(&verification))?;
        }
        verifications.push(verification);
    }
    if arguments.json {
        print::json("verify", &json!({ "devices": verifications }))?;
    }
    verdict(&verifications)?;
    unopened.map_or(Ok(()), Err)
}

/// That nothing is wrong with any of them.
fn verdict(verifications: &[Verification]) -> Result<()> {
    match verifications.iter().find(|verification| !verification.passed()) {
        None => Ok(()),
        Some(failed) => Err(Error::CheckFailed(format!(
            "{} ({}, {}) does not compute what it should: do not train on it (--device cpu), and report it with the output of \
             'wgrad verify --json'",
            shown(&failed.device.name),
            failed.device.backend,
            shown(&failed.device.driver)
        ))),
    }
}

/// The devices to verify, open; of all, those that cannot be opened are errors of their own.
fn devices(arguments: &VerifyArguments) -> Result<Vec<Result<Gpu>>> {
    if arguments.all {
        let gpus = Gpus::find();
        let count = gpus.list().len();
        if count > 0 {
            return Ok(gpus.list().iter().map(|gpu| open(&gpus, gpu)).collect());
        }
    }
    if matches!(arguments.device, Wanted::Cpu | Wanted::Auto) {
        return Err(Error::Usage(format!(
            "--device {} names no GPU, and the CPU is what GPUs are held against",
            arguments.device
        )));
    }
    let device = Device::choose(&arguments.device, None, false)?;
    let gpus = Gpus::find();
    Ok(device.gpu().map(|gpu| open(&gpus, gpu.info())).into_iter().collect())
}

/// A GPU with its matrix units, if it has some that training may use.
fn open(gpus: &Gpus, gpu: &GpuInfo) -> Result<Gpu> {
    if gpu.mixed { Ok(gpus.open_mixed(gpu.index, Reuse::Kept)?.with_splits()) } else { gpus.open(gpu.index) }
}

/// The report for a person.
fn text(verification: &Verification) -> String {
    let device = &verification.device;
    let software = if device.software { ", a software adapter" } else { "" };
    let mut lines = vec![
        format!("{} ({}, {}{software})", shown(&device.name), device.backend, shown(&device.driver)),
        String::new(),
        format!("{:<16}{:<20}{:>12}{:>26}{:>10}", "kernel", "form", "comparisons", "worst error, of its bound", "failures"),
    ];
    for kernel in &verification.kernels {
        lines.push(format!(
            "{:<16}{:<20}{:>12}{:>24.1} %{:>10}",
            kernel.kernel,
            kernel.form,
            kernel.comparisons,
            100.0 * kernel.worst,
            kernel.failures
        ));
    }
    lines.push(String::new());
    for check in &verification.checks {
        let outcome = if check.failures == 0 { "passed".to_string() } else { format!("failed in {}", check.failures) };
        let cases = if check.cases == 1 { "1 case".to_string() } else { format!("{} cases", check.cases) };
        lines.push(format!("{}: {outcome}, {cases}", check.check));
    }
    lines.extend(verification.faults.iter().filter_map(FaultReport::said));
    for left_out in &verification.left_out {
        lines.push(format!("left out: {}: {}", left_out.case, left_out.what));
    }
    if verification.failed > verification.failures.len() {
        lines.push(format!("the first {MOST_FAILURES} of {} failures:", verification.failed));
    }
    for failure in &verification.failures {
        lines.push(format!("FAILED: {}: {}", failure.case, failure.what));
    }
    if verification.not_reached > 0 {
        let count = verification.not_reached;
        lines.push(format!(
            "not reached in the time of --quick: {count} cases and checks; 'wgrad verify' goes through them all"
        ));
    }
    let outcome = if verification.passed() { "passed" } else { "FAILED" };
    lines.extend([String::new(), format!("{outcome} in {:.1} s", verification.seconds)]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_computes_nothing_is_told_so() {
        let noop = Gpus::noop().open(0).expect("wgpu's own adapter");
        let verification = verify(&noop, Extent::Quick(QUICK), &mut |_, _| {});
        let failing =
            |kernel: &str| verification.kernels.iter().any(|report| report.kernel == kernel && report.failures > 0);
        // All zeros, which is right where zeros are to be multiplied.
        for kernel in ["forward", "forward_output", "output", "whole"] {
            assert!(failing(kernel), "{kernel}");
        }
        let passed: Vec<_> = verification.checks.iter().filter(|check| check.failures == 0).collect();
        // Its memory works, and zeros are the same bits, again and again.
        let expected = |check: &str| ["same", "written", "one by one"].iter().any(|word| check.contains(word));
        assert!(passed.iter().all(|check| expected(&check.check)), "{passed:?}");
        let comparison = &verification.failures[0].what;
        assert!(comparison.contains("step 0, '") && comparison.contains("should be"), "told with its place: {comparison}");
        let report = text(&verification);
        assert!(report.contains("FAILED") && report.contains("should be"), "{report}");
        assert_eq!(verdict(&[verification]).expect_err("it fails").exit_code(), 4);
    }
}
