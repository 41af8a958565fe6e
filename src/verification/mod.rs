//! Holds an executor against the f64 oracle: every kernel gets the very same f32 inputs on both sides, and the results may differ
//! by what rounding explains and no more (Higham, "Accuracy and Stability of Numerical Algorithms", chapter 3).

pub mod adapter;
mod case;
pub mod cases;
pub mod checks;
pub mod faults;
pub mod gradients;

pub use case::Case;

use crate::error::Result;
use crate::executor::Executor;
use crate::executor::cpu::Cpu;
use crate::kernels::operands::Access;
use crate::kernels::{Choice, Step, View, split};
use crate::plan::{BufferId, Element, Phase, Plan};
use crate::random::{Purpose, Stream};

/// An element that differs by more than it may.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Which element.
    pub index: usize,
    /// What was computed.
    pub actual: f64,
    /// What the oracle says.
    pub expected: f64,
    /// How far apart the two may be.
    pub bound: f64,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, actual, expected, bound } = self;
        write!(text, "element {index} is {actual:e} and should be {expected:e}, give or take {bound:.1e}")
    }
}

/// The largest error as a share of its bound, or the first element that is outside its bound. NaN is always outside.
///
/// # Errors
/// The first element outside its bound.
///
/// # Panics
/// If the lengths differ.
pub fn compare(actual: &[f32], expected: &[f64], bounds: &[f64]) -> std::result::Result<f64, Difference> {
    assert!(actual.len() == expected.len() && actual.len() == bounds.len(), "only equally many elements can be compared");
    let mut worst = 0.0_f64;
    for (index, ((&actual, &expected), &bound)) in actual.iter().zip(expected).zip(bounds).enumerate() {
        let actual = f64::from(actual);
        let error = (actual - expected).abs();
        let within = error <= bound && bound.is_finite() && actual.is_finite();
        if !within {
            return Err(Difference { index, actual, expected, bound });
        }
        if error > 0.0 {
            worst = worst.max(error / bound);
        }
    }
    Ok(worst)
}

/// How one launch of a plan came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The step, from 0.
    pub step: usize,
    /// The launch: kernel and layer.
    pub launch: String,
    /// The kernel.
    pub kernel: &'static str,
    /// How the launch is computed, where the plan says it.
    pub choice: Option<Choice>,
    /// The buffer that it wrote.
    pub buffer: String,
    /// The largest error as a share of its bound, or the element that is outside.
    pub outcome: std::result::Result<f64, Difference>,
}

/// Runs steps on `tested`, launch by launch, and after each compares what was written with what the f64 oracle writes from the
/// same inputs. The first finding that is outside its bound names the first kernel that diverges.
///
/// # Errors
/// What the executors report.
pub fn against_oracle(tested: &mut dyn Executor<f32>, phase: Phase, steps: &[Step]) -> Result<Vec<Finding>> {
    let plan = tested.plan().clone();
    let mut oracle = Cpu::<f64>::new(plan.clone(), 1)?;
    let mut findings = Vec::new();
    let indices = plan.order.map(|_| permutation(&plan));
    for (number, step) in steps.chunks(plan.records).enumerate() {
        let launches = plan.launches(phase).iter().enumerate();
        for (index, launch) in launches.filter(|(_, launch)| launch.is_run_in(&step[0])) {
            let range = index..index + 1;
            let mut reads = Vec::new();
            for &id in launch.reads.iter().chain(&launch.writes) {
                if plan.buffers[id].element == Element::Index {
                    let indices = indices.as_ref().expect("a plan with indices has an order");
                    (0..plan.replicas).try_for_each(|replica| oracle.write_indices(id, replica, indices))?;
                    reads.push(Vec::new());
                } else {
                    reads.push(mirror(tested, &mut oracle, id)?);
                }
            }
            tested.run_launches(phase, range.clone(), step)?;
            oracle.run_launches(phase, range, step)?;
            for replica in 0..plan.replicas {
                let step = &step[replica.min(plan.records - 1)];
                let views: Vec<View<'_, f64>> = launch
                    .reads
                    .iter()
                    .chain(&launch.writes)
                    .zip(&reads)
                    .zip(launch.names(Access::Read).chain(launch.names(Access::Write)))
                    .map(|((&id, copies), name)| View {
                        name,
                        values: copies.get(if plan.buffers[id].shared { 0 } else { replica }).map_or(&[], Vec::as_slice),
                        indices: indices.as_deref().unwrap_or(&[]),
                        errors: &[],
                    })
                    .collect();
                let (inputs, before) = views.split_at(launch.reads.len());
                // A factor that is taken as two halves is off by what they lose.
                let is_split = launch.choice.is_some_and(|choice| choice.family.is_split());
                let lost = if is_split { split::errors(inputs) } else { Vec::new() };
                let mut inputs = inputs.to_vec();
                inputs.iter_mut().zip(&lost).for_each(|(view, lost)| view.errors = lost);
                let bounds = launch.kernel.bounds(step, &inputs, before);
                assert_eq!(bounds.len(), launch.writes.len(), "'{}' bounds every buffer that it writes", launch.label);
                for (&id, bounds) in launch.writes.iter().zip(bounds) {
                    let buffer = &plan.buffers[id];
                    let actual = tested.read(id, replica, buffer.rows)?;
                    let expected = oracle.read(id, replica, buffer.rows)?;
                    findings.push(Finding {
                        step: number,
                        launch: launch.label.clone(),
                        kernel: launch.kernel.name(),
                        choice: launch.choice,
                        buffer: buffer.name.clone(),
                        outcome: compare(&actual, &expected, &bounds),
                    });
                }
            }
        }
    }
    Ok(findings)
}

