//! The first weights of a network. Biases start at zero.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Activation, Layer, Network, Weights};
use crate::data::Matrix;
use crate::error::{shown, suggestion};
use crate::random::{Purpose, Stream};
use crate::scalar::Scalar;

/// From which distribution the first weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Initialization {
    /// As each layer's activation asks for: he-normal for those that are linear above zero and flat below, xavier-uniform for the
    /// others.
    Auto,
    /// U(-r, r), r = √(6 / (inputs + outputs)): Glorot and Bengio, 2010.
    XavierUniform,
    /// N(0, 2 / (inputs + outputs)): Glorot and Bengio, 2010.
    XavierNormal,
    /// U(-r, r), r = √(6 / inputs): He et al., 2015.
    HeUniform,
    /// N(0, 2 / inputs): He et al., 2015.
    HeNormal,
    /// U(low, high).
    Uniform(f64, f64),
    /// N(0, deviation²).
    Normal(f64),
}

impl Initialization {
    /// The weights of a new network, layer by layer, each from its own random stream.
    pub fn weights<T: Scalar>(self, network: &Network, seed: u64) -> Weights<T> {
        let layer = |l: usize, activation: Activation| {
            let (inputs, outputs) = (network.widths()[l], network.widths()[l + 1]);
            let mut stream = Stream::new(seed, Purpose::Initialization, l as u64);
            let values = (0..inputs * outputs)
                .map(|_| T::from_f64(self.draw(&mut stream, activation, inputs as f64, outputs as f64)))
                .collect();
            Layer {
                weight: Matrix::new(inputs, outputs, values),
                bias: vec![T::ZERO; if network.bias() { outputs } else { 0 }],
            }
        };
        network.activations().iter().enumerate().map(|(l, &activation)| layer(l, activation)).collect()
    }

    fn draw(self, stream: &mut Stream, activation: Activation, inputs: f64, outputs: f64) -> f64 {
        let symmetric = |stream: &mut Stream, radius: f64| radius * (2.0 * stream.uniform() - 1.0);
        match self {
            Self::Auto => activation.facts().first_weights.draw(stream, activation, inputs, outputs),
            Self::XavierUniform => symmetric(stream, (6.0 / (inputs + outputs)).sqrt()),
            Self::XavierNormal => stream.normal() * (2.0 / (inputs + outputs)).sqrt(),
            Self::HeUniform => symmetric(stream, (6.0 / inputs).sqrt()),
            Self::HeNormal => stream.normal() * (2.0 / inputs).sqrt(),
            Self::Uniform(low, high) => low + (high - low) * stream.uniform(),
            Self::Normal(deviation) => deviation * stream.normal(),
        }
    }
}

const NAMES: &str = "auto, xavier-uniform, xavier-normal, he-uniform, he-normal, uniform(LOW,HIGH) or normal(DEVIATION)";

impl FromStr for Initialization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            let hint = suggestion(text, ["auto", "xavier-uniform", "xavier-normal", "he-uniform", "he-normal"]);
            format!("'{}' is no initialisation{hint}: {NAMES}", shown(text))
        };
        let numbers = |prefix: &str| -> Option<Vec<f64>> {
            let inner = text.strip_prefix(prefix)?.strip_prefix('(')?.strip_suffix(')')?;
            inner.split(',').map(|number| number.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect()
        };
        match text {
            "auto" => Ok(Self::Auto),
            "xavier-uniform" => Ok(Self::XavierUniform),
            "xavier-normal" => Ok(Self::XavierNormal),
            "he-uniform" => Ok(Self::HeUniform),
            "he-normal" => Ok(Self::HeNormal),
            _ => match (numbers("uniform").as_deref(), numbers("normal").as_deref()) {
                (Some([low, high]), _) if low <= high => Ok(Self::Uniform(*low, *high)),
                (_, Some([deviation])) if *deviation >= 0.0 => Ok(Self::Normal(*deviation)),
                _ => Err(unknown()),
            },
        }
    }
}

impl fmt::Display for Initialization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::XavierUniform => formatter.write_str("xavier-uniform"),
            Self::XavierNormal => formatter.write_str("xavier-normal"),
            Self::HeUniform => formatter.write_str("he-uniform"),
            Self::HeNormal => formatter.write_str("he-normal"),
            Self::Uniform(low, high) => write!(formatter, "uniform({low},{high})"),
            Self::Normal(deviation) => write!(formatter, "normal({deviation})"),
        }
    }
}

crate::text::as_text!(Initialization);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_initialization_reads_back_as_it_is_written() {
        for text in
            ["auto", "xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "uniform(-0.5,0.5)", "normal(0.1)"]
        {
            assert_eq!(text.parse::<Initialization>().expect(text).to_string(), text);
        }
        for text in ["he", "uniform(1)", "uniform(2,1)", "normal(-1)", "normal(nan)", ""] {
            text.parse::<Initialization>().expect_err(text);
        }
    }
}
