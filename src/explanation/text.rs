//! An explanation as text for a terminal.

use super::{Check, Explanation, LARGEST_DIFFERENCE, Layer};
use crate::columns::{COLUMNS, Table, wrapped};
use crate::error::shown;
use crate::page::digits;

/// Gradients of a layer in the table, at most, for each unit that is shown.
const GRADIENTS: usize = 2;

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            self.head(),
            self.inputs(),
            self.forwards(),
            self.loss_text(),
            self.backwards(),
            self.gradients(),
            self.chain_text(),
        ];
        f.write_str(parts.join("\n\n").trim_end())
    }
}

fn paragraph(text: &str) -> String {
    wrapped(text, COLUMNS)
}

impl Explanation {
    fn head(&self) -> String {
        let titles = &self.titles;
        let mut lines = vec![paragraph(&titles.subject), paragraph(&self.shape())];
        lines.extend(titles.remarks.iter().map(|remark| paragraph(remark)));
        lines.join("\n")
    }

    /// The network in a line.
    pub(crate) fn shape(&self) -> String {
        let widths: Vec<String> = self.widths.iter().map(usize::to_string).collect();
        let activations: Vec<&str> = self.layers.iter().map(|layer| layer.activation.as_str()).collect();
        format!(
            "{} ({}), {}; {}; every number in f64",
            widths.join("-"),
            activations.join(", "),
            self.loss_name,
            self.titles.weights
        )
    }

    fn inputs(&self) -> String {
        let cells = &self.titles.cells;
        let of = |input: &usize| vec![shown(&self.titles.inputs[*input]), digits(self.input_values[*input])];
        let table = Table::new(&["input", "as the network sees it"], self.shown_inputs.iter().map(of).collect(), 1);
        let mut text = match cells.len() {
            0 => String::new(),
            _ => {
                let shown_cells: Vec<String> =
                    cells.iter().take(MOST_CELLS).map(|(name, cell)| format!("{} {}", shown(name), shown(cell))).collect();
                let more = cells.len().saturating_sub(MOST_CELLS);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                paragraph(&format!("In the file: {}{more}", shown_cells.join(", "))) + "\n"
            }
        };
        text += &table.text();
        text + &left_out("inputs", &self.shown_inputs, self.input_values.len())
    }

    fn forwards(&self) -> String {
        let mut parts =
            vec!["Forwards: z = inputs · weights + bias, a = f(z), and the slope f'(z) for the way back".to_owned()];
        for (l, layer) in self.layers.iter().enumerate() {
            let row = |&unit: &usize| {
                vec![
                    shown(&self.unit_name(l, unit)),
                    digits(layer.z[unit]),
                    digits(layer.outputs[unit]),
                    optional(layer.slopes[unit]),
                ]
            };
            let headers = [self.layer_title(l), "sum z".into(), "output a".into(), "slope f'(z)".into()];
            parts.push(
                titled(&headers, layer.shown.iter().map(row).collect()) + &left_out("units", &layer.shown, layer.z.len()),
            );
        }
        parts.join("\n\n")
    }

    fn loss_text(&self) -> String {
        let (name, formula, loss) = (&self.loss_name, &self.loss_formula, digits(self.loss));
        paragraph(&format!("Loss ({name}: {formula}): {loss}; target: {}", self.target_text()))
    }

    /// What the outputs should be: of classes, which is the true one.
    pub(super) fn target_text(&self) -> String {
        let names = self.titles.outputs.iter().map(|name| shown(name));
        let wanted: Vec<String> = match self.targets.len() {
            1 => vec![digits(self.targets[0])],
            _ if self.targets.iter().all(|&target| target == 0.0 || target == 1.0) => {
                self.targets.iter().zip(names).filter(|(target, _)| **target == 1.0).map(|(_, name)| name).collect()
            }
            _ => self.targets.iter().zip(names).map(|(target, name)| format!("{name} {}", digits(*target))).collect(),
        };
        wanted.join(", ")
    }

