//! Files that are damaged, or meant to do harm, and places that cannot be written: each ends in an error that names file and place,
//! with its exit code; no panic, no signal, and no more memory than twice the file and a little.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

/// KiB of addresses that the program itself takes, its threads' stacks among them, and what the issue of memory allows beside
/// twice the file.
const OWN_KIB: u64 = (160 + 64) << 10;

/// How long any of it may take, on a busy machine.
const SECONDS: Duration = Duration::from_secs(20);

/// What is typed (`FILE` stands for the file, `OUT` for a place to write), and what has to come of it.
struct Case {
    name: &'static str,
    file: Vec<u8>,
    /// A second file, `OTHER`.
    other: Vec<u8>,
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
        let other_path = folder.path().join("other");
        fs::write(&other_path, &self.other)?;
        let (file, other) = (path.to_str().ok_or("a path")?, other_path.to_str().ok_or("a path")?);
        let out = folder.path().join("out");
        let arguments: Vec<&str> = self
            .arguments
            .iter()
            .map(|&argument| match argument {
                "FILE" => file,
                "OTHER" => other,
                "OUT" => out.to_str().unwrap_or_default(),
                other => other,
            })
            .collect();
        let kib = 2 * ((self.file.len() + self.other.len()) as u64 >> 10) + OWN_KIB;
        let started = Instant::now();
        let output = limited(folder.path(), &arguments, &format!("ulimit -v {kib}"))?;
        if started.elapsed() > SECONDS {
            return Err(format!("it took {} s", started.elapsed().as_secs()).into());
        }
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
    Case { name, file, other: Vec::new(), arguments, code, said }
}

/// Training on the good table with another file for this flag.
fn beside(name: &'static str, flag: &'static str, other: Vec<u8>, code: i32, said: &'static str) -> Case {
    let mut case = train(name, csv(b""), code, said);
    case.arguments.extend([flag, "OTHER"]);
    Case { other, ..case }
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
        train("another delimiter", b"a;b;y\n1;2;p\n3;4;q\n".to_vec(), 3, "--delimiter ';'"),
        train("UTF-16", b"\xff\xfea\0,\0b\0\n\0".to_vec(), 3, "UTF-16"),
        train("a zip archive", b"PK\x03\x04 and more".to_vec(), 3, "zip archive"),
        train("nothing but a byte order mark", b"\xef\xbb\xbf".to_vec(), 3, "empty"),
        train("nothing but ends of lines", b"\n\r\n\r\r\n".to_vec(), 3, "empty"),
        train(
            "names for categories",
            (0..300).fold(b"a,y\n".to_vec(), |mut table, row| {
                table.extend(format!("name{row},{}\n", row % 2).bytes());
                table
            }),
            3,
            "names rather than categories",
        ),
        train("a target that is never there", [b"a,y\n".as_slice(), &b"1,\n".repeat(50)].concat(), 3, "column 'y'"),
        beside("validation rows without a column", "--validation", b"a,y\n1,a\n".to_vec(), 3, "'b'"),
        beside(
            "test rows of a class that is not known",
            "--test",
            b"a,b,y\n1,2,a\n1,2,z\n".to_vec(),
            3,
            "line 3, column 'y': 'z'",
        ),
        beside("test rows with text for a number", "--test", b"a,b,y\n1,oops,a\n".to_vec(), 3, "line 2, column 'b': 'oops'"),
        beside("validation rows that are none", "--validation", b"a,b,y\n".to_vec(), 3, "no rows"),
        beside("test rows far from the training rows'", "--test", b"a,b,y\n1e38,2,a\n".to_vec(), 0, ""),
        beside("labels of a table", "--labels", idx(&[200], &[1; 200]), 2, "--labels goes with"),
        beside("first weights of no file's name", "--init", Vec::new(), 2, "is no initialisation"),
    ]
}

