//! Products in f32 by three products of halves, on matrix units: what their errors are, and where they are worth a measurement. Shaders:
//! `shaders/scales.wgsl`, then `shaders/split.wgsl` in `shaders/units.wgsl`.
//!
//! A number of the row `a` of lhs is taken as `high + low`, in f16, of the number times the row's scale, as is one of the column `b` of
//! rhs. With u = 2⁻²⁴ a number and its halves differ by 2u of it, what is left out, low · low, is 4u of a term, and halves below f16's
//! normal numbers differ by 2⁻²⁴, where the row's largest number is 2¹⁴ and more. So beside what the sum of the terms rounds, the
//! result is within
//!
//! ```text
//! 8u · Σ |a| |b|  +  2⁻³⁸ · (max |a| · Σ |b|  +  max |b| · Σ |a|)
//! ```
//!
//! Matrix units cut sums off where f32 rounds them, always towards zero, once for each 4, 8 or 16 terms (as the generation has it) of each of
//! the three products. So each 16 terms are summed by themselves, and added to the sum of all by an addition that rounds: what is cut off
//! is a few u of these terms. From `LEAST_TERMS` on all of that is within the bound of products in f32, `3 √terms u · Σ |a| |b|`, unless a
//! row's largest number drowns the others.

use super::form::{Choice, Family, Form};
use super::halves::Factors;
use super::{Kernel, Target, product};
use crate::rounding::UNIT;

/// Terms of the shortest sums that are computed so: the 8 u that halves lose of a term are a third of what is allowed there.
const LEAST_TERMS: usize = 64;
/// Multiply-adds of a product that are worth finding its scales.
const WORTH_SCALES: f64 = (1 << 26) as f64;

/// The ways to compute a kernel's product in f32 on a device's matrix units that are worth a measurement: none, unless they were verified
/// for it. No product is computed so without one.
pub(crate) fn choices(kernel: &dyn Kernel, rows: usize, target: &Target) -> Vec<Choice> {
    let Some(sizes) = kernel.product(rows).filter(|_| kernel.factors() == Factors::Full) else { return Vec::new() };
    if sizes[2] < LEAST_TERMS || sizes.map(|size| size as f64).iter().product::<f64>() < WORTH_SCALES {
        return Vec::new();
    }
    let has = |family: &Family| {
        let is_form = |form: &Form| form.family == *family;
        family.fits(target) && kernel.forms(target.lanes, target.software).iter().any(is_form)
    };
    Family::SPLIT.into_iter().filter(has).map(|family| product::filling(sizes, false, family, target)).collect()
}

/// The errors to assume of one factor, which stand for what halves lose of both, in sums of any length: one list for each of a kernel's
/// reads, most of them empty. The buffer's largest number stands for that of each of its rows, and for those of the other factor.
pub(crate) fn errors(reads: &[super::View<'_, f64>]) -> Vec<Vec<f64>> {
    // Of update and delta it is the deltas, which update's row of ones is multiplied by too.
    let factor = if reads.iter().any(|read| read.name == "delta") { "delta" } else { "input" };
    let of = |read: &super::View<'_, f64>| {
        if read.name != factor {
            return Vec::new();
        }
        let largest = read.values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        read.values.iter().map(|value| 8.0 * UNIT * value.abs() + FLOOR * largest).collect()
    };
    reads.iter().map(of).collect()
}

