//! The activations `f`, each with its derivative and the WGSL file that holds the same two functions.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::rounding::UNIT;
use crate::scalar::Scalar;
use crate::simd::each;

/// What a layer applies to `x · W + b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// 1 / (1 + e^-z)
    Sigmoid,
    /// (e^z - e^-z) / (e^z + e^-z)
    Tanh,
    /// max(z, 0)
    Relu,
    /// z, or 0.01 z where z < 0
    LeakyRelu,
    /// z · Φ(z), Φ being the normal distribution (Hendrycks and Gimpel, 2016; the exact form, by erf)
    Gelu,
    /// z
    Identity,
    /// e^z / Σ e^z over the outputs
    Softmax,
}

/// The slope of leaky-relu below zero, as in PyTorch and TensorFlow's layer of that name.
pub const LEAK: f64 = 0.01;

impl Activation {
    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky-relu",
            Self::Gelu => "gelu",
            Self::Identity => "identity",
            Self::Softmax => "softmax",
        }
    }

    /// Its name as a part of a shader's name; softmax, which has no function of one element, is identity there.
    pub fn file_name(self) -> &'static str {
        self.shader().0.trim_start_matches("activations/").trim_end_matches(".wgsl")
    }

    /// What the backward pass tells `f'(z)` from.
    pub fn slope_of(self) -> Slope {
        if self == Self::Gelu { Slope::Stored } else { Slope::FromOutput(self) }
    }

    /// Whether the derivative cannot be told from the output, so that the forward pass stores the slope `f'(z)` beside it.
    pub fn stores_slope(self) -> bool {
        self.slope_of() == Slope::Stored
    }

    /// `f(z)` of every element, in place: to be inlined into [`vectorised`](crate::simd::vectorised) code.
    #[inline(always)]
    pub(crate) fn activate_all<T: Scalar>(self, values: &mut [T]) {
        match self {
            Self::Sigmoid => each(values, sigmoid),
            Self::Tanh => each(values, T::tanh),
            Self::Relu => each(values, |z| Self::Relu.activate(z)),
            Self::LeakyRelu => each(values, |z| Self::LeakyRelu.activate(z)),
            Self::Gelu => each(values, |z| Self::Gelu.activate(z)),
            Self::Identity | Self::Softmax => {}
        }
    }

    /// `f(z)`. Softmax goes over a whole row and has its own kernel: here it leaves `z` as it is.
    #[inline(always)]
    pub fn activate<T: Scalar>(self, z: T) -> T {
        match self {
            Self::Sigmoid => sigmoid(z),
            Self::Tanh => z.tanh(),
            Self::Relu => {
                if z < T::ZERO {
                    T::ZERO
                } else {
                    z
                }
            }
            Self::LeakyRelu => {
                if z < T::ZERO {
                    T::from_f64(LEAK) * z
                } else {
                    z
                }
            }
            Self::Gelu => z * normal_distribution(z),
            Self::Identity | Self::Softmax => z,
        }
    }

    /// `f'(z)`, given the output `f(z)`, of an activation whose output tells it.
    #[inline(always)]
    fn derivative<T: Scalar>(self, output: T) -> T {
        match self {
            Self::Sigmoid => output * (T::ONE - output),
            Self::Tanh => (T::ONE - output) * (T::ONE + output),
            Self::Relu => {
                if output > T::ZERO {
                    T::ONE
                } else {
                    T::ZERO
                }
            }
            Self::LeakyRelu => {
                if output > T::ZERO {
                    T::ONE
                } else {
                    T::from_f64(LEAK)
                }
            }
            Self::Gelu => unreachable!("gelu's output does not tell its slope"),
            Self::Identity | Self::Softmax => T::ONE,
        }
    }

    /// `f'(z)` from `z`.
    pub fn slope<T: Scalar>(self, z: T) -> T {
        const INVERSE_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
        match self {
            Self::Gelu => {
                let density = T::from_f64(INVERSE_SQRT_TAU) * (T::from_f64(-0.5) * z * z).exp();
                normal_distribution(z) + z * density
            }
            other => other.derivative(other.activate(z)),
        }
    }

    /// How far f32's `f(z)` may be from the exact one when `z` is off by at most `error`, and the same for the stored `f'(z)`.
    pub fn bounds(self, z: f64, error: f64) -> [f64; 2] {
        let tiny = f64::from(f32::MIN_POSITIVE);
        let output = self.activate(z).abs();
        match self {
            // The slope is at most ¼, and at most the output itself, whose relative error the exponential decides.
            Self::Sigmoid => {
                let own = (8.1 + 2.0 * z.abs()) * 2.0 * UNIT * output;
                [1.01 * output.min(0.25) * error + own.min(5.5e-7) + tiny, 0.0]
            }
            Self::Tanh => [error + 12.0 * UNIT * output + tiny, 0.0],
            Self::Gelu => {
                // Both are made of Φ(z) and e^(-z²/2), whose relative errors grow with z².
                let relative = (16.0 + 2.0 * z * z) * UNIT;
                let density = self.slope(z).abs() + output;
                [1.13 * error + relative * output + tiny, 1.13 * error + relative * density.max(UNIT) + tiny]
            }
            // Below zero, and not within the error of it, relu is exactly 0.
            Self::Relu if z < -error => [0.0; 2],
            Self::Relu | Self::LeakyRelu | Self::Identity | Self::Softmax => [error + UNIT * output, 0.0],
        }
    }

    /// The name of its WGSL function of `z`; those of its derivative and its slope begin with it.
    pub fn function(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "hyperbolic_tangent",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Gelu => "gelu",
            Self::Identity | Self::Softmax => "identity",
        }
    }

    /// The WGSL of `FUNCTION(z)`, and of `FUNCTION_derivative(output)` or, where the slope is stored, `FUNCTION_slope(z)`.
    pub fn shader(self) -> (&'static str, &'static str) {
        match self {
            Self::Sigmoid => ("activations/sigmoid.wgsl", include_str!("../../shaders/activations/sigmoid.wgsl")),
            Self::Tanh => ("activations/tanh.wgsl", include_str!("../../shaders/activations/tanh.wgsl")),
            Self::Relu => ("activations/relu.wgsl", include_str!("../../shaders/activations/relu.wgsl")),
            Self::LeakyRelu => ("activations/leaky_relu.wgsl", include_str!("../../shaders/activations/leaky_relu.wgsl")),
            Self::Gelu => ("activations/gelu.wgsl", include_str!("../../shaders/activations/gelu.wgsl")),
            Self::Identity | Self::Softmax => {
                ("activations/identity.wgsl", include_str!("../../shaders/activations/identity.wgsl"))
            }
        }
    }
}

