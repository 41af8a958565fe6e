//! Runs as a list tells them, a line each: what their files say, however damaged they are.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account;
use super::curve::Epoch;
use super::story::flattened;
use crate::data::dates;
use crate::error::{Error, Result, shown};
use crate::files::{self, run};
use crate::model::{RunFolder, folds_of, is_folds, is_sweep, made};

/// Bytes of a `folds.json`, at most.
const FOLDS_BYTES: u64 = 1 << 22;
/// The scores that are better the lower they are.
const LOSSES: [&str; 4] = ["log_loss", "mse", "rmse", "mae"];

/// What a list says of a run, or of a cross-validation.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Listed {
    /// What it is called: its folder's name, and of a fold that of the cross-validation before it.
    pub name: String,
    /// Its folder.
    #[serde(serialize_with = "crate::name::serialize_shown")]
    pub run: PathBuf,
    /// What is known of its result.
    pub state: State,
    /// Why it cannot be read, if it cannot.
    pub fault: Option<String>,
    /// The data, as they were named.
    pub data: Option<String>,
    /// Widths of the hidden layers.
    pub hidden: Option<Vec<u64>>,
    /// Networks side by side, whose mean is the model.
    pub ensemble: Option<u64>,
    /// What the scores are of: the rows to test with, or those to validate with, if there are no others.
    pub rows: Option<Scored>,
    /// The scores; of a cross-validation their means.
    pub scores: BTreeMap<String, f64>,
    /// How far the scores of a cross-validation vary from fold to fold: their standard deviations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deviations: BTreeMap<String, f64>,
    /// Of a cross-validation: the folds that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<u64>,
    /// Of a cross-validation: the folds that there are to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_folds: Option<u64>,
    /// Epochs that are done.
    pub epochs: u64,
    /// Epochs that there are to be.
    pub of_epochs: Option<u64>,
    /// Seconds of training.
    pub seconds: Option<f64>,
    /// When it was begun, or went on last.
    #[serde(serialize_with = "moment")]
    pub made: Option<SystemTime>,
    /// Its options by name, as a filter looks at them.
    #[serde(skip)]
    pub options: BTreeMap<String, String>,
}

/// What is known of a run's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has ended as it was meant to.
    Ended,
    /// A signal ended it, or it was broken off: `--resume` goes on.
    #[default]
    Interrupted,
    /// A wgrad works in its folder.
    Running,
    /// A file of it cannot be read.
    Damaged,
}

/// The rows that scores are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scored {
    /// Those to test with.
    Test,
    /// Those to validate with, after the last epoch.
    Validation,
}

