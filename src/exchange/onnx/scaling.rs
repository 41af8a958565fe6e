//! The scaling of a network's inputs, as a graph does it before its first layer: a Scaler, or Sub, Add, Mul and Div with
//! constants.

use super::file::{Numbers, Wrong};
use super::graph::{Graph, Node};

/// The most nodes that scale: more could share their constants, and be large together.
pub(super) const MOST: usize = 8;

/// A node that scales columns, and what it does to them.
pub(super) struct Scaling {
    /// The node as messages name it.
    pub(super) node: String,
    steps: Vec<(Step, Numbers)>,
}

#[derive(Clone, Copy)]
enum Step {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Scaling {
    /// What the node does to `width` columns, and the value that they are.
    pub(super) fn of(graph: &Graph, node: &Node, width: usize) -> Wrong<(Self, String)> {
        let (steps, value) = match node.operator.as_str() {
            "ai.onnx.ml.Scaler" => {
                node.allow(&["offset", "scale"])?;
                let numbers = |name| Numbers::Single(node.floats(name).to_vec());
                (vec![(Step::Subtract, numbers("offset")), (Step::Multiply, numbers("scale"))], node.input(0)?)
            }
            operator => {
                let [a, b] = [node.input(0)?, node.input(1)?];
                let (step, is_symmetric) = match operator {
                    "Add" => (Step::Add, true),
                    "Mul" => (Step::Multiply, true),
                    "Sub" => (Step::Subtract, false),
                    _ => (Step::Divide, false),
                };
                let (value, constant) = if is_symmetric && graph.is_constant(a) { (b, a) } else { (a, b) };
                let constant = graph.constant(constant)?.ok_or_else(|| format!("{node} has no constant on its right"))?;
                let rows = constant.shape.iter().rev().skip(1).product::<usize>();
                if rows != 1 {
                    return Err(format!("{node} has a constant of shape {:?}, which is not one row", constant.shape));
                }
                (vec![(step, constant.numbers)], value)
            }
        };
        let spread = |(step, numbers): (Step, Numbers)| {
            let count = numbers.len();
            let numbers = numbers.spread(width).map(|numbers| (step, numbers));
            numbers.ok_or_else(|| format!("{node} has {count} numbers, and the first layer has {width} inputs"))
        };
        let steps = steps.into_iter().map(spread).collect::<Wrong<_>>()?;
        Ok((Self { node: node.to_string(), steps }, value.to_owned()))
    }
}

/// What the nodes, the first one first, do to each of `width` columns together: an offset and a scale for
/// (cell - offset) / scale.
pub(super) fn together<'a>(nodes: impl Iterator<Item = &'a Scaling>, width: usize) -> Wrong<Vec<(f64, f64)>> {
    let mut columns = vec![(0.0, 1.0); width];
    for Scaling { node, steps } in nodes {
        for (step, numbers) in steps {
            for ((offset, scale), number) in columns.iter_mut().zip(numbers.to_f64()) {
                match step {
                    Step::Add => *offset -= number * *scale,
                    Step::Subtract => *offset += number * *scale,
                    Step::Multiply => *scale /= number,
                    Step::Divide => *scale *= number,
                }
            }
        }
        if let Some(column) =
            columns.iter().position(|(offset, scale)| !offset.is_finite() || !scale.is_normal() || *scale < 0.0)
        {
            return Err(format!("{node} scales column {column} by a number that is not above 0, and wgrad cannot"));
        }
    }
    Ok(columns)
}
