//! Text for a terminal: tables whose columns are aligned, and lines that end between words.

/// Columns of a terminal whose width nobody knows.
pub(crate) const COLUMNS: usize = 80;

/// A table; the first `text_columns` columns are text, the others numbers, which are aligned at their right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// What the columns hold.
    pub(crate) headers: Vec<String>,
    /// The cells, row by row.
    pub(crate) rows: Vec<Vec<String>>,
    /// Columns that are text.
    pub(crate) text_columns: usize,
}

impl Table {
    /// A table of these columns, without those in which no row has a word.
    pub(crate) fn new(headers: &[&str], rows: Vec<Vec<String>>, text_columns: usize) -> Self {
        let owned = headers.iter().map(|&header| header.to_owned()).collect();
        let mut table = Self { headers: owned, rows, text_columns };
        for column in (0..headers.len()).rev() {
            if !table.rows.is_empty() && table.rows.iter().all(|row| row[column].is_empty()) {
                table.remove(column);
            }
        }
        table
    }

    /// The table without these columns, the first of them first, as far as it is wider than so many characters.
    pub(crate) fn within(mut self, width: usize, least: &[&str]) -> Self {
        for header in least {
            if self.width() <= width {
                break;
            }
            self = self.without(header);
        }
        self
    }

    /// The table without the column of this name.
    pub(crate) fn without(mut self, header: &str) -> Self {
        if let Some(column) = self.headers.iter().position(|known| known == header) {
            self.remove(column);
        }
        self
    }

    fn remove(&mut self, column: usize) {
        self.headers.remove(column);
        self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
        self.text_columns -= usize::from(column < self.text_columns);
    }

    /// The width of each column.
    fn widths(&self) -> Vec<usize> {
        let length = |text: &String| text.chars().count();
        let of = |column: usize| self.rows.iter().map(|row| length(&row[column])).max().unwrap_or(0);
        self.headers.iter().enumerate().map(|(column, header)| of(column).max(length(header))).collect()
    }

    /// Characters of a line.
    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    /// Aligned columns, two spaces apart.
    pub(crate) fn text(&self) -> String {
        let widths = self.widths();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if column < self.text_columns { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        std::iter::once(&self.headers).chain(&self.rows).map(|cells| line(cells)).collect::<Vec<_>>().join("\n")
    }
}

/// A text whose lines end between words before so many characters, where there are any to end between; what goes on is indented by two
/// spaces more than its line.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let (mut current, mut length, mut has_words) = (" ".repeat(indent), indent, false);
        for word in line[indent..].split(' ') {
            let more = word.chars().count();
            if has_words && length + 1 + more > columns {
                lines.push(std::mem::replace(&mut current, " ".repeat(indent + 2)));
                (length, has_words) = (indent + 2, false);
            }
            if has_words {
                current.push(' ');
                length += 1;
            }
            current.push_str(word);
            (length, has_words) = (length + more, true);
        }
        lines.push(current);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let rows = [["a|b", "1", "", "é"], ["<c>", "22.5", "", "long"]];
        Table::new(&["name", "n", "none", "last"], rows.map(|row| row.map(str::to_owned).to_vec()).to_vec(), 1)
    }

    #[test]
    fn numbers_are_aligned_at_their_right_and_columns_without_a_word_are_left_out() {
        assert_eq!(table().text(), "name     n  last\na|b      1     é\n<c>   22.5  long");
        let empty = Table::new(&["a", "b"], Vec::new(), 1);
        assert_eq!(empty.text(), "a  b");
    }

    #[test]
    fn what_is_too_wide_loses_the_columns_that_say_least() {
        assert_eq!(table().within(16, &["n", "last"]), table());
        assert_eq!(table().within(15, &["absent", "n", "last"]).text(), "name  last\na|b      é\n<c>   long");
        assert_eq!(table().within(3, &["name", "n", "last"]).headers, [""; 0]);
        assert_eq!(table().within(3, &["name"]).text_columns, 0);
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrapped("one two three four", 9), "one two\n  three\n  four");
        assert_eq!(wrapped("one two", 7), "one two");
        assert_eq!(wrapped("  a bb ccc\nnext", 8), "  a bb\n    ccc\nnext");
        assert_eq!(wrapped("averylongword b", 4), "averylongword\n  b", "what has no end between words stays whole");
        assert_eq!(wrapped("a  b\n\n  c", 80), "a  b\n\n  c", "spaces stay as they are");
        assert_eq!(wrapped("éé éé", 5), "éé éé", "characters count, not bytes");
    }
}
