//! A program followed through its steps.

use super::alternatives::{Alternative, Figure, Point, grouped, sampled};
use crate::error::Result;
use crate::lesson::program::{Program, Trainer, mean_squared_error};

/// What became of a program on the way.
pub(super) struct Course {
    pub(super) curve: Vec<Point>,
    /// After how many steps each row's output was first on the right side of ½.
    pub(super) right_from: Vec<Option<usize>>,
    /// The losses before each step.
    pub(super) losses: Vec<f64>,
    /// The outputs after the last step.
    pub(super) outputs: Vec<f64>,
}

impl Course {
    /// Takes so many steps of a program with one output, and looks at it after those of a curve and after `shown`. Until
    /// every row has been on the right side of ½ it looks at each of the first steps.
    pub(super) fn run(trainer: &mut dyn Trainer, program: &Program, steps: usize, shown: &[usize]) -> Result<Self> {
        /// Steps that are looked at one by one, at most.
        const CLOSELY: usize = 1_000;
        let targets = &program.targets.values;
        let sampled = sampled(steps, shown);
        let right_from = vec![None; targets.len()];
        let mut course = Self { curve: Vec::new(), right_from, losses: Vec::new(), outputs: Vec::new() };
        for step in sampled {
            while course.losses.len() < step || course.outputs.is_empty() {
                let taken = course.losses.len();
                let is_close = taken < CLOSELY && course.right_from.contains(&None);
                let more = if is_close { (step - taken).min(1) } else { step - taken };
                if more > 0 {
                    course.losses.extend(trainer.train(more)?);
                }
                course.outputs = trainer.predict(&program.inputs)?;
                for ((from, a), y) in course.right_from.iter_mut().zip(&course.outputs).zip(targets) {
                    let is_right = (*a > 0.5) == (*y > 0.5);
                    *from = from.or(is_right.then_some(course.losses.len()));
                }
            }
            course.curve.push(Point { step, mean_squared_error: mean_squared_error(targets, &course.outputs) });
        }
        Ok(course)
    }

    /// The error after so many steps, which the curve shows.
    pub(super) fn error_after(&self, step: usize) -> f64 {
        self.curve.iter().find(|point| point.step == step).map_or(f64::NAN, |point| point.mean_squared_error)
    }

    /// The alternative of this course, with its errors after these steps and its outputs, and what else is told of it.
    pub(super) fn alternative(
        self,
        name: &str,
        computed_by: &'static str,
        shown: &[usize],
        more: impl FnOnce(&Self) -> Vec<Figure>,
    ) -> Alternative {
        let name_of = |step: usize| format!("mean squared error, {} steps", grouped(step));
        let error = |&step: &usize| Figure::number(&name_of(step), self.error_after(step));
        let mut figures: Vec<Figure> = shown.iter().map(error).collect();
        figures.extend(self.outputs.iter().enumerate().map(|(row, a)| {
            let shown = format!("{a:.4}");
            Figure { name: format!("output of row {}", row + 1), shown, value: (*a).into() }
        }));
        figures.extend(more(&self));
        Alternative { name: name.into(), computed_by, figures, curve: self.curve }
    }
}
