//! How a kernel is computed on a GPU: the family of its product, whether its sums are split, and which pass of that this is.

use serde::{Deserialize, Serialize};

use super::scales;
use super::units::{self, UnitTile};

/// Half of what Mesa's llvmpipe allows an invocation before it silently ends its loops.
pub const MOST_ITERATIONS: u64 = 32_768;

/// Invocations a workgroup along x of kernels that keep no tiles: enough to fill the lanes of every GPU.
pub const GPU_LANES: u32 = 32;
/// The same on software adapters, which compute 8 lanes at a time.
pub const SOFTWARE_LANES: u32 = 8;

/// The loops that compute products, and their sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// No tiles, all lanes along the columns: for software adapters.
    #[default]
    Direct,
    /// The same with four times the sums an invocation: for large products on software adapters, which load dearly.
    Broad,
    /// Tiles of 16 × 16 and one group, for sums of few terms.
    #[serde(rename = "tiled16-in-1")]
    Tiled16In1,
    /// Tiles of 16 × 16; 8 groups of a workgroup's invocations share the terms.
    #[serde(alias = "thin")]
    Tiled16,
    /// Tiles of 16 × 16 and 16 groups.
    #[serde(rename = "tiled16-in-16")]
    Tiled16In16,
    /// Tiles of 32 × 16 and 8 groups.
    Tiled32x16,
    /// Tiles of 32 × 32 and 2 groups.
    #[serde(rename = "tiled32-in-2")]
    Tiled32In2,
    /// Tiles of 32 × 32 and 4 groups.
    Tiled32,
    /// Tiles of 32 × 32 and 8 groups.
    #[serde(rename = "tiled32-in-8")]
    Tiled32In8,
    /// Tiles of 64 × 64.
    Tiled64,
    /// Tiles of 64 × 64 and 2 groups.
    #[serde(rename = "tiled64-in-2")]
    Tiled64In2,
    /// Tiles of 128 × 128.
    Tiled128,
    /// The same, 32 terms a tile: half as many changes of tiles, for twice the memory.
    #[serde(rename = "tiled128-deep")]
    Tiled128Deep,
    /// The same with two copies of the tiles: half as many barriers, for twice the memory.
    #[serde(rename = "tiled128-twice")]
    Tiled128Twice,
    /// Matrix units, tiles of 64 × 64: for factors that are rounded to f16.
    Units64,
    /// The same, tiles of 128 × 128.
    Units128,
    /// Matrix units whose fragments are 8 × 8, tiles of 64 × 64: for factors that are rounded to f16.
    #[serde(rename = "units64-by-8")]
    Units64By8,
    /// Matrix units, tiles of 64 × 64: for factors in f32, each of which is two halves there.
    Units64Split,
    /// The same, tiles of 128 × 128.
    Units128Split,
    /// What these compute by the loop of `direct`: for tests of it on software adapters, and never chosen.
    DirectSplit,
}

/// The sizes of a tiled loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Rows of the result that a workgroup sums.
    pub(crate) rows: u32,
    /// Columns of the result that a workgroup sums.
    pub(crate) columns: u32,
    /// Terms of the sums that a tile holds.
    pub(crate) depth: u32,
    /// Fours of rows that an invocation sums.
    pub(crate) block_rows: u32,
    /// Fours of columns that an invocation sums.
    pub(crate) block_columns: u32,
    /// Groups of invocations that share the terms.
    pub(crate) groups: u32,
    /// Copies of the tiles: one is filled while the other is read.
    pub(crate) copies: u32,
}

/// A tile of so many rows and columns, 16 terms deep.
const fn tile(sides: [u32; 2], blocks: [u32; 2], groups: u32) -> Tile {
    let ([rows, columns], [block_rows, block_columns]) = (sides, blocks);
    Tile { rows, columns, depth: 16, block_rows, block_columns, groups, copies: 1 }
}

impl Tile {
    /// Invocations of a group.
    pub(crate) fn group(self) -> u32 {
        (self.rows / 4 / self.block_rows) * (self.columns / 4 / self.block_columns)
    }

    /// Blocks of 4 × 4 that an invocation brings.
    pub(crate) fn each(self) -> u32 {
        ((self.rows + self.columns) / 4 * (self.depth / 4)).div_ceil(self.group())
    }

    /// vec4s between the fours of terms in a tile whose blocks lie along the terms, so that they do not meet in a bank of memory.
    pub(crate) fn pad(self) -> u32 {
        if self.depth > 16 { 1 } else { 2 }
    }

    /// Bytes of a workgroup's memory: its groups' tiles, with padding in one or both, and later their sums.
    pub(crate) fn bytes(self, padded: [bool; 2]) -> u32 {
        let pads = self.pad() * padded.map(u32::from).iter().sum::<u32>();
        let tiles = self.groups * self.copies * (self.depth / 4) * (self.rows + self.columns + pads);
        let lanes = self.groups * self.group();
        let sums = if self.groups > 1 { 4 * self.block_rows * self.block_columns * lanes } else { lanes };
        16 * tiles.max(sums)
    }
}

