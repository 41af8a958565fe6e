//! How numbers are written in a file of text: what parts their decimals, and what groups their digits.

use std::borrow::Cow;
use std::sync::Arc;

use csv_core::ReadFieldResult;

use serde::{Deserialize, Serialize};

use crate::data::MissingValues;
use crate::error::{flagged, shown};

/// What stands before a number's decimals, between groups of three digits, and before or after the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Numerals {
    /// A point, or a comma.
    pub decimal: u8,
    /// A comma, a point, an apostrophe, an underscore or a space, which stands for unbreakable ones too; none = digits are not grouped.
    pub thousands: Option<u8>,
    /// What may stand before or after a number and says nothing of its size: `$`, `%`, `kg`.
    pub units: Arc<[String]>,
}

/// The same as a model's metadata have it.
#[derive(Serialize, Deserialize)]
struct Stored {
    decimal: char,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thousands: Option<char>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    units: Vec<String>,
}

impl From<Numerals> for Stored {
    fn from(Numerals { decimal, thousands, units }: Numerals) -> Self {
        Self { decimal: decimal.into(), thousands: thousands.map(char::from), units: units.to_vec() }
    }
}

impl From<Stored> for Numerals {
    fn from(Stored { decimal, thousands, units }: Stored) -> Self {
        let sign = |sign: char| u8::try_from(sign).ok();
        Self { decimal: sign(decimal).unwrap_or(b'.'), thousands: thousands.and_then(sign), units: units.into() }
    }
}

impl Default for Numerals {
    fn default() -> Self {
        Self { decimal: b'.', thousands: None, units: Arc::default() }
    }
}

/// Bytes of a file in which its way to write numbers is looked for.
const LOOKED_AT: usize = 1 << 16;

impl Numerals {
    /// Whether numbers are written as in programs.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The number that a cell is.
    pub fn parse(&self, cell: &str) -> Option<f64> {
        let cell = self.without_unit(cell);
        if self.decimal == b'.' && self.thousands.is_none() {
            return cell.parse().ok();
        }
        self.plain(&cell)?.parse().ok()
    }

