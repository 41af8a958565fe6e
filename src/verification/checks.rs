//! Checks of an executor beside the bounds: exact sums, the sigmoid over its whole range, equal bits, whole training.

use super::{Case, against_oracle, compare, fill};
use crate::error::Result;
use crate::executor::Executor;
use crate::executor::cpu::Cpu;
use crate::kernels::form::Family;
use crate::kernels::whole::Variant;
use crate::kernels::{Choice, Factors, Forward, Layer, Source, Step};
use crate::network::{Activation, Loss, Network, OptimizerKind};
use crate::plan::{Options, Phase, Plan};
use crate::random::{Purpose, Stream};
use crate::rounding::{UNIT, sum_error, underflow};

/// Nothing, or what is wrong, in a sentence.
pub type Verdict = std::result::Result<(), String>;

/// What is written is what is read.
///
/// # Errors
/// What the executors report.
pub fn memory_keeps_what_is_written(tested: &mut dyn Executor<f32>, case: &Case) -> Result<Verdict> {
    let plan = tested.plan().clone();
    let mut memory = Cpu::<f32>::new(plan.clone(), 1)?;
    fill(&mut memory, case.seed)?;
    fill(tested, case.seed)?;
    for id in plan.data().chain(plan.parameters.iter().copied()).chain(plan.states.concat()) {
        for replica in 0..plan.copies(id) {
            let rows = plan.buffers[id].rows;
            if memory.read(id, replica, rows)? != tested.read(id, replica, rows)? {
                return Ok(Err(format!("'{}' is read otherwise than it was written", plan.buffers[id].name)));
            }
        }
    }
    Ok(Ok(()))
}

/// On small integers every sum is exact in f32, in whatever order: the results have to be equal, with no bound at all. For plans
/// of a batch of all rows, identities and one replica.
///
/// # Errors
/// What the executors report.
pub fn small_integers_are_exact(tested: &mut dyn Executor<f32>) -> Result<Verdict> {
    let plan = tested.plan().clone();
    let mut oracle = Cpu::<f64>::new(plan.clone(), 1)?;
    let mut stream = Stream::new(9, Purpose::Test, 0);
    let data = [plan.inputs[0].buffer, plan.targets[0].buffer, plan.evaluation_inputs, plan.evaluation_targets];
    for (number, &id) in data.iter().chain(&plan.parameters).enumerate() {
        let spread = if number < data.len() { 3 } else { 1 };
        let values: Vec<f64> =
            (0..plan.buffers[id].length()).map(|_| stream.below(2 * spread + 1) as f64 - spread as f64).collect();
        oracle.write(id, 0, &values)?;
        tested.write(id, 0, &values.iter().map(|&value| value as f32).collect::<Vec<_>>())?;
    }
    let mut step = Step { rows: plan.batch, scale: 1.0, ..Step::default() };
    step.rates.learning_rate = 1.0;
    for (phase, launches) in [(Phase::Evaluation, &plan.evaluation), (Phase::Training, &plan.training)] {
        tested.run(phase, &[step])?;
        oracle.run(phase, &[step])?;
        for launch in launches {
            for &id in &launch.writes {
                let rows = plan.buffers[id].rows;
                let actual: Vec<f64> = tested.read(id, 0, rows)?.into_iter().map(f64::from).collect();
                let expected = oracle.read(id, 0, rows)?;
                let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
                if actual != expected || largest > f64::from(1 << 21) || (largest == 0.0 && expected.len() > 1) {
                    let differ = actual.iter().zip(&expected).filter(|(actual, expected)| actual != expected).count();
                    let name = &plan.buffers[id].name;
                    return Ok(Err(format!("{}: '{name}' differs in {differ} elements, up to {largest}", launch.label)));
                }
            }
        }
    }
    Ok(Ok(()))
}

