//! How each activation is written in ONNX, and known in the graphs of others.

use clap::ValueEnum;

use super::builder::Attribute;
use super::builder::Builder;
use super::file::Wrong;
use super::graph::{Graph, Node};
use crate::network::Activation;
use crate::network::activation::LEAK;

/// An activation in ONNX.
struct Spelling {
    /// Writes the nodes that make `f(z)` of the value of this name; gives the name of what they make.
    write: fn(&mut Builder, &str) -> String,
    /// The operators of one node that is this activation.
    nodes: &'static [(&'static str, Reader)],
    /// The operators of the last of several nodes that are.
    ends: &'static [(&'static str, Reader)],
}

/// The `z` of a node of this operator; none where it is something else.
type Reader = fn(&Graph, &Node) -> Wrong<Option<String>>;

fn spelling(activation: Activation) -> Spelling {
    match activation {
        Activation::Sigmoid => Spelling {
            write: |graph, z| graph.node("Sigmoid", &[z], &[]),
            nodes: &[("Sigmoid", |_, node| input(node))],
            ends: &[],
        },
        Activation::Tanh => Spelling {
            write: |graph, z| graph.node("Tanh", &[z], &[]),
            nodes: &[("Tanh", |_, node| input(node))],
            ends: &[],
        },
        Activation::Relu => Spelling {
            write: |graph, z| graph.node("Relu", &[z], &[]),
            nodes: &[("Relu", |_, node| input(node))],
            ends: &[],
        },
        Activation::LeakyRelu => Spelling {
            write: |graph, z| graph.in_floats(z, "LeakyRelu", &[Attribute::Float("alpha", LEAK as f32)]),
            nodes: &[("LeakyRelu", |_, node| {
                let alpha = node.float("alpha").unwrap_or(LEAK as f32);
                input_if(alpha == LEAK as f32, node, Activation::LeakyRelu)
            })],
            ends: &[],
        },
        Activation::Gelu => Spelling {
            write: gelu,
            nodes: &[("Gelu", |_, node| {
                let is_exact = node.text("approximate").is_none_or(|approximate| approximate == b"none");
                input_if(is_exact, node, Activation::Gelu)
            })],
            ends: &[("Mul", gelu_input)],
        },
        Activation::Softplus => Spelling {
            write: |graph, z| graph.in_floats(z, "Softplus", &[]),
            nodes: &[("Softplus", |_, node| input(node))],
            ends: &[("Where", softplus_input)],
        },
        Activation::Silu => Spelling {
            write: |graph, z| {
                let gate = graph.node("Sigmoid", &[z], &[]);
                graph.node("Mul", &[z, &gate], &[])
            },
            nodes: &[("Swish", |_, node| {
                let alpha = node.float("alpha").unwrap_or(1.0);
                input_if(alpha == 1.0, node, Activation::Silu)
            })],
            ends: &[("Mul", silu_input)],
        },
        Activation::Identity => Spelling { write: |_, z| z.to_owned(), nodes: &[], ends: &[] },
        Activation::Softmax => Spelling {
            write: |graph, z| graph.node("Softmax", &[z], &[Attribute::Integer("axis", 1)]),
            nodes: &[("Softmax", |_, node| {
                let is_of_a_row = node.integer("axis").is_none_or(|axis| [1, -1].contains(&axis));
                input_if(is_of_a_row, node, Activation::Softmax)
            })],
            ends: &[],
        },
    }
}

/// Writes the nodes that make `f(z)` of the value of this name; gives the name of what they make.
pub(super) fn write(graph: &mut Builder, activation: Activation, z: &str) -> String {
    (spelling(activation).write)(graph, z)
}

/// The activation that a node is, or that it is the last node of, and the name of its `z`.
pub(super) fn read(graph: &Graph, node: &Node) -> Wrong<Option<(Activation, String)>> {
    for &activation in Activation::value_variants() {
        let Spelling { nodes, ends, .. } = spelling(activation);
        for (_, reader) in nodes.iter().chain(ends).filter(|(operator, _)| *operator == node.operator) {
            if let Some(z) = reader(graph, node)? {
                return Ok(Some((activation, z)));
            }
        }
    }
    Ok(None)
}

