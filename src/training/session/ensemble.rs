//! Networks that are trained side by side and whose mean is the model.

use super::device::{Device, Precision};
use super::{Recipe, Rows, Session};
use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::network::ensemble::{mean_network, mean_weights};
use crate::network::{Network, Weights};

impl<T: Precision> Session<T> {
    /// Puts the networks of a recipe onto a device, to be trained side by side from these weights; their mean is the model.
    ///
    /// # Errors
    /// Usage, if loss and activation do not go together; limit, if the plan does not fit the device.
    ///
    /// # Panics
    /// If there are not as many lists of weights as the recipe has members.
    pub fn ensemble(
        network: Network,
        recipe: Recipe,
        weights: &[Weights<T>],
        rows: impl Into<Rows<T>>,
        device: &Device,
    ) -> Result<Self> {
        let recipes: Vec<Recipe> = recipe.seeds().into_iter().map(|seed| Recipe { seed, ..recipe }).collect();
        let mut session = Self::side_by_side(network, &recipes, weights, rows, device)?;
        if weights.len() > 1 {
            let mean = mean_network(session.network(), weights.len())?;
            let evaluates =
                Self::for_evaluation(mean, recipe.loss, &mean_weights(weights), device).map_err(|error| match error {
                    Error::Limit(what) => {
                        Error::Limit(format!("to evaluate the mean of the networks: {what}, or take a smaller --ensemble"))
                    }
                    other => other,
                });
            session.mean = Some(Box::new(evaluates?));
        }
        Ok(session)
    }

    /// The model's weights as they are: those of the network, or of the mean of all.
    ///
    /// # Errors
    /// What the device reports.
    pub fn model_weights(&mut self) -> Result<Weights<T>> {
        let members = (0..self.replicas()).map(|replica| self.weights_of(replica)).collect::<Result<Vec<_>>>()?;
        Ok(mean_weights(&members))
    }

    /// What evaluates the model as it is: this session, or one of the mean of all networks.
    ///
    /// # Errors
    /// What the device reports.
    pub fn model(&mut self) -> Result<&mut Self> {
        if self.mean.is_none() {
            return Ok(self);
        }
        let weights = self.model_weights()?;
        let mean = self.mean.as_mut().expect("there is one");
        mean.set_weights(&weights)?;
        Ok(mean)
    }

