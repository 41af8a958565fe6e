//! What is altered in which shader, kernel by kernel.

use wgrad::kernels::Choice;
use wgrad::kernels::form::{Family, GPU_LANES, SOFTWARE_LANES};
use wgrad::kernels::whole::Variant;
use wgrad::network::loss::Number;
use wgrad::network::{Activation, Clip, Loss, OptimizerKind};
use wgrad::plan::LayerRates;

use super::Fault;
use crate::common::Case;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = Fault> {
    let lists = [
        whole_faults(),
        product_faults(),
        tiled_faults(),
        split_faults(),
        epilogue_faults(),
        update_faults(),
        dropout_faults(),
        accumulation_faults(),
        padding_faults(),
        source_faults(),
        narrow_faults(),
        mixed_faults(),
        halves_faults(),
    ];
    lists.into_iter().flatten()
}

/// Nothing is altered, which nothing may notice.
pub(crate) fn nothing() -> Fault {
    fault("nothing", "forward", ["fn main", "fn main"], case())
}

/// 16 rows of a 17-17-17-17 net, so that every last term, column and row is one of its own; the last batch has 6 rows.
fn case() -> Case {
    Case { widths: vec![17; 4], hidden: Activation::Tanh, batch: 16, rows: 38, ..Case::new("mutant", [1; 4]) }
}

fn with(hidden: Activation) -> Case {
    Case { hidden, ..case() }
}

fn by(optimizer: OptimizerKind) -> Case {
    Case { optimizer, ..case() }
}

fn joint(output: Activation, loss: Loss) -> Case {
    Case { output, loss, ..case() }
}

