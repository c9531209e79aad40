//! The provider's own adjusted closes, if recordings of them are beside the checkout.

use super::*;

/// Daily bars as recorded, oldest first, each with the adjusted close as it was sent.
fn recorded(file: &str) -> Option<Vec<(Bar, Decimal, String)>> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/fixtures/alpha_vantage"
    );
    let Ok(body) = std::fs::read_to_string(Path::new(folder).join(file)) else {
        let _ = writeln!(std::io::stderr(), "skipped: {folder}/{file} is absent");
        return None;
    };
    let mut rows = if body.starts_with('{') {
        json(&body)
    } else {
        csv(&body)
    };
    rows.sort_by_key(|(bar, ..)| bar.trading_date);
    Some(rows)
}

fn csv(body: &str) -> Vec<(Bar, Decimal, String)> {
    let rows = body.lines().skip(1);
    rows.map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        let [
            day,
            open,
            high,
            low,
            close,
            adjusted,
            volume,
            dividend,
            split,
        ] = fields[..]
        else {
            panic!("{row}")
        };
        built(
            day,
            [open, high, low, close],
            (volume, adjusted),
            (dividend, split),
        )
    })
    .collect()
}

fn json(body: &str) -> Vec<(Bar, Decimal, String)> {
    let root: serde_json::Value = serde_json::from_str(body).unwrap();
    let days = root["Time Series (Daily)"].as_object().unwrap();
    days.iter()
        .map(|(day, row)| {
            let field = |name: &str| row[name].as_str().unwrap();
            let prices = ["1. open", "2. high", "3. low", "4. close"].map(field);
            let events = (field("7. dividend amount"), field("8. split coefficient"));
            let rest = (field("6. volume"), field("5. adjusted close"));
            built(day, prices, rest, events)
        })
        .collect()
}

fn built(
    day: &str,
    prices: [&str; 4],
    (volume, adjusted): (&str, &str),
    (dividend, split): (&str, &str),
) -> (Bar, Decimal, String) {
    let [open, high, low, close] = prices.map(price);
    let trading_date = date(day);
    let bar = Bar {
        trading_date,
        timestamp: trading_date.and_hms_opt(5, 0, 0).unwrap().and_utc(),
        open,
        high,
        low,
        close,
        volume: Volume::parse(volume).unwrap().0,
        is_final: true,
        adjusted_close: None,
        dividend_amount: Some(price(dividend)),
        split_coefficient: Some(price(split)),
    };
    (bar, adjusted.parse().unwrap(), adjusted.to_owned())
}

/// The larger of 1e-9 and one unit of the last digit that was sent.
fn tolerance(sent: &str) -> Decimal {
    let digits = sent
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    Decimal::new(1, u32::try_from(digits).unwrap()).max(Decimal::new(1, 9))
}

#[test]
fn computed_closes_equal_those_of_the_provider() {
    for (file, dividends) in [
        ("daily_adjusted_IBM_compact_2026-05-15.csv", 2),
        ("daily_adjusted_AAPL_compact_2021-02-05.json", 2),
        ("daily_adjusted_AMZN_full_2020-12-04.csv", 0),
    ] {
        let Some(rows) = recorded(file) else { continue };
        let bars: Vec<Bar> = rows.iter().map(|(bar, ..)| *bar).collect();
        let (events, known) = told(&bars, &[]);
        assert_eq!(events.len(), dividends, "{file}");
        let all = adjustments(&events, &known, Rule::CloseOfExDate);
        for (bar, adjusted, sent) in &rows {
            let here = all
                .iter()
                .rfind(|there| there.before > bar.trading_date)
                .unwrap();
            let computed = bar.close.to_decimal() * here.price.unwrap();
            assert!(
                (computed - adjusted).abs() <= tolerance(sent),
                "{file} {}: {computed} for {sent}",
                bar.trading_date
            );
        }
    }
}

/// A source that says nothing of splits must not raise false alarms over twenty years.
#[test]
fn recorded_histories_without_a_split_have_no_jump_that_looks_like_one() {
    for file in [
        "daily_adjusted_AMZN_full_2020-12-04.csv",
        "daily_adjusted_IBM_compact_2026-05-15.csv",
    ] {
        let Some(rows) = recorded(file) else { continue };
        let silent: Vec<Bar> = rows
            .into_iter()
            .map(|(bar, ..)| Bar {
                split_coefficient: None,
                dividend_amount: None,
                ..bar
            })
            .collect();
        assert_eq!(told(&silent, &[]).0, [], "{file}");
    }
}
