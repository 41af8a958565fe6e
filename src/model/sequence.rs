//! The tensors of a net alone, as PyTorch's `nn.Sequential` of Linear and activations saves and loads them: `0.weight`
//! [outputs, inputs], `0.bias` [outputs], `2.weight`, … and nothing that says what lies between. Those of several nets have
//! `members.0.`, `members.1.`, … before their names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use safetensors::Dtype;

use super::file::{KEY, member_of, member_prefix, tensors_of_all};
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
    /// The weights of one net or of several alike, layer by layer; where only some layers have biases, the others' are zeros.
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
            StoredWeights::Single(networks) => safetensors::serialize(tensors_of_all(networks), metadata),
            StoredWeights::Double(networks) => safetensors::serialize(tensors_of_all(networks), metadata),
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
    let layers = networks(&file).map_err(|what| {
        let advice = "name the tensors 0.weight, 0.bias, 2.weight, … with weights [outputs, inputs]";
        Error::Model(format!("{}: {what}; {advice}", file.name))
    })?;
    Ok(Sequence::Weights(match layers.dtype {
        Dtype::F32 => StoredWeights::Single(layers.read_all(&mut file)?),
        _ => StoredWeights::Double(layers.read_all(&mut file)?),
    }))
}

/// The layers of each of the nets that a file's tensors make up: of one, or of several that are alike.
fn networks(file: &TensorFile) -> std::result::Result<Layers, String> {
    let members = file.tensors.keys().map(|name| member_of(name)).collect::<Option<BTreeSet<usize>>>();
    let Some(members) = members.filter(|members| members.len() > 1 && members.iter().copied().eq(0..members.len())) else {
        return layers(file, "", 1);
    };
    let count = members.len();
    let of_first = layers(file, &member_prefix(0, count), count)?;
    for member in 1..count {
        let prefix = member_prefix(member, count);
        let of_member = layers(file, &prefix, count)?;
        if (of_member.dtype, &of_member.layers) != (of_first.dtype, &of_first.layers) {
            return Err(format!("the tensors of '{prefix}' are of another shape than those of the first member"));
        }
    }
    Ok(of_first)
}

/// The layers that a file's tensors make up.
struct Layers {
    dtype: Dtype,
    /// The number before `.weight`, outputs, inputs, and whether there is a `.bias`.
    layers: Vec<(u32, usize, usize, bool)>,
    /// How many nets of these layers there are.
    networks: usize,
}

/// The layers of a net whose tensors' names begin with `prefix`, one of so many in the file: every such tensor is a layer's weights or
/// biases, and each layer fits the next.
fn layers(file: &TensorFile, prefix: &str, networks: usize) -> std::result::Result<Layers, String> {
    let mut weights = BTreeMap::new();
    let mut biases = BTreeMap::new();
    for (name, info) in file.tensors.iter().filter_map(|(name, info)| Some((name.strip_prefix(prefix)?, info))) {
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
        None => Ok(Layers { dtype, layers, networks }),
    }
}

impl Layers {
    fn read_all<T: Element>(&self, file: &mut TensorFile) -> Result<Vec<Weights<T>>> {
        (0..self.networks).map(|member| self.read(file, &member_prefix(member, self.networks))).collect()
    }

    fn read<T: Element>(&self, file: &mut TensorFile, prefix: &str) -> Result<Weights<T>> {
        let has_bias = self.layers.iter().any(|layer| layer.3);
        let mut weights = Vec::with_capacity(self.layers.len());
        for &(number, outputs, inputs, bias) in &self.layers {
            let weight = Matrix::new(outputs, inputs, file.read(&format!("{prefix}{number}.weight"))?).transposed();
            let bias = match (bias, has_bias) {
                (true, _) => file.read(&format!("{prefix}{number}.bias"))?,
                (false, true) => vec![T::ZERO; outputs],
                (false, false) => Vec::new(),
            };
            weights.push(Layer { weight, bias });
        }
        Ok(weights)
    }
}
