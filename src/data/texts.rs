//! The cells of a column of text, stored one after the other in one string. A cell takes its own bytes and four more.

/// Texts, each of which may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// All of them, joined.
    bytes: String,
    /// Where each ends, counted from the first of its block; the highest bit is set where it is missing.
    ends: Vec<u32>,
    /// Where the first of each block begins.
    blocks: Vec<usize>,
}

impl Texts {
    /// Texts of a block. So many cells of the longest that a table has are less than 2³¹ bytes.
    const BLOCK: usize = 1 << 10;
    const MISSING: u32 = 1 << 31;

    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds one.
    ///
    /// # Panics
    /// If the texts of a block take 2³¹ bytes.
    pub fn push(&mut self, text: Option<&str>) {
        if self.ends.len().is_multiple_of(Self::BLOCK) {
            self.blocks.push(self.bytes.len());
        }
        self.bytes.push_str(text.unwrap_or_default());
        let end = self.bytes.len() - self.blocks.last().expect("it was begun");
        assert!(end < Self::MISSING as usize, "a cell has at most a megabyte");
        self.ends.push(end as u32 | if text.is_none() { Self::MISSING } else { 0 });
    }

    /// The text of a row; none where it is missing.
    pub fn get(&self, row: usize) -> Option<&str> {
        (!self.is_missing(row)).then(|| &self.bytes[self.start(row)..self.end(row)])
    }

    /// Whether a row's is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        self.ends[row] & Self::MISSING != 0
    }

    /// Makes a row's missing.
    pub fn remove(&mut self, row: usize) {
        self.ends[row] |= Self::MISSING;
    }

    fn start(&self, row: usize) -> usize {
        if row.is_multiple_of(Self::BLOCK) { self.blocks[row / Self::BLOCK] } else { self.end(row - 1) }
    }

    fn end(&self, row: usize) -> usize {
        self.blocks[row / Self::BLOCK] + (self.ends[row] & !Self::MISSING) as usize
    }

    /// All in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Appends the texts of another column.
    pub fn append(&mut self, other: &Self) {
        other.iter().for_each(|text| self.push(text));
    }

    /// Leaves the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        if rows < self.len() {
            self.bytes.truncate(if rows == 0 { 0 } else { self.end(rows - 1) });
            self.ends.truncate(rows);
            self.blocks.truncate(rows.div_ceil(Self::BLOCK));
        }
    }

    /// Gives back memory that is not needed.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Asks for room for more rows, of so many bytes together.
    ///
    /// # Errors
    /// If the system refuses the memory.
    pub fn try_reserve_exact(&mut self, rows: usize, bytes: usize) -> Result<(), std::collections::TryReserveError> {
        self.ends.try_reserve_exact(rows)?;
        self.bytes.try_reserve_exact(bytes)
    }

    /// Bytes of the texts themselves.
    pub fn text_bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl<T: AsRef<str>> FromIterator<Option<T>> for Texts {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(texts: I) -> Self {
        let mut all = Self::new();
        texts.into_iter().for_each(|text| all.push(text.as_ref().map(AsRef::as_ref)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_whatever_is_done_to_their_neighbours() {
        let text =
            |row: usize| (row % 7 != 3).then(|| "ab".repeat(row % 5) + if row.is_multiple_of(11) { "ß" } else { "" });
        for rows in [0, 1, 1023, 1024, 1025, 5000] {
            let mut texts: Texts = (0..rows).map(text).collect();
            let expected: Vec<Option<String>> = (0..rows).map(text).collect();
            let found = |texts: &Texts| texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>();
            assert_eq!(found(&texts), expected);
            let mut twice = texts.clone();
            twice.append(&texts);
            assert_eq!(found(&twice), [expected.clone(), expected.clone()].concat());
            for cut in [rows, rows.saturating_sub(1), rows / 2, 1024.min(rows), 0] {
                let mut cut_short = twice.clone();
                cut_short.truncate(cut);
                cut_short.push(Some("last"));
                assert_eq!(found(&cut_short), [&expected[..cut], &[Some("last".into())]].concat(), "{cut} of {rows}");
            }
            if rows > 1 {
                texts.remove(1);
                assert!(texts.is_missing(1) && texts.get(1).is_none() && texts.get(0) == expected[0].as_deref());
            }
        }
    }
}
