//! What of a device decides how kernels are computed on it, and the families that it has room for.

use super::form::Family;
#[cfg(test)]
use super::form::{GPU_LANES, SOFTWARE_LANES};
use super::rates::Rates;
use super::scales;
use super::units::{UnitTile, Units};

/// What of a device decides how kernels are computed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Invocations a workgroup along x of kernels that keep no tiles.
    pub lanes: u32,
    /// Whether it is a program that runs on the CPU.
    pub software: bool,
    /// Lanes that every subgroup has at least; 0 where those of a subgroup cannot tell each other numbers.
    pub subgroup: u32,
    /// Bytes of memory that the invocations of a workgroup may share.
    pub workgroup_bytes: u32,
    /// Invocations that a workgroup may have.
    pub workgroup_invocations: u32,
    /// How fast it is in each family; as other GPUs are, where that was not measured.
    pub rates: Rates,
    /// Its matrix units, where they are to be used.
    pub units: Option<Units>,
    /// Whether they were verified for products in f32, in halves.
    pub splits: bool,
}

impl Target {
    /// A device with room for so many bytes in a workgroup, for tests.
    #[cfg(test)]
    pub(crate) fn sample(software: bool, workgroup_bytes: u32) -> Self {
        let lanes = if software { SOFTWARE_LANES } else { GPU_LANES };
        let (rates, units, splits) = (Rates::default(), None, false);
        Self { lanes, software, subgroup: 0, workgroup_bytes, workgroup_invocations: 256, rates, units, splits }
    }

    /// The families that products may be computed in.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(|family| family.is_for(self.software) && family.fits(self))
    }
}

impl Family {
    /// Whether a device has what it needs, and workgroups that are large enough.
    pub(crate) fn fits(self, target: &Target) -> bool {
        let bytes = match self.units() {
            Some(tile) => tile.most_bytes(),
            None => self.tile().map_or(0, |tile| tile.bytes([true; 2])),
        };
        let is_verified = !self.is_split() || target.splits;
        let is_of = |tile: UnitTile| target.units.is_some_and(|units| units.fragment == tile.fragment);
        let has_units = self.units().is_none_or(|tile| is_of(tile) && is_verified);
        // Another dispatch finds the scales of halves.
        let lanes = if self.is_split() { self.lanes(target.lanes).max(scales::LANES) } else { self.lanes(target.lanes) };
        has_units && bytes <= target.workgroup_bytes && lanes <= target.workgroup_invocations
    }
}
