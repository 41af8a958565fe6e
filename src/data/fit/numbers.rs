//! What is fitted to numbers: means, deviations, medians, scaling.

use super::options::Scale;

/// (offset, scale) of these numbers, of which there is at least one.
pub(super) fn scaling(numbers: &[f64], scale: Scale) -> (f64, f64) {
    let smallest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (offset, scale) = match scale {
        Scale::None => (0.0, 1.0),
        _ if smallest == largest => (smallest, 1.0),
        Scale::Minmax => (smallest, largest - smallest),
        Scale::Standard => {
            let mean = mean(numbers);
            (mean, deviation(numbers, mean))
        }
    };
    // Numbers that differ by less than divisions are exact for are as good as the same.
    if scale.is_normal() { (offset, scale) } else { (smallest, 1.0) }
}

/// The mean, which is never outside the numbers. What additions round off is summed beside them (Neumaier's compensated sum).
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    let (mut sum, mut rest) = (0.0_f64, 0.0);
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for &number in numbers {
        let next = sum + number;
        rest += if sum.abs() >= number.abs() { (sum - next) + number } else { (number - next) + sum };
        sum = next;
        (least, most) = (least.min(number), most.max(number));
    }
    ((sum + rest) / numbers.len() as f64).max(least).min(most)
}

/// The population deviation: over n, not n - 1. The squares are taken of shares of the largest (rounded to a power of two, which
/// changes no bit), so that those of very small numbers do not vanish.
pub(crate) fn deviation(numbers: &[f64], mean: f64) -> f64 {
    let largest = numbers.iter().map(|number| (number - mean).abs()).fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    let unit = largest.log2().floor().exp2();
    let squares: f64 = numbers.iter().map(|number| ((number - mean) / unit).powi(2)).sum();
    unit * (squares / numbers.len() as f64).sqrt()
}

/// The middle number, or the mean of the middle two.
pub(super) fn median(numbers: &mut [f64]) -> f64 {
    let (middle, is_odd) = (numbers.len() / 2, numbers.len() % 2 == 1);
    let (below, &mut upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| !is_odd);
    lower.map_or(upper, |lower| f64::midpoint(lower, upper))
}
