//! A plain dense network from an ONNX graph: a chain of products, biases and activations, walked from its output to its
//! inputs, with the scaling before and the classes behind. Several chains of one shape whose ends have a mean are the
//! networks of an ensemble.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use super::activations;
use super::builder::LARGEST;
use super::file::{Numbers, Tensor, Wrong};
use super::graph::{Graph, Node, Value};
use super::messages::kind;
use super::outputs::{Outputs, origin};
use super::scaling::{self, Scaling};
use crate::data::Matrix;
use crate::error::{Error, Result, shown};
use crate::exchange::foreign::Foreign;
use crate::files;
use crate::memory;
use crate::model::StoredWeights;
use crate::network::{Activation, Layer, Weights};
use crate::scalar::Scalar;

/// What joins columns in ai.onnx.ml, as Concat does.
const VECTORIZER: &str = "ai.onnx.ml.FeatureVectorizer";

/// The network in the file at `path`.
///
/// # Errors
/// Model, naming the file, the node and its operator; Limit, if there is no memory for it.
pub(in crate::exchange) fn import(path: &Path) -> Result<Foreign> {
    let name = shown(&path.to_string_lossy());
    let refused = |what: String| Error::Model(format!("{name}: {what}"));
    let graph = Graph::of(bytes_of(path, &name)?).map_err(refused)?;
    network(&graph).map_err(|what| {
        let ours =
            "; this file is wgrad's own and holds its encoding: use the model, or what `wgrad export --format onnx --plain` makes of it";
        refused(what + if graph.is_ours { ours } else { "" })
    })
}

