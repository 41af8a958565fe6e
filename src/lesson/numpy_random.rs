//! The random numbers of numpy's legacy `np.random` functions, so that a lesson starts from its program's very weights.
//!
//! numpy holds these streams fixed (NEP 19), so programs that call `np.random.seed` print the same numbers for ever.
//! Source of the mappings: `numpy/random/mtrand.pyx` and `numpy/random/src/legacy/legacy-distributions.c`.

use rand_mt::Mt;

/// numpy's `RandomState`: MT19937 seeded by one number, and the second normal of the last pair.
#[derive(Debug, Clone)]
pub struct NumpyRandom {
    generator: Mt,
    kept_normal: Option<f64>,
}

impl NumpyRandom {
    /// `np.random.seed(seed)`.
    pub fn new(seed: u32) -> Self {
        Self { generator: Mt::new(seed), kept_normal: None }
    }

    /// `np.random.random_sample()`, also called `random` and `rand`: uniform in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        let high = u64::from(self.generator.next_u32() >> 5); // 27 bits
        let low = u64::from(self.generator.next_u32() >> 6); // 26 bits
        ((high << 26) | low) as f64 / (1_u64 << 53) as f64
    }

    /// `np.random.random_sample(count)`; a matrix is filled row by row.
    pub fn uniforms(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.uniform()).collect()
    }

    /// `np.random.normal(mean, deviation)`: Marsaglia's polar method, which makes normals in pairs; the second is kept.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let standard = self.kept_normal.take().unwrap_or_else(|| self.normal_pair());
        mean + deviation * standard
    }

    /// `np.random.normal(mean, deviation, count)`; a matrix is filled row by row.
    pub fn normals(&mut self, mean: f64, deviation: f64, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal(mean, deviation)).collect()
    }

    /// `np.random.shuffle(items)`: Fisher-Yates from the end.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.at_most(last));
        }
    }

    /// `np.random.permutation(count)`: the numbers 0..count in random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// `np.random.choice(count, chosen, replace=False)`: the start of a permutation.
    ///
    /// # Panics
    /// If more are to be chosen than there are.
    pub fn choice(&mut self, count: usize, chosen: usize) -> Vec<usize> {
        assert!(chosen <= count, "{chosen} of {count} cannot be chosen without replacement");
        let mut order = self.permutation(count);
        order.truncate(chosen);
        order
    }

    /// The second normal of a new pair is returned, the first is kept: that is numpy's order.
    fn normal_pair(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.kept_normal = Some(factor * x);
                return factor * y;
            }
        }
    }

    /// Uniform in 0..=largest, by rejection under the smallest covering mask.
    fn at_most(&mut self, largest: usize) -> usize {
        let largest = u32::try_from(largest).expect("a lesson shuffles fewer than 2^32 items");
        let mask = u32::MAX.checked_shr(largest.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = self.generator.next_u32() & mask;
            if drawn <= largest {
                return drawn as usize;
            }
        }
    }
}

/// The expected numbers were printed by numpy 2.4.6.
#[cfg(test)]
mod tests {
    use super::*;

