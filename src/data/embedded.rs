//! The data sets inside the program: small, famous, ready for `wgrad train digits`. `NOTICE` says where they are from.

use super::Task;

/// One embedded data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedded {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// What its last column asks for.
    pub task: Task,
    /// CSV with a header, the target last, packed by gzip.
    pub(crate) bytes: &'static [u8],
}

/// All embedded data sets, by name.
pub const EMBEDDED: [Embedded; 5] = [
    Embedded {
        name: "breast-cancer",
        about: "30 measures of 569 tumours, malignant or benign",
        task: Task::Classification,
        bytes: include_bytes!("embedded/breast-cancer.csv.gz"),
    },
    Embedded {
        name: "digits",
        about: "1797 handwritten digits of 8 × 8 pixels, 0 to 16",
        task: Task::Classification,
        bytes: include_bytes!("embedded/digits.csv.gz"),
    },
    Embedded {
        name: "iris",
        about: "4 measures of 150 irises of three species",
        task: Task::Classification,
        bytes: include_bytes!("embedded/iris.csv.gz"),
    },
    Embedded {
        name: "wine",
        about: "13 measures of 178 wines of three cultivars",
        task: Task::Classification,
        bytes: include_bytes!("embedded/wine.csv.gz"),
    },
    Embedded {
        name: "wine-quality",
        about: "11 measures of 1599 red wines and the quality, 3 to 8, that tasters gave them",
        task: Task::Regression,
        bytes: include_bytes!("embedded/wine-quality.csv.gz"),
    },
];

/// The embedded data set of this name.
pub(crate) fn find(name: &str) -> Option<&'static Embedded> {
    EMBEDDED.iter().find(|set| set.name == name)
}

/// The names of the embedded data sets.
pub fn names() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|set| set.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::{ReadOptions, Table, read};

    fn embedded(name: &str) -> Table {
        read(name, &ReadOptions::default()).unwrap()
    }

    fn class_counts(table: &Table) -> Vec<(String, usize)> {
        let mut counts = BTreeMap::new();
        for row in 0..table.rows {
            *counts.entry(table.columns.last().unwrap().cells.text(row).unwrap().into_owned()).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    #[test]
    fn together_they_are_under_200_kib() {
        let bytes: usize = EMBEDDED.iter().map(|set| set.bytes.len()).sum();
        assert!(bytes < 200 << 10, "{bytes} bytes");
    }

    #[test]
    fn every_set_has_its_rows_columns_task_and_no_missing_cell() {
        let expected = [
            ("breast-cancer", 569, 31),
            ("digits", 1797, 65),
            ("iris", 150, 5),
            ("wine", 178, 14),
            ("wine-quality", 1599, 12),
        ];
        assert_eq!(names().collect::<Vec<_>>(), expected.map(|(name, ..)| name));
        for (name, rows, columns) in expected {
            let table = embedded(name);
            assert_eq!((table.rows, table.columns.len()), (rows, columns), "{name}");
            assert_eq!(table.task, find(name).map(|set| set.task), "{name}");
            let inputs = &table.columns[..columns - 1];
            assert!(inputs.iter().all(|column| !column.cells.is_text()), "{name}");
            assert!(table.columns.iter().all(|column| (0..rows).all(|row| !column.cells.is_missing(row))), "{name}");
        }
    }

    #[test]
    fn the_classes_have_their_published_counts() {
        let counts = |name, expected: &[(&str, usize)]| {
            let expected: Vec<(String, usize)> =
                expected.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect();
            assert_eq!(class_counts(&embedded(name)), expected, "{name}");
        };
        counts("breast-cancer", &[("benign", 357), ("malignant", 212)]);
        counts("iris", &[("setosa", 50), ("versicolor", 50), ("virginica", 50)]);
        counts("wine", &[("class_0", 59), ("class_1", 71), ("class_2", 48)]);
        counts("wine-quality", &[("3", 10), ("4", 53), ("5", 681), ("6", 638), ("7", 199), ("8", 18)]);
        let digits = ["178", "182", "177", "183", "181", "182", "181", "179", "174", "180"];
        assert_eq!(class_counts(&embedded("digits")).iter().map(|(_, count)| count.to_string()).collect::<Vec<_>>(), digits);
    }

    #[test]
    fn the_pixels_of_digits_lie_between_0_and_16() {
        let table = embedded("digits");
        let pixels =
            || table.columns[..64].iter().flat_map(|column| (0..table.rows).filter_map(|row| column.cells.number(row)));
        assert!(pixels().all(|pixel| (0.0..=16.0).contains(&pixel) && pixel.fract() == 0.0));
        assert!(pixels().any(|pixel| pixel == 16.0));
        assert_eq!(table.columns[63].name, "pixel_7_7");
    }
}
