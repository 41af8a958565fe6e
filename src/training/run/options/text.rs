//! Options as text: the keys and values of `run.toml`, from a file and one by one.

use clap::Args;
use clap::error::ErrorKind;

use super::Options;
use crate::error::{Error, Result, shown};
use crate::files::{self, run::OPTIONS_BYTES};

impl Options {
    /// Reads options from a TOML file.
    ///
    /// # Errors
    /// Usage, naming the file, line and key.
    pub fn from_toml(path: &std::path::Path) -> Result<Self> {
        let text = files::text(path, OPTIONS_BYTES)?;
        let refused =
            |line: usize, what: &str| Error::Usage(format!("{}, line {line}: {what}", shown(&path.to_string_lossy())));
        let table: toml::Table = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            refused(line, error.message())
        })?;
        // Key by key, so that the one that is wrong can be named with its line.
        for (key, value) in &table {
            let single = toml::Table::from_iter([(key.clone(), value.clone())]);
            let starts = |line: &str| line.trim_start().trim_start_matches('"').starts_with(key.as_str());
            let line = text.lines().position(starts).map_or(1, |index| index + 1);
            if !is_finite(value) {
                return Err(refused(line, &format!("'{}': {value} is no number", shown(key))));
            }
            if let Err(what) = in_range(key, value) {
                return Err(refused(line, &format!("'{}': {what}", shown(key))));
            }
            if let Err(error) = single.try_into::<Self>() {
                let known = Self::keys();
                let what = match known.iter().any(|known| known == key) {
                    true => format!("'{}': {}", shown(key), error.message()),
                    false => {
                        let hint = crate::error::suggestion(key, known.iter().map(String::as_str));
                        format!("'{}' is no option{hint}", shown(key))
                    }
                };
                return Err(refused(line, &what));
            }
        }
        table.try_into().map_err(|error: toml::de::Error| refused(1, error.message()))
    }

    /// Options as `KEY=VALUE`, keys and values being those of `run.toml`: of text without quotation marks, of lists with commas alone.
    ///
    /// # Errors
    /// Usage, naming the key.
    pub fn from_settings(settings: &[String]) -> Result<Self> {
        let mut all = toml::Table::new();
        for setting in settings {
            let refused = |what: String| Error::Usage(format!("--set {}: {what}", shown(setting)));
            let (key, text) = setting.split_once('=').ok_or_else(|| refused("write KEY=VALUE".into()))?;
            let (key, text) = (key.trim().replace('_', "-"), text.trim());
            let known = Self::keys();
            if !known.contains(&key) {
                let hint = crate::error::suggestion(&key, known.iter().map(String::as_str));
                return Err(refused(format!("'{}' is no option{hint}", shown(&key))));
            }
            let as_value = |text: &str| match toml::from_str::<toml::Table>(&format!("value = {text}")) {
                Ok(mut table) if table.len() == 1 => table.remove("value").expect("it is the one"),
                _ => toml::Value::String(text.into()),
            };
            let as_text = |text: &str| toml::Value::String(text.into());
            let parts = || text.split(',').map(str::trim);
            let lists = [parts().map(as_value).collect(), parts().map(as_text).collect()].map(toml::Value::Array);
            // A list of nothing, such as no hidden layer.
            let nothing = (text == "none").then(|| toml::Value::Array(Vec::new()));
            let candidates: Vec<toml::Value> =
                [as_value(text), as_text(text)].into_iter().chain(lists).chain(nothing).collect();
            let fits = |value: &toml::Value| {
                is_finite(value) && toml::Table::from_iter([(key.clone(), value.clone())]).try_into::<Self>().is_ok()
            };
            let Some(value) = candidates.iter().find(|value| fits(value)) else {
                if !candidates.iter().all(is_finite) {
                    return Err(refused("it is no number".into()));
                }
                let error = toml::Table::from_iter([(key, as_value(text))]).try_into::<Self>().err();
                return Err(refused(error.map_or("it is no number".into(), |error| error.message().to_string())));
            };
            in_range(&key, value).map_err(refused)?;
            all.insert(key, value.clone());
        }
        all.try_into().map_err(|error: toml::de::Error| Error::Usage(format!("--set: {}", error.message())))
    }

    /// The keys of all options.
    fn keys() -> Vec<String> {
        Self::rules().map(|(key, _)| key).collect()
    }

    /// These options as the text of a TOML file.
    ///
    /// # Panics
    /// Never: options are a table of plain values.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("options are a table of plain values")
    }
}

