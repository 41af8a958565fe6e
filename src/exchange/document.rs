//! A model as JSON that people can read: the network, the encoding, how it was trained, and every weight, one row a line.

use serde::Serialize;
use serde_json::json;

use crate::error::{Error, Result, printable_json};
use crate::model::{Model, StoredWeights};
use crate::network::{Activation, Weights};
use crate::scalar::Scalar;

/// The model as JSON: `layers` has, for each, `weights` (a list an input, a number an output) and `biases`. Of several networks, whose
/// outputs in the mean are the model's, `members` has a list of layers for each.
///
/// # Errors
/// Internal, if something is no JSON.
pub(super) fn export(model: &Model) -> Result<Vec<u8>> {
    let mut networks = match &model.weights {
        StoredWeights::Single(networks) => all_layers(model.network.activations(), networks),
        StoredWeights::Double(networks) => all_layers(model.network.activations(), networks),
    }?;
    let layers = match networks.len() {
        1 => ("layers", networks.remove(0)),
        _ => ("members", format!("[\n{}\n]", networks.join(",\n"))),
    };
    let mut network = json!({
        "widths": model.network.widths(),
        "activations": model.network.activations(),
        "bias": model.network.bias(),
        "loss": model.loss,
    });
    if let Some((_, number)) = model.loss.number() {
        network["loss_number"] = json!(number);
    }
    let entries = [
        ("wgrad", text(&env!("CARGO_PKG_VERSION"))?),
        ("network", text(&network)?),
        ("precision", text(&model.weights.precision())?),
        ("encoding", text(&model.encoding)?),
        ("training", text(&model.training)?),
        layers,
    ];
    let entries: Vec<String> = entries.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    Ok(format!("{{\n{}\n}}\n", entries.join(",\n")).into_bytes())
}

fn all_layers<T: Scalar + Serialize>(activations: &[Activation], networks: &[Weights<T>]) -> Result<Vec<String>> {
    networks.iter().map(|weights| layers(activations, weights)).collect()
}

fn layers<T: Scalar + Serialize>(activations: &[Activation], weights: &Weights<T>) -> Result<String> {
    let mut layers = Vec::with_capacity(weights.len());
    for (layer, activation) in weights.iter().zip(activations) {
        let rows: Vec<String> = (0..layer.weight.rows).map(|row| text(&layer.weight.row(row))).collect::<Result<_>>()?;
        let (activation, biases) = (text(&activation.name())?, text(&layer.bias)?);
        layers.push(format!(
            "{{\"activation\": {activation},\n\"weights\": [\n{}\n],\n\"biases\": {biases}}}",
            rows.join(",\n")
        ));
    }
    Ok(format!("[\n{}\n]", layers.join(",\n")))
}

fn text(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(value);
    json.map(|json| printable_json(&json).into_owned())
        .map_err(|error| Error::Internal(format!("the model is no JSON: {error}")))
}
