//! `status`: how the watch list stands, in one line.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::args::{ReportFormat, StatusArgs};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::instant::clock;
use super::{chosen, open, output, run};
use crate::config::Settings;
use crate::model::alert::Engine;
use crate::model::calendar::CalendarId;
use crate::model::text::counted;
use crate::model::{EngineStatus, LaneName, SeriesKey, SourceId, TableSize};
use crate::pipeline::Pipeline;
use crate::pipeline::alerts::Alerts;
use crate::pipeline::snapshot::{SeriesState, SourceStatus, WatchedSeries};

#[derive(Serialize)]
struct Status {
    series: usize,
    fresh: usize,
    due: usize,
    behind: usize,
    holes: usize,
    failed: usize,
    /// They need a person: a key, a plan, another symbol.
    blocked: usize,
    closed: usize,
    /// Days on which an exchange was probably closed, unlike its table.
    probably_closed: BTreeSet<ClosedDay>,
    /// Open alerts.
    alerts: usize,
    /// The run of the schedule that no engine started.
    missed: Option<DateTime<Utc>>,
    /// The engines that work.
    engines: Vec<WorkingEngine>,
    /// Since when no engine has a lane; none: one has, or there was none yet.
    no_engine_since: Option<DateTime<Utc>>,
    /// Those of the usual source.
    requests_today: u32,
    requests_per_day: Option<u32>,
    /// The sources of these series, and the usual one.
    sources: Vec<SourceRequests>,
    /// The tables of the store, the largest first; empty where nobody asks for JSON.
    tables: Vec<KeptTable>,
}

/// What a table takes, and what keeps it bounded.
#[derive(Serialize)]
struct KeptTable {
    #[serde(flatten)]
    size: TableSize,
    kept: String,
}

/// An engine that works.
#[derive(Serialize)]
struct WorkingEngine {
    id: String,
    host: String,
    pid: u32,
    version: String,
    started_at: DateTime<Utc>,
    beat_at: DateTime<Utc>,
    lanes: Vec<String>,
    /// Those of its schedule.
    requests_last_hour: u64,
}

impl WorkingEngine {
    fn of(engine: &EngineStatus) -> Self {
        let home = engine.home.clone();
        Self {
            id: home.id.to_string(),
            host: home.host,
            pid: home.pid,
            version: home.version,
            started_at: engine.started_at,
            beat_at: engine.beat_at,
            lanes: engine.lanes.iter().map(LaneName::to_string).collect(),
            requests_last_hour: engine.requests,
        }
    }
}

/// The requests to a source today.
#[derive(Serialize)]
struct SourceRequests {
    source: SourceId,
    #[serde(skip)]
    name: &'static str,
    requests_today: u32,
    requests_per_day: Option<u32>,
    /// Nothing is sent before this instant.
    nothing_until: Option<DateTime<Utc>>,
}

pub async fn status(args: &StatusArgs, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    if !context.read_only {
        pipeline.take_stock().await?;
    }
    let series = chosen::series(&[], None, &settings, &store).await?;
    let schedule = run::options(&settings).schedule;
    let watched = pipeline.watched(series.clone(), schedule.clone()).await?;
    let count = |state| watched.iter().filter(|one| one.state == state).count();
    let sources = requests(&pipeline, &settings, &series).await?;
    let engine = pipeline.engine_now(&schedule).await?;
    if !context.read_only {
        let alerts = Alerts::new(&settings.alerts, settings.data_dir.clone());
        alerts.watch_engine(&pipeline, engine).await?;
    }
    let usual = sources.first();
    let engines = store.engines().await?;
    let working = engines.all.iter().filter(|one| one.works(engines.now));
    let tables = match args.format {
        ReportFormat::Json => store.tables().await?,
        ReportFormat::Text => vec![],
    };
    let tables = tables.into_iter().map(|size| KeptTable {
        kept: size.table.kept(settings.retention),
        size,
    });
    let tables = tables.collect();
    let status = Status {
        series: watched.len(),
        fresh: count(SeriesState::Fresh),
        // What waits is due, and has to wait for the quota.
        due: count(SeriesState::Due) + count(SeriesState::Waiting),
        behind: count(SeriesState::Behind),
        holes: count(SeriesState::Holes),
        failed: count(SeriesState::Failed),
        blocked: count(SeriesState::Blocked),
        closed: count(SeriesState::Closed),
        probably_closed: watched.iter().filter_map(closed_day).collect(),
        alerts: store.open_alerts().await?.len(),
        missed: match engine {
            Engine::Works => None,
            Engine::Missing(at) => Some(at),
        },
        engines: working.map(WorkingEngine::of).collect(),
        no_engine_since: engines.none_since(),
        requests_today: usual.map_or(0, |usual| usual.requests_today),
        requests_per_day: usual.and_then(|usual| usual.requests_per_day),
        sources,
        tables,
    };
    match args.format {
        ReportFormat::Json => output::data(&serialize(&status)?)?,
        ReportFormat::Text => output::print(&(line(&status) + "\n"))?,
    }
    let unwell = [status.behind, status.holes, status.failed, status.blocked];
    let is_well = unwell.iter().sum::<usize>() == 0 && status.missed.is_none();
    Ok(if is_well { exit::DONE } else { exit::SOME })
}

/// The requests to the usual source, and to the others of these series.
async fn requests(
    pipeline: &Pipeline,
    settings: &Settings,
    series: &[SeriesKey],
) -> Result<Vec<SourceRequests>, Failure> {
    let all = pipeline.sources_now().await?;
    let is_usual = |source: &SourceStatus| source.id == settings.sources.usual;
    let has_series = |source: &SourceStatus| series.iter().any(|key| key.source == source.id);
    let shown = all
        .into_iter()
        .filter(|source| is_usual(source) || has_series(source));
    let told = shown.filter_map(|source| {
        let mut known = settings.access();
        let access = known.find(|access| access.settings.id == source.id)?;
        let paused = source.pause.map(|(until, _)| until);
        Some(SourceRequests {
            name: access.settings.words.name,
            requests_today: source.quota.used,
            requests_per_day: source.quota.limit,
            nothing_until: source.quota.spent_until.or(paused),
            source: source.id,
        })
    });
    Ok(told.collect())
}

