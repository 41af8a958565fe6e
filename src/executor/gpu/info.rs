//! What is known of a GPU before it is opened.

use serde::Serialize;

/// What is known of a GPU before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GpuInfo {
    /// Its place in the list: `--device gpu:INDEX`.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The interface that it is driven through: vulkan, metal, dx12, gl.
    pub backend: String,
    /// The driver's name and version, as far as it tells.
    pub driver: String,
    /// discrete, integrated, virtual, software or other.
    pub kind: String,
    /// Whether it is a program that runs on the CPU.
    pub software: bool,
    /// Bytes of the largest buffer that a kernel may bind.
    pub buffer_bytes: u64,
    /// Bytes of memory that a workgroup may have.
    pub workgroup_bytes: u32,
    /// Invocations of a subgroup, the fewest and the most; zeros where it does not tell.
    pub subgroups: [u32; 2],
    /// The shapes of its matrix units that wgpu knows; none where there are none.
    pub matrix_units: Vec<String>,
    /// Whether its matrix units compute `--precision mixed`.
    pub mixed: bool,
}

impl GpuInfo {
    /// What everything that is measured, compiled or verified on it is kept by: this version of wgrad, the adapter and its driver.
    pub(crate) fn key(&self) -> String {
        format!("wgrad {} | {} | {} | {}", env!("CARGO_PKG_VERSION"), self.name, self.backend, self.driver)
    }

    /// A discrete GPU of this name and driver.
    #[cfg(test)]
    pub(crate) fn for_tests(name: &str, driver: &str) -> Self {
        Self {
            index: 0,
            name: name.into(),
            backend: "vulkan".into(),
            driver: driver.into(),
            kind: "discrete".into(),
            software: false,
            buffer_bytes: 1 << 30,
            workgroup_bytes: 1 << 15,
            subgroups: [32; 2],
            matrix_units: Vec::new(),
            mixed: false,
        }
    }
}
