//! Data larger than the memory for it: converted into a file and streamed, to the same bits as from memory.

use std::fmt::Write;
use std::fs;
use std::io::Write as _;

use crate::common::{Desk, Failed, Shared, Trial, ended};

/// 731 rows of numbers, texts with quotes, missing cells, weights, a class, and a number to tell.
fn rows() -> String {
    (0..731).fold("id,x,town,gap,weight,y,class\n".to_string(), |mut text, row| {
        let town = ["north", "\"so\"\"uth\"", "\"e, a\nst\"", "west"][row * 7 % 4];
        let gap = if row % 11 == 0 { String::new() } else { (row % 17).to_string() };
        let (x, y) = ((row * 37 % 101) as f64 / 7.0, (row * 53 % 89) as f64 / 3.0);
        let class = if x > y { "more" } else { "less" };
        writeln!(text, "n{row},{x},{town},{gap},{},{y},{class}", row % 4 + 1).expect("a string");
        text
    })
}

/// Training from memory and from a file leaves the same, bit for bit.
fn same_bits(options: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows());
    desk.write("test.csv", rows());
    let arguments = format!("train rows.csv --ignore id --missing median --epochs 4 {options}");
    let train: Vec<&str> = arguments.split(' ').filter(|word| !word.is_empty()).collect();
    desk.ends(0, &[&train[..], &["-q", "-o", "memory"]].concat())?;
    let said = desk.ends(0, &[&train[..], &["-o", "file", "--memory", "1KiB"]].concat())?;
    if !said.contains("converted into a file") {
        return Err(format!("it was not: {said}").into());
    }
    let left: Vec<String> = fs::read_dir(desk.path())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, Failed>>()?;
    if left.len() != 4 {
        return Err(format!("files are left: {left:?}").into());
    }
    if options.contains("--folds") {
        return desk.same("memory/fold-2", "file/fold-2");
    }
    desk.same("memory", "file")
}

/// 600 rows of 25 numbers of one type, of which the last is a class, as numpy saves them.
fn npy(kind: &str, bytes_of: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (600, 25), }}\n");
    let cells = (0..600 * 25).flat_map(|cell| bytes_of(if cell % 25 == 24 { cell / 25 % 3 } else { cell * 7919 % 251 }));
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()]
        .concat()
        .into_iter()
        .chain(cells)
        .collect()
}

/// 600 images of 5 × 5 pixels, or as many labels.
fn idx(images: bool) -> Vec<u8> {
    let (sizes, cells) = if images { (vec![600_u32, 5, 5], 600 * 25) } else { (vec![600], 600) };
    let sizes_of = sizes.iter().flat_map(|size| size.to_be_bytes());
    let modulus = if images { 251 } else { 3 };
    [0, 0, 8, sizes.len() as u8]
        .into_iter()
        .chain(sizes_of)
        .chain((0..cells).map(|cell| (cell * 7919 % modulus) as u8))
        .collect()
}