impl Family {
    /// All that compute in f32 without matrix units.
    pub const ALL: [Self; 14] = [
        Self::Direct,
        Self::Broad,
        Self::Tiled16In1,
        Self::Tiled16,
        Self::Tiled16In16,
        Self::Tiled32x16,
        Self::Tiled32In2,
        Self::Tiled32,
        Self::Tiled32In8,
        Self::Tiled64,
        Self::Tiled64In2,
        Self::Tiled128,
        Self::Tiled128Deep,
        Self::Tiled128Twice,
    ];

    /// Rows of the largest tiles, of which those of the others are divisors.
    pub(crate) const MOST_ROWS: usize = 128;

    /// Those for GPUs.
    pub const TILED: [Self; 12] = [
        Self::Tiled16In1,
        Self::Tiled16,
        Self::Tiled16In16,
        Self::Tiled32x16,
        Self::Tiled32In2,
        Self::Tiled32,
        Self::Tiled32In8,
        Self::Tiled64,
        Self::Tiled64In2,
        Self::Tiled128,
        Self::Tiled128Deep,
        Self::Tiled128Twice,
    ];

    /// Those of matrix units, the largest tiles first.
    pub const UNITS: [Self; 3] = [Self::Units128, Self::Units64, Self::Units64By8];

    /// The same for products in f32.
    pub const SPLIT: [Self; 2] = [Self::Units128Split, Self::Units64Split];

    /// Its name, as in its shaders' names and in `run.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Broad => "broad",
            Self::Tiled16In1 => "tiled16-in-1",
            Self::Tiled16 => "tiled16",
            Self::Tiled16In16 => "tiled16-in-16",
            Self::Tiled32x16 => "tiled32x16",
            Self::Tiled32In2 => "tiled32-in-2",
            Self::Tiled32 => "tiled32",
            Self::Tiled32In8 => "tiled32-in-8",
            Self::Tiled64 => "tiled64",
            Self::Tiled64In2 => "tiled64-in-2",
            Self::Tiled128 => "tiled128",
            Self::Tiled128Deep => "tiled128-deep",
            Self::Tiled128Twice => "tiled128-twice",
            Self::Units64 => "units64",
            Self::Units128 => "units128",
            Self::Units64By8 => "units64-by-8",
            Self::Units64Split => "units64-split",
            Self::Units128Split => "units128-split",
            Self::DirectSplit => "direct-split",
        }
    }

    pub(crate) fn tile(self) -> Option<Tile> {
        Some(match self {
            Self::Direct
            | Self::Broad
            | Self::DirectSplit
            | Self::Units64
            | Self::Units128
            | Self::Units64By8
            | Self::Units64Split
            | Self::Units128Split => return None,
            Self::Tiled16In1 => tile([16, 16], [1, 1], 1),
            Self::Tiled16 => tile([16, 16], [1, 1], 8),
            Self::Tiled16In16 => tile([16, 16], [1, 1], 16),
            Self::Tiled32x16 => tile([32, 16], [2, 1], 8),
            Self::Tiled32In2 => tile([32, 32], [2, 1], 2),
            Self::Tiled32 => tile([32, 32], [2, 1], 4),
            Self::Tiled32In8 => tile([32, 32], [2, 1], 8),
            Self::Tiled64 => tile([64, 64], [2, 1], 1),
            Self::Tiled64In2 => tile([64, 64], [2, 1], 2),
            Self::Tiled128 => tile([128, 128], [2, 2], 1),
            Self::Tiled128Deep => Tile { depth: 32, ..tile([128, 128], [2, 2], 1) },
            Self::Tiled128Twice => Tile { copies: 2, ..tile([128, 128], [2, 2], 1) },
        })
    }

    /// The sizes of its loop, if it uses matrix units.
    pub(crate) fn units(self) -> Option<UnitTile> {
        match self {
            Self::Units64 => Some(UnitTile::new(64)),
            Self::Units128 => Some(UnitTile::new(128)),
            Self::Units64By8 => Some(UnitTile::of_eights()),
            Self::Units64Split => Some(UnitTile::split(64)),
            Self::Units128Split => Some(UnitTile::split(128)),
            _ => None,
        }
    }

    /// Whether it takes each factor as two halves, after a dispatch that finds their scales.
    pub fn is_split(self) -> bool {
        matches!(self, Self::Units64Split | Self::Units128Split | Self::DirectSplit)
    }

    /// Rows, and vec4s of each, of the result that an invocation sums.
    pub(crate) fn block(self) -> [u32; 2] {
        match (self.tile(), self) {
            (Some(tile), _) => [4 * tile.block_rows, tile.block_columns],
            (None, Self::Broad) => [16, 4],
            (None, _) => [8, 2],
        }
    }

    /// Invocations a workgroup, on a device of so many lanes.
    pub(crate) fn lanes(self, lanes: u32) -> u32 {
        match (self.tile(), self.units()) {
            (Some(tile), _) => tile.groups * tile.group(),
            (None, Some(_)) => units::LANES,
            (None, None) => lanes,
        }
    }

    /// Rows and columns of the result that a workgroup sums.
    pub(crate) fn reach(self, lanes: u32) -> [usize; 2] {
        match (self.tile(), self.units()) {
            (Some(tile), _) => [tile.rows as usize, tile.columns as usize],
            (None, Some(tile)) => [tile.side as usize; 2],
            (None, None) => {
                let [rows, columns4] = self.block();
                [rows as usize, (4 * lanes * columns4) as usize]
            }
        }
    }

    /// Whether it is for software adapters, or for GPUs.
    pub(crate) fn is_for(self, software: bool) -> bool {
        (self.tile().is_none() && self.units().is_none()) == software
    }
}