fn fault(name: &'static str, kernel: &'static str, [from, to]: [&'static str; 2], case: Case) -> Fault {
    Fault { name, kernel, from, to, case, noticed: kernel, lanes: None }
}

/// How many rows an invocation finishes.
const ROWS_LEFT: &str = "min(ROWS, result_rows() - row)";
const ONE_MORE: &str = "min(ROWS, result_rows() - row + 1u)";
const ONE_LESS: &str = "min(ROWS, result_rows() - row - 1u)";

/// Faults of the kernels of whole networks, which are one launch a step.
fn whole_faults() -> Vec<Fault> {
    let lists = [scalar_faults(), held_faults(), workgroup_faults()];
    lists.into_iter().flatten().collect()
}

/// A network in one variant of the whole network's kernel.
fn whole(variant: Variant, widths: Vec<usize>) -> Case {
    Case { whole: Some(variant), widths, batch: 6, rows: 16, replicas: 2, optimizer: OptimizerKind::Adam, ..case() }
}

fn scalar_faults() -> Vec<Fault> {
    let alone = || whole(Variant::Invocation, vec![2, 3, 2]);
    let shared = || Case { replicas: 5, ..whole(Variant::Lanes(4), vec![2, 3, 2]) };
    let slopes = || Case { hidden: Activation::Gelu, ..alone() };
    vec![
        fault("every step is the first", "whole", ["min(s + 1u, count - 1u) * records", "0u"], alone()),
        fault("every replica has the first one's step", "whole", ["let record = replica;", "let record = 0u;"], alone()),
        fault("rows are not in the epoch's order", "whole", ["step.first + min(row", "min(row"], alone()),
        fault("every row is the batch's first", "whole", ["min(row, step.rows - 1u)", "0u"], alone()),
        fault("the last input has no weight", "whole", [" + a0_1 * w0_1_0", ""], alone()),
        fault("no bias", "whole", ["vec4f(w0_2_0 + ", "vec4f("], alone()),
        fault("deltas are not scaled", "whole", ["error_0 * current.scale", "error_0"], alone()),
        fault(
            "rows past the batch are summed",
            "whole",
            ["let is_row = row < current.rows;", "let is_row = true;"],
            shared(),
        ),
        fault("an absolute error pulls the more the larger it is", "whole", SIGN, Case { loss: ABSOLUTE, ..alone() }),
        fault(
            "huber's delta is 1",
            "whole",
            ["vec4f(parameters.of_loss)", "vec4f(1.0)"],
            Case { loss: huber().loss, ..alone() },
        ),
        fault("derivatives are left out", "whole", [" * hyperbolic_tangent_derivative(f1_0)", ""], alone()),
        fault("the output stands for the slope", "whole", [" * s1_0;", " * f1_0;"], slopes()),
        fault("a bias has no gradient", "whole", ["g1_3_1 += d2_1;", ""], alone()),
        fault("gradients are kept from row to row only once", "whole", ["g0_0_0 += ", "g0_0_0 = "], alone()),
        fault("biases decay", "whole", ["rule(current, 0.0, ", "rule(current, current.weight_decay, "], alone()),
        fault("the first state is not kept", "whole", ["m0_0_0 = state[0].x;", ""], alone()),
        fault(
            "a state is not stored",
            "whole",
            ["second_state + replica * 4u + 0u] = ", "first_state + replica * 4u + 0u] = "],
            alone(),
        ),
        fault("the loss is the last row's", "whole", ["loss += dot(", "loss = dot("], alone()),
        fault("a lane's gradient stays its own", "whole", ["g0_0_0 += subgroupShuffleXor(g0_0_0, 1u);", ""], shared()),
        fault("a lane's loss stays its own", "whole", ["loss += subgroupShuffleXor(loss, 2u);", ""], shared()),
        fault(
            "lanes are paired twice with the same one",
            "whole",
            ["subgroupShuffleXor(g1_0_0, 2u)", "subgroupShuffleXor(g1_0_0, 1u)"],
            shared(),
        ),
        fault(
            "every subgroup trains the first one's networks",
            "whole",
            ["subgroup * (LANES / subgroups / SHARED) + ", ""],
            shared(),
        ),
        fault(
            "every other lane takes the same row",
            "whole",
            ["lane_of_subgroup % SHARED", "lane_of_subgroup % 2u"],
            shared(),
        ),
        fault("the second round is left out", "whole", ["row < current.rows + lane; row", "row < SHARED; row"], shared()),
    ]
}

fn held_faults() -> Vec<Fault> {
    // Tiles of two and four rows and of four inputs, more than one a lane; a short last batch.
    let held = || Case { batch: 9, rows: 22, ..whole(Variant::Held, vec![70, 19, 3]) };
    let three = || whole(Variant::Held, vec![5, 6, 9, 3]);
    let slopes = || Case { hidden: Activation::Gelu, ..three() };
    let stored = || Case { batch: 5, rows: 13, ..whole(Variant::Held, vec![128, 32, 3]) };
    let rows = || Case { output: Activation::Softmax, loss: Loss::CrossEntropy, ..three() };
    vec![
        fault("every step is the first", "whole", ["min(s + 1u, count - 1u) * records", "0u"], held()),
        fault("every replica has the first one's step", "whole", ["select(0u, group.z, records > 1u)", "0u"], held()),
        fault("rows are not in the epoch's order", "whole", ["coming.first + min(row", "min(row"], held()),
        fault(
            "a lane brings what the one before it has brought",
            "whole",
            ["element_0 / 18u * 19u + element_0", "element_0 / 18u * 19u + (element_0 + 1u)"],
            held(),
        ),
        fault(
            "the inputs past the first round are not put",
            "whole",
            ["brought_1 = inputs[place_1];", ""],
            Case { batch: 16, rows: 38, ..held() },
        ),
        fault(
            "a row's targets are its neighbour's",
            "whole",
            ["desired_place_0_0 = coming_row(", "desired_place_0_0 = coming_row(1u + "],
            held(),
        ),
        fault("the last tile is dropped", "whole", ["if tile_0 < 45u", "if tile_0 < 44u"], held()),
        fault(
            "the second row of a tile is the first one's",
            "whole",
            ["(row + 1u) * 5u + column", "(row + 0u) * 5u + column"],
            Case { batch: 64, rows: 150, widths: vec![5, 19, 3], ..held() },
        ),
        fault("no bias", "whole", ["sum_0 = bias", "sum_0 = vec4f()"], held()),
        fault(
            "padding is not cleared",
            "whole",
            ["select(vec4f(), hyperbolic_tangent(sum_0), valid)", "hyperbolic_tangent(sum_0) + vec4f(1.0)"],
            held(),
        ),
        fault("deltas are not scaled", "whole", ["error * current.scale", "error"], held()),
        fault(
            "rows past the batch have deltas",
            "whole",
            ["& vec4<bool>(row < current.rows)", "& vec4<bool>(true)"],
            held(),
        ),
        fault(
            "the loss lacks its last row",
            "whole",
            ["row < BATCH; row++) {\n            sum +=", "row + 1u < BATCH; row++) {\n            sum +="],
            held(),
        ),
        fault(
            "a row's losses are its first four outputs'",
            "whole",
            ["[column % 4u] = loss", "[0] = loss"],
            Case { widths: vec![5, 19, 7], ..held() },
        ),
        fault("derivatives are left out", "whole", ["sum_0 * hyperbolic_tangent_derivative(", "sum_0; _ = ("], held()),
        fault("the output stands for the slope", "whole", ["gelu_slope(sum_0)", "gelu(sum_0)"], slopes()),
        fault(
            "the last sample is not summed",
            "whole",
            ["row < BATCH; row++) {\n                let right", "row + 2u < BATCH; row++) {\n                let right"],
            held(),
        ),
        fault(
            "the fourth of four inputs has the third one's gradient",
            "whole",
            ["left[3] * right", "left[2] * right"],
            held(),
        ),
        fault("the biases have no gradient", "whole", ["sum_0 += values[", "sum_0 = values["], held()),
        fault("biases decay", "whole", ["select(current.weight_decay, 0.0, is_bias)", "current.weight_decay"], held()),
        fault(
            "a gradient is applied before the delta",
            "whole",
            ["delta_1(lane);", "gradient_1(lane); barrier(); apply_1(lane); barrier(); delta_1(lane);"],
            held(),
        ),
        fault(
            "no barrier before the deltas below",
            "whole",
            [
                "gradient_2(lane);\n        barrier();\n        apply_2(lane);\n        delta_1(lane);",
                "delta_1(lane); gradient_2(lane);\n        barrier();\n        apply_2(lane);",
            ],
            three(),
        ),
        fault("what is held does not come back", "whole", ["    keep_1(lane);", ""], held()),
        fault("the first replica's parameters are held", "whole", ["parameters + replica * ", "parameters + 0u * "], held()),
        fault("a state is not kept", "whole", ["state_1_0_0_1 = state[1];", ""], three()),
        fault(
            "a kept state does not come back",
            "whole",
            ["trained[state_start(1u, 1u) + replica * ", "trained[state_start(1u, 1u) * 0u + replica * "],
            three(),
        ),
        fault(
            "a state in its buffer is the other one",
            "whole",
            ["state[1] = trained[state_start(0u, 1u)", "state[1] = trained[state_start(0u, 0u)"],
            stored(),
        ),
        fault(
            "the second round of gradients is left out",
            "whole",
            ["let tile_1 = lane + 1u * LANES;", "let tile_1 = 100000u;"],
            stored(),
        ),
        fault("a softmax is its neighbour row's", "whole", ["+ row_0 * 1u;", "+ (row_0 ^ 1u) * 1u;"], rows()),
    ]
}

fn workgroup_faults() -> Vec<Fault> {
    let workgroup = || whole(Variant::Workgroup, vec![5, 6, 3]);
    let slopes = || Case { hidden: Activation::Gelu, ..workgroup() };
    vec![
        fault("every step is the first", "whole", ["steps[s * records + record]", "steps[record]"], workgroup()),
        fault(
            "weights are updated before the delta",
            "whole",
            [
                "delta(l, lane);\n                barrier();\n            }\n            update(l, lane);",
                "update(l, lane);\n                storageBarrier();\n            }\n            delta(max(l, 1u), lane);",
            ],
            workgroup(),
        ),
        fault(
            "the last tile is dropped",
            "whole",
            ["index < tiles(current.rows, width)", "index + 1u < tiles(current.rows, width)"],
            workgroup(),
        ),
        fault(
            "the last sample is not summed",
            "whole",
            [
                "row < current.rows; row++) {\n            let right",
                "row + 1u < current.rows; row++) {\n            let right",
            ],
            workgroup(),
        ),
        fault(
            "the last row's loss is left out",
            "whole",
            ["other < min(LANES, current.rows)", "other + 1u < min(LANES, current.rows)"],
            workgroup(),
        ),
        fault("the two deltas share their place", "whole", ["% 2u) * parameters.delta_length", "% 2u) * 0u"], workgroup()),
        fault(
            "the output stands for the slope",
            "whole",
            ["select(0u, parameters.slopes, stores_slope(l))", "0u"],
            slopes(),
        ),
        fault(
            "the batch is not gathered",
            "whole",
            ["inputs[source_row(element / width) * width + element % width]", "inputs[element]"],
            workgroup(),
        ),
        fault("no gradient of the biases", "whole", ["        update_bias(l, lane);", ""], workgroup()),
    ]
}

fn product_faults() -> Vec<Fault> {
    let long = || Case { widths: vec![1001, 3, 2], ..case() };
    let rows17 = || Case { batch: 17, rows: 40, ..case() };
    let last_term = ["stride(depth(rows))", "stride(depth(rows) - 1u)"];
    let replicas = || Case { replicas: 2, ..case() };
    vec![
        fault("the last term of forward is dropped", "forward", last_term, case()),
        fault("the last of 1,001 terms of forward is dropped", "forward", last_term, long()),
        fault("the last term of delta is dropped", "delta", last_term, case()),
        fault("the last row of update is dropped", "update", last_term, rows17()),
        fault(
            "the terms of forward begin at the second four",
            "forward",
            ["var k = range.x;", "var k = range.x + 1u;"],
            case(),
        ),
        fault("a row past the batch is written", "forward", [ROWS_LEFT, ONE_MORE], case()).with_lanes(SOFTWARE_LANES),
        fault("the last row is not written", "forward", [ROWS_LEFT, ONE_LESS], case()).with_lanes(SOFTWARE_LANES),
        fault("the last row of weights is not updated", "update", [ROWS_LEFT, ONE_LESS], case()).with_lanes(SOFTWARE_LANES),
        fault("every row is the first one", "forward", ["i == r", "i == 0u"], case()).with_lanes(SOFTWARE_LANES),
        fault("the next column is dropped", "forward", ["if column + c < columns", "if column + 9u * c < columns"], case()),
        fault(
            "the next column of delta is dropped",
            "delta",
            ["if column + c < columns", "if column + 9u * c < columns"],
            case(),
        ),
        fault("the next column is the same again", "forward", ["min(column + c, last)", "min(column, last)"], case()),
        fault("every replica is the first", "forward", ["begin(id.z / parts());", "begin(0u);"], replicas()),
        fault("every replica is updated as the first", "update", ["begin(id.z / parts());", "begin(0u);"], replicas()),
        fault("the weights are not transposed", "delta", ["return transpose(mat4x4f(", "return (mat4x4f("], case()),
    ]
}

/// 35 rows of a 69-37-41 net: two tiles of 32 × 32 along each side of each result, and sums of several tiles of terms.
fn tiled() -> Case {
    let choice = Some(Choice { family: Family::Tiled32, parts: 1 });
    Case { widths: vec![69, 37, 41], batch: 35, rows: 90, choice, ..case() }
}

/// Every kernel reads its factors in a way of its own; the loop is the same for all. The first block that an invocation brings is of
/// lhs, the second of rhs.
fn tiled_faults() -> Vec<Fault> {
    let stored = ["put(blocks, base, member);\n        workgroupBarrier();", "put(blocks, base, member);"];
    let summed = ["if COPIES == 1u {\n            workgroupBarrier();\n        }", ""];
    let last_row = ["if row < result_rows()", "if row + 1u < result_rows()"];
    let last_column = ["result_column < stride(result_columns())", "result_column + 1u < stride(result_columns())"];
    let first = "range.x + group * DEPTH4";
    vec![
        fault("sums do not wait for the tiles", "forward", stored, tiled()),
        fault("tiles do not wait for the sums", "forward", summed, tiled()),
        fault("the last terms of a tile are dropped", "forward", ["k < DEPTH4; k++", "k + 1u < DEPTH4; k++"], tiled()),
        fault(
            "terms past the last are summed",
            "forward",
            ["DEPTH4, range.y, member", "DEPTH4, range.y + 1u, member"],
            tiled(),
        ),
        fault("the second group begins a four of terms late", "delta", [first, "range.x + group * (DEPTH4 + 1u)"], tiled()),
        fault(
            "the second tile is the first again",
            "forward",
            ["k + (GROUPS + group) * DEPTH4", "k + group * DEPTH4"],
            tiled(),
        ),
        fault("the last row of the tiles is not written", "update", last_row, tiled()),
        fault("the last column of the tiles is not written", "forward", last_column, tiled()),
        fault(
            "blocks of lhs are read where they are not",
            "forward",
            ["(k * LHS_STRIDE + term", "(k * (LHS_STRIDE - PAD_LHS) + term"],
            tiled(),
        ),
        fault(
            "blocks of rhs are read where they are not",
            "delta",
            ["RHS_FIRST + k * RHS_STRIDE", "RHS_FIRST + k * (RHS_STRIDE - PAD_RHS)"],
            tiled(),
        ),
        fault(
            "the last column is the one before",
            "forward",
            [
                "each[1] = rhs(k + place.y, min(column + place.x, stride(result_columns()) - 1u))",
                "each[1] = rhs(k + place.y, min(column + place.x, stride(result_columns()) - 2u))",
            ],
            tiled(),
        ),
        fault("the last terms of lhs are missing", "delta", ["if k + place.y < end", "if k + place.y + 1u < end"], tiled()),
        fault(
            "a group's sums are left out",
            "forward",
            ["other < GROUPS; other++", "other + 1u < GROUPS; other++"],
            tiled(),
        ),
        fault("stale rows are summed in tiles", "update", ["sample < rows)", "sample < rows || rows > 0u)"], tiled()),
        fault(
            "biases beside the tiles miss rows",
            "update",
            ["if 4u * k + term < rows", "if 4u * k + term + 1u < rows"],
            Case { widths: vec![64, 32, 41], ..tiled() },
        ),
        fault(
            "every replica is the first in tiles",
            "forward",
            ["begin(workgroup.z / parts());", "begin(0u);"],
            Case { replicas: 2, ..tiled() },
        ),
        fault(
            "joint updates of the second layer read the first one's inputs",
            "updates",
            ["if number == 1u { return input1[element]; }", ""],
            joint_updates(),
        ),
        fault(
            "joint updates of the second layer begin a tile late",
            "updates",
            ["workgroup.x - all.layers[l].first", "workgroup.x - min(l, 1u) * (all.layers[l].first - 1u)"],
            joint_updates(),
        ),
        fault(
            "a joint update's first state is the second",
            "updates",
            ["parameters.first_state +", "parameters.second_state +"],
            joint_updates(),
        ),
    ]
}

/// 35 rows of a 69-37-41 net by adam, whose updates are one launch.
fn joint_updates() -> Case {
    let choice = Some(Choice { family: Family::Tiled16In1, parts: 1 });
    Case { joint: true, optimizer: OptimizerKind::Adam, choice, ..tiled() }
}

fn split_faults() -> Vec<Fault> {
    let split = || Case { choice: Some(Choice { family: Family::Direct, parts: 3 }), replicas: 2, ..case() };
    let shorter = ["vec2u(part, part + 1u) * most", "vec2u(part * most, (part + 1u) * most - 1u)"];
    let every_part = ["sum += partial_sums[part_start(part)", "sum += partial_sums[part_start(0u)"];
    vec![
        fault("every part misses its last terms", "forward", shorter, split()),
        fault("the last part is not added", "forward", ["part < parts(); part++", "part + 1u < parts(); part++"], split()),
        fault("the first part is added again", "delta", every_part, split()),
        fault("all replicas leave their parts in one place", "update", ["(replica * parts() + part)", "part"], split()),
        fault("every replica's parts are the first's", "forward", ["begin(id.z / parts());", "begin(0u);"], split()),
    ]
}

/// Mixed training, by the loops that round on the bits; what matrix units do is verified on adapters that have them.
fn mixed_faults() -> Vec<Fault> {
    let mixed = || Case { mixed: Some(5), ..case() };
    let overflowing = || Case { mixed: Some(27), ..case() };
    vec![
        fault("lhs is not rounded", "forward", ["halves_of(exact_lhs(row, k), LHS_KIND)", "exact_lhs(row, k)"], mixed()),
        fault("rhs is not rounded", "delta", ["halves_of(exact_rhs(k, column), RHS_KIND)", "exact_rhs(k, column)"], mixed()),
        fault("halves are cut off", "forward", [" + vec4u(0xfffu) + odd)", ")"], mixed()),
        fault("a place of a half is lost", "update", ["0xffffe000u", "0xffffc000u"], mixed()),
        fault(
            "what is beyond the range stays",
            "update",
            ["clamp(halves, vec4f(-65504.0), vec4f(65504.0))", "halves"],
            overflowing(),
        ),
        fault("an overflow is not told", "update", ["bitcast<u32>(1.0f)", "bitcast<u32>(0.0f)"], overflowing()),
        fault(
            "an overflow is told of another kind",
            "update",
            ["4u * replica + kind", "4u * replica + 1u - kind"],
            overflowing(),
        ),
        fault("gradients stay scaled", "update", ["gradient * this_step().unscaled", "gradient"], mixed()),
    ]
}

/// Products in f32 of two halves of each number, by the loop for software adapters; matrix units have the scales and the halves in common
/// with it.
fn halves_faults() -> Vec<Fault> {
    let split = || {
        let widths = vec![37, 41, 39, 43];
        Case { choice: Some(Choice { family: Family::DirectSplit, parts: 1 }), replicas: 2, widths, ..case() }
    };
    let parts = || Case { choice: Some(Choice { family: Family::DirectSplit, parts: 3 }), ..split() };
    let low_of_columns = ["(*sums)[r][c] += low * left[r];", ""];
    let low_of_rows = ["(*sums)[r][c] += high * left_low[r];", ""];
    vec![
        fault("low halves of columns are left out", "forward", low_of_columns, split()),
        fault("low halves of columns are left out", "update", low_of_columns, split()),
        fault("low halves of rows are left out", "forward", low_of_rows, split()),
        fault("low halves of rows are left out", "delta", low_of_rows, split()),
        fault("low halves are rounded to nothing", "update", ["rounded(scaled - high)", "scaled - scaled"], split()),
        fault("halves have the places of bf16", "forward", ["0xffffe000u", "0xffff0000u"], split()),
        fault("sums have the first row's scale", "delta", ["place_of_rows(row / 4u)", "place_of_rows(0u)"], split()),
        fault(
            "scales are the first replica's",
            "forward",
            ["begin(workgroup.z);\n    let row", "begin(0u);\n    let row"],
            split(),
        ),
        fault("numbers are not scaled", "forward", ["numbers * scale;", "numbers;"], split()),
        fault("half of the scales is left in", "update", ["* bitcast<vec4f>((both - first) << vec4u(23u))", ""], split()),
        fault(
            "the scales of columns are left in",
            "forward",
            ["vec4u(of_row) - of_columns", "vec4u(of_row) - vec4u(127u)"],
            split(),
        ),
        fault(
            "the scales of rows are left in",
            "delta",
            ["vec4u(of_row) - of_columns", "vec4u(127u) - of_columns"],
            split(),
        ),
        fault("a row has its neighbour's scale", "delta", ["[row % 4u]", "[(row + 1u) % 4u]"], split()),
        fault(
            "the scales are of the first terms alone",
            "update",
            ["k < end; k += SHARERS", "k < min(end, 1u); k += SHARERS"],
            split(),
        ),
        fault("every sharer but the first is left out", "forward", ["i < SHARERS; i++", "i < 1u; i++"], split()),
        fault("scales bring numbers beyond f16", "delta", ["127u + 14u + 127u", "127u + 16u + 127u"], split()),
        fault("scales leave low halves too small", "forward", ["127u + 14u + 127u", "127u - 12u + 127u"], split()),
        fault("parts keep their scales", "forward", ["unscaled(row, column + c, sums[c])", "sums[c]"], parts()),
    ]
}

fn epilogue_faults() -> Vec<Fault> {
    let nan = "vec4f(bitcast<f32>(0x7fc00000u | (row & 0u)), activate(z).yzw), valid";
    let bias = ["parameters.bias == 1u", "parameters.bias == 2u"];
    vec![
        fault("all rows are the first of four", "forward", ["input_row(min(row + 1u,", "input_row(min(row,"], case()),
        fault("the bias is missing", "forward", bias, case()),
        fault("the activation is skipped", "forward", ["activate(z), valid", "z, valid"], case()),
        fault("NaN is stored", "forward", ["activate(z), valid", nan], case()),
        fault(
            "one element is wrong by 1 in 100,000",
            "forward",
            ["activate(z), valid", "activate(z) * 1.00001, valid"],
            case(),
        ),
        fault("the derivative is skipped in delta", "delta", ["sum * derivative(stored[element])", "sum"], case()),
        fault(
            "sigmoid's derivative is its output",
            "delta",
            ["output * (1.0 - output)", "output"],
            with(Activation::Sigmoid),
        ),
        fault("relu has a slope at zero", "delta", ["output > vec4f()", "output >= vec4f()"], with(Activation::Relu)),
        fault("leaky-relu does not leak", "forward", ["LEAK * z", "0.0 * z"], with(Activation::LeakyRelu)),
        fault("gelu's slope has one term", "forward", ["z * (0.3989423", "0.0 * (0.3989423"], with(Activation::Gelu)),
        fault(
            "softplus's series lacks a term",
            "forward",
            ["p * square + 0.33333334", "p * square"],
            with(Activation::Softplus),
        ),
        fault(
            "softplus's slope is one minus what it is",
            "delta",
            ["1.0 - exp(-output)", "exp(-output)"],
            with(Activation::Softplus),
        ),
        fault(
            "silu has one gate above and below zero",
            "forward",
            ["t * larger, z < vec4f()", "larger, z < vec4f()"],
            with(Activation::Silu),
        ),
        fault("silu's slope is its gate", "forward", ["z * select(smaller", "0.0 * select(smaller"], with(Activation::Silu)),
        fault("the derivative is skipped at the output", "output", [" * derivative(stored)", ""], case()),
        fault("the loss is not halved", "output", ["return 0.5 * error", "return error"], case()),
        fault("delta is not scaled", "output", [" * this_step().scale", ""], case()),
        fault("every loss is the first batch's", "output", [" + this_step().loss_row", ""], case()),
        fault(
            "softmax is not divided",
            "output",
            [" / row.sum - desired", " - desired"],
            joint(Activation::Softmax, Loss::CrossEntropy),
        ),
        fault(
            "cross-entropy forgets the other class",
            "output",
            ["max(z, vec4f()) - z * desired", "-z * desired"],
            joint(Activation::Sigmoid, Loss::BinaryCrossEntropy),
        ),
        fault("an absolute error pulls the more the larger it is", "output", SIGN, joint(Activation::Gelu, ABSOLUTE)),
        fault("an absolute error has a sign", "output", ["return abs(", "return ("], joint(Activation::Sigmoid, ABSOLUTE)),
        fault("huber's error is not clipped", "output", ["clamp(output - desired, -delta, delta)", ERROR], huber()),
        fault("huber's loss goes on as a square", "output", ["min(size, vec4f(parameters.of_loss))", "size"], huber()),
        fault(
            "huber's slope beyond delta is 1",
            "output",
            ["-delta, delta) * derivative", "-delta, delta) / delta * derivative"],
            huber(),
        ),
        fault(
            "a row below is gathered",
            "gather",
            ["source[segment_row", "source[min(segment_row + 1u, parameters.segment_rows - 1u)"],
            gathered(),
        ),
        fault("every gathered batch is the first", "gather", [" + first + id.y", " + id.y"], gathered()),
    ]
}

const ABSOLUTE: Loss = Loss::AbsoluteError;
const ERROR: &str = "(output - desired)";
const SIGN: [&str; 2] = ["sign(output - desired)", ERROR];

fn huber() -> Case {
    joint(Activation::Gelu, Loss::Huber { delta: Number::new(0.3) })
}

fn gathered() -> Case {
    Case { gather: true, ..case() }
}

fn in_place() -> Case {
    Case { shuffle: false, ..case() }
}

fn source_faults() -> Vec<Fault> {
    let next = ["first + row]", "first + row + 1u]"];
    let first = [" + first + row]", " + row]"];
    let unordered = ["order[replica * parameters.order_length + first + row]", "first + row"];
    let stays = ["return first + row;", "return row;"];
    let faults = |kernel: &'static str| {
        vec![
            fault("each row is read a place too late", kernel, next, case()),
            fault("the first batch is read again through the order", kernel, first, case()),
            fault("the order is not followed", kernel, unordered, case()),
            fault("the first batch is read again in place", kernel, stays, in_place()),
        ]
    };
    // Kernels of later layers read the batch's own buffers, and have no such text.
    ["forward", "output", "update"].into_iter().flat_map(faults).collect()
}

