//! Skips what precedes the table in a text file (comments, Excel's `sep=` line), and recognises files of other formats.

use crate::error::shown;

/// What comes before a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prelude {
    /// Its bytes, and its lines. A sign before the header's first name counts among the bytes.
    pub(super) bytes: usize,
    pub(super) lines: u64,
    /// What separates the cells.
    pub(super) delimiter: u8,
    /// What a person should hear of it.
    pub(super) remarks: Vec<String>,
    /// Whether it may not end where the text ends.
    pub(super) is_open: bool,
}

impl Prelude {
    /// That of a file that begins so, whose cells are separated by `usual` unless it says otherwise itself, or a person `said` so.
    /// With a `header` the table begins with the columns' names.
    pub(super) fn of(text: &[u8], usual: u8, said: Option<u8>, header: bool) -> Self {
        let mut found = Self { delimiter: said.unwrap_or(usual), ..Self::default() };
        if let Some((own, bytes)) = excels(line(text)).zip(next(text, line(text).len())) {
            (found.bytes, found.lines) = (bytes, 1);
            if said.is_none() {
                found.delimiter = own;
                found
                    .remarks
                    .push(format!("its first line, 'sep={}', names the separator", shown(&char::from(own).to_string())));
            }
        }
        let (start, delimiter) = (found.bytes, found.delimiter);
        let (mut signed, mut rest) = (Vec::new(), Vec::new());
        let mut place = Some(start);
        let mut end = start;
        while let Some(at) = place.filter(|_| rest.len() < 2) {
            let line = line(&text[at..]);
            end = at + line.len();
            match line.first() {
                Some(b'#') if rest.is_empty() => signed.push((at, line)),
                None => {}
                Some(_) if signed.is_empty() => break,
                Some(_) => {
                    let row = row(&text[at..], delimiter);
                    end = at + row.len();
                    rest.push(row);
                }
            }
            place = next(text, end);
        }
        found.is_open = !signed.is_empty() && (rest.len() < 2 || end == text.len());
        if let Some((begin, comments)) = table_after(&signed, &rest, delimiter, header).or_else(|| {
            let end = rest.first().map(|first| first.as_ptr() as usize - text.as_ptr() as usize)?;
            Some((end, signed.len()))
        }) {
            found.lines +=
                text[start..begin].iter().enumerate().filter(|&(at, _)| ends(&text[start..begin], at)).count() as u64;
            found.bytes = begin;
            match comments {
                0 => {}
                1 => found.remarks.push("skips a comment before the table ('#')".into()),
                _ => found.remarks.push(format!("skips {comments} comments before the table ('#')")),
            }
            if header && text[begin..].starts_with(b"# ") {
                let header = String::from_utf8_lossy(line(&text[begin..]));
                let header = shown(&header);
                let number = found.lines + 1;
                found
                    .remarks
                    .push(format!("line {number}, '{header}', counts as the header; if it is a comment, remove it"));
            }
        }
        found
    }
}

/// Whether a line ends with this byte.
fn ends(text: &[u8], at: usize) -> bool {
    text[at] == b'\n' || text[at] == b'\r' && text.get(at + 1) != Some(&b'\n')
}

/// Where a table begins among lines that begin with a sign, and how many of them are comments before it; none, if all are. `rest` is the
/// first two lines after them.
fn table_after(signed: &[(usize, &[u8])], rest: &[&[u8]], delimiter: u8, header: bool) -> Option<(usize, usize)> {
    let count = |line: &[u8]| cells(line, delimiter).count();
    let has_number = |line: &[u8]| cells(line, delimiter).any(is_number);
    let has_text = |line: &[u8]| cells(line, delimiter).any(|cell| !is_number(cell));
    let are_alike =
        |one: &[u8], other: &[u8]| cells(one, delimiter).map(is_number).eq(cells(other, delimiter).map(is_number));
    let is_remark = |line: &[u8]| line == b"#" || line.starts_with(b"# ") || line.starts_with(b"##");
    let (last, &(at, line)) = signed.iter().enumerate().next_back()?;
    let (first, second) = (rest.first().copied(), rest.get(1).copied());
    let expected = count(first.unwrap_or(line));
    if let (true, Some(first)) = (header && count(line) == expected, first) {
        // numpy.savetxt writes its header so: a row follows it, and its names, unlike a sentence's words, have no space after a comma.
        let is_row = second.is_none_or(|second| are_alike(first, second));
        let are_names = expected > 1 && cells(line, delimiter).skip(1).all(|cell| !cell.starts_with(b" "));
        let is_numeric = !has_text(first);
        let is_header = match line.strip_prefix(b"# ") {
            Some(names) => is_row && (is_numeric || are_names) && has_text(names),
            None => !line.starts_with(b"##") && has_number(first) && !has_number(line),
        };
        if is_header {
            return Some((at, last));
        }
    }
    let is_like_row = |line: &[u8]| count(line) == expected && has_number(line);
    let second_alone = first.is_some_and(|line| !has_number(line)) && second.is_some_and(has_number);
    if header && second_alone && (last == 0 || !signed.iter().any(|(_, line)| is_like_row(line))) {
        // The line after them is the header.
        return None;
    }
    // Otherwise the sign belongs to a cell, as in '#7'.
    let first = signed.iter().position(|(_, line)| count(line) == expected && !is_remark(line))?;
    Some((signed[first].0, first))
}

