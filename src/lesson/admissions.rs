//! Udacity's first net on UCLA's graduate admissions: real columns to prepare, and a printed loss that is not the loss.

use std::path::Path;

use super::comparison::Comparison;
use super::numpy_random::NumpyRandom;
use super::picture::Example;
use super::program::{Machine, Program, mean_squared_error};
use super::report::{Findings, Report};
use super::{Options, Result};
use crate::data::Matrix;
use crate::error::{Error, shown};
use crate::files;
use crate::page::ends;
use crate::training::session::Reduction;

pub(super) const NAME: &str = "admissions";
pub(super) const SUMMARY: &str =
    "real data, and a printed loss that is wrong (6-2-1, 360 rows, 900 steps; needs --data FILE)";

const STEPS: usize = 900;
const PRINTED_EVERY: usize = 90;
const RATE: f64 = 0.005;
const SEED: u32 = 21;
const ROWS: usize = 400;
const TRAINING_ROWS: usize = 360;
/// Rows that were not admitted, and rows that were.
const LABELS: [usize; 2] = [273, 127];
const COLUMNS: [&str; 4] = ["admit", "gre", "gpa", "rank"];
/// The least and the largest value of each column.
const RANGES: [(f64, f64); 4] = [(0.0, 1.0), (200.0, 800.0), (0.0, 4.0), (1.0, 4.0)];

/// What the lesson trains on and tests with.
struct Prepared {
    training: Matrix<f64>,
    training_targets: Vec<f64>,
    test: Matrix<f64>,
    test_targets: Vec<f64>,
}

/// What is measured while it trains.
#[derive(Default)]
struct Measured {
    /// What the program prints: the last record's output against all targets.
    slipped: Vec<f64>,
    /// The mean of (y - a)² over the training rows, at the same steps.
    errors: Vec<f64>,
}

pub(super) fn run(machine: &Machine, options: &Options) -> Result<Report> {
    let path = options.data.as_deref().ok_or_else(no_data)?;
    let rows = read(path)?;
    let data = prepare(&rows);
    let mut random = NumpyRandom::new(SEED);
    let deviation = 1.0 / 6.0_f64.sqrt();
    let first =
        vec![Matrix::new(6, 2, random.normals(0.0, deviation, 12)), Matrix::new(2, 1, random.normals(0.0, deviation, 2))];
    let program =
        Program { reduction: Reduction::Mean, ..Program::new(data.training.clone(), &data.training_targets, first, RATE) };
    let mut trainer = machine.trainer(&program)?;
    let (mut losses, mut measured) = (Vec::new(), Measured::default());
    let targets = &data.training_targets;
    for printed_at in (0..STEPS).step_by(PRINTED_EVERY) {
        // It prints after the update of the steps 0, 90, …: after 1, 91, … steps.
        losses.extend(trainer.train(printed_at + 1 - losses.len())?);
        let output = trainer.predict(&data.training)?;
        let last = vec![output[TRAINING_ROWS - 1]; TRAINING_ROWS];
        measured.slipped.push(mean_squared_error(targets, &last));
        measured.errors.push(mean_squared_error(targets, &output));
    }
    losses.extend(trainer.train(STEPS - losses.len())?);
    measured.errors.push(mean_squared_error(targets, &trainer.predict(&data.training)?));
    let output = trainer.predict(&data.test)?;
    let right = right(&output, &data.test_targets);
    let weights = trainer.weights()?;
    let values = [weights[0].values.as_slice(), weights[1].values.as_slice()].concat();
    let comparisons = vec![
        Comparison::new(
            "printed train loss",
            "0.251357… - - - - - - - - 0.240400…",
            &REFERENCE_SLIPPED,
            &measured.slipped,
            machine.tolerance(1e-9, 1e-5),
        ),
        Comparison::new(
            "true mean squared error",
            "0.268560 - - - - - - - - - 0.253066",
            &REFERENCE_ERRORS,
            &measured.errors,
            machine.tolerance(1e-9, 1e-5),
        ),
        Comparison::new("test rows right, of 40", "29", &[29.0], &[right as f64], 0.0),
        // The weights stay below 1; twice that, since the sum over 360 rows rounds as well.
        Comparison::new("weights", "", &REFERENCE_WEIGHTS, &values, machine.drift(STEPS, 2.0)),
    ];
    let explanation = explanation(&rows, &data, &measured, &output);
    let printed = printed(&measured, right, &data.test_targets);
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output,
        weights,
        losses,
        comparisons,
        printed,
        explanation,
        example: example(&data.test),
    };
    Ok(findings.report(machine))
}

