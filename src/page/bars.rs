//! Bars beside names and numbers: a table that is a chart.

use std::fmt::Write;

use super::{escaped, named};

/// A row: a bar, its name before it, and numbers behind it.
pub(crate) struct Bar {
    /// What it is, from outside.
    pub name: String,
    /// How long it is, of the whole width: 0 to 1.
    pub share: f64,
    /// What stands behind it, a cell each.
    pub cells: Vec<String>,
}

/// A table of bars in this colour, whose cells have these headers.
pub(crate) fn bars(caption: &str, headers: &[&str], rows: &[Bar], colour: &str) -> String {
    let mut html =
        format!("<div class=\"scroll\"><table class=\"bars\">\n<caption>{}</caption>\n<thead><tr>", escaped(caption));
    for (place, header) in headers.iter().enumerate() {
        // The bar has no header of its own.
        let (class, span) = if place == 0 { ("", " colspan=\"2\"") } else { (" class=\"number\"", "") };
        let _ = write!(html, "<th scope=\"col\"{class}{span}>{}</th>", escaped(header));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for Bar { name, share, cells } in rows {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let _ = write!(
            html,
            "<tr><th scope=\"row\" class=\"long\">{}</th><td class=\"bar\"><div style=\"width:{:.1}%;background:{colour}\"></div></td>",
            named(name),
            100.0 * share
        );
        cells.iter().for_each(|cell| {
            let _ = write!(html, "<td class=\"number\">{}</td>", escaped(cell));
        });
        html.push_str("</tr>\n");
    }
    html + "</tbody>\n</table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_longer_than_the_whole() {
        let row = |share: f64| Bar { name: "<a>".into(), share, cells: vec!["1 & 2".into()] };
        let html = bars("a < b", &["name", "rows"], &[row(0.25), row(7.0), row(f64::NAN), row(-1.0)], "var(--c0)");
        for words in ["&lt;a&gt;", "1 &amp; 2", "a &lt; b", "width:25.0%", "width:100.0%", "width:0.0%"] {
            assert!(html.contains(words), "'{words}' is missing: {html}");
        }
        assert!(!html.contains("NaN") && html.matches("width:0.0%").count() == 2, "{html}");
    }
}
