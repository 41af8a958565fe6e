//! `wgrad devices`: what wgrad can compute on.

use clap::Args;
use serde_json::json;

use super::print;
use crate::error::{Result, shown};
use crate::executor::gpu::device::Gpus;
use crate::plan::human_bytes;

/// The arguments of `wgrad devices`.
#[derive(Debug, Args)]
pub(super) struct DevicesArguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Lists the devices.
pub(super) fn run(arguments: &DevicesArguments) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let gpus = Gpus::find().list();
    if arguments.json {
        return print::json("devices", &json!({ "cpu": { "threads": threads }, "gpus": gpus }));
    }
    print::line(format!("cpu     the CPU path, {threads} threads, f32 and f64"))?;
    for gpu in &gpus {
        let software = if gpu.software { ": a software adapter, which runs on the CPU" } else { "" };
        print::line(format!(
            "gpu:{}   {} ({}, {}{software}), buffers of up to {}, f32; driver {}",
            gpu.index,
            shown(&gpu.name),
            gpu.backend,
            gpu.kind,
            human_bytes(gpu.buffer_bytes),
            shown(&gpu.driver)
        ))?;
    }
    if gpus.is_empty() {
        print::line("no GPU was found (on Debian, 'apt-get install mesa-vulkan-drivers' brings drivers for many)")?;
    }
    Ok(())
}