/// The operators that are activations, one node each.
pub(super) fn operators() -> Vec<&'static str> {
    Activation::value_variants().iter().flat_map(|&activation| spelling(activation).nodes).map(|(name, _)| *name).collect()
}

/// The activations of several nodes of which the last has this operator.
pub(super) fn ending_in(operator: &str) -> Vec<&'static str> {
    let ends = |activation: &Activation| spelling(*activation).ends.iter().any(|(name, _)| *name == operator);
    Activation::value_variants().iter().copied().filter(ends).map(Activation::name).collect()
}

fn input(node: &Node) -> Wrong<Option<String>> {
    node.input(0).map(|z| Some(z.to_owned()))
}

/// The input of a node whose attributes say that it is ours; that they say otherwise is an error.
fn input_if(is_ours: bool, node: &Node, activation: Activation) -> Wrong<Option<String>> {
    if is_ours { input(node) } else { Err(format!("{node} is another function than wgrad's {activation}")) }
}

/// z · ½ · (1 + erf(z / √2))
fn gelu(graph: &mut Builder, z: &str) -> String {
    let (root, one, half) = (
        graph.number("wgrad/root", std::f64::consts::SQRT_2),
        graph.number("wgrad/one", 1.0),
        graph.number("wgrad/half", 0.5),
    );
    let scaled = graph.node("Div", &[z, &root], &[]);
    let erf = graph.in_floats(&scaled, "Erf", &[]);
    let sum = graph.node("Add", &[&erf, &one], &[]);
    let product = graph.node("Mul", &[z, &sum], &[]);
    graph.node("Mul", &[&product, &half], &[])
}

/// The `x` of a product that is gelu: x · ½ · (1 + erf(x / √2)), its factors in any order.
fn gelu_input(graph: &Graph, node: &Node) -> Wrong<Option<String>> {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    let (mut scale, mut values, mut open, mut products) = (1.0, Vec::new(), vec![node], 0);
    while let Some(product) = open.pop() {
        products += 1;
        for input in &product.inputs {
            match (graph.scalar(input)?, graph.maker(input)) {
                (Some(number), _) => scale *= number,
                // There are two products, and no end of them where the graph goes round in a circle.
                (None, Some(inner)) if inner.operator == "Mul" && products < 3 => open.push(inner),
                _ => values.push(input.clone()),
            }
            if values.len() > 2 {
                return Ok(None);
            }
        }
    }
    let [a, b] = values.as_slice() else { return Ok(None) };
    let erf = |sum: &str| -> Wrong<Option<String>> {
        let Some((_, erf)) = graph.with_scalar(sum, "Add")?.filter(|(one, _)| *one == 1.0) else { return Ok(None) };
        let Some(node) = graph.maker(&graph.behind(&erf)?).filter(|node| node.operator == "Erf") else { return Ok(None) };
        let scaled = graph.behind(node.input(0)?)?;
        let root = std::f64::consts::SQRT_2;
        let divided = graph.with_scalar(&scaled, "Div")?.filter(|(by, _)| near(*by, root));
        let multiplied = graph.with_scalar(&scaled, "Mul")?.filter(|(by, _)| near(*by, 1.0 / root));
        Ok(divided.or(multiplied).map(|(_, input)| input))
    };
    let input = if erf(a)?.as_ref() == Some(b) {
        b
    } else if erf(b)?.as_ref() == Some(a) {
        a
    } else {
        return Ok(None);
    };
    Ok(near(scale, 0.5).then(|| input.clone()))
}

