//! The plan that suits a recipe, its data and a device: how much is evaluated at once, how many losses are kept, and how large a
//! window of the data is on the device.

use super::Recipe;
use super::device::{Device, Precision};
use crate::error::Result;
use crate::executor::cpu;
use crate::executor::gpu::device::Device as OpenGpu;
use crate::kernels::whole::GROUP_ALIGNMENT;
use crate::kernels::{Updates, stride4};
use crate::network::{Loss, Network};
use crate::plan::{Options, Plan, TrainingOptions};

/// Rows that are evaluated at once, at most.
const EVALUATION_ROWS: usize = 4096;
/// Bytes that a buffer of an evaluation may take, of all replicas together, before fewer rows are evaluated at once.
const EVALUATION_BYTES: u64 = 32 << 20;
/// The share of a limited memory that one buffer of an evaluation may take.
const EVALUATION_SHARE: u64 = 16;
/// Multiply-adds of a step that are worth measuring how fast a GPU is in each family of products: once on a machine, well under a second on a
/// large GPU beside what its driver takes to compile, seconds on a small one.
const WORTH_RATES: f64 = (1 << 24) as f64;
/// Multiply-adds of all layers' updates, up to which they are one dispatch: more fill a GPU each, in tiles that suit them.
const MOST_JOINT: u64 = 1 << 29;
/// Rows of a batch up to which they are.
const MOST_JOINT_ROWS: usize = 4095;
/// Rows of a micro-batch from which it is not cut further to save memory.
const LEAST_MICRO_BATCH: usize = 64;
/// Losses that are kept on the device until they are read.
const LOSSES: usize = 1 << 18;
/// Bytes of a window of streamed data: more would not make it faster, only later.
const WINDOW_BYTES: u64 = 32 << 20;
/// The same where the rows come from a file, of which there is too little memory for them: while one window is on the device, the
/// next is read.
const FILE_WINDOW_BYTES: u64 = 4 << 20;

/// Networks that are trained side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// How many.
    pub count: usize,
    /// Whether each has steps of its own, by a recipe of its own or with units dropped and a loss scale of its own.
    pub own_steps: bool,
    /// Rows that stay on the device, to evaluate all of them with; 0: a network is evaluated with rows that are brought.
    pub validation_rows: usize,
}

impl Replicas {
    /// Those of some recipes.
    pub fn of(recipes: &[Recipe], validation_rows: usize) -> Self {
        let own_steps = !recipes.iter().all(|recipe| recipe.steps_as(&recipes[0]));
        Self { count: recipes.len(), own_steps, validation_rows }
    }

    /// So many by one recipe, each with a seed of its own.
    pub fn alike(recipe: Option<&Recipe>, count: usize) -> Self {
        Self { count, own_steps: recipe.is_some_and(|recipe| !recipe.steps_as(recipe)), validation_rows: 0 }
    }
}

/// The plan of training `network` on `rows` rows by this recipe on a device, or without a recipe of evaluation alone, of so many rows at
/// a time at most (0: of as many as suit), in numbers of type `T`. Data that does not fit into the memory that the device may use is
/// streamed, unless replicas that are no ensemble go through it.
pub fn plan<T: Precision>(
    network: &Network,
    loss: Loss,
    recipe: Option<&Recipe>,
    rows: usize,
    replicas: usize,
    device: &Device,
) -> Plan {
    plan_of_replicas::<T>(network, loss, recipe, rows, Replicas::alike(recipe, replicas), device)
}

/// The same for replicas that may have recipes of their own.
pub fn plan_of_replicas<T: Precision>(
    network: &Network,
    loss: Loss,
    recipe: Option<&Recipe>,
    rows: usize,
    replicas: Replicas,
    device: &Device,
) -> Plan {
    let sizes = Sizes { rows, window: rows, replicas };
    let resident = plan_of::<T>(network, loss, recipe, sizes, device);
    if let Some(gpu) = device.gpu().filter(|_| resident.multiply_adds() >= WORTH_RATES) {
        gpu.find_rates();
    }
    let memory = device.gpu().and_then(|gpu| gpu.limits().memory).unwrap_or(u64::MAX);
    match recipe {
        Some(recipe) if replicas.count == recipe.members && (recipe.streamed || bytes_on(&resident, device) > memory) => {
            streamed_plan::<T>(network, loss, recipe, rows, device, memory)
        }
        _ => resident,
    }
}

