//! What was tried to break wgrad from outside, and what it does instead: outputs over files that must stay, names that
//! are no UTF-8, no threads, memory that ends on the way, folders from elsewhere, text that steers a terminal, signals.
//! `hostile` has the damaged files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Desk, Failed, Trial, ended};
use serde_json::{Value, json};

/// A folder with a short run of iris in `run`, and its model beside it as `model.safetensors`.
fn desk() -> Result<Desk, Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", iris());
    desk.ends(0, &["train", "rows.csv", "--epochs", "3", "--device", "cpu", "-q", "-o", "run"])?;
    fs::copy(desk.path().join("run/model.safetensors"), desk.path().join("model.safetensors"))?;
    Ok(desk)
}

/// Every file below a folder, with what is in it and whether it is a link.
fn files(folder: &Path) -> Vec<(String, bool, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let is_link = path.is_symlink();
        match path.is_dir() && !is_link {
            true => found.extend(files(&path)),
            // A pipe would be waited for.
            false if is_link || !path.is_file() => found.push((path.to_string_lossy().into_owned(), is_link, Vec::new())),
            false => found.push((path.to_string_lossy().into_owned(), is_link, fs::read(&path).unwrap_or_default())),
        }
    }
    found.sort();
    found
}

/// Whatever writes a file is aimed at files that have to stay: they do, to the byte, and the exit code is 2.
fn outputs_leave_what_must_stay() -> Result<(), Failed> {
    let desk = desk()?;
    desk.write("precious", "precious\n");
    desk.write("folder/file", "in a folder\n");
    desk.write("net.onnx", onnx(&desk)?);
    desk.ends(0, &["train", "rows.csv", "--folds", "2", "--epochs", "1", "--device", "cpu", "-q", "-o", "folds"])?;
    // What a run's folder holds, as it is spelled and otherwise; a link, a folder, and devices and pipes.
    let mut places: Vec<String> = ["run.toml", "model.safetensors", "checkpoint.safetensors", "checkpoint-1.safetensors"]
        .iter()
        .chain(&["metrics.jsonl", "report.json", "wgrad.lock", "../run/run.toml", "./run.toml"])
        .map(|name| format!("run/{name}"))
        .collect();
    places.extend(["folds/folds.json", "folds/fold-1/model.safetensors", "folder", ".", "no/folder", ""].map(String::from));
    if cfg!(unix) {
        desk.shell("ln -s precious link; ln -s ../run/run.toml folder/linked; ln -s run other; mkfifo pipe")?;
        places.extend(["link", "folder/linked", "other/run.toml", "pipe", "/dev/null"].map(String::from));
    }
    let before = files(desk.path());
    let events = before.iter().find(|(path, ..)| path.contains("/run/events")).map(|(path, ..)| path.clone());
    places.extend(events);
    // Data from stdin is a file as well.
    #[cfg(unix)]
    {
        let mut command = desk.command(&["predict", "run", "-", "--device", "cpu", "-q", "-o", "rows.csv"]);
        ended(2, &["stdin"], &command.stdin(fs::File::open(desk.path().join("rows.csv"))?).output()?)?;
    }
    let commands: [(&[&str], &str); 8] = [
        (&["predict", "run", "rows.csv", "--device", "cpu", "-q"], "-o"),
        (&["predict", "model.safetensors", "rows.csv", "--append", "--device", "cpu", "-q"], "-o"),
        (&["export", "run", "--format", "json"], "-o"),
        (&["export", "run", "--format", "npz"], "-o"),
        (&["import", "net.onnx"], "-o"),
        (&["report", "run", "-q"], "-o"),
        (&["report", "run", "run", "-q"], "-o"),
        (&["bench", "--quick", "--time", "1s", "--device", "cpu", "-q"], "--html"),
    ];
    for (command, flag) in commands {
        // What a command reads is as safe.
        let read = command.iter().filter(|word| desk.path().join(word).is_file()).map(|word| format!("./{word}"));
        for place in places.iter().cloned().chain(read) {
            let arguments: Vec<&str> = command.iter().copied().chain([flag, &place]).collect();
            let said = desk.ends(2, &arguments)?;
            if !said.contains(':') && !said.contains("a value is required") {
                return Err(format!("{arguments:?} names no file: {said}").into());
            }
            if files(desk.path()) != before {
                return Err(format!("{arguments:?} has changed a file").into());
            }
        }
    }
    Ok(())
}

/// Commands that write many files into a folder follow no link that somebody has put there.
fn links_in_folders_are_not_followed() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("precious", "precious\n");
    desk.ends(0, &["man", "-o", "man"])?;
    desk.ends(0, &["devices", "--dump-shaders", "shaders"])?;
    // Once more, over their own files.
    desk.ends(0, &["man", "-o", "man"])?;
    for (folder, command) in [("man", &["man", "-o"][..]), ("shaders", &["devices", "--dump-shaders"])] {
        let mut names: Vec<_> = fs::read_dir(desk.path().join(folder))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        names.sort();
        let planted = desk.path().join(format!("planted-{folder}"));
        fs::create_dir(&planted)?;
        let link = planted.join(names[names.len() / 2].file_name().ok_or("a name")?);
        #[cfg(unix)]
        std::os::unix::fs::symlink("../precious", &link)?;
        let planted = format!("planted-{folder}");
        let said = desk.ends(2, &[command, &[planted.as_str()]].concat())?;
        if !said.contains("symbolic link") || desk.bytes("precious") != b"precious\n" {
            return Err(said.into());
        }
    }
    Ok(())
}

