//! Curves as a small picture of braille dots, for a terminal.

use std::fmt::Write;

use crate::page::{ends, figures};

/// Lines of the picture, and its characters along a line, at most.
pub(crate) const LINES: usize = 6;
const CHARACTERS: usize = 60;
/// Characters before the picture: the largest and the least value.
const LABEL: usize = 9;
/// Dots of a character, across and down, and the bit that each has.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
/// The most curves of a picture.
const MOST: usize = 4;
/// Blue, yellow, green and magenta, and the end of them.
pub(crate) const COLOURS: [&str; MOST] = ["\u{1b}[34m", "\u{1b}[33m", "\u{1b}[32m", "\u{1b}[35m"];
pub(crate) const PLAIN: &str = "\u{1b}[0m";
/// Without colours: how many dot columns of a pattern each curve fills, how wide its pattern is, and what the legend calls it.
const PATTERNS: [(usize, usize, &str); MOST] = [(1, 1, ""), (1, 4, " (dotted)"), (5, 8, " (dashed)"), (2, 10, " (sparse)")];

/// A curve: its name, and its points from left to right.
pub(crate) type Curve<'a> = (&'a str, Vec<(f64, f64)>);

/// Where a picture is drawn: so many columns, in colours or without.
#[derive(Debug, Clone, Copy)]
pub struct Canvas {
    /// Characters of a line.
    pub columns: usize,
    /// Whether there may be colours.
    pub coloured: bool,
}

/// Dots by line and character: one number for each curve.
type Picture = Vec<Vec<[u8; MOST]>>;

/// The picture of at most four curves, and below it what it shows and what each curve is called; none where there is no
/// room, or no more than one point.
pub(crate) fn picture(curves: &[Curve<'_>], caption: &str, canvas: Canvas) -> Option<String> {
    let Canvas { columns, coloured } = canvas;
    let width = columns.saturating_sub(LABEL + 1).min(CHARACTERS);
    let (least, largest) = ends(curves.iter().flat_map(|curve| &curve.1).map(|point| point.1));
    if curves.iter().all(|curve| curve.1.len() < 2) || width < 10 || !(largest - least).is_finite() {
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
    let mut picture = vec![vec![[0; MOST]; width]; LINES];
    for (which, (_, points)) in curves.iter().enumerate().take(MOST) {
        draw(&mut picture, which, points, height, coloured);
    }
    let scale = if by_logarithm { ", logarithmic" } else { "" };
    let drawn = curves.iter().enumerate().take(MOST).filter(|(_, curve)| !curve.1.is_empty());
    let names = drawn.map(|(which, (name, _))| {
        let plain = format!("{name}{}", if coloured { "" } else { PATTERNS[which].2 });
        let painted = if coloured { format!("{}{plain}{PLAIN}", COLOURS[which]) } else { plain.clone() };
        (painted, plain.chars().count())
    });
    let legend = legend(format!("{caption}{scale}:"), &names.collect::<Vec<_>>(), columns);
    Some(lines(&picture, [least, largest], coloured) + &legend)
}

/// What the picture shows, and the names of its curves with their widths, in lines of so many columns.
fn legend(mut text: String, names: &[(String, usize)], columns: usize) -> String {
    let mut length = LABEL + 1 + text.chars().count();
    text.insert_str(0, &" ".repeat(LABEL + 1));
    for (place, (name, width)) in names.iter().enumerate() {
        let comma = if place + 1 < names.len() { "," } else { "" };
        if length + 1 + width + comma.len() > columns {
            text.push('\n');
            text.push_str(&" ".repeat(LABEL));
            length = LABEL;
        }
        let _ = write!(text, " {name}{comma}");
        length += 1 + width + comma.len();
    }
    text
}

/// Draws a line through points; without colours only some columns of it.
fn draw(picture: &mut Picture, which: usize, points: &[(f64, f64)], height: impl Fn(f64) -> usize, coloured: bool) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let across = 2 * picture[0].len();
    let (drawn, of, _) = PATTERNS[which];
    let mut before = None;
    for column in 0..across {
        let x = first.0 + (last.0 - first.0) * column as f64 / (across - 1) as f64;
        let y = height(value_at(points, x));
        let from = before.replace(y).unwrap_or(y);
        let dots = if from < y { from + 1..=y } else { y..=(from.max(y + 1) - 1) };
        for dot in dots.filter(|_| coloured || column % of < drawn) {
            picture[dot / 4][column / 2][which] |= DOTS[column % 2][dot % 4];
        }
    }
}

/// The value at this x, between two points in proportion.
fn value_at(points: &[(f64, f64)], x: f64) -> f64 {
    let above = points.partition_point(|point| point.0 < x).min(points.len() - 1);
    let (from, to) = (points[above.saturating_sub(1)], points[above]);
    if to.0 > from.0 { from.1 + (to.1 - from.1) * ((x - from.0) / (to.0 - from.0)).clamp(0.0, 1.0) } else { to.1 }
}

fn lines(picture: &Picture, [least, largest]: [f64; 2], coloured: bool) -> String {
    let mut lines = String::new();
    for (number, line) in picture.iter().enumerate() {
        let label = match number {
            0 => figures(largest),
            last if last + 1 == LINES => figures(least),
            _ => String::new(),
        };
        let _ = write!(lines, "{label:>LABEL$} ");
        let mut painted = None;
        for dots in line {
            let wanted = dots.iter().position(|&dots| dots > 0).filter(|_| coloured);
            if let (true, Some(which)) = (wanted != painted, wanted) {
                lines.push_str(COLOURS[which]);
            }
            painted = wanted.or(painted);
            let all = dots.iter().fold(0, |all, dots| all | dots);
            lines.push(if all == 0 { ' ' } else { char::from_u32(0x2800 + u32::from(all)).unwrap_or(' ') });
        }
        lines.truncate(lines.trim_end_matches(' ').len());
        lines.push_str(if painted.is_some() { PLAIN } else { "" });
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_curves_are_told_apart_by_their_colours_or_without_any_by_their_lines() {
        let names = ["a", "b", "c", "d"];
        let curve = |(name, height): (&'static str, f64)| (name, vec![(0.0, height), (1.0, height)]);
        let curves: Vec<Curve<'_>> = names.into_iter().zip([4.0, 3.0, 2.0, 1.0]).map(curve).collect();
        let plain = picture(&curves, "height", Canvas { columns: 60, coloured: false }).expect("room");
        assert!(plain.ends_with("height: a, b (dotted), c (dashed), d (sparse)") && !plain.contains('\u{1b}'), "{plain}");
        let narrow = picture(&curves, "height", Canvas { columns: 36, coloured: false }).expect("room");
        assert!(narrow.ends_with("height: a, b (dotted),\n          c (dashed), d (sparse)"), "{narrow}");
        let dots = |line: usize| plain.lines().nth(line).expect("a line").chars().filter(|dots| *dots > '\u{2800}').count();
        assert!(dots(0) > dots(3) && dots(3) > dots(1).min(dots(5)), "{plain}");
        let coloured = picture(&curves, "height", Canvas { columns: 60, coloured: true }).expect("room");
        assert!(COLOURS.iter().all(|colour| coloured.matches(colour).count() == 2), "{coloured}");
    }
}
