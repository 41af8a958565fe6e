//! A plan as a page of a browser runs it: its buffers, the composed WGSL of its kernels, and the dispatches of a training step and of an
//! evaluation in their order. What runs it knows buffers, bind groups and dispatches, and no mathematics.

use serde::Serialize;

use crate::error::Result;
use crate::kernels::form::{Choice, GPU_LANES, MOST_ITERATIONS};
use crate::kernels::{Form, Rates, Target, stride4};
use crate::plan::{Bindable, BufferId, DeviceLimits, Launch, Phase, Plan};

/// What every browser with WebGPU allows: the limits that its specification promises.
fn promised() -> DeviceLimits {
    let target = Target {
        lanes: GPU_LANES,
        software: true,
        subgroup: 0,
        workgroup_bytes: 16 << 10,
        workgroup_invocations: 256,
        rates: Rates::default(),
        units: None,
        splits: false,
    };
    let (buffer_bytes, workgroups, storage_buffers) = (128 << 20, 65_535, 8);
    DeviceLimits { buffer_bytes, memory: None, workgroups, storage_buffers, iterations: MOST_ITERATIONS, target }
}

/// The shaders of a page, each once, whatever the programs that use them.
#[derive(Debug, Default, Clone, Serialize)]
#[serde(transparent)]
pub struct Shaders(Vec<String>);

impl Shaders {
    /// The place of a shader.
    fn place(&mut self, source: &str) -> usize {
        let source = without_comments(source);
        self.0.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.0.push(source);
            self.0.len() - 1
        })
    }
}

