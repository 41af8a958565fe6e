//! Data: tables in, matrices out.

pub mod encoding;
pub mod matrix;

pub use encoding::{Encoding, InputColumn, InputKind, NumberTarget, Target};
pub use matrix::Matrix;