    /// A cell without the unit that stands after its number, or before it and perhaps after its sign.
    fn without_unit<'a>(&self, cell: &'a str) -> Cow<'a, str> {
        let (sign, unsigned) = cell.split_at(usize::from(cell.starts_with(['-', '+'])));
        for unit in self.units.iter() {
            if let Some(number) = cell.strip_suffix(unit.as_str()) {
                return number.trim_end().into();
            }
            if let Some(number) = unsigned.strip_prefix(unit.as_str()) {
                let number = number.trim_start();
                return if sign.is_empty() { number.into() } else { (sign.to_owned() + number).into() };
            }
        }
        cell.into()
    }

    /// The flags with which all of these cells are numbers, though they are not with these.
    pub(in crate::data) fn other_flags<'a, C: Iterator<Item = &'a str>>(&self, cells: impl Fn() -> C) -> Option<String> {
        const WAYS: [(u8, Option<u8>, &str); 7] = [
            (b',', None, "--decimal ,"),
            (b'.', Some(b','), "--thousands ,"),
            (b',', Some(b'.'), "--thousands ."),
            (b'.', Some(b' '), "--thousands space"),
            (b',', Some(b' '), "--decimal , --thousands space"),
            (b'.', Some(b'\''), "--thousands \"'\""),
            (b',', Some(b'\''), "--decimal , --thousands \"'\""),
        ];
        let unit = Numerals::unit_of(cells());
        let with_unit = unit.as_ref().map(|unit| flagged("--units", unit));
        let units: Arc<[String]> = self.units.iter().cloned().chain(unit).collect();
        let are_numbers = |numerals: &Numerals| cells().all(|cell| numerals.parse(cell).is_some());
        if with_unit.is_some() && are_numbers(&Numerals { units: Arc::clone(&units), ..self.clone() }) {
            return with_unit;
        }
        let fits = |&&(decimal, thousands, flags): &&(u8, Option<u8>, &str)| {
            let numerals = Numerals { decimal, thousands, units: Arc::clone(&units) };
            let has_group = |cell: &str, sign| {
                cell.contains(char::from(sign)) || sign == b' ' && cell.contains(['\u{a0}', '\u{202f}', '\u{2009}'])
            };
            let groups = thousands.is_none_or(|sign| cells().any(|cell| has_group(cell, sign)));
            let decimals = !flags.starts_with("--decimal") || cells().any(|cell| cell.contains(','));
            numerals != *self && groups && decimals && are_numbers(&numerals)
        };
        let way = |&(_, _, flags): &(u8, Option<u8>, &str)| {
            with_unit.as_ref().map_or_else(|| flags.to_owned(), |unit| format!("{unit} {flags}"))
        };
        let ways: Vec<String> = WAYS.iter().filter(fits).map(way).take(2).collect();
        (!ways.is_empty()).then(|| ways.join(" or "))
    }

    /// The unit that all of some cells have, if they are numbers with one: after the number anything that is no digit, before it a sign of a
    /// currency.
    pub(in crate::data) fn unit_of<'a>(cells: impl Iterator<Item = &'a str>) -> Option<String> {
        const CURRENCIES: [&str; 18] =
            ["$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₪", "฿", "₫", "₱", "¢", "US$", "A$", "C$", "R$"];
        const LONGEST: usize = 12;
        let unit = |cell: &str| {
            let is_number = |character: char| character.is_ascii_digit();
            let (first, last) = (cell.find(is_number)?, cell.rfind(is_number)?);
            let (before, after) = (cell[..first].trim_matches([' ', '-', '+']), cell[last + 1..].trim());
            let is_sign = |character: char| character.is_alphabetic() || !character.is_ascii() || "%$".contains(character);
            let is_unit = after.len() <= LONGEST && after.contains(is_sign);
            match (before, after) {
                ("", "") => None,
                ("", after) if is_unit => Some(after.to_owned()),
                (before, "") if CURRENCIES.contains(&before) => Some(before.to_owned()),
                _ => None,
            }
        };
        let mut units = cells.map(unit);
        let first = units.next()??;
        units.all(|unit| unit.as_ref() == Some(&first)).then_some(first)
    }

    /// What is wrong with these numerals, if anything is.
    pub(super) fn refused(&self) -> Option<String> {
        if self.thousands == Some(self.decimal) {
            let sign = char::from(self.decimal);
            return Some(format!(
                "'{sign}' cannot both group the digits of a number (--thousands) and stand before its decimals (--decimal)"
            ));
        }
        let is_no_unit = |unit: &&String| {
            let says_nothing = unit.chars().all(|character| ".,+-'_ ".contains(character));
            says_nothing || unit.contains(|character: char| character.is_ascii_digit())
        };
        let unit = self.units.iter().find(is_no_unit)?;
        Some(format!("--units: '{}' is no unit; name what stands before or after numbers, such as $ or kg", shown(unit)))
    }

    /// A cell as a number is written in programs; none where its signs are not where they belong.
    fn plain<'a>(&self, cell: &'a str) -> Option<Cow<'a, str>> {
        let decimal = char::from(self.decimal);
        let (whole, rest) = cell.split_at(cell.find([decimal, 'e', 'E']).unwrap_or(cell.len()));
        let is_point_elsewhere =
            decimal != '.' && (rest.contains('.') || self.thousands != Some(b'.') && whole.contains('.'));
        if is_point_elsewhere {
            return None;
        }
        let whole = match self.thousands {
            None => Cow::Borrowed(whole),
            Some(sign) => ungrouped(whole, sign)?,
        };
        let rest = if decimal == '.' { Cow::Borrowed(rest) } else { Cow::Owned(rest.replacen(decimal, ".", 1)) };
        Some(if matches!((&whole, &rest), (Cow::Borrowed(_), Cow::Borrowed(_))) {
            cell.into()
        } else {
            Cow::Owned(whole.into_owned() + &rest)
        })
    }

    /// How a file writes its numbers beside their `units`, if it begins with cells that leave no choice, with one of these cells: no column
    /// of its first rows may read otherwise.
    pub(super) fn of(
        text: &str,
        delimiter: u8,
        header: bool,
        missing: &MissingValues,
        units: &Arc<[String]>,
    ) -> Option<(Self, String)> {
        let columns = first_columns(text, delimiter, header);
        let with = |decimal, thousands| Self { decimal, thousands, units: Arc::clone(units) };
        let bare = with(b'.', None);
        let cells: Vec<(&String, Cow<'_, str>)> = columns
            .iter()
            .flatten()
            .filter(|cell| !missing.says(cell))
            .map(|cell| (cell, bare.without_unit(cell)))
            .collect();
        let found = |is_so: &dyn Fn(&str) -> bool| cells.iter().find(|(_, bare)| is_so(bare)).map(|(cell, _)| cell.as_str());
        if let Some(cell) = found(&|cell| is_grouped_decimal(cell, ',', '.')) {
            let english = fitting(&columns, with(b'.', Some(b',')), cell, missing);
            return english.filter(|_| found(&|cell| is_grouped_decimal(cell, '.', ',')).is_none());
        }
        // A point before decimals is what is usual.
        if found(&|cell| is_decimal(cell, '.') && !is_grouped(cell, '.')).is_some() {
            return None;
        }
        let grouped = [('.', b'.'), (' ', b' '), ('\'', b'\'')]
            .into_iter()
            .find_map(|(sign, byte)| found(&|cell| is_grouped_decimal(cell, sign, ',')).map(|cell| (Some(byte), cell)));
        let alone = || found(&|cell| is_decimal(cell, ',') && !is_grouped(cell, ',')).map(|cell| (None, cell));
        let (thousands, cell) = grouped.or_else(alone)?;
        fitting(&columns, with(b',', thousands), cell, missing)
    }
}