/// An archive of these npy files, as numpy saves it with `savez` or `savez_compressed`.
fn npz(method: zip::CompressionMethod, files: [(&str, Vec<u8>); 2]) -> Result<Vec<u8>, Failed> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name, zip::write::SimpleFileOptions::default().compression_method(method))?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The same of other formats than one CSV file: arrays of numbers, images with labels, a folder.
fn same_bits_of_other_formats() -> Result<(), Failed> {
    let desk = Desk::new();
    fs::write(desk.path().join("singles.npy"), npy("<f4", |number| (number as f32 / 8.0).to_le_bytes().to_vec()))?;
    fs::write(desk.path().join("bytes.npy"), npy("|u1", |number| vec![number as u8]))?;
    fs::write(desk.path().join("long.npy"), npy(">i8", |number| (number as i64).to_be_bytes().to_vec()))?;
    fs::write(desk.path().join("images"), idx(true))?;
    fs::write(desk.path().join("labels"), idx(false))?;
    let singles = || npy("<f4", |number| (number as f32 / 8.0).to_le_bytes().to_vec());
    let labels = [
        &b"\x93NUMPY\x01\x00\x3c\x00"[..],
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (600,), }\n",
        &idx(false)[8..],
    ];
    let pair = |inputs| [("x.npy", inputs), ("y.npy", labels.concat())];
    fs::write(desk.path().join("stored.npz"), npz(zip::CompressionMethod::Stored, pair(singles()))?)?;
    fs::write(desk.path().join("packed.npz"), npz(zip::CompressionMethod::Deflated, pair(singles()))?)?;
    fs::create_dir(desk.path().join("tables"))?;
    let (header, body) =
        rows().split_once('\n').map(|(header, body)| (format!("{header}\n"), body.to_owned())).expect("a header");
    let middle = body.match_indices('\n').nth(300).expect("lines").0 + 1;
    desk.write("tables/a.csv", header.clone() + &body[..middle]);
    // Here a column of numbers is text.
    desk.write("tables/b.csv", format!("{header}n9,1,north,many,1,2,more\n{}", &body[middle..]));
    for (name, train) in [
        ("singles", "singles.npy --target 24 --task classification"),
        ("bytes", "bytes.npy --target 24 --task classification --validation bytes.npy"),
        ("long", "long.npy --target 3 --split 0.5/0.25/0.25"),
        ("idx", "images --labels labels --hidden 9"),
        ("idx tested", "images --labels labels --test images --test-labels labels --scale standard"),
        ("npz", "stored.npz --hidden 9"),
        ("npz packed", "packed.npz:x --target 24 --test packed.npz:x --task classification"),
        ("pattern", "tables/?.csv --ignore id --missing mode"),
        ("folder", "tables --ignore id --missing mode"),
        ("folder dropped", "tables --ignore id --missing drop --validation tables/a.csv"),
    ] {
        let train = [&["train"][..], &train.split(' ').collect::<Vec<_>>(), &["--device", "cpu", "--epochs", "3"]].concat();
        desk.ends(0, &[&train[..], &["-q", "-o", &format!("memory {name}")]].concat())?;
        let said = desk.ends(0, &[&train[..], &["-o", &format!("file {name}"), "--memory", "1KiB"]].concat())?;
        if !said.contains("converted into a file") {
            return Err(format!("{name}: it was not: {said}").into());
        }
        desk.same(&format!("memory {name}"), &format!("file {name}"))?;
        // The pictures of images, too: only the time and the folder differ.
        let report = |folder: &str| -> Result<serde_json::Value, Failed> {
            let mut report: serde_json::Value =
                serde_json::from_slice(&desk.bytes(&format!("{folder} {name}/report.json")))?;
            Ok(report["images"].take())
        };
        if report("memory")? != report("file")? {
            return Err(format!("{name}: other pictures").into());
        }
    }
    Ok(())
}

/// Groups of rows of a Parquet file, with missing cells in both.
fn same_bits_of_parquet() -> Result<(), Failed> {
    let desk = Desk::new();
    fs::write(desk.path().join("houses.parquet"), include_bytes!("../../src/data/parquet/pyarrow-zstd.parquet"))?;
    let train = ["train", "houses.parquet", "--device", "cpu", "--epochs", "5", "--target"];
    // A target that is missing in the first group of rows.
    let refused = [&train[..], &["town", "--missing", "mode"]].concat();
    let said = [&[][..], &["--memory", "1KiB"]].map(|more| {
        let said = String::from_utf8_lossy(&desk.run(&[&refused[..], more].concat()).stderr).into_owned();
        said.lines().next().unwrap_or_default().to_owned()
    });
    if said[0] != said[1] || !said[0].contains("row 5, column 'town'") {
        return Err(said.concat().into());
    }
    fs::create_dir(desk.path().join("houses"))?;
    for name in ["a", "b"] {
        fs::copy(desk.path().join("houses.parquet"), desk.path().join(format!("houses/{name}.parquet")))?;
    }
    // Files of both kinds are one table, whose rows have no lines.
    let mixed: String = (0..30).map(|row| format!("{row},{},{}.5,true,Oslo\n", row * 7, row % 9)).collect();
    desk.write("houses/more.csv", format!("x,size,byte,yes,town\n,1,2,,Rome\n{mixed}"));
    for source in ["houses.parquet", "houses/*.parquet", "houses/[am]*"] {
        let train = [
            "train",
            source,
            "--device",
            "cpu",
            "--epochs",
            "5",
            "--target",
            "size",
            "--missing",
            "drop",
            "--split",
            "0.6/0.2/0.2",
        ];
        let runs = ["memory", "file"].map(|place| format!("{place} {source}"));
        desk.ends(0, &[&train[..], &["-q", "-o", &runs[0]]].concat())?;
        let said = desk.ends(0, &[&train[..], &["-o", &runs[1], "--memory", "1KiB"]].concat())?;
        if !said.contains("converted into a file") {
            return Err(format!("{source}: it was not: {said}").into());
        }
        desk.same(&runs[0], &runs[1])?;
    }
    Ok(())
}

