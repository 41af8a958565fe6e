//! What wgrad says of itself: help, completions and manual pages, and what it suggests for a word that is mistyped.

use std::process::{Command, Stdio};

use crate::common::{Desk, Failed, Trial, named};

/// Stdout of what must succeed.
fn text(arguments: &[&str]) -> String {
    let output = Desk::new().run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The long options that a help text describes.
fn options(help: &str) -> Vec<String> {
    let option = |line: &str| {
        let line = line.trim_start();
        let start = if line.starts_with("--") { 0 } else { line.starts_with('-').then(|| line.find("--"))?? };
        let end = line[start..].find([' ', '[']).map_or(line.len(), |end| start + end);
        Some(line[start..end].to_owned())
    };
    help.lines().filter_map(option).collect()
}

/// Whether a program is there.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The help of wgrad and of each command, with the words before it, as the help texts themselves list them.
fn helps() -> Vec<(Vec<String>, String)> {
    let mut helps: Vec<(Vec<String>, String)> = vec![(Vec::new(), String::new())];
    let mut place = 0;
    while place < helps.len() {
        let words = helps[place].0.clone();
        let help = text(&[&words.iter().map(String::as_str).collect::<Vec<_>>()[..], &["--help"]].concat());
        let listed = help.split_once("\nCommands:\n").map_or("", |(_, listed)| listed);
        let name = |line: &str| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned);
        let names = listed.lines().take_while(|line| !line.is_empty()).filter_map(name);
        let is_command = |name: &String| !name.is_empty() && name != "help";
        let below = names.filter(is_command).map(|name| ([&words[..], &[name]].concat(), String::new()));
        helps.extend(below.collect::<Vec<_>>());
        helps[place].1 = help;
        place += 1;
    }
    helps
}

