//! Training that is interrupted, by a signal, a kill or its own numbers, and goes on from its checkpoint to the same bits.

use std::fs;
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Desk, Failed, Shared, Trial, last_after};
use wgrad::data::Matrix;
use wgrad::network::{Activation, Initialization, Loss, Network, Optimizer, OptimizerKind};
use wgrad::random::{Purpose, Stream};
use wgrad::training::session::divergence;
use wgrad::training::{Device, Precision, Recipe, Samples, Schedule, ScheduleKind, Session, State, Wanted};

/// What is trained in a session: with layers of one kernel each where they are wide, whole steps in one kernel where not.
#[derive(Clone, Copy)]
struct Net {
    hidden: usize,
    optimizer: OptimizerKind,
    shuffle: bool,
    /// Whether the GPU's memory is to be too small for the data.
    is_streamed: bool,
    learning_rate: f64,
}

const ROWS: usize = 203;
const EPOCHS: usize = 5;

fn made<T: Precision>(net: Net, device: &Device) -> Result<Session<T>, Failed> {
    let network = Network::new(vec![13, net.hidden, 5], vec![Activation::Tanh, Activation::Softmax], true)?;
    let recipe = Recipe {
        optimizer: Optimizer::new(net.optimizer),
        shuffle: net.shuffle,
        epochs: EPOCHS,
        seed: 4,
        schedule: Schedule { kind: ScheduleKind::Cosine, warmup: 1.0, ..Schedule::constant(net.learning_rate) },
        ..Recipe::plain(Loss::CrossEntropy, 0.0, 7)
    };
    let mut stream = Stream::new(3, Purpose::Test, 0);
    let inputs = Matrix::new(ROWS, 13, (0..ROWS * 13).map(|_| T::from_f64(stream.normal())).collect());
    let mut targets = Matrix::zeros(ROWS, 5);
    (0..ROWS).for_each(|row| targets.values[row * 5 + row * 7 % 5] = T::ONE);
    let weights = Initialization::Auto.weights(&network, 1);
    let samples = Samples::new(inputs, targets);
    let mut session = Session::new(network.clone(), recipe, &weights, samples.clone(), device)?;
    while net.is_streamed && session.plan().inputs[0].rows == ROWS {
        let bytes = session.plan().padded_bytes(&device.target().ok_or("a CPU streams nothing")?);
        let device = device.clone().with_memory(Some(bytes * 9 / 10));
        session = Session::new(network.clone(), recipe, &weights, samples.clone(), &device)?;
    }
    Ok(session)
}