/// A day on which an exchange was probably closed.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct ClosedDay {
    calendar: CalendarId,
    date: NaiveDate,
}

fn closed_day(series: &WatchedSeries) -> Option<ClosedDay> {
    Some(ClosedDay {
        calendar: series.grid.calendar.id(),
        date: series.truth.closed_on(&series.grid)?,
    })
}

fn line(status: &Status) -> String {
    let counts = [
        (status.fresh, "fresh"),
        (status.due, "due"),
        (status.behind, "behind"),
        (status.holes, "with holes"),
        (status.failed, "failed"),
        (status.blocked, "blocked"),
        (status.closed, "closed"),
    ];
    let mut parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.extend(status.probably_closed.iter().map(|day| {
        let name = match day.calendar {
            CalendarId::Weekdays => "an unknown exchange",
            known => known.name(),
        };
        format!("{name} probably closed on {}", day.date)
    }));
    if parts.is_empty() {
        parts.push("no series".to_owned());
    }
    parts.extend(
        status
            .missed
            .map(|at| format!("no engine: the run of {} did not start", clock(at))),
    );
    parts.extend(match (status.no_engine_since, status.engines.len()) {
        _ if status.missed.is_some() => None,
        (Some(at), 0) => Some(format!("no engine since {}", clock(at))),
        (Some(at), count) => Some(format!(
            "no engine has worked since {}, {} waiting",
            clock(at),
            if count == 1 {
                "1 is".to_owned()
            } else {
                format!("{count} are")
            }
        )),
        (None, 0) => None,
        (None, count) => Some(counted(count as u64, "engine")),
    });
    parts.extend((status.alerts > 0).then(|| counted(status.alerts as u64, "alert")));
    parts.extend(status.sources.iter().map(|source| {
        let whose = match status.sources.as_slice() {
            [_] => String::new(),
            _ => format!("{} ", source.name),
        };
        match source.requests_per_day {
            Some(limit) => {
                let left = limit.saturating_sub(source.requests_today);
                format!("{whose}{left} of {limit} requests left today")
            }
            None => format!(
                "{whose}{} today",
                counted(source.requests_today.into(), "request")
            ),
        }
    }));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EngineHome, EngineId};

    fn source(name: &'static str, today: u32, limit: Option<u32>) -> SourceRequests {
        SourceRequests {
            source: SourceId::DEFAULT,
            name,
            requests_today: today,
            requests_per_day: limit,
            nothing_until: None,
        }
    }

    fn engine() -> EngineStatus {
        let at = "2026-11-20T20:00:00Z".parse().unwrap();
        EngineStatus {
            home: EngineHome {
                id: EngineId::new(),
                host: "ada".into(),
                pid: 7,
                version: "0.1.0".into(),
            },
            started_at: at,
            beat_at: at,
            ended_at: None,
            lives: true,
            lanes: vec![LaneName::Upkeep],
            requests: 3,
        }
    }

    #[test]
    fn each_source_with_series_tells_its_requests() {
        let status = Status {
            series: 2,
            fresh: 2,
            due: 0,
            behind: 0,
            holes: 0,
            failed: 0,
            blocked: 0,
            closed: 0,
            alerts: 0,
            missed: None,
            engines: vec![WorkingEngine::of(&engine())],
            no_engine_since: None,
            probably_closed: BTreeSet::new(),
            requests_today: 4,
            requests_per_day: Some(25),
            sources: vec![
                source("Alpha Vantage", 4, Some(25)),
                source("Coinbase", 1, None),
            ],
            tables: vec![],
        };
        assert_eq!(
            line(&status),
            "2 fresh · 1 engine · Alpha Vantage 21 of 25 requests left today · Coinbase 1 request today"
        );
    }

    #[test]
    fn one_line_says_what_is_not_well_and_leaves_out_what_is_not_there() {
        let status = Status {
            series: 22,
            fresh: 12,
            due: 0,
            behind: 1,
            holes: 2,
            failed: 3,
            blocked: 5,
            closed: 4,
            probably_closed: BTreeSet::from([ClosedDay {
                calendar: CalendarId::Xnys,
                date: "2026-11-18".parse().unwrap(),
            }]),
            alerts: 2,
            missed: Some("2026-11-20T21:20:00Z".parse().unwrap()),
            engines: vec![],
            no_engine_since: Some("2026-11-20T20:00:00Z".parse().unwrap()),
            requests_today: 4,
            requests_per_day: Some(25),
            sources: vec![source("Alpha Vantage", 4, Some(25))],
            tables: vec![],
        };
        assert_eq!(
            line(&status),
            "12 fresh · 1 behind · 2 with holes · 3 failed · 5 blocked · 4 closed · NYSE probably closed on 2026-11-18 · no engine: the run of 2026-11-20 16:20 ET did not start · 2 alerts · 21 of 25 requests left today"
        );
        let mut not_late = Status {
            missed: None,
            ..status
        };
        let said = line(&not_late);
        assert!(
            said.contains(" · no engine since 2026-11-20 15:00 ET · "),
            "{said}"
        );
        not_late.engines = vec![WorkingEngine::of(&engine())];
        let said = line(&not_late);
        assert!(
            said.contains(" · no engine has worked since 2026-11-20 15:00 ET, 1 is waiting · "),
            "{said}"
        );
    }
}
