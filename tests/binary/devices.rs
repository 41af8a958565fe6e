//! Training on a GPU: step by step with the oracle, streamed, and through the binary as a user runs it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::common::{Failed, Shared, Trial};
use wgrad::data::Matrix;
use wgrad::executor::gpu::Gpu;
use wgrad::kernels::catalogue;
use wgrad::network::{Activation, Initialization, Loss, Network, Optimizer, OptimizerKind};
use wgrad::random::{Purpose, Stream};
use wgrad::training::{Recipe, Samples, Session, Wanted};
use wgrad::verification::adapter::{Extent, verify};
use wgrad::verification::checks::{trained, training_stays_with_the_oracle};

fn wgrad(folder: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    Ok(Command::new(env!("CARGO_BIN_EXE_wgrad")).current_dir(folder).args(arguments).output()?)
}

/// `train digits --device gpu` reaches what the CPU does, and saves a model that the CPU predicts the same with.
fn digits_on_a_gpu() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for device in ["gpu", "cpu"] {
        let output = wgrad(folder.path(), &["train", "digits", "--device", device, "-o", device, "--quiet", "--json"])?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let accuracy = report["test"]["accuracy"].as_f64().unwrap_or(0.0);
        if accuracy < 0.96 || report["device"]["kind"] != device {
            return Err(format!("accuracy {accuracy} on {}", report["device"]).into());
        }
    }
    let predict = |device| wgrad(folder.path(), &["predict", "gpu", "digits", "--device", device]);
    if predict("gpu")?.stdout != predict("cpu")?.stdout {
        return Err("the CPU names other classes with the GPU's model".into());
    }
    Ok(())
}

/// A small net with 203 rows on a GPU that may use so much memory.
fn session(memory: Option<u64>, shuffle: bool, batch: usize, micro_batches: usize) -> Result<Session<f32>, Failed> {
    let network = Network::new(vec![13, 17, 5], vec![Activation::Tanh, Activation::Softmax], true)?;
    let recipe = Recipe {
        optimizer: Optimizer::new(OptimizerKind::Adam),
        micro_batches,
        shuffle,
        epochs: 3,
        seed: 4,
        ..Recipe::plain(Loss::CrossEntropy, 0.01, batch)
    };
    let rows = 203;
    let mut stream = Stream::new(3, Purpose::Test, 0);
    let inputs = Matrix::new(rows, 13, (0..rows * 13).map(|_| stream.normal() as f32).collect());
    let mut targets = Matrix::zeros(rows, 5);
    (0..rows).for_each(|row| targets.values[row * 5 + row * 7 % 5] = 1.0);
    let weights = Initialization::Auto.weights(&network, 1);
    let gpu = wgrad::training::Device::choose(&Wanted::Gpu, None, false)?.with_memory(memory);
    Ok(Session::new(network, recipe, &weights, Samples::new(inputs, targets), &gpu)?)
}

/// Rows on the device at once; the bits of losses and weights after three epochs.
fn outcome(mut session: Session<f32>) -> Result<(usize, Vec<u64>), Failed> {
    let mut bits = Vec::new();
    while bits.len() < 3 {
        let losses = session.train(3 - bits.len(), |_| ControlFlow::Continue(()))?.losses;
        bits.extend(losses.into_iter().map(f64::to_bits));
    }
    for layer in session.weights()? {
        bits.extend(layer.weight.values.iter().chain(&layer.bias).map(|value| u64::from(value.to_bits())));
    }
    Ok((session.plan().inputs.iter().map(|segment| segment.rows).sum(), bits))
}

