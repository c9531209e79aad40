//! What answers become: documented ones and those with a flaw.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::DateTime;

use self::super::options::{Datatype, Options};
use super::*;
use crate::model::{ErrorClass, Interval, Reading};

mod extras;
mod hostile;
mod recorded;

fn asked(symbol: &str, interval: Interval, adjusted: bool, datatype: Datatype) -> Request {
    let series = SeriesKey {
        adjusted,
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    };
    let options = Options {
        datatype: Some(datatype),
        ..Options::default()
    };
    plan::request(&series, &options, false).unwrap()
}

fn ibm() -> Request {
    asked("IBM", Interval::Min5, false, Datatype::Json)
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer {
        status,
        content_type: None,
        body: body.into(),
        received_at: DateTime::UNIX_EPOCH,
        elapsed_ms: 0,
        stated: None,
    }
}

fn read_json(body: &str) -> Result<Reading, Refusal> {
    read(&ibm(), &answer(200, body.to_owned()))
}

fn read_csv(body: &str) -> Result<Reading, Refusal> {
    let ask = asked("IBM", Interval::Min5, false, Datatype::Csv);
    read(&ask, &answer(200, body.to_owned()))
}

const META: &str = r#""Meta Data": {"1. Information": "x", "2. Symbol": "IBM", "4. Interval": "5min", "6. Time Zone": "US/Eastern"}"#;
const GOOD: &str = r#"{"1. open": "283.5300", "2. high": "283.5699", "3. low": "283.5300", "4. close": "283.5699", "5. volume": "8"}"#;

fn document(rows: &[(&str, &str)]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|(label, row)| format!("\"{label}\": {row}"))
        .collect();
    format!(
        "{{{META}, \"Time Series (5min)\": {{{}}}}}",
        rows.join(", ")
    )
}

fn class(body: &str) -> ErrorClass {
    read_json(body).unwrap_err().class
}

fn sentence(body: &str) -> String {
    let refusal = read_json(body).unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Malformed, "{}", refusal.text);
    refusal.text
}

/// The reason why a single row is refused.
fn reason(label: &str, row: &str) -> String {
    let reading = read_json(&document(&[(label, row)])).unwrap();
    assert_eq!(
        (reading.bars.len(), reading.received, reading.rejected.len()),
        (0, 1, 1)
    );
    reading.rejected[0].reason.clone()
}

fn row(open: &str, high: &str, low: &str, close: &str, volume: &str) -> String {
    format!(
        r#"{{"1. open": {open}, "2. high": {high}, "3. low": {low}, "4. close": {close}, "5. volume": {volume}}}"#
    )
}

const LABEL: &str = "2025-07-11 19:55:00";

#[test]
fn a_documented_answer_becomes_bars_oldest_first() {
    let body = document(&[(LABEL, GOOD), ("2025-07-11 19:50:00", GOOD)]);
    let reading = read_json(&body).unwrap();
    assert_eq!(
        (reading.received, reading.rejected.len(), reading.rounded),
        (2, 0, 0)
    );
    let [first, last] = reading.bars[..] else {
        panic!("{reading:?}")
    };
    assert_eq!(first.timestamp.to_string(), "2025-07-11 23:50:00 UTC");
    assert_eq!(last.timestamp.to_string(), "2025-07-11 23:55:00 UTC");
    assert_eq!(last.trading_date.to_string(), "2025-07-11");
    assert_eq!(
        (last.open.to_string(), last.high.to_string()),
        ("283.5300".into(), "283.5699".into())
    );
    assert_eq!((last.volume.whole(), last.has_adjustments()), (8, false));
}

