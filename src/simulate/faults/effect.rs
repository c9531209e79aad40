//! What each fault does to an answer.

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::{Compress, Compression, Crc, FlushCompress};
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, LOCATION};

use super::super::functions::shape::{Row, Sheet};
use super::super::query::{Ask, Function, Minutes};
use super::super::refusal::{Refusal, notice};
use super::super::reply::{Delivery, Reply};

/// The symbol in an answer for another symbol.
const WRONG_SYMBOL: &str = "WRONG";
const MEGABYTE: u32 = 1 << 20;

/// How a fault changes what a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Effect {
    /// Another answer replaces it; the plan is not checked.
    Answer(Canned),
    /// The answer contains something wrong.
    Twist(Twist),
    /// The body ends early, complete as HTTP.
    Truncate(usize),
    /// The right answer arrives in a bad way.
    Deliver(Delivery),
}

/// An answer that does not depend on the market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Canned {
    Refusal(Refusal),
    UnknownText,
    Escape,
    Artificial,
    Empty,
    Status(u16),
    Html,
    Forbidden,
    Redirect(String),
    Garbage,
    Bomb(u32),
}

/// What is wrong in an answer that looks right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Twist {
    NoRows,
    BadRow,
    WrongSymbol,
    WrongInterval,
}

impl Canned {
    /// The answer.
    pub(in super::super) fn reply(&self, function: &str, key: &str) -> Reply {
        let ok = StatusCode::OK;
        match self {
            Self::Refusal(refusal) => refusal.reply(function, key),
            Self::UnknownText => notice(
                "",
                "Information",
                "Thank you for using Alpha Vantage! The stars are not right today.",
            ),
            Self::Escape => notice(
                "",
                "Information",
                "\u{1b}[2J\u{1b}]0;gotcha\u{7}\u{1b}[31mThis request \u{202e}detcejer saw\u{2066} \
                 for reasons\r\n\u{9b}1A unknown\u{200b}.",
            ),
            Self::Artificial => Reply::json("", ARTIFICIAL.to_owned()),
            Self::Empty => Reply::json("", "{}".to_owned()),
            Self::Status(code) => {
                Reply::page("", StatusCode::from_u16(*code).unwrap_or(ok), OUTAGE)
            }
            Self::Html => Reply::page("", ok, BUSY),
            Self::Forbidden => Reply::page("", StatusCode::FORBIDDEN, CHALLENGE),
            Self::Redirect(url) => Reply::page("", StatusCode::FOUND, "").with(LOCATION, url),
            Self::Garbage => Reply::new("", ok, "application/json", GARBAGE),
            Self::Bomb(megabytes) => {
                let mut reply = Reply::new("", ok, "application/json", bomb(*megabytes))
                    .with(CONTENT_ENCODING, "gzip");
                reply.size = u64::from(*megabytes) * u64::from(MEGABYTE);
                reply
            }
        }
    }
}

impl Twist {
    /// The request that is answered instead of the one received.
    pub(in super::super) fn ask(self, mut ask: Ask) -> Ask {
        match self {
            Self::WrongSymbol => WRONG_SYMBOL.clone_into(&mut ask.symbol),
            Self::WrongInterval if ask.function == Function::Intraday => {
                ask.minutes = match ask.minutes {
                    Minutes::Five => Minutes::Fifteen,
                    _ => Minutes::Five,
                };
            }
            Self::WrongInterval => {
                ask.function = match ask.function {
                    Function::Daily => Function::Weekly,
                    Function::DailyAdjusted => Function::WeeklyAdjusted,
                    Function::WeeklyAdjusted | Function::MonthlyAdjusted => Function::DailyAdjusted,
                    _ => Function::Daily,
                };
            }
            Self::NoRows | Self::BadRow => {}
        }
        ask
    }

    /// Spoils the rows of an answer.
    pub(in super::super) fn spoil(self, sheet: &mut Sheet) {
        match self {
            Self::NoRows => sheet.rows.clear(),
            Self::BadRow => spoil_rows(&mut sheet.rows),
            Self::WrongSymbol | Self::WrongInterval => {}
        }
    }
}

