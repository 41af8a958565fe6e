//! The graph of an ONNX file, its nodes found by what they make.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use prost::bytes::Bytes;

use super::file::{self, Decoded, Decoder, Tensor, Wrong};
use super::messages::{
    AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, ValueInfoProto, kind,
};
use crate::error::shown;

/// A graph.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// The inputs that no initializer fills.
    pub(super) inputs: Vec<Value>,
    pub(super) outputs: Vec<Value>,
    /// What wrote the file, by its own account.
    pub(super) producer: String,
    /// Whether wgrad did.
    pub(super) is_ours: bool,
    /// The node that makes each value.
    makers: HashMap<String, usize>,
    /// The constants that initializers are, not decoded yet.
    initializers: HashMap<String, Bytes>,
    decoder: Decoder,
    /// The nodes that were asked for.
    used: RefCell<Vec<bool>>,
}

/// A node.
pub(super) struct Node {
    pub(super) operator: String,
    pub(super) inputs: Vec<String>,
    outputs: Vec<String>,
    name: String,
    attributes: HashMap<String, AttributeProto>,
}

/// An input or output of the graph.
pub(super) struct Value {
    pub(super) name: String,
    /// Whether it is a tensor, and neither a sequence nor a map.
    pub(super) is_tensor: bool,
    /// ONNX's number of the type of a tensor's elements.
    pub(super) kind: Option<i32>,
    /// Its sizes where they are given; none where nothing is said of the shape.
    pub(super) shape: Option<Vec<Option<usize>>>,
}

impl fmt::Display for Node {
    /// As messages name it: `node 'fc1' (Conv)`.
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = self.outputs.first().map_or("", String::as_str);
        let name = if self.name.is_empty() { output } else { &self.name };
        write!(text, "node '{}' ({})", shown(name), shown(&self.operator))
    }
}

impl Node {
    /// The input of an operation that changes nothing in a dense network that is only applied.
    pub(super) fn passed(&self) -> Wrong<&str> {
        let fits = match self.operator.as_str() {
            "Cast" => [kind::FLOAT, kind::DOUBLE].map(i64::from).contains(&self.integer("to").unwrap_or_default()),
            "Flatten" => self.integer("axis").is_none_or(|axis| axis == 1),
            "Dropout" => self.inputs.get(2).is_none_or(String::is_empty),
            _ => true,
        };
        if fits { self.input(0) } else { Err(format!("{self} changes what goes through it")) }
    }

    fn of(message: NodeProto, decoder: &Decoder) -> Wrong<Self> {
        let mut attributes = HashMap::new();
        for attribute in &message.attribute {
            let attribute: AttributeProto = decoder.decode(attribute)?;
            attributes.insert(attribute.name.clone().unwrap_or_default(), attribute);
        }
        let domain = message.domain.unwrap_or_default();
        let operator = message.op_type.unwrap_or_default();
        let is_standard = domain.is_empty() || domain == "ai.onnx";
        Ok(Self {
            operator: if is_standard { operator } else { format!("{domain}.{operator}") },
            inputs: message.input,
            outputs: message.output,
            name: message.name.unwrap_or_default(),
            attributes,
        })
    }

