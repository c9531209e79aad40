//! Made-up snapshots for tests, at a fixed instant: what a user might see on a Friday afternoon.

mod engines;
mod plan;
pub mod sources;
mod tables;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;

use super::about::{About, AboutSource};
use super::log_lines::LogLines;
use super::shared::{Boot, Shared};
use super::theme::{Preset, Theme};
use crate::config::ReportRow;
use crate::model::adjustment::{Adjustments, KnownEvents};
use crate::model::calendar::{CalendarId, Calendars};
use crate::model::{
    Bar, Counts, Declared, ErrorClass, Grid, Interval, Price, Publishing, RequestId, Retention,
    RunId, RunStatus, RunSummary, SeriesKey, SeriesReport, SeriesStatus as Ended, SourceId,
    Sources, Span, Spans, Standing, Truth, Volume,
};
use crate::pipeline::command::{Anchor, BarsWindow};
use crate::pipeline::schedule::Schedule;
use crate::pipeline::snapshot::{
    Backend, BarsPage, Break, CoverageMap, CoverageRow, Entitlement, EventsAsked, Hole, KeyUse,
    MonthState, QuotaStatus, RangesView, RequestRow, RunDetail, Scaled, ScheduleStatus,
    SeriesState, Size, Snapshot, SourceFacts, SourceStatus, StoreStatus, Stretch, Subject,
    SystemView, There, WatchedSeries,
};

