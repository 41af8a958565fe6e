//! A model as an ONNX graph: the data's own columns in, what `wgrad predict` says out.

mod dates;

use super::activations;
use super::builder::{Attribute, Builder};
use crate::data::{Bins, Calendar, Decision, Encoding, InputColumn, InputKind, NumberTarget, Target, Task, spelled};
use crate::error::{Error, Result, shown};
use crate::exchange::{ElementType, Exported, InputType, OnnxOptions};
use crate::model::{Element, Model, StoredWeights};
use crate::network::{Activation, Weights};

/// From how many times its scale on a column's offset is too large for a float: its rounding moves the scaled number by 4e-6.
const FAR: f64 = 64.0;
/// From how many times its width on an edge of a bin is: the rounding moves what the bin says by 4e-3 of it.
const NARROW: f64 = 65536.0;
/// The input and the output of a network alone, and the input of columns that have no names.
const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// The model as an ONNX file.
///
/// # Errors
/// Usage, if a column cannot be said in ONNX; Limit, if the file would be too large for the format.
pub(in crate::exchange) fn export(model: &Model, options: OnnxOptions) -> Result<Exported> {
    let own = match &model.weights {
        StoredWeights::Single(_) => ElementType::Float,
        StoredWeights::Double(_) => ElementType::Double,
    };
    if options.plain {
        return alone(model, own);
    }
    let cells = match options.input_type {
        Some(InputType::Float) => ElementType::Float,
        Some(InputType::Double) => ElementType::Double,
        None => own,
    };
    let encoding = &model.encoding;
    let target_names = encoding.target_names();
    // A class is told as `label`, whatever its column is called.
    let of_outputs = target_names.iter().copied().filter(|_| encoding.task() == Task::Regression);
    let taken = encoding.inputs.iter().map(|column| column.name.as_str()).chain(of_outputs);
    if taken.clone().any(str::is_empty) {
        return Err(Error::Usage(
            "a column has an empty name, which no input of an ONNX graph may have; use --plain".into(),
        ));
    }
    let missing = encoding.missing().spellings();
    let mut graph = Graph { builder: Builder::new(own, taken), cells, missing };
    let inputs = graph.encoded(&encoding.inputs, target_names.len())?;
    let outputs = graph.network(model, &inputs);
    match &encoding.target {
        Target::Classification { classes, decision, .. } => {
            graph.classes(outputs, classes, model.network.outputs(), *decision);
        }
        Target::Regression { columns } => graph.units(&outputs, columns),
    }
    let (bytes, inputs, outputs) = graph.builder.finished()?;
    Ok(Exported { bytes, inputs, outputs, remarks: remarks(encoding, cells) })
}

/// The network without its encoding.
fn alone(model: &Model, own: ElementType) -> Result<Exported> {
    let mut graph = Graph { builder: Builder::new(own, [INPUT, OUTPUT]), cells: own, missing: Vec::new() };
    graph.builder.input(INPUT, own, model.network.inputs());
    let outputs = graph.network(model, INPUT);
    graph.builder.output(&outputs, OUTPUT, own, Some(model.network.outputs()));
    let (bytes, inputs, outputs) = graph.builder.finished()?;
    Ok(Exported { bytes, inputs, outputs, remarks: Vec::new() })
}

