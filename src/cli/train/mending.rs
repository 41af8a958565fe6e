//! The command that was typed, mended: an error that options take out of the way ends with it.

use crate::error::{Error, flagged, typed};
use crate::name;
use crate::training::run::{Options, remedies};

/// An error that options can mend, with the command that says them: the one that was typed, with them in place of what it said there.
pub(super) fn mended(error: Error, options: &Options) -> Error {
    let Error::Refused(obstacles) = &error else { return error };
    let Some(remedies) = remedies(options, obstacles) else { return error };
    let mut words: Vec<String> = Vec::new();
    let mut typed_words = std::env::args_os().skip(1).map(|word| name::text(&word).into_owned());
    while let Some(word) = typed_words.next() {
        let replaced = |word: &str, before: &str| {
            let (name, value) = word.split_once('=').map_or((word, false), |(name, _)| (name, true));
            let key = name.strip_prefix(before).unwrap_or_default().replace('_', "-");
            remedies.iter().any(|(known, _)| *known == key).then_some(value)
        };
        match replaced(&word, "--") {
            Some(true) => continue,
            Some(false) => {
                typed_words.next();
                continue;
            }
            None => {}
        }
        if let Some(setting) = word.strip_prefix("--set=")
            && replaced(setting, "").is_some()
        {
            continue;
        }
        if word == "--set" {
            let setting = typed_words.next().unwrap_or_default();
            if replaced(&setting, "").is_none() {
                words.extend([word, typed(&setting)]);
            }
            continue;
        }
        words.push(typed(&word));
    }
    words.extend(remedies.iter().map(|(key, value)| flagged(&format!("--{key}"), value)));
    Error::Data(format!("{error}\nthis works: wgrad {}", words.join(" ")))
}