/// Training on 40 images of 2 × 2 with these labels.
fn labelled(name: &'static str, other: Vec<u8>, code: i32, said: &'static str) -> Case {
    let images: Vec<u8> = (0..160).map(|pixel| (pixel * 37 % 251) as u8).collect();
    let mut case = train(name, idx(&[40, 2, 2], &images), code, said);
    case.arguments.extend(["--labels", "OTHER"]);
    Case { other, ..case }
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
        labelled("images with their labels", idx(&[40], &(0..40).map(|row| row % 3).collect::<Vec<u8>>()), 0, ""),
        labelled("labels of fewer images", idx(&[39], &[1; 39]), 3, "40 rows, but its labels"),
        labelled("labels that are images", idx(&[40, 2, 2], &[1; 160]), 3, "exchanged"),
        labelled("labels that are a table", csv(b""), 3, "IDX or npy"),
        train("an IDX header cut short", vec![0, 0, 8, 3, 0, 0], 3, "cut short"),
        train("IDX of no rows", idx(&[0, 28, 28], &[]), 3, "no data"),
        train("IDX sizes past 2^64", idx(&[u32::MAX; 8], b"abc"), 3, "3 bytes follow"),
        train("IDX of 200 dimensions", [vec![0, 0, 8, 200], vec![1; 800]].concat(), 3, "NUL"),
        train(
            "IDX numbers that are infinite",
            [vec![0, 0, 0x0d, 2, 0, 0, 0, 2, 0, 0, 0, 2], f32::INFINITY.to_be_bytes().repeat(4)].concat(),
            3,
            "row 1, column '0'",
        ),
        train("an npy header cut short", npy("{'descr'", b"")[..12].to_vec(), 3, "npy header"),
        train("an npy header of no sense", npy("[[1, 2], {3", &[0; 8]), 3, "npy header"),
        train("an npy header of brackets", npy(&"(".repeat(60_000), &[]), 3, "too many brackets"),
        train("an npy shape below zero", npy(&described("<f4", "(-1, 2)"), &[0; 8]), 3, "npy header"),
        train(
            "an npy shape of more than there is",
            npy(&described("<f4", "(1099511627776, 3)"), &[0; 12]),
            3,
            "12 bytes follow",
        ),
        train(
            "npy records",
            npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", &[0; 4]),
            3,
            "records",
        ),
        train("npy of half floats", npy(&described("<f2", "(2, 2)"), &[0; 8]), 3, "float32"),
        train("npy of complex numbers", npy(&described("<c8", "(1, 2)"), &[0; 16]), 3, "float32"),
        train("npy of integers that no float holds", npy(&described("<i8", "(1, 2)"), &[0x7f; 16]), 3, "2^53"),
        train("npy of a version to come", [b"\x93NUMPY\x09\x00".as_slice(), &[0; 20]].concat(), 3, "npy header"),
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
        train(
            "a gzip whose checksum is wrong",
            {
                let mut altered = whole.clone();
                let place = altered.len() - 6;
                altered[place] ^= 1;
                altered
            },
            3,
            "cut short or damaged",
        ),
        train("bytes after a gzip", [whole.as_slice(), b"and more"].concat(), 3, "damaged"),
        train("gzip of nothing", packed(b""), 3, "empty"),
        train("a packed table", whole, 0, ""),
    ]
}

