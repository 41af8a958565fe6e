//! What a graph makes of its last layer: nothing, or a label and probabilities, as skl2onnx writes them for the classifiers
//! of scikit-learn.

use super::file::Wrong;
use super::graph::{Graph, Node, Value};
use super::messages::kind;
use crate::error::shown;
use crate::network::Activation;

/// The value where the layers end, and what the graph says of it.
pub(super) struct Outputs {
    /// The value.
    pub(super) value: String,
    /// The name of the graph's output.
    pub(super) name: String,
    /// The names of the classes; empty where the graph has none.
    pub(super) classes: Vec<String>,
    /// The node that names them, or picks one.
    picked_by: Option<String>,
    /// The node that makes two probabilities of one.
    paired_by: Option<String>,
}

impl Outputs {
    /// The outputs of a graph.
    pub(super) fn of(graph: &Graph) -> Wrong<Self> {
        // More of them could each have a long way to the layers.
        if graph.outputs.len() > 2 {
            return Err(several(graph));
        }
        let (mut labels, mut others) = (Vec::new(), Vec::new());
        for output in &graph.outputs {
            match Label::of(graph, &output.name)? {
                Some(label) => labels.push((output, label)),
                None => others.push(output),
            }
        }
        let (output, named) = match (labels.as_slice(), others.as_slice()) {
            ([], [output]) => (output, Named::of(graph, &output.name)?),
            ([(output, label)], []) => (output, label.named.clone()),
            ([(_, label)], [output]) => (output, label.agreed(graph, output)?),
            _ => return Err(several(graph)),
        };
        let Named { value, by, classes } = named;
        let (value, paired_by) = match pair(graph, &value)? {
            Some((node, value)) => (value, Some(node)),
            None => (value, None),
        };
        Ok(Self { value, name: output.name.clone(), classes, picked_by: by, paired_by })
    }

    /// Refuses classes and probabilities that are not those of a network with these outputs.
    pub(super) fn check(&self, outputs: usize, activation: Activation) -> Wrong<()> {
        let is_pair = outputs == 1 && activation == Activation::Sigmoid;
        if let Some(node) = self.paired_by.as_ref().filter(|_| !is_pair) {
            return Err(format!("{node} makes two probabilities of something other than the sigmoid of one output"));
        }
        let Some(node) = &self.picked_by else { return Ok(()) };
        if self.paired_by.is_none() && (outputs < 2 || activation != Activation::Softmax) {
            return Err(format!("{node} names a class by outputs that are no softmax of two or more"));
        }
        let (labels, classes) = (self.classes.len(), outputs.max(2));
        if labels != 0 && labels != classes {
            return Err(format!("{node} needs {classes} labels, one for each class of the network, and has {labels}"));
        }
        Ok(())
    }
}

/// A value with a number for each class, and the classes' names.
#[derive(Clone)]
struct Named {
    value: String,
    /// The node that names the classes, as messages name it.
    by: Option<String>,
    classes: Vec<String>,
}

impl Named {
    /// What a `ZipMap` names, or a value without names.
    fn of(graph: &Graph, output: &str) -> Wrong<Self> {
        let value = graph.behind(output)?;
        let Some(node) = graph.maker(&value).filter(|node| node.operator == "ai.onnx.ml.ZipMap") else {
            return Ok(Self { value, by: None, classes: Vec::new() });
        };
        let mut classes = node.texts("classlabels_strings")?;
        if classes.is_empty() {
            classes = node.integers("classlabels_int64s").iter().map(i64::to_string).collect();
        }
        if classes.is_empty() {
            return Err(format!("{node} has no labels"));
        }
        Ok(Self { value: graph.behind(node.input(0)?)?, by: Some(node.to_string()), classes })
    }
}

/// An output that is the label of a row's class.
struct Label {
    /// The value of which the largest is picked, and the classes' names.
    named: Named,
    /// The node that picks it.
    picked_by: String,
}

impl Label {
    /// The label that an output is: the place of the largest (`ArgMax`), or what stands there in a list
    /// (`ArrayFeatureExtractor`).
    fn of(graph: &Graph, output: &str) -> Wrong<Option<Self>> {
        let (node, shaping) = match shaped(graph, output)? {
            (Some(node), shaping) if ["ai.onnx.ml.ArrayFeatureExtractor", "ArgMax"].contains(&node.operator.as_str()) => {
                (node, shaping)
            }
            _ => return Ok(None),
        };
        let (mut classes, mut picker, mut between) = (Vec::new(), node, Vec::new());
        if node.operator != "ArgMax" {
            let labels = graph.labels(node.input(0)?)?;
            classes = labels.ok_or_else(|| format!("{node} needs labels that are constants of the file"))?;
            let is_cast =
                |node: &&&Node| node.operator == "Cast" && classes.iter().any(|class| class.parse::<i64>().is_err());
            if let Some(cast) = shaping.iter().find(is_cast) {
                return Err(format!("{cast} makes something else of labels that are texts"));
            }
            let (maker, more) = shaped(graph, node.input(1)?)?;
            picker = maker.ok_or_else(|| format!("{node} takes its places from something other than an ArgMax"))?;
            between = more;
        }
        let is_largest = picker.operator == "ArgMax"
            && [1, -1].contains(&picker.integer("axis").unwrap_or_default())
            && picker.integer("select_last_index").unwrap_or_default() == 0;
        if !is_largest {
            return Err(format!(
                "{picker} is not the place of the largest number of a row, the first of equals (ArgMax with axis 1)"
            ));
        }
        for node in shaping.iter().chain(&between) {
            one_a_row(graph, node)?;
        }
        let named = Named { value: graph.behind(picker.input(0)?)?, by: Some(node.to_string()), classes };
        Ok(Some(Self { named, picked_by: picker.to_string() }))
    }

