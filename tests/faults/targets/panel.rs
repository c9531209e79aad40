//! What the engine may show the panel: any of the states of a series, a run, a search, in any
//! combination.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use pipeline_tui::model::adjustment::{Adjustment, Adjustments, KnownEvents, Ratio, Unknown};
use pipeline_tui::model::calendar::CalendarId;
use pipeline_tui::model::tick::{NextTick, NotedTick, Tick, TickOutcome, TickWhy};
use pipeline_tui::model::{
    Bar, Counts, Currency, Declared, ErrorClass, FreshWithin, Grid, Interval, Listing, Offer,
    Price, Publishing, RequestId, RunId, RunStatus, RunSummary, SeriesKey, SeriesReport,
    SeriesStatus as Ended, Slot, SourceId, Span, Standing, StoreTable, TableSize, Truth, Volume,
    text,
};
use pipeline_tui::pipeline::command::{Anchor, BarsWindow};
use pipeline_tui::pipeline::planner::{FetchPlan, LanePlan, PlannedFetch, Why, WhyNot};
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::snapshot::{
    AnswerView, Backend, BarsPage, Break, CoverageMap, CoverageRow, Entitlement, EventsAsked,
    ExportProgress, Hole, KeyUse, MonthState, QuotaStatus, RangesView, RequestRow, RollingStatus,
    RunDetail, RunProgress, Scaled, ScheduleStatus, SearchView, SeriesState, Size, Snapshot,
    SourceFacts, SourceStatus, StoreStatus, Stretch, Subject, SystemView, There, WatchedSeries,
};

use rust_decimal::Decimal;

use super::sheet::short;

/// A Friday afternoon in New York.
pub fn now() -> DateTime<Utc> {
    "2026-11-20T18:38:53Z".parse().unwrap()
}

/// A text that was cleaned where it entered, as everything in a snapshot was.
fn cleaned(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(text::clean(&short(u)?))
}

fn instant(u: &mut Unstructured<'_>) -> Result<DateTime<Utc>> {
    Ok(now() + TimeDelta::seconds(u.int_in_range(-40_000_000..=40_000_000)?))
}

fn sometimes<T>(
    u: &mut Unstructured<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    Ok(if u.arbitrary()? { Some(make(u)?) } else { None })
}

fn price(u: &mut Unstructured<'_>) -> Result<Price> {
    let most = *u.choose(&[1, 20_000_000_000, 8_999_999_999_999_999_999])?;
    Ok(Price::from_units(u.int_in_range(1..=most)?))
}

fn series(u: &mut Unstructured<'_>) -> Result<SeriesKey> {
    let symbol = *u.choose(&["IBM", "AAPL", "ib", "A-VERY-LONG-SYMBOL.OF.32.LETTERS", "^"])?;
    let interval = *u.choose(&Interval::ALL)?;
    Ok(SeriesKey {
        adjusted: u.arbitrary()?,
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    })
}

fn bar(u: &mut Unstructured<'_>, timestamp: DateTime<Utc>) -> Result<Bar> {
    let mut prices = [price(u)?, price(u)?, price(u)?, price(u)?];
    prices.sort();
    let [low, open, close, high] = prices;
    Ok(Bar {
        timestamp,
        trading_date: timestamp.date_naive(),
        open,
        high,
        low,
        close,
        volume: Volume::new(
            u.int_in_range(0..=i64::MAX)?,
            u.int_in_range(0..=Volume::ONE - 1)?,
        )
        .unwrap(),
        is_final: u.arbitrary()?,
        adjusted_close: sometimes(u, price)?,
        dividend_amount: None,
        split_coefficient: None,
    })
}

fn truth(u: &mut Unstructured<'_>) -> Result<Truth> {
    let hole = |u: &mut Unstructured<'_>| Ok(Span::new(instant(u)?, instant(u)?));
    let slot = |u: &mut Unstructured<'_>| {
        Ok(Slot {
            span: hole(u)?,
            due: instant(u)?,
        })
    };
    Ok(Truth {
        standing: *u.choose(Standing::ALL)?,
        holes: (0..u.int_in_range(0..=3)?)
            .map(|_| hole(u))
            .collect::<Result<_>>()?,
        missing: u.arbitrary()?,
        newest: sometimes(u, instant)?,
        newest_due: sometimes(u, slot)?,
        next: sometimes(u, slot)?,
        lacking: u.arbitrary()?,
        asked_at: sometimes(u, instant)?,
        is_due: u.arbitrary()?,
        has_last_session: u.arbitrary()?,
    })
}