/// The layers of [`case`], but with ten outputs: the last layer is one kernel with them.
fn narrow() -> Case {
    Case { widths: vec![17, 17, 10], ..case() }
}

fn narrow_faults() -> Vec<Fault> {
    let narrow_joint = |output, loss| Case { output, loss, ..narrow() };
    let softmax = || narrow_joint(Activation::Softmax, Loss::CrossEntropy);
    let binary = || narrow_joint(Activation::Sigmoid, Loss::BinaryCrossEntropy);
    let gelu = || Case { output: Activation::Gelu, ..narrow() };
    let one_layer = || Case { widths: vec![17, 10], ..case() };
    let next = ["first + row]", "first + row + 1u]"];
    let faults = vec![
        fault("the last term is dropped", "forward_output", ["stride(depth(rows))", "stride(depth(rows) - 1u)"], narrow()),
        fault("the last row is not finished", "forward_output", [ROWS_LEFT, ONE_LESS], narrow()).with_lanes(SOFTWARE_LANES),
        fault("every row is the second one", "forward_output", ["i == r", "i == 1u"], narrow()).with_lanes(SOFTWARE_LANES),
        fault(
            "shared among 64, the last row is not finished",
            "forward_output",
            ["row + sharer < result_rows()", "row + sharer + 1u < result_rows()"],
            narrow(),
        )
        .with_lanes(GPU_LANES),
        fault(
            "shared among 64, one invocation's sums are left out",
            "forward_output",
            ["for (var s = 1u; s < QUARTER", "for (var s = 2u; s < QUARTER"],
            narrow(),
        )
        .with_lanes(GPU_LANES),
        fault(
            "shared among 64, half of the invocations' sums are left out",
            "forward_output",
            ["partials[0u * HALF + sharer] += sums[0];", ""],
            narrow(),
        )
        .with_lanes(GPU_LANES),
        fault("the last column is not finished", "forward_output", ["column < COLUMNS", "column + 1u < COLUMNS"], narrow()),
        fault(
            "the bias is missing at the outputs",
            "forward_output",
            ["parameters.bias == 1u", "parameters.bias == 2u"],
            narrow(),
        ),
        fault("the activation is skipped at the outputs", "forward_output", ["select(output, z, IS_JOINT)", "z"], narrow()),
        fault(
            "the joint pair gets outputs for logits",
            "forward_output",
            ["select(output, z, IS_JOINT)", "output"],
            binary(),
        ),
        fault("the derivative is skipped at the outputs", "forward_output", [" * derivative(stored)", ""], narrow()),
        fault("gelu's slope is taken for its output", "forward_output", ["return slope(z);", "return output;"], gelu()),
        fault("delta is not scaled at the outputs", "forward_output", [" * this_step().scale", ""], narrow()),
        fault(
            "an absolute error pulls the more the larger it is",
            "forward_output",
            SIGN,
            Case { loss: ABSOLUTE, ..gelu() },
        ),
        fault(
            "huber's delta is 1",
            "forward_output",
            ["vec4f(parameters.of_loss)", "vec4f(1.0)"],
            Case { loss: huber().loss, ..gelu() },
        ),
        fault("losses stay with the first batch", "forward_output", [" + this_step().loss_row", ""], narrow()),
        fault("softmax is not divided at the outputs", "forward_output", [" / row.sum - desired", " - desired"], softmax()),
        fault("targets are those of the next rows", "forward_output", next, narrow()),
        fault("input and targets are those of the next rows", "forward_output", next, one_layer()),
        fault(
            "the data is taken for a batch",
            "forward_output",
            ["const READS_SOURCE = true;", "const READS_SOURCE = false;"],
            one_layer(),
        ),
    ];
    faults.into_iter().map(|fault| Fault { noticed: "forward", ..fault }).collect()
}