/// The losses of all epochs and the state at the end, of a training that is broken off after so many pieces, and again, each time
/// into a fresh session; and how often that was.
fn outcome<T: Precision>(net: Net, device: &Device, pieces: usize) -> Result<(Vec<f64>, State<T>, usize), Failed> {
    let mut session = made::<T>(net, device)?;
    let (mut losses, mut breaks) = (Vec::new(), 0);
    while losses.len() < EPOCHS {
        let mut count = 0;
        let trained = session.train(EPOCHS - losses.len(), |_| {
            count += 1;
            if count == pieces { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        losses.extend(trained.losses);
        let state = session.state()?;
        if pieces < usize::MAX {
            session = made(net, device)?;
            session.restore(&state)?;
            breaks += usize::from(!state.members[0].losses.is_empty());
        }
    }
    Ok((losses, session.state()?, breaks))
}

fn interruptions_leave_no_trace<T: Precision>(net: Net, device: &Device) -> Result<(), Failed> {
    let (losses, state, _) = outcome::<T>(net, device, usize::MAX)?;
    let mut broken = 0;
    for pieces in 1..=4 {
        let (others, other, breaks) = outcome::<T>(net, device, pieces)?;
        if others != losses || other != state {
            return Err(format!("broken off after {pieces} pieces, {breaks} times, it ends elsewhere").into());
        }
        broken += breaks;
    }
    if broken > 10 { Ok(()) } else { Err(format!("only {broken} breaks in the middle of an epoch").into()) }
}

/// The step in which training leaves the finite numbers is found from its beginning, and from a state on the way there, and it is the one
/// that a training step by step shows.
fn divergence_is_found<T: Precision>(net: Net, device: &Device) -> Result<(), Failed> {
    let mut session = made::<T>(net, device)?;
    let first = session.state()?;
    let mut good = first.clone();
    loop {
        session.restore(&good)?;
        let trained = session.train(1, |_| ControlFlow::Break(()))?;
        let state = session.state()?;
        if state.epoch == EPOCHS {
            return Err("it does not diverge".into());
        }
        if !state.is_finite() || !trained.losses.iter().all(|loss| loss.is_finite()) {
            break;
        }
        good = state;
    }
    // A session that has seen no step of it says which kernel it is.
    let mut fresh = made::<T>(net, device)?;
    fresh.restore(&good)?;
    let kernel = fresh.first_kernel_not_finite()?.ok_or("a kernel")?;
    for from in [&first, &good] {
        let found = divergence::find(&mut session, from, EPOCHS, &|| false)?.ok_or("a divergence")?;
        if found.step != good.steps + 1 || found.good != good || found.epoch != good.epoch + 1 {
            return Err(
                format!("found in step {} of epoch {}, after {} good ones", found.step, found.epoch, good.steps).into()
            );
        }
        if session.state()? != good || found.kernel != kernel {
            return Err(format!("'{}' is told, not '{kernel}', or the session is elsewhere", found.kernel).into());
        }
    }
    if good.steps > 2 { Ok(()) } else { Err("it diverges too soon to tell".into()) }
}

/// A run that diverges says where, with its exit code; what it has saved diverges in the same step.
fn a_run_that_diverges_says_where(device: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "wine-quality", "--optimizer", "sgd", "--learning-rate", "1.5", "--device", device, "-o", "run"];
    let said = desk.ends(7, &train)?;
    let (epoch, step) = (last_after(&said, "diverged in epoch"), last_after(&said, ", step").ok_or("a step")?);
    // 1279 rows in batches of 32.
    if epoch != Some((step - 1) / 40 + 1) || last_after(&said, "after step") != Some(step - 1) {
        return Err(said.into());
    }
    if !["forward", "update", "layer", "loss"].iter().any(|layer| said.contains(layer)) {
        return Err(format!("no layer is named: {said}").into());
    }
    let said = desk.ends(7, &["train", "--resume", "run"])?;
    if last_after(&said, ", step") == Some(step) { Ok(()) } else { Err(format!("{step} at first; {said}").into()) }
}

/// Validation rows that lead out of the finite numbers end training at once: no step of it is to blame.
fn validation_that_overflows_is_told_at_once() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows =
        (0..300).fold("a,b,y\n".to_string(), |text, row| text + &format!("{}.5,{},{}.5\n", row % 7, row % 5, row % 3));
    desk.write("rows.csv", rows);
    fs::write(desk.path().join("far.csv"), "a,b,y\n0.5,0.5,0.6\n1e30,0.1,0.3\n")?;
    let train = [
        "train",
        "rows.csv",
        "--task",
        "regression",
        "--validation",
        "far.csv",
        "--device",
        "cpu",
        "--epochs",
        "200000",
        "-o",
        "run",
    ];
    let started = Instant::now();
    let said = desk.ends(7, &train)?;
    let is_told = said.contains("validation loss") && started.elapsed() < Duration::from_secs(20);
    if is_told { Ok(()) } else { Err(said.into()) }
}

/// Whatever lies where a checkpoint or a log should be: an error, and no wait.
fn odd_files_in_a_run_are_refused() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.ends(0, &["train", "iris", "--device", "cpu", "--epochs", "3", "-o", "run"])?;
    for (script, code, words) in [
        ("rm odd/metrics.jsonl; mkfifo odd/metrics.jsonl", 2, "pipe"),
        ("rm odd/checkpoint.safetensors; mkfifo odd/checkpoint.safetensors", 8, "no plain file"),
        ("rm odd/checkpoint.safetensors; mkdir odd/checkpoint.safetensors", 8, "no plain file"),
        ("rm odd/run.toml", 2, "holds no run"),
        ("echo 'epochs = ' > odd/run.toml", 2, "line 1"),
        (": > odd/checkpoint.safetensors; : > odd/checkpoint-1.safetensors", 8, "no checkpoint that can be used"),
        ("true", 2, "the run has done 3 already"),
    ] {
        desk.shell(&format!("rm -rf odd; cp -r run odd; {script}"))?;
        let epochs = if code == 2 && script == "true" { "2" } else { "5" };
        let said = desk.ends(code, &["train", "--resume", "odd", "--epochs", epochs])?;
        if !said.contains(words) {
            return Err(format!("{script}: {said}").into());
        }
    }
    // A line without its end is written again.
    desk.shell("rm -rf odd; cp -r run odd; truncate -s -1 odd/metrics.jsonl; rm odd/checkpoint.safetensors")?;
    desk.ends(0, &["train", "--resume", "odd"])?;
    desk.same("run", "odd")?;
    // Nothing is trained, so nothing is written down.
    let before = fs::read(desk.path().join("run/run.toml"))?;
    desk.ends(0, &["train", "--resume", "run", "--learning-rate", "0.5"])?;
    if fs::read(desk.path().join("run/run.toml"))? == before { Ok(()) } else { Err("run.toml has changed".into()) }
}

