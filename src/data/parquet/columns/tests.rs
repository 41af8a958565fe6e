//! Parquet files: of other writers, of the crate's own, made by hand, and damaged.

use parquet::basic::{Compression, Encoding, GzipLevel};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use rand::{Rng, RngExt, SeedableRng};

use super::*;
use crate::data::pieces::collected;

/// A file of this schema, each column of each group written by `write`.
fn written(
    schema: &str,
    properties: WriterPropertiesBuilder,
    groups: usize,
    write: impl Fn(usize, usize, &mut SerializedColumnWriter<'_>),
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message table {{ {schema} }}")).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
    for group in 0..groups {
        let mut columns = writer.next_row_group().unwrap();
        let mut column = 0;
        while let Some(mut to) = columns.next_column().unwrap() {
            write(group, column, &mut to);
            to.close().unwrap();
            column += 1;
        }
        columns.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn put<T: DataType>(to: &mut SerializedColumnWriter<'_>, values: &[T::T], levels: Option<&[i16]>) {
    to.typed::<T>().write_batch(values, levels, None).unwrap();
}

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder()
}

/// One column of one group without missing values.
fn one<T: DataType>(column: &str, values: &[T::T]) -> Vec<u8> {
    written(column, plain(), 1, |_, _, to| put::<T>(to, values, None))
}

fn text(text: &str) -> ByteArray {
    text.as_bytes().to_vec().into()
}

/// Reads bytes as they would lie in a file called `a.parquet`.
fn read(bytes: &[u8]) -> Result<Table> {
    collected(
        "a.parquet",
        opened(data::input::Input::of_bytes("a.parquet", bytes.to_vec())?, &ReadOptions::default())?.as_mut(),
    )
}

fn cells(bytes: &[u8]) -> Cells {
    read(bytes).unwrap().columns.remove(0).cells
}

fn message(bytes: &[u8]) -> String {
    let error = read(bytes).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    error.to_string()
}

fn texts(cells: &Cells) -> Vec<Option<String>> {
    assert!(cells.is_text());
    (0..cells.len()).map(|row| cells.text(row).map(Into::into)).collect()
}

fn dates(cells: &Cells) -> Vec<String> {
    texts(cells).into_iter().flatten().collect()
}

#[test]
fn every_type_of_number_is_read_as_it_is_meant() {
    let integers = |kind: &str, values: &[i32]| cells(&one::<Int32Type>(&format!("required int32 a ({kind});"), values));
    assert_eq!(integers("INTEGER(8,false)", &[0, 255]), Cells::Bytes(vec![0, 255]));
    assert_eq!(integers("INTEGER(8,true)", &[-128, 127]), Cells::Singles(vec![-128.0, 127.0]));
    assert_eq!(integers("INTEGER(16,false)", &[0, 65_535]), Cells::Singles(vec![0.0, 65_535.0]));
    assert_eq!(integers("INTEGER(16,true)", &[-300, 300]), Cells::Singles(vec![-300.0, 300.0]));
    assert_eq!(integers("INTEGER(32,false)", &[-1]), Cells::Numbers(vec![f64::from(u32::MAX)]));
    assert_eq!(integers("UINT_8", &[7]), Cells::Bytes(vec![7]));
    assert_eq!(integers("INT_16", &[-7]), Cells::Singles(vec![-7.0]));
    assert_eq!(dates(&integers("DATE", &[19_723, -1])), ["2024-01-01", "1969-12-31"]);
    assert_eq!(integers("TIME(MILLIS,true)", &[1_500]), Cells::Numbers(vec![1.5]));
    assert_eq!(integers("DECIMAL(9,2)", &[-12_345]), Cells::Numbers(vec![-123.45]));
    let longs = |kind: &str, values: &[i64]| cells(&one::<Int64Type>(&format!("required int64 a{kind};"), values));
    assert_eq!(longs("", &[i64::MIN, 1 << 53]), Cells::Numbers(vec![-(2_f64.powi(63)), 2_f64.powi(53)]));
    assert_eq!(longs(" (INTEGER(64,false))", &[-1]), Cells::Numbers(vec![2_f64.powi(64)]));
    let micros = longs(" (TIMESTAMP(MICROS,true))", &[1_500_000, 86_400_000_000, i64::MIN]);
    assert_eq!(dates(&micros)[..2], ["1970-01-01T00:00:01.5", "1970-01-02"]);
    assert_eq!(dates(&longs(" (TIMESTAMP(NANOS,false))", &[-500_000_000])), ["1969-12-31T23:59:59.5"]);
    assert_eq!(dates(&longs(" (TIMESTAMP_MILLIS)", &[43_200_250])), ["1970-01-01T12:00:00.25"]);
    assert_eq!(longs(" (DECIMAL(18,3))", &[1_001]), Cells::Numbers(vec![1.001]));
    assert_eq!(cells(&one::<FloatType>("required float a;", &[0.1, f32::NAN])).number(0), Some(f64::from(0.1_f32)));
    assert_eq!(cells(&one::<DoubleType>("required double a;", &[0.1])), Cells::Numbers(vec![0.1]));
    let mut noon = Int96::new();
    noon.set_data((43_200_000_000_000_u64 & 0xffff_ffff) as u32, (43_200_000_000_000_u64 >> 32) as u32, 2_440_589);
    assert_eq!(dates(&cells(&one::<Int96Type>("required int96 a;", &[noon]))), ["1970-01-02T12:00:00"]);
    let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
    let fixed = [FixedLenByteArray::from(bytes(&[0xff, 0xff, 0xfe])), FixedLenByteArray::from(bytes(&[0, 1, 0]))];
    let decimals = one::<FixedLenByteArrayType>("required fixed_len_byte_array(3) a (DECIMAL(6,1));", &fixed);
    assert_eq!(cells(&decimals), Cells::Numbers(vec![-0.2, 25.6]));
    let decimals = one::<ByteArrayType>("required binary a (DECIMAL(6,0));", &[bytes(&[1, 0])]);
    assert_eq!(cells(&decimals), Cells::Numbers(vec![256.0]));
}

#[test]
fn text_and_truth_values_are_what_a_csv_file_would_hold() {
    let spelled = [" Oslo ", "", "NA", "null", "?", "007", "true"].map(text);
    let expected = ["Oslo", "", "", "", "", "007", "true"].map(|text| (!text.is_empty()).then(|| text.to_owned()));
    assert_eq!(texts(&cells(&one::<ByteArrayType>("required binary a (UTF8);", &spelled))), expected);
    assert_eq!(texts(&cells(&one::<ByteArrayType>("required binary a (STRING);", &spelled))), expected);
    assert_eq!(texts(&cells(&one::<ByteArrayType>("required binary a;", &spelled))), expected);
    let truths = cells(&one::<BoolType>("required boolean a;", &[true, false]));
    assert_eq!(texts(&truths), [Some("true".into()), Some("false".into())]);
}

/// Every third value is missing, and every fourth of the text.
const ROWS: usize = 5_000;
const GROUPS: usize = 3;
const SCHEMA: &str = "optional double x; required int32 y; optional binary town (UTF8); optional int32 byte (UINT_8);";

fn many(properties: WriterPropertiesBuilder) -> Vec<u8> {
    written(SCHEMA, properties.set_data_page_row_count_limit(700).set_write_batch_size(100), GROUPS, |group, column, to| {
        let rows = group * ROWS..(group + 1) * ROWS;
        let levels = |every: usize| rows.clone().map(|row| i16::from(row % every != 0)).collect::<Vec<_>>();
        let there = |every: usize| rows.clone().filter(move |row| row % every != 0);
        match column {
            0 => put::<DoubleType>(to, &there(3).map(|row| row as f64 / 8.0).collect::<Vec<_>>(), Some(&levels(3))),
            1 => put::<Int32Type>(to, &rows.clone().map(|row| row as i32 - 100).collect::<Vec<_>>(), None),
            2 => {
                let values: Vec<_> = there(4).map(|row| text(&format!("town {}", row % 900))).collect();
                put::<ByteArrayType>(to, &values, Some(&levels(4)));
            }
            _ => put::<Int32Type>(to, &there(9_999).map(|row| row as i32 % 256).collect::<Vec<_>>(), Some(&levels(9_999))),
        }
    })
}

fn check_many(bytes: &[u8], what: &str) {
    let table = read(bytes).unwrap();
    assert_eq!((table.rows, table.columns.len()), (ROWS * GROUPS, 4), "{what}");
    assert!(matches!(table.columns[3].cells, Cells::Singles(_)), "{what}: a byte is missing");
    for row in 0..table.rows {
        let there = |every: usize| row % every != 0;
        let cell = |column: usize| &table.columns[column].cells;
        assert_eq!(cell(0).number(row), there(3).then_some(row as f64 / 8.0), "{what}, row {row}");
        assert_eq!(cell(1).number(row), Some(row as f64 - 100.0), "{what}, row {row}");
        assert_eq!(cell(2).text(row), there(4).then(|| format!("town {}", row % 900).into()), "{what}, row {row}");
        assert_eq!(cell(3).number(row), there(9_999).then_some((row % 256) as f64), "{what}, row {row}");
    }
}

#[test]
fn groups_pages_and_missing_values_are_read_in_every_encoding_and_packing() {
    let packed =
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, Compression::GZIP(GzipLevel::default())];
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for codec in packed {
            let properties = plain().set_writer_version(version).set_compression(codec);
            check_many(&many(properties.clone()), &format!("{version:?}, {codec:?}"));
            // Without a dictionary the second version writes differences.
            check_many(&many(properties.set_dictionary_enabled(false)), &format!("{version:?}, {codec:?}, no dictionary"));
        }
    }
    for (column, encoding) in [
        ("x", Encoding::BYTE_STREAM_SPLIT),
        ("y", Encoding::DELTA_BINARY_PACKED),
        ("town", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("town", Encoding::DELTA_BYTE_ARRAY),
    ] {
        let properties = plain().set_dictionary_enabled(false).set_column_encoding(column.into(), encoding);
        check_many(&many(properties), &format!("{encoding}"));
    }
}

#[test]
fn files_of_other_writers_hold_the_same_table() {
    // As make.py has them write it.
    let files: [(&str, &[u8]); 3] = [
        ("pyarrow 26, zstd", include_bytes!("../pyarrow-zstd.parquet")),
        ("pyarrow 26, lz4, second pages, differences", include_bytes!("../pyarrow-lz4.parquet")),
        ("polars 2, zstd", include_bytes!("../polars.parquet")),
    ];
    for (writer, bytes) in files {
        let table = read(bytes).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["x", "size", "byte", "yes", "town"], "{writer}");
        assert_eq!(table.rows, 40, "{writer}");
        for row in 0..table.rows {
            let cell = |column: usize| &table.columns[column].cells;
            assert_eq!(cell(0).number(row), (row % 7 != 3).then_some(row as f64 * 0.5 - 3.0), "{writer}, row {row}");
            assert_eq!(cell(1).number(row), Some(row as f64 * 1e5), "{writer}, row {row}");
            assert_eq!(cell(2).number(row), Some((row * 13 % 256) as f64), "{writer}, row {row}");
            let yes = if row % 3 == 0 { "true" } else { "false" };
            assert_eq!(cell(3).text(row), (row != 5).then(|| yes.into()), "{writer}, row {row}");
            let town = ["Oslo", "Rome", "Åbo"][row % 3];
            assert_eq!(cell(4).text(row), (row % 11 != 4).then(|| town.into()), "{writer}, row {row}");
        }
    }
}

