//! What training begins with: first weights, and targets as they are trained on.

use super::options::{Init, Options};
use crate::data::Matrix;
use crate::error::Result;
use crate::model::{load_weights, resolve_model};
use crate::network::{Initialization, Loss, Network, Weights};
use crate::training::session::Precision;

/// The weights that training starts from.
pub(super) fn first_weights<T: Precision>(options: &Options, network: &Network, seed: u64) -> Result<Weights<T>> {
    match &options.init {
        Some(Init::File(path)) if path.is_dir() => Ok(load_weights(&resolve_model(path)?, network)?.get()),
        Some(Init::File(path)) => Ok(load_weights(path, network)?.get()),
        Some(Init::Drawn(initialization)) => Ok(initialization.weights(network, seed)),
        None => Ok(Initialization::Auto.weights(network, seed)),
    }
}

/// Moves targets of 0 and 1 towards each other by this share.
pub(super) fn smooth<T: Precision>(targets: &mut Matrix<T>, share: f64, loss: Loss) {
    if let Some(middle) = loss.facts().smoothed_towards.filter(|_| share > 0.0) {
        let middle = middle(targets.columns);
        let moved = |target: f64| target * (1.0 - share) + share * middle;
        targets.values.iter_mut().for_each(|target| *target = T::from_f64(moved(target.to_f64())));
    }
}
