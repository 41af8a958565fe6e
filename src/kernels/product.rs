//! The matrix product, which forward, delta and update share: `tiling` on the CPU, `shaders/direct.wgsl` and
//! `shaders/tiled.wgsl` on GPUs, in one pass or in parts that `shaders/reduction.wgsl` adds up.

use super::form::{Choice, Family, Form, MOST_ITERATIONS, Pass, TILE_DEPTH, Target, is_rolled};
use super::shader::{Shader, shader_file};
use super::{Dropped, Source, stride4, word};

/// Workgroups that keep a GPU busy; no interface tells how many cores it has.
const ENOUGH_WORKGROUPS: usize = 64;
/// Terms of a sum that take a GPU about as long as the second pass that splitting it costs.
const WORTH_SPLITTING: usize = 512;
/// The same for a software adapter, which shares the parts among its threads.
const WORTH_SPLITTING_SOFTWARE: usize = 2048;
/// Ways to compute a product that are worth a measurement.
pub const MOST_CHOICES: usize = 4;
/// Multiply-adds of a product that are worth the time that a software adapter takes to compile more of them.
const WORTH_COMPILING: f64 = (1 << 24) as f64;
/// Workgroups along x where there is one invocation a vec4.
const ELEMENTWISE_WIDTH: u64 = 1024;

/// Rows of the product that one invocation of the narrow loop sums, whole.
const NARROW_ROWS: usize = 4;
/// The most vec4s in a row of the product that one invocation of the narrow loop sums.
pub const NARROW_COLUMNS4: usize = 4;

/// What a product's shader is made of, beside the kernel's own parts.
pub(crate) struct Composition<'a> {
    /// The kernel.
    pub(crate) kernel: &'a str,
    /// Which of the kernel's shaders.
    pub(crate) variant: &'a str,
    /// Buffers that the kernel reads and writes.
    pub(crate) operands: usize,
    /// How the factors lie in memory.
    pub(crate) layouts: [Layout; 2],
}

impl Composition<'_> {
    /// Adds the constants, the kernel's own parts and the loop.
    pub(crate) fn shader(&self, form: Form, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
        let Form { lanes, family, pass } = form;
        let which = match pass {
            Pass::Whole => family.name().to_string(),
            Pass::Parts(_) => format!("{}-parts", family.name()),
            Pass::Reduction(_) => "reduction".to_string(),
        };
        let shader = Shader::new(format!("{}-{which}-{}-{lanes}", self.kernel, self.variant));
        let shader = match pass {
            Pass::Reduction(_) => shader.constant("LANES", lanes).constant("ROWS", 4),
            Pass::Whole | Pass::Parts(_) => self.constants(shader, lanes, family),
        };
        let split = pass != Pass::Whole;
        let shader = if split { shader.constant("PARTIAL_SUMS", self.operands as u32 + 2) } else { shader };
        let shader = common(shader);
        let shader = kernel(shader).part(if split { shader_file!("parts.wgsl") } else { shader_file!("one_part.wgsl") });
        shader.part(match (pass, family.tile()) {
            (Pass::Reduction(_), _) => shader_file!("reduction.wgsl"),
            (_, None) => shader_file!("direct.wgsl"),
            (_, Some(_)) => shader_file!("tiled.wgsl"),
        })
    }

    fn constants(&self, shader: Shader, lanes: u32, family: Family) -> Shader {
        let ([x, y], [rows, columns4]) = (family.lanes(lanes), family.block());
        let shader = shader.constant("LANES", x).constant("LANES_Y", y);
        match family.tile() {
            None => shader.constant("ROWS", rows).constant("COLUMNS", columns4).switch("ROLLED", is_rolled(lanes)),
            Some(tile) => shader
                .constant("ROWS", 4)
                .constant("SUMS", rows * columns4)
                .constant("TILE_SIDE", tile.side)
                .constant("TILE_DEPTH", TILE_DEPTH)
                .constant("BLOCK_ROWS", tile.block_rows)
                .constant("BLOCK_COLUMNS", tile.block_columns)
                .switch("LHS_ALONG_ROWS", self.layouts[0] == Layout::Transposed)
                .switch("RHS_ALONG_COLUMNS", self.layouts[1] == Layout::Normal),
        }
    }
}

/// Workgroups along x and y of a product of rows × columns.
pub(crate) fn workgroups([rows, columns, _]: [usize; 3], form: Form) -> [u64; 2] {
    if let Pass::Reduction(_) = form.pass {
        return elementwise_workgroups(rows, columns, form.lanes);
    }
    let [reach_rows, reach_columns] = form.family.reach(form.lanes);
    [columns.div_ceil(reach_columns) as u64, rows.div_ceil(reach_rows) as u64]
}

