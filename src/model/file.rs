//! The model file: one safetensors file. Layer `l` is `<2l>.weight` [outputs, inputs] and `<2l>.bias` [outputs], as
//! PyTorch's `nn.Sequential` of Linear and activation names them; of several networks all names have `members.0.`,
//! `members.1.`, … before them, as in a module whose `members` are an `nn.ModuleList`. Everything else is one JSON document in
//! its metadata, under `wgrad`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::View;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::tensor_file::{Element, LARGEST_HEADER, MOST_TENSORS, MOST_VALUES, TensorFile, from_json, values_of};
use super::{Model, StoredWeights};
use crate::data::{Encoding, Matrix};
use crate::error::{Error, Result, shown};
use crate::files::Place;
use crate::memory;
use crate::network::{Activation, Layer, Loss, Network, Weights};

/// The key of the JSON document in the file's metadata.
pub(super) const KEY: &str = "wgrad";
/// The version of that document, and that of several networks. A new one is due when an older wgrad would misread it.
const FORMAT: u64 = 1;
const FORMAT_OF_SEVERAL: u64 = 2;
const ALTERED: &str = "the file is damaged or was altered; take another copy, or train again";

/// The JSON document: everything but the weights.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    format: u64,
    /// Inputs, hidden widths, outputs.
    widths: Cow<'a, [usize]>,
    /// One a layer.
    activations: Cow<'a, [Activation]>,
    bias: bool,
    /// Networks of this shape.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    members: usize,
    loss: Loss,
    /// What shapes the loss, if it has such a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss_number: Option<f64>,
    encoding: Cow<'a, Encoding>,
    training: Cow<'a, serde_json::Value>,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

/// The format of a file of so many networks.
fn format_of(members: usize) -> u64 {
    if members > 1 { FORMAT_OF_SEVERAL } else { FORMAT }
}

/// What is read of a document before it is known that the rest can be.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

impl Model {
    /// The bytes of the model's file: the same for the same model, on every machine.
    ///
    /// # Errors
    /// Model if the parts do not fit together or a weight is not finite; Limit if the columns are too many for a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check().map_err(|what| Error::Model(format!("this model cannot be saved: {what}")))?;
        let members = self.weights.networks();
        let document = Document {
            format: format_of(members),
            widths: self.network.widths().into(),
            activations: self.network.activations().into(),
            bias: self.network.bias(),
            members,
            loss: self.loss,
            loss_number: self.loss.number().map(|(_, number)| number),
            encoding: Cow::Borrowed(&self.encoding),
            training: Cow::Borrowed(&self.training),
        };
        let json = serde_json::to_string(&document).map_err(|error| Error::Internal(format!("the metadata: {error}")))?;
        from_json::<IgnoredAny>(&json).map_err(too_many)?;
        // One entry only: the order of several would be a HashMap's.
        let metadata = HashMap::from([(KEY.to_string(), json)]);
        let bytes = match &self.weights {
            StoredWeights::Single(networks) => safetensors::serialize(tensors_of_all(networks), Some(metadata)),
            StoredWeights::Double(networks) => safetensors::serialize(tensors_of_all(networks), Some(metadata)),
        };
        let bytes = bytes.map_err(|error| Error::Internal(format!("the model's file: {error}")))?;
        let header = u64::from_le_bytes(*bytes.first_chunk().expect("a safetensors file starts with eight bytes of length"));
        if header > LARGEST_HEADER {
            return Err(too_many(format_args!("{header} bytes, and the most is {LARGEST_HEADER}")));
        }
        Ok(bytes)
    }

    /// Saves the model at a place. An older file there stays as it is until the new one is on the disk and reads back.
    ///
    /// # Errors
    /// As [`Model::to_bytes`] and [`Place::named`].
    pub fn save(&self, place: &Place) -> Result<()> {
        place.check()?;
        place.save_bytes(&self.to_bytes()?, |written| load_as(written, place.path()).map(drop))
    }

    /// The model in the file at `path`, checked in every part.
    ///
    /// # Errors
    /// Model, naming the file, the tensor or the entry, what was found and what is expected.
    pub fn load(path: &Path) -> Result<Self> {
        load_as(path, path)
    }
}

