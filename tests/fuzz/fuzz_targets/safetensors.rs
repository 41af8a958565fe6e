//! A safetensors file: the length of its header, made right, and what follows; as a model, as a checkpoint, as first weights.
#![no_main]

use wgrad::model::{CheckpointFile, Model, load_weights};
use wgrad::network::{Activation, Network};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let header = bytes.iter().rposition(|&byte| byte == b'}').map_or(0, |place| place + 1);
    let path = wgrad_fuzz::file(&[&(header as u64).to_le_bytes(), bytes].concat());
    let network = Network::new(vec![2, 3, 1], vec![Activation::Relu, Activation::Identity], true).expect("a network");
    if let Ok(model) = Model::load(&path) {
        assert!(model.to_bytes().is_ok(), "a model that is loaded can be saved");
    }
    let _ = load_weights(&path, &network);
    if let Ok(checkpoint) = CheckpointFile::open(&path) {
        let _ = checkpoint.read::<f32>(&network, 2);
    }
});
