//! What other programs call a command or a flag, and what wgrad does: for whoever types theirs.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// Commands of other programs, and wgrad's that do the like.
const COMMANDS: [(&[&str], &str); 10] = [
    (&["fit", "learn"], "train"),
    (&["test", "score", "validate", "eval"], "evaluate"),
    (&["infer", "apply", "classify"], "predict"),
    (&["ls", "list", "history"], "runs"),
    (&["show", "info", "summary"], "inspect"),
    (&["convert", "save"], "export"),
    (&["describe", "head", "profile"], "data"),
    (&["plot", "compare"], "report"),
    (&["benchmark", "time"], "bench"),
    (&["gpus"], "devices"),
];

/// Flags of other programs, wgrad's that say the like, and what to write behind them.
const FLAGS: [(&[&str], &str, &str); 9] = [
    (
        &["validation-split", "val-split", "validation-size", "val-size"],
        "split",
        " 0.8/0.1/0.1: the shares of training, validation and test rows",
    ),
    (
        &["test-size", "test-split", "train-size", "train-split"],
        "split",
        " 0.8/0/0.2: the shares of training, validation and test rows",
    ),
    (&["random-state", "random-seed", "rng"], "seed", ""),
    (&["max-iter", "max-epochs", "num-epochs", "n-epochs", "iterations"], "epochs", ""),
    (&["hidden-layer-sizes", "hidden-size", "hidden-units", "layers"], "hidden", " 64,32: the widths of the hidden layers"),
    (&["early-stopping", "early-stop", "n-iter-no-change"], "patience", " 20: epochs without a better loss"),
    (&["cv", "k-fold", "kfold", "k-folds", "n-splits"], "folds", " 5"),
    (&["gpu", "cuda"], "device", " gpu"),
    (&["l2", "alpha"], "weight-decay", ""),
];

/// An error of the command line, with wgrad's word for what was typed, where that is another program's.
pub(super) fn with_tip(mut error: Error, line: &Command, words: &[String]) -> Error {
    let text = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = text(&error, ContextKind::InvalidSubcommand).unwrap_or_default();
            let ours = COMMANDS.iter().find(|(theirs, _)| theirs.contains(&typed.as_str()));
            if let Some((_, ours)) = ours {
                error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![(*ours).to_owned()]));
            }
        }
        ErrorKind::UnknownArgument => {
            let typed = text(&error, ContextKind::InvalidArg).unwrap_or_default();
            let typed = typed.trim_start_matches('-').split('=').next().unwrap_or_default().replace('_', "-");
            // Only a flag of the command at hand.
            let command = words.iter().find_map(|word| line.find_subcommand(word)).unwrap_or(line);
            let is_there = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
            let ours = FLAGS.iter().find(|(theirs, ours, _)| theirs.contains(&typed.as_str()) && is_there(ours));
            if let Some((_, ours, how)) = ours {
                error.remove(ContextKind::SuggestedArg);
                let tip = format!("wgrad calls it --{ours}{how}");
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
        }
        _ => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::CommandLine;
    use super::*;

    #[test]
    fn every_word_of_wgrads_is_one_and_none_of_the_others_is() {
        let line = CommandLine::command();
        for (theirs, ours) in COMMANDS {
            assert!(line.find_subcommand(ours).is_some(), "{ours}");
            assert!(theirs.iter().all(|name| line.find_subcommand(name).is_none()), "{theirs:?}");
        }
        let train = line.find_subcommand("train").unwrap();
        let is_there = |flag: &str| train.get_arguments().any(|argument| argument.get_long() == Some(flag));
        for (theirs, ours, _) in FLAGS {
            assert!(is_there(ours) && !theirs.iter().any(|flag| is_there(flag)), "{theirs:?}: {ours}");
        }
    }
}
