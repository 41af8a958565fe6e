//! Calls to a GPU that fail, on purpose (`WGRAD_GPU_FAULT`): a lost device is opened again, and nothing that was saved is harmed.

mod common;

use std::fs;
use std::process::Output;

use common::{Desk, Shared, ended};
use libtest_mimic::{Arguments, Failed};

/// Whichever call to the GPU fails, of a run of 60 steps: a lost device is opened again and the run ends with the same bits; any
/// other fault ends in its exit code, and what was saved goes on to the same bits. Each call fails in one of three ways, or, with
/// `WGRAD_TEST_FAULTS=all`, in all three.
fn any_call_may_fail() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "iris", "--hidden", "5", "--epochs", "4", "--device", "gpu", "--patience", "3", "-o"];
    desk.ends(0, &[&train[..], &["whole"]].concat())?;
    let all = std::env::var("WGRAD_TEST_FAULTS").is_ok_and(|which| which == "all");
    let kinds = [("lost", 5), ("memory", 6), ("refused", 1)];
    let mut unnoticed = 0;
    for call in 1.. {
        for (kind, code) in kinds.iter().cycle().skip(call).take(if all { 3 } else { 1 }) {
            let fault = format!("{kind}:{call}");
            let run = format!("{kind}-{call}");
            let output = desk.command(&[&train[..], &[&run]].concat()).env("WGRAD_GPU_FAULT", &fault).output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let struck = ["was lost", "no memory left", "on purpose"].iter().any(|word| said.contains(word));
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
        if unnoticed == 6 {
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
    let output = from_stdin(&train, "lost:110")?;
    let said = ended(5, &train, &output)?;
    if !said.contains("wgrad train --resume run") {
        return Err(said.into());
    }
    let resume = ["train", "--resume", "run"];
    ended(0, &resume, &from_stdin(&resume, "")?).map(drop)
}

fn main() {
    let arguments = Arguments::from_args();
    let shared = Shared::default();
    let trials = vec![
        shared.trial("any call that fails".into(), |_| any_call_may_fail()),
        shared.trial("a device that is lost again and again".into(), |_| a_device_is_opened_again_twice()),
        shared.trial("rows from stdin and a device that is lost".into(), |_| rows_from_stdin_are_not_read_twice()),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}
