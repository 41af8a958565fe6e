//! The rows that a model was trained on, as hashes of their inputs and targets, so that scores on these rows are known for what they are.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use super::Element;
use crate::data::Matrix;
use crate::error::{Error, Result, shown};
use crate::files::{self, Place, run::TRAINED_ROWS};
use crate::name::folder_of;

/// How a file of them begins.
const MAGIC: &[u8; 8] = b"wgradrow";
/// Hashes that are kept at most: of more rows every second, every fourth, … by their hashes, whatever the order of the rows.
const MOST: usize = 1 << 16;
/// Bytes of a file of them, at most.
const BYTES: u64 = 8 * (2 * MOST as u64 + 7);

/// Hashes of rows as a network sees them: their inputs and targets, as f32. Of many rows there is a sample, which the hashes choose, so that
/// two tables have the same rows in theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrainedRows {
    /// All rows.
    rows: u64,
    /// How many times the sample was halved.
    halved: u32,
    /// Ascending, as often as there are such rows.
    hashes: Vec<u64>,
    /// Those of the models that it was fine-tuned from, likewise.
    earlier: Vec<u64>,
    /// How many of the run's own test rows are the same as rows that it was trained on, and how many test rows were looked at.
    alike: [u64; 2],
}

impl TrainedRows {
    /// Adds rows: [rows × inputs], [rows × targets].
    pub fn add<T: Element>(&mut self, inputs: &Matrix<T>, targets: &Matrix<T>) {
        self.rows += inputs.rows as u64;
        let hash = |row: usize| hash(inputs.row(row), targets.row(row));
        // Some at a time, so that there are never many more than are kept.
        for first in (0..inputs.rows).step_by(MOST) {
            let rows = first..inputs.rows.min(first + MOST);
            let found: Vec<u64> = rows.into_par_iter().map(hash).filter(|&hash| is_in(hash, self.halved)).collect();
            self.hashes.extend(found);
            self.halve_to_room();
        }
    }

    /// Takes a smaller sample where there are too many hashes.
    fn halve_to_room(&mut self) {
        while self.hashes.len() > MOST || self.earlier.len() > MOST {
            self.halved += 1;
            let halved = self.halved;
            self.hashes.retain(|&hash| is_in(hash, halved));
            self.earlier.retain(|&hash| is_in(hash, halved));
        }
    }

    /// The same of a model that was fine-tuned from one that was trained on other rows: it knows those, too.
    #[must_use]
    pub fn after(mut self, base: &Self) -> Self {
        self.halved = self.halved.max(base.halved);
        let halved = self.halved;
        self.hashes.retain(|&hash| is_in(hash, halved));
        self.earlier.extend(base.hashes.iter().chain(&base.earlier).filter(|&&hash| is_in(hash, halved)));
        self.halve_to_room();
        self.earlier.sort_unstable();
        self
    }

    /// The same, sorted: what can be compared and saved.
    #[must_use]
    pub fn finished(mut self) -> Self {
        self.hashes.par_sort_unstable();
        self
    }

    /// The same, with what of the run's own test rows, none of which it was trained on, is the same all the same: in a table of few
    /// different rows that is much.
    #[must_use]
    pub fn with_test_rows(mut self, test: &Self) -> Self {
        self.alike = [test.among(&self), test.rows];
        self
    }

    /// What a person should hear if many rows of a file to test with, which is called so, are rows that were trained on.
    pub fn remark_on_test_rows(&self, file: &str) -> Option<String> {
        /// Of a hundred, those that may be the same by chance.
        const BY_CHANCE: u64 = 5;
        let [alike, tested] = self.alike;
        (100 * alike > BY_CHANCE * tested).then(|| {
            let share = 100.0 * alike as f64 / tested as f64;
            format!(
                "{}: {share:.0} % of its rows are the same as training rows: the scores say less of new rows",
                shown(file)
            )
        })
    }

    /// Whether these are the same rows.
    pub fn are(&self, others: &Self) -> bool {
        let halved = self.halved.max(others.halved);
        let sample = |rows: &Self| rows.hashes.iter().copied().filter(|&hash| is_in(hash, halved)).collect::<Vec<_>>();
        self.rows == others.rows && sample(self) == sample(others)
    }

