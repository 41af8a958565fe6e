//! Everything that can go wrong for a reason that the user can act on, and its exit code.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::name;

/// The result of everything that can fail for a reason outside the program.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that a user can act on. The message names the file and place, what was found, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag or a combination of flags that cannot be meant. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Data that cannot be read or does not fit. Exit code 3.
    #[error("{0}")]
    Data(String),
    /// What stands in the way of a training on a table: all that was found. Exit code 3.
    #[error("{}", listed(.0))]
    Refused(Vec<Obstacle>),
    /// A check that the user asked for has failed. Exit code 4.
    #[error("{0}")]
    CheckFailed(String),
    /// The device asked for is not there. Exit code 5.
    #[error("{0}")]
    NoDevice(String),
    /// The device has stopped working. Exit code 5.
    #[error("{0}")]
    DeviceLost(String),
    /// Memory or a limit of the device does not suffice. Exit code 6.
    #[error("{0}")]
    Limit(String),
    /// Training has left the finite numbers. Exit code 7.
    #[error("{0}")]
    Diverged(String),
    /// A model or checkpoint is damaged or does not fit. Exit code 8.
    #[error("{0}")]
    Model(String),
    /// A signal ended the run after its state was saved. Exit code 128 + signal.
    #[error("interrupted by signal {0}; the state was saved")]
    Interrupted(u8),
    /// Anything else: a fault of the system or of wgrad. Exit code 1.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// The process exit code that stands for this kind of error (`wgrad --help` lists them).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Internal(_) => 1,
            Self::Usage(_) => 2,
            Self::Data(_) | Self::Refused(_) => 3,
            Self::CheckFailed(_) => 4,
            Self::NoDevice(_) | Self::DeviceLost(_) => 5,
            Self::Limit(_) => 6,
            Self::Diverged(_) => 7,
            Self::Model(_) => 8,
            Self::Interrupted(signal) => 128 + signal,
        }
    }

    /// A data error about a file that could not be opened or read; a limit, where memory for it was not there.
    pub fn reading(path: &Path, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::OutOfMemory {
            return Self::Limit(format!("{}: there is no memory for what it holds", shown(&path.to_string_lossy())));
        }
        if error.kind() == std::io::ErrorKind::NotFound {
            return Self::Data(format!("{}: there is no such file{}", shown(&path.to_string_lossy()), neighbour(path)));
        }
        Self::Data(format!("{}: cannot be read: {error}", shown(&path.to_string_lossy())))
    }

    /// An error about a file that could not be written.
    pub fn writing(path: &Path, error: &std::io::Error) -> Self {
        Self::Internal(format!("{}: cannot be written: {error}", shown(&path.to_string_lossy())))
    }
}

/// One thing that stands in the way of a training on a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is, and what there is to do about it.
    pub text: String,
    /// What takes it out of the way.
    pub remedy: Remedy,
}

/// What takes an obstacle out of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// An option of `wgrad train`, by its name in `run.toml`, and its value; several columns that are to be ignored add up.
    Option(&'static str, String),
    /// An option whose value the reader alone can say: the flag with a word in its place, as in `--target COLUMN`.
    Open(&'static str),
    /// Nothing that an option could say.
    None,
}

impl Obstacle {
    /// The error of this obstacle alone.
    pub fn error(text: String, remedy: Remedy) -> Error {
        Error::Refused(vec![Self { text, remedy }])
    }
}

/// Obstacles one after the other: a line each.
fn listed(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(|obstacle| obstacle.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// All values, or the obstacles of all that have some; another error comes first.
///
/// # Errors
/// Refused, or the first other error.
pub fn gathered<V>(results: impl IntoIterator<Item = Result<V>>) -> Result<Vec<V>> {
    let (mut values, mut obstacles) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(Error::Refused(more)) => obstacles.extend(more),
            Err(other) => return Err(other),
        }
    }
    if obstacles.is_empty() { Ok(values) } else { Err(Error::Refused(obstacles)) }
}

/// Text from outside (a file's cell, a column's name) as it may be printed: what is not [printable](is_printable) escaped, cut at 80
/// characters.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut result = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            result.push('…');
            break;
        }
        match name::byte(character) {
            Some(byte) => result += &format!("\\x{byte:02x}"),
            None if is_printable(character) => result.push(character),
            None => result.extend(character.escape_default()),
        }
    }
    result
}

/// Text with what is not [printable](is_printable) escaped, whole.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let shown = |character: char| match is_printable(character) {
        true => character.to_string(),
        false => character.escape_default().to_string(),
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// JSON with every character of its texts that is not [printable](is_printable) escaped. It says the same.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(is_printable) {
        return Cow::Borrowed(json);
    }
    let mut plain = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        match is_printable(character) {
            true => plain.push(character),
            false => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| plain += &format!("\\u{unit:04x}")),
        }
    }
    Cow::Owned(plain)
}

/// Text as [`printable`] gives it, with its ends of lines as they are.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Whether a character has an appearance of its own: it is no control, format, separator (but the space), private or unassigned character
/// of Unicode. Others may move the cursor, turn the order of the text round, or be seen by nobody.
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // The standard library knows: text is escaped for debugging by these properties. A letter before it, for marks that stand above one.
    let mut bytes = [b'a'; 5];
    let length = 1 + character.encode_utf8(&mut bytes[1..]).len();
    std::str::from_utf8(&bytes[..length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(character))
}

