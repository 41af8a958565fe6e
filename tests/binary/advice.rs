//! What wgrad advises is true and can be followed: each piece of advice and each remedy is done as it is printed, and no flag is named that
//! the command does not have.
//!
//! `WGRAD_TEST_SHARED` names a folder beside the repository with more files (`hunt`, `data`); without it the trials of those show as ignored.

mod remedies;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use crate::common::{Completion, Desk, Failed, Trial};

type Outcome<T = ()> = Result<T, Failed>;

/// What a command of a shell came to.
struct Said {
    code: i32,
    /// What it printed for people: stderr, and stdout but for tables of predictions.
    text: String,
    stdout: String,
}

/// Runs a command of a shell, in which `wgrad` is the binary, and looks whether the flags that it prints are there.
fn said(desk: &Desk, command: &str) -> Outcome<Said> {
    let binary = Path::new(env!("CARGO_BIN_EXE_wgrad"));
    let path = std::env::join_paths(
        std::iter::once(binary.parent().ok_or("a folder")?.to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(desk.path()).env("PATH", path).stdin(Stdio::null());
    let output = shell.env("LC_ALL", "C").output()?;
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let name = command.split_whitespace().skip_while(|word| *word != "wgrad").nth(1).unwrap_or_default().to_owned();
    let text = if name == "predict" || stdout.starts_with('{') { stderr } else { format!("{stderr}{stdout}") };
    // What clap itself says of unknown flags names them.
    let is_of_clap = text.contains("For more information, try");
    // The text of a lesson has lines of one width.
    let lines = if name == "lesson" { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.clone() };
    let mut is_for_training = false;
    for line in lines.lines().filter(|_| !is_of_clap) {
        is_for_training = line == "advice for wgrad train:" || is_for_training && line.starts_with("  ");
        let name = if is_for_training { "train" } else { &name };
        if let Some(flag) = strange_flag(name, line)? {
            return Err(format!("'{command}' names {flag}, which it does not have: {line}").into());
        }
    }
    Ok(Said { code: output.status.code().unwrap_or(-1), text, stdout })
}

/// A flag in a line that neither the command has nor another one that the line names before it.
fn strange_flag(command: &str, line: &str) -> Outcome<Option<String>> {
    for (place, flag) in flags_of(line) {
        let before = &line[..place];
        if before.contains("cargo ") {
            continue;
        }
        let named = before.rsplit_once("wgrad ").and_then(|(_, rest)| rest.split([' ', '\'', '`']).next());
        let trains = before.contains("train").then_some("train");
        let mut known = false;
        for command in [Some(command), named, trains].into_iter().flatten() {
            known |= has_flag(command, &flag)?;
        }
        if !known {
            return Ok(Some(flag));
        }
    }
    Ok(None)
}

/// The flags in a text, and where they are.
fn flags_of(text: &str) -> Vec<(usize, String)> {
    let is_of_flag = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    let start = |&(place, _): &(usize, &str)| {
        let before = text[..place].chars().next_back();
        let is_first = !before.is_some_and(|before| before == '-' || before.is_alphanumeric());
        is_first && text[place + 2..].starts_with(|character: char| character.is_ascii_lowercase())
    };
    let flag = |(place, _)| {
        let name: String = text[place..].chars().take_while(is_of_flag).collect();
        (place, name.trim_end_matches('-').to_owned())
    };
    text.match_indices("--").filter(start).map(flag).collect()
}

/// Whether a command's help knows a flag.
fn has_flag(command: &str, flag: &str) -> Outcome<bool> {
    static KNOWN: OnceLock<Mutex<HashMap<String, BTreeSet<String>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().map_err(|_| "another trial failed")?;
    if !known.contains_key(command) {
        let help = Command::new(env!("CARGO_BIN_EXE_wgrad")).args([command, "--help"]).output()?;
        let options = String::from_utf8_lossy(&help.stdout).into_owned();
        let lines = options.lines().filter(|line| line.trim_start().starts_with('-'));
        let flags = lines.flat_map(flags_of).map(|(_, flag)| flag).collect();
        known.insert(command.to_owned(), flags);
    }
    Ok(known[command].contains(flag))
}

/// A command that has to succeed; gives what it printed.
fn done(desk: &Desk, command: &str) -> Outcome<String> {
    let said = said(desk, command)?;
    if said.code == 0 { Ok(said.text) } else { Err(format!("'{command}' ends with {}: {}", said.code, said.text).into()) }
}

/// How every training here is told to be short.
const SHORT: &str = "--device cpu --epochs 2 --seed 1 -q";

// Scores.

/// How trainings are told to be long enough for a score.
const SCORED: &str = "--device cpu --epochs 40 --learning-rate 0.01 --batch-size 16 --split 0.9/0.1/0 -q";
const SEEDS: usize = 4;

/// A table, cut into rows to train on and rows to judge by.
struct Halves {
    training: String,
    judging: String,
    /// Names of the columns, and the cells of the rows to judge by.
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Cuts a table by chance, the same at every run. Rows with a gap are not judged by.
fn halves(text: &str, has_header: bool, delimiter: u8) -> Outcome<Halves> {
    let is_before = |line: &&str| line.starts_with("# ") || line.starts_with("sep=");
    let before: String = text.lines().take_while(is_before).map(|line| format!("{line}\n")).collect();
    let table: String = text.lines().skip_while(is_before).map(|line| format!("{line}\n")).collect();
    let cells = |line: &str| -> Outcome<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line.as_bytes());
        Ok(reader.records().next().ok_or("a row")??.iter().map(str::to_owned).collect())
    };
    let mut lines = table.lines();
    let header = if has_header { lines.next().unwrap_or_default() } else { "" };
    let top = if has_header { format!("{before}{header}\n") } else { before };
    let (mut training, mut judging, mut rows) = (top.clone(), top, Vec::new());
    let mut state = 7_u64;
    for line in lines {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let row = cells(line)?;
        if (state >> 33).is_multiple_of(3) && row.iter().all(|cell| !cell.is_empty()) {
            judging += &format!("{line}\n");
            rows.push(row);
        } else {
            training += &format!("{line}\n");
        }
    }
    let names = if has_header {
        cells(header)?
    } else {
        (0..rows.first().map_or(0, Vec::len)).map(|place| place.to_string()).collect()
    };
    Ok(Halves { training, judging, names, rows })
}

/// A number as people write it.
fn number(cell: &str) -> Option<f64> {
    let plain = cell.trim_start_matches(['$', '€']);
    // Of a point and a comma the last comes before the decimals.
    let is_comma = plain.rfind(',') > plain.rfind('.');
    let (group, decimal) = if is_comma { ('.', ',') } else { (',', '.') };
    plain.replace(group, "").replace(decimal, ".").parse().ok()
}

/// How good predictions are: R² of numbers of which there are more than two, else the balanced accuracy.
fn judged(truth: &[&str], told: &[&str]) -> Outcome<f64> {
    if truth.len() != told.len() || truth.len() < 5 {
        return Err(format!("{} predictions of {} rows", told.len(), truth.len()).into());
    }
    let different: BTreeSet<&str> = truth.iter().copied().collect();
    let numbers: Option<Vec<(f64, f64)>> =
        truth.iter().zip(told).map(|(truth, told)| Some((number(truth)?, number(told)?))).collect();
    if let Some(numbers) = numbers.filter(|_| different.len() > 2) {
        let mean = numbers.iter().map(|pair| pair.0).sum::<f64>() / numbers.len() as f64;
        let errors: f64 = numbers.iter().map(|(truth, told)| (truth - told).powi(2)).sum();
        return Ok(1.0 - errors / numbers.iter().map(|pair| (pair.0 - mean).powi(2)).sum::<f64>());
    }
    let recall = |class: &&str| {
        let of_class = || truth.iter().zip(told).filter(|(truth, _)| *truth == class);
        of_class().filter(|(truth, told)| truth == told).count() as f64 / of_class().count() as f64
    };
    Ok(different.iter().map(recall).sum::<f64>() / different.len() as f64)
}

/// The scores with these flags, one a seed; none where training refuses the file.
fn scores(desk: &Desk, halves: &Halves, reading: &str, flags: &str) -> Outcome<Option<Vec<f64>>> {
    desk.write("scored/training.csv", &halves.training);
    desk.write("scored/judging.csv", &halves.judging);
    let mut scores = Vec::new();
    for seed in 0..SEEDS {
        let train = format!(
            "rm -rf scored/run; wgrad train scored/training.csv {reading} {flags} {SCORED} --seed {seed} -o scored/run"
        );
        if said(desk, &train)?.code != 0 {
            return Ok(None);
        }
        let predicted = said(desk, &format!("wgrad predict scored/run scored/judging.csv {reading} -q"))?;
        let options = String::from_utf8_lossy(&desk.bytes("scored/run/run.toml")).into_owned();
        let target = options.lines().find_map(|line| line.strip_prefix("target = [\"")?.strip_suffix("\"]"));
        let target = target.ok_or("one target")?;
        let place = halves.names.iter().position(|name| name == target).ok_or_else(|| format!("no column '{target}'"))?;
        let truth: Vec<&str> = halves.rows.iter().map(|row| row[place].as_str()).collect();
        let told: Vec<&str> = predicted.stdout.lines().skip(1).collect();
        scores.push(judged(&truth, &told).map_err(|failed| format!("{train}: {failed:?}; {}", predicted.text))?);
    }
    Ok(Some(scores))
}

/// That scores with advice are not lower than those without, but for what differs from seed to seed.
fn not_lower(what: &str, with: &[f64], without: &[f64]) -> Outcome {
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    let variance = |scores: &[f64]| {
        let mean = mean(scores);
        scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (scores.len() - 1) as f64
    };
    let noise = 2.0 * ((variance(with) + variance(without)) / with.len() as f64).sqrt();
    let lost = mean(without) - mean(with);
    if lost <= noise.max(0.02) { Ok(()) } else { Err(format!("{what}: {with:.3?}, and {without:.3?} without").into()) }
}

// Advice.

/// A flag with its value, as a message has it: `--ignore 'a b'`.
fn flag_with_value(text: &str, place: usize) -> String {
    let rest = &text[place..];
    let (flag, value) = rest.split_at(rest.find([' ', '=', ')', ';', ',', '\n']).unwrap_or(rest.len()));
    if !value.starts_with(' ') || ["--no-header", "--stratify"].contains(&flag) {
        let joined = value.starts_with('=').then(|| value.split([' ', ')', ';']).next()).flatten();
        return format!("{flag}{}", joined.unwrap_or_default());
    }
    let mut quote = None;
    let ends = |&(place, character): &(usize, char)| {
        match quote {
            Some(open) if character == open => quote = None,
            None if "'\"".contains(character) => quote = Some(character),
            _ => {}
        }
        place > 0 && quote.is_none() && " );\n".contains(character)
    };
    let end = value[1..].char_indices().find(ends).map_or(value.len(), |(place, _)| place + 1);
    // A comma ends a part of a sentence, or is the value: `--decimal ,`.
    let value = if value.len() > end && value[end..].starts_with(' ') && end > 2 {
        value[..end].trim_end_matches(',')
    } else {
        &value[..end]
    };
    format!("{flag}{value}")
}

/// Flags that no advice on a file has: of the output, and what is said of a training.
const OF_TRAINING: [&str; 8] =
    ["--json", "--folds", "--learning-rate", "--optimizer", "--activation", "--epochs", "--patience", "--class-weights"];

/// What advice a line gives, as flags that can be typed; none where it leaves a choice to the reader that no test has.
fn advised(line: &str, names: &[String]) -> Vec<String> {
    let choice = |(place, flag): (usize, String)| {
        let quoted = |line: &str| -> Vec<String> {
            let parts = line.split('\'').skip(1).step_by(2);
            // A comma would make two of a name.
            let place = |part: &str| names.iter().position(|name| name == part);
            parts
                .filter_map(|part| {
                    Some(if part.contains(',') { place(part)?.to_string() } else { names[place(part)?].clone() })
                })
                .collect()
        };
        match flag.as_str() {
            // (--ignore leaves columns out)
            "--ignore" if line[place..].starts_with("--ignore leaves") => {
                Some(format!("--ignore '{}'", quoted(&line[..place]).join(",")))
            }
            "--target" if line[place..].trim_end() == "--target" => Some(format!("--target '{}'", names.first()?)),
            flag if OF_TRAINING.contains(&flag) => None,
            _ => Some(flag_with_value(line, place)),
        }
    };
    flags_of(line).into_iter().filter_map(choice).collect()
}

/// Whether only the reader can say if advice is meant for this file.
fn is_conditional(line: &str) -> bool {
    [" if ", "keeps them as text"].iter().any(|word| line.contains(word))
}

/// A file to follow the advice about.
struct Given {
    name: String,
    text: String,
    /// How it is read: --delimiter and the like.
    reading: String,
    /// Whether its conditional advice is meant, so that scores must be no lower with it.
    is_meant: bool,
}

/// Follows all that `data` and `train` advise about a file, and compares scores.
fn followed(given: &Given) -> Outcome<Completion> {
    let desk = Desk::new();
    let Given { name, text, reading, is_meant } = given;
    let is_file = !text.is_empty();
    if is_file {
        desk.write(name, text);
    }
    let seen = said(&desk, &format!("wgrad data {name} {reading}"))?;
    if seen.code != 0 {
        if is_remedied_otherwise(&seen.text) {
            return Ok(Completion::ignored_with("refused, with a remedy that is another trial's"));
        }
        // Its remedy is followed instead.
        let remedy = advised(&seen.text, &[]).into_iter().find(|flag| flag.starts_with("--delimiter"));
        let Some(remedy) = remedy.filter(|_| reading.is_empty()) else {
            return Err(seen.text.into());
        };
        let (name, text) = (name.clone(), text.clone());
        return followed(&Given { name, text, reading: remedy, is_meant: *is_meant });
    }
    let next = seen.text.lines().find_map(|line| line.strip_prefix("next: ")).ok_or("a next command")?.to_owned();
    let json: serde_json::Value =
        serde_json::from_str(&said(&desk, &format!("wgrad data {name} {reading} --json"))?.stdout)?;
    if json["train"].as_str() != Some(&next) {
        return Err(format!("{next}, but in JSON {}", json["train"]).into());
    }
    let names: Vec<String> = json["columns"]
        .as_array()
        .ok_or("columns")?
        .iter()
        .filter_map(|column| column["name"].as_str().map(str::to_owned))
        .collect();
    // A column that the reader is to name.
    let next = next.replace("--target COLUMN", &format!("--target '{}'", names[0]));
    done(&desk, &format!("{next} {SHORT} -o next"))?;
    let prefix = format!("wgrad train {name}");
    let flags = next.strip_prefix(&prefix).ok_or_else(|| format!("{next} does not begin with {prefix}"))?.trim().to_owned();
    let flags = flags.strip_prefix(reading.as_str()).unwrap_or(&flags).trim().to_owned();

    let plain = said(&desk, &format!("wgrad train {name} {reading} {SHORT} -o plain"))?;
    let lines: Vec<&str> = seen.text.lines().chain(plain.text.lines()).filter(|line| !line.starts_with("next: ")).collect();
    // What plain training is refused for, another one may find first.
    let mut advice: Vec<(String, bool)> = vec![(flags.clone(), false)];
    for line in lines.iter().filter(|line| line.starts_with("  ") || line.starts_with("wgrad: ")) {
        for flag in advised(line, &names) {
            if !advice.iter().any(|(known, _)| *known == flag) {
                advice.push((flag, is_conditional(line)));
            }
        }
    }
    let delimiter = match reading.as_str() {
        text if text.contains("tab") || text.contains("\\t") => b'\t',
        text if text.contains(';') => b';',
        _ if text.starts_with("sep=;") => b';',
        _ => b',',
    };
    let halves = match is_file {
        true => Some(halves(text, !reading.contains("--no-header"), delimiter)?),
        false => None,
    };
    let mut without = None;
    for (flag, conditional) in advice.into_iter().filter(|(flag, _)| !flag.is_empty()) {
        let name_of_flag = flags_of(&flag).into_iter().next().ok_or("a flag")?.1;
        if conditional && !is_meant || flag == "--decimal ." {
            // To keep numbers as text, say, may make classes of them.
            if has_flag("data", &name_of_flag)? {
                done(&desk, &format!("wgrad data {name} {reading} {flag}"))?;
            }
            continue;
        }
        // Another advice may be needed as well before there is a training: then all are followed together, as above.
        let trained = said(&desk, &format!("rm -rf one; wgrad train {name} {reading} {flag} {SHORT} -o one"))?;
        if trained.code != 0 && plain.code == 0 {
            return Err(format!("{flag} is refused: {}", trained.text).into());
        }
        if trained.code != 0 && plain.code != 0 && flag != flags {
            // It takes several, as above.
            continue;
        }
        if trained.code != 0 && same_refusal(&trained.text, &plain.text) {
            return Err(format!("{flag} helps nothing: {}", trained.text).into());
        }
        if has_flag("data", &name_of_flag)? {
            done(&desk, &format!("wgrad data {name} {reading} {flag}"))?;
        }
        if plain.code != 0 || name_of_flag == "--target" || flag.starts_with("--no-header") {
            continue;
        }
        if let Some(halves) = &halves {
            if without.is_none() {
                without = Some(scores(&desk, halves, reading, "")?);
            }
            if let (Some(Some(without)), Some(with)) = (&without, scores(&desk, halves, reading, &flag)?) {
                // What is less than a row may be chance.
                let row = 1.0 / halves.rows.len() as f64;
                let with: Vec<f64> = with.iter().map(|score| score + row).collect();
                not_lower(&format!("{name} with {flag}"), &with, without)?;
            }
        } else {
            let score = |flag: &str, seed: usize| -> Outcome<f64> {
                let command =
                    format!("rm -rf s; wgrad train {name} {flag} --device cpu --epochs 5 --seed {seed} --json -q -o s");
                let report: serde_json::Value = serde_json::from_str(&said(&desk, &command)?.stdout)?;
                let test = &report["test"];
                test["balanced_accuracy"].as_f64().or(test["r2"].as_f64()).ok_or_else(|| format!("a score: {test}").into())
            };
            let all = |flag: &str| (0..SEEDS).map(|seed| score(flag, seed)).collect::<Outcome<Vec<f64>>>();
            not_lower(&format!("{name} with {flag}"), &all(&flag)?, &all("")?)?;
        }
    }
    // What a trained model is used for says nothing false of flags either.
    for command in ["evaluate", "predict"] {
        said(&desk, &format!("wgrad {command} next {name} {reading}"))?;
    }
    Ok(Completion::Completed)
}

/// The same refusal, but for its place.
fn same_refusal(one: &str, other: &str) -> bool {
    let of = |text: &str| text.lines().rfind(|line| line.starts_with("wgrad: ")).map(str::to_owned);
    of(one) == of(other)
}

/// Whether a file is refused for good, with words that other trials follow.
fn is_remedied_otherwise(text: &str) -> bool {
    ["separated by spaces", "is infinite"].iter().any(|part| text.contains(part))
}

// Files.

/// Numbers that look drawn, from 0 to 1, the same at every run.
fn drawn(row: usize, column: usize) -> f64 {
    let mut state =
        (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (column as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    for _ in 0..3 {
        state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

/// A table of as many rows: a header, and a line for each row.
fn rows(header: &str, count: usize, row: impl Fn(usize) -> String) -> String {
    format!("{header}\n") + &(0..count).map(|place| format!("{}\n", row(place))).collect::<String>()
}

/// Files of many kinds, and whether their conditional advice is meant.
fn generated() -> Vec<(&'static str, String, bool)> {
    let d = drawn;
    let class = |row: usize| if d(row, 0) + d(row, 1) > 1.0 { "yes" } else { "no" };
    vec![
        (
            "ids-in-the-middle",
            rows("a,order_id,b,y", 150, |row| {
                format!("{:.3},{},{:.3},{}", d(row, 0), 90_000 + (row * 7919) % 99_991, d(row, 1), class(row))
            }),
            true,
        ),
        (
            "ids-that-count",
            rows("n,a,b,y", 150, |row| format!("{row},{:.3},{:.3},{}", d(row, 0), d(row, 1), class(row))),
            true,
        ),
        (
            "uuids",
            rows("uuid,a,b,y", 150, |row| {
                format!("{:08x}-{row:04x},{:.3},{:.3},{}", (d(row, 5) * 4e9) as u32, d(row, 0), d(row, 1), class(row))
            }),
            true,
        ),
        (
            "a-year",
            rows("year,a,price", 150, |row| {
                let year = 1990 + (d(row, 2) * 30.0) as usize;
                format!("{year},{:.3},{:.2}", d(row, 0), 3.0 * d(row, 0) + (year - 1990) as f64 / 10.0)
            }),
            true,
        ),
        (
            "a-price",
            rows("area,price", 150, |row| {
                let area = 40 + (d(row, 0) * 90.0) as usize;
                format!("{area},\"$1,{:03}.00\"", area * 7 % 1000)
            }),
            true,
        ),
        (
            "thousands",
            rows("area;price", 150, |row| {
                let area = 40 + (d(row, 0) * 90.0) as usize;
                format!("{area};1.{:03},5", area * 7 % 1000)
            }),
            true,
        ),
        (
            "counts",
            rows("x,z,visits", 300, |row| {
                format!("{:.3},{:.3},{}", d(row, 0), d(row, 1), (d(row, 0) * 9.0 + d(row, 2) * 2.0) as usize)
            }),
            true,
        ),
        (
            "all-different",
            rows("area,rooms,rent", 150, |row| {
                let area = 20_000 + row * row * 3 + (d(row, 0) * 5.0) as usize;
                format!("{area},{},{:.2}", 1 + (d(row, 1) * 9.0) as usize, area as f64 / 100.0 + 9.0 * d(row, 3))
            }),
            true,
        ),
        (
            "two-like-ids",
            rows("length,width,y", 150, |row| {
                let (length, width) = (1000 + (d(row, 0) * 1e6) as usize, 1000 + (d(row, 1) * 1e6) as usize);
                format!("{length},{width},{}", if length > width { "long" } else { "wide" })
            }),
            true,
        ),
        (
            "dates",
            rows("date,a,y", 160, |row| {
                format!(
                    "2026-{:02}-{:02},{:.3},{:.3}",
                    1 + row / 28 % 12,
                    1 + row % 28,
                    d(row, 0),
                    2.0 * d(row, 0) + 0.1 * d(row, 1)
                )
            }),
            true,
        ),
        (
            "dates-twice",
            rows("date,a,y", 300, |row| {
                let day = row / 2;
                format!(
                    "2026-{:02}-{:02},{:.3},{:.3}",
                    1 + day / 28,
                    1 + day % 28,
                    d(row, 0),
                    2.0 * d(row, 0) + 0.1 * d(row, 1)
                )
            }),
            true,
        ),
        (
            "classes-as-numbers",
            rows("a,b,label", 240, |row| {
                format!("{:.3},{:.3},{}", d(row, 0), d(row, 1), [7, 3, 12][(d(row, 0) * 3.0) as usize])
            }),
            false,
        ),
        (
            "kinds-as-numbers",
            rows("kind,a,y", 300, |row| {
                let kind = (d(row, 2) * 4.0) as usize;
                format!("{},{:.3},{:.3}", kind + 1, d(row, 0), [3.0, -2.0, 4.0, -3.0][kind] + d(row, 0))
            }),
            true,
        ),
        ("constants", rows("same,a,-x,\"p,q\",y", 150, |row| format!("7,{:.3},5,z,{}", d(row, 0), class(row))), true),
        (
            "a-missing-target",
            rows("a,b,y", 150, |row| {
                let target = if row % 11 == 5 { "" } else { class(row) };
                format!("{:.3},{:.3},{target}", d(row, 0), d(row, 1))
            }),
            true,
        ),
        (
            "many-gaps",
            rows("a,b,y", 150, |row| {
                let cell = if d(row, 4) < 0.3 { String::new() } else { format!("{:.3}", d(row, 1)) };
                format!("{:.3},{cell},{}", d(row, 0), class(row))
            }),
            true,
        ),
        (
            "gaps-and-no-targets",
            rows("a,b,y", 150, |row| {
                let cell = if d(row, 4) < 0.3 { String::new() } else { format!("{:.3}", d(row, 1)) };
                format!("{:.3},{cell},{}", d(row, 0), if row % 9 == 2 { "" } else { class(row) })
            }),
            true,
        ),
        (
            "the-target-is-first",
            rows("species,a,b", 150, |row| format!("{},{:.3},{:.3}", class(row), d(row, 0), d(row, 1))),
            true,
        ),
        ("the-target-is-constant", rows("a,b,y", 60, |row| format!("{:.3},{:.3},7", d(row, 0), d(row, 1))), true),
        ("the-target-is-a-name", rows("a,b,name", 60, |row| format!("{:.3},{:.3},n{row}", d(row, 0), d(row, 1))), true),
        (
            "rare-classes",
            rows("a,b,y", 200, |row| {
                let class = if row == 77 {
                    "once"
                } else if row % 40 == 3 {
                    "rare"
                } else {
                    class(row)
                };
                format!("{:.3},{:.3},{class}", d(row, 0), d(row, 1))
            }),
            true,
        ),
        (
            "copies",
            rows("a,b,y", 150, |row| {
                let row = row % 90;
                format!("{:.3},{:.3},{}", d(row, 0), d(row, 1), class(row))
            }),
            true,
        ),
        (
            "two-classes-0-and-1",
            rows("a,b,admit", 150, |row| format!("{:.3},{:.3},{}", d(row, 0), d(row, 1), usize::from(class(row) == "yes"))),
            true,
        ),
    ]
}

/// Files beside the repository.
fn shared() -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(std::env::var_os("WGRAD_TEST_SHARED")?);
    let mut files = Vec::new();
    for part in ["hunt", "data"] {
        let entries = std::fs::read_dir(folder.join(part)).into_iter().flatten().flatten();
        let is_table = |path: &PathBuf| path.extension().is_some_and(|end| end == "csv" || end == "txt");
        files.extend(entries.map(|entry| entry.path()).filter(is_table));
    }
    files.sort_unstable();
    (!files.is_empty()).then_some(files)
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("each remedy can be followed", remedies::each_remedy_can_be_followed),
        Trial::test("flags are found, and strange ones", flags_are_found),
        Trial::test("a lower score is found", a_lower_score_is_found),
    ];
    for name in ["iris", "wine", "breast-cancer", "digits", "wine-quality"] {
        let given = Given { name: name.to_owned(), text: String::new(), reading: String::new(), is_meant: false };
        trials.push(Trial::test(format!("advice on {name}"), move || followed(&given)));
    }
    for (name, text, is_meant) in generated() {
        let given = Given { name: format!("{name}.csv"), text, reading: String::new(), is_meant };
        trials.push(Trial::test(format!("advice on {name}"), move || followed(&given)));
    }
    match shared() {
        Some(files) => trials.extend(files.into_iter().map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Trial::test(format!("advice on {name}, beside the repository"), move || {
                let text = std::fs::read_to_string(&path)?;
                followed(&Given { name, text, reading: String::new(), is_meant: false })
            })
        })),
        None => {
            let name = "advice on files beside the repository";
            trials.push(Trial::left_out(name, "WGRAD_TEST_SHARED names no folder of them"));
        }
    }
    trials
}

fn flags_are_found() -> Outcome {
    let text = "say --ignore 'a b', or --a-b=3 (--json); a--b -- --X --9";
    let found: Vec<String> = flags_of(text).into_iter().map(|(_, flag)| flag).collect();
    let expected = ["--ignore", "--a-b", "--json"];
    if found != expected {
        return Err(format!("{found:?}").into());
    }
    let values =
        [("say --ignore 'a b'; x", "--ignore 'a b'"), ("(--ignore=-x)", "--ignore=-x"), ("say --decimal ,", "--decimal ,")];
    for (line, expected) in values {
        let place = line.find("--").ok_or("a flag")?;
        if flag_with_value(line, place) != expected {
            return Err(format!("{line}: {}", flag_with_value(line, place)).into());
        }
    }
    for (command, line, is_strange) in [
        ("evaluate", "leave it out (--ignore)", true),
        ("evaluate", "leave it out, or train without it (--ignore)", false),
        ("predict", "next: wgrad evaluate RUN --min r2=0.5", false),
        ("predict", "next: wgrad evaluate RUN --append", false),
        ("data", "say --missing drop", true),
    ] {
        if strange_flag(command, line)?.is_some() != is_strange {
            return Err(format!("{command}: {line}").into());
        }
    }
    Ok(())
}

fn a_lower_score_is_found() -> Outcome {
    not_lower("the same", &[0.8, 0.9, 0.8, 0.9], &[0.85, 0.85, 0.9, 0.8])?;
    match not_lower("less", &[0.7, 0.71, 0.7, 0.71], &[0.8, 0.81, 0.8, 0.81]) {
        Ok(()) => Err("0.1 less is no noise".into()),
        Err(_) => Ok(()),
    }
}