fn too_many(what: impl std::fmt::Display) -> Error {
    Error::Limit(format!("the model's columns and categories take too much metadata: {what}; use --ignore"))
}

/// Checks, before a training, that the model file and the checkpoints can hold what it leaves. A checkpoint holds `members` networks, each
/// with its weights, its best weights and `states` optimizer states a matrix. The model file also holds `options`, those of the training.
///
/// # Errors
/// Limit, naming what is too much; model, if the columns' scaling is none that can be saved.
pub fn check_room(
    network: &Network,
    members: usize,
    encoding: &Encoding,
    states: usize,
    options: &impl Serialize,
) -> Result<()> {
    /// Values of what is said of a training beside its options and the scores of its classes or targets: a matrix of at most 200 classes.
    const VALUES: u64 = 60_000;
    /// Bytes of a value beside its name.
    const VALUE_BYTES: u64 = 32;
    super::check_encoding(encoding, network)
        .map_err(|what| Error::Data(format!("a model of this data cannot be saved: {what}")))?;
    let layers = network.widths().len() - 1;
    let of_weights = layers * (1 + usize::from(network.bias()));
    let tensors = members.saturating_mul(2 * of_weights + layers * states + 1);
    if tensors > MOST_TENSORS {
        let (of, fewer) =
            if members > 1 { (format!("{members} networks of "), ", or a smaller --ensemble") } else { Default::default() };
        return Err(Error::Limit(format!(
            "a checkpoint of {of}{layers} layers has {tensors} tensors, and wgrad reads at most {MOST_TENSORS}; use fewer layers{fewer}"
        )));
    }
    // As it is made, beside itself on a device, and in a checkpoint.
    let parameters = network.parameter_count().saturating_mul(members as u64);
    if members > 1 && !memory::has_room(3 * size_of::<f64>() as u128 * u128::from(parameters)) {
        return Err(Error::Limit(format!(
            "there is no memory for {members} networks of {parameters} parameters in all; take a smaller --ensemble"
        )));
    }
    let document = Document {
        format: format_of(members),
        members,
        widths: network.widths().into(),
        activations: network.activations().into(),
        bias: network.bias(),
        loss: Loss::SquaredError,
        loss_number: None,
        encoding: Cow::Borrowed(encoding),
        training: Cow::Owned(serde_json::json!({ "options": options, "test": names(encoding) })),
    };
    fn json(value: &impl Serialize) -> Result<String> {
        serde_json::to_string(value).map_err(|error| Error::Internal(format!("the metadata: {error}")))
    }
    let text = json(&document)?;
    let values = values_of(&text).map_err(too_many)?;
    // What is said of the test rows: seven values a class or target beside its name.
    let of_scores = 7 * names(encoding).len() as u64 + VALUES;
    if values + of_scores > MOST_VALUES {
        return Err(too_many(format_args!("more than {MOST_VALUES} values")));
    }
    // The document is a text in the header, whose quotation marks are escaped.
    let bytes = json(&text)?.len() as u64 + VALUE_BYTES * of_scores;
    if bytes > LARGEST_HEADER {
        return Err(too_many(format_args!("{bytes} bytes, and the most is {LARGEST_HEADER}")));
    }
    Ok(())
}

/// The names of the classes or, of numbers, the targets.
fn names(encoding: &Encoding) -> Vec<&str> {
    let classes = encoding.class_names().iter().map(String::as_str);
    classes.chain(encoding.target_names()).collect()
}

/// The weights in the file at `path` for a new training of `network`, named and shaped as in a model file. Its metadata is
/// not needed and not read.
///
/// # Errors
/// Model, naming the file, the tensor, what was found, what is expected, and which options would fit.
pub fn load_weights(path: &Path, network: &Network) -> Result<StoredWeights> {
    let mut file = TensorFile::open(path, path)?;
    let members = networks_of(&file);
    read_weights(&mut file, network, members, Reader::Init)
}