/// These numerals with a cell that speaks for them, if every column that has such a cell is nothing but numbers in them.
fn fitting(columns: &[Vec<String>], numerals: Numerals, cell: &str, missing: &MissingValues) -> Option<(Numerals, String)> {
    let usual = Numerals { decimal: b'.', thousands: None, units: Arc::clone(&numerals.units) };
    let speaks = |cell: &str| numerals.parse(cell).is_some() && usual.parse(cell).is_none();
    let mut speaking = columns.iter().filter(|cells| cells.iter().any(|cell| speaks(cell))).peekable();
    speaking.peek()?;
    let is_number = |cell: &String| missing.says(cell) || numerals.parse(cell).is_some();
    speaking.all(|cells| cells.iter().all(is_number)).then(|| (numerals, cell.to_owned()))
}

/// The cells of the first whole rows, column by column.
fn first_columns(text: &str, delimiter: u8, header: bool) -> Vec<Vec<String>> {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut rest, mut cell, mut length) = (&text.as_bytes()[..end], vec![0; 1 << 12], 0);
    let (mut columns, mut row): (Vec<Vec<String>>, Vec<String>) = (Vec::new(), Vec::new());
    let mut is_header = header;
    loop {
        let (result, read, written) = reader.read_field(rest, &mut cell[length..]);
        rest = &rest[read..];
        length += written;
        match result {
            ReadFieldResult::Field { record_end } => {
                row.push(String::from_utf8_lossy(&cell[..length]).trim().to_owned());
                length = 0;
                if record_end {
                    if !std::mem::take(&mut is_header) {
                        columns.resize(columns.len().max(row.len()), Vec::new());
                        row.drain(..).zip(&mut columns).for_each(|(cell, column)| column.push(cell));
                    }
                    row.clear();
                }
            }
            // A cell that does not fit is too long for a number.
            ReadFieldResult::OutputFull => length = 0,
            // At the end of the file the last row is whole without an end of line.
            ReadFieldResult::InputEmpty if rest.is_empty() && end < text.len() => return columns,
            ReadFieldResult::InputEmpty => {}
            ReadFieldResult::End => return columns,
        }
    }
}

