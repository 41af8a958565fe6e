//! One weight's gradient written out link by link, as the product that it is.

use super::{Chain, Explanation, Link, Weight};
use crate::error::{Error, Result};

impl Explanation {
    /// The chain of a weight, along the path whose product is largest layer by layer.
    pub(super) fn chain_of(&self, weight: Weight) -> Result<Chain> {
        let Weight { layer, input, unit } = weight;
        self.check_place(weight)?;
        // The unit of each layer that the path goes through, from the weight's own to the output's.
        let mut path = vec![unit];
        for next in &self.layers[layer + 1..] {
            let from = &next.weights[path[path.len() - 1]];
            let part = |to: usize| (from[to] * next.deltas[to]).abs();
            let strongest = (0..from.len()).max_by(|&one, &other| part(one).total_cmp(&part(other)));
            path.push(strongest.expect("a layer has a unit"));
        }
        let mut links = Vec::new();
        for (l, &unit) in (layer..self.layers.len()).zip(&path).rev() {
            let here = &self.layers[l];
            let name = self.named_unit(l, unit);
            match path.get(l + 1 - layer) {
                Some(&next) => links.push(Link {
                    symbol: format!("w, layer {}", l + 2),
                    words: format!("weight from {name} to {}", self.named_unit(l + 1, next)),
                    value: self.layers[l + 1].weights[unit][next],
                }),
                None => self.output_links(&mut links, unit),
            }
            let is_output = l + 1 == self.layers.len();
            if let (false, Some(slope)) = (is_output, here.slopes[unit]) {
                links.push(Link {
                    symbol: format!("f'(z), layer {}", l + 1),
                    words: format!("slope of {name} ({})", here.activation),
                    value: slope,
                });
            }
        }
        links.push(Link {
            symbol: match (input, layer) {
                (None, _) => "1".to_owned(),
                (Some(_), 0) => "input".to_owned(),
                (Some(_), layer) => format!("a, layer {layer}"),
            },
            words: match input {
                None => "input of a bias, which is always 1".to_owned(),
                Some(input) if layer == 0 => format!("input '{}'", self.input_name(0, Some(input))),
                Some(input) => format!("output of {}", self.named_unit(layer - 1, input)),
            },
            value: input.map_or(1.0, |input| self.inputs_of(layer)[input]),
        });
        let product: f64 = links.iter().map(|link| link.value).product();
        let gradient = self.layers[layer].gradient(input, unit);
        let paths = self.layers[layer + 1..].iter().map(|layer| layer.z.len() as f64).product();
        let others = if paths > 1.0 { gradient - product } else { 0.0 };
        Ok(Chain { weight, links, product, paths, others, gradient })
    }

    /// What the loss says of the output that the path begins at, and the output's slope where the two are factors.
    fn output_links(&self, links: &mut Vec<Link>, unit: usize) {
        let l = self.layers.len() - 1;
        let last = &self.layers[l];
        let name = self.named_unit(l, unit);
        match (last.errors[unit], last.slopes[unit]) {
            (Some(error), Some(slope)) => {
                links.push(Link { symbol: "dLoss/da".to_owned(), words: format!("error of {name}"), value: error });
                links.push(Link {
                    symbol: format!("f'(z), layer {}", l + 1),
                    words: format!("slope of {name} ({})", last.activation),
                    value: slope,
                });
            }
            _ => links.push(Link {
                symbol: "dLoss/dz".to_owned(),
                words: format!("delta of {name}, which is output - target"),
                value: last.deltas[unit],
            }),
        }
    }

    /// A unit as a sentence names it.
    pub(super) fn named_unit(&self, layer: usize, unit: usize) -> String {
        match layer + 1 == self.layers.len() {
            true => format!("output '{}'", self.unit_name(layer, unit)),
            false => format!("unit {} of layer {}", unit + 1, layer + 1),
        }
    }

    fn check_place(&self, Weight { layer, input, unit }: Weight) -> Result<()> {
        let none = |what: String| Err(Error::Usage(format!("--weight: there is no {what}")));
        let Some(here) = self.layers.get(layer) else {
            return none(format!("layer {}: the network has {}", layer + 1, self.layers.len()));
        };
        match input {
            Some(input) if input >= here.weights.len() => {
                return none(format!("input {} of layer {}: it has {}", input + 1, layer + 1, here.weights.len()));
            }
            None if here.biases.is_empty() => return none("bias: the network has none".to_owned()),
            _ => {}
        }
        match unit < here.z.len() {
            true => Ok(()),
            false => none(format!("unit {} of layer {}: it has {}", unit + 1, layer + 1, here.z.len())),
        }
    }
}
