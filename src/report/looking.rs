//! What can be looked at: what a network says over the plane of its two inputs, and the images that it was most wrong about.

use super::account::{Image, Surface};
use super::page::line;
use super::scores::paragraph;
use super::story::Story;
use crate::error::shown;
use crate::page::{COLOURS, Chart, Form, PIGMENTS, Series, Size, Words, ends, escaped, figures, grey, named, table, tinted};

/// Classes that are told by a colour each.
const CLASSES: usize = COLOURS.len();

impl Story {
    /// The decision boundary of a classification, or the surface of a regression, over two inputs.
    pub(super) fn surface(&self) -> String {
        let Some(surface) = self.account.surface.as_ref().filter(|surface| surface.is_whole()) else { return String::new() };
        let classes: Vec<&str> = self
            .at("/data/classes")
            .as_array()
            .map_or(Vec::new(), |names| names.iter().filter_map(|name| name.as_str()).collect());
        if surface.classes.is_empty() { surface.regression(&self.target()) } else { surface.boundary(&classes) }
    }

    fn target(&self) -> String {
        shown(self.at("/data/target/0").as_str().unwrap_or("the target"))
    }

    /// The images that it was most wrong about.
    pub(super) fn images(&self) -> String {
        let Some(images) = &self.account.images else { return String::new() };
        let fits = |image: &&Image| images.side > 0 && images.side.checked_mul(images.side) == Some(image.pixels.len());
        let figures: String = images.worst.iter().filter(fits).map(|image| figure(image, images.side)).collect();
        let title = "<h2>The most wrong images</h2>\n";
        match images.wrong {
            0 => format!("{title}<p>No test image was taken for another class.</p>\n"),
            wrong => {
                let source = images.source.as_deref().filter(|&source| source != self.text("/data/source"));
                let of = source.map_or(String::new(), |source| format!(" Their numbers are those of {}.", shown(source)));
                let told = format!(
                    "{wrong} test images were taken for another class; these gave their own class the lowest probability.{of}"
                );
                format!("{title}{}<div class=\"images\">\n{figures}</div>\n", paragraph(&told))
            }
        }
    }
}

fn figure(image: &Image, side: usize) -> String {
    let (truth, predicted) = (named(&image.truth), named(&image.predicted));
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let origin =
        image.origin.as_ref().map_or_else(|| format!("test row {}", image.row), |origin| escaped(&origin.to_string()));
    format!(
        "<figure><img alt=\"{origin}: {truth}, taken for {predicted}\" src=\"{}\" width=\"{side}\" height=\"{side}\">\
         <figcaption><b>{truth}</b>, {}<br>taken for <b>{predicted}</b>, {}<br>{origin}</figcaption></figure>\n",
        grey(side, &image.pixels),
        percent(image.probability_of_truth),
        percent(image.probability)
    )
}

impl Surface {
    /// Whether its numbers make a picture: read from a file, they might not.
    fn is_whole(&self) -> bool {
        let cells = self.side.checked_mul(self.side);
        let rising = self.ranges.iter().all(|range| range[0] < range[1] && range[1] - range[0] < f64::INFINITY);
        self.side > 1
            && rising
            && cells == Some(self.values.len())
            && (self.classes.is_empty() || self.classes.len() == self.values.len())
    }

    fn chart(&self, title: &str, about: String, picture: String, series: Vec<Series>) -> Chart {
        let words =
            |input: usize| Words::linear(&shown(&self.inputs[input])).over(self.ranges[input][0], self.ranges[input][1]);
        let chart = Chart::half(title, about, words(0), words(1), series);
        Chart { picture: Some(picture), size: Size::Square, ..chart }
    }

    fn points(&self, wanted: impl Fn(f64) -> bool) -> Vec<(f64, f64)> {
        self.points.iter().filter(|point| wanted(point[2])).map(|point| (point[0], point[1])).collect()
    }

