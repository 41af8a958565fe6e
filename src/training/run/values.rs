//! The values that options take: what `--hidden`, `--init`, `--batch-size`, `--max-time` and `--delimiter` read and write.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{closest_path, shown};
use crate::model::Named;
use crate::name;
use crate::network::Initialization;
use crate::text::as_text;

/// A number of things, small enough for every file format.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse::<u32>().ok().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("'{}' is no whole number from 0 to {}", shown(text), u32::MAX))
}

/// The same, but not none.
pub(crate) fn count_above_zero(text: &str) -> Result<usize, String> {
    count(text).and_then(|number| if number == 0 { Err("0 is too few: at least 1".into()) } else { Ok(number) })
}

/// What epochs are written down for, beside `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// An event file for TensorBoard, in the run's folder.
    Tensorboard,
}

as_text!(Init);
as_text!(Time);
as_text!(Delimiter);
as_text!(Sign);
as_text!(Decimal);
as_text!(Bytes);

/// Widths of the hidden layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub Vec<usize>);

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let width = |part: &str| match count_above_zero(part.trim()) {
            Ok(width) => Ok(width),
            Err(_) => Err(format!("'{}' is no width: write 64,32 or none", shown(part))),
        };
        text.split(',').map(width).collect::<Result<_, _>>().map(Self)
    }
}

/// Where the first weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Init {
    /// A distribution.
    Drawn(Initialization),
    /// A safetensors file, or a run's folder.
    File(PathBuf),
}

impl FromStr for Init {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = &*name::path(text);
        // A name that is known is no folder's, and what ends as files of weights do is one, wherever it is.
        let drawn = text.parse::<Initialization>();
        let is_weights = path.extension().is_some_and(|extension| extension == "safetensors");
        // The name of a run, or `latest`, of which there may be none.
        let is_run = || Named::of(path).map_or(true, |named| named.remark.is_some());
        let is_file = is_weights || path.is_dir() || is_run();
        if drawn.is_err() && is_file {
            return Ok(Self::File(path.to_path_buf()));
        }
        drawn.map(Self::Drawn).map_err(|error: String| match closest_path(path) {
            Some(file) if path.components().count() > 1 || path.extension().is_some() => {
                format!("{error}; did you mean the file '{}'?", shown(&file.to_string_lossy()))
            }
            _ => error,
        })
    }
}

impl fmt::Display for Init {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drawn(initialization) => initialization.fmt(formatter),
            Self::File(path) => name::text(path.as_os_str()).fmt(formatter),
        }
    }
}

/// Rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrWord", into = "NumberOrWord")]
pub enum BatchSize {
    /// So many.
    Rows(usize),
    /// All.
    Full,
    /// By the number of rows there are.
    Auto,
}

/// How a file may spell what is a number or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrWord {
    Number(usize),
    Word(String),
}

/// Implements serde for a type that a file may spell as a number or as a word, and that reads and writes itself as text.
macro_rules! as_number_or_word {
    ($type:ident) => {
        impl TryFrom<NumberOrWord> for $type {
            type Error = String;
            fn try_from(text: NumberOrWord) -> std::result::Result<Self, String> {
                match text {
                    NumberOrWord::Number(number) => number.to_string().parse(),
                    NumberOrWord::Word(word) => word.parse(),
                }
            }
        }
        impl From<$type> for NumberOrWord {
            fn from(value: $type) -> Self {
                let text = value.to_string();
                text.parse().map_or(Self::Word(text), Self::Number)
            }
        }
    };
}

as_number_or_word!(BatchSize);
as_number_or_word!(Interval);

impl FromStr for BatchSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "auto" => Ok(Self::Auto),
            _ => match count_above_zero(text) {
                Ok(rows) => Ok(Self::Rows(rows)),
                Err(_) => Err(format!("'{}' is no batch size: write a number of rows, full or auto", shown(text))),
            },
        }
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => rows.fmt(formatter),
            Self::Full => formatter.write_str("full"),
            Self::Auto => formatter.write_str("auto"),
        }
    }
}