const REFERENCE_SLIPPED: [f64; 10] = [
    0.2513572524259881,
    0.24996540718842905,
    0.24862005218904504,
    0.2473199321717981,
    0.24606380465584854,
    0.24485044179257037,
    0.243678632018683,
    0.24254718151769472,
    0.24145491550165454,
    0.24040067932493334,
];
const REFERENCE_ERRORS: [f64; 11] = [
    0.268560154404101,
    0.26681028268607343,
    0.26510696358868235,
    0.263449343284774,
    0.26183655010275364,
    0.26026769767979324,
    0.25874188793271247,
    0.2572582138472964,
    0.2558157620879726,
    0.25441361543077645,
    0.25306578377094113,
];
/// Input × hidden, then hidden to output.
#[rustfmt::skip]
const REFERENCE_WEIGHTS: [f64; 14] = [
    -0.008617589857927632, -0.052241942452342996,
    0.4309790439052569, -0.515377677404934,
    0.30291159004154555, -0.697658019248745,
    -0.09448449500517091, -0.08976087954834594,
    0.44647535254564225, 0.00335013988587569,
    -0.2590383959747238, 0.5654904617291876,
    0.5310854071375736, -0.41577125314431396,
];

/// The first test row.
fn example(test: &Matrix<f64>) -> Example {
    let names = ["gre", "gpa", "rank 1", "rank 2", "rank 3", "rank 4"];
    Example::new(&names.into_iter().zip(test.row(0).iter().copied()).collect::<Vec<_>>())
}

fn printed(measured: &Measured, right: usize, test_targets: &[f64]) -> String {
    let mut text = String::from("after step    \"train loss\" as printed    true mean squared error\n");
    for (index, (slipped, error)) in measured.slipped.iter().zip(&measured.errors).enumerate() {
        text += &format!("{:>10}    {slipped:<23.16}    {error:.6}\n", index * PRINTED_EVERY);
    }
    text += &format!("   the end    {:<23}    {:.6}\n", "", measured.errors[measured.errors.len() - 1]);
    let rows = test_targets.len();
    let no = test_targets.iter().filter(|y| **y < 0.5).count();
    text += &format!(
        "prediction accuracy  {:.3}  ({right} of {rows} test rows; always saying no: {no} of {rows})\n",
        right as f64 / rows as f64
    );
    text
}

fn no_data() -> Error {
    Error::Usage(
        "the lesson 'admissions' needs its data: wgrad lesson admissions --data FILE. The file is UCLA's teaching set on \
         graduate admissions, a CSV of 400 rows with the columns admit, gre, gpa and rank, which UCLA's statistics pages \
         offer as binary.csv: https://stats.idre.ucla.edu/stat/data/binary.csv"
            .into(),
    )
}

/// Reads the file's rows: admit, gre, gpa, rank.
fn read(path: &Path) -> Result<Vec<[f64; 4]>> {
    let name = shown(&path.to_string_lossy());
    /// Bytes of the file, at most: it has 400 short rows.
    const BYTES: u64 = 1 << 20;
    let text = files::text(path, BYTES)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| Error::Data(format!("{name}: {}", shown(&error.to_string())));
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let mut places = [0; 4];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|cell| cell.trim_start_matches('\u{feff}').trim_matches('"') == column);
        *place = found.ok_or_else(|| {
            let there = header.iter().map(shown).collect::<Vec<_>>().join(", ");
            Error::Data(format!(
                "{name}:1: there is no column '{column}': the columns are {there}; the lesson needs {}",
                COLUMNS.join(", ")
            ))
        })?;
    }
    let mut rows = Vec::with_capacity(ROWS);
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row = [0.0; 4];
        for (index, value) in row.iter_mut().enumerate() {
            let cell = record.get(places[index]).unwrap_or_default();
            let (least, largest) = RANGES[index];
            let whole = COLUMNS[index] == "admit" || COLUMNS[index] == "rank";
            let parsed = cell.parse().ok().filter(|v| (least..=largest).contains(v) && !(whole && *v != v.trunc()));
            *value = parsed.ok_or_else(|| {
                let kind = if whole { "a whole number" } else { "a number" };
                Error::Data(format!(
                    "{name}:{line}: {} is '{}', where {kind} from {least} to {largest} belongs",
                    COLUMNS[index],
                    shown(cell)
                ))
            })?;
        }
        rows.push(row);
    }
    check(&name, &rows)?;
    Ok(rows)
}