#[test]
fn what_is_no_flat_table_of_numbers_and_text_is_refused_with_its_column() {
    let empty = |schema: &str| message(&written(schema, plain(), 0, |_, _, _| {}));
    assert!(empty("required double a; required group b { required double c; }").contains("column 'b' is nested"));
    assert!(empty("required group b (LIST) { repeated group list { optional int32 element; } }").contains("'b' is nested"));
    assert!(empty("repeated double b;").contains("column 'b' is nested"));
    assert!(empty("required double a; required double b; optional int32 a;").contains("two of its columns are called 'a'"));
    assert!(empty("required fixed_len_byte_array(2) h (FLOAT16);").contains("column 'h' holds floats of 16 bits"));
    assert!(empty("required fixed_len_byte_array(16) id (UUID);").contains("column 'id' holds values of fixed length"));
    assert!(empty("required double a;").contains("1 columns and no rows"));
    let not_text = one::<ByteArrayType>("required binary a;", &[text("x"), vec![0xff].into()]);
    assert!(message(&not_text).contains("a.parquet: row 2, column 'a': not UTF-8"));
    let long = one::<ByteArrayType>("required binary a;", &[text(&"x".repeat(MOST_CELL + 1))]);
    assert!(message(&long).contains("row 1, column 'a': 1048577 bytes of text"));
}