#[test]
fn order_decoration_escapes_and_a_mark_at_the_start_change_nothing() {
    let plain = read_json(&document(&[(LABEL, GOOD)])).unwrap();
    let series_first = format!(
        r#"{{"Time Series (5min) - DATA DELAYED BY 15 MINUTES": {{"{LABEL}": {GOOD}}}, "extra": [1, {{"a": null}}], {META}}}"#
    );
    assert_eq!(read_json(&series_first).unwrap(), plain);
    assert_eq!(
        read_json(&format!("\u{feff}\r\n {}", document(&[(LABEL, GOOD)]))).unwrap(),
        plain
    );
    let escaped = document(&[(
        "2025\\u002d07-11 19:55:00",
        &GOOD.replace("283.5300", "283\\u002e5300"),
    )]);
    assert_eq!(read_json(&escaped).unwrap(), plain);
    let renumbered = GOOD
        .replace("5. volume", "6. volume")
        .replace("1. open", "1a. open");
    assert_eq!(
        read_json(&document(&[(LABEL, &renumbered)])).unwrap(),
        plain
    );
    let numbers = row("283.53", "283.5699", "283.53", "283.5699", "8");
    assert_eq!(read_json(&document(&[(LABEL, &numbers)])).unwrap(), plain);
    let lower = document(&[(LABEL, GOOD)]).replace("\"IBM\"", "\"ibm\"");
    assert_eq!(read_json(&lower).unwrap(), plain);
}

#[test]
fn csv_and_json_agree() {
    let json = read_json(&document(&[(LABEL, GOOD)])).unwrap();
    for end in ["\r\n", "\n"] {
        for header in ["timestamp", "time"] {
            let body = format!(
                "{header},open,high,low,close,volume{end}{LABEL},283.5300,283.5699,283.5300,283.5699,8{end}"
            );
            assert_eq!(read_csv(&body).unwrap(), json);
            assert_eq!(read_csv(&format!("\u{feff}{body}")).unwrap(), json);
        }
    }
}

#[test]
fn answers_without_a_bar_are_no_data() {
    for body in ["{}", " {\n} ", &document(&[])] {
        assert_eq!(class(body), ErrorClass::NoData, "{body}");
    }
    let header = "timestamp,open,high,low,close,volume\r\n";
    assert_eq!(read_csv(header).unwrap_err().class, ErrorClass::NoData);
}

#[test]
fn answers_to_another_question_are_refused_whole() {
    let good = document(&[(LABEL, GOOD)]);
    assert_eq!(
        sentence(&good.replace("\"IBM\"", "\"MSFT\"")),
        "the answer is for MSFT, not IBM"
    );
    assert_eq!(
        sentence(&good.replace("\"5min\"", "\"15min\"")),
        "the answer holds 15min bars, not 5min"
    );
    assert_eq!(
        sentence(&good.replace("(5min)", "(60min)")),
        "the answer holds 60min bars, not 5min"
    );
    assert_eq!(
        sentence(&good.replace("Time Series (5min)", "Weekly Time Series")),
        "the answer holds weekly bars, not 5min"
    );
    assert!(sentence(&good.replace("2. Symbol", "2. Name")).contains("which symbol"));
    assert!(sentence(&good.replace("6. Time Zone", "6. Zone")).contains("time zone"));
    assert!(sentence(&good.replace("US/Eastern", "Mars/North")).contains("Mars/North"));
    assert!(sentence(&good.replace("Time Series", "Table")).contains("no time series"));
    assert!(
        sentence(&good.replacen('{', "{\"Time Series (5min)\": {}, ", 1))
            .contains("two time series")
    );
}

#[test]
fn shapes_nobody_documented_are_refused_in_words() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "\"text\"",
        "7",
        "{\"Global Quote\": {}}",
        "{\"bestMatches\": []}",
        "{\"Time Series (5min)\": null}",
        "{\"Time Series (5min)\": []}",
        "{} {}",
        "{\"a\": tru}",
        "Exceeded the daily hits limit",
        "symbol,name\nIBM,x\n",
        "{,timestamp,open",
    ] {
        assert!(!sentence(body).is_empty(), "{body}");
    }
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [utf16, b"\xff\xfe{}".to_vec(), b"{\"a\": \"\xff\"}".to_vec()] {
        let refusal = read(&ibm(), &answer(200, body)).unwrap_err();
        assert_eq!(refusal.class, ErrorClass::Malformed);
    }
    assert!(sentence("timestamp,open,high,low,close,volume\n").contains("JSON was requested"));
    let strange = sentence("a\u{1b}[2Jb");
    assert!(
        !strange.contains('\u{1b}') && strange.contains("1b"),
        "{strange}"
    );
}

