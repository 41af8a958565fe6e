//! The piecewise linear encoding of numbers (Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in
//! Tabular Deep Learning", 2022): beside the scaled number, an input for each bin, which says how much of the bin lies
//! below the number. An outer bin continues beyond its edge for ten of its widths, so that the network continues its line
//! for numbers beyond the training rows'.

use serde::{Deserialize, Serialize};

use super::Task;

/// The bins of a column, if it has any, and what becomes of the scaled number beside them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// The ends of the bins, ascending: one more than there are bins; empty where there are none.
    pub edges: Vec<f64>,
    /// Where the scaled number is clipped, smoothly; none = not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<f64>,
}

impl Bins {
    /// Fits at most `most` bins to the numbers of the training rows. A column of few different numbers has an edge at
    /// each of them, another column edges at its quantiles; equal quantiles make one edge. A single bin says no more than
    /// the scaled number, so that there is none then.
    ///
    /// For a classification the scaled number is clipped, since a far number would otherwise outweigh the bins
    /// (Holzmüller, Grinsztajn and Steinwart, "Better by Default", 2024). A regression keeps the number as it is, so that
    /// it can continue beyond the training rows.
    pub(super) fn of(numbers: &[f64], most: usize, task: Task) -> Self {
        const REACH: f64 = 3.0;
        let edges = edges(numbers, most);
        let reach = (task == Task::Classification && !edges.is_empty()).then_some(REACH);
        Self { edges, reach }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Number of bins.
    pub fn len(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// The scaled number as the network gets it beside the bins. Clipping hardly changes a number near 0, and keeps every
    /// number within the reach.
    pub(crate) fn clipped(&self, scaled: f64) -> f64 {
        self.reach.map_or(scaled, |reach| scaled / 1.0_f64.hypot(scaled / reach))
    }

    /// The scaled number that was clipped to this one.
    pub(crate) fn unclipped(&self, clipped: f64) -> f64 {
        self.reach.map_or(clipped, |reach| clipped / (1.0 - (clipped / reach).powi(2)).sqrt())
    }

    /// For each bin, how much of it lies below the number: 0 to 1, and for numbers beyond the edges from -10 in the first
    /// and up to 11 in the last one.
    pub(crate) fn shares(&self, number: f64) -> impl Iterator<Item = f64> {
        let share =
            move |(bin, [least, most]): (&[f64], [f64; 2])| ((number - bin[0]) / (bin[1] - bin[0])).max(least).min(most);
        self.edges.windows(2).zip(self.ends()).map(share)
    }

    /// The least and the most that each bin says.
    pub(crate) fn ends(&self) -> impl Iterator<Item = [f64; 2]> {
        /// Widths of an outer bin that it goes on for: narrow ones would say anything of numbers far away.
        const BEYOND: f64 = 10.0;
        let bins = self.len();
        let of = move |bin| [if bin == 0 { -BEYOND } else { 0.0 }, if bin + 1 == bins { 1.0 + BEYOND } else { 1.0 }];
        (0..bins).map(of)
    }

    /// Whether they can be meant: edges that are finite, ascending and apart, and a reach above 0.
    pub(crate) fn make_sense(&self) -> bool {
        let Self { edges, reach } = self;
        edges.len() != 1
            && edges.iter().all(|edge| edge.is_finite())
            && edges.windows(2).all(|bin| is_bin(bin[0], bin[1]))
            && reach.is_none_or(|reach| reach.is_normal() && reach > 0.0 && !edges.is_empty())
    }

    /// The bins in words.
    pub(crate) fn told(&self, rounded: impl Fn(f64) -> f64) -> Option<String> {
        let [least, .., most] = self.edges[..] else { return None };
        let clipped = if self.reach.is_some() { ", clipped smoothly" } else { "" };
        Some(format!("{clipped}, and {} bins from {} to {}", self.len(), rounded(least), rounded(most)))
    }
}

/// Whether two ends are apart by more than what rounding makes of a number.
fn is_bin(low: f64, high: f64) -> bool {
    let width = high - low;
    width.is_normal() && width > 1e-9 * low.abs().max(high.abs())
}

/// The edges of at most so many bins.
fn edges(numbers: &[f64], bins: usize) -> Vec<f64> {
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
    let above = sorted[(place as usize + 1).min(sorted.len() - 1)];
    // Of the same number nothing else comes by rounding.
    if rest == 0.0 || below == above { below } else { below * (1.0 - rest) + above * rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(edges: &[f64]) -> Bins {
        Bins { edges: edges.to_vec(), reach: None }
    }

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
    fn numbers_that_differ_by_rounding_are_one_edge() {
        // A quarter of them at their end, which no interpolation may take for two.
        for rows in 92..108 {
            let capped: Vec<f64> =
                (0..rows).map(|row| if row % 4 == 0 { 0.83 } else { f64::from(row % 50) / 100.0 }).collect();
            let edges = edges(&capped, 8);
            assert_eq!(edges.last(), Some(&0.83));
            assert!(edges.windows(2).all(|bin| bin[1] - bin[0] > 1e-3), "{rows}: {edges:?}");
        }
        assert_eq!(edges(&[0.3, 0.1 + 0.2, 1.0, 2.0], 8), [0.3, 1.0, 2.0]);
    }

    #[test]
    fn shares_rise_from_bin_to_bin_and_the_outer_ones_go_on() {
        let of = |number| with(&[0.0, 1.0, 3.0, 4.0]).shares(number).collect::<Vec<_>>();
        assert_eq!(of(-5.0), [-5.0, 0.0, 0.0]);
        assert_eq!(of(0.5), [0.5, 0.0, 0.0]);
        assert_eq!(of(1.0), [1.0, 0.0, 0.0]);
        assert_eq!(of(2.5), [1.0, 0.75, 0.0]);
        assert_eq!(of(9.0), [1.0, 1.0, 6.0]);
        assert_eq!([of(-1e30), of(1e30)], [[-10.0, 0.0, 0.0], [1.0, 1.0, 11.0]]);
        assert_eq!(with(&[]).shares(1.0).count(), 0);
    }

    #[test]
    fn clipping_is_undone() {
        let bins = Bins { reach: Some(3.0), ..with(&[0.0, 1.0, 2.0]) };
        assert_eq!(bins.clipped(0.0), 0.0);
        assert_eq!([1e12, 1e200, f64::MAX, -1e300].map(|scaled| bins.clipped(scaled)), [3.0, 3.0, 3.0, -3.0]);
        for scaled in [-20.0, -1.0, 1e-9, 0.3, 7.0] {
            assert!((bins.unclipped(bins.clipped(scaled)) / scaled - 1.0).abs() < 1e-12, "{scaled}");
            assert_eq!(with(&[0.0, 1.0, 2.0]).clipped(scaled), scaled);
        }
    }

    #[test]
    fn numbers_are_clipped_beside_the_bins_of_a_classification_alone() {
        let numbers: Vec<f64> = (0..50).map(f64::from).collect();
        let reach = |most, task| Bins::of(&numbers, most, task).reach;
        assert_eq!([reach(8, Task::Classification), reach(0, Task::Classification)], [Some(3.0), None]);
        assert_eq!(reach(8, Task::Regression), None);
    }

    #[test]
    fn bins_that_make_no_sense_are_none() {
        let make_sense = |edges: &[f64]| with(edges).make_sense();
        assert!(make_sense(&[]) && make_sense(&[0.0, 1.0]));
        assert!(
            !make_sense(&[0.0]) && !make_sense(&[1.0, 1.0]) && !make_sense(&[0.0, f64::NAN]) && !make_sense(&[2.0, 1.0])
        );
        assert!(!make_sense(&[0.0, f64::INFINITY]) && !make_sense(&[f64::MIN, f64::MAX]));
        for reach in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert!(!Bins { reach: Some(reach), ..with(&[0.0, 1.0, 2.0]) }.make_sense());
        }
        assert!(!Bins { reach: Some(3.0), edges: vec![] }.make_sense());
    }
}