/// Predictions and scores of a table that is read in parts are those of one in memory, byte for byte.
fn predictions_are_the_same() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows());
    desk.write("more.csv", rows().lines().map(|line| format!("{line},{}\n", line.len())).collect::<String>());
    desk.ends(0, &["train", "rows.csv", "--ignore", "id,y", "--missing", "mean", "--device", "cpu", "-q", "-o", "run"])?;
    for arguments in [
        "predict run rows.csv",
        "predict run more.csv --probabilities --append",
        "predict run more.csv --probabilities --precision f64",
        "predict run rows.csv --json",
        "evaluate run more.csv",
        "evaluate run rows.csv --json",
    ] {
        let arguments: Vec<&str> = arguments.split(' ').chain(["--device", "cpu"]).collect();
        let (whole, parts) = (desk.run(&arguments), desk.run(&[&arguments[..], &["--memory", "1KiB"]].concat()));
        ended(0, &arguments, &whole)?;
        ended(0, &arguments, &parts)?;
        let remarks = String::from_utf8_lossy(&parts.stderr);
        let (converted, remarks) = remarks.split_once('\n').unwrap_or_default();
        let is_same = whole.stdout == parts.stdout && whole.stderr == remarks.as_bytes() && whole.stdout.len() > 50;
        if !is_same || !converted.contains("converted into a file") {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Err(format!("{arguments:?}: {}, but {}", text(&whole.stdout), text(&parts.stdout)).into());
        }
    }
    // An error comes before any row, wherever the table is.
    desk.write("bad.csv", rows() + "n,1,north,1,1,2,more\nn,one,north,1,1,2,more\n");
    for more in [&["-o", "out.csv"][..], &["--memory", "1KiB", "-o", "out.csv"], &[], &["--memory", "1KiB"]] {
        let arguments = [&["predict", "run", "bad.csv", "--device", "cpu"], more].concat();
        let output = desk.run(&arguments);
        let said = ended(3, &arguments, &output)?;
        if !said.contains("line 917") || desk.path().join("out.csv").exists() || !output.stdout.is_empty() {
            return Err(said.into());
        }
    }
    Ok(())
}

/// What a run from a file began goes on from memory.
fn resumed_from_memory() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows());
    let train = ["train", "rows.csv", "--ignore", "id,gap", "--device", "cpu", "-q", "--hidden", "300"];
    let train = [&train[..], &["--schedule", "constant"]].concat();
    desk.ends(0, &[&train[..], &["--epochs", "6", "-o", "whole"]].concat())?;
    desk.ends(0, &[&train[..], &["--epochs", "2", "-o", "parts", "--memory", "1KiB"]].concat())?;
    desk.ends(0, &["train", "--resume", "parts", "--epochs", "4"])?;
    desk.ends(0, &["train", "--resume", "parts", "--epochs", "6", "--memory", "1GiB"])?;
    desk.same("whole", "parts")
}

/// What a model learned from a file goes on on one.
fn finetuned_from_a_file() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows());
    let base = ["train", "rows.csv", "--ignore", "id,gap,y", "--device", "cpu", "-q", "--epochs", "2", "-o", "base"];
    desk.ends(0, &base)?;
    let tune = ["train", "rows.csv", "--finetune", "base", "--new-output", "--target", "y", "--device", "cpu", "-q"];
    desk.ends(0, &[&tune[..], &["-o", "memory"]].concat())?;
    desk.ends(0, &[&tune[..], &["-o", "file", "--memory", "1KiB"]].concat())?;
    desk.same("memory", "file")
}