/// A run of which nothing is left to train says so, and its folder stays as it is; one that was cut off after its last step is finished.
fn a_run_that_is_done_stays_as_it_is() -> Result<(), Failed> {
    let desk = Desk::new();
    let files = |run: &str| -> Result<Vec<(std::ffi::OsString, Vec<u8>)>, Failed> {
        let mut all = Vec::new();
        for entry in fs::read_dir(desk.path().join(run))? {
            let entry = entry?;
            all.push((entry.file_name(), fs::read(entry.path())?));
        }
        all.sort();
        Ok(all)
    };
    let train = ["train", "iris", "--device", "cpu", "--hidden", "8", "-q", "-o"];
    desk.ends(0, &[&train[..], &["done", "--epochs", "5"]].concat())?;
    desk.ends(0, &[&train[..], &["early", "--epochs", "50", "--patience", "2", "--learning-rate", "0"]].concat())?;
    for (run, words) in [
        ("done", "done: all 5 epochs are done; wgrad train --resume done --epochs 10 goes on\n"),
        ("early", "early: ended after 2 epochs without a better loss; wgrad train --resume early --patience 4 goes on\n"),
    ] {
        let before = files(run)?;
        let output = desk.run(&["train", "--resume", run]);
        let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code() != Some(0) || !said.is_empty() || !text.starts_with(words) || !text.contains("test, ") {
            return Err(format!("{run}: {text}{said}").into());
        }
        let again: Value = serde_json::from_slice(&desk.run(&["train", "--resume", run, "--json"]).stdout)?;
        let report: Value = serde_json::from_slice(&desk.bytes(&format!("{run}/report.json")))?;
        if again["was_done"] != true || again["test"] != report["outcome"]["test"] || files(run)? != before {
            return Err(format!("{run}: its files or its result have changed: {again}").into());
        }
    }
    for missing in ["model.safetensors", "report.json"] {
        fs::remove_file(desk.path().join("done").join(missing))?;
        desk.ends(0, &["train", "--resume", "done", "-q"])?;
        desk.bytes(&format!("done/{missing}"));
    }
    let goes_on = desk.ends(0, &["train", "--resume", "done", "--epochs", "6"])?;
    if goes_on.contains("as the file of options says") && !goes_on.contains("asked for") {
        Ok(())
    } else {
        Err(goes_on.into())
    }
}

/// A run that takes a while, with everything that has a state.
const TRAIN: [&str; 12] =
    ["train", "digits", "--epochs", "60", "--patience", "50", "--schedule", "cosine", "--seed", "3", "--device", "cpu"];

