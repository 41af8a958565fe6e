//! Models there and back, and every kind of file that must be refused.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::data::{Bins, Decision, Matrix, NumberTarget, Numerals};
use crate::error::Error;
use crate::files::Place;
use crate::network::{Activation, Layer};
use crate::random::{Purpose, Stream};

/// A network of 2 number columns and a column of 3 categories, 4 hidden units and 3 classes.
fn model(weights: impl FnOnce(&Network) -> StoredWeights) -> Model {
    let network = Network::new(vec![5, 4, 3], vec![Activation::Tanh, Activation::Softmax], true).unwrap();
    let number = |name: &str, missing| {
        InputColumn::new(name, InputKind::Number { offset: 0.5, scale: 0.25, missing, bins: Bins::default() })
    };
    let names = |names: [&str; 3]| names.map(String::from).to_vec();
    let colour = InputKind::Category { categories: names(["blue", "green", "red"]), missing: Some("red".into()) };
    Model {
        loss: Loss::CrossEntropy,
        weights: weights(&network),
        network,
        encoding: Encoding {
            inputs: vec![number("length", None), number("width", Some(0.75)), InputColumn::new("colour", colour)],
            target: Target::Classification {
                column: "species".into(),
                classes: names(["a", "b", "c"]),
                decision: Decision::default(),
            },
            missing_values: Some(vec!["-".into()]),
            numerals: Numerals { decimal: b',', thousands: Some(b' '), units: ["€".to_owned()].into() },
        },
        training: json!({ "wgrad": "0.1.0", "options": { "seed": 1, "hidden": [4] } }),
    }
}

/// Weights of so many networks in all sizes of numbers: tiny, huge, negative zero.
fn random_networks<T: Scalar>(count: usize, network: &Network, stream: &mut Stream) -> StoredWeights {
    let one = |_| match random_weights::<T>(network, stream) {
        StoredWeights::Single(networks) => networks.iter().map(converted).collect::<Vec<Weights<T>>>().remove(0),
        StoredWeights::Double(networks) => networks.iter().map(converted).collect::<Vec<Weights<T>>>().remove(0),
    };
    StoredWeights::new(&(0..count).map(one).collect::<Vec<_>>())
}

/// Weights in all sizes of numbers: tiny, huge, negative zero.
fn random_weights<T: Scalar>(network: &Network, stream: &mut Stream) -> StoredWeights {
    let mut number = |_| T::from_f64(stream.normal() * 2_f64.powi(stream.below(200) as i32 - 145)) * -T::ONE;
    let layers = network.widths().windows(2).map(|pair| Layer {
        weight: Matrix::new(pair[0], pair[1], (0..pair[0] * pair[1]).map(&mut number).collect()),
        bias: (0..if network.bias() { pair[1] } else { 0 }).map(&mut number).collect(),
    });
    StoredWeights::new(&[layers.collect::<Vec<Layer<T>>>()])
}

fn single_model() -> Model {
    model(|network| random_weights::<f32>(network, &mut Stream::new(1, Purpose::Test, 0)))
}

/// The bits of all weights, layer by layer: `==` would take -0 for 0.
fn bits(weights: &StoredWeights) -> Vec<u64> {
    let layers = weights.get::<f64>();
    layers
        .iter()
        .flatten()
        .flat_map(|layer| layer.weight.values.iter().chain(&layer.bias).map(|value| value.to_bits()))
        .collect()
}

fn there_and_back(model: &Model) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&Place::own(&path)).unwrap();
    Model::load(&path).unwrap()
}

/// A file's header, as JSON, and the bytes after it.
fn taken_apart(bytes: &[u8]) -> (Value, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

fn put_together(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// What loading these bytes is refused with.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given.safetensors");
    fs::write(&path, bytes).unwrap();
    match Model::load(&path) {
        Err(Error::Model(sentence)) => {
            assert!(sentence.contains("given.safetensors"), "the file is not named: {sentence}");
            sentence
        }
        other => panic!("not refused as a model's error: {other:?}"),
    }
}

/// What a model file is refused with once `change` has altered its header.
fn refusal_with(change: impl FnOnce(&mut Value)) -> String {
    let (mut header, data) = taken_apart(&single_model().to_bytes().unwrap());
    change(&mut header);
    refusal(&put_together(&header.to_string(), &data))
}

/// What a model file is refused with once `change` has altered its JSON document.
fn refusal_with_document(change: impl FnOnce(&mut Value)) -> String {
    refusal_with(|header| {
        let text = header["__metadata__"]["wgrad"].as_str().unwrap();
        let mut document = serde_json::from_str(text).unwrap();
        change(&mut document);
        header["__metadata__"]["wgrad"] = document.to_string().into();
    })
}

#[track_caller]
fn assert_contains(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "'{part}' is not in: {sentence}");
    }
}