    /// Where which class is said: its colour, the fainter the less sure.
    fn boundary(&self, names: &[&str]) -> String {
        let least = 1.0 / names.len().max(2) as f64;
        let pixel = |(&class, &probability): (&usize, &f64)| {
            let [red, green, blue] = PIGMENTS[class % CLASSES];
            let sure = ((probability - least) / (1.0 - least)).clamp(0.0, 1.0);
            [red, green, blue, (40.0 + 100.0 * sure) as u8]
        };
        let pixels: Vec<[u8; 4]> = self.classes.iter().zip(&self.values).map(pixel).collect();
        let series: Vec<Series> = names
            .iter()
            .enumerate()
            .map(|(class, name)| {
                let points = self.points(|of| of == class as f64);
                Series { form: Form::Marks, ..line(&shown(name), class, points) }
            })
            .collect();
        let share =
            |class: usize| self.classes.iter().filter(|&&said| said == class).count() as f64 / self.classes.len() as f64;
        let rows: Vec<Vec<String>> = names
            .iter()
            .enumerate()
            .map(|(class, name)| vec![shown(name), format!("{:.1} %", 100.0 * share(class))])
            .collect();
        let about =
            format!("which class the network says where, by {} and {}", shown(&self.inputs[0]), shown(&self.inputs[1]));
        let chart = self.chart("What the network says where", about, tinted(self.side, &pixels), series);
        let told =
            format!("Colours are the classes that the network says, fainter where it is less sure; {}", self.shown_rows());
        let shares = table("Share of the picture", &["class", "share"], &rows, 1);
        format!(
            "<h2>Decision boundary</h2>\n{}<div class=\"charts\">\n{}<div>{shares}</div>\n</div>\n",
            paragraph(&told),
            chart.figure()
        )
    }

    fn shown_rows(&self) -> String {
        format!("marks are {} of the {} training rows.", self.points.len(), self.rows)
    }

    /// The first target over the plane: from one colour to the other.
    fn regression(&self, target: &str) -> String {
        let (least, largest) = ends(self.values.iter().copied());
        let [low, high, ..] = PIGMENTS;
        let pixel = |&value: &f64| {
            // Faint in the middle, the colour of its end towards both.
            let place = if largest > least { 2.0 * (value - least) / (largest - least) - 1.0 } else { 0.0 };
            let [red, green, blue] = if place < 0.0 { low } else { high };
            [red, green, blue, (200.0 * place.abs()) as u8]
        };
        let pixels: Vec<[u8; 4]> = self.values.iter().map(pixel).collect();
        let middle = f64::midpoint(least, largest);
        let series = vec![
            Series {
                form: Form::Marks,
                ..line(&format!("{target} below {}", figures(middle)), 0, self.points(|value| value < middle))
            },
            Series {
                form: Form::Marks,
                ..line(&format!("{target} from {} on", figures(middle)), 1, self.points(|value| value >= middle))
            },
        ];
        let about = format!("what the network predicts for {target}, from {} to {}", figures(least), figures(largest));
        let chart = self.chart(&format!("{target} as predicted"), about, tinted(self.side, &pixels), series);
        let told = format!(
            "Colours are what the network predicts for {target}, from {} (blue) to {} (orange); {}",
            figures(least),
            figures(largest),
            self.shown_rows()
        );
        format!(
            "<h2>Regression surface</h2>\n{}<div class=\"charts\">\n{}<div>{}</div>\n</div>\n",
            paragraph(&told),
            chart.figure(),
            self.coarse(target)
        )
    }

    /// The surface in numbers, at five places along each side.
    fn coarse(&self, target: &str) -> String {
        let places: Vec<usize> = (0..5).map(|place| place * (self.side - 1) / 4).collect();
        let at = |input: usize, place: usize| {
            let [from, to] = self.ranges[input];
            from + (to - from) * place as f64 / (self.side - 1) as f64
        };
        let across = places.iter().map(|&place| figures(at(0, place)));
        let headers: Vec<String> = ["".to_string()].into_iter().chain(across).collect();
        let row = |&place: &usize| {
            let values = places.iter().map(|&column| figures(self.values[place * self.side + column]));
            [figures(at(1, self.side - 1 - place))].into_iter().chain(values).collect::<Vec<String>>()
        };
        let rows: Vec<Vec<String>> = places.iter().map(row).collect();
        let caption = format!("{target}, by {} across and {} down", shown(&self.inputs[0]), shown(&self.inputs[1]));
        table(&caption, &headers, &rows, 0)
    }
}
