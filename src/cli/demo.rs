//! `demo`: the panel, or one run without a terminal, with a simulated provider and a temporary store.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::America::New_York;
use tokio::sync::mpsc;

use super::args::DemoArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::panel::Panel;
use super::{bars, fetch, open, output, run as headless};
use crate::config::{self, Inputs, Settings};
use crate::model::{Interval, SeriesKey, SeriesStatus, moment};
use crate::pipeline::RunRequest;
use crate::pipeline::narrate;
use crate::pipeline::schedule::{Missed, Schedule, When};
use crate::pipeline::source::FetchOptions;
use crate::pipeline::sources;
use crate::simulate::{Options, Plan, Server, is_trading_day};
use crate::telemetry::Record;
use crate::time::Clock;

/// Bars shown per series.
const SHOWN: u32 = 5;

/// When the demo's clock starts: in the middle of a session.
const STARTS: NaiveTime = match NaiveTime::from_hms_opt(11, 2, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

pub async fn run(
    args: &DemoArgs,
    context: &Context,
    records: Option<mpsc::Receiver<Record>>,
) -> Result<u8, Failure> {
    let folder = tempfile::tempdir()?;
    let clock = match records {
        Some(_) => Clock::running_from(start(Clock::system().now()), args.speed),
        None => Clock::system(),
    };
    let options = Options {
        seed: args.seed,
        plan: Plan::Unlimited,
        clock: clock.clone(),
        ..Options::default()
    };
    let server = Server::start(options)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let source = sources::SIMULATED;
    let environment = [
        (
            source.key.first().map(|field| &field.value),
            "SIMULATED0123456".to_owned(),
        ),
        (source.addresses.first(), server.base_url()),
        (source.plans.setting.as_ref(), "unlimited".to_owned()),
    ];
    // The demo ignores the caller's settings, but not their terminal.
    let inputs = Inputs {
        environment: environment
            .into_iter()
            .filter_map(|(setting, value)| Some((setting?.name.to_owned(), value)))
            .collect(),
        locale: context.inputs.locale.clone(),
        ..Inputs::isolated(folder.path(), sources::SETTINGS)
    };
    let mut settings = config::load(&inputs)?;
    settings.no_color = context
        .inputs
        .environment
        .get("NO_COLOR")
        .is_some_and(|value| !value.is_empty());
    if let Some(records) = records {
        let code = panel(settings, clock, args.speed).show(records).await;
        server.stop().await;
        return code;
    }
    let store = open::store(&settings, false).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let series = settings
        .defaults
        .symbols
        .iter()
        .map(|symbol| SeriesKey::of(symbol, Interval::Min5));
    let request = RunRequest {
        trigger: "demo",
        series: series.collect(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    context.narrator.say(
        "DEMO: a simulated provider and a temporary store; no key, no network, nothing is kept",
    );
    let report = fetch::watched(&pipeline, request, context.narrator).await?;
    let mut text = String::from("DEMO\n");
    for series in &report.series {
        text.push_str(&narrate::line(series));
        text.push('\n');
    }
    for series in report
        .series
        .iter()
        .filter(|series| series.status == SeriesStatus::Succeeded)
    {
        let newest = bars::newest(&store, series, SHOWN).await?;
        let _ = writeln!(text, "\n{}", series.series);
        text.push_str(&bars::table(&newest, series.series.interval));
    }
    store.close().await;
    server.stop().await;
    output::print(&text)?;
    Ok(exit::of_series(&report.series))
}

/// When the demo starts: on a trading day, today or the next one.
fn start(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&New_York).date_naive();
    let day = today
        .iter_days()
        .find(|date| is_trading_day(*date))
        .unwrap_or(today);
    moment::local(day.and_time(STARTS), New_York)
}

/// The panel with the simulated provider: bars of several intervals, fetched every five minutes.
fn panel(settings: Settings, clock: Clock, speed: i32) -> Panel {
    let mut engine = headless::options(&settings);
    engine.provider.name = String::from("simulated");
    engine.provider.is_simulated = true;
    engine.schedule = Schedule {
        when: When::Every { minutes: 5 },
        missed: Missed::Once,
    };
    let watched = [
        ("IBM", Interval::Min5),
        ("AAPL", Interval::Min5),
        ("MSFT", Interval::Min15),
        ("GOOGL", Interval::Min60),
        ("AMZN", Interval::Daily),
        ("IBM", Interval::Weekly),
    ];
    engine.watch = watched
        .into_iter()
        .filter_map(|(symbol, interval)| Some(SeriesKey::raw(symbol.parse().ok()?, interval)))
        .collect();
    Panel {
        settings,
        engine,
        clock,
        problems: vec![],
        demo: Some(speed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_starts_in_the_middle_of_a_session() {
        for (now, starts) in [
            ("2026-11-20T02:00:00Z", "2026-11-19T16:02:00Z"),
            ("2026-11-20T22:00:00Z", "2026-11-20T16:02:00Z"),
            ("2026-11-21T22:00:00Z", "2026-11-23T16:02:00Z"),
            ("2026-07-04T22:00:00Z", "2026-07-06T15:02:00Z"),
            ("2026-11-26T15:00:00Z", "2026-11-27T16:02:00Z"),
        ] {
            let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
            assert_eq!(start(at(now)), at(starts), "{now}");
        }
    }
}