/// What is wrong is told with its line, whether the file is read whole or not.
fn errors_are_the_same() -> Result<(), Failed> {
    let desk = Desk::new();
    for (name, end, options) in [
        ("ragged", "1,2\n", ""),
        ("missing", "n,1,north,,1,2,more\n", "--ignore id --target class --missing error"),
        ("no number", "n,1,north,1,one,2,more\n", "--ignore id,gap --weight-column weight --split 1/0/0"),
        ("infinite", "n,1e39,north,1,1,2,more\n", "--ignore id"),
        ("open", "n,1,\"north,1,1,2,more\n", "--ignore id"),
        ("mistyped", "", "--ignore idd"),
        ("names", "", "--ignore gap"),
        ("fold", "", "--ignore id,gap --folds 1000"),
        ("weights", "", "--ignore id,gap --weight-column trust"),
    ] {
        desk.write("rows.csv", rows() + end);
        let arguments = format!("train rows.csv --device cpu --epochs 1 {options}");
        let train: Vec<&str> = arguments.split(' ').filter(|word| !word.is_empty()).collect();
        let whole = desk.run(&train);
        let streamed = desk.run(&[&train[..], &["--memory", "1KiB"]].concat());
        // The command that works is this one, mended.
        let said = |output: &std::process::Output| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            said.split("this works:").next().unwrap_or_default().to_owned()
        };
        if whole.status.success() || whole.status != streamed.status || said(&whole) != said(&streamed) {
            return Err(format!("{name}: {}, but {}", said(&whole), said(&streamed)).into());
        }
    }
    if desk.path().join("runs").exists() { Err("a folder is left".into()) } else { Ok(()) }
}

/// The file that it would be converted into may not grow.
fn no_room_for_the_file() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows());
    let train = ["train", "rows.csv", "--ignore", "id,gap", "--memory", "1KiB", "--device", "cpu"];
    let said = ended(1, &train, &desk.limited(&train, "ulimit -f 8"))?;
    if said.contains("run wgrad where there is room") { Ok(()) } else { Err(said.into()) }
}

/// A table of which the process may hold a quarter: read whole without the limit, streamed with it, to the same bits.
fn a_quarter_of_the_data() -> Result<(), Failed> {
    /// Rows that are repeated so often.
    const ROWS: usize = 5_000;
    const TIMES: usize = 110;
    let desk = Desk::new();
    let block = (0..ROWS).fold(String::new(), |mut text, row| {
        let cell = |column: usize| ((row * 7919 + column * 104_729) % 200_003) as f64 / 1e5 - 1.0;
        let [a, b, c] = [0, 1, 2].map(cell);
        (0..100).for_each(|column| write!(text, "{:.6},", cell(column)).expect("a string"));
        let class = if a + b > c { "more" } else { "less" };
        writeln!(text, "{},{class}", ["north", "south", "east"][row % 3]).expect("a string");
        text
    });
    let mut file = std::io::BufWriter::new(fs::File::create(desk.path().join("rows.csv"))?);
    let names: Vec<String> = (0..100).map(|column| format!("c{column}")).collect();
    writeln!(file, "{},town,class", names.join(","))?;
    for _ in 0..TIMES {
        file.write_all(block.as_bytes())?;
    }
    file.into_inner().map_err(|error| error.to_string())?.sync_all()?;
    let bytes = fs::metadata(desk.path().join("rows.csv"))?.len();
    let train = ["train", "rows.csv", "--device", "cpu", "--threads", "2", "--epochs", "2", "--hidden", "16", "-q", "-o"];
    let limited = [&train[..], &["streamed"]].concat();
    ended(0, &limited, &desk.limited(&limited, &format!("ulimit -v {}", bytes / 4 / 1024)))?;
    desk.ends(0, &[&train[..], &["whole"]].concat())?;
    desk.same("whole", "streamed")
}

