//! Products by matrix units: what an adapter's must be, and the sizes of the loop that uses them, `shaders/units.wgsl`.

use super::layout::Layout;
use super::shader::{Shader, shader_file};

/// Matrix units that multiply fragments, f16 factors into f32 sums, for a subgroup at a time. Those of 8 × 8 × 8, Apple's, were never run by
/// anybody here: like all they are verified on the device that has them before the first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// Invocations of the smallest subgroup that a driver may choose, and of the largest.
    pub subgroups: [u32; 2],
    /// Rows, columns and terms of a fragment: 16, or 8.
    pub fragment: u32,
}

/// The sizes of the loop for matrix units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnitTile {
    /// Rows and columns of the result that a workgroup sums.
    pub(crate) side: u32,
    /// Terms of the sums that a tile holds.
    depth: u32,
    /// Rows and columns of fragments that a subgroup sums at once.
    fragments: u32,
    /// Whether it holds two halves of each number.
    split: bool,
    /// Rows, columns and terms of a fragment.
    pub(crate) fragment: u32,
}

/// Invocations of a workgroup.
pub(crate) const LANES: u32 = 128;
/// vec4s by which a row of a tile is longer than it must be: no two rows that are read at once lie in the same banks of memory.
const PADDING: u32 = 2;
/// The same of a fragment's sums.
const SUM_PADDING: u32 = 0;

impl Units {
    /// Those of subgroups of these sizes, where the loop can use them: a workgroup is one subgroup at least, and four at most.
    pub fn of_subgroups(subgroups: [u32; 2]) -> Option<Self> {
        (subgroups[0] >= LANES / 4 && subgroups[1] <= LANES).then_some(Self { subgroups, fragment: 16 })
    }

    /// Those of Apple's GPUs, whose subgroups are of 32.
    pub fn of_metal() -> Self {
        Self { subgroups: [32; 2], fragment: 8 }
    }

    /// Bytes of workgroup memory that the smallest tiles need.
    pub fn least_workgroup_bytes() -> u32 {
        UnitTile::new(64).most_bytes()
    }
}

/// The checksum of the shaders of products on matrix units: what was verified is these.
pub(crate) fn checksum() -> u32 {
    let parts = [shader_file!("units.wgsl"), shader_file!("split.wgsl"), shader_file!("scales.wgsl")];
    crc32fast::hash(parts.map(|(_, text)| text).concat().as_bytes())
}

impl UnitTile {
    /// The loop of tiles of side × side, 64 or 128.
    pub(crate) fn new(side: u32) -> Self {
        Self { side, depth: 32, fragments: side / 32, split: false, fragment: 16 }
    }

    /// The loop of tiles of 64 × 64 in fragments of 8 × 8.
    pub(crate) fn of_eights() -> Self {
        Self { fragments: 4, fragment: 8, ..Self::new(64) }
    }

    /// The same for two halves of each number: as deep as one block of each factor for every invocation makes it, or the tiles would take
    /// too much memory.
    pub(crate) fn split(side: u32) -> Self {
        Self { depth: 16 * LANES / side, split: true, ..Self::new(side) }
    }

    /// Bytes of workgroup memory: the tiles, the sums of a fragment a subgroup, and the number of subgroups.
    pub(crate) fn bytes(self, layouts: [Layout; 2]) -> u32 {
        let tile = |along_side: bool| {
            let (rows, columns) = if along_side { (self.depth, self.side) } else { (self.side, self.depth) };
            8 * rows * (columns / 4 + PADDING) * (1 + u32::from(self.split))
        };
        let [lhs, rhs] = Self::along_side(layouts).map(tile);
        let shares = (self.side / (self.fragment * self.fragments)).pow(2);
        let sums = (shares * self.fragment * (self.fragment / 4 + SUM_PADDING)).max(LANES);
        lhs + rhs + 16 * sums + 4
    }

    /// The most bytes that any of the products needs.
    pub(crate) fn most_bytes(self) -> u32 {
        let layouts =
            [[Layout::Normal, Layout::Normal], [Layout::Normal, Layout::Transposed], [Layout::Transposed, Layout::Normal]];
        layouts.map(|layouts| self.bytes(layouts)).into_iter().max().unwrap_or_default()
    }

    /// Whether the rows of each factor in memory go along the tile's side, and not along the sum.
    fn along_side([lhs, rhs]: [Layout; 2]) -> [bool; 2] {
        [lhs == Layout::Transposed, rhs == Layout::Normal]
    }

    /// The constants of `shaders/units.wgsl`.
    pub(crate) fn constants(self, shader: Shader, layouts: [Layout; 2], ones: bool) -> Shader {
        let [lhs, rhs] = Self::along_side(layouts);
        let each = self.side * self.depth / 16 / LANES;
        shader
            .enable("f16")
            .enable("wgpu_cooperative_matrix")
            .constant("LANES", LANES)
            .constant("ROWS", 4)
            .constant("TILE_ROWS", self.side)
            .constant("TILE_COLUMNS", self.side)
            .constant("TILE_DEPTH", self.depth)
            .constant("FRAGMENT", self.fragment)
            .constant("FRAGMENTS_DEEP", self.depth / self.fragment)
            .constant("FRAGMENT_ROWS", self.fragments)
            .constant("FRAGMENT_COLUMNS", self.fragments)
            .constant("EACH_LHS", each)
            .constant("EACH_RHS", each)
            .constant("PADDING", PADDING)
            .constant("SUM_PADDING", SUM_PADDING)
            .switch("LHS_ALONG_ROWS", lhs)
            .switch("RHS_ALONG_COLUMNS", rhs)
            .switch("ONES", ones)
            .switch("SPLIT", self.split)
            .switch("SINGLES", self.fragment == 8)
    }

    /// Adds the loop.
    pub(crate) fn part(self, shader: Shader) -> Shader {
        let (file, text) = shader_file!("units.wgsl");
        match self.fragment {
            8 => shader.part((file, &text.replace("coop_mat16x16", "coop_mat8x8"))),
            _ => shader.part((file, text)),
        }
    }
}
