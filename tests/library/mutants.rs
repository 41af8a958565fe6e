//! Shaders that are wrong in one place each: the comparison with the oracle must find every one of them, or it proves
//! nothing.

mod faults;

use crate::common::{Case, Failed, Shared, Trial};
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::Device;
use wgrad::kernels::{Form, Kernel, Shader};
use wgrad::plan::Launch;
use wgrad::verification::checks::steps_together_are_as_one_by_one;

/// What is wrong, in which kernel of which case, and where it must be noticed first.
struct Fault {
    name: &'static str,
    kernel: &'static str,
    from: &'static str,
    to: &'static str,
    case: Case,
    noticed: &'static str,
    /// Invocations a workgroup, where the fault is in what is written for software adapters, or for GPUs; otherwise the device's own.
    lanes: Option<u32>,
}

impl Fault {
    /// The same, in what is written for devices of so many lanes.
    fn with_lanes(self, lanes: u32) -> Self {
        Self { lanes: Some(lanes), ..self }
    }

    fn check(&self, device: &Device) -> Result<(), Failed> {
        let device = &match self.lanes {
            Some(lanes) => device.clone().with_lanes(lanes),
            None => device.clone(),
        };
        let plan = self.case.plan();
        let lanes = device.limits().target.lanes;
        let is_altered = |launch: &Launch| {
            let forms = launch.choice.unwrap_or_default().forms(lanes);
            let mut altered = forms.filter(|&form| self.shader(launch.kernel.as_ref(), form).is_some());
            launch.kernel.name() == self.kernel && altered.next().is_some()
        };
        if !plan.training.iter().any(is_altered) {
            return Err(format!("no {} has the text that is to be altered", self.kernel).into());
        }
        let findings = self.case.findings(&mut self.gpu(device)?)?;
        match findings.iter().find(|finding| finding.outcome.is_err()) {
            None if plan.training[0].kernel.takes_many_steps() => self.is_noticed_among_steps(device),
            None => Err("was not noticed".into()),
            Some(finding) if finding.launch.starts_with(self.noticed) => Ok(()),
            Some(finding) => Err(format!("was noticed in the wrong place: {finding:?}").into()),
        }
    }

    /// A kernel's altered shader in one of its forms; none where it has not the text.
    fn shader(&self, kernel: &dyn Kernel, form: Form) -> Option<Shader> {
        let Shader { name, source } = kernel.shader(form);
        let has_text = kernel.name() == self.kernel && source.contains(self.from);
        has_text.then(|| Shader { name: format!("{name}, altered"), source: source.replacen(self.from, self.to, 1) })
    }

    /// A GPU whose shaders are altered, and whose oracle is not.
    fn gpu(&self, device: &Device) -> Result<Gpu, Failed> {
        let shader = |kernel: &dyn Kernel, form| self.shader(kernel, form).unwrap_or_else(|| kernel.shader(form));
        Ok(Gpu::with_shaders(self.case.plan(), device.clone(), &shader)?)
    }

    /// The oracle takes one step at a time: what is wrong between steps shows when several are taken in one dispatch.
    fn is_noticed_among_steps(&self, device: &Device) -> Result<(), Failed> {
        steps_together_are_as_one_by_one(&mut Gpu::new(self.case.plan(), device.clone())?, &self.case)??;
        let altered = steps_together_are_as_one_by_one(&mut self.gpu(device)?, &self.case)?;
        if altered.is_err() { Ok(()) } else { Err("was not noticed".into()) }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let unaltered = |device| match faults::nothing().check(&device) {
        Err(failed) if failed.message() == Some("was not noticed") => Ok(()),
        other => Err(format!("an unaltered shader gave {other:?}").into()),
    };
    let mut trials = vec![shared.trial("nothing is noticed where nothing is altered".into(), unaltered)];
    for fault in faults::all() {
        let name = format!("is noticed in {}: {}", fault.kernel, fault.name);
        trials.push(shared.trial_of(name, fault.case.clone(), move |_, device| fault.check(&device)));
    }
    trials
}