/// Products in f32 that take each number as two halves, of rows and columns of all sizes and of so many terms, which are of one sign where
/// they are many: each result is within its own bound, however small its row is beside others, and none is finite that an infinity or NaN
/// goes into.
///
/// # Errors
/// What the executor reports.
pub fn halves_of_all_sizes(
    make: impl FnOnce(Plan) -> Result<Box<dyn Executor<f32>>>,
    family: Family,
    terms: usize,
) -> Result<Verdict> {
    const ROWS: usize = 30;
    const COLUMNS: usize = 21;
    const MANY: usize = 64;
    let mut stream = Stream::new(1, Purpose::Test, 0);
    let mut matrix = |rows: usize, columns: usize, size: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let mut number = || if terms < MANY { stream.normal() } else { stream.normal().abs() };
        places.map(|(row, column)| (number() * size(row, column)) as f32).collect()
    };
    let mut input = matrix(ROWS, terms, &|row, _| if row == 7 { 0.0 } else { 10_f64.powf(2.7 * row as f64 - 41.0) });
    let mut weight =
        matrix(terms, COLUMNS, &|_, column| if column == 2 { 0.0 } else { 10_f64.powi(2 * column as i32 - 38) });
    (input[3 * terms + 11], input[5 * terms + 36], weight[20 * COLUMNS + 9]) = (f32::INFINITY, f32::NAN, f32::NEG_INFINITY);
    // One huge number of a row drowns the others.
    input[20 * terms] = 1e30;
    let kernel = Forward {
        layer: Layer { inputs: terms, outputs: COLUMNS, bias: false, capacity: ROWS },
        activation: Activation::Identity,
        slope: false,
        dropped: None,
        source: Source::Batch,
        factors: Factors::Full,
    };
    let plan = Plan::of_forward(kernel, Choice { family, parts: 1 });
    let (reads, written) = (plan.training[0].reads.clone(), plan.training[0].writes[0]);
    let mut tested = make(plan)?;
    tested.write(reads[0], 0, &input)?;
    tested.write(reads[1], 0, &weight)?;
    tested.run(Phase::Training, &[Step { rows: ROWS, scale: 1.0, ..Step::default() }])?;
    let output = tested.read(written, 0, ROWS)?;
    for (place, &actual) in output.iter().enumerate() {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        if matches!(row, 3 | 5) || column == 9 {
            if actual.is_finite() {
                return Ok(Err(format!("row {row}, column {column} is {actual:e}, and holds what is not finite")));
            }
            continue;
        }
        let a = |term: usize| f64::from(input[row * terms + term]);
        let b = |term: usize| f64::from(weight[term * COLUMNS + column]);
        let of = |sum: &dyn Fn(usize) -> f64| (0..terms).map(sum).sum::<f64>();
        let largest = |of: &dyn Fn(usize) -> f64| (0..terms).map(of).fold(0.0_f64, |most, value| most.max(value.abs()));
        let floor = 2_f64.powi(-38) * (largest(&a) * of(&|term| b(term).abs()) + largest(&b) * of(&|term| a(term).abs()));
        // What halves lose of few terms; of many it is within the bound of products in f32.
        let lost = if terms < MANY { 8.0 * UNIT } else { 0.0 };
        let bound = (sum_error(terms) + lost) * of(&|term| (a(term) * b(term)).abs()) + floor + underflow(terms);
        let expected = of(&|term| a(term) * b(term));
        let error = (f64::from(actual) - expected).abs();
        let is_right = error <= bound || f64::from(actual) == expected.signum() * f64::INFINITY && expected.abs() > 3e38;
        if !is_right {
            let what = format!("row {row}, column {column}: {actual:e} and not {expected:e}, give or take {bound:.1e}");
            return Ok(Err(what));
        }
    }
    Ok(Ok(()))
}

