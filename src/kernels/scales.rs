//! The scales of a product's rows and columns, with which their halves keep their places in f16. Shader: `shaders/scales.wgsl`.

use super::shader::{Shader, shader_file};
use super::stride4;

/// Invocations of a workgroup that finds scales.
pub(crate) const LANES: u32 = 256;
/// Fours of rows or columns whose scales a workgroup finds.
const GROUPS: u32 = 8;

/// Adds the constants of `shaders/scales.wgsl`.
pub(crate) fn constants(shader: Shader) -> Shader {
    shader.constant("LANES", LANES).constant("GROUPS", GROUPS).constant("ROWS", 4)
}

/// Adds what finds the scales, after the kernel's own parts.
pub(crate) fn scales(shader: Shader) -> Shader {
    shader.part(shader_file!("split.wgsl")).part(shader_file!("largest.wgsl")).part(shader_file!("scales.wgsl"))
}

/// Workgroups that find the scales of a product of rows × columns.
pub(crate) fn workgroups(rows: usize, columns: usize) -> u64 {
    [rows, columns].map(|side| stride4(side).div_ceil(GROUPS as usize) as u64).iter().sum()
}

/// Loop iterations of one invocation that finds scales.
pub(crate) fn iterations(depth: usize) -> u64 {
    let sharers = u64::from(LANES / GROUPS);
    (stride4(depth) as u64).div_ceil(sharers) + sharers
}

/// Bytes of the scales of a product, for this many replicas.
pub(crate) fn bytes([rows, columns, _]: [usize; 3], replicas: usize) -> u64 {
    let fours = stride4(rows) as u64 + stride4(columns) as u64;
    fours.saturating_mul(16).saturating_mul(replicas as u64)
}