/// Killed at any moment, a run goes on from what it last said was saved, or from something later, and ends with the same bits.
/// `WGRAD_TEST_KILLS` says how often.
fn killed_runs_end_with_the_same_bits() -> Result<(), Failed> {
    let desk = Desk::new();
    let every = ["--checkpoint-every", "1"];
    let started = Instant::now();
    desk.ends(0, &[&TRAIN[..], &every, &["-o", "whole"]].concat())?;
    let most = started.elapsed();
    let kills = std::env::var("WGRAD_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(30);
    let mut stream = Stream::new(std::process::id().into(), Purpose::Test, 0);
    let (mut killed, mut runs, mut resumed) = (0, 0, 0);
    while killed < kills {
        let run = format!("run-{runs}");
        let mut saved = None;
        loop {
            let goes_on = desk.path().join(&run).join("checkpoint.safetensors").exists();
            let fresh = [&TRAIN[..], &every, &["-o", &run]].concat();
            let arguments = if goes_on { vec!["train", "--resume", &run] } else { fresh };
            if !goes_on {
                let _ = fs::remove_dir_all(desk.path().join(&run));
            }
            let mut child = desk.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
            std::thread::sleep(Duration::from_secs_f64(most.as_secs_f64() * f64::from(stream.uniform() as f32)));
            let is_alive = child.try_wait()?.is_none();
            if is_alive && killed < kills {
                child.kill()?;
                killed += 1;
            }
            let output = child.wait_with_output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            if let Some(saved) = saved {
                let from = last_after(&said, "from step");
                if from.is_some_and(|from| from < saved) {
                    return Err(format!("step {saved} was saved, and the run goes on from {from:?}").into());
                }
                resumed += usize::from(from.is_some());
            }
            saved = last_after(&said, "saved step").or(saved);
            if output.status.success() {
                break;
            }
            if output.status.code().is_some() {
                return Err(said.into_owned().into());
            }
        }
        desk.same("whole", &run)?;
        runs += 1;
    }
    if resumed > kills / 4 {
        Ok(())
    } else {
        Err(format!("only {resumed} of {kills} runs went on from a checkpoint").into())
    }
}

/// Interrupted by a signal at random steps, a run saves and leaves with 128 + the signal, and goes on to the same bits.
fn signals_save_and_runs_go_on(device: &str, times: usize) -> Result<(), Failed> {
    let desk = Desk::new();
    let train =
        |run: &str| [&TRAIN[..11], &[device, "-o", run]].concat().iter().map(ToString::to_string).collect::<Vec<_>>();
    let arguments = train("whole");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let started = Instant::now();
    desk.ends(0, &arguments)?;
    let most = started.elapsed();
    let mut stream = Stream::new(std::process::id().into(), Purpose::Test, 1);
    let (mut stopped, mut attempt) = (0, 0);
    while stopped < times {
        attempt += 1;
        if attempt > 300 {
            return Err(format!("only {stopped} runs were stopped").into());
        }
        let run = format!("run-{attempt}");
        let arguments = train(&run);
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        loop {
            let child = desk.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
            std::thread::sleep(Duration::from_secs_f64(most.as_secs_f64() * stream.uniform()));
            let (signal, code) = if attempt % 2 == 0 { ("-INT", 130) } else { ("-TERM", 143) };
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status()?;
            let output = child.wait_with_output()?;
            let has_checkpoint = desk.path().join(&run).join("checkpoint.safetensors").exists();
            match output.status.code() {
                Some(0) => break,
                Some(found) if found == code && has_checkpoint => {
                    stopped += 1;
                    arguments = vec!["train", "--resume", &run];
                }
                // Before it listens, a signal ends it as it ends any program.
                None if has_checkpoint => {}
                None => drop(fs::remove_dir_all(desk.path().join(&run))),
                _ => return Err(format!("{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
            }
        }
        desk.same("whole", &run)?;
    }
    Ok(())
}

/// A damaged checkpoint is passed over for the one before it, with a word; where none is whole the run cannot go on.
fn damaged_checkpoints_are_passed_over() -> Result<(), Failed> {
    let desk = Desk::new();
    let every = ["--checkpoint-every", "7", "--keep-checkpoints", "3"];
    desk.ends(0, &[&TRAIN[..], &every, &["-o", "whole"]].concat())?;
    desk.ends(0, &[&TRAIN[..], &every, &["-o", "run"]].concat())?;
    let folder = desk.path().join("run");
    for (number, name) in
        ["checkpoint.safetensors", "checkpoint-1.safetensors", "checkpoint-2.safetensors"].iter().enumerate()
    {
        let path = folder.join(name);
        let mut bytes = fs::read(&path)?;
        let place = bytes.len() * (number + 1) / 4;
        bytes[place] ^= 1;
        fs::write(&path, bytes)?;
        if number == 2 {
            break;
        }
        let copy = format!("copy-{number}");
        fs::create_dir(desk.path().join(&copy))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            fs::copy(entry.path(), desk.path().join(&copy).join(entry.file_name()))?;
        }
        let said = desk.ends(0, &["train", "--resume", &copy])?;
        if said.matches("is damaged").count() != number + 1 || !said.contains("goes on after epoch") {
            return Err(said.into());
        }
        desk.same("whole", &copy)?;
    }
    assert!(!folder.join("checkpoint-3.safetensors").exists(), "three are kept");
    let said = desk.ends(8, &["train", "--resume", "run"])?;
    fs::remove_file(folder.join("checkpoint.safetensors"))?;
    fs::remove_file(folder.join("checkpoint-1.safetensors"))?;
    fs::remove_file(folder.join("checkpoint-2.safetensors"))?;
    let none = desk.ends(8, &["train", "--resume", "run"])?;
    if said.contains("no checkpoint that can be used") && none.contains("has no checkpoint;") {
        Ok(())
    } else {
        Err(said.into())
    }
}

/// What would make another training of it is refused, difference by difference; what would not is allowed.
fn another_run_is_not_gone_on_with() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = |count: usize| {
        (0..count).fold("x,z,y\n".to_string(), |text, row| text + &format!("{row},{},{}\n", row % 7, row % 2))
    };
    fs::write(desk.path().join("rows.csv"), rows(300))?;
    let train = ["train", "rows.csv", "--epochs", "4", "--schedule", "constant", "--device", "cpu", "-o"];
    desk.ends(0, &[&train[..], &["run"]].concat())?;
    let before = desk.left("run")?;
    for (flags, differences) in [
        (vec!["--optimizer", "sgd"], vec!["optimizer was adam and is sgd"]),
        (vec!["--hidden", "3"], vec!["the network was 2-128-1 and is 2-3-1"]),
        (vec!["--seed", "5", "--batch-size", "9"], vec!["seed was 0 and is 5", "batch-size was 8 and is 9"]),
        (vec!["--precision", "f64"], vec!["precision was f32 and is f64"]),
        (vec!["--loss", "squared-error"], vec!["loss was binary-cross-entropy and is squared-error"]),
    ] {
        let said = desk.ends(8, &[&["train", "--resume", "run"], &flags[..]].concat())?;
        if let Some(difference) = differences.iter().find(|difference| !said.contains(**difference)) {
            return Err(format!("{flags:?}: '{difference}' is not in: {said}").into());
        }
    }
    fs::write(desk.path().join("rows.csv"), rows(301))?;
    let more = desk.ends(8, &["train", "--resume", "run"])?;
    fs::write(desk.path().join("rows.csv"), rows(300).replace("\n7,0,1", "\n7,0,0"))?;
    let other = desk.ends(8, &["train", "--resume", "run"])?;
    if !more.contains("the training rows were 270 and are 271") || !other.contains("rows are other ones") {
        return Err(format!("{more}{other}").into());
    }
    assert!(desk.left("run")? == before, "nothing is changed");
    fs::write(desk.path().join("rows.csv"), rows(300))?;
    let said = desk.ends(0, &["train", "--resume", "run", "--learning-rate", "0.01", "--epochs", "5"])?;
    if !said.contains("learning-rate was 0.001 and is 0.01, from here on") {
        return Err(said.into());
    }
    fs::remove_dir_all(desk.path().join("run"))?;

    // The same rows elsewhere, more epochs and threads: the same training.
    fs::remove_file(desk.path().join("rows.csv"))?;
    fs::write(desk.path().join("moved.csv"), rows(300))?;
    desk.ends(0, &[&["train", "moved.csv"], &train[2..], &["run"]].concat())?;
    desk.ends(0, &["train", "moved.csv", "--resume", "run", "--epochs", "9", "--threads", "1"])?;
    let whole = [
        "train",
        "moved.csv",
        "--epochs",
        "9",
        "--schedule",
        "constant",
        "--device",
        "cpu",
        "--batch-size",
        "8",
        "-o",
        "whole",
    ];
    desk.ends(0, &whole)?;
    desk.same("whole", "run")?;
    let usage = desk.ends(2, &["train", "--resume", "nowhere"])?;
    if usage.contains("there is no such folder") { Ok(()) } else { Err(usage.into()) }
}

/// The places of a run that time ended, and of one that patience ended: gone on with, they end as a run without an end does.
fn time_and_patience_leave_what_goes_on() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "digits", "--device", "cpu", "--seed", "1", "--epochs"];
    desk.ends(0, &[&train[..], &["40", "-o", "whole"]].concat())?;
    desk.ends(0, &[&train[..], &["40", "--max-time", "0.03s", "-o", "run"]].concat())?;
    let said = desk.ends(0, &["train", "--resume", "run", "--max-time", "1h"])?;
    if !said.contains("goes on after epoch") {
        return Err(said.into());
    }
    desk.same("whole", "run")?;

    desk.ends(0, &[&train[..], &["400", "--patience", "3", "-o", "early"]].concat())?;
    let before = desk.left("early")?;
    desk.ends(0, &["train", "--resume", "early"])?;
    assert!(desk.left("early")? == before, "a run that ended is not trained on");
    desk.ends(0, &["train", "--resume", "early", "--patience", "6"])?;
    desk.ends(0, &[&train[..], &["400", "--patience", "6", "-o", "later"]].concat())?;
    desk.same("later", "early")
}

