//! The checkpoint file: what a training needs to go on, as one safetensors file. The weights are named as in a model's file, the best
//! ones with `best.` before; of networks that are trained side by side those after the first have `member2.` and so on before all names;
//! `<l>.state.<k>` are the
//! optimizer's states of layer l, [inputs + bias, outputs]; `losses` are those of the rows of an epoch under way. Its metadata is one JSON document, and before it a checksum (CRC-32) of the whole file in which its
//! own eight digits are zeros: a bit that has flipped is noticed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crc32fast::Hasher;

use super::file::{Source, Tensor, expected_tensors, read_layers, tensors};
use super::tensor_file::{Element, LARGEST_HEADER, TensorFile, from_json};
use crate::error::{Error, Result, shown};
use crate::files::Place;
use crate::network::{Network, Weights};

/// The key of the document in the file's metadata.
const KEY: &str = "wgrad-checkpoint";
/// What stands for the checksum while it is computed.
const NO_CHECKSUM: &str = "00000000";
const BEST: &str = "best.";
const LOSSES: &str = "losses";

/// What a checkpoint holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<T> {
    /// Each of the networks that are trained side by side, or the only one.
    pub members: Vec<SavedMember<T>>,
}

/// What it holds of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedMember<T> {
    /// The weights.
    pub weights: Weights<T>,
    /// The optimizer's states, layer by layer, each [(inputs + bias) × outputs].
    pub states: Vec<Vec<Vec<T>>>,
    /// The losses of the rows that are done of an epoch under way.
    pub losses: Vec<T>,
    /// The weights that training will end with, if it keeps the best epoch's: of this network's best epoch so far in a sweep, and of
    /// the whole ensemble's otherwise.
    pub best: Option<Weights<T>>,
}

/// A checkpoint's file: whole, as its checksum says, but the tensors not read yet.
#[derive(Debug)]
pub struct CheckpointFile {
    file: TensorFile,
    /// Everything but the tensors.
    pub document: serde_json::Value,
}

/// What stands before the names of a network's tensors.
fn prefix(member: usize) -> String {
    if member == 0 { String::new() } else { format!("member{}.", member + 1) }
}

fn state_name(prefix: &str, l: usize, k: usize) -> String {
    format!("{prefix}{}.state.{}", 2 * l, k + 1)
}

impl<T: Element> Checkpoint<T> {
    /// The bytes of the file, with `document` as its metadata.
    fn to_bytes(&self, document: &serde_json::Value) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("the checkpoint's file: {error}"));
        let named = |prefix: &str, weights| {
            tensors(weights).into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect::<Vec<_>>()
        };
        let mut entries = Vec::new();
        for (member, SavedMember { weights, states, losses, best }) in self.members.iter().enumerate() {
            let prefix = prefix(member);
            entries.extend(named(&prefix, weights));
            entries.extend(best.iter().flat_map(|best| named(&format!("{prefix}{BEST}"), best)));
            for (l, (states, layer)) in states.iter().zip(weights).enumerate() {
                for (k, state) in states.iter().enumerate() {
                    let shape = vec![state.len() / layer.weight.columns, layer.weight.columns];
                    entries.push((state_name(&prefix, l, k), Tensor { shape, source: Source::Values(state) }));
                }
            }
            if !losses.is_empty() {
                let tensor = Tensor { shape: vec![losses.len()], source: Source::Values(losses) };
                entries.push((format!("{prefix}{LOSSES}"), tensor));
            }
        }
        let json = serde_json::to_string(document).map_err(|error| failed(&error))?;
        let metadata = HashMap::from([(KEY.to_string(), format!("{NO_CHECKSUM} {json}"))]);
        let mut bytes = safetensors::serialize(entries, Some(metadata)).map_err(|error| failed(&error))?;
        let header = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes of length")) as usize;
        if header as u64 > LARGEST_HEADER {
            return Err(Error::Limit(format!("a checkpoint's header of {header} bytes; the most is {LARGEST_HEADER}")));
        }
        let place = checksum_place(&bytes[..header]).ok_or_else(|| failed(&"its header has no checksum"))?;
        let mut hasher = Hasher::new();
        hasher.update(&bytes);
        bytes[place..place + NO_CHECKSUM.len()].copy_from_slice(format!("{:08x}", hasher.finalize()).as_bytes());
        Ok(bytes)
    }

    /// Saves the checkpoint as `path`; an older file there stays as it is until the new one is on the disk and reads back. `before`
    /// is called just before the new file takes its place.
    ///
    /// # Errors
    /// As [`Place::named`]; what `before` returns.
    pub fn save(&self, path: &Path, document: &serde_json::Value, before: impl FnOnce() -> Result<()>) -> Result<()> {
        let place = Place::own(path);
        place.check()?;
        place.save_bytes(&self.to_bytes(document)?, |_| before())
    }
}