/// Names of every kind of file that are no UTF-8 do what others do: the run can be gone on with, and nothing panics.
#[cfg(unix)]
fn names_that_are_no_utf8() -> Result<(), Failed> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let desk = desk()?;
    let name = |text: &str| OsString::from_vec(text.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect());
    let run = |arguments: &str| -> Result<Output, Failed> {
        let mut command = desk.command(&[]);
        command.args(arguments.split(' ').map(name));
        let output = command.output()?;
        ended(0, &[arguments], &output)?;
        Ok(output)
    };
    desk.write("images.idx", idx(&[40, 2, 2], &(0..160).map(|pixel| (pixel * 37 % 251) as u8).collect::<Vec<_>>()));
    desk.write("labels.idx", idx(&[40], &(0..40).map(|row| row % 2).collect::<Vec<u8>>()));
    desk.shell("mv rows.csv \"$(printf 'r\\377.csv')\"; mv labels.idx \"$(printf 'l\\377.idx')\"")?;
    desk.shell("cp model.safetensors \"$(printf 'm\\377.safetensors')\"; mkdir \"$(printf 'd\\377')\"; cp \"$(printf 'r\\377.csv')\" \"$(printf 'd\\377/p\\376.csv')\"")?;
    for arguments in [
        "data r?.csv --json",
        "data d? --json",
        "train r?.csv --epochs 2 --device cpu --json -o o?",
        "train --resume o? --epochs 3 --json",
        "train d? --epochs 1 --device cpu -o of?",
        "train r?.csv --test r?.csv --validation r?.csv --epochs 1 --device cpu --json -o ot?",
        "train --resume ot? --epochs 2 -q",
        "train images.idx --labels l?.idx --epochs 1 --device cpu --json -o i?",
        "train --resume i? --epochs 2 --json",
        "train images.idx --labels l?.idx --validation images.idx --validation-labels l?.idx --test images.idx --test-labels l?.idx \
         --epochs 1 --device cpu --json -o v?",
        "train --resume v? --epochs 2 -q",
        "train r?.csv --finetune m?.safetensors --epochs 1 --device cpu --json -o f?",
        "train --resume f? --epochs 2 -q",
        "train r?.csv --init m?.safetensors --epochs 1 --device cpu --json -o n?",
        "train --resume n? --epochs 2 -q",
        "train r?.csv --folds 2 --epochs 1 --device cpu --json -o k?",
        "predict m?.safetensors r?.csv -q -o p?.csv",
        "predict o? r?.csv --json --device cpu",
        "evaluate o? r?.csv --json --device cpu",
        "gradcheck m?.safetensors r?.csv --json",
        "inspect m?.safetensors --json",
        "inspect o? --json",
        "export m?.safetensors --format npz --json",
        "export m?.safetensors --format onnx --plain --json -o e?.onnx",
        "import e?.onnx --json",
        "report o? --json",
        "report o? f? --json -o c?.html",
        "devices --dump-shaders s? --json",
        "man -o man?",
    ] {
        let output = run(arguments)?;
        if arguments.contains("--json") && serde_json::from_slice::<Value>(&output.stdout).is_err() {
            return Err(format!("{arguments}: no JSON").into());
        }
    }
    // The command that a run gives to go on can be pasted into a shell.
    desk.ends(0, &["train", "iris", "--epochs", "1", "--device", "cpu", "-q", "-o", "again"])?;
    let said = String::from_utf8_lossy(&run("train r?.csv --epochs 1 --device cpu -o said?")?.stdout).into_owned();
    let next =
        said.lines().find_map(|line| line.split("wgrad evaluate ").nth(1)?.split(", wgrad").next().map(str::to_owned));
    let shown = next.ok_or("a next command")?;
    let script = format!("[ -d {shown} ]");
    match Command::new("bash").args(["-c", &script]).current_dir(desk.path()).status() {
        Ok(status) if !status.success() => Err(format!("{shown} is no folder for a shell").into()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn names_that_are_no_utf8() -> Result<(), Failed> {
    Ok(())
}

/// A user who may start no thread: one is enough, unless more were asked for. Root is held by no such limit.
fn no_threads() -> Result<(), Failed> {
    let desk = desk()?;
    // The binary may lie where others cannot reach it.
    let binary = desk.path().join("wgrad");
    fs::copy(env!("CARGO_BIN_EXE_wgrad"), &binary)?;
    desk.shell("chmod -R a+rwX .; chmod a+x wgrad")?;
    let limited = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "prlimit", "--nproc=1"]);
        command.arg(&binary).args(arguments).current_dir(desk.path()).stdin(Stdio::null()).env("HOME", desk.path());
        command.output()
    };
    for (code, arguments) in [
        (0, "data rows.csv"),
        (0, "train rows.csv --epochs 2 --hidden 256 --batch-size 64 --device cpu -q -o one"),
        (0, "train rows.csv --epochs 2 --device cpu -q -o two --threads 1"),
        (6, "train rows.csv --epochs 2 --device cpu -q -o three --threads 4"),
        (0, "train rows.csv --memory 1KiB --epochs 2 --device cpu -q -o four"),
        (0, "predict run rows.csv --device cpu -q"),
        (0, "evaluate run rows.csv --device cpu -q"),
        (6, "evaluate run rows.csv --device cpu -q --threads 2"),
        (0, "gradcheck run rows.csv"),
        (0, "lesson trask --device cpu"),
        (0, "bench --quick --time 1s --device cpu -q"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        ended(code, &arguments, &limited(&arguments)?)?;
    }
    Ok(())
}

