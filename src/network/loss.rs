//! The losses: a list of those that have a file in `loss/` and a shader of the same name in `shaders/losses/`, and what the
//! rest of the program asks of any of them.

mod definition;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Activation;
use crate::data::Task;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
pub(crate) use definition::{Carried, Facts, Inexact, Lanes, Vector};
use definition::{Definition, OfRows};

/// Declares the losses from a line each: the name of the loss's files, its type and, if it has one, the name of its number.
/// `each!` does something with whichever definition a loss stands for, compiled for each of them.
macro_rules! losses {
    ($dollar:tt $($file:ident::$name:ident $({ $number:ident })?,)*) => {
        $(mod $file;)*

        /// What training makes small: a sum over the outputs of a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Loss {
            $(
                #[doc = concat!("The loss of `loss/", stringify!($file), ".rs`.")]
                $name $({
                    #[doc = "What shapes it."]
                    $number: Number,
                })?,
            )*
        }

        /// Every loss, with the number that it has unless said otherwise; the first goes with whatever has no joint pair.
        const ALL: &[Loss] = &[$(Loss::$name $({ $number: Number::new($file::$name::DEFAULT.$number) })?),*];
        /// Their names.
        const NAMES: &[&str] = &[$(<$file::$name as Definition>::FACTS.name),*];

        macro_rules! each {
            ($dollar loss:expr, $dollar definition:ident => $dollar result:expr) => {
                match $dollar loss {
                    $(Loss::$name $({ $number })? => {
                        let $dollar definition = $file::$name { $($number: $number.get())? };
                        $dollar result
                    })*
                }
            };
        }

        impl Loss {
            /// The number that shapes it, with its name, if it has one.
            pub fn number(self) -> Option<(&'static str, f64)> {
                match self {
                    $(Self::$name $({ $number })? => None $(.or(Some((stringify!($number), $number.get()))))?,)*
                }
            }

            /// The same loss shaped by this number, if it has one.
            fn shaped(self, _number: f64) -> Self {
                match self {
                    $(Self::$name { .. } => Self::$name { $($number: Number::new(_number))? },)*
                }
            }

            /// The WGSL of `prepare`, `output_of`, `loss_of` and `error_of`.
            pub fn shader(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name { .. } => (
                        concat!("losses/", stringify!($file), ".wgsl"),
                        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/losses/", stringify!($file), ".wgsl")),
                    ),)*
                }
            }
        }
    };
}

losses! { $
    squared_error::SquaredError,
    absolute_error::AbsoluteError,
    huber::Huber { delta },
    binary_cross_entropy::BinaryCrossEntropy,
    cross_entropy::CrossEntropy,
}

/// A number that shapes a loss: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u64);

impl Number {
    /// This number.
    ///
    /// # Panics
    /// If it is not finite and above zero.
    pub const fn new(value: f64) -> Self {
        assert!(value > 0.0 && value.is_finite(), "what shapes a loss is finite and above zero");
        Self(value.to_bits())
    }