    /// The label's classes, if the other output holds the numbers that it is picked by, under the same names where it has
    /// any.
    fn agreed(&self, graph: &Graph, output: &Value) -> Wrong<Named> {
        let (named, other) = (&self.named, Named::of(graph, &output.name)?);
        if other.value != named.value {
            let (name, picked_by) = (shown(&output.name), &self.picked_by);
            let origin = origin(graph, &other.value);
            return Err(format!(
                "its output '{name}' comes from {origin}, and not from that by which {picked_by} picks the label"
            ));
        }
        match other.by {
            Some(_) if named.classes.is_empty() => Ok(other),
            Some(node) if other.classes != named.classes => {
                Err(format!("{node} has other labels than {}", named.by.as_deref().unwrap_or_default()))
            }
            _ => Ok(named.clone()),
        }
    }
}

/// The node behind copies, conversions and shapes, and these nodes.
fn shaped<'a>(graph: &'a Graph, value: &str) -> Wrong<(Option<&'a Node>, Vec<&'a Node>)> {
    let (mut value, mut shaping) = (value.to_owned(), Vec::new());
    for _ in 0..=graph.nodes.len() {
        match graph.maker(&value) {
            Some(node) if ["Cast", "Identity", "Reshape"].contains(&node.operator.as_str()) => {
                shaping.push(node);
                value = node.input(0)?.to_owned();
            }
            node => return Ok((node, shaping)),
        }
    }
    Err("its graph goes round in a circle".into())
}

/// Refuses what makes something other than one label a row.
fn one_a_row(graph: &Graph, node: &Node) -> Wrong<()> {
    let fits = match node.operator.as_str() {
        "Reshape" => matches!(graph.integers(node.input(1)?)?.as_deref(), Some([-1] | [-1, 1])),
        "Cast" => {
            let kinds = [kind::FLOAT, kind::DOUBLE, kind::INT32, kind::INT64].map(i64::from);
            kinds.contains(&node.integer("to").unwrap_or_default())
        }
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{node} makes something other than one label a row")) }
}

/// The one value of which a Concat makes two probabilities, 1 - p and p, with that Concat.
fn pair(graph: &Graph, value: &str) -> Wrong<Option<(String, String)>> {
    let Some(concat) = graph.maker(value).filter(|node| node.operator == "Concat") else { return Ok(None) };
    let refused =
        || format!("{concat} joins something other than 1 - p and p, the probabilities of two classes, side by side");
    let [first, second] = concat.inputs.as_slice() else { return Err(refused()) };
    let second = graph.behind(second)?;
    let Some(difference) = graph.maker(&graph.behind(first)?) else { return Err(refused()) };
    if difference.operator != "Sub" || !matches!(concat.integer("axis"), Some(1 | -1)) {
        return Err(refused());
    }
    let one = graph.constant(difference.input(0)?)?.map(|one| one.numbers.to_f64());
    if one.as_deref() != Some(&[1.0]) || graph.behind(difference.input(1)?)? != second {
        return Err(format!("{difference} is not 1 - p of the p that {concat} puts beside it"));
    }
    Ok(Some((concat.to_string(), second)))
}

/// The node that makes a value, or the value's name, as messages name it.
pub(super) fn origin(graph: &Graph, value: &str) -> String {
    graph.maker(value).map_or_else(|| format!("'{}'", shown(value)), Node::to_string)
}

/// What is said of a graph with several outputs that are no label with its probabilities.
fn several(graph: &Graph) -> String {
    let told = |output: &Value| match shaped(graph, &output.name) {
        Ok((Some(node), _)) => format!("'{}' from {node}", shown(&output.name)),
        _ => format!("'{}'", shown(&output.name)),
    };
    let listed: Vec<String> = graph.outputs.iter().take(4).map(told).collect();
    let (count, listed) = (graph.outputs.len(), listed.join(", "));
    format!(
        "its graph has {count} outputs ({listed}), and wgrad takes one, or a label (by ArgMax and ArrayFeatureExtractor) and its \
         probabilities"
    )
}