/// A word of a command for a person to copy, as a shell takes it for one. What is not [printable](is_printable) is written as bash, zsh
/// and ksh read it, `$'\x1b'`.
pub fn typed(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_-./,:+=@%".contains(character);
    match word {
        "" => "''".to_owned(),
        _ if !word.chars().all(is_printable) => {
            let escaped = |character: char| match (name::byte(character), character) {
                (Some(byte), _) => format!("\\x{byte:02x}"),
                (None, '\'' | '\\') => format!("\\{character}"),
                (None, _) if is_printable(character) => character.to_string(),
                (None, _) => character.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
            };
            format!("$'{}'", word.chars().map(escaped).collect::<String>())
        }
        _ if word.chars().all(is_plain) => word.to_owned(),
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A path as a [word](typed) of a command.
pub fn typed_path(path: &Path) -> String {
    typed(&name::text(path.as_os_str()))
}

/// A flag and its value for a person to copy: as one word where the value looks like a flag itself.
pub fn flagged(flag: &str, value: &str) -> String {
    if value.starts_with('-') { typed(&format!("{flag}={value}")) } else { format!("{flag} {}", typed(value)) }
}

/// So many things that are called so: `1 row`, `2 rows`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `", did you mean 'x'?"` when one of the `known` names is close to `name`, else nothing.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, known, 0.75).map(|candidate| format!(", did you mean '{}'?", shown(candidate))).unwrap_or_default()
}

/// `", did you mean 'x'?"` for a path that is not there, when one that is there is spelled much like it, else nothing.
pub fn neighbour(path: &Path) -> String {
    closest_path(path).map(|there| format!(", did you mean '{}'?", shown(&there.to_string_lossy()))).unwrap_or_default()
}

/// The path that is there and is spelled most like this one, folder by folder.
pub(crate) fn closest_path(path: &Path) -> Option<PathBuf> {
    /// Files of a folder that are looked at.
    const MOST: usize = 10_000;
    /// Names of files are long, and often begin alike.
    const CLOSE: f64 = 0.85;
    /// Folders that are looked for, one in the other.
    const DEEPEST: usize = 64;
    if path.components().count() > DEEPEST {
        return None;
    }
    let name = path.file_name()?.to_string_lossy();
    let folder = match path.parent() {
        None => PathBuf::new(),
        Some(folder) if folder.as_os_str().is_empty() || folder.is_dir() => folder.to_path_buf(),
        Some(folder) => closest_path(folder)?,
    };
    let there = folder.join(&*name);
    if there.exists() {
        return Some(there);
    }
    let listed = std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder });
    let files = listed.ok()?.flatten().take(MOST).map(|entry| entry.file_name().to_string_lossy().into_owned());
    // The order of a folder is the system's.
    let mut files: Vec<String> = files.collect();
    files.sort_unstable();
    closest(&name, files.iter().map(String::as_str), CLOSE).map(|file| folder.join(file))
}

/// The one of the `known` names that is most like `name`, if it is as `close`, from 0 to 1.
fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, close: f64) -> Option<&'a str> {
    let similarity = |candidate: &str| strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
    let all = known.into_iter().map(|candidate| (similarity(candidate), candidate));
    all.filter(|(near, _)| *near >= close).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        for steering in [
            "\u{2066}",
            "\u{2069}",
            "\u{200b}",
            "\u{200f}",
            "\u{61c}",
            "\u{2028}",
            "\u{2029}",
            "\u{202e}",
            "\u{9b}",
            "\u{7f}",
            "\u{feff}",
            "\u{e0041}",
        ] {
            assert!(shown(steering).starts_with("\\u{"), "{}", steering.escape_unicode());
        }
        for plain in ["größe", "山田", "e\u{301}", "हिन्दी", "😀", "№ 5 %", "'\\\""] {
            assert_eq!(shown(plain), plain);
        }
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 81);
    }

    #[test]
    fn a_word_to_copy_is_one_word_of_a_shell() {
        let words = ["runs/a-1", "my runs", "it's", "", "a'\nb\u{200b}", "$HOME", "Åbo", "n\u{10ffff}.csv"];
        let expected =
            ["runs/a-1", "'my runs'", "'it'\\''s'", "''", "$'a\\'\\x0ab\\xe2\\x80\\x8b'", "'$HOME'", "Åbo", "$'n\\xff.csv'"];
        assert_eq!(words.map(typed), expected);
    }

    #[test]
    fn a_value_that_looks_like_a_flag_is_joined_to_its_own() {
        assert_eq!(flagged("--ignore", "a b"), "--ignore 'a b'");
        assert_eq!(flagged("--ignore", "-x"), "--ignore=-x");
    }

    #[test]
    fn only_a_close_name_is_suggested() {
        assert_eq!(suggestion("admitt", ["admit", "gre"]), ", did you mean 'admit'?");
        assert_eq!(suggestion("zzz", ["admit", "gre"]), "");
    }

    #[test]
    fn a_path_that_is_not_there_is_found_folder_by_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("runs/iris-1")).unwrap();
        let said = |path: &str| neighbour(&folder.path().join(path));
        assert!(said("runs/irsi-1").contains("iris-1'?"), "{}", said("runs/irsi-1"));
        assert!(said("rnus/iris-1").contains("runs/iris-1'?") || cfg!(windows), "{}", said("rnus/iris-1"));
        assert_eq!(said("nothing/like/it"), "");
    }
}
