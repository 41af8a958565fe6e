//! Shaders that are wrong in one place each: the comparison with the oracle must find every one of them, or it proves
//! nothing.

#[path = "../common/mod.rs"]
mod common;
mod faults;

use std::sync::Arc;

use common::{Case, Shared};
use libtest_mimic::{Arguments, Failed};
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::Device;
use wgrad::kernels::{Form, Kernel, Shader, Step, Twin, View, ViewMut, Workspace};
use wgrad::plan::Plan;
use wgrad::verification::checks::steps_together_are_as_one_by_one;

/// A kernel whose shader is altered, and whose twin is not.
struct Mutant {
    original: Arc<dyn Kernel>,
    from: &'static str,
    to: &'static str,
}

impl Kernel for Mutant {
    fn name(&self) -> &'static str {
        self.original.name()
    }

    fn shader(&self, form: Form) -> Shader {
        let Shader { name, source } = self.original.shader(form);
        Shader { name: format!("{name}, altered"), source: source.replacen(self.from, self.to, 1) }
    }

    fn lanes(&self, form: Form) -> [u32; 2] {
        self.original.lanes(form)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        self.original.parameters(form)
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        self.original.workgroups(rows, form)
    }

    fn grid(&self, rows: usize, replicas: usize, form: Form) -> [u64; 3] {
        self.original.grid(rows, replicas, form)
    }

    fn takes_many_steps(&self) -> bool {
        self.original.takes_many_steps()
    }

    fn iterations(&self, rows: usize, form: Form) -> u64 {
        self.original.iterations(rows, form)
    }

    fn product(&self, rows: usize) -> Option<[usize; 3]> {
        self.original.product(rows)
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        self.original.bounds(step, reads, errors, before)
    }
}

macro_rules! same_twin {
    ($type:ident) => {
        impl Twin<$type> for Mutant {
            fn run(
                &self,
                step: &Step,
                reads: &[View<'_, $type>],
                writes: &mut [ViewMut<'_, $type>],
                workspace: &mut Workspace<$type>,
            ) {
                <dyn Kernel as Twin<$type>>::run(self.original.as_ref(), step, reads, writes, workspace);
            }
        }
    };
}
same_twin!(f32);
same_twin!(f64);

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
        let mut plan = self.case.plan();
        let mut altered = 0;
        for launch in &mut plan.training {
            let original = Arc::clone(&launch.kernel);
            let forms = launch.choice.unwrap_or_default().forms(device.limits().target.lanes);
            let sources: Vec<String> = forms.map(|form| original.shader(form).source).collect();
            if original.name() == self.kernel && sources.iter().any(|source| source.contains(self.from)) {
                launch.kernel = Arc::new(Mutant { original, from: self.from, to: self.to });
                altered += 1;
            }
        }
        if altered == 0 {
            return Err(format!("no {} has the text that is to be altered", self.kernel).into());
        }
        let findings = self.case.findings(&mut Gpu::new(plan.clone(), device.clone())?)?;
        match findings.iter().find(|finding| finding.outcome.is_err()) {
            None if plan.training[0].kernel.takes_many_steps() => self.is_noticed_among_steps(plan, device),
            None => Err("was not noticed".into()),
            Some(finding) if finding.launch.starts_with(self.noticed) => Ok(()),
            Some(finding) => Err(format!("was noticed in the wrong place: {finding:?}").into()),
        }
    }

    /// The oracle takes one step at a time: what is wrong between steps shows when several are taken in one dispatch.
    fn is_noticed_among_steps(&self, altered: Plan, device: &Device) -> Result<(), Failed> {
        let verdict = |plan: Plan| steps_together_are_as_one_by_one(&mut Gpu::new(plan, device.clone())?, &self.case);
        verdict(self.case.plan())??;
        if verdict(altered)?.is_err() { Ok(()) } else { Err("was not noticed".into()) }
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let shared = Shared::default();
    let unaltered = |device| match faults::nothing().check(&device) {
        Err(failed) if failed.message() == Some("was not noticed") => Ok(()),
        other => Err(format!("an unaltered shader gave {other:?}").into()),
    };
    let mut trials = vec![shared.trial("nothing is noticed where nothing is altered".into(), unaltered)];
    for fault in faults::all() {
        let name = format!("is noticed in {}: {}", fault.kernel, fault.name);
        trials.push(shared.trial_of(name, fault.case.clone(), move |_, device| fault.check(&device)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