/// Copies a buffer from the tested executor into the oracle; gives its replicas' elements.
fn mirror(tested: &mut dyn Executor<f32>, oracle: &mut Cpu<f64>, id: BufferId) -> Result<Vec<Vec<f64>>> {
    let (rows, copies) = (tested.plan().buffers[id].rows, tested.plan().copies(id));
    (0..copies)
        .map(|replica| {
            let values: Vec<f64> = tested.read(id, replica, rows)?.into_iter().map(f64::from).collect();
            oracle.write(id, replica, &values)?;
            Ok(values)
        })
        .collect()
}

/// The order that [`fill`] gives: every place once, in steps of the largest size that shares no divisor with the length.
pub fn permutation(plan: &Plan) -> Vec<u32> {
    let length = plan.order.map_or(0, |order| plan.buffers[order].columns);
    let divides = |stride: &usize| !length.is_multiple_of(2) || stride % 2 == 1;
    let stride =
        (1..=length / 2 + 1).rev().filter(divides).find(|&stride| greatest_divisor(stride, length) == 1).unwrap_or(1);
    (0..length).map(|place| ((place * stride) % length) as u32).collect()
}

fn greatest_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// Fills the data, parameters and states of a plan with random numbers, and its order with a permutation of the rows.
///
/// # Errors
/// What the executor reports.
pub fn fill(executor: &mut dyn Executor<f32>, seed: u64) -> Result<()> {
    let plan = executor.plan().clone();
    let mut stream = Stream::new(seed, Purpose::Test, 0);
    let mut draw = |id: BufferId, scale: f64, offset: f64| -> Vec<f32> {
        (0..plan.buffers[id].length()).map(|_| (scale * stream.normal() + offset) as f32).collect()
    };
    let data = plan.inputs.iter().map(|segment| segment.buffer).chain([plan.evaluation_inputs]);
    for id in data {
        (0..plan.copies(id)).try_for_each(|replica| executor.write(id, replica, &draw(id, 1.0, 0.0)))?;
    }
    for &id in &plan.parameters {
        let scale = 1.0 / (plan.buffers[id].rows as f64).sqrt();
        (0..plan.replicas).try_for_each(|replica| executor.write(id, replica, &draw(id, scale, 0.0)))?;
    }
    for states in &plan.states {
        for (k, &id) in states.iter().enumerate() {
            for replica in 0..plan.replicas {
                let mut values = draw(id, 0.1, 0.0);
                if plan.squares == Some(k) {
                    values.iter_mut().for_each(|value| *value = value.abs() + 0.01);
                }
                executor.write(id, replica, &values)?;
            }
        }
    }
    for segment in &plan.weights {
        let weights: Vec<f32> = draw(segment.buffer, 1.0, 0.0).into_iter().map(f32::abs).collect();
        (0..plan.copies(segment.buffer)).try_for_each(|replica| executor.write(segment.buffer, replica, &weights))?;
    }
    let targets = plan.targets.iter().map(|segment| segment.buffer).chain([plan.evaluation_targets]);
    let mut stream = Stream::new(seed, Purpose::Test, 1);
    for id in targets {
        let (rows, columns) = (plan.buffers[id].rows, plan.buffers[id].columns);
        let mut values = vec![0.0; rows * columns];
        for row in 0..rows {
            let class = stream.below(columns as u64 + 1) as usize;
            if class < columns {
                values[row * columns + class] = 1.0;
            }
        }
        (0..plan.copies(id)).try_for_each(|replica| executor.write(id, replica, &values))?;
    }
    if let Some(order) = plan.order {
        let indices = permutation(&plan);
        (0..plan.replicas).try_for_each(|replica| executor.write_indices(order, replica, &indices))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_fails_on_one_altered_value() {
        let expected = [1.0, 2.0, 3.0];
        assert_eq!(compare(&[1.0, 2.0, 3.0], &expected, &[1e-7; 3]), Ok(0.0));
        let difference = compare(&[1.0, 2.000_001, 3.0], &expected, &[1e-7; 3]).expect_err("2.000001 is not 2");
        assert_eq!(difference.index, 1);
    }

    #[test]
    fn a_comparison_fails_on_nan_and_infinity_whatever_the_bound() {
        for wrong in [f32::NAN, f32::INFINITY] {
            for bound in [1e30, f64::INFINITY, f64::NAN] {
                compare(&[wrong], &[1.0], &[bound]).expect_err("not finite");
            }
        }
        compare(&[1.0], &[f64::NAN], &[1e30]).expect_err("an oracle without an answer");
        compare(&[1.0], &[1.0], &[f64::NAN]).expect_err("a bound that is none");
        compare(&[1.0], &[1.0], &[f64::INFINITY]).expect_err("a bound that is none");
    }

    #[test]
    fn exact_results_need_no_bound() {
        assert_eq!(compare(&[5.0], &[5.0], &[0.0]), Ok(0.0));
        compare(&[5.000_001], &[5.0], &[0.0]).expect_err("exact means exact");
    }
}
