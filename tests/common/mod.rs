//! What several test binaries share: cases to hold against the oracle, and the device to do it on.
#![allow(dead_code, unused_imports, reason = "no test binary uses everything here")]

mod desk;
mod python;

use std::sync::{Arc, OnceLock};

pub(crate) use desk::{Desk, ended, last_after};
use libtest_mimic::{Failed, Trial};
pub(crate) use python::python;
use wgrad::executor::Executor;
use wgrad::executor::gpu::device::{Device, Gpus};
pub(crate) use wgrad::verification::Case;

/// That nothing is outside its bound.
pub(crate) fn check(case: &Case, mut executor: impl Executor<f32>) -> Result<(), Failed> {
    let findings = case.findings(&mut executor)?;
    assert_eq!(findings.len(), case.expected_findings(executor.plan()), "every buffer that a launch writes is compared");
    match findings.iter().find(|finding| finding.outcome.is_err()) {
        None => Ok(()),
        Some(finding) => Err(format!("{finding:?}").into()),
    }
}

/// A device, or why there is none.
fn device() -> Result<Device, Failed> {
    let gpus = Gpus::find();
    if gpus.list().is_empty() {
        return Err(
            "no GPU adapter: install one (Debian: apt-get install mesa-vulkan-drivers), or set WGRAD_TEST_NO_GPU=1".into()
        );
    }
    Ok(gpus.open(0)?)
}

/// Opens the device once for all trials of a binary, and leaves them out where `WGRAD_TEST_NO_GPU=1`.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<OnceLock<Result<Device, Failed>>>);

impl Shared {
    /// A trial that needs the device.
    pub(crate) fn trial(&self, name: String, check: impl FnOnce(Device) -> Result<(), Failed> + Send + 'static) -> Trial {
        let left_out = std::env::var("WGRAD_TEST_NO_GPU").is_ok_and(|value| value == "1");
        let shared = self.clone();
        Trial::test(name, move || check(shared.0.get_or_init(device).clone()?)).with_ignored_flag(left_out)
    }

    /// A trial of a case; what the device is never given is left out, with a line.
    pub(crate) fn trial_of(
        &self,
        name: String,
        case: Case,
        check: impl FnOnce(&Case, Device) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        self.trial(name.clone(), move |device| {
            if case.is_for(&device.limits().target) {
                return check(&case, device);
            }
            eprintln!(
                "left out, since {} has no subgroups of as many lanes, or too little memory for a workgroup: {name}",
                device.info().name
            );
            Ok(())
        })
    }
}
