//! What holds of every activation: its facts are those of its functions, and its functions those of the definition.

use super::*;
use crate::rounding::UNIT;

/// Arguments from -110 to 110, closely where the functions bend, and far beyond.
fn arguments() -> impl Iterator<Item = f32> {
    let (near, far) =
        ((-40_000..=40_000).map(|step| step as f32 / 4096.0), (-11_000..=11_000).map(|step| step as f32 / 100.0));
    near.chain(far).chain([1e3, -1e3, 1e30, -1e30])
}

#[test]
fn every_activation_has_one_name() {
    for &activation in Activation::value_variants() {
        let possible = activation.to_possible_value().expect("a value of the command line");
        assert_eq!(possible.get_name(), activation.name());
        assert_eq!(possible.get_help().expect("help").to_string(), activation.facts().help);
        assert_eq!(serde_json::to_value(activation).expect("text"), activation.name());
    }
}

#[test]
fn slopes_are_the_central_differences_of_the_activations() {
    for activation in Activation::hidden() {
        for step in -300..300 {
            let z = f64::from(step) * 0.017 + 0.01;
            let difference = (activation.activate(z + 1e-6) - activation.activate(z - 1e-6)) / 2e-6;
            let slope = activation.slope(z);
            assert!((slope - difference).abs() < 1e-8, "{activation} at {z}: {slope} against {difference}");
        }
    }
}

/// What is outside the range of its outputs no network can learn, and what is within, one can.
#[test]
fn outputs_fill_the_range_that_is_said_of_them() {
    for activation in Activation::hidden() {
        let (low, high) = activation.facts().range;
        let outputs = || arguments().map(|z| activation.activate(f64::from(z)));
        let (least, most) = (outputs().fold(f64::INFINITY, f64::min), outputs().fold(f64::NEG_INFINITY, f64::max));
        assert!(low <= least && most <= high, "{activation} reaches {least} to {most}, not {low} to {high}");
        let is_close = |end: f64, said: f64| if said.is_finite() { (end - said).abs() < 1e-3 } else { end.abs() > 1e3 };
        assert!(is_close(least, low) && is_close(most, high), "{activation} reaches {least} to {most} of {low} to {high}");
    }
}

#[test]
fn an_activation_saturates_if_it_is_flat_on_both_sides() {
    for activation in Activation::hidden() {
        let slopes: Vec<f64> = arguments().map(|z| activation.slope(f64::from(z)).abs()).collect();
        let is_flat = |z: f64| activation.slope(z).abs() < 1e-6;
        let steepest = slopes.iter().copied().fold(0.0, f64::max);
        let saturates_from = (is_flat(-50.0) && is_flat(50.0)).then_some(steepest);
        assert_eq!(activation.facts().saturates_from, saturates_from, "{activation}");
        // The health of a layer is told from its outputs.
        assert!(saturates_from.is_none() || !activation.stores_slope(), "{activation}");
    }
}

/// Deviation² · inputs is 2 for what is flat below zero and linear above, after He et al., 2015.
#[test]
fn first_weights_are_wider_where_half_the_slope_is_missing() {
    for activation in Activation::hidden() {
        let is_relu_like = activation.slope(-50.0_f64).abs() < 0.1 && activation.slope(50.0_f64) > 0.9;
        let expected = if is_relu_like { Initialization::HeNormal } else { Initialization::XavierUniform };
        assert_eq!(activation.facts().first_weights, expected, "{activation}");
    }
}

#[test]
fn f32_keeps_within_the_bounds_that_are_said_of_it() {
    for activation in Activation::hidden() {
        let slope_of = activation.slope_of();
        for z in arguments() {
            let (exact, [bound, of_slope]) = (activation.activate(f64::from(z)), activation.bounds(f64::from(z), 0.0));
            let actual = activation.activate(z);
            let error = (f64::from(actual) - exact).abs();
            assert!(error <= bound, "{activation} of {z}: {actual:e} is {error:e} from {exact:e}, beyond {bound:e}");
            let (actual, exact, bound) = match slope_of {
                Slope::Stored => (activation.slope(z), activation.slope(f64::from(z)), of_slope),
                Slope::FromOutput(_) => {
                    let exact = slope_of.derivative(f64::from(actual));
                    let bound = (3.0 * UNIT + slope_of.derivative_error()) * exact.abs() + f64::from(f32::MIN_POSITIVE);
                    (slope_of.derivative(actual), exact, bound)
                }
            };
            let error = (f64::from(actual) - exact).abs();
            assert!(error <= bound, "{activation}'s slope at {z}: {actual:e} is {error:e} from {exact:e}, beyond {bound:e}");
        }
    }
}

