//! output = f(input · W + b), of which dropout drops some. Shaders: `shaders/forward.wgsl`, `shaders/forward_dropped.wgsl`.

use super::delta::slope_within;
use super::halves::{FLAGS, Factors, Kind, Overflows};
use super::product::{self, Composition, Grid, Layout};
use super::shader::{Shader, shader_file};
use super::tiling::{Factor, TileMut, Tiling};
use super::{Dropped, Form, Kernel, Source, Step, Twin, View, ViewMut, Workspace, error_of, magnitudes};
use crate::network::Activation;
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads input [rows × inputs] and parameters [(inputs + bias) × outputs]; writes output [rows × outputs] and, for an activation
/// that stores it or with dropout, the slope f'(z) [rows × outputs].
#[derive(Debug, Clone)]
pub struct Forward {
    /// Width of the layer's input.
    pub inputs: usize,
    /// Width of the layer's output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// `f`.
    pub activation: Activation,
    /// Whether the slope is written.
    pub slope: bool,
    /// What dropout does to the output and the slope, which is written then.
    pub dropped: Option<Dropped>,
    /// Where the batch's rows of the input are.
    pub source: Source,
    /// How the product takes its factors.
    pub factors: Factors,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

/// How the factors lie in memory.
const LAYOUTS: [Layout; 2] = [Layout::Normal, Layout::Normal];

impl Kernel for Forward {
    fn name(&self) -> &'static str {
        "forward"
    }

    fn shader(&self, form: Form) -> Shader {
        let stores_slope = self.activation.stores_slope();
        let (suffix, parts) = match (self.dropped, self.slope) {
            (Some(_), _) => {
                let stored =
                    if stores_slope { shader_file!("stored_slope.wgsl") } else { shader_file!("stored_output.wgsl") };
                ("-dropped", [stored, shader_file!("forward_dropped.wgsl")])
            }
            (None, true) => ("-slope", [shader_file!("slope_kept.wgsl"), shader_file!("forward.wgsl")]),
            (None, false) => ("", [shader_file!("slope_dropped.wgsl"), shader_file!("forward.wgsl")]),
        };
        let reads = self.source.reads();
        let composition = Composition {
            kernel: "forward",
            variant: &format!("{}{suffix}-{}", self.activation.file_name(), self.source.name()),
            operands: 3 + reads as usize + usize::from(self.slope) + self.factors.flags(),
            layouts: LAYOUTS,
            ones: false,
            grid: Grid::One,
            factors: self.factors,
            kinds: [Kind::Forward, Kind::Forward],
        };
        composition.shader(form, |shader| {
            shader
                .constant("WRITES", 4 + reads)
                .switch("READS_SOURCE", true)
                .part(self.source.shader())
                .activation(self.activation)
                .part(shader_file!("affine.wgsl"))
                .part(product::input_rows(form))
                .part(parts[0])
                .part(parts[1])
        })
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::workgroup_bytes(form, LAYOUTS)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        let sizes = [self.inputs, self.outputs, usize::from(self.bias), self.capacity];
        product::layer(sizes, self.source, 0, form, product::Own { dropped: self.dropped, ..product::Own::default() })
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        product::workgroups(self.sizes(rows), form)
    }

    fn iterations(&self, rows: usize, form: Form) -> u64 {
        product::iterations(self.sizes(rows), form)
    }

    fn product(&self, rows: usize) -> Option<[usize; 3]> {
        Some(self.sizes(rows))
    }

