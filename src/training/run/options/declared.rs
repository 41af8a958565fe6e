//! What is declared of an option beside its flag and its help: its default, what changes it, what it goes with. All that treats options as a
//! list follows from it: merging, `--resume`, `--finetune`, refusals, `run.toml`.

use serde_json::{Map, Value};

use super::Options;
use crate::error::{Error, Result};

/// What is declared of an option beside its flag, its help and its default.
#[derive(Clone, Copy)]
pub struct Rules {
    /// What becomes of a run that goes on (`--resume`) with another value.
    pub resume: Resume,
    /// Whether a value from a file is left open again, given the options that are laid over the file and those of the file: because it
    /// followed from something that they change.
    pub left_open: fn(&Options, &Options) -> bool,
    /// Whether a model that training starts from (`--finetune`) says this itself, so that the options cannot.
    pub of_model: fn(&Options) -> bool,
    /// What a person may do who says it nevertheless.
    pub model_hint: &'static str,
    /// What it needs to have an effect.
    pub needs: Option<Needs>,
    /// The numbers that can be meant.
    pub range: Range,
    /// Whether networks that are trained side by side may differ in it: it changes neither their plan nor their rows.
    pub may_differ: bool,
}

/// The rules of an option of which nothing else is said: whoever changes it trains another network.
pub(super) const FIXED: Rules = Rules {
    resume: Resume::Fixed,
    left_open: |_, _| false,
    of_model: |_| false,
    model_hint: "",
    needs: None,
    range: Range { from: f64::NEG_INFINITY, below: f64::INFINITY },
    may_differ: false,
};

/// What becomes of a run that goes on with another value of an option.
#[derive(Clone, Copy)]
pub enum Resume {
    /// It would be another training, and is refused.
    Fixed,
    /// It goes on, with a remark if these options make a difference of it: the rest is trained, or rounded, otherwise.
    Told(fn(&Options) -> bool),
    /// It goes on: the option decides no number, or the rows and the shape show what it does.
    Free,
}

impl Resume {
    /// With a remark, whatever the other options are.
    pub const TOLD: Self = Self::Told(|_| true);
}

/// What an option needs to have an effect.
#[derive(Clone, Copy)]
pub struct Needs {
    /// In words.
    pub what: &'static str,
    /// Whether these options have it.
    pub is_there: fn(&Options) -> bool,
    /// Whether a file that says the option without it is refused too: not where every `run.toml` says it.
    pub in_files: bool,
}

impl Needs {
    /// Refused where a flag says it.
    pub const fn of_flag(what: &'static str, is_there: fn(&Options) -> bool) -> Option<Self> {
        Some(Self { what, is_there, in_files: false })
    }

    /// Refused wherever it is said.
    pub const fn ever(what: &'static str, is_there: fn(&Options) -> bool) -> Option<Self> {
        Some(Self { what, is_there, in_files: true })
    }
}

/// The numbers that can be meant, of a list each.
#[derive(Clone, Copy)]
pub struct Range {
    from: f64,
    below: f64,
}

impl Range {
    /// Numbers of at least this.
    pub const fn from(from: f64) -> Self {
        Self { from, below: f64::INFINITY }
    }
}

/// Numbers of at least 0.
pub(super) const AT_LEAST_0: Range = Range::from(0.0);
/// Numbers of at least 1.
pub(super) const AT_LEAST_1: Range = Range::from(1.0);
/// Shares: 0 and more, below 1.
pub(super) const SHARE: Range = Range { from: 0.0, below: 1.0 };

impl Range {
    /// The number of a value that cannot be meant, and why, if there is one.
    fn refusal(self, value: &Value) -> Option<String> {
        if let Value::Array(values) = value {
            return values.iter().find_map(|value| self.refusal(value));
        }
        let number = value.as_f64().filter(|number| !(self.from..self.below).contains(number))?;
        let Self { from, below } = self;
        let range =
            if below.is_finite() { format!("from {from} to below {below}") } else { format!("of at least {from:?}") };
        Some(format!("{number:?}: it must be a number {range}"))
    }
}

/// Declares a group of options: a struct for clap and serde whose fields are written as `pub field: Option<Type> = default => rules;`.
/// The default, where there is one, is a function of the group, and makes a method of the field's name that gives the value or the default;
/// `filled` says all of these. `rules` lists the rules by key. A field without rules is a group of its own.
macro_rules! declared {
    (
        $(#[$of_struct:meta])*
        pub struct $Group:ident {
            $(
                $(#[$of_field:meta])*
                pub $field:ident : $type:ty $(= $default:expr)? $(=> $rules:expr)?;
            )*
        }
    ) => {
        $(#[$of_struct])*
        pub struct $Group {
            $($(#[$of_field])* pub $field: $type,)*
        }

        impl $Group {
            $($(
                #[doc = concat!("`", stringify!($field), "`, or its default.")]
                pub(in crate::training) fn $field(&self) -> <$type as IntoIterator>::Item {
                    let default: fn(&Self) -> <$type as IntoIterator>::Item = $default;
                    self.$field.clone().unwrap_or_else(|| default(self))
                }
            )?)*

            /// The same, with every default said that follows from these options alone.
            pub(in crate::training) fn filled(&self) -> Self {
                Self { $($($field: { let _: fn(&Self) -> <$type as IntoIterator>::Item = $default; Some(self.$field()) },)?)* ..self.clone() }
            }

            /// The rules of each option, by its key.
            fn own_rules() -> Vec<(String, Rules)> {
                vec![$($((stringify!($field).replace('_', "-"), $rules),)?)*]
            }
        }
    };
}
pub(super) use declared;

impl Options {
    /// What is declared of each option, by its key in `run.toml`.
    pub fn rules() -> impl Iterator<Item = (String, Rules)> {
        let groups = [Self::own_rules(), super::FileOptions::own_rules(), super::DeviceOptions::own_rules()];
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

    /// Refuses what was said of these flags although, all options taken together, it changes nothing.
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
fn refuse_idle(key: &str, value: &Value, needs: Option<Needs>, together: &Options) -> Result<()> {
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
        // What follows from other options, and a time.
        const IN_WORDS: [&str; 2] = ["step-every", "checkpoint-every"];
        let filled = Options { device: super::super::DeviceOptions::default().filled(), ..Options::default().filled() };
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