#[test]
fn a_model_comes_back_as_it_was_saved() {
    let mut stream = Stream::new(2, Purpose::Test, 0);
    let double = model(|network| random_weights::<f64>(network, &mut stream));
    for model in [single_model(), double] {
        let back = there_and_back(&model);
        assert_eq!(back, model);
        assert_eq!(bits(&back.weights), bits(&model.weights));
    }
}

#[test]
fn random_networks_come_back_bit_for_bit() {
    let activations = [Activation::Sigmoid, Activation::Relu, Activation::LeakyRelu, Activation::Gelu, Activation::Identity];
    for seed in 0..40 {
        let mut stream = Stream::new(seed, Purpose::Test, 1);
        // Up to 13 layers, so that `10.weight` comes before `2.weight` in the file.
        let layers = 1 + stream.below(13) as usize;
        let widths: Vec<_> = (0..=layers).map(|_| 1 + stream.below(9) as usize).collect();
        let chosen = (0..layers).map(|_| activations[stream.below(5) as usize]).collect();
        let network = Network::new(widths, chosen, seed % 3 > 0).unwrap();
        let networks = [1, 1, 2, 12][seed as usize % 4];
        let weights = if seed % 2 == 0 {
            random_networks::<f32>(networks, &network, &mut stream)
        } else {
            random_networks::<f64>(networks, &network, &mut stream)
        };
        let name = |letter: char, index: usize| format!("{letter}\u{1f600}\"\\\n{index}");
        let number = InputKind::Number { offset: -1.0, scale: 2.0, missing: None, bins: Bins::default() };
        let inputs = (0..network.inputs()).map(|index| InputColumn::new(name('x', index), number.clone())).collect();
        let columns =
            (0..network.outputs()).map(|index| NumberTarget { name: name('y', index), offset: 0.0, scale: 1.0 }).collect();
        let encoding =
            Encoding { inputs, target: Target::Regression { columns }, missing_values: None, numerals: Numerals::default() };
        let model = Model { network, loss: Loss::SquaredError, weights, encoding, training: Value::Null };
        let back = there_and_back(&model);
        assert_eq!((back.weights.networks(), &back), (networks, &model), "seed {seed}");
        assert_eq!(bits(&back.weights), bits(&model.weights), "seed {seed}");
    }
}

#[test]
fn scalings_come_back_bit_for_bit() {
    let mut stream = Stream::new(3, Purpose::Test, 0);
    for _ in 0..2000 {
        let mut model = single_model();
        let (offset, scale) = (stream.normal() * 1e3, stream.uniform() + 1e-9);
        model.encoding.inputs[0].kind =
            InputKind::Number { offset, scale, missing: Some(stream.normal()), bins: Bins::default() };
        let (header, _) = taken_apart(&model.to_bytes().unwrap());
        let document: Value = tensor_file::from_json(header["__metadata__"]["wgrad"].as_str().unwrap()).unwrap();
        let encoding: Encoding = serde_json::from_value(document["encoding"].clone()).unwrap();
        assert_eq!(encoding, model.encoding);
    }
}

#[test]
fn the_same_model_makes_the_same_bytes() {
    let bytes = single_model().to_bytes().unwrap();
    for _ in 0..20 {
        assert_eq!(single_model().to_bytes().unwrap(), bytes);
    }
}

#[test]
fn the_file_holds_each_layer_as_outputs_times_inputs() {
    let model = single_model();
    let (header, data) = taken_apart(&model.to_bytes().unwrap());
    let weights = model.weights.get::<f32>();
    let names: Vec<_> = header.as_object().unwrap().keys().collect();
    assert_eq!(names, ["__metadata__", "0.bias", "0.weight", "2.bias", "2.weight"]);
    assert_eq!(header["0.weight"]["shape"], json!([4, 5]));
    let start = header["0.weight"]["data_offsets"][0].as_u64().unwrap() as usize;
    let at = |row: usize, column: usize| {
        let place = start + 4 * (row * 5 + column);
        f32::from_le_bytes(data[place..place + 4].try_into().unwrap())
    };
    for (input, output) in [(0, 0), (4, 0), (0, 3), (2, 1)] {
        assert_eq!(at(output, input), weights[0][0].weight.row(input)[output]);
    }
}