/// Holds a whole number to the range that it has on the command line.
fn in_range(key: &str, value: &toml::Value) -> std::result::Result<(), String> {
    let toml::Value::Integer(number) = value else { return Ok(()) };
    let flags = Options::augment_args(clap::Command::new("options").no_binary_name(true));
    match flags.try_get_matches_from([format!("--{key}={number}")]) {
        Err(error) if error.kind() == ErrorKind::ValueValidation => {
            let told = error.to_string();
            let why = told.lines().next().and_then(|line| line.rsplit_once("': ")).map_or("out of range", |(_, why)| why);
            Err(format!("{number}: {}", shown(why)))
        }
        _ => Ok(()),
    }
}

/// Whether a value, and each of a list, is finite where it is a number.
fn is_finite(value: &toml::Value) -> bool {
    match value {
        toml::Value::Float(number) => number.is_finite(),
        toml::Value::Array(values) => values.iter().all(is_finite),
        _ => true,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::super::*;

    pub(in crate::training::run::options) fn sample() -> Options {
        Options {
            data: Some("digits".into()),
            hidden: Some(Hidden(vec![64, 32])),
            init: Some(Init::File("weights.safetensors".into())),
            batch_size: Some(BatchSize::Full),
            accumulate: Some(4),
            max_time: Some(Time(Duration::from_secs(90))),
            activation: Some(vec![Activation::LeakyRelu, Activation::Gelu]),
            split: Some("0.8/0.1/0.1".parse().expect("shares")),
            files: FileOptions {
                delimiter: Some(Delimiter(b';')),
                decimal: Some(Decimal(b',')),
                thousands: Some(Sign(b' ')),
                units: Some(vec!["$".into()]),
                no_header: Some(true),
                labels: None,
            },
            checkpoint_every: Some(Interval::Epochs(7)),
            keep_checkpoints: Some(3),
            log: Some(Log::Tensorboard),
            device_memory: Some(Bytes(3 << 28)),
            device: DeviceOptions {
                device: Some(Wanted::Index(1)),
                precision: Some(PrecisionName::F32),
                threads: Some(2),
                tune: Some(true),
                tuned: Some([("forward of 64 × 32 over 9".to_string(), Choice::default())].into()),
            },
            ..Options::default()
        }
    }

    #[test]
    fn options_read_back_as_they_were_written() {
        let text = sample().to_toml();
        assert_eq!(toml::from_str::<Options>(&text).expect("our own text"), sample());
    }

    #[test]
    fn settings_are_what_flags_say() {
        let set = |settings: &[&str]| {
            Options::from_settings(&settings.iter().map(|setting| (*setting).to_owned()).collect::<Vec<_>>())
        };
        let options = set(&[
            "hidden=64,32",
            "learning_rate=0.5",
            "activation=leaky-relu,gelu",
            "dropout=0.1,0.2",
            "no-bias=true",
            "target=7",
            "epochs = 3",
            "split=0.8/0.1/0.1",
            "seed=9",
            "ignore=a",
        ])
        .expect("options");
        let expected = Options {
            hidden: Some(Hidden(vec![64, 32])),
            learning_rate: Some(0.5),
            activation: Some(vec![Activation::LeakyRelu, Activation::Gelu]),
            dropout: Some(vec![0.1, 0.2]),
            no_bias: Some(true),
            target: Some(vec!["7".into()]),
            epochs: Some(3),
            split: Some("0.8/0.1/0.1".parse().expect("shares")),
            seed: Some(9),
            ignore: Some(vec!["a".into()]),
            ..Options::default()
        };
        assert_eq!(options, expected);
        assert_eq!(set(&["hidden=none"]).expect("options").hidden, Some(Hidden(Vec::new())));
        for (setting, said) in [
            ("hiden=3", "did you mean 'hidden'?"),
            ("epochs", "KEY=VALUE"),
            ("epochs=many", "--set epochs=many"),
            ("l1=inf", "no number"),
            ("layer-rates=1,nan", "no number"),
            ("dropout=[inf]", "no number"),
            ("loss=none", "--set loss=none"),
            ("l1=none", "--set l1=none"),
        ] {
            let error = set(&[setting]).expect_err(setting).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = toml::from_str::<Options>("hiden = [3]").expect_err("hiden");
        assert!(error.message().contains("hiden"), "{error}");
    }
}