/// Whether threads can be forbidden here: by root, to another user.
fn can_forbid_threads() -> bool {
    // The other user has to reach the folder of the test.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "prlimit", "--nproc=1", "test", "-x"]);
    let works = command.arg(std::env::temp_dir()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    cfg!(target_os = "linux") && works
}

/// Under each of many limits of memory a command does what it should or ends with exit code 6, and leaves nothing half-done.
fn memory_that_ends_on_the_way() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut table = (0..40).map(|column| format!("c{column},")).collect::<String>() + "t,y\n";
    for row in 0..6000 {
        (0..40).for_each(|column| table += &format!("{},", f64::from(row * (column + 3) % 997) / 10.0));
        table += &format!("w{},{}\n", row % 50, ["p", "q", "r", "s"][row as usize % 4]);
    }
    desk.write("rows.csv", &table);
    desk.ends(0, &["train", "rows.csv", "--epochs", "1", "--device", "cpu", "-q", "-o", "run"])?;
    desk.ends(0, &["predict", "run", "rows.csv", "-q", "--device", "cpu", "-o", "expected.csv"])?;
    let commands = [
        "predict run rows.csv --json --probabilities -q --device cpu --threads 1",
        "predict run rows.csv -q --device cpu --threads 1 -o out.csv",
        "predict run rows.csv --append -q --device cpu --threads 1",
        "evaluate run rows.csv --json --device cpu --threads 1",
        "train rows.csv --epochs 1 --device cpu -q --threads 1 -o out",
        "train rows.csv --memory 1MiB --epochs 1 --device cpu -q --threads 1 -o out",
        "data rows.csv",
        "gradcheck run rows.csv --rows 200",
        "export run --format onnx -o out.onnx",
        "report run -q -o out.html",
    ];
    for arguments in commands {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut codes = Vec::new();
        // The least is about what the program itself takes.
        for mebibytes in (24..120).step_by(6) {
            let output = desk.limited(&arguments, &format!("ulimit -v {}", mebibytes << 10));
            let code = output.status.code();
            // The loader itself may find no room.
            let is_loader = code == Some(127);
            if !matches!(code, Some(0 | 6)) && !is_loader {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{arguments:?}, {mebibytes} MiB: {:?}: {said}", output.status).into());
            }
            codes.push(code);
            let left = |name: &str| desk.path().join(name);
            if code == Some(6) && (left("out.csv").exists() || left("out.onnx").exists() || left("out.html").exists()) {
                return Err(format!("{arguments:?}, {mebibytes} MiB: leaves its output half-done").into());
            }
            if code == Some(0) && arguments.contains(&"out.csv") && desk.bytes("out.csv") != desk.bytes("expected.csv") {
                return Err(format!("{arguments:?}, {mebibytes} MiB: other predictions").into());
            }
            for name in ["out.csv", "out.onnx", "out.html"] {
                drop(fs::remove_file(left(name)));
            }
            drop(fs::remove_dir_all(left("out")));
        }
        // Of what reads no rows the least limit may be enough.
        let is_small = !arguments.contains(&"rows.csv");
        if !codes.contains(&Some(6)) && !is_small || codes.last() != Some(&Some(0)) {
            return Err(format!("{arguments:?}: no limit was too small, or all were: {codes:?}").into());
        }
    }
    let temporary =
        fs::read_dir(desk.path())?.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".wgrad-"));
    if temporary.count() == 0 { Ok(()) } else { Err("a temporary file was left".into()) }
}

/// A control group with this limit of memory, as a container has it; none where none can be made.
struct Group(PathBuf);

impl Group {
    fn new(mebibytes: u64) -> Option<Self> {
        let name = format!("wgrad-test-{}-{mebibytes}", std::process::id());
        // Version 2 and version 1 of the interface.
        for (root, limit) in [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")] {
            let group = Self(Path::new(root).join(&name));
            let made = fs::create_dir(&group.0).and_then(|()| fs::write(group.0.join(limit), (mebibytes << 20).to_string()));
            if made.is_ok() && group.0.join("cgroup.procs").exists() {
                return Some(group);
            }
        }
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}

/// In a container with little memory a command does what it should or ends with exit code 6: the system kills none.
fn memory_of_a_container() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut table = String::from("a,b,c,y\n");
    (0..1_500_000)
        .for_each(|row| table += &format!("{},{},w{},{}\n", row % 97, row * 7 % 1009, row % 50, ["p", "q"][row % 2]));
    desk.write("rows.csv", &table);
    desk.ends(0, &["train", "rows.csv", "--epochs", "1", "--batch-size", "8192", "--device", "cpu", "-q", "-o", "run"])?;
    for arguments in [
        "data rows.csv",
        "train rows.csv --epochs 1 --batch-size 8192 --device cpu -q -o out",
        "predict run rows.csv --device cpu -q -o out.csv",
        "predict run rows.csv --device cpu -q --json --probabilities",
        "evaluate run rows.csv --device cpu -q",
    ] {
        for mebibytes in [24, 48, 128, 320] {
            let group = Group::new(mebibytes).ok_or("a control group")?;
            let join = format!("echo $$ > {}/cgroup.procs", group.0.display());
            let output = desk.limited(&arguments.split(' ').collect::<Vec<_>>(), &join);
            if !matches!(output.status.code(), Some(0 | 6)) {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{arguments} in {mebibytes} MiB: {:?}: {said}", output.status).into());
            }
            drop(fs::remove_dir_all(desk.path().join("out")));
        }
    }
    Ok(())
}

