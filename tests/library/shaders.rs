//! Every composed shader against its host side, by naga's reflection and without a GPU: bindings, sizes, fields. And, where
//! it is installed (tests/tint.sh), through tint, the compiler of Chrome and Dawn.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use crate::common::{Failed, Trial};
use clap::ValueEnum;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};
use wgrad::kernels::catalogue::{self, Entry, all_shaders};
use wgrad::kernels::operands::{Access, Elements};
use wgrad::kernels::step::StepWords;
use wgrad::kernels::{Computation, Form, Peak, Shader, Step};
use wgrad::network::{Activation, Extras, Loss, Network, OptimizerKind};
use wgrad::plan::{Dropout, Element, Options, Plan, TrainingOptions};

/// Invocations a workgroup, and whether it is a software adapter.
const DEVICES: [(u32, bool); 2] = [(8, true), (32, false)];

/// All shaders of each of the devices, which are composed once.
static SHADERS: LazyLock<[Vec<Entry>; 2]> = LazyLock::new(|| DEVICES.map(|(lanes, software)| all_shaders(lanes, software)));

fn catalogue() -> impl Iterator<Item = &'static Entry> {
    SHADERS.iter().flatten()
}

pub(crate) fn trials() -> Vec<Trial> {
    // What takes longest comes first.
    let lacks_tint = !tint_folder().join("node_modules/webgpu").is_dir();
    let tint = |trial: Trial| trial.left_out_if(lacks_tint, "no tint: tests/tint.sh --install");
    let part = |part: usize| Trial::test(format!("tint accepts every shader, part {part}"), move || tint_accepts(part));
    let mut trials: Vec<Trial> = (0..TINT_PARTS).map(|number| tint(part(number))).collect();
    trials.push(tint(Trial::test("tint refuses what is broken", tint_refuses_what_is_broken)));
    for (device, (lanes, _)) in DEVICES.into_iter().enumerate() {
        let name = format!("every shader of real plans is in the catalogue for {lanes} lanes");
        trials.push(Trial::test(name, move || plans_are_in_the_catalogue(device)));
    }
    for entry in catalogue() {
        let name = format!("{} is as its host side has it", entry.shader.name);
        trials.push(Trial::test(name, move || keeps_its_contract(entry)));
    }
    let of_gpus = &SHADERS[1];
    for entry in of_gpus {
        let name = format!("{} keeps what it sums in registers", entry.shader.name);
        trials.push(Trial::test(name, move || registers_have_constant_indices(entry)));
    }
    for entry in of_gpus.iter().filter(|entry| entry.shader.name.contains("-by-8")) {
        let name = format!("{} can be written for Metal", entry.shader.name);
        trials.push(Trial::test(name, move || metal_has_it(&entry.shader)));
    }
    trials.push(Trial::test("an index that is no constant is found", dynamic_indices_are_found));
    trials.push(Trial::test("a shader that breaks its contract is found", broken_contracts_are_found));
    trials.push(Trial::test("every buffer of real plans is as its kernel has it", buffers_are_as_operands_have_them));
    trials.push(Trial::test("every operand is used", operands_are_used));
    trials.push(Trial::test("a held step waits 2L + 1 times", a_held_step_has_few_barriers));
    trials.push(Trial::test("workgroup memory that is not counted is found", uncounted_memory_is_found));
    trials.push(Trial::test("every shader has a name of its own", names_are_unique));
    trials.push(Trial::test("every file of shaders/ is a part of some shader", every_file_is_used));
    trials.push(Trial::test("ARCHITECTURE.md has every kernel", every_kernel_is_described));
    trials
}

/// Parses and validates a shader, with no capability beyond WebGPU's own, of which subgroups are an optional one; matrix units are
/// naga's.
fn validated(shader: &Shader) -> Result<Module, Failed> {
    let module = naga::front::wgsl::parse_str(&shader.source).map_err(|error| error.emit_to_string(&shader.source))?;
    let units = Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP;
    let capabilities = match &shader.name {
        name if name.contains("-lanes-") => Capabilities::SUBGROUP,
        name if name.contains("-units") => units,
        _ => Capabilities::empty(),
    };
    Validator::new(ValidationFlags::all(), capabilities)
        .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
        .subgroup_operations(naga::valid::SubgroupOperationSet::all())
        .validate(&module)
        .map_err(|error| error.emit_to_string(&shader.source))?;
    Ok(module)
}

