//! The activations `f`: what there is to know of each is in a file of its own, and in the WGSL file that holds the same
//! functions.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Initialization;
use crate::scalar::Scalar;
use crate::simd::each;

/// The WGSL file of an activation, with its name.
macro_rules! shader {
    ($name:literal) => {
        (
            concat!("activations/", $name, ".wgsl"),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/activations/", $name, ".wgsl")),
        )
    };
}

/// Declares the activations, each as `file: Name`, and hands every question to the one that is asked. Loops over elements
/// are within the choice, so that each is compiled for its activation.
macro_rules! activations {
    ($($file:ident: $name:ident),+ $(,)?) => {
        $(mod $file;)+

        /// What a layer applies to `x · W + b`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Activation {
            $(
                #[doc = concat!("See `", stringify!($file), ".rs`.")]
                #[value(name = $file::$name::FACTS.name, help = $file::$name::FACTS.help)]
                $name,
            )+
        }

        impl Activation {
            /// What there is to know of it beside its functions.
            pub fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$name => &$file::$name::FACTS,)+
                }
            }

            /// `f(z)`. Softmax goes over a whole row and has its own kernel: here it leaves `z` as it is.
            #[inline(always)]
            pub fn activate<T: Scalar>(self, z: T) -> T {
                match self {
                    $(Self::$name => $file::$name::activate(z),)+
                }
            }

            /// `f(z)` of every element, in place: to be inlined into [`vectorised`](crate::simd::vectorised) code.
            #[inline(always)]
            pub(crate) fn activate_all<T: Scalar>(self, values: &mut [T]) {
                match self {
                    $(Self::$name => $file::$name::activate_all(values),)+
                }
            }

            /// The same for the lanes of one vector: the groups of [`activate_all`](Self::activate_all) are wider than a
            /// small batch.
            #[inline(always)]
            pub(crate) fn activate_lanes<T: Scalar>(self, values: &mut [T]) {
                match self {
                    $(
                        Self::$name => values.iter_mut().for_each(
                            #[inline(always)]
                            |z| *z = $file::$name::activate(*z),
                        ),
                    )+
                }
            }

            /// `f'(z)`, given the output `f(z)`, of an activation whose output tells it.
            #[inline(always)]
            fn derivative<T: Scalar>(self, output: T) -> T {
                match self {
                    $(Self::$name => $file::$name::derivative(output),)+
                }
            }

            /// Multiplies every value by `f'(z)`, given the outputs.
            #[inline(always)]
            fn times_derivative<T: Scalar>(self, values: &mut [T], outputs: &[T]) {
                match self {
                    $(Self::$name => $file::$name::times_derivative(values, outputs),)+
                }
            }

            /// `f'(z)` from `z`.
            #[inline(always)]
            pub fn slope<T: Scalar>(self, z: T) -> T {
                match self {
                    $(Self::$name => $file::$name::slope(z),)+
                }
            }

            /// `f'(z)` of every element, in another list.
            #[inline(always)]
            pub(crate) fn slopes<T: Scalar>(self, z: &[T], slopes: &mut [T]) {
                let both = slopes.iter_mut().zip(z);
                match self {
                    $(
                        Self::$name => both.for_each(
                            #[inline(always)]
                            |(slope, &z)| *slope = $file::$name::slope(z),
                        ),
                    )+
                }
            }

            /// How far f32's `f(z)` may be from the exact one when `z` is off by at most `error`, and the same for the
            /// stored `f'(z)`.
            pub fn bounds(self, z: f64, error: f64) -> [f64; 2] {
                match self {
                    $(Self::$name => $file::$name::bounds(z, error),)+
                }
            }
        }
    };
}

activations! {
    sigmoid: Sigmoid,
    tanh: Tanh,
    relu: Relu,
    leaky_relu: LeakyRelu,
    gelu: Gelu,
    softplus: Softplus,
    silu: Silu,
    identity: Identity,
    softmax: Softmax,
}

pub use leaky_relu::LEAK;
pub use sigmoid::sigmoid;

/// What there is to know of an activation beside its functions.
#[derive(Debug)]
pub struct Facts {
    /// Its name on the command line and in files.
    pub name: &'static str,
    /// What help says of it.
    pub help: &'static str,
    /// The name of its WGSL function of `z`; those of its derivative and its slope begin with it.
    pub function: &'static str,
    /// The name and text of the WGSL of `FUNCTION(z)`, and of `FUNCTION_derivative(output)` or, where the slope is stored,
    /// `FUNCTION_slope(z)`.
    pub shader: (&'static str, &'static str),
    /// Numbers that the WGSL calls by these names.
    pub constants: &'static [(&'static str, f64)],
    /// Whether the output does not tell the derivative, so that the forward pass stores the slope `f'(z)` beside it.
    pub stores_slope: bool,
    /// How far f32's derivative may be from the exact one of the same output, relative to it, beyond the three roundings
    /// that kernels allow every derivative.
    pub derivative_error: f64,
    /// Whether it goes over a whole row, so that it is for the outputs only.
    pub is_over_rows: bool,
    /// The least output and the largest, or what they come close to.
    pub range: (f64, f64),
    /// The first weights that `--init auto` draws for its layer.
    pub first_weights: Initialization,
    /// The steepest slope of an activation that is flat on both sides: its units are saturated where theirs is far below.
    pub saturates_from: Option<f64>,
}