/// Whether a cell looks like a number, however its decimals are written and its digits are grouped.
fn is_number(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    let cell = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
    let signs = "+-.,eE' \u{a0}\u{202f}\u{2009}";
    let is_part = |character: char| character.is_ascii_digit() || signs.contains(character);
    cell.iter().any(u8::is_ascii_digit) && std::str::from_utf8(cell).is_ok_and(|cell| cell.trim().chars().all(is_part))
}

/// The separator that a line for Excel names, perhaps in quotation marks.
fn excels(line: &[u8]) -> Option<u8> {
    let bare = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match bare {
        [s, e, p, b'=', own, spaces @ ..]
            if [s, e, p].map(u8::to_ascii_lowercase) == *b"sep"
                && own.is_ascii()
                && spaces.iter().all(|&byte| byte == b' ') =>
        {
            Some(*own)
        }
        _ => None,
    }
}

/// The first line, without its end.
fn line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(text.len());
    &text[..end]
}

/// The cells of the first row, quotation marks and all.
fn cells(text: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let has_marks = text.first() == Some(&b'"');
        let mut is_open = false;
        let ends = |byte: &u8| {
            is_open ^= has_marks && *byte == b'"';
            !is_open && (*byte == delimiter || b"\r\n".contains(byte))
        };
        let end = text.iter().position(ends).unwrap_or(text.len());
        rest = (text.get(end) == Some(&delimiter)).then(|| &text[end + 1..]);
        Some(&text[..end])
    })
}

/// The first row without the end of its line: cells in quotation marks may hold others.
fn row(text: &[u8], delimiter: u8) -> &[u8] {
    let length: usize = cells(text, delimiter).map(|cell| cell.len() + 1).sum();
    &text[..length - 1]
}

/// Where the line after the one that ends at `end` begins, if there is one.
fn next(text: &[u8], end: usize) -> Option<usize> {
    let end = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
    (end < text.len()).then_some(end)
}

/// Names the format of a text that is not a table of separated cells, and says what to do. `alone`: its first line is one cell.
pub(super) fn other_format(text: &str, alone: bool) -> Option<String> {
    let start = text.trim_start();
    let ends = |signs: &[char]| text.trim_end().ends_with(signs);
    let begins = |words: &[&str]| {
        let lower: String = start.chars().take(64).collect::<String>().to_ascii_lowercase();
        words.iter().any(|word| lower.starts_with(word))
    };
    if begins(&["<!doctype html", "<html"]) {
        return Some("it is a web page (HTML), not a table: fetch the file itself, as by its download link".into());
    }
    let is_element = start.strip_prefix('<').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
    let is_element = is_element && start.contains("</") && ends(&['>']);
    if begins(&["<?xml", "<!--"]) || is_element {
        return Some("it is XML, which is not read: save the table as CSV".into());
    }
    if begins(&["version https://git-lfs.github.com"]) {
        return Some("it is a pointer that Git LFS left in place of the file: fetch the file with 'git lfs pull'".into());
    }
    let is_comment = |line: &&str| line.is_empty() || line.starts_with('%');
    let first = start.lines().map(str::trim).find(|line| !is_comment(line)).unwrap_or_default();
    if first.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("@relation")) {
        return Some("it is ARFF, which is not read: save the table as CSV".into());
    }
    if !alone {
        return None;
    }
    let words = |line: &'_ str| line.split_whitespace().take(WORDS).map(str::to_owned).collect();
    let lines: Vec<Vec<String>> = start.lines().filter(|line| !line.trim().is_empty()).take(4).map(words).collect();
    let is_pair = |word: &String| {
        let pair = word
            .split_once(':')
            .map(|(index, value)| (index == "qid" || index.parse::<u64>().is_ok(), value.parse::<f64>().is_ok()));
        pair == Some((true, true))
    };
    let is_sparse = |words: &Vec<String>| {
        let Some((label, pairs)) = words.split_first() else { return false };
        !pairs.is_empty() && label.split(',').all(|part| part.parse::<f64>().is_ok()) && pairs.iter().all(is_pair)
    };
    if !lines.is_empty() && lines.iter().all(is_sparse) {
        return Some("it is LIBSVM's sparse format (label index:value …), which is not read: write it as CSV".into());
    }
    None
}