/// Data that is streamed trains to the same bits as data that is all on the device.
fn streamed_data_trains_alike(shuffle: bool, batch: usize, micro_batches: usize) -> Result<(), Failed> {
    let resident = session(None, shuffle, batch, micro_batches)?;
    let target = wgrad::training::Device::choose(&Wanted::Gpu, None, false)?.target().ok_or("a GPU has a target")?;
    let mut memory = resident.plan().padded_bytes(&target);
    let (rows, expected) = outcome(resident)?;
    let mut windows = vec![rows];
    let refused = loop {
        memory -= memory / 6;
        let streamed = match session(Some(memory), shuffle, batch, micro_batches) {
            Ok(streamed) => streamed,
            Err(refused) => break refused,
        };
        let bytes = streamed.plan().padded_bytes(&target);
        let (rows, bits) = outcome(streamed)?;
        if bits != expected || bytes > memory {
            return Err(format!("with {rows} rows at once in {bytes} of {memory} bytes it ends elsewhere").into());
        }
        windows.push(rows);
    };
    if !refused.message().is_some_and(|message| message.contains("--device-memory")) {
        return Err(refused);
    }
    windows.dedup();
    // A batch that is cut is streamed by its micro-batches.
    let least = if micro_batches > 1 { 2 } else { 3 };
    let shrinks = windows[0] == 203 && windows.len() >= least && windows.is_sorted_by(|more, less| more > less);
    if shrinks { Ok(()) } else { Err(format!("not the windows that were meant: {windows:?}").into()) }
}

/// The binary streams digits where `--device-memory` says so, and trains the same model.
fn the_binary_streams() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let json = |arguments: &[&str]| -> Result<serde_json::Value, Failed> {
        let shared =
            ["train", "digits", "--device", "gpu", "--hidden", "128", "--epochs", "2", "--seed", "3", "--quiet", "--json"];
        let output = wgrad(folder.path(), &[&shared[..], arguments].concat())?;
        let error = || String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(serde_json::from_slice(&output.stdout)?) } else { Err(error().into()) }
    };
    let plan = json(&["--dry-run"])?;
    let bytes = 300 << 10;
    let memory = format!("{bytes}B");
    let streamed = json(&["--dry-run", "--device-memory", &memory])?;
    let (rows, all) = (streamed["rows_on_device"].as_u64(), plan["rows_on_device"].as_u64());
    if rows >= all || streamed["bytes"].as_u64() > Some(bytes) {
        return Err(format!("{rows:?} of {all:?} rows are on the device").into());
    }
    let (one, other) = (json(&["-o", "resident"])?, json(&["-o", "streamed", "--device-memory", &memory])?);
    let weights = |run: &str| stored_weights(folder.path(), run);
    let same = weights("resident")? == weights("streamed")? && one["last_epoch"]["loss"] == other["last_epoch"]["loss"];
    if same { Ok(()) } else { Err("streamed data trains another model".into()) }
}

/// The weights in a run's model file, as they are stored.
fn stored_weights(folder: &Path, run: &str) -> Result<Vec<u8>, Failed> {
    let bytes = std::fs::read(folder.join(run).join("model.safetensors"))?;
    let header = u64::from_le_bytes(bytes[..8].try_into()?) as usize;
    Ok(bytes[8 + header..].to_vec())
}