/// A number's digits without its sign.
fn unsigned(cell: &str) -> &str {
    cell.strip_prefix(['-', '+', '−']).unwrap_or(cell)
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a cell is digits, this sign, and digits.
fn is_decimal(cell: &str, decimal: char) -> bool {
    unsigned(cell).split_once(decimal).is_some_and(|(whole, decimals)| are_digits(whole) && are_digits(decimals))
}

/// Whether a cell is digits in groups of three, as a number with three decimals may look, too: `1,234`.
fn is_grouped(cell: &str, sign: char) -> bool {
    let mut groups = unsigned(cell).split(sign);
    let first = groups.next().unwrap_or_default();
    let begins = are_digits(first) && first.len() <= 3 && !first.starts_with('0');
    begins && unsigned(cell).contains(sign) && groups.all(|group| are_digits(group) && group.len() == 3)
}

/// Whether a cell is digits in groups of three and then decimals: `1.234,5`.
fn is_grouped_decimal(cell: &str, sign: char, decimal: char) -> bool {
    let spaces = cell.replace(['\u{a0}', '\u{202f}', '\u{2009}'], " ");
    let cell = if sign == ' ' { spaces.as_str() } else { cell };
    cell.rsplit_once(decimal).is_some_and(|(whole, decimals)| is_grouped(whole, sign) && are_digits(decimals))
}

/// Digits without what groups them; none where it stands elsewhere.
fn ungrouped(whole: &str, sign: u8) -> Option<Cow<'_, str>> {
    let spaces = ['\u{a0}', '\u{202f}', '\u{2009}'];
    let whole: Cow<'_, str> =
        if sign == b' ' && whole.contains(spaces) { Cow::Owned(whole.replace(spaces, " ")) } else { Cow::Borrowed(whole) };
    let sign = char::from(sign);
    if !whole.contains(sign) {
        return Some(whole);
    }
    is_grouped(&whole, sign).then(|| Cow::Owned(whole.replace(sign, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn european() -> Numerals {
        with(b',', Some(b'.'), &[])
    }

    fn english() -> Numerals {
        with(b'.', Some(b','), &[])
    }

    fn with(decimal: u8, thousands: Option<u8>, units: &[&str]) -> Numerals {
        Numerals { decimal, thousands, units: units.iter().map(|unit| (*unit).to_owned()).collect() }
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let comma = || with(b',', None, &[]);
        let french = || with(b',', Some(b' '), &[]);
        let priced = || with(b'.', None, &["$", "%", "km/h"]);
        for (numerals, cell, expected) in [
            (Numerals::default(), "1.5e3", Some(1500.0)),
            (Numerals::default(), "1,5", None),
            (comma(), "9,0", Some(9.0)),
            (comma(), "-0,25e-2", Some(-0.0025)),
            (comma(), "12", Some(12.0)),
            (comma(), "1.5", None),
            (comma(), "1,2,3", None),
            (european(), "1.234,5", Some(1234.5)),
            (european(), "1.234.567", Some(1_234_567.0)),
            (european(), "12.34,5", None),
            (european(), "1.5", None),
            (english(), "1,234.5", Some(1234.5)),
            (english(), "-12,345", Some(-12345.0)),
            (english(), "1,23", None),
            (english(), "0.5", Some(0.5)),
            (french(), "1 000,5", Some(1000.5)),
            (french(), "1\u{a0}000\u{a0}000", Some(1_000_000.0)),
            (french(), "1 00", None),
            (comma(), "ja", None),
            (comma(), "", None),
            (priced(), "$7.90", Some(7.9)),
            (priced(), "-$7.90", Some(-7.9)),
            (priced(), "$ -7.90", Some(-7.9)),
            (priced(), "7.9 %", Some(7.9)),
            (priced(), "50km/h", Some(50.0)),
            (priced(), "50", Some(50.0)),
            (priced(), "$", None),
            (priced(), "50 kg", None),
            (priced(), "$7%", None),
            (with(b',', Some(b'.'), &["€"]), "1.234,50 €", Some(1234.5)),
        ] {
            assert_eq!(numerals.parse(cell), expected, "{numerals:?} {cell}");
        }
    }

    #[test]
    fn a_file_says_how_it_writes_numbers_only_where_there_is_no_choice() {
        let of = |text: &str, delimiter| {
            Numerals::of(text, delimiter, true, &MissingValues::default(), &Arc::default()).map(|(numerals, _)| numerals)
        };
        let comma = || Some(with(b',', None, &[]));
        assert_eq!(of("t;p\n9,0;8,0\n-4;8,5\n", b';'), comma());
        assert_eq!(of("t;p\n12;1234,567\n", b';'), comma());
        assert_eq!(of("t;p\n12;0,567\n", b';'), comma());
        assert_eq!(of("t;p\n1.234,5;NA\n1.000;3\n", b';'), Some(european()));
        assert_eq!(of("t,p\n\"1,234.5\",1\n0.5,2\n", b','), Some(english()));
        assert_eq!(of("t,p\n\"1,234.5\",1\n\"12,345\",2\n", b','), Some(english()));
        assert_eq!(of("t;p\n1.234,5;1,234.5\n", b';'), None);
        assert_eq!(of("t;p\n1;9,0", b';'), comma(), "no end of line");
        // A thousand and some, or one and some decimals.
        assert_eq!(of("t;p\n1,234;5\n", b';'), None);
        // Numbers with points are there, or text in the same column.
        assert_eq!(of("t;p\n1,5;2.5\n", b';'), None);
        assert_eq!(of("t;p\n1,5;a\nx;b\n", b';'), None);
        assert_eq!(of("t;p\n1,5;a\n2;b\n", b';'), comma());
        assert_eq!(of("t,p\n1,2\n3.5,4\n", b','), None);
        assert_eq!(of("1,5;2\n", b';'), None, "a header");
        assert_eq!(
            Numerals::of("1,5;2\n3;4\n", b';', false, &MissingValues::default(), &Arc::default()).map(|(_, cell)| cell),
            Some("1,5".into())
        );
    }

    #[test]
    fn a_unit_is_what_all_numbers_have() {
        let unit = |cells: &[&str]| Numerals::unit_of(cells.iter().copied());
        for (cells, expected) in [
            (&["$7", "-$7.5", "$ 8"][..], Some("$")),
            (&["7 %", "7.5%"], Some("%")),
            (&["5 km/h", "6km/h"], Some("km/h")),
            (&["1.234,50 €"], Some("€")),
            (&["20 °C", "-1 °C"], Some("°C")),
            (&["5 kg", "3 lb"], None),
            (&["5 kg", "3"], None),
            (&["n1", "n2"], None),
            (&["#1"], None),
            (&["12:30"], None),
            (&["5.", "6."], None),
            (&["five"], None),
            (&[], None),
        ] {
            assert_eq!(unit(cells).as_deref(), expected, "{cells:?}");
        }
        let refused = |units: &[&str]| with(b'.', None, units).refused();
        assert!(refused(&["m2"]).is_some() && refused(&["-"]).is_some() && refused(&["$", "kg"]).is_none());
        assert!(with(b',', Some(b','), &[]).refused().is_some());
    }
}