/// How many networks' weights are in the file at `path`; 1 where it is no such file, as [`load_weights`] will say.
pub fn networks_in(path: &Path) -> usize {
    TensorFile::open(path, path).map_or(1, |file| networks_of(&file))
}

/// How many networks have tensors in a file, by their names.
fn networks_of(file: &TensorFile) -> usize {
    let members: HashSet<usize> = file.tensors.keys().filter_map(|name| member_of(name)).collect();
    members.len().max(1)
}

/// The hidden widths of each network whose weights are in the file at `path`; none where it is no such file, as
/// [`load_weights`] will say.
pub fn hidden_widths(path: &Path) -> Option<Vec<usize>> {
    let file = TensorFile::open(path, path).ok()?;
    let widths = chain(&shapes(&file))?;
    widths[1..widths.len() - 1].iter().map(|&width| usize::try_from(width).ok()).collect()
}

/// The model in the file at `path`, which messages call `named`.
fn load_as(path: &Path, named: &Path) -> Result<Model> {
    let mut file = TensorFile::open(path, named)?;
    let name = file.name.clone();
    let Some(json) = file.metadata.remove(KEY) else {
        return Err(Error::Model(format!(
            "{name}: has weights but no metadata of wgrad's, so its activations and columns are not known; such a file can \
             only start a training: wgrad train DATA --init {name}"
        )));
    };
    let unreadable = |what: String| Error::Model(format!("{name}: its metadata '{KEY}': {what}; {ALTERED}"));
    let Version { format } = from_json(&json).map_err(unreadable)?;
    if ![FORMAT, FORMAT_OF_SEVERAL].contains(&format) {
        return Err(Error::Model(format!(
            "{name}: is a model of format {format}, and this wgrad reads formats {FORMAT} and {FORMAT_OF_SEVERAL}; use the one that \
             wrote it"
        )));
    }
    let document: Document<'_> = from_json(&json).map_err(unreadable)?;
    if document.format != format_of(document.members) || !(1..=MOST_TENSORS).contains(&document.members) {
        return Err(unreadable(format!("format {format} for {} networks", document.members)));
    }
    let network = Network::new(document.widths.into_owned(), document.activations.into_owned(), document.bias)
        .map_err(|error| unreadable(error.to_string()))?;
    let shaped = document.loss_number.map_or(Ok(document.loss), |number| document.loss.with_number(number));
    let loss = shaped.map_err(|error| unreadable(error.to_string()))?;
    let weights = read_weights(&mut file, &network, document.members, Reader::Model)?;
    let model =
        Model { network, loss, weights, encoding: document.encoding.into_owned(), training: document.training.into_owned() };
    model.check().map_err(unreadable)?;
    Ok(model)
}

/// Who wants the weights, and so what to do when they do not fit.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    /// The file's own metadata says what they must be.
    Model,
    /// `--init`: the options and the data say what they must be.
    Init,
}

/// What stands before the names of a network's tensors, which is one of so many.
pub(super) fn member_prefix(member: usize, members: usize) -> String {
    if members == 1 { String::new() } else { format!("{MEMBERS}{member}.") }
}

/// Which of several networks a tensor belongs to, by its name; none where it names no network.
pub(super) fn member_of(name: &str) -> Option<usize> {
    name.strip_prefix(MEMBERS)?.split_once('.')?.0.parse().ok()
}

/// What the names of several networks' tensors begin with.
const MEMBERS: &str = "members.";

/// The tensors that a network's file holds, and their shapes.
pub(super) fn expected_tensors(network: &Network) -> impl Iterator<Item = (String, Vec<u64>)> {
    network.widths().windows(2).enumerate().flat_map(|(l, pair)| {
        let (inputs, outputs) = (pair[0] as u64, pair[1] as u64);
        let bias = network.bias().then(|| (bias_name(l), vec![outputs]));
        std::iter::once((weight_name(l), vec![outputs, inputs])).chain(bias)
    })
}

fn weight_name(l: usize) -> String {
    format!("{}.weight", 2 * l)
}

fn bias_name(l: usize) -> String {
    format!("{}.bias", 2 * l)
}