    /// An attribute that is an integer.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.attributes.get(name)?.i
    }

    /// An attribute that is a number.
    pub(super) fn float(&self, name: &str) -> Option<f32> {
        self.attributes.get(name)?.f
    }

    /// An attribute that is text.
    pub(super) fn text(&self, name: &str) -> Option<&[u8]> {
        self.attributes.get(name)?.s.as_deref()
    }

    /// An attribute that is a list of numbers; empty where it is not there.
    pub(super) fn floats(&self, name: &str) -> &[f32] {
        self.attributes.get(name).map_or(&[], |attribute| &attribute.floats)
    }

    /// An attribute that is a list of integers; empty where it is not there.
    pub(super) fn integers(&self, name: &str) -> &[i64] {
        self.attributes.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// An attribute that is a list of texts; empty where it is not there.
    pub(super) fn texts(&self, name: &str) -> Wrong<Vec<String>> {
        let texts = self.attributes.get(name).map_or(&[][..], |attribute| &attribute.strings);
        texts.iter().map(file::text).collect::<Wrong<_>>().map_err(|what| format!("{self} {what}"))
    }

    /// The input at this place.
    pub(super) fn input(&self, place: usize) -> Wrong<&str> {
        let input = self.inputs.get(place).filter(|input| !input.is_empty());
        input.map(String::as_str).ok_or_else(|| format!("{self} lacks an input"))
    }

    /// Refuses attributes other than these.
    pub(super) fn allow(&self, names: &[&str]) -> Wrong<()> {
        let mut others: Vec<&String> = self.attributes.keys().filter(|name| !names.contains(&name.as_str())).collect();
        others.sort();
        match others.first() {
            Some(name) => Err(format!("{self} has an attribute '{}', which wgrad does not know", shown(name))),
            None => Ok(()),
        }
    }
}

impl Value {
    fn of(message: ValueInfoProto) -> Self {
        let name = message.name.unwrap_or_default();
        let Some(tensor) = message.r#type.and_then(|kind| kind.tensor_type) else {
            return Self { name, is_tensor: false, kind: None, shape: None };
        };
        let size = |size: Option<i64>| size.and_then(|size| usize::try_from(size).ok());
        let shape = tensor.shape.map(|shape| shape.dim.iter().map(|dimension| size(dimension.dim_value)).collect());
        Self { name, is_tensor: true, kind: tensor.elem_type, shape }
    }
}

