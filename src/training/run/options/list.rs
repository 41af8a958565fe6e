//! Options as a list: what follows of each from what is declared of it.

use serde_json::{Map, Value};

use super::declared::Needs;
use super::{DeviceOptions, FileOptions, Options, Rules};
use crate::error::{Error, Result};

impl Options {
    /// What is declared of each option, by its key in `run.toml`.
    pub fn rules() -> impl Iterator<Item = (String, Rules)> {
        let groups = [Self::own_rules(), FileOptions::own_rules(), DeviceOptions::own_rules()];
        groups.into_iter().flatten()
    }

    /// The value of each option, by its key; null where it is not said.
    ///
    /// # Panics
    /// Never: options are a table of plain values.
    pub fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => panic!("options are a table of plain values"),
        }
    }

    /// Why each number that cannot be meant is refused, by its option's key.
    pub fn out_of_range(&self) -> std::collections::BTreeMap<String, String> {
        let fields = self.fields();
        let refusal = |(key, rules): (String, Rules)| Some((rules.range.refusal(fields.get(&key)?)?, key));
        Self::rules().filter_map(refusal).map(|(refusal, key)| (key, refusal)).collect()
    }

    /// Refuses numbers that cannot be meant, and what has no effect without something else that is not said.
    ///
    /// # Errors
    /// Usage, naming the flag.
    pub fn check(&self) -> Result<()> {
        let fields = self.fields();
        for (key, rules) in Self::rules() {
            let value = fields.get(&key).unwrap_or(&Value::Null);
            if let Some(what) = rules.range.refusal(value) {
                return Err(Error::Usage(format!("--{key} {what}")));
            }
            refuse_idle(&key, value, rules.needs.filter(|needs| needs.in_files), self)?;
        }
        Ok(())
    }

    /// Refuses each of these flags that has no effect with all options `together`.
    ///
    /// # Errors
    /// Usage, naming the flag and what it goes with.
    pub fn refuse_idle(&self, together: &Self) -> Result<()> {
        let fields = self.fields();
        let mut rules = Self::rules();
        rules.try_for_each(|(key, rules)| refuse_idle(&key, &fields[&key], rules.needs, together))
    }
}

/// Refuses an option that is said without what it needs.
fn refuse_idle(key: &str, value: &Value, needs: Option<Needs<Options>>, together: &Options) -> Result<()> {
    let is_said = !matches!(value, Value::Null | Value::Bool(false));
    match needs.filter(|needs| is_said && !(needs.is_there)(together)) {
        None => Ok(()),
        Some(needs) => Err(Error::Usage(format!("--{key} goes with {}", needs.what))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_its_rules_once() {
        let mut keys: Vec<String> = Options::rules().map(|(key, _)| key).collect();
        let mut fields: Vec<String> = Options::default().fields().keys().cloned().collect();
        keys.sort();
        fields.sort();
        assert_eq!(keys, fields);
    }

    #[test]
    fn numbers_are_held_to_their_ranges_in_lists_too() {
        let refused = |options: Options| options.check().expect_err("out of range").to_string();
        let momentum = refused(Options { momentum: Some(1.0), ..Options::default() });
        assert!(momentum.contains("--momentum 1.0: it must be a number from 0 to below 1"), "{momentum}");
        let dropout = refused(Options { dropout: Some(vec![0.5, -0.5]), ..Options::default() });
        assert!(dropout.contains("--dropout -0.5"), "{dropout}");
        let rate = refused(Options { learning_rate: Some(-1.0), ..Options::default() });
        assert!(rate.contains("of at least 0.0"), "{rate}");
        assert!(Options { learning_rate: Some(0.0), dropout: Some(vec![0.0, 0.9]), ..Options::default() }.check().is_ok());
    }

    /// The first words of `[default: …]` in an option's help are the default that is declared.
    #[test]
    fn the_help_says_the_defaults_that_are_declared() {
        // What follows from other options, a time, and what 0 stands for.
        const IN_WORDS: [&str; 3] = ["step-every", "checkpoint-every", "weight-average"];
        let filled = Options { device: DeviceOptions::default().filled(), ..Options::default().filled() };
        let command = <Options as clap::Args>::augment_args(clap::Command::new("options"));
        let plain = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string().trim_end_matches(".0").to_string(),
        };
        let mut held = 0;
        for (key, value) in filled.fields() {
            let text = match value {
                Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
                value => plain(&value),
            };
            if text.is_empty() || text == "false" || IN_WORDS.contains(&key.as_str()) {
                continue;
            }
            let flag = command.get_arguments().find(|flag| flag.get_long() == Some(&key)).expect("each option is a flag");
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let said = help.split_once("[default: ").map(|(_, said)| said.to_owned()).unwrap_or_default();
            assert!(said.starts_with(&text) || said.contains(&format!("{text} for adam")), "--{key}: {text} in '{help}'");
            held += 1;
        }
        assert!(held > 20, "{held} defaults were held");
    }
}