fn status(u: &mut Unstructured<'_>) -> Result<WatchedSeries> {
    let at = instant(u)?;
    let closes = u.int_in_range(0..=9)?;
    Ok(WatchedSeries {
        listing: None,
        subject: subject(u)?,
        grid: grid(u)?,
        truth: truth(u)?,
        reach: sometimes(u, instant)?,
        closing_price: u.arbitrary()?,
        fetch_price: u.arbitrary()?,
        key: series(u)?,
        state: *u.choose(SeriesState::ALL)?,
        fetched_at: sometimes(u, instant)?,
        last_bar: sometimes(u, |u| bar(u, at))?,
        previous_close: sometimes(u, price)?,
        trend: (0..closes).map(|_| price(u)).collect::<Result<_>>()?,
        bars: u.arbitrary()?,
        oldest: sometimes(u, instant)?,
        problem: sometimes(u, |u| Ok((*u.choose(ErrorClass::ALL)?, cleaned(u)?)))?,
        next_at: sometimes(u, instant)?,
        declared: Declared::default(),
        safe_until: sometimes(u, instant)?,
        retry_at: sometimes(u, instant)?,
        requests: u.int_in_range(0..=30)?,
    })
}

fn plan(u: &mut Unstructured<'_>) -> Result<FetchPlan> {
    let line = |u: &mut Unstructured<'_>| {
        let (at, said) = (instant(u)?, cleaned(u)?);
        let why_not = [
            WhyNot::NotDue { due: Some(at) },
            WhyNot::NotDue { due: None },
            WhyNot::Schedule,
            WhyNot::Paused,
            WhyNot::Quota {
                before: u.arbitrary()?,
            },
            WhyNot::Refused {
                class: *u.choose(ErrorClass::ALL)?,
                said,
            },
            WhyNot::Rests { until: at },
        ];
        let within = FreshWithin::Sessions(u.arbitrary()?);
        let why = [
            Why::AboutToBeLost,
            Why::New,
            Why::Target { within, until: at },
            Why::Due { since: at },
        ];
        Ok(PlannedFetch {
            series: series(u)?,
            at: sometimes(u, instant)?,
            price: u.arbitrary()?,
            why: sometimes(u, |u| Ok(u.choose(&why)?.clone()))?,
            why_not_now: sometimes(u, |u| Ok(u.choose(&why_not)?.clone()))?,
            safe_until: sometimes(u, instant)?,
            backlog: None,
        })
    };
    let source = |u: &mut Unstructured<'_>| {
        Ok(LanePlan {
            source: series(u)?.source,
            per_day: u.arbitrary()?,
            left: u.arbitrary()?,
            reserve: u.arbitrary()?,
            at: sometimes(u, instant)?,
            next: u.arbitrary()?,
            days: u.arbitrary()?,
            loses: u.arbitrary()?,
        })
    };
    Ok(FetchPlan {
        lines: some(u, 5, line)?,
        lanes: some(u, 3, source)?,
    })
}

fn run(u: &mut Unstructured<'_>) -> Result<RunSummary> {
    Ok(RunSummary {
        id: RunId(u.int_in_range(1..=9)?),
        status: *u.choose(RunStatus::ALL)?,
        trigger: (*u.choose(&["schedule", "fetch", "due"])?).to_owned(),
        started_at: instant(u)?,
        finished_at: sometimes(u, instant)?,
        series: u.arbitrary::<u16>()?.into(),
        succeeded: u.arbitrary::<u16>()?.into(),
        requests: u.arbitrary::<u16>()?.into(),
        retries: u.arbitrary::<u16>()?.into(),
        inserted: u.arbitrary()?,
        changed: u.arbitrary()?,
    })
}

fn report(u: &mut Unstructured<'_>) -> Result<SeriesReport> {
    let status = *u.choose(Ended::ALL)?;
    let report = SeriesReport::new(series(u)?, status);
    Ok(SeriesReport {
        received: u.arbitrary()?,
        counts: Counts {
            inserted: u.arbitrary()?,
            changed: u.arbitrary()?,
            unchanged: u.arbitrary()?,
        },
        requests: u.int_in_range(0..=4)?,
        ..report.with_error(status, *u.choose(ErrorClass::ALL)?, cleaned(u)?)
    })
}

