//! The values that a picture has room for.

use super::ranked::soft;
use crate::page::digits;

/// The range of values that a picture has room for: a few that are far worse than the others would leave these no room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Room {
    edge: Option<f64>,
    lower_is_better: bool,
}

impl Room {
    /// The room that suits values: they reach a little farther than all but the worst twentieth, if some are far beyond.
    pub(super) fn new(values: impl Iterator<Item = f64>, lower_is_better: bool) -> Self {
        /// The fewest values of which some are set apart.
        const FEWEST: usize = 20;
        let sign = if lower_is_better { 1.0 } else { -1.0 };
        let mut worse: Vec<f64> = values.filter(|value| value.is_finite()).map(|value| sign * value).collect();
        worse.sort_by(f64::total_cmp);
        let edge = (worse.len() >= FEWEST).then(|| {
            let (best, worst, most) = (worse[0], worse[worse.len() - 1], worse[worse.len() * 19 / 20]);
            let reach = 1.25 * (most - best);
            (reach > 0.0 && worst - best > 2.0 * reach).then_some(sign * (best + reach))
        });
        Self { edge: edge.flatten(), lower_is_better }
    }

    /// The value, or the edge if it is beyond.
    pub(super) fn within(self, value: f64) -> f64 {
        match self.edge {
            // What is no number stays none.
            Some(edge) if self.is_beyond(value) => edge,
            _ => value,
        }
    }

    fn is_beyond(self, value: f64) -> bool {
        self.edge.is_some_and(|edge| if self.lower_is_better { value > edge } else { value < edge })
    }

    /// What a reader must know of it.
    pub(super) fn note(self, what: &str) -> String {
        self.edge
            .map_or(String::new(), |edge| soft(&format!("{what} worse than {} are drawn there, at the edge.", digits(edge))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_that_are_far_worse_are_drawn_at_the_edge() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(Room::new(values.iter().copied(), true).edge, None);
        values.extend([1e9, f64::NAN]);
        let room = Room::new(values.iter().copied(), true);
        assert_eq!((room.within(1e9), room.within(50.0)), (118.75, 50.0));
        let room = Room::new(values.iter().map(|value| -value), false);
        assert_eq!((room.within(-1e9), room.within(-50.0)), (-118.75, -50.0));
        assert!(room.within(f64::NAN).is_nan() && room.note("Scores").contains("worse than -118.8"));
    }
}