fn bytes_of(path: &Path, name: &str) -> Result<Vec<u8>> {
    let unreadable = |error: std::io::Error| Error::Model(format!("{name}: cannot be read: {error}"));
    let file = files::open_plain(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > LARGEST as u64 {
        return Err(Error::Model(format!("{name}: has {length} bytes, and an ONNX file has at most {LARGEST}")));
    }
    if !memory::is_there(3 * u128::from(length)) {
        return Err(Error::Limit(format!("{name}: there is no memory for what it holds")));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// A layer as the graph has it.
struct Found {
    inputs: usize,
    outputs: usize,
    /// inputs × outputs, row by row.
    weights: Numbers,
    bias: Option<Numbers>,
    activation: Activation,
}

fn network(graph: &Graph) -> Wrong<Foreign> {
    let outputs = Outputs::of(graph)?;
    let ends = mean_of(graph, &outputs.value)?.unwrap_or_else(|| vec![outputs.value.clone()]);
    let mut taken = HashSet::new();
    let mut chains = Vec::with_capacity(ends.len());
    for end in &ends {
        chains.push(Chain::of(graph, end, &mut taken)?);
    }
    if let Some(place) = chains.iter().position(|chain| !chain.is_like(&chains[0])) {
        return Err(format!(
            "input {} of its mean comes from another kind of network than the first: wgrad takes the mean of networks of one shape \
             over the same inputs",
            place + 1
        ));
    }
    let Chain { start, layers, scaling, columns } = &chains[0];
    let (Some(first), Some(last)) = (layers.first(), layers.last()) else { return Err("its graph has no layer".into()) };
    let inputs = inputs(graph, start, first.inputs)?;
    let scaling = scaling::together(scaling.iter().rev(), first.inputs)?;
    outputs.check(last.outputs, last.activation)?;
    let remarks = one_below_the_other(columns, last)?;
    if let Some(node) = graph.unused() {
        return Err(format!("{node} is beside the chain of layers"));
    }
    Ok(Foreign {
        activations: layers.iter().map(|layer| layer.activation).collect(),
        weights: stored(chains.into_iter().map(|chain| chain.layers).collect()),
        input: graph.inputs.first().filter(|_| inputs.is_none()).map(|input| input.name.clone()),
        inputs,
        scaling,
        output: outputs.name,
        classes: outputs.classes,
        producer: graph.producer.clone(),
        remarks,
    })
}

/// What to say of a Reshape of the network's outputs: skl2onnx writes all outputs of a regressor into one column.
fn one_below_the_other(reshapes: &[(String, i64)], last: &Found) -> Wrong<Vec<String>> {
    let width = last.outputs;
    let mut remarks = Vec::new();
    for (node, columns) in reshapes {
        if usize::try_from(*columns) == Ok(width) {
            continue;
        }
        if *columns != 1 || last.activation == Activation::Softmax {
            return Err(format!("{node} makes {columns} columns of the network's {width} outputs"));
        }
        remarks.push(format!(
            "{node} writes the {width} outputs of a row one below the other; the model gives each its own column"
        ));
    }
    Ok(remarks)
}

/// The names of the network's inputs: those of the graph, or none where one input holds several columns.
fn inputs(graph: &Graph, start_of_all: &str, width: usize) -> Wrong<Option<Vec<String>>> {
    let starts = match graph.maker(start_of_all) {
        Some(joined) => {
            let is_concat = joined.operator == "Concat";
            joined.allow(&[if is_concat { "axis" } else { "inputdimensions" }])?;
            if is_concat && !matches!(joined.integer("axis"), Some(1 | -1)) {
                return Err(format!("{joined} does not put columns side by side"));
            }
            joined.inputs.iter().map(|input| graph.behind(input)).collect::<Wrong<Vec<_>>>()?
        }
        None => vec![start_of_all.to_owned()],
    };
    let mut unused: HashMap<&str, &Value> = graph.inputs.iter().map(|input| (input.name.as_str(), input)).collect();
    let mut names = Vec::new();
    for (place, start) in starts.iter().enumerate() {
        let Some(input) = unused.remove(start.as_str()) else {
            let origin = origin(graph, start);
            return Err(match graph.maker(start) {
                Some(_) => format!("{origin} makes what the layers begin with, and an input of the graph is expected there"),
                None => format!("{origin}, where the layers begin, is no input of the graph, or twice"),
            });
        };
        let columns = columns(input, if starts.len() == 1 { width } else { 1 })?;
        if let Some(joined) = graph.maker(start_of_all).filter(|joined| joined.operator == VECTORIZER) {
            let taken = joined.integers("inputdimensions").get(place).copied();
            if taken.and_then(|taken| usize::try_from(taken).ok()) != Some(columns) {
                return Err(format!("{joined} takes other than the {columns} columns of '{}'", shown(start)));
            }
        }
        if columns > width - names.len() {
            return Err(format!("its inputs have more columns than the {width} inputs of the first layer"));
        }
        let several = (0..columns).map(|column| format!("{start}_{column}"));
        names.extend(if columns == 1 { vec![start.clone()] } else { several.collect() });
    }
    if names.len() != width {
        return Err(format!("its inputs have {} columns, and the first layer has {width} inputs", names.len()));
    }
    match unused.keys().min() {
        Some(unused) => Err(format!("its input '{}' goes into no layer", shown(unused))),
        None => Ok((starts.len() > 1 || width == 1).then_some(names)),
    }
}

/// How many columns an input has; `unsaid`, where it does not say.
fn columns(input: &Value, unsaid: usize) -> Wrong<usize> {
    let name = shown(&input.name);
    if !input.is_tensor {
        return Err(format!("its input '{name}' is no tensor"));
    }
    if input.kind.is_some_and(|kind| ![kind::FLOAT, kind::DOUBLE, kind::INT32, kind::INT64].contains(&kind)) {
        return Err(format!("its input '{name}' is of numbers other than float, double, int32 and int64"));
    }
    let sizes = input.shape.as_ref().and_then(|shape| shape.iter().skip(1).copied().collect::<Option<Vec<usize>>>());
    match sizes.map(|sizes| sizes.iter().fold(1, |product: usize, &size| product.saturating_mul(size))) {
        Some(0) => Err(format!("its input '{name}' has no columns")),
        columns => Ok(columns.unwrap_or(unsaid)),
    }
}

/// The input of a conversion to the type of an input of the graph, if that is float or double.
fn like_an_input(graph: &Graph, node: &Node) -> Wrong<String> {
    let like = node.input(1)?;
    let is_fit = |input: &Value| input.name == like && [Some(kind::FLOAT), Some(kind::DOUBLE)].contains(&input.kind);
    if graph.inputs.iter().any(is_fit) {
        return node.input(0).map(str::to_owned);
    }
    Err(format!("{node} changes what goes through it"))
}

/// What a value is the mean of: the inputs of a Mean, or of a Sum that is divided by their number; none where it is something else.
fn mean_of(graph: &Graph, value: &str) -> Wrong<Option<Vec<String>>> {
    let of_several = |node: &&Node, operator: &str| node.operator == operator && node.inputs.len() > 1;
    let Some(node) = graph.maker(value) else { return Ok(None) };
    if of_several(&node, "Mean") {
        return Ok(Some(node.inputs.clone()));
    }
    if node.operator != "Div" {
        return Ok(None);
    }
    let Some(sum) = graph.maker(node.input(0)?).filter(|sum| of_several(sum, "Sum")) else { return Ok(None) };
    let divisor = graph.constant(node.input(1)?)?.map(|divisor| divisor.numbers.to_f64());
    let networks = sum.inputs.len();
    match divisor.as_deref() {
        Some(&[divisor]) if divisor == networks as f64 => Ok(Some(sum.inputs.clone())),
        _ => {
            Err(format!("{node} divides a sum of {networks} by something other than {networks}, and wgrad takes their mean"))
        }
    }
}

/// A network as the graph has it.
struct Chain {
    /// Where its layers begin.
    start: String,
    /// The layers, the first one first.
    layers: Vec<Found>,
    /// What scales its inputs, the last one first.
    scaling: Vec<Scaling>,
    /// The reshapings of its outputs, with the columns that they make.
    columns: Vec<(String, i64)>,
}

impl Chain {
    /// The network whose output this value is; `taken` are the weights that layers have.
    fn of(graph: &Graph, end: &str, taken: &mut HashSet<String>) -> Wrong<Self> {
        let mut walk = Walk { graph, layers: Vec::new(), activation: None, scaling: Vec::new(), columns: Vec::new(), taken };
        let start = walk.until_the_start(end)?;
        if let Some(activation) = walk.activation {
            return Err(format!("its inputs go into {activation} before any layer"));
        }
        let Walk { mut layers, scaling, columns, .. } = walk;
        layers.reverse();
        Ok(Self { start, layers, scaling, columns })
    }

    /// Whether both have layers of one shape and one kind, over the same inputs scaled by the same nodes.
    fn is_like(&self, other: &Self) -> bool {
        let shapes = |chain: &Self| {
            let shape = |layer: &Found| (layer.inputs, layer.outputs, layer.activation);
            chain.layers.iter().map(shape).collect::<Vec<_>>()
        };
        let scaled_by = |chain: &Self| chain.scaling.iter().map(|scaling| scaling.node.clone()).collect::<Vec<_>>();
        let widths = |chain: &Self| chain.columns.iter().map(|(_, columns)| *columns).collect::<Vec<_>>();
        (&self.start, shapes(self), scaled_by(self), widths(self))
            == (&other.start, shapes(other), scaled_by(other), widths(other))
    }
}

/// On the way from the output to the inputs.
struct Walk<'a> {
    graph: &'a Graph,
    /// The layers found so far, the last one first.
    layers: Vec<Found>,
    /// The activation of the layer that is to come.
    activation: Option<Activation>,
    /// What scales the inputs, the last one first.
    scaling: Vec<Scaling>,
    /// The reshapings of the last layer's outputs, with the columns that they make.
    columns: Vec<(String, i64)>,
    /// The weights that a layer has: shared ones would be as many as there are layers.
    taken: &'a mut HashSet<String>,
}

impl<'a> Walk<'a> {
    /// Walks until there is no layer any more; gives where the layers begin: an input of the graph, or several joined.
    fn until_the_start(&mut self, output: &str) -> Wrong<String> {
        let mut value = output.to_owned();
        for _ in 0..=self.graph.nodes.len() {
            let node = match self.graph.maker(&value) {
                Some(node) if !["Concat", VECTORIZER].contains(&node.operator.as_str()) => node,
                _ => return Ok(value),
            };
            value = self.step(node)?;
        }
        Err("its graph goes round in a circle".into())
    }

    /// Takes a node; gives the value that it is computed from.
    fn step(&mut self, node: &'a Node) -> Wrong<String> {
        match node.operator.as_str() {
            "Identity" | "Dropout" | "Flatten" | "Cast" => node.passed().map(str::to_owned),
            "CastLike" => like_an_input(self.graph, node),
            "Reshape" => self.reshaped(node),
            "Sub" | "Div" | "ai.onnx.ml.Scaler" => self.scaled(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.product(node, None),
            "Add" => self.sum(node),
            _ => match activations::read(self.graph, node) {
                Ok(Some((activation, z))) => {
                    self.activate(node, activation)?;
                    Ok(z)
                }
                _ if node.operator == "Mul" && node.inputs.iter().any(|input| self.graph.is_constant(input)) => {
                    self.scaled(node)
                }
                Ok(None) => Err(unknown(node)),
                Err(what) => Err(what),
            },
        }
    }

    fn activate(&mut self, node: &Node, activation: Activation) -> Wrong<()> {
        self.refuse_scaled(node)?;
        match self.activation.replace(activation) {
            Some(next) => Err(format!("{node} is followed by {next} without a layer between")),
            None => Ok(()),
        }
    }

    fn gemm(&mut self, node: &'a Node) -> Wrong<String> {
        node.allow(&["alpha", "beta", "transA", "transB"])?;
        if node.integer("transA").unwrap_or_default() != 0 {
            return Err(format!("{node} transposes what comes in (transA)"));
        }
        let bias = match node.inputs.get(2).filter(|name| !name.is_empty()) {
            Some(name) => Some(times(self.constant(node, name)?, node.float("beta"))),
            None => None,
        };
        let mut weights = self.weights(node)?;
        if node.integer("transB").unwrap_or_default() != 0 {
            weights = transposed(weights);
        }
        self.layer(node, times(weights, node.float("alpha")), bias)
    }

    /// The product of a layer, with the bias that is added to it.
    fn product(&mut self, node: &'a Node, bias: Option<Tensor>) -> Wrong<String> {
        let weights = self.weights(node)?;
        self.layer(node, weights, bias)
    }

    /// A bias and the product that it is added to.
    fn sum(&mut self, node: &'a Node) -> Wrong<String> {
        let [a, b] = [node.input(0)?, node.input(1)?];
        let (bias, product) = if self.graph.is_constant(a) { (a, b) } else { (b, a) };
        let bias = self.constant(node, bias)?;
        match self.graph.maker(product) {
            Some(product) if product.operator == "MatMul" => self.product(product, Some(bias)),
            _ if !self.layers.is_empty() => self.scaled(node),
            _ => Err(format!("{node} adds to something other than a MatMul")),
        }
    }

    /// Takes a node that scales the network's inputs.
    fn scaled(&mut self, node: &Node) -> Wrong<String> {
        let Some(first) = self.layers.last().filter(|_| self.activation.is_none()) else {
            return Err(format!(
                "{node} scales what is no input of a layer, and wgrad takes scaling before the first layer"
            ));
        };
        if self.scaling.len() == scaling::MOST {
            return Err(format!("{node} is one of more than {} that scale the inputs", scaling::MOST));
        }
        let (scaling, input) = Scaling::of(self.graph, node, first.inputs)?;
        self.scaling.push(scaling);
        Ok(input)
    }

    /// Refuses what comes before a node that scales: there are the network's inputs.
    fn refuse_scaled(&self, node: &Node) -> Wrong<()> {
        match self.scaling.last() {
            Some(scaling) => {
                Err(format!("{} scales what {node} makes, and wgrad scales a network's inputs only", scaling.node))
            }
            None => Ok(()),
        }
    }

    /// Takes a node that gives each row the columns that it has.
    fn reshaped(&mut self, node: &Node) -> Wrong<String> {
        let shape = self.graph.integers(node.input(1)?)?;
        let columns = match shape.as_deref() {
            Some([-1]) => 1,
            Some([-1, columns] | [0, columns]) if *columns > 0 && node.integer("allowzero").unwrap_or_default() == 0 => {
                *columns
            }
            _ => return Err(format!("{node} does not give a row a number of columns")),
        };
        match self.layers.last() {
            Some(next) if usize::try_from(columns) != Ok(next.inputs) => {
                return Err(format!("{node} makes {columns} columns, and the next layer has {} inputs", next.inputs));
            }
            Some(_) => {}
            None => self.columns.push((node.to_string(), columns)),
        }
        node.input(0).map(str::to_owned)
    }

    fn constant(&self, node: &Node, name: &str) -> Wrong<Tensor> {
        let constant = self.graph.constant(name)?;
        constant.ok_or_else(|| format!("{node} needs '{}', which is no constant of the file", shown(name)))
    }

    /// The second factor of a product, which is a layer's weights.
    fn weights(&mut self, node: &Node) -> Wrong<Tensor> {
        let name = node.input(1)?;
        let weights = self.constant(node, name)?;
        if weights.shape.len() != 2 || weights.shape.contains(&0) {
            return Err(format!("{node} multiplies by a tensor of shape {:?}, and a layer has a matrix", weights.shape));
        }
        if !self.taken.insert(name.to_owned()) {
            return Err(format!("{node} shares its weights '{}' with another layer", shown(name)));
        }
        Ok(weights)
    }

    fn layer(&mut self, node: &Node, weights: Tensor, bias: Option<Tensor>) -> Wrong<String> {
        self.refuse_scaled(node)?;
        let (inputs, outputs) = (weights.shape[0], weights.shape[1]);
        if let Some(next) = self.layers.last().filter(|next| next.inputs != outputs) {
            return Err(format!("{node} has {outputs} outputs, and the next layer has {} inputs", next.inputs));
        }
        let bias = match bias {
            Some(bias) => {
                let rows = bias.shape.len().checked_sub(1).map_or(1, |last| bias.shape[..last].iter().product());
                Some(bias.numbers.spread(outputs).filter(|_| rows == 1).ok_or_else(|| {
                    format!("{node}: a bias of shape {:?} is not one number for each of {outputs} outputs", bias.shape)
                })?)
            }
            None => None,
        };
        let activation = self.activation.take().unwrap_or(Activation::Identity);
        self.layers.push(Found { inputs, outputs, weights: weights.numbers, bias, activation });
        node.input(0).map(str::to_owned)
    }
}

/// The tensor times a factor; as it is, bit for bit, where there is none or it is 1.
fn times(tensor: Tensor, factor: Option<f32>) -> Tensor {
    let factor = factor.unwrap_or(1.0);
    if factor == 1.0 {
        return tensor;
    }
    let numbers = match tensor.numbers {
        Numbers::Single(values) => Numbers::Single(values.into_iter().map(|value| value * factor).collect()),
        Numbers::Double(values) => Numbers::Double(values.into_iter().map(|value| value * f64::from(factor)).collect()),
    };
    Tensor { numbers, ..tensor }
}

fn transposed(tensor: Tensor) -> Tensor {
    let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
    let numbers = match tensor.numbers {
        Numbers::Single(values) => Numbers::Single(Matrix::new(rows, columns, values).transposed().values),
        Numbers::Double(values) => Numbers::Double(Matrix::new(rows, columns, values).transposed().values),
    };
    Tensor { shape: vec![columns, rows], numbers }
}

/// What is said of an operation that is none of ours.
fn unknown(node: &Node) -> String {
    let known = match activations::ending_in(&node.operator).as_slice() {
        [] => {
            let operators = ["Gemm", "MatMul", "Add"].into_iter().chain(activations::operators()).collect::<Vec<_>>();
            format!(
                "wgrad takes {}, and passes over Identity, Dropout, Flatten, Reshape and Cast; before the first layer it \
                 takes Scaler, Sub, Add, Mul and Div",
                listed(&operators)
            )
        }
        activations => format!("wgrad takes {} only as the last node of {}", shown(&node.operator), listed(activations)),
    };
    format!("{node} is no part of a plain dense network: {known}")
}

/// `a, b and c`
fn listed(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The weights of some networks in the smallest number type that holds all of them; zeros for biases that only some layers lack.
fn stored(networks: Vec<Vec<Found>>) -> StoredWeights {
    let is_single = |numbers: &Numbers| matches!(numbers, Numbers::Single(_));
    let has_singles = |layer: &Found| is_single(&layer.weights) && layer.bias.as_ref().is_none_or(is_single);
    let has_bias = networks.iter().flatten().any(|layer| layer.bias.is_some());
    if networks.iter().flatten().all(has_singles) {
        let single = |numbers| match numbers {
            Numbers::Single(values) => values,
            Numbers::Double(_) => unreachable!("all of them are single"),
        };
        StoredWeights::Single(networks.into_iter().map(|layers| weights(layers, has_bias, single)).collect())
    } else {
        let double = |numbers| match numbers {
            Numbers::Double(values) => values,
            single @ Numbers::Single(_) => single.to_f64(),
        };
        StoredWeights::Double(networks.into_iter().map(|layers| weights(layers, has_bias, double)).collect())
    }
}

fn weights<T: Scalar>(layers: Vec<Found>, has_bias: bool, values: impl Fn(Numbers) -> Vec<T>) -> Weights<T> {
    let layer = |layer: Found| Layer {
        weight: Matrix::new(layer.inputs, layer.outputs, values(layer.weights)),
        bias: match layer.bias {
            Some(bias) => values(bias),
            None => vec![T::ZERO; if has_bias { layer.outputs } else { 0 }],
        },
    };
    layers.into_iter().map(layer).collect()
}
