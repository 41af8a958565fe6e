//! How long a GPU takes for a product in each tiled family, from four numbers a family: what decides between them where nothing
//! else is known.

use serde::{Deserialize, Serialize};

use super::form::Family;

/// What a GPU takes for a workgroup's tile, in picoseconds: the whole device waits for a tile that is alone, and shares itself out
/// among many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pace {
    /// One workgroup alone, beside its terms: its first tile, its barriers, and what it does with the sums.
    pub alone: u32,
    /// One workgroup alone, for 256 terms.
    pub alone_each: u32,
    /// Of many workgroups each, beside its terms.
    pub shared: u32,
    /// Of many workgroups each, for 256 terms.
    pub shared_each: u32,
}

/// A GPU's pace in each family, and what a dispatch takes that waits for the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// By the family's place in [`Family::TILED`]; none where the device has no room for it.
    pub paces: [Option<Pace>; Family::TILED.len()],
    /// Picoseconds of an empty dispatch that waits for the one before.
    pub dispatch: u32,
}

/// An NVIDIA H200's, rounded (`benches/README.md`): what GPUs that nothing was measured on are taken for. A smaller one has fewer
/// workgroups to fill, and so loses little by tiles that fill a large one. Larger workgroup memory for the same tile suits that
/// device alone: no GPU is given it unmeasured, nor tiles of 32 × 16, of which AMD's keep few side by side.
impl Default for Rates {
    fn default() -> Self {
        let pace = |[alone, alone_each, shared, shared_each]: [u32; 4]| {
            Some(Pace { alone, alone_each, shared, shared_each }).filter(|pace| pace.shared_each > 0)
        };
        let paces = Family::TILED.map(|family| {
            pace(match family {
                Family::Tiled16In1 => [1_900_000, 4_000_000, 6_000, 16_000],
                Family::Tiled16 => [2_300_000, 1_150_000, 12_900, 8_000],
                Family::Tiled16In16 => [2_300_000, 700_000, 20_000, 8_500],
                Family::Tiled32In2 => [1_500_000, 6_000_000, 11_000, 19_800],
                Family::Tiled32 => [1_650_000, 3_000_000, 12_500, 19_700],
                Family::Tiled32In8 => [3_200_000, 2_100_000, 29_000, 22_000],
                Family::Tiled64 => [2_000_000, 12_600_000, 6_300, 64_200],
                Family::Tiled64In2 => [4_500_000, 7_500_000, 20_000, 68_000],
                Family::Tiled128 => [2_000_000, 29_800_000, 2_000, 234_500],
                _ => [0; 4],
            })
        });
        Self { paces, dispatch: 1_750_000 }
    }
}

impl Rates {
    /// Seconds of a product of so many workgroups with so many terms each; infinity where the device has no room for the family. Several
    /// products together have workgroups of more and of less work, and just fill a device as often as not: then a last round counts, of
    /// which a third is taken to be left.
    pub fn seconds(&self, family: Family, workgroups: f64, terms: f64, several: bool) -> f64 {
        let place = Family::TILED.iter().position(|&tiled| tiled == family);
        let Some(pace) = place.and_then(|place| self.paces[place]) else { return f64::INFINITY };
        let of = |beside: u32, each: u32| f64::from(beside) + f64::from(each) * terms / 256.0;
        let (alone, shared) = (of(pace.alone, pace.alone_each), workgroups * of(pace.shared, pace.shared_each));
        let last_round = if several && shared > 0.95 * alone { 0.35 * alone } else { 0.0 };
        1e-12 * (f64::from(self.dispatch) + alone.max(shared) + last_round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured on the device that the numbers are from, within a quarter (microseconds).
    #[test]
    fn the_default_rates_give_the_times_that_were_measured() {
        let rates = Rates::default();
        for (family, workgroups, terms, measured) in [
            (Family::Tiled128, 256.0, 2048.0, 482.0),
            (Family::Tiled128, 128.0, 1024.0, 122.8),
            (Family::Tiled64, 1024.0, 2048.0, 534.0),
            (Family::Tiled32, 128.0, 784.0, 12.7),
            (Family::Tiled32, 128.0, 256.0, 6.4),
            (Family::Tiled32, 400.0, 256.0, 14.6),
            (Family::Tiled32In8, 128.0, 256.0, 7.0),
            (Family::Tiled16, 256.0, 512.0, 8.5),
            (Family::Tiled16, 512.0, 256.0, 12.0),
            (Family::Tiled16In16, 17.0, 256.0, 4.7),
            (Family::Tiled16In1, 256.0, 16.0, 4.0),
            (Family::Tiled32In2, 400.0, 256.0, 14.1),
            (Family::Tiled64In2, 104.0, 256.0, 14.1),
        ] {
            let ratio = 1e6 * rates.seconds(family, workgroups, terms, false) / measured;
            assert!((0.8..1.25).contains(&ratio), "{family:?} {workgroups} {terms}: {ratio}");
        }
        assert_eq!(rates.seconds(Family::Tiled128Deep, 1.0, 1.0, false), f64::INFINITY);
    }
}