/// Matrices of 8 × 8, from and to single numbers, are what naga writes for Metal. Whether Metal's compiler takes it, only a Mac can tell.
fn metal_has_it(shader: &Shader) -> Result<(), Failed> {
    let module = validated(shader)?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
        .subgroup_operations(naga::valid::SubgroupOperationSet::all())
        .validate(&module)
        .map_err(|error| error.emit_to_string(&shader.source))?;
    let options = naga::back::msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    let (text, _) = naga::back::msl::write_string(&module, &info, &options, &naga::back::msl::PipelineOptions::default())?;
    equal("matrices of Metal", &text.contains("metal::simdgroup_half8x8"), &true)?;
    // Metal's functions take pointers to single numbers; naga would write any.
    let types = info.get_entry_point(0);
    let is_single = |pointer: naga::Handle<naga::Expression>| match *types[pointer].ty.inner_with(&module.types) {
        TypeInner::Pointer { base, .. } => matches!(module.types[base].inner, TypeInner::Scalar(_)),
        TypeInner::ValuePointer { size, .. } => size.is_none(),
        _ => false,
    };
    let expressions = module.entry_points[0].function.expressions.iter();
    let loaded: Vec<bool> = expressions
        .filter_map(|(_, expression)| match expression {
            naga::Expression::CooperativeLoad { data, .. } => Some(is_single(data.pointer)),
            _ => None,
        })
        .collect();
    equal("loads from single numbers", &loaded, &vec![true; loaded.len().max(1)])
}

/// Parameters, steps, what is read, what is written, in this order and nothing else; one entry point, as wide as it is said.
fn keeps_its_contract(entry: &Entry) -> Result<(), Failed> {
    let Entry { shader, reads, writes, words, workgroup, workgroup_bytes, .. } = entry;
    let module = validated(shader)?;
    let load = StorageAccess::LOAD;
    let mut expected = vec![AddressSpace::Storage { access: load }; 2 + reads];
    expected.extend(vec![AddressSpace::Storage { access: load | StorageAccess::STORE }; *writes]);
    let mut bound: Vec<_> = module.global_variables.iter().filter_map(|(_, v)| v.binding.map(|b| (b, v))).collect();
    bound.sort_by_key(|(binding, _)| (binding.group, binding.binding));
    let places: Vec<(u32, u32)> = bound.iter().map(|(binding, _)| (binding.group, binding.binding)).collect();
    equal("bindings", &places, &(0..expected.len() as u32).map(|binding| (0, binding)).collect())?;
    equal("access", &bound.iter().map(|(_, variable)| variable.space).collect(), &expected)?;

    let parameters = &module.types[bound[0].1.ty];
    equal("parameters' struct", &parameters.name.as_deref(), &Some("Parameters"))?;
    equal("parameters' size", &size_of_struct(&parameters.inner)?, &(*words as u32 * 4))?;
    let TypeInner::Array { base, stride, .. } = module.types[bound[1].1.ty].inner else {
        return Err("binding 1 is no array".into());
    };
    equal("steps' struct", &module.types[base].name.as_deref(), &Some("Step"))?;
    equal("a step's stride", &(stride as usize), &size_of::<StepWords>())?;
    let (members, size) = struct_of(&module, &module.types[base].inner)?;
    equal("a step's size", &(size as usize), &size_of::<StepWords>())?;
    let fields: Vec<_> = members.iter().filter(|(name, ..)| !name.starts_with("padding")).cloned().collect();
    equal("a step's fields", &fields, &step_fields())?;

    let entry_points: Vec<_> = module.entry_points.iter().map(|entry| (entry.name.as_str(), entry.workgroup_size)).collect();
    equal("entry points", &entry_points, &vec![("main", [workgroup[0], workgroup[1], 1])])?;
    equal("bytes of a workgroup's memory", &bytes_of_workgroups(&module)?, workgroup_bytes)?;
    let invocations = workgroup[0] * workgroup[1];
    if invocations > 256 {
        return Err(format!("a workgroup of {invocations}, and no device need have more than 256").into());
    }
    Ok(())
}

