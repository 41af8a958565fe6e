//! What files of tests share: cases to hold against the oracle, the device to do it on, the binary in a folder of its own.
#![allow(dead_code, unused_imports, unused_macros, reason = "neither of the two test crates uses everything here")]

mod desk;
mod python;
mod run;

use std::sync::OnceLock;

pub(crate) use desk::{Desk, ended, last_after};
use libtest_mimic::{Completion, Failed, Trial};
pub(crate) use python::python;
pub(crate) use run::run;
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

/// Opens the device once for all trials of a crate, and leaves them out where `WGRAD_TEST_NO_GPU=1`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shared;

impl Shared {
    /// A trial that needs the device.
    pub(crate) fn trial(&self, name: String, check: impl FnOnce(Device) -> Result<(), Failed> + Send + 'static) -> Trial {
        self.trial_if(name, |_| Ok(()), check)
    }

    /// A trial of a case, but for what the device is never given.
    pub(crate) fn trial_of(
        &self,
        name: String,
        case: Case,
        check: impl FnOnce(&Case, Device) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        let target = case.clone();
        let applies = move |device: &Device| {
            let why = "it has no subgroups of as many lanes, or too little memory for a workgroup";
            if target.is_for(&device.limits().target) { Ok(()) } else { Err(why.to_owned()) }
        };
        self.trial_if(name, applies, move |device| check(&case, device))
    }

    /// A trial that is left out on a device for the reason that `applies` gives.
    pub(crate) fn trial_if(
        &self,
        name: String,
        applies: impl FnOnce(&Device) -> Result<(), String> + Send + 'static,
        check: impl FnOnce(Device) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        static DEVICE: OnceLock<Result<Device, Failed>> = OnceLock::new();
        let left_out = std::env::var("WGRAD_TEST_NO_GPU").is_ok_and(|value| value == "1");
        let trial = move || {
            let device = DEVICE.get_or_init(device).clone()?;
            if let Err(reason) = applies(&device) {
                return Ok(Completion::ignored_with(format!("{}: {reason}", device.info().name)));
            }
            check(device).map(|()| Completion::Completed)
        };
        Trial::ignorable_test(name, trial).with_ignored_flag(left_out)
    }
}

/// Trials of functions that panic where something is not as it should be, under their own names.
macro_rules! named {
    ($($(#[$condition:meta])* $function:ident),* $(,)?) => {{
        let mut trials = Vec::new();
        $(
            $(#[$condition])*
            trials.push(libtest_mimic::Trial::test(stringify!($function), || {
                $function();
                Ok(())
            }));
        )*
        trials
    }};
}
pub(crate) use named;
