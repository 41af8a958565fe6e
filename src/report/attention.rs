//! What a model goes by: how important its columns are, and what it says by their values.

use super::page::line;
use super::scores::paragraph;
use super::story::Story;
use crate::error::shown;
use crate::evaluation::{ColumnImportance, Dependence, Importance, Said};
use crate::page::{Bar, COLOURS, Chart, Form, PIGMENTS, Series, Words, bars, digits, escaped, table, tinted};

/// Columns that are drawn, at most.
const DRAWN: usize = 20;

impl Story {
    /// The importance of the columns, and the dependence on the most important ones; nothing, if they are not known.
    pub(super) fn attention(&self) -> String {
        let Some(importance) = &self.account.importance else { return String::new() };
        let Importance { rows, shuffles, loss, .. } = importance;
        let called = importance.loss_called();
        let told = format!(
            "How much the {called} of {rows} test rows ({} as they are) rises when the cells of one column are shuffled among them: mean ± \
             standard deviation of {shuffles} shuffles. Near zero the model does not use the column, or another one says the same.",
            digits(*loss)
        );
        let drawn =
            match self.account.side.filter(|&side| side > 0 && side.checked_mul(side) == Some(importance.columns.len())) {
                Some(side) => picture(importance, side),
                None => drawn(importance),
            };
        format!("<h2>What the model goes by</h2>\n{}{drawn}{}", paragraph(&told), self.dependences())
    }

    fn dependences(&self) -> String {
        let whole = |dependence: &&Dependence| {
            let values = dependence.numbers.len().max(dependence.categories.len());
            !dependence.said.is_empty() && dependence.said.iter().all(|said| said.means.len() == values)
        };
        let figures: Vec<String> =
            self.account.dependences.iter().filter(whole).map(|dependence| self.dependence(dependence)).collect();
        let Some(first) = self.account.dependences.first().filter(|_| !figures.is_empty()) else { return String::new() };
        let told = format!(
            "What the model says in the mean over {} test rows, if all of them had the same value in one column. It shows what the model has \
             learned, not what causes what.",
            first.rows
        );
        format!(
            "<h3>By the values of the most important columns</h3>\n{}<div class=\"charts\">\n{}</div>\n",
            paragraph(&told),
            figures.concat()
        )
    }

    fn dependence(&self, dependence: &Dependence) -> String {
        let name = shown(&dependence.name);
        let is_class = self.text("/data/task") != "regression";
        let of = |said: &Said| {
            if is_class {
                format!("probability of '{}'", shown(&said.name))
            } else {
                format!("predicted {}", shown(&said.name))
            }
        };
        let label = match &dependence.said[..] {
            [one] => of(one),
            _ => "probability".to_owned(),
        };
        let number = |value: f64| if is_class { format!("{value:.3}") } else { digits(value) };
        if dependence.categories.is_empty() {
            let series: Vec<Series> = dependence
                .said
                .iter()
                .enumerate()
                .map(|(index, said)| {
                    let points = dependence.numbers.iter().copied().zip(said.means.iter().copied()).collect();
                    Series { form: Form::MarkedLine, ..line(&shown(&said.name), index, points) }
                })
                .collect();
            let ends = series.iter().filter_map(|series| {
                let (first, last) = (series.points.first()?, series.points.last()?);
                Some(format!(
                    "{}: from {} at {} to {} at {}",
                    series.name,
                    number(first.1),
                    digits(first.0),
                    number(last.1),
                    digits(last.0)
                ))
            });
            let about = ends.collect::<Vec<_>>().join("; ");
            return Chart::half(&name, about, Words::linear(&name), Words::linear(&label), series).figure();
        }
        let [said] = &dependence.said[..] else {
            let headers: Vec<String> =
                [name.clone()].into_iter().chain(dependence.said.iter().map(|said| shown(&said.name))).collect();
            let row = |(place, category): (usize, &String)| {
                let means = dependence.said.iter().map(|said| number(said.means[place]));
                [shown(category)].into_iter().chain(means).collect::<Vec<String>>()
            };
            let rows: Vec<Vec<String>> = dependence.categories.iter().enumerate().map(row).collect();
            return format!("<div>{}</div>\n", table(&format!("{name}: {label}"), &headers, &rows, 1));
        };
        // Bars begin at zero; of numbers on both sides of it the least is a stub.
        let (least, most) = crate::page::ends(said.means.iter().copied());
        let share = |mean: f64| {
            if is_class || least >= 0.0 {
                mean / most.max(f64::MIN_POSITIVE)
            } else {
                0.1 + 0.9 * (mean - least) / (most - least).max(f64::MIN_POSITIVE)
            }
        };
        let bar = |(category, &mean): (&String, &f64)| Bar {
            name: category.clone(),
            share: share(mean),
            cells: vec![number(mean)],
        };
        let rows: Vec<Bar> = dependence.categories.iter().zip(&said.means).map(bar).collect();
        format!("<div>{}</div>\n", bars(&name, &["", &label], &rows, COLOURS[0]))
    }
}

/// The most important columns as bars.
fn drawn(importance: &Importance) -> String {
    let most = importance.columns.first().map_or(0.0, |column| column.rise);
    let bar = |column: &ColumnImportance| Bar {
        name: column.name.clone(),
        share: if most > 0.0 { column.rise / most } else { 0.0 },
        cells: importance.told(column).into(),
    };
    let rows: Vec<Bar> = importance.columns.iter().take(DRAWN).map(bar).collect();
    let all = importance.columns.len();
    let caption = if all > DRAWN {
        format!("The {DRAWN} most important of {all} columns")
    } else {
        "Importance of the columns".into()
    };
    bars(
        &caption,
        &["column", &format!("rise of {}", importance.loss_called()), &format!("change of {}", importance.score_called())],
        &rows,
        COLOURS[0],
    )
}

/// The pixels of images, the stronger the more important.
fn picture(importance: &Importance, side: usize) -> String {
    let most = importance.columns.first().map_or(0.0, |column| column.rise);
    let [red, green, blue] = PIGMENTS[1];
    let mut pixels = vec![[red, green, blue, 0]; side * side];
    for column in &importance.columns {
        let share = if most > 0.0 { (column.rise / most).clamp(0.0, 1.0) } else { 0.0 };
        if let Some(pixel) = pixels.get_mut(column.column) {
            pixel[3] = (255.0 * share).round() as u8;
        }
    }
    let told = |column: &ColumnImportance| format!("{} {}", shown(&column.name), importance.told(column)[0]);
    let first: Vec<String> = importance.columns.iter().take(5).map(told).collect();
    let told = escaped(&format!("The stronger a pixel, the more important; the most: {}.", first.join(", ")));
    format!(
        "<figure class=\"pixels\"><img alt=\"the importance of each pixel; the most important: {}\" src=\"{}\" width=\"{side}\" \
         height=\"{side}\"><figcaption><b>Importance of the pixels</b><br>{told}</figcaption></figure>\n",
        escaped(&first.join(", ")),
        tinted(side, &pixels)
    )
}