/// Bytes that a workgroup's invocations share, as the shader declares them.
fn bytes_of_workgroups(module: &Module) -> Result<u32, Failed> {
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).map_err(|error| error.to_string())?;
    let shared = module.global_variables.iter().filter(|(_, variable)| variable.space == AddressSpace::WorkGroup);
    Ok(shared.map(|(_, variable)| layouter[variable.ty].size).sum())
}

/// What a GPU is meant to keep in registers, arrays, matrices and vectors of a function or of an invocation, has no index but constants:
/// a driver that does not unroll the loop around another one keeps them in memory, and takes 14 times as long (an NVIDIA H200 did).
fn registers_have_constant_indices(entry: &Entry) -> Result<(), Failed> {
    let module = validated(&entry.shader)?;
    let entry_points = module.entry_points.iter().map(|entry| &entry.function);
    for function in module.functions.iter().map(|(_, function)| function).chain(entry_points) {
        for (handle, expression) in function.expressions.iter() {
            let &naga::Expression::Access { base, .. } = expression else { continue };
            if !is_in_memory(&module, function, base) {
                let span = function.expressions.get_span(handle).to_range().unwrap_or_default();
                let name = function.name.as_deref().unwrap_or("main");
                return Err(format!("{}, {name}: {}", entry.shader.name, &entry.shader.source[span]).into());
            }
        }
    }
    Ok(())
}

/// Whether an expression is a part of a buffer or of a workgroup's memory, and no value or variable of an invocation.
fn is_in_memory(module: &Module, function: &naga::Function, expression: naga::Handle<naga::Expression>) -> bool {
    use naga::Expression::{Access, AccessIndex, FunctionArgument, GlobalVariable};
    let is_memory = |space: AddressSpace| matches!(space, AddressSpace::Storage { .. } | AddressSpace::WorkGroup);
    match function.expressions[expression] {
        Access { base, .. } | AccessIndex { base, .. } => is_in_memory(module, function, base),
        GlobalVariable(variable) => is_memory(module.global_variables[variable].space),
        FunctionArgument(argument) => match module.types[function.arguments[argument as usize].ty].inner {
            TypeInner::Pointer { space, .. } => is_memory(space),
            _ => false,
        },
        _ => false,
    }
}

fn dynamic_indices_are_found() -> Result<(), Failed> {
    let is_found = |body: &str| {
        let source = format!(
            "@group(0) @binding(0) var<storage, read_write> b: array<vec4f>;\nvar<private> p: array<u32, 3>;\n\
             var<workgroup> w: array<vec4f, 64>;\n@compute @workgroup_size(4)\n\
             fn main(@builtin(local_invocation_index) i: u32) {{ {body} }}"
        );
        let shader = Shader { name: "an index".into(), source };
        let entry =
            Entry { kernel: "an index", shader, reads: 0, writes: 1, words: 0, workgroup: [4, 1], workgroup_bytes: 1024 };
        registers_have_constant_indices(&entry).is_err()
    };
    for (body, found) in [
        ("var a: array<vec4f, 4>; a[1] = b[i]; b[i] = a[2u + 1u];", false),
        ("w[i] = b[i]; workgroupBarrier(); b[i] = w[(i + 1u) % 4u];", false),
        ("var a: array<vec4f, 4>; for (var k = 0u; k < 4u; k++) { a[k] = b[k]; } b[i] = a[0];", true),
        ("p[i % 3u] = i; b[i].x = f32(p[0]);", true),
        ("let m = mat4x4f(b[0], b[1], b[2], b[3]); b[i] = m[i];", true),
        ("let v = b[0]; b[i].x = v[i];", true),
    ] {
        equal(body, &is_found(body), &found)?;
    }
    Ok(())
}

/// A step of a held network waits 2L + 1 times, once more where the loss needs whole rows; only for workgroup memory; and nowhere but
/// between its functions.
fn a_held_step_has_few_barriers() -> Result<(), Failed> {
    let held: Vec<&Entry> = catalogue().filter(|entry| entry.shader.name.starts_with("whole-held-")).collect();
    equal("held networks", &held.is_empty(), &false)?;
    for Entry { shader, .. } in held {
        let expected = if shader.name.contains("cross-entropy") && !shader.name.contains("binary") { 6 } else { 5 };
        equal(&format!("barriers of {}", shader.name), &barriers_of_steps(&validated(shader)?)?, &expected)?;
        let doubled = Shader {
            source: shader.source.replacen("    barrier();", "    barrier();\n    barrier();", 1),
            ..shader.clone()
        };
        equal("barriers where one is doubled", &barriers_of_steps(&validated(&doubled)?)?, &(expected + 1))?;
        let stronger =
            Shader { source: shader.source.replacen("workgroupBarrier();", "storageBarrier();", 1), ..shader.clone() };
        equal("whether a storage barrier passes", &barriers_of_steps(&validated(&stronger)?).is_ok(), &false)?;
    }
    Ok(())
}

