//! Files that are damaged, or meant to do harm: each ends in an error that names file and place, with its exit code; no panic, no
//! signal, and no more memory than twice the file and a little.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::{Desk, Failed, Trial, ended};
use serde_json::{Value, json};

/// KiB of addresses that the program itself takes, its threads' stacks among them, and what it may take beside twice the file.
const OWN_KIB: u64 = (160 + 64) << 10;

/// How long any of it may take, on a busy machine.
const SECONDS: Duration = Duration::from_secs(20);

/// What is typed, with the file as `./hostile`, and what has to come of it.
struct Case {
    name: &'static str,
    file: Vec<u8>,
    /// A second file, `./other`.
    other: Vec<u8>,
    arguments: Vec<&'static str>,
    code: i32,
    said: &'static str,
}

impl Case {
    fn check(&self) -> Result<(), Failed> {
        let desk = Desk::new();
        // The name tells the format of nothing: first bytes do.
        desk.write("hostile", &self.file);
        desk.write("other", &self.other);
        let kib = 2 * ((self.file.len() + self.other.len()) as u64 >> 10) + OWN_KIB;
        let started = Instant::now();
        let output = desk.limited(&self.arguments, &format!("ulimit -v {kib}"));
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

/// 200 good rows of two numbers and a class, and then these bytes.
fn csv(end: &[u8]) -> Vec<u8> {
    let rows: String = (0..200).map(|row| format!("{row},{}.5,{}\n", row % 7, ["a", "b"][row % 2])).collect();
    [b"a,b,y\n", rows.as_bytes(), end].concat()
}

fn train(name: &'static str, file: Vec<u8>, code: i32, said: &'static str) -> Case {
    let arguments = vec!["train", "./hostile", "--epochs", "1", "--device", "cpu", "--quiet", "-o", "out"];
    Case { name, file, other: Vec::new(), arguments, code, said }
}

/// Training on the good table with another file for this flag.
fn beside(name: &'static str, flag: &'static str, other: Vec<u8>, code: i32, said: &'static str) -> Case {
    let mut case = train(name, csv(b""), code, said);
    case.arguments.extend([flag, "./other"]);
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
        train("2 million columns", format!("{named}y\n{}1\n", "1,".repeat(2_000_000)).into_bytes(), 6, "2000001 columns"),
        train("a line of commas", vec![b','; 60 << 20], 6, "62914561 columns"),
        train("a remark of commas", [&b"#"[..], &vec![b','; 60 << 20], b"\n1,2\n"].concat(), 3, ""),
        train("a line of words", [&b"1 ".repeat(30 << 20)[..], b"\n", &b"2 ".repeat(1 << 20)].concat(), 3, ""),
        train("200,000 columns of one name", format!("{}\n{}\n", wide("1,"), wide("2,")).into_bytes(), 3, "names '1' twice"),
        train("text in the last row", csv(b"1,oops,a\n"), 0, ""),
        train("NaN", csv(b"1,nan,a\n"), 0, "cells are missing in 'b' (1); what is usual"),
        train("infinity", csv(b"1,inf,a\n"), 3, "line 202, column 'b': 'inf'"),
        train("beyond f32", csv(b"1,1e39,a\n"), 3, "line 202, column 'b': '1e39'"),
        train("a blank cell", csv(b"1,,a\n"), 0, "cells are missing in 'b' (1)"),
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
            "looks like an id",
        ),
        train("a target that is never there", [b"a,y\n".as_slice(), &b"1,\n".repeat(50)].concat(), 3, "column 'y'"),
        beside("validation rows without a column", "--validation", b"a,y\n1,a\n".to_vec(), 3, "'b'"),
        beside(
            "test rows of a class that is not known",
            "--test",
            b"a,b,y\n1,2,a\n1,2,z\n".to_vec(),
            3,
            "line 3, column 'y': the class 'z'",
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
    case.arguments.extend(["--labels", "./other"]);
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
    let header_64m = [b"\x93NUMPY\x02\x00".as_slice(), &(64_u32 << 20).to_le_bytes(), &vec![b' '; 64 << 20]].concat();
    vec![
        train("an npy header of 4 GiB", header_4g, 3, "4294967295 bytes long"),
        train("an npy header of 64 MiB", header_64m, 3, "no array's takes more than"),
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
        train("images without labels", idx(&[40, 2, 2], &[1; 160]), 3, "--labels"),
        labelled("images with their labels", idx(&[40], &(0..40).map(|row| row % 3).collect::<Vec<u8>>()), 0, ""),
        labelled("labels of fewer images", idx(&[39], &[1; 39]), 3, "40 rows, but its labels"),
        labelled("labels that are images", idx(&[40, 2, 2], &[1; 160]), 3, "exchanged"),
        labelled("labels that are a table", csv(b""), 3, "an IDX or npy file"),
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
        train("npy of texts that are none", npy(&described("<U1", "(2, 2)"), &[0xff; 16]), 3, "not Unicode"),
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

/// A zip archive of these files, packed, by the crate that the program reads it with.
fn npz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let packed = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in files {
        archive.start_file(*name, packed).expect("memory");
        std::io::Write::write_all(&mut archive, bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// 40 images of 2 × 2 with their labels.
fn images_npz() -> Vec<u8> {
    let described = |shape: &str| format!("{{'descr':'|u1','fortran_order':False,'shape':{shape},}}\n");
    let pixels: Vec<u8> = (0..160).map(|pixel| (pixel * 37 % 251) as u8).collect();
    let labels: Vec<u8> = (0..40).map(|row| row % 3).collect();
    npz(&[("x.npy", &npy(&described("(40, 2, 2)"), &pixels)), ("y.npy", &npy(&described("(40,)"), &labels))])
}

fn npz_archives() -> Vec<Case> {
    let one = npz(&[
        ("x.npy", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }\n", &[0; 4])),
        ("y.npy", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }\n", &[0; 4])),
    ]);
    // Both entries get one name, here and in the directory.
    let twice = one.windows(5).enumerate().filter(|(_, name)| *name == b"y.npy").map(|(place, _)| place).collect::<Vec<_>>();
    let twice = twice.into_iter().fold(one, |mut bytes, place| {
        bytes[place] = b'x';
        bytes
    });
    let whole = images_npz();
    let altered = |place: usize, by: u8| {
        let mut bytes = whole.clone();
        bytes[place] ^= by;
        bytes
    };
    let place = |bytes: &[u8]| whole.windows(bytes.len()).rposition(|window| window == bytes).expect("it is there");
    let names: Vec<String> = (0..60_000).map(|file| format!("{file}.npy")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let zeros = npy("{'descr':'|u1','fortran_order':False,'shape':(268435456,),}\n", &vec![0; 1 << 28]);
    vec![
        train("an npz of one name twice", twice, 3, "two files called 'x.npy'"),
        train("an npz of images and labels", whole.clone(), 0, ""),
        train("an npz in gzip", packed(&whole), 0, ""),
        train("an npz cut short", whole[..whole.len() - 30].to_vec(), 3, "its zip archive is cut short or damaged"),
        // A central header's checksum is 16 bytes after its beginning.
        train("an npz of another checksum", altered(place(b"PK\x01\x02") + 16, 1), 3, "cut short or damaged"),
        train("an npz of another size", altered(place(b"PK\x01\x02") + 27, 0x40), 3, "bomb"),
        train("an npz whose directory lies beyond it", altered(place(b"PK\x05\x06") + 18, 0x40), 3, "cut short or damaged"),
        train("an npz bomb", npz(&[("x.npy", &zeros)]), 3, "as only a bomb does"),
        train("an npz of 60,000 arrays", npz(&many), 3, "name those to read"),
        train("a workbook", npz(&[("xl/workbook.xml", b"<workbook/>")]), 3, "an Excel workbook"),
        train("an npz of what is no array", npz(&[("x.npy", b"hello, world")]), 3, "no npy file"),
        train(
            "an npz of a shape of more than there is",
            npz(&[("x.npy", &npy("{'descr':'<f4','fortran_order':False,'shape':(1099511627776,3),}\n", &[0; 12]))]),
            3,
            "12 bytes follow",
        ),
        train(
            "an npz of nothing",
            b"PK\x05\x06".iter().copied().chain([0; 18]).collect(),
            3,
            "a zip archive not of numpy arrays",
        ),
    ]
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
        arguments: vec!["train", "iris", "--config", "./hostile", "-o", "out"],
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

/// Writes something else in the metadata's document, in the first place where it stands.
fn alter_metadata(header: &mut Value, before: &str, after: &str) {
    let document = &mut header["__metadata__"]["wgrad"];
    let text = document.as_str().expect("a document").to_owned();
    assert!(text.contains(before), "{before} is in {text}");
    *document = json!(text.replacen(before, after, 1));
}

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
            "tensor 0.bias [128] is missing",
        ),
        (
            "metadata of another network",
            |header, _| {
                alter_metadata(header, "[4,128,3]", "[4,129,3]");
                None
            },
            "0.weight has shape",
        ),
        (
            "metadata of other columns",
            |header, _| {
                alter_metadata(header, "\"scale\":", "\"scal\":");
                None
            },
            "its metadata",
        ),
        (
            "metadata of a format to come",
            |header, _| {
                alter_metadata(header, "\"format\":1", "\"format\":2");
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
    let desk = Desk::new();
    desk.ends(0, &["train", "iris", "--ensemble", "1", "--epochs", "1", "--device", "cpu", "--quiet", "-o", "model"])?;
    let bytes = desk.bytes("model/model.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into()?) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length])?;
    let mut body = bytes[8 + length..].to_vec();
    let text = alter(&mut header, &mut body).unwrap_or_else(|| header.to_string().into_bytes());
    let file = [(text.len() as u64).to_le_bytes().as_slice(), &text, &body].concat();
    desk.write("hostile.safetensors", &file);
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
        let stderr = ended(8, arguments, &desk.limited(arguments, &format!("ulimit -v {kib}")))?;
        if !stderr.contains(said) || stderr.contains('\u{1b}') {
            return Err(format!("{arguments:?}: {stderr}").into());
        }
    }
    Ok(())
}

/// Four times what the process may address: refused with exit code 6, or read in parts, which ends where all targets are the same.
fn data_beyond_memory_is_refused_or_read_in_parts() -> Result<(), Failed> {
    let desk = Desk::new();
    let of_order =
        |fortran: &str| npy(&format!("{{'descr': '<f4', 'fortran_order': {fortran}, 'shape': (15000000, 17), }}\n"), &[]);
    // Nothing is written beyond the header: the system makes zeros of the rest.
    for (name, header, size, code, expected) in [
        ("big.npy", of_order("False"), 15_000_000 * 17 * 4, 6, "no memory for it, nor for the order of its 15000000 rows"),
        ("columns.npy", of_order("True"), 15_000_000 * 17 * 4, 6, "no memory"),
        ("big.idx", idx(&[1_300_000, 28, 28], &[]), 1_300_000 * 784, 3, "in every training row"),
        ("big.csv", b"a,b,y\n1,2,3\n".to_vec(), 1 << 30, 6, "no memory"),
    ] {
        desk.write(name, &header);
        let file = fs::OpenOptions::new().write(true).open(desk.path().join(name))?;
        file.set_len(header.len() as u64 + size)?;
        let train = ["train", name, "--target", "2", "--device", "cpu", "--quiet", "-o", "out"];
        let stderr = ended(code, &train, &desk.limited(&train, "ulimit -v 260000"))?;
        if !stderr.contains(name) || !stderr.contains(expected) {
            return Err(stderr.into());
        }
    }
    Ok(())
}

/// What is done to a Parquet file of pyarrow, 40 rows in two groups: its footer is 4 bytes of length and 4 of magic before its end.
fn parquet_files() -> Vec<Case> {
    let whole = include_bytes!("../../src/data/parquet/pyarrow-zstd.parquet").to_vec();
    let length = whole.len();
    let altered = |place: usize, byte: u8| {
        let mut file = whole.clone();
        file[place] = byte;
        file
    };
    let damaged = "cut short or damaged";
    let of_length = |footer: u32| [&whole[..length - 8], &footer.to_le_bytes(), b"PAR1"].concat();
    let footer = u32::from_le_bytes(whole[length - 8..length - 4].try_into().expect("four bytes")) as usize;
    let nested = [&b"PAR1\x15"[..], &[0x1c; 200_000], &200_000_u32.to_le_bytes(), b"PAR1"].concat();
    let mut cases = vec![
        train("a good Parquet file", whole.clone(), 0, ""),
        train("a Parquet file in gzip", packed(&whole), 0, ""),
        train("a Parquet file cut short", whole[..length - 20].to_vec(), 3, damaged),
        train("a Parquet file of its first bytes", whole[..5].to_vec(), 3, damaged),
        train("a Parquet footer longer than the file", of_length(u32::MAX), 3, damaged),
        train("a Parquet footer of nothing", of_length(0), 3, ""),
        train("a Parquet footer of brackets alone", nested, 3, ""),
        train("a Parquet page of another kind", altered(12, !whole[12]), 3, "column 'x' is cut short or damaged"),
        train("a Parquet file that begins with its footer", [b"PAR1", &whole[length - 8 - footer..]].concat(), 3, damaged),
    ];
    for case in &mut cases {
        case.arguments.extend(["--target", "size", "--missing", "drop"]);
    }
    cases
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in parquet_files() {
        trials.push(Trial::test(case.name, move || case.check()).with_parquet());
    }
    for case in [tables(), arrays(), archives(), npz_archives(), configurations()].into_iter().flatten() {
        trials.push(Trial::test(case.name, move || case.check()));
    }
    for (name, alter, said) in models() {
        // First weights are taken from the tensors alone.
        let commands = if name.starts_with("metadata") { 4 } else { 5 };
        trials.push(Trial::test(format!("a model with {name}"), move || altered_model_is_refused(alter, said, commands)));
    }
    trials.push(Trial::test("data of four times the memory", data_beyond_memory_is_refused_or_read_in_parts));
    // Limits are the shell's.
    trials.into_iter().map(Trial::on_linux).collect()
}