/// Whether this is the file that the numbers are for.
fn check(name: &str, rows: &[[f64; 4]]) -> Result<()> {
    if rows.len() != ROWS {
        return Err(Error::Data(format!("{name}: {} rows, where the admissions data have {ROWS}", rows.len())));
    }
    let admitted = rows.iter().filter(|row| row[0] > 0.5).count();
    if [ROWS - admitted, admitted] != LABELS {
        let [no, yes] = LABELS;
        return Err(Error::Data(format!(
            "{name}: {} rows are not admitted and {admitted} are, where UCLA's file has {no} and {yes}. A copy with \
             flipped labels goes round: take the file from UCLA",
            ROWS - admitted
        )));
    }
    Ok(())
}

/// Standardises gre and gpa over all rows, makes four columns of rank, and draws the training rows.
fn prepare(rows: &[[f64; 4]]) -> Prepared {
    let [gre, gpa] = [1, 2].map(|index| standardized(&rows.iter().map(|row| row[index]).collect::<Vec<_>>()));
    let mut inputs = Vec::with_capacity(rows.len() * 6);
    for (index, row) in rows.iter().enumerate() {
        inputs.extend([gre[index], gpa[index]]);
        inputs.extend([1.0, 2.0, 3.0, 4.0].map(|rank| if row[3] == rank { 1.0 } else { 0.0 }));
    }
    let inputs = Matrix::new(rows.len(), 6, inputs);
    let training = NumpyRandom::new(SEED).choice(ROWS, TRAINING_ROWS);
    let test: Vec<usize> = (0..rows.len()).filter(|row| !training.contains(row)).collect();
    let targets = |order: &[usize]| order.iter().map(|&row| rows[row][0]).collect();
    Prepared {
        training_targets: targets(&training),
        test_targets: targets(&test),
        training: inputs.gathered(&training),
        test: inputs.gathered(&test),
    }
}

/// (x - mean) / sample deviation, that is with n - 1.
fn standardized(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    values.iter().map(|value| (value - mean) / deviation).collect()
}

/// Rows on the right side of ½.
fn right(outputs: &[f64], targets: &[f64]) -> usize {
    outputs.iter().zip(targets).filter(|(a, y)| (**a > 0.5) == (**y > 0.5)).count()
}