/// Calls of `barrier` in the loop over the steps of a shader.
fn barriers_of_steps(module: &Module) -> Result<usize, Failed> {
    /// Every statement of a block, and of the blocks inside it.
    fn all(block: &naga::Block) -> Vec<&naga::Statement> {
        let mut found = Vec::new();
        for statement in block {
            found.push(statement);
            match statement {
                naga::Statement::Block(block) => found.extend(all(block)),
                naga::Statement::If { accept, reject, .. } => found.extend([all(accept), all(reject)].concat()),
                naga::Statement::Loop { body, continuing, .. } => found.extend([all(body), all(continuing)].concat()),
                _ => {}
            }
        }
        found
    }
    let is_barrier = |statement: &&naga::Statement| matches!(statement, naga::Statement::ControlBarrier(_));
    let waiting: Vec<_> = module.functions.iter().filter(|(_, f)| all(&f.body).iter().any(is_barrier)).collect();
    let [(barrier, function)] = waiting[..] else { return Err("more than one function waits, or none".into()) };
    let main = &module.entry_points[0].function.body;
    let kinds: Vec<_> = all(&function.body).into_iter().chain(all(main)).filter(is_barrier).collect();
    if !matches!(kinds[..], [naga::Statement::ControlBarrier(kind)] if *kind == naga::Barrier::WORK_GROUP) {
        return Err(format!("the barriers are {kinds:?}").into());
    }
    let calls = |block| {
        let statements = all(block).into_iter();
        statements.filter(|s| matches!(s, naga::Statement::Call { function, .. } if *function == barrier)).count()
    };
    let of_loops: usize = all(main)
        .into_iter()
        .map(|statement| if let naga::Statement::Loop { body, .. } = statement { calls(body) } else { 0 })
        .sum();
    equal("barriers outside of the steps", &(calls(main) - of_loops), &0)?;
    Ok(of_loops)
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), Failed> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{what}: {actual:?} in the shader, {expected:?} on the host").into())
    }
}

fn size_of_struct(inner: &TypeInner) -> Result<u32, Failed> {
    match inner {
        TypeInner::Struct { span, .. } => Ok(*span),
        other => Err(format!("{other:?} is no struct").into()),
    }
}

/// A field's name, offset in bytes, and kind of number.
type Field = (String, usize, ScalarKind);

/// The fields of a struct of plain numbers, and its size in bytes.
fn struct_of(module: &Module, inner: &TypeInner) -> Result<(Vec<Field>, u32), Failed> {
    let TypeInner::Struct { members, span } = inner else { return Err("not a struct".into()) };
    let field = |member: &naga::StructMember| match module.types[member.ty].inner {
        TypeInner::Scalar(scalar) if scalar.width == 4 => {
            Ok((member.name.clone().unwrap_or_default(), member.offset as usize, scalar.kind))
        }
        ref other => Err(Failed::from(format!("{:?} is {other:?}", member.name))),
    };
    Ok((members.iter().map(field).collect::<Result<_, _>>()?, *span))
}

/// The fields of [`StepWords`]; one that is added there and not here does not compile.
fn step_fields() -> Vec<Field> {
    fn kind<T: Any>(_: T) -> ScalarKind {
        if TypeId::of::<T>() == TypeId::of::<f32>() { ScalarKind::Float } else { ScalarKind::Uint }
    }
    macro_rules! fields {
        ($($field:ident),*) => {{
            let StepWords { $($field),* } = StepWords::from(&Step::default());
            vec![$((stringify!($field).to_string(), offset_of!(StepWords, $field), kind($field))),*]
        }};
    }
    fields!(
        first,
        rows,
        loss_row,
        scale,
        learning_rate,
        weight_decay,
        beta1,
        complement1,
        correction1,
        beta2,
        complement2,
        correction2,
        epsilon,
        remaining,
        micro,
        l1,
        clip,
        average,
        key0,
        key1,
        unscaled,
        dropped,
        kept
    )
}