/// A run's folder from elsewhere, of which something is not what it should be: data errors, at once, in little memory.
fn folders_from_elsewhere() -> Result<(), Failed> {
    let desk = desk()?;
    let reported = |what: &str, said: &str| -> Result<(), Failed> {
        let output = desk.limited(&["report", "x", "-q"], "ulimit -v 700000; ulimit -t 20");
        let stderr = ended(3, &[what], &output)?;
        if stderr.contains(said) { Ok(()) } else { Err(format!("{what}: {stderr}").into()) }
    };
    let account: Value = serde_json::from_slice(&desk.bytes("run/report.json"))?;
    let with = |key: &str, value: Value| {
        let mut account = account.clone();
        account[key] = value;
        account.to_string()
    };
    for (what, script, said) in [
        ("a pipe for metrics", "rm x/metrics.jsonl; mkfifo x/metrics.jsonl", "no plain file"),
        ("a pipe for the report's data", "rm x/report.json; mkfifo x/report.json", "no plain file"),
        ("a pipe for options", "rm x/run.toml; mkfifo x/run.toml", "no plain file"),
        ("a folder for metrics", "rm x/metrics.jsonl; mkdir x/metrics.jsonl", "it is a folder"),
        ("a device for metrics", "rm x/metrics.jsonl; ln -s /dev/zero x/metrics.jsonl", "symbolic link"),
        ("a device for the report's data", "rm x/report.json; ln -s /dev/zero x/report.json", "symbolic link"),
        ("other text for options", "rm x/run.toml; ln -s /etc/passwd x/run.toml", "symbolic link"),
        ("endless options", "truncate -s 1G x/run.toml", "bytes"),
        ("an endless line of metrics", "truncate -s 1G x/metrics.jsonl", "line"),
    ] {
        desk.shell(&format!("rm -rf x; cp -r run x; {script}"))?;
        reported(what, said)?;
    }
    let cases = [
        ("objects that take a thousand times their bytes", with("outcome", json!(vec![json!({ "a": 0 }); 4_000_000]))),
        ("lists", with("outcome", json!(vec![json!([]); 4_000_000]))),
        ("numbers", with("residuals", json!(vec![0; 8_000_000]))),
        ("brackets", with("outcome", Value::Null).replacen("null", &"[".repeat(1 << 20), 1)),
    ];
    for (what, text) in cases {
        desk.shell("rm -rf x; cp -r run x")?;
        desk.write("x/report.json", text);
        reported(what, "x/report.json")?;
    }
    // Sizes that are no images' are left out, and others drawn.
    for side in [0_u64, 1 << 32, u64::MAX, 3] {
        let image = json!({ "row": 1, "truth": "a", "predicted": "b", "probability": 0.5, "probability_of_truth": 0.5, "pixels": [1, 2, 3] });
        desk.shell("rm -rf x; cp -r run x")?;
        desk.write("x/report.json", with("images", json!({ "side": side, "wrong": 1, "worst": [image] })));
        ended(0, &["report"], &desk.limited(&["report", "x", "-q"], "ulimit -v 700000"))?;
    }
    Ok(())
}

