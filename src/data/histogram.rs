//! How many numbers lie in each part of their range. Numbers that lie on a grid, such as whole ones, are counted in parts of as many of
//! its places, a place each where these are few, so that no part is fuller or emptier than another because of where its edges lie.

use serde::Serialize;

/// Places that have a part each, at most.
const FEW: u64 = 17;
/// Parts of a range with more.
const PARTS: usize = 8;

/// Numbers, counted by where they lie in their range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// How many lie in each part.
    #[serde(rename = "histogram")]
    pub counts: Vec<usize>,
    /// Where each part begins, and where the last one ends: a number on an edge lies in the part that begins there, and the largest of
    /// all in the last part.
    #[serde(rename = "histogram_edges")]
    pub edges: Vec<f64>,
    /// The share of the last part that lies within the range.
    #[serde(skip)]
    last: f64,
}

/// Numbers of a range, and what is known of where they can lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Places {
    /// Anywhere in between.
    Any {
        /// The least number.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// On a grid: `first` / `scale`, and `count` places in all, each `step` / `scale` further.
    Grid {
        /// The least number, times `scale`.
        first: i64,
        /// From place to place, times `scale`.
        step: i64,
        /// How many places there are.
        count: u64,
        /// A power of ten.
        scale: f64,
    },
}

impl Places {
    /// Where numbers lie, given as often as it takes; none where there are none, or all are the same.
    pub(super) fn of<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> Option<Self> {
        let (min, max) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), number| (a.min(number), b.max(number)));
        if min >= max || !(max - min).is_finite() {
            return None;
        }
        let grid = [1.0, 10.0, 100.0, 1000.0].into_iter().find_map(|scale| {
            let whole = |number: f64| whole(number, scale);
            let first = whole(min)?;
            let step = numbers().try_fold(0, |step, number| Some(greatest_divisor(step, whole(number)? - first)))?;
            let count = (whole(max)? - first) as u64 / step as u64 + 1;
            Some(Self::Grid { first, step, count, scale })
        });
        Some(grid.unwrap_or(Self::Any { min, max }))
    }

    /// The number of parts, and how many places each has where they lie on a grid.
    fn parts(self) -> (usize, u64) {
        match self {
            Self::Any { .. } => (PARTS, 1),
            Self::Grid { count, .. } => {
                let places = if count <= FEW { 1 } else { count.div_ceil(PARTS as u64) };
                (count.div_ceil(places) as usize, places)
            }
        }
    }

    /// Counts such numbers.
    pub(super) fn count(self, numbers: impl Iterator<Item = f64>) -> Histogram {
        let (parts, places) = self.parts();
        let mut counts = vec![0; parts];
        for number in numbers {
            let part = match self {
                Self::Any { min, max } => ((number - min) / (max - min) * parts as f64) as usize,
                Self::Grid { first, step, scale, .. } => {
                    let place = ((number * scale).round() as i64 - first) / step;
                    (place as u64 / places) as usize
                }
            };
            counts[part.min(parts - 1)] += 1;
        }
        let edge = |part: usize| match self {
            Self::Any { max, .. } if part == parts => max,
            Self::Any { min, max } => min + (max - min) * part as f64 / parts as f64,
            Self::Grid { first, step, scale, .. } => (first as f64 + part as f64 * places as f64 * step as f64) / scale,
        };
        let last = match self {
            Self::Any { .. } => 1.0,
            Self::Grid { count, .. } => (count - (parts as u64 - 1) * places) as f64 / places as f64,
        };
        Histogram { counts, edges: (0..=parts).map(edge).collect(), last }
    }
}

/// A number as so many parts of 1, if it is a whole number of them.
fn whole(number: f64, scale: f64) -> Option<i64> {
    const MOST: f64 = (1_u64 << 52) as f64;
    let parts = (number * scale).round();
    (parts.abs() < MOST && parts / scale == number).then_some(parts as i64)
}

/// The greatest number that divides both; 0 for 0 and 0.
fn greatest_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// How a histogram is drawn: one character a part, from nothing to the fullest part's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bars {
    /// Block characters.
    Blocks,
    /// ASCII, where others may not be shown.
    Plain,
}

