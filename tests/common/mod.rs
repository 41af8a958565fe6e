//! What files of tests share: cases to hold against the oracle, the device to do it on, the binary in a folder of its own.
#![allow(dead_code, unused_imports, unused_macros, reason = "neither of the two test crates uses everything here")]

mod desk;
mod python;
mod run;
mod trial;

use std::cell::OnceCell;
use std::collections::HashSet;

pub(crate) use desk::{Desk, ended, last_after};
pub(crate) use libtest_mimic::{Completion, Failed};
pub(crate) use python::python;
pub(crate) use run::run;
pub(crate) use trial::{Outcome, Trial};
use wgrad::executor::Executor;
use wgrad::executor::gpu::device::{Device, Gpus};
use wgrad::kernels::whole::Variant;
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

/// Cases as the CPU computes them, each once.
#[derive(Default)]
pub(crate) struct Twins(HashSet<String>);

impl Twins {
    /// The case without the choices that only a GPU has: how products are computed, and which variant of a whole
    /// network's kernel does it. None if it was there before.
    pub(crate) fn of(&mut self, case: &Case) -> Option<Case> {
        let twin = Case { choice: None, whole: case.whole.map(|_| Variant::Invocation), ..case.clone() };
        let unnamed = Case { name: String::new(), ..twin.clone() };
        self.0.insert(format!("{unnamed:?}")).then_some(twin)
    }
}

/// Whether GPU tests are left out (`WGRAD_TEST_NO_GPU=1`).
pub(crate) fn no_gpu() -> bool {
    std::env::var("WGRAD_TEST_NO_GPU").is_ok_and(|value| value == "1")
}

/// Why GPU tests are left out.
pub(crate) const NO_GPU: &str = "WGRAD_TEST_NO_GPU=1";

/// Opens a device once for all trials of a thread, so that threads do not wait for each other's, and leaves these trials
/// out where `WGRAD_TEST_NO_GPU=1`.
#[derive(Clone, Copy)]
pub(crate) struct Shared;

impl Shared {
    /// A trial that needs the device.
    pub(crate) fn trial<T: Outcome>(
        &self,
        name: String,
        check: impl FnOnce(Device) -> Result<T, Failed> + Send + 'static,
    ) -> Trial {
        thread_local!(static DEVICE: OnceCell<Result<Device, Failed>> = const { OnceCell::new() });
        let of_thread = || DEVICE.with(|opened| opened.get_or_init(device).clone());
        Trial::test(name, move || check(of_thread()?)).left_out_if(no_gpu(), NO_GPU)
    }

    /// A trial of a case, which is left out if the device is never given it.
    pub(crate) fn trial_of(
        &self,
        name: String,
        case: Case,
        check: impl FnOnce(&Case, Device) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        self.trial(name, move |device| {
            if case.is_for(&device.limits().target) {
                return check(&case, device).map(Outcome::completion);
            }
            let why = "has no subgroups of as many lanes, or too little memory for a workgroup";
            Ok(Completion::ignored_with(format!("{} {why}", device.info().name)))
        })
    }
}

/// Trials of functions that panic where something is not as it should be, under their own names.
macro_rules! named {
    ($($(#[$condition:meta])* $function:ident),* $(,)?) => {{
        let mut trials = Vec::new();
        $(
            $(#[$condition])*
            trials.push($crate::common::Trial::test(stringify!($function), || {
                $function();
                Ok(())
            }));
        )*
        trials
    }};
}
pub(crate) use named;
