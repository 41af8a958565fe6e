//! The matrix product, which forward, delta and update share: `tiling` on the CPU, `shaders/direct.wgsl` on software adapters,
//! `shaders/tiled.wgsl` and `shaders/units.wgsl` on GPUs, in one pass or in parts that `shaders/reduction.wgsl` adds up.

use super::form::{Choice, Family, Form, MOST_ITERATIONS, Pass, SOFTWARE_LANES};
use super::halves::{Factors, Kind};
use super::layout::Layout;
use super::shader::{Shader, shader_file};
use super::{Dropped, Layer, Operand, Source, Target, scales, stride4, word};
use crate::network::Loss;

/// Workgroups that are few on any GPU, and terms of a sum that are then worth a second pass over its parts.
const FEW_WORKGROUPS: usize = 32;
const WORTH_SPLITTING: usize = 2048;
/// Workgroups that keep a GPU's matrix units busy, and terms of a sum that are worth a second pass where there are fewer.
const ENOUGH_FOR_UNITS: usize = 64;
const WORTH_SPLITTING_UNITS: usize = 512;
/// Terms of a sum that are worth splitting on a software adapter, which shares the parts among its threads.
const WORTH_SPLITTING_SOFTWARE: usize = 2048;
/// Ways to compute a product that are worth a measurement.
pub const MOST_CHOICES: usize = 4;
/// Multiply-adds of a product that are worth the time that a software adapter takes to compile more of them.
const WORTH_COMPILING: f64 = (1 << 24) as f64;
/// Workgroups along x where there is one invocation a vec4.
const ELEMENTWISE_WIDTH: u64 = 1024;

/// Rows of the product that one invocation of the narrow loop sums, whole or, on a GPU, with others.
const NARROW_ROWS: usize = 4;
/// Invocations that share the terms of such rows on a GPU.
const NARROW_SHARERS: u32 = 64;
/// The most vec4s in a row of the product that one invocation of the narrow loop sums.
pub const NARROW_COLUMNS4: usize = 4;

/// What a product's shader is made of, beside the kernel's own parts.
pub(crate) struct Composition<'a> {
    /// The kernel.
    pub(crate) kernel: &'a str,
    /// Which of the kernel's shaders.
    pub(crate) variant: &'a str,
    /// The buffers that the kernel reads and writes.
    pub(crate) operands: Vec<Operand>,
    /// How the factors lie in memory.
    pub(crate) layouts: [Layout; 2],
    /// Whether the result's last row is beside its tiles, the sums of the terms of rhs.
    pub(crate) ones: bool,
    /// What its workgroups are.
    pub(crate) grid: Grid,
    /// How the product takes its factors.
    pub(crate) factors: Factors,
    /// What each factor is.
    pub(crate) kinds: [Kind; 2],
}

/// What the workgroups of a product's kernel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grid {
    /// The tiles of one layer's product.
    One,
    /// The tiles of all layers' products, one layer after the other.
    All,
}

