//! Dense neural networks, trained on any GPU or on the CPU by the same plan.
//!
//! The way of the data: `data` reads tables and encodes them as matrices; `network` says what a net is; `plan` lists the kernels
//! of one training step; `executor` runs that list on the CPU or the GPU; `training` repeats it over batches and epochs;
//! `evaluation` measures the outcome; `model` keeps it; `report` shows it; `exchange` brings it to other programs and theirs here; `lesson`
//! replays the famous small programs; `cli` is what people type.
//! `bench` measures how fast all this is; `cache` keeps what was measured on this machine; `verification` holds what is computed
//! in f32 against the f64 oracle.

// Files are opened and written in `files` alone (clippy.toml); tests make their own.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod bench;
mod braille;
pub mod browser;
pub mod cache;
pub mod cli;
mod columns;
pub mod data;
pub mod error;
pub mod evaluation;
pub mod exchange;
pub mod executor;
pub mod exhaustion;
pub mod explanation;
pub mod files;
pub mod kernels;
pub mod lesson;
mod memory;
pub mod model;
mod name;
pub mod network;
mod page;
mod panics;
pub mod plan;
pub mod random;
pub mod report;
pub mod rounding;
pub mod scalar;
mod simd;
pub mod sweep;
mod text;
mod threads;
pub mod training;
pub mod verification;

pub use error::{Error, Result};