    /// Whether so many of so many rows are more than are the same by chance, as far as the run's own test rows tell: by three deviations
    /// of a binomial distribution.
    pub fn are_more_than_by_chance(&self, among: u64, rows: u64) -> bool {
        let [alike, tested] = self.alike;
        let chance = if tested == 0 { 0.0 } else { alike as f64 / tested as f64 };
        let expected = rows as f64 * chance;
        among as f64 > expected + 3.0 * (expected * (1.0 - chance)).sqrt()
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many of these rows are among `others`, and what was before them, each as often as it is there; of a sample about as many.
    pub fn among(&self, others: &Self) -> u64 {
        let halved = self.halved.max(others.halved);
        let mut known: HashMap<u64, usize> = HashMap::new();
        for &hash in others.hashes.iter().chain(&others.earlier).filter(|&&hash| is_in(hash, halved)) {
            *known.entry(hash).or_default() += 1;
        }
        let (mut looked_at, mut found) = (0_u64, 0_u64);
        for hash in self.hashes.iter().filter(|&&hash| is_in(hash, halved)) {
            looked_at += 1;
            if let Some(left) = known.get_mut(hash).filter(|left| **left > 0) {
                *left -= 1;
                found += 1;
            }
        }
        if halved == 0 || looked_at == 0 {
            found
        } else {
            (self.rows as f64 * found as f64 / looked_at as f64).round() as u64
        }
    }

    /// Whether they are all rows, and not a sample.
    pub fn are_all(&self) -> bool {
        self.halved == 0
    }

    /// Saves them in a run's folder.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let head = [
            u64::from(self.halved),
            self.rows,
            self.alike[0],
            self.alike[1],
            self.hashes.len() as u64,
            self.earlier.len() as u64,
        ];
        let numbers = head.iter().chain(&self.hashes).chain(&self.earlier).flat_map(|number| number.to_le_bytes());
        let bytes: Vec<u8> = MAGIC.iter().copied().chain(numbers).collect();
        Place::own(&folder.join(TRAINED_ROWS)).save_bytes(&bytes, |_| Ok(()))
    }

    /// Those that the model in this file was trained on; none where its folder does not say.
    ///
    /// # Errors
    /// Model, for a file that is damaged.
    pub fn of_model(model: &Path) -> Result<Option<Self>> {
        let path = folder_of(model).join(TRAINED_ROWS);
        let Some(bytes) = files::bounded_own(&path, BYTES)? else { return Ok(None) };
        let damaged = || Error::Model(format!("{}: is damaged; train again, or remove it", shown(&path.to_string_lossy())));
        let numbers = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (numbers, []) = numbers.as_chunks::<8>() else { return Err(damaged()) };
        let numbers: Vec<u64> = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let [halved, rows, alike, tested, own, before, ref hashes @ ..] = numbers[..] else { return Err(damaged()) };
        let halved = u32::try_from(halved).ok().filter(|&halved| halved < u64::BITS).ok_or_else(damaged)?;
        let own = usize::try_from(own).map_err(|_| damaged())?;
        let (hashes, earlier) = hashes.split_at_checked(own).ok_or_else(damaged)?;
        let are_sorted = hashes.is_sorted() && earlier.is_sorted();
        let are_in = hashes.iter().chain(earlier).all(|&hash| is_in(hash, halved));
        let is_sound = before == earlier.len() as u64 && are_sorted && are_in && own as u64 <= rows && alike <= tested;
        let alike = [alike, tested];
        if is_sound {
            Ok(Some(Self { rows, halved, hashes: hashes.to_vec(), earlier: earlier.to_vec(), alike }))
        } else {
            Err(damaged())
        }
    }
}

/// Whether a hash is in a sample that was halved so often.
fn is_in(hash: u64, halved: u32) -> bool {
    hash.trailing_zeros() >= halved
}