fn broken_contracts_are_found() -> Result<(), Failed> {
    let entry = catalogue().find(|entry| entry.shader.name.starts_with("forward")).ok_or("no forward")?;
    let cases = [
        ("bias: u32,", "bias: u32, more: u32,"),
        ("first: u32,", "first: f32,"),
        ("beta1: f32,", "beta_one: f32,"),
        ("@binding(4)", "@binding(5)"),
        ("read_write> output", "read> output"),
        ("read> input", "read_write> input"),
        ("const LANES = 8u", "const LANES = 16u"),
        ("fn main", "fn entry"),
        ("return rows;", "return raws;"),
        ("fn depth(batch: u32)", "fn enum(batch: u32)"),
    ];
    for (from, to) in cases {
        let broken = Shader { source: entry.shader.source.replacen(from, to, 1), ..entry.shader.clone() };
        if broken == entry.shader || keeps_its_contract(&Entry { shader: broken, ..entry.clone() }).is_ok() {
            return Err(format!("'{from}' as '{to}' was not found").into());
        }
    }
    let wrong = [
        Entry { reads: entry.reads + 1, ..entry.clone() },
        Entry { writes: entry.writes + 1, ..entry.clone() },
        Entry { words: entry.words + 1, ..entry.clone() },
        Entry { workgroup_bytes: 16, ..entry.clone() },
        Entry { workgroup: [8, 2], ..entry.clone() },
    ];
    match wrong.iter().find(|entry| keeps_its_contract(entry).is_ok()) {
        None => Ok(()),
        Some(entry) => Err(format!("accepted: {entry:?}").into()),
    }
}

fn uncounted_memory_is_found() -> Result<(), Failed> {
    let held = catalogue().find(|entry| entry.shader.name.starts_with("whole-held")).ok_or("no held network")?;
    let more = Entry { workgroup_bytes: held.workgroup_bytes + 16, ..held.clone() };
    equal("whether a vec4 too many passes", &keeps_its_contract(&more).is_ok(), &false)
}

/// How the plans of [`plans`] find their batches: shuffle, gather, bytes of a segment.
const BATCHES: [(bool, bool, Option<u64>); 4] =
    [(false, false, None), (true, false, None), (true, true, None), (true, false, Some(400))];

/// Plans of every activation, loss and optimizer, with and without biases, with one layer and two, few outputs and many, read in
/// place, through an order, gathered and in segments.
fn plans() -> impl Iterator<Item = Plan> {
    let mut trained = Vec::new();
    for &hidden in Activation::value_variants() {
        for &output in Activation::value_variants() {
            for &loss in Loss::value_variants().iter().filter(|loss| loss.check(output).is_ok()) {
                for outputs in [3, 7, 11, 15, 19] {
                    // A layer alone has no hidden activation: with and without biases.
                    let alone = (vec![128, outputs], vec![output]);
                    let alone = Activation::value_variants()[..2].contains(&hidden).then_some(alone);
                    let above = (vec![16, 17, outputs], vec![hidden, output]);
                    for (widths, activations) in alone.into_iter().chain([above]) {
                        let bias =
                            if widths.len() == 2 { hidden != Activation::value_variants()[0] } else { output != hidden };
                        let Ok(network) = Network::new(widths, activations, bias) else { continue };
                        let optimizers = OptimizerKind::value_variants();
                        let optimizers = if matches!(outputs, 7 | 19) { optimizers } else { &optimizers[..1] };
                        trained.extend(optimizers.iter().map(|&optimizer| (network.clone(), loss, optimizer)));
                    }
                }
            }
        }
    }
    // Inputs that are whole tiles, beside which the biases are.
    for &optimizer in OptimizerKind::value_variants() {
        for widths in [vec![128, 6, 3], vec![128, 6, 4, 3]] {
            let activations = vec![Activation::Sigmoid; widths.len() - 1];
            let network = Network::new(widths, activations, true).expect("a network");
            trained.push((network, Loss::SquaredError, optimizer));
        }
    }
    trained.into_iter().flat_map(|(network, loss, optimizer)| planned(&network, loss, optimizer))
}

