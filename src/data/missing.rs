//! Which cells say that their value is missing.

use std::collections::{BTreeSet, HashSet};

use super::Cells;

/// The words that say, in any case, that a cell's value is missing; an empty cell and a question mark say it too.
const USUAL: [&str; 6] = ["na", "n/a", "nan", "+nan", "-nan", "null"];

/// Which cells say that their value is missing: empty ones, and those that say one of some words. A word that is a number means that number,
/// however it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MissingValues {
    /// None = the usual words and a question mark.
    said: Option<Said>,
}

#[derive(Debug, Clone, PartialEq)]
struct Said {
    words: HashSet<String>,
    numbers: Vec<f64>,
}

impl MissingValues {
    /// Those of the words that somebody said, or else the usual ones.
    pub fn of(words: Option<&[String]>) -> Self {
        let said = |words: &[String]| Said {
            words: words.iter().map(|word| word.trim().to_owned()).collect(),
            numbers: words
                .iter()
                .filter_map(|word| word.trim().parse().ok())
                .filter(|number: &f64| !number.is_nan())
                .collect(),
        };
        Self { said: words.map(said) }
    }

    /// Whether a cell, without the spaces around it, says that its value is missing.
    pub fn says(&self, cell: &str) -> bool {
        if cell.is_empty() {
            return true;
        }
        match &self.said {
            None => cell == "?" || USUAL.iter().any(|word| cell.eq_ignore_ascii_case(word)),
            Some(Said { words, numbers }) => {
                let is_number = || cell.parse().is_ok_and(|cell: f64| numbers.contains(&cell));
                words.contains(cell) || !numbers.is_empty() && is_number()
            }
        }
    }

    /// Takes the values out of cells that say that they are missing.
    pub(super) fn blank(&self, cells: &mut Cells) {
        if let Cells::Text(cells) = cells {
            for row in 0..cells.len() {
                if cells.get(row).is_some_and(|cell| self.says(cell)) {
                    cells.remove(row);
                }
            }
        }
        let Some(Said { numbers, .. }) = &self.said else { return };
        let is_one = |number: f64| numbers.contains(&number);
        if let Cells::Bytes(bytes) = &cells
            && bytes.iter().any(|&byte| is_one(byte.into()))
        {
            // A byte cannot be missing.
            cells.widen(&Cells::Singles(Vec::new()));
        }
        match cells {
            Cells::Integers(cells) => {
                let is_one = |cell: i16| cell != Cells::NO_INTEGER && is_one(cell.into());
                cells.iter_mut().filter(|cell| is_one(**cell)).for_each(|cell| *cell = Cells::NO_INTEGER);
            }
            Cells::Singles(cells) => {
                cells.iter_mut().filter(|cell| is_one((**cell).into())).for_each(|cell| *cell = f32::NAN);
            }
            Cells::Numbers(cells) => cells.iter_mut().filter(|cell| is_one(**cell)).for_each(|cell| *cell = f64::NAN),
            Cells::Bytes(_) | Cells::Text(_) => {}
        }
    }

    /// Every text that says that a cell's value is missing, of numbers as they were said: for formats that compare text letter by letter.
    pub(crate) fn spellings(&self) -> Vec<String> {
        if let Some(said) = &self.said {
            let spellings: BTreeSet<String> = said.words.iter().cloned().chain([String::new()]).collect();
            return spellings.into_iter().collect();
        }
        let spelled = |word: &str, capitals: u32| {
            let letters = word.chars().enumerate();
            letters
                .map(|(place, letter)| if capitals >> place & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
                .collect()
        };
        let words = USUAL.iter().flat_map(|word| (0..1 << word.len()).map(move |capitals| spelled(word, capitals)));
        let spellings: BTreeSet<String> = [String::new(), "?".into()].into_iter().chain(words).collect();
        spellings.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> MissingValues {
        MissingValues::of(Some(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()))
    }

    #[test]
    fn every_usual_spelling_is_listed_once() {
        let usual = MissingValues::default();
        let spellings = usual.spellings();
        assert_eq!(spellings.len(), 2 + 4 + 4 + 3 * 8 + 16);
        assert!(spellings.iter().all(|spelling| usual.says(spelling)));
        assert!(["", "?", "NaN", "n/A", "NULL"].iter().all(|mark| spellings.contains(&(*mark).to_string())));
    }

    #[test]
    fn words_that_are_said_stand_in_place_of_the_usual_ones_and_numbers_mean_their_value() {
        let said = of(&["k.A.", "-999"]);
        assert!(["", "k.A.", "-999", "-999.0", "-9.99e2"].iter().all(|cell| said.says(cell)));
        assert!(["?", "NA", "nan", "K.A.", "999"].iter().all(|cell| !said.says(cell)));
        assert_eq!(said.spellings(), ["", "-999", "k.A."]);
        assert!(of(&[]).says("") && !of(&[]).says("NA") && of(&["nan"]).says("nan") && !of(&["nan"]).says("NaN"));
    }

    #[test]
    fn values_are_taken_out_of_every_kind_of_cells() {
        let said = of(&["0", "no"]);
        let blanked = |mut cells: Cells| {
            said.blank(&mut cells);
            (0..cells.len()).map(|row| cells.text(row).map(std::borrow::Cow::into_owned)).collect::<Vec<_>>()
        };
        let two = Some("2".to_owned());
        assert_eq!(blanked(Cells::Bytes(vec![2, 0])), [two.clone(), None]);
        assert_eq!(blanked(Cells::Singles(vec![-0.0, 2.0])), [None, two.clone()]);
        assert_eq!(blanked(Cells::Integers(vec![0, 2, Cells::NO_INTEGER])), [None, two.clone(), None]);
        assert_eq!(blanked(Cells::Numbers(vec![2.0, 0.0])), [two.clone(), None]);
        assert_eq!(
            blanked(Cells::Text([Some("no".into()), Some("0.0".into()), two.clone()].into_iter().collect())),
            [None, None, two]
        );
        let mut bytes = Cells::Bytes(vec![1, 2]);
        said.blank(&mut bytes);
        assert_eq!(bytes, Cells::Bytes(vec![1, 2]));
    }
}