/// Workgroups along x and y for one invocation a vec4 of rows × columns, which goes on from one row of workgroups to the next.
pub(crate) fn elementwise_workgroups(rows: usize, columns: usize, lanes: u32) -> [u64; 2] {
    let groups = (rows as u64 * stride4(columns) as u64).div_ceil(u64::from(lanes)).max(1);
    let x = groups.min(ELEMENTWISE_WIDTH);
    [x, groups.div_ceil(x)]
}

/// Loop iterations of one invocation for sums of `depth` terms.
pub(crate) fn iterations([_, _, depth]: [usize; 3], form: Form) -> u64 {
    if let Pass::Reduction(parts) = form.pass {
        return u64::from(parts);
    }
    let terms4 = (stride4(depth) as u64).div_ceil(u64::from(form.parts()));
    match form.family.tile() {
        None => terms4,
        Some(_) => terms4 + (4 * terms4).div_ceil(u64::from(TILE_DEPTH)),
    }
}

/// Bytes of the partial sums of a product that is split, for this many replicas.
pub(crate) fn partial_bytes([rows, columns, _]: [usize; 3], parts: u32, replicas: usize) -> u64 {
    let sums = (rows as u64).saturating_mul(16 * stride4(columns) as u64);
    sums.saturating_mul(u64::from(parts)).saturating_mul(replicas as u64)
}

/// The ways to compute a product that are worth a measurement on this device, at most [`MOST_CHOICES`]: the first is the one to
/// take without.
///
/// Replicas do not count: each comes out bit for bit as it does alone.
pub(crate) fn choices(sizes: [usize; 3], target: &Target) -> Vec<Choice> {
    let [rows, columns, depth] = sizes;
    if target.software {
        let most = (depth / WORTH_SPLITTING_SOFTWARE).max(1);
        let [broad_rows, broad_columns] = Family::Broad.reach(target.lanes);
        let large = sizes.iter().map(|&size| size as f64).product::<f64>() >= WORTH_COMPILING;
        let first = if large && rows >= broad_rows && columns >= broad_columns { Family::Broad } else { Family::Direct };
        let parts = [1, 2, 4].map(|parts| split(sizes, first, parts.min(most)));
        return distinct(parts.into_iter().chain([split(sizes, Family::Direct, 1)]));
    }
    let mut tiles = vec![Family::Tiled128, Family::Tiled64, Family::Tiled32];
    tiles.retain(|family| family.fits(target));
    let [thin_rows, _] = Family::Direct.reach(target.lanes);
    let [_, thin_columns] = Family::Thin.reach(target.lanes);
    let without_tiles = if columns <= thin_columns { Family::Thin } else { Family::Direct };
    let large = tiles.iter().find(|&&family| count(sizes, family, target) >= ENOUGH_WORKGROUPS).or(tiles.last());
    let first = match large {
        Some(&family) if rows > thin_rows && columns > thin_columns => family,
        _ => without_tiles,
    };
    let filled = |family: Family| {
        let missing = ENOUGH_WORKGROUPS.div_ceil(count(sizes, family, target));
        split(sizes, family, missing.min(depth / WORTH_SPLITTING).max(1))
    };
    distinct([first, without_tiles].into_iter().chain(tiles.into_iter().rev()).map(filled))
}

/// The first choices that differ from each other.
fn distinct(all: impl IntoIterator<Item = Choice>) -> Vec<Choice> {
    let mut choices = Vec::with_capacity(MOST_CHOICES);
    for choice in all {
        if choices.len() < MOST_CHOICES && !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    choices
}

/// Workgroups of a product in one part.
fn count(sizes: [usize; 3], family: Family, target: &Target) -> usize {
    let [x, y] = workgroups(sizes, Form { lanes: target.lanes, family, pass: Pass::Whole });
    usize::try_from(x.saturating_mul(y)).unwrap_or(usize::MAX).max(1)
}

/// The choice with this many parts, or as many as one invocation's loops need.
fn split([_, _, depth]: [usize; 3], family: Family, parts: usize) -> Choice {
    let most4 = if family.tile().is_some() { MOST_ITERATIONS / 2 } else { MOST_ITERATIONS };
    let least = (stride4(depth) as u64).div_ceil(most4).max(1);
    Choice { family, parts: u32::try_from(least.max(parts as u64)).unwrap_or(u32::MAX) }
}

/// What the shaders of a layer begin with.
pub(super) fn common(shader: Shader) -> Shader {
    shader
        .part(shader_file!("rows.wgsl"))
        .part(shader_file!("step.wgsl"))
        .part(shader_file!("this_step.wgsl"))
        .part(shader_file!("layer.wgsl"))
}

/// Adds the constants, the kernel's own parts and the narrow loop, for rows of `columns` vec4s.
pub(crate) fn narrow(shader: Shader, lanes: u32, columns: usize, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
    let shader = shader
        .constant("LANES", lanes)
        .constant("ROWS", NARROW_ROWS as u32)
        .constant("COLUMNS", columns as u32)
        .constant("SUMS", (NARROW_ROWS * columns) as u32)
        .switch("ROLLED", is_rolled(lanes));
    kernel(common(shader)).part(shader_file!("narrow.wgsl"))
}

/// Workgroups of the narrow loop for a product of so many rows.
pub(crate) fn narrow_workgroups(rows: usize, lanes: u32) -> [u64; 2] {
    [(rows.div_ceil(NARROW_ROWS) as u64).div_ceil(u64::from(lanes)), 1]
}

/// Loop iterations of one invocation of the narrow loop, were no loop over its sums unrolled; those that pick a row of them are few.
pub(crate) fn narrow_iterations(depth: usize, columns: usize) -> u64 {
    let columns = stride4(columns) as u64;
    (stride4(depth) as u64 * columns + 4 * columns) * (1 + NARROW_ROWS as u64)
}

/// The words of the parameters in `shaders/layer.wgsl`: inputs, outputs, bias and capacity, where the batch's rows are, room
/// for the losses of one replica, into how many parts the sums are split, and what only some kernels know.
pub(crate) fn layer(sizes: [usize; 4], source: Source, losses: usize, form: Form, own: Own) -> Vec<u32> {
    let rest = [source.order_length(), word(losses.next_multiple_of(4)), form.parts()];
    let own = own.dropped.map_or([0; 3], Dropped::words).into_iter().chain([(own.rate as f32).to_bits()]);
    sizes.into_iter().map(word).chain(rest).chain(own).collect()
}

/// What only some of the kernels that are products know of their layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    /// What forward drops.
    pub(crate) dropped: Option<Dropped>,
    /// What update multiplies the learning rate by.
    pub(crate) rate: f64,
}