/// However a loop goes over the elements, each comes out with the same bits.
#[test]
fn many_elements_give_the_bits_of_one() {
    let z: Vec<f32> = arguments().step_by(97).collect();
    let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|value| value.to_bits()).collect() };
    for &activation in Activation::value_variants() {
        let of_each = |function: &dyn Fn(f32) -> f32| bits(&z.iter().map(|&z| function(z)).collect::<Vec<_>>());
        let (mut all, mut lanes, mut slopes) = (z.clone(), z.clone(), z.clone());
        activation.activate_all(&mut all);
        activation.activate_lanes(&mut lanes);
        activation.slopes(&z, &mut slopes);
        let expected = of_each(&|z| activation.activate(z));
        assert_eq!((&bits(&all), &bits(&lanes)), (&expected, &expected), "{activation}");
        assert_eq!(bits(&slopes), of_each(&|z| activation.slope(z)), "{activation}");
        let (slope, mut products) = (activation.slope_of(), vec![3.0; z.len()]);
        slope.times_derivative(&mut products, &all);
        let expected: Vec<f32> = all.iter().map(|&output| 3.0 * slope.derivative(output)).collect();
        assert_eq!(bits(&products), bits(&expected), "{activation}");
    }
}

/// Computed with 30 digits elsewhere: z, then f(z) and f'(z).
fn values_of_others(activation: Activation, values: &[[f64; 3]]) {
    for &[z, output, slope] in values {
        for (actual, expected) in [(activation.activate(z), output), (activation.slope(z), slope)] {
            let is_close = (actual - expected).abs() <= 1e-14 * expected.abs();
            assert!(is_close, "{activation} at {z}: {actual:e}, expected {expected:e}");
        }
    }
}

#[test]
fn softplus_is_as_it_is_elsewhere() {
    values_of_others(
        Activation::Softplus,
        &[
            [-40.0, 4.248_354_255_291_561_1e-18, 4.248_354_255_291_589e-18],
            [-3.0, 0.048_587_351_573_742_059, 0.047_425_873_177_566_781],
            [-2.0, 0.126_928_011_042_972_5, 0.119_202_922_022_117_56],
            [-0.5, 0.474_076_984_180_106_68, 0.377_540_668_798_145_44],
            [0.0, 0.693_147_180_559_945_31, 0.5],
            [0.25, 0.825_939_418_879_843_56, 0.562_176_500_885_798_1],
            [1.0, 1.313_261_687_518_222_8, 0.731_058_578_630_004_88],
            [2.5, 2.578_889_734_292_549_6, 0.924_141_819_978_756_45],
            [30.0, 30.000_000_000_000_094, 0.999_999_999_999_906_42],
        ],
    );
    // No overflow, and a tail that is as exact as an exponential.
    assert_eq!([1e30, -1e30].map(|z: f32| Activation::Softplus.activate(z)), [1e30, 0.0]);
    assert!((f64::from(Activation::Softplus.activate(-80.0_f32)) / (-80.0_f64).exp() - 1.0).abs() < 1e-6);
}

#[test]
fn silu_is_as_it_is_elsewhere() {
    values_of_others(
        Activation::Silu,
        &[
            [-40.0, -1.699_341_702_116_635_6e-16, -1.656_858_159_563_719_7e-16],
            [-3.0, -0.142_277_619_532_700_34, -0.088_104_106_015_169_617],
            [-2.0, -0.238_405_844_044_235_11, -0.090_784_248_784_895_479],
            [-0.5, -0.188_770_334_399_072_72, 0.260_038_812_697_348_19],
            [0.0, 0.0, 0.5],
            [0.25, 0.140_544_125_221_449_53, 0.623_710_021_570_197_69],
            [1.0, 0.731_058_578_630_004_88, 0.927_670_511_871_486_73],
            [2.5, 2.310_354_549_946_891_1, 1.099_401_111_341_526_8],
            [30.0, 29.999_999_999_997_193, 1.000_000_000_002_713_7],
        ],
    );
}

#[test]
fn sigmoid_neither_overflows_nor_loses_its_tail() {
    assert_eq!(sigmoid(1e30_f32), 1.0);
    assert_eq!(sigmoid(-1e30_f32), 0.0);
    assert!((f64::from(sigmoid(-80.0_f32)) / (-80.0_f64).exp() - 1.0).abs() < 1e-6);
}

#[test]
fn activations_let_nan_through() {
    for activation in Activation::hidden() {
        assert!(activation.activate(f32::NAN).is_nan(), "{activation}");
    }
}