#[test]
fn numbers_that_no_f32_holds_are_refused_with_their_place() {
    let beyond = one::<DoubleType>("required double a;", &[1.0, -1e39]);
    assert!(message(&beyond).contains("a.parquet: row 2, column 'a'"), "{}", message(&beyond));
    assert!(
        message(&one::<FloatType>("required float a;", &[f32::INFINITY])).contains("row 1, column 'a': inf is infinite")
    );
}

#[test]
fn a_footer_that_lies_is_refused() {
    let sound = one::<DoubleType>("required double a;", &[1.0, 2.0]);
    let tail = sound.len() - 8;
    let lying = |length: u32| [&sound[..tail], &length.to_le_bytes(), MAGIC].concat();
    for length in [u32::MAX, tail as u32, tail as u32 - 3] {
        assert!(message(&lying(length)).contains("its footer has"), "{}", message(&lying(length)));
    }
    assert!(message(&lying(0)).contains("footer is damaged"));
    assert!(message(&sound[..tail]).contains("does not end as"));
    assert!(message(b"PAR1\x15").contains("no footer"));
}

/// A file by hand: one required column of this physical type in one group of so many rows, packed by the codec of this
/// number, with these pages, which are said to unpack to `unpacked` bytes.
fn by_hand(physical: i64, rows: i64, codec: i64, pages: &[u8], unpacked: i64) -> Vec<u8> {
    let i32_field = |number: i64| [vec![0x15], zigzag(number)].concat();
    let i64_field = |number: i64| [vec![0x16], zigzag(number)].concat();
    let root = [&[0x48, 1, b't'][..], &i32_field(1), &[0]].concat();
    let column = [&i32_field(physical)[..], &[0x25, 0, 0x18, 1, b'a', 0]].concat();
    let values = [
        &i32_field(physical)[..],
        &[0x19, 0x15, 0, 0x19, 0x18, 1, b'a'],
        &i32_field(codec),
        &i64_field(rows),
        &i64_field(unpacked),
        &i64_field(pages.len() as i64),
        &[0x26],
        &zigzag(4),
        &[0],
    ]
    .concat();
    let chunk = [&[0x26][..], &zigzag(4), &[0x1c], &values, &[0]].concat();
    let group = [&[0x19, 0x1c][..], &chunk, &i64_field(1), &i64_field(rows), &[0]].concat();
    let footer = [&i32_field(1)[..], &[0x19, 0x2c], &root, &column, &i64_field(rows), &[0x19, 0x1c], &group, &[0]].concat();
    [MAGIC, pages, &footer, &(footer.len() as u32).to_le_bytes(), MAGIC].concat()
}

