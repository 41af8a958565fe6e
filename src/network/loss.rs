//! The losses of one row, and their derivatives with respect to the outputs.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Activation;
use crate::error::{Error, Result};

/// What training makes small: a sum over the outputs of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// ½ Σ (a - y)²
    SquaredError,
    /// -Σ (y ln a + (1 - y) ln(1 - a)), for sigmoid outputs
    BinaryCrossEntropy,
    /// -Σ y ln a, for softmax outputs
    CrossEntropy,
}

impl Loss {
    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::SquaredError => "squared-error",
            Self::BinaryCrossEntropy => "binary-cross-entropy",
            Self::CrossEntropy => "cross-entropy",
        }
    }

    /// Whether the loss and the output's activation have the joint delta `a - y`, computed from the logits.
    pub fn is_joint(self) -> bool {
        self != Self::SquaredError
    }

    /// The WGSL of `prepare`, `output_of`, `loss_of` and `error_of`.
    pub fn shader(self) -> (&'static str, &'static str) {
        match self {
            Self::SquaredError => ("losses/squared_error.wgsl", include_str!("../../shaders/losses/squared_error.wgsl")),
            Self::BinaryCrossEntropy => {
                ("losses/binary_cross_entropy.wgsl", include_str!("../../shaders/losses/binary_cross_entropy.wgsl"))
            }
            Self::CrossEntropy => ("losses/cross_entropy.wgsl", include_str!("../../shaders/losses/cross_entropy.wgsl")),
        }
    }

    /// Checks that this loss goes with the output's activation.
    ///
    /// # Errors
    /// Usage, naming what would fit.
    pub fn check(self, output: Activation) -> Result<()> {
        let needed = match self {
            Self::BinaryCrossEntropy => Activation::Sigmoid,
            Self::CrossEntropy => Activation::Softmax,
            Self::SquaredError if output == Activation::Softmax => {
                return Err(Error::Usage(
                    "--output-activation softmax goes with --loss cross-entropy; squared-error goes with any other".into(),
                ));
            }
            Self::SquaredError => return Ok(()),
        };
        if output == needed {
            return Ok(());
        }
        Err(Error::Usage(format!("--loss {self} needs --output-activation {needed}, not {output}")))
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
