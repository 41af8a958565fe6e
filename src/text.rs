//! Types that read and write themselves as text.

/// Implements serde for a type that reads and writes itself as text (`FromStr`, `Display`), with
/// `#[serde(try_from = "String", into = "String")]`.
macro_rules! as_text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = <$type as std::str::FromStr>::Err;
            fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}
pub(crate) use as_text;
