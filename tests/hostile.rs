//! Files that are damaged, or meant to do harm, and places that cannot be written: each ends in an error that names file and place,
//! with its exit code; no panic, no signal, and no more memory than twice the file and a little.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

/// KiB of addresses that the program itself takes, its threads' stacks among them, and what the issue of memory allows beside
/// twice the file.
const OWN_KIB: u64 = (160 + 64) << 10;

/// What is typed (`FILE` stands for the file, `OUT` for a place to write), and what has to come of it.
struct Case {
    name: &'static str,
    file: Vec<u8>,
    arguments: Vec<&'static str>,
    code: i32,
    said: &'static str,
}

impl Case {
    fn check(&self) -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        // The name tells the format of nothing: first bytes do.
        let path = folder.path().join("hostile");
        fs::write(&path, &self.file)?;
        let file = path.to_str().ok_or("a path")?;
        let out = folder.path().join("out");
        let arguments: Vec<&str> = self
            .arguments
            .iter()
            .map(|&argument| match argument {
                "FILE" => file,
                "OUT" => out.to_str().unwrap_or_default(),
                other => other,
            })
            .collect();
        let kib = 2 * (self.file.len() as u64 >> 10) + OWN_KIB;
        let output = limited(folder.path(), &arguments, &format!("ulimit -v {kib}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let fits = output.status.code() == Some(self.code) && said.contains(self.said) && !said.contains("panicked");
        if !fits {
            return Err(format!("{:?}, not {} with '{}': {said}", output.status, self.code, self.said).into());
        }
        if self.code != 0 && !output.stdout.is_empty() { Err("an error says nothing on stdout".into()) } else { Ok(()) }
    }
}

/// Runs the binary after a command of the shell, such as a limit.
fn limited(folder: &Path, arguments: &[&str], limit: &str) -> Result<Output, Failed> {
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_wgrad")]).args(arguments).current_dir(folder).stdin(Stdio::null());
    // glibc reserves addresses for each thread's allocations otherwise.
    Ok(command.env("MALLOC_ARENA_MAX", "1").output()?)
}

/// A trained model's file.
fn trained(folder: &Path) -> Result<PathBuf, Failed> {
    let arguments = ["train", "iris", "--epochs", "1", "--device", "cpu", "--quiet", "-o", "model"];
    let output = limited(folder, &arguments, ":")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(folder.join("model/model.safetensors")) } else { Err(said.into()) }
}

/// 200 good rows of two numbers and a class, and then these bytes.
fn csv(end: &[u8]) -> Vec<u8> {
    let rows: String = (0..200).map(|row| format!("{row},{}.5,{}\n", row % 7, ["a", "b"][row % 2])).collect();
    [b"a,b,y\n", rows.as_bytes(), end].concat()
}

fn train(name: &'static str, file: Vec<u8>, code: i32, said: &'static str) -> Case {
    let arguments = vec!["train", "FILE", "--epochs", "1", "--device", "cpu", "--quiet", "-o", "OUT"];
    Case { name, file, arguments, code, said }
}

fn tables() -> Vec<Case> {
    let line = "line 202";
    let wide = |cells: &str| cells.repeat(200_000);
    let named: String = (0..2_000_000).map(|column| format!("{column},")).collect();
    vec![
        train("a good table", csv(b""), 0, ""),
        train("a ragged row", csv(b"1,2\n"), 3, line),
        train("a quotation mark left open", csv(b"1,2,\"a\n"), 3, "never closed"),
        train(
            "a field of 64 MiB",
            csv(format!("1,\"{}\",a\n", "x".repeat(64 << 20)).as_bytes()),
            3,
            "line 202: a cell of more",
        ),
        train(
            "a field of 64 MiB that nothing ends",
            csv(format!("1,{}", "x".repeat(64 << 20)).as_bytes()),
            3,
            "a cell of more",
        ),
        train("2 million columns", format!("{named}y\n{}1\n", "1,".repeat(2_000_000)).into_bytes(), 6, "2000001 cells"),
        train("200,000 columns of one name", format!("{}\n{}\n", wide("1,"), wide("2,")).into_bytes(), 3, "names '1' twice"),
        train("text in the last row", csv(b"1,oops,a\n"), 0, ""),
        train("NaN", csv(b"1,nan,a\n"), 3, "line 202, column 'b': the cell is missing"),
        train("infinity", csv(b"1,inf,a\n"), 3, "line 202, column 'b': 'inf'"),
        train("beyond f32", csv(b"1,1e39,a\n"), 3, "line 202, column 'b': '1e39'"),
        train("a blank cell", csv(b"1,,a\n"), 3, "line 202, column 'b'"),
        train("no UTF-8", csv(b"1,\xff\xfe,a\n"), 3, "line 202, byte 3"),
        train("a NUL", csv(b"1,\0,a\n"), 3, line),
        train("nothing", Vec::new(), 3, "empty"),
        train("a header only", b"a,b,y\n".to_vec(), 3, "no rows"),
        train("one row", b"a,b,y\n1,2,a\n".to_vec(), 3, "nothing to tell apart"),
        train("one class", [b"a,b,y\n".as_slice(), &b"1,2,c\n".repeat(60)].concat(), 3, "nothing to tell apart"),
        train("a constant column", b"a,y\n".iter().copied().chain(b"3,p\n3,q\n".repeat(30)).collect(), 0, ""),
        train("one column twice", [b"a,a,y\n".as_slice(), &csv(b"")[6..]].concat(), 3, "'a' twice"),
    ]
}

fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), elements].concat()
}

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, 8, (sizes.len() / 4) as u8], sizes.as_slice(), elements].concat()
}

fn arrays() -> Vec<Case> {
    let described = |kind: &str, shape: &str| format!("{{'descr':'{kind}','fortran_order':False,'shape':{shape},}}\n");
    let numbers: Vec<u8> = (0..180_u32).flat_map(|number| ((number * 7 % 31) as f32).to_be_bytes()).collect();
    let header_4g = [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes(), b"{}"].concat();
    vec![
        train("an npy header of 4 GiB", header_4g, 3, "4294967295 bytes long"),
        train(
            "an npy shape past 2^64",
            npy(&described("<f4", "(18446744073709551616, 2)"), &[0; 8]),
            3,
            "beyond any memory",
        ),
        train("Python objects", npy(&described("|O", "(1,)"), &[0; 8]), 3, "Python objects"),
        train("big-endian numbers", npy(&described(">f4", "(60, 3)"), &numbers), 0, ""),
        train("more IDX rows than bytes", idx(&[4_000_000_000, 2, 2], b"abc"), 3, "3 bytes follow"),
        train("bytes after the IDX elements", idx(&[40, 2, 2], &[1; 161]), 3, "161 bytes follow"),
        train("images without labels", idx(&[40, 2, 2], &[1; 160]), 2, "--labels"),
    ]
}

/// gzip, by the crate that the program reads it with.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn archives() -> Vec<Case> {
    let whole = packed(&csv(b""));
    vec![
        train("a gzip cut short", whole[..whole.len() - 20].to_vec(), 3, "cut short or damaged"),
        train("a gzip bomb", packed(&vec![b'0'; 1 << 28]), 3, "as only a bomb does"),
        train("gzip in gzip", packed(&whole), 3, "twice"),
        train("a packed table", whole, 0, ""),
    ]
}

fn configurations() -> Vec<Case> {
    let config = |name, text: &str, code, said| Case {
        name,
        file: text.as_bytes().to_vec(),
        arguments: vec!["train", "iris", "--config", "FILE", "-o", "OUT"],
        code,
        said,
    };
    vec![
        config("an unknown key", "epochs = 1\nhiden = [3]\n", 2, "line 2: 'hiden'"),
        config("a wrong type", "epochs = 'x'\n", 2, "line 1: 'epochs'"),
        config("a negative count", "epochs = -1\n", 2, "'epochs'"),
        config("100,000 brackets", &format!("a = {}", "[".repeat(100_000)), 2, "line 1"),
    ]
}

/// An altered copy of a model's file; the header's bytes, its entries and the tensors' bytes.
type Alteration = fn(&mut Value, &mut Vec<u8>) -> Option<Vec<u8>>;