#[test]
fn a_model_that_does_not_fit_together_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    single_model().save(&Place::own(&path)).unwrap();
    let old = fs::read(&path).unwrap();
    let mut unfit = [single_model(), single_model(), single_model()];
    let StoredWeights::Single(weights) = &mut unfit[0].weights else { unreachable!() };
    weights[0][1].bias[2] = f32::NAN;
    unfit[1].encoding.inputs.pop();
    unfit[2].loss = Loss::BinaryCrossEntropy;
    for model in unfit {
        assert!(matches!(model.save(&Place::own(&path)), Err(Error::Model(_))));
        assert_eq!(fs::read(&path).unwrap(), old);
    }
}

#[test]
fn files_that_are_no_safetensors_are_refused() {
    assert_contains(&refusal(b""), &["it has 0 bytes"]);
    assert_contains(&refusal(b"PK\x03\x04\x00\x00\x00\x00\x00\x00"), &["is said to take"]);
    assert_contains(&refusal(&put_together("", b"")), &["its header"]);
    assert_contains(&refusal(&put_together("[]", b"")), &["an object of tensors"]);
    assert_contains(&refusal(&put_together("{\"\u{1b}[31m\": 3}", b"")), &["its header"]);
    assert_contains(&refusal(&[&2_u64.to_le_bytes()[..], b"\xff\xfe"].concat()), &["its header"]);
    assert_contains(&refusal(&[&u64::MAX.to_le_bytes()[..], b"{}"].concat()), &["is said to take 18446744073709551615"]);
    assert_contains(&refusal(&put_together("{}", b"")), &["no metadata of wgrad's", "--init"]);
    let nested = format!("{{\"a\": {}", "[".repeat(100_000));
    assert_contains(&refusal(&put_together(&nested, b"")), &["its header"]);
}

#[test]
fn a_huge_header_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.safetensors");
    fs::write(&path, (1_u64 << 40).to_le_bytes()).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len((1 << 40) + 8).unwrap();
    let error = Model::load(&path).unwrap_err().to_string();
    assert_contains(&error, &["its header takes 1099511627776 bytes", "the most is"]);
}

#[test]
fn tensors_that_are_not_where_the_header_says_are_refused() {
    assert_contains(
        &refusal_with(|header| header["0.bias"]["data_offsets"] = json!([4, 16])),
        &["0.bias", "should start at 0"],
    );
    assert_contains(&refusal_with(|header| header["2.bias"]["data_offsets"] = json!([0, 12])), &["should start at 12"]);
    assert_contains(&refusal_with(|header| header["0.bias"]["data_offsets"] = json!([16, 0])), &["should start at"]);
    assert_contains(&refusal_with(|header| header["0.bias"]["shape"] = json!([5])), &["0.bias", "takes 16 bytes"]);
    let past_counting = json!([u64::MAX, u64::MAX, 2]);
    assert_contains(&refusal_with(|header| header["0.bias"]["shape"] = past_counting), &["0.bias", "takes 16 bytes"]);
    assert_contains(&refusal_with(|header| header["0.bias"]["shape"] = json!(vec![1; 9])), &["more than 8 dimensions"]);
    assert_contains(&refusal_with(|header| header["0.bias"]["shape"] = json!([-4])), &["its header"]);
    assert_contains(&refusal_with(|header| header["0.bias"]["dtype"] = json!("F128")), &["F128"]);
    let mut bytes = single_model().to_bytes().unwrap();
    bytes.push(0);
    assert_contains(&refusal(&bytes), &["its tensors take", "follow the header"]);
    bytes.truncate(bytes.len() - 2);
    assert_contains(&refusal(&bytes), &["its tensors take", "follow the header"]);
}

