//! Bars as Parquet: decimals with every digit, instants in UTC, zstd. Memory holds one row group.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::columns::{BarRow, Cell, Column};
use crate::model::Price;
use crate::pipeline::subject::Subject;

/// Bars of a row group: enough for readers to skip and to share out, little enough for memory.
pub const ROW_GROUP: usize = 100_000;
/// Rows of a column that are prepared at a time.
const BATCH: usize = 8_192;
/// Every price: 64 bits in units of 10⁻⁸.
const PRICE: Decimal = Decimal {
    digits: 19,
    bytes: 9,
};
/// Every volume: 63 bits before the point and eight digits after it.
const VOLUME: Decimal = Decimal {
    digits: 27,
    bytes: 12,
};

type Result<T> = std::result::Result<T, ParquetError>;

/// A decimal with [`Price::SCALE`] digits after the point.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i32,
    /// The fewest bytes that hold so many digits.
    bytes: usize,
}

/// Writes bars as Parquet.
pub struct ParquetWriter<W: Write + Send, R: BarRow> {
    file: SerializedFileWriter<W>,
    /// The series of the bars that wait for their row group to be full.
    subject: Option<Subject>,
    waiting: Vec<R>,
}

impl<W: Write + Send, R: BarRow> ParquetWriter<W, R> {
    pub fn new(out: W) -> io::Result<Self> {
        let schema = schema::<R>();
        let file =
            schema.and_then(|schema| SerializedFileWriter::new(out, schema, properties().into()));
        Ok(Self {
            file: file.map_err(as_io)?,
            subject: None,
            waiting: Vec::with_capacity(ROW_GROUP),
        })
    }