    /// The outputs [rows × outputs] of a model of these weights for some rows.
    ///
    /// # Errors
    /// What the device reports; internal, if a file of rows cannot be read.
    pub fn predict_by(&mut self, weights: &Weights<T>, rows: &Rows<T>) -> Result<Matrix<T>> {
        let session = match self.mean.as_deref_mut() {
            None => self,
            Some(mean) => mean,
        };
        session.set_weights(weights)?;
        session.predict_rows(rows)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::network::{Activation, Initialization, Loss};
    use crate::random::{Purpose, Stream};
    use crate::training::session::{Samples, StoredSamples};

    fn cpu() -> Device {
        Device::cpu(Some(1), "a test")
    }

    fn numbers(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
        let mut stream = Stream::new(seed, Purpose::Test, 0);
        Matrix::new(rows, columns, (0..rows * columns).map(|_| stream.normal()).collect())
    }

    /// Deep networks, those without a hidden layer and those without biases: outputs of their mean are the mean of theirs.
    #[test]
    fn the_mean_of_networks_says_what_they_say_in_the_mean() {
        for (hidden, members, bias) in
            [(vec![5], 3, true), (vec![], 4, true), (vec![4, 3], 2, true), (vec![3, 5, 2], 3, false), (vec![6], 1, true)]
        {
            let widths = [vec![4], hidden.clone(), vec![2]].concat();
            let activations = [vec![Activation::Tanh; hidden.len()], vec![Activation::Identity]].concat();
            let network = Network::new(widths, activations, bias).expect("a network");
            let mut all: Vec<Weights<f64>> = (0..members).map(|seed| Initialization::Auto.weights(&network, seed)).collect();
            // First biases are zeros: others say more.
            let biases = all.iter_mut().flatten().flat_map(|layer| &mut layer.bias);
            biases.enumerate().for_each(|(place, bias)| *bias = 0.1 * place as f64 - 0.5);
            let inputs = numbers(7, 4, 3);
            let outputs = |network: Network, weights: &Weights<f64>| {
                let mut session = Session::for_evaluation(network, Loss::SquaredError, weights, &cpu()).expect("a session");
                session.predict(&inputs).expect("outputs").values
            };
            let each: Vec<Vec<f64>> = all.iter().map(|weights| outputs(network.clone(), weights)).collect();
            let mean = outputs(mean_network(&network, members as usize).expect("a network"), &mean_weights(&all));
            for (place, mean) in mean.iter().enumerate() {
                let expected = each.iter().map(|outputs| outputs[place]).sum::<f64>() / each.len() as f64;
                assert!((mean - expected).abs() < 1e-14, "{hidden:?}: {mean}, expected {expected}");
            }
        }
    }

    fn network() -> Network {
        Network::new(vec![4, 6, 2], vec![Activation::Relu, Activation::Identity], true).expect("a network")
    }

    fn recipe(members: usize) -> Recipe {
        let dropout = crate::plan::Dropout::of_all(0.25);
        Recipe { shuffle: true, epochs: 3, members, dropout, seed: 5, ..Recipe::plain(Loss::SquaredError, 0.05, 8) }
    }

    fn ensemble(recipe: Recipe, rows: impl Into<Rows<f64>>) -> Session<f64> {
        let weights: Vec<_> =
            recipe.seeds().into_iter().map(|seed| Initialization::Auto.weights(&network(), seed)).collect();
        Session::ensemble(network(), recipe, &weights, rows, &cpu()).expect("a session")
    }

    fn samples() -> Samples<f64> {
        Samples::new(numbers(30, 4, 1), numbers(30, 2, 2))
    }

    fn train(session: &mut Session<f64>, epochs: usize) -> Vec<f64> {
        (0..epochs).flat_map(|_| session.train(1, |_| ControlFlow::Continue(())).expect("an epoch").losses).collect()
    }

    #[test]
    fn the_first_network_comes_out_as_it_does_alone_and_the_others_are_others() {
        let (mut together, mut alone) = (ensemble(recipe(3), samples()), ensemble(recipe(1), samples()));
        let losses = [&mut together, &mut alone].map(|session| train(session, 3));
        assert_eq!(together.weights_of(0).expect("weights"), alone.weights().expect("weights"));
        assert_ne!(together.weights_of(1).expect("weights"), together.weights_of(2).expect("weights"));
        assert!(losses[0].iter().zip(&losses[1]).all(|(mean, one)| mean != one), "the loss is the mean of three");
        let model = together.model_weights().expect("weights");
        assert_eq!((model[0].weight.columns, model[1].weight.rows), (18, 18));
        let rows = Rows::Memory(samples());
        let (outputs, _, loss) = together.model().expect("a session").evaluate_rows(&rows).expect("outputs");
        assert_eq!(outputs, together.predict_by(&model, &rows).expect("outputs"));
        // What a session of its own says, whose weights are the model's.
        let mean = mean_network(&network(), 3).expect("a network");
        let mut judge = Session::for_evaluation(mean, Loss::SquaredError, &model, &cpu()).expect("a session");
        assert_eq!(judge.evaluate(&samples()).expect("a loss"), (outputs, loss));
    }

    #[test]
    fn a_state_goes_on_to_the_same_bits() {
        let mut whole = ensemble(recipe(3), samples());
        whole.train_steps(2).expect("two steps");
        let state = whole.state().expect("a state");
        assert_eq!((state.members.len(), state.members[2].losses.len()), (3, 16));
        let mut next = ensemble(recipe(3), samples());
        next.restore(&state).expect("restored");
        assert_eq!([&mut whole, &mut next].map(|session| train(session, 3)).map(|losses| losses.len()), [3, 3]);
        assert_eq!(whole.state().expect("a state"), next.state().expect("a state"));
    }

    /// The rows of an ensemble have one order, so that windows of them can take turns.
    #[test]
    fn rows_in_a_file_train_to_the_same_bits() {
        let mut stored = StoredSamples::new([4, 2]).expect("a file");
        stored.append(&samples()).expect("written");
        let mut streamed = ensemble(Recipe { streamed: true, ..recipe(3) }, Rows::File(stored));
        let mut resident = ensemble(recipe(3), samples());
        assert_eq!(train(&mut streamed, 3), train(&mut resident, 3));
        assert_eq!(streamed.state().expect("a state"), resident.state().expect("a state"));
    }

    #[test]
    fn a_network_that_leaves_the_finite_numbers_is_found_whichever_it_is() {
        for member in 0..3 {
            let mut session = ensemble(recipe(3), samples());
            let mut weights = session.weights_of(member).expect("weights");
            weights[1].bias[0] = f64::NAN;
            session.set_weights_of(member, &weights).expect("weights");
            let first = session.first_kernel_not_finite().expect("a step");
            assert!(first.is_some_and(|label| label.starts_with("forward 2")), "network {member}");
        }
    }
}