/// Words of a line that are looked at.
const WORDS: usize = 10_000;

/// Whether the first lines of a text are cells apart by spaces: as many on each, more than one, and one of them a number in every line
/// but perhaps the first.
pub(super) fn is_parted_by_spaces(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(8);
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().take(WORDS).collect()).collect();
    let [first, rows @ ..] = &lines[..] else { return false };
    let is_number = |position: usize| rows.iter().all(|row| row[position].parse::<f64>().is_ok());
    first.len() > 1 && !rows.is_empty() && rows.iter().all(|row| row.len() == first.len()) && (0..first.len()).any(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, header: bool) -> Prelude {
        Prelude::of(text.as_bytes(), b',', None, header)
    }

    fn prelude(text: &str) -> (usize, u64, u8) {
        let Prelude { bytes, lines, delimiter, remarks, .. } = of(text, true);
        assert_eq!(remarks.is_empty(), lines == 0 && !text.starts_with("# "), "{text:?}");
        (bytes, lines, delimiter)
    }

    #[test]
    fn comments_and_excels_line_come_before_the_table_and_a_header_may_begin_with_a_sign() {
        assert_eq!(prelude("a,b\n1,2\n"), (0, 0, b','));
        assert_eq!(prelude("# by a logger, 2026\n# station 7\na,b,y\n1,2,3\n"), (32, 2, b','));
        assert_eq!(prelude("# one, line\r\na,b\r\n1,2\r\n"), (13, 1, b','));
        assert_eq!(prelude("# a, b\n# m, s\na,b\n1,2\n"), (14, 2, b','));
        assert_eq!(prelude("# logger\n\n# station\n\na,b\n1,2\n"), (21, 4, b','));
        assert_eq!(prelude("#id,a\n1,2\n"), (0, 0, b','));
        assert_eq!(prelude("#id\n1,2\n"), (4, 1, b','));
        assert_eq!(prelude("sep=;\r\na;b\r\n1;2\r\n"), (7, 1, b';'));
        assert_eq!(prelude("\"sep=;\"\na;b\n1;2\n"), (8, 1, b';'));
        assert_eq!(prelude("SEP=\t\n#x\n1\t2\n"), (9, 2, b'\t'));
        assert_eq!(prelude("sep=;"), (0, 0, b','));
        assert_eq!(of("# nothing else", true).bytes, 0);
        assert_eq!(prelude("separate,b\n1,2\n"), (0, 0, b','));
    }

    #[test]
    fn a_header_in_a_comment_is_one_and_cells_that_begin_with_a_sign_are_no_comments() {
        assert_eq!(prelude("# a,b\n1,2\n"), (0, 0, b','), "numpy.savetxt");
        assert_eq!(prelude("# made in May\n# a,b\n1,2\n"), (14, 1, b','), "with a comment before");
        assert_eq!(prelude("# x\n1.5\n2.5\n"), (0, 0, b','), "one column");
        assert_eq!(prelude("# 0,1,y\n1,2,3\n4,5,6\n"), (0, 0, b','), "numbers among the names");
        assert_eq!(prelude("# name,kind\nAda,old\nBob,new\n"), (0, 0, b','), "rows of text");
        assert_eq!(prelude("# GDP, by country, a bank\ncountry,2019,2020\nFR,5,6\n"), (26, 1, b','), "a sentence");
        assert_eq!(prelude("# saved by pandas, v2, x\n,0,1\n0,5,6\n1,6,7\n"), (25, 1, b','), "an index without a name");
        assert_eq!(prelude("#one,,\n#two,,\na,b,y\n1,2,3\n"), (14, 2, b','), "cells that Excel adds");
        assert_eq!(prelude("#c1\n#c2\na\n1\n2\n"), (8, 2, b','), "one column");
        assert_eq!(prelude("##format=4, new\n#CHROM,POS\n7,1\n"), (16, 1, b','), "VCF");
        assert_eq!(prelude("#id,x\n#1,2\n#2,3\n"), (0, 0, b','), "every row");
        assert_eq!(prelude("#tag,n\n#a,1\nb,2\n"), (0, 0, b','), "the first row");
        assert_eq!(prelude("#name,kind\nAda,old\nBob,new\n"), (0, 0, b','), "text alone");
        assert_eq!(prelude("#id,town\n1,\"Ulm, Bonn\"\n2,Rome\n"), (0, 0, b','), "a separator in a cell");
        assert_eq!(prelude("#x\n\" 1.234,5 \"\n2\n"), (0, 0, b','), "spaces within quotation marks");
        assert_eq!(prelude("#x,y\n1 234,\"1'234\"\nNA,2\n"), (0, 0, b','), "grouped digits");
        assert_eq!(prelude("#id,\"a, b\"\n1,x\n2,y\n"), (0, 0, b','), "a separator in a name");
        assert_eq!(prelude("#id,note\n1,\"x\n\"\"y\"\n2,z\n"), (0, 0, b','), "an end of line in a cell");
        for text in ["#1,2\n#3,4\n5,6\n", "#love\n#peace\njoy\n", "#1,2\n3,4\n"] {
            assert_eq!(of(text, false).bytes, 0, "{text:?}");
        }
        assert_eq!(of("# a,b\n1,2\n", false).bytes, 6);
        let said = Prelude::of(b"sep=;\na,b\n1,2\n", b',', Some(b','), true);
        assert_eq!((said.delimiter, said.bytes, said.remarks), (b',', 6, Vec::new()));
        let open = |text| of(text, true).is_open;
        assert!(open("# c\n# d") && open("# c\na,b\n") && !open("# c\na,b\n1,2\n") && !open("a,b"));
        assert!(open("# c\na,b\n1,2") && open("# c\na,b\n1,\"2\n"), "more of the row may come");
    }

    #[test]
    fn other_formats_are_known_by_how_they_begin() {
        for (text, what) in [
            ("<!DOCTYPE html>\n<html>", "HTML"),
            ("\n <HTML lang=en>", "HTML"),
            ("<?xml version=\"1.0\"?>\n<a/>", "XML"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "git lfs pull"),
            ("<div class='a,b'>\n</div>", "XML"),
            ("% iris, 1936\n@RELATION iris\n", "ARFF"),
            ("2 qid:1 1:0.5\n", "LIBSVM"),
            ("@RELATION iris\n@ATTRIBUTE a REAL\n", "ARFF"),
            ("+1 1:0.5 7:-2e3\n-1 2:1\n", "LIBSVM"),
            ("1,3 1:0.5\n2 2:1\n", "LIBSVM"),
            ("<?xml version=\"1.0\"?>", "XML"),
        ] {
            assert!(other_format(text, true).is_some_and(|said| said.contains(what)), "{text}");
        }
        for text in ["a,b\n1,2\n", "time\n10:30\n", "1\n2\n", "1 2\n3 4\n", "a b:c\n", "<5,>7\n"] {
            assert_eq!(other_format(text, true), None, "{text}");
        }
        for text in [
            "<DATE>,note\n0,<b>x</b>\n1,y\n",
            "<p>Good</p>,1\n<p>Bad</p>,0\n",
            "0\t12:00\n1\t12:01\n",
            "5.2,31 12:30\n6,1 12:40\n",
        ] {
            assert_eq!(other_format(text, false), None, "{text}");
        }
        assert!(is_parted_by_spaces(" a   b  y\n 1  2   3\n") && !is_parted_by_spaces("first name\nAda\n"));
        assert!(is_parted_by_spaces("a b\n1 x\n2 y\n") && !is_parted_by_spaces("full name\nAda Byron\nAlan Turing\n"));
    }
}