/// How a product is computed: what is chosen for each launch of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choice {
    /// The loop.
    pub family: Family,
    /// Into how many parts the sums are split, at least 1. Parts are summed side by side, and a second pass adds them up.
    pub parts: u32,
}

impl std::fmt::Display for Choice {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = if self.parts > 1 { format!(" in {} parts", self.parts) } else { String::new() };
        write!(text, "{}{parts}", self.family.name())
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self { family: Family::Direct, parts: 1 }
    }
}

impl Choice {
    /// Its dispatches, one after the other, on a device of so many lanes.
    pub fn forms(self, lanes: u32) -> impl Iterator<Item = Form> {
        let form = move |pass| Form { lanes, family: self.family, pass };
        let in_parts = self.parts > 1;
        let product = form(if in_parts { Pass::Parts(self.parts) } else { Pass::Whole });
        let scales = self.family.is_split().then(|| form(Pass::Scales));
        scales.into_iter().chain([product]).chain(in_parts.then(|| form(Pass::Reduction(self.parts))))
    }
}

/// What one dispatch does of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Nothing: it finds the scales that the product's halves need.
    Scales,
    /// All of them, and what follows.
    Whole,
    /// So many parts of each.
    Parts(u32),
    /// Adds so many parts up, and does what follows.
    Reduction(u32),
}

/// One dispatch of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Form {
    /// The device's lanes: [`Target::lanes`](super::Target::lanes).
    pub lanes: u32,
    /// The loop of a product; other kernels take no notice of it.
    pub family: Family,
    /// What it does of the sums.
    pub pass: Pass,
}

impl Form {
    /// The form of kernels that are no products, and of the simplest product.
    pub fn direct(lanes: u32) -> Self {
        Self { lanes, family: Family::Direct, pass: Pass::Whole }
    }

    /// Every form of a product on a device of so many lanes; the numbers of parts do not change a shader.
    pub fn all(lanes: u32, software: bool) -> Vec<Self> {
        let split: &[Family] = if software { &[Family::DirectSplit] } else { &Family::SPLIT };
        let mut forms: Vec<Self> = Family::ALL
            .into_iter()
            .filter(|family| family.is_for(software))
            .chain(split.iter().copied())
            .flat_map(|family| [Pass::Whole, Pass::Parts(2)].map(|pass| Self { lanes, family, pass }))
            .collect();
        forms.push(Self { lanes, family: split[0], pass: Pass::Scales });
        forms.push(Self { lanes, family: Family::Direct, pass: Pass::Reduction(2) });
        forms
    }

    /// Every form of a mixed product: on GPUs those of matrix units, on software adapters those of f32.
    pub fn all_mixed(lanes: u32, software: bool) -> Vec<Self> {
        if software {
            return Self::all(lanes, true).into_iter().filter(|form| !form.family.is_split()).collect();
        }
        let of_family = |family| [Pass::Whole, Pass::Parts(2)].map(|pass| Self { lanes, family, pass });
        let reduction = Self { lanes, family: Family::Units64, pass: Pass::Reduction(2) };
        Family::UNITS.into_iter().flat_map(of_family).chain([reduction]).collect()
    }

    /// Into how many parts the sums are split.
    pub fn parts(self) -> u32 {
        match self.pass {
            Pass::Scales | Pass::Whole => 1,
            Pass::Parts(parts) | Pass::Reduction(parts) => parts,
        }
    }

    /// Whether it binds, after all other buffers, that of the scales and that of the partial sums.
    pub fn scratch(self) -> [bool; 2] {
        [self.family.is_split() && !matches!(self.pass, Pass::Reduction(_)), self.parts() > 1]
    }

    /// Whether it multiplies.
    pub(crate) fn multiplies(self) -> bool {
        matches!(self.pass, Pass::Whole | Pass::Parts(_))
    }

    /// Invocations a workgroup along x and y.
    pub fn workgroup(self) -> [u32; 2] {
        match self.pass {
            Pass::Whole | Pass::Parts(_) => [self.family.lanes(self.lanes), 1],
            Pass::Scales => [scales::LANES, 1],
            Pass::Reduction(_) => [self.lanes, 1],
        }
    }

    /// Workgroups along z for this many replicas.
    pub fn depth(self, replicas: usize) -> u64 {
        match self.pass {
            Pass::Scales | Pass::Whole | Pass::Reduction(_) => replicas as u64,
            Pass::Parts(parts) => (replicas as u64).saturating_mul(u64::from(parts)),
        }
    }
}
