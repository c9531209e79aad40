//! Alpaca's client against the simulated market, which has bars of every interval, adjusted ones too:
//! what is computed here must be what the provider computes.

use pipeline_tui::model::{Grid, roll_up};
use pipeline_tui::simulate::{Options, Plan, Plant, Server};
use serde_json::Value;

use super::*;

contract! {
    a_roll_up_of_minutes_is_the_providers_own,
    adjusted_prices_of_two_years_are_the_providers_within_half_a_cent,
    three_hundred_symbols_of_an_hour_are_two_requests,
}

/// Saturday, 2026-05-16 02:00 UTC: Friday's trading ended two hours before.
const NIGHT: &str = "2026-05-16T02:00:00Z";

async fn market(plan: Plan, plants: &[&str]) -> Server {
    let plants = plants.iter().map(|plant| plant.parse::<Plant>().unwrap());
    Server::start(Options {
        plan,
        plants: plants.collect(),
        clock: Clock::fixed(at(NIGHT)),
        ..Options::default()
    })
    .await
    .unwrap()
}

fn asking(store: &Arc<dyn Store>, server: &Server) -> Arc<Pipeline> {
    let address = server.base_url_of("alpaca").unwrap();
    pipeline_of(store, (&SIP, "free"), &address, at(NIGHT))
}

async fn stored_bars(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<Bar> {
    let query = BarQuery {
        series: series.clone(),
        from: None,
        to: None,
        limit: 10_000,
        order: Order::OldestFirst,
    };
    store.bars(query).await.unwrap()
}

async fn a_roll_up_of_minutes_is_the_providers_own(place: Place) {
    let server = market(Plan::Free, &[]).await;
    let store = place.open().await;
    let pipeline = asking(&store, &server);
    let of = |interval| SeriesKey {
        interval,
        ..key(&SIP, "IBM")
    };
    let day = ("2026-05-14T04:00:00Z", "2026-05-15T04:00:00Z");
    let finer = of(Interval::Min1);
    ended(&pipeline, between(std::slice::from_ref(&finer), day)).await;
    let minutes = stored_bars(&store, &finer).await;
    assert!(minutes.len() > 390, "{}", minutes.len());
    for interval in [
        Interval::Min5,
        Interval::Min15,
        Interval::Min30,
        Interval::Min60,
    ] {
        let series = of(interval);
        ended(&pipeline, between(std::slice::from_ref(&series), day)).await;
        let theirs = stored_bars(&store, &series).await;
        assert!(theirs.len() >= 7, "{interval}: {}", theirs.len());
        let grid: Grid = pipeline.grid(&series);
        let ours = roll_up(&grid, Span::new(at(day.0), at(day.1)), &minutes);
        assert_eq!(ours, theirs, "{interval}");
    }
}

async fn adjusted_prices_of_two_years_are_the_providers_within_half_a_cent(place: Place) {
    let plants = [
        "split:4:1@2026-05-12 09:00,symbol=IBM",
        "split:1:10@2025-05-05 09:00,symbol=IBM",
        "dividend:1.66@2026-05-14 09:00,symbol=IBM",
        "dividend:2.5@2025-04-30 09:00,symbol=IBM",
    ];
    let server = market(Plan::Free, &plants).await;
    let store = place.open().await;
    let pipeline = asking(&store, &server);
    let daily = SeriesKey {
        interval: Interval::Daily,
        ..key(&SIP, "IBM")
    };
    let years = ("2024-06-03T04:00:00Z", "2026-05-16T00:00:00Z");
    let report = ended(&pipeline, between(std::slice::from_ref(&daily), years)).await;
    assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
    let url = format!(
        "{}/v2/stocks/bars?symbols=IBM&timeframe=1Day&start=2024-06-03T04:00:00Z\
         &end=2026-05-15T23:59:59Z&feed=sip&limit=10000&adjustment=all",
        server.base_url_of("alpaca").unwrap()
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = client.get(url).header("APCA-API-KEY-ID", ID);
    let asked = asked.header("APCA-API-SECRET-KEY", SECRET);
    let theirs: Value =
        serde_json::from_str(&asked.send().await.unwrap().text().await.unwrap()).unwrap();
    let theirs = theirs["bars"]["IBM"].as_array().unwrap();
    let columns = ["open_price", "high_price", "low_price", "close_price"];
    let columns = columns
        .map(|name| format!("CAST({name} AS TEXT)"))
        .join(" || ' ' || ");
    let ours = place
        .sql(&format!(
            "SELECT {columns} FROM stock_data_adjusted WHERE symbol = 'IBM' ORDER BY timestamp"
        ))
        .await;
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 480, "{}", ours.len());
    let mut moved = 0;
    let raw = stored_bars(&store, &daily).await;
    for ((row, bar), raw) in ours.iter().zip(theirs).zip(&raw) {
        for (ours, name) in row.split(' ').zip(["o", "h", "l", "c"]) {
            let (ours, theirs): (f64, f64) = (ours.parse().unwrap(), bar[name].as_f64().unwrap());
            assert!(
                (ours - theirs).abs() <= 0.005 + 1e-6,
                "{bar}: {ours} for {theirs}"
            );
        }
        let close: f64 = raw.close.to_string().parse().unwrap();
        moved += u32::from((close - bar["c"].as_f64().unwrap()).abs() > 0.01);
    }
    assert!(moved > 400, "{moved} of them were adjusted");
}

async fn three_hundred_symbols_of_an_hour_are_two_requests(place: Place) {
    let server = market(Plan::Free, &[]).await;
    let store = place.open().await;
    let letter = |place: usize| char::from(b'A' + u8::try_from(place % 26).unwrap());
    let series: Vec<SeriesKey> = (0..300)
        .map(|place| format!("Q{}{}", letter(place / 26), letter(place)))
        .map(|symbol| key(&SIP, &symbol))
        .collect();
    let hour = ("2026-05-15T18:00:00Z", "2026-05-15T19:00:00Z");
    let report = ended(&asking(&store, &server), between(&series, hour)).await;
    assert_eq!(
        report.status,
        RunStatus::Succeeded,
        "{:?}",
        report.unrecorded
    );
    assert_eq!(server.journal().len(), 2);
    let bars: u32 = report
        .series
        .iter()
        .map(|series| series.counts.inserted)
        .sum();
    assert!(bars > 10_000, "{bars}");
}
