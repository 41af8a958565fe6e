//! Going on from a trained model on other data: its columns, its scaling, its network and its weights stay.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::columns::target_scale;
use super::options::Options;
use super::output::{output, outputs};
use super::sources::Held;
use crate::data::{Encoding, FitOptions, InputColumn, Readings, Table};
use crate::error::{Error, Result, shown};
use crate::model::{Model, resolve_model};
use crate::network::{Initialization, Loss, Network, Weights};
use crate::scalar::Scalar;

/// The model that a training starts from.
#[derive(Debug, Clone)]
pub struct Base {
    model: Model,
    /// Whether the last layer is drawn anew, for the targets of the data.
    has_new_output: bool,
}

impl Base {
    /// The model that the options name, if they do.
    ///
    /// # Errors
    /// Usage, for options that say again what the model says; model, if it cannot be read.
    pub fn of(options: &Options) -> Result<Option<Self>> {
        let has_new_output = options.new_output.unwrap_or(false);
        let Some(path) = &options.finetune else { return Ok(None) };
        let fields = options.fields();
        let is_said = |key: &str| fields.get(key).is_some_and(|value| !value.is_null());
        if let Some((key, rules)) = options.said_by_a_model().find(|(key, _)| is_said(key)) {
            return Err(Error::Usage(format!("--{key} and --finetune: the model says that itself{}", rules.model_hint)));
        }
        Ok(Some(Self { model: Model::load(&resolve_model(Path::new(path))?)?, has_new_output }))
    }

    /// A model in place of the one that it was fine-tuned from by these options: it has the same columns.
    pub(super) fn like(model: &Model, options: &Options) -> Self {
        Self { model: model.clone(), has_new_output: options.new_output.unwrap_or(false) }
    }

    /// How the columns of a table are read: as the model has them, but for a new target.
    pub(super) fn readings(&self, options: &Options) -> Readings {
        let (encoding, weights) = (&self.model.encoding, options.weight_column.as_deref());
        if self.has_new_output {
            let named = options.target.as_deref().unwrap_or_default();
            return Readings::of_inputs(encoding).with_weights(weights).with_targets(named);
        }
        Readings::of_model(encoding).with_weights(weights)
    }

    /// What the model and the options say about the columns of a table.
    ///
    /// # Errors
    /// Data, if input columns are missing; with a new output, if no column is left to be the target.
    pub fn fitting(&self, table: &Table, options: &Options) -> Result<FitOptions> {
        let encoding = &self.model.encoding;
        encoding.check_columns(table)?;
        let inputs: HashMap<&str, &InputColumn> =
            encoding.inputs.iter().map(|column| (column.name.as_str(), column)).collect();
        let is_input = |name: &str| inputs.contains_key(name);
        let others: Vec<&str> = table.names().filter(|name| !is_input(name)).collect();
        let weight = options.weight_column.as_deref();
        if let Some(column) = weight.filter(|column| is_input(column)) {
            return Err(Error::Usage(format!("--weight-column {}: this is an input of the model", shown(column))));
        }
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<String>>();
        let target = match (&options.target, self.has_new_output) {
            (_, false) => owned(encoding.target_names()),
            (Some(target), true) => target.clone(),
            (None, true) => {
                let Some(last) = others.iter().rev().find(|name| Some(**name) != weight) else {
                    let source = shown(&table.source);
                    return Err(Error::Data(format!("{source}: all its columns are the model's inputs: none is a target")));
                };
                owned(vec![last])
            }
        };
        let positions = table.resolve_all(&target, "--target")?;
        let name_of = |&position: &usize| table.columns[position].name.as_str();
        let targets: HashSet<&str> = positions.iter().map(name_of).collect();
        if let Some(input) = positions.iter().map(name_of).find(|name| is_input(name)) {
            return Err(Error::Usage(format!("--target {}: this is an input of the model", shown(input))));
        }
        let is_category = |name: &&str| inputs.get(name).is_some_and(|column| column.is_category());
        Ok(FitOptions {
            ignore: owned(others.into_iter().filter(|name| !targets.contains(name)).collect()),
            categorical: owned(table.names().filter(is_category).collect()),
            task: if self.has_new_output { options.task } else { Some(encoding.task()) },
            target,
            missing: options.missing(),
            missing_values: encoding.missing_values.clone(),
            scale: None,
            bins: None,
            target_scale: target_scale(options),
        })
    }

    /// How columns become numbers: as the model has it, but for a new target, which is fitted on these rows.
    ///
    /// # Errors
    /// Data, for a target that cannot be one; limit, where there is no memory for its columns.
    pub(super) fn encoding(&self, table: &Held, rows: &[usize], fitting: &FitOptions) -> Result<Encoding> {
        let mut encoding = Encoding { numerals: table.numerals().clone(), ..self.model.encoding.clone() };
        if self.has_new_output {
            encoding.target = table.fit_target(rows, fitting)?;
        }
        Ok(encoding)
    }

    /// The network and its loss.
    ///
    /// # Errors
    /// Usage, for an output that does not go with its loss.
    pub fn network(&self, options: &Options, encoding: &Encoding) -> Result<(Network, Loss)> {
        if !self.has_new_output {
            return Ok((self.model.network.clone(), self.model.loss));
        }
        let (output, loss) = output(options, encoding)?;
        loss.check(output)?;
        let model = &self.model.network;
        let (mut widths, mut activations) = (model.widths().to_vec(), model.activations().to_vec());
        *widths.last_mut().expect("a network has outputs") = outputs(encoding, output);
        *activations.last_mut().expect("a network has a layer") = output;
        Ok((Network::new(widths, activations, model.bias())?, loss))
    }

    /// Refuses a model of other layers than those of a network that was trained from it.
    ///
    /// # Errors
    /// Model.
    pub(super) fn check_same_shape(&self, trained: &Network) -> Result<()> {
        let same = |network: &Network| {
            let known = network.layers() - usize::from(self.has_new_output);
            (network.widths()[..=known].to_vec(), network.activations()[..known].to_vec(), network.bias())
        };
        match self.model.network.layers() == trained.layers() && same(&self.model.network) == same(trained) {
            true => Ok(()),
            false => Err(Error::Model(
                "the model that the run was fine-tuned from has other layers now: its first weights are not known any more"
                    .into(),
            )),
        }
    }

    /// How many networks the model is the mean of, each of which is trained on.
    pub fn networks(&self) -> usize {
        self.model.weights.networks()
    }

    /// The weights that training starts from, of as many networks as there are seeds: the model's, and a last layer that is drawn where it
    /// is new.
    ///
    /// # Errors
    /// Model, if it is not of so many networks any more.
    pub fn weights<T: Scalar>(&self, network: &Network, seeds: &[u64]) -> Result<Vec<Weights<T>>> {
        let mut networks = self.model.weights.get();
        if networks.len() != seeds.len() {
            let (was, is) = (seeds.len(), networks.len());
            return Err(Error::Model(format!("--finetune: the model was one of {was} networks and is one of {is}")));
        }
        if self.has_new_output {
            for (weights, &seed) in networks.iter_mut().zip(seeds) {
                let drawn = Initialization::Auto.weights(network, seed).pop();
                weights.pop();
                weights.extend(drawn);
            }
        }
        Ok(networks)
    }
}