#[test]
fn tensors_that_are_not_the_networks_are_refused() {
    let rename = |from: &'static str, to: &'static str| {
        move |header: &mut Value| {
            let tensor = header.as_object_mut().unwrap().shift_remove(from).unwrap();
            header[to] = tensor;
        }
    };
    assert_contains(&refusal_with(rename("2.weight", "4.weight")), &["tensor 2.weight [3, 4] is missing", "4.weight"]);
    assert_contains(&refusal_with(rename("0.bias", "../\u{1b}[2J")), &["tensor 0.bias [4] is missing", "../\\u{1b}[2J"]);
    let transpose = |header: &mut Value| header["0.weight"]["shape"] = json!([5, 4]);
    assert_contains(&refusal_with(transpose), &["0.weight has shape [5, 4]", "[outputs, inputs] = [4, 5] is expected"]);
    let integers = |header: &mut Value| header["2.bias"]["dtype"] = json!("I32");
    assert_contains(&refusal_with(integers), &["2.bias is of type I32", "F32 or F64"]);

    let (mut header, mut data) = taken_apart(&single_model().to_bytes().unwrap());
    let end = data.len();
    header["extra"] = json!({ "dtype": "F32", "shape": [1], "data_offsets": [end, end + 4] });
    data.extend([0; 4]);
    assert_contains(&refusal(&put_together(&header.to_string(), &data)), &["tensor extra is there, and no layer has it"]);
}

#[test]
fn tensors_of_two_types_are_refused() {
    let (mut header, mut data) = taken_apart(&single_model().to_bytes().unwrap());
    let start = header["2.weight"]["data_offsets"][0].as_u64().unwrap();
    header["2.weight"] = json!({ "dtype": "F64", "shape": [3, 4], "data_offsets": [start, start + 96] });
    data.resize(start as usize + 96, 0);
    assert_contains(&refusal(&put_together(&header.to_string(), &data)), &["2.weight is of type F64", "of the other"]);
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let (header, data) = taken_apart(&single_model().to_bytes().unwrap());
    let start = header["0.weight"]["data_offsets"][0].as_u64().unwrap() as usize;
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = data.clone();
        data[start + 4 * 7..start + 4 * 8].copy_from_slice(&value.to_le_bytes());
        assert_contains(&refusal(&put_together(&header.to_string(), &data)), &["0.weight", "not finite at [1, 2]"]);
    }
}

#[test]
fn names_that_come_twice_are_refused() {
    let (header, data) = taken_apart(&single_model().to_bytes().unwrap());
    let text = header.to_string();
    let bias = header["0.bias"].to_string();
    let with_front = |entry: &str| put_together(&format!("{{{entry},{}", &text[1..]), &data);
    assert_contains(&refusal(&with_front(&format!("\"0.bias\":{bias}"))), &["two entries called '0.bias'"]);
    assert_contains(&refusal(&with_front("\"__metadata__\":{}")), &["two entries called '__metadata__'"]);
    let metadata = text.replace("\"__metadata__\":{", "\"__metadata__\":{\"wgrad\":\"\",");
    assert_contains(&refusal(&put_together(&metadata, &data)), &["two metadata entries called 'wgrad'"]);
    let shape = text.replace("\"shape\":[4,5]", "\"shape\":[4,5],\"shape\":[4,5]");
    assert_contains(&refusal(&put_together(&shape, &data)), &["duplicate field"]);
    for (once, twice) in [("\\\"seed\\\":1", "seed"), ("\\\"bias\\\":true", "bias"), ("\\\"offset\\\":0.5", "offset")] {
        let altered = text.replacen(once, &format!("{once},{once}"), 1);
        assert_ne!(altered, text);
        assert_contains(&refusal(&put_together(&altered, &data)), &[&format!("two entries called '{twice}'")]);
    }
}

