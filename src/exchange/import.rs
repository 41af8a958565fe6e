//! A net that another program trained, as a model: what its file does not say, the user says or a plain encoding stands in.

use std::path::Path;

use serde_json::json;

use super::foreign::Foreign;
use super::onnx;
use crate::data::{Bins, Decision, Encoding, InputColumn, InputKind, NumberTarget, Numerals, Target, Task};
use crate::error::{Error, Result, shown};
use crate::model::{Model, Sequence, StoredWeights, load_sequence};
use crate::network::{Activation, Layer, Loss, Network, Weights};

/// What the user says of a net whose file does not.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// What its outputs are; none = classes for softmax and sigmoid outputs and where the user or the file names classes, else
    /// numbers.
    pub task: Option<Task>,
    /// The classes, in the outputs' order; empty = those of an ONNX graph, or 0, 1, 2, …
    pub classes: Vec<String>,
    /// The input columns; empty = those of an ONNX graph, or 0, 1, 2, …
    pub columns: Vec<String>,
    /// The target columns; empty = `class`, or an ONNX graph's output, or `output`.
    pub target: Vec<String>,
    /// The activation of the hidden layers: one for all, or one each; for safetensors only.
    pub activation: Vec<Activation>,
    /// The activation of the outputs; for safetensors only.
    pub output_activation: Option<Activation>,
}

/// A model that was imported.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// What it was: `onnx`, `safetensors` or `wgrad`.
    pub format: &'static str,
    /// What a person should hear about it.
    pub remarks: Vec<String>,
}

/// The model that the file at `path`, .onnx or .safetensors, means.
///
/// # Errors
/// Model, if the file is damaged or holds no network that wgrad can compute; Usage, if what the user says does not fit it.
pub fn import(path: &Path, naming: &Naming) -> Result<Imported> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = shown(&path.to_string_lossy());
    match ending.as_str() {
        "onnx" => {
            if naming.output_activation.is_some() || !naming.activation.is_empty() {
                let what = "--activation and --output-activation are for safetensors; an ONNX file says its own";
                return Err(Error::Usage(format!("{name}: {what}")));
            }
            foreign(&name, onnx::import(path)?, naming, "onnx")
        }
        "safetensors" => match load_sequence(path)? {
            Sequence::Model(model) => whole(&name, *model, naming),
            Sequence::Weights(weights) => {
                let tensors = Foreign {
                    activations: activations(&name, layers_of(&weights), naming)?,
                    scaling: vec![(0.0, 1.0); inputs_of(&weights)],
                    weights,
                    inputs: None,
                    input: None,
                    output: "output".to_owned(),
                    classes: Vec::new(),
                    producer: String::new(),
                    remarks: Vec::new(),
                };
                foreign(&name, tensors, naming, "safetensors")
            }
        },
        _ => Err(Error::Usage(format!("{name}: wgrad imports files whose names end in .onnx or .safetensors"))),
    }
}

/// What another program trained, as a model, with what a person should hear of it.
fn foreign(name: &str, foreign: Foreign, naming: &Naming, format: &'static str) -> Result<Imported> {
    let mut remarks = foreign.remarks.clone();
    if let Some(input) = foreign.input.as_ref().filter(|_| naming.columns.is_empty()) {
        let last = foreign.scaling.len() - 1;
        let input = shown(input);
        remarks.push(format!(
            "the columns of its input '{input}' have no names and are called 0 to {last}; --columns names them"
        ));
    }
    let mut imported = imported(model(name, foreign, naming, format)?, format, naming);
    imported.remarks.splice(0..0, remarks);
    Ok(imported)
}

/// A model, with what a person should hear of its outputs.
fn imported(model: Model, format: &'static str, naming: &Naming) -> Imported {
    let several = model.network.outputs() > 1 && model.network.output_activation() == Activation::Sigmoid;
    let is_guessed = several && naming.task.is_none() && naming.classes.is_empty() && format != "wgrad";
    let told = "several sigmoid outputs are taken for classes of which a row has one; if each says yes or no by itself, say \
                --task regression";
    Imported { model, format, remarks: is_guessed.then(|| told.to_string()).into_iter().collect() }
}

/// A file that is a model of wgrad's already.
fn whole(name: &str, model: Model, naming: &Naming) -> Result<Imported> {
    let Naming { task, classes, columns, target, activation, output_activation } = naming;
    let is_silent = task.is_none() && output_activation.is_none() && activation.is_empty();
    if is_silent && [classes, columns, target].into_iter().all(Vec::is_empty) {
        return Ok(imported(model, "wgrad", naming));
    }
    Err(Error::Usage(format!("{name}: is a model of wgrad's, which says all that these options say; leave them out")))
}

fn layers_of(weights: &StoredWeights) -> usize {
    match weights {
        StoredWeights::Single(networks) => networks[0].len(),
        StoredWeights::Double(networks) => networks[0].len(),
    }
}

fn inputs_of(weights: &StoredWeights) -> usize {
    match weights {
        StoredWeights::Single(networks) => networks[0][0].weight.rows,
        StoredWeights::Double(networks) => networks[0][0].weight.rows,
    }
}

