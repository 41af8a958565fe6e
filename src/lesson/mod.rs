//! The famous small numpy programs as lessons, with the random numbers that they drew.

pub mod numpy_random;