fn configurations() -> Vec<Case> {
    let config = |name, text: &str, code, said| Case {
        name,
        file: text.as_bytes().to_vec(),
        other: Vec::new(),
        arguments: vec!["train", "iris", "--config", "FILE", "-o", "OUT"],
        code,
        said,
    };
    vec![
        config("an unknown key", "epochs = 1\nhiden = [3]\n", 2, "line 2: 'hiden'"),
        config("a wrong type", "epochs = 'x'\n", 2, "line 1: 'epochs'"),
        config("a negative count", "epochs = -1\n", 2, "'epochs'"),
        config("a key twice", "epochs = 1\nepochs = 2\n", 2, "line 2"),
        config(
            "a rate that is no number",
            "seed = 1\nlearning-rate = nan\n",
            2,
            "line 2: 'learning-rate': nan is no number",
        ),
        config("a rate beyond all numbers", "learning-rate = 1e999\n", 2, "line 1: floating-point number overflowed"),
        config("a width beyond all memory", "hidden = [100000000, 100000000]\n", 6, "memory"),
        config("a width beyond all numbers", "hidden = [4000000000]\n", 6, "wider than"),
        config("a text without an end", "data = \"iris\n", 2, "line 1"),
        config("an option that is no TOML", "--epochs 3\n", 2, "line 1"),
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
        (
            "a tensor missing",
            |header, body| {
                let offsets = &header["0.bias"]["data_offsets"];
                let (start, end) =
                    (offsets[0].as_u64().expect("an offset") as usize, offsets[1].as_u64().expect("an offset") as usize);
                body.drain(start..end);
                let entries = header.as_object_mut().expect("an object");
                entries.remove("0.bias");
                for (_, entry) in entries.iter_mut().filter(|(name, _)| *name != "__metadata__") {
                    for offset in entry["data_offsets"].as_array_mut().expect("two offsets") {
                        let place = offset.as_u64().expect("an offset");
                        *offset = json!(if place as usize >= end { place - (end - start) as u64 } else { place });
                    }
                }
                None
            },
            "tensor 0.bias [64] is missing",
        ),
        (
            "metadata of another network",
            |header, _| {
                let text = header["__metadata__"]["wgrad"].as_str().expect("a document");
                header["__metadata__"]["wgrad"] = json!(text.replace("[4,64,3]", "[4,65,3]"));
                None
            },
            "0.weight has shape",
        ),
        (
            "metadata of other columns",
            |header, _| {
                let text = header["__metadata__"]["wgrad"].as_str().expect("a document");
                header["__metadata__"]["wgrad"] = json!(text.replacen("\"scale\":", "\"scal\":", 1));
                None
            },
            "its metadata",
        ),
        (
            "metadata of a format to come",
            |header, _| {
                let text = header["__metadata__"]["wgrad"].as_str().expect("a document");
                header["__metadata__"]["wgrad"] = json!(text.replace("\"format\":1", "\"format\":2"));
                None
            },
            "format 2",
        ),
        (
            "metadata that is no document",
            |header, _| {
                header["__metadata__"]["wgrad"] = json!("{\"format\":");
                None
            },
            "its metadata",
        ),
        ("a header of 32 MiB", |_, _| Some([b"{".as_slice(), &vec![b' '; 32 << 20], b"}"].concat()), "the most is"),
        ("a header of nothing", |_, _| Some(Vec::new()), "EOF while parsing"),
    ]
}

/// Every command that takes a model refuses the altered one.
fn altered_model_is_refused(alter: Alteration, said: &str, commands: usize) -> Result<(), Failed> {
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
    ]
    .into_iter()
    .take(commands)
    {
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
    assert!(!at.join("small").exists(), "a run that came to nothing leaves nothing");
    Ok(())
}

/// Four times what the process may address: refused with exit code 6, whatever the format.
fn data_beyond_memory_is_refused() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (15000000, 17), }\n";
    // Nothing is written beyond the header: the system makes zeros of the rest.
    for (name, header, size) in [
        ("big.npy", npy(header, &[]), 15_000_000 * 17 * 4),
        ("big.idx", idx(&[1_300_000, 28, 28], &[]), 1_300_000 * 784),
        ("big.csv", b"a,b,y\n1,2,3\n".to_vec(), 1 << 30),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, &header)?;
        fs::OpenOptions::new().write(true).open(&path)?.set_len(header.len() as u64 + size)?;
        let train = ["train", name, "--target", "2", "--device", "cpu", "--quiet", "-o", "out"];
        let output = limited(folder.path(), &train, "ulimit -v 260000")?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(6) || !stderr.contains(name) || !stderr.contains("no memory") {
            return Err(format!("{name}: {:?}: {stderr}", output.status).into());
        }
    }
    Ok(())
}