/// What is asked of a run's `report.json`.
#[derive(Deserialize)]
struct Report {
    schema: u32,
    outcome: Outcome,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Outcome {
    data: Data,
    network: Network,
    ending: Ending,
    last_epoch: Option<LastEpoch>,
    seconds: Option<f64>,
    test: Option<Numbers>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    source: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Network {
    widths: Vec<u64>,
    ensemble: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Ending {
    reason: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LastEpoch {
    epoch: u64,
    validation_loss: Option<f64>,
    validation_metric: Option<f64>,
    metric: String,
}

#[derive(Deserialize)]
struct Folds {
    folds: u64,
    trained: Vec<u64>,
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    name: String,
    mean: Option<f64>,
    deviation: Option<f64>,
}

impl Listed {
    /// Those of a folder of runs, or the run that the folder is; a cross-validation is one, or, where they are wanted, its folds are one
    /// each. A run that is damaged says so.
    ///
    /// # Errors
    /// Usage, if there is no such folder; internal, if it cannot be read.
    pub fn all(folder: &Path, wants_folds: bool) -> Result<Vec<Self>> {
        let name = shown(&folder.to_string_lossy());
        if !folder.is_dir() {
            return Err(Error::Usage(format!("{name}: there is no such folder; name one that holds runs")));
        }
        if folder.join(run::OPTIONS).symlink_metadata().is_ok() {
            return Ok(vec![Self::of(folder, String::new())]);
        }
        if is_sweep(folder) {
            return Ok(Self::of_sweep(folder).into_iter().collect());
        }
        // The folds of one that was named are what is asked for.
        if is_folds(folder) {
            let title = Self::title(folder);
            return Ok(folds_of(folder).iter().map(|fold| Self::of(fold, title.clone() + "/")).collect());
        }
        let entries =
            std::fs::read_dir(folder).map_err(|error| Error::Internal(format!("{name}: cannot be read: {error}")))?;
        let mut all = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            if is_folds(&path) {
                match wants_folds {
                    true => all.extend(folds_of(&path).iter().map(|fold| Self::of(fold, Self::title(&path) + "/"))),
                    false => all.push(Self::of_folds(&path)),
                }
            } else if is_sweep(&path) {
                all.extend(Self::of_sweep(&path));
            } else if is_run(&path) {
                all.push(Self::of(&path, String::new()));
            }
        }
        Ok(all)
    }

    /// The run of a sweep's best trial, if there is one.
    fn of_sweep(path: &Path) -> Option<Self> {
        let best = run::best(path);
        is_run(&best).then(|| Self::of(&best, String::new()))
    }

    /// What a folder is called.
    fn title(path: &Path) -> String {
        let real = if path.file_name().is_some() { path.to_path_buf() } else { path.canonicalize().unwrap_or_default() };
        let name = real.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        // A sweep's best run is called after the sweep.
        let sweep = real.parent().filter(|parent| is_sweep(parent)).and_then(Path::file_name);
        sweep.map_or(name.clone(), |sweep| format!("{}/{name}", sweep.to_string_lossy()))
    }

    /// A run, called so `before` its own name.
    fn of(path: &Path, before: String) -> Self {
        let mut listed =
            Self { name: before + &Self::title(path), run: path.to_path_buf(), made: made(path), ..Self::default() };
        if let Err(error) = listed.read() {
            // Its name stands before it on the line.
            let said = error.to_string();
            let told = said.strip_prefix(&format!("{}/", shown(&path.to_string_lossy()))).unwrap_or(&said);
            (listed.state, listed.fault) = (State::Damaged, Some(told.to_owned()));
        }
        if RunFolder::is_in_use(path) {
            listed.state = State::Running;
        }
        listed
    }

    /// Takes what the run's files say.
    fn read(&mut self) -> Result<()> {
        let options = self.run.join(run::OPTIONS);
        let missing = || Error::Data(format!("{}: is not there", shown(&options.to_string_lossy())));
        let text = files::bounded_own(&options, run::OPTIONS_BYTES)?.ok_or_else(missing)?;
        let damaged = |error: &dyn fmt::Display| Error::Data(format!("{}: {error}", shown(&options.to_string_lossy())));
        let text = String::from_utf8(text).map_err(|error| damaged(&error))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| damaged(&shown(error.message())))?;
        let options = flattened(table);
        self.options = options.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        self.data = self.options.get("data").cloned();
        let count = |name: &str| options.get(name).and_then(Value::as_u64);
        (self.of_epochs, self.of_folds) = (count("epochs"), count("folds"));
        let report: Option<Report> = json(&self.run.join(run::REPORT_DATA), account::BYTES)?;
        match report {
            Some(Report { schema: account::SCHEMA, outcome }) => self.take(outcome),
            Some(Report { schema, .. }) => {
                let path = self.run.join(run::REPORT_DATA);
                let path = shown(&path.to_string_lossy());
                return Err(Error::Data(format!("{path}: is of schema {schema}, and this wgrad reads {}", account::SCHEMA)));
            }
            None => {
                let widths = options.get("hidden").and_then(Value::as_array);
                self.hidden = widths.and_then(|widths| widths.iter().map(Value::as_u64).collect());
                self.ensemble = count("ensemble").filter(|members| *members > 1);
                if let Some(epoch) = Epoch::last_of(&self.run.join(run::METRICS))? {
                    (self.epochs, self.seconds) = (epoch.epoch as u64, Some(epoch.seconds));
                    self.validated(epoch.validation_loss, epoch.validation_metric.map(|value| (epoch.metric, value)));
                }
            }
        }
        Ok(())
    }

    /// Takes what its report says.
    fn take(&mut self, outcome: Outcome) {
        let Outcome { data, network, ending, last_epoch, seconds, test } = outcome;
        self.data = data.source.or(self.data.take());
        self.hidden = (network.widths.len() > 1).then(|| network.widths[1..network.widths.len() - 1].to_vec());
        (self.ensemble, self.seconds) = (network.ensemble, seconds);
        if let Some(last) = last_epoch {
            self.epochs = last.epoch;
            self.validated(last.validation_loss, last.validation_metric.map(|value| (last.metric, value)));
        }
        // It went on to more epochs after that, and did not come to their end.
        let is_longer = ending.reason == "all-epochs" && self.of_epochs.is_some_and(|epochs| self.epochs < epochs);
        self.state = if is_longer || ending.reason == "signal" { State::Interrupted } else { State::Ended };
        if let Some(Numbers(numbers)) = test {
            let is_score = |name: &String| !["rows", "unpredicted"].contains(&name.as_str());
            self.scores = numbers.into_iter().filter(|(name, _)| is_score(name)).collect();
            self.rows = Some(Scored::Test);
        }
    }

    /// Takes the scores of the validation rows, where it has some.
    fn validated(&mut self, loss: Option<f64>, metric: Option<(String, f64)>) {
        let loss = loss.map(|loss| ("validation_loss".to_owned(), loss));
        self.scores = metric.into_iter().chain(loss).collect();
        self.rows = (!self.scores.is_empty()).then_some(Scored::Validation);
    }

    /// A cross-validation as one.
    fn of_folds(path: &Path) -> Self {
        let folds: Vec<Self> = folds_of(path).iter().map(|fold| Self::of(fold, String::new())).collect();
        let read = json::<Folds>(&path.join(run::FOLDS), FOLDS_BYTES);
        let first = folds.first().cloned().unwrap_or_default();
        let mut listed = Self {
            name: Self::title(path),
            run: path.to_path_buf(),
            state: State::Interrupted,
            fault: None,
            folds: Some(folds.iter().filter(|fold| fold.state == State::Ended).count() as u64),
            epochs: folds.iter().map(|fold| fold.epochs).max().unwrap_or_default(),
            seconds: folds.iter().map(|fold| fold.seconds).sum(),
            made: made(path),
            ..first
        };
        (listed.scores, listed.rows) = Default::default();
        match read {
            Ok(Some(read)) => {
                let of = |value: fn(&Score) -> Option<f64>| -> BTreeMap<String, f64> {
                    read.scores.iter().filter_map(|score| Some((score.name.clone(), value(score)?))).collect()
                };
                (listed.scores, listed.deviations) = (of(|score| score.mean), of(|score| score.deviation));
                listed.rows = (!listed.scores.is_empty()).then_some(Scored::Test);
                (listed.folds, listed.of_folds) = (Some(read.trained.len() as u64), Some(read.folds));
                if read.trained.len() as u64 == read.folds {
                    listed.state = State::Ended;
                }
            }
            Ok(None) => {}
            Err(error) => {
                let said = error.to_string();
                let told = said.strip_prefix(&format!("{}/", shown(&path.to_string_lossy()))).unwrap_or(&said).to_owned();
                (listed.state, listed.fault) = (State::Damaged, Some(told));
            }
        }
        if folds.iter().any(|fold| fold.state == State::Running) {
            listed.state = State::Running;
        }
        listed
    }

    /// The score that a list shows where none is asked for: what is right, or explained.
    pub fn main_score(&self) -> Option<&str> {
        ["accuracy", "r2"].into_iter().find(|name| self.scores.contains_key(*name))
    }

    /// Whether each of these words is in its name or in an option, `name=value`, in any case.
    pub fn has(&self, words: &[String]) -> bool {
        let data = self.data.iter().map(|data| format!("data={data}"));
        let options = self.options.iter().map(|(name, value)| format!("{name}={value}"));
        let texts: Vec<String> =
            [self.name.clone()].into_iter().chain(data).chain(options).map(|text| text.to_lowercase()).collect();
        words.iter().all(|word| texts.iter().any(|text| text.contains(&word.to_lowercase())))
    }
}

/// Whether the lower of two scores of this name is the better one.
pub fn is_loss(score: &str) -> bool {
    LOSSES.contains(&score) || score.ends_with("loss")
}

/// Whether a folder holds a run, or what is left of one.
fn is_run(path: &Path) -> bool {
    [run::OPTIONS, run::METRICS, run::REPORT_DATA, run::MODEL, run::CHECKPOINT]
        .iter()
        .any(|file| path.join(file).symlink_metadata().is_ok())
}

/// What is asked of a file of JSON; none where there is no such file.
fn json<T: DeserializeOwned>(path: &Path, most: u64) -> Result<Option<T>> {
    let Some(bytes) = files::bounded_own(path, most)? else { return Ok(None) };
    let damaged =
        |error: serde_json::Error| Error::Data(format!("{}: {}", shown(&path.to_string_lossy()), shown(&error.to_string())));
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// An option's value as a flag would say it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Serializes a moment as RFC 3339 has it, in UTC.
fn moment<S: serde::Serializer>(time: &Option<SystemTime>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    time.map(utc).serialize(serializer)
}

/// A moment as RFC 3339 has it, in UTC, such as `2026-11-30T09:05:00Z`.
pub fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let day = dates::iso(days.cast_signed(), 0);
    format!("{day}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The fields of an object that are numbers; what else it holds is passed over without being kept.
struct Numbers(BTreeMap<String, f64>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Numbers;
            fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Numbers, A::Error> {
                let mut numbers = BTreeMap::new();
                while let Some((name, Field(number))) = map.next_entry::<String, Field>()? {
                    number.map(|number| numbers.insert(name, number));
                }
                Ok(Numbers(numbers))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A number, if it is one.
struct Field(Option<f64>);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;
        type Given<E> = std::result::Result<Field, E>;
        impl<'de> Visitor<'de> for Any {
            type Value = Field;
            fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str("a value")
            }
            fn visit_f64<E>(self, number: f64) -> Given<E> {
                Ok(Field(Some(number)))
            }
            fn visit_u64<E>(self, number: u64) -> Given<E> {
                Ok(Field(Some(number as f64)))
            }
            fn visit_i64<E>(self, number: i64) -> Given<E> {
                Ok(Field(Some(number as f64)))
            }
            fn visit_bool<E>(self, _: bool) -> Given<E> {
                Ok(Field(None))
            }
            fn visit_str<E>(self, _: &str) -> Given<E> {
                Ok(Field(None))
            }
            fn visit_unit<E>(self) -> Given<E> {
                Ok(Field(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Given<A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Field(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Given<A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Field(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_days_and_times_in_utc() {
        let at = |seconds: u64| utc(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        // Python's datetime.fromtimestamp(…, timezone.utc).
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(at(seconds), expected);
        }
    }

    #[test]
    fn the_numbers_of_an_outcome_are_its_scores_whatever_stands_beside_them() {
        let text = r#"{"task": "classification", "rows": 3, "accuracy": 0.5, "auc": null, "confusion": [[1, 2], [3, 4]],
            "classes": [{"name": "a", "f1": 0.1}], "log_loss": 2, "least": -1, "well": {"x": [1]}, "is": true}"#;
        let Numbers(numbers) = serde_json::from_str(text).unwrap();
        let expected = [("accuracy", 0.5), ("least", -1.0), ("log_loss", 2.0), ("rows", 3.0)];
        assert_eq!(numbers, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn a_result_is_one_of_all_epochs_that_there_are_to_be_now() {
        let of = |of_epochs: u64, reason: &str| {
            let outcome =
                format!(r#"{{"ending": {{"reason": "{reason}"}}, "last_epoch": {{"epoch": 5}}, "test": {{"r2": 0.5}}}}"#);
            let mut listed = Listed { of_epochs: Some(of_epochs), ..Listed::default() };
            listed.take(serde_json::from_str(&outcome).unwrap());
            (listed.state, listed.main_score().map(|name| listed.scores[name]))
        };
        assert_eq!(of(5, "all-epochs"), (State::Ended, Some(0.5)));
        assert_eq!(of(9, "all-epochs"), (State::Interrupted, Some(0.5)), "killed after --resume --epochs 9");
        assert_eq!(of(9, "no-better"), (State::Ended, Some(0.5)));
        assert_eq!(of(9, "signal"), (State::Interrupted, Some(0.5)));
    }

    #[test]
    fn words_are_looked_for_in_names_data_and_options() {
        let table = "data = \"A.csv\"\nhidden = [64, 32]\noptimizer = \"sgd\"\n[files]\nno-header = true\n".parse().unwrap();
        let options = flattened(table).iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        let listed = Listed { name: "run-7".into(), options, ..Listed::default() };
        let has = |words: &[&str]| listed.has(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        for words in [&["RUN"][..], &["a.csv"], &["hidden=64,32"], &["sgd", "run-7"], &["no-header=true"], &[]] {
            assert!(has(words), "{words:?}");
        }
        assert!(!has(&["sgd", "run-8"]) && !has(&["adam"]));
    }
}
