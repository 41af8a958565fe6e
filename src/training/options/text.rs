//! Options as text: the keys and values of `run.toml`, from a file and one by one.

use super::Options;
use crate::error::{Error, Result, shown};

impl Options {
    /// Reads options from a TOML file.
    ///
    /// # Errors
    /// Usage, naming the file, line and key.
    pub fn from_toml(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::reading(path, &error))?;
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
            let candidates: Vec<toml::Value> = [as_value(text), as_text(text)].into_iter().chain(lists).collect();
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
            all.insert(key, value.clone());
        }
        all.try_into().map_err(|error: toml::de::Error| Error::Usage(format!("--set: {}", error.message())))
    }

    /// The keys of all options.
    fn keys() -> Vec<String> {
        match serde_json::to_value(Self::default()) {
            Ok(serde_json::Value::Object(fields)) => fields.keys().cloned().collect(),
            _ => panic!("options are a table of plain values"),
        }
    }

    /// These options as the text of a TOML file.
    ///
    /// # Panics
    /// Never: options are a table of plain values.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("options are a table of plain values")
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