/// What a person should hear who feeds the graph: what floats lose, and how it compares categories, where `predict` does otherwise.
fn remarks(encoding: &Encoding, cells: ElementType) -> Vec<String> {
    let columns = &encoding.inputs;
    let listed = |is_meant: &dyn Fn(&InputColumn) -> bool| {
        let names: Vec<String> =
            columns.iter().filter(|column| is_meant(column)).map(|column| format!("'{}'", shown(&column.name))).collect();
        let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
        (!names.is_empty()).then(|| names[..names.len().min(5)].join(", ") + &more)
    };
    let is_far = |column: &InputColumn| match &column.kind {
        InputKind::Number { offset, scale, bins, .. } if column.calendar.is_none() => {
            let is_narrow = |bin: &[f64]| bin[0].abs().max(bin[1].abs()) > NARROW * (bin[1] - bin[0]);
            offset.abs() > FAR * scale || bins.edges.windows(2).any(is_narrow)
        }
        InputKind::Number { .. } | InputKind::Category { .. } => false,
    };
    let far = listed(&is_far).filter(|_| cells == ElementType::Float);
    let is_text = |column: &InputColumn| column.is_category() && category_numbers(categories(column)).is_none();
    let is_number = |column: &InputColumn| column.is_category() && !is_text(column);
    let some_are_numbers =
        |column: &InputColumn| is_text(column) && categories(column).iter().any(|category| category.parse::<f64>().is_ok());
    let spelling = if columns.iter().any(some_are_numbers) { " (1.0 is not 1)" } else { "" };
    let texts = listed(&is_text).map(|names| {
        format!("the graph compares texts letter by letter{spelling}: feed those of {names} without spaces around them")
    });
    let numbers = listed(&is_number)
        .map(|names| format!("the graph takes the categories of {names} as numbers: 3.1, 3.10 and 03.1 are one to it"));
    let far = far.map(|names| {
        format!("a float keeps few digits of what numbers like those of {names} differ by; --input-type double keeps them")
    });
    let said = encoding
        .missing_values
        .iter()
        .flatten()
        .find(|word| word.trim().parse::<f64>().is_ok_and(|number| !number.is_nan()));
    let missing = said.map(|number| format!("the graph takes NaN for a number that is missing, not {}", shown(number)));
    let dates = listed(&|column| column.calendar.is_some()).map(|names| {
        format!(
            "the graph takes the dates of {names} as whole seconds since 1970 in UTC (int64); {} is a missing one, as numpy's NaT is",
            i64::MIN
        )
    });
    far.into_iter().chain(texts).chain(numbers).chain(dates).chain(missing).collect()
}

/// The categories that a column knows.
fn categories(column: &InputColumn) -> &[String] {
    match &column.kind {
        InputKind::Category { categories, .. } => categories,
        InputKind::Number { .. } => &[],
    }
}

/// A model's graph in the making.
pub(super) struct Graph {
    builder: Builder,
    /// That of the cells which come in as numbers.
    cells: ElementType,
    /// Every text that says that a cell's value is missing.
    missing: Vec<String>,
}

/// Whether the columns are those of an array: numbers, named by their positions among all columns.
fn is_array(columns: &[InputColumn], targets: usize) -> bool {
    let position = |column: &InputColumn| {
        let position = column.name.parse::<usize>().ok().filter(|position| position.to_string() == column.name)?;
        (!column.is_category() && column.calendar.is_none()).then_some(position)
    };
    let positions: Option<Vec<usize>> = columns.iter().map(position).collect();
    columns.len() > 1
        && positions.is_some_and(|positions| positions.is_sorted() && positions[columns.len() - 1] < columns.len() + targets)
}

/// The numbers that a column of categories holds, if it does: then it comes in as a number.
fn category_numbers(categories: &[String]) -> Option<Vec<f64>> {
    let number = |category: &String| {
        category.parse::<f64>().ok().filter(|number| number.is_finite() && spelled(*number) == *category)
    };
    categories.iter().map(number).collect()
}