fn update_faults() -> Vec<Fault> {
    let sign = ["return weight - ", "return weight + "];
    let shrunk = ["return shrunk - ", "return shrunk + "];
    let decay = ["select(this_step().weight_decay, 0.0, row == parameters.inputs)", "this_step().weight_decay"];
    vec![
        fault("sgd climbs", "update", sign, by(OptimizerKind::Sgd)),
        fault("momentum climbs", "update", sign, by(OptimizerKind::Momentum)),
        fault("nesterov climbs", "update", sign, by(OptimizerKind::Nesterov)),
        fault("rmsprop climbs", "update", sign, by(OptimizerKind::Rmsprop)),
        fault("rmsprop forgets its squares", "update", ["(*state)[0] = v;", ""], by(OptimizerKind::Rmsprop)),
        fault("adam climbs", "update", sign, by(OptimizerKind::Adam)),
        fault("adamw climbs", "update", shrunk, by(OptimizerKind::Adamw)),
        fault("stale rows are summed", "update", ["sample < rows);", "sample < rows || rows > 0u);"], case()),
        fault("the bias has no gradient", "update", ["select(value, vec4f(1.0), one)", "value"], case()),
        fault("biases decay", "update", decay, case()),
        fault("nesterov does not look ahead", "update", ["(g + step.beta1 * v)", "v"], by(OptimizerKind::Nesterov)),
        fault("the velocity is not kept", "update", ["(*state)[0] = v;", ""], by(OptimizerKind::Momentum)),
        fault("adam's mean is not corrected", "update", ["(m * step.correction1)", "m"], by(OptimizerKind::Adam)),
        fault("adam's variance is not corrected", "update", ["v * step.correction2", "v"], by(OptimizerKind::Adam)),
        fault(
            "adamw's decay is coupled",
            "update",
            ["shrunk = weight - step.learning_rate * decay * weight", "shrunk = weight"],
            by(OptimizerKind::Adamw),
        ),
        fault("all layers have one rate", "update", ["*= parameters.rate", "*= 1.0"], at_rates(by(OptimizerKind::Adam))),
    ]
}