/// One activation a layer, as the user says.
fn activations(name: &str, layers: usize, naming: &Naming) -> Result<Vec<Activation>> {
    let refused = |what: String| Err(Error::Usage(format!("{name}: {what}")));
    let hidden = layers - 1;
    let mut activations = match naming.activation.as_slice() {
        [] if hidden > 0 => {
            return refused(format!("has {layers} layers and does not say what lies between; say --activation"));
        }
        [one] => vec![*one; hidden],
        several if several.len() == hidden => several.to_vec(),
        several => return refused(format!("--activation names {} for {hidden} hidden layers", several.len())),
    };
    let Some(output) = naming.output_activation else {
        return refused("does not say what its outputs are; say --output-activation (identity for none)".into());
    };
    activations.push(output);
    Ok(activations)
}

/// The model of a network with names.
fn model(name: &str, foreign: Foreign, naming: &Naming, format: &str) -> Result<Model> {
    let unfit = |what: String| Error::Model(format!("{name}: {what}"));
    let (widths, bias) = match &foreign.weights {
        StoredWeights::Single(networks) => shape(&networks[0]),
        StoredWeights::Double(networks) => shape(&networks[0]),
    };
    let (inputs, outputs) = (widths[0], widths[widths.len() - 1]);
    let network = Network::new(widths, foreign.activations, bias).map_err(|error| unfit(error.to_string()))?;
    let output = network.output_activation();
    let columns = names("--columns", &naming.columns, inputs, || {
        foreign.inputs.unwrap_or_else(|| (0..inputs).map(|input| input.to_string()).collect())
    })?;
    let scaled = columns.into_iter().zip(foreign.scaling);
    let input = |(name, (offset, scale)): (String, (f64, f64))| {
        InputColumn::new(name, InputKind::Number { offset, scale, missing: None, bins: Bins::default() })
    };
    let encoding = Encoding {
        inputs: scaled.map(input).collect(),
        target: target(naming, output, outputs, &foreign.output, foreign.classes)?,
        missing_values: None,
        numerals: Numerals::default(),
    };
    let of_classes = encoding.task() == Task::Classification || output == Activation::Softmax;
    let loss = Loss::of(output, if of_classes { Task::Classification } else { Task::Regression });
    let producer = Some(foreign.producer.trim()).filter(|producer| !producer.is_empty()).map(shown);
    let imported = json!({ "file": name, "format": format, "producer": producer });
    let training = json!({ "wgrad": env!("CARGO_PKG_VERSION"), "imported": imported });
    let model = Model { network, loss, weights: foreign.weights, encoding, training };
    model.check().map_err(|what| unfit(format!("{what}; --columns, --target and --classes name them otherwise")))?;
    Ok(model)
}

/// Inputs, hidden widths, outputs, and whether there are biases.
fn shape<T>(weights: &Weights<T>) -> (Vec<usize>, bool) {
    let outputs = weights.iter().map(|layer: &Layer<T>| layer.weight.columns);
    (std::iter::once(weights[0].weight.rows).chain(outputs).collect(), !weights[0].bias.is_empty())
}

/// What the outputs mean.
fn target(naming: &Naming, activation: Activation, outputs: usize, output: &str, classes: Vec<String>) -> Result<Target> {
    let says_classes =
        !naming.classes.is_empty() || !classes.is_empty() || matches!(activation, Activation::Softmax | Activation::Sigmoid);
    let task = naming.task.unwrap_or(if says_classes { Task::Classification } else { Task::Regression });
    if task == Task::Classification && outputs == 1 && activation == Activation::Softmax {
        return Err(Error::Usage("softmax over one output says nothing: is --output-activation sigmoid meant?".into()));
    }
    if task == Task::Classification {
        let [column] = names("--target", &naming.target, 1, || vec!["class".into()])?.try_into().expect("one was asked for");
        let count = outputs.max(2);
        let own = || if classes.is_empty() { (0..count).map(|class| class.to_string()).collect() } else { classes };
        let classes = names("--classes", &naming.classes, count, own)?;
        return Ok(Target::Classification { column, classes, decision: Decision::default() });
    }
    if !naming.classes.is_empty() {
        return Err(Error::Usage("--classes goes with --task classification".into()));
    }
    let own = || match outputs {
        1 => vec![output.to_owned()],
        _ => (0..outputs).map(|number| format!("{output}_{number}")).collect(),
    };
    let columns = names("--target", &naming.target, outputs, own)?;
    let columns = columns.into_iter().map(|name| NumberTarget { name, offset: 0.0, scale: 1.0 });
    Ok(Target::Regression { columns: columns.collect() })
}

/// The names that the user gives, or those that go without saying: so many.
fn names(flag: &str, given: &[String], count: usize, own: impl FnOnce() -> Vec<String>) -> Result<Vec<String>> {
    match given.len() {
        _ if given.iter().any(String::is_empty) => Err(Error::Usage(format!("{flag} has an empty name"))),
        0 => Ok(own()),
        names if names == count => Ok(given.to_vec()),
        names => Err(Error::Usage(format!("{flag} has {names} names, and this network needs {count}"))),
    }
}
