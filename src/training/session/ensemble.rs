//! Networks that are trained side by side, each as it would be alone, and whose mean is the model.

use super::device::{Device, Precision};
use super::{Recipe, Rows, Session};
use crate::data::Matrix;
use crate::error::Result;
use crate::network::{Network, Weights};

impl<T: Precision> Session<T> {
    /// Puts the networks of a recipe onto a device, to be trained side by side from these weights, each by a seed of its own
    /// ([`Recipe::of_members`]).
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
        Self::side_by_side(network, &recipe.of_members(), weights, rows, device)
    }

    /// The outputs [rows × outputs] of a model of these weights, one list a network, for some rows.
    ///
    /// # Errors
    /// What the device reports; internal, if a file of rows cannot be read.
    pub fn predict_by(&mut self, weights: &[Weights<T>], rows: &Rows<T>) -> Result<Matrix<T>> {
        self.set_weights_of_all(weights)?;
        self.predict_rows(rows)
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

    /// Shuffled or not, with the rows or with rows drawn from them, in batches or all at once.
    #[test]
    fn each_network_comes_out_as_it_does_alone_with_its_seed() {
        for (shuffle, bootstrap, batch) in
            [(true, false, 8), (true, true, 8), (false, true, 8), (false, false, 8), (true, true, 30)]
        {
            let recipe = Recipe { shuffle, bootstrap, batch, ..recipe(3) };
            let mut together = ensemble(recipe, samples());
            let losses = train(&mut together, 3);
            let mut mean = vec![0.0; 3];
            for (member, seed) in recipe.seeds().into_iter().enumerate() {
                let mut alone = ensemble(Recipe { members: 1, seed, ..recipe }, samples());
                let of_member = train(&mut alone, 3);
                mean.iter_mut().zip(of_member).for_each(|(mean, loss)| *mean += loss / 3.0);
                let weights = together.weights_of(member).expect("weights");
                assert_eq!(weights, alone.weights().expect("weights"), "network {member} of {recipe:?}");
            }
            let is_near = |(loss, mean): (&f64, &f64)| (loss - mean).abs() < 1e-12;
            assert!(losses.iter().zip(&mean).all(is_near), "{losses:?}, expected {mean:?}");
            let weights = together.weights_of_all().expect("weights");
            assert!(weights[0] != weights[1] && weights[1] != weights[2]);
        }
    }

    /// Against the mean that is worked out here, for outputs and for probabilities, of which the loss is computed from the mean.
    #[test]
    fn the_model_says_what_its_networks_say_in_the_mean() {
        for (output, loss) in [
            (Activation::Identity, Loss::SquaredError),
            (Activation::Softmax, Loss::CrossEntropy),
            (Activation::Sigmoid, Loss::BinaryCrossEntropy),
            (Activation::Sigmoid, Loss::AbsoluteError),
        ] {
            let network = Network::new(vec![4, 5, 2], vec![Activation::Tanh, output], true).expect("a network");
            let weights: Vec<Weights<f64>> = (0..3).map(|seed| Initialization::Auto.weights(&network, seed)).collect();
            let (inputs, mut targets) = (numbers(7, 4, 3), Matrix::zeros(7, 2));
            (0..7).for_each(|row| targets.values[2 * row + row % 2] = 1.0);
            let of = |weights: &[Weights<f64>]| {
                let mut session = Session::for_evaluation(network.clone(), loss, weights, &cpu()).expect("a session");
                let (outputs, loss) = session.evaluate(&Samples::new(inputs.clone(), targets.clone())).expect("outputs");
                (outputs.values, loss)
            };
            let alone: Vec<_> = weights.iter().map(|weights| of(std::slice::from_ref(weights))).collect();
            let (outputs, found) = of(&weights);
            let mean: Vec<f64> = (0..14).map(|place| alone.iter().map(|(said, _)| said[place]).sum::<f64>() / 3.0).collect();
            assert!(outputs.iter().zip(&mean).all(|(output, mean)| (output - mean).abs() < 1e-15), "{output}");
            let of_output = |(&said, &target): (&f64, &f64)| match loss {
                Loss::SquaredError => 0.5 * (said - target).powi(2),
                Loss::AbsoluteError => (said - target).abs(),
                Loss::CrossEntropy => -target * said.ln(),
                _ => -(target * said.ln() + (1.0 - target) * (1.0 - said).ln()),
            };
            let expected = mean.iter().zip(&targets.values).map(of_output).sum::<f64>() / 7.0;
            assert!((found - expected).abs() < 1e-14, "{loss}: {found}, expected {expected}");
            let of_members = alone.iter().map(|(_, loss)| loss).sum::<f64>() / 3.0;
            // Jensen's inequality; an absolute error is a straight line over targets of 0 and 1.
            let is_straight = loss == Loss::AbsoluteError;
            assert!(is_straight || found < of_members, "the loss of the mean is below the mean of the losses");
        }
    }

    #[test]
    fn a_state_goes_on_to_the_same_bits() {
        for bootstrap in [false, true] {
            let recipe = Recipe { bootstrap, ..recipe(3) };
            let mut whole = ensemble(recipe, samples());
            whole.train_steps(2).expect("two steps");
            let state = whole.state().expect("a state");
            assert_eq!((state.members.len(), state.members[2].losses.len()), (3, 16));
            let mut next = ensemble(recipe, samples());
            next.restore(&state).expect("restored");
            assert_eq!([&mut whole, &mut next].map(|session| train(session, 3)).map(|losses| losses.len()), [3, 3]);
            assert_eq!(whole.state().expect("a state"), next.state().expect("a state"));
        }
    }

    /// Each network has a window of its own: batches that divide the rows and such that do not, cut and whole.
    #[test]
    fn rows_in_a_file_train_to_the_same_bits() {
        for (shuffle, bootstrap, batch, micro_batches) in [
            (true, false, 8, 1),
            (true, true, 7, 1),
            (false, true, 10, 1),
            (false, false, 8, 1),
            (true, false, 8, 2),
            (true, true, 9, 2),
            (true, true, 30, 1),
        ] {
            let mut stored = StoredSamples::new([4, 2]).expect("a file");
            stored.append(&samples()).expect("written");
            let recipe = Recipe { shuffle, bootstrap, batch, micro_batches, ..recipe(3) };
            let mut streamed = ensemble(Recipe { streamed: true, ..recipe }, Rows::File(stored));
            let mut resident = ensemble(recipe, samples());
            assert_eq!(train(&mut streamed, 3), train(&mut resident, 3), "{recipe:?}");
            assert_eq!(streamed.state().expect("a state"), resident.state().expect("a state"), "{recipe:?}");
        }
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
