//! A GPU proves itself: every kernel in every form that it may be computed in there, against the oracle, and whole training.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::faults::{self, FaultReport};
use super::{Case, Finding, cases, checks};
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::executor::gpu::Gpu;
use crate::executor::gpu::device::{Device, GpuInfo};
use crate::kernels::Target;
use crate::kernels::form::Choice;
use crate::plan::{Launch, Plan};

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every kernel in every form, on few sizes.
    Quick,
    /// Every case there is.
    Whole,
}

/// How one kernel came out in one of its forms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelReport {
    /// The kernel.
    pub kernel: String,
    /// Its form: the loop of a product, the variant of a whole network's kernel, nothing for others.
    pub form: String,
    /// Times that a buffer which it wrote was compared.
    pub comparisons: usize,
    /// The largest error as a share of its bound, of those that are within.
    pub worst: f64,
    /// Comparisons that failed.
    pub failures: usize,
}

/// A check beside the comparisons of kernels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// What is checked.
    pub check: String,
    /// In how many cases, without those that were left out.
    pub cases: usize,
    /// In how many of them it failed.
    pub failures: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The case.
    pub case: String,
    /// Where and by how much.
    pub what: String,
}

/// What a device came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// The device.
    pub device: GpuInfo,
    /// Whether only the quick part was run.
    pub quick: bool,
    /// Kernel by kernel.
    pub kernels: Vec<KernelReport>,
    /// The other checks.
    pub checks: Vec<CheckReport>,
    /// What is wrong, at most [`MOST_FAILURES`].
    pub failures: Vec<Failure>,
    /// How much is wrong in all.
    pub failed: usize,
    /// Faults of drivers that wgrad works around, and whether they are there.
    pub faults: Vec<FaultReport>,
    /// Cases that the device's limits leave no room for, with the limit.
    pub left_out: Vec<Failure>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Failures that are told one by one.
pub const MOST_FAILURES: usize = 20;

impl Verification {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Checks a device: whatever goes wrong is a failure of the verification. `progress` is told the cases done and all there are.
pub fn verify(device: &Device, extent: Extent, progress: &mut dyn FnMut(usize, usize)) -> Verification {
    let started = Instant::now();
    let target = device.limits().target;
    let (compared, exact, trained) = (compared(&target, extent), cases::exact(target.families()), checks::trained());
    let all = compared.len() + exact.len() + CHECKS_OF_TRAINING * trained.len() + 2;
    let mut run = Run {
        device,
        target,
        kernels: BTreeMap::new(),
        checks: Vec::new(),
        failures: Vec::new(),
        failed: 0,
        left_out: Vec::new(),
        done: 0,
        all,
        progress,
    };
    compared.iter().for_each(|case| run.compare(case));
    run.check("small integers, whose sums are exact", &exact, |gpu, _| checks::small_integers_are_exact(gpu));
    run.checks_of_training(&trained);
    run.batches_of_other_sizes();
    run.sigmoid();
    let faults = run.known_faults();
    if run.kernels.values().all(|kernel| kernel.comparisons == 0) {
        run.fail("all cases", "nothing could be compared".into());
    }
    Verification {
        device: device.info().clone(),
        quick: extent == Extent::Quick,
        kernels: run.kernels.into_values().collect(),
        checks: run.checks,
        failures: run.failures,
        failed: run.failed,
        faults,
        left_out: run.left_out,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// The cases that are compared with the oracle, launch by launch.
fn compared(target: &Target, extent: Extent) -> Vec<Case> {
    let suits = |case: &Case| case.choice.is_none_or(|choice| target.families().any(|family| family == choice.family));
    let choices = cases::choices().into_iter().filter(suits);
    match extent {
        Extent::Quick => {
            let few = cases::layers().into_iter().step_by(4).chain(cases::whole_networks().into_iter().step_by(4));
            few.filter(|case| case.rows < 1000 && case.widths.iter().all(|&width| width < 1000)).chain(choices).collect()
        }
        Extent::Whole => {
            let cases = cases::layers().into_iter().chain(cases::whole_networks()).chain(choices);
            cases.chain(cases::long_sums()).chain(cases::products(target.families(), 3)).chain(cases::large()).collect()
        }
    }
}

/// A verification under way.
struct Run<'a> {
    device: &'a Device,
    target: Target,
    kernels: BTreeMap<(String, String), KernelReport>,
    checks: Vec<CheckReport>,
    failures: Vec<Failure>,
    failed: usize,
    left_out: Vec<Failure>,
    /// Cases done, and all there are.
    done: usize,
    all: usize,
    progress: &'a mut dyn FnMut(usize, usize),
}

/// Checks that each of the trained cases goes through.
const CHECKS_OF_TRAINING: usize = 4;

impl Run<'_> {
    /// One more case is done.
    fn tick(&mut self) {
        self.done += 1;
        (self.progress)(self.done, self.all);
    }

    /// The case's plan on the device, every product with the choice that the device would make.
    fn executor(&self, case: &Case) -> Result<Gpu> {
        let mut plan = case.plan();
        let (batch, evaluation_rows) = (plan.batch, plan.evaluation_rows);
        let with_choice = |launch: &mut Launch, rows: usize| {
            let product = launch.kernel.product(rows).is_some();
            launch.choice = product.then(|| launch.choice(rows, &self.target));
        };
        plan.training.iter_mut().for_each(|launch| with_choice(launch, batch));
        plan.evaluation.iter_mut().for_each(|launch| with_choice(launch, evaluation_rows));
        Gpu::new(plan, self.device.clone())
    }

    fn compare(&mut self, case: &Case) {
        let findings = self.executor(case).and_then(|mut gpu| case.findings(&mut gpu));
        match findings {
            Ok(findings) => findings.into_iter().for_each(|finding| self.note(case, finding)),
            Err(error) => self.refused(case, &error),
        }
        self.tick();
    }

    /// Counts one comparison.
    fn note(&mut self, case: &Case, finding: Finding) {
        let form = match (finding.choice, case.whole) {
            (Some(choice), _) => form_of(choice),
            (None, Some(variant)) if finding.kernel == "whole" => variant.name().to_string(),
            _ => String::new(),
        };
        let key = (finding.kernel.to_string(), form.clone());
        let report = self.kernels.entry(key).or_insert_with(|| KernelReport {
            kernel: finding.kernel.to_string(),
            form,
            comparisons: 0,
            worst: 0.0,
            failures: 0,
        });
        report.comparisons += 1;
        match finding.outcome {
            Ok(share) => report.worst = report.worst.max(share),
            Err(difference) => {
                report.failures += 1;
                let (launch, buffer, step) = (finding.launch, finding.buffer, finding.step);
                self.fail(&case.name, format!("'{launch}', step {step}, '{buffer}': {difference}"));
            }
        }
    }

    fn fail(&mut self, case: &str, what: String) {
        self.failed += 1;
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(Failure { case: case.to_string(), what });
        }
    }