/// WGSL without its comments and indents, which are for those who read the repository.
fn without_comments(source: &str) -> String {
    let line = |line: &str| line.split("//").next().unwrap_or_default().trim().to_owned();
    source.lines().map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A plan, ready to be run.
#[derive(Clone, Serialize)]
pub struct Program {
    /// Its buffers.
    buffers: Vec<Buffer>,
    /// The dispatches of a training step.
    training: Vec<Dispatch>,
    /// The dispatches of an evaluation.
    evaluation: Vec<Dispatch>,
    /// The buffers that the page writes and reads.
    places: Places,
    #[serde(skip)]
    plan: Plan,
}

/// A matrix in the GPU's memory, whose rows are padded to whole vec4s.
#[derive(Debug, Clone, Serialize)]
struct Buffer {
    name: String,
    bytes: u64,
    rows: usize,
    columns: usize,
}

/// One dispatch, without its workgroups, which depend on the rows.
#[derive(Debug, Clone, Serialize)]
struct Dispatch {
    label: String,
    /// The shader, by its place on the page.
    shader: usize,
    /// The words of its parameters, which are binding 0; binding 1 is the step.
    parameters: Vec<u32>,
    /// From binding 2 on: a buffer, and whether it is written.
    bindings: Vec<(BufferId, bool)>,
}

/// The buffers of a plan that a page has to do with.
#[derive(Debug, Clone, Serialize)]
struct Places {
    parameters: Vec<BufferId>,
    states: Vec<BufferId>,
    inputs: Option<BufferId>,
    targets: Option<BufferId>,
    losses: Option<BufferId>,
    evaluation_inputs: BufferId,
    evaluation_targets: BufferId,
    evaluation_losses: BufferId,
    /// What each layer gives in an evaluation, hidden ones first, then the network's outputs.
    outputs: Vec<BufferId>,
}

impl Program {
    /// Makes a program of a plan, and adds its shaders to those of the page.
    ///
    /// # Errors
    /// Limit, for a plan that is larger than what every browser promises.
    pub fn new(mut plan: Plan, shaders: &mut Shaders) -> Result<Self> {
        // The simplest loop: without workgroup memory, and small enough to be read.
        plan.training.iter_mut().chain(&mut plan.evaluation).for_each(|launch| launch.choice = Some(Choice::default()));
        plan.check(&promised())?;
        let buffer = |buffer: &crate::plan::Buffer| Buffer {
            name: buffer.name.clone(),
            bytes: buffer.padded_bytes(plan.replicas).max(16),
            rows: buffer.rows,
            columns: buffer.columns,
        };
        let mut dispatches = |launches: &[Launch]| launches.iter().map(|launch| dispatch(&plan, launch, shaders)).collect();
        let (training, evaluation) = (dispatches(&plan.training), dispatches(&plan.evaluation));
        let hidden = plan.evaluation.iter().filter(|launch| launch.label.starts_with("forward"));
        let mut outputs: Vec<BufferId> = hidden.map(|launch| launch.writes[0]).collect();
        outputs.truncate(plan.parameters.len() - 1);
        outputs.push(plan.evaluation_outputs);
        let places = Places {
            parameters: plan.parameters.clone(),
            states: plan.states.iter().flatten().copied().collect(),
            inputs: plan.inputs.first().map(|segment| segment.buffer),
            targets: plan.targets.first().map(|segment| segment.buffer),
            losses: plan.losses,
            evaluation_inputs: plan.evaluation_inputs,
            evaluation_targets: plan.evaluation_targets,
            evaluation_losses: plan.evaluation_losses,
            outputs,
        };
        let buffers = plan.buffers.iter().map(buffer).collect();
        Ok(Self { buffers, training, evaluation, places, plan })
    }

    /// The workgroups of each dispatch of a phase, for a batch of so many rows.
    pub fn workgroups(&self, phase: Phase, rows: usize) -> Vec<[u64; 3]> {
        let plan = &self.plan;
        let grid = |launch: &Launch| launch.kernel.grid(rows, plan.replicas, form(plan, phase, launch));
        plan.launches(phase).iter().map(grid).collect()
    }
}

/// The form of a launch's only dispatch.
fn form(plan: &Plan, phase: Phase, launch: &Launch) -> Form {
    launch.forms(plan.rows(phase), &promised().target).next().expect("a launch has a dispatch")
}

/// A launch, whose product is summed in one dispatch.
fn dispatch(plan: &Plan, launch: &Launch, shaders: &mut Shaders) -> Dispatch {
    let form = form(plan, Phase::Evaluation, launch);
    let bound = |bound: crate::plan::Bound| match bound.operand {
        Bindable::Buffer(id) => (id, bound.writes),
        Bindable::Group(_) => unreachable!("a plan of single updates binds no groups"),
    };
    Dispatch {
        label: launch.label.clone(),
        shader: shaders.place(&launch.kernel.shader(form).source),
        parameters: launch.kernel.parameters(form),
        bindings: plan.bindings(launch).into_iter().map(bound).collect(),
    }
}

/// The rows of a matrix as a buffer has them: f32, each row padded with zeros to whole vec4s.
pub fn padded(rows: impl IntoIterator<Item = impl AsRef<[f64]>>, columns: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in rows {
        let row = row.as_ref();
        assert_eq!(row.len(), columns, "a row has as many numbers as there are columns");
        let words = row.iter().map(|&value| value as f32).chain(std::iter::repeat(0.0)).take(stride4(columns) * 4);
        bytes.extend(words.flat_map(f32::to_le_bytes));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::network::{Activation, Loss, Network, OptimizerKind};
    use crate::plan::{Options, TrainingOptions};

    fn plan(hidden: Activation, loss: Loss, output: Activation, optimizer: OptimizerKind, outputs: usize) -> Plan {
        let network = Network::new(vec![5, 7, outputs], vec![hidden, output], true).expect("a network");
        let training = Some(TrainingOptions::plain(9, 4, optimizer));
        let options = Options {
            loss,
            training,
            evaluation_rows: 3,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        Plan::new(&network, &options)
    }

    /// A browser's compiler knows no more than WGSL as it is specified.
    fn compiles(source: &str) {
        let module = naga::front::wgsl::parse_str(source).unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let mut validator =
            naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        validator.validate(&module).unwrap_or_else(|error| panic!("{error:?}\n{source}"));
    }

    #[test]
    fn every_shader_is_whole_without_its_comments() {
        let mut shaders = Shaders::default();
        let mut programs = 0;
        let losses = Loss::value_variants().iter().map(|&loss| match loss.facts().joint {
            Some(output) => (loss, output),
            None => (loss, Activation::Tanh),
        });
        for (loss, output) in losses {
            // Outputs for the kernel that has the last layer in one, and for the one that does not.
            for outputs in [3, 20] {
                for hidden in Activation::hidden() {
                    Program::new(plan(hidden, loss, output, OptimizerKind::Sgd, outputs), &mut shaders).expect("a program");
                    programs += 1;
                }
            }
        }
        for &optimizer in OptimizerKind::value_variants() {
            let plan = plan(Activation::Relu, Loss::CrossEntropy, Activation::Softmax, optimizer, 3);
            Program::new(plan, &mut shaders).expect("a program");
            programs += 1;
        }
        assert!(shaders.0.len() > 20 && shaders.0.len() < 4 * programs, "{} shaders of {programs}", shaders.0.len());
        for source in &shaders.0 {
            assert!(!source.contains("//") && source.contains("@compute"), "{source}");
            compiles(source);
        }
    }

    #[test]
    fn a_program_is_its_plan() {
        let plan = plan(Activation::Gelu, Loss::CrossEntropy, Activation::Softmax, OptimizerKind::Momentum, 20);
        let program = Program::new(plan.clone(), &mut Shaders::default()).expect("a program");
        for (phase, dispatches) in [(Phase::Training, &program.training), (Phase::Evaluation, &program.evaluation)] {
            let launches = plan.launches(phase);
            let labels: Vec<&str> = dispatches.iter().map(|dispatch| dispatch.label.as_str()).collect();
            assert_eq!(labels, launches.iter().map(|launch| launch.label.as_str()).collect::<Vec<_>>());
            for (dispatch, launch) in dispatches.iter().zip(launches) {
                let bound: Vec<(Bindable, bool)> =
                    dispatch.bindings.iter().map(|&(id, writes)| (Bindable::Buffer(id), writes)).collect();
                let planned: Vec<(Bindable, bool)> =
                    plan.bindings(launch).into_iter().map(|bound| (bound.operand, bound.writes)).collect();
                assert_eq!(bound, planned, "{}", dispatch.label);
                assert_eq!(dispatch.parameters, launch.kernel.parameters(form(&plan, phase, launch)));
            }
            assert_eq!(program.workgroups(phase, 2).len(), launches.len());
        }
        assert_eq!(program.buffers.len(), plan.buffers.len());
        assert_eq!(program.places.outputs.len(), 2);
        assert!(program.buffers.iter().zip(&plan.buffers).all(|(one, other)| one.bytes >= other.padded_bytes(1)));
    }

    #[test]
    fn a_plan_that_no_browser_promises_is_refused() {
        let network =
            Network::new(vec![8000, 8000, 1], vec![Activation::Relu, Activation::Sigmoid], true).expect("a network");
        let loss = Loss::SquaredError;
        let options = Options {
            loss,
            training: None,
            evaluation_rows: 1,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        let error = Program::new(Plan::new(&network, &options), &mut Shaders::default()).err().expect("too large");
        assert_eq!(error.exit_code(), 6);
    }

    #[test]
    fn rows_are_padded_to_whole_vec4s() {
        let bytes = padded([[1.0, 2.0], [3.0, 4.0]], 2);
        let values: Vec<f32> =
            bytes.chunks(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
        assert_eq!(values, [1.0, 2.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0]);
    }
}
