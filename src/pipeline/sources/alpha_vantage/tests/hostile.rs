//! Damaged, hostile and random answers.

use proptest::prelude::*;

use super::*;

#[test]
fn a_document_cut_anywhere_is_refused_and_never_half_read() {
    let newer = GOOD.replace("283.5300", "28\\u0033.53");
    let json = document(&[(LABEL, &newer), ("2025-07-11 19:50:00", GOOD)]);
    for end in 0..json.len() {
        let refusal = read(&ibm(), &answer(200, json.as_bytes()[..end].to_vec())).unwrap_err();
        assert_eq!(refusal.class, ErrorClass::Malformed, "{end}");
    }
    assert!(read_json(&json).is_ok());
    let csv = format!(
        "timestamp,open,high,low,close,volume\r\n{LABEL},1,1,1,1,8\r\n2025-07-11 19:50:00,1,1,1,1,8\r\n"
    );
    let whole = read_csv(&csv).unwrap();
    for end in 0..csv.len() {
        let cut = csv.get(..end).unwrap();
        match read_csv(cut) {
            // A cut between two lines cannot be seen; what is read is right as far as it goes.
            Ok(part) => assert!(
                cut.ends_with('\n') && whole.bars.ends_with(&part.bars),
                "{end}"
            ),
            Err(refusal) if cut.ends_with('\n') => assert_eq!(refusal.class, ErrorClass::NoData),
            Err(refusal) => assert_eq!(refusal.class, ErrorClass::Malformed, "{end}"),
        }
    }
}

#[test]
fn bombs_are_bounded() {
    let deep = format!("{{\"a\": {}", "[".repeat(1 << 20));
    let deep_row = document(&[(LABEL, &"{\"1. open\": ".repeat(10_000))]);
    let keys: Vec<_> = (0..1_000_000).map(|key| format!("\"{key}\":0")).collect();
    let wide = format!("{{{}}}", keys.join(","));
    let many = format!("{{{META}, \"Time Series (5min)\": {wide}}}");
    let long = document(&[(LABEL, &format!("\"{}\"", "x".repeat(8 << 20)))]);
    assert_eq!(class(&deep), ErrorClass::Malformed);
    assert_eq!(class(&deep_row), ErrorClass::Malformed);
    assert_eq!(class(&wide), ErrorClass::Malformed);
    assert_eq!(sentence(&many), "the answer has more than 200,000 rows");
    assert_eq!(read_json(&long).unwrap().rejected.len(), 1);
    for text in ["\\ud800", "\\udc00\\ud800", "\\u0000", "\\u00"] {
        let _ = read_json(&document(&[(text, GOOD)]));
        let _ = read_json(&document(&[(LABEL, &GOOD.replace("283.5300", text))]));
    }
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (2000..2030_i32, 1..13_u32, 1..32_u32, 0..25_u32, 0..61_u32)
            .prop_map(|(y, mo, d, h, mi)| format!("{y}-{mo:02}-{d:02} {h:02}:{mi:02}:00")),
        1 => "\\PC{0,24}",
    ]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        6 => "[0-9]{1,4}(\\.[0-9]{0,10})?".prop_map(Into::into),
        1 => any::<f64>().prop_map(Into::into),
        1 => any::<i64>().prop_map(Into::into),
        1 => "(?s).{0,12}".prop_map(Into::into),
        1 => Just(serde_json::Value::Null),
    ]
}

proptest! {
    #[test]
    fn whatever_the_rows_hold_bars_are_sound_and_none_is_lost(
        rows in prop::collection::vec((label(), prop::collection::vec(value(), 5)), 1..40),
    ) {
        let names = ["1. open", "2. high", "3. low", "4. close", "5. volume"];
        let rows: Vec<_> = rows.into_iter().map(|(label, values)| {
            let row: serde_json::Map<_, _> = names.iter().map(|name| (*name).to_owned()).zip(values).collect();
            format!("{}: {}", serde_json::Value::from(label), serde_json::Value::from(row))
        }).collect();
        let body = format!("{{{META}, \"Time Series (5min)\": {{{}}}}}", rows.join(","));
        match read_json(&body) {
            Ok(reading) => {
                prop_assert_eq!(reading.received as usize, rows.len());
                prop_assert_eq!(reading.bars.len() + reading.rejected.len(), rows.len());
                prop_assert!(reading.bars.is_sorted_by(|a, b| a.timestamp < b.timestamp));
                for bar in &reading.bars {
                    prop_assert!(bar.low.units() > 0 && bar.low <= bar.open && bar.low <= bar.close);
                    prop_assert!(bar.open <= bar.high && bar.close <= bar.high);
                }
            }
            Err(refusal) => prop_assert_eq!(refusal.class, ErrorClass::Malformed),
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..600_u16) {
        let _ = read(&ibm(), &answer(status, body));
    }
}