/// The same without pages.
fn claiming(rows: i64) -> Vec<u8> {
    by_hand(5, rows, 0, &[], 0)
}

/// A page of so many values in the encoding of this number: a dictionary, or data.
fn page(is_dictionary: bool, values: i64, encoding: i64, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as i64;
    let (kind, header) = if is_dictionary { (2, 0x4c) } else { (0, 0x2c) };
    let sizes = [[0x15].as_slice(), &zigzag(kind), &[0x15], &zigzag(length), &[0x15], &zigzag(length), &[header]].concat();
    let levels: &[u8] = if is_dictionary { &[] } else { &[0x15, 6, 0x15, 6] };
    [&sizes, &[0x15][..], &zigzag(values), &[0x15], &zigzag(encoding), levels, &[0, 0], bytes].concat()
}

/// A whole number as Thrift writes it.
fn zigzag(number: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encode_length_delimiter(((number << 1) ^ (number >> 63)) as usize, &mut bytes).expect("a list grows");
    bytes
}

#[test]
fn pages_that_ask_for_more_than_they_hold_are_refused() {
    let (int32, text, plain, lengths, prefixes, most) = (1, 6, 0, 6, 7, i64::from(i32::MAX));
    let sound = by_hand(int32, 2, 0, &page(false, 2, plain, &[1, 0, 0, 0, 2, 0, 0, 0]), 8);
    assert_eq!(cells(&sound), Cells::Numbers(vec![1.0, 2.0]));
    let dictionary = by_hand(int32, 2, 0, &page(true, most, plain, &[1, 0, 0, 0]), 8);
    assert!(message(&dictionary).contains("a dictionary of 2147483647 values has 4 bytes"), "{}", message(&dictionary));
    // 2^42 lengths that are all the same take a few bytes of widths, which are 0.
    let huge = [&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1][..], &[0; 9]].concat();
    for encoding in [lengths, prefixes] {
        let message = message(&by_hand(text, 2, 0, &page(false, 2, encoding, &huge), 9));
        assert!(message.contains("a page of 2 values has 4398046511104 lengths"), "{message}");
    }
    let few = [0x80, 1, 4, 2, 0, 0, 0, 0, 0, 0];
    let suffixes = by_hand(text, 2, 0, &page(false, 2, prefixes, &[&few[..], &huge].concat()), 9);
    assert!(message(&suffixes).contains("has 4398046511104 lengths"), "{}", message(&suffixes));
    let unknown = by_hand(int32, 2, 0, &page(false, 2, 4, &[0; 8]), 8);
    assert!(message(&unknown).contains("encoding BIT_PACKED are not read"), "{}", message(&unknown));
}

