//! What the HTML pages of `bench` and `report` are made of. A page is one file: nothing is loaded from anywhere, no script is needed, its
//! colours follow the reader's light or dark, and it fits a phone.

mod axis;
mod bars;
mod chart;
mod net;
mod parallel;
mod png;

pub(crate) use axis::{Words, ends};
pub(crate) use bars::{Bar, bars};
pub(crate) use chart::{COLOURS, Chart, Form, NEUTRAL, PALE, PIGMENTS, Rule, Series, Size};
pub(crate) use net::{Edge, MOST_UNITS, Net, Row, Unit, in_circle};
pub(crate) use parallel::{Parallel, Strands};
pub(crate) use png::{base64, grey, tinted};

use crate::error::{printable, shown};

/// Text as it may stand in HTML and SVG, attributes included.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// Text from outside (a column's name, a class) as it may stand in a page: as it would be printed, and escaped.
pub(crate) fn named(text: &str) -> String {
    escaped(&shown(text))
}

/// Text as it may stand in a page, whole, its control characters visible.
pub(crate) fn visible(text: &str) -> String {
    escaped(&printable(text))
}

/// A name within so many characters: its beginning and its end, of which one or the other tells it from others.
pub(crate) fn shortened(name: &str, room: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= room {
        return name.to_owned();
    }
    let kept = room.saturating_sub(1);
    let (first, last) = (kept.div_ceil(2), kept / 2);
    let (beginning, end) = (&characters[..first], &characters[characters.len() - last..]);
    beginning.iter().chain(&['…']).chain(end).collect()
}

/// A number with three significant figures, or all those before the point.
pub(crate) fn figures(value: f64) -> String {
    let scientific = format!("{value:.2e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent) if exponent >= -4 => format!("{value:.*}", (2 - exponent).max(0) as usize),
        _ => scientific,
    }
}

/// A number with at most four significant digits, or all of those before the point up to a million.
pub(crate) fn digits(value: f64) -> String {
    let scientific = format!("{value:.3e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    let plain = match exponent {
        _ if value == 0.0 => return "0".to_owned(),
        Some(exponent) if (-4..6).contains(&exponent) => format!("{value:.*}", (3 - exponent).max(0) as usize),
        Some(exponent) => {
            let mantissa = scientific.split('e').next().unwrap_or_default();
            return format!("{}e{exponent}", trimmed(mantissa));
        }
        None => scientific,
    };
    trimmed(&plain).to_owned()
}

/// A decimal number without zeros at its end that say nothing.
fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

const STYLE: &str = "\
:root { --page: #fff; --ink: #1b1b1b; --soft: #595959; --faint: #d8d8d8; --card: #f4f4f2; --middle: #777; --pale: #a9cbe2; color-scheme: light dark;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #e69f00; --c5: #56b4e9; --c6: #f0e442 }
@media (prefers-color-scheme: dark) { :root { --page: #161616; --ink: #e8e8e8; --soft: #a8a8a8; --faint: #3a3a3a; --card: #212121; --middle: #999; --pale: #37658a;
  --c0: #4ba3e3; --c1: #f07f2e; --c2: #2fc08f; --c3: #dd9bc1; --c4: #f0b23c; --c5: #8fd0f5 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--page); overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem } h3 { font-size: 1rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; margin: .5rem 0 }
caption { text-align: left; font-weight: 600; padding: .2rem 0; min-width: min(22rem, 80vw) }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--faint); text-align: left; white-space: nowrap }
.long { white-space: normal; min-width: 8rem }
.number { text-align: right; font-variant-numeric: tabular-nums } .soft, figcaption, dt { color: var(--soft) }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem }
figure { margin: 1rem 0; min-width: 0 } figcaption { font-size: 13px } figcaption b { color: var(--ink) }
.legend { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 1.2rem; font-size: 13px }
.key { display: inline-block; width: 1.8rem; margin-right: .5rem; vertical-align: middle; border-top: 2.5px solid }
.key.dashed { border-top-style: dashed } .key.mark { width: .6rem; height: .6rem; border: 2px solid; border-radius: 50% }
svg { width: 100%; height: auto; display: block } svg text { font: 13px system-ui, sans-serif; fill: var(--ink) } .grid { stroke: var(--faint) }
.rule { stroke: var(--soft); stroke-dasharray: 2 3 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(max(8.5rem, (100% + .8rem) / var(--across) - .8rem), 1fr)); gap: .8rem; margin: 1rem 0 }
.cards div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem } .cards dd { margin: 0; font-size: 1.25rem; font-weight: 600 }
.facts th { vertical-align: top; font-weight: 400; color: var(--soft) } .facts td { white-space: normal }
.confusion th, .confusion td { text-align: center; padding: .2rem .45rem } .confusion th[scope=row] { text-align: right }
.bars .bar { width: 40%; min-width: 5rem; padding-left: 0 } .bar div { height: .8rem; min-width: 1px; border-radius: 0 2px 2px 0 }
.bars th[scope=row] { font-weight: 400; white-space: normal }
.pixels { max-width: 20rem } .pixels img { width: 14rem; height: auto; image-rendering: pixelated; border: 1px solid var(--faint) }
.command { margin: .5rem 0; white-space: pre-wrap }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 1rem } .images figure { margin: 0 }
.images img { width: 100%; height: auto; aspect-ratio: 1; image-rendering: pixelated; border: 1px solid var(--faint) }
pre { overflow-x: auto; background: var(--card); border-radius: .5rem; padding: .8rem; font-size: 13px; overflow-wrap: normal }
.net { max-width: 34rem } .net circle { stroke: var(--middle) } .net .page { fill: var(--page) } .net .v { font-size: 11px }
.net .n, .net .layer { font-size: 11px; fill: var(--soft) } .net .layer { stroke: var(--page); stroke-width: 4px; paint-order: stroke } .pair { white-space: nowrap } .net .key { width: 1rem; margin: 0 .3rem 0 .8rem }
.parallel { max-width: 34rem } .parallel line { stroke: var(--soft) }
.parallel .halo { stroke: var(--page); stroke-width: 4px; paint-order: stroke }
details { margin: .5rem 0 } summary { cursor: pointer }";

