//! Runs the files of a test crate.

use std::path::Path;

use libtest_mimic::{Arguments, Trial};

/// Runs the trials of these files, each of which gives its own: of all of them, or of those that the first words of the command line
/// name. What comes after these words is as for any test binary. A trial's kind is its file: `--list` shows it in brackets, and a
/// filter finds it there.
pub(crate) fn run(files: &[(&'static str, fn() -> Vec<Trial>)]) {
    let mut words = std::env::args();
    let program = words.next();
    let mut words = words.peekable();
    let mut chosen = Vec::new();
    while let Some(word) = words.next_if(|word| is_file(word)) {
        chosen.push(word);
    }
    let arguments = Arguments::from_iter(program.into_iter().chain(words));
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|word| word == name);
    let chosen = files.iter().filter(|(name, _)| is_chosen(name));
    let trials = chosen.flat_map(|&(name, trials)| trials().into_iter().map(move |trial| trial.with_kind(name))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// Whether a word is the name of a file of this test crate or of the other: both are given the same words, and each runs its own.
fn is_file(word: &str) -> bool {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    ["binary", "library"].iter().any(|folder| tests.join(folder).join(format!("{word}.rs")).is_file())
}