/// The cache folder's files may be anything: what is none of wgrad's is as if it were not there.
fn a_cache_from_elsewhere() -> Result<(), Failed> {
    let desk = Desk::new();
    for script in [
        "mkfifo cache/tuning.json cache/looking cache/verified.json",
        "ln -s /dev/zero cache/tuning.json; ln -s /dev/zero cache/looking; ln -s /dev/zero cache/verified.json",
        "mkdir cache/tuning.json cache/looking cache/verified.json",
        "truncate -s 1G cache/tuning.json; truncate -s 1G cache/looking; truncate -s 1G cache/verified.json",
    ] {
        desk.shell(&format!("rm -rf cache; mkdir cache; {script}"))?;
        let script = "ulimit -t 60; WGRAD_CACHE=cache; export WGRAD_CACHE";
        let arguments = ["train", "iris", "--epochs", "1", "-q", "--tune", "-o", "out"];
        let output = desk.limited(&arguments, script);
        if !matches!(output.status.code(), Some(0 | 2)) {
            return Err(format!("{script}: {:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
        }
        ended(0, &["devices"], &desk.limited(&["devices"], script))?;
        drop(fs::remove_dir_all(desk.path().join("out")));
    }
    Ok(())
}

/// Nothing that came from outside reaches a terminal or a page in characters that move the cursor or turn text round.
fn text_that_steers() -> Result<(), Failed> {
    const STEERING: [char; 14] = [
        '\u{1b}',
        '\u{7f}',
        '\u{9b}',
        '\u{9d}',
        '\u{61c}',
        '\u{200b}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202e}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{e0041}',
    ];
    let desk = Desk::new();
    let all: String = STEERING.iter().collect();
    let mut table = format!("a{all},b{all},c,y{all}\n");
    (0..60).for_each(|row| table += &format!("{},k{}{all},{},c{}{all}\n", row % 7, row % 3, row % 5, row % 2));
    desk.write("rows.csv", &table);
    let name = format!("n{}.csv", all.replace('\u{feff}', ""));
    desk.write(&name, &table);
    let folder = format!("o{all}");
    let checked = |arguments: &[&str]| -> Result<(), Failed> {
        let output = desk.run(arguments);
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            if let Some(found) = STEERING.iter().find(|&&character| text.contains(character)) {
                return Err(format!("{arguments:?}: {} on {stream}: {:?}", found.escape_unicode(), text).into());
            }
        }
        match output.status.code() {
            Some(code) if code != 101 => Ok(()),
            _ => Err(format!("{arguments:?}: {:?}", output.status).into()),
        }
    };
    let target = format!("y{all}");
    checked(&["train", &name, "--target", &target, "--epochs", "2", "--device", "cpu", "-o", &folder])?;
    checked(&["train", "rows.csv", "--target", &target, "--epochs", "2", "--device", "cpu", "--json", "-o", "run"])?;
    for arguments in [
        &["data", &name][..],
        &["data", &name, "--json"],
        &["data", &all],
        &["inspect", "run"],
        &["inspect", "run", "--json"],
        &["inspect", &all],
        &["evaluate", "run", &name, "--device", "cpu"],
        &["evaluate", "run", "rows.csv", "--device", "cpu", "--json"],
        &["predict", "run", "rows.csv", "--device", "cpu", "--json", "--probabilities"],
        &["gradcheck", &folder, "rows.csv", "--json"],
        &["export", &folder, "--format", "onnx"],
        &["export", &folder, "--format", "onnx", "--json", "-o", "e.onnx"],
        &["export", &folder, "--format", "json", "-o", "-"],
        &["report", &folder],
        &["report", &folder, "run", "--json", "-o", "both.html"],
        &["train", &name, "--target", &all],
        &["train", &name, "--ignore", &all],
        &["train", &name, "--set", &format!("optimizer={all}")],
        &["train", &name, "--set", &all],
        &["train", &name, "--optimizer", &all],
        &["train", &name, "--device", &all],
        &["train", &name, &all],
        &["train", "iris", "--config", &all],
        &[&all],
        &["train", &format!("--{all}")],
        &["lesson", &all],
    ] {
        checked(arguments)?;
    }
    desk.write("options.toml", format!("optimizer = \"{all}\"\n"));
    checked(&["train", "iris", "--config", "options.toml"])?;
    desk.write("options.toml", format!("\"{}\" = 1\n", all.replace(['\u{1b}', '\u{7f}'], "")));
    checked(&["train", "iris", "--config", "options.toml"])?;
    for page in ["run/report.html", "both.html"] {
        let text = fs::read_to_string(desk.path().join(page))?;
        if let Some(found) = STEERING.iter().find(|&&character| text.contains(character)) {
            return Err(format!("{page}: {}", found.escape_unicode()).into());
        }
    }
    Ok(())
}

/// A signal in the middle of writing leaves nothing behind, not even one that cannot be caught; one that comes after it
/// leaves the whole.
fn signals_leave_nothing() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut table = String::from("a,b,y\n");
    (0..200_000).for_each(|row| table += &format!("{},{},{}\n", row % 97, row * 7 % 1009, ["p", "q"][row % 2]));
    desk.write("rows.csv", &table);
    desk.ends(0, &["train", "rows.csv", "--epochs", "1", "--batch-size", "4096", "--device", "cpu", "-q", "-o", "run"])?;
    let started = Instant::now();
    desk.ends(0, &["predict", "run", "rows.csv", "--append", "-q", "--device", "cpu", "-o", "out.csv"])?;
    let time = started.elapsed().as_millis() as u64;
    let whole = desk.bytes("out.csv");
    fs::remove_file(desk.path().join("out.csv"))?;
    for signal in ["TERM", "INT", "HUP", "KILL"] {
        // All over the time that it takes, of which writing is the last part.
        for delay in (1..=12).map(|part| time * part / 13) {
            let mut child = desk
                .command(&["predict", "run", "rows.csv", "--append", "-q", "--device", "cpu", "-o", "out.csv"])
                .spawn()?;
            std::thread::sleep(Duration::from_millis(delay));
            Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status()?;
            let status = child.wait()?;
            let names: Vec<_> = fs::read_dir(desk.path())?.flatten().map(|entry| entry.file_name()).collect();
            if let Some(left) = names.iter().find(|name| name.to_string_lossy().starts_with('.')) {
                return Err(format!("{signal} after {delay} ms leaves {left:?}").into());
            }
            let is_there = names.iter().any(|name| name == "out.csv");
            if is_there && desk.bytes("out.csv") != whole {
                return Err(format!("{signal} after {delay} ms leaves a part of the predictions").into());
            }
            if is_there {
                fs::remove_file(desk.path().join("out.csv"))?;
            } else if status.success() {
                return Err(format!("no predictions, {signal} after {delay} ms or not").into());
            }
        }
    }
    Ok(())
}