impl Default for Own {
    fn default() -> Self {
        Self { dropped: None, rate: 1.0 }
    }
}

/// How a factor of a product lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Row-major, as the product reads it.
    Normal,
    /// Row-major, but its transpose is what the product reads.
    Transposed,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPU: Target =
        Target { lanes: 32, software: false, subgroups: false, workgroup_bytes: 16_384, workgroup_invocations: 256 };

    fn first(sizes: [usize; 3], target: &Target) -> (Family, u32) {
        let Choice { family, parts } = choices(sizes, target)[0];
        (family, parts)
    }

    #[test]
    fn the_largest_tile_that_fills_a_gpu_is_taken_and_thin_products_have_none() {
        assert_eq!(first([4096, 1024, 1024], &GPU), (Family::Tiled128, 1));
        assert_eq!(first([512, 512, 784], &GPU), (Family::Tiled64, 1));
        assert_eq!(first([128, 128, 784], &GPU), (Family::Tiled32, 1));
        assert_eq!(first([4096, 10, 128], &GPU), (Family::Thin, 1));
        assert_eq!(first([1, 1000, 784], &GPU), (Family::Direct, 1));
        let small = Target { workgroup_bytes: 8192, ..GPU };
        assert_eq!(first([4096, 1024, 1024], &small), (Family::Tiled64, 1));
        assert_eq!(first([4096, 1024, 1024], &Target { workgroup_bytes: 0, ..GPU }), (Family::Direct, 1));
    }

    #[test]
    fn long_sums_are_split_where_the_result_fills_no_gpu() {
        assert_eq!(first([129, 10, 8192], &GPU), (Family::Thin, 16));
        assert_eq!(first([129, 128, 65_536], &GPU), (Family::Tiled32, 4));
    }

    #[test]
    fn a_software_adapter_compiles_no_tile_and_splits_only_what_has_to_be() {
        let software = Target { lanes: 8, software: true, ..GPU };
        for sizes in [[4096, 1024, 1024], [1, 1, 1], [129, 10, 100_000]] {
            let large = sizes[0] == 4096;
            assert_eq!(first(sizes, &software), (if large { Family::Broad } else { Family::Direct }, 1));
            assert!(choices(sizes, &software).iter().all(|choice| choice.family.is_for(true)));
        }
        assert_eq!(first([3, 2, 131_073], &software), (Family::Direct, 2));
    }

    #[test]
    fn choices_are_few_differ_and_stay_below_the_limit_of_loops() {
        let software = Target { lanes: 8, software: true, ..GPU };
        for target in [GPU, software] {
            for exponents in 0..512 {
                let sizes = [0, 3, 6].map(|shift| 8_usize.pow(exponents >> shift & 7) + 1);
                let choices = choices(sizes, &target);
                assert!((1..=MOST_CHOICES).contains(&choices.len()), "{sizes:?}: {choices:?}");
                assert_eq!(choices, distinct(choices.clone()), "{sizes:?}");
                for choice in &choices {
                    assert!(choice.family.fits(&target));
                    let most = choice.forms(target.lanes).map(|form| iterations(sizes, form)).max();
                    assert!(most <= Some(MOST_ITERATIONS), "{sizes:?}: {choice:?}");
                }
            }
        }
    }
}