/// The sigmoid from -1e30 to 1e30, through a net of one input and one output: at most 5.5e-7 off, for negative arguments that
/// are not beyond f32's normal numbers at most (8.1 + 2|x|)·2⁻²³ of the value, and always finite.
///
/// # Errors
/// What the executor reports.
pub fn sigmoid_is_accurate(make: impl FnOnce(Plan) -> Result<Box<dyn Executor<f32>>>) -> Result<Verdict> {
    let fine = (-200..=200).map(|step| step as f32 * 0.46);
    let huge = (0..=30).flat_map(|power| [10_f32.powi(power), -10_f32.powi(power)]);
    let arguments: Vec<f32> = fine.chain(huge).collect();
    let rows = arguments.len();
    let network = Network::new(vec![1, 1], vec![Activation::Sigmoid], false)?;
    let options = Options {
        loss: Loss::SquaredError,
        training: None,
        evaluation_rows: rows,
        evaluation_data: 0,
        replicas: 1,
        own_steps: false,
        segment_bytes: None,
    };
    let plan = Plan::new(&network, &options);
    let mut tested = make(plan.clone())?;
    tested.write(plan.parameters[0], 0, &[1.0])?;
    tested.write(plan.evaluation_inputs, 0, &arguments)?;
    tested.run(Phase::Evaluation, &[Step { rows, scale: 1.0, ..Step::default() }])?;
    let outputs = tested.read(plan.evaluation_outputs, 0, rows)?;
    let wrong = arguments.iter().zip(&outputs).find(|&(&x, &output)| !sigmoid_is(f64::from(x), f64::from(output)));
    Ok(wrong.map_or(Ok(()), |(x, output)| Err(format!("sigmoid({x:e}) is {output:e}"))))
}

fn sigmoid_is(x: f64, output: f64) -> bool {
    let expected = 1.0 / (1.0 + (-x).exp());
    let error = (output - expected).abs();
    // Results below the normal numbers may be flushed to zero.
    let relative = x >= 0.0 || expected < 2.0 * f64::from(f32::MIN_POSITIVE);
    let bound = (8.1 + 2.0 * x.abs()) * f64::from(f32::EPSILON) * expected;
    output.is_finite() && error <= 5.5e-7 && (relative || error <= bound)
}

/// The bits of the parameters, the optimizer's states and the losses after a case's steps, from the numbers that [`fill`] gives.
///
/// # Errors
/// What the executor reports.
pub fn bits(tested: &mut dyn Executor<f32>, case: &Case) -> Result<Vec<u32>> {
    fill(tested, case.seed)?;
    tested.run(Phase::Training, &case.steps())?;
    trained_bits(tested)
}

/// The bits of all that training leaves.
fn trained_bits(tested: &mut dyn Executor<f32>) -> Result<Vec<u32>> {
    let plan = tested.plan().clone();
    let mut bits = Vec::new();
    for id in plan.parameters.iter().copied().chain(plan.states.concat()).chain(plan.losses) {
        for replica in 0..plan.replicas {
            bits.extend(tested.read(id, replica, plan.buffers[id].rows)?.into_iter().map(f32::to_bits));
        }
    }
    Ok(bits)
}

/// Steps that are run together leave the same bits as the same steps one by one: what a kernel of many steps does between them, and
/// whether launches wait for each other.
///
/// # Errors
/// What the executor reports.
pub fn steps_together_are_as_one_by_one(tested: &mut dyn Executor<f32>, case: &Case) -> Result<Verdict> {
    let together = bits(tested, case)?;
    fill(tested, case.seed)?;
    let records = tested.plan().records;
    for steps in case.steps().chunks(records) {
        tested.run(Phase::Training, steps)?;
    }
    Ok(if trained_bits(tested)? == together { Ok(()) } else { Err("steps run together end elsewhere".into()) })
}