/// Spoils rows 2 to 6, counted from 1, each in its own way.
fn spoil_rows(rows: &mut [Row]) {
    let [first, crossed, negative, exponent, impossible, repeated, ..] = rows else {
        return;
    };
    if let [_, high, low, ..] = crossed.fields.as_mut_slice() {
        std::mem::swap(high, low);
        // Equal prices would still be in order.
        "0.0001".clone_into(high);
    }
    let volume = if negative.fields.len() > 5 { 5 } else { 4 };
    if let Some(volume) = negative.fields.get_mut(volume) {
        "-5".clone_into(volume);
    }
    if let Some(open) = exponent.fields.first_mut() {
        "1e5".clone_into(open);
    }
    let time = impossible.label.split_once(' ').map(|(_, time)| time);
    impossible.label = match time {
        Some(time) => format!("2026-02-30 {time}"),
        None => "2026-02-30".to_owned(),
    };
    repeated.label.clone_from(&first.label);
}

/// A gzip file that decodes to this many megabytes of spaces.
///
/// One megabyte is compressed once, flushed so that nothing refers back past its start, and repeated.
fn bomb(megabytes: u32) -> Bytes {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    const LAST_BLOCK: [u8; 2] = [3, 0];
    let spaces = vec![b' '; MEGABYTE as usize];
    let mut block = Vec::with_capacity(64 * 1024);
    let mut deflate = Compress::new(Compression::best(), false);
    if deflate
        .compress_vec(&spaces, &mut block, FlushCompress::Full)
        .is_err()
    {
        return Bytes::new();
    }
    let mut one = Crc::new();
    one.update(&spaces);
    let mut sum = Crc::new();
    let mut packed = BytesMut::from(&HEADER[..]);
    for _ in 0..megabytes {
        packed.put_slice(&block);
        sum.combine(&one);
    }
    packed.put_slice(&LAST_BLOCK);
    packed.put_u32_le(sum.sum());
    packed.put_u32_le(sum.amount());
    packed.freeze()
}

const ARTIFICIAL: &str = r#"{
    "endpoint": "Realtime Bulk Quotes",
    "message": "This is a premium endpoint. ***THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL AND FOR ILLUSTRATION PURPOSES ONLY***. To access the actual data, please subscribe to any premium plan that mentions 'Realtime US Market Data' in its description at https://www.alphavantage.co/premium/ for your personal non-professional use. For professional/commercial use, please contact support at support@alphavantage.co.",
    "data": [
        {
            "symbol": "MSFT",
            "timestamp": "2024-10-18 19:59:55.291",
            "open": "417.61",
            "high": "419.649",
            "low": "416.2601",
            "close": "418.16",
            "volume": "17145307"
        }
    ]
}"#;

const OUTAGE: &str = r#"<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Application Error</title>
</head>
<body>
<iframe src="//www.herokucdn.com/error-pages/application-error.html"></iframe>
</body>
</html>"#;

const BUSY: &str = "<!DOCTYPE html>
<html>
<head><title>Alpha Vantage</title></head>
<body><h1>We are experiencing high load</h1><p>Please try again in a moment.</p></body>
</html>";

const CHALLENGE: &str = r#"<!DOCTYPE html>
<html lang="en-US">
<head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript></body>
</html>"#;

/// Not JSON, not CSV, not a page, not even text.
const GARBAGE: &[u8] =
    b"\x00\xff\xfe\x9b31m\x1b[2J\xc3\x28\xf0\x28\x8c\xbc%PDF\x00\x01\x02\r\n\xe2\x80\xae\x7f\x80";

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_bomb_is_one_sound_gzip_member() {
        let packed = bomb(3);
        assert!(packed.len() < 16 * 1024, "{}", packed.len());
        let mut decoded = Vec::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_end(&mut decoded)
            .unwrap();
        assert_eq!(decoded.len(), 3 * MEGABYTE as usize);
        assert!(decoded.iter().all(|byte| *byte == b' '));
    }

    #[test]
    fn five_rows_are_spoiled() {
        let row = |n: u32| Row {
            label: format!("2026-05-15 10:{n:02}:00"),
            fields: ["2.0000", "3.0000", "1.0000", "2.5000", "7"]
                .map(str::to_owned)
                .into(),
        };
        let mut rows: Vec<_> = (0..8).map(row).collect();
        spoil_rows(&mut rows);
        let high_and_low: Vec<f64> = rows[1].fields[1..3]
            .iter()
            .map(|field| field.parse().unwrap())
            .collect();
        assert!(high_and_low[0] < high_and_low[1]);
        assert_eq!(rows[2].fields[4], "-5");
        assert_eq!(rows[3].fields[0], "1e5");
        assert_eq!(rows[4].label, "2026-02-30 10:04:00");
        assert_eq!(rows[5].label, rows[0].label);
        assert_eq!(rows[6], row(6));
    }
}
