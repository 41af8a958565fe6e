//! What a file of text begins with before its table, comments and Excel's line, and what it is where it is no table at all.

/// What comes before a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prelude {
    /// Its bytes, and its lines.
    pub(super) bytes: usize,
    pub(super) lines: u64,
    /// What separates the cells, where that is said.
    pub(super) delimiter: Option<u8>,
    /// What a person should hear of it.
    pub(super) remark: Option<String>,
}

impl Prelude {
    /// That of a file that begins so, whose cells are separated by `delimiter` unless it says otherwise itself.
    pub(super) fn of(text: &[u8], delimiter: u8) -> Self {
        let mut found = Self::default();
        let first = line(text);
        if let Some((own, bytes)) = excels(first).zip(next(text, 0)) {
            let remark = format!("its first line, 'sep={}', says what separates the cells, and is read so", char::from(own));
            (found.bytes, found.lines, found.delimiter, found.remark) = (bytes, 1, Some(own), Some(remark));
        }
        let delimiter = found.delimiter.unwrap_or(delimiter);
        let (mut place, mut comments, mut last) = (found.bytes, 0, &[][..]);
        while text[place..].starts_with(b"#") {
            let Some(end) = next(text, place) else { break };
            (last, place, comments) = (line(&text[place..]), end, comments + 1);
        }
        // A header may begin with the sign, right before its first name.
        let cells = |line: &[u8]| line.iter().filter(|&&byte| byte == delimiter).count();
        let is_header =
            comments == 1 && !last.starts_with(b"# ") && cells(last) > 0 && cells(last) == cells(line(&text[place..]));
        if comments > 0 && !is_header {
            let lines = if comments == 1 { "line begins" } else { "lines begin" };
            let counted = if comments == 1 { String::new() } else { format!("{comments} ") };
            let taken = if comments == 1 { "a comment" } else { "comments" };
            let remark = format!("its first {counted}{lines} with '#' and count as {taken}");
            (found.bytes, found.lines) = (place, found.lines + comments);
            found.remark = Some(found.remark.map_or(remark.clone(), |earlier| format!("{earlier}; {remark}")));
        }
        found
    }
}

/// The separator that a line for Excel names.
fn excels(line: &[u8]) -> Option<u8> {
    match line {
        [s, e, p, b'=', own] if [s, e, p].map(u8::to_ascii_lowercase) == *b"sep" && own.is_ascii() => Some(*own),
        _ => None,
    }
}

/// The first line, without its end.
fn line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(text.len());
    &text[..end]
}

/// Where the line after the one at `place` begins, if there is one.
fn next(text: &[u8], place: usize) -> Option<usize> {
    let end = place + line(&text[place..]).len();
    let end = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
    (end < text.len()).then_some(end)
}

/// What a text is that is no table of separated cells, and what to do with it.
pub(super) fn other_format(text: &str) -> Option<String> {
    let start = text.trim_start();
    let begins = |words: &[&str]| {
        let lower: String = start.chars().take(64).collect::<String>().to_ascii_lowercase();
        words.iter().any(|word| lower.starts_with(word))
    };
    if begins(&["<!doctype html", "<html"]) {
        return Some("it is a page of the web (HTML), and no table: fetch the file itself, as by its download link".into());
    }
    if begins(&["<?xml", "<"]) {
        return Some("it is XML, which is not read: save the table as CSV".into());
    }
    if begins(&["version https://git-lfs.github.com"]) {
        return Some("it is a pointer that Git LFS left in place of the file: fetch the file with 'git lfs pull'".into());
    }
    if begins(&["@relation"]) {
        return Some("it is ARFF, which is not read: save the table as CSV".into());
    }
    if begins(&["{", "["]) {
        return Some("it is JSON, which is not read: save the table as CSV".into());
    }
    let lines: Vec<Vec<&str>> =
        start.lines().filter(|line| !line.trim().is_empty()).take(4).map(|line| line.split_whitespace().collect()).collect();
    let is_pair = |word: &&str| {
        let pair = word.split_once(':').map(|(index, value)| (index.parse::<u64>().is_ok(), value.parse::<f64>().is_ok()));
        pair == Some((true, true))
    };
    let is_sparse = |words: &Vec<&str>| {
        let Some((label, pairs)) = words.split_first() else { return false };
        !pairs.is_empty() && label.split(',').all(|part| part.parse::<f64>().is_ok()) && pairs.iter().all(is_pair)
    };
    if !lines.is_empty() && lines.iter().all(is_sparse) {
        return Some("it is LIBSVM's sparse format (label index:value …), which is not read: write it as CSV".into());
    }
    None
}

/// Whether the first lines of a text are cells apart by spaces: as many on each, and more than one.
pub(super) fn is_parted_by_spaces(text: &str) -> bool {
    let mut counts = text.lines().filter(|line| !line.trim().is_empty()).take(8).map(|line| line.split_whitespace().count());
    counts.next().is_some_and(|first| first > 1 && counts.all(|count| count == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prelude(text: &str) -> (usize, u64, Option<u8>) {
        let Prelude { bytes, lines, delimiter, remark } = Prelude::of(text.as_bytes(), b',');
        assert_eq!(remark.is_some(), lines > 0, "{text:?}");
        (bytes, lines, delimiter)
    }

    #[test]
    fn comments_and_excels_line_come_before_the_table_and_a_header_may_begin_with_a_sign() {
        assert_eq!(prelude("a,b\n1,2\n"), (0, 0, None));
        assert_eq!(prelude("# by a logger, 2026\n# station 7\na,b,y\n1,2,3\n"), (32, 2, None));
        assert_eq!(prelude("# one, line\r\na,b\r\n1,2\r\n"), (13, 1, None));
        assert_eq!(prelude("#id,a\n1,2\n"), (0, 0, None));
        assert_eq!(prelude("#id\n1,2\n"), (4, 1, None));
        assert_eq!(prelude("sep=;\r\na;b\r\n1;2\r\n"), (7, 1, Some(b';')));
        assert_eq!(prelude("SEP=\t\n#x\n1\t2\n"), (9, 2, Some(b'\t')));
        assert_eq!(prelude("sep=;"), (0, 0, None));
        assert_eq!(prelude("# nothing else"), (0, 0, None));
        assert_eq!(prelude("separate,b\n1,2\n"), (0, 0, None));
    }

    #[test]
    fn other_formats_are_known_by_how_they_begin() {
        for (text, what) in [
            ("<!DOCTYPE html>\n<html>", "HTML"),
            ("\n <HTML lang=en>", "HTML"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "git lfs pull"),
            ("{\"a\": 1}", "JSON"),
            ("@RELATION iris\n@ATTRIBUTE a REAL\n", "ARFF"),
            ("+1 1:0.5 7:-2e3\n-1 2:1\n", "LIBSVM"),
            ("1,3 1:0.5\n2 2:1\n", "LIBSVM"),
            ("<?xml version=\"1.0\"?>", "XML"),
        ] {
            assert!(other_format(text).is_some_and(|said| said.contains(what)), "{text}");
        }
        for text in ["a,b\n1,2\n", "time\n10:30\n", "1\n2\n", "1 2\n3 4\n", "a b:c\n"] {
            assert_eq!(other_format(text), None, "{text}");
        }
        assert!(is_parted_by_spaces(" a   b  y\n 1  2   3\n") && !is_parted_by_spaces("first name\nAda\n"));
    }
}
