//! The losses of a training as a small picture of braille dots, for a terminal.

use std::fmt::Write;

use crate::page::{ends, figures};
use crate::report::Curve;

/// Lines of the picture, and its characters along a line, at most.
const LINES: usize = 6;
const CHARACTERS: usize = 60;
/// Characters before the picture: the largest and the least loss.
const LABEL: usize = 9;
/// Dots of a character, across and down, and the bit that each has.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
/// Blue for the training loss, yellow for the validation loss, and the end of both.
const COLOURS: [&str; 2] = ["\u{1b}[34m", "\u{1b}[33m"];
const PLAIN: &str = "\u{1b}[0m";

/// Dots by line and character: one number each for training and validation.
type Picture = Vec<Vec<[u8; 2]>>;

/// The picture for a terminal of so many columns, in colours or without; none of fewer than two epochs, or where there is no room.
pub(super) fn picture(curve: &Curve, columns: usize, coloured: bool) -> Option<String> {
    let width = columns.saturating_sub(LABEL + 1).min(CHARACTERS);
    let losses = [curve.points(|epoch| Some(epoch.loss)), curve.points(|epoch| epoch.validation_loss)];
    let (least, largest) = ends(losses.iter().flatten().map(|point| point.1));
    if curve.count() < 2 || width < 10 || !(largest - least).is_finite() {
        return None;
    }
    let by_logarithm = least > 0.0 && largest > 30.0 * least;
    let height = |value: f64| {
        let share = match by_logarithm {
            true => (value / least).ln() / (largest / least).ln(),
            false if largest > least => (value - least) / (largest - least),
            false => 0.5,
        };
        ((1.0 - share) * (4 * LINES - 1) as f64).round() as usize
    };
    let mut picture = vec![vec![[0; 2]; width]; LINES];
    for (which, points) in losses.iter().enumerate() {
        draw(&mut picture, which, points, height, coloured);
    }
    Some(text(&picture, curve, [least, largest], by_logarithm, coloured))
}

/// Draws a line through points; without colours that of the validation loss is dotted.
fn draw(picture: &mut Picture, which: usize, points: &[(f64, f64)], height: impl Fn(f64) -> usize, coloured: bool) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let across = 2 * picture[0].len();
    let mut before = None;
    for x in 0..across {
        let epoch = first.0 + (last.0 - first.0) * x as f64 / (across - 1) as f64;
        let y = height(value_at(points, epoch));
        let from = before.replace(y).unwrap_or(y);
        let dots = if from < y { from + 1..=y } else { y..=(from.max(y + 1) - 1) };
        for dot in dots.filter(|_| coloured || which == 0 || x % 4 == 0) {
            picture[dot / 4][x / 2][which] |= DOTS[x % 2][dot % 4];
        }
    }
}

/// The value at an epoch, between two points in proportion.
fn value_at(points: &[(f64, f64)], epoch: f64) -> f64 {
    let above = points.partition_point(|point| point.0 < epoch).min(points.len() - 1);
    let (from, to) = (points[above.saturating_sub(1)], points[above]);
    if to.0 > from.0 { from.1 + (to.1 - from.1) * ((epoch - from.0) / (to.0 - from.0)).clamp(0.0, 1.0) } else { to.1 }
}

fn text(picture: &Picture, curve: &Curve, [least, largest]: [f64; 2], by_logarithm: bool, coloured: bool) -> String {
    let paint =
        |which: usize, text: &str| if coloured { format!("{}{text}{PLAIN}", COLOURS[which]) } else { text.to_string() };
    let mut lines = String::new();
    for (number, line) in picture.iter().enumerate() {
        let label = match number {
            0 => figures(largest),
            last if last + 1 == LINES => figures(least),
            _ => String::new(),
        };
        let _ = write!(lines, "{label:>LABEL$} ");
        let mut painted = None;
        for [training, validation] in line {
            let wanted = Some(usize::from(*training == 0)).filter(|_| coloured && training | validation > 0);
            if let (true, Some(which)) = (wanted != painted, wanted) {
                lines.push_str(COLOURS[which]);
            }
            painted = wanted.or(painted);
            let blank = training | validation == 0;
            lines.push(if blank { ' ' } else { char::from_u32(0x2800 + u32::from(training | validation)).unwrap_or(' ') });
        }
        lines.truncate(lines.trim_end_matches(' ').len());
        lines.push_str(if painted.is_some() { PLAIN } else { "" });
        lines.push('\n');
    }
    let scale = if by_logarithm { ", logarithmic" } else { "" };
    let _ = write!(lines, "{:LABEL$} loss of {} epochs{scale}: {}", "", curve.count(), paint(0, "training"));
    if picture.iter().flatten().any(|dots| dots[1] > 0) {
        let _ = write!(lines, ", {}", paint(1, if coloured { "validation" } else { "validation (dotted)" }));
    }
    if let Some(best) = curve.best() {
        let _ = write!(lines, "; best: {}", best.epoch);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert!(COLOURS.iter().all(|colour| coloured.contains(colour)), "{coloured}");
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
