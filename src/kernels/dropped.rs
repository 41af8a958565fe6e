//! Dropout: which units of a layer a step drops, as a function of counters. Shader: `shaders/forward_dropped.wgsl`.

use super::step::kept_factor;
use super::{Step, word};
use crate::scalar::Scalar;

/// What dropout does to a layer's units: each is dropped with this share, and the others are multiplied by 1 / (1 - share), so that
/// sums stay as large on average and evaluation needs nothing (Srivastava et al., "Dropout", 2014, with the factor in training).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The layer, from 0: each drops units of its own.
    layer: u32,
    /// Of 2^32 units so many are dropped; 0: as many as the step says, the same in each layer.
    threshold: u32,
}

impl Dropped {
    /// A share of the units of a layer, from 0, in parts of 2^32; none where none are dropped.
    pub fn new(layer: usize, threshold: u32) -> Option<Self> {
        (threshold > 0).then(|| Self { layer: word(layer), threshold })
    }

    /// The share of a layer's units, from 0, that each step says ([`Step::dropped`]).
    pub fn by_step(layer: usize) -> Self {
        Self { layer: word(layer), threshold: 0 }
    }

    /// Of 2^32 units so many are dropped in a step.
    #[inline(always)]
    fn threshold(self, step: &Step) -> u32 {
        if self.threshold == 0 { step.dropped } else { self.threshold }
    }

    /// What units that are kept in a step are multiplied by.
    pub(crate) fn factor<T: Scalar>(self, step: &Step) -> T {
        T::from_f64(kept_factor(self.threshold(step)))
    }

    /// The words of a layer's parameters that say it.
    pub(crate) fn words(self) -> [u32; 3] {
        [self.layer, self.threshold, (kept_factor(self.threshold) as f32).to_bits()]
    }

    /// Whether each of four units is kept: those of column `4 column4` on, of a row that is counted from the beginning of the batch.
    #[inline(always)]
    pub(crate) fn keeps(self, step: &Step, row_of_batch: usize, column4: usize) -> [bool; 4] {
        let words = [row_of_batch as u32, column4 as u32, step.key[0], step.key[1].wrapping_add(self.layer)];
        let threshold = self.threshold(step);
        scrambled(words).map(|word| word >= threshold)
    }

    /// Sets what is dropped of some values of a row, those of `column` on, to zero and multiplies the others.
    #[inline(always)]
    pub(crate) fn apply<T: Scalar>(self, step: &Step, row_of_batch: usize, column: usize, lists: &mut [&mut [T]]) {
        let (factor, length) = (self.factor::<T>(step), lists[0].len());
        let mut place = 0;
        while place < length {
            let (column4, lane) = ((column + place) / 4, (column + place) % 4);
            let kept = self.keeps(step, row_of_batch, column4);
            for &is_kept in kept[lane..].iter().take(length - place) {
                for list in &mut *lists {
                    list[place] = if is_kept { list[place] * factor } else { T::ZERO };
                }
                place += 1;
            }
        }
    }
}