/// Two at once in one folder are one too many.
fn a_run_under_way_is_not_gone_on_with() -> Result<(), Failed> {
    let desk = Desk::new();
    let arguments = ["train", "digits", "--device", "cpu", "--epochs", "1000000", "-o", "run", "--quiet"];
    let mut child = desk.command(&arguments).stdout(Stdio::null()).spawn()?;
    let started = Instant::now();
    while !desk.path().join("run/checkpoint.safetensors").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "a checkpoint before the first step");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refused = desk.ends(2, &["train", "--resume", "run"]);
    child.kill()?;
    child.wait()?;
    let said = refused?;
    if said.contains("another wgrad works in") { Ok(()) } else { Err(said.into()) }
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = Vec::new();
    for (hidden, optimizer, shuffle) in [
        (17, OptimizerKind::Adam, true),
        (17, OptimizerKind::Sgd, false),
        (300, OptimizerKind::Momentum, true),
        (300, OptimizerKind::Adam, false),
    ] {
        let net = Net { hidden, optimizer, shuffle, is_streamed: false, learning_rate: 0.01 };
        let name =
            format!("sessions of {hidden} hidden units, {optimizer}, {}", if shuffle { "shuffled" } else { "in order" });
        let cpu = || Device::cpu(Some(2), "test");
        trials.push(Trial::test(format!("{name}, f32"), move || interruptions_leave_no_trace::<f32>(net, &cpu())));
        trials.push(Trial::test(format!("{name}, f64"), move || interruptions_leave_no_trace::<f64>(net, &cpu())));
        for (is_streamed, what) in [(false, "gpu"), (true, "gpu, streamed")] {
            let net = Net { is_streamed, ..net };
            trials.push(shared.trial(format!("{name}, {what}"), move |_| {
                let device = Device::choose(&Wanted::Gpu, None, false)?;
                interruptions_leave_no_trace::<f32>(net, &device)
            }));
        }
    }
    for hidden in [17, 300] {
        let net = Net { hidden, optimizer: OptimizerKind::Momentum, shuffle: true, is_streamed: false, learning_rate: 1e37 };
        let name = format!("the step that diverges, {hidden} hidden units");
        trials.push(Trial::test(format!("{name}, f32"), move || {
            divergence_is_found::<f32>(net, &Device::cpu(Some(2), "test"))
        }));
        trials.push(shared.trial(format!("{name}, gpu"), move |_| {
            divergence_is_found::<f32>(net, &Device::choose(&Wanted::Gpu, None, false)?)
        }));
    }
    trials.push(Trial::test("runs that diverge on the CPU", || a_run_that_diverges_says_where("cpu")));
    trials.push(shared.trial("runs that diverge on a GPU".into(), |_| a_run_that_diverges_says_where("gpu")));
    // Signals are sent by the shell's kill.
    trials.push(Trial::test("runs that are killed", killed_runs_end_with_the_same_bits).on_unix());
    trials.push(Trial::test("runs that are interrupted on the CPU", || signals_save_and_runs_go_on("cpu", 20)).on_unix());
    trials.push(
        shared.trial("runs that are interrupted on a GPU".into(), |_| signals_save_and_runs_go_on("gpu", 10)).on_unix(),
    );
    trials.push(Trial::test("validation rows that overflow", validation_that_overflows_is_told_at_once));
    trials.push(Trial::test("odd files in a run", odd_files_in_a_run_are_refused).on_unix());
    trials.push(Trial::test("a run that is done", a_run_that_is_done_stays_as_it_is));
    trials.push(Trial::test("damaged checkpoints", damaged_checkpoints_are_passed_over));
    trials.push(Trial::test("runs of other data, shapes and options", another_run_is_not_gone_on_with));
    trials.push(Trial::test("runs that time or patience ended", time_and_patience_leave_what_goes_on));
    trials.push(Trial::test("runs that are under way", a_run_under_way_is_not_gone_on_with));
    trials
}