/// Where the checksum's digits lie in a header.
fn checksum_place(header: &[u8]) -> Option<usize> {
    let before = format!("\"{KEY}\":\"");
    let place = header.windows(before.len()).position(|bytes| bytes == before.as_bytes())? + before.len();
    (place + NO_CHECKSUM.len() <= header.len()).then_some(place)
}

/// Checks that a file is as it was written.
fn verify_checksum(file: &mut File, name: &str) -> Result<()> {
    let unreadable = |error: std::io::Error| Error::Model(format!("{name}: cannot be read: {error}"));
    let damaged = || Error::Model(format!("{name}: is damaged: it is not as it was written"));
    file.rewind().map_err(unreadable)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(unreadable)?;
    let header_length = u64::from_le_bytes(length).min(LARGEST_HEADER);
    let mut header = length.to_vec();
    file.take(header_length).read_to_end(&mut header).map_err(unreadable)?;
    let place = checksum_place(&header).ok_or_else(damaged)?;
    let digits = header[place..place + NO_CHECKSUM.len()].to_vec();
    header[place..place + NO_CHECKSUM.len()].copy_from_slice(NO_CHECKSUM.as_bytes());
    let mut hasher = Hasher::new();
    hasher.update(&header);
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block).map_err(unreadable)? {
            0 => break,
            count => hasher.update(&block[..count]),
        }
    }
    if format!("{:08x}", hasher.finalize()).as_bytes() == digits { Ok(()) } else { Err(damaged()) }
}