#[test]
fn metadata_that_is_not_a_models_is_refused() {
    let of_format = |format: u64| refusal_with_document(move |document| document["format"] = json!(format));
    assert_contains(&of_format(3), &["format 3", "reads formats 1 and 2"]);
    assert_contains(&of_format(2), &["format 2 for 1 networks", "damaged"]);
    for members in [0, 2, 1_000_000_000] {
        let refused = refusal_with_document(|document| document["members"] = json!(members));
        assert_contains(&refused, &[&format!("format 1 for {members} networks")]);
    }
    let of_two = |document: &mut Value| {
        document["format"] = json!(2);
        document["members"] = json!(2);
    };
    assert_contains(&refusal_with_document(of_two), &["tensor members.0.0.weight [4, 5] is missing"]);
    let newer = |document: &mut Value| *document = json!({ "format": 3, "layers": "anything" });
    assert_contains(&refusal_with_document(newer), &["format 3", "reads formats 1 and 2"]);
    assert_contains(&refusal_with_document(|document| document["format"] = json!("1")), &["its metadata 'wgrad'"]);
    assert_contains(&refusal_with_document(|document| document["dropout"] = json!(0.5)), &["unknown field", "dropout"]);
    assert_contains(&refusal_with_document(|document| *document = json!([1])), &["its metadata 'wgrad'"]);
    assert_contains(&refusal_with_document(|document| document["loss"] = json!("hinge")), &["unknown variant"]);
    assert_contains(&refusal_with_document(|document| document["widths"] = json!([5])), &["a network needs inputs"]);
    assert_contains(&refusal_with_document(|document| document["widths"] = json!([5, 0, 3])), &["no empty layer"]);
    assert_contains(&refusal_with_document(|document| document["widths"] = json!([5, 4, -3])), &["its metadata"]);
    let huge = |document: &mut Value| document["widths"] = json!([5, u64::MAX, 3]);
    assert_contains(&refusal_with_document(huge), &["is wider than"]);
    let wide = |document: &mut Value| document["widths"] = json!([5, 1_000_000_000, 3]);
    assert_contains(&refusal_with_document(wide), &["0.weight", "is expected"]);
    assert_contains(&refusal_with_document(|document| document["bias"] = json!(false)), &["0.bias", "no layer has it"]);
    assert_contains(&refusal_with(|header| header["__metadata__"]["wgrad"] = json!(7)), &["its header"]);
}

#[test]
fn an_encoding_that_does_not_fit_is_refused() {
    let with_column = |column: usize, key: &'static str, value: Value| {
        refusal_with_document(move |document| document["encoding"]["inputs"][column]["kind"][key] = value)
    };
    assert_contains(&with_column(0, "scale", json!(0.0)), &["column 'length'", "scale above 0"]);
    assert_contains(&with_column(0, "scale", Value::Null), &["its metadata 'wgrad'"]);
    assert_contains(&with_column(2, "categories", json!(["blue", "red"])), &["make 4 inputs", "has 5"]);
    assert_contains(&with_column(2, "categories", json!(["blue", "red", "red"])), &["two entries 'red'"]);
    assert_contains(&with_column(2, "categories", json!([])), &["column 'colour' has no categories"]);
    assert_contains(&with_column(2, "missing", json!("grey")), &["none of its categories"]);
    let twice = |document: &mut Value| document["encoding"]["inputs"][1]["name"] = json!("length");
    assert_contains(&refusal_with_document(twice), &["two entries 'length'"]);
    let target = |document: &mut Value| document["encoding"]["target"]["column"] = json!("length");
    assert_contains(&refusal_with_document(target), &["two entries 'length'"]);
    let classes = |document: &mut Value| document["encoding"]["target"]["classes"] = json!(["a", "b"]);
    assert_contains(&refusal_with_document(classes), &["2 classes for 3 outputs"]);
    let loss = |document: &mut Value| document["loss"] = json!("binary-cross-entropy");
    assert_contains(&refusal_with_document(loss), &["needs --output-activation sigmoid"]);
}

#[test]
fn metadata_of_too_many_values_is_refused() {
    let many = |document: &mut Value| document["training"] = json!(vec![0; 700_000]);
    assert_contains(&refusal_with_document(many), &["more than 600000 values"]);
    let mut model = single_model();
    model.training = json!(vec![0; 700_000]);
    assert!(matches!(model.to_bytes(), Err(Error::Limit(sentence)) if sentence.contains("more than 600000 values")));
}

#[test]
fn a_folder_or_nothing_is_no_model_file() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Model::load(folder.path()), Err(Error::Model(sentence)) if sentence.contains("it is a folder")));
    let error = Model::load(&folder.path().join("none")).unwrap_err();
    assert!(matches!(&error, Error::Model(sentence) if sentence.contains("cannot be read")), "{error}");
}

/// A safetensors file without metadata, in f64: tensors of zeros with these names and shapes.
fn weights_file(path: &Path, tensors: &[(&str, &[usize])]) {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += 8 * shape.iter().product::<usize>();
        header.insert((*name).into(), json!({ "dtype": "F64", "shape": shape, "data_offsets": [start, end] }));
    }
    fs::write(path, put_together(&Value::Object(header).to_string(), &vec![0; end])).unwrap();
}

