//! The walks in `examples/`, run as they are written: the commands of each `sh` block, and the lines of the `text` block behind it.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{Completion, Desk, Failed, Trial};

/// The blocks of a page between three backticks: their language and their text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a language, then lines")).collect()
}

/// Whether a line is as the page says: word by word, but for decimals, which devices and libraries round in their own ways.
fn agrees(expected: &str, line: &str) -> bool {
    let decimal =
        |word: &str| word.contains('.').then(|| word.trim_matches(['(', ')', ',', ';']).parse::<f64>().ok()).flatten();
    let same = |(expected, found): (&str, &str)| match (decimal(expected), decimal(found)) {
        (Some(expected), Some(found)) => (expected - found).abs() <= 0.05 * expected.abs().max(1.0),
        _ => expected == found,
    };
    let (expected, line) = (expected.split_whitespace(), line.split_whitespace());
    expected.clone().count() == line.clone().count() && expected.zip(line).all(same)
}

/// Walks through a page in an empty folder.
fn walk(name: &str) -> Result<Completion, Failed> {
    let desk = Desk::new();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).expect("a page");
    let folder = Path::new(env!("CARGO_BIN_EXE_wgrad")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a path"));
    let (mut said, mut blocks_walked) = (String::new(), 0);
    for (language, text) in blocks(&page) {
        if language == "sh" {
            let mut shell = Command::new("sh");
            shell.args(["-e", "-c", &format!("exec 2>&1\n{text}")]).current_dir(desk.path());
            let output = shell.env("PATH", &path).env("LC_ALL", "C.UTF-8").output().expect("a shell");
            said = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(output.status.success(), "{name}: {text}\n{said}");
            blocks_walked += 1;
            continue;
        }
        if language == "python" {
            // Without these modules the walk ends here.
            let Some(python) = crate::common::python("numpy, onnxruntime") else {
                let why = "all but its Python: none has numpy and onnxruntime (WGRAD_TEST_PYTHON)";
                return Ok(Completion::ignored_with(why));
            };
            let output = Command::new(python).args(["-c", text]).current_dir(desk.path()).output().expect("Python");
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            said = String::from_utf8(output.stdout).expect("UTF-8");
            blocks_walked += 1;
            continue;
        }
        let mut lines = said.lines();
        for expected in text.lines().filter(|line| *line != "…") {
            assert!(
                lines.any(|line| agrees(expected, line)),
                "{name}: '{expected}' does not come, in its place, in\n{said}"
            );
        }
    }
    assert!(blocks_walked >= 4, "{name}: {blocks_walked} blocks");
    Ok(Completion::Completed)
}

fn a_line_agrees() -> Result<(), Failed> {
    assert!(agrees("loss 0.50, accuracy 1.0000", "loss 0.52, accuracy  0.9900"));
    assert!(!agrees("loss 0.50", "loss 0.60") && !agrees("200 rows", "199 rows") && !agrees("loss 0.5", "gain 0.5"));
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("shapes are drawn, trained on, judged and predicted", || walk("shapes.md")),
        Trial::test("admissions are looked at, trained on and predicted", || walk("admissions.md")),
        Trial::test("iris is cross-validated, trained on and asked in onnxruntime", || walk("iris.md")),
        Trial::test("a table is swept, and its best network predicts", || walk("sweep.md")),
        Trial::test("a line agrees within what rounding may do, and not in its words", a_line_agrees),
    ]
}