fn request(u: &mut Unstructured<'_>) -> Result<RequestRow> {
    Ok(RequestRow {
        id: RequestId(u.int_in_range(1..=9)?),
        source: "alpha_vantage".to_owned(),
        symbol: (*u.choose(&["IBM", "AAPL", ""])?).to_owned(),
        interval: "daily".to_owned(),
        adjusted: u.arbitrary()?,
        endpoint: cleaned(u)?,
        query: cleaned(u)?,
        attempt: u.int_in_range(1..=4)?,
        state: cleaned(u)?,
        class: sometimes(u, cleaned)?,
        http_status: u.arbitrary()?,
        elapsed_ms: u.arbitrary()?,
        reserved_at: instant(u)?,
        ended_at: sometimes(u, instant)?,
        parse_ms: u.arbitrary()?,
    })
}

fn some<T>(
    u: &mut Unstructured<'_>,
    most: usize,
    make: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = u.int_in_range(0..=most)?;
    (0..count).map(|_| make(u)).collect()
}

fn page(u: &mut Unstructured<'_>) -> Result<BarsPage> {
    let newest = instant(u)?;
    let count = u.int_in_range(0..=40)?;
    let bars = (0..count).map(|at| bar(u, newest - TimeDelta::minutes(5 * at)));
    let bars: Vec<Bar> = bars.collect::<Result<_>>()?;
    let anchor = *u.choose(&[Anchor::Newest, Anchor::Oldest, Anchor::At(newest)])?;
    let series = series(u)?;
    let mut adjustments = some(u, 4, |u| adjustment(u, newest))?;
    adjustments.sort_by_key(|adjustment| std::cmp::Reverse(adjustment.before));
    Ok(BarsPage {
        subject: subject(u)?,
        scaled: Scaled::of(&series, &bars, Adjustments::new(adjustments)),
        window: BarsWindow {
            series,
            anchor,
            newer: u.int_in_range(0..=400)?,
            older: u.int_in_range(0..=400)?,
        },
        total: u.arbitrary()?,
        oldest: bars.last().map(|bar| bar.timestamp),
        newest: bars.first().map(|bar| bar.timestamp),
        grid: grid(u)?,
        known: KnownEvents::default(),
        restated: some(u, 3, span)?.into_iter().collect(),
        holes: bars
            .iter()
            .filter_map(|bar| sometimes(u, |u| hole(u, bar)).transpose())
            .collect::<Result<_>>()?,
        bars,
    })
}

fn subject(u: &mut Unstructured<'_>) -> Result<Arc<Subject>> {
    Ok(Arc::new(Subject {
        series: series(u)?,
        currency: u.arbitrary::<bool>()?.then(Currency::usd),
        derived_from: sometimes(u, |u| Ok(*u.choose(&Interval::ALL)?))?,
    }))
}

/// An adjustment of some day before the newest bar.
fn adjustment(u: &mut Unstructured<'_>, newest: DateTime<Utc>) -> Result<Adjustment> {
    let days = u.int_in_range(-1..=3)?;
    let factor = |u: &mut Unstructured<'_>| {
        let digits = u.int_in_range(0..=9)?;
        Ok(Decimal::new(i64::from(u.arbitrary::<u32>()?), digits))
    };
    let unknown = Unknown::LooksLikeSplit(Ratio {
        new: u.int_in_range(1..=20)?,
        old: u.int_in_range(1..=20)?,
    });
    Ok(Adjustment {
        before: (newest - TimeDelta::days(days)).date_naive(),
        price: sometimes(u, factor)?,
        volume: sometimes(u, factor)?,
        unknown: u.arbitrary::<bool>()?.then_some(unknown),
    })
}

fn grid(u: &mut Unstructured<'_>) -> Result<Grid> {
    Ok(Grid {
        interval: *u.choose(&Interval::ALL)?,
        calendar: (*u.choose(CalendarId::ALL)?).into(),
        publishing: Publishing::UNKNOWN,
    })
}

fn hole(u: &mut Unstructured<'_>, bar: &Bar) -> Result<Hole> {
    Ok(Hole {
        before: bar.timestamp,
        why: *u.choose(Break::ALL)?,
        span: span(u)?,
        bars: u.arbitrary()?,
    })
}

fn span(u: &mut Unstructured<'_>) -> Result<Span> {
    let from = instant(u)?;
    Ok(Span::new(
        from,
        from + TimeDelta::hours(u.int_in_range(0..=900)?),
    ))
}

