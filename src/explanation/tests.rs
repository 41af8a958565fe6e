use super::*;
use crate::network::{Layer as Trained, OptimizerKind};

/// The worked example of the lesson backprop-2-2-1: inputs 0.35 and 0.9, target 0.5, sigmoids without biases.
fn example(weight: Option<Weight>) -> Explanation {
    let network = Network::new(vec![2, 2, 1], vec![Activation::Sigmoid; 2], false).expect("a network");
    let layer =
        |rows, columns, values: &[f64]| Trained { weight: Matrix::new(rows, columns, values.to_vec()), bias: Vec::new() };
    let weights = vec![layer(2, 2, &[0.1, 0.4, 0.8, 0.6]), layer(2, 1, &[0.3, 0.9])];
    let (inputs, targets) = (Matrix::new(1, 2, vec![0.35, 0.9]), Matrix::new(1, 1, vec![0.5]));
    let subject = Subject {
        network: &network,
        loss: Loss::SquaredError,
        weights: &weights,
        optimizer: Optimizer::new(OptimizerKind::Sgd),
        learning_rate: 2.0,
        layer_rates: LayerRates::default(),
        frozen: Frozen::default(),
        inputs: &inputs,
        targets: &targets,
        units: 8,
    };
    let titles = Titles {
        subject: "the example".into(),
        weights: "the first weights".into(),
        remarks: Vec::new(),
        cells: Vec::new(),
        inputs: vec!["x1".into(), "x2".into()],
        outputs: vec!["y".into()],
        rule: "gradient descent of rate 2".into(),
    };
    Explanation::new(&subject, titles, weight).expect("an explanation")
}

fn near(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-15, "{one} is not {other}");
}

#[test]
fn a_row_is_followed_as_one_does_it_by_hand() {
    let explanation = example(None);
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let hidden = [sigmoid(0.755), sigmoid(0.68)];
    let sum = 0.3 * hidden[0] + 0.9 * hidden[1];
    let output = sigmoid(sum);
    let delta = (output - 0.5) * output * (1.0 - output);
    let [first, last] = &explanation.layers[..] else { panic!("two layers") };
    near(first.z[0], 0.755);
    near(first.outputs[1], hidden[1]);
    near(last.z[0], sum);
    near(explanation.loss, 0.5 * (output - 0.5) * (output - 0.5));
    near(last.errors[0].expect("an error"), output - 0.5);
    near(last.slopes[0].expect("a slope"), output * (1.0 - output));
    near(last.deltas[0], delta);
    near(last.gradients[1][0], hidden[1] * delta);
    near(first.errors[1].expect("an error"), 0.9 * delta);
    let below = 0.9 * delta * hidden[1] * (1.0 - hidden[1]);
    near(first.deltas[1], below);
    near(first.gradients[0][1], 0.35 * below);
    near(first.steps[0][1], -2.0 * 0.35 * below);
    assert_eq!(explanation.checked.parameters, 6);
    assert!(explanation.checked.largest < 1e-8, "{:?}", explanation.checked);
    explanation.agreement().expect("the differences agree");
}

#[test]
fn a_gradient_that_is_wrong_does_not_agree() {
    let mut explanation = example(None);
    explanation.checked.largest = 2e-6;
    assert_eq!(explanation.agreement().expect_err("a wrong gradient").exit_code(), 4);
    explanation.checked.largest = f64::NAN;
    assert_eq!(explanation.agreement().expect_err("no number").exit_code(), 4);
}

#[test]
fn the_chain_is_the_gradient_as_a_product() {
    let weight: Weight = "1,2,1".parse().expect("a weight");
    let chain = example(Some(weight)).chain;
    let symbols: Vec<&str> = chain.links.iter().map(|link| link.symbol.as_str()).collect();
    assert_eq!(symbols, ["dLoss/da", "f'(z), layer 2", "w, layer 2", "f'(z), layer 1", "input"]);
    near(chain.links[2].value, 0.3);
    near(chain.links[4].value, 0.9);
    near(chain.product, chain.gradient);
    assert_eq!((chain.paths, chain.others), (1.0, 0.0));
    assert_eq!(serde_json::to_string(&chain.weight).expect("JSON"), "\"1,2,1\"");
}

#[test]
fn weights_are_named_by_three_places_from_1() {
    assert_eq!("2, bias, 1".parse(), Ok(Weight { layer: 1, input: None, unit: 0 }));
    for wrong in ["", "1", "1,2", "1,2,3,4", "0,1,1", "1,0,1", "1,1,x", "bias,1,1"] {
        wrong.parse::<Weight>().expect_err(wrong);
    }
}

#[test]
fn most_chooses_the_largest_and_keeps_their_order() {
    assert_eq!(most(&[0.1, -5.0, 2.0, 0.0], 2), [1, 2]);
    assert_eq!(most(&[1.0], 0), [0]);
    assert_eq!(most(&[f64::NAN, 1.0], 5), [0, 1]);
}

#[test]
fn a_softmax_over_one_output_is_refused() {
    let network = Network::new(vec![1, 1], vec![Activation::Softmax], true).expect("a network");
    let weights = vec![Trained { weight: Matrix::new(1, 1, vec![1.0]), bias: vec![0.0] }];
    let one = Matrix::new(1, 1, vec![1.0]);
    let subject = Subject {
        network: &network,
        loss: Loss::CrossEntropy,
        weights: &weights,
        optimizer: Optimizer::new(OptimizerKind::Sgd),
        learning_rate: 1.0,
        layer_rates: LayerRates::default(),
        frozen: Frozen::default(),
        inputs: &one,
        targets: &one,
        units: 8,
    };
    let titles = example(None).titles;
    let error = Explanation::new(&subject, titles, None).expect_err("nothing to explain");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("softmax over one output is 1 whatever goes in"), "{error}");
}