/// A page of this title, which is escaped here, with this body.
pub(crate) fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n\
         </head>\n<body>\n{body}</body>\n</html>\n",
        named(title)
    )
}

/// Characters of a name that is broken in the first column of a table.
const LONG: usize = 24;

/// A table, whose cells are escaped here; the first `text_columns` columns are text, the others numbers, aligned at their right. What
/// is wider than the page is scrolled.
pub(crate) fn table<H: AsRef<str>>(caption: &str, headers: &[H], rows: &[Vec<String>], text_columns: usize) -> String {
    let class = |column: usize| if column < text_columns { "" } else { " class=\"number\"" };
    // A long name is broken, so that a phone shows what stands beside it.
    let class_of = |column: usize, text: &str| match column {
        0 if text.chars().count() > LONG => " class=\"long\"",
        _ => class(column),
    };
    let head = |(column, text): (usize, &H)| format!("<th scope=\"col\"{}>{}</th>", class(column), escaped(text.as_ref()));
    let cell = |(column, text): (usize, &String)| format!("<td{}>{}</td>", class_of(column, text), escaped(text));
    let row = |cells: &Vec<String>| format!("<tr>{}</tr>\n", cells.iter().enumerate().map(cell).collect::<String>());
    let caption = if caption.is_empty() { String::new() } else { format!("<caption>{}</caption>\n", escaped(caption)) };
    format!(
        "<div class=\"scroll\"><table>\n{caption}<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table></div>\n",
        headers.iter().enumerate().map(head).collect::<String>(),
        rows.iter().map(row).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_three_figures() {
        assert_eq!([1.2345, 12.345, 123.45, 1234.4].map(figures), ["1.23", "12.3", "123", "1234"]);
        assert_eq!([0.012345, 0.00307, 0.0001, 1.234e-7].map(figures), ["0.0123", "0.00307", "0.000100", "1.23e-7"]);
        assert_eq!([0.0, 0.9996, 9.996, -0.05].map(figures), ["0.00", "1.00", "10.0", "-0.0500"]);
        assert_eq!([f64::NAN, f64::INFINITY].map(figures), ["NaN", "inf"]);
    }

    #[test]
    fn numbers_have_four_digits_at_most_or_all_those_before_the_point() {
        assert_eq!([1.2, 0.9778, 0.041_699, 33349.4, 1200.0].map(digits), ["1.2", "0.9778", "0.0417", "33349", "1200"]);
        assert_eq!([1_538_907_266.834_916, 2e6, 1.234_56e-5, -0.0].map(digits), ["1.539e9", "2e6", "1.235e-5", "0"]);
        assert_eq!([f64::NAN, f64::INFINITY, -12.345].map(digits), ["NaN", "inf", "-12.35"]);
    }

    #[test]
    fn long_names_keep_their_beginning_and_end() {
        assert_eq!(["pixel_7_4", "pixel", "é…ü", ""].map(|name| shortened(name, 7)), ["pix…7_4", "pixel", "é…ü", ""]);
        assert_eq!((shortened("abc", 1), shortened("abc", 0)), ("…".into(), "…".into()));
    }

    #[test]
    fn what_a_table_holds_is_escaped() {
        let rows = [vec!["<script>".to_string(), "1".to_string()]];
        let html = table("a & b", &["<x>", "n"], &rows, 1);
        assert!(html.contains("<td>&lt;script&gt;</td><td class=\"number\">1</td>") && html.contains("a &amp; b"), "{html}");
        assert!(html.contains("<th scope=\"col\">&lt;x&gt;</th>"), "{html}");
    }

    #[test]
    fn no_text_ends_its_attribute_or_its_element() {
        assert_eq!(escaped("\"'<>&"), "&quot;&#39;&lt;&gt;&amp;");
        assert_eq!(named("\u{202e}<b>"), "\\u{202e}&lt;b&gt;");
    }
}
