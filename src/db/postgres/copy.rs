//! Writes bars with a binary COPY, the cheapest way into a table: for series that are new to it.
//!
//! COPY has no `ON CONFLICT`: the caller checks first, and has another way if another process was
//! faster.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::model::{Bar, Price, SeriesKey, Volume};

const STATEMENT: &str = "COPY stock_data (source, symbol, interval, adjusted, timestamp, trading_date, \
    open_price, high_price, low_price, close_price, volume, final, adjusted_close, dividend_amount, split_coefficient) \
    FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 15;
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
const NULL: i32 = -1;
/// Bytes that are sent at once.
const PIECE: usize = 64 << 10;
/// The server counts microseconds and days from 2000-01-01, in these seconds and days since 1970.
const EPOCH_SECONDS: i64 = 946_684_800;
const EPOCH_DAYS: i32 = 10_957;

/// Writes bars that are not there yet; returns how many.
pub(super) async fn copy(
    connection: &mut PgConnection,
    series: &SeriesKey,
    bars: &[&Bar],
) -> Result<u64, sqlx::Error> {
    let mut stream = connection.copy_in_raw(STATEMENT).await?;
    let mut piece = Vec::with_capacity(PIECE + 512);
    piece.extend_from_slice(HEADER);
    for bar in bars {
        put_row(&mut piece, series, bar);
        if piece.len() >= PIECE {
            stream.send(piece.as_slice()).await?;
            piece.clear();
        }
    }
    piece.extend_from_slice(&TRAILER.to_be_bytes());
    stream.send(piece.as_slice()).await?;
    stream.finish().await
}

fn put_row(out: &mut Vec<u8>, series: &SeriesKey, bar: &Bar) {
    out.extend_from_slice(&COLUMNS.to_be_bytes());
    put(out, series.source.as_str().as_bytes());
    put(out, series.symbol.as_str().as_bytes());
    put(out, series.interval.as_str().as_bytes());
    put(out, &[u8::from(series.is_stored_adjusted())]);
    let micros = (bar.timestamp.timestamp() - EPOCH_SECONDS) * 1_000_000;
    put(
        out,
        &(micros + i64::from(bar.timestamp.timestamp_subsec_micros())).to_be_bytes(),
    );
    put(out, &days(bar.trading_date).to_be_bytes());
    for price in [bar.open, bar.high, bar.low, bar.close] {
        put_price(out, price);
    }
    put_volume(out, bar.volume);
    put(out, &[u8::from(bar.is_final)]);
    for extra in [
        bar.adjusted_close,
        bar.dividend_amount,
        bar.split_coefficient,
    ] {
        match extra {
            Some(price) => put_price(out, price),
            None => out.extend_from_slice(&NULL.to_be_bytes()),
        }
    }
}

fn days(date: NaiveDate) -> i32 {
    date.to_epoch_days() - EPOCH_DAYS
}

/// A field: its length, then its bytes. None is longer than a symbol.
fn put(out: &mut Vec<u8>, field: &[u8]) {
    let length = i32::try_from(field.len()).unwrap_or(i32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field);
}

const BASE: u64 = 10_000;
/// The power of the lowest digit: there are two after the point.
const LAST: i16 = -2;

fn put_price(out: &mut Vec<u8>, price: Price) {
    const NEGATIVE: i16 = 0x4000;
    const SCALE: i16 = 8;
    let sign = if price.units() < 0 { NEGATIVE } else { 0 };
    put_numeric(out, digits(price.units().unsigned_abs()), sign, SCALE);
}

fn put_volume(out: &mut Vec<u8>, volume: Volume) {
    let fraction = u64::from(volume.fraction());
    let [low, high, ..] = digits(fraction);
    let whole = digits(volume.whole().unsigned_abs());
    let mut all = [low, high].into_iter().chain(whole);
    let zeros = (0..8_u32).take_while(|zeros| fraction % 10_u64.pow(zeros + 1) == 0);
    let scale = i16::try_from(8 - zeros.count()).unwrap_or(8);
    put_numeric(out, [0; 7].map(|_: i16| all.next().unwrap_or(0)), 0, scale);
}

