//! The losses of a training as a small picture of braille dots, for a terminal.

use crate::braille::{self, Canvas};
use crate::report::Curve;

/// Draws the losses; none if there are fewer than two epochs, or no room.
pub(super) fn picture(curve: &Curve, columns: usize, coloured: bool) -> Option<String> {
    let curves =
        [("training", curve.points(|epoch| Some(epoch.loss))), ("validation", curve.points(|epoch| epoch.validation_loss))];
    let caption = format!("loss of {} epochs", curve.count());
    let picture = braille::picture(&curves, &caption, Canvas { columns, coloured })?;
    let best = curve.best().map_or(String::new(), |best| format!("; best: {}", best.epoch));
    Some(picture + &best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::braille::{COLOURS, LINES, PLAIN};
    use crate::report::Epoch;

    fn curve(losses: &[(f64, Option<f64>)]) -> Curve {
        let mut curve = Curve::default();
        for (index, &(loss, validation_loss)) in losses.iter().enumerate() {
            let metric = "accuracy".to_string();
            let (epoch, learning_rate, validation_metric, seconds) = (index + 1, 0.1, None, 0.0);
            curve.push(Epoch { epoch, learning_rate, loss, validation_loss, validation_metric, metric, seconds });
        }
        curve
    }

    #[test]
    fn a_loss_that_falls_goes_from_the_upper_left_to_the_lower_right() {
        let picture = picture(&curve(&[(2.0, None), (1.0, None)]), 50, false).expect("room");
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines[0].starts_with("     2.00 ⠉") && lines[5].starts_with("     1.00 "), "{picture}");
        assert!(lines[5].ends_with('⣀') && lines[6].ends_with("loss of 2 epochs: training; best: 2"), "{picture}");
        assert!(lines.iter().all(|line| line.chars().count() <= 50), "{picture}");
    }

    #[test]
    fn there_are_escape_codes_only_where_colours_are_wanted() {
        let curve = curve(&[(2.0, Some(2.5)), (1.0, Some(1.5)), (0.01, Some(1.0))]);
        let plain = picture(&curve, 100, false).expect("room");
        assert!(
            !plain.contains('\u{1b}') && plain.contains("validation (dotted)") && plain.contains("logarithmic"),
            "{plain}"
        );
        let coloured = picture(&curve, 100, true).expect("room");
        assert!(COLOURS[..2].iter().all(|colour| coloured.contains(colour)), "{coloured}");
        assert!(coloured.lines().all(|line| line.contains(PLAIN)), "the colours of each line end: {coloured}");
    }

    #[test]
    fn one_epoch_a_narrow_terminal_and_no_epoch_have_no_picture() {
        assert_eq!(picture(&curve(&[(1.0, None)]), 80, true), None);
        assert_eq!(picture(&curve(&[(1.0, None), (0.5, None)]), 15, true), None);
        assert_eq!(picture(&Curve::default(), 80, true), None);
        assert!(picture(&curve(&[(1.0, None), (1.0, None)]), 80, true).is_some(), "a loss that stays");
    }
}
