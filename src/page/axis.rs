//! An axis of a chart: where a value lies, and the round values that are written beside it.

use super::{figures, shortened};

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// In proportion to themselves.
    Linear,
    /// In proportion to their logarithms: all are above zero.
    Logarithmic,
}

/// What stands along an axis, and how values lie on it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Words {
    /// What it measures.
    pub label: String,
    /// How values lie along it.
    pub scale: Scale,
    /// Its ends; without, those of the values with a little room.
    pub range: Option<(f64, f64)>,
    /// What stands at 0, 1, 2 and so on of an axis of names; of others nothing.
    pub names: Vec<String>,
}

impl Words {
    /// An axis in proportion to its values.
    pub(crate) fn linear(label: &str) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None, names: Vec::new() }
    }

    /// An axis in proportion to the values' logarithms.
    pub(crate) fn logarithmic(label: &str) -> Self {
        Self { label: label.into(), scale: Scale::Logarithmic, range: None, names: Vec::new() }
    }

    /// An axis of names, the first at 0, the next at 1.
    pub(crate) fn of_names(label: &str, names: Vec<String>) -> Self {
        let range = Some((-0.5, names.len().max(1) as f64 - 0.5));
        Self { label: label.into(), scale: Scale::Linear, range, names }
    }

    /// An axis of this scale that suits values: by their logarithms, where all are above zero and far from each other.
    pub(crate) fn suiting(label: &str, values: impl Iterator<Item = f64>) -> Self {
        let (least, largest) = ends(drawable(values));
        if least > 0.0 && largest > 30.0 * least { Self::logarithmic(label) } else { Self::linear(label) }
    }

    /// The same axis from here to there.
    pub(crate) fn over(self, from: f64, to: f64) -> Self {
        Self { range: Some((from, to)), ..self }
    }
}

/// An axis from its least to its largest value, onto pixels.
pub(crate) struct Axis {
    pub(super) scale: Scale,
    pub(super) least: f64,
    pub(super) largest: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) names: Vec<String>,
}

/// The width of a character of a label, about, and the room between two labels.
const CHARACTER: f64 = 7.0;
const GAP: f64 = 6.0;

impl Axis {
    /// What is said of a value: the name that it is next to, or the number.
    pub(super) fn said(&self, value: f64) -> String {
        let name = self.names.get(value.round().max(0.0) as usize);
        name.map_or_else(|| figures(value), Clone::clone)
    }

    /// The axis of some values onto these pixels.
    pub(super) fn new(words: &Words, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let scale = words.scale;
        let (least, largest) = words.range.unwrap_or_else(|| {
            let (least, largest) = ends(drawable(values));
            match scale {
                Scale::Logarithmic if least <= largest => (least / 1.4, largest * 1.4),
                Scale::Logarithmic => (1.0 / 1.4, 14.0),
                Scale::Linear if least < largest => {
                    let room = 0.04 * (largest - least);
                    (least - room, largest + room)
                }
                Scale::Linear if least == largest => {
                    let room = (0.1 * least.abs()).max(0.5);
                    (least - room, largest + room)
                }
                Scale::Linear => (0.0, 1.0),
            }
        });
        Self { scale, least, largest, from, to, names: words.names.clone() }
    }

