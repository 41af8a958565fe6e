//! The piecewise linear encoding of numbers (Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep
//! Learning", 2022): beside the scaled number, an input for each bin, which says how much of the bin lies below the number. The outer bins
//! are open, so that a network goes on in a straight line where numbers lie beyond those that it was trained on.

/// Where scaled numbers are clipped, smoothly, when bins stand beside them: bins tell those apart that lie far out.
pub(crate) const REACH: f64 = 3.0;

/// A scaled number as it stands beside bins: almost itself about 0, and never beyond [`REACH`] (Holzmüller et al., "Better by Default",
/// 2024).
pub(crate) fn clipped(scaled: f64) -> f64 {
    scaled / 1.0_f64.hypot(scaled / REACH)
}

/// The scaled number that was clipped to this one.
pub(crate) fn unclipped(clipped: f64) -> f64 {
    clipped / (1.0 - (clipped / REACH).powi(2)).sqrt()
}

/// For each of the bins between neighbouring edges, how much of it lies below the number: 0 to 1, but below 0 in the first and above 1 in
/// the last bin for numbers beyond the edges.
pub(crate) fn shares(edges: &[f64], number: f64) -> impl Iterator<Item = f64> {
    let share = move |(bin, [least, most]): (&[f64], [f64; 2])| ((number - bin[0]) / (bin[1] - bin[0])).max(least).min(most);
    edges.windows(2).zip(ends(edges)).map(share)
}

/// The least and the most that each bin says.
pub(crate) fn ends(edges: &[f64]) -> impl Iterator<Item = [f64; 2]> {
    let bins = edges.len().saturating_sub(1);
    let of = move |bin| [if bin == 0 { f64::NEG_INFINITY } else { 0.0 }, if bin + 1 == bins { f64::INFINITY } else { 1.0 }];
    (0..bins).map(of)
}

/// Whether edges can be meant: finite, ascending, and apart.
pub(crate) fn are_edges(edges: &[f64]) -> bool {
    edges.len() != 1 && edges.iter().all(|edge| edge.is_finite()) && edges.windows(2).all(|bin| is_bin(bin[0], bin[1]))
}

/// Whether there is a normal number between two ends.
fn is_bin(low: f64, high: f64) -> bool {
    (high - low).is_normal() && low < high
}

/// The edges of at most so many bins for these numbers: one at each different number where these are few, otherwise at quantiles, of which
/// those that coincide count once. None where fewer than two bins come of it, which say no more than the scaled number.
pub(crate) fn edges(numbers: &[f64], bins: usize) -> Vec<f64> {
    if bins < 2 {
        return Vec::new();
    }
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quantiles = || (0..=bins).map(|part| quantile(&sorted, part as f64 / bins as f64));
    let mut different: Vec<f64> = sorted.chunk_by(|a, b| a == b).take(bins + 2).map(|run| run[0]).collect();
    if different.len() > bins + 1 {
        different = quantiles().collect();
    }
    let mut edges: Vec<f64> = Vec::with_capacity(different.len());
    for edge in different {
        if edges.last().is_none_or(|&last| is_bin(last, edge)) {
            edges.push(edge);
        }
    }
    if edges.len() > 2 { edges } else { Vec::new() }
}

/// The number below which this share of the sorted ones lies, between neighbours in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, rest) = (sorted[place as usize], place.fract());
    if rest == 0.0 { below } else { below * (1.0 - rest) + sorted[place as usize + 1] * rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_the_different_numbers_where_these_are_few() {
        assert_eq!(edges(&[3.0, 1.0, 2.0, 3.0, 1.0], 8), [1.0, 2.0, 3.0]);
        assert_eq!(edges(&[1.0, 2.0, 1.0], 8), [0.0; 0]);
        assert_eq!(edges(&[5.0; 9], 8), [0.0; 0]);
        assert_eq!(edges(&[], 8), [0.0; 0]);
        let nine: Vec<f64> = (0..9).map(f64::from).collect();
        assert_eq!(edges(&nine, 8), nine);
    }

    #[test]
    fn edges_are_quantiles_where_numbers_are_many() {
        // numpy.quantile([x * x for x in range(101)], [0, 0.25, 0.5, 0.75, 1])
        let squares: Vec<f64> = (0..101).map(|x| f64::from(x * x)).collect();
        assert_eq!(edges(&squares, 4), [0.0, 625.0, 2500.0, 5625.0, 10000.0]);
        // numpy.quantile(range(11), [0, 1 / 3, 2 / 3, 1])
        let few: Vec<f64> = (0..11).map(f64::from).collect();
        let expected = [0.0, 3.333_333_333_333_333_5, 6.666_666_666_666_667, 10.0];
        assert!(edges(&few, 3).iter().zip(expected).all(|(edge, expected)| (edge - expected).abs() < 1e-14));
        // Most of the numbers are the same.
        let zeros: Vec<f64> = (0..100).map(|x| f64::from((x - 60).max(0))).collect();
        assert_eq!(edges(&zeros, 4), [0.0, 14.25, 39.0]);
    }

    #[test]
    fn shares_rise_from_bin_to_bin_and_the_outer_ones_go_on() {
        let of = |number| shares(&[0.0, 1.0, 3.0, 4.0], number).collect::<Vec<_>>();
        assert_eq!(of(-5.0), [-5.0, 0.0, 0.0]);
        assert_eq!(of(0.5), [0.5, 0.0, 0.0]);
        assert_eq!(of(1.0), [1.0, 0.0, 0.0]);
        assert_eq!(of(2.5), [1.0, 0.75, 0.0]);
        assert_eq!(of(9.0), [1.0, 1.0, 6.0]);
        assert_eq!(shares(&[], 1.0).count() + shares(&[2.0], 1.0).count(), 0);
    }

    #[test]
    fn clipping_is_undone() {
        assert_eq!(clipped(0.0), 0.0);
        assert_eq!([1e12, 1e200, f64::MAX, -1e300].map(clipped), [REACH, REACH, REACH, -REACH]);
        for scaled in [-20.0, -1.0, 1e-9, 0.3, 7.0] {
            assert!((unclipped(clipped(scaled)) / scaled - 1.0).abs() < 1e-12, "{scaled}");
        }
    }

    #[test]
    fn edges_that_make_no_sense_are_none() {
        assert!(are_edges(&[]) && are_edges(&[0.0, 1.0]));
        assert!(!are_edges(&[0.0]) && !are_edges(&[1.0, 1.0]) && !are_edges(&[0.0, f64::NAN]) && !are_edges(&[2.0, 1.0]));
        assert!(!are_edges(&[0.0, f64::INFINITY]) && !are_edges(&[f64::MIN, f64::MAX]));
    }
}
