//! MNIST at full size, through the binary: what a plain network is known to reach, on the CPU and on a GPU.
//!
//! `WGRAD_TEST_MNIST` names the folder of the four IDX files (`train-images-idx3-ubyte` and so on).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Failed, NO_GPU, Trial, no_gpu};
use serde_json::Value;

/// Accuracy on the 10,000 test images of 784-128-10, relu and softmax, sgd at 0.1, batches of 64.
fn accuracy(data: &Path, device: &str, epochs: &str) -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| data.join(name).to_string_lossy().into_owned();
    let [images, labels] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"].map(file);
    let [test_images, test_labels] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"].map(file);
    let output = Command::new(env!("CARGO_BIN_EXE_wgrad"))
        .current_dir(folder.path())
        .args(["train", &images, "--labels", &labels, "--test", &test_images, "--test-labels", &test_labels])
        .args(["--split", "1/0/0", "--hidden", "128", "--optimizer", "sgd", "--learning-rate", "0.1", "--batch-size", "64"])
        .args(["--epochs", epochs, "--device", device, "--json", "--quiet"])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    report["test"]["accuracy"].as_f64().ok_or_else(|| "the report has no accuracy".into())
}

pub(crate) fn trials() -> Vec<Trial> {
    let data = std::env::var_os("WGRAD_TEST_MNIST").map(PathBuf::from);
    let folder = data.clone().unwrap_or_default();
    let on_cpu = move || {
        let reached = accuracy(&folder, "cpu", "10")?;
        if reached >= 0.97 { Ok(()) } else { Err(format!("{reached} after 10 epochs").into()) }
    };
    let folder = data.clone().unwrap_or_default();
    let on_gpu = move || {
        let (cpu, gpu) = (accuracy(&folder, "cpu", "3")?, accuracy(&folder, "gpu", "3")?);
        if (cpu - gpu).abs() <= 0.005 { Ok(()) } else { Err(format!("CPU {cpu}, GPU {gpu} after 3 epochs").into()) }
    };
    const NO_DATA: &str = "WGRAD_TEST_MNIST names no folder";
    let trials = vec![
        Trial::test("ten_epochs_on_the_cpu_reach_97_percent", on_cpu).left_out_if(data.is_none(), NO_DATA),
        Trial::test("three_epochs_on_a_gpu_are_within_half_a_point_of_the_cpu", on_gpu)
            .left_out_if(data.is_none(), NO_DATA)
            .left_out_if(no_gpu(), NO_GPU),
    ];
    trials
}