fn coverage(u: &mut Unstructured<'_>) -> Result<CoverageMap> {
    let newest = instant(u)?.date_naive();
    Ok(CoverageMap {
        newest: newest.with_day(1).unwrap(),
        rows: some(u, 5, |u| {
            Ok(CoverageRow {
                series: series(u)?,
                grid: grid(u)?,
                months: some(u, 40, |u| Ok(*u.choose(MonthState::ALL)?))?,
            })
        })?,
    })
}

fn ranges(u: &mut Unstructured<'_>) -> Result<RangesView> {
    Ok(RangesView {
        series: series(u)?,
        within: span(u)?,
        ranges: some(u, 5, |u| {
            Ok(Stretch {
                span: span(u)?,
                state: *u.choose(There::ALL)?,
                bars: u.arbitrary()?,
            })
        })?,
    })
}

fn search(u: &mut Unstructured<'_>) -> Result<SearchView> {
    let listing = |u: &mut Unstructured<'_>| {
        let listing = Listing {
            name: cleaned(u)?,
            exchange: cleaned(u)?,
            kind: cleaned(u)?,
            ..Listing::of(series(u)?.symbol)
        };
        Ok(Offer {
            source: SourceId::DEFAULT,
            listing,
        })
    };
    Ok(SearchView {
        text: (*u.choose(&["", "i", "ib", "ibm"])?).to_owned(),
        matches: some(u, 5, listing)?,
        from_provider: u.arbitrary()?,
        listed: u.arbitrary::<u16>()?.into(),
        listed_at: sometimes(u, instant)?,
        busy: u.arbitrary()?,
        problem: sometimes(u, cleaned)?,
    })
}

fn answer(u: &mut Unstructured<'_>) -> Result<AnswerView> {
    Ok(AnswerView {
        request: RequestId(u.int_in_range(1..=9)?),
        status: u.arbitrary()?,
        content_type: sometimes(u, cleaned)?,
        received_at: instant(u)?,
        elapsed_ms: u.arbitrary()?,
        lines: some(u, 9, cleaned)?,
        cut: u.arbitrary()?,
    })
}

fn source(u: &mut Unstructured<'_>, id: &pipeline_tui::model::SourceId) -> Result<SourceStatus> {
    let rolling = sometimes(u, |u| {
        Ok(RollingStatus {
            used: u.arbitrary()?,
            limit: u.arbitrary()?,
            span: TimeDelta::seconds(*u.choose(&[1, 10, 60])?),
        })
    })?;
    Ok(SourceStatus {
        id: id.clone(),
        plan: cleaned(u)?,
        key: *u.choose(KeyUse::ALL)?,
        has_intraday: u.arbitrary()?,
        quota: QuotaStatus {
            used: u.int_in_range(0..=30)?,
            limit: *u.choose(&[None, Some(0), Some(25)])?,
            rolling: [rolling, None, None],
            in_flight: u.int_in_range(0..=3)?,
            answered_at: sometimes(u, instant)?,
            spent_until: sometimes(u, instant)?,
            renews_at: sometimes(u, instant)?,
            gap: TimeDelta::milliseconds(u.int_in_range(0..=90_000)?),
            ..QuotaStatus::default()
        },
        sendable: u.int_in_range(0..=30)?,
        pause: sometimes(u, |u| Ok((instant(u)?, cleaned(u)?)))?,
    })
}

fn facts(u: &mut Unstructured<'_>, id: &pipeline_tui::model::SourceId) -> Result<SourceFacts> {
    Ok(SourceFacts {
        id: id.clone(),
        fingerprint: cleaned(u)?,
        entitlements: some(u, 4, |u| {
            Ok(Entitlement {
                endpoint: cleaned(u)?,
                parameter: cleaned(u)?,
                granted: u.arbitrary()?,
                message: sometimes(u, cleaned)?,
            })
        })?,
        events: sometimes(u, |u| {
            Ok(EventsAsked {
                symbols: u.arbitrary()?,
                last: sometimes(u, |u| Ok(instant(u)?.date_naive()))?,
            })
        })?,
    })
}

