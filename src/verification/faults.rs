//! Faults of drivers that wgrad knows and works around: each has a probe, so that a driver which lost it is noticed, and one which
//! has it without being known for it.

use serde::Serialize;

use crate::error::Result;
use crate::executor::Executor;
use crate::executor::gpu::Gpu;
use crate::executor::gpu::device::Device;
use crate::kernels::form::Family;
use crate::kernels::{Choice, Step};
use crate::network::{Activation, Loss, Network};
use crate::plan::{Options, Phase, Plan};

/// A fault of some drivers.
struct KnownFault {
    /// What is wrong, and what wgrad does about it.
    what: &'static str,
    /// Parts of the adapter's name and of the driver's, through whatever interface.
    adapter: &'static str,
    driver: &'static str,
    /// Whether a device has it.
    probe: fn(&Device) -> Result<bool>,
}

const KNOWN: [KnownFault; 1] = [KnownFault {
    what: "the loops of an invocation end silently after 65,535 iterations (longer sums are computed in parts)",
    adapter: "llvmpipe",
    driver: "Mesa 22.",
    probe: loops_end_early,
}];

/// What a probe came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// The fault.
    pub what: String,
    /// Whether this adapter and driver are known for it.
    pub known: bool,
    /// Whether it is there.
    pub found: bool,
}

impl FaultReport {
    /// The report in a sentence; none where all is well.
    pub fn said(&self) -> Option<String> {
        let outcome = match (self.known, self.found) {
            (true, true) => "a known fault of this driver, found as expected",
            (true, false) => "a known fault of this driver, which it has no longer: please report it",
            (false, true) => "a fault that this driver is not known for: please report it",
            (false, false) => return None,
        };
        Some(format!("{outcome}: {}", self.what))
    }
}

/// Looks for every known fault on a device.
///
/// # Errors
/// What the device reports.
pub fn probe(device: &Device) -> Result<Vec<FaultReport>> {
    let info = device.info();
    let report = |fault: &KnownFault| {
        let known = info.name.contains(fault.adapter) && info.driver.contains(fault.driver);
        Ok(FaultReport { what: fault.what.to_string(), known, found: (fault.probe)(device)? })
    };
    KNOWN.iter().map(report).collect()
}

/// A sum of 280,000 terms, four an iteration, that is exact in f32: in one part, which wgrad takes care not to do otherwise.
fn loops_end_early(device: &Device) -> Result<bool> {
    const TERMS: usize = 280_000;
    const OUTPUTS: usize = 17;
    let network = Network::new(vec![TERMS, OUTPUTS], vec![Activation::Identity], false)?;
    let options = Options {
        loss: Loss::SquaredError,
        training: None,
        evaluation_rows: 1,
        evaluation_data: 0,
        replicas: 1,
        own_steps: false,
        segment_bytes: None,
    };
    let mut plan = Plan::new(&network, &options);
    for launch in plan.evaluation.iter_mut().filter(|launch| launch.kernel.product(1).is_some()) {
        launch.choice = Some(Choice { family: Family::Direct, parts: 1 });
    }
    let mut gpu = Gpu::new(plan.clone(), device.clone().without_limit_of_iterations())?;
    gpu.write(plan.parameters[0], 0, &vec![1.0 / 1024.0; TERMS * OUTPUTS])?;
    gpu.write(plan.evaluation_inputs, 0, &vec![1.0; TERMS])?;
    gpu.run(Phase::Evaluation, &[Step { rows: 1, scale: 1.0, ..Step::default() }])?;
    let outputs = gpu.read(plan.evaluation_outputs, 0, 1)?;
    Ok(outputs.iter().any(|&output| output != TERMS as f32 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expected_fault_is_told_and_so_is_one_that_went_or_came() {
        let said = |known, found| FaultReport { what: "it is wrong".into(), known, found }.said();
        assert!(said(true, true).is_some_and(|said| said.contains("as expected")));
        assert!(said(true, false).is_some_and(|said| said.contains("no longer")));
        assert!(said(false, true).is_some_and(|said| said.contains("not known for")));
        assert_eq!(said(false, false), None);
    }
}
