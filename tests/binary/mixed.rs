//! `--precision mixed`: training whose large products round their factors to f16, and the loss scale that keeps deltas in range.

use std::ops::ControlFlow;

use crate::common::{Desk, Trial, ended, named};
use serde_json::Value;
use wgrad::data::Matrix;
use wgrad::network::{Activation, Initialization, Loss, Network};
use wgrad::random::{Purpose, Stream};
use wgrad::training::session::Mixed;
use wgrad::training::{Device, LossScale, Recipe, Samples, Session};

fn trained(desk: &Desk, run: &str, arguments: &[&str]) -> Value {
    let all = [&["train"], arguments, &["--device", "cpu", "--quiet", "--json", "-o", run]].concat();
    let output = desk.run(&all);
    ended(0, &all, &output).expect("trains");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn log(desk: &Desk, run: &str) -> Vec<Value> {
    let text = String::from_utf8(desk.bytes(&format!("{run}/metrics.jsonl"))).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A network of 20-24-17 that every layer of is mixed, on the CPU, with numbers `size` times as large as usual.
fn session(exponent: Option<i32>, size: f32) -> Session<f32> {
    const ROWS: usize = 60;
    let network = Network::new(vec![20, 24, 17], vec![Activation::Tanh, Activation::Identity], true).expect("a network");
    let mut stream = Stream::new(3, Purpose::Test, 0);
    let mut numbers = |count: usize| (0..count).map(|_| size * stream.normal() as f32).collect::<Vec<_>>();
    let samples = Samples::new(Matrix::new(ROWS, 20, numbers(ROWS * 20)), Matrix::new(ROWS, 17, numbers(ROWS * 17)));
    let mixed = Some(Mixed { exponent });
    let recipe = Recipe { mixed, shuffle: true, epochs: 4, ..Recipe::plain(Loss::SquaredError, 0.01, 20) };
    let weights = Initialization::Auto.weights(&network, 1);
    Session::new(network, recipe, &weights, samples, &Device::cpu(Some(1), "test")).expect("a session")
}

fn epoch(session: &mut Session<f32>) -> f64 {
    session.train(1, |_| ControlFlow::Continue(())).expect("an epoch").losses[0]
}

fn exponent(session: &Session<f32>) -> i32 {
    session.loss_scale().expect("a loss scale").exponent
}

fn digits_are_learned_as_well_as_in_f32_and_evaluated_as_the_model_is() {
    let desk = Desk::new();
    let of_net = ["digits", "--hidden", "64", "--epochs", "12"];
    let [single, mixed] = ["f32", "mixed"].map(|precision| {
        let report = trained(&desk, precision, &[&of_net[..], &["--precision", precision]].concat());
        (report["last_epoch"]["loss"].clone(), report["test"]["accuracy"].as_f64().expect("a score"))
    });
    assert_ne!(single.0, mixed.0, "the products were rounded");
    assert!(mixed.1 >= single.1 - 0.02 && mixed.1 > 0.9, "{single:?}, {mixed:?}");
    let toml = String::from_utf8(desk.bytes("mixed/run.toml")).expect("UTF-8");
    assert!(toml.contains("precision = \"mixed\""), "{toml}");
    let scales: Vec<f64> = log(&desk, "mixed").iter().map(|epoch| epoch["loss_scale"].as_f64().expect("a scale")).collect();
    assert_eq!((scales[0], scales[7], scales[8]), (32.0, 32.0, 64.0), "{scales:?}");
    assert!(log(&desk, "f32").iter().all(|epoch| epoch.get("loss_scale").is_none()));
}

fn a_run_that_is_resumed_ends_with_the_same_bits() {
    let desk = Desk::new();
    let of_net = ["digits", "--hidden", "32", "--precision", "mixed", "--loss-scale", "16", "--batch-size", "64"];
    let of_net = [&of_net[..], &["--schedule", "constant"]].concat();
    trained(&desk, "whole", &[&of_net[..], &["--epochs", "20"]].concat());
    trained(&desk, "begun", &[&of_net[..], &["--epochs", "11"]].concat());
    let resume = ["train", "--resume", "begun", "--epochs", "20", "--quiet"];
    ended(0, &resume, &desk.run(&resume)).expect("goes on");
    desk.same("whole", "begun").expect("the same model, checkpoint and log");
    let scales: Vec<_> = log(&desk, "whole").iter().map(|epoch| epoch["loss_scale"].as_f64()).collect();
    assert_eq!((scales[0], scales[19]), (Some(16.0), Some(64.0)), "the scale grew before and after the interruption");
    let other = ["train", "--resume", "begun", "--epochs", "21", "--precision", "f32", "--quiet"];
    let output = desk.run(&other);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("--precision mixed"), "{error}");
}

fn deltas_that_overflow_are_cut_off_and_halve_the_scale_until_they_fit() {
    let (mut overflowing, mut calm) = (session(Some(24), 1.0), session(Some(4), 1.0));
    let first = epoch(&mut overflowing);
    assert_eq!(exponent(&overflowing), 23, "an overflow halves the scale");
    let others: Vec<f64> = (0..3).map(|_| epoch(&mut overflowing)).collect();
    assert!(others.iter().chain([&first]).all(|loss| loss.is_finite()), "{first}, {others:?}");
    assert!(exponent(&overflowing) <= 21, "and again");
    let weights = overflowing.weights().expect("weights");
    assert!(weights.iter().all(|layer| layer.weight.values.iter().all(|weight| weight.is_finite())));
    (0..LossScale::PATIENCE - 1).for_each(|_| assert!(epoch(&mut calm).is_finite()));
    assert_eq!(exponent(&calm), 4);
    epoch(&mut calm);
    assert_eq!(exponent(&calm), 5, "calm epochs double it");
}

fn a_power_of_two_changes_nothing_while_all_is_in_range() {
    let (mut small, mut large) = (session(Some(2), 1.0), session(Some(3), 1.0));
    let losses = [&mut small, &mut large].map(|session| [epoch(session), epoch(session)]);
    let apart = (losses[0][1] - losses[1][1]).abs() / losses[0][1];
    assert!(apart < 1e-6, "{losses:?}");
}

fn an_overflow_in_the_middle_of_an_epoch_is_remembered_where_training_is_interrupted() {
    let mut session = session(Some(24), 1.0);
    session.train_steps(1).expect("a step");
    let state = session.state().expect("a state");
    let mut again = self::session(Some(24), 1.0);
    again.restore(&state).expect("the same training");
    assert_ne!(state.members[0].loss_scale, Some(LossScale::new(24)), "the overflow is part of the state");
    assert_eq!(again.state().expect("a state").members[0].loss_scale, state.members[0].loss_scale);
    again.train_steps(2).expect("the rest of the epoch");
    assert_eq!(exponent(&again), 23);
}

fn inputs_beyond_the_range_are_an_error_in_plain_words() {
    let mut session = session(None, 1e5);
    let error = session.train(1, |_| ControlFlow::Continue(())).expect_err("is beyond f16").to_string();
    for part in ["epoch 1", "65504", "--scale standard", "--precision f32"] {
        assert!(error.contains(part), "{error}");
    }
}

fn what_means_nothing_is_refused() {
    let desk = Desk::new();
    for (arguments, part) in [
        (&["train", "digits", "--loss-scale", "16", "--device", "cpu"][..], "--precision mixed"),
        (&["train", "digits", "--precision", "mixed", "--loss-scale", "10", "--device", "cpu"], "power of two"),
        (&["train", "digits", "--precision", "mixed", "--loss-scale", "-2", "--device", "cpu"], "power of two"),
        (&["lesson", "loy", "--precision", "mixed"], "f32 or f64"),
    ] {
        let error = ended(2, arguments, &desk.run(arguments)).expect("is refused");
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    trained(&desk, "run", &["digits", "--epochs", "1"]);
    let predict = ["predict", "run", "digits", "--precision", "mixed"];
    let error = ended(2, &predict, &desk.run(&predict)).expect("is refused");
    assert!(error.contains("is for training"), "{error}");
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        digits_are_learned_as_well_as_in_f32_and_evaluated_as_the_model_is,
        a_run_that_is_resumed_ends_with_the_same_bits,
        deltas_that_overflow_are_cut_off_and_halve_the_scale_until_they_fit,
        a_power_of_two_changes_nothing_while_all_is_in_range,
        an_overflow_in_the_middle_of_an_epoch_is_remembered_where_training_is_interrupted,
        inputs_beyond_the_range_are_an_error_in_plain_words,
        what_means_nothing_is_refused,
    ]
}