    pub(super) fn pixel(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.least) / (self.largest - self.least),
            Scale::Logarithmic => (value / self.least).ln() / (self.largest / self.least).ln(),
        };
        self.from + share * (self.to - self.from)
    }

    /// Round values on the axis, and how they are written.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            _ if !self.names.is_empty() => self.name_ticks(),
            Scale::Linear => self.linear_ticks(),
            Scale::Logarithmic => self.logarithmic_ticks().into_iter().map(|tick| (tick, short(tick))).collect(),
        }
    }

    /// The values of an axis from left to right, so few that their labels do not touch: of a logarithmic axis powers of ten,
    /// if others have no room.
    pub(super) fn ticks_across(&self) -> Vec<(f64, String)> {
        let mut ticks = self.ticks();
        if self.scale == Scale::Logarithmic && !self.have_room(&ticks, 1) {
            let is_power = |tick: &(f64, String)| (tick.0.log10() - tick.0.log10().round()).abs() < 1e-9;
            let powers: Vec<(f64, String)> = ticks.iter().filter(|tick| is_power(tick)).cloned().collect();
            ticks = if powers.len() > 1 { powers } else { ticks };
        }
        let apart = (1..ticks.len()).find(|&apart| self.have_room(&ticks, apart)).unwrap_or_else(|| ticks.len().max(1));
        ticks.into_iter().step_by(apart).collect()
    }

    /// Whether the labels of these ticks, or of some evenly taken, stand beside each other without touching.
    fn have_room(&self, ticks: &[(f64, String)], apart: usize) -> bool {
        let width = |label: &str| CHARACTER * label.chars().count() as f64;
        let some: Vec<&(f64, String)> = ticks.iter().step_by(apart).collect();
        some.windows(2).all(|pair| {
            let room = (self.pixel(pair[1].0) - self.pixel(pair[0].0)).abs();
            room >= f64::midpoint(width(&pair[0].1), width(&pair[1].1)) + GAP
        })
    }

    /// The names, shortened to the room that each has, or to a few characters where there are many.
    fn name_ticks(&self) -> Vec<(f64, String)> {
        let each = (self.to - self.from).abs() / self.names.len() as f64;
        let room = (((each - GAP) / CHARACTER) as usize).max(8);
        self.names.iter().enumerate().map(|(place, name)| (place as f64, shortened(name, room))).collect()
    }

    /// Multiples of one, two or five times a power of ten, about five of them.
    fn linear_ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.largest - self.least) / 5.0;
        let power = 10.0_f64.powi(rough.log10().floor() as i32);
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|&step| step >= rough).unwrap_or(power);
        let (first, last) = ((self.least / step).ceil(), (self.largest / step).floor());
        // Where the step is lost in the rounding of such large values there is nothing to write.
        if !(step.is_normal() && (last - first) < 20.0 && last.abs() < 1e15 && first.abs() < 1e15) {
            return Vec::new();
        }
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let written = |tick: f64| match tick.abs().max(step) {
            large if large >= 1e4 => short(tick),
            _ if step < 1e-4 => format!("{tick:.1e}"),
            _ => format!("{tick:.decimals$}"),
        };
        (first as i64..=last as i64).map(|count| count as f64 * step).map(|tick| (tick, written(tick))).collect()
    }

    /// Powers of ten, and twice and five times them where there are few.
    fn logarithmic_ticks(&self) -> Vec<f64> {
        let decades = (self.largest / self.least).log10();
        let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let apart = (decades / 8.0).ceil().max(1.0) as i32;
        let exponents = self.least.log10().floor() as i32..=self.largest.log10().ceil() as i32;
        exponents
            .filter(|exponent| exponent % apart == 0)
            .flat_map(|exponent| steps.iter().map(move |step| step * 10.0_f64.powi(exponent)))
            .filter(|tick| (self.least..=self.largest).contains(tick))
            .collect()
    }
}

/// The values without those that no picture can hold.
fn drawable(values: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    values.filter(|value| value.abs() <= 1e300)
}

/// The least and the largest of some values; infinite the wrong way round where there are none.
pub(crate) fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, largest), value| (least.min(value), largest.max(value)))
}