    fn factors(&self) -> Factors {
        self.factors
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let run = |input: &[f64], parameters: &[f64], bias: bool| {
            let (activation, source) = (Activation::Identity, Source::Batch);
            let identity = Self { activation, source, slope: false, dropped: None, bias, ..self.clone() };
            let (mut result, mut flags) = (vec![0.0; before[0].values.len()], [0.0; FLAGS]);
            let reads = [input, parameters].map(|values| View { values, indices: &[] });
            identity.run(step, &reads, &mut self.factors.writes(&mut result, &mut flags), &mut Workspace::new(1));
            result
        };
        let input = self.source.rows(step, reads[0], self.inputs, reads);
        let input_errors = self.source.errors(step, errors[0], self.inputs, reads);
        let z = run(&input, reads[1].values, self.bias);
        let parameters = magnitudes(reads[1].values, errors[1]);
        let magnitude = run(&magnitudes(&input, &input_errors), &parameters, self.bias);
        // The input's error goes through the weights; the parameters themselves are exact within a step.
        let carried = if input_errors.is_empty() { Vec::new() } else { run(&input_errors, &parameters, false) };
        let terms = self.inputs + usize::from(self.bias);
        let written = step.rows * self.outputs;
        // Flags are exact.
        let mut bounds: Vec<Vec<f64>> = before.iter().map(|before| vec![0.0; before.values.len()]).collect();
        let matrices = bounds.len() - self.factors.flags();
        for index in 0..written {
            let own = sum_error(terms + 1) * magnitude[index] + underflow(terms);
            let error = own + error_of(&carried, index);
            let each = self.activation.bounds(z[index], if magnitude[index] == 0.0 { 0.0 } else { error });
            let each = match self.dropped {
                None => each,
                Some(dropped) => self.dropped_bounds(dropped, step, index, z[index], each),
            };
            bounds[..matrices].iter_mut().zip(each).for_each(|(bounds, bound)| bounds[index] = bound);
        }
        bounds
    }
}

impl Forward {
    /// Rows, columns and terms of the product.
    fn sizes(&self, rows: usize) -> [usize; 3] {
        [rows, self.outputs, self.inputs]
    }

    /// The row of the batch, whatever micro-batch it is in.
    fn row_of_batch(&self, step: &Step, row: usize) -> usize {
        step.micro * self.capacity + row
    }

    /// The bounds of what dropout makes of an element's output and slope, from those of f(z) and of a slope that is stored.
    fn dropped_bounds(&self, dropped: Dropped, step: &Step, index: usize, z: f64, [output, slope]: [f64; 2]) -> [f64; 2] {
        let (row, column) = (index / self.outputs, index % self.outputs);
        if !dropped.keeps(step, self.row_of_batch(step, row), column / 4)[column % 4] {
            return [0.0; 2];
        }
        let (factor, activated) = (dropped.factor::<f64>(), self.activation.activate(z));
        let slope_error = if self.activation.stores_slope() {
            slope
        } else {
            // f' is told from the output, and rounds at most four times on the way.
            slope_within(self.activation, activated, output).1 + 4.0 * UNIT
        };
        // The factor and its product round once each.
        let of =
            |value: f64, error: f64| factor * (error + 3.0 * UNIT * (value.abs() + error)) + f64::from(f32::MIN_POSITIVE);
        [of(activated, output), of(self.activation.slope(z), slope_error)]
    }
}

impl<T: Scalar> Twin<T> for Forward {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [input, parameters, ..] = reads else { panic!("forward reads input and parameters") };
        let input = self.source.rows(step, *input, self.inputs, reads);
        let (weight, bias) = parameters.values.split_at(self.inputs * self.outputs);
        let mut overflows = Overflows::default();
        let input = self.factors.take(input, Kind::Forward, &mut overflows);
        let weight = self.factors.take(weight, Kind::Forward, &mut overflows);
        let (flags, writes) = self.factors.split(writes);
        overflows.note(flags);
        let (output, rest) = writes.split_first_mut().expect("forward writes output");
        let output = &mut output.values[..step.rows * self.outputs];
        let lhs = Factor { values: &input, layout: Layout::Normal, width: self.inputs };
        let rhs = Factor { values: &weight, layout: Layout::Normal, width: self.outputs };
        let tiling = Tiling::new([step.rows, self.outputs, self.inputs]);
        let bias = self.bias.then(|| &bias[..self.outputs]);
        let activation = self.activation;
        match rest {
            [slope, ..] if self.slope => tiling.for_each([output, slope.values], workspace.threads, |tile| {
                tile.multiply(self.inputs, lhs, rhs);
                vectorised(Finish { tile: &mut *tile, bias, activation });
                if let Some(dropped) = self.dropped {
                    vectorised(Dropping { tile, dropped, step, first: self.row_of_batch(step, 0) });
                }
            }),
            _ => tiling.for_each([output], workspace.threads, |tile| {
                tile.multiply(self.inputs, lhs, rhs);
                vectorised(Finish { tile, bias, activation });
            }),
        }
    }
}