impl Composition<'_> {
    /// Adds the constants, the kernel's own parts and the loop.
    pub(crate) fn shader(&self, form: Form, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
        let Form { lanes, family, pass } = form;
        let which = match pass {
            Pass::Whole => family.name().to_string(),
            Pass::Parts(_) => format!("{}-parts", family.name()),
            Pass::Scales => "scales".to_string(),
            Pass::Reduction(_) => "reduction".to_string(),
        };
        let mixed = if self.factors == Factors::Halves { "-mixed" } else { "" };
        let shader = Shader::new(format!("{}{mixed}-{which}-{}-{lanes}", self.kernel, self.variant));
        let shader = match pass {
            Pass::Scales => self.switches(scales::constants(shader)),
            Pass::Reduction(_) => shader.constant("LANES", lanes).constant("ROWS", 4),
            Pass::Whole | Pass::Parts(_) => self.constants(shader, lanes, family),
        };
        let [has_scales, in_parts] = form.scratch();
        // Scales are replicas × (rows, then columns), in fours; each part's sums replicas × parts × rows × columns.
        let scales = has_scales.then(|| Operand::write("scales", None, None));
        let partial_sums = in_parts.then(|| Operand::write("partial_sums", None, None));
        let operands: Vec<Operand> = self.operands.iter().cloned().chain(scales).chain(partial_sums).collect();
        let shader = shader.operands(&operands);
        let shader = match self.grid {
            Grid::One => common(shader),
            Grid::All => of_a_step(shader),
        };
        let shader = self.factors.shader(shader, self.kinds);
        let shader = kernel(shader);
        if pass == Pass::Scales {
            return scales::scales(shader);
        }
        let shader = shader.part(if in_parts { shader_file!("parts.wgsl") } else { shader_file!("one_part.wgsl") });
        let rounds = form.multiplies() && self.factors == Factors::Halves && family.units().is_none();
        let shader = if rounds { shader.with_halves() } else { shader };
        let shader = if has_scales { shader.part(shader_file!("split.wgsl")) } else { shader };
        let shader = match (form.multiplies(), family.tile(), family.units()) {
            (false, ..) => shader.part(shader_file!("reduction.wgsl")),
            (_, _, Some(tile)) if has_scales => tile.part(shader),
            (_, _, Some(tile)) => tile.part(shader.part(shader_file!("largest.wgsl"))),
            (_, Some(_), _) => shader.part(shader_file!("tiled.wgsl")),
            (_, None, None) => shader.part(shader_file!("direct.wgsl")),
        };
        let one_grid = pass_has_tiles(form) && self.grid == Grid::One;
        let shader = if one_grid { shader.part(shader_file!("one_grid.wgsl")) } else { shader };
        shader.written_out()
    }

    fn constants(&self, shader: Shader, lanes: u32, family: Family) -> Shader {
        if let Some(tile) = family.units() {
            return tile.constants(shader, self.layouts, self.ones);
        }
        let ([rows, columns4], [lhs_along_terms, rhs_along_terms]) = (family.block(), along_terms(self.layouts));
        let shader = shader.constant("LANES", family.lanes(lanes));
        match family.tile() {
            None => {
                let shader = shader.constant("ROWS", rows).constant("COLUMNS", columns4);
                if family.is_split() { shader.switch("SPLIT", true) } else { shader }
            }
            Some(tile) => self
                .switches(shader)
                .constant("ROWS", 4)
                .constant("TILE_ROWS", tile.rows)
                .constant("TILE_COLUMNS", tile.columns)
                .constant("TILE_DEPTH", tile.depth)
                .constant("BLOCK_ROWS", tile.block_rows)
                .constant("BLOCK_COLUMNS", tile.block_columns)
                .constant("GROUPS", tile.groups)
                .constant("EACH", tile.each())
                .constant("COPIES", tile.copies)
                .constant("PAD_LHS", if lhs_along_terms { tile.pad() } else { 0 })
                .constant("PAD_RHS", if rhs_along_terms { tile.pad() } else { 0 })
                .switch("ONES", self.ones),
        }
    }

    /// Adds how the factors' blocks lie in memory.
    fn switches(&self, shader: Shader) -> Shader {
        let [lhs_along_terms, rhs_along_terms] = along_terms(self.layouts);
        shader.switch("LHS_ALONG_ROWS", !lhs_along_terms).switch("RHS_ALONG_COLUMNS", !rhs_along_terms)
    }
}

/// Workgroups along x and y of a product of rows × columns.
pub(crate) fn workgroups([rows, columns, _]: [usize; 3], form: Form) -> [u64; 2] {
    match form.pass {
        Pass::Scales => return in_rows(scales::workgroups(rows, columns)),
        Pass::Reduction(_) => return elementwise_workgroups(rows, columns, form.lanes),
        Pass::Whole | Pass::Parts(_) => {}
    }
    let [reach_rows, reach_columns] = form.family.reach(form.lanes);
    [columns.div_ceil(reach_columns) as u64, rows.div_ceil(reach_rows) as u64]
}

/// Workgroups along x and y for one invocation a vec4 of rows × columns, which goes on from one row of workgroups to the next.
pub(crate) fn elementwise_workgroups(rows: usize, columns: usize, lanes: u32) -> [u64; 2] {
    in_rows((rows as u64 * stride4(columns) as u64).div_ceil(u64::from(lanes)).max(1))
}

/// So many workgroups along x, and along y where they are many.
fn in_rows(groups: u64) -> [u64; 2] {
    let x = groups.min(ELEMENTWISE_WIDTH);
    [x, groups.div_ceil(x)]
}