fn read_weights(file: &mut TensorFile, network: &Network, members: usize, reader: Reader) -> Result<StoredWeights> {
    let dtype = check_tensors(file, network, members)
        .map_err(|what| Error::Model(format!("{}: {what}; {}", file.name, advice(file, network, reader))))?;
    Ok(match dtype {
        Dtype::F32 => StoredWeights::Single(read_networks(file, network, members)?),
        _ => StoredWeights::Double(read_networks(file, network, members)?),
    })
}

/// The weights of so many networks, which have been checked.
fn read_networks<T: Element>(file: &mut TensorFile, network: &Network, members: usize) -> Result<Vec<Weights<T>>> {
    (0..members).map(|member| read_layers(file, network, &member_prefix(member, members))).collect()
}

/// Checks that the tensors are exactly those of so many networks, and says which number type they have.
fn check_tensors(file: &TensorFile, network: &Network, members: usize) -> std::result::Result<Dtype, String> {
    let mut common = None;
    let mut known = HashSet::new();
    let of_member = |member| {
        let prefix = member_prefix(member, members);
        expected_tensors(network).map(move |(name, shape)| (prefix.clone() + &name, shape))
    };
    for (name, shape) in (0..members).flat_map(of_member) {
        let Some(info) = file.tensors.get(&name) else {
            return Err(format!("tensor {name} {shape:?} is missing ({})", found(file)));
        };
        if !matches!(info.dtype, Dtype::F32 | Dtype::F64) {
            return Err(format!("tensor {name} is of type {}, and F32 or F64 is expected", info.dtype));
        }
        if info.dtype != *common.get_or_insert(info.dtype) {
            return Err(format!("tensor {name} is of type {}, and those before it are of the other", info.dtype));
        }
        if info.shape != shape {
            let meaning = if shape.len() == 2 { "[outputs, inputs] = " } else { "" };
            return Err(format!("tensor {name} has shape {:?}, and {meaning}{shape:?} is expected", info.shape));
        }
        known.insert(name);
    }
    if file.tensors.len() > known.len() {
        let extra = file.tensors.keys().find(|name| !known.contains(*name)).expect("more tensors than known names");
        return Err(format!("tensor {} is there, and no layer has it", shown(extra)));
    }
    Ok(common.expect("a network has a layer"))
}

/// The names of the first few tensors in the file.
fn found(file: &TensorFile) -> String {
    const MOST: usize = 6;
    let mut names: Vec<_> = file.tensors.keys().take(MOST).map(|name| shown(name)).collect();
    match file.tensors.len() {
        0 => return "the file has none".into(),
        count if count > MOST => names.push(format!("{} more", count - MOST)),
        _ => {}
    }
    format!("the file has {}", names.join(", "))
}

/// What to do about tensors that are not the network's.
fn advice(file: &TensorFile, network: &Network, reader: Reader) -> String {
    if reader == Reader::Model {
        return ALTERED.into();
    }
    let shapes = shapes(file);
    let transposed: Vec<Vec<_>> = shapes.iter().map(|shape| shape.iter().rev().copied().collect()).collect();
    let (straight, transposed) = (chain(&shapes), chain(&transposed));
    let fits = |widths: &[u64]| widths.iter().copied().eq(given(network));
    if transposed.as_deref().is_some_and(|widths| straight.is_none() || fits(widths))
        && !straight.as_deref().is_some_and(fits)
    {
        return "its weights are the transposes; store them as [outputs, inputs], as PyTorch's nn.Linear does".into();
    }
    let Some(widths) = straight else {
        return "name the tensors 0.weight, 0.bias, 2.weight, … with weights [outputs, inputs]".into();
    };
    let (inputs, outputs) = (widths[0], widths[widths.len() - 1]);
    let (needed_inputs, needed_outputs) = (network.inputs(), network.outputs());
    if (inputs, outputs) != (needed_inputs as u64, needed_outputs as u64) {
        return format!(
            "its network has {inputs} inputs and {outputs} outputs, and this data and task need {needed_inputs} and \
             {needed_outputs}"
        );
    }
    if !fits(&widths) {
        let hidden: Vec<_> = widths[1..widths.len() - 1].iter().map(u64::to_string).collect();
        return match hidden.as_slice() {
            [] => "a network without hidden layers would fit".into(),
            hidden => format!("--hidden {} would fit", hidden.join(",")),
        };
    }
    match (file.tensors.keys().any(|name| name.ends_with(".bias")), network.bias()) {
        (true, false) => "leave --no-bias out to use its biases".into(),
        (false, true) => "give --no-bias, since the file has no biases".into(),
        _ => "store the tensors of this network and no others, all F32 or all F64".into(),
    }
}

