//! How a kernel is computed on a GPU: the family of its product, whether its sums are split, and which pass of that this is.

use serde::{Deserialize, Serialize};

/// Half of what Mesa's llvmpipe allows an invocation before it silently ends its loops.
pub const MOST_ITERATIONS: u64 = 32_768;

/// Invocations a workgroup along x of kernels that keep no tiles: enough to fill the lanes of every GPU.
pub const GPU_LANES: u32 = 32;
/// The same on software adapters, which compute 8 lanes at a time.
pub const SOFTWARE_LANES: u32 = 8;

/// Whether kernels of so many lanes have what follows their sums once, in a loop that drivers cannot unroll, and not for each sum: for
/// software adapters, which take long to compile every copy of it. GPUs have it written out.
pub(crate) fn is_rolled(lanes: u32) -> bool {
    lanes == SOFTWARE_LANES
}

/// What of a device decides how kernels are computed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Invocations a workgroup along x of kernels that keep no tiles.
    pub lanes: u32,
    /// Whether it is a program that runs on the CPU.
    pub software: bool,
    /// Whether these lanes are a subgroup, whose invocations can tell each other numbers.
    pub subgroups: bool,
    /// Bytes of memory that the invocations of a workgroup may share.
    pub workgroup_bytes: u32,
    /// Invocations that a workgroup may have.
    pub workgroup_invocations: u32,
}

/// The loops that compute products, and their sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// No tiles, all lanes along the columns: for software adapters, and for few rows.
    #[default]
    Direct,
    /// The same with four times the sums an invocation: for large products on software adapters, which load dearly.
    Broad,
    /// No tiles, most lanes along the rows: for few columns.
    Thin,
    /// Tiles of 32 × 32.
    Tiled32,
    /// Tiles of 64 × 64.
    Tiled64,
    /// Tiles of 128 × 128.
    Tiled128,
}

/// The sizes of a tiled loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Rows and columns of the result that a workgroup sums.
    pub(crate) side: u32,
    /// Fours of rows that an invocation sums.
    pub(crate) block_rows: u32,
    /// Fours of columns that an invocation sums.
    pub(crate) block_columns: u32,
}

/// Terms of the sums that a tile holds.
pub(crate) const TILE_DEPTH: u32 = 16;
/// Lanes along the columns of the thin family: enough for 16 columns.
const THIN_LANES: u32 = 2;

impl Target {
    /// The families that products may be computed in.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(|family| family.is_for(self.software) && family.fits(self))
    }
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Direct, Self::Broad, Self::Thin, Self::Tiled32, Self::Tiled64, Self::Tiled128];

    /// Its name, as in its shaders' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Broad => "broad",
            Self::Thin => "thin",
            Self::Tiled32 => "tiled32",
            Self::Tiled64 => "tiled64",
            Self::Tiled128 => "tiled128",
        }
    }

    pub(crate) fn tile(self) -> Option<Tile> {
        match self {
            Self::Direct | Self::Broad | Self::Thin => None,
            Self::Tiled32 => Some(Tile { side: 32, block_rows: 1, block_columns: 1 }),
            Self::Tiled64 => Some(Tile { side: 64, block_rows: 2, block_columns: 1 }),
            Self::Tiled128 => Some(Tile { side: 128, block_rows: 2, block_columns: 2 }),
        }
    }

    /// Rows, and vec4s of each, of the result that an invocation sums.
    pub(crate) fn block(self) -> [u32; 2] {
        match (self.tile(), self) {
            (Some(tile), _) => [4 * tile.block_rows, tile.block_columns],
            (None, Self::Broad) => [16, 4],
            (None, _) => [8, 2],
        }
    }

    /// Invocations a workgroup along x and y, on a device of so many lanes.
    pub(crate) fn lanes(self, lanes: u32) -> [u32; 2] {
        match (self.tile(), self) {
            (Some(tile), _) => [tile.side / 4 / tile.block_columns, tile.side / 4 / tile.block_rows],
            (None, Self::Thin) => [THIN_LANES, lanes / THIN_LANES],
            (None, _) => [lanes, 1],
        }
    }

    /// Rows and columns of the result that a workgroup sums.
    pub(crate) fn reach(self, lanes: u32) -> [usize; 2] {
        let [x, y] = self.lanes(lanes);
        match self.tile() {
            Some(tile) => [tile.side as usize; 2],
            None => {
                let [rows, columns4] = self.block();
                [(y * rows) as usize, (4 * x * columns4) as usize]
            }
        }
    }

    /// Whether it is for software adapters, or for GPUs.
    pub(crate) fn is_for(self, software: bool) -> bool {
        match self {
            Self::Direct => true,
            Self::Broad => software,
            Self::Thin | Self::Tiled32 | Self::Tiled64 | Self::Tiled128 => !software,
        }
    }

    /// Whether a device's workgroups are large enough for it.
    pub(crate) fn fits(self, target: &Target) -> bool {
        let [x, y] = self.lanes(target.lanes);
        let bytes = self.tile().map_or(0, |tile| 2 * tile.side * TILE_DEPTH * 4);
        bytes <= target.workgroup_bytes && x * y <= target.workgroup_invocations
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
        let split = self.parts > 1;
        let first = form(if split { Pass::Parts(self.parts) } else { Pass::Whole });
        std::iter::once(first).chain(split.then(|| form(Pass::Reduction(self.parts))))
    }
}

/// What one dispatch does of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
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
    /// The device's lanes: [`Target::lanes`].
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
        let mut forms: Vec<Self> = Family::ALL
            .into_iter()
            .filter(|family| family.is_for(software))
            .flat_map(|family| [Pass::Whole, Pass::Parts(2)].map(|pass| Self { lanes, family, pass }))
            .collect();
        forms.push(Self { lanes, family: Family::Direct, pass: Pass::Reduction(2) });
        forms
    }

    /// Into how many parts the sums are split.
    pub fn parts(self) -> u32 {
        match self.pass {
            Pass::Whole => 1,
            Pass::Parts(parts) | Pass::Reduction(parts) => parts,
        }
    }

    /// Invocations a workgroup along x and y.
    pub fn workgroup(self) -> [u32; 2] {
        match self.pass {
            Pass::Whole | Pass::Parts(_) => self.family.lanes(self.lanes),
            Pass::Reduction(_) => [self.lanes, 1],
        }
    }

    /// Workgroups along z for this many replicas.
    pub fn depth(self, replicas: usize) -> u64 {
        match self.pass {
            Pass::Whole | Pass::Reduction(_) => replicas as u64,
            Pass::Parts(parts) => (replicas as u64).saturating_mul(u64::from(parts)),
        }
    }
}