    /// The number.
    pub const fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Loss {
    /// What is known of it without its number.
    pub(crate) fn facts(self) -> Facts {
        fn of<L: Definition>(_: L) -> Facts {
            L::FACTS
        }
        each!(self, loss => of(loss))
    }

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The loss that goes without saying with an output's activation and a task.
    pub fn of(output: Activation, task: Task) -> Self {
        let joint = ALL.iter().copied().find(|loss| loss.facts().joint == Some(output));
        joint.filter(|_| task == Task::Classification).unwrap_or(ALL[0])
    }

    /// The output's activation that goes without saying with this loss and a task.
    pub fn output(self, task: Task) -> Activation {
        self.facts().joint.unwrap_or(match task {
            Task::Classification => Activation::Sigmoid,
            Task::Regression => Activation::Identity,
        })
    }

    /// Whether its targets may be those of such a task.
    pub fn is_for(self, task: Task) -> bool {
        task == Task::Classification || self.facts().is_for_numbers
    }

    /// Whether the loss and the output's activation have a joint delta, computed from the logits.
    pub fn is_joint(self) -> bool {
        self.facts().joint.is_some()
    }

    /// The same loss, shaped by another number.
    ///
    /// # Errors
    /// Usage, if it has none, or the number is not finite and above zero in f32 as well.
    pub fn with_number(self, value: f64) -> Result<Self> {
        let Some((number, _)) = self.number() else {
            return Err(Error::Usage(format!("{self} has no number that shapes it, and was given {value:?}")));
        };
        if !value.is_finite() || !(value as f32).is_normal() || value < 0.0 {
            return Err(Error::Usage(format!(
                "--{self}-{number} {value:?}: it must be a number above 0 that single precision holds"
            )));
        }
        Ok(self.shaped(value))
    }

    /// Its name, and its number if it has one, for a person.
    pub fn description(self) -> String {
        let number = self.number().map(|(name, number)| format!(" with {name} {number}"));
        self.name().to_string() + &number.unwrap_or_default()
    }

    /// The number as a word of a kernel's parameters, where the shader finds it as `parameters.of_loss`: no shader is
    /// compiled for each.
    pub(crate) fn word(self) -> u32 {
        self.number().map_or(0, |(_, number)| (number as f32).to_bits())
    }

    /// Checks that this loss goes with the output's activation.
    ///
    /// # Errors
    /// Usage, naming what would fit.
    pub fn check(self, output: Activation) -> Result<()> {
        match self.facts().joint {
            Some(needed) if output == needed => Ok(()),
            Some(needed) => Err(Error::Usage(format!("--loss {self} needs --output-activation {needed}, not {output}"))),
            // An output of softmax has no slope of its own.
            None if output == Activation::Softmax => {
                let joint = Self::of(output, Task::Classification);
                Err(Error::Usage(format!(
                    "--output-activation {output} goes with --loss {joint}; {self} goes with any other"
                )))
            }
            None => Ok(()),
        }
    }

    /// The losses of rows of so many outputs; leaves the network's outputs in `rows`, which hold logits where loss and
    /// activation are a joint pair.
    #[inline(always)]
    pub(crate) fn of_rows<T: Scalar>(self, rows: &mut [T], targets: &[T], outputs: usize, losses: &mut [T]) {
        each!(self, loss => loss.of_rows(rows, targets, outputs, losses));
    }

    /// The loss of a row of outputs: what networks say and, where loss and activation are a joint pair, not the logits. It is computed in
    /// f64, of numbers that round as `T` does.
    pub fn of_outputs<T: Scalar>(self, outputs: &[T], targets: &[T]) -> f64 {
        each!(self, loss => loss.of_outputs(outputs, targets))
    }

    /// Turns outputs into the loss's derivatives, times `scale`: with respect to the outputs or, where loss and activation
    /// are a joint pair, the logits.
    #[inline(always)]
    pub(crate) fn errors<T: Scalar>(self, outputs: &mut [T], targets: &[T], scale: T) {
        let both = outputs.iter_mut().zip(targets);
        each!(self, loss => both.for_each(|(value, &target)| *value = loss.error(*value, target) * scale));
    }

    /// The losses of as many rows as there are lanes. A delta is what `finished` makes of an output's number and derivative.
    #[inline(always)]
    pub(crate) fn of_lanes<const L: usize>(
        self,
        rows: Lanes<'_, L>,
        finished: impl Fn(usize, Vector<L>) -> Vector<L>,
    ) -> Vector<L> {
        each!(self, loss => loss.of_lanes(rows, finished))
    }

    /// Which of the pieces between the loss's kinks, where its slope jumps or bends, an output lies on.
    pub(crate) fn piece(self, output: f64, target: f64) -> i8 {
        each!(self, loss => loss.piece(output, target))
    }

    /// How far f32 may round, given exact results: in an element of the delta, without slope and scale, or of the outputs;
    /// and in the loss of a row of `outputs`, in which no result or target is larger than `size`.
    pub(crate) fn rounding(self, size: f64, outputs: usize) -> [f64; 2] {
        each!(self, loss => loss.rounding(size, outputs as f64))
    }

    /// What the error of a result comes to.
    pub(crate) fn carried(self, result: &Inexact) -> Carried {
        each!(self, loss => loss.carried(result))
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl ValueEnum for Loss {
    fn value_variants<'a>() -> &'a [Self] {
        ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let Facts { name, help, .. } = self.facts();
        Some(PossibleValue::new(name).help(help))
    }
}

/// By its name: the number that shapes it is said beside it.
impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = ALL.iter().copied().find(|loss| loss.name() == name);
        known.ok_or_else(|| de::Error::unknown_variant(&name, NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: [f64; 7] = [0.0, 0.2, -0.5, 0.75, 1.5, -3.0, 100.0];

    fn huber(delta: f64) -> Loss {
        Loss::Huber { delta: Number::new(delta) }
    }

    fn of_row<T: Scalar>(loss: Loss, row: &mut [T], targets: &[T]) -> T {
        let mut losses = [T::ZERO];
        loss.of_rows(row, targets, targets.len(), &mut losses);
        losses[0]
    }

    /// A loss's value and derivative at each of the errors, one output a row, and what lanes make of them.
    fn at_errors(loss: Loss) -> [(f64, f64); ERRORS.len()] {
        let target = 0.5_f32;
        ERRORS.map(|error| {
            let output = error as f32 + target;
            let (mut row, mut deltas) = ([output], [[0.0; 4]]);
            let value = of_row(loss, &mut row, &[target]);
            loss.errors(&mut row, &[target], 2.0);
            let of_lanes = loss
                .of_lanes(Lanes { results: &[[output; 4]], targets: &[[target; 4]], deltas: &mut deltas }, |_, errors| {
                    errors
                });
            assert_eq!((of_lanes[3], 2.0 * deltas[0][3]), (value, row[0]), "{loss} at {error}");
            (f64::from(value), f64::from(row[0] / 2.0))
        })
    }

    /// What `torch.nn.HuberLoss(reduction="none", delta=0.5)`, the same with 1, and `torch.nn.L1Loss(reduction="none")` say
    /// of these errors, with their gradients.
    #[test]
    fn huber_and_the_absolute_error_are_those_of_torch() {
        let half = [(0.0, 0.0), (0.02, 0.2), (0.125, -0.5), (0.25, 0.5), (0.625, 0.5), (1.375, -0.5), (49.875, 0.5)];
        let one = [(0.0, 0.0), (0.02, 0.2), (0.125, -0.5), (0.281_25, 0.75), (1.0, 1.0), (2.5, -1.0), (99.5, 1.0)];
        let absolute = [(0.0, 0.0), (0.2, 1.0), (0.5, -1.0), (0.75, 1.0), (1.5, 1.0), (3.0, -1.0), (100.0, 1.0)];
        for (loss, expected) in [(huber(0.5), half), (huber(1.0), one), (Loss::AbsoluteError, absolute)] {
            let is = |given: [(f64, f64); ERRORS.len()]| {
                given
                    .iter()
                    .zip(&expected)
                    .all(|(given, expected)| (given.0 - expected.0).abs() <= 1e-7 && (given.1 - expected.1).abs() <= 1e-7)
            };
            assert!(is(at_errors(loss)), "{loss}: {:?}", at_errors(loss));
        }
        assert_eq!(Loss::value_variants().iter().find_map(|loss| loss.number()), Some(("delta", 1.0)));
    }

    /// f64 beside f32, over more outputs than are summed side by side, and with what no number is.
    #[test]
    fn rows_are_summed_whole_and_what_is_no_number_shows() {
        let outputs: Vec<f64> = (0..37).map(|j| f64::from(j) * 0.25 - 4.0).collect();
        let targets = vec![0.5; 37];
        let expected = |of: fn(f64) -> f64| outputs.iter().map(|output| of(output - 0.5)).sum::<f64>();
        let of_huber = |e: f64| if e.abs() <= 2.0 { 0.5 * e * e } else { 2.0 * (e.abs() - 1.0) };
        for (loss, expected) in [
            (Loss::SquaredError, expected(|e| 0.5 * e * e)),
            (Loss::AbsoluteError, expected(f64::abs)),
            (huber(2.0), expected(of_huber)),
        ] {
            assert_eq!(of_row(loss, &mut outputs.clone(), &targets), expected, "{loss}");
            for wrong in [f32::NAN, f32::INFINITY] {
                let mut row = [1.0, wrong, 3.0];
                assert!(!of_row(loss, &mut row, &[0.0; 3]).is_finite(), "{loss} of {wrong}");
                loss.errors(&mut row, &[0.0; 3], 1.0);
                assert_eq!(row[1].is_nan(), wrong.is_nan(), "{loss} of {wrong}");
            }
        }
    }

    #[test]
    fn what_goes_together_follows_from_the_losses() {
        use Activation::{Identity, Sigmoid, Softmax, Tanh};
        use Task::{Classification, Regression};
        let of = |output, task| Loss::of(output, task).name();
        assert_eq!(
            [Softmax, Sigmoid, Tanh].map(|output| of(output, Classification)),
            ["cross-entropy", "binary-cross-entropy", "squared-error"]
        );
        assert_eq!([Softmax, Sigmoid, Tanh].map(|output| of(output, Regression)), ["squared-error"; 3]);
        for &loss in Loss::value_variants() {
            assert!(loss.check(loss.output(Classification)).is_ok() && loss.is_for(Classification), "{loss}");
            assert!(!loss.is_for(Regression) || loss.output(Regression) == Identity, "{loss}");
            assert_eq!(loss.is_joint(), !loss.is_for(Regression), "{loss}");
            assert_eq!(serde_json::from_str::<Loss>(&format!("\"{loss}\"")).ok(), Some(loss));
        }
        let smoothed = |loss: Loss| loss.facts().smoothed_towards.map(|middle| middle(4));
        assert_eq!([Loss::CrossEntropy, Loss::BinaryCrossEntropy].map(smoothed), [Some(0.25), Some(0.5)]);
    }

    #[test]
    fn only_a_number_above_zero_shapes_a_loss() {
        let huber = huber(1.0);
        assert_eq!(huber.with_number(0.25).expect("a shape").number(), Some(("delta", 0.25)));
        for wrong in [0.0, -1.0, 1e-46, 1e39, f64::NAN, f64::INFINITY] {
            assert!(huber.with_number(wrong).is_err(), "{wrong}");
        }
        assert!(Loss::SquaredError.with_number(1.0).is_err());
    }
}