/// With a rate for each layer.
fn at_rates(case: Case) -> Case {
    Case { layer_rates: LayerRates::new(&[0.1, 3.0]), ..case }
}

fn cut(optimizer: OptimizerKind) -> Case {
    Case { micro_batches: 3, ..by(optimizer) }
}

fn clipped() -> Case {
    Case { clip: Clip::Norm(0.01), l1: 0.01, average: 0.9, ..by(OptimizerKind::Momentum) }
}

/// The same, the gradients of the first layer being several parts of the norm.
fn clipped_in_parts() -> Case {
    Case { name: "clipped in parts".into(), widths: vec![90, 105, 3], ..clipped() }
}

/// What is noticed in the launch that sums up the parts of all layers.
fn of_all(fault: Fault) -> Fault {
    Fault { noticed: "norm of all", ..fault }
}

fn clipped_thrice() -> Case {
    Case { replicas: 3, ..clipped() }
}

fn by_value() -> Case {
    Case { clip: Clip::Value(0.001), ..by(OptimizerKind::Sgd) }
}

fn weighted() -> Case {
    Case { weighted: true, ..case() }
}

fn accumulation_faults() -> Vec<Fault> {
    let sum = "select(gradient, sum + gradient, step.micro > 0u)";
    let decay = ["select(this_step().weight_decay, 0.0, is_bias)", "this_step().weight_decay"];
    let replicas = || Case { replicas: 2, ..cut(OptimizerKind::Momentum) };
    vec![
        fault("the last batch's gradients stay", "update", [sum, "sum + gradient"], cut(OptimizerKind::Sgd)),
        fault("each micro-batch begins anew", "update", [sum, "gradient"], cut(OptimizerKind::Sgd)),
        fault(
            "the second micro-batch begins anew",
            "update",
            ["step.micro > 0u", "step.micro > 1u"],
            cut(OptimizerKind::Sgd),
        ),
        fault("a sum climbs", "apply", ["return weight - ", "return weight + "], cut(OptimizerKind::Sgd)),
        fault("all layers have one rate", "apply", ["*= parameters.rate", "*= 1.0"], at_rates(cut(OptimizerKind::Sgd))),
        fault("biases decay after a sum", "apply", decay, cut(OptimizerKind::Adam)),
        fault("gradients are not clipped", "apply", ["select(1.0, factor, factor < 1.0)", "1.0"], clipped()),
        fault(
            "the last gradients have no part in the norm",
            "norm",
            ["place < parameters.length4", "place + 1u < parameters.length4"],
            clipped(),
        ),
        fault("the norm leaves half of the sums out", "norm", ["half > 0u", "half > 1u"], clipped()),
        fault("all layers' parts are one layer's", "norm", ["parameters.first + part", "part"], clipped()),
        fault("each part is the layer's first", "norm", ["(part * EACH + each)", "each"], clipped_in_parts()),
        fault("parts overlap", "norm", ["(part * EACH + each)", "(part + each)"], clipped_in_parts()),
        fault(
            "parts beyond an axis are those before it",
            "norm",
            ["group.y * groups.x + group.x", "group.y"],
            clipped_in_parts(),
        ),
        of_all(fault(
            "a norm is that of the first replica",
            "norm_total",
            ["replica * parameters.length4 + place", "place"],
            clipped_thrice(),
        )),
        of_all(fault("one part of four counts", "norm_total", ["dot(sum, vec4f(1.0))", "sum.x"], clipped_in_parts())),
        fault(
            "all replicas are clipped by the first one's norm",
            "apply",
            ["squares[replica].x", "squares[0].x"],
            clipped_thrice(),
        ),
        fault(
            "the average stays",
            "apply",
            ["beta * average[element] + (1.0 - beta) * weight", "average[element]"],
            clipped(),
        ),
        fault("biases are penalised", "apply", ["select(this_step().l1, 0.0, is_bias)", "this_step().l1"], clipped()),
        fault(
            "each gradient is clipped on one side",
            "apply",
            ["vec4f(-clip), gradient <", "vec4f(-1e30), gradient <"],
            by_value(),
        ),
        fault("rows weigh the same", "output", ["row_weights[source_row(sample)].x", "1.0"], weighted()),
        fault("the loss has no weight", "output", ["= loss * weight", "= loss"], weighted()),
        fault("the last parameters stay", "apply", ["bias) * width;", "bias) * width - 1u;"], cut(OptimizerKind::Adam)),
        fault("all replicas take the first one's gradients", "apply", ["gradient[element]", "gradient[place]"], replicas()),
    ]
}