/// The kernels of all these plans, each once.
static PLANNED: LazyLock<Vec<Arc<dyn Computation>>> = LazyLock::new(|| {
    let mut seen = HashSet::new();
    let mut kernels = Vec::new();
    for plan in plans() {
        for launch in plan.training.into_iter().chain(plan.evaluation) {
            if seen.insert(format!("{:?}", launch.kernel)) {
                kernels.push(launch.kernel);
            }
        }
    }
    kernels
});

/// The plans of a network, one for each way to find its batches and to go about them.
fn planned(network: &Network, loss: Loss, optimizer: OptimizerKind) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (shuffle, gather, segment_bytes) in BATCHES {
        for (micro_batches, weighted, norm, average) in [
            (1, false, false, false),
            (2, true, false, false),
            (1, false, true, false),
            (1, false, false, true),
            (1, true, true, true),
        ] {
            let training = TrainingOptions {
                micro_batches,
                shuffle,
                gather,
                extras: Extras { any: norm || average, norm, average },
                weighted,
                dropout: Dropout::of_all(if norm && !average { 0.5 } else { 0.0 }),
                joint: outputs_are_few(network),
                ..TrainingOptions::plain(20, 6, optimizer)
            };
            let training = Some(training);
            let options = Options {
                loss,
                training,
                evaluation_rows: 9,
                // Rows that are brought, and rows that stay.
                evaluation_data: if average { 11 } else { 0 },
                replicas: 2,
                own_steps: true,
                segment_bytes,
            };
            // Wide outputs are for mixed training, by every optimizer.
            let is_wide = network.outputs() == 19;
            if !is_wide || optimizer == OptimizerKind::value_variants()[0] {
                plans.push(Plan::new(network, &options));
            }
            let mixed = training.filter(|_| is_wide).map(|training| TrainingOptions { mixed: true, ..training });
            plans.extend(mixed.map(|mixed| Plan::new(network, &Options { training: Some(mixed), ..options })));
        }
    }
    plans
}

/// Whether the updates of a plan are joint: of some, whose others are in the catalogue as well.
fn outputs_are_few(network: &Network) -> bool {
    network.outputs() == 7 || network.inputs() == 128 && network.layers() == 2
}

fn plans_are_in_the_catalogue(device: usize) -> Result<(), Failed> {
    let (lanes, software) = DEVICES[device];
    let catalogue: HashSet<_> = SHADERS[device].iter().cloned().collect();
    let (mut planned, mut seen) = (HashSet::new(), HashSet::new());
    for kernel in PLANNED.iter() {
        let entry = |form: Form| Entry::of(kernel.as_ref(), form);
        let forms = kernel.forms(lanes, software);
        // Two forms that are known stand for all of them.
        if seen.insert([0, forms.len() / 2].map(|place| entry(forms[place]))) {
            planned.extend(forms.into_iter().map(entry));
        }
    }
    let names = |one: &HashSet<Entry>, other| -> Vec<String> {
        one.difference(other).map(|entry| entry.shader.name.clone()).collect()
    };
    equal("planned, but not in the catalogue", &names(&planned, &catalogue), &Vec::new())?;
    let unplanned: Vec<String> = names(&catalogue, &planned)
        .into_iter()
        .filter(|name| !name.starts_with("whole-") && name != Peak::NAME && name != "peak-units")
        .collect();
    equal("in the catalogue, but in no plan", &unplanned, &Vec::new())?;
    Ok(())
}

/// The buffers of every launch have the rows and columns that its kernel's operands have.
fn buffers_are_as_operands_have_them() -> Result<(), Failed> {
    for plan in plans() {
        for launch in plan.training.iter().chain(&plan.evaluation) {
            for (access, ids) in [(Access::Read, &launch.reads), (Access::Write, &launch.writes)] {
                let operands = launch.operands.iter().filter(|operand| operand.access == access);
                let of_buffers = operands.flat_map(|operand| operand.shape.iter().map(move |shape| (operand, shape)));
                for ((operand, [rows, columns]), &id) in of_buffers.zip(ids) {
                    let buffer = &plan.buffers[id];
                    let what = format!("'{}' of '{}', which is {}", operand.name, launch.label, buffer.name);
                    equal(&format!("rows of {what}"), &buffer.rows, &rows.unwrap_or(buffer.rows))?;
                    equal(&format!("columns of {what}"), &buffer.columns, &columns.unwrap_or(buffer.columns))?;
                    equal(&what, &(buffer.element == Element::Index), &(operand.elements == Elements::Index))?;
                }
            }
        }
    }
    Ok(())
}

