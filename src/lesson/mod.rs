//! The famous small numpy programs as lessons: trained by the plan, printed as they printed, held against their numbers; and lessons of our
//! own on what learners ask.
//!
//! A program's lesson starts from the very weights that its program started from ([`numpy_random`]), trains through the same session
//! and plan as everything else, and compares with two kinds of numbers: what the program is known to print, in as many
//! digits as are published, and what numpy 2.4.6 computes for the same program in all digits of f64.

mod admissions;
mod backprop;
#[cfg(test)]
mod claims;
mod compare;
mod comparison;
mod confidence;
mod loy;
pub mod numpy_random;
mod options;
mod page;
mod picture;
mod plane;
mod program;
mod questions;
mod report;
mod taught;
mod trask;
mod trask_hidden;
mod udacity_step;
mod vanishing;

pub use crate::braille::Canvas;
pub use compare::{Alternative, Alternatives, Figure, Point};
pub use comparison::Comparison;
pub use options::Options;
pub use questions::{Answer, QUESTIONS, Question, answers};
pub use report::{LossAt, Report, Seeds};
pub use taught::{check_play, explained, is_lesson, is_like_a_name, play};

use crate::error::{Error, Result, shown, suggestion};
use crate::training::session::PrecisionName;
use crate::training::session::{Device, Wanted};
use program::Machine;

/// A lesson in the list.
struct Lesson {
    name: &'static str,
    summary: &'static str,
    run: fn(&Machine, &Options) -> Result<Report>,
    /// Runs alternatives to its program, where there are some.
    compare: Option<fn(&Machine) -> Result<Alternatives>>,
}

const LESSONS: [Lesson; 9] = [
    Lesson { name: trask::NAME, summary: trask::SUMMARY, run: trask::run, compare: Some(compare::trask) },
    Lesson {
        name: trask_hidden::NAME,
        summary: trask_hidden::SUMMARY,
        run: trask_hidden::run,
        compare: Some(compare::trask_hidden),
    },
    Lesson { name: loy::NAME, summary: loy::SUMMARY, run: loy::run, compare: Some(compare::loy) },
    Lesson { name: backprop::NAME, summary: backprop::SUMMARY, run: backprop::run, compare: Some(compare::backprop) },
    Lesson { name: udacity_step::NAME, summary: udacity_step::SUMMARY, run: udacity_step::run, compare: None },
    Lesson { name: admissions::NAME, summary: admissions::SUMMARY, run: admissions::run, compare: None },
    Lesson { name: vanishing::NAME, summary: vanishing::SUMMARY, run: vanishing::run, compare: None },
    Lesson { name: confidence::NAME, summary: confidence::SUMMARY, run: confidence::run, compare: None },
    Lesson { name: plane::NAME, summary: plane::SUMMARY, run: plane::run, compare: None },
];

/// The lessons' names, from the simplest on.
pub fn names() -> impl Iterator<Item = &'static str> {
    LESSONS.iter().map(|lesson| lesson.name)
}

/// What a lesson is about, in a line.
pub fn summary(name: &str) -> Option<&'static str> {
    LESSONS.iter().find(|lesson| lesson.name == name).map(|lesson| lesson.summary)
}

/// Runs a lesson. Numbers that do not agree are no error here: see [`Report::agrees`].
///
/// # Errors
/// Usage, for a lesson that is not there or an option that is not for this one; data, for a file that does not fit; no
/// device.
pub fn run(name: &str, options: &Options) -> Result<Report> {
    let lesson = LESSONS.iter().find(|lesson| lesson.name == name).ok_or_else(|| unknown(name))?;
    let with_data = [admissions::NAME, plane::NAME];
    if options.data.is_some() && !with_data.contains(&name) {
        let [one, other] = with_data;
        return Err(Error::Usage(format!("--data is for the lessons '{one}' and '{other}': '{name}' has its own data")));
    }
    if options.seeds.is_some() && name != loy::NAME {
        return Err(Error::Usage(format!(
            "--seeds is for the lesson '{}': '{name}' starts from one set of weights",
            loy::NAME
        )));
    }
    if options.compare && lesson.compare.is_none() {
        let with = LESSONS.iter().filter(|lesson| lesson.compare.is_some()).map(|lesson| lesson.name);
        let with = with.collect::<Vec<_>>().join(", ");
        return Err(Error::Usage(format!("'{name}' has no alternatives to --compare; these lessons have some: {with}")));
    }
    if options.compare && options.seeds.is_some() {
        return Err(Error::Usage("--compare and --seeds are two questions: ask one of them at a time".into()));
    }
    if options.seeds == Some(0) {
        return Err(Error::Usage("--seeds takes a number of runs from 1 on".into()));
    }
    let machine = Machine::choose(&options.device, options.precision)?;
    let report = (lesson.run)(&machine, options)?;
    match lesson.compare.filter(|_| options.compare) {
        Some(compare) => Ok(report.beside(compare(&machine)?)),
        None => Ok(report),
    }
}

fn unknown(name: &str) -> Error {
    let hint = match suggestion(name, names()) {
        hint if hint.is_empty() => ".".to_string(),
        hint => hint,
    };
    let known = names().collect::<Vec<_>>().join(", ");
    Error::Usage(format!("there is no lesson '{}'{hint} The lessons are: {known}", shown(name)))
}

impl Machine {
    /// Opens the device; f64 stays on the CPU, where nothing else was asked for.
    fn choose(wanted: &Wanted, precision: Option<PrecisionName>) -> Result<Self> {
        // One thread: the nets are so small that handing work over would cost more than it saves.
        if precision == Some(PrecisionName::Mixed) {
            return Err(Error::Usage("--precision mixed: the famous programs compute in f32 or f64".into()));
        }
        let device = Device::choose(wanted, Some(1), precision == Some(PrecisionName::F64))?;
        let natural = if device.gpu().is_some() { PrecisionName::F32 } else { PrecisionName::F64 };
        Ok(Self { precision: precision.unwrap_or(natural), device })
    }
}
