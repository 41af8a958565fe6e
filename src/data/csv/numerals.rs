//! How numbers are written in a file of text: what parts their decimals, and what groups their digits.

use std::borrow::Cow;

use csv_core::ReadFieldResult;

use super::is_missing;

/// What stands before a number's decimals, and between groups of three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numerals {
    /// A point, or a comma.
    pub decimal: u8,
    /// A comma, a point, an apostrophe, an underscore or a space, which stands for unbreakable ones too; none = digits are not grouped.
    pub thousands: Option<u8>,
}

impl Default for Numerals {
    fn default() -> Self {
        Self { decimal: b'.', thousands: None }
    }
}

/// Bytes of a file in which its way to write numbers is looked for.
const LOOKED_AT: usize = 1 << 16;

impl Numerals {
    /// The number that a cell is.
    pub fn parse(self, cell: &str) -> Option<f64> {
        if self == Self::default() {
            return cell.parse().ok();
        }
        self.plain(cell)?.parse().ok()
    }

    /// A cell as a number is written in programs; none where its signs are not where they belong.
    fn plain(self, cell: &str) -> Option<Cow<'_, str>> {
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

    /// How a file writes its numbers, if it begins with cells that leave no choice, with one of these cells: no column of its first rows
    /// may read otherwise.
    pub(super) fn of(text: &str, delimiter: u8, header: bool) -> Option<(Self, String)> {
        let columns = first_columns(text, delimiter, header);
        let cells = || columns.iter().flatten().filter(|cell| !is_missing(cell));
        if let Some(cell) = cells().find(|cell| is_grouped_decimal(cell, ',', '.')) {
            let english = fitting(&columns, Self { decimal: b'.', thousands: Some(b',') }, cell);
            return english.filter(|_| !cells().any(|cell| is_grouped_decimal(cell, '.', ',')));
        }
        // A point before decimals is what is usual.
        if cells().any(|cell| is_decimal(cell, '.') && !is_grouped(cell, '.')) {
            return None;
        }
        let grouped = [('.', b'.'), (' ', b' '), ('\'', b'\'')].into_iter().find_map(|(sign, byte)| {
            cells().find(|cell| is_grouped_decimal(cell, sign, ',')).map(|cell| (Some(byte), cell))
        });
        let alone = || cells().find(|cell| is_decimal(cell, ',') && !is_grouped(cell, ',')).map(|cell| (None, cell));
        let (thousands, cell) = grouped.or_else(alone)?;
        fitting(&columns, Self { decimal: b',', thousands }, cell)
    }
}

/// These numerals with a cell that speaks for them, if every column that has such a cell is nothing but numbers in them.
fn fitting(columns: &[Vec<String>], numerals: Numerals, cell: &str) -> Option<(Numerals, String)> {
    let speaks = |cell: &str| numerals.parse(cell).is_some() && cell.parse::<f64>().is_err();
    let mut speaking = columns.iter().filter(|cells| cells.iter().any(|cell| speaks(cell))).peekable();
    speaking.peek()?;
    let is_number = |cell: &String| is_missing(cell) || numerals.parse(cell).is_some();
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

    const EUROPEAN: Numerals = Numerals { decimal: b',', thousands: Some(b'.') };
    const ENGLISH: Numerals = Numerals { decimal: b'.', thousands: Some(b',') };

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let comma = Numerals { decimal: b',', thousands: None };
        let french = Numerals { decimal: b',', thousands: Some(b' ') };
        for (numerals, cell, expected) in [
            (Numerals::default(), "1.5e3", Some(1500.0)),
            (Numerals::default(), "1,5", None),
            (comma, "9,0", Some(9.0)),
            (comma, "-0,25e-2", Some(-0.0025)),
            (comma, "12", Some(12.0)),
            (comma, "1.5", None),
            (comma, "1,2,3", None),
            (EUROPEAN, "1.234,5", Some(1234.5)),
            (EUROPEAN, "1.234.567", Some(1_234_567.0)),
            (EUROPEAN, "12.34,5", None),
            (EUROPEAN, "1.5", None),
            (ENGLISH, "1,234.5", Some(1234.5)),
            (ENGLISH, "-12,345", Some(-12345.0)),
            (ENGLISH, "1,23", None),
            (ENGLISH, "0.5", Some(0.5)),
            (french, "1 000,5", Some(1000.5)),
            (french, "1\u{a0}000\u{a0}000", Some(1_000_000.0)),
            (french, "1 00", None),
            (comma, "ja", None),
            (comma, "", None),
        ] {
            assert_eq!(numerals.parse(cell), expected, "{numerals:?} {cell}");
        }
    }

    #[test]
    fn a_file_says_how_it_writes_numbers_only_where_there_is_no_choice() {
        let of = |text: &str, delimiter| Numerals::of(text, delimiter, true).map(|(numerals, _)| numerals);
        let comma = Some(Numerals { decimal: b',', thousands: None });
        assert_eq!(of("t;p\n9,0;8,0\n-4;8,5\n", b';'), comma);
        assert_eq!(of("t;p\n12;1234,567\n", b';'), comma);
        assert_eq!(of("t;p\n12;0,567\n", b';'), comma);
        assert_eq!(of("t;p\n1.234,5;NA\n1.000;3\n", b';'), Some(EUROPEAN));
        assert_eq!(of("t,p\n\"1,234.5\",1\n0.5,2\n", b','), Some(ENGLISH));
        assert_eq!(of("t,p\n\"1,234.5\",1\n\"12,345\",2\n", b','), Some(ENGLISH));
        assert_eq!(of("t;p\n1.234,5;1,234.5\n", b';'), None);
        assert_eq!(of("t;p\n1;9,0", b';'), comma, "no end of line");
        // A thousand and some, or one and some decimals.
        assert_eq!(of("t;p\n1,234;5\n", b';'), None);
        // Numbers with points are there, or text in the same column.
        assert_eq!(of("t;p\n1,5;2.5\n", b';'), None);
        assert_eq!(of("t;p\n1,5;a\nx;b\n", b';'), None);
        assert_eq!(of("t;p\n1,5;a\n2;b\n", b';'), comma);
        assert_eq!(of("t,p\n1,2\n3.5,4\n", b','), None);
        assert_eq!(of("1,5;2\n", b';'), None, "a header");
        assert_eq!(Numerals::of("1,5;2\n3;4\n", b';', false).map(|(_, cell)| cell), Some("1,5".into()));
    }
}