#[test]
fn weights_to_start_from_need_no_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let network =
        |widths: &[usize], bias| Network::new(widths.to_vec(), vec![Activation::Sigmoid; widths.len() - 1], bias).unwrap();
    weights_file(&path, &[("0.weight", &[4, 6]), ("2.weight", &[2, 4])]);
    let weights = load_weights(&path, &network(&[6, 4, 2], false)).unwrap();
    let StoredWeights::Double(layers) = &weights else { panic!("stored as F64") };
    assert_eq!((layers[0][0].weight.rows, layers[0][0].weight.columns), (6, 4));
    assert_eq!(weights.precision(), "f64");
    assert_eq!(weights.get::<f32>()[0][1].weight, Matrix::zeros(4, 2));

    let refused = |network| load_weights(&path, &network).unwrap_err().to_string();
    assert_contains(&refused(network(&[6, 4, 2], true)), &["0.bias [4] is missing", "give --no-bias"]);
    assert_contains(&refused(network(&[6, 8, 2], false)), &["0.weight has shape [4, 6]", "--hidden 4 would fit"]);
    assert_contains(&refused(network(&[6, 2], false)), &["--hidden 4 would fit"]);
    assert_contains(&refused(network(&[7, 4, 2], false)), &["has 6 inputs and 2 outputs", "need 7 and 2"]);
    assert_contains(&refused(network(&[6, 4, 3, 2], false)), &["--hidden 4 would fit"]);

    weights_file(&path, &[("0.weight", &[6, 4]), ("2.weight", &[4, 2])]);
    assert_contains(&load_weights(&path, &network(&[6, 4, 2], false)).unwrap_err().to_string(), &["are the transposes"]);
    weights_file(&path, &[("0.weight", &[6, 2])]);
    let refused = |network| load_weights(&path, &network).unwrap_err().to_string();
    assert_contains(&refused(network(&[6, 2], false)), &["are the transposes"]);
    weights_file(&path, &[("0.weight", &[2, 6]), ("0.bias", &[2])]);
    let refused = |network| load_weights(&path, &network).unwrap_err().to_string();
    assert_contains(&refused(network(&[6, 2], false)), &["0.bias is there", "leave --no-bias out"]);
    assert_contains(&refused(network(&[6, 3, 2], true)), &["without hidden layers would fit"]);
    weights_file(&path, &[("fc1.weight", &[4, 6]), ("fc2.weight", &[2, 4])]);
    let refused = |network| load_weights(&path, &network).unwrap_err().to_string();
    assert_contains(&refused(network(&[6, 4, 2], false)), &["the file has fc1.weight, fc2.weight", "name the tensors"]);
}

#[test]
fn weights_to_start_from_may_be_a_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = single_model();
    model.save(&Place::own(&path)).unwrap();
    assert_eq!(load_weights(&path, &model.network).unwrap(), model.weights);
}

#[test]
fn a_summary_shows_every_layer_and_escapes_names() {
    let mut model = single_model();
    model.encoding.inputs[0].name = "le\u{1b}[31mngth".into();
    let summary = model.summary(Some(1234));
    let text = summary.to_string();
    assert_contains(
        &text,
        &["39 parameters in f32, 1234 bytes", "5 × 4", "tanh", "softmax", "one of 3: a, b, c", "seed = 1"],
    );
    assert_contains(
        &text,
        &["'le\\u{1b}[31mngth', (cell - 0.5) / 0.25", "'width', (cell - 0.5) / 0.25, 0.75 where missing"],
    );
    assert!(!text.contains('\u{1b}'));
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(
        json["layers"][1],
        json!({ "inputs": 4, "outputs": 3, "activation": "softmax", "bias": true, "parameters": 15 })
    );
}

#[test]
fn a_summary_of_many_columns_leaves_out_the_middle() {
    let mut model = single_model();
    let number = InputKind::Number { offset: 0.0, scale: 1.0, missing: None, bins: Bins::default() };
    model.encoding.inputs = (0..64).map(|index| InputColumn::new(format!("pixel{index}"), number.clone())).collect();
    let text = model.summary(None).to_string();
    assert_contains(&text, &["'pixel0', as it is", "'pixel7'", "… 53 more …", "'pixel61'", "'pixel63'"]);
    assert!(!text.contains("pixel8'") && !text.contains("pixel60"));
}