    /// What has no room on the device is left out; whatever else keeps a case from running is a failure.
    fn refused(&mut self, case: &Case, error: &Error) {
        match error {
            Error::Limit(why) => self.left_out.push(Failure { case: case.name.clone(), what: why.clone() }),
            error => self.fail(&case.name, error.to_string()),
        }
    }

    /// One check in some cases.
    fn check(
        &mut self,
        what: &str,
        cases: &[Case],
        mut verdict: impl FnMut(&mut dyn Executor<f32>, &Case) -> Result<checks::Verdict>,
    ) {
        let (mut failures, mut ran) = (0, cases.len());
        for case in cases {
            match self.executor(case).and_then(|mut gpu| verdict(&mut gpu, case)) {
                Ok(Ok(())) => {}
                Ok(Err(wrong)) => {
                    failures += 1;
                    self.fail(&case.name, format!("{what}: {wrong}"));
                }
                Err(error) => {
                    let is_limit = matches!(error, Error::Limit(_));
                    failures += usize::from(!is_limit);
                    ran -= usize::from(is_limit);
                    self.refused(case, &error);
                }
            }
            self.tick();
        }
        self.checks.push(CheckReport { check: what.to_string(), cases: ran, failures });
    }

    /// What training has to be, step by step and as a whole.
    fn checks_of_training(&mut self, cases: &[Case]) {
        self.check("what is written is what is read", cases, checks::memory_keeps_what_is_written);
        self.check("20 steps launch by launch, then 100 beside the oracle", cases, checks::training_stays_with_the_oracle);
        self.check("steps run together as one by one", cases, checks::steps_together_are_as_one_by_one);
        self.check("five runs with the same bits", cases, |gpu, case| {
            let first = checks::bits(gpu, case)?;
            for run in 2..=5 {
                if checks::bits(gpu, case)? != first {
                    return Ok(Err(format!("run {run} differs from the first")));
                }
            }
            Ok(Ok(()))
        });
    }

    /// A run between two others of another batch size changes nothing: what a driver keeps of one must not reach the next.
    fn batches_of_other_sizes(&mut self) {
        let case = Case::new("batches of 31, of 7 and of 31 again", [31, 9, 6, 3]);
        let other = Case::new("a batch of 7", [7, 9, 6, 3]);
        let device = self.device.clone();
        let between = move |gpu: &mut dyn Executor<f32>, case: &Case| {
            let first = checks::bits(gpu, case)?;
            checks::bits(&mut Gpu::new(other.plan(), device.clone())?, &other)?;
            let again = checks::bits(&mut Gpu::new(case.plan(), device.clone())?, case)?;
            Ok(if again == first { Ok(()) } else { Err("the second run of 31 rows ends elsewhere".into()) })
        };
        self.check("the same after a batch of another size", &[case], between);
    }

    fn sigmoid(&mut self) {
        let what = "the sigmoid from -1e30 to 1e30";
        let make = |plan: Plan| Ok(Box::new(Gpu::new(plan, self.device.clone())?) as Box<dyn Executor<f32>>);
        let wrong = match checks::sigmoid_is_accurate(make) {
            Ok(Ok(())) => None,
            Ok(Err(wrong)) => Some(wrong),
            Err(error) => Some(error.to_string()),
        };
        self.checks.push(CheckReport { check: what.to_string(), cases: 1, failures: usize::from(wrong.is_some()) });
        wrong.into_iter().for_each(|wrong| self.fail("sigmoid", wrong));
        self.tick();
    }

    fn known_faults(&mut self) -> Vec<FaultReport> {
        faults::probe(self.device).unwrap_or_else(|error| {
            self.fail("known faults of drivers", error.to_string());
            Vec::new()
        })
    }
}

/// A product's form, whatever the number of its parts.
fn form_of(Choice { family, parts }: Choice) -> String {
    let parts = if parts > 1 { ", in parts" } else { "" };
    format!("{}{parts}", family.name())
}