fn given(network: &Network) -> impl Iterator<Item = u64> {
    network.widths().iter().map(|&width| width as u64)
}

/// The shapes of the weights, layer by layer: of several networks those of the first.
fn shapes(file: &TensorFile) -> Vec<Vec<u64>> {
    let prefix = member_prefix(0, networks_of(file));
    let shape = |name: String| file.tensors.get(&(prefix.clone() + &name)).map(|info| info.shape.clone());
    (0..).map_while(|l| shape(weight_name(l))).collect()
}

/// The widths of the network that these weights, [outputs, inputs], make up, if each layer fits the next.
fn chain(shapes: &[Vec<u64>]) -> Option<Vec<u64>> {
    let mut widths = vec![*shapes.first()?.get(1)?];
    for shape in shapes {
        let &[outputs, inputs] = shape.as_slice() else { return None };
        if widths.last() != Some(&inputs) {
            return None;
        }
        widths.push(outputs);
    }
    Some(widths)
}

/// The weights in the tensors of a network's names after `prefix`, which have been checked.
pub(super) fn read_layers<T: Element>(file: &mut TensorFile, network: &Network, prefix: &str) -> Result<Weights<T>> {
    let mut weights = Vec::with_capacity(network.layers());
    for (l, pair) in network.widths().windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let weight = Matrix::new(outputs, inputs, file.read(&format!("{prefix}{}", weight_name(l)))?).transposed();
        let bias = if network.bias() { file.read(&format!("{prefix}{}", bias_name(l)))? } else { Vec::new() };
        weights.push(Layer { weight, bias });
    }
    Ok(weights)
}

/// One tensor on its way into the file.
pub(super) struct Tensor<'a, T> {
    pub(super) shape: Vec<usize>,
    pub(super) source: Source<'a, T>,
}

pub(super) enum Source<'a, T> {
    /// inputs × outputs, to be transposed.
    Weight(&'a Matrix<T>),
    /// In any shape, as they lie.
    Values(&'a [T]),
}

/// The tensors of one network or of several, each with its name.
pub(super) fn tensors_of_all<T: Element>(networks: &[Weights<T>]) -> Vec<(String, Tensor<'_, T>)> {
    let of_member = |(member, weights)| {
        let prefix = member_prefix(member, networks.len());
        tensors(weights).into_iter().map(move |(name, tensor)| (prefix.clone() + &name, tensor))
    };
    networks.iter().enumerate().flat_map(of_member).collect()
}

pub(super) fn tensors<T: Element>(weights: &Weights<T>) -> Vec<(String, Tensor<'_, T>)> {
    let mut tensors = Vec::new();
    for (l, layer) in weights.iter().enumerate() {
        let shape = vec![layer.weight.columns, layer.weight.rows];
        tensors.push((weight_name(l), Tensor { shape, source: Source::Weight(&layer.weight) }));
        if !layer.bias.is_empty() {
            tensors.push((bias_name(l), Tensor { shape: vec![layer.bias.len()], source: Source::Values(&layer.bias) }));
        }
    }
    tensors
}

impl<T: Element> View for Tensor<'_, T> {
    fn dtype(&self) -> Dtype {
        T::DTYPE
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        match self.source {
            Source::Weight(matrix) => {
                for value in matrix.transposed().values {
                    value.append_to(&mut bytes);
                }
            }
            Source::Values(values) => {
                for &value in values {
                    value.append_to(&mut bytes);
                }
            }
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<T>()
    }
}