/// Four random words of four words: pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", 2020.
#[inline(always)]
fn scrambled(words: [u32; 4]) -> [u32; 4] {
    let mut v = words.map(|word| word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let round = |v: &mut [u32; 4]| {
        v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
        v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
        v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
        v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
    };
    round(&mut v);
    v = v.map(|word| word ^ word >> 16);
    round(&mut v);
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(share: f64) -> Dropped {
        Dropped::new(1, (share * (1_u64 << 32) as f64) as u32).expect("a share")
    }

    /// Of another implementation, in Python.
    #[test]
    fn words_are_scrambled_as_they_are_elsewhere() {
        assert_eq!(scrambled([0, 0, 0, 0]), [0x0f02_f829, 0x2d56_8769, 0x32b0_c43b, 0xd325_48ea]);
        assert_eq!(scrambled([1, 2, 3, 4]), [0x3622_cd16, 0xf114_71d8, 0xe110_9b3f, 0x02b9_4c2f]);
        assert_eq!(scrambled([u32::MAX, 70_000, 0x9e37_79b9, 7]), [0x8b21_6b5a, 0xfef6_14a1, 0xe643_cc06, 0x044e_3dde]);
    }

    #[test]
    fn as_many_are_dropped_as_the_share_says_in_every_row_column_layer_and_step() {
        for share in [0.1, 0.5, 0.9] {
            let dropped = dropped(share);
            // The number of a thousand that are dropped is within five deviations of what it should be.
            let most = 5.0 * (1000.0 * share * (1.0 - share)).sqrt();
            let is_off = |kept: usize| ((1000 - kept) as f64 - 1000.0 * share).abs() > most;
            let step = |number: u32| Step { key: [number, 17], ..Step::default() };
            let of_row = |row| (0..250).flat_map(|column| dropped.keeps(&step(1), row, column)).filter(|&kept| kept).count();
            let of_unit = |unit: usize| (0..1000).filter(|&row| dropped.keeps(&step(1), row, unit / 4)[unit % 4]).count();
            let of_step =
                |unit: usize| (0..1000).filter(|&number| dropped.keeps(&step(number), 3, unit / 4)[unit % 4]).count();
            let others = (0..1000).map(|layer| Dropped { layer, ..dropped });
            let of_layer = others.filter(|dropped| dropped.keeps(&step(1), 0, 0)[0]).count();
            assert!(!is_off(of_layer), "layers");
            for place in 0..40 {
                assert!(!is_off(of_row(place)) && !is_off(of_unit(place)) && !is_off(of_step(place)), "{share}, {place}");
            }
        }
    }

    /// Neighbours agree as often as if they were drawn apart: units, rows, layers and steps.
    #[test]
    fn what_is_dropped_says_nothing_of_its_neighbours() {
        let half = dropped(0.5);
        let kept = |row: usize, unit: usize, number: u32, layer: u32| {
            let step = Step { key: [number, 5], ..Step::default() };
            Dropped { layer, ..half }.keeps(&step, row, unit / 4)[unit % 4]
        };
        let mut agree = [0_i32; 5];
        for index in 0..10_000 {
            let (row, unit) = (index / 100, index % 100);
            let own = kept(row, unit, 0, 0);
            let others = [
                kept(row, unit + 1, 0, 0),
                kept(row + 1, unit, 0, 0),
                kept(row, unit, 1, 0),
                kept(row, unit, 0, 1),
                kept(row, unit + 4, 0, 0),
            ];
            agree.iter_mut().zip(others).for_each(|(agree, other)| *agree += i32::from(own == other));
        }
        assert!(agree.iter().all(|agree| (agree - 5000).abs() < 250), "{agree:?}");
    }

    #[test]
    fn parts_of_a_row_are_dropped_as_the_whole_is() {
        let (dropped, step) = (dropped(0.3), Step { key: [3, 4], ..Step::default() });
        let by_step = Step { dropped: dropped.threshold, ..step };
        let mut whole = [1.0_f64; 23];
        dropped.apply(&step, 9, 0, &mut [&mut whole]);
        for first in 0..23 {
            let mut part = vec![1.0_f64; 23 - first];
            dropped.apply(&step, 9, first, &mut [&mut part]);
            assert_eq!(part, whole[first..]);
            let mut as_the_step_says = vec![1.0_f64; 23 - first];
            Dropped::by_step(1).apply(&by_step, 9, first, &mut [&mut as_the_step_says]);
            assert_eq!(as_the_step_says, part);
        }
        let values: Vec<f64> = whole.iter().copied().filter(|&value| value != 0.0).collect();
        assert!(values.len() < 23 && values.iter().all(|value| (value - 1.0 / 0.7).abs() < 1e-9), "{whole:?}");
    }
}