#[test]
fn csv_headers_must_be_those_of_the_function() {
    let with_spaces = "timestamp,open,high,low,close,adjusted close,volume,dividend amount\r\n2021-04-23,719.6,753.77,691.8,729.4,72.94,169804356,0.5\r\n";
    let weekly = asked("TSLA", Interval::Weekly, true, Datatype::Csv);
    let reading = read(&weekly, &answer(200, with_spaces)).unwrap();
    let [bar] = reading.bars[..] else {
        panic!("{reading:?}")
    };
    assert_eq!(bar.adjusted_close.unwrap().to_string(), "72.9400");
    assert_eq!(bar.dividend_amount.unwrap().to_string(), "0.5000");
    assert_eq!(bar.split_coefficient, None);
    assert_eq!(bar.timestamp.to_string(), "2021-04-23 04:00:00 UTC");
    for header in [
        with_spaces,
        "timestamp,open,high,low,close\n",
        "timestamp,open,low,high,close,volume\n",
        "symbol,open,high,low,close,volume\n",
    ] {
        assert_eq!(
            read_csv(header).unwrap_err().class,
            ErrorClass::Malformed,
            "{header}"
        );
    }
}

#[test]
fn csv_rows_that_are_short_long_or_quoted_spoil_only_themselves() {
    let reading = read_csv("timestamp,open,high,low,close,volume\n2025-07-11 19:55:00,1,1,1\n2025-07-11 19:50:00,\"1\",1,1,1,1,7,7\n\n,,,,,\n").unwrap();
    assert_eq!((reading.received, reading.bars.len()), (3, 1));
    let reasons: Vec<_> = reading
        .rejected
        .iter()
        .map(|row| row.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "close is missing",
            "the label is not a date or time between 1900 and 2200"
        ]
    );
}

#[test]
fn every_bad_value_refuses_its_row_with_a_reason() {
    let one = "\"1\"";
    for (value, why) in [
        ("\"NaN\"", "open is not a plain decimal number"),
        ("\"inf\"", "open is not a plain decimal number"),
        ("\"-1\"", "open is not a plain decimal number"),
        ("-1", "open is not a plain decimal number"),
        ("\"+1\"", "open is not a plain decimal number"),
        ("\"1e400\"", "open is not a plain decimal number"),
        ("\"1,234.5\"", "open is not a plain decimal number"),
        ("\"1_0\"", "open is not a plain decimal number"),
        ("\"1.\"", "open is not a plain decimal number"),
        ("\" 1\"", "open is not a plain decimal number"),
        ("\"\"", "open is not a plain decimal number"),
        ("\"0\"", "open is zero"),
        ("\"0.000000001\"", "open is zero"),
        (
            "\"111111111111111111111111111111\"",
            "open is 90,000,000,000 or more",
        ),
        ("1e300", "open is 90,000,000,000 or more"),
        ("null", "open is missing"),
        ("true", "open is missing"),
        ("[1]", "open is missing"),
        ("{\"a\": 1}", "open is missing"),
        ("\"2\"", "open is above high"),
        ("\"0.5\"", "low is above open"),
    ] {
        assert_eq!(
            reason(LABEL, &row(value, one, one, one, one)),
            why,
            "{value}"
        );
    }
    assert_eq!(
        reason(LABEL, &row(one, one, one, "\"2\"", one)),
        "close is above high"
    );
    assert_eq!(
        reason(LABEL, &row("\"2\"", one, "\"2\"", "\"2\"", one)),
        "low is above high"
    );
    for value in ["\"-1\"", "\"\"", "\"1.\"", "\".0\"", "\"1e3\"", "\"+1\""] {
        assert_eq!(
            reason(LABEL, &row(one, one, one, one, value)),
            "volume is not a plain decimal number",
            "{value}"
        );
    }
    assert_eq!(
        reason(LABEL, &row(one, one, one, one, "\"9223372036854775808\"")),
        "volume is above 9223372036854775807"
    );
    for value in ["null", "7", "\"x\"", "[]", "{}", "false", "-1", "1.5"] {
        assert_eq!(reason(LABEL, value), "open is missing", "{value}");
    }
}

