//! Recorded answers of the provider, if they are beside the checkout.

use std::io::Write as _;
use std::path::Path;

use super::*;

/// Recorded answers: file, request, bars.
const RECORDED: &[(&str, &str, Interval, bool, usize)] = &[
    (
        "intraday_1min_MSFT_compact_2018-06-01.json",
        "MSFT",
        Interval::Min1,
        false,
        100,
    ),
    (
        "intraday_5min_MSFT_full_2019-11-29.json",
        "MSFT",
        Interval::Min5,
        false,
        1134,
    ),
    (
        "intraday_5min_IBM_compact_2025-07-11.json",
        "IBM",
        Interval::Min5,
        false,
        100,
    ),
    (
        "intraday_15min_MSFT_trimmed_2018-04-11.json",
        "MSFT",
        Interval::Min15,
        false,
        39,
    ),
    (
        "intraday_60min_IBM_trimmed_2022-02-03.json",
        "IBM",
        Interval::Min60,
        false,
        4,
    ),
    (
        "intraday_5min_IBM_compact_2026-05-15.csv",
        "IBM",
        Interval::Min5,
        false,
        100,
    ),
    (
        "intraday_5min_IBM_compact_2024-01-16.csv",
        "IBM",
        Interval::Min5,
        false,
        100,
    ),
    (
        "intraday_5min_IBM_compact_2023-04-20.csv",
        "IBM",
        Interval::Min5,
        false,
        100,
    ),
    (
        "intraday_5min_IBM_compact_2020-07-27.csv",
        "IBM",
        Interval::Min5,
        false,
        100,
    ),
    (
        "intraday_1min_MSFT_full_2019-11-18.csv",
        "MSFT",
        Interval::Min1,
        false,
        1694,
    ),
    (
        "intraday_1min_XPEV_full_2020-12-28.csv",
        "XPEV",
        Interval::Min1,
        false,
        6750,
    ),
    (
        "extended_intraday_15min_IBM_2021-04-09.csv",
        "IBM",
        Interval::Min15,
        false,
        864,
    ),
    (
        "extended_intraday_1min_MSFT_2020-12-18.csv",
        "MSFT",
        Interval::Min1,
        false,
        11190,
    ),
    (
        "daily_MSFT_compact_2019-07-12.json",
        "MSFT",
        Interval::Daily,
        false,
        100,
    ),
    (
        "daily_IBM_compact_2023-10-27.json",
        "IBM",
        Interval::Daily,
        false,
        100,
    ),
    (
        "daily_adjusted_AAPL_compact_2021-02-05.json",
        "AAPL",
        Interval::Daily,
        true,
        100,
    ),
    (
        "monthly_MSFT_2018-06-08.json",
        "MSFT",
        Interval::Monthly,
        false,
        221,
    ),
    (
        "weekly_adjusted_TSLA_2021-04-23.json",
        "TSLA",
        Interval::Weekly,
        true,
        564,
    ),
    (
        "daily_IBM_compact_2026-05-15.csv",
        "IBM",
        Interval::Daily,
        false,
        100,
    ),
    (
        "daily_adjusted_IBM_compact_2026-05-15.csv",
        "IBM",
        Interval::Daily,
        true,
        100,
    ),
    (
        "daily_adjusted_AMZN_full_2020-12-04.csv",
        "AMZN",
        Interval::Daily,
        true,
        5309,
    ),
    (
        "daily_VFINX_full_2021-03-18.csv",
        "VFINX",
        Interval::Daily,
        false,
        5379,
    ),
];

/// Recorded answers that are not our bars: refusals, quotes, other markets.
const RECORDED_OTHERS: &[(&str, ErrorClass)] = &[
    (
        "error_note_5perminute_csv-request_2020-12.csv",
        ErrorClass::Minute,
    ),
    (
        "error_invalid_call_csv-request_2021-01.csv",
        ErrorClass::BadRequest,
    ),
    (
        "error_apikey_missing_csv-request_2023-06.csv",
        ErrorClass::BadKey,
    ),
    ("error_invalid_call_2017.json", ErrorClass::BadRequest),
    (
        "error_information_call_volume_2018.json",
        ErrorClass::Minute,
    ),
    (
        "premium_artificial_data_realtime_bulk_quotes_2026-05-17.json",
        ErrorClass::NotEntitled,
    ),
    ("global_quote_MSFT_2018-10-05.json", ErrorClass::Malformed),
    ("global_quote_IBM_2026-05-15.csv", ErrorClass::Malformed),
    ("symbol_search_BA_2018-10.json", ErrorClass::Malformed),
    ("symbol_search_tesco_2026-05-17.csv", ErrorClass::Malformed),
    ("market_status_2026-05-17.json", ErrorClass::Malformed),
    (
        "fx_intraday_5min_EURUSD_2026-05-15.csv",
        ErrorClass::Malformed,
    ),
];

fn recorded() -> Option<&'static Path> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/fixtures/alpha_vantage"
    ));
    if folder.is_dir() {
        return Some(folder);
    }
    let mut stderr = std::io::stderr();
    let _ = writeln!(stderr, "skipped: {} is absent", folder.display());
    None
}

#[test]
fn recorded_answers_give_every_bar() {
    let Some(folder) = recorded() else { return };
    for (file, symbol, interval, adjusted, bars) in RECORDED {
        let datatype = if file.ends_with("csv") {
            Datatype::Csv
        } else {
            Datatype::Json
        };
        let body = std::fs::read(folder.join(file)).unwrap();
        let reading = read(
            &asked(symbol, *interval, *adjusted, datatype),
            &answer(200, body),
        )
        .unwrap();
        assert_eq!(reading.bars.len(), *bars, "{file}");
        assert_eq!(reading.received as usize, *bars, "{file}");
        assert_eq!(reading.rejected, [], "{file}");
        assert!(
            reading.bars.is_sorted_by(|a, b| a.timestamp < b.timestamp),
            "{file}"
        );
        assert!(
            reading
                .bars
                .iter()
                .all(|bar| bar.has_adjustments() == *adjusted),
            "{file}"
        );
    }
}

#[test]
fn recorded_refusals_and_other_answers_have_their_class() {
    let Some(folder) = recorded() else { return };
    for (file, class) in RECORDED_OTHERS {
        let body = std::fs::read(folder.join(file)).unwrap();
        for datatype in [Datatype::Json, Datatype::Csv] {
            let ask = asked("IBM", Interval::Min5, false, datatype);
            let refusal = read(&ask, &answer(200, body.clone())).unwrap_err();
            assert_eq!(refusal.class, *class, "{file}");
        }
    }
}