/// A row of what is encoded, from neighbouring columns of one kind.
enum Piece<'a> {
    Numbers(&'a [InputColumn]),
    Categories(&'a InputColumn),
    Dates(&'a InputColumn, Calendar),
}

fn pieces(columns: &[InputColumn]) -> impl Iterator<Item = Piece<'_>> {
    let is_number = |column: &InputColumn| !column.is_category() && column.calendar.is_none();
    columns.chunk_by(move |a, b| is_number(a) && is_number(b)).map(move |columns| match columns {
        [column] if column.is_category() => Piece::Categories(column),
        [InputColumn { calendar: Some(calendar), .. }] => Piece::Dates(&columns[0], *calendar),
        numbers => Piece::Numbers(numbers),
    })
}

impl Graph {
    /// The inputs of the graph, and what they become: the network's inputs.
    fn encoded(&mut self, columns: &[InputColumn], targets: usize) -> Result<String> {
        if is_array(columns, targets) {
            let name = self.builder.fresh(INPUT);
            self.builder.input(&name, self.cells, columns.len());
            return Ok(self.scaled(name, self.cells, columns));
        }
        let mut values = Vec::new();
        for piece in pieces(columns) {
            values.push(match piece {
                Piece::Numbers(columns) => {
                    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
                    names.iter().for_each(|name| self.builder.input(name, self.cells, 1));
                    let joined = self.builder.joined(&names);
                    self.scaled(joined, self.cells, columns)
                }
                Piece::Dates(column, calendar) => self.dates(column, calendar),
                Piece::Categories(column) => self.one_hot(column)?,
            });
        }
        Ok(self.builder.joined(&values))
    }

    /// (cell - offset) / scale in double precision, stand-ins for NaN; bins. The cells are of this type.
    fn scaled(&mut self, cells: String, element: ElementType, columns: &[InputColumn]) -> String {
        let kinds: Vec<(f64, f64, Option<f64>, &Bins)> = columns
            .iter()
            .map(|column| match &column.kind {
                InputKind::Number { offset, scale, missing, bins } => (*offset, *scale, *missing, bins),
                InputKind::Category { .. } => unreachable!("these columns are numbers"),
            })
            .collect();
        let shape = [1, columns.len()];
        let as_they_are = kinds.iter().all(|kind| (kind.0, kind.1, kind.2, kind.3.is_empty()) == (0.0, 1.0, None, true));
        let mut value = if as_they_are { cells } else { self.builder.in_type(cells, element, ElementType::Double) };
        let double = ElementType::Double;
        if kinds.iter().any(|kind| kind.2.is_some()) {
            let stand_ins: Vec<f64> = kinds.iter().map(|kind| kind.2.unwrap_or(f64::NAN)).collect();
            let stand_ins = self.builder.numbers("wgrad/missing", double, &shape, &stand_ins);
            value = self.filled(&value, &stand_ins);
        }
        let numbers = value.clone();
        if kinds.iter().any(|kind| kind.0 != 0.0) {
            let offsets: Vec<f64> = kinds.iter().map(|kind| kind.0).collect();
            let offsets = self.builder.numbers("wgrad/offset", double, &shape, &offsets);
            value = self.builder.node("Sub", &[&value, &offsets], &[]);
        }
        if kinds.iter().any(|kind| kind.1 != 1.0) {
            let scales: Vec<f64> = kinds.iter().map(|kind| kind.1).collect();
            let scales = self.builder.numbers("wgrad/scale", double, &shape, &scales);
            value = self.builder.node("Div", &[&value, &scales], &[]);
        }
        let bins: Vec<&Bins> = kinds.iter().map(|kind| kind.3).collect();
        if bins.iter().any(|bins| !bins.is_empty()) {
            value = self.binned(&numbers, &value, &bins);
        }
        self.builder.in_type(value, if as_they_are { element } else { double }, self.builder.own)
    }

    /// Columns of scaled numbers, clipped where [`Bins`] says so, with their bins beside them.
    fn binned(&mut self, numbers: &str, scaled: &str, bins: &[&Bins]) -> String {
        let double = ElementType::Double;
        let row = |values: &[f64]| [1, values.len()];
        let mut clipped = scaled.to_owned();
        if bins.iter().any(|bins| bins.reach.is_some()) {
            let reaches: Vec<f64> = bins.iter().map(|bins| bins.reach.unwrap_or(f64::INFINITY)).collect();
            let reaches = self.builder.numbers("wgrad/reach", double, &row(&reaches), &reaches);
            let one = self.builder.numbers("wgrad/one", double, &[], &[1.0]);
            let relative = self.builder.node("Div", &[scaled, &reaches], &[]);
            let square = self.builder.node("Mul", &[&relative, &relative], &[]);
            let sum = self.builder.node("Add", &[&square, &one], &[]);
            let root = self.builder.node("Sqrt", &[&sum], &[]);
            clipped = self.builder.node("Div", &[scaled, &root], &[]);
        }

        let (mut columns, mut lows, mut widths) = (Vec::new(), Vec::new(), Vec::new());
        // Where each input of the network stands in the scaled numbers with all bins behind them.
        let mut places = Vec::new();
        for (column, of_column) in bins.iter().enumerate() {
            places.push(column as f64);
            for bin in of_column.edges.windows(2) {
                places.push((bins.len() + columns.len()) as f64);
                columns.push(column as f64);
                lows.push(bin[0]);
                widths.push(bin[1] - bin[0]);
            }
        }
        let along = [Attribute::Integer("axis", 1)];
        let columns = self.builder.numbers("wgrad/columns", ElementType::Int64, &[columns.len()], &columns);
        let lows = self.builder.numbers("wgrad/low", double, &row(&lows), &lows);
        let widths = self.builder.numbers("wgrad/width", double, &row(&widths), &widths);
        let places = self.builder.numbers("wgrad/places", ElementType::Int64, &[places.len()], &places);
        let cells = self.builder.node("Gather", &[numbers, &columns], &along);
        let above = self.builder.node("Sub", &[&cells, &lows], &[]);
        let shares = self.builder.node("Div", &[&above, &widths], &[]);
        // The operator Clip has one end for all columns.
        let ends: Vec<[f64; 2]> = bins.iter().flat_map(|bins| bins.ends()).collect();
        let [least, most] = [0, 1].map(|end| ends.iter().map(|ends| ends[end]).collect::<Vec<f64>>());
        let least = self.builder.numbers("wgrad/least", double, &row(&least), &least);
        let most = self.builder.numbers("wgrad/most", double, &row(&most), &most);
        let shares = self.builder.node("Max", &[&shares, &least], &[]);
        let shares = self.builder.node("Min", &[&shares, &most], &[]);
        let all = self.builder.joined(&[clipped, shares]);
        self.builder.node("Gather", &[&all, &places], &along)
    }

    /// What stands in, where the value is NaN.
    fn filled(&mut self, value: &str, stand_ins: &str) -> String {
        let missing = self.builder.node("IsNaN", &[value], &[]);
        self.builder.node("Where", &[&missing, stand_ins, value], &[])
    }

    /// 1 for the cell's category, 0 for the others; zeros for one that is not known.
    fn one_hot(&mut self, column: &InputColumn) -> Result<String> {
        let InputKind::Category { categories, missing } = &column.kind else { unreachable!("the column holds categories") };
        let is_category = match category_numbers(categories) {
            Some(numbers) => self.equal_numbers(column, &numbers, missing.as_deref())?,
            None => self.equal_texts(&column.name, categories, missing.as_deref()),
        };
        Ok(self.builder.cast(&is_category, self.builder.own))
    }

    fn equal_numbers(&mut self, column: &InputColumn, numbers: &[f64], missing: Option<&str>) -> Result<String> {
        let in_floats = |pair: (&f64, &f64)| *pair.0 as f32 == *pair.1 as f32;
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        if self.cells == ElementType::Float && sorted.iter().zip(&sorted[1..]).any(in_floats) {
            return Err(Error::Usage(format!(
                "the categories of column '{}' are numbers of which a float cannot tell two apart; use --input-type double",
                shown(&column.name)
            )));
        }
        self.builder.input(&column.name, self.cells, 1);
        let mut value = column.name.clone();
        if let Some(number) = missing.and_then(|missing| missing.parse().ok()) {
            let stand_in = self.builder.numbers("wgrad/missing", self.cells, &[1, 1], &[number]);
            value = self.filled(&value, &stand_in);
        }
        let known = self.builder.numbers("wgrad/categories", self.cells, &[1, numbers.len()], numbers);
        Ok(self.builder.node("Equal", &[&value, &known], &[]))
    }

    fn equal_texts(&mut self, name: &str, categories: &[String], missing: Option<&str>) -> String {
        self.builder.input(name, ElementType::Text, 1);
        let known = categories.iter().enumerate().map(|(code, category)| (category.clone(), code as i64));
        let stand_in = categories.iter().position(|category| Some(category.as_str()) == missing);
        // What says that a cell is missing, unless it is a category itself.
        let marks = stand_in.into_iter().flat_map(|code| {
            let marks = self.missing.iter().filter(|mark| !categories.contains(mark)).cloned();
            marks.map(move |mark| (mark, code as i64))
        });
        let (keys, values): (Vec<String>, Vec<i64>) = known.chain(marks).unzip();
        let attributes = [
            Attribute::Texts("keys_strings", keys.iter().map(String::as_str).collect()),
            Attribute::Integers("values_int64s", values),
            Attribute::Integer("default_int64", -1),
        ];
        let code = self.builder.node("LabelEncoder", &[name], &attributes);
        let codes: Vec<f64> = (0..categories.len()).map(|code| code as f64).collect();
        let codes = self.builder.numbers("wgrad/categories", ElementType::Int64, &[1, categories.len()], &codes);
        self.builder.node("Equal", &[&code, &codes], &[])
    }

    /// Adds the model's networks, and gives the name of its outputs: their mean, if there are several.
    fn network(&mut self, model: &Model, inputs: &str) -> String {
        match &model.weights {
            StoredWeights::Single(networks) => self.mean(model.network.activations(), networks, inputs),
            StoredWeights::Double(networks) => self.mean(model.network.activations(), networks, inputs),
        }
    }

    fn mean<T: Element>(&mut self, activations: &[Activation], networks: &[Weights<T>], inputs: &str) -> String {
        if let [one] = networks {
            return self.layers("", activations, one, inputs.to_owned());
        }
        let of_member = |(member, weights): (usize, _)| {
            self.layers(&format!("members.{member}."), activations, weights, inputs.to_owned())
        };
        let outputs: Vec<String> = networks.iter().enumerate().map(of_member).collect();
        // onnxruntime knows Mean for floats alone.
        let sum = self.builder.node("Sum", &outputs.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        let count = self.builder.number("wgrad/networks", networks.len() as f64);
        self.builder.node("Div", &[&sum, &count], &[])
    }

    /// The outputs of a network, whose constants' names begin with `prefix`.
    fn layers<T: Element>(
        &mut self,
        prefix: &str,
        activations: &[Activation],
        weights: &Weights<T>,
        inputs: String,
    ) -> String {
        let raw = |values: &[T]| values.iter().flat_map(|value| T::bytes(std::slice::from_ref(value)).to_vec()).collect();
        let mut value = inputs;
        for (l, (layer, &activation)) in weights.iter().zip(activations).enumerate() {
            let (matrix, l) = (&layer.weight, l + 1);
            let shape = [matrix.rows, matrix.columns];
            let weight = self.builder.raw(&format!("{prefix}W{l}"), self.builder.own, &shape, raw(&matrix.values));
            value = if layer.bias.is_empty() {
                self.builder.node("MatMul", &[&value, &weight], &[])
            } else {
                let bias =
                    self.builder.raw(&format!("{prefix}b{l}"), self.builder.own, &[layer.bias.len()], raw(&layer.bias));
                self.builder.node("Gemm", &[&value, &weight, &bias], &[])
            };
            value = activations::write(&mut self.builder, activation, &value);
        }
        value
    }

    /// The outputs of a classification: each row's class, and the probabilities of all classes.
    fn classes(&mut self, outputs: String, classes: &[String], width: usize, decision: Decision) {
        // What a threshold compares is in double precision, as in `evaluation::said_class`.
        let own = self.builder.own;
        let element = if decision.threshold.is_some() { ElementType::Double } else { own };
        let outputs = self.builder.in_type(outputs, own, element);
        let of_class = if width == 1 { self.of_two(&outputs, element) } else { self.of_many(&outputs, element) };
        let best = match decision.threshold {
            Some(threshold) => self.decided(&of_class, decision.positive, threshold),
            None => {
                // As in `evaluation::predicted_class`: the largest output, the first of equals.
                let said = if width == 1 { &of_class } else { &outputs };
                let along = [Attribute::Integer("axis", 1), Attribute::Integer("keepdims", 0)];
                self.builder.node("ArgMax", &[said], &along)
            }
        };
        let probabilities = self.builder.in_type(of_class, element, own);
        let integer = |class: &String| class.parse::<i64>().ok().filter(|number| number.to_string() == *class);
        let integers: Option<Vec<i64>> = classes.iter().map(integer).collect();
        let (element, names) = match integers {
            Some(integers) => {
                let raw = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
                (ElementType::Int64, self.builder.raw("wgrad/classes", ElementType::Int64, &[classes.len()], raw))
            }
            None => (ElementType::Text, self.builder.texts("wgrad/classes", classes)),
        };
        let label = self.builder.node("Gather", &[&names, &best], &[]);
        for (value, name, element, width) in
            [(label, "label", element, None), (probabilities, "probabilities", self.builder.own, Some(classes.len()))]
        {
            let name = self.builder.fresh(name);
            self.builder.output(&value, &name, element, width);
        }
    }

    /// The place of one of two classes: the positive one where its probability is at least the threshold.
    fn decided(&mut self, probabilities: &str, positive: usize, threshold: f64) -> String {
        let [place, other] = [("wgrad/positive", positive), ("wgrad/other", 1 - positive)]
            .map(|(name, place)| self.builder.numbers(name, ElementType::Int64, &[], &[place as f64]));
        let threshold = self.builder.numbers("wgrad/threshold", ElementType::Double, &[], &[threshold]);
        let of_positive = self.builder.node("Gather", &[probabilities, &place], &[Attribute::Integer("axis", 1)]);
        let is_positive = self.builder.node("GreaterOrEqual", &[&of_positive, &threshold], &[]);
        self.builder.node("Where", &[&is_positive, &place, &other], &[])
    }

    /// The probabilities that one output says, which is the second class's.
    fn of_two(&mut self, output: &str, element: ElementType) -> String {
        let [zero, one] = [("wgrad/zero", 0.0), ("wgrad/one", 1.0)]
            .map(|(name, number)| self.builder.numbers(name, element, &[], &[number]));
        let second = self.builder.node("Clip", &[output, &zero, &one], &[]);
        let first = self.builder.node("Sub", &[&one, &second], &[]);
        self.builder.joined(&[first, second])
    }

    /// The probabilities that several outputs say, as in `evaluation::probabilities`: lifted above zero, divided by their sum.
    fn of_many(&mut self, outputs: &str, element: ElementType) -> String {
        let [zero, one, near] = [("wgrad/zero", 0.0), ("wgrad/one", 1.0), ("wgrad/near", 1e-5)]
            .map(|(name, number)| self.builder.numbers(name, element, &[], &[number]));
        let lowest = self.builder.node("ReduceMin", &[outputs], &[Attribute::Integers("axes", vec![1])]);
        let lowest = self.builder.node("Min", &[&lowest, &zero], &[]);
        let lifted = self.builder.node("Sub", &[outputs, &lowest], &[]);
        let axes = self.builder.numbers("wgrad/axes", ElementType::Int64, &[1], &[1.0]);
        let sum = self.builder.node("ReduceSum", &[&lifted, &axes], &[]);
        let off = self.builder.node("Sub", &[&sum, &one], &[]);
        let off = self.builder.node("Abs", &[&off], &[]);
        let whole = self.builder.node("Less", &[&off, &near], &[]);
        let empty = self.builder.node("Equal", &[&sum, &zero], &[]);
        let fits = self.builder.node("Or", &[&whole, &empty], &[]);
        let divisor = self.builder.node("Where", &[&fits, &one, &sum], &[]);
        self.builder.node("Div", &[&lifted, &divisor], &[])
    }

    /// The outputs of a regression: each target in its own units.
    fn units(&mut self, outputs: &str, columns: &[NumberTarget]) {
        let (double, shape) = (ElementType::Double, [1, columns.len()]);
        let mut value = outputs.to_owned();
        let mut element = self.builder.own;
        if columns.iter().any(|column| (column.offset, column.scale) != (0.0, 1.0)) {
            let (offsets, scales): (Vec<f64>, Vec<f64>) = columns.iter().map(|column| (column.offset, column.scale)).unzip();
            let scales = self.builder.numbers("wgrad/target_scale", double, &shape, &scales);
            let offsets = self.builder.numbers("wgrad/target_offset", double, &shape, &offsets);
            value = self.builder.in_type(value, element, double);
            value = self.builder.node("Mul", &[&value, &scales], &[]);
            value = self.builder.node("Add", &[&value, &offsets], &[]);
            element = double;
        }
        value = self.builder.in_type(value, element, self.cells);
        for (position, column) in columns.iter().enumerate() {
            let mut target = value.clone();
            if columns.len() > 1 {
                let place = self.builder.numbers("wgrad/target", ElementType::Int64, &[1], &[position as f64]);
                target = self.builder.node("Gather", &[&value, &place], &[Attribute::Integer("axis", 1)]);
            }
            self.builder.output(&target, &column.name, self.cells, Some(1));
        }
    }
}