/// Friday 2026-11-20, 13:38:53 in New York.
pub fn now() -> DateTime<Utc> {
    at("2026-11-20T18:38:53Z")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn price(text: &str) -> Price {
    Price::parse(text).unwrap().0
}

pub fn series(symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey::raw(symbol.parse().unwrap(), interval)
}

/// A bar around a price, different for each number.
pub fn bar(number: i64, timestamp: DateTime<Utc>) -> Bar {
    let close = 28_357_000_000 - (number * 7_919 % 211) * 2_000_000 - number * 1_000_000;
    let open = close + (number * 6_151 % 97 - 48) * 1_000_000;
    Bar {
        timestamp,
        trading_date: timestamp.with_timezone(&New_York).date_naive(),
        open: Price::from_units(open),
        high: Price::from_units(open.max(close) + (number % 5) * 1_500_000),
        low: Price::from_units(open.min(close) - (number % 7) * 1_200_000),
        close: Price::from_units(close),
        volume: Volume::new(1_208 + number * 4_111 % 9_000, 0).unwrap_or_default(),
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

fn day_bar(date: &str, close: &str) -> Bar {
    Bar {
        close: price(close),
        ..bar(1, at(&format!("{date}T05:00:00Z")))
    }
}

fn grid(interval: Interval) -> Grid {
    Grid {
        interval,
        calendar: CalendarId::Xnys.into(),
        publishing: Publishing {
            zone: New_York,
            ..Publishing::UNKNOWN
        },
    }
}

fn truth(state: SeriesState) -> Truth {
    let standing = match state {
        SeriesState::Fresh => Standing::Fresh,
        SeriesState::Behind => Standing::Behind,
        SeriesState::Holes => Standing::Holes,
        SeriesState::Closed => Standing::Closed,
        _ => Standing::Due,
    };
    Truth {
        standing,
        holes: vec![],
        missing: 0,
        newest: None,
        newest_due: None,
        next: None,
        lacking: 0,
        asked_at: None,
        is_due: standing == Standing::Due,
        has_last_session: None,
    }
}

fn status(symbol: &str, interval: Interval, state: SeriesState) -> WatchedSeries {
    WatchedSeries {
        listing: None,
        subject: subject(series(symbol, interval)),
        declared: Declared::default(),
        truth: truth(state),
        grid: grid(interval),
        reach: None,
        closing_price: 0,
        fetch_price: 1,
        key: series(symbol, interval),
        state,
        fetched_at: None,
        last_bar: None,
        previous_close: None,
        trend: Arc::new([]),
        bars: 0,
        oldest: None,
        problem: None,
        safe_until: None,
        next_at: Some(at("2026-11-20T21:20:00Z")),
        retry_at: None,
        requests: 0,
    }
}

fn trend(up: bool) -> Arc<[Price]> {
    (0..7)
        .map(|step| {
            Price::from_units(20_000_000_000 + if up { step } else { 7 - step } * 90_000_000)
        })
        .collect()
}

fn run(id: i64, status: RunStatus, trigger: &str, started: &str, ms: i64) -> RunSummary {
    RunSummary {
        id: RunId(id),
        status,
        trigger: trigger.to_owned(),
        started_at: at(started),
        finished_at: Some(at(started) + TimeDelta::milliseconds(ms)),
        series: 4,
        succeeded: 3,
        requests: 6,
        retries: 0,
        inserted: 212,
        changed: 4,
    }
}

fn schedule() -> ScheduleStatus {
    ScheduleStatus {
        schedule: Schedule::after_close(),
        paused: false,
        next_at: Some(at("2026-11-20T21:20:00Z")),
        is_owner: true,
        no_engine: false,
        missed: 0,
        due: 1,
        sendable: 1,
        due_next: 3,
        sendable_next: 3,
    }
}

fn ibm() -> WatchedSeries {
    WatchedSeries {
        fetched_at: Some(now() - TimeDelta::minutes(2)),
        last_bar: Some(day_bar("2026-11-20", "283.57")),
        previous_close: Some(price("282.38")),
        trend: trend(true),
        bars: 41_208,
        oldest: Some(at("1999-11-01T05:00:00Z")),
        ..status("IBM", Interval::Daily, SeriesState::Fresh)
    }
}

/// What is true on an ordinary afternoon with a free key.
pub fn normal() -> Snapshot {
    let aapl = WatchedSeries {
        fetched_at: Some(now() - TimeDelta::minutes(1)),
        last_bar: Some(day_bar("2026-11-19", "228.10")),
        previous_close: Some(price("228.35")),
        trend: trend(false),
        bars: 40_977,
        problem: Some((ErrorClass::Burst, "burst".to_owned())),
        retry_at: Some(now() + TimeDelta::seconds(41)),
        requests: 2,
        ..status("AAPL", Interval::Daily, SeriesState::Fetching)
    };
    let msft = WatchedSeries {
        problem: Some((
            ErrorClass::NotEntitled,
            "this key's plan does not include TIME_SERIES_INTRADAY; daily and weekly bars are free: \
             --interval daily"
                .to_owned(),
        )),
        requests: 1,
        ..status("MSFT", Interval::Min5, SeriesState::Blocked)
    };
    let googl = status("GOOGL", Interval::Daily, SeriesState::Due);
    let series = vec![ibm(), aapl, msft, googl];
    Snapshot {
        revision: 7,
        taken_at: now(),
        read_only: false,
        sources: vec![SourceStatus {
            id: SourceId::DEFAULT,
            plan: "free key".to_owned(),
            key: KeyUse::Own,
            has_intraday: false,
            quota: QuotaStatus {
                used: 4,
                limit: Some(25),
                spent_until: None,
                renews_at: Some(at("2026-11-21T05:00:00Z")),
                gap: TimeDelta::milliseconds(1_200),
                answered_at: Some(now() - TimeDelta::minutes(1)),
                ..QuotaStatus::default()
            },
            sendable: 1,
            pause: None,
        }],
        store: StoreStatus {
            backend: Backend::Postgres,
            location: "stock_data".to_owned(),
            bars: 412_880,
            lost: None,
            spooled: 0,
        },
        schedule: schedule(),
        run: None,
        export: None,
        is_listed: true,
        plan: Arc::new(plan::of(&series)),
        series: series.into(),
        runs: runs().into(),
        bars: Some(Arc::new(bars_page(400))),
        opened: Some(Arc::new(run_detail())),
        answer: None,
        system: Some(Arc::new(system())),
        engines: Some(Arc::new(engines::engines())),
        search: None,
        coverage: Some(Arc::new(coverage())),
        ranges: None,
        preview: None,
        ticks: Arc::default(),
        next_ticks: Arc::default(),
        alerts: Arc::default(),
        dropped_notices: 0,
    }
}

fn runs() -> Vec<RunSummary> {
    vec![
        run(
            1042,
            RunStatus::Partial,
            "schedule",
            "2026-11-20T18:36:10Z",
            64_200,
        ),
        RunSummary {
            series: 1,
            succeeded: 1,
            requests: 1,
            inserted: 1,
            changed: 1,
            ..run(
                1041,
                RunStatus::Succeeded,
                "fetch",
                "2026-11-20T16:25:00Z",
                400,
            )
        },
        RunSummary {
            succeeded: 0,
            requests: 1,
            inserted: 0,
            changed: 0,
            ..run(1040, RunStatus::Failed, "due", "2026-11-19T21:20:00Z", 300)
        },
    ]
}

fn system() -> SystemView {
    let known = |endpoint: &str, parameter: &str, granted| Entitlement {
        endpoint: endpoint.to_owned(),
        parameter: parameter.to_owned(),
        granted,
        message: None,
    };
    SystemView {
        database: "PostgreSQL 15.9".to_owned(),
        schema: 4,
        size: Size {
            bytes: Some(98_304_512),
            answers: 212,
            answer_bytes: 4_212_000,
        },
        tables: tables::tables(),
        spooled: Some(0),
        sources: vec![SourceFacts {
            id: SourceId::DEFAULT,
            fingerprint: "3f2a9c01d4e57b68".to_owned(),
            entitlements: vec![
                known("TIME_SERIES_DAILY", "", true),
                known("TIME_SERIES_DAILY", "outputsize=full", false),
                known("TIME_SERIES_INTRADAY", "", false),
            ],
            events: Some(EventsAsked {
                symbols: 3,
                last: "2026-11-18".parse().ok(),
            }),
        }],
    }
}

/// This process, as if started in a home directory.
fn about() -> About {
    let setting = |name: &'static str, value: &str, source: &str| ReportRow {
        name: name.into(),
        toml_key: None,
        value: value.to_owned(),
        source: source.to_owned(),
    };
    About {
        pid: 4_711,
        started_at: now() - TimeDelta::minutes(12),
        store_is_server: true,
        store: "postgres://stock@localhost:5432/stock_data".to_owned(),
        data_dir: "/home/ada/.local/share/pipeline-tui".to_owned(),
        exports:
            "/home/ada/a-folder-for-what-is-exported/with-a-name-that-needs-more-than-one-line/2026"
                .to_owned(),
        config_file: "/home/ada/.config/pipeline-tui/config.toml".to_owned(),
        log_file: "/home/ada/.local/share/pipeline-tui/log/pipeline-tui.log".to_owned(),
        has_config_file: false,
        is_blank: false,
        sources: vec![AboutSource {
            settings: &sources::USUAL,
            addresses: vec!["https://www.alphavantage.co/query".parse().unwrap()],
            key_origin: ".env line 3".to_owned(),
            key_is_set: true,
        }],
        retention: Retention::default(),
        settings: vec![
            setting("ALPHA_VANTAGE_API_KEY", "***", ".env line 3"),
            setting("ALPHA_VANTAGE_PLAN", "free", "default"),
            setting(
                "PIPELINE_CONFIG",
                "/home/ada/.config/pipeline-tui/config.toml",
                "default",
            ),
            setting("ui.theme", "terminal", "default"),
        ],
    }
}

fn subject(series: SeriesKey) -> Arc<Subject> {
    Arc::new(Subject {
        series,
        currency: None,
        derived_from: None,
    })
}

/// This many 5min bars of IBM, newest first, over sessions.
pub fn bars_page(count: usize) -> BarsPage {
    let newest = at("2026-11-20T20:55:00Z");
    let mut bars = vec![];
    let mut time = newest;
    for number in 0.. {
        if bars.len() == count {
            break;
        }
        let minute = time.with_timezone(&New_York).time();
        if minute >= "09:30:00".parse().unwrap() && minute < "16:00:00".parse().unwrap() {
            bars.push(bar(number, time));
        }
        time -= TimeDelta::minutes(5);
    }
    let series = series("IBM", Interval::Min5);
    BarsPage {
        subject: subject(series.clone()),
        scaled: Scaled::of(&series, &bars, Adjustments::default()),
        window: BarsWindow {
            series,
            anchor: Anchor::Newest,
            newer: 400,
            older: 400,
        },
        total: 41_208,
        oldest: Some(at("2024-01-02T14:30:00Z")),
        newest: Some(newest),
        grid: grid(Interval::Min5),
        holes: vec![],
        restated: Spans::default(),
        known: KnownEvents::default(),
        bars,
    }
}

/// Two hours that were never asked for, before a bar.
pub fn hole_before(bar: &Bar) -> Hole {
    Hole {
        before: bar.timestamp,
        why: Break::NeverAsked,
        span: Span::new(bar.timestamp - TimeDelta::hours(2), bar.timestamp),
        bars: 24,
    }
}

/// What there is of four series, the oldest month first.
fn coverage() -> CoverageMap {
    let row = |symbol: &str, interval, letters: &str| {
        let of = |letter: char| {
            let mut all = MonthState::ALL.iter().copied();
            all.find(|state| state.letter().starts_with(letter))
                .unwrap()
        };
        CoverageRow {
            series: series(symbol, interval),
            grid: grid(interval),
            months: letters.chars().rev().map(of).collect(),
        }
    };
    CoverageMap {
        newest: "2026-11-01".parse().unwrap(),
        rows: vec![
            row("IBM", Interval::Daily, &"#".repeat(325)),
            row(
                "AAPL",
                Interval::Daily,
                "##..##x#+?????+####################",
            ),
            row("MSFT", Interval::Min5, "???-"),
            row("GOOGL", Interval::Daily, ""),
        ],
    }
}

/// The ranges of a month of AAPL that was asked for in part.
pub fn ranges() -> RangesView {
    let map = coverage();
    let row = &map.rows[1];
    let within = row.span("2025-03-01".parse().unwrap());
    let stretch = |from, to, state, bars| Stretch {
        span: Span::new(at(from), at(to)),
        state,
        bars,
    };
    RangesView {
        series: row.series.clone(),
        within,
        ranges: vec![
            stretch(
                "2025-03-01T05:00:00Z",
                "2025-03-15T04:00:00Z",
                There::NeverAsked,
                10,
            ),
            stretch(
                "2025-03-15T04:00:00Z",
                "2025-03-22T04:00:00Z",
                There::Nothing,
                5,
            ),
            stretch(
                "2025-03-22T04:00:00Z",
                "2025-04-01T04:00:00Z",
                There::Held,
                6,
            ),
        ],
    }
}

/// A run in which one series was refused and one slowed down.
pub fn run_detail() -> RunDetail {
    let started = at("2026-11-20T18:36:10Z");
    let summary = RunSummary {
        finished_at: Some(started + TimeDelta::milliseconds(4_000)),
        ..run(
            1042,
            RunStatus::Partial,
            "schedule",
            "2026-11-20T18:36:10Z",
            4_000,
        )
    };
    let stored = |symbol: &str, new: u32, requests: u32| SeriesReport {
        received: 100,
        counts: Counts {
            inserted: new,
            changed: 1,
            unchanged: 99 - new,
        },
        attempts: requests,
        requests,
        ..SeriesReport::new(series(symbol, Interval::Daily), Ended::Succeeded)
    };
    let mut msft = SeriesReport::new(series("MSFT", Interval::Min5), Ended::Refused).with_error(
        Ended::Refused,
        ErrorClass::NotEntitled,
        "this key's plan does not include TIME_SERIES_INTRADAY; daily and weekly bars are free: --interval daily",
    );
    (msft.attempts, msft.requests) = (1, 1);
    let function = |interval: &str| match interval {
        "daily" => "TIME_SERIES_DAILY",
        _ => "TIME_SERIES_INTRADAY",
    };
    let request =
        |id: i64, symbol: &str, interval: &str, state: &str, from: i64, ms: u32| RequestRow {
            id: RequestId(id),
            source: "alpha_vantage".to_owned(),
            symbol: symbol.to_owned(),
            interval: interval.to_owned(),
            adjusted: false,
            endpoint: function(interval).to_owned(),
            query: format!("function={}&symbol={symbol}", function(interval)),
            attempt: 1,
            state: state.to_owned(),
            class: None,
            http_status: Some(200),
            elapsed_ms: Some(ms),
            reserved_at: started + TimeDelta::milliseconds(from),
            ended_at: Some(started + TimeDelta::milliseconds(from + i64::from(ms) + 30)),
            parse_ms: Some(10),
        };
    RunDetail {
        summary,
        rejected: vec![],
        series: vec![stored("IBM", 1, 1), stored("AAPL", 1, 2), msft],
        requests: vec![
            request(1, "IBM", "daily", "stored", 0, 400),
            RequestRow {
                class: Some("burst".to_owned()),
                ..request(2, "AAPL", "daily", "refused", 800, 400)
            },
            RequestRow {
                attempt: 2,
                ..request(3, "AAPL", "daily", "stored", 3_000, 400)
            },
            RequestRow {
                class: Some("not_entitled".to_owned()),
                ..request(4, "MSFT", "5min", "refused", 2_800, 600)
            },
        ],
    }
}

/// What every view sees of a snapshot.
pub fn shared(snapshot: Snapshot) -> Shared {
    Shared {
        snapshot: Some(Arc::new(snapshot)),
        boot: Boot::Ready,
        ..blank()
    }
}

/// What every view sees before there is an engine.
pub fn blank() -> Shared {
    Shared {
        snapshot: None,
        boot: Boot::Opening,
        calendars: Calendars::default(),
        zone: New_York,
        zones: vec![New_York, chrono_tz::UTC],
        local: chrono_tz::Europe::Berlin,
        theme: Theme::new(Preset::Terminal, false, false),
        keymap: super::views::keymap(),
        mouse: false,
        rings: true,
        is_demo: false,
        speed: 1,
        interval: Interval::Daily,
        sources: Sources::default(),
        about: about(),
        exports_warning: None,
        log: LogLines::default(),
        undos: vec![],
        entered: vec![],
        stopped: None,
    }
}