/// What is left to do when a tile holds the sums: the bias, the activation and, in a second matrix, the slope.
struct Finish<'a, 'b, T, const N: usize> {
    tile: &'a mut TileMut<'b, T, N>,
    bias: Option<&'a [T]>,
    activation: Activation,
}

impl<T: Scalar, const N: usize> Vectorised for Finish<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let columns = self.tile.tile.columns.clone();
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        self.tile.for_each_run(
            #[inline(always)]
            |_, mut values| {
                let (output, slope) = values.split_first_mut().expect("the output");
                if let Some(bias) = bias {
                    for row in output.chunks_exact_mut(columns.len()) {
                        row.iter_mut().zip(bias).for_each(|(sum, &bias)| *sum += bias);
                    }
                }
                if let [slope] = slope {
                    slope.iter_mut().zip(output.iter()).for_each(|(slope, &z)| *slope = self.activation.slope(z));
                }
                self.activation.activate_all(output);
            },
        );
    }
}

/// Then what is dropped, of the output and of the slope.
struct Dropping<'a, 'b, T, const N: usize> {
    tile: &'a mut TileMut<'b, T, N>,
    dropped: Dropped,
    step: &'a Step,
    /// The first row's place in the batch.
    first: usize,
}

impl<T: Scalar, const N: usize> Vectorised for Dropping<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let columns = self.tile.tile.columns.clone();
        self.tile.for_each_run(
            #[inline(always)]
            |row, lists| {
                let mut parts = lists.map(|list| list.chunks_exact_mut(columns.len()));
                for row in self.first + row.. {
                    let mut of_row = parts.each_mut().map(|part| part.next().unwrap_or_default());
                    if of_row[0].is_empty() {
                        break;
                    }
                    self.dropped.apply(self.step, row, columns.start, &mut of_row);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, so that every sum is exact; large enough to be cut into tiles both ways.
    #[test]
    fn a_forward_pass_in_tiles_is_the_definition() {
        let (rows, inputs, outputs) = (1100, 60, 70);
        let integers = |count: usize, modulus: usize| -> Vec<f32> {
            (0..count).map(|i| (i * 31 % modulus) as f32 - (modulus / 2) as f32).collect()
        };
        let (input, parameters) = (integers(rows * inputs, 7), integers((inputs + 1) * outputs, 9));
        let reads = [&input, &parameters].map(|values| View { values, indices: &[] });
        let (mut output, mut slope) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
        let activation = Activation::LeakyRelu;
        let (source, factors, capacity) = (Source::Batch, Factors::Full, rows);
        let kernel =
            Forward { inputs, outputs, bias: true, activation, slope: true, dropped: None, source, factors, capacity };
        let mut writes = [ViewMut { values: &mut output }, ViewMut { values: &mut slope }];
        kernel.run(&Step { rows, ..Step::default() }, &reads, &mut writes, &mut Workspace::new(2));
        for index in 0..rows * outputs {
            let (row, o) = (index / outputs, index % outputs);
            let z: f32 = (0..inputs).map(|i| input[row * inputs + i] * parameters[i * outputs + o]).sum();
            let z = z + parameters[inputs * outputs + o];
            assert_eq!(
                (output[index], slope[index]),
                (activation.activate(z), activation.slope(z)),
                "row {row}, output {o}"
            );
        }
    }
}
