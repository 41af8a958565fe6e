//! Runs the files of a test crate.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Arguments;

use super::{Failed, Trial};

/// A file's name, and what makes its trials.
pub(crate) type File = (&'static str, fn() -> Vec<Trial>);

/// Runs the trials of these files, each of which gives its own: of all of them, or of those that the first words of the command line
/// name. What comes after these words is as for any test binary. A trial's kind is its file: `--list` shows it in brackets, and a
/// filter finds it there.
pub(crate) fn run(files: &[File]) {
    let mut words = std::env::args();
    let program = words.next();
    let mut words = words.peekable();
    let mut chosen = Vec::new();
    while let Some(word) = words.next_if(|word| is_file(word)) {
        chosen.push(word);
    }
    let arguments = Arguments::from_iter(program.into_iter().chain(words));
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|word| word == name);
    let names: Vec<_> = files.iter().map(|&(name, _)| name).collect();
    let every = Trial::test("every file is run, and every test in it", move || every_file_is_run(&names));
    let chosen = files.iter().filter(|(name, _)| is_chosen(name));
    let trials = chosen.flat_map(|&(name, trials)| trials().into_iter().map(move |trial| trial.run_by_mimic(name)));
    let trials = trials.chain(is_chosen("main").then(|| every.run_by_mimic("main"))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// Where the test crates are.
fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Whether a word is the name of a file of this test crate or of the other: both are given the same words, and each runs its own.
fn is_file(word: &str) -> bool {
    ["binary", "library"].iter().any(|folder| tests().join(folder).join(format!("{word}.rs")).is_file())
}

/// No file of this crate is forgotten in its `main.rs` or in ARCHITECTURE.md, none lies outside of a crate, and none has a function that
/// only libtest would run.
fn every_file_is_run(names: &[&str]) -> Result<(), Failed> {
    let described = fs::read_to_string(tests().join("../ARCHITECTURE.md"))?;
    let mut wrong: Vec<_> =
        sources(&tests())?.into_iter().map(|(name, _)| format!("tests/{name}.rs is in no crate")).collect();
    for (name, source) in sources(&tests().join(env!("CARGO_CRATE_NAME")))? {
        let file = format!("tests/{}/{name}.rs", env!("CARGO_CRATE_NAME"));
        if name != "main" && !names.contains(&name.as_str()) {
            wrong.push(format!("{file} is not in main.rs"));
        }
        if name != "main" && !described.contains(&format!("| `{file}` | ")) {
            wrong.push(format!("{file} is not in ARCHITECTURE.md"));
        }
        if source.lines().any(|line| line.trim() == "#[test]") {
            wrong.push(format!("{file} has a #[test], which nobody runs: it belongs into trials()"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// The names and the text of the Rust files that lie in a folder.
fn sources(folder: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            sources.push((name, fs::read_to_string(&path)?));
        }
    }
    Ok(sources)
}
