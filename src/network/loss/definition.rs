//! What a loss's file says of it.

use crate::network::Activation;
use crate::scalar::Scalar;

/// What one vector of lanes holds: a number of each of so many rows.
pub(crate) type Vector<const LANES: usize> = [f32; LANES];

/// What is known of a loss without its number.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// Its name on the command line and in files.
    pub(super) name: &'static str,
    /// What it is, for the help.
    pub(super) help: &'static str,
    /// The output's activation that it is a joint pair with: the last layer leaves the logits, and the loss does the rest.
    /// None: it is a function of outputs of any activation that has a slope for each.
    pub(super) joint: Option<Activation>,
    /// Whether targets may be numbers, and not classes alone.
    pub(super) is_for_numbers: bool,
    /// Whether an output's loss and delta depend on the other outputs of its row.
    pub(super) needs_whole_rows: bool,
    /// What label smoothing moves the targets of so many outputs towards; none where it means nothing.
    pub(super) smoothed_towards: Option<fn(usize) -> f64>,
}

impl Facts {
    /// A loss that adds up what each output says alone, whatever its activation: of numbers or classes.
    pub(super) const fn of_each_output(name: &'static str, help: &'static str) -> Self {
        Self { name, help, joint: None, is_for_numbers: true, needs_whole_rows: false, smoothed_towards: None }
    }

    /// A loss of classes that is a joint pair with an activation.
    pub(super) const fn of_classes(
        name: &'static str,
        help: &'static str,
        joint: Activation,
        smoothed_towards: fn(usize) -> f64,
    ) -> Self {
        let (joint, smoothed_towards) = (Some(joint), Some(smoothed_towards));
        Self { name, help, joint, is_for_numbers: false, needs_whole_rows: false, smoothed_towards }
    }
}

/// A loss. What it gets are results: the outputs or, where it is a joint pair with an activation, the logits. Its shader has
/// the same functions, of vec4s.
pub(super) trait Definition: Copy + Send + Sync {
    const FACTS: Facts;

    /// The row's loss; leaves the outputs in `row`.
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T;

    /// The loss's derivative with respect to an output or, in a joint pair, its logit, given the output.
    fn error<T: Scalar>(self, output: T, target: T) -> T;

    /// The losses of as many rows as there are lanes, whose results, targets and deltas are a vector an output. A delta is
    /// what `finished` makes of an output's number and derivative.
    fn of_lanes<const LANES: usize>(
        self,
        results: &[Vector<LANES>],
        targets: &[Vector<LANES>],
        deltas: &mut [Vector<LANES>],
        finished: impl Fn(usize, Vector<LANES>) -> Vector<LANES>,
    ) -> Vector<LANES>;

    /// Which of the pieces between the loss's kinks, where its slope jumps or bends, an output lies on.
    fn piece(self, _output: f64, _target: f64) -> i8 {
        0
    }

    /// How far f32 may round, given exact results: in an element of the delta, without slope and scale, or of the outputs;
    /// and in the loss of a row of so many outputs, in which no result or target is larger than `size`.
    fn rounding(self, size: f64, outputs: f64) -> [f64; 2];

    /// What the error of a result comes to.
    fn carried(self, result: &Inexact) -> Carried;
}

/// A result that may be off, and what there is of its slope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inexact {
    /// The result.
    pub(crate) result: f64,
    /// How far it may be off.
    pub(crate) error: f64,
    /// The largest of these errors in its row.
    pub(crate) worst: f64,
    /// The target.
    pub(crate) target: f64,
    /// The largest |f'| that it may have, and by how much f' may change; for losses of outputs.
    pub(crate) slope: [f64; 2],
}

/// What the error of a result comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carried {
    /// In delta, without the step's scale.
    pub(crate) delta: f64,
    /// In the output.
    pub(crate) output: f64,
    /// In the row's loss.
    pub(crate) loss: f64,
}

impl Inexact {
    /// How far an output may be from its target.
    pub(super) fn distance(&self) -> f64 {
        (self.result - self.target).abs() + self.error
    }

    /// What the error of an output comes to where the loss's derivative is at most `steepness` and changes by at most
    /// `change`.
    pub(super) fn carried(&self, steepness: f64, change: f64) -> Carried {
        let [slope, change_of_slope] = self.slope;
        Carried { delta: change * slope + steepness * change_of_slope, output: self.error, loss: steepness * self.error }
    }
}

/// Sums that are kept side by side.
const SUMS: usize = 16;

/// The sum over a row of what each output and its target say.
#[inline(always)]
pub(super) fn sum_of_row<T: Scalar>(row: &[T], targets: &[T], of: impl Fn(T, T) -> T) -> T {
    let mut sums = [T::ZERO; SUMS];
    let (outputs, last_outputs) = row.as_chunks::<SUMS>();
    let (targets, last_targets) = targets.as_chunks::<SUMS>();
    for (outputs, targets) in outputs.iter().zip(targets) {
        for lane in 0..SUMS {
            sums[lane] += of(outputs[lane], targets[lane]);
        }
    }
    for (lane, (&output, &target)) in last_outputs.iter().zip(last_targets).enumerate() {
        sums[lane] += of(output, target);
    }
    sums.into_iter().sum()
}

/// [`Definition::of_lanes`] of a loss that gives a result's loss and its derivative from that result alone.
#[inline(always)]
pub(super) fn lanes_of_each<const LANES: usize>(
    results: &[Vector<LANES>],
    targets: &[Vector<LANES>],
    deltas: &mut [Vector<LANES>],
    finished: impl Fn(usize, Vector<LANES>) -> Vector<LANES>,
    of: impl Fn(f32, f32) -> (f32, f32),
) -> Vector<LANES> {
    let mut losses = [0.0; LANES];
    for (j, delta) in deltas.iter_mut().enumerate() {
        let mut errors = [0.0; LANES];
        for lane in 0..LANES {
            let (loss, error) = of(results[j][lane], targets[j][lane]);
            losses[lane] += loss;
            errors[lane] = error;
        }
        *delta = finished(j, errors);
    }
    losses
}
