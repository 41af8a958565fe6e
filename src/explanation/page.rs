//! An explanation as a page: pictures of the network, the chain of one weight, and every table.

use super::Explanation;
use super::text::left_out;
use crate::error::{Error, Result};
use crate::page::{MOST_UNITS, digits, document, escaped, named, table, visible};

impl Explanation {
    /// The page, whole; `after` follows the pictures.
    ///
    /// # Errors
    /// Usage, for more units than a picture has room for.
    pub fn page(&self) -> Result<String> {
        let widest =
            std::iter::once(&self.shown_inputs).chain(self.layers.iter().map(|layer| &layer.shown)).map(Vec::len).max();
        if widest.is_some_and(|widest| widest > MOST_UNITS) {
            return Err(Error::Usage(format!(
                "a picture has room for {MOST_UNITS} units of a layer: say --units {MOST_UNITS} or fewer for a page"
            )));
        }
        let parts = [
            self.page_head(),
            self.pictures(),
            self.page_chain(),
            self.page_inputs(),
            self.page_layers(),
            self.page_gradients(),
        ];
        Ok(document(&format!("wgrad explain: {}", self.titles.subject), &parts.concat()))
    }

    fn page_head(&self) -> String {
        let titles = &self.titles;
        let remarks: String =
            titles.remarks.iter().map(|remark| format!("<p class=\"soft\">{}</p>\n", visible(remark))).collect();
        format!(
            "<h1>{}</h1>\n<p>{}.</p>\n{remarks}<p>The loss of this row is <b>{}</b> ({}: {}); target: {}.</p>\n",
            visible(&titles.subject),
            escaped(&self.shape()),
            digits(self.loss),
            escaped(&self.loss_name),
            escaped(&self.loss_formula),
            visible(&self.target_text())
        )
    }

    fn pictures(&self) -> String {
        format!(
            "<div class=\"charts\">\n{}{}</div>\n<p class=\"soft\">The thicker a line and the fuller a circle, the larger the number. The line in the colour of \
             the text is the weight whose chain is written out below. Biases are not drawn.</p>\n",
            self.forward_picture().figure(),
            self.backward_picture().figure()
        )
    }

    fn page_chain(&self) -> String {
        let chain = &self.chain;
        let rows: Vec<Vec<String>> = chain
            .links
            .iter()
            .enumerate()
            .map(|(place, link)| {
                let times = if place == 0 { "" } else { "× " };
                vec![format!("{times}{}", link.symbol), digits(link.value), link.words.clone()]
            })
            .collect();
        let row = |cells: &Vec<String>| {
            format!(
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"long\">{}</td></tr>\n",
                escaped(&cells[0]),
                escaped(&cells[1]),
                named(&cells[2])
            )
        };
        let rows: String = rows.iter().map(row).collect();
        format!(
            "<h2>One gradient, link by link</h2>\n<p>{}</p>\n<div class=\"scroll\"><table class=\"chain\">\n<thead><tr><th \
             scope=\"col\">factor</th><th scope=\"col\" class=\"number\">value</th><th scope=\"col\">what it is</th></tr></thead>\n<tbody>\n\
             {rows}</tbody>\n</table></div>\n<p>{}.</p>\n",
            visible(&self.chain_title()),
            visible(&self.chain_sum())
        )
    }

    fn page_inputs(&self) -> String {
        let cells: Vec<Vec<String>> =
            self.titles.cells.iter().map(|(name, cell)| vec![name.clone(), cell.clone()]).collect();
        let cells = match cells.is_empty() {
            true => String::new(),
            false => format!(
                "<details><summary>The row as the file has it</summary>\n{}</details>\n",
                table("", &["column", "cell"], &printable(cells), 2)
            ),
        };
        let row = |&input: &usize| {
            vec![self.titles.inputs[input].clone(), digits(self.input_values[input]), digits(self.input_errors[input])]
        };
        let rows = printable(self.shown_inputs.iter().map(row).collect());
        format!(
            "<h2>Inputs</h2>\n{}{}{cells}",
            table("", &["input", "as the network sees it", "dLoss/dx"], &rows, 1),
            soft(&left_out("inputs", &self.shown_inputs, self.input_values.len()))
        )
    }

    fn page_layers(&self) -> String {
        let mut html = format!(
            "<h2>Layer by layer</h2>\n<p>Forwards: z is the sum of inputs · weights + bias, a = f(z). Backwards: the error is dLoss/da, the change \
             of the loss per change of the output; {}. Below the last layer, error = Σ weight × delta of the layer after it.</p>\n",
            escaped(self.word_on_delta())
        );
        for (l, layer) in self.layers.iter().enumerate() {
            let is_output = l + 1 == self.layers.len();
            let row = |&unit: &usize| {
                let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), digits);
                let target = if is_output { vec![digits(self.targets[unit])] } else { Vec::new() };
                let numbers = [
                    digits(layer.z[unit]),
                    digits(layer.outputs[unit]),
                    optional(layer.errors[unit]),
                    optional(layer.slopes[unit]),
                    digits(layer.deltas[unit]),
                ];
                [vec![self.unit_name(l, unit)], target, numbers.to_vec()].concat()
            };
            let target: &[&str] = if is_output { &["target"] } else { &[] };
            let headers = [&["unit"], target, &["sum z", "output a", "error", "slope f'(z)", "delta"]].concat();
            let rows = printable(layer.shown.iter().map(row).collect());
            html += &table(&self.layer_title(l), &headers, &rows, 1);
            html += &soft(&left_out("units", &layer.shown, layer.z.len()));
        }
        html
    }

    fn page_gradients(&self) -> String {
        let mut html = format!(
            "<h2>Gradients</h2>\n<p>A gradient is input × delta. Difference is the same by measuring: move the weight a little up and down, and \
             compare the two losses. Step is what the optimizer adds to the weight ({}). {}.</p>\n",
            visible(&self.titles.rule),
            escaped(&self.checked_text())
        );
        for l in 0..self.layers.len() {
            let rows = printable(self.shown_checks(l).map(|check| self.gradient_row(l, check)).collect());
            let headers = ["from → to", "weight", "input", "gradient", "difference", "relative difference", "step"];
            let title = format!("Layer {}: {} gradients", l + 1, rows.len());

            html += &format!("<details open><summary>{title}</summary>\n{}</details>\n", table("", &headers, &rows, 1));
        }
        html
    }
}

/// Cells from outside as they may be printed; the page escapes them.
fn printable(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.into_iter().map(|cells| cells.iter().map(|cell| crate::error::shown(cell)).collect()).collect()
}

fn soft(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p class=\"soft\">{}</p>\n", escaped(text.trim())) }
}