/// Loop iterations of one invocation for sums of `depth` terms.
pub(crate) fn iterations([_, _, depth]: [usize; 3], form: Form) -> u64 {
    match form.pass {
        Pass::Scales => return scales::iterations(depth),
        Pass::Reduction(parts) => return u64::from(parts),
        Pass::Whole | Pass::Parts(_) => {}
    }
    let terms4 = (stride4(depth) as u64).div_ceil(u64::from(form.parts()));
    match form.family.tile() {
        None => terms4,
        Some(tile) => {
            let tiles = (4 * terms4).div_ceil(u64::from(tile.depth * tile.groups));
            tiles * u64::from(1 + tile.depth / 4)
        }
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
/// Replicas do not count: each comes out bit for bit as it does alone. `ones`: the last row may be beside the tiles ([`beside`]).
pub(crate) fn choices(sizes: [usize; 3], ones: bool, factors: Factors, target: &Target) -> Vec<Choice> {
    let [rows, columns, depth] = sizes;
    if factors == Factors::Halves && target.units.is_some() {
        return choices_of_units(sizes, ones, target);
    }
    if target.software {
        let most = (depth / WORTH_SPLITTING_SOFTWARE).max(1);
        let [broad_rows, broad_columns] = Family::Broad.reach(target.lanes);
        let large = sizes.iter().map(|&size| size as f64).product::<f64>() >= WORTH_COMPILING;
        let first = if large && rows >= broad_rows && columns >= broad_columns { Family::Broad } else { Family::Direct };
        let parts = [1, 2, 4].map(|parts| split(sizes, first, parts.min(most)));
        return distinct(parts.into_iter().chain([split(sizes, Family::Direct, 1)]));
    }
    let mut choices: Vec<(f64, Choice)> = target
        .families()
        .map(|family| {
            let workgroups = count(sizes, ones, family, target);
            let parts =
                if workgroups < FEW_WORKGROUPS { (depth / WORTH_SPLITTING).min(FEW_WORKGROUPS / workgroups) } else { 1 };
            let choice = split(sizes, family, parts.max(1));
            (seconds(depth, workgroups, false, choice, target), choice)
        })
        .collect();
    choices.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    distinct(choices.into_iter().map(|(_, choice)| choice))
}

/// Seconds that a product of so many workgroups a part, or several products together, are expected to take on a GPU.
fn seconds(depth: usize, workgroups: usize, several: bool, choice: Choice, target: &Target) -> f64 {
    let Choice { family, parts } = choice;
    let Some(tile) = family.tile() else { return f64::INFINITY };
    let (workgroups, parts) = (workgroups as f64, f64::from(parts));
    // Groups share whole tiles of terms.
    let whole = (tile.depth * tile.groups) as usize;
    let terms = (depth.div_ceil(parts as usize)).next_multiple_of(whole) as f64;
    let once = target.rates.seconds(family, workgroups * parts, terms, several);
    if parts > 1.0 { once + target.rates.seconds(family, workgroups, 0.0, several) } else { once }
}

/// The same for a mixed product on matrix units: the largest tiles that fill a GPU, in parts where none do.
fn choices_of_units(sizes: [usize; 3], ones: bool, target: &Target) -> Vec<Choice> {
    let families = || Family::UNITS.into_iter().filter(|family| family.fits(target));
    let large = families().find(|&family| count(sizes, ones, family, target) >= ENOUGH_FOR_UNITS);
    let filled = |family: Family| filling(sizes, ones, family, target);
    let whole = families().map(|family| split(sizes, family, 1));
    distinct(large.into_iter().chain(families().next_back()).chain(families()).map(filled).chain(whole))
}

/// The choice of this family of matrix units with as many parts as fill a GPU.
pub(crate) fn filling(sizes: [usize; 3], ones: bool, family: Family, target: &Target) -> Choice {
    let missing = ENOUGH_FOR_UNITS.div_ceil(count(sizes, ones, family, target));
    split(sizes, family, missing.min(sizes[2] / WORTH_SPLITTING_UNITS).max(1))
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

/// The ways to compute all layers' updates of a batch of so many rows in one dispatch on this device, the fastest first.
pub(crate) fn joint_choices(layers: &[[usize; 2]], ones: bool, depth: usize, target: &Target) -> Vec<Choice> {
    let tiled = Family::TILED.into_iter().filter(|family| family.fits(target));
    let mut choices: Vec<(f64, Choice)> = tiled
        .map(|family| {
            let count = |&[rows, columns]: &[usize; 2]| count([rows, columns, depth], ones, family, target);
            let choice = Choice { family, parts: 1 };
            (seconds(depth, layers.iter().map(count).sum(), true, choice, target), choice)
        })
        .collect();
    choices.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    distinct(choices.into_iter().map(|(_, choice)| choice))
}

/// Workgroups of a product in one part.
fn count([rows, columns, depth]: [usize; 3], ones: bool, family: Family, target: &Target) -> usize {
    let form = Form { lanes: target.lanes, family, pass: Pass::Whole };
    let rows = rows - usize::from(ones && beside(rows - 1, form));
    let [x, y] = workgroups([rows, columns, depth], form);
    usize::try_from(x.saturating_mul(y)).unwrap_or(usize::MAX).max(1)
}

/// Whether one more row than so many would begin a row of tiles for itself. A last row of ones is then summed beside the others.
pub(crate) fn beside(rows: usize, form: Form) -> bool {
    let tile_rows = form.family.tile().map(|tile| tile.rows).or(form.family.units().map(|tile| tile.side));
    let tile_rows = tile_rows.filter(|_| form.multiplies());
    tile_rows.is_some_and(|tile_rows| rows.is_multiple_of(tile_rows as usize))
}

/// Whether a dispatch goes through tiles.
fn pass_has_tiles(form: Form) -> bool {
    form.family.tile().is_some() && form.multiplies()
}

/// The choice with this many parts, or as many as one invocation's loops need.
fn split([_, _, depth]: [usize; 3], family: Family, parts: usize) -> Choice {
    let most4 = if family.tile().is_some() { MOST_ITERATIONS / 2 } else { MOST_ITERATIONS };
    let least = (stride4(depth) as u64).div_ceil(most4).max(1);
    Choice { family, parts: u32::try_from(least.max(parts as u64)).unwrap_or(u32::MAX) }
}

/// What the shaders of a layer begin with.
pub(super) fn common(shader: Shader) -> Shader {
    of_a_step(shader).part(shader_file!("layer.wgsl"))
}

/// What the shaders of one step begin with.
fn of_a_step(shader: Shader) -> Shader {
    shader.part(shader_file!("rows.wgsl")).part(shader_file!("step.wgsl")).part(shader_file!("this_step.wgsl"))
}

/// Adds the constants, the kernel's own parts and the narrow loop, for rows of `columns` vec4s.
pub(crate) fn narrow(shader: Shader, lanes: u32, columns: usize, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
    let shader = shader
        .constant("LANES", lanes)
        .constant("ROWS", NARROW_ROWS as u32)
        .constant("COLUMNS", columns as u32)
        .constant("SUMS", (NARROW_ROWS * columns) as u32);
    let shader = kernel(common(shader)).part(shader_file!("input_rows/four.wgsl"));
    let shader = match lanes {
        SOFTWARE_LANES => shader.part(shader_file!("narrow_rolled.wgsl")),
        _ => shader.constant("SHARERS", NARROW_SHARERS).part(shader_file!("narrow.wgsl")),
    };
    shader.written_out()
}

/// How a product keeps where its input's rows begin: of four rows, or of as many as an invocation sums.
pub(crate) fn input_rows(form: Form) -> (&'static str, &'static str) {
    match (form.pass, form.family.tile(), form.family.units()) {
        (Pass::Whole | Pass::Parts(_), None, None) => shader_file!("input_rows/many.wgsl"),
        _ => shader_file!("input_rows/four.wgsl"),
    }
}

/// Invocations a workgroup of the narrow loop, on a device of so many lanes.
pub(crate) fn narrow_lanes(lanes: u32) -> u32 {
    if lanes == SOFTWARE_LANES { lanes } else { NARROW_SHARERS }
}

/// Workgroups of the narrow loop for a product of so many rows.
pub(crate) fn narrow_workgroups(rows: usize, lanes: u32) -> [u64; 2] {
    let fours = rows.div_ceil(NARROW_ROWS) as u64;
    if lanes == SOFTWARE_LANES {
        return [fours.div_ceil(u64::from(lanes)), 1];
    }
    let x = fours.clamp(1, ELEMENTWISE_WIDTH);
    [x, fours.div_ceil(x)]
}

/// Loop iterations of one invocation of the narrow loop, were no loop over its sums unrolled; those that pick a row of them are few.
pub(crate) fn narrow_iterations(depth: usize, columns: usize) -> u64 {
    let columns = stride4(columns) as u64;
    (stride4(depth) as u64 * columns + 4 * columns) * (1 + NARROW_ROWS as u64)
}

/// The words of the parameters in `shaders/layer.wgsl`: inputs, outputs, bias and capacity, where the batch's rows are, room
/// for the losses of one replica, into how many parts the sums are split, and what only some kernels know.
pub(crate) fn layer(layer: Layer, source: Source, losses: usize, form: Form, own: Own) -> Vec<u32> {
    let rest = [source.order_length(), word(losses.next_multiple_of(4)), form.parts()];
    let of_loss = own.loss.map_or(0, Loss::word);
    let own = own.dropped.map_or([0; 3], Dropped::words).into_iter().chain([(own.rate as f32).to_bits(), of_loss]);
    layer.words().into_iter().chain(rest).chain(own).collect()
}

/// What only some of the kernels that are products know of their layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    /// What forward drops.
    pub(crate) dropped: Option<Dropped>,
    /// What update multiplies the learning rate by.
    pub(crate) rate: f64,
    /// What happens at the outputs, where that is a part of forward.
    pub(crate) loss: Option<Loss>,
}

impl Default for Own {
    fn default() -> Self {
        Self { dropped: None, rate: 1.0, loss: None }
    }
}

/// Which of the factors' blocks lie along the terms in memory: rows of lhs, and columns of rhs.
fn along_terms([lhs, rhs]: [Layout; 2]) -> [bool; 2] {
    [lhs == Layout::Normal, rhs == Layout::Transposed]
}

/// Bytes of a workgroup's memory that a product's shader declares.
pub(crate) fn workgroup_bytes(form: Form, layouts: [Layout; 2]) -> u32 {
    let of_units = form.family.units().map(|tile| tile.bytes(layouts));
    let bytes = form.family.tile().map(|tile| tile.bytes(along_terms(layouts))).or(of_units);
    match form.pass {
        Pass::Scales => 16 * scales::LANES,
        Pass::Whole | Pass::Parts(_) => bytes.unwrap_or(0),
        Pass::Reduction(_) => 0,
    }
}

/// The same of the narrow loop's, for rows of so many columns, on a device of so many lanes.
pub(crate) fn narrow_workgroup_bytes(lanes: u32, columns: usize) -> u32 {
    if lanes == SOFTWARE_LANES { 0 } else { 16 * (NARROW_ROWS * stride4(columns)) as u32 * (NARROW_SHARERS / 2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::units::Units;

    fn gpu() -> Target {
        Target::sample(false, 32_768)
    }

    fn first(sizes: [usize; 3], target: &Target) -> (Family, u32) {
        let Choice { family, parts } = choices(sizes, false, Factors::Full, target)[0];
        (family, parts)
    }

    /// What was the fastest of those measured on the device that the default rates are from.
    #[test]
    fn the_first_choice_is_what_was_measured_fastest() {
        for (sizes, ones, fastest) in [
            ([2048, 2048, 2048], false, &[Family::Tiled128][..]),
            ([2048, 1024, 2048], false, &[Family::Tiled128]),
            ([2049, 2048, 2048], true, &[Family::Tiled128]),
            ([256, 512, 784], false, &[Family::Tiled32]),
            ([256, 256, 512], false, &[Family::Tiled16, Family::Tiled32x16, Family::Tiled32In8]),
            ([256, 512, 256], false, &[Family::Tiled32, Family::Tiled32In8]),
            ([256, 256, 10], false, &[Family::Tiled16In1]),
            ([257, 10, 256], true, &[Family::Tiled16In16, Family::Tiled16]),
            ([513, 256, 256], true, &[Family::Tiled32, Family::Tiled32In8, Family::Tiled32x16]),
            ([785, 512, 256], true, &[Family::Tiled32, Family::Tiled32In2, Family::Tiled64In2]),
            ([1, 1000, 784], false, &[Family::Tiled16In16, Family::Tiled16]),
        ] {
            let choice = choices(sizes, ones, Factors::Full, &gpu())[0];
            assert!(fastest.contains(&choice.family) && choice.parts == 1, "{sizes:?}: {choice:?}");
        }
    }

    #[test]
    fn a_device_with_little_memory_for_a_workgroup_has_a_family_for_every_product() {
        let small = Target::sample(false, 16_384);
        assert_eq!(first([4096, 1024, 1024], &small), (Family::Tiled64, 1));
        assert!(choices([3, 2, 10], false, Factors::Full, &small).iter().all(|choice| choice.family.fits(&small)));
    }

    #[test]
    fn mixed_products_are_for_matrix_units_where_there_are_some_and_others_never() {
        let units = Units::of_subgroups([32, 64]);
        let [target, small] = [32_768, 16_384].map(|bytes| Target { units, ..Target::sample(false, bytes) });
        let first = |sizes, target: &Target| choices(sizes, true, Factors::Halves, target)[0];
        let choice = |family, parts| Choice { family, parts };
        assert_eq!(first([2048, 1024, 2048], &target), choice(Family::Units128, 1));
        assert_eq!(first([2049, 1024, 2048], &target), choice(Family::Units128, 1));
        assert_eq!(first([512, 512, 784], &target), choice(Family::Units64, 1));
        assert_eq!(first([256, 128, 8192], &target), choice(Family::Units64, 8));
        assert_eq!(first([2048, 1024, 2048], &small).family, Family::Units64);
        let full = choices([2048, 1024, 2048], false, Factors::Full, &target);
        assert!(full.iter().all(|choice| choice.family.units().is_none()), "{full:?}");
        let apple = Target { units: Some(Units::of_metal()), splits: true, ..target };
        for sizes in [[2048, 1024, 2048], [128, 64, 64]] {
            let choices = choices(sizes, true, Factors::Halves, &apple);
            assert!(choices.iter().all(|choice| choice.family == Family::Units64By8), "{choices:?}");
        }
        assert!(!Family::Units64By8.fits(&target) && !Family::Units128Split.fits(&apple));
        assert_eq!(Units::of_subgroups([16, 32]), None, "a workgroup would have too many subgroups");
    }

    #[test]
    fn long_sums_are_split_where_the_result_fills_no_gpu() {
        let (_, parts) = first([129, 10, 8192], &gpu());
        assert!((2..=4).contains(&parts), "{parts}");
        assert_eq!(first([2048, 2048, 65_536], &gpu()), (Family::Tiled128, 1));
    }

    #[test]
    fn the_last_row_is_beside_the_tiles_where_it_would_begin_a_row_of_them() {
        let target = gpu();
        let of = |rows, ones| count([rows, 128, 64], ones, Family::Tiled128, &target);
        assert_eq!([of(129, true), of(129, false), of(130, true), of(1, true)], [1, 2, 2, 1]);
    }

    #[test]
    fn a_software_adapter_compiles_no_tile_and_splits_only_what_has_to_be() {
        let software = Target::sample(true, 32_768);
        for sizes in [[4096, 1024, 1024], [1, 1, 1], [129, 10, 100_000]] {
            let large = sizes[0] == 4096;
            assert_eq!(first(sizes, &software), (if large { Family::Broad } else { Family::Direct }, 1));
            assert!(choices(sizes, false, Factors::Full, &software).iter().all(|choice| choice.family.is_for(true)));
        }
        assert_eq!(first([3, 2, 131_073], &software), (Family::Direct, 2));
    }

    #[test]
    fn choices_are_few_differ_and_stay_below_the_limit_of_loops() {
        let software = Target::sample(true, 32_768);
        let units = Units::of_subgroups([32, 32]);
        let [with_units, small] = [32_768, 16_384].map(|bytes| Target { units, ..Target::sample(false, bytes) });
        let mixed = [with_units, small, software].map(|target| (target, Factors::Halves));
        for (target, factors) in [gpu(), software].map(|target| (target, Factors::Full)).into_iter().chain(mixed) {
            for exponents in 0..512 {
                let sizes = [0, 3, 6].map(|shift| 8_usize.pow(exponents >> shift & 7) + 1);
                let choices = choices(sizes, true, factors, &target);
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
