//! The tensors of a net alone, as PyTorch's `nn.Sequential` of Linear and activations saves and loads them: `0.weight`
//! [outputs, inputs], `0.bias` [outputs], `2.weight`, … and nothing that says what lies between.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::Dtype;

use super::file::{KEY, tensors};
use super::tensor_file::{Element, TensorFile};
use super::{Model, StoredWeights};
use crate::data::Matrix;
use crate::error::{Error, Result, shown};
use crate::network::{Layer, Weights};

/// What a safetensors file of a net holds.
#[derive(Debug, Clone)]
pub enum Sequence {
    /// A whole model of wgrad's.
    Model(Box<Model>),
    /// Weights, layer by layer; where only some layers have biases, the others' are zeros.
    Weights(StoredWeights),
}

impl Model {
    /// The bytes of a safetensors file with the tensors alone, named for `nn.Sequential.load_state_dict`. Its metadata says
    /// `format: pt`, which some readers ask for.
    ///
    /// # Errors
    /// Model if the parts do not fit together.
    pub fn tensors_alone(&self) -> Result<Vec<u8>> {
        self.check().map_err(|what| Error::Model(format!("this model cannot be exported: {what}")))?;
        let metadata = Some(HashMap::from([("format".to_string(), "pt".to_string())]));
        let bytes = match &self.weights {
            StoredWeights::Single(weights) => safetensors::serialize(tensors(weights), metadata),
            StoredWeights::Double(weights) => safetensors::serialize(tensors(weights), metadata),
        };
        bytes.map_err(|error| Error::Internal(format!("the tensors' file: {error}")))
    }
}

/// The net in the safetensors file at `path`.
///
/// # Errors
/// Model, naming the file, the tensor, what was found and what is expected.
pub fn load_sequence(path: &Path) -> Result<Sequence> {
    let mut file = TensorFile::open(path, path)?;
    if file.metadata.contains_key(KEY) {
        return Ok(Sequence::Model(Box::new(Model::load(path)?)));
    }
    let layers = layers(&file).map_err(|what| {
        let advice = "name the tensors 0.weight, 0.bias, 2.weight, … with weights [outputs, inputs]";
        Error::Model(format!("{}: {what}; {advice}", file.name))
    })?;
    Ok(Sequence::Weights(match layers.dtype {
        Dtype::F32 => StoredWeights::Single(layers.read(&mut file)?),
        _ => StoredWeights::Double(layers.read(&mut file)?),
    }))
}

/// The layers that a file's tensors make up.
struct Layers {
    dtype: Dtype,
    /// The number before `.weight`, outputs, inputs, and whether there is a `.bias`.
    layers: Vec<(u32, usize, usize, bool)>,
}

/// The layers of the file: every tensor is one's weights or biases, and each layer fits the next.
fn layers(file: &TensorFile) -> std::result::Result<Layers, String> {
    let mut weights = BTreeMap::new();
    let mut biases = BTreeMap::new();
    for (name, info) in &file.tensors {
        let said = || format!("tensor {}", shown(name));
        let (number, of) = name.split_once('.').unwrap_or_default();
        let number = number.parse::<u32>().ok().filter(|position| position.to_string() == number);
        match (number, of) {
            (Some(number), "weight") => weights.insert(number, info),
            (Some(number), "bias") => biases.insert(number, info),
            _ => return Err(format!("{} is no layer's", said())),
        };
        if !matches!(info.dtype, Dtype::F32 | Dtype::F64) {
            return Err(format!("{} is of type {}, and F32 or F64 is expected", said(), info.dtype));
        }
    }
    let (_, first) = weights.first_key_value().ok_or("there is no tensor of weights")?;
    let dtype = first.dtype;
    let mut layers: Vec<(u32, usize, usize, bool)> = Vec::new();
    for (number, info) in weights {
        let name = format!("tensor {number}.weight");
        let &[outputs, inputs] = info.shape.as_slice() else {
            return Err(format!("{name} has shape {:?}, and [outputs, inputs] is expected", info.shape));
        };
        let (Ok(outputs @ 1..), Ok(inputs @ 1..)) = (usize::try_from(outputs), usize::try_from(inputs)) else {
            return Err(format!("{name} has shape {:?}, and a layer has inputs and outputs", info.shape));
        };
        if let Some(&(before, width, ..)) = layers.last().filter(|last| last.1 != inputs) {
            return Err(format!("{name} has {inputs} inputs, and layer {before} has {width} outputs"));
        }
        let bias = biases.remove(&number);
        if bias.is_some_and(|bias| bias.shape != [outputs as u64]) {
            return Err(format!("tensor {number}.bias is not of shape [{outputs}]"));
        }
        if info.dtype != dtype || bias.is_some_and(|bias| bias.dtype != dtype) {
            return Err(format!("the tensors of layer {number} are not {dtype} as those before them"));
        }
        layers.push((number, outputs, inputs, bias.is_some()));
    }
    match biases.first_key_value() {
        Some((number, _)) => Err(format!("tensor {number}.bias is there without {number}.weight")),
        None => Ok(Layers { dtype, layers }),
    }
}

impl Layers {
    fn read<T: Element>(&self, file: &mut TensorFile) -> Result<Weights<T>> {
        let has_bias = self.layers.iter().any(|layer| layer.3);
        let mut weights = Vec::with_capacity(self.layers.len());
        for &(number, outputs, inputs, bias) in &self.layers {
            let weight = Matrix::new(outputs, inputs, file.read(&format!("{number}.weight"))?).transposed();
            let bias = match (bias, has_bias) {
                (true, _) => file.read(&format!("{number}.bias"))?,
                (false, true) => vec![T::ZERO; outputs],
                (false, false) => Vec::new(),
            };
            weights.push(Layer { weight, bias });
        }
        Ok(weights)
    }
}