/// What a half below f16's normal numbers may lose, as a share of the largest number of its row: 2⁻²⁴ of 2¹⁴.
const FLOOR: f64 = 1.0 / (1_u64 << 38) as f64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::halves::rounded;
    use crate::random::{Purpose, Stream};
    use crate::rounding::{sum_error, underflow};

    /// The scale of a row, as `shaders/scales.wgsl` finds it.
    fn scale_of(row: &[f32]) -> f32 {
        let largest = row.iter().map(|value| value.to_bits() & 0x7fff_ffff).max().unwrap_or(0);
        let exponent = largest >> 23;
        f32::from_bits(match largest {
            0 => 0x3f80_0000,
            _ if exponent == 255 => 0x7fc0_0000,
            _ => (127 + 14 + 127 - exponent).min(127 + 126) << 23,
        })
    }

    /// The two halves of a number, as `shaders/split.wgsl` makes them and f16 holds them.
    fn halves(value: f32, scale: f32) -> [f64; 2] {
        let eleven = |value: f32| f32::from_bits(value.to_bits().wrapping_add(0x1000) & 0xffff_e000);
        let scaled = value * scale;
        let high = eleven(scaled);
        [high, eleven(scaled - high)].map(|half| rounded(f64::from(half)).0)
    }

    /// A sum without its scales.
    fn unscaled(sum: f32, row: f32, column: f32) -> f32 {
        let exponents = [row, column].map(|scale| scale.to_bits() >> 23);
        if exponents.contains(&255) {
            return f32::NAN;
        }
        let both = 508 - exponents[0] - exponents[1];
        let first = both / 2;
        sum * f32::from_bits(first << 23) * f32::from_bits((both - first) << 23)
    }

    /// A number in f32, cut off.
    fn cut(value: f64) -> f64 {
        let near = value as f32;
        let beyond = f64::from(near).abs() > value.abs();
        f64::from(if beyond { f32::from_bits(near.to_bits() - 1) } else { near })
    }

    /// A row times a column, as matrix units do it: the products are exact, and each few of them are added to the sum of 16 terms, which is
    /// cut off; these are added to the sum of all in f32.
    fn summed(row: &[f32], column: &[f32], at_once: usize) -> f32 {
        let scales = [scale_of(row), scale_of(column)];
        let mut all = 0.0_f32;
        for (row, column) in row.chunks(16).zip(column.chunks(16)) {
            let [left, right] = [(row, scales[0]), (column, scales[1])]
                .map(|(values, scale)| values.iter().map(|&value| halves(value, scale)).collect::<Vec<_>>());
            let mut sum = 0.0;
            for [of_row, of_column] in [[0, 1], [1, 0], [0, 0]] {
                for (left, right) in left.chunks(at_once).zip(right.chunks(at_once)) {
                    let terms = left.iter().zip(right).map(|(left, right)| left[of_row] * right[of_column]);
                    sum = cut(sum + terms.sum::<f64>());
                }
            }
            all += sum as f32;
        }
        unscaled(all, scales[0], scales[1])
    }

    fn split_product(row: &[f32], column: &[f32]) -> f32 {
        summed(row, column, 16)
    }

    /// The largest error of a product, by the units of each generation, as a share of its bound, which is that of f32 and, of few terms, what
    /// the halves lose.
    fn share(row: &[f32], column: &[f32]) -> f64 {
        let exact: f64 = row.iter().zip(column).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        let magnitude: f64 = row.iter().zip(column).map(|(&a, &b)| (f64::from(a) * f64::from(b)).abs()).sum();
        let [of_row, of_column] = [row, column].map(|values| {
            let magnitudes = values.iter().map(|&value| f64::from(value).abs());
            (magnitudes.clone().fold(0.0, f64::max), magnitudes.sum::<f64>())
        });
        let floor = FLOOR * (of_row.0 * of_column.1 + of_column.0 * of_row.1);
        let lost = if row.len() < LEAST_TERMS { 8.0 * UNIT } else { 0.0 };
        let bound = (sum_error(row.len()) + lost) * magnitude + floor + underflow(row.len());
        let error = |at_once| (f64::from(summed(row, column, at_once)) - exact).abs();
        [4, 8, 16].map(error).into_iter().fold(0.0, f64::max) / bound
    }

    /// Random numbers of some size.
    fn numbers(count: usize, size: f64, seed: u64) -> Vec<f32> {
        let mut stream = Stream::new(seed, Purpose::Test, 0);
        (0..count).map(|_| (size * stream.normal()) as f32).collect()
    }

    #[test]
    fn halves_give_a_number_back_but_for_its_last_places() {
        let edges = [1.0, 1.0 + 7.0 / 8192.0, 1.999_999_9, f32::MIN_POSITIVE, 3e38, 65504.0, 1e-20, 0.0];
        for value in edges.into_iter().chain(numbers(10_000, 1.0, 1)) {
            let scale = scale_of(&[value]);
            let scaled = f64::from(value) * f64::from(scale);
            let [high, low] = halves(value, scale);
            assert!(scaled == 0.0 || (16384.0..32768.0).contains(&scaled.abs()) || value.abs() < 2e-34, "{value}: {scaled}");
            assert!((scaled - high - low).abs() <= 2.0 * UNIT * scaled.abs(), "{value}: {high} and {low} for {scaled}");
            assert!(low.abs() <= scaled.abs() / 2048.0, "{value}: {low} for {scaled}");
        }
    }

    #[test]
    fn products_are_within_the_bound_of_f32_and_what_halves_lose() {
        for terms in [1, 2, 3, 8, 16, 33, LEAST_TERMS, 100, 784, 4096] {
            for seed in 0..20 {
                let (a, b) = (numbers(terms, 1.0, 2 * seed), numbers(terms, 0.05, 2 * seed + 1));
                let share_of = |what: &str, a: &[f32], b: &[f32]| {
                    let share = share(a, b);
                    assert!(share <= 1.0, "{what} of {terms} terms, seed {seed}: {share}");
                };
                share_of("random numbers", &a, &b);
                let sparse: Vec<f32> = a.iter().map(|&value| if value > 1.0 { value } else { 0.0 }).collect();
                share_of("what relu leaves", &sparse, &b);
                let small: Vec<f32> = b.iter().map(|value| 1e-12 * value).collect();
                share_of("a row of small deltas", &small, &a);
                let mut huge = a.clone();
                huge[terms / 2] = 1e30;
                share_of("a huge number among others", &huge, &b);
                let subnormal: Vec<f32> = b.iter().map(|value| 1e-38 * value).collect();
                share_of("numbers below f32's normal ones", &subnormal, &a);
                let [up, down] = [1e30, 1e-32].map(|size| a.iter().map(|&value| size * value).collect::<Vec<f32>>());
                share_of("scales far apart", &up, &down);
                share_of("both small", &down, &small);
                share_of("zeros", &vec![0.0; terms], &b);
                let positive: Vec<f32> = a.iter().map(|value| value.abs()).collect();
                share_of("one sign", &positive, &b.iter().map(|value| value.abs()).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn small_rows_keep_all_their_places_and_integers_are_exact() {
        let (row, column) = (numbers(256, 1.0, 1), numbers(256, 1.0, 2));
        let one = split_product(&row, &column);
        for exponent in [-60, -20, 20, 60] {
            let size = 2.0_f32.powi(exponent);
            let small: Vec<f32> = row.iter().map(|value| size * value).collect();
            assert_eq!(split_product(&small, &column), size * one, "2^{exponent}");
        }
        let whole = |modulus: usize| (0..100).map(|i| (i * 37 % modulus) as f32 - 300.0).collect::<Vec<_>>();
        let exact: f64 = whole(701).iter().zip(whole(503)).map(|(&a, b)| f64::from(a) * f64::from(b)).sum();
        assert_eq!(f64::from(split_product(&whole(701), &whole(503))), exact);
    }

    #[test]
    fn what_is_not_finite_never_becomes_a_number_and_what_is_too_large_is_infinite() {
        for wrong in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            for other in [0.0, 1.0, 1e30] {
                let result = split_product(&[1.0, wrong, 2.0], &[1.0, other, 1.0]);
                assert!(!result.is_finite(), "{wrong} · {other}: {result}");
            }
        }
        assert_eq!(split_product(&[1e30, 1.0], &[1e30, 0.0]), f32::INFINITY);
        assert_eq!(split_product(&[1e-30, 0.0], &[1e-30, 1.0]), 0.0);
    }

    #[test]
    fn large_products_may_be_measured_where_matrix_units_were_verified_and_are_never_a_default() {
        use crate::kernels::units::Units;
        use crate::kernels::{Forward, Layer, Rule, Source, Update, Updates};
        use crate::network::{Activation, OptimizerKind};
        let (source, layer) = (Source::Batch, Layer { inputs: 512, outputs: 2048, bias: true, capacity: 2048 });
        let forward = |inputs, factors| {
            let (activation, slope, dropped) = (Activation::Tanh, false, None);
            Forward { layer: Layer { inputs, ..layer }, activation, slope, dropped, source, factors }
        };
        let units = Units::of_subgroups([32, 32]);
        let target = Target { units, splits: true, ..Target::sample(false, 32_768) };
        let of = |kernel: &dyn Kernel, target: &Target| {
            assert!(kernel.choices(2048, target).iter().all(|choice| !choice.family.is_split()), "never a default");
            choices(kernel, 2048, target)
        };
        let both = Family::SPLIT.map(|family| Choice { family, parts: 1 }).to_vec();
        assert_eq!(of(&forward(1024, Factors::Full), &target), both);
        assert_eq!(of(&forward(2049, Factors::Full), &target), both);
        for few in [8, LEAST_TERMS - 1] {
            assert_eq!(of(&forward(few, Factors::Full), &target), Vec::new());
        }
        assert_eq!(of(&forward(1024, Factors::Halves), &target), Vec::new());
        for without in [Target { splits: false, ..target }, Target { units: None, ..target }, Target::sample(true, 32_768)] {
            assert_eq!(of(&forward(1024, Factors::Full), &without), Vec::new());
        }
        let (rule, factors) = (Rule::Optimizer(OptimizerKind::Sgd), Factors::Full);
        let update = Update { layer: Layer { outputs: 512, ..layer }, rule, rate: 1.0, source, factors };
        assert_eq!(of(&update, &target).len(), 2);
        assert_eq!(of(&Updates { layers: vec![update.clone(), update], replicas: 1 }, &target), Vec::new());
    }

    /// The bound would be of no use if it had room for less than three products.
    #[test]
    fn the_bound_has_no_room_for_halves_without_their_low_ones() {
        let (row, column) = (numbers(64, 1.0, 5), numbers(64, 1.0, 6));
        let eleven = |values: &[f32]| -> Vec<f32> {
            let scale = scale_of(values);
            values.iter().map(|&value| (halves(value, scale)[0] / f64::from(scale)) as f32).collect()
        };
        let magnitude: f64 = row.iter().zip(&column).map(|(&a, &b)| f64::from(a * b).abs()).sum();
        let bound = (sum_error(64) + 8.0 * UNIT) * magnitude;
        let exact = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        for (a, b) in [(eleven(&row), column.clone()), (row.clone(), eleven(&column))] {
            let error = (exact(&a, &b) - exact(&row, &column)).abs();
            assert!(error > 2.0 * bound, "{error} is within {bound}");
        }
    }
}