fn system(u: &mut Unstructured<'_>) -> Result<SystemView> {
    Ok(SystemView {
        database: cleaned(u)?,
        schema: u.arbitrary()?,
        size: Size {
            bytes: u.arbitrary()?,
            answers: u.arbitrary()?,
            answer_bytes: u.arbitrary()?,
        },
        tables: some(u, 26, |u| {
            Ok(TableSize {
                table: *u.choose(StoreTable::ALL)?,
                rows: u64::from(u.arbitrary::<u32>()?),
                bytes: u64::from(u.arbitrary::<u32>()?),
            })
        })?,
        spooled: u.arbitrary()?,
        sources: pipeline_tui::pipeline::sources::SETTINGS
            .iter()
            .map(|settings| facts(u, &settings.id))
            .collect::<Result<_>>()?,
    })
}

/// A snapshot of an engine that reads only, or of one that does all.
pub fn snapshot(u: &mut Unstructured<'_>, read_only: bool) -> Result<Snapshot> {
    let details = |u: &mut Unstructured<'_>| {
        Ok(RunDetail {
            summary: run(u)?,
            series: some(u, 4, report)?,
            requests: some(u, 4, request)?,
            rejected: vec![],
        })
    };
    let progress = |u: &mut Unstructured<'_>| {
        Ok(RunProgress {
            id: sometimes(u, |u| Ok(RunId(u.int_in_range(1..=9)?)))?,
            trigger: "fetch",
            started_at: instant(u)?,
            done: u.int_in_range(0..=9)?,
            total: u.int_in_range(0..=9)?,
        })
    };
    let tick = |u: &mut Unstructured<'_>| {
        let tick = Tick {
            at: instant(u)?,
            source: SourceId::DEFAULT,
            outcome: *u.choose(TickOutcome::ALL)?,
            why: sometimes(u, |u| Ok(*u.choose(TickWhy::ALL)?))?,
            run: sometimes(u, |u| Ok(RunId(u.arbitrary()?)))?,
            decided_at: instant(u)?,
        };
        let run_status = sometimes(u, |u| Ok(*u.choose(RunStatus::ALL)?))?;
        Ok(NotedTick { tick, run_status })
    };
    let next = |u: &mut Unstructured<'_>| {
        Ok(NextTick {
            at: instant(u)?,
            series: u.int_in_range(0..=9)?,
            requests: u.int_in_range(0..=9)?,
        })
    };
    Ok(Snapshot {
        revision: u.arbitrary()?,
        taken_at: instant(u)?,
        read_only,
        sources: pipeline_tui::pipeline::sources::SETTINGS
            .iter()
            .map(|settings| source(u, &settings.id))
            .collect::<Result<_>>()?,
        store: StoreStatus {
            backend: Backend::Sqlite,
            location: cleaned(u)?,
            bars: u.arbitrary()?,
            lost: sometimes(u, |u| Ok((instant(u)?, cleaned(u)?)))?,
            spooled: 0,
        },
        schedule: ScheduleStatus {
            schedule: u
                .choose(&["every 15", "20 16 * * 1-5", "0 0 29 2 *"])?
                .parse::<Schedule>()
                .unwrap(),
            paused: u.arbitrary()?,
            next_at: sometimes(u, instant)?,
            is_owner: u.arbitrary()?,
            no_engine: u.arbitrary()?,
            missed: u.arbitrary()?,
            due: u.int_in_range(0..=9)?,
            sendable: u.int_in_range(0..=9)?,
            due_next: u.int_in_range(0..=9)?,
            sendable_next: u.int_in_range(0..=9)?,
        },
        run: sometimes(u, progress)?,
        export: sometimes(u, |u| {
            Ok(ExportProgress {
                done: u.int_in_range(0..=9)?,
                total: u.int_in_range(1..=9)?,
                bars: u.arbitrary()?,
            })
        })?,
        is_listed: u.arbitrary()?,
        plan: Arc::new(plan(u)?),
        series: some(u, 5, status)?.into(),
        runs: some(u, 4, run)?.into(),
        bars: sometimes(u, page)?.map(Arc::new),
        opened: sometimes(u, details)?.map(Arc::new),
        answer: sometimes(u, answer)?.map(Arc::new),
        system: sometimes(u, system)?.map(Arc::new),
        engines: None,
        search: sometimes(u, search)?.map(Arc::new),
        coverage: sometimes(u, coverage)?.map(Arc::new),
        ranges: sometimes(u, ranges)?.map(Arc::new),
        preview: None,
        alerts: Arc::default(),
        dropped_notices: u.arbitrary()?,
        ticks: some(u, 9, tick)?.into(),
        next_ticks: some(u, 5, next)?.into(),
    })
}