fn explanation(rows: &[[f64; 4]], data: &Prepared, measured: &Measured, output: &[f64]) -> Vec<String> {
    let Measured { slipped, errors } = measured;
    let (last_slipped, last_error) = (slipped[slipped.len() - 1], errors[errors.len() - 1]);
    let mean = data.training_targets.iter().sum::<f64>() / TRAINING_ROWS as f64;
    let guessing = mean_squared_error(&data.training_targets, &[mean; TRAINING_ROWS]);
    let (least, largest) = ends(output.iter().copied());
    let (tested, right) = (data.test_targets.len(), right(output, &data.test_targets));
    let no = data.test_targets.iter().filter(|y| **y < 0.5).count();
    let [gre, gpa] = [1, 2].map(|column| ends(rows.iter().map(|row| row[column])));
    vec![
        format!(
            "Why the printed train loss is no loss. The program goes through the records one by one, in variables that \
             still hold the last record when the loop is over. It then computes its loss from that leftover: one output, \
             of one record, which numpy broadcasts against the targets of all {TRAINING_ROWS}. The number falls nicely, \
             from {:.4} to {last_slipped:.4}, and means nothing: it says how well one constant would do for everybody. \
             The true mean squared error, every record's own output against its own target, falls from {:.4} to \
             {last_error:.4}.",
            slipped[0], errors[0]
        ),
        format!(
            "How to notice such a thing. Compare with a net that knows nothing: always answering the training rows' \
             mean, {mean:.3}, has a mean squared error of {guessing:.4}. After its {STEPS} steps this net has \
             {last_error:.4}. It has hardly begun to learn: its outputs on the test rows all lie between {least:.2} and \
             {largest:.2}. A loss is worth printing beside what guessing gives."
        ),
        format!(
            "Whether {:.3} is good. {right} of {tested} rows are right, where always saying no gets {no}. A few rows in \
             {tested} are within the luck of the draw: another split gives another number. A small test set is a coarse \
             ruler.",
            right as f64 / tested as f64
        ),
        format!(
            "Why the steps are averaged. The steps of the {TRAINING_ROWS} records are added up and divided by \
             {TRAINING_ROWS}, so that the step does not grow with the number of records. With the rate {RATE} that makes \
             for tiny steps, which is why {STEPS} of them do so little; the same rate on the sum would step \
             {TRAINING_ROWS} times as far. (wgrad train averages unless told --reduction sum.)"
        ),
        format!(
            "Why the columns are prepared. gre goes from {} to {} and gpa from {} to {}. Fed as they are, gre would \
             drive every sigmoid to its flat end, where the slope is almost 0 and nothing is learned. So both are \
             standardised: minus the mean, divided by the standard deviation. rank is a name rather than an amount (rank \
             4 is not four times rank 1), so it becomes four columns, one of them 1. Those add up to 1 in every row, and \
             so stand in for the bias that the hidden layer lacks.",
            gre.0, gre.1, gpa.0, gpa.1
        ),
        format!(
            "Which flaw is left. One is left as it is, for the numbers' sake: mean and deviation are taken over all \
             {ROWS} rows, so the test rows have influenced the training. wgrad train fits them on the training rows \
             alone."
        ),
        "What the step itself is. It is the same as in the other lessons: error (target - output) times the slope \
         output·(1 - output), because what a weight can move is the sum before the sigmoid, and the slope says how much \
         of that arrives; passed back through the weights to the hidden units; times the inputs; added, because the \
         error is target minus output."
            .into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::claims;

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    fn rows(count: usize, admitted: usize) -> String {
        let line = |index: usize| format!("{},{},3.5,{}\n", usize::from(index < admitted), 400 + index, index % 4 + 1);
        std::iter::once("admit,gre,gpa,rank\n".to_string()).chain((0..count).map(line)).collect()
    }

    #[test]
    fn a_cell_that_does_not_fit_is_named_with_its_line() {
        for (cell, column) in [("2", "admit"), ("x", "admit"), ("", "admit"), ("NaN", "admit"), ("0.5", "admit")] {
            let file = written(&format!("admit,gre,gpa,rank\n0,400,3.1,2\n{cell},400,3.1,2\n"));
            let error = read(file.path()).expect_err("no label");
            assert_eq!(error.exit_code(), 3);
            assert!(error.to_string().contains(&format!(":3: {column} is")), "{error}");
        }
    }

    #[test]
    fn another_table_is_refused() {
        let error = read(written("a,b\n1,2\n").path()).expect_err("other columns");
        assert!(error.to_string().contains(":1: there is no column 'admit': the columns are a, b"), "{error}");
        let error = read(written(&rows(399, 127)).path()).expect_err("too few");
        assert!(error.to_string().contains("399 rows"), "{error}");
        read(written(&rows(400, 127)).path()).expect("plausible");
    }

    #[test]
    fn flipped_labels_are_recognised() {
        let error = read(written(&rows(400, 273)).path()).expect_err("flipped");
        assert!(error.to_string().contains("flipped labels"), "{error}");
    }

    #[test]
    fn columns_are_standardised_by_the_sample_deviation() {
        assert_eq!(standardized(&[1.0, 2.0, 3.0]), [-1.0, 0.0, 1.0]);
    }

    /// Made-up rows: the numbers differ from those of the file, and each is still computed.
    #[test]
    fn every_number_in_the_prose_is_given_or_computed() {
        let machine = Machine::for_tests();
        let file = written(&rows(ROWS, LABELS[1]));
        let options = Options { data: Some(file.path().into()), ..Options::default() };
        let report = run(&machine, &options).expect("a report");
        let data = prepare(&read(file.path()).expect("the rows"));
        let mean = data.training_targets.iter().sum::<f64>() / TRAINING_ROWS as f64;
        let (least, largest) = ends(report.output.iter().copied());
        let right = right(&report.output, &data.test_targets) as f64;
        let no = data.test_targets.iter().filter(|y| **y < 0.5).count() as f64;
        // The mean squared error of a mean of zeros and ones.
        let values = [mean, mean * (1.0 - mean), least, largest, right, no, right / 40.0];
        // The rows, rate and ranks of the program; the made-up rows' least and largest gre, and their gpa.
        claims::check(&report, "0 1 4 40 360 400 900 0.005 400 799 3.5", &values);
    }
}
