//! How the tables of measurements say times and shares, and these tables as HTML.

use super::statistics::Statistics;
use crate::columns::Table;
use crate::page::{self, figures};

/// A table as HTML.
pub(super) fn html(table: &Table) -> String {
    let headers: Vec<&str> = table.headers.iter().map(String::as_str).collect();
    page::table("", &headers, &table.rows, table.text_columns)
}

/// Seconds in the unit that people read them in.
pub(super) fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", figures(value))
}

/// A median and half the distance of the quartiles.
pub(super) fn spread(statistics: &Statistics) -> String {
    format!("{} ± {}", seconds(statistics.median), percent(statistics.spread() / 2.0))
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", figures(100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped() {
        let table = Table::new(&["name", "n"], vec![vec!["<c>".into(), "22.5".into()]], 1);
        assert!(html(&table).contains("<td>&lt;c&gt;</td><td class=\"number\">22.5</td>"));
    }

    #[test]
    fn times_are_said_in_their_unit() {
        let said = [2e-9, 3.5e-6, 0.25, 12.0].map(seconds);
        assert_eq!(said, ["2.00 ns", "3.50 µs", "250 ms", "12.0 s"]);
    }
}