/// Digits in base 10,000, the lowest first: 19 decimal digits make five of these.
fn digits(mut rest: u64) -> [i16; 7] {
    [0; 7].map(|_: i16| {
        let digit = i16::try_from(rest % BASE).unwrap_or(0);
        rest /= BASE;
        digit
    })
}

/// A number as the server stores it: how many digits in base 10,000, the power of the first, the
/// sign, how many decimals are shown after the point, and the digits without zeros at either end.
fn put_numeric(out: &mut Vec<u8>, digits: [i16; 7], sign: i16, scale: i16) {
    let count = digits
        .iter()
        .rposition(|digit| *digit != 0)
        .map_or(0, |last| last + 1);
    let zeros = digits
        .iter()
        .take(count)
        .take_while(|digit| **digit == 0)
        .count();
    let first = match i16::try_from(count) {
        Ok(count @ 1..) => LAST + count - 1,
        _ => 0,
    };
    let kept = count - zeros;
    let head = [i16::try_from(kept).unwrap_or(0), first, sign, scale];
    let bytes = 2 * (head.len() + kept);
    out.extend_from_slice(&i32::try_from(bytes).unwrap_or(0).to_be_bytes());
    for part in head
        .iter()
        .chain(digits.iter().skip(zeros).take(kept).rev())
    {
        out.extend_from_slice(&part.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use sqlx::Postgres;
    use sqlx::encode::Encode;
    use sqlx::postgres::PgArgumentBuffer;

    use super::*;

    /// What the driver writes for the same value, except that it may keep fewer decimals.
    fn by_the_driver(decimal: Decimal) -> Vec<u8> {
        let mut buffer = PgArgumentBuffer::default();
        let _ = <Decimal as Encode<'_, Postgres>>::encode_by_ref(&decimal, &mut buffer).unwrap();
        buffer.to_vec()
    }

    fn ours(units: i64) -> Vec<u8> {
        let mut out = vec![];
        put_price(&mut out, Price::from_units(units));
        assert_eq!(
            out.len(),
            4 + usize::try_from(i32::from_be_bytes(out[..4].try_into().unwrap())).unwrap()
        );
        out.split_off(4)
    }

    #[test]
    fn a_price_has_the_digits_of_the_server() {
        // 12,345.6789 = 1 x 10000 + 2345 + 6789 / 10000
        let parts = [3_i16, 1, 0, 8, 1, 2_345, 6_789];
        assert_eq!(
            ours(1_234_567_890_000),
            parts.map(i16::to_be_bytes).concat()
        );
        assert_eq!(ours(0), [0_i16, 0, 0, 8].map(i16::to_be_bytes).concat());
        assert_eq!(ours(1), [1_i16, -2, 0, 8, 1].map(i16::to_be_bytes).concat());
        assert_eq!(
            ours(-100_000_000),
            [1_i16, 0, 0x4000, 8, 1].map(i16::to_be_bytes).concat()
        );
    }

    #[test]
    fn a_date_is_counted_from_2000() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        assert_eq!(days(date(2000, 1, 1)), 0);
        assert_eq!(days(date(1999, 12, 31)), -1);
        assert_eq!(days(date(2026, 11, 25)), 9_825);
    }

    proptest! {
        #[test]
        fn a_price_is_written_as_the_driver_writes_it(units in 0_i64..9_000_000_000_000_000_000) {
            let (ours, theirs) = (ours(units), by_the_driver(Price::from_units(units).to_decimal()));
            // Bytes 6 and 7 are the decimals that are shown: the column's type sets them anyway.
            prop_assert_eq!(&ours[..6], &theirs[..6]);
            prop_assert_eq!(&ours[8..], &theirs[8..]);
        }
    }

    proptest! {
        #[test]
        fn a_volume_is_written_as_the_driver_writes_it(
            whole in (0..63_u32).prop_flat_map(|bits| 0..=i64::MAX >> bits),
            fraction in prop_oneof![Just(0), 0..Volume::ONE, (0..100_u32).prop_map(|n| n * 1_000_000)],
        ) {
            let volume = Volume::new(whole, fraction).unwrap();
            let mut ours = vec![];
            put_volume(&mut ours, volume);
            prop_assert_eq!(&ours[4..], &by_the_driver(volume.to_decimal())[..]);
        }
    }
}
