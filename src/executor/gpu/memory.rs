//! Where a plan's buffers lie in a GPU's memory.

use wgpu::{BindingResource, Buffer, BufferBinding, BufferUsages};

use super::device::Device;
use crate::error::Result;
use crate::kernels::step::StepWords;
use crate::plan::{self, Plan};

/// Where a buffer of the plan lies.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) memory: Buffer,
    /// Bytes from the memory's beginning, and bytes of the buffer.
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Bytes of one step's records, which lie one after the other for kernels of many steps.
pub(super) fn record_bytes(plan: &Plan) -> u64 {
    size_of::<StepWords>() as u64 * plan.records as u64
}

/// Makes the plan's buffers; those of a group are parts of one.
pub(super) fn allocate(plan: &Plan, device: &Device) -> Result<(Vec<Place>, Vec<Buffer>)> {
    let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    let mut places: Vec<Option<Place>> = vec![None; plan.buffers.len()];
    let groups = plan.buffers.iter().filter_map(|buffer| buffer.group).max().map_or(0, |last| last + 1);
    let groups = (0..groups)
        .map(|group| {
            let (members, bytes) = plan.group(group);
            let memory = device.buffer("a group of buffers", bytes.max(16), usage)?;
            for (id, offset) in members {
                let size = plan.buffers[id].padded_bytes(plan.replicas).max(16);
                places[id] = Some(Place { memory: memory.clone(), offset, size });
            }
            Ok(memory)
        })
        .collect::<Result<Vec<_>>>()?;
    let alone = |(place, buffer): (Option<Place>, &plan::Buffer)| {
        place.map_or_else(
            || {
                let size = buffer.padded_bytes(plan.replicas).max(16);
                Ok(Place { memory: device.buffer(&buffer.name, size, usage)?, offset: 0, size })
            },
            Ok,
        )
    };
    let places = places.into_iter().zip(&plan.buffers).map(alone).collect::<Result<_>>()?;
    Ok((places, groups))
}

impl Place {
    pub(super) fn binding(&self) -> BindingResource<'_> {
        let size = wgpu::BufferSize::new(self.size);
        BindingResource::Buffer(BufferBinding { buffer: &self.memory, offset: self.offset, size })
    }
}

/// Room for the scales and for the partial sums of any launch, if one has them.
pub(super) fn scratch(plan: &Plan, device: &Device) -> Result<[Option<Buffer>; 2]> {
    let [scales, partial_sums] = plan.scratch(&device.limits().target);
    let buffer = |name: &str, bytes: u64| (bytes > 0).then(|| device.buffer(name, bytes, BufferUsages::STORAGE)).transpose();
    Ok([buffer("scales", scales)?, buffer("partial sums", partial_sums)?])
}