/// Twenty steps, launch by launch, each held against the oracle from the tested state: names the first kernel that diverges. Then
/// a hundred steps more on its own, beside the f64 oracle on its own: the weights stay together.
///
/// # Errors
/// What the executors report.
pub fn training_stays_with_the_oracle(tested: &mut dyn Executor<f32>, case: &Case) -> Result<Verdict> {
    fill(tested, case.seed)?;
    let plan = tested.plan().clone();
    let steps: Vec<Step> = case.steps().into_iter().cycle().take(20 * plan.records).collect();
    for finding in against_oracle(tested, Phase::Training, &steps)? {
        if let Err(difference) = finding.outcome {
            let (step, launch, buffer) = (finding.step, finding.launch, finding.buffer);
            return Ok(Err(format!("step {step}: '{launch}' is the first to diverge, in '{buffer}': {difference}")));
        }
    }
    let mut oracle = Cpu::<f64>::new(plan.clone(), 1)?;
    copy_state(tested, &mut oracle)?;
    let mut steps: Vec<Step> = case.steps().into_iter().cycle().take(100 * plan.records).collect();
    // Slow enough that nothing is chaotic.
    steps.iter_mut().for_each(|step| step.rates.learning_rate *= 0.1);
    let parameters = |executor: &mut Cpu<f64>, replica: usize| -> Result<Vec<Vec<f64>>> {
        plan.parameters.iter().map(|&id| executor.read(id, replica, plan.buffers[id].rows)).collect()
    };
    let before: Vec<_> = (0..plan.replicas).map(|replica| parameters(&mut oracle, replica)).collect::<Result<_>>()?;
    tested.run(Phase::Training, &steps)?;
    oracle.run(Phase::Training, &steps)?;
    for (replica, before) in before.iter().enumerate() {
        let after = parameters(&mut oracle, replica)?;
        for ((&id, before), expected) in plan.parameters.iter().zip(before).zip(&after) {
            let moved = expected.iter().zip(before).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let actual = tested.read(id, replica, plan.buffers[id].rows)?;
            let name = &plan.buffers[id].name;
            match compare(&actual, expected, &vec![1e-3 * moved; expected.len()]) {
                Ok(_) if moved > 1e-3 => {}
                Ok(_) => return Ok(Err(format!("100 steps moved nothing in '{name}' by more than {moved:e}"))),
                Err(difference) => {
                    return Ok(Err(format!("after 100 steps, which moved '{name}' by {moved:e}, {difference}")));
                }
            }
        }
    }
    Ok(Ok(()))
}

/// Copies what training reads from one executor into another.
fn copy_state(from: &mut dyn Executor<f32>, to: &mut Cpu<f64>) -> Result<()> {
    let plan = from.plan().clone();
    for id in plan.data().chain(plan.parameters.iter().copied()).chain(plan.states.concat()) {
        for replica in 0..plan.copies(id) {
            let values: Vec<f64> = from.read(id, replica, plan.buffers[id].rows)?.into_iter().map(f64::from).collect();
            to.write(id, replica, &values)?;
        }
    }
    let indices = super::permutation(&plan);
    plan.order.map_or(Ok(()), |order| (0..plan.replicas).try_for_each(|replica| to.write_indices(order, replica, &indices)))
}

