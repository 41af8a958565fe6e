//! What the terminal says: tables that fit it, folds in a line each, the moving line and signals, the epoch whose weights are saved, and
//! remarks on trainings that get nowhere.

use serde_json::Value;

use crate::common::{Desk, Failed, Trial, ended};

type Outcome = Result<(), Failed>;

const CPU: [&str; 3] = ["train", "--device", "cpu"];

/// What a training says on stderr and on stdout.
fn trained(desk: &Desk, more: &[&str]) -> Result<[String; 2], Failed> {
    let arguments = [&CPU[..], more].concat();
    let output = desk.run(&arguments);
    Ok([ended(0, &arguments, &output)?, String::from_utf8(output.stdout)?])
}

fn count(text: &str, part: &str) -> usize {
    text.lines().filter(|line| line.contains(part)).count()
}

fn folds_say_once_what_they_have_in_common_and_their_scores_fit_the_terminal() -> Outcome {
    let desk = Desk::new();
    let [said, table] = trained(&desk, &["breast-cancer", "--folds", "3", "--epochs", "2", "--ensemble", "1"])?;
    let once = ["rows to train on", "parameters;", "seed 0", "on the CPU", "into runs/breast-cancer-1"];
    assert!(once.iter().all(|part| count(&said, part) == 1), "{said}");
    let folds = (1..=3).all(|fold| count(&said, &format!("fold {fold} of 3: 2 epochs, ")) == 1);
    assert!(folds && count(&said, "epoch  ") + count(&said, "loss ") == 0 && said.lines().count() == 8, "{said}");
    assert!(table.lines().take(6).all(|line| line.chars().count() <= 80), "{table}");
    let head = table.lines().next().unwrap_or_default();
    assert!(["accuracy", "log loss", "AUC", "epochs"].iter().all(|name| head.contains(name)), "{table}");
    assert!(count(&table, "mean ") == 1 && count(&table, "   ± ") == 1, "{table}");

    // Numbers of many digits stand apart, and have no more of them than their deviation tells.
    let rows = (0..90).fold("a,b,price\n".to_owned(), |rows, row| {
        rows + &format!("{},{},{}\n", row % 7, row % 11, 200_000 + 31_000 * (row % 7) + 977 * (row % 5))
    });
    desk.write("prices.csv", rows);
    let more = ["prices.csv", "--task", "regression", "--folds", "3", "--epochs", "3", "--ensemble", "1", "-q"];
    let [said, table] = trained(&desk, &more)?;
    assert!(said.is_empty(), "{said}");
    let cells: Vec<Vec<&str>> = table.lines().take(6).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[0], ["fold", "R²", "RMSE", "MAE", "epochs"], "{table}");
    for (row, cells) in cells.iter().enumerate().skip(1) {
        assert_eq!(cells.len(), if row < 4 { 5 } else { 4 }, "{table}");
        assert!(cells[2].parse::<u64>().is_ok() && cells[3].parse::<u64>().is_ok(), "{table}");
    }
    Ok(())
}

fn the_epoch_whose_weights_are_saved_is_shown() -> Outcome {
    let desk = Desk::new();
    let common = ["wine", "--split", "0.5/0.3/0.2", "--ensemble", "1", "--epochs", "80", "--learning-rate", "0.02", "-q"];
    let json = trained(&desk, &[&common[..], &["--patience", "5", "--json"]].concat())?[1].clone();
    let report: Value = serde_json::from_str(&json)?;
    let (kept, last) = (&report["kept_epoch"], &report["last_epoch"]);
    assert!(kept["epoch"] == report["epoch"] && kept["epoch"].as_u64() < last["epoch"].as_u64(), "{report}");
    let loss = kept["validation_loss"].as_f64().ok_or("a loss")?;
    let text = trained(&desk, &[&common[..], &["--patience", "5"]].concat())?[1].clone();
    let line = text.lines().nth(1).unwrap_or_default();
    assert!(line.starts_with(&format!("epoch {}, whose weights are saved: loss ", kept["epoch"])), "{text}");
    let said = line.split("validation loss ").nth(1).and_then(|rest| rest.split(',').next()?.parse::<f64>().ok());
    assert!((said.ok_or("a number")? - loss).abs() < 1e-5 * loss.max(1.0), "{text}");
    assert!(!text.contains("was better") && !text.contains("last epoch"), "{text}");

    let text = trained(&desk, &common)?[1].clone();
    assert!(text.contains("\nlast epoch: loss ") && text.contains(" was better: validation loss "), "{text}");
    let patience = text.split("; --patience ").nth(1).and_then(|rest| rest.split(' ').next()).ok_or("a patience")?;
    let text = trained(&desk, &[&common[..], &["--patience", patience]].concat())?[1].clone();
    assert!(!text.contains(" was better"), "what it says to type: {text}");
    Ok(())
}