/// What the backward pass has of a layer to tell its slope `f'(z)` from, in a buffer beside the outputs or in these themselves.
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

    /// Multiplies every value by `f'(z)`, given what there is of it: to be inlined into [`vectorised`](crate::simd::vectorised) code.
    #[inline(always)]
    pub(crate) fn times_derivative<T: Scalar>(self, values: &mut [T], stored: &[T]) {
        use Activation::{Gelu, Identity, LeakyRelu, Relu, Sigmoid, Softmax, Tanh};
        let both = values.iter_mut().zip(stored);
        match self {
            Self::FromOutput(Sigmoid) => both.for_each(|(value, &output)| *value = *value * Sigmoid.derivative(output)),
            Self::FromOutput(Tanh) => both.for_each(|(value, &output)| *value = *value * Tanh.derivative(output)),
            Self::FromOutput(Relu) => both.for_each(|(value, &output)| *value = *value * Relu.derivative(output)),
            Self::FromOutput(LeakyRelu) => both.for_each(|(value, &output)| *value = *value * LeakyRelu.derivative(output)),
            Self::FromOutput(Identity | Softmax) => {}
            Self::FromOutput(Gelu) => unreachable!("gelu's output does not tell its slope"),
            Self::Stored => both.for_each(|(value, &slope)| *value = *value * slope),
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

/// 1 / (1 + e^-z) without overflow, accurate relative to the result on both sides.
#[inline(always)]
pub fn sigmoid<T: Scalar>(z: T) -> T {
    let t = (-z.abs()).exp();
    let s = T::ONE / (T::ONE + t);
    if z < T::ZERO { t * s } else { s }
}

/// Φ(z), the distribution function of the standard normal.
fn normal_distribution<T: Scalar>(z: T) -> T {
    T::from_f64(0.5) * (-z * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erfc()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 6] = [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Identity,
    ];

    #[test]
    fn slopes_are_the_central_differences_of_the_activations() {
        for activation in ALL {
            for step in -30..30 {
                let z = f64::from(step) * 0.17 + 0.01;
                let difference = (activation.activate(z + 1e-6) - activation.activate(z - 1e-6)) / 2e-6;
                let slope = activation.slope(z);
                assert!((slope - difference).abs() < 1e-8, "{activation} at {z}: {slope} against {difference}");
            }
        }
    }

    #[test]
    fn sigmoid_neither_overflows_nor_loses_its_tail() {
        assert_eq!(sigmoid(1e30_f32), 1.0);
        assert_eq!(sigmoid(-1e30_f32), 0.0);
        assert!((f64::from(sigmoid(-80.0_f32)) / (-80.0_f64).exp() - 1.0).abs() < 1e-6);
        assert!(sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn relu_lets_nan_through() {
        assert!(Activation::Relu.activate(f32::NAN).is_nan());
    }
}
