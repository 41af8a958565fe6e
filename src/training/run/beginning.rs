//! What training begins with: first weights, and targets as they are trained on.

use std::path::Path;

use super::finetuning::Base;
use super::options::{Init, Options};
use crate::data::Matrix;
use crate::error::{Error, Result, shown};
use crate::model::{load_weights, resolve_model};
use crate::network::{Initialization, Loss, Network, Weights};
use crate::training::session::{Precision, Recipe, Samples};

/// The weights that training starts from.
///
/// # Errors
/// Model, for a file of weights that cannot be read or is of another network.
pub fn first_weights<T: Precision>(options: &Options, network: &Network, seed: u64) -> Result<Weights<T>> {
    match &options.init {
        Some(Init::File(path)) => {
            let mut networks = load_weights(&resolve_model(path)?, network)?.get();
            if networks.len() > 1 {
                return Err(of_several(path, networks.len(), 1));
            }
            Ok(networks.remove(0))
        }
        Some(Init::Drawn(initialization)) => Ok(initialization.weights(network, seed)),
        None => Ok(Initialization::Auto.weights(network, seed)),
    }
}

fn of_several(path: &Path, found: usize, wanted: usize) -> Error {
    let path = shown(&path.to_string_lossy());
    Error::Usage(format!("--init {path}: it holds the weights of {found} networks, and here it starts {wanted}"))
}

/// The weights that the training of each of a recipe's networks starts from: those of the model that it goes on from, or first ones.
///
/// # Errors
/// As [`first_weights`] and [`Base::weights`].
pub fn first_weights_of_all<T: Precision>(
    options: &Options,
    network: &Network,
    base: Option<&Base>,
    recipe: &Recipe,
) -> Result<Vec<Weights<T>>> {
    match (base, &options.init) {
        (Some(base), _) => base.weights(network, &recipe.seeds()),
        (None, Some(Init::File(path))) => {
            let networks = load_weights(&resolve_model(path)?, network)?.get();
            match networks.len() == recipe.members {
                true => Ok(networks),
                false => Err(of_several(path, networks.len(), recipe.members)),
            }
        }
        (None, _) => recipe.seeds().into_iter().map(|seed| first_weights(options, network, seed)).collect(),
    }
}

/// Moves targets of 0 and 1 towards each other by this share.
pub fn smooth<T: Precision>(targets: &mut Matrix<T>, share: f64, loss: Loss) {
    if let Some(middle) = loss.facts().smoothed_towards.filter(|_| share > 0.0) {
        let middle = middle(targets.columns);
        let moved = |target: f64| target * (1.0 - share) + share * middle;
        targets.values.iter_mut().for_each(|target| *target = T::from_f64(moved(target.to_f64())));
    }
}

/// Refuses targets that the output's activation can never say.
///
/// # Errors
/// Usage, naming the target and the range.
pub fn reachable<T: Precision>(network: &Network, samples: &Samples<T>) -> Result<()> {
    let output = network.output_activation();
    let (low, high) = output.facts().range;
    if low.is_infinite() && high.is_infinite() {
        return Ok(());
    }
    match samples.targets.values.iter().map(|value| value.to_f64()).find(|value| !(low..=high).contains(value)) {
        None => Ok(()),
        Some(target) => Err(Error::Usage(format!(
            "a target is {target} as it is scaled, and --output-activation {output} reaches {low} to {high} only: scale it \
             (--scale minmax), or take --output-activation identity"
        ))),
    }
}
