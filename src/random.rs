//! Randomness as a function of (seed, purpose, epoch): ChaCha8 and our own mappings, so that a seed gives the same numbers in
//! every release and on every machine. The golden values in the tests hold the streams fixed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for. Streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which rows belong to training, validation and test.
    Split = 1,
    /// The first weights of layer `l` (the stream's epoch is `l`).
    Initialization = 2,
    /// The order of the training rows in an epoch.
    Shuffle = 3,
    /// Numbers that only tests and checks draw.
    Test = 4,
}

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of this seed, purpose and epoch: the ChaCha8 key is the three numbers, little-endian, and eight zero bytes.
    pub fn new(seed: u64, purpose: Purpose, epoch: u64) -> Self {
        let mut key = [0; 32];
        key[0..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&epoch.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Standard normal, by the cosine half of the Box-Muller transform (two uniforms a number).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Uniform in 0..bound, without bias (Lemire, "Fast Random Integer Generation in an Interval", 2019). `bound` is above 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts `items` into a uniformly random order (Fisher-Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_other_seeds_purposes_and_epochs_differ() {
        let first = |seed, purpose, epoch| Stream::new(seed, purpose, epoch).uniform();
        let one = first(1, Purpose::Shuffle, 1);
        assert_ne!(one, first(2, Purpose::Shuffle, 1));
        assert_ne!(one, first(1, Purpose::Split, 1));
        assert_ne!(one, first(1, Purpose::Shuffle, 2));
        assert_eq!(one, first(1, Purpose::Shuffle, 1));
    }

    #[test]
    fn normals_have_mean_zero_and_deviation_one() {
        let mut stream = Stream::new(7, Purpose::Test, 0);
        let values: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "mean {mean}, variance {variance}");
    }
}
