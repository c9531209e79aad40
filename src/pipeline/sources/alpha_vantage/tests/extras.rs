//! Rows in which an adjusted close, a dividend or a split cannot be used.

use super::*;

/// A daily row with these extras.
fn adjusted_row(close: &str, dividend: &str, split: &str) -> String {
    let good = GOOD.strip_suffix('}').unwrap();
    format!(
        r#"{good}, "5. adjusted close": {close}, "7. dividend amount": {dividend}, "8. split coefficient": {split}}}"#
    )
}

fn read_adjusted(body: &str, datatype: Datatype) -> Reading {
    let daily = asked("IBM", Interval::Daily, true, datatype);
    read(&daily, &answer(200, body.to_owned())).unwrap()
}

#[test]
fn an_extra_that_cannot_be_used_costs_its_row_nothing_else() {
    for bad in [
        "null",
        "\"\"",
        "\"None\"",
        "\"NaN\"",
        "\"-0.25\"",
        "-1",
        "\"9e9\"",
        "[]",
        "\"1,0\"",
    ] {
        for (place, field) in ["adjusted close", "dividend amount", "split coefficient"]
            .into_iter()
            .enumerate()
        {
            let mut extras = ["\"1\"", "\"0\"", "\"2.0\""];
            extras[place] = bad;
            let [close, dividend, split] = extras;
            let body = document(&[("2026-05-15", &adjusted_row(close, dividend, split))])
                .replace(r#""4. Interval": "5min", "#, "")
                .replace("5min", "Daily");
            let reading = read_adjusted(&body, Datatype::Json);
            let [bar] = reading.bars[..] else {
                panic!("{bad}: {reading:?}")
            };
            let kept = [
                bar.adjusted_close,
                bar.dividend_amount,
                bar.split_coefficient,
            ];
            for (at, extra) in kept.iter().enumerate() {
                assert_eq!(extra.is_some(), at != place, "{field} {bad}");
            }
            assert_eq!(
                (bar.volume.whole(), reading.received, reading.set_aside),
                (8, 1, 1)
            );
            let reason = &reading.rejected[0].reason;
            assert!(
                reason.starts_with(field) && reason.ends_with("; only this value is set aside"),
                "{reason}"
            );
        }
    }
}

#[test]
fn an_extra_is_set_aside_in_csv_too() {
    let header =
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient\n";
    let rows = [
        "2026-05-15,1,1,1,1,0,9,0.0000,1.0",
        "2026-05-14,1,1,1,1,1,9,,1.0",
        "2026-05-13,1,1,1,1,1,9,0,None",
        // Cut short, and without a single extra.
        "2026-05-12,1,1,1,1,1,9",
        "2026-05-11,1,1,1,1,-1,9,-1,\u{fffd}",
        // The row itself is wrong: it is rejected once, whatever its extras are.
        "2026-05-08,0,1,1,1,-1,9,-1,-1",
    ];
    let reading = read_adjusted(&format!("{header}{}\n", rows.join("\n")), Datatype::Csv);
    let extras: Vec<_> = reading
        .bars
        .iter()
        .map(|bar| {
            [
                bar.adjusted_close,
                bar.dividend_amount,
                bar.split_coefficient,
            ]
            .map(|extra| extra.is_some())
        })
        .collect();
    assert_eq!(
        extras,
        [
            [false, false, false],
            [true, false, false],
            [true, true, false],
            [true, false, true],
            [true, true, true],
        ]
    );
    assert_eq!(
        (reading.received, reading.set_aside, reading.rejected.len()),
        (6, 7, 8)
    );
    assert_eq!(reading.bars[4].adjusted_close.unwrap().units(), 0);
}
