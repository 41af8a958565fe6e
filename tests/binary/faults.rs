//! Calls to a GPU that fail, on purpose (`WGRAD_GPU_FAULT`): a lost device is opened again, and nothing that was saved is harmed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Desk, Failed, Shared, Trial, ended};
use serde_json::{Value, json};
use wgrad::training::{
    DataReport, Destination, Device, EpochRecord, NetworkReport, Observer, Options, Recipe, Run, RunObserver, Wanted,
};

/// Whichever call to the GPU fails, of a run of 60 steps: a lost device is opened again and the run ends with the same bits; any
/// other fault ends in its exit code, and what was saved goes on to the same bits. Each call fails in one of four ways, or, with
/// `WGRAD_TEST_FAULTS=all`, in all four.
fn any_call_may_fail() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "iris", "--hidden", "5", "--epochs", "4", "--device", "gpu", "--patience", "3", "-o"];
    desk.ends(0, &[&train[..], &["whole"]].concat())?;
    let all = std::env::var("WGRAD_TEST_FAULTS").is_ok_and(|which| which == "all");
    let kinds = [("lost", 5), ("memory", 6), ("refused", 1), ("silent", 5)];
    let mut unnoticed = 0;
    for call in 1.. {
        for (kind, code) in kinds.iter().cycle().skip(call).take(if all { 4 } else { 1 }) {
            let fault = format!("{kind}:{call}");
            let run = format!("{kind}-{call}");
            let output = desk.command(&[&train[..], &[&run]].concat()).env("WGRAD_GPU_FAULT", &fault).output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let struck =
                ["was lost", "no memory left", "on purpose", "has not answered"].iter().any(|word| said.contains(word));
            unnoticed = if struck { 0 } else { unnoticed + 1 };
            let is_there = desk.path().join(&run).exists();
            match output.status.code() {
                // The device was opened again, or the data was streamed instead.
                Some(0) => desk.same("whole", &run),
                // What cannot be opened is no device.
                Some(found) if found == *code || found == 5 => {
                    if is_there {
                        desk.ends(0, &["train", "--resume", &run])?;
                        desk.same("whole", &run)
                    } else {
                        Ok(())
                    }
                }
                _ => Err(format!("{:?}", output.status).into()),
            }
            .map_err(|error| format!("{fault}: {}; {said}", error.message().unwrap_or_default()))?;
        }
        // Beyond the last call nothing fails. (A buffer that there is no memory for may be done without.)
        if unnoticed == 8 {
            return if call > 60 { Ok(()) } else { Err(format!("only {call} calls").into()) };
        }
    }
    unreachable!("the calls end")
}

/// A device that is lost again and again is given up with its exit code, and what was saved goes on.
fn a_device_is_opened_again_twice() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "iris", "--hidden", "5", "--epochs", "4", "--device", "gpu", "--patience", "3", "-o"];
    desk.ends(0, &[&train[..], &["whole"]].concat())?;
    let output = desk.command(&[&train[..], &["run"]].concat()).env("WGRAD_GPU_FAULT", "lost:100/60").output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let again = said.matches("it was opened again").count();
    if output.status.code() != Some(5) || again != 2 || !said.contains("wgrad train --resume run") {
        return Err(format!("{:?}: {said}", output.status).into());
    }
    desk.ends(0, &["train", "--resume", "run"])?;
    desk.same("whole", "run")
}

/// What a GPU that was ours to choose is lost in goes on on the CPU, once it was opened again twice. No software adapter is ever chosen
/// so; here it takes the place of a GPU, in a process of its own for the sake of its faults.
fn a_device_of_our_choice_gives_way_to_the_cpu() -> Result<(), Failed> {
    let desk = Desk::new();
    let child = |fault: &str| -> Result<Value, Failed> {
        let output = Command::new(std::env::current_exe()?)
            .current_dir(desk.path())
            .envs([(CHOSEN, "1"), ("WGRAD_GPU_FAULT", fault)])
            .output()?;
        let said = || format!("{fault}: {}", String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(serde_json::from_slice(&output.stdout)?) } else { Err(said().into()) }
    };
    let (undisturbed, lost, silent) = (child("")?, child("lost:100/60")?, child("silent:100/60")?);
    for (report, kind, remarks) in [(&undisturbed, "gpu", 0), (&lost, "cpu", 3), (&silent, "cpu", 3)] {
        let is_so = report["device"] == kind && report["epochs"] == 4 && report["remarks"] == remarks;
        let apart = report["loss"].as_f64().unwrap_or(f64::NAN) / undisturbed["loss"].as_f64().unwrap_or(f64::NAN) - 1.0;
        if !is_so || apart.is_nan() || apart.abs() > 1e-4 {
            return Err(format!("{report}, undisturbed {undisturbed}").into());
        }
    }
    Ok(())
}