/// The `z` of a choice that is softplus as PyTorch's exporter writes it: z itself where z is greater than 20, and so as good
/// as softplus.
fn softplus_input(graph: &Graph, node: &Node) -> Wrong<Option<String>> {
    const LARGE: f64 = 20.0;
    let [is_large, z, softplus] = node.inputs.as_slice() else { return Ok(None) };
    let made_by = |value: &str, operator: &str| -> Wrong<Option<&Node>> {
        Ok(graph.maker(&unscaled(graph, value)?).filter(|node| node.operator == operator))
    };
    let (Some(greater), Some(softplus)) = (made_by(is_large, "Greater")?, made_by(softplus, "Softplus")?) else {
        return Ok(None);
    };
    let is_bounded = graph.scalar(greater.input(1)?)?.is_some_and(|bound| bound >= LARGE);
    let start = unscaled(graph, z)?;
    let is_of_z = unscaled(graph, greater.input(0)?)? == start && unscaled(graph, softplus.input(0)?)? == start;
    Ok((is_bounded && is_of_z).then_some(start))
}

/// The `z` of a product that is silu: z and its sigmoid, in either order.
fn silu_input(graph: &Graph, node: &Node) -> Wrong<Option<String>> {
    let [a, b] = node.inputs.as_slice() else { return Ok(None) };
    for (gate, z) in [(b, a), (a, b)] {
        let sigmoid = graph.maker(&graph.behind(gate)?).filter(|node| node.operator == "Sigmoid");
        let is_of_z = |sigmoid: &Node| Ok::<bool, String>(graph.behind(sigmoid.input(0)?)? == graph.behind(z)?);
        if sigmoid.map_or(Ok(false), is_of_z)? {
            return Ok(Some(z.clone()));
        }
    }
    Ok(None)
}

/// The value behind conversions, copies, products with 1 and quotients by 1.
fn unscaled(graph: &Graph, value: &str) -> Wrong<String> {
    let mut value = graph.behind(value)?;
    for _ in 0..graph.nodes.len() {
        let scaled = graph.with_scalar(&value, "Mul")?.or(graph.with_scalar(&value, "Div")?);
        match scaled.filter(|(factor, _)| *factor == 1.0) {
            Some((_, input)) => value = graph.behind(&input)?,
            None => break,
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::export::export;
    use super::super::import::import;
    use super::*;
    use crate::data::{Encoding, NumberTarget, Numerals, Target};
    use crate::exchange::OnnxOptions;
    use crate::model::{Model, StoredWeights};
    use crate::network::{Initialization, Loss, Network};
    use crate::scalar::Scalar;

    /// What `wgrad export --format onnx --plain` makes of a network of these activations.
    fn exported<T: Scalar>(activations: &[Activation]) -> Vec<u8> {
        let network = Network::new(vec![3; activations.len() + 1], activations.to_vec(), true).expect("a network");
        let columns = (0..3).map(|place| NumberTarget { name: place.to_string(), offset: 0.0, scale: 1.0 }).collect();
        let weights = StoredWeights::new(&[Initialization::Auto.weights::<T>(&network, 1)]);
        let encoding = Encoding {
            inputs: Vec::new(),
            target: Target::Regression { columns },
            missing_values: None,
            numerals: Numerals::default(),
        };
        let model = Model { network, loss: Loss::SquaredError, weights, encoding, training: serde_json::Value::Null };
        export(&model, OnnxOptions { plain: true, input_type: None }).expect("a graph").bytes
    }

    #[test]
    fn what_is_written_of_an_activation_is_known_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plain.onnx");
        for &activation in Activation::value_variants() {
            let hidden = if activation.facts().is_over_rows { Activation::Tanh } else { activation };
            let activations = vec![hidden, hidden, activation];
            for bytes in [exported::<f32>(&activations), exported::<f64>(&activations)] {
                std::fs::write(&path, bytes).expect("written");
                assert_eq!(import(&path).map(|foreign| foreign.activations).expect("known"), activations);
            }
        }
    }

    #[test]
    fn no_operator_of_one_node_stands_for_two_activations() {
        let operators = operators();
        assert_eq!(operators.iter().collect::<BTreeSet<_>>().len(), operators.len(), "{operators:?}");
    }
}
