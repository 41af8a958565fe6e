//! A weight's gradient as a product of links, from the loss back to the weight.

use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::shown;

/// A weight of a network, all places from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weight {
    /// The layer.
    pub layer: usize,
    /// The input of the layer; none: the weight is the bias.
    pub input: Option<usize>,
    /// The unit.
    pub unit: usize,
}

impl FromStr for Weight {
    type Err = String;

    /// `LAYER,FROM,TO`, counted from 1; FROM may be `bias`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text = shown(text);
            format!("'{text}' is not LAYER,FROM,TO: three numbers from 1, as in 1,3,2, or 1,bias,2 for a bias")
        };
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let [layer, input, unit] = parts[..] else { return Err(wrong()) };
        let place = |text: &str| text.parse::<usize>().ok().and_then(|place| place.checked_sub(1)).ok_or_else(wrong);
        let input = if input == "bias" { None } else { Some(place(input)?) };
        Ok(Self { layer: place(layer)?, input, unit: place(unit)? })
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let input = self.input.map_or_else(|| "bias".to_owned(), |input| (input + 1).to_string());
        serializer.serialize_str(&format!("{},{input},{}", self.layer + 1, self.unit + 1))
    }
}

/// A gradient as a product of links, along one path from the loss to the weight, and what all other paths add.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Chain {
    /// The weight, as `LAYER,FROM,TO` counted from 1.
    pub weight: Weight,
    /// The factors, from the loss to the weight.
    pub links: Vec<Link>,
    /// Their product.
    pub product: f64,
    /// Paths from the loss to the weight.
    pub paths: f64,
    /// What the other paths add up to.
    pub others: f64,
    /// The gradient: both together.
    pub gradient: f64,
}

/// A factor of the product.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// What it is, as a formula has it.
    pub symbol: String,
    /// What it says.
    pub words: String,
    /// Its value.
    pub value: f64,
}