/// Says that this process is to train as if it had chosen the GPU itself.
const CHOSEN: &str = "WGRAD_TEST_CHOSEN";

/// Whether this process is to train so.
pub(crate) fn is_chosen() -> bool {
    std::env::var_os(CHOSEN).is_some()
}

/// Trains on the first GPU, as if `--device auto` had chosen it, and prints what came of it.
pub(crate) fn train_on_a_chosen_gpu() -> wgrad::Result<()> {
    /// Counts the remarks that tell of a device.
    struct Remarks(usize);
    impl Observer for Remarks {
        fn progress(&mut self, _: usize, _: usize) {}

        fn epoch(&mut self, _: &EpochRecord) -> wgrad::Result<()> {
            Ok(())
        }

        fn signal(&self) -> Option<u8> {
            None
        }

        fn remark(&mut self, remark: &str) {
            self.0 += usize::from(remark.contains("goes on from what was saved last"));
        }
    }
    impl RunObserver for Remarks {
        fn begins(&mut self, _: &DataReport, _: &NetworkReport, _: &Recipe, _: &Device, _: &Path) -> wgrad::Result<()> {
            Ok(())
        }

        fn resumed(&mut self, _: usize, _: u64) {}
    }
    let options = Options {
        data: Some("iris".into()),
        hidden: Some("5".parse().expect("a width")),
        epochs: Some(4),
        patience: Some(3),
        ..Options::default()
    };
    let mut run = Run::new(&options)?;
    run.device = Device::choose(&Wanted::Gpu, None, false)?;
    run.options.device.device = Some(Wanted::Gpu);
    let mut remarks = Remarks(0);
    let report = run.train(Destination::New(None), &mut remarks)?;
    let last = report.last_epoch.as_ref();
    let (epochs, loss) = (last.map(|record| record.epoch), last.map(|record| record.loss));
    println!("{}", json!({ "device": report.device.kind, "epochs": epochs, "loss": loss, "remarks": remarks.0 }));
    Ok(())
}

/// A GPU that is lost while the rows came from stdin: they are gone, and who has them goes on.
fn rows_from_stdin_are_not_read_twice() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = (0..300).fold("a,b,y\n".to_string(), |text, row| text + &format!("{},{},{}\n", row % 7, row % 5, row % 2));
    desk.write("rows.csv", rows);
    let from_stdin = |arguments: &[&str], fault: &str| -> Result<Output, Failed> {
        let rows = fs::File::open(desk.path().join("rows.csv"))?;
        Ok(desk.command(arguments).stdin(rows).env("WGRAD_GPU_FAULT", fault).output()?)
    };
    let train = ["train", "-", "--device", "gpu", "--epochs", "5", "-o", "run"];
    let output = from_stdin(&train, "lost:250")?;
    let said = ended(5, &train, &output)?;
    if !said.contains("wgrad train --resume run") {
        return Err(said.into());
    }
    let resume = ["train", "--resume", "run"];
    ended(0, &resume, &from_stdin(&resume, "")?).map(drop)
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let trials = vec![
        shared.trial("any call that fails".into(), |_| any_call_may_fail()),
        shared.trial("a device that is lost again and again".into(), |_| a_device_is_opened_again_twice()),
        shared.trial("a lost device that was ours to choose".into(), |_| a_device_of_our_choice_gives_way_to_the_cpu()),
        shared.trial("rows from stdin and a device that is lost".into(), |_| rows_from_stdin_are_not_read_twice()),
    ];
    trials
}