    fn backwards(&self) -> String {
        let mut parts = vec![paragraph(&format!(
            "Backwards: the error is dLoss/da, the change of the loss per change of the output (programs that take target - output instead \
             have the opposite sign, and add where gradient descent subtracts); {}",
            self.word_on_delta()
        ))];
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let is_output = l + 1 == self.layers.len();
            let row = |&unit: &usize| {
                let target = if is_output { digits(self.targets[unit]) } else { String::new() };
                vec![
                    shown(&self.unit_name(l, unit)),
                    target,
                    digits(layer.outputs[unit]),
                    optional(layer.errors[unit]),
                    optional(layer.slopes[unit]),
                    digits(layer.deltas[unit]),
                ]
            };
            let headers =
                [self.layer_title(l), "target".into(), "output".into(), "error".into(), "slope".into(), "delta".into()];
            let from = if is_output { "" } else { "\nerror = Σ weight × delta of the layer after it" };
            parts.push(titled(&headers, layer.shown.iter().map(row).collect()) + from);
        }
        parts.join("\n\n")
    }

    fn gradients(&self) -> String {
        let mut parts = vec![paragraph(&format!(
            "Gradients: input × delta. Difference is the same by measuring: move the weight a little up and down, and compare the two losses; \
             relative says how far both are apart. Step is what the optimizer adds ({})",
            self.titles.rule
        ))];
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let mut checks: Vec<&Check> = self.shown_checks(l).collect();
            let all = checks.len();
            checks.sort_by(|one, other| other.gradient.abs().total_cmp(&one.gradient.abs()));
            checks.truncate(layer.shown.len().max(4) * GRADIENTS);
            let headers = [
                format!("layer {}: from → to", l + 1),
                "weight".into(),
                "input".into(),
                "gradient".into(),
                "difference".into(),
                "relative".into(),
                "step".into(),
            ];
            let left = if checks.len() < all {
                format!("\nthe {} largest of the {all} gradients between these units", checks.len())
            } else {
                String::new()
            };
            parts.push(titled(&headers, checks.into_iter().map(|check| self.gradient_row(l, check)).collect()) + &left);
        }
        parts.push(paragraph(&self.checked_text()));
        parts.join("\n\n")
    }

    /// The checks of a layer's units that are shown.
    pub(super) fn shown_checks(&self, l: usize) -> impl Iterator<Item = &Check> {
        let layer: &Layer = &self.layers[l];
        let from = self.shown_into(l);
        layer
            .checks
            .iter()
            .filter(move |check| layer.shown.contains(&check.unit) && check.input.is_none_or(|input| from.contains(&input)))
    }

    /// A row of the table of gradients.
    pub(super) fn gradient_row(&self, l: usize, check: &Check) -> Vec<String> {
        let layer = &self.layers[l];
        let input = check.input.map_or(1.0, |input| self.inputs_of(l)[input]);
        vec![
            format!("{} → {}", shown(&self.input_name(l, check.input)), shown(&self.unit_name(l, check.unit))),
            digits(layer.parameter(check.input, check.unit)),
            digits(input),
            digits(check.gradient),
            digits(check.difference),
            match check {
                Check { kink: true, .. } => "kink".to_owned(),
                Check { relative_difference: 0.0, .. } => "0".to_owned(),
                check => format!("{:.0e}", check.relative_difference),
            },
            layer.step(check.input, check.unit).map_or_else(String::new, digits),
        ]
    }

    /// How many gradients were checked, and how they came out.
    pub(super) fn checked_text(&self) -> String {
        let checked = &self.checked;
        let count = match checked.parameters as u64 == checked.of {
            true => format!("All {} gradients were", checked.of),
            false => format!("{} of the {} gradients were", checked.parameters, checked.of),
        };
        let kinks = match checked.kinks {
            0 => String::new(),
            kinks => format!(
                "; {kinks} of them lie at a kink of the loss, where its slope jumps, as relu's does at 0: any number between the slopes of \
                 both sides is a gradient there"
            ),
        };
        format!(
            "{count} compared with a central difference of the loss: the largest relative difference is {:.0e}, and up to \
             {LARGEST_DIFFERENCE:.0e} is rounding{kinks}",
            checked.largest
        )
    }

    fn chain_text(&self) -> String {
        let chain = &self.chain;
        let rows: Vec<Vec<String>> = chain
            .links
            .iter()
            .enumerate()
            .map(|(place, link)| {
                let times = if place == 0 { "" } else { "×" };
                vec![times.to_owned(), link.symbol.clone(), digits(link.value), link.words.clone()]
            })
            .collect();
        let table = Table::new(&["", "factor", "value", "what it is"], rows, 4);
        format!("{}\n{}\n{}", paragraph(&self.chain_title()), table.text(), paragraph(&self.chain_sum()))
    }

    /// What the chain is of.
    pub(super) fn chain_title(&self) -> String {
        let weight = self.chain.weight;
        let from = match weight.input {
            None => "the bias".to_owned(),
            Some(input) if weight.layer == 0 => {
                format!("the weight from input '{}'", shown(&self.input_name(0, Some(input))))
            }
            Some(input) => format!("the weight from {}", self.named_unit(weight.layer - 1, input)),
        };
        let to = self.named_unit(weight.layer, weight.unit);
        let joined = if weight.input.is_none() { "of" } else { "to" };
        format!("The chain of {from} {joined} {to}, link by link from the loss back to it:")
    }

    /// The product, what other paths add, and the gradient.
    pub(super) fn chain_sum(&self) -> String {
        let chain = &self.chain;
        let product: Vec<String> = chain.links.iter().map(|link| digits(link.value)).collect();
        let product = format!("{} = {}", product.join(" × "), digits(chain.product));
        match chain.paths > 1.0 {
            true => format!(
                "{product} along this path, the strongest of {}; all others together add {}: the gradient is {}",
                digits(chain.paths),
                digits(chain.others),
                digits(chain.gradient)
            ),
            false => format!("{product}, the gradient"),
        }
    }

    /// The name of a layer above its units.
    pub(super) fn layer_title(&self, l: usize) -> String {
        let output = if l + 1 == self.layers.len() { ", output" } else { "" };
        format!("layer {} ({}{output})", l + 1, self.layers[l].activation)
    }
}

/// Cells of the row that are named, at most.
const MOST_CELLS: usize = 12;

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), digits)
}

/// A table without the columns in which no row has a word.
fn titled(headers: &[String], rows: Vec<Vec<String>>) -> String {
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    Table::new(&headers, rows, 1).text()
}

/// What is not shown of so many.
pub(super) fn left_out(what: &str, shown: &[usize], all: usize) -> String {
    match all - shown.len() {
        0 => String::new(),
        left => format!("\nthe {} most influential of {all} {what}; {left} are left out", shown.len()),
    }
}
