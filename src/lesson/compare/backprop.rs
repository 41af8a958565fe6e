//! The net by hand: what the wrong shape costs, and how much the hidden weights matter.

use super::alternatives::{Alternative, Alternatives, BY_HAND, BY_PLAN, Figure, Point, grouped, sampled};
use crate::error::Result;
use crate::lesson::backprop::{Hidden, STEPS, Slip, program};
use crate::lesson::program::Machine;
use crate::page::digits;

/// The steps before which the errors are shown, from 1.
const SHOWN: [usize; 4] = [1, 2, 10, STEPS];

pub(in crate::lesson) fn compare(machine: &Machine) -> Result<Alternatives> {
    let mut trainer = machine.trainer(&program())?;
    let losses = trainer.train(STEPS)?;
    let first = trainer.weights()?.swap_remove(0);
    let [slip, output_alone] = [Hidden::Broadcast, Hidden::LeftAlone].map(Slip::run);
    let alternatives = vec![
        alternative("published, 2×2", BY_HAND, &slip.errors, slip.first[1][0] - slip.first[0][0]),
        alternative("the right shape", BY_PLAN, &losses, first.values[1] - first.values[0]),
        alternative(
            "output weights only",
            BY_HAND,
            &output_alone.errors,
            output_alone.first[1][0] - output_alone.first[0][0],
        ),
    ];
    let conclusions = conclusions([&slip.errors, &losses, &output_alone.errors]);
    Ok(Alternatives { steps: STEPS, alternatives, conclusions, comparisons: Vec::new() })
}

fn alternative(name: &str, computed_by: &'static str, errors: &[f64], apart: f64) -> Alternative {
    let error = |step: usize| Figure::number(&format!("error ½(y-a)² at step {}", grouped(step)), errors[step - 1]);
    let mut figures: Vec<Figure> = SHOWN.map(error).into();
    let shown = format!("{apart:.7}");
    figures.push(Figure { name: "first weights of the hidden units apart".into(), shown, value: apart.into() });
    // Before step n, n - 1 steps are taken.
    let point = |step: usize| Point { step, mean_squared_error: 2.0 * errors[step] };
    let curve = sampled(STEPS - 1, &[]).into_iter().map(point).collect();
    Alternative { name: name.into(), computed_by, figures, curve }
}

fn conclusions([slip, right, alone]: [&[f64]; 3]) -> Vec<String> {
    let at = |errors: &[f64], step: usize| digits(errors[step - 1]);
    vec![format!(
        "Why nobody sees it in the loss. At step {steps} the error is {} as published, {} with the right shape, and {} \
         if the hidden weights are left alone altogether. All three learn the one row: the two weights to the output \
         suffice for it, and what is done to the hidden weights, right, wrong or nothing, changes little. At step 2 the \
         published program is even ahead, with {} against {}. Only the weights give it away: the hidden units' first \
         weights stay 0.3 apart, as they began, because both units take the same steps.",
        at(slip, STEPS),
        at(right, STEPS),
        at(alone, STEPS),
        at(slip, 2),
        at(right, 2),
        steps = STEPS
    )]
}