#[test]
fn volumes_are_stored_as_sent_however_written() {
    for (value, volume) in [
        ("\"300.0\"", "300"),
        ("300.0", "300"),
        ("\"0\"", "0"),
        ("\"9223372036854775807\"", "9223372036854775807"),
        ("\"007\"", "7"),
        ("\"6321531.562155\"", "6321531.562155"),
        ("0.0000000049", "0"),
    ] {
        let reading = read_json(&document(&[(LABEL, &row("1", "1", "1", "1", value))])).unwrap();
        assert_eq!(reading.bars[0].volume.to_string(), volume, "{value}");
        let is_rounded = value.contains("49");
        assert_eq!(reading.rounded, u32::from(is_rounded), "{value}");
    }
}

#[test]
fn digits_past_the_eighth_are_rounded_and_counted() {
    let noisy = row(
        "\"236.13099999999997\"",
        "\"237\"",
        "\"1.000000001\"",
        "\"2.500000000\"",
        "1",
    );
    let reading = read_json(&document(&[(LABEL, &noisy)])).unwrap();
    assert_eq!(
        (reading.rounded, reading.bars[0].open.to_string().as_str()),
        (2, "236.1310")
    );
    let refused = row("\"236.13099999999997\"", "\"1\"", "\"1\"", "\"1\"", "1");
    assert_eq!(
        read_json(&document(&[(LABEL, &refused)])).unwrap().rounded,
        0
    );
}

#[test]
fn labels_that_name_no_instant_refuse_their_row() {
    for label in [
        "2026-02-30 10:00:00",
        "0000-01-01 10:00:00",
        "10000-01-01 10:00:00",
        "2026-05-15 10:00:60",
        "",
        "soon",
    ] {
        assert!(
            reason(label, GOOD).starts_with("the label is not"),
            "{label}"
        );
    }
    assert_eq!(reason("2026-05-15", GOOD), "the label has no time of day");
    assert!(reason("2026-03-08 02:30:00", GOOD).contains("skip"));
    let reading = read_json(&document(&[("2026-11-01 01:30:00", GOOD)])).unwrap();
    assert_eq!(
        reading.bars[0].timestamp.to_string(),
        "2026-11-01 05:30:00 UTC"
    );
}

#[test]
fn of_two_rows_with_one_instant_the_last_wins() {
    let newer = GOOD.replace("\"8\"", "\"9\"");
    let body = document(&[
        (LABEL, GOOD),
        ("2025-07-11 19:50:00", GOOD),
        (LABEL, &newer),
    ]);
    let reading = read_json(&body).unwrap();
    assert_eq!(
        (
            reading.received,
            reading.bars.len(),
            reading.bars[1].volume.whole()
        ),
        (3, 2, 9)
    );
    let [lost] = &reading.rejected[..] else {
        panic!("{reading:?}")
    };
    assert_eq!(
        (lost.label.as_str(), lost.reason.as_str()),
        (LABEL, "duplicate instant")
    );
    assert!(lost.content.ends_with("volume 8"), "{}", lost.content);
}

#[test]
fn of_two_labels_in_one_period_the_newest_wins() {
    let csv = "timestamp,open,high,low,close,volume\n2026-05-14,1,1,1,1,14\n2026-05-15 12:46:09,1,1,1,1,15\n2026-05-08,1,1,1,1,8\n";
    for (interval, bars) in [
        (Interval::Daily, 3),
        (Interval::Weekly, 2),
        (Interval::Monthly, 1),
    ] {
        let reading = read(
            &asked("IBM", interval, false, Datatype::Csv),
            &answer(200, csv),
        )
        .unwrap();
        assert_eq!(
            (reading.received, reading.bars.len(), reading.rejected.len()),
            (3, bars, 3 - bars),
            "{interval}"
        );
        let last = reading.bars.last().unwrap();
        assert_eq!(
            (last.volume.whole(), last.timestamp.to_string().as_str()),
            (15, "2026-05-15 04:00:00 UTC")
        );
    }
}

#[test]
fn an_answer_of_mostly_bad_rows_is_refused_whole() {
    let csv = |bad: usize, good: usize| {
        let mut body = "timestamp,open,high,low,close,volume\n".to_owned();
        for row in 0..bad + good {
            let open = u8::from(row >= bad);
            let (hour, minute) = (row / 12, row % 12 * 5);
            let _ = writeln!(body, "2025-07-11 {hour:02}:{minute:02}:00,{open},1,1,1,1");
        }
        body
    };
    assert!(read_csv(&csv(19, 0)).is_ok());
    assert_eq!(read_csv(&csv(10, 10)).unwrap().rejected.len(), 10);
    let refusal = read_csv(&csv(11, 9)).unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Malformed);
    assert_eq!(
        refusal.text,
        "11 of 20 rows cannot be used; the first: open is zero"
    );
}

