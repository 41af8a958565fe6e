//! How long compute passes took by the GPU's own clock, where it has one that may be read.

use std::time::Duration;

use wgpu::{
    Buffer, BufferUsages, CommandEncoderDescriptor, ComputePassTimestampWrites, Features, QuerySet, QuerySetDescriptor,
    QueryType,
};

use super::device::Device;
use crate::error::Result;

/// Passes that can be timed in one go: two queries each, and WebGPU allows 4096 in a set.
const PASSES: u32 = 2048;

/// Room for the beginnings and ends of some passes.
pub(super) struct Timestamps {
    queries: QuerySet,
    resolved: Buffer,
    passes: u32,
    /// Nanoseconds of a tick.
    period: f64,
}

impl Timestamps {
    /// Makes room; none where the device has no such clock.
    pub(super) fn new(device: &Device) -> Result<Option<Self>> {
        if !device.wgpu().features().contains(Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let description = QuerySetDescriptor { label: Some("timestamps"), ty: QueryType::Timestamp, count: 2 * PASSES };
        let queries = device.guarded("timestamps", |device| device.create_query_set(&description))?;
        let size = u64::from(2 * PASSES * wgpu::QUERY_SIZE);
        let resolved = device.buffer("timestamps", size, BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC)?;
        Ok(Some(Self { queries, resolved, passes: 0, period: f64::from(device.timestamp_period()) }))
    }

    /// Where the next pass notes its beginning and its end; nowhere once the room is used up.
    pub(super) fn next(&mut self) -> Option<ComputePassTimestampWrites<'_>> {
        self.passes += 1;
        let end = 2 * self.passes - 1;
        (self.passes <= PASSES).then_some(ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(end - 1),
            end_of_pass_write_index: Some(end),
        })
    }

    /// The time of all passes together, once they are done; none if there were more than there was room for.
    pub(super) fn total(&self, device: &Device) -> Result<Option<Duration>> {
        if self.passes == 0 || self.passes > PASSES {
            return Ok(None);
        }
        let mut encoder = device.wgpu().create_command_encoder(&CommandEncoderDescriptor::default());
        encoder.resolve_query_set(&self.queries, 0..2 * self.passes, &self.resolved, 0);
        device.submit(encoder)?;
        let bytes = device.read(&self.resolved, 0, u64::from(2 * self.passes * wgpu::QUERY_SIZE))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
        let ticks: u64 = ticks.chunks_exact(2).map(|pass| pass[1].saturating_sub(pass[0])).sum();
        Ok((ticks > 0).then(|| Duration::from_nanos((ticks as f64 * self.period) as u64)))
    }
}