/// A batch of 600,000 rows takes more workgroups along an axis than any adapter allows: it is computed in micro-batches, says so, and
/// comes to what the CPU comes to.
fn batches_over_the_limits_are_cut() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let rows = 600_000;
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 3), }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    file.extend((length as u16).to_le_bytes());
    file.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    let row = |row: usize| [(row % 97) as f32, (row % 89) as f32, (row % 97) as f32 - 0.5 * (row % 89) as f32];
    file.extend((0..rows).flat_map(row).flat_map(f32::to_le_bytes));
    std::fs::write(folder.path().join("rows.npy"), file)?;
    let mut losses = Vec::new();
    for device in [&["--device", "gpu"][..], &["--device", "cpu", "--accumulate", "2"]] {
        let train =
            ["train", "rows.npy", "--batch-size", "full", "--epochs", "3", "--hidden", "4", "--split", "1/0/0", "--json"];
        let output = wgrad(folder.path(), &[&train[..], device].concat())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !said.contains("600000 rows in 2 micro-batches") {
            return Err(said.into_owned().into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        losses.push(report["last_epoch"]["loss"].as_f64().ok_or("no loss")?);
    }
    let apart = (losses[0] - losses[1]).abs() / losses[1];
    if apart < 1e-5 { Ok(()) } else { Err(format!("{losses:?}").into()) }
}

/// Where there is no memory for a batch, it is computed in micro-batches, to the bits of `--accumulate`; and what was begun so goes on
/// so.
fn batches_without_memory_are_cut() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let train = ["train", "digits", "--device", "gpu", "--batch-size", "full", "--epochs", "3", "-o"];
    for call in 1..60 {
        let run = format!("run-{call}");
        let output = Command::new(env!("CARGO_BIN_EXE_wgrad"))
            .current_dir(folder.path())
            .env("WGRAD_GPU_FAULT", format!("memory:{call}"))
            .args([&train[..], &[&run]].concat())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.contains("the device had no memory for a whole batch: it is computed in 2 micro-batches") {
            continue;
        }
        if !output.status.success() {
            return Err(said.into_owned().into());
        }
        let options = std::fs::read_to_string(folder.path().join(&run).join("run.toml"))?;
        wgrad(folder.path(), &[&train[..], &["asked", "--accumulate", "2"]].concat())?;
        let same = stored_weights(folder.path(), &run)? == stored_weights(folder.path(), "asked")?;
        let resumed = wgrad(folder.path(), &["train", "--resume", &run, "--epochs", "4"])?;
        let goes_on = resumed.status.success() && String::from_utf8_lossy(&resumed.stderr).contains("in 2 micro-batches");
        let is_kept = options.contains("accumulate = 2");
        return if same && goes_on && is_kept { Ok(()) } else { Err(format!("{same}, {goes_on}: {options}").into()) };
    }
    Err("no call left a batch without memory".into())
}

/// What the device cannot hold is refused with exit code 6 before anything starts.
fn what_the_device_cannot_hold_is_refused() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = wgrad(folder.path(), &["train", "digits", "--device", "gpu", "--hidden", "1000000000"])?;
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(6) || !error.contains("parameters 1") || folder.path().join("runs").exists() {
        return Err(format!("{:?}: {error}", output.status).into());
    }
    Ok(())
}

/// `--tune` measures products, says what it takes, keeps it, and takes the same without a measurement the next time.
fn tuning_is_kept() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let rows = (0..5200).map(|row| format!("{},{}\n", row % 97, row % 89));
    std::fs::write(folder.path().join("rows.csv"), rows.fold("x,y\n".to_string(), |text, row| text + &row))?;
    let cache = folder.path().join("cache");
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let output = Command::new(env!("CARGO_BIN_EXE_wgrad"))
            .current_dir(folder.path())
            .env("WGRAD_CACHE", &cache)
            .args(["train", "rows.csv", "--device", "gpu", "--tune", "--batch-size", "full", "--epochs", "1", "--json"])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let tuned: Vec<String> = said.lines().filter(|line| line.contains("tuned ")).map(Into::into).collect();
        if !output.status.success() || !tuned.iter().any(|line| line.contains("update of") && line.contains("(taken)")) {
            return Err(said.into_owned().into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        outcomes.push((tuned, report["last_epoch"]["loss"].clone(), std::fs::read(cache.join("tuning.json"))?));
    }
    if outcomes[0] != outcomes[1] {
        return Err(format!("{outcomes:?}").into());
    }
    the_choices_of_a_run_are_taken_again(folder.path(), &outcomes[0].1)
}

