//! How much a launch of a plan has to do: operations and bytes, counted from its buffers.

use crate::kernels::Target;
use crate::plan::{BufferId, Launch, Plan};

/// Operations and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    /// Floating-point operations of its products, two a multiply-add; what is done to each element of a result is left out.
    pub operations: f64,
    /// Bytes in f32 that it has to read and to write, each buffer once.
    pub bytes: f64,
}

impl Work {
    /// What a launch does in a training step of `rows` rows, on a GPU if its target is given. A product takes each number of a layer's parameters once a row.
    pub fn of(plan: &Plan, launch: &Launch, rows: usize, target: Option<&Target>) -> Self {
        let layer = |id: &BufferId| plan.parameters.iter().position(|parameters| parameters == id);
        // A whole network's kernel is forward and update of each layer, and the delta below all but the first.
        let times = |layer: usize| match (launch.kernel.takes_many_steps(), layer) {
            (false, _) => 1,
            (true, 0) => 2,
            (true, _) => 3,
        };
        let used = launch.reads.iter().chain(&launch.writes).filter_map(|id| layer(id).map(|layer| (id, layer)));
        let taken: usize = used.map(|(&id, layer)| times(layer) * plan.buffers[id].length()).sum();
        let bytes = plan.moved_bytes(launch, |columns| 4 * columns as u64, target);
        Self { operations: 2.0 * rows as f64 * taken as f64, bytes: bytes as f64 }
    }

    /// What a training step of `rows` rows does.
    pub fn of_step(plan: &Plan, rows: usize, target: Option<&Target>) -> Self {
        plan.training.iter().map(|launch| Self::of(plan, launch, rows, target)).fold(Self::default(), |sum, work| Self {
            operations: sum.operations + work.operations,
            bytes: sum.bytes + work.bytes,
        })
    }

    /// Operations a byte.
    pub fn intensity(&self) -> f64 {
        self.operations / self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Loss, Network};

    use crate::training::session::{Device, Recipe, planning};

    #[test]
    fn a_step_costs_what_its_products_do() {
        let network = Network::new(vec![8, 4, 2], vec![Activation::Sigmoid; 2], true).expect("a network");
        let recipe = Recipe::plain(Loss::SquaredError, 0.1, 16);
        let device = Device::cpu(Some(1), "a test");
        // In f32 it is one kernel, in f64 one a layer.
        let whole = planning::plan::<f32>(&network, Loss::SquaredError, Some(&recipe), 32, 1, &device);
        let plan = planning::plan::<f64>(&network, Loss::SquaredError, Some(&recipe), 32, 1, &device);
        let work = Work::of_step(&plan, 16, None);
        assert_eq!((whole.training.len(), plan.training.len()), (1, 5));
        assert_eq!(Work::of_step(&whole, 16, None).operations, work.operations);
        let (first, second) = ((8.0 + 1.0) * 4.0, (4.0 + 1.0) * 2.0);
        // Forward and update of both layers, the delta below the second.
        assert_eq!(work.operations, 2.0 * 16.0 * (2.0 * first + 3.0 * second));
        let update = plan.training.last().expect("a plan that trains ends with the first layer's update");
        assert_eq!(Work::of(&plan, update, 16, None).operations, 2.0 * 16.0 * first);
        assert!(Work::of(&plan, update, 16, None).bytes >= 4.0 * (16.0 * (8.0 + 4.0) + 2.0 * first));
    }
}