/// The recipe, then the same with twice as many micro-batches each time, down to a few rows.
pub(super) fn with_micro_batches(recipe: &Recipe, rows: usize) -> impl Iterator<Item = Recipe> + use<> {
    let (recipe, batch) = (*recipe, recipe.batch.min(rows));
    let more = (1..usize::BITS).map_while(move |doublings| recipe.micro_batches.max(1).checked_mul(1 << doublings));
    let more = more.take_while(move |count| batch / count >= LEAST_MICRO_BATCH);
    std::iter::once(recipe).chain(more.map(move |micro_batches| Recipe { micro_batches, ..recipe }))
}

/// The recipe with as few micro-batches as a device has room for; as it is, where no number is enough.
pub fn fitting<T: Precision>(network: &Network, recipe: &Recipe, rows: usize, device: &Device) -> Recipe {
    let fits = |recipe: &Recipe| {
        let plan = plan::<T>(network, recipe.loss, Some(recipe), rows, recipe.members, device);
        affordable::<T>(&plan, device).is_ok()
    };
    with_micro_batches(recipe, rows).find(fits).unwrap_or(*recipe)
}

/// Checks a plan against a device's memory and limits, before anything is made for it.
///
/// # Errors
/// Limit, naming the buffer or the kernel.
pub fn affordable<T: Precision>(plan: &Plan, device: &Device) -> Result<()> {
    match device.gpu() {
        Some(gpu) => plan.check(&gpu.limits()),
        None => cpu::affordable::<T>(plan),
    }
}

/// The plan of a recipe's networks with a window as large as `memory` allows: whole batches, at least one, or, where batches are cut, one micro-batch.
pub(super) fn streamed_plan<T: Precision>(
    network: &Network,
    loss: Loss,
    recipe: &Recipe,
    rows: usize,
    device: &Device,
    memory: u64,
) -> Plan {
    let replicas = Replicas::alike(Some(recipe), recipe.members);
    let with_window = |window| plan_of::<T>(network, loss, Some(recipe), Sizes { rows, window, replicas }, device);
    let batch = recipe.batch.min(rows);
    if recipe.micro_batches > 1 {
        return with_window(batch.div_ceil(recipe.micro_batches));
    }
    let least = with_window(batch);
    // A whole network's kernel reads its window through an order, too.
    let of_batch = least.data().chain(least.order);
    let batch_bytes: u64 = of_batch.map(|id| least.buffers[id].padded_bytes(least.replicas)).sum();
    let most = if recipe.streamed { FILE_WINDOW_BYTES } else { WINDOW_BYTES };
    let room = memory.saturating_sub(bytes_on(&least, device)).min(most);
    let batches = (1 + room / batch_bytes.max(1)).min((rows.saturating_sub(1) / batch.max(1)) as u64);
    if batches > 1 { with_window(batch * batches as usize) } else { least }
}

/// Bytes that a plan takes on a GPU; the CPU's memory has a check of its own.
fn bytes_on(plan: &Plan, device: &Device) -> u64 {
    device.target().map_or(0, |target| plan.padded_bytes(&target))
}

/// How much is trained on.
#[derive(Clone, Copy)]
struct Sizes {
    /// Rows of the data.
    rows: usize,
    /// Rows that are on the device at once: all of them, or, in the order of the epoch, some.
    window: usize,
    /// Networks that are trained side by side.
    replicas: Replicas,
}

