//! A GPU proves itself: every kernel in every form that it may be computed in there, against the oracle, and whole training.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::faults::{self, FaultReport};
use super::{Case, Finding, cases, checks};
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::executor::gpu::Gpu;
use crate::executor::gpu::device::Device;
use crate::executor::gpu::info::GpuInfo;
use crate::kernels::Target;
use crate::kernels::form::{Choice, Family};
use crate::network::{Activation, Loss};
use crate::plan::{Launch, Plan};

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every kernel in its simplest form on few sizes, and until so long after the start in every other.
    Quick(Duration),
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
    /// Cases and checks that the quick part's time was over before.
    pub not_reached: usize,
    /// Seconds that it took.
    pub seconds: f64,
}

/// How long a quick verification goes on with what is not among the first, unless said otherwise.
pub const QUICK: Duration = Duration::from_secs(14);
/// Failures that are told one by one.
pub const MOST_FAILURES: usize = 20;

impl Verification {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Checks a device: whatever goes wrong is a failure of the verification. `progress` is told the items done and all there are.
pub fn verify(device: &Device, extent: Extent, progress: &mut dyn FnMut(usize, usize)) -> Verification {
    let started = Instant::now();
    let target = device.limits().target;
    let items = items(&target, extent);
    let all = items.len();
    let mut run = Run::new(device);
    for (done, (is_first, item)) in items.into_iter().enumerate() {
        let is_in_time = match extent {
            Extent::Quick(time) => started.elapsed() < time,
            Extent::Whole => true,
        };
        if is_first || is_in_time {
            run.go_through(item);
        } else {
            run.not_reached += 1;
        }
        progress(done + 1, all);
    }
    let faults = run.known_faults();
    if run.kernels.values().all(|kernel| kernel.comparisons == 0) {
        run.fail("all cases", "nothing could be compared".into());
    }
    Verification {
        device: device.info().clone(),
        quick: matches!(extent, Extent::Quick(_)),
        kernels: run.kernels.into_values().collect(),
        checks: run.checks,
        failures: run.failures,
        failed: run.failed,
        faults,
        left_out: run.left_out,
        not_reached: run.not_reached,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// Checks mixed training on a device, and nothing else: whether its matrix units may be used for it.
///
/// # Errors
/// Check failed, naming the first case that is not as it should be.
pub fn verify_mixed(device: &Device) -> Result<()> {
    let cases = cases::mixed(Some(&device.limits().target));
    verify_units(device, &cases, std::iter::empty(), "mixed precision", "'wgrad verify' tells more. Take --precision f32")
}

/// Checks products in f32 on a device's matrix units, and nothing else: whether they may be used for them.
///
/// # Errors
/// Check failed, naming the first case that is not as it should be.
pub fn verify_split(device: &Device) -> Result<()> {
    let target = device.limits().target;
    let sizes = split_families(&target).flat_map(sizes_of);
    verify_units(device, &cases::split(Some(&target)), sizes, "f32 on its matrix units", "'wgrad verify' tells more")
}

/// Checks some cases on a device, all of which it must have room for: what was left out proves nothing.
fn verify_units(
    device: &Device,
    cases: &[Case],
    others: impl Iterator<Item = Item>,
    computed: &str,
    advice: &str,
) -> Result<()> {
    let mut run = Run::new(device);
    cases.iter().for_each(|case| run.compare(case));
    others.for_each(|item| run.go_through(item));
    let unproved = Failure { case: computed.into(), what: "no case fits this device".into() };
    match run.failures.first().or(run.left_out.first()).or(cases.is_empty().then_some(&unproved)) {
        None => Ok(()),
        Some(Failure { case, what }) => Err(Error::CheckFailed(format!(
            "{} does not compute {computed} as it should (driver {}): {case}: {what}; {advice}",
            device.info().name,
            device.info().driver
        ))),
    }
}

/// Something to go through: a comparison with the oracle or a check.
enum Item {
    Compared(Case),
    Exact(Case),
    Trained(TrainingCheck, Case),
    OtherBatches,
    Sigmoid,
    /// Products in halves by this family, of numbers of all sizes in so many terms.
    Sizes(Family, usize),
}

/// The families that compute products in f32 on a device's matrix units.
fn split_families(target: &Target) -> impl Iterator<Item = Family> + use<> {
    let target = *target;
    Family::SPLIT.into_iter().filter(move |family| family.fits(&target))
}

/// What only they have to prove.
fn sizes_of(family: Family) -> [Item; 2] {
    [37, 1024].map(|terms| Item::Sizes(family, terms))
}

/// What training has to be, step by step and as a whole.
#[derive(Clone, Copy)]
enum TrainingCheck {
    Memory,
    Oracle,
    Together,
    SameBits,
}

/// All there is to go through, the most telling first, and whether an item is among those: each kernel in its simplest form.
fn items(target: &Target, extent: Extent) -> Vec<(bool, Item)> {
    use TrainingCheck::{Memory, Oracle, SameBits, Together};
    let training = |case: Case| [Memory, Oracle, Together, SameBits].map(|check| Item::Trained(check, case.clone()));
    let (mut exact, mut trained) = (cases::exact(target.families().chain(split_families(target))), checks::trained());
    let first = cases::first().into_iter().map(Item::Compared).chain([Item::OtherBatches, Item::Sigmoid]);
    let first = first.chain(training(trained.remove(0))).chain([Item::Exact(exact.remove(0))]);
    let mut rest: Vec<Item> = compared(target, extent).into_iter().map(Item::Compared).collect();
    rest.extend(exact.into_iter().map(Item::Exact));
    rest.extend(trained.into_iter().flat_map(training));
    rest.extend(split_families(target).flat_map(sizes_of));
    let suits = |(_, item): &(bool, Item)| match item {
        Item::Compared(case) | Item::Exact(case) | Item::Trained(_, case) => case.is_for(target),
        Item::OtherBatches | Item::Sigmoid | Item::Sizes(..) => true,
    };
    first.map(|item| (true, item)).chain(rest.into_iter().map(|item| (false, item))).filter(suits).collect()
}

/// The cases that are compared with the oracle, launch by launch.
fn compared(target: &Target, extent: Extent) -> Vec<Case> {
    let suits = |case: &Case| case.choice.is_none_or(|choice| target.families().any(|family| family == choice.family));
    let of_units = cases::mixed(Some(target)).into_iter().chain(cases::split(Some(target)));
    let choices = cases::choices().into_iter().filter(suits).chain(of_units);
    match extent {
        Extent::Quick(_) => {
            let few = cases::layers().into_iter().step_by(4).chain(cases::whole_networks().into_iter().step_by(4));
            let few = few.filter(|case| case.rows < 1000 && case.widths.iter().all(|&width| width < 1000));
            choices.chain(few).collect()
        }
        Extent::Whole => {
            let cases = cases::layers().into_iter().chain(cases::whole_networks()).chain(choices);
            cases
                .chain(cases::joint())
                .chain(cases::long_sums())
                .chain(cases::products(target.families(), 3))
                .chain(cases::large())
                .collect()
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
    not_reached: usize,
}

impl<'a> Run<'a> {
    fn new(device: &'a Device) -> Self {
        Self {
            device,
            target: device.limits().target,
            kernels: BTreeMap::new(),
            checks: Vec::new(),
            failures: Vec::new(),
            failed: 0,
            left_out: Vec::new(),
            not_reached: 0,
        }
    }

    fn go_through(&mut self, item: Item) {
        match item {
            Item::Compared(case) => self.compare(&case),
            Item::Exact(case) => {
                self.check("small integers, whose sums are exact", &case, |gpu, _| checks::small_integers_are_exact(gpu));
            }
            Item::Trained(check, case) => self.check_of_training(check, &case),
            Item::OtherBatches => self.batches_of_other_sizes(),
            Item::Sigmoid => self.sigmoid(),
            Item::Sizes(family, terms) => self.sizes(family, terms),
        }
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

    /// A check in one case.
    fn check(
        &mut self,
        what: &str,
        case: &Case,
        verdict: impl FnOnce(&mut dyn Executor<f32>, &Case) -> Result<checks::Verdict>,
    ) {
        match self.executor(case).and_then(|mut gpu| verdict(&mut gpu, case)) {
            Ok(verdict) => self.checked(what, &case.name, verdict.err()),
            Err(error @ Error::Limit(_)) => self.refused(case, &error),
            Err(error) => self.checked(what, &case.name, Some(error.to_string())),
        }
    }

    /// Counts a check in one case, and what is wrong.
    fn checked(&mut self, what: &str, case: &str, wrong: Option<String>) {
        let failures = usize::from(wrong.is_some());
        match self.checks.iter_mut().find(|report| report.check == what) {
            Some(report) => (report.cases, report.failures) = (report.cases + 1, report.failures + failures),
            None => self.checks.push(CheckReport { check: what.to_string(), cases: 1, failures }),
        }
        wrong.into_iter().for_each(|wrong| self.fail(case, format!("{what}: {wrong}")));
    }

    fn check_of_training(&mut self, check: TrainingCheck, case: &Case) {
        match check {
            TrainingCheck::Memory => {
                self.check("what is written is what is read", case, checks::memory_keeps_what_is_written);
            }
            TrainingCheck::Oracle => {
                let what = "20 steps launch by launch, then 100 beside the oracle";
                self.check(what, case, checks::training_stays_with_the_oracle);
            }
            TrainingCheck::Together => {
                self.check("steps run together as one by one", case, checks::steps_together_are_as_one_by_one);
            }
            TrainingCheck::SameBits => self.check("five runs with the same bits", case, |gpu, case| {
                let first = checks::bits(gpu, case)?;
                for run in 2..=5 {
                    if checks::bits(gpu, case)? != first {
                        return Ok(Err(format!("run {run} differs from the first")));
                    }
                }
                Ok(Ok(()))
            }),
        }
    }

    /// A run between two others of another batch size changes nothing: what a driver keeps of one must not reach the next.
    fn batches_of_other_sizes(&mut self) {
        let of_rows = |name: &str, rows: usize| {
            let (output, loss) = (Activation::Softmax, Loss::CrossEntropy);
            Case { output, loss, ..Case::new(name, [rows, 9, 6, 3]) }
        };
        let (case, other) = (of_rows("batches of 31, of 7 and of 31 again", 31), of_rows("a batch of 7", 7));
        let device = self.device.clone();
        let between = move |gpu: &mut dyn Executor<f32>, case: &Case| {
            let first = checks::bits(gpu, case)?;
            checks::bits(&mut Gpu::new(other.plan(), device.clone())?, &other)?;
            let again = checks::bits(&mut Gpu::new(case.plan(), device.clone())?, case)?;
            Ok(if again == first { Ok(()) } else { Err("the second run of 31 rows ends elsewhere".into()) })
        };
        self.check("the same after a batch of another size", &case, between);
    }

    fn sigmoid(&mut self) {
        let wrong = wrong(checks::sigmoid_is_accurate(|plan| self.made(plan)));
        self.checked("the sigmoid from -1e30 to 1e30", "sigmoid", wrong);
    }

    fn sizes(&mut self, family: Family, terms: usize) {
        let wrong = wrong(checks::halves_of_all_sizes(|plan| self.made(plan), family, terms));
        self.checked("halves of numbers of all sizes", &format!("{} over {terms} terms", family.name()), wrong);
    }

    fn made(&self, plan: Plan) -> Result<Box<dyn Executor<f32>>> {
        Ok(Box::new(Gpu::new(plan, self.device.clone())?))
    }

    fn known_faults(&mut self) -> Vec<FaultReport> {
        faults::probe(self.device).unwrap_or_else(|error| {
            self.fail("known faults of drivers", error.to_string());
            Vec::new()
        })
    }
}

/// What a check found, if anything.
fn wrong(verdict: Result<checks::Verdict>) -> Option<String> {
    match verdict {
        Ok(verdict) => verdict.err(),
        Err(error) => Some(error.to_string()),
    }
}

/// A product's form, whatever the number of its parts.
fn form_of(Choice { family, parts }: Choice) -> String {
    let parts = if parts > 1 { ", in parts" } else { "" };
    format!("{}{parts}", family.name())
}