/// Each is noticed where it is: an embedded set that is trained as usual is no reason to say anything.
fn healthy_trainings_are_not_remarked_upon() -> Outcome {
    let desk = Desk::new();
    for set in ["iris", "wine", "breast-cancer", "digits", "wine-quality"] {
        for more in [&["--ensemble", "1"][..], &["--ensemble", "2", "--epochs", "5", "--split", "0.6/0.2/0.2"]] {
            let [said, _] = trained(&desk, &[&[set, "-q"], more].concat())?;
            assert!(said.is_empty(), "{set} {more:?}: {said}");
        }
    }
    Ok(())
}

fn what_learns_nothing_or_has_few_rows_is_told_once() -> Outcome {
    let desk = Desk::new();
    let row =
        |row: usize| format!("{},{},{}\n", row * 37 % 101, row * 53 % 97, ["no", "yes"][usize::from(row * 37 % 101 > 80)]);
    desk.write("t.csv", (0..300).fold("a,b,y\n".to_owned(), |rows, number| rows + &row(number)));
    desk.write(
        "three.csv",
        (0..3).fold("a,b,y\n".to_owned(), |rows, number| rows + &format!("{number},{},{}\n", number * 3, number * 2)),
    );
    let deep = ["t.csv", "--hidden", "8,8,8", "--activation", "sigmoid", "--optimizer", "sgd", "--epochs", "3", "-q"];
    for (more, told) in [
        (&["--split", "0.8/0/0.2"][..], "wgrad: the model says 'no' for all 60 test rows"),
        (&["--split", "0.8/0.2/0"], "wgrad: the model says 'no' for all 60 validation rows"),
        (&["--split", "1/0/0"], "wgrad: the training loss ended at "),
        (&["--folds", "3"], "wgrad: the model says 'no' for all 100 test rows"),
    ] {
        let [said, _] = trained(&desk, &[&deep[..], more].concat())?;
        assert!(count(&said, told) == 1 && count(&said, "says 'no' for all") <= 1, "{more:?}: {said}");
    }
    let [said, _] = trained(&desk, &["t.csv", "--ensemble", "1", "--epochs", "40", "--split", "0.8/0/0.2", "-q"])?;
    assert!(said.is_empty(), "it learns: {said}");
    let [said, _] = trained(&desk, &["three.csv", "--task", "regression", "-q"])?;
    assert!(
        said.contains("wgrad: 3 training rows can be learnt by heart") && said.contains("no row is left to test it"),
        "{said}"
    );
    Ok(())
}