/// A file that somebody writes or replaces while it is read: the model is that of one of both, or there is none.
fn files_that_change_while_they_are_read() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = 0..150_000_u64;
    let old: String =
        rows.clone().map(|row| format!("{},{},{}\n", row % 97, row * 7 % 1009, ["p", "q"][row as usize % 2])).collect();
    let new: String =
        rows.map(|row| format!("{},{},{}\n", row * 7 % 1009, row % 97, ["p", "q"][row as usize % 2])).collect();
    let (old, new) = (format!("a,b,y\n{old}"), format!("b,a,y\n{new}"));
    let scaling = |run: &str| -> Result<String, Failed> {
        let output = desk.run(&["inspect", run]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines: Vec<&str> = text.lines().filter(|line| line.contains("(cell")).map(str::trim).collect();
        lines.sort_unstable();
        Ok(lines.join("\n"))
    };
    let train =
        ["train", "live.csv", "--memory", "1MiB", "--epochs", "1", "--batch-size", "4096", "--device", "cpu", "-q", "-o"];
    // Both say the same of each column, so a mixture shows.
    desk.write("live.csv", &old);
    desk.ends(0, &[&train[..], &["expected"]].concat())?;
    let expected = scaling("expected")?;
    let mut refused = 0;
    for (number, delay) in (0..12).map(|number| (number, 20 + 25 * number)) {
        let run = format!("run{number}");
        for edit in ["replace", "rewrite", "append"] {
            desk.write("live.csv", &old);
            desk.write("next.csv", &new);
            drop(fs::remove_dir_all(desk.path().join(&run)));
            let child = desk.command(&[&train[..], &[&run]].concat()).stderr(Stdio::piped()).spawn()?;
            std::thread::sleep(Duration::from_millis(delay));
            match edit {
                "replace" => fs::rename(desk.path().join("next.csv"), desk.path().join("live.csv"))?,
                "rewrite" => fs::write(desk.path().join("live.csv"), &new)?,
                _ => {
                    use std::io::Write;
                    fs::OpenOptions::new().append(true).open(desk.path().join("live.csv"))?.write_all(b"1,2,p\n")?;
                }
            }
            let output = child.wait_with_output()?;
            match output.status.code() {
                Some(0) => {
                    let found = scaling(&run)?;
                    if edit != "append" && found != expected {
                        return Err(format!("{edit} after {delay} ms:\n{found}\n{expected}").into());
                    }
                }
                Some(3) if !desk.path().join(&run).join("model.safetensors").exists() => refused += 1,
                _ => return Err(format!("{edit}: {:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
            }
        }
    }
    if refused > 0 { Ok(()) } else { Err("no change came while the file was read".into()) }
}

/// What is typed may be anything.
fn what_is_typed() -> Result<(), Failed> {
    let desk = desk()?;
    let deep = "a/".repeat(20_000) + "b";
    desk.write("deep.toml", format!("init = \"{deep}\"\n"));
    for (code, arguments) in [
        (2, "bench --quick --device cpu --net 2-2 --time 18000000000000000000s".to_owned()),
        (2, "bench kernels --device cpu --net 2-2 --time 1e30s".to_owned()),
        (2, format!("train iris --init {deep}")),
        (2, "train iris --config deep.toml".to_owned()),
        (3, format!("data {deep}")),
        (8, format!("inspect {deep}")),
        (2, "train iris --set threads=65535 -o no".to_owned()),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        desk.ends(code, &arguments)?;
    }
    // A model of eight gigabytes, of which the system makes zeros.
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).open(desk.path().join("large.safetensors"))?;
    let header = "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2000,1000000],\"data_offsets\":[0,8000000000]}}";
    std::io::Write::write_all(&mut &file, &[&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat())?;
    file.set_len(8 + header.len() as u64 + 8_000_000_000)?;
    let arguments = ["import", "large.safetensors", "--activation", "relu", "--output-activation", "identity"];
    ended(6, &arguments, &desk.limited(&arguments, "ulimit -v 3000000"))?;
    // Names of a pattern that are no UTF-8, and an archive that names an array twice.
    #[cfg(target_os = "linux")]
    {
        desk.shell("mkdir g; cp rows.csv g/a.csv; cp rows.csv \"$(printf 'g/b\\377.csv')\"")?;
        desk.shell("mkdir -p \"$(printf 'w/d\\377')\" w/da; cp rows.csv w/da; cp rows.csv \"$(printf 'w/d\\377')\"")?;
        for source in ["g/*.csv", "g", "w/d*/*.csv"] {
            let output = desk.run(&["data", source, "--json"]);
            let report: Value = serde_json::from_slice(&output.stdout)?;
            if report["rows"] != json!(300) {
                return Err(format!("{source}: {} rows", report["rows"]).into());
            }
        }
    }
    Ok(())
}

/// Whatever wgrad saves it reads again, or it refuses before the training.
fn what_is_written_is_read() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = |arguments: &str| desk.run(&arguments.split(' ').collect::<Vec<_>>());
    // More targets than a model's file has room for the scores of.
    let row = |first: &str| (0..56_000).map(|column| format!("{first}{column},")).collect::<String>();
    let table = format!("{}x\n{}", row("t"), format!("{}5\n{}7\n", row("1"), row("2")).repeat(6));
    desk.write("wide.csv", table);
    let targets: Vec<String> = (0..56_000).map(|column| format!("\"t{column}\"")).collect();
    desk.write("wide.toml", format!("data = \"wide.csv\"\ntarget = [{}]\nhidden = [1]\nepochs = 1\n", targets.join(",")));
    let said = ended(6, &["wide"], &train("train --config wide.toml --task regression --device cpu -q -o wide"))?;
    if !said.contains("metadata") || desk.path().join("wide").exists() {
        return Err(said.into());
    }
    // Numbers that lie closer together than divisions are exact for, as inputs and as targets.
    for scale in ["standard", "minmax"] {
        let cells: String = (0..40).map(|row| format!("{}e-310,{}e-312,{row}\n", row % 7 + 1, row % 5)).collect();
        desk.write("close.csv", format!("a,y,b\n{cells}"));
        for target in ["y", "b"] {
            drop(fs::remove_dir_all(desk.path().join("close")));
            let arguments = format!(
                "train close.csv --scale {scale} --target {target} --task regression --epochs 2 --device cpu -q -o close"
            );
            ended(0, &["close"], &train(&arguments))?;
            ended(0, &["close"], &train("evaluate close close.csv --device cpu -q"))?;
        }
    }
    // A training that diverges: what it says is saved can be gone on with.
    let rows: String = (0..60).map(|row| format!("{},{}\n", row % 13, row % 13 * 3 + row % 2)).collect();
    desk.write("reg.csv", format!("x,y\n{rows}"));
    for (name, more) in [
        ("patient", "--patience 5 --step-factor 1e40 --learning-rate 0.1"),
        ("fast", "--step-factor 1e308 --learning-rate 1e3"),
        ("patient-fast", "--patience 3 --step-factor 1e300 --learning-rate 1"),
    ] {
        let arguments = format!(
            "train reg.csv --target y --device cpu -q -o {name} --epochs 30 --split 1/0/0 --batch-size full --optimizer sgd --schedule \
             step --step-every 1 {more}"
        );
        let said = ended(7, &[name], &train(&arguments))?;
        if !said.contains("--resume") {
            return Err(said.into());
        }
        ended(0, &[name], &train(&format!("train --resume {name} -q --learning-rate 1e-30 --step-factor 0.5")))?;
    }
    // So can one whose validation rows alone are too far away.
    desk.write("far.csv", "x,y\n1e30,2\n3e30,4\n");
    let said = ended(
        7,
        &["far"],
        &train(
            "train reg.csv --validation far.csv --target y --scale none --target-scale none --epochs 3 --device cpu -q -o far",
        ),
    );
    if let Ok(said) = &said
        && !said.contains("--resume far")
    {
        return Err(said.clone().into());
    }
    // First weights of a folder that is elsewhere by the time that the run goes on; a known name is no folder's.
    ended(0, &["old"], &train("train iris --epochs 1 --device cpu -q -o old"))?;
    ended(0, &["new"], &train("train iris --init old --epochs 1 --device cpu -q -o new"))?;
    desk.shell("mv old older; mkdir auto")?;
    ended(0, &["new"], &train("train --resume new --epochs 2 -q"))?;
    ended(0, &["auto"], &train("train iris --init auto --epochs 1 --device cpu -q -o drawn"))?;
    // Residuals whose squares leave even f64.
    let far: String = (0..30).map(|row| format!("{row},{}e200\n", row % 7)).collect();
    desk.write("huge.csv", format!("x,y\n{}", far.replace("e200", "")));
    desk.write("test.csv", "x,y\n1e37,3e38\n2,-3e38\n");
    ended(
        0,
        &["huge"],
        &train(
            "train huge.csv --test test.csv --target y --task regression --precision f64 --epochs 2 --device cpu -q -o huge",
        ),
    )?;
    ended(0, &["huge"], &train("report huge -q"))?;
    // What a flag refuses is refused in a file of options and by --set.
    for (option, value) in
        [("threads", "0"), ("threads", "1025"), ("epochs", "9999999999"), ("folds", "0"), ("patience", "-1")]
    {
        ended(2, &["--set"], &train(&format!("train iris --set {option}={value} --device cpu -q -o no")))?;
        desk.write("options.toml", format!("{option} = {value}\n"));
        let said = ended(2, &["--config"], &train("train iris --config options.toml --device cpu -q -o no"))?;
        if !said.contains("options.toml, line 1") {
            return Err(said.into());
        }
    }
    Ok(())
}

/// What one command says of a model and data its siblings say too, and the exit code tells what the output cannot.
fn each_command_tells() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write(
        "rows.csv",
        (0..60).fold("a,b,y\n".to_owned(), |rows, row| {
            rows + &format!("{},k{},{}\n", row % 7, row % 3, ["p", "q", "r"][row % 3])
        }),
    );
    desk.write("far.csv", "a,b,y\n1,k1,p\n3e38,zzz,q\n2,k2,q\n");
    desk.ends(
        0,
        &[
            "train",
            "rows.csv",
            "--scale",
            "none",
            "--init",
            "uniform(1,2)",
            "--epochs",
            "1",
            "--device",
            "cpu",
            "-q",
            "-o",
            "run",
        ],
    )?;
    let cpu = ["--device", "cpu", "-q"];
    for command in
        [&["predict", "run", "far.csv"][..], &["predict", "run", "far.csv", "--json"], &["evaluate", "run", "far.csv"]]
    {
        let said = desk.ends(0, &[command, &cpu].concat())?;
        if !said.contains("far.csv: line 3: 1 row has outputs that are NaN or infinite") || !said.contains("'zzz'") {
            return Err(format!("{command:?}: {said}").into());
        }
    }
    desk.ends(4, &[&["predict", "run", "far.csv", "--finite"][..], &cpu].concat())?;
    let train = ["train", "rows.csv", "--test", "numbers.csv", "--task", "regression", "--target", "a", "--ignore", "b,y"];
    desk.write("rows2.csv", (0..60).fold("a,c\n".to_owned(), |rows, row| rows + &format!("{},{}\n", row % 7, row % 5)));
    desk.write("numbers.csv", "a,c\n1,3e38\n2,3\n");
    let options = ["--scale", "none", "--init", "uniform(1,2)", "--epochs", "1", "--device", "cpu", "-o", "numbers"];
    let arguments = [&["train", "rows2.csv"], &train[2..8], &options].concat();
    let said = desk.ends(0, &arguments)?;
    desk.ends(0, &["report", "numbers", "-q"])?;
    let page = fs::read_to_string(desk.path().join("numbers/report.html"))?;
    if !said.contains("1 test row has outputs that are NaN or infinite") || !page.contains("1 of them have outputs") {
        return Err(said.into());
    }
    desk.ends(0, &[&["predict", "run", "rows.csv", "--finite"][..], &cpu].concat())?;
    if !desk
        .ends(0, &["gradcheck", "run", "far.csv"])
        .or_else(|_| desk.ends(4, &["gradcheck", "run", "far.csv"]))?
        .contains("'zzz'")
    {
        return Err("gradcheck says nothing of a category that it does not know".into());
    }
    // A pipe that nobody reads takes no exit code away.
    #[cfg(unix)]
    for (code, script) in [
        (4, "evaluate run rows.csv --min accuracy=1 --device cpu"),
        (4, "evaluate run rows.csv --min accuracy=1 --device cpu --json"),
        (0, "evaluate run rows.csv --device cpu"),
        (0, "predict run rows.csv --device cpu --json"),
        (0, "data rows.csv"),
    ] {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let status = desk.command(&script.split(' ').collect::<Vec<_>>()).stdout(writer).stderr(Stdio::null()).status()?;
        if status.code() != Some(code) {
            return Err(format!("{script}, nobody reads: {status:?}, not {code}").into());
        }
    }
    // Classes that are other numbers in the file, and the same in f64.
    let merged = |row: usize| ["9007199254740992.0", "9007199254740993", "9007199254740992", "1"][row % 4];
    desk.write("large.csv", (0..60).fold("a,y\n".to_owned(), |rows, row| rows + &format!("{},{}\n", row % 7, merged(row))));
    let train = ["train", "large.csv", "--task", "classification", "--epochs", "1", "--device", "cpu", "-q", "-o", "large"];
    for more in [&[][..], &["--memory", "1KiB"]] {
        let said = desk.ends(3, &[&train, more].concat())?;
        if !said.contains("9007199254740992") || !said.contains("9007199254740993") {
            return Err(said.into());
        }
    }
    desk.ends(0, &[&train[..], &["--categorical", "y"]].concat())?;
    // What is said of the second fold alone is said.
    desk.write(
        "folds.csv",
        (0..60).fold("a,b,y\n".to_owned(), |rows, row| {
            let category = if row == 59 { "rare".into() } else { format!("k{}", row % 3) };
            rows + &format!("{},{category},{}\n", row % 7, ["p", "q"][row % 2])
        }),
    );
    let said = desk.ends(
        0,
        &["train", "folds.csv", "--folds", "5", "--split", "1/0/0", "--epochs", "1", "--device", "cpu", "-q", "-o", "folds"],
    )?;
    if said.contains("'rare'") { Ok(()) } else { Err(format!("no fold says that it has never seen 'rare': {said}").into()) }
}

