//! `demo`: the panel, or one run without a terminal, with a simulated provider and a temporary store.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::America::New_York;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::DemoArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::output::Narrator;
use super::panel::Panel;
use super::{bars, fetch, open, output, run as headless};
use crate::config::{self, Inputs, Settings};
use crate::model::alert::AlertKind;
use crate::model::{Interval, SeriesKey, SeriesStatus, moment};
use crate::pipeline::narrate;
use crate::pipeline::schedule::{Missed, Schedule, When};
use crate::pipeline::source::{FetchOptions, Month, Range};
use crate::pipeline::sources;
use crate::pipeline::{Observer, RunRequest};
use crate::simulate::{Dialect, Options, Plan, Scene, Server, is_trading_day, usual_watch_list};
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
    let clock = match (args.scene, &records) {
        (Some(scene), _) => Clock::running_from(scene.starts(), args.speed),
        (None, Some(_)) => Clock::running_from(start(Clock::system().now()), args.speed),
        (None, None) => Clock::system(),
    };
    let options = Options {
        seed: args.seed,
        plants: args.scene.map_or_else(Vec::new, Scene::plants),
        plan: Plan::Unlimited,
        clock: clock.clone(),
        ..Options::default()
    };
    let server = Server::start(options)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let settings = settings(&server, folder.path(), context)?;
    let code = match records {
        Some(records) => {
            if let Some(scene) = args.scene {
                prepare(&settings, scene, clock.clone()).await?;
            }
            panel(settings, clock, args).show(records).await
        }
        None => once(&settings, args.scene, clock, context.narrator).await,
    };
    server.stop().await;
    code
}

/// The demo ignores the caller's settings, but not their terminal.
fn settings(server: &Server, folder: &Path, context: &Context) -> Result<Settings, Failure> {
    let spoken = sources::SETTINGS
        .iter()
        .filter_map(|source| Some((source, Dialect::of_source(source.id.as_str())?)));
    let mut environment = BTreeMap::new();
    for (source, dialect) in spoken {
        let url = server.base_url_of(dialect.as_str()).unwrap_or_default();
        let addresses = source.addresses.iter().map(|row| (row, url.as_str()));
        let key = source.key.iter().map(|field| &field.value);
        let key = key.zip(dialect.key().iter().copied());
        // The last plan has the widest limits.
        let widest = source.plans.all().last().map_or("", |plan| plan.name);
        let plan = source.plans.setting.iter().map(|row| (row, widest));
        let rows = addresses.chain(key).chain(plan);
        environment.extend(rows.map(|(row, value)| (row.name.to_owned(), value.to_owned())));
    }
    let inputs = Inputs {
        environment,
        locale: context.inputs.locale.clone(),
        ..Inputs::isolated(folder, sources::SETTINGS)
    };
    let mut settings = config::load(&inputs)?;
    // A disk is not part of the demo.
    let kinds = &mut settings.alerts.rules.kinds;
    kinds.retain(|kind| *kind != AlertKind::DiskNearFull);
    settings.no_color = context
        .inputs
        .environment
        .get("NO_COLOR")
        .is_some_and(|value| !value.is_empty());
    Ok(settings)
}

fn request(series: Vec<SeriesKey>, range: Range) -> RunRequest {
    RunRequest {
        trigger: "demo",
        series,
        options: FetchOptions {
            range,
            ..FetchOptions::default()
        },
        max_age: None,
        within: None,
    }
}

/// Puts into the store what a scene needs there.
async fn prepare(settings: &Settings, scene: Scene, clock: Clock) -> Result<(), Failure> {
    let newest = scene
        .is_paused()
        .then(|| request(scene.watch_list(), Range::Newest));
    let past = scene.stored();
    let past = past.map(|(series, first)| request(vec![series], month(first)));
    let requests: Vec<RunRequest> = newest.into_iter().chain(past).collect();
    if requests.is_empty() {
        return Ok(());
    }
    let store = open::store(settings, false).await?;
    let pipeline = open::pipeline_at(settings, Arc::clone(&store), clock)?;
    for request in requests {
        let unseen: Observer = Arc::new(|_| {});
        pipeline
            .run(request, unseen, CancellationToken::new())
            .await?;
    }
    store
        .set_setting("paused".into(), scene.is_paused().to_string())
        .await?;
    open::close(&store).await;
    Ok(())
}

/// The month that begins on a day.
fn month(first: NaiveDate) -> Range {
    Month::of(first).range()
}

/// One run without a terminal.
async fn once(
    settings: &Settings,
    scene: Option<Scene>,
    clock: Clock,
    narrator: Narrator,
) -> Result<u8, Failure> {
    let store = open::store(settings, false).await?;
    let pipeline = open::pipeline_at(settings, Arc::clone(&store), clock)?;
    let series = scene.map_or_else(short_watch_list, Scene::watch_list);
    narrator.say(
        "DEMO: a simulated provider and a temporary store; no key, no network, nothing is kept",
    );
    let report = fetch::watched(&pipeline, request(series, Range::Newest), narrator).await?;
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
        let subject = pipeline.subject_now(&series.series).await?;
        let _ = writeln!(text, "\n{}", series.series);
        text.push_str(&bars::table(&newest, &subject));
    }
    store.close().await;
    output::print(&text)?;
    Ok(exit::of_series(&report.series))
}

/// What is shown without a terminal: the 5min bars of the panel's watch list, of which one trades
/// around the clock.
fn short_watch_list() -> Vec<SeriesKey> {
    let mut series = usual_watch_list();
    series.retain(|series| series.interval == Interval::Min5);
    series
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
fn panel(settings: Settings, clock: Clock, args: &DemoArgs) -> Panel {
    let mut engine = headless::options(&settings);
    engine.schedule = Schedule {
        when: When::Every { minutes: 5 },
        missed: Missed::Once,
    };
    engine.watch = args.scene.map_or_else(usual_watch_list, Scene::watch_list);
    Panel {
        settings,
        engine,
        clock,
        problems: vec![],
        demo: Some(args.speed),
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