impl Histogram {
    /// A character a part. A part that goes on beyond the range is drawn as full as the rest of it is.
    pub(super) fn drawn(&self, bars: Bars) -> String {
        let levels = match bars {
            Bars::Blocks => [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Bars::Plain => [' ', '.', ':', '-', '=', '+', '*', '#', '@'],
        };
        let mut heights: Vec<f64> = self.counts.iter().map(|&count| count as f64).collect();
        heights.iter_mut().last().into_iter().for_each(|height| *height /= self.last);
        let most = heights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        heights.iter().map(|height| levels[(height / most * (levels.len() - 1) as f64).ceil() as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> Histogram {
        Places::of(|| numbers.iter().copied()).expect("numbers that differ").count(numbers.iter().copied())
    }

    fn drawn(numbers: impl IntoIterator<Item = f64>) -> String {
        of(&numbers.into_iter().collect::<Vec<_>>()).drawn(Bars::Blocks)
    }

    /// So many whole numbers, each as often.
    fn uniform(count: i32) -> impl Iterator<Item = f64> {
        (0..3 * count).map(move |number| f64::from(number % count))
    }

    #[test]
    fn numbers_that_are_equally_frequent_look_so_however_many_there_are() {
        for count in 2..=200 {
            let drawn = drawn(uniform(count));
            assert!(drawn.chars().all(|bar| bar == '█'), "{count}: {drawn}");
            assert_eq!(drawn.chars().count(), if count <= 17 { count as usize } else { drawn.chars().count().clamp(6, 8) });
        }
        for step in [0.5, 0.1, 0.25, 100.0, 0.001] {
            let numbers: Vec<f64> = (0..60).map(|number| f64::from(number % 6 + 3) * 1000.0 * step / 1000.0).collect();
            assert_eq!(drawn(numbers), "██████", "{step}");
        }
        let thirds = (0..80).map(|number| f64::from(number) / 3.0);
        assert_eq!(drawn(thirds), "████████");
    }

    #[test]
    fn a_number_that_is_absent_leaves_its_gap() {
        assert_eq!(drawn([0.0, 1.0, 3.0, 4.0]), "██ ██");
        assert_eq!(drawn([0.0, 1000.0]), "██", "there are no other places");
        assert_eq!(of(&[2.0, 2.0, 4.0, 6.0]).drawn(Bars::Plain), "@==");
    }

    #[test]
    fn every_number_is_counted_between_the_edges_that_are_given() {
        let squares: Vec<f64> = (0..90).map(|row| f64::from(row * row) / 100.0).collect();
        for numbers in [squares, uniform(37).collect(), uniform(5).collect(), (1..50).map(|n| f64::from(n).sqrt()).collect()]
        {
            let Histogram { counts, edges, .. } = of(&numbers);
            assert_eq!((counts.iter().sum::<usize>(), edges.len()), (numbers.len(), counts.len() + 1));
            assert!(edges.is_sorted_by(|a, b| a < b), "{edges:?}");
            for (part, &count) in counts.iter().enumerate() {
                let is_last = part + 1 == counts.len();
                let is_in = |number: &&f64| {
                    (edges[part]..edges[part + 1]).contains(*number) || is_last && **number == edges[part + 1]
                };
                assert_eq!(numbers.iter().filter(is_in).count(), count, "{edges:?}");
            }
        }
    }

    #[test]
    fn whole_numbers_have_parts_of_whole_widths() {
        assert_eq!(of(&uniform(5).collect::<Vec<_>>()).edges, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(of(&uniform(37).collect::<Vec<_>>()).edges, [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]);
        assert_eq!(of(&[0.1, 0.2, 0.4]).edges, [0.1, 0.2, 0.3, 0.4, 0.5]);
    }

    #[test]
    fn what_is_the_same_or_too_far_apart_has_no_histogram() {
        let places = |numbers: &[f64]| Places::of(|| numbers.iter().copied());
        assert_eq!([places(&[]), places(&[3.0, 3.0]), places(&[f64::MIN, f64::MAX])], [None; 3]);
        assert!(matches!(places(&[1e300, 2e300]), Some(Places::Any { .. })));
    }
}