/// A round number in few characters.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e15 => format!("{value:.0e}"),
        size if size >= 1e9 => format!("{}G", value / 1e9),
        size if size >= 1e6 => format!("{}M", value / 1e6),
        size if size >= 1e4 => format!("{}k", value / 1e3),
        size if size >= 1.0 || size == 0.0 => format!("{value}"),
        size if size < 1e-4 => format!("{value:.0e}"),
        _ => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: Scale, least: f64, largest: f64) -> Axis {
        Axis { scale, least, largest, from: 0.0, to: 200.0, names: Vec::new() }
    }

    fn written(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn logarithmic_axes_have_round_ticks() {
        let two_decades = axis(Scale::Logarithmic, 1.0, 100.0);
        assert!((two_decades.pixel(10.0) - 100.0).abs() < 1e-9);
        assert_eq!(written(&two_decades), ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(axis(Scale::Logarithmic, 1.0, 1e5).ticks().len(), 6);
        assert_eq!(
            written(&axis(Scale::Logarithmic, 1e-6, 1e-3)),
            ["1e-6", "2e-6", "5e-6", "1e-5", "2e-5", "5e-5", "0.0001", "0.0002", "0.0005", "0.001"]
        );
    }

    #[test]
    fn linear_axes_have_about_five_round_ticks() {
        assert_eq!(written(&axis(Scale::Linear, 0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(written(&axis(Scale::Linear, -1.0, 49.0)), ["0", "10", "20", "30", "40"]);
        assert_eq!(written(&axis(Scale::Linear, 0.0, 1e5)), ["0", "20k", "40k", "60k", "80k", "100k"]);
        assert!((axis(Scale::Linear, 0.0, 1.0).pixel(0.25) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn labels_beside_each_other_do_not_touch() {
        let across = |axis: &Axis| axis.ticks_across().into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(across(&axis(Scale::Logarithmic, 1.0, 100.0)), ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(across(&axis(Scale::Logarithmic, 1e-5, 1e-2)), ["1e-5", "0.0001", "0.001", "0.01"]);
        assert_eq!(across(&axis(Scale::Linear, 0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let long = Axis { to: 100.0, ..axis(Scale::Linear, 0.0, 1.0) };
        assert_eq!(across(&long), ["0.0", "0.4", "0.8"]);
    }

    #[test]
    fn names_have_places_of_their_own() {
        let of = |names: &[&str]| {
            let words = Words::of_names("x", names.iter().map(|name| (*name).to_owned()).collect());
            Axis::new(&words, std::iter::empty(), 0.0, 200.0)
        };
        let two = of(&["sgd", "a-name-that-is-very-long"]);
        assert_eq!(two.ticks_across(), [(0.0, "sgd".to_owned()), (1.0, "a-name…y-long".to_owned())]);
        assert_eq!([two.pixel(0.0), two.pixel(1.0)], [50.0, 150.0]);
        assert_eq!([two.said(-0.2), two.said(1.3)], ["sgd", "a-name-that-is-very-long"]);
        let many = of(&["a-name-as-others"; 40]);
        assert!((2..5).contains(&many.ticks_across().len()));
    }

    #[test]
    fn no_values_and_equal_values_make_an_axis_all_the_same() {
        for (words, values) in [
            (Words::linear("x"), vec![]),
            (Words::linear("x"), vec![3.0; 4]),
            (Words::logarithmic("x"), vec![]),
            (Words::logarithmic("x"), vec![2.0]),
            (Words::linear("x"), vec![f64::NAN, f64::INFINITY]),
            (Words::linear("x"), vec![1e300, 1e300]),
        ] {
            let axis = Axis::new(&words, values.iter().copied(), 0.0, 100.0);
            assert!(axis.pixel(axis.least).is_finite() && axis.ticks().len() < 20, "{words:?}, {values:?}");
        }
    }

    #[test]
    fn only_values_far_apart_above_zero_are_shown_by_their_logarithms() {
        let scale = |values: &[f64]| Words::suiting("loss", values.iter().copied()).scale;
        assert_eq!(scale(&[0.01, 1.0]), Scale::Logarithmic);
        assert_eq!([scale(&[0.5, 1.0]), scale(&[0.0, 100.0]), scale(&[])], [Scale::Linear; 3]);
    }
}