/// Other choices give other bits: a run's own are in its `run.toml`, whatever the cache says by now.
fn the_choices_of_a_run_are_taken_again(folder: &Path, loss: &serde_json::Value) -> Result<(), Failed> {
    let options = std::fs::read_to_string(folder.join("runs/rows-1/run.toml"))?;
    if !options.contains("device = \"gpu\"") || !options.contains("[tuned.\"update of") {
        return Err(options.into());
    }
    let run = |options: &str| -> Result<serde_json::Value, Failed> {
        std::fs::write(folder.join("again.toml"), options)?;
        let output = Command::new(env!("CARGO_BIN_EXE_wgrad"))
            .current_dir(folder)
            .env("WGRAD_CACHE", folder.join("another"))
            .args(["train", "--config", "again.toml", "--json"])
            .output()?;
        if String::from_utf8_lossy(&output.stderr).contains("tuned ") {
            return Err("the choices were measured again".into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(report["last_epoch"]["loss"].clone())
    };
    if run(&options)? != *loss {
        return Err("the run's own choices gave another loss".into());
    }
    Ok(())
}

/// A quick verification whose time is over at once still goes through every kernel, and says that there is more.
fn every_kernel_is_verified_in_no_time(device: &wgrad::executor::gpu::device::Device) -> Result<(), Failed> {
    let verification = verify(device, Extent::Quick(Duration::ZERO), &mut |_, _| {});
    let kernels: BTreeSet<&str> = verification.kernels.iter().map(|report| report.kernel.as_str()).collect();
    let is_so = verification.passed() && verification.not_reached > 50 && verification.checks.len() == 7;
    if is_so && kernels == catalogue::kernels() { Ok(()) } else { Err(format!("{verification:?}").into()) }
}

/// The binary verifies the device, every kernel of it, and says so.
fn the_binary_verifies() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = wgrad(folder.path(), &["verify", "--quick", "--json"])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned().into());
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let device = &report["devices"][0];
    let kernels = device["kernels"].as_array().ok_or("no kernels")?;
    for kernel in catalogue::kernels() {
        let compared = kernels.iter().filter(|report| report["kernel"] == kernel).map(|report| &report["comparisons"]);
        assert!(compared.filter_map(serde_json::Value::as_u64).sum::<u64>() > 10, "{kernel}: {report}");
    }
    assert!(kernels.iter().all(|kernel| kernel["worst"].as_f64().is_some_and(|share| share <= 1.0)), "{report}");
    assert!(device["checks"].as_array().is_some_and(|checks| checks.len() == 7), "{report}");
    let fault = &device["faults"][0];
    assert!(fault["known"].is_boolean() && fault["found"].is_boolean(), "{report}");
    // Of other drivers it is not known.
    assert!(fault["known"] == false || fault["found"] == true, "{report}");
    // A GPU that cannot be opened is no GPU that is right.
    let all = ["verify", "--quick", "--all"];
    let unopened = Command::new(env!("CARGO_BIN_EXE_wgrad")).args(all).env("WGRAD_GPU_FAULT", "refused:1").output()?;
    assert_eq!(unopened.status.code(), Some(5), "{}", String::from_utf8_lossy(&unopened.stderr));
    let output = wgrad(folder.path(), &["verify", "--device", "cpu"])?;
    if output.status.code() == Some(2) { Ok(()) } else { Err("the CPU is no GPU".into()) }
}

/// A run of the binary with a cache folder of its own, or what it said where it failed.
fn with_cache(folder: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_wgrad"))
        .current_dir(folder)
        .env("WGRAD_CACHE", folder.join("cache"))
        .args(arguments)
        .output()?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(output) } else { Err(said().into()) }
}

/// What the driver compiled is kept; a damaged file of it, a foreign one or a folder in its place harms nothing and changes no bit.
fn compiled_pipelines_are_kept() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let train = |run: &str| -> Result<Vec<u8>, Failed> {
        let arguments = ["train", "iris", "--hidden", "9", "--epochs", "2", "--device", "gpu", "--quiet", "-o", run];
        with_cache(folder.path(), &arguments)?;
        stored_weights(folder.path(), run)
    };
    let kept = || -> Result<PathBuf, Failed> {
        let files = std::fs::read_dir(folder.path().join("cache"))?.collect::<Result<Vec<_>, _>>()?;
        let mut files =
            files.into_iter().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "bin"));
        files.next().ok_or_else(|| "nothing is kept".into())
    };
    let first = train("first")?;
    let path = kept()?;
    let whole = std::fs::read(&path)?;
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle] ^= 1;
    for (name, bytes) in
        [("again", whole.clone()), ("damaged", damaged), ("cut", whole[..middle].to_vec()), ("empty", Vec::new())]
    {
        std::fs::write(&path, bytes)?;
        if train(name)? != first || !std::fs::read(&path)?.starts_with(b"wgrad pipelines1") {
            return Err(format!("{name}: another model, or nothing is kept").into());
        }
    }
    std::fs::remove_file(&path)?;
    std::fs::create_dir(&path)?;
    if train("folder")? == first { Ok(()) } else { Err("another model".into()) }
}