/// An activation's facts and functions. `f` and `f'` are inlined into vectorised loops: implementations say
/// `#[inline(always)]`.
trait Definition {
    /// What there is to know of it beside its functions.
    const FACTS: Facts;

    /// `f(z)`
    fn activate<T: Scalar>(z: T) -> T;

    /// `f'(z)`, given the output, where that tells it.
    #[inline(always)]
    fn derivative<T: Scalar>(_output: T) -> T {
        unreachable!("the output of {} does not tell its slope", Self::FACTS.name)
    }

    /// `f'(z)`
    #[inline(always)]
    fn slope<T: Scalar>(z: T) -> T {
        Self::derivative(Self::activate(z))
    }

    /// How far f32's `f(z)` may be from the exact one when `z` is off by at most `error`, and the same for the stored
    /// `f'(z)`. WGSL's functions are less exact than the CPU's: e^x is right within 3 + 2 |x| units in the last place, a
    /// quotient within 2.5.
    fn bounds(z: f64, error: f64) -> [f64; 2];

    /// `f(z)` of every element.
    #[inline(always)]
    fn activate_all<T: Scalar>(values: &mut [T]) {
        each(values, Self::activate);
    }

    /// Multiplies every value by `f'(z)`, given the outputs.
    #[inline(always)]
    fn times_derivative<T: Scalar>(values: &mut [T], outputs: &[T]) {
        values.iter_mut().zip(outputs).for_each(|(value, &output)| *value = *value * Self::derivative(output));
    }
}

impl Activation {
    /// The activations that hidden layers may have: those that take each element by itself.
    pub fn hidden() -> impl Iterator<Item = Self> + Clone {
        Self::value_variants().iter().copied().filter(|activation| !activation.facts().is_over_rows)
    }

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The name of its WGSL function of `z`.
    pub fn function(self) -> &'static str {
        self.facts().function
    }

    /// Its name as a part of a shader's name; softmax, which has no function of one element, is identity there.
    pub fn file_name(self) -> &'static str {
        self.facts().shader.0.trim_start_matches("activations/").trim_end_matches(".wgsl")
    }

    /// What the backward pass tells `f'(z)` from.
    pub fn slope_of(self) -> Slope {
        if self.stores_slope() { Slope::Stored } else { Slope::FromOutput(self) }
    }

    /// Whether the derivative cannot be told from the output, so that the forward pass stores the slope `f'(z)` beside it.
    pub fn stores_slope(self) -> bool {
        self.facts().stores_slope
    }
}

/// What the backward pass has of a layer to tell its slope `f'(z)` from, in a buffer beside the outputs or in these
/// themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slope {
    /// The outputs `f(z)` of this activation.
    FromOutput(Activation),
    /// The slopes.
    Stored,
}

impl Slope {
    /// `f'(z)`, given what there is of it.
    #[inline(always)]
    pub fn derivative<T: Scalar>(self, stored: T) -> T {
        match self {
            Self::FromOutput(activation) => activation.derivative(stored),
            Self::Stored => stored,
        }
    }

    /// How far f32's `f'(z)` may be from the exact one of what there is of it, relative to it, beyond three roundings.
    pub(crate) fn derivative_error(self) -> f64 {
        match self {
            Self::FromOutput(activation) => activation.facts().derivative_error,
            Self::Stored => 0.0,
        }
    }

    /// Multiplies every value by `f'(z)`, given what there is of it: to be inlined into
    /// [`vectorised`](crate::simd::vectorised) code.
    #[inline(always)]
    pub(crate) fn times_derivative<T: Scalar>(self, values: &mut [T], stored: &[T]) {
        match self {
            Self::FromOutput(activation) => activation.times_derivative(values, stored),
            Self::Stored => values.iter_mut().zip(stored).for_each(|(value, &slope)| *value = *value * slope),
        }
    }

    /// Its name as a part of a shader's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FromOutput(activation) => activation.file_name(),
            Self::Stored => "stored",
        }
    }

    /// The WGSL expression of `f'(z)`, given that of what there is of it.
    pub fn expression(self, stored: &str) -> String {
        match self {
            Self::FromOutput(activation) => format!("{}_derivative({stored})", activation.function()),
            Self::Stored => stored.into(),
        }
    }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
