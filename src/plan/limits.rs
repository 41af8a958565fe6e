//! What a device allows, and whether a plan stays within it.

use super::{Launch, Phase, Plan};
use crate::error::{Error, Result};
use crate::kernels::Target;

/// What a device allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceLimits {
    /// Bytes of the largest buffer that a kernel may bind.
    pub buffer_bytes: u64,
    /// Bytes of all buffers together; none where that is not known before they are asked for.
    pub memory: Option<u64>,
    /// Workgroups along one axis.
    pub workgroups: u64,
    /// Storage buffers that a kernel may bind.
    pub storage_buffers: u64,
    /// Loop iterations of one invocation.
    pub iterations: u64,
    /// What decides how kernels are computed.
    pub target: Target,
}

/// Bytes in binary units, as people read them.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

impl Plan {
    /// What a person can do so that less memory is needed.
    pub(crate) fn take_less(&self) -> &'static str {
        if self.replicas > 1 {
            "take fewer networks (--ensemble, or --replicas of bench) or smaller hidden layers"
        } else {
            "take smaller batches or hidden layers"
        }
    }

    /// Checks every buffer and dispatch against a device's limits, before anything is allocated.
    ///
    /// # Errors
    /// Limit, naming the buffer or kernel, what it needs, what the device has, and what to change.
    pub fn check(&self, limits: &DeviceLimits) -> Result<()> {
        for buffer in &self.buffers {
            let (bytes, most) = (buffer.padded_bytes(self.replicas), limits.buffer_bytes);
            if bytes > most {
                return Err(Error::Limit(format!(
                    "'{}' ({} × {}) needs {} and this device's buffers hold {}: {}, fewer rows, or --device cpu",
                    buffer.name,
                    buffer.rows,
                    buffer.columns,
                    human_bytes(bytes),
                    human_bytes(most),
                    self.take_less()
                )));
            }
        }
        for group in 0..self.buffers.iter().filter_map(|buffer| buffer.group).max().map_or(0, |last| last + 1) {
            let ((_, bytes), most) = (self.group(group), limits.buffer_bytes);
            if bytes > most {
                return Err(Error::Limit(format!(
                    "the parameters and the optimizer's states together need {} and this device's buffers hold {}: {}, or --device cpu",
                    human_bytes(bytes),
                    human_bytes(most),
                    self.take_less()
                )));
            }
        }
        let (bytes, most) = (self.padded_bytes(&limits.target), limits.memory.unwrap_or(u64::MAX));
        if bytes > most {
            return Err(Error::Limit(format!(
                "all buffers together need {} and --device-memory allows {}: {}, or --device cpu",
                human_bytes(bytes),
                human_bytes(most),
                self.take_less()
            )));
        }
        for phase in [Phase::Training, Phase::Evaluation] {
            for launch in self.launches(phase) {
                self.check_launch(launch, self.rows(phase), limits)?;
            }
        }
        Ok(())
    }

    fn check_launch(&self, launch: &Launch, rows: usize, limits: &DeviceLimits) -> Result<()> {
        let (label, most) = (&launch.label, limits.buffer_bytes);
        let partial_bytes = launch.partial_bytes(rows, self.replicas, &limits.target);
        if partial_bytes > most {
            return Err(Error::Limit(format!(
                "'{label}' over a batch of {rows} rows needs {} for partial sums and this device's buffers hold {}: take smaller \
                 batches, or --device cpu",
                human_bytes(partial_bytes),
                human_bytes(most)
            )));
        }
        let scales = u64::from(launch.scale_bytes(rows, self.replicas, &limits.target) > 0);
        let bindings = self.bindings(launch).len() as u64 + 2 + u64::from(partial_bytes > 0) + scales;
        if bindings > limits.storage_buffers {
            return Err(Error::Limit(format!(
                "'{label}' binds {bindings} buffers and this device allows {}: take another --optimizer, or --device cpu",
                limits.storage_buffers
            )));
        }
        for form in launch.forms(rows, &limits.target) {
            let groups = launch.kernel.grid(rows, self.replicas, form).into_iter().max().unwrap_or(0);
            let iterations = launch.kernel.iterations(rows, form);
            let bytes = u64::from(launch.kernel.workgroup_bytes(form));
            for (needed, what, most) in [
                (groups, "workgroups along an axis", limits.workgroups),
                (iterations, "loop iterations", limits.iterations),
                (bytes, "bytes of a workgroup's memory", u64::from(limits.target.workgroup_bytes)),
            ] {
                if needed > most {
                    let advice = if what.contains("memory") { "" } else { "take smaller batches, or " };
                    return Err(Error::Limit(format!(
                        "'{label}' over a batch of {rows} rows needs {needed} {what}, and {most} are allowed: {advice}--device cpu"
                    )));
                }
            }
        }
        Ok(())
    }
}