/// Where the last look for GPUs ended its process, the next start says so and how to go on; the default device is the CPU then.
fn a_look_that_crashed_is_told() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("cache/looking");
    std::fs::create_dir(folder.path().join("cache"))?;
    std::fs::write(&mark, "wgrad is looking for GPUs")?;
    let train = |device: &str| {
        with_cache(folder.path(), &["train", "iris", "--epochs", "1", "--device", device, "--quiet", "--json", "-o", device])
    };
    let of_auto: serde_json::Value = serde_json::from_slice(&train("auto")?.stdout)?;
    train("cpu")?;
    let reason = of_auto["device"]["reason"].as_str().unwrap_or_default();
    if !reason.contains("did not end") || !reason.contains("wgrad devices") || std::fs::read(&mark)?.is_empty() {
        return Err(format!("{of_auto}").into());
    }
    let said = |output: Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let devices = said(with_cache(folder.path(), &["devices"])?);
    if !devices.contains("--device cpu") || !devices.contains("WGPU_BACKEND=dx12") || !std::fs::read(&mark)?.is_empty() {
        return Err(devices.into());
    }
    let again = said(with_cache(folder.path(), &["devices"])?);
    if again.is_empty() { Ok(()) } else { Err(again.into()) }
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = Vec::new();
    for case in trained() {
        let name = format!("{} stay with the oracle step by step", case.name);
        trials.push(shared.trial_of(name, case, |case, device| {
            Ok(training_stays_with_the_oracle(&mut Gpu::new(case.plan(), device)?, case)??)
        }));
    }
    trials.push(shared.trial("the binary trains digits on a GPU".into(), |_| digits_on_a_gpu()));
    for (shuffle, batch, micro) in
        [(true, 16, 1), (false, 16, 1), (true, 1, 1), (true, 50, 1), (true, 50, 3), (false, 203, 4), (true, 203, 203)]
    {
        let order = if shuffle { "shuffled" } else { "in order" };
        let name = format!("streamed data trains alike, in {micro} micro-batches of batches of {batch} {order}");
        trials.push(shared.trial(name, move |_| streamed_data_trains_alike(shuffle, batch, micro)));
    }
    trials.push(shared.trial("a batch of more workgroups than an axis has".into(), |_| batches_over_the_limits_are_cut()));
    trials.push(shared.trial("a batch that there is no memory for".into(), |_| batches_without_memory_are_cut()));
    trials.push(shared.trial("the binary streams what the device's memory does not hold".into(), |_| the_binary_streams()));
    trials.push(shared.trial("the binary verifies the device".into(), |_| the_binary_verifies()));
    trials.push(
        shared.trial("every kernel is verified in no time".into(), |device| every_kernel_is_verified_in_no_time(&device)),
    );
    trials.push(shared.trial("compiled pipelines are kept".into(), |_| compiled_pipelines_are_kept()));
    trials.push(shared.trial("a look for GPUs that crashed is told".into(), |_| a_look_that_crashed_is_told()));
    trials.push(shared.trial("tuning is kept".into(), |_| tuning_is_kept()));
    let refused = |_| what_the_device_cannot_hold_is_refused();
    trials.push(shared.trial("what the device cannot hold is refused".into(), refused));
    trials
}