fn dropped() -> Case {
    Case { dropout: 0.5, ..cut(OptimizerKind::Sgd) }
}

fn dropout_faults() -> Vec<Fault> {
    let slope = ["derivative(stored_of(z, activated)) * factor(), kept)", "derivative(stored_of(z, activated)), kept)"];
    let columns = ["vec4u(row_of_batch, column, step.key0", "vec4u(row_of_batch, 0u, step.key0"];
    vec![
        fault("what is dropped is kept", "forward", [">= vec4u(threshold)", "< vec4u(threshold)"], dropped()),
        fault("nothing is dropped", "forward", [" & is_kept(row, column)", ""], dropped()),
        fault("what is kept is not multiplied", "forward", ["activated * factor()", "activated"], dropped()),
        fault(
            "the step's share is not looked at",
            "forward",
            ["step.dropped, parameters", "1u << 31u, parameters"],
            Case { dropout: 0.3, ..dropped() },
        ),
        fault(
            "the layer's share is not looked at",
            "forward",
            ["select(parameters.dropped, step.dropped, parameters.dropped == 0u)", "step.dropped"],
            Case { layered_dropout: true, ..dropped() },
        ),
        fault("the step's factor is not looked at", "forward", ["this_step().kept", "1.5"], dropped()),
        fault("slopes are not multiplied", "forward", slope, dropped()),
        fault("all micro-batches drop the same", "forward", ["step.micro * parameters.capacity + row", "row"], dropped()),
        fault("all columns drop the same", "forward", columns, dropped()),
        fault("all steps drop the same", "forward", ["step.key0, step", "1u, step"], dropped()),
        fault(
            "all layers drop the same",
            "forward",
            ["step.key1 + parameters.layer", "step.key1"],
            Case { widths: vec![9, 7, 8, 3], ..dropped() },
        ),
    ]
}

/// Padding that is not zero is not read back: it is noticed in the first kernel that counts on it.
fn padding_faults() -> Vec<Fault> {
    let delta = [
        "select(vec4f(), sum * derivative(stored[element]), inside(column, parameters.inputs))",
        "sum * derivative(stored[element])",
    ];
    let output = ["select(vec4f(), value, valid)", "value"];
    vec![
        Fault {
            noticed: "forward 2",
            ..fault(
                "forward leaves its padding",
                "forward",
                ["select(vec4f(), activate(z), valid)", "activate(z)"],
                with(Activation::Sigmoid),
            )
        },
        Fault { noticed: "delta", ..fault("delta leaves its padding", "delta", delta, case()) },
        Fault {
            noticed: "delta",
            ..fault("output leaves its padding", "output", output, joint(Activation::Sigmoid, Loss::BinaryCrossEntropy))
        },
    ]
}
