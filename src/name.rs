//! Names of files as text, without loss: a name that is not UTF-8 can be typed, kept in `run.toml` and used again.
//!
//! The character U+10FF00 + byte, of a plane for private use, stands for a byte that belongs to no UTF-8 character. Where a name has such a
//! character of its own, its bytes are written the same way: each text stands for one name.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};

/// The character that stands for the byte 0.
const FIRST: u32 = 0x10_ff00;

/// A name as text.
pub(crate) fn text(name: &OsStr) -> Cow<'_, str> {
    match name.to_str() {
        Some(text) if !text.contains(is_byte) => Cow::Borrowed(text),
        _ => Cow::Owned(escaped(name)),
    }
}

/// The name that a text stands for.
pub(crate) fn path(text: &str) -> Cow<'_, Path> {
    if text.contains(is_byte) { Cow::Owned(unescaped(text)) } else { Cow::Borrowed(Path::new(text)) }
}

/// Takes a name from the command line as [`text`].
pub(crate) fn parser() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|name| text(&name).into_owned())
}

/// A path as it is shown to people and in JSON: U+FFFD stands for what is not UTF-8.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Serializes a path as [`text`].
pub(crate) fn serialize<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&path.as_ref().map(|path| text(path.as_os_str())), serializer)
}

/// Deserializes what [`serialize`] gives.
pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text: Option<String> = serde::Deserialize::deserialize(deserializer)?;
    Ok(text.map(|text| path(&text).into_owned()))
}

/// Serializes a path as it is [`shown`].
pub(crate) fn serialize_shown<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn is_byte(character: char) -> bool {
    byte(character).is_some()
}

/// The byte that a character stands for, where it stands for one.
pub(crate) fn byte(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

#[cfg(unix)]
fn escaped(name: &OsStr) -> String {
    use std::os::unix::ffi::OsStrExt;
    let byte = |byte: &u8| char::from_u32(FIRST + u32::from(*byte)).expect("a character for private use");
    let mut text = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match is_byte(character) {
                true => text.extend(character.encode_utf8(&mut [0; 4]).as_bytes().iter().map(byte)),
                false => text.push(character),
            }
        }
        text.extend(chunk.invalid().iter().map(byte));
    }
    text
}

#[cfg(unix)]
fn unescaped(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    for character in text.chars() {
        match byte(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

/// Names that are no Unicode are rare on other systems, and stay what they are shown as.
#[cfg(not(unix))]
fn escaped(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn unescaped(text: &str) -> PathBuf {
    text.into()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn each_name_comes_back_and_no_two_share_a_text() {
        let names: [&[u8]; 8] = [
            b"a.csv",
            b"",
            "größe".as_bytes(),
            b"n\xff.csv",
            b"\xc3",
            b"a\xe2\x80",
            "\u{10ffff}".as_bytes(),
            b"\xf4\x8f\xbf",
        ];
        let mut texts = Vec::new();
        for name in names {
            let told = text(OsStr::from_bytes(name)).into_owned();
            assert_eq!(path(&told).as_os_str().as_bytes(), name);
            assert!(!texts.contains(&told), "{told:?}");
            texts.push(told);
        }
        assert_eq!(texts[..3], ["a.csv", "", "größe"]);
    }

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=u8::MAX {
            let name = [b'a', byte, b'b'];
            assert_eq!(path(&text(OsStr::from_bytes(&name))).as_os_str().as_bytes(), name);
        }
    }
}