impl CheckpointFile {
    /// The file's name as it may be printed.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// Opens the checkpoint at `path` and checks that it is as it was written.
    ///
    /// # Errors
    /// Model, naming the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = TensorFile::open(path, path)?;
        let name = &file.name;
        let Some(text) = file.metadata.remove(KEY) else {
            return Err(Error::Model(format!("{name}: is no checkpoint of wgrad's")));
        };
        verify_checksum(&mut file.file, name)?;
        let json = text.get(NO_CHECKSUM.len() + 1..).unwrap_or_default();
        let document = from_json(json).map_err(|what| Error::Model(format!("{name}: its metadata: {what}")))?;
        Ok(Self { file, document })
    }

    /// The checkpoint of a training of so many networks of one shape by an optimizer with so many states.
    ///
    /// # Errors
    /// Model, naming the tensor, what was found and what is expected.
    pub fn read<T: Element>(mut self, network: &Network, members: usize, states: usize) -> Result<Checkpoint<T>> {
        let prefixes: Vec<String> = (0..members).map(prefix).collect();
        let mut expected = BTreeMap::new();
        let has_best = |prefix: &String, file: &TensorFile| {
            expected_tensors(network)
                .next()
                .is_some_and(|(name, _)| file.tensors.contains_key(&format!("{prefix}{BEST}{name}")))
        };
        for prefix in &prefixes {
            if has_best(prefix, &self.file) {
                expected.extend(expected_tensors(network).map(|(name, shape)| (format!("{prefix}{BEST}{name}"), shape)));
            }
            expected.extend(expected_tensors(network).map(|(name, shape)| (format!("{prefix}{name}"), shape)));
            for (l, pair) in network.widths().windows(2).enumerate() {
                let shape = vec![pair[0] as u64 + u64::from(network.bias()), pair[1] as u64];
                expected.extend((0..states).map(|k| (state_name(prefix, l, k), shape.clone())));
            }
            let losses = format!("{prefix}{LOSSES}");
            let there = self.file.tensors.get(&losses).map(|info| vec![info.shape.iter().product()]);
            expected.extend(there.map(|shape| (losses, shape)));
        }
        let fits = |(name, shape): (&String, &Vec<u64>)| {
            self.file.tensors.get(name).is_some_and(|info| info.shape == *shape && info.dtype == T::DTYPE)
        };
        if let Some((name, shape)) = expected.iter().find(|&entry| !fits(entry)) {
            return Err(Error::Model(format!("{}: has no tensor {name} {shape:?} of type {}", self.file.name, T::DTYPE)));
        }
        if let Some(name) = self.file.tensors.keys().find(|name| !expected.contains_key(*name)) {
            return Err(Error::Model(format!("{}: tensor {} belongs to no checkpoint", self.file.name, shown(name))));
        }
        let file = &mut self.file;
        let mut read = |prefix: &String| {
            let losses = format!("{prefix}{LOSSES}");
            let losses = if expected.contains_key(&losses) { file.read(&losses)? } else { Vec::new() };
            let weights = read_layers(file, network, prefix)?;
            let mut states_of = |l| (0..states).map(|k| file.read(&state_name(prefix, l, k))).collect::<Result<_>>();
            let states = (0..network.layers()).map(&mut states_of).collect::<Result<_>>()?;
            let best = has_best(prefix, file).then(|| read_layers(file, network, &format!("{prefix}{BEST}")));
            Ok(SavedMember { weights, states, losses, best: best.transpose()? })
        };
        let members = prefixes.iter().map(&mut read).collect::<Result<_>>()?;
        Ok(Checkpoint { members })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::Matrix;
    use crate::network::{Activation, Initialization, Layer};
    use crate::random::{Purpose, Stream};

    fn network() -> Network {
        Network::new(vec![3, 4, 2], vec![Activation::Relu, Activation::Identity], true).expect("a network")
    }

    fn checkpoint<T: Element>(best: bool, losses: usize, members: usize) -> Checkpoint<T> {
        let member = |member: usize| {
            let number = |index: usize| T::from_f64((index + 100 * member) as f64 / 7.0);
            let states = [16, 10].map(|count| (0..2).map(|k| (k..k + count).map(number).collect()).collect());
            SavedMember {
                weights: Initialization::Auto.weights(&network(), 3 + member as u64),
                states: states.into(),
                losses: (0..losses).map(number).collect(),
                best: (best || member % 2 == 1).then(|| Initialization::Auto.weights(&network(), 50 + member as u64)),
            }
        };
        Checkpoint { members: (0..members).map(member).collect() }
    }

    fn round_trip<T: Element>(best: bool, losses: usize, members: usize) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        let (saved, document) = (checkpoint::<T>(best, losses, members), serde_json::json!({ "epoch": 3, "name": "a\"b" }));
        saved.save(&path, &document, || Ok(())).expect("a file");
        let file = CheckpointFile::open(&path).expect("the file");
        assert_eq!(file.document, document);
        assert_eq!(file.read::<T>(&network(), members, 2).expect("the same network"), saved);
    }

    #[test]
    fn what_is_saved_is_what_is_loaded() {
        round_trip::<f32>(true, 5, 1);
        round_trip::<f64>(false, 0, 1);
        round_trip::<f64>(true, 1, 1);
        round_trip::<f32>(true, 5, 3);
        round_trip::<f64>(false, 0, 12);
    }

    #[test]
    fn random_checkpoints_come_back_bit_for_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        let mut stream = Stream::new(7, Purpose::Test, 0);
        for round in 0..60 {
            let widths: Vec<usize> = (0..2 + round % 4).map(|_| 1 + stream.below(9) as usize).collect();
            let (layers, bias, states) = (widths.len() - 1, round % 3 > 0, round % 3);
            let network = Network::new(widths.clone(), vec![Activation::Tanh; layers], bias).expect("a network");
            // Of all sizes, subnormal ones among them.
            let mut numbers = |count: usize| -> Vec<f32> {
                (0..count).map(|_| (stream.normal() * 2_f64.powi(stream.below(250) as i32 - 145)) as f32).collect()
            };
            let mut layers = || -> Weights<f32> {
                let pairs = widths.windows(2);
                let mut layer = |pair: &[usize]| Layer {
                    weight: Matrix::new(pair[0], pair[1], numbers(pair[0] * pair[1])),
                    bias: numbers(if bias { pair[1] } else { 0 }),
                };
                pairs.map(&mut layer).collect()
            };
            let (weights, best) = (layers(), (round % 2 > 0).then(&mut layers));
            let of_layer = |pair: &[usize]| (pair[0] + usize::from(bias)) * pair[1];
            let states = widths.windows(2).map(|pair| (0..states).map(|_| numbers(of_layer(pair))).collect()).collect();
            let saved = Checkpoint { members: vec![SavedMember { weights, states, losses: numbers(round % 5), best }] };
            saved.save(&path, &serde_json::json!({ "round": round }), || Ok(())).expect("a file");
            let loaded =
                CheckpointFile::open(&path).expect("the file").read::<f32>(&network, 1, round % 3).expect("the network");
            // As text, -0 is not 0.
            assert_eq!(format!("{loaded:?}"), format!("{saved:?}"), "round {round}");
        }
    }

    #[test]
    fn any_byte_that_changes_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        checkpoint::<f32>(true, 5, 2).save(&path, &serde_json::json!({ "epoch": 3 }), || Ok(())).expect("a file");
        let bytes = fs::read(&path).expect("the file");
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 0x10;
            fs::write(&path, &altered).expect("a file");
            assert!(CheckpointFile::open(&path).is_err(), "byte {place} of {}", bytes.len());
        }
        fs::write(&path, &bytes[..bytes.len() - 4]).expect("a file");
        assert!(CheckpointFile::open(&path).is_err());
    }

    #[test]
    fn a_checkpoint_of_another_network_or_type_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        checkpoint::<f32>(false, 0, 2).save(&path, &serde_json::json!({}), || Ok(())).expect("a file");
        let open = || CheckpointFile::open(&path).expect("the file");
        let other = Network::new(vec![3, 5, 2], vec![Activation::Relu, Activation::Identity], true).expect("a network");
        let refused = [
            open().read::<f32>(&other, 2, 2).map(drop),
            open().read::<f64>(&network(), 2, 2).map(drop),
            open().read::<f32>(&network(), 2, 1).map(drop),
            open().read::<f32>(&network(), 1, 2).map(drop),
            open().read::<f32>(&network(), 3, 2).map(drop),
        ];
        assert!(refused.iter().all(|result| matches!(result, Err(Error::Model(_)))), "{refused:?}");
    }

    #[test]
    fn an_older_checkpoint_stays_where_the_new_one_cannot_be_saved() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        let saved = checkpoint::<f32>(false, 0, 1);
        saved.save(&path, &serde_json::json!({ "epoch": 1 }), || Ok(())).expect("a file");
        let refused = saved.save(&path, &serde_json::json!({ "epoch": 2 }), || Err(Error::Internal("no".into())));
        assert!(refused.is_err());
        assert_eq!(CheckpointFile::open(&path).expect("the older").document["epoch"], 1);
    }
}
