//! What a loss's file says of it.

use crate::network::Activation;
use crate::rounding::UNIT;
use crate::scalar::Scalar;

/// What one vector of lanes holds: a number of each of so many rows.
pub(crate) type Vector<const LANES: usize> = [f32; LANES];

/// What is known of a loss without its number.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    /// Its name on the command line and in files.
    pub(super) name: &'static str,
    /// What it is, for the help.
    pub(super) help: &'static str,
    /// The output's activation that it is a joint pair with: the last layer leaves the logits, and the loss does the rest.
    /// None: it is a function of outputs of any activation that has a slope for each.
    pub(crate) joint: Option<Activation>,
    /// Whether targets may be numbers, and not classes alone.
    pub(super) is_for_numbers: bool,
    /// Whether an output's loss and delta depend on the other outputs of its row.
    pub(crate) needs_whole_rows: bool,
    /// What label smoothing moves the targets of so many outputs towards; none where it means nothing.
    pub(crate) smoothed_towards: Option<fn(usize) -> f64>,
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

    /// The loss's derivative with respect to an output or, in a joint pair, its logit, given the output.
    fn error<T: Scalar>(self, output: T, target: T) -> T;

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

/// A loss that adds up what each output says alone, whatever its activation.
pub(super) trait OfEachOutput: Definition {
    /// What an output says.
    fn value<T: Scalar>(self, output: T, target: T) -> T;
}

/// What a loss makes of rows.
pub(super) trait OfRows: Definition {
    /// The row's loss; leaves the outputs in `row`.
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T;

    /// The losses of rows of so many outputs; leaves the outputs in `rows`.
    #[inline(always)]
    fn of_rows<T: Scalar>(self, rows: &mut [T], targets: &[T], outputs: usize, losses: &mut [T]) {
        let rows = rows.chunks_exact_mut(outputs).zip(targets.chunks_exact(outputs));
        losses.iter_mut().zip(rows).for_each(|(of_row, (row, targets))| *of_row = self.of_row(row, targets));
    }

    /// The loss of a row of outputs, which are what networks say and in no joint pair the logits.
    fn of_outputs<T: Scalar>(self, outputs: &[T], targets: &[T]) -> f64;

    /// The losses of as many rows as there are lanes. A delta is what `finished` makes of an output's number and derivative.
    fn of_lanes<const L: usize>(self, rows: Lanes<'_, L>, finished: impl Fn(usize, Vector<L>) -> Vector<L>) -> Vector<L>;
}

/// -ln of a probability. One of 0 counts as the least number that has all its digits, which is as sure as numbers can tell.
pub(super) fn surprise<T: Scalar>(probability: T) -> f64 {
    -probability.to_f64().max(T::LEAST).ln()
}

impl<Loss: OfEachOutput> OfRows for Loss {
    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        /// Sums that are kept side by side.
        const SUMS: usize = 16;
        let mut sums = [T::ZERO; SUMS];
        let (outputs, last_outputs) = row.as_chunks::<SUMS>();
        let (targets, last_targets) = targets.as_chunks::<SUMS>();
        for (outputs, targets) in outputs.iter().zip(targets) {
            for lane in 0..SUMS {
                sums[lane] += self.value(outputs[lane], targets[lane]);
            }
        }
        for (lane, (&output, &target)) in last_outputs.iter().zip(last_targets).enumerate() {
            sums[lane] += self.value(output, target);
        }
        sums.into_iter().sum()
    }

    fn of_outputs<T: Scalar>(self, outputs: &[T], targets: &[T]) -> f64 {
        let value = |(output, target): (&T, &T)| self.value(output.to_f64(), target.to_f64());
        outputs.iter().zip(targets).map(value).sum()
    }

    #[inline(always)]
    fn of_lanes<const L: usize>(self, rows: Lanes<'_, L>, finished: impl Fn(usize, Vector<L>) -> Vector<L>) -> Vector<L> {
        rows.each(
            finished,
            #[inline(always)]
            |output, target| (self.value(output, target), self.error(output, target)),
        )
    }
}

/// As many rows as there are lanes: a vector an output.
pub(crate) struct Lanes<'a, const LANES: usize> {
    /// The results.
    pub(crate) results: &'a [Vector<LANES>],
    /// The targets.
    pub(crate) targets: &'a [Vector<LANES>],
    /// The deltas, to be written.
    pub(crate) deltas: &'a mut [Vector<LANES>],
}

impl<const L: usize> Lanes<'_, L> {
    /// [`OfRows::of_lanes`], given an output's loss and its derivative from its result and target.
    #[inline(always)]
    pub(super) fn each(
        self,
        finished: impl Fn(usize, Vector<L>) -> Vector<L>,
        of: impl Fn(f32, f32) -> (f32, f32),
    ) -> Vector<L> {
        let mut losses = [0.0; L];
        for (j, delta) in self.deltas.iter_mut().enumerate() {
            let mut errors = [0.0; L];
            for lane in 0..L {
                let (loss, error) = of(self.results[j][lane], self.targets[j][lane]);
                losses[lane] += loss;
                errors[lane] = error;
            }
            *delta = finished(j, errors);
        }
        losses
    }
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

/// [`Definition::rounding`] of probabilities: e^z rounds within 3 + 2 |z| units, the sum of them within √outputs more.
pub(super) fn rounding_of_probabilities(size: f64, outputs: f64) -> [f64; 2] {
    let element = (12.0 + 4.0 * size + 3.0 * outputs.sqrt()) * UNIT;
    [element, (12.0 + 4.0 * size + outputs) * UNIT * outputs * (1.0 + size)]
}
