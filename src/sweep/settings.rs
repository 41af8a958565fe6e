//! What a sweep is asked to do: `sweep.toml` in its folder, from which it goes on.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, shown};
use crate::files::{self, Place, run::OPTIONS_BYTES};
use crate::training::run::Options;

/// How points are chosen, and how long they are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Drawn at random; the worse ones end early (successive halving).
    Halving,
    /// Drawn at random; each is trained to its end.
    Random,
    /// Every point once, each trained to its end.
    Grid,
}

impl Search {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Halving => "halving",
            Self::Random => "random",
            Self::Grid => "grid",
        }
    }
}

/// Every so-many-th trial: `3/8` is the third, the eleventh and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Which of them, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// Whether a trial, from 1, is one of them.
    pub fn has(self, trial: usize) -> bool {
        trial % self.of == self.number % self.of
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("'{}' is no shard: write 3/8 for the third of eight", shown(text))),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}/{}", self.number, self.of)
    }
}

crate::text::as_text!(Shard);

/// What a sweep is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Settings {
    /// The version of wgrad that began it.
    pub(super) wgrad: String,
    /// What varies, as it was written.
    pub(super) vary: Vec<String>,
    /// How it is searched.
    pub(super) search: Search,
    /// Trials that were begun together; more than one number where trials were added later.
    pub(super) trials: Vec<usize>,
    /// What trials are judged by; none: as the task demands.
    #[serde(default)]
    pub(super) metric: Option<String>,
    /// The trials of this machine.
    #[serde(default)]
    pub(super) shard: Option<Shard>,
    /// CRC-32 of the rows to train on and to judge by.
    #[serde(default)]
    pub(super) rows: Vec<String>,
    /// What all trials have in common.
    pub(super) options: Options,
}

impl Settings {
    /// Reads `sweep.toml`.
    ///
    /// # Errors
    /// Usage, naming the file and what is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = files::text(path, OPTIONS_BYTES)?;
        let refused =
            |error: toml::de::Error| Error::Usage(format!("{}: {}", shown(&path.to_string_lossy()), shown(error.message())));
        toml::from_str(&text).map_err(refused)
    }

    /// Saves it.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).map_err(|error| Error::Internal(format!("the sweep's settings: {error}")))?;
        Place::own(path).save_bytes(text.as_bytes(), |_| Ok(()))
    }

    /// The settings of the sweep that this is a shard of, wherever it is trained.
    pub(super) fn whole(&self) -> Self {
        let mut whole = Self { shard: None, ..self.clone() };
        (whole.options.device.device, whole.options.device.threads, whole.options.max_time) = (None, None, None);
        whole.options.ensemble = None;
        whole
    }

    /// In what two sweeps differ, in a few words.
    pub(super) fn difference(&self, other: &Self) -> String {
        let (fields, others) = (self.options.fields(), other.options.fields());
        let keys = fields.iter().filter(|(key, value)| others.get(*key) != Some(value)).map(|(key, _)| format!("--{key}"));
        let named = [
            ("--vary", self.vary != other.vary),
            ("--search", self.search != other.search),
            ("--trials", self.trials != other.trials),
            ("--metric", self.metric != other.metric),
            ("rows", self.rows != other.rows),
            ("version of wgrad", self.wgrad != other.wgrad),
        ];
        let named = named.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
        named.chain(keys).collect::<Vec<_>>().join(", ")
    }

    /// Whether halving goes by the validation loss, which tells small differences where a metric does not: unless a metric was named, or
    /// something varies that changes what a loss means.
    pub(super) fn halves_by_loss(&self) -> bool {
        const OF_LOSS: [&str; 4] = ["loss", "huber-delta", "output-activation", "scale"];
        let varies = |key: &str| self.vary.iter().any(|text| text.split('=').next() == Some(key));
        self.metric.is_none() && !OF_LOSS.into_iter().any(varies)
    }

    /// All trials that there are to be.
    pub(super) fn all_trials(&self) -> usize {
        self.trials.iter().sum()
    }

    /// The trials that were begun together, from 1: those of this machine.
    pub(super) fn brackets(&self) -> Vec<Vec<usize>> {
        let mut first = 1;
        let mut brackets = Vec::new();
        for &count in &self.trials {
            let is_ours = |trial: &usize| self.shard.is_none_or(|shard| shard.has(*trial));
            brackets.push((first..first + count).filter(is_ours).collect());
            first += count;
        }
        brackets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            wgrad: "0".into(),
            vary: vec!["hidden=8/16".into()],
            search: Search::Halving,
            trials: vec![5, 3],
            metric: None,
            shard: Some(Shard { number: 2, of: 3 }),
            rows: vec!["00000000".into()],
            options: Options { data: Some("iris".into()), learning_rate: Some(0.1), ..Options::default() },
        }
    }

    #[test]
    fn settings_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sweep.toml");
        settings().save(&path).expect("saved");
        assert_eq!(Settings::read(&path).expect("read"), settings());
    }

    #[test]
    fn shards_share_all_trials_out() {
        assert_eq!(settings().brackets(), [vec![2, 5], vec![8]]);
        let shard = |number| Shard { number, of: 3 };
        for trial in 1..20 {
            assert_eq!((1..=3).filter(|&number| shard(number).has(trial)).count(), 1);
        }
        assert!(settings().halves_by_loss());
        assert!(!Settings { vary: vec!["scale=minmax/standard".into()], ..settings() }.halves_by_loss());
        assert!(!Settings { metric: Some("accuracy".into()), ..settings() }.halves_by_loss());
        assert_eq!("3/8".parse(), Ok(Shard { number: 3, of: 8 }));
        for text in ["0/3", "4/3", "3", "a/b", "1/0", ""] {
            text.parse::<Shard>().expect_err(text);
        }
    }
}