#[test]
fn details_of_refused_rows_are_bounded_but_all_are_counted() {
    let mut body = "timestamp,open,high,low,close,volume\n".to_owned();
    for row in 0..3_000 {
        let open = row % 2;
        let (day, hour, minute) = (1 + row / 288, row / 12 % 24, row % 12 * 5);
        let _ = writeln!(
            body,
            "2025-07-{day:02} {hour:02}:{minute:02}:00,{open},1,1,1,1"
        );
    }
    let reading = read_csv(&body).unwrap();
    assert_eq!(
        (reading.received, reading.bars.len(), reading.rejected.len()),
        (3_000, 1_500, 1_000)
    );
    let long = document(&[(
        &"\u{202e}x".repeat(1_000),
        &GOOD.replace("283.5300", &"\\u001b9".repeat(1_000)),
    )]);
    let rejected = read_json(&long).unwrap().rejected;
    assert!(rejected[0].label.chars().count() < 500 && rejected[0].content.chars().count() <= 520);
    assert!(
        !format!("{}{}", rejected[0].label, rejected[0].content).contains(['\u{202e}', '\u{1b}'])
    );
}

#[test]
fn notices_outweigh_data_wherever_they_stand() {
    let premium = r#""Information": "This is a premium endpoint.""#;
    let good = document(&[(LABEL, GOOD)]);
    let notice_last = format!("{}, {premium}}}", good.strip_suffix('}').unwrap());
    let notice_first = good.replacen('{', &format!("{{{premium}, "), 1);
    let nested = good.replace("\"x\"", "\"this is a premium endpoint\"");
    assert_eq!(class(&notice_last), ErrorClass::NotEntitled);
    assert_eq!(class(&notice_first), ErrorClass::NotEntitled);
    assert!(
        read_json(&nested).is_ok(),
        "only the root speaks for the provider"
    );
    assert!(read_json(&good.replacen('{', "{\"Note\": null, ", 1)).is_ok());
    for strange in ["7", "{}", "[]", "false", "\"\""] {
        assert_eq!(
            class(&good.replacen('{', &format!("{{\"Note\": {strange}, "), 1)),
            ErrorClass::Unknown
        );
    }
    let cut = notice_first.get(..notice_first.len() / 2).unwrap();
    assert_eq!(class(cut), ErrorClass::NotEntitled);
}

#[test]
fn other_statuses_never_carry_data() {
    let good = document(&[(LABEL, GOOD)]);
    for (status, body, class) in [
        (404, good.as_str(), ErrorClass::Malformed),
        (404, "not found", ErrorClass::Malformed),
        (204, "", ErrorClass::Malformed),
        (
            406,
            r#"{"detail": "Could not satisfy the request Accept header."}"#,
            ErrorClass::ClientBug,
        ),
        (
            400,
            r#"{"Error Message": "Invalid API call."}"#,
            ErrorClass::BadRequest,
        ),
        (
            503,
            r#"{"Error Message": "Invalid API call."}"#,
            ErrorClass::Outage,
        ),
        (429, "", ErrorClass::Minute),
        (403, "{}", ErrorClass::Blocked),
        (200, "<html></html>", ErrorClass::Outage),
        (200, "\u{feff} <html></html>", ErrorClass::Outage),
    ] {
        let refusal = read(&ibm(), &answer(status, body.to_owned())).unwrap_err();
        assert_eq!(refusal.class, class, "{status} {body}");
    }
}

#[test]
fn a_refusal_is_found_in_answers_to_csv_requests_too() {
    for (name, key, text, class) in refusal::tests::NOTICES {
        let body = serde_json::json!({ *key: text }).to_string();
        assert_eq!(read_csv(&body).unwrap_err().class, *class, "{name}");
        assert_eq!(
            read_json(&format!("\u{feff}\n{body}")).unwrap_err().class,
            *class,
            "{name}"
        );
    }
}