impl BatchSize {
    /// Rows of a batch of a set of so many rows.
    pub fn rows(self, rows: usize) -> usize {
        match self {
            Self::Rows(batch) => batch.min(rows),
            Self::Full => rows,
            Self::Auto if rows >= 100_000 => 128,
            Self::Auto if rows >= 10_000 => 64,
            Self::Auto if rows < 500 => rows.min(8),
            Self::Auto => rows.min(32),
        }
    }
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
            None => (text, 1.0),
            Some(number) if text.ends_with('s') => (number, 1.0),
            Some(number) if text.ends_with('m') => (number, 60.0),
            Some(number) => (number, 3600.0),
        };
        let seconds = number.parse::<f64>().ok().map(|number| number * unit);
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        duration.map(Self).ok_or_else(|| format!("'{}' is no time: write 90s, 15m or 1.5h", shown(text)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}s", self.0.as_secs_f64())
    }
}

/// How often something happens: every so many epochs, or every so often in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrWord", into = "NumberOrWord")]
pub enum Interval {
    /// After so many epochs, at least 1.
    Epochs(usize),
    /// After so long.
    Time(Duration),
}

impl Default for Interval {
    /// Five minutes.
    fn default() -> Self {
        Self::Time(Duration::from_secs(300))
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.ends_with(['s', 'm', 'h']) {
            let Time(time) = text.parse()?;
            return if time.is_zero() { Err("no time at all is too short".into()) } else { Ok(Self::Time(time)) };
        }
        let epochs = count_above_zero(text).ok();
        epochs
            .map(Self::Epochs)
            .ok_or_else(|| format!("'{}': write a number of epochs, at least 1, or a time: 90s, 5m or 1.5h", shown(text)))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epochs(epochs) => write!(formatter, "{epochs}"),
            Self::Time(time) => Time(*time).fmt(formatter),
        }
    }
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub u64);

/// The units of [`Bytes`], largest first.
const BYTE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = BYTE_UNITS.iter().find_map(|&(name, size)| text.strip_suffix(name).map(|number| (number, size)));
        let bytes = unit.and_then(|(number, size)| number.trim().parse::<u64>().ok()?.checked_mul(size));
        bytes.map(Self).ok_or_else(|| {
            format!(
                "'{}' is no amount of memory: write a whole number and its unit (B, KiB, MiB or GiB), such as 256MiB",
                shown(text)
            )
        })
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = BYTE_UNITS.into_iter().find(|(_, size)| self.0.is_multiple_of(*size));
        let (name, size) = whole.unwrap_or(("B", 1));
        write!(formatter, "{}{name}", self.0 / size)
    }
}

/// What separates the cells of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(pub u8);

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Self(b'\t')),
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r') => {
                Ok(Self(*byte))
            }
            _ => Err(format!("'{}' is no delimiter: write one character such as ; or tab", shown(text))),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == b'\t' { formatter.write_str("tab") } else { write!(formatter, "{}", char::from(self.0)) }
    }
}

/// The sign before a number's decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(pub u8);

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "." | "," => Ok(Self(text.as_bytes()[0])),
            _ => Err(format!("'{}' cannot be used here: write . or ,", shown(text))),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", char::from(self.0))
    }
}

/// The sign between a number's groups of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sign(pub u8);

impl FromStr for Sign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [byte @ (b'.' | b',' | b'\'' | b'_' | b' ')] => Ok(Self(*byte)),
            b"space" => Ok(Self(b' ')),
            _ => Err(format!("'{}' cannot be used here: write . , ' _ or space", shown(text))),
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == b' ' { formatter.write_str("space") } else { write!(formatter, "{}", char::from(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_sizes_times_and_delimiters_say_what_they_take() {
        assert_eq!("1.5h".parse::<Time>().expect("time").0, Duration::from_secs(5400));
        "soon".parse::<Time>().expect_err("no time");
        "-1s".parse::<Time>().expect_err("no time");
        "0".parse::<BatchSize>().expect_err("no rows");
        assert_eq!(";".parse(), Ok(Delimiter(b';')));
        assert_eq!((",".parse(), "space".parse()), (Ok(Sign(b',')), Ok(Sign(b' '))));
        assert_eq!(",".parse(), Ok(Decimal(b',')));
        "space".parse::<Decimal>().expect_err("no sign before decimals");
        "1".parse::<Sign>().expect_err("a digit");
        "ab".parse::<Delimiter>().expect_err("two characters");
        for (text, bytes) in [("256MiB", 1 << 28), ("3GiB", 3 << 30), ("1025B", 1025), ("0B", 0)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)));
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        "17179869184GiB".parse::<Bytes>().expect_err("more than 64 bits");
        "256".parse::<Bytes>().expect_err("no unit");
        assert_eq!("none".parse(), Ok(Hidden(vec![])));
        "64,0".parse::<Hidden>().expect_err("an empty layer");
    }
}
