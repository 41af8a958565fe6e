//! Reading and encoding tables: CSV as text and gzipped, npy, and the matrices made of them.

use std::fmt::Write;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wgrad::data::{Encoding, FitOptions, ReadOptions, read};
use wgrad::training::{Options, Sources};

/// Rows and columns of the tables that are read.
const ROWS: usize = 20_000;
const COLUMNS: usize = 20;

/// A CSV file of numbers with a column of classes at its end.
fn csv() -> String {
    let mut text: String = (0..COLUMNS).map(|column| format!("x{column},")).collect();
    text.push_str("class\n");
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let _ = write!(text, "{:.4},", ((row * 7919 + column * 104_729) % 100_003) as f64 / 1000.0);
        }
        let _ = writeln!(text, "{}", ["a", "b", "c"][row % 3]);
    }
    text
}

/// An npy file of f32 with the same rows and columns.
fn npy() -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {COLUMNS}), }}");
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((padded + 1) as u16).to_le_bytes());
    bytes.extend(format!("{header:<padded$}\n").bytes());
    (0..ROWS * COLUMNS).for_each(|index| bytes.extend((index as f32 * 0.5).to_le_bytes()));
    bytes
}

fn reading(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("table.csv"), csv()).expect("a file");
    std::fs::write(path("table.npy"), npy()).expect("a file");
    let mut group = criterion.benchmark_group("reading");
    group.sample_size(10);
    for name in ["table.csv", "table.npy"] {
        let bytes = std::fs::metadata(Path::new(&path(name))).expect("the file above").len();
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(name, |bencher| bencher.iter(|| read(&path(name), &ReadOptions::default()).expect("a table")));
    }
    group.throughput(Throughput::Elements(1797));
    group.bench_function("digits, embedded and gzipped", |bencher| {
        bencher.iter(|| read("digits", &ReadOptions::default()).expect("a table"));
    });
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.csv").to_string_lossy().into_owned();
    std::fs::write(&path, csv()).expect("a file");
    let options = Options { data: Some(path.clone()), ..Options::default() };
    let table = read(&path, &ReadOptions::default()).expect("a table");
    let rows: Vec<usize> = (0..ROWS).collect();
    let encoding = Encoding::fit(&table, &rows, &FitOptions::default()).expect("an encoding");
    let mut group = criterion.benchmark_group("encoding");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("inputs as a matrix", |bencher| {
        bencher.iter(|| encoding.encode_inputs::<f32>(&table, &rows).expect("a matrix"));
    });
    group.bench_function("a file: read, split, fitted", |bencher| {
        bencher.iter(|| Sources::read(&options, None, false).expect("a table"));
    });
    group.finish();
}

criterion_group!(benches, reading, encoding);
criterion_main!(benches);