fn the_help_of_train_is_grouped_and_ends_with_examples() {
    let help = text(&["train", "--help"]);
    let headings = ["\nData:", "\nNetwork:", "\nTraining:", "\nOutput:", "\nDevice:", "\nExamples:"];
    let places: Vec<_> = headings.iter().map(|heading| help.find(heading).expect(heading)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(options(&help).len() > 45, "{:?}", options(&help));
}

fn what_ends_a_help_text_fits_a_narrow_terminal() {
    let helps = helps();
    assert!(helps.len() > 15, "{helps:?}");
    for (_, help) in helps {
        let ends = ["\nExample", "\nStart with:"].iter().filter_map(|word| help.rfind(word)).min();
        for line in ends.map_or("", |end| &help[end..]).lines() {
            assert!(line.chars().count() <= 79, "{line}");
        }
    }
}

fn every_shell_gets_its_completions() {
    let help = text(&["completions", "--help"]);
    let (_, values) = help.split_once("[possible values:").expect("values");
    let (values, _) = values.split_once(']').expect("their end");
    let shells: Vec<&str> = values.split(',').map(str::trim).collect();
    assert!(shells.contains(&"bash") && shells.contains(&"zsh"), "{shells:?}");
    for shell in shells {
        let script = text(&["completions", shell]);
        for word in ["gradcheck", "learning-rate"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // clap_complete has no values of options for these two.
        assert!(["elvish", "powershell"].contains(&shell) || script.contains("leaky-relu"), "{shell}: values");
    }
}

fn bash_completes_commands_options_and_values() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("wgrad.bash", text(&["completions", "bash"]));
    let script = "source wgrad.bash && complete -p wgrad && \
                  complete_line() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); \
                  _wgrad wgrad \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; echo \"${COMPREPLY[@]}\"; }; \
                  complete_line wgrad tr; complete_line wgrad train --learn; complete_line wgrad train --optimizer ada";
    let said = |arguments: &[&str]| Command::new("bash").args(arguments).current_dir(desk.path()).output();
    assert!(said(&["-n", "wgrad.bash"])?.status.success());
    let completed = String::from_utf8(said(&["-c", script])?.stdout)?;
    let lines: Vec<&str> = completed.lines().collect();
    assert!(lines[0].starts_with("complete ") && lines[0].ends_with(" -F _wgrad wgrad"), "{completed}");
    assert_eq!(lines[1..], ["train", "--learning-rate", "adam adamw"]);
    Ok(())
}

fn the_manual_mentions_every_option() {
    let desk = Desk::new();
    assert!(text(&["man"]).contains("wgrad\\-train(1)"));
    assert!(desk.run(&["man", "-o", "pages"]).status.success());
    for (words, help) in helps() {
        let page = [&["wgrad".to_owned()], &words[..]].concat().join("-");
        let page = String::from_utf8(desk.bytes(&format!("pages/{page}.1"))).expect("UTF-8").replace('\\', "");
        for option in options(&help) {
            assert!(page.contains(&option), "the page of {words:?} does not mention {option}");
        }
    }
}

fn the_manual_is_free_of_warnings() -> Result<(), Failed> {
    let desk = Desk::new();
    assert!(desk.run(&["man", "-o", "pages"]).status.success());
    for page in std::fs::read_dir(desk.path().join("pages"))? {
        let page = page?.path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(&page);
        let output = man.env("LC_ALL", "C.UTF-8").output()?;
        let is_sound = output.status.success() && output.stderr.is_empty();
        assert!(is_sound, "{}: {}", page.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn a_mistyped_word_is_answered_with_the_one_that_was_meant() {
    let desk = Desk::new();
    desk.write("digits.csv", "a,y\n1,2\n");
    desk.write("sets/flowers.csv", "a,y\n1,2\n");
    desk.write("images", [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7]);
    desk.write("labels", [0, 0, 8, 1, 0, 0, 0, 1, 7]);
    desk.write("config.toml", "data = \"iris\"\n");
    let made = ["train", "iris", "--device", "cpu", "--epochs", "1", "--quiet", "-o", "runs/iris-1"];
    assert!(desk.run(&made).status.success());
    let cases: [(i32, &[&str], &str); 26] = [
        (2, &["fit", "iris"], "'train'"),
        (2, &["test", "runs/iris-1", "iris"], "'evaluate'"),
        (2, &["ls"], "'runs'"),
        (2, &["train", "iris", "--validation-split=0.2"], "wgrad calls it --split 0.8/0.1/0.1"),
        (2, &["train", "iris", "--random_state", "3"], "wgrad calls it --seed"),
        (2, &["predict", "runs/iris-1", "iris", "--cuda"], "wgrad calls it --device gpu"),
        (2, &["runs", "--cuda"], "unexpected argument '--cuda'"),
        (2, &["train", "iris", "--targt", "species"], "'--target'"),
        (2, &["tran", "iris"], "'train'"),
        (2, &["train", "iris", "--optimizer", "adm"], "'adam'"),
        (2, &["train", "iris", "--activation", "rleu"], "'relu'"),
        (2, &["train", "iris", "--init", "he-normla"], "did you mean 'he-normal'?"),
        (2, &["train", "iris", "--init", "runs/iris-1/model.safetensor"], "model.safetensors'?"),
        (2, &["bench", "kernel"], "'kernels'"),
        (2, &["completions", "bas"], "'bash'"),
        (2, &["train", "--resume", "rns/iris-1"], "iris-1'?"),
        (3, &["train", "wine-quality", "--target", "qualty"], "did you mean 'quality'?"),
        (3, &["train", "wine-quality", "--ignore", "alcool"], "did you mean 'alcohol'?"),
        (3, &["train", "irs"], "did you mean 'iris'?"),
        (3, &["data", "digit.csv"], "did you mean 'digits.csv'?"),
        (3, &["data", "sest/flower.csv"], "flowers.csv'?"),
        (3, &["train", "digits.csv", "--test", "digts.csv"], "did you mean 'digits.csv'?"),
        (3, &["train", "--config", "confg.toml"], "did you mean 'config.toml'?"),
        (3, &["train", "images", "--labels", "labls"], "did you mean 'labels'?"),
        (8, &["evaluate", "runs/irsi-1", "iris"], "iris-1'?"),
        (8, &["inspect", "rnus/iris-1/model.safetensors"], "model.safetensors'?"),
    ];
    for (code, arguments, word) in cases {
        let output = desk.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?} does not say {word}: {said}");
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = named![
        the_help_of_train_is_grouped_and_ends_with_examples,
        what_ends_a_help_text_fits_a_narrow_terminal,
        every_shell_gets_its_completions,
        the_manual_mentions_every_option,
        a_mistyped_word_is_answered_with_the_one_that_was_meant,
    ];
    let bash = Trial::test("bash_completes_commands_options_and_values", bash_completes_commands_options_and_values);
    trials.push(bash.on_unix().left_out_if(!is_there("bash"), "no bash"));
    let man = Trial::test("the_manual_is_free_of_warnings", the_manual_is_free_of_warnings);
    trials.push(man.left_out_if(!is_there("man") || !is_there("groff"), "no man with groff"));
    trials
}