    /// One unit in the last place: numpy takes the C library's logarithm, which may round otherwise than ours.
    fn assert_same(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= expected.abs() * f64::EPSILON, "{found} is not {expected}");
        }
    }

    #[test]
    fn uniforms_are_numpys_to_the_bit() {
        let expected = [
            (0, [0.5488135039273248, 0.7151893663724195, 0.6027633760716439, 0.5448831829968969, 0.4236547993389047]),
            (1, [0.417022004702574, 0.7203244934421581, 0.00011437481734488664, 0.30233257263183977, 0.14675589081711304]),
            (21, [0.04872488080912729, 0.28910965978981684, 0.7209663468312298, 0.021616249915949792, 0.20592276526743902]),
        ];
        for (seed, expected) in expected {
            assert_eq!(NumpyRandom::new(seed).uniforms(5), expected, "seed {seed}");
        }
        assert_eq!(NumpyRandom::new(u32::MAX).uniform(), 0.0976320289940138);
    }

    #[test]
    fn normals_are_numpys() {
        let expected = [
            (0, [1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458, 1.8675579901499675]),
            (1, [1.6243453636632417, -0.6117564136500754, -0.5281717522634557, -1.0729686221561705, 0.8654076293246785]),
            (21, [-0.051964249505532176, -0.11119605035442469, 1.0417967990841295, -1.256739294064987, 0.7453876814972659]),
        ];
        for (seed, expected) in expected {
            assert_same(&NumpyRandom::new(seed).normals(0.0, 1.0, 5), &expected);
        }
        let moved = NumpyRandom::new(0).normals(2.0, 3.0, 3);
        assert_same(&moved, &[7.292157037902992, 3.20047162510167, 4.9362139523172175]);
    }

    #[test]
    fn the_second_normal_of_a_pair_is_kept_while_uniforms_are_drawn() {
        let mut random = NumpyRandom::new(1);
        random.normal(0.0, 1.0);
        let found = [random.uniform(), random.normal(0.0, 1.0), random.uniform()];
        assert_same(&found, &[0.00011437481734488664, -0.6117564136500754, 0.30233257263183977]);
    }

    #[test]
    fn permutations_are_numpys() {
        assert_eq!(NumpyRandom::new(0).permutation(10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
        assert_eq!(NumpyRandom::new(1).permutation(10), [2, 9, 6, 4, 0, 3, 1, 7, 8, 5]);
        assert_eq!(NumpyRandom::new(21).permutation(10), [1, 2, 7, 3, 5, 6, 0, 4, 8, 9]);
        assert_eq!(NumpyRandom::new(1).permutation(300)[..8], [189, 123, 185, 213, 106, 127, 176, 73]);
        assert!(NumpyRandom::new(1).permutation(0).is_empty());
        assert_eq!(NumpyRandom::new(1).permutation(1), [0]);
    }

    #[test]
    fn shuffling_draws_as_many_numbers_as_numpy_does() {
        let mut random = NumpyRandom::new(1);
        let mut items = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
        random.shuffle(&mut items);
        assert_eq!(items, ['g', 'c', 'b', 'a', 'e', 'd', 'f']);
        assert_eq!(random.uniform(), 0.9990405153241447);
    }

    #[test]
    fn choices_are_numpys() {
        assert_eq!(NumpyRandom::new(0).choice(20, 5), [18, 1, 19, 8, 10]);
        assert_eq!(NumpyRandom::new(1).choice(20, 5), [3, 16, 6, 10, 2]);
        assert_eq!(NumpyRandom::new(21).choice(20, 5), [7, 10, 19, 13, 5]);
    }

    #[test]
    fn the_admissions_lesson_draws_its_360_rows() {
        let rows = NumpyRandom::new(21).choice(400, 360);
        assert_eq!(rows[..10], [106, 9, 61, 224, 37, 242, 313, 52, 347, 239]);
        assert_eq!(rows[350..], [118, 235, 325, 371, 137, 28, 346, 271, 338, 240]);
        let weighted: usize = rows.iter().zip(1..).map(|(row, position)| row * position).sum();
        assert_eq!(weighted, 12_978_563);
        let left: Vec<usize> = (0..400).filter(|row| !rows.contains(row)).collect();
        assert_eq!(left.len(), 40);
        assert_eq!(left[..6], [48, 50, 80, 84, 98, 110]);
    }

    #[test]
    fn the_admissions_lesson_draws_its_weights() {
        let mut random = NumpyRandom::new(21);
        let deviation = 1.0 / 6.0_f64.sqrt();
        #[rustfmt::skip]
        let input_to_hidden = [
            -0.021214316025871153, -0.04539559746352752,
            0.4253117622368205, -0.513061668360793,
            0.30430324670408126, -0.6985347727088358,
            -0.08404378190633194, -0.09576332862725183,
            0.46056287728259904, -0.005154523167539238,
            -0.25033796884426474, 0.5608059816570587,
        ];
        assert_same(&random.normals(0.0, deviation, 12), &input_to_hidden);
        assert_same(&random.normals(0.0, deviation, 2), &[0.657684720331954, -0.2813762634734557]);
    }
}
