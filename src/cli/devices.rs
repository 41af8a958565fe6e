//! `wgrad devices`: what wgrad can compute on.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::print;
use crate::error::{Error, Result, shown};
use crate::executor::gpu::device::Gpus;
use crate::files::{self, Place};
use crate::kernels::catalogue::{Entry, all_shaders};
use crate::kernels::form::{GPU_LANES, SOFTWARE_LANES};
use crate::name;
use crate::plan::human_bytes;
use crate::threads;

/// The arguments of `wgrad devices`.
#[derive(Debug, Args)]
pub(super) struct DevicesArguments {
    /// Write every composed shader, for GPUs and for software adapters, into this folder; of those that are composed for one small
    /// network, samples
    #[arg(long, value_name = "FOLDER")]
    dump_shaders: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Lists the devices.
pub(super) fn run(arguments: &DevicesArguments) -> Result<()> {
    if let Some(folder) = &arguments.dump_shaders {
        return dump_shaders(folder, arguments.json);
    }
    let threads = threads::cores();
    let gpus = Gpus::find().list();
    if arguments.json {
        return print::json("devices", &json!({ "cpu": { "threads": threads }, "gpus": gpus }));
    }
    print::line(format!("cpu     the CPU path, {threads} threads, f32 and f64"))?;
    for gpu in &gpus {
        let software = if gpu.software { ": a software adapter, which runs on the CPU" } else { "" };
        print::line(format!(
            "gpu:{}   {} ({}, {}{software}), buffers of up to {}, workgroup memory of {}{}, f32{}; driver {}",
            gpu.index,
            shown(&gpu.name),
            gpu.backend,
            gpu.kind,
            human_bytes(gpu.buffer_bytes),
            human_bytes(gpu.workgroup_bytes.into()),
            subgroups(gpu.subgroups),
            if gpu.mixed { " and mixed" } else { "" },
            shown(&gpu.driver)
        ))?;
        if !gpu.matrix_units.is_empty() {
            print::line(format!("        matrix units: {}", gpu.matrix_units.join(", ")))?;
        }
    }
    if gpus.is_empty() {
        print::line("no GPU was found (on Debian, 'apt-get install mesa-vulkan-drivers' brings drivers for many)")?;
    }
    Ok(())
}

/// The sizes of a GPU's subgroups, as part of a list; nothing where it does not tell.
fn subgroups(sizes: [u32; 2]) -> String {
    match sizes {
        [0, _] | [_, 0] => String::new(),
        [least, most] if least == most => format!(", subgroups of {most}"),
        [least, most] => format!(", subgroups of {least} to {most}"),
    }
}

/// Writes the shaders out, one file each.
fn dump_shaders(folder: &Path, json: bool) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        return Err(Error::Usage(format!("{}: is no folder", shown(&folder.to_string_lossy()))));
    }
    files::folder(folder).map_err(|error| Error::writing(folder, &error))?;
    let (mut names, mut files) = (HashSet::new(), Vec::new());
    for (lanes, software) in [(SOFTWARE_LANES, true), (GPU_LANES, false)] {
        for Entry { shader, .. } in all_shaders(lanes, software) {
            if names.insert(shader.name.clone()) {
                // All places are looked at before the first file is written.
                files.push((Place::named(&folder.join(format!("{}.wgsl", shader.name)))?, shader));
            }
        }
    }
    files.iter().try_for_each(|(place, shader)| place.save_without_waiting(shader.source.as_bytes()))?;
    let names: Vec<&str> = files.iter().map(|(_, shader)| shader.name.as_str()).collect();
    if json {
        return print::json("devices --dump-shaders", &json!({ "folder": name::shown(folder), "shaders": names }));
    }
    print::line(format!("{} shaders in {}", names.len(), shown(&folder.to_string_lossy())))
}