/// Some shader of each kernel uses each of its operands.
fn operands_are_used() -> Result<(), Failed> {
    let mut unused: HashMap<(&str, String), bool> = HashMap::new();
    for Entry { kernel, shader, .. } in catalogue() {
        let declared = |line: &str| Some(line.split_once("@binding(")?.1.split_once("> ")?.1.split_once(':')?.0.to_string());
        for name in shader.source.lines().filter_map(declared) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let uses = || shader.source.split(|c| !is_name(c)).filter(|&word| word == name).count();
            let is_unused = unused.entry((kernel, name.clone())).or_insert(true);
            *is_unused = *is_unused && uses() < 2;
        }
    }
    equal("operands", &(unused.len() > 40), &true)?;
    let unused: Vec<_> = unused.into_iter().filter_map(|(operand, is_unused)| is_unused.then_some(operand)).collect();
    equal("operands that no shader uses", &unused, &Vec::new())
}

fn names_are_unique() -> Result<(), Failed> {
    let mut names = HashMap::new();
    for Entry { shader, .. } in catalogue() {
        if names.insert(shader.name.clone(), shader.source.clone()).is_some_and(|other| other != shader.source) {
            return Err(format!("two shaders are named {}", shader.name).into());
        }
    }
    Ok(())
}

fn every_file_is_used() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let shaders: Vec<&Entry> = catalogue().collect();
    let mut folders = vec![folder.clone()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(current)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = path.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
            if !shaders.iter().any(|entry| entry.shader.source.contains(&format!("// --- {file}\n"))) {
                return Err(format!("shaders/{file} is in no shader").into());
            }
        }
    }
    Ok(())
}

/// The table of kernels in ARCHITECTURE.md has those of the catalogue, and no others.
fn every_kernel_is_described() -> Result<(), Failed> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"))?;
    let (_, table) = text.split_once("| kernel | computes |\n").ok_or("a table of kernels")?;
    let name = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let described: BTreeSet<_> = table.lines().skip(1).map_while(name).collect();
    let kernels: BTreeSet<_> = catalogue::kernels().into_iter().map(str::to_owned).collect();
    equal("kernels", &described, &kernels)
}

/// Where tests/tint.sh keeps Dawn's bindings for node.
fn tint_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tint")
}

/// A folder of nothing but these shaders, for tint.
fn tint_says(name: &str, shaders: &[(&str, &str)]) -> Result<Output, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tint-{name}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    for (name, source) in shaders {
        std::fs::write(folder.join(format!("{name}.wgsl")), source)?;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tint.mjs");
    Ok(Command::new("node").arg(script).arg(tint_folder()).arg(&folder).output()?)
}

/// One of so many parts of all shaders, each of which is in one part.
fn tint_accepts(part: usize) -> Result<(), Failed> {
    // Cooperative matrices are an extension of naga's, which tint does not know.
    let known = |entry: &&Entry| !entry.shader.source.contains("enable wgpu_cooperative_matrix;");
    let shaders = catalogue().filter(known).map(|Entry { shader, .. }| (&*shader.name, &*shader.source));
    let shaders: BTreeSet<(&str, &str)> = shaders.collect();
    let shaders: Vec<_> = shaders.into_iter().skip(part).step_by(TINT_PARTS).collect();
    let output = tint_says(&format!("shaders-{part}"), &shaders)?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let all = format!("{} shaders, 0 complaints", shaders.len());
    if output.status.success() && text.contains(&all) { Ok(()) } else { Err(text.into()) }
}

/// Parts that tint goes through side by side.
const TINT_PARTS: usize = 2;

fn tint_refuses_what_is_broken() -> Result<(), Failed> {
    let of_type = |value: &str| format!("@compute @workgroup_size(1) fn main() {{ let x: u32 = {value}; }}");
    let said = |value: &str| tint_says("broken", &[("one", &of_type(value))]);
    equal("whether a whole one is accepted", &said("1u")?.status.success(), &true)?;
    equal("whether a broken one is accepted", &said("1.0")?.status.success(), &false)
}
