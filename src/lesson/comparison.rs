//! Numbers held against what is known of them: the published digits, and numpy's result in full.

use serde::Serialize;

/// One set of computed numbers beside what it should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What the numbers are.
    pub name: &'static str,
    /// The numbers as the program is known to print them; null where none is published.
    pub published: Vec<Option<f64>>,
    /// What numpy 2.4.6 computes for the same program, in f64.
    pub reference: Vec<f64>,
    /// What was computed here.
    pub computed: Vec<f64>,
    /// The largest difference between `computed` and `reference`.
    pub largest_difference: f64,
    /// How large it may be.
    pub tolerance: f64,
    /// Whether it is not larger, and every published digit is met as well: to half a unit of its last place, and the
    /// tolerance.
    pub agrees: bool,
}

impl Comparison {
    /// Compares. `published` has the printed numbers as text, so that their last place is known: `-` where there is none,
    /// `0.24…` where digits were cut off rather than rounded, nothing at all where nothing is published.
    pub(super) fn new(name: &'static str, published: &str, reference: &[f64], computed: &[f64], tolerance: f64) -> Self {
        let mut digits: Vec<Option<(f64, f64)>> = published.split_whitespace().map(parse).collect();
        if digits.is_empty() {
            digits.resize(reference.len(), None);
        }
        assert!(digits.len() == reference.len() && computed.len() == reference.len(), "{name}: the counts differ");
        let largest_difference = computed
            .iter()
            .zip(reference)
            .map(|(computed, reference)| (computed - reference).abs())
            .max_by(f64::total_cmp) // NaN is the largest of all
            .expect("something is compared");
        let digits_met = computed.iter().zip(&digits).all(|(computed, digits)| {
            digits.is_none_or(|(printed, place)| (computed - printed).abs() <= place * (1.0 + 1e-6) + tolerance)
        });
        Self {
            name,
            published: digits.into_iter().map(|digits| digits.map(|(printed, _)| printed)).collect(),
            reference: reference.to_vec(),
            computed: computed.to_vec(),
            largest_difference,
            tolerance,
            agrees: largest_difference <= tolerance && digits_met,
        }
    }

    /// Whether any number of it is published.
    pub fn is_published(&self) -> bool {
        self.published.iter().any(Option::is_some)
    }
}

/// A printed number and how far from it the exact one can be.
fn parse(text: &str) -> Option<(f64, f64)> {
    if text == "-" {
        return None;
    }
    let cut = text.ends_with('…');
    let text = text.trim_end_matches('…');
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let exponent: i32 = exponent.parse().expect("a printed number's exponent");
    let place = 10_f64.powi(exponent - decimals as i32);
    Some((text.parse().expect("a printed number"), if cut { place } else { 0.5 * place }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_number_knows_its_last_place() {
        let is = |text: &str, value: f64, place: f64| {
            let (found, found_place) = parse(text).expect("a number");
            assert!(found == value && (found_place / place - 1.0).abs() < 1e-12, "{text}: {found}, {found_place}");
        };
        is("0.0165263", 0.0165263, 0.5e-7);
        is("-4.62963669", -4.629_636_69, 0.5e-8);
        is("3.2669e-07", 3.2669e-7, 0.5e-11);
        is("0.2404…", 0.2404, 1e-4);
        is("29", 29.0, 0.5);
        assert!(parse("-").is_none());
    }

    #[test]
    fn one_altered_number_does_not_agree() {
        let compare = |computed: &[f64]| Comparison::new("x", "0.25 -", &[0.2512, 3.0], computed, 1e-3);
        assert!(compare(&[0.2512, 3.0005]).agrees);
        assert!(!compare(&[0.2512, 3.0015]).agrees);
        assert!(!compare(&[0.2585, 3.0]).agrees);
    }

    #[test]
    fn a_published_digit_that_is_missed_does_not_agree() {
        assert!(!Comparison::new("x", "0.26", &[0.2512], &[0.2512], 1e-9).agrees);
        assert!(Comparison::new("x", "0.251…", &[0.2519], &[0.2519], 1e-9).agrees);
    }

    #[test]
    fn nan_does_not_agree() {
        let published = Comparison::new("x", "0.25 1.0", &[0.25, 1.0], &[f64::NAN, 1.0], 1e9);
        assert!(!published.agrees && published.largest_difference.is_nan());
        assert!(!Comparison::new("x", "", &[0.25, 1.0], &[0.25, f64::NAN], 1e9).agrees);
        assert!(!Comparison::new("x", "", &[0.25], &[f64::INFINITY], 1e9).agrees);
    }
}
