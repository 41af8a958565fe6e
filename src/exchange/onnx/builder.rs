//! Putting an ONNX graph together: nodes, constants, inputs and outputs, each name used once.

use std::collections::{HashMap, HashSet};

use prost::Message;
use prost::bytes::Bytes;

use super::messages::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, holds, kind,
};
use crate::error::{Error, Result};
use crate::exchange::{ElementType, Port};

/// The version of ONNX's file format, and of its operators: of December 2020, read by onnxruntime from 1.6 on.
const IR_VERSION: i64 = 7;
const OPSET: i64 = 13;
/// The version of the operators on texts, `ai.onnx.ml`.
const TEXT_OPSET: i64 = 2;
pub(super) const TEXT_DOMAIN: &str = "ai.onnx.ml";
/// The most bytes that a protobuf message may have.
pub(super) const LARGEST: usize = i32::MAX as usize;

/// A graph in the making. Values go by their names.
pub(super) struct Builder {
    /// The number type of the network's own numbers.
    pub(super) own: ElementType,
    names: HashSet<String>,
    /// How often a name was wanted.
    numbers: HashMap<String, usize>,
    nodes: Vec<Bytes>,
    constants: Vec<Bytes>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    has_texts: bool,
}

/// An attribute of a node.
pub(super) enum Attribute<'a> {
    Float(&'a str, f32),
    Integer(&'a str, i64),
    Integers(&'a str, Vec<i64>),
    Texts(&'a str, Vec<&'a str>),
}

impl Attribute<'_> {
    fn message(&self) -> AttributeProto {
        let (name, holds) = match self {
            Self::Float(name, _) => (name, holds::FLOAT),
            Self::Integer(name, _) => (name, holds::INT),
            Self::Integers(name, _) => (name, holds::INTS),
            Self::Texts(name, _) => (name, holds::STRINGS),
        };
        let mut message = AttributeProto { name: Some((*name).to_owned()), kind: Some(holds), ..Default::default() };
        match self {
            Self::Float(_, value) => message.f = Some(*value),
            Self::Integer(_, value) => message.i = Some(*value),
            Self::Integers(_, values) => message.ints.clone_from(values),
            Self::Texts(_, texts) => message.strings = texts.iter().map(|text| bytes(text.as_bytes())).collect(),
        }
        message
    }
}

fn bytes(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn encoded(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

impl Builder {
    /// An empty graph in which nothing else will be called one of these names.
    pub(super) fn new<'a>(own: ElementType, taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            own,
            names: taken.into_iter().map(str::to_owned).collect(),
            numbers: HashMap::new(),
            nodes: Vec::new(),
            constants: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            has_texts: false,
        }
    }

    /// A name like `wanted` that nothing has.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        // Names stay taken, so that the search goes on where it ended.
        let next = self.numbers.entry(wanted.to_owned()).or_insert(1);
        loop {
            let name = if *next == 1 { wanted.to_owned() } else { format!("{wanted}_{next}") };
            *next += 1;
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }

    /// A value of one number type in another.
    pub(super) fn in_type(&mut self, value: String, from: ElementType, to: ElementType) -> String {
        if from == to { value } else { self.cast(&value, to) }
    }

    /// An operation that onnxruntime knows for floats only.
    pub(super) fn in_floats(&mut self, value: &str, operator: &str, attributes: &[Attribute<'_>]) -> String {
        let float = self.in_type(value.to_owned(), self.own, ElementType::Float);
        let result = self.node(operator, &[&float], attributes);
        self.in_type(result, ElementType::Float, self.own)
    }

    /// A constant of the network's number type.
    pub(super) fn number(&mut self, name: &str, value: f64) -> String {
        self.numbers(name, self.own, &[], &[value])
    }

    /// Adds an input of the graph, rows × `width`.
    pub(super) fn input(&mut self, name: &str, element: ElementType, width: usize) {
        self.inputs.push(Port { name: name.to_owned(), element, width: Some(width) });
    }

    /// Makes a value an output of the graph under this name: rows × `width`, or as many as there are rows.
    pub(super) fn output(&mut self, value: &str, name: &str, element: ElementType, width: Option<usize>) {
        self.node_as(name, "Identity", &[value], &[]);
        self.outputs.push(Port { name: name.to_owned(), element, width });
    }

    /// Adds an operation, and gives the name of what comes of it.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute<'_>]) -> String {
        let output = self.fresh(&format!("wgrad/{}", operator.to_lowercase()));
        self.node_as(&output, operator, inputs, attributes);
        output
    }

    fn node_as(&mut self, output: &str, operator: &str, inputs: &[&str], attributes: &[Attribute<'_>]) {
        let of_texts = operator == "LabelEncoder";
        self.has_texts |= of_texts;
        self.nodes.push(encoded(&NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: Some(output.to_owned()),
            op_type: Some(operator.to_owned()),
            attribute: attributes.iter().map(|attribute| encoded(&attribute.message())).collect(),
            domain: of_texts.then(|| TEXT_DOMAIN.to_owned()),
        }));
    }

    /// A conversion to another number type.
    pub(super) fn cast(&mut self, value: &str, to: ElementType) -> String {
        self.node("Cast", &[value], &[Attribute::Integer("to", i64::from(to.code()))])
    }

    /// A value as it is, or several side by side.
    pub(super) fn joined(&mut self, values: &[String]) -> String {
        let [value] = values else {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            return self.node("Concat", &values, &[Attribute::Integer("axis", 1)]);
        };
        value.clone()
    }

    /// Constant numbers of this shape, rounded to the type.
    pub(super) fn numbers(&mut self, name: &str, element: ElementType, shape: &[usize], values: &[f64]) -> String {
        let raw: Vec<u8> = match element {
            ElementType::Float => values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect(),
            ElementType::Int64 => values.iter().flat_map(|&value| (value as i64).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        self.raw(name, element, shape, raw)
    }

    /// Constant numbers of this shape by their bytes, little-endian.
    pub(super) fn raw(&mut self, name: &str, element: ElementType, shape: &[usize], raw: Vec<u8>) -> String {
        self.constant(name, element, shape, TensorProto { raw_data: Some(raw.into()), ..Default::default() })
    }

    /// A list of constant texts.
    pub(super) fn texts(&mut self, name: &str, texts: &[String]) -> String {
        let string_data = texts.iter().map(|text| bytes(text.as_bytes())).collect();
        self.constant(name, ElementType::Text, &[texts.len()], TensorProto { string_data, ..Default::default() })
    }

    fn constant(&mut self, name: &str, element: ElementType, shape: &[usize], tensor: TensorProto) -> String {
        let name = self.fresh(name);
        self.constants.push(encoded(&TensorProto {
            name: Some(name.clone()),
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(element.code()),
            ..tensor
        }));
        name
    }

    /// The file of the graph, its inputs and its outputs.
    ///
    /// # Errors
    /// Limit, if it is larger than such a file may be.
    pub(super) fn finished(self) -> Result<(Vec<u8>, Vec<Port>, Vec<Port>)> {
        let values = |ports: &[Port]| ports.iter().map(|port| encoded(&value_info(port))).collect();
        let graph = GraphProto {
            name: Some("wgrad".into()),
            input: values(&self.inputs),
            output: values(&self.outputs),
            node: self.nodes,
            initializer: self.constants,
        };
        let opset =
            |domain: &str, version| encoded(&OperatorSetIdProto { domain: Some(domain.to_owned()), version: Some(version) });
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let about = StringStringEntryProto { key: Some("wgrad".into()), value: Some(version.clone()) };
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("wgrad".into()),
            producer_version: Some(version),
            opset_import: std::iter::once(opset("", OPSET))
                .chain(self.has_texts.then(|| opset(TEXT_DOMAIN, TEXT_OPSET)))
                .collect(),
            graph: Some(encoded(&graph)),
            metadata_props: vec![encoded(&about)],
        };
        if model.encoded_len() > LARGEST {
            return Err(Error::Limit(format!(
                "an ONNX file of {} bytes is more than the {LARGEST} that the format allows; export safetensors or npz",
                model.encoded_len()
            )));
        }
        Ok((model.encode_to_vec(), self.inputs, self.outputs))
    }
}

fn value_info(port: &Port) -> ValueInfoProto {
    let rows = DimensionProto { dim_param: Some("N".into()), ..Default::default() };
    let width = port.width.map(|width| DimensionProto { dim_value: Some(width as i64), ..Default::default() });
    let shape = TensorShapeProto { dim: std::iter::once(rows).chain(width).collect() };
    let tensor = TensorTypeProto { elem_type: Some(port.element.code()), shape: Some(shape) };
    ValueInfoProto { name: Some(port.name.clone()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

impl ElementType {
    /// Its number in ONNX.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Float => kind::FLOAT,
            Self::Double => kind::DOUBLE,
            Self::Int64 => kind::INT64,
            Self::Text => kind::STRING,
        }
    }
}