/// The plan of training with a window of the data on the device.
fn plan_of<T: Precision>(
    network: &Network,
    loss: Loss,
    recipe: Option<&Recipe>,
    Sizes { rows, window, replicas }: Sizes,
    device: &Device,
) -> Plan {
    let widest = network.widths().iter().max().copied().unwrap_or(1);
    let memory = device.gpu().and_then(|gpu| gpu.limits().memory).unwrap_or(u64::MAX);
    let Replicas { count: replicas, own_steps, validation_rows } = replicas;
    // Those that are evaluated together go through as many rows at once as each does alone.
    let evaluated = if validation_rows > 0 { 1 } else { replicas };
    let bytes = EVALUATION_BYTES.min(memory / EVALUATION_SHARE) / evaluated as u64;
    let most_rows = match recipe {
        None if rows > 0 => rows.min(EVALUATION_ROWS) as u64,
        _ if validation_rows > 0 => validation_rows.min(EVALUATION_ROWS) as u64,
        _ => EVALUATION_ROWS as u64,
    };
    let evaluation_rows = (bytes / (widest as u64 * 4)).clamp(1, most_rows) as usize;
    // Rows of a window that all share lie in it as in the order of the epoch.
    let is_streamed = |recipe: &Recipe| recipe.streamed || window < rows;
    let windows = |recipe: &Recipe| if is_streamed(recipe) && recipe.is_ordered(rows) { replicas } else { 1 };
    let whole = |recipe: &Recipe| {
        let data = window.saturating_mul(windows(recipe));
        let variant = device.whole::<T>(network, loss, recipe.optimizer.kind, recipe.batch.min(rows), data);
        variant.filter(|_| is_plain(recipe))
    };
    let losses = |recipe: &Recipe| {
        let of_epoch = if whole(recipe).is_some() { rows.div_ceil(recipe.batch.max(1)) } else { rows };
        if window == rows { of_epoch * epochs_at_once(recipe, rows) } else { of_epoch }
    };
    let training = recipe.map(|recipe| TrainingOptions {
        rows: window,
        windows: windows(recipe),
        batch: recipe.batch.min(rows),
        micro_batches: recipe.micro_batches,
        shuffle: recipe.shuffle && window == rows,
        bootstrap: recipe.bootstrap && !is_streamed(recipe),
        gather: device.gathers(),
        optimizer: recipe.optimizer.kind,
        extras: recipe.optimizer.extras(),
        weighted: recipe.weighted,
        frozen: recipe.frozen,
        layer_rates: recipe.layer_rates,
        dropout: recipe.dropout,
        mixed: recipe.mixed.is_some(),
        losses: losses(recipe),
        joint: joins(network, recipe, rows, replicas, device),
        whole: whole(recipe),
    });
    let segment_bytes = device.segment_bytes();
    // What several networks are evaluated with is there once, for all of them.
    let evaluation_data = if validation_rows == 0 && replicas > 1 { evaluation_rows } else { validation_rows };
    let mut plan = Plan::new(
        network,
        &Options { loss, training, evaluation_rows, evaluation_data, replicas, own_steps, segment_bytes },
    );
    plan.choose(device.choices());
    plan
}

/// Whether the updates of all layers are one dispatch: on a GPU that can bind their matrices together, where none of them fills it for
/// long.
fn joins(network: &Network, recipe: &Recipe, rows: usize, replicas: usize, device: &Device) -> bool {
    let Some(limits) = device.gpu().map(OpenGpu::limits).filter(|limits| !limits.target.software) else { return false };
    let layers = network.widths().windows(2).map(|widths| {
        let row = stride4(widths[1]) as u64 * 16;
        (widths[0] as u64 + 1).saturating_mul(row).next_multiple_of(GROUP_ALIGNMENT as u64)
    });
    let bytes = layers.fold(0, u64::saturating_add);
    let trained = bytes.saturating_mul((1 + recipe.optimizer.kind.states() as u64) * replicas as u64);
    let batch = recipe.batch.min(rows);
    // Long sums of few workgroups are split, which a joint dispatch does not do.
    batch <= MOST_JOINT_ROWS
        && (bytes / 4).saturating_mul(batch as u64) <= MOST_JOINT
        && trained <= limits.buffer_bytes
        && Updates::most_bindings(network.layers()) <= limits.storage_buffers
}

/// Whether nothing is asked for that the kernel of a whole network does not do.
fn is_plain(recipe: &Recipe) -> bool {
    recipe.micro_batches <= 1
        && !recipe.optimizer.extras().any
        && !recipe.weighted
        && recipe.frozen.is_empty()
        && recipe.layer_rates.are_one()
        && recipe.dropout.is_none()
        && recipe.mixed.is_none()
}

/// How many epochs can run before their losses are read: more than one only where the order of the rows stays.
pub(super) fn epochs_at_once(recipe: &Recipe, rows: usize) -> usize {
    if recipe.shuffle && recipe.batch < rows { 1 } else { (LOSSES / rows.max(1)).clamp(1, 1024) }
}

/// Whether all of so many rows of training data are on the device, where every network finds those that it goes through.
pub(super) fn is_resident(plan: &Plan, rows: usize) -> bool {
    plan.window == rows && plan.windows == 1
}