/// Nets to train step by step: every kind of activation with another optimizer, a kernel a layer and whole steps, alone and side by
/// side.
pub fn trained() -> Vec<Case> {
    let layers = [
        (Activation::Sigmoid, OptimizerKind::Sgd),
        (Activation::Relu, OptimizerKind::Adam),
        (Activation::Gelu, OptimizerKind::Nesterov),
    ]
    .map(|(hidden, optimizer)| Case {
        hidden,
        optimizer,
        output: Activation::Softmax,
        loss: Loss::CrossEntropy,
        ..Case::new(format!("{hidden} nets trained by {optimizer}"), [33, 13, 17, 5])
    });
    let variants = [Variant::Invocation, Variant::Lanes(8), Variant::Held, Variant::Workgroup];
    let whole =
        variants.into_iter().zip([[7, 3, 5, 2], [7, 3, 5, 2], [31, 9, 12, 3], [31, 9, 12, 3]]).map(|(variant, sizes)| {
            let name = format!("whole steps, {}", variant.name());
            Case { whole: Some(variant), replicas: 2, hidden: Activation::Tanh, ..Case::new(name, sizes) }
        });
    layers.into_iter().chain(whole).collect()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::data::Matrix;
    use crate::plan::BufferId;

    #[test]
    fn a_sigmoid_that_is_off_is_found() {
        assert!(sigmoid_is(0.0, 0.5) && sigmoid_is(-1e30, 0.0) && sigmoid_is(90.0, 1.0));
        assert!(!sigmoid_is(0.0, 0.500_001) && !sigmoid_is(-20.0, 2.0e-9) && !sigmoid_is(-1e30, f64::NAN));
        assert!(!sigmoid_is(-80.0, 0.0), "flushed too early");
    }

    /// What is wrong with an executor.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Fault {
        Nothing,
        /// The first number of whatever is written is another one.
        Writes,
        /// Nothing is computed.
        Idle,
        /// Of steps that are run together only the first is taken.
        FirstStep,
        /// Every run adds to the first parameter.
        Drifts,
    }

    struct Faulty {
        cpu: Cpu<f32>,
        fault: Fault,
        runs: usize,
    }

    impl Faulty {
        fn new(plan: Plan, fault: Fault) -> Self {
            Self { cpu: Cpu::new(plan, 1).expect("memory"), fault, runs: 0 }
        }
    }

    impl Executor<f32> for Faulty {
        fn plan(&self) -> &Plan {
            self.cpu.plan()
        }

        fn write(&mut self, buffer: BufferId, replica: usize, values: &[f32]) -> Result<()> {
            let mut values = values.to_vec();
            if self.fault == Fault::Writes {
                values[0] += 1.0;
            }
            self.cpu.write(buffer, replica, &values)
        }

        fn write_rows(&mut self, buffer: BufferId, source: &Matrix<f32>, rows: &[u32]) -> Result<()> {
            self.cpu.write_rows(buffer, source, rows)
        }

        fn write_indices(&mut self, buffer: BufferId, replica: usize, indices: &[u32]) -> Result<()> {
            self.cpu.write_indices(buffer, replica, indices)
        }

        fn read(&mut self, buffer: BufferId, replica: usize, rows: usize) -> Result<Vec<f32>> {
            self.cpu.read(buffer, replica, rows)
        }

        fn read_values(&mut self, buffer: BufferId, replica: usize, count: usize) -> Result<Vec<f32>> {
            self.cpu.read_values(buffer, replica, count)
        }

        fn look_at_replicas(&mut self, buffer: BufferId, count: usize, look: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
            self.cpu.look_at_replicas(buffer, count, look)
        }

        fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
            let taken = match self.fault {
                Fault::Idle => &[],
                Fault::FirstStep => &steps[..self.plan().records],
                Fault::Nothing | Fault::Writes | Fault::Drifts => steps,
            };
            self.cpu.run_launches(phase, range, taken)?;
            if self.fault == Fault::Drifts {
                self.runs += 1;
                let id = self.plan().parameters[0];
                let mut values = self.cpu.read(id, 0, self.plan().buffers[id].rows)?;
                values[0] += 0.1 * self.runs as f32;
                self.cpu.write(id, 0, &values)?;
            }
            Ok(())
        }

        fn finish(&mut self) -> Result<()> {
            self.cpu.finish()
        }
    }

    /// The checks that a faulty executor fails, by their first letters.
    fn failed(fault: Fault, case: &Case) -> String {
        let tested = || Faulty::new(case.plan(), fault);
        let repeats =
            |tested: &mut Faulty| Ok(if bits(tested, case)? == bits(tested, case)? { Ok(()) } else { Err(String::new()) });
        let verdicts: [(char, Result<Verdict>); 4] = [
            ('m', memory_keeps_what_is_written(&mut tested(), case)),
            ('t', training_stays_with_the_oracle(&mut tested(), case)),
            ('s', steps_together_are_as_one_by_one(&mut tested(), case)),
            ('r', repeats(&mut tested())),
        ];
        verdicts
            .into_iter()
            .filter(|(_, verdict)| verdict.as_ref().expect("it runs").is_err())
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn a_sound_trainer_passes_and_each_fault_fails_the_check_that_is_for_it() {
        for case in trained() {
            let case = Case { gather: true, ..case };
            let failed = [Fault::Nothing, Fault::Writes, Fault::Idle, Fault::FirstStep, Fault::Drifts]
                .map(|fault| failed(fault, &case));
            let [nothing, writes, idle, first_step, drifts] = failed.each_ref().map(String::as_str);
            assert_eq!((nothing, writes.contains('m'), idle.contains('t')), ("", true, true), "{}: {failed:?}", case.name);
            assert!(first_step.contains('s') && drifts.contains('r'), "{}: {failed:?}", case.name);
        }
    }

    #[test]
    fn sums_and_sigmoids_that_are_not_computed_are_found() {
        let exact = &super::super::cases::exact([])[1];
        for (fault, passes) in [(Fault::Nothing, true), (Fault::Idle, false)] {
            let sums = small_integers_are_exact(&mut Faulty::new(exact.plan(), fault)).expect("runs");
            let sigmoid = sigmoid_is_accurate(|plan| Ok(Box::new(Faulty::new(plan, fault)))).expect("runs");
            assert_eq!((sums.is_ok(), sigmoid.is_ok()), (passes, passes), "{fault:?}");
        }
    }
}