/// A hash of a row that stays the same in all versions of wgrad: each number's bits are multiplied in, and spread at last (the end of
/// `SplitMix64`). Minus zero is zero.
fn hash<T: Element>(inputs: &[T], targets: &[T]) -> u64 {
    let word = |state: u64, value: &T| {
        let bits = (value.to_f64() as f32 + 0.0).to_bits();
        (state.rotate_left(5) ^ u64::from(bits)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    let state = inputs.iter().chain(targets).fold(inputs.len() as u64, word);
    let state = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ state >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ state >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(places: std::ops::Range<usize>) -> TrainedRows {
        let inputs = places.clone().flat_map(|place| [place as f32, (place % 7) as f32]).collect();
        let targets = places.clone().map(|place| (place % 2) as f32).collect();
        let mut rows = TrainedRows::default();
        rows.add(&Matrix::new(places.len(), 2, inputs), &Matrix::new(places.len(), 1, targets));
        rows.finished()
    }

    #[test]
    fn rows_are_found_again_whatever_their_order_and_as_often_as_they_are_there() {
        assert_eq!((rows(0..10).among(&rows(5..50)), rows(0..10).among(&rows(10..50))), (5, 0));
        let mut backwards = TrainedRows::default();
        for place in (0..10).rev() {
            backwards.add(
                &Matrix::new(1, 2, vec![place as f64, (place % 7) as f64]),
                &Matrix::new(1, 1, vec![(place % 2) as f64]),
            );
        }
        assert_eq!(backwards.finished(), rows(0..10), "in doubles, too");
        let twice = |count: usize| {
            let mut rows = TrainedRows::default();
            (0..count).for_each(|_| rows.add(&Matrix::new(1, 1, vec![1.0_f32]), &Matrix::new(1, 1, vec![0.0])));
            rows.finished()
        };
        assert_eq!((twice(5).among(&twice(3)), twice(3).among(&twice(5))), (3, 3));
        // A row is its targets, too, and minus zero is zero.
        let one = |input: f32, target: f32| {
            let mut rows = TrainedRows::default();
            rows.add(&Matrix::new(1, 1, vec![input]), &Matrix::new(1, 1, vec![target]));
            rows
        };
        assert_eq!((one(0.0, 1.0).among(&one(-0.0, 1.0)), one(0.0, 1.0).among(&one(0.0, 0.0))), (1, 0));
    }

    #[test]
    fn of_many_rows_a_sample_says_about_how_many() {
        let (many, part) = (rows(0..300_000), rows(200_000..400_000));
        assert!(many.hashes.len() <= MOST && many.hashes.len() > MOST / 3 && !many.are_all(), "{}", many.hashes.len());
        let about = part.among(&many) as f64;
        assert!((about - 100_000.0).abs() < 3_000.0, "{about}");
        let few = rows(299_990..300_010);
        assert!(few.among(&many) <= 20);
    }

    #[test]
    fn a_table_of_few_different_rows_has_some_that_are_the_same_by_chance() {
        let trained = rows(0..90).with_test_rows(&rows(85..95));
        assert_eq!(trained.alike, [5, 10]);
        assert!(!trained.are_more_than_by_chance(60, 100) && trained.are_more_than_by_chance(70, 100));
        let other = rows(0..90).with_test_rows(&rows(90..99));
        assert!(!other.are_more_than_by_chance(0, 100) && other.are_more_than_by_chance(1, 100));
        assert!(rows(0..9).are_more_than_by_chance(1, 9) && trained.are(&rows(0..90)) && !trained.are(&rows(0..91)));
    }

    #[test]
    fn rows_of_the_model_before_are_known_too() {
        let tuned = rows(0..50).after(&rows(100..150)).after(&rows(200..210));
        assert_eq!((rows(95..105).among(&tuned), rows(205..300).among(&tuned), rows(45..60).among(&tuned)), (5, 5, 5));
        assert!(tuned.are(&rows(0..50)) && !tuned.are(&rows(0..51)));
        // Of samples of other sizes.
        let many = rows(0..50).after(&rows(100..300_100));
        assert!(many.are(&rows(0..50)) && many.earlier.len() <= MOST && many.halved > 0);
        let about = rows(200_100..400_100).among(&many) as f64;
        assert!((about - 100_000.0).abs() < 3_000.0, "{about}");
        let folder = tempfile::tempdir().unwrap();
        many.save(folder.path()).unwrap();
        assert_eq!(TrainedRows::of_model(&folder.path().join("model.safetensors")).unwrap(), Some(many));
    }

    #[test]
    fn a_file_gives_them_back_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.safetensors");
        assert_eq!(TrainedRows::of_model(&model).unwrap(), None);
        for count in [0, 1, 1000, 200_000] {
            rows(0..count).with_test_rows(&rows(count / 2..count + 1)).save(folder.path()).unwrap();
            let read = TrainedRows::of_model(&model).unwrap();
            assert_eq!(read, Some(rows(0..count).with_test_rows(&rows(count / 2..count + 1))));
        }
        let path = folder.path().join(TRAINED_ROWS);
        let whole = files::bounded_own(&path, BYTES).unwrap().unwrap();
        for damaged in [&whole[..whole.len() - 1], &whole[..52], &whole[1..], &[&whole[..], &[0; 8]].concat()] {
            Place::own(&path).save_bytes(damaged, |_| Ok(())).unwrap();
            assert_eq!(TrainedRows::of_model(&model).unwrap_err().exit_code(), 8);
        }
    }
}
