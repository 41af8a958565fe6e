//! The nets that `wgrad bench` compares devices on: any widths, sigmoids, squared error, plain gradient descent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Result, shown};
use crate::executor::cpu::affordable;
use crate::network::{Activation, Loss, Network};
use crate::plan::Plan;
use crate::training::session::Mixed;
use crate::training::session::{Device, Recipe, planning};

/// Inputs, hidden widths, outputs, written with dashes: `784-128-10`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Net {
    widths: Vec<usize>,
}

/// Batches of an epoch.
pub const BATCHES: usize = 2;

impl FromStr for Net {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let width = |part: &str| part.parse::<u16>().ok().filter(|&width| width > 0).map(usize::from);
        let widths: Option<Vec<usize>> = text.split('-').map(width).collect();
        match widths {
            Some(widths) if widths.len() > 1 => Ok(Self { widths }),
            _ => Err(format!("'{}' is no net: write inputs, hidden widths and outputs as 784-128-10", shown(text))),
        }
    }
}

crate::text::as_text!(Net);

impl fmt::Display for Net {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<String> = self.widths.iter().map(usize::to_string).collect();
        text.write_str(&widths.join("-"))
    }
}

impl Net {
    /// The network: sigmoids after every layer.
    ///
    /// # Errors
    /// None for widths that were read.
    pub fn network(&self) -> Result<Network> {
        Network::new(self.widths.clone(), vec![Activation::Sigmoid; self.widths.len() - 1], true)
    }

    /// The plan of training it on a device, which fits into memory; `mixed` has the factors of large products rounded to f16.
    ///
    /// # Errors
    /// Limit, if it does not.
    pub fn plan(&self, batch: usize, device: &Device, mixed: bool) -> Result<Plan> {
        let recipe = Recipe { mixed: mixed.then(Mixed::default), ..recipe(batch) };
        let plan = planning::plan::<f32>(&self.network()?, recipe.loss, Some(&recipe), BATCHES * batch, 1, device);
        affordable::<f32>(&plan)?;
        Ok(plan)
    }

    /// Nominal operations of a row: 6 a parameter, of which each pass of the three takes a multiply-add.
    pub fn operations(&self) -> f64 {
        6.0 * self.widths.windows(2).map(|pair| (pair[0] + 1) as f64 * pair[1] as f64).sum::<f64>()
    }
}

/// How the nets are trained: rows in their order, so that losses are read back seldom, and at a rate so small that nothing
/// saturates however long it is measured.
pub fn recipe(batch: usize) -> Recipe {
    Recipe::plain(Loss::SquaredError, 1e-4, batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nets_are_read_as_they_are_written() {
        let net: Net = "784-128-10".parse().expect("a net");
        assert_eq!((net.to_string().as_str(), net.operations()), ("784-128-10", 6.0 * 101_770.0));
        for wrong in ["", "3", "3-0-1", "3-x-1", "-3-1", "3-4-70000"] {
            assert!(wrong.parse::<Net>().is_err(), "{wrong}");
        }
    }
}