impl Graph {
    /// The graph in a file's bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Wrong<Self> {
        let decoder = Decoder::new();
        let model: ModelProto = decoder.decode(&bytes.into())?;
        let Some(graph) = &model.graph else { return Err("is no ONNX file, or one without a graph".into()) };
        let graph: GraphProto = decoder.decode(graph)?;
        let mut initializers = HashMap::new();
        for bytes in &graph.initializer {
            let name = name_of(&decoder, bytes)?;
            unique(&name, initializers.insert(name.clone(), bytes.clone()).is_some())?;
        }
        let (mut nodes, mut makers) = (Vec::new(), HashMap::new());
        for message in decoded::<NodeProto>(&decoder, &graph.node)? {
            let node = Node::of(message, &decoder)?;
            for output in node.outputs.iter().filter(|output| !output.is_empty()) {
                unique(output, makers.insert(output.clone(), nodes.len()).is_some() || initializers.contains_key(output))?;
            }
            nodes.push(node);
        }
        let values = |values: &[Bytes]| -> Wrong<Vec<Value>> {
            Ok(decoded::<ValueInfoProto>(&decoder, values)?.into_iter().map(Value::of).collect())
        };
        let (mut inputs, outputs) = (values(&graph.input)?, values(&graph.output)?);
        inputs.retain(|input| !initializers.contains_key(&input.name));
        if let Some(input) = inputs.iter().find(|input| makers.contains_key(&input.name)) {
            unique(&input.name, true)?;
        }
        let entries = decoded::<StringStringEntryProto>(&decoder, &model.metadata_props)?;
        let is_ours = entries.iter().any(|entry| entry.key.as_deref() == Some("wgrad"));
        let producer = [model.producer_name, model.producer_version].map(Option::unwrap_or_default).join(" ");
        let used = RefCell::new(vec![false; nodes.len()]);
        Ok(Self { nodes, inputs, outputs, producer, is_ours, makers, initializers, decoder, used })
    }

    /// The value behind conversions and copies.
    pub(super) fn behind(&self, value: &str) -> Wrong<String> {
        let mut value = value.to_owned();
        for _ in 0..=self.nodes.len() {
            match self.maker(&value) {
                Some(node) if ["Cast", "Identity"].contains(&node.operator.as_str()) => value = node.passed()?.to_owned(),
                _ => return Ok(value),
            }
        }
        Err("its graph goes round in a circle".into())
    }

    /// The node that makes this value.
    pub(super) fn maker(&self, value: &str) -> Option<&Node> {
        let &index = self.makers.get(value)?;
        self.used.borrow_mut()[index] = true;
        Some(&self.nodes[index])
    }

    /// The constant numbers that this value is: an initializer, or what a Constant node makes.
    pub(super) fn constant(&self, value: &str) -> Wrong<Option<Tensor>> {
        self.decoded(value, Tensor::of)
    }

    /// The number that a constant of one element is.
    pub(super) fn scalar(&self, value: &str) -> Wrong<Option<f64>> {
        if !self.is_constant(value) {
            return Ok(None);
        }
        let number = self.constant(value)?.filter(|tensor| tensor.numbers.len() == 1);
        Ok(number.map(|tensor| tensor.numbers.to_f64()[0]))
    }

    /// What this operation with a constant number is made of: the number and the other operand.
    pub(super) fn with_scalar(&self, value: &str, operator: &str) -> Wrong<Option<(f64, String)>> {
        let Some(node) = self.maker(value).filter(|node| node.operator == operator) else { return Ok(None) };
        let [a, b] = [node.input(0)?, node.input(1)?];
        Ok(match (self.scalar(a)?, self.scalar(b)?) {
            (None, Some(number)) => Some((number, a.to_owned())),
            (Some(number), None) if operator != "Div" => Some((number, b.to_owned())),
            _ => None,
        })
    }

    /// The constant integers that this value is.
    pub(super) fn integers(&self, value: &str) -> Wrong<Option<Vec<i64>>> {
        self.decoded(value, file::integers)
    }

    /// The constant texts that this value is, or its constant integers as text.
    pub(super) fn labels(&self, value: &str) -> Wrong<Option<Vec<String>>> {
        self.decoded(value, file::labels)
    }

    fn decoded<T>(&self, value: &str, decode: impl Fn(TensorProto) -> Wrong<T>) -> Wrong<Option<T>> {
        let bytes = match self.initializers.get(value) {
            Some(bytes) => bytes,
            None => {
                let Some(&maker) = self.makers.get(value) else { return Ok(None) };
                let node = &self.nodes[maker];
                if node.operator != "Constant" {
                    return Ok(None);
                }
                self.used.borrow_mut()[maker] = true;
                let tensor = node.attributes.get("value").and_then(|attribute| attribute.t.as_ref());
                tensor.ok_or_else(|| format!("{node} has no tensor"))?
            }
        };
        let decoded = decode(self.decoder.decode::<TensorProto>(bytes)?);
        decoded.map(Some).map_err(|what| format!("tensor '{}' {what}", shown(value)))
    }

    /// Whether this value is a constant, whatever it holds.
    pub(super) fn is_constant(&self, value: &str) -> bool {
        let is_made = self.makers.get(value).is_some_and(|&maker| self.nodes[maker].operator == "Constant");
        is_made || self.initializers.contains_key(value)
    }

    /// A node that nothing asked for, which is no constant.
    pub(super) fn unused(&self) -> Option<&Node> {
        let used = self.used.borrow();
        let nodes = self.nodes.iter().zip(used.iter());
        nodes.into_iter().find(|(node, used)| !**used && node.operator != "Constant").map(|(node, _)| node)
    }
}

fn decoded<M: Decoded>(decoder: &Decoder, messages: &[Bytes]) -> Wrong<Vec<M>> {
    messages.iter().map(|message| decoder.decode(message)).collect()
}

/// The name of a tensor, whose numbers nobody needs yet.
fn name_of(decoder: &Decoder, tensor: &Bytes) -> Wrong<String> {
    Ok(decoder.decode::<TensorProto>(tensor)?.name.unwrap_or_default())
}

fn unique(name: &str, is_taken: bool) -> Wrong<()> {
    if is_taken { Err(format!("two things make '{}'", shown(name))) } else { Ok(()) }
}
