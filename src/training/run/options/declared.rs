//! What is declared of an option beside its flag and its help: its default, what changes it, what it goes with.

use serde_json::Value;

/// What is declared of an option beside its flag, its help and its default.
#[derive(Clone)]
pub struct Rules<Options> {
    /// What becomes of a run that goes on (`--resume`) with another value.
    pub resume: Resume<Options>,
    /// Whether a value from a file is left open again, given the options that are laid over the file and those of the file: because it
    /// followed from something that they change.
    pub left_open: fn(&Options, &Options) -> bool,
    /// Whether a model that training starts from (`--finetune`) says this itself, so that the options cannot.
    pub of_model: fn(&Options) -> bool,
    /// What a person may do who says it nevertheless.
    pub model_hint: &'static str,
    /// What it needs to have an effect.
    pub needs: Option<Needs<Options>>,
    /// The numbers that it may be.
    pub range: Range,
    /// Whether networks that are trained side by side may differ in it: it changes neither their plan nor their rows.
    pub may_differ: bool,
    /// Why the trials of a sweep cannot differ in it; none if they can.
    pub not_varied: Option<&'static str>,
}

impl<Options> Rules<Options> {
    /// The rules of an option of which nothing else is said: whoever changes it trains another network.
    pub const FIXED: Self = Self {
        resume: Resume::Fixed,
        left_open: |_, _| false,
        of_model: |_| false,
        model_hint: "",
        needs: None,
        range: Range { from: f64::NEG_INFINITY, below: f64::INFINITY },
        may_differ: false,
        not_varied: None,
    };
}

/// What becomes of a run that goes on with another value of an option.
#[derive(Clone)]
pub enum Resume<Options> {
    /// It would be another training, and is refused.
    Fixed,
    /// It goes on, with a remark if these options make a difference of it: the rest is trained, or rounded, otherwise.
    Told(fn(&Options) -> bool),
    /// It goes on: the option decides no number, or the rows and the shape show what it does.
    Free,
}

impl<Options> Resume<Options> {
    /// With a remark, whatever the other options are.
    pub const TOLD: Self = Self::Told(|_| true);
}

/// What an option needs to have an effect.
#[derive(Clone)]
pub struct Needs<Options> {
    /// In words.
    pub what: &'static str,
    /// Whether these options have it.
    pub is_there: fn(&Options) -> bool,
    /// Whether a file that says the option without it is refused too: not where every `run.toml` says it.
    pub in_files: bool,
}

impl<Options> Needs<Options> {
    /// Refused where a flag says it.
    pub const fn of_flag(what: &'static str, is_there: fn(&Options) -> bool) -> Option<Self> {
        Some(Self { what, is_there, in_files: false })
    }

    /// Refused wherever it is said.
    pub const fn ever(what: &'static str, is_there: fn(&Options) -> bool) -> Option<Self> {
        Some(Self { what, is_there, in_files: true })
    }
}

/// The numbers that an option may be; of a list, each of its numbers.
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
/// Bins of a column.
pub(super) const BINS: Range = Range { from: 0.0, below: 1001.0 };
/// Shares: 0 and more, below 1.
pub(super) const SHARE: Range = Range { from: 0.0, below: 1.0 };

impl Range {
    /// Why a value is refused, with its number; none if it is in the range.
    pub(super) fn refusal(self, value: &Value) -> Option<String> {
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
/// The default, where there is one, is a function of the group; a method of the field's name gives the value or the default, and `filled`
/// gives the group with all defaults filled in. `own_rules` lists the rules by key. A field without rules is itself a group of options.
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