/// The table fits and what it is encoded as does not: a thousand categories are a thousand inputs.
fn encoded_rows_have_no_room() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = (0..40_000).fold("kind,y\n".to_string(), |mut text, row| {
        writeln!(text, "k{},{}", row * 7919 % 1000, ["a", "b"][row * 7919 % 1000 % 2]).expect("a string");
        text
    });
    desk.write("rows.csv", rows);
    let train = ["train", "rows.csv", "--device", "cpu", "--split", "0.98/0.01/0.01", "--epochs", "1", "--hidden", "4"];
    let whole = [&train[..], &["-q", "-o", "whole"]].concat();
    desk.ends(0, &whole)?;
    let limited = [&train[..], &["-o", "limited"]].concat();
    let said = ended(0, &limited, &desk.limited(&limited, "ulimit -v 200000"))?;
    if !said.contains("converted into a file") {
        return Err(format!("there was room for 157 MB: {said}").into());
    }
    desk.same("whole", "limited")
}

/// What neither memory nor disk holds: two columns of ids are 720,000 inputs of 400,000 rows, which is more than a terabyte.
fn encoded_rows_fit_no_disk() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = (0..400_000).fold("a,b,y\n".to_string(), |mut text, row| {
        writeln!(text, "k{0},l{0},{1}", row % 130_000, ["p", "q"][row % 2]).expect("a string");
        text
    });
    desk.write("rows.csv", rows);
    let train = ["train", "rows.csv", "--device", "cpu", "--hidden", "none", "--epochs", "1", "--categorical", "a,b"];
    let said = ended(6, &train, &desk.run(&train))?;
    if said.contains("nor room for these") && said.contains("--ignore") { Ok(()) } else { Err(said.into()) }
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = Vec::new();
    for options in [
        "",
        "--hidden none",
        "--hidden 4 --batch-size 16",
        "--hidden 300,20 --target class --scale minmax",
        "--target y --optimizer momentum --no-shuffle",
        "--target y,x --batch-size 50 --hidden 9",
        "--target x --output-activation sigmoid",
        "--stratify --class-weights balanced --weight-column weight",
        "--missing drop --precision f64",
        "--missing mean --categorical gap --split 0.6/0.4/0",
        "--batch-size full --hidden 7",
        "--batch-size 300 --accumulate 7",
        "--folds 3",
        "--bins 5 --target class",
        "--dropout 0.3 --label-smoothing 0.1 --weight-average 0.9",
        "--test test.csv --schedule plateau",
    ] {
        trials.push(Trial::test(format!("cpu: {options}"), move || same_bits(&format!("{options} --device cpu"))));
    }
    for options in [
        "",
        "--hidden 100 --batch-size 40",
        "--batch-size full",
        "--hidden 20 --dropout 0.2",
        "--batch-size 300 --accumulate 3",
    ] {
        let check = move |_| same_bits(&format!("{options} --device gpu"));
        trials.push(shared.trial(format!("gpu: {options}"), check));
    }
    trials.push(Trial::test("cpu: a run from a file goes on from memory", resumed_from_memory));
    trials.push(Trial::test("cpu: a model is fine-tuned on a file", finetuned_from_a_file));
    trials.push(Trial::test("cpu: arrays, images and folders", same_bits_of_other_formats));
    let parquet = Trial::test("cpu: Parquet (feature parquet)", same_bits_of_parquet);
    trials.push(parquet.with_parquet());
    trials.push(Trial::test("cpu: predictions and scores", predictions_are_the_same));
    trials.push(Trial::test("errors are those of a table that is read whole", errors_are_the_same));
    trials.push(Trial::test("there is no room for the file", no_room_for_the_file).on_unix());
    let encoded = Trial::test("rows that have no room but as a table", encoded_rows_have_no_room);
    trials.push(encoded.on_linux());
    let disk = Trial::test("rows that fit neither memory nor disk", encoded_rows_fit_no_disk);
    trials.push(disk.on_linux());
    let quarter = Trial::test("a process that may hold a quarter of the data", a_quarter_of_the_data);
    trials.push(quarter.on_linux());
    trials
}