fn models() -> Vec<(&'static str, Alteration, &'static str)> {
    vec![
        (
            "a tensor twice",
            |header, _| {
                let text = header.to_string();
                let again = json!({ "0.weight": header["0.weight"] }).to_string();
                Some(format!("{},{}", &text[..text.len() - 1], &again[1..]).into_bytes())
            },
            "two entries",
        ),
        (
            "tensors that overlap",
            |header, _| {
                header["0.bias"]["data_offsets"] = header["0.weight"]["data_offsets"].clone();
                None
            },
            "0.bias",
        ),
        (
            "a tensor of another type",
            |header, _| {
                header["0.weight"]["dtype"] = json!("I32");
                None
            },
            "0.weight is of type I32",
        ),
        (
            "a weight that is no number",
            |header, body| {
                let start = header["0.weight"]["data_offsets"][0].as_u64().expect("an offset") as usize;
                body[start..start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
                None
            },
            "not finite at [0, 0]",
        ),
        (
            "layers that do not chain",
            |header, _| {
                let shape = header["0.weight"]["shape"].clone();
                header["0.weight"]["shape"] = json!([shape[1], shape[0]]);
                None
            },
            "0.weight has shape",
        ),
        (
            "a name that moves the cursor",
            |header, _| {
                let entry = header["0.bias"].clone();
                let entries = header.as_object_mut().expect("an object");
                entries.remove("0.bias");
                entries.insert("../../\u{1b}[31m".into(), entry);
                None
            },
            "../../\\u{1b}[31m",
        ),
        ("a header of 32 MiB", |_, _| Some([b"{".as_slice(), &vec![b' '; 32 << 20], b"}"].concat()), "the most is"),
        ("a header of nothing", |_, _| Some(Vec::new()), "EOF while parsing"),
    ]
}

/// Every command that takes a model refuses the altered one.
fn altered_model_is_refused(alter: Alteration, said: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let bytes = fs::read(trained(folder.path())?)?;
    let length = u64::from_le_bytes(bytes[..8].try_into()?) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length])?;
    let mut body = bytes[8 + length..].to_vec();
    let text = alter(&mut header, &mut body).unwrap_or_else(|| header.to_string().into_bytes());
    let file = [(text.len() as u64).to_le_bytes().as_slice(), &text, &body].concat();
    fs::write(folder.path().join("hostile.safetensors"), &file)?;
    let kib = 2 * (file.len() as u64 >> 10) + OWN_KIB;
    for arguments in [
        ["evaluate", "hostile.safetensors", "iris"].as_slice(),
        &["predict", "hostile.safetensors", "iris"],
        &["inspect", "hostile.safetensors"],
        &["gradcheck", "hostile.safetensors", "iris"],
        &["train", "iris", "--init", "hostile.safetensors", "-o", "again"],
    ] {
        let output = limited(folder.path(), arguments, &format!("ulimit -v {kib}"))?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(8) || !stderr.contains(said) || stderr.contains('\u{1b}') {
            return Err(format!("{arguments:?}: {:?}: {stderr}", output.status).into());
        }
    }
    Ok(())
}

/// Places that cannot be written: an error, nothing that was there is harmed, nothing half-written is left.
fn places_that_cannot_be_written() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let model = trained(at)?;
    let before = fs::read(&model)?;
    fs::create_dir(at.join("full"))?;
    fs::write(at.join("full/x"), "x")?;
    fs::write(at.join("file"), "x")?;
    for command in ["ln -s /nonexistent/z link", "mkfifo fifo"] {
        assert!(Command::new("sh").args(["-c", command]).current_dir(at).status()?.success(), "{command}");
    }
    let train = ["train", "iris", "--epochs", "1", "--device", "cpu", "--quiet", "-o"];
    for (limit, arguments, code) in [
        (":", [&train[..], &["full"]].concat(), 2),
        (":", [&train[..], &["file"]].concat(), 2),
        (":", [&train[..], &["fifo"]].concat(), 2),
        (":", [&train[..], &["link"]].concat(), 2),
        (":", [&train[..], &["/dev/full/x"]].concat(), 2),
        (":", [&train[..], &["/proc/x"]].concat(), 1),
        (":", [&train[..], &["model"]].concat(), 2),
        ("ulimit -f 4", [&train[..], &["small"]].concat(), 1),
        (":", vec!["predict", "model", "iris", "-o", "/dev/full"], 2),
        (":", vec!["predict", "model", "iris", "-o", "full"], 2),
        ("ulimit -f 0", vec!["predict", "model", "iris", "-o", "predicted.csv"], 1),
        ("exec >/dev/full", vec!["predict", "model", "iris"], 1),
    ] {
        let output = limited(at, &arguments, limit)?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(code) || !stderr.starts_with("wgrad: ") {
            return Err(format!("{limit}; {arguments:?}: {:?}: {stderr}", output.status).into());
        }
    }
    assert_eq!(fs::read(&model)?, before, "the model is as it was");
    assert!(!at.join("predicted.csv").exists(), "nothing half-written");
    let left: Vec<_> = fs::read_dir(at.join("small"))?.flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
    Ok(())
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for case in [tables(), arrays(), archives(), configurations()].into_iter().flatten() {
        trials.push(Trial::test(case.name, move || case.check()));
    }
    for (name, alter, said) in models() {
        trials.push(Trial::test(format!("a model with {name}"), move || altered_model_is_refused(alter, said)));
    }
    trials.push(Trial::test("places that cannot be written", places_that_cannot_be_written));
    // Limits are the shell's, and other systems name their places otherwise.
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(!cfg!(target_os = "linux"))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