    pub fn write(&mut self, of: &Subject, rows: &[R]) -> io::Result<()> {
        if self.subject.as_ref() != Some(of) {
            self.end_group()?;
            self.subject = Some(of.clone());
        }
        for row in rows {
            self.waiting.push(*row);
            if self.waiting.len() == ROW_GROUP {
                self.end_group()?;
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.end_group()?;
        self.file.finish().map(drop).map_err(as_io)
    }

    fn end_group(&mut self) -> io::Result<()> {
        if let Some(of) = &self.subject
            && !self.waiting.is_empty()
        {
            write_group(&mut self.file, of, &self.waiting).map_err(as_io)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

/// The kind of an error of the file tells a full disk from a broken one.
fn as_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => inner
            .downcast::<io::Error>()
            .map_or_else(io::Error::other, |error| *error),
        other => io::Error::other(other),
    }
}

fn properties() -> WriterProperties {
    let version = concat!(
        env!("CARGO_PKG_NAME"),
        " version ",
        env!("CARGO_PKG_VERSION")
    );
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(version.to_owned())
        .build()
}

fn schema<R: BarRow>() -> Result<TypePtr> {
    let fields: Result<Vec<TypePtr>> = R::columns()
        .iter()
        .map(|column| field(column).map(Arc::new))
        .collect();
    Type::group_type_builder("bars")
        .with_fields(fields?)
        .build()
        .map(Arc::new)
}

fn field<R: BarRow>(column: &Column<R>) -> Result<Type> {
    let (physical, logical, repetition) = match column.cell {
        Cell::Text(_) => (
            Physical::BYTE_ARRAY,
            Some(LogicalType::String),
            Repetition::REQUIRED,
        ),
        Cell::Known(_) => (
            Physical::BYTE_ARRAY,
            Some(LogicalType::String),
            Repetition::OPTIONAL,
        ),
        Cell::Flag(_) => (Physical::BOOLEAN, None, Repetition::REQUIRED),
        Cell::Instant(_) => {
            let utc = LogicalType::timestamp(true, TimeUnit::MICROS);
            (Physical::INT64, Some(utc), Repetition::REQUIRED)
        }
        Cell::Day(_) => (
            Physical::INT32,
            Some(LogicalType::Date),
            Repetition::REQUIRED,
        ),
        Cell::Price(_) => return decimal(column.name, PRICE, Repetition::REQUIRED),
        Cell::Extra(_) | Cell::Computed(_) => {
            return decimal(column.name, PRICE, Repetition::OPTIONAL);
        }
        Cell::Volume(_) => return decimal(column.name, VOLUME, Repetition::REQUIRED),
        Cell::ComputedVolume(_) => return decimal(column.name, VOLUME, Repetition::OPTIONAL),
    };
    Type::primitive_type_builder(column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()
}

fn decimal(name: &str, kind: Decimal, repetition: Repetition) -> Result<Type> {
    let scale = Price::SCALE.cast_signed();
    Type::primitive_type_builder(name, Physical::FIXED_LEN_BYTE_ARRAY)
        .with_logical_type(Some(LogicalType::decimal(scale, kind.digits)))
        .with_length(i32::try_from(kind.bytes).unwrap_or(i32::MAX))
        .with_precision(kind.digits)
        .with_scale(scale)
        .with_repetition(repetition)
        .build()
}

fn write_group<W: Write + Send, R: BarRow>(
    file: &mut SerializedFileWriter<W>,
    of: &Subject,
    rows: &[R],
) -> Result<()> {
    let mut group = file.next_row_group()?;
    for column in R::columns() {
        if let Some(out) = group.next_column()? {
            write_column(out, &column.cell, of, rows)?;
        }
    }
    group.close().map(drop)
}

fn write_column<R: BarRow>(
    mut out: SerializedColumnWriter<'_>,
    cell: &Cell<R>,
    of: &Subject,
    rows: &[R],
) -> Result<()> {
    for rows in rows.chunks(BATCH) {
        write_cells(&mut out, cell, of, rows)?;
    }
    out.close()
}

fn write_cells<R: BarRow>(
    out: &mut SerializedColumnWriter<'_>,
    cell: &Cell<R>,
    of: &Subject,
    rows: &[R],
) -> Result<()> {
    match cell {
        Cell::Text(read) => write::<ByteArrayType>(out, &vec![bytes(read(of)); rows.len()], None),
        Cell::Known(read) => {
            let word = read(of).map(bytes);
            let there = vec![i16::from(word.is_some()); rows.len()];
            let words: Vec<_> = word.map_or_else(Vec::new, |word| vec![word; rows.len()]);
            write::<ByteArrayType>(out, &words, Some(&there))
        }
        Cell::Flag(read) => {
            let flags: Vec<bool> = rows.iter().map(|row| read(of, row)).collect();
            write::<BoolType>(out, &flags, None)
        }
        Cell::Instant(read) => {
            let micros = rows.iter().map(|row| read(row).timestamp_micros());
            write::<Int64Type>(out, &micros.collect::<Vec<i64>>(), None)
        }
        Cell::Day(read) => {
            let days = rows.iter().map(|row| read(row).to_epoch_days());
            write::<Int32Type>(out, &days.collect::<Vec<i32>>(), None)
        }
        Cell::Price(read) => {
            let units = rows.iter().map(|row| i128::from(read(row).units()));
            write::<FixedLenByteArrayType>(out, &decimals(units, PRICE), None)
        }
        Cell::Extra(read) | Cell::Computed(read) => {
            let units = rows.iter().map(read);
            let units = units.map(|price| price.map(|price| i128::from(price.units())));
            write_some(out, units, PRICE)
        }
        Cell::Volume(read) => {
            let units = rows.iter().map(|row| read(row).units());
            write::<FixedLenByteArrayType>(out, &decimals(units, VOLUME), None)
        }
        Cell::ComputedVolume(read) => {
            let units = rows.iter().map(read);
            write_some(
                out,
                units.map(|volume| volume.map(crate::model::Volume::units)),
                VOLUME,
            )
        }
    }
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(Bytes::copy_from_slice(text.as_bytes()))
}

/// Writes rows of a column of which not every row has a value.
fn write_some(
    out: &mut SerializedColumnWriter<'_>,
    units: impl Iterator<Item = Option<i128>> + Clone,
    kind: Decimal,
) -> Result<()> {
    let there: Vec<i16> = units.clone().map(|units| units.is_some().into()).collect();
    let values = decimals(units.flatten(), kind);
    write::<FixedLenByteArrayType>(out, &values, Some(&there))
}

/// Writes rows of a column; `there` says for each row of an optional one whether it has a value.
fn write<T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<()> {
    let column = out.typed::<T>();
    column.write_batch(values, there, None).map(drop)
}

/// Big-endian two's complement, all in one buffer.
fn decimals(units: impl Iterator<Item = i128>, kind: Decimal) -> Vec<FixedLenByteArray> {
    let skipped = size_of::<i128>() - kind.bytes;
    let buffer: Vec<u8> = units
        .flat_map(|units| units.to_be_bytes().into_iter().skip(skipped))
        .collect();
    let buffer = Bytes::from(buffer);
    (0..buffer.len())
        .step_by(kind.bytes)
        .map(|at| ByteArray::from(buffer.slice(at..at + kind.bytes)).into())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use chrono::TimeDelta;
    use parquet::file::metadata::RowGroupMetaData;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::{Field, Row};

    use super::super::columns::BarRow as _;
    use super::*;
    use crate::model::{Bar, Interval, SeriesKey, Volume};

    fn of(currency: Option<&str>) -> Subject {
        Subject {
            series: SeriesKey::raw("IBM".parse().unwrap(), Interval::Min1),
            currency: currency.map(|code| code.parse().unwrap()),
            derived_from: None,
        }
    }

    fn bar(number: i64) -> Bar {
        let start: chrono::DateTime<chrono::Utc> = "2026-11-20T14:30:00Z".parse().unwrap();
        let timestamp = start + TimeDelta::minutes(number);
        Bar {
            timestamp,
            trading_date: timestamp.date_naive(),
            open: Price::from_units(28_357_000_000 + number),
            high: Price::from_units(8_999_999_999_999_999_999),
            low: Price::from_units(1),
            close: Price::from_units(-1),
            volume: Volume::new(i64::MAX, Volume::ONE - 1).unwrap(),
            is_final: number % 2 == 0,
            adjusted_close: (number % 2 == 0).then_some(Price::from_units(28_357_000_001)),
            dividend_amount: None,
            split_coefficient: Some(Price::from_units(Price::ONE)),
        }
    }

    fn written(pieces: &[Vec<Bar>]) -> SerializedFileReader<File> {
        let file = tempfile::tempfile().unwrap();
        let mut writer = ParquetWriter::<_, Bar>::new(file.try_clone().unwrap()).unwrap();
        for bars in pieces {
            writer.write(&of(None), bars).unwrap();
        }
        writer.finish().unwrap();
        SerializedFileReader::new(file).unwrap()
    }

    fn rows(reader: &SerializedFileReader<File>) -> Vec<Row> {
        reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn field(row: &Row, name: &str) -> Field {
        let mut columns = row.get_column_iter();
        columns
            .find(|(column, _)| *column == name)
            .unwrap()
            .1
            .clone()
    }

    /// The units of a decimal, as written.
    fn units(row: &Row, name: &str) -> (i128, i32, i32) {
        let Field::Decimal(decimal) = field(row, name) else {
            panic!("{name}: {row:?}");
        };
        let mut bytes = [if decimal.data()[0] >= 0x80 { 0xff } else { 0 }; 16];
        bytes[16 - decimal.data().len()..].copy_from_slice(decimal.data());
        (
            i128::from_be_bytes(bytes),
            decimal.precision(),
            decimal.scale(),
        )
    }

    #[test]
    fn every_value_is_read_back_to_its_last_digit() {
        let bars = [bar(0), bar(1)];
        let rows = rows(&written(&[bars.to_vec()]));
        assert_eq!(rows.len(), 2);
        for (row, bar) in rows.iter().zip(bars) {
            for (name, price) in [
                ("open_price", bar.open),
                ("high_price", bar.high),
                ("low_price", bar.low),
                ("close_price", bar.close),
                ("split_coefficient", Price::from_units(Price::ONE)),
            ] {
                assert_eq!(units(row, name), (price.units().into(), 19, 8), "{name}");
            }
            assert_eq!(units(row, "volume"), (bar.volume.units(), 27, 8));
            let micros = bar.timestamp.timestamp_micros();
            assert_eq!(field(row, "timestamp"), Field::TimestampMicros(micros));
            let day = bar.trading_date.to_epoch_days();
            assert_eq!(field(row, "trading_date"), Field::Date(day));
            assert_eq!(field(row, "final"), Field::Bool(bar.is_final));
            assert_eq!(field(row, "dividend_amount"), Field::Null);
            for (name, text) in [
                ("symbol", "IBM"),
                ("interval", "1min"),
                ("source", "alpha_vantage"),
            ] {
                assert_eq!(field(row, name), Field::Str(text.to_owned()));
            }
        }
        assert_eq!(units(&rows[0], "adjusted_close").0, 28_357_000_001);
        assert_eq!(field(&rows[1], "adjusted_close"), Field::Null);
    }

    #[test]
    fn the_currency_is_there_where_it_is_known() {
        let file = tempfile::tempfile().unwrap();
        let mut writer = ParquetWriter::<_, Bar>::new(file.try_clone().unwrap()).unwrap();
        for of in [of(Some("GBX")), of(None)] {
            writer.write(&of, &[bar(0), bar(1)]).unwrap();
        }
        writer.finish().unwrap();
        let rows = rows(&SerializedFileReader::new(file).unwrap());
        let currencies: Vec<Field> = rows.iter().map(|row| field(row, "currency")).collect();
        let pence = Field::Str("GBX".to_owned());
        assert_eq!(currencies, [pence.clone(), pence, Field::Null, Field::Null]);
    }

    #[test]
    fn a_file_says_who_wrote_it_and_nothing_else_of_its_origin() {
        let reader = written(&[vec![bar(0)]]);
        let metadata = reader.metadata();
        let version = format!("pipeline-tui version {}", env!("CARGO_PKG_VERSION"));
        let file = metadata.file_metadata();
        assert_eq!(file.created_by(), Some(version.as_str()));
        assert!(file.key_value_metadata().is_none_or(Vec::is_empty));
        for column in metadata.row_group(0).columns() {
            assert!(matches!(column.compression(), Compression::ZSTD(_)));
        }
        let names = file
            .schema_descr()
            .columns()
            .iter()
            .map(|column| column.name().to_owned());
        let expected: Vec<&str> = Bar::columns().iter().map(|column| column.name).collect();
        assert_eq!(names.collect::<Vec<_>>(), expected);
        let utc = LogicalType::timestamp(true, TimeUnit::MICROS);
        assert_eq!(file.schema_descr().column(3).logical_type_ref(), Some(&utc));
    }

    #[test]
    fn a_series_without_bars_is_a_file_with_columns_and_no_rows() {
        for pieces in [vec![], vec![vec![]]] {
            let reader = written(&pieces);
            assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
            assert_eq!(
                reader
                    .metadata()
                    .file_metadata()
                    .schema_descr()
                    .num_columns(),
                Bar::columns().len()
            );
            assert!(rows(&reader).is_empty());
        }
    }

    #[test]
    fn memory_holds_one_row_group_however_many_bars_there_are() {
        let file = tempfile::tempfile().unwrap();
        let mut writer = ParquetWriter::new(file.try_clone().unwrap()).unwrap();
        let (piece, pieces) = (9_999_i64, 23_i64);
        for number in 0..pieces {
            let bars: Vec<Bar> = (number * piece..(number + 1) * piece).map(bar).collect();
            writer.write(&of(None), &bars).unwrap();
            assert!(writer.waiting.len() < ROW_GROUP && writer.waiting.capacity() == ROW_GROUP);
            let all = usize::try_from((number + 1) * piece).unwrap();
            let gone: i64 = writer
                .file
                .flushed_row_groups()
                .iter()
                .map(RowGroupMetaData::num_rows)
                .sum();
            assert_eq!(usize::try_from(gone).unwrap(), all - all % ROW_GROUP);
        }
        writer.finish().unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let groups = reader
            .metadata()
            .row_groups()
            .iter()
            .map(RowGroupMetaData::num_rows);
        assert_eq!(groups.collect::<Vec<_>>(), [100_000, 100_000, 29_977]);
        let opens = rows(&reader);
        let opens = opens.iter().map(|row| units(row, "open_price").0);
        assert!(opens.eq((0..piece * pieces).map(|number| 28_357_000_000 + i128::from(number))));
    }

    /// Accepts nothing more.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_still_known_as_one() {
        let mut writer = ParquetWriter::new(Full).unwrap();
        let bars: Vec<Bar> = (0..10).map(bar).collect();
        writer.write(&of(None), &bars).unwrap();
        assert_eq!(
            writer.finish().unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
    }
}