fn iris() -> Vec<u8> {
    let mut table = b"a,b,c,species\n".to_vec();
    let kinds = ["setosa", "versicolor", "virginica"];
    (0..150)
        .for_each(|row| table.extend(format!("{}.5,{},{},{}\n", row % 7, row % 11, row % 3 * 2, kinds[row % 3]).bytes()));
    table
}

fn onnx(desk: &Desk) -> Result<Vec<u8>, Failed> {
    desk.ends(0, &["export", "run", "--format", "onnx", "--plain", "-o", "made.onnx"])?;
    Ok(desk.bytes("made.onnx"))
}

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let sizes = sizes.iter().flat_map(|size| size.to_be_bytes()).collect::<Vec<u8>>();
    [&[0, 0, 8, (sizes.len() / 4) as u8][..], &sizes, elements].concat()
}

pub(crate) fn trials() -> Vec<Trial> {
    let trials = vec![
        Trial::test("outputs leave what must stay", outputs_leave_what_must_stay),
        Trial::test("links in folders are not followed", links_in_folders_are_not_followed).on_unix(),
        Trial::test("names that are no UTF-8", names_that_are_no_utf8).on_linux(),
        Trial::test("what is written is read", what_is_written_is_read).on_unix(),
        Trial::test("what is typed", what_is_typed).on_linux(),
        Trial::test("each command tells", each_command_tells),
        Trial::test("no threads", no_threads)
            .left_out_if(!can_forbid_threads(), "needs Linux, and the right to become another user"),
        Trial::test("memory that ends on the way", memory_that_ends_on_the_way).on_linux(),
        Trial::test("memory of a container", memory_of_a_container)
            .left_out_if(Group::new(64).is_none(), "needs Linux, and the right to make a control group"),
        Trial::test("folders from elsewhere", folders_from_elsewhere).on_unix(),
        Trial::test("a cache from elsewhere", a_cache_from_elsewhere).on_unix(),
        Trial::test("text that steers", text_that_steers).on_unix(),
        Trial::test("signals leave nothing", signals_leave_nothing).on_unix(),
        Trial::test("files that change while they are read", files_that_change_while_they_are_read).on_unix(),
    ];
    trials
}
