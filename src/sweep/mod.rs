//! Many trainings side by side, to find the options that suit the data.

pub mod space;