/// On a disk of 8 MiB and in a folder that is read only: an error, and what was saved before is as it was. Needs the right to mount; a
/// folder is read only for nobody who may do everything, so that is a disk too.
fn full_disks() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    fs::create_dir(at.join("disk"))?;
    let mounted = |options: &str| {
        let arguments = ["-t", "tmpfs", "-o", options, "tmpfs", "disk"];
        Command::new("mount")
            .args(arguments)
            .current_dir(at)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if !mounted("size=8m") {
        println!("left out: nothing can be mounted here");
        return Ok(());
    }
    let outcome = on_a_small_disk(at, &mounted);
    let _ = Command::new("umount").arg("disk").current_dir(at).status();
    outcome
}

fn on_a_small_disk(at: &Path, mounted: &dyn Fn(&str) -> bool) -> Result<(), Failed> {
    let ends = |code: i32, arguments: &[&str]| -> Result<String, Failed> {
        let output = limited(at, arguments, ":")?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(code) {
            Ok(stderr)
        } else {
            Err(format!("{arguments:?}: {:?}: {stderr}", output.status).into())
        }
    };
    let train = ["train", "digits", "--device", "cpu", "--quiet", "--epochs"];
    ends(0, &[&train[..], &["2", "-o", "disk/small"]].concat())?;
    let files = ["model.safetensors", "checkpoint.safetensors"].map(|file| at.join("disk/small").join(file));
    let before = files.clone().map(|file| fs::read(file).unwrap_or_default());
    // The first checkpoint of so wide a network does not fit: nothing is trained, nothing is left.
    let said = ends(1, &[&train[..], &["1", "--hidden", "30000", "-o", "disk/large"]].concat())?;
    if !said.contains("cannot be written") || at.join("disk/large").exists() {
        return Err(format!("a checkpoint that does not fit: {said}").into());
    }
    // The disk fills up while it trains: the older checkpoint is as it was, and goes on where there is room.
    fs::write(at.join("disk/filling"), vec![1; 8 << 20]).err().ok_or("8 MiB do not fit beside the run")?;
    ends(1, &["train", "--resume", "disk/small", "--epochs", "4", "--device", "cpu", "--quiet"])?;
    let after = files.clone().map(|file| fs::read(file).unwrap_or_default());
    if before != after {
        return Err("what was saved is not as it was".into());
    }
    fs::remove_file(at.join("disk/filling"))?;
    ends(0, &["train", "--resume", "disk/small", "--epochs", "4", "--device", "cpu", "--quiet"])?;
    // Read only.
    let saved = files.clone().map(|file| fs::read(file).unwrap_or_default());
    if !mounted("remount,ro") {
        return Err("the disk cannot be made read only".into());
    }
    ends(1, &["train", "--resume", "disk/small", "--epochs", "5", "--device", "cpu", "--quiet"])?;
    ends(1, &[&train[..], &["1", "-o", "disk/other"]].concat())?;
    ends(1, &["predict", "disk/small", "digits", "-o", "disk/predicted.csv"])?;
    ends(0, &["evaluate", "disk/small", "digits", "--quiet"])?;
    if files.map(|file| fs::read(file).unwrap_or_default()) == saved {
        Ok(())
    } else {
        Err("a read-only file has changed".into())
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for case in [tables(), arrays(), archives(), configurations()].into_iter().flatten() {
        trials.push(Trial::test(case.name, move || case.check()));
    }
    for (name, alter, said) in models() {
        // First weights are taken from the tensors alone.
        let commands = if name.starts_with("metadata") { 4 } else { 5 };
        trials.push(Trial::test(format!("a model with {name}"), move || altered_model_is_refused(alter, said, commands)));
    }
    trials.push(Trial::test("data of four times the memory", data_beyond_memory_is_refused));
    trials.push(Trial::test("disks that are full and folders that are read only", full_disks));
    trials.push(Trial::test("places that cannot be written", places_that_cannot_be_written));
    // Limits are the shell's, and other systems name their places otherwise.
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(!cfg!(target_os = "linux"))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