/// That there is no GPU is told, and not in every run.
fn why_the_cpu_is_taken_is_told_once_a_day() -> Outcome {
    let desk = Desk::new();
    let said = |desk: &Desk| {
        let mut command = desk.command(&["train", "iris", "--epochs", "1", "--ensemble", "1"]);
        let output = command.env("WGRAD_CACHE", desk.path().join("cache")).output().expect("the binary runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let is_told = |said: &str| said.contains("no GPU was found") || said.contains("the only GPU here is a software adapter");
    let (first, second) = (said(&desk), said(&desk));
    if is_told(&first) {
        assert!(!is_told(&second) && second.lines().any(|line| line.starts_with("on the CPU, ")), "{second}");
    }
    assert!(!trained(&desk, &["iris", "--epochs", "1"])?[0].contains("asked for"), "who asked knows it");
    Ok(())
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::fs::{File, OpenOptions};
    use std::io::Read;
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// What a run prints on a terminal of 80 columns, while something is done to it; and its exit code.
    fn said(desk: &Desk, arguments: &[&str], color: Option<&str>, act: impl FnOnce(&Child)) -> (String, Option<i32>) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal to open");
        let name = ptsname(&terminal, Vec::new()).expect("its name").into_string().expect("UTF-8");
        let end = OpenOptions::new().read(true).write(true).open(name).expect("its other end");
        let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&end, size).expect("its size");
        let mut command = desk.command(arguments);
        command.env_remove("NO_COLOR").env("TERM", "xterm").envs(color.map(|value| ("NO_COLOR", value)));
        let mut child = command.stdout(Stdio::null()).stderr(end).spawn().expect("the binary runs");
        drop(command);
        let reading = thread::spawn(move || {
            let (mut terminal, mut text) = (File::from(terminal), Vec::new());
            // Linux ends what a terminal says with an error.
            let _ = terminal.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        act(&child);
        let code = child.wait().expect("it ends").code();
        (reading.join().expect("what it said"), code)
    }

    pub(super) fn the_losses_are_shown_in_colours_unless_they_are_not_wanted() -> Outcome {
        let desk = Desk::new();
        for (more, no_color, is_shown, is_coloured) in [
            (&[][..], None, true, true),
            (&[][..], Some(""), true, true),
            (&[][..], Some("1"), true, false),
            (&["--color", "never"][..], None, true, false),
            (&["--color", "always"][..], Some("1"), true, true),
            (&["--quiet"][..], None, false, false),
        ] {
            let arguments = [&CPU[..], &["iris", "--epochs", "5"], more].concat();
            let (said, code) = said(&desk, &arguments, no_color, |_| {});
            assert_eq!(code, Some(0), "{said}");
            let dots = said.chars().filter(|character| ('\u{2801}'..='\u{28ff}').contains(character)).count();
            assert_eq!(said.contains("loss of 5 epochs") && dots > 20, is_shown, "{more:?}, {no_color:?}: {said}");
            assert_eq!(said.contains("\u{1b}[34m"), is_coloured, "{more:?}, {no_color:?}: {said}");
        }
        Ok(())
    }

    /// A training that goes on until it is told to end, and has begun.
    const LONG: [&str; 8] = ["digits", "--epochs", "100000", "--ensemble", "1", "-o", "run", "--checkpoint-every=1"];

    fn signal(child: &Child) {
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    }

    /// Waits for the first epoch.
    fn begun(desk: &Desk) {
        let started = Instant::now();
        let metrics = desk.path().join("run/metrics.jsonl");
        while std::fs::metadata(&metrics).map_or(0, |file| file.len()) == 0 && started.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn a_signal_takes_the_moving_line_away_and_long_lines_end_between_words() -> Outcome {
        let desk = Desk::new();
        let arguments = [&CPU[..], &LONG].concat();
        let (said, code) = said(&desk, &arguments, None, |child| {
            begun(&desk);
            thread::sleep(Duration::from_millis(300));
            signal(child);
        });
        assert_eq!(code, Some(130), "{said}");
        let states: Vec<&str> = said.split('\r').filter(|state| state.contains('░')).collect();
        assert!(!states.is_empty() && states.iter().all(|state| state.chars().count() <= 79), "{said}");
        let after = said.rsplit_once('░').map(|(_, after)| after).unwrap_or_default();
        assert!(after.contains(&format!("\r{}\r", " ".repeat(79))), "the line is not taken away: {said}");
        assert!(
            said.lines().flat_map(|line| line.split('\r')).all(|line| line.chars().count() <= 80 || line.contains('\u{1b}')),
            "{said}"
        );
        Ok(())
    }

    pub(super) fn a_second_signal_says_what_the_training_goes_on_from() -> Outcome {
        let desk = Desk::new();
        // A step that takes long: the second signal comes before it is done.
        let wide =
            ["digits", "--epochs", "9", "--hidden", "6000,6000", "--batch-size", "1617", "--ensemble", "1", "-o", "run"];
        let arguments = [&CPU[..], &wide].concat();
        let (said, code) = said(&desk, &arguments, None, |child| {
            let started = Instant::now();
            let checkpoint = desk.path().join("run/checkpoint.safetensors");
            while !checkpoint.exists() && started.elapsed() < Duration::from_secs(120) {
                thread::sleep(Duration::from_millis(10));
            }
            // What is said is known a moment after the checkpoint is there.
            thread::sleep(Duration::from_millis(500));
            // One after the other at once: two of a kind that wait are one.
            let both = format!("kill -INT {0}; kill -TERM {0}", child.id());
            Command::new("sh").args(["-c", &both]).status().expect("kill");
        });
        assert!(matches!(code, Some(130 | 143)), "{code:?}: {said}");
        assert!(said.ends_with("wgrad: ended at once; wgrad train --resume run goes on from step 0\r\n"), "{said}");
        Ok(())
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "folds say once what they have in common and their scores fit the terminal",
            folds_say_once_what_they_have_in_common_and_their_scores_fit_the_terminal,
        ),
        Trial::test("the epoch whose weights are saved is shown", the_epoch_whose_weights_are_saved_is_shown),
        Trial::test("healthy trainings are not remarked upon", healthy_trainings_are_not_remarked_upon),
        Trial::test("what learns nothing or has few rows is told once", what_learns_nothing_or_has_few_rows_is_told_once),
        Trial::test("why the CPU is taken is told once a day", why_the_cpu_is_taken_is_told_once_a_day),
        #[cfg(target_os = "linux")]
        Trial::test(
            "the losses are shown in colours unless they are not wanted",
            on_a_terminal::the_losses_are_shown_in_colours_unless_they_are_not_wanted,
        ),
        #[cfg(target_os = "linux")]
        Trial::test(
            "a signal takes the moving line away and long lines end between words",
            on_a_terminal::a_signal_takes_the_moving_line_away_and_long_lines_end_between_words,
        ),
        #[cfg(target_os = "linux")]
        Trial::test(
            "a second signal says what the training goes on from",
            on_a_terminal::a_second_signal_says_what_the_training_goes_on_from,
        ),
    ]
}