#[test]
fn pages_that_unpack_to_more_than_is_said_are_refused_and_unknown_packing_is_named() {
    let zeros = vec![0; 64 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut gzip, &zeros).unwrap();
    let snappy = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(zeros.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    for (codec, packed) in [(2, gzip.finish().unwrap()), (1, snappy), (6, zstd)] {
        let bomb = |said: i64| message(&by_hand(1, 2, codec, &page(false, 2, 0, &packed), said));
        assert!(bomb(8).contains("bytes unpacks to more than 8)"), "codec {codec}: {}", bomb(8));
        // Snappy packs nothing to a hundredth.
        assert!(codec == 1 || bomb(1 << 40).contains("unpacks to more than"), "codec {codec}: {}", bomb(1 << 40));
    }
    for (codec, name) in [(4, "BROTLI"), (3, "LZO"), (5, "LZ4")] {
        let unknown = message(&by_hand(1, 2, codec, &page(false, 2, 0, &[0; 8]), 8));
        assert!(unknown.contains(&format!("column 'a' is packed by {name}")), "{unknown}");
    }
}

#[test]
fn a_footer_of_more_rows_than_there_is_memory_for_is_a_limit() {
    let error = read(&claiming(1 << 60)).unwrap_err();
    assert!(error.exit_code() == 6 && error.to_string().contains("no memory"), "{error}");
    assert!(message(&claiming(3)).contains("column 'a'"), "{}", message(&claiming(3)));
    assert!(message(&claiming(-3)).contains("a group of -3 rows"), "{}", message(&claiming(-3)));
    assert!(message(&claiming(0)).contains("no rows"));
}

#[test]
fn a_schema_of_columns_in_columns_or_of_more_than_there_are_ends_in_an_error() {
    // Groups of one child each, and groups that claim 2^31 - 1 children: the crate would follow them.
    let nested = |children: &[u8]| {
        let group = [&[0x35, 0, 0x18, 1, b'g', 0x15], children, &[0]].concat();
        let schema = [&[0x15, 2, 0x19, 0xfc, 0xa1, 0x8d, 0x06][..], &[0x48, 1, b't', 0x15, 2, 0]].concat();
        let footer = [schema, group.repeat(100_000)].concat();
        [MAGIC, &[0x15], &footer, &(footer.len() as u32).to_le_bytes(), MAGIC].concat()
    };
    assert!(message(&nested(&[2])).contains("column 'g' is nested"));
    assert!(message(&nested(&[0xfe, 0xff, 0xff, 0xff, 0x0f])).contains("column 'g' is nested"));
    let wide = [MAGIC, &[0x15, 2, 0x19, 0x1c, 0x48, 1, b't', 0x15, 0x80, 0x80, 0x80, 2, 0]].concat();
    let wide = [&wide[..], &13_u32.to_le_bytes(), MAGIC].concat();
    assert_eq!(read(&wide).unwrap_err().exit_code(), 6, "{}", read(&wide).unwrap_err());
}

#[test]
fn a_file_that_is_cut_or_altered_anywhere_never_panics() {
    let small = |properties: WriterPropertiesBuilder| {
        written(SCHEMA, properties, 2, |_, column, to| match column {
            0 => put::<DoubleType>(to, &[1.5, 2.5], Some(&[1, 0, 1])),
            1 => put::<Int32Type>(to, &[1, 2, 3], None),
            2 => put::<ByteArrayType>(to, &[text("Oslo"), text("Oslo"), text("Rome")], Some(&[1, 1, 1])),
            _ => put::<Int32Type>(to, &[9, 8], Some(&[0, 1, 1])),
        })
    };
    let second = || plain().set_writer_version(WriterVersion::PARQUET_2_0);
    let files = [
        small(plain()),
        small(plain().set_compression(Compression::SNAPPY)),
        small(second().set_dictionary_enabled(false).set_compression(Compression::GZIP(GzipLevel::default()))),
        small(second().set_compression(Compression::LZ4_RAW)),
        include_bytes!("../pyarrow-zstd.parquet").to_vec(),
        include_bytes!("../pyarrow-lz4.parquet").to_vec(),
    ];
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    for (number, whole) in files.iter().enumerate() {
        assert!(read(whole).is_ok());
        for cut in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
            assert!(matches!(read(&whole[..cut]), Err(Error::Data(_))), "file {number} cut at {cut}");
        }
        for _ in 0..1_000 {
            let mut bytes = whole.clone();
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.next_u32() as u8;
            match read(&bytes) {
                Ok(_) | Err(Error::Data(_) | Error::Limit(_)) => {}
                Err(error) => panic!("file {number}, byte {place} made {}: {error}", bytes[place]),
            }
        }
    }
}

/// Each group of rows is a piece, in which rows have their numbers in the file.
#[test]
fn groups_are_read_one_by_one_as_they_are_at_once() {
    let bytes = many(plain());
    let whole = read(&bytes).unwrap();
    let input = data::input::Input::of_bytes("a.parquet", bytes).unwrap();
    let (mut rows, mut count) = (0, 0);
    let mut look = |piece: Table, share: f64| {
        assert_eq!(piece.place(1, "x"), whole.place(rows + 1, "x"));
        for (one, all) in piece.columns.iter().zip(&whole.columns) {
            assert!((0..piece.rows).all(|row| one.cells.text(row) == all.cells.text(rows + row)), "{}", one.name);
        }
        (rows, count) = (rows + piece.rows, count + 1);
        assert_eq!(share, rows as f64 / whole.rows as f64);
        Ok(())
    };
    opened(input, &ReadOptions::default()).unwrap().each(&[], &mut look).unwrap();
    assert_eq!((rows, count), (whole.rows, GROUPS));
}
