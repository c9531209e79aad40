//! What the view says, as plain lines. Each section but the settings always has the same lines, so
//! that none moves under the selection when something is read.

use chrono::{DateTime, NaiveDate, Utc};

use super::tables::{TABLES, tables};
use crate::model::calendar::{Calendar, CalendarId};
use crate::model::text::thousands;
use crate::model::{EngineStatus, Engines, LaneName};
use crate::pipeline::snapshot::{Snapshot, SystemView};
use crate::ui::about::{About, AboutSource};
use crate::ui::shared::Shared;
use crate::ui::sources::{self, Reader, SourcePage, Told};
use crate::ui::{market, text};

/// A part of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// A source, by its name: its key, its plan, its requests.
    Source(&'static str),
    /// This process.
    Engine,
    /// All that share the store.
    Engines,
    /// Where the data is.
    Store,
    /// What each table takes.
    Tables,
    /// The settings and their origins.
    Settings,
}

impl Section {
    /// What finds it.
    fn words(self) -> String {
        match self {
            Self::Source(name) => format!("source {name}"),
            other => other.title().to_owned(),
        }
    }

    /// Its head.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Source(name) => name,
            Self::Engine => "Engine",
            Self::Engines => "Engines",
            Self::Store => "Store",
            Self::Tables => "Tables",
            Self::Settings => "Settings",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SystemLine {
    /// Where it belongs.
    pub section: Section,
    /// What it is about.
    pub label: String,
    /// What is copied; empty if there is nothing.
    pub value: String,
    /// What else there is to know.
    pub note: String,
}

impl SystemLine {
    /// Whether it contains a word, in lower case: in a field, or anywhere.
    pub(super) fn is(&self, field: Option<&str>, word: &str) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(word);
        let section = self.section.words();
        match field {
            None => [section.as_str(), &self.label, &self.value, &self.note]
                .map(holds)
                .contains(&true),
            Some("section") => holds(&section),
            Some("name") => holds(&self.label),
            Some("value") => holds(&self.value),
            Some("from") => self.section == Section::Settings && holds(&self.note),
            Some(_) => false,
        }
    }
}

const ENGINE: usize = 7;
const ENGINES: usize = 5;
const STORE: usize = 10;

/// The first line of a section among all, with so many sources; of the sources, that of the first.
pub(super) const fn first(section: Section, sources: usize) -> usize {
    let engine = sources * sources::LINES;
    match section {
        Section::Source(_) => 0,
        Section::Engine => engine,
        Section::Engines => engine + ENGINE,
        Section::Store => engine + ENGINE + ENGINES,
        Section::Tables => engine + ENGINE + ENGINES + STORE,
        Section::Settings => engine + ENGINE + ENGINES + STORE + TABLES,
    }
}

/// Every line.
pub(super) fn lines(shared: &Shared, now: DateTime<Utc>) -> Vec<SystemLine> {
    let snapshot = shared.snapshot.as_deref();
    let system = snapshot.and_then(|snapshot| snapshot.system.as_deref());
    let settings = shared.about.settings.iter().map(|row| SystemLine {
        section: Section::Settings,
        label: row.name.clone().into_owned(),
        value: row.value.clone(),
        note: row.source.clone(),
    });
    let chosen = shared.chosen_sources();
    let mut abouts: Vec<&AboutSource> = shared.about.sources.iter().collect();
    // Those that nobody chose last, in their order.
    abouts.sort_by_key(|about| !chosen.contains(&&about.settings.id));
    let sources = abouts.into_iter().flat_map(|about| {
        let head = Section::Source(about.settings.words.name);
        section(head, source(about, shared, system, now))
    });
    sources
        .chain(section(Section::Engine, engine(shared, snapshot, now)))
        .chain(section(Section::Engines, engines(shared, snapshot)))
        .chain(section(
            Section::Store,
            store(&shared.about, snapshot, system),
        ))
        .chain(section(
            Section::Tables,
            tables(
                system.map_or(&[], |system| &system.tables),
                shared.about.retention,
            ),
        ))
        .chain(settings)
        .collect()
}

fn section<const N: usize>(section: Section, told: [Told; N]) -> impl Iterator<Item = SystemLine> {
    told.into_iter()
        .map(move |(label, value, note)| SystemLine {
            section,
            label: label.to_owned(),
            value,
            note,
        })
}

fn source(
    source: &AboutSource,
    shared: &Shared,
    system: Option<&SystemView>,
    now: DateTime<Utc>,
) -> [Told; sources::LINES] {
    let settings = source.settings;
    let facts = system.and_then(|system| {
        let mut all = system.sources.iter();
        all.find(|facts| facts.id == settings.id)
    });
    let on_it = shared.series().iter();
    let known = SourcePage {
        settings,
        address: source.address(),
        key_origin: &shared.key_origin(source),
        status: shared.source_status(&settings.id),
        facts,
        series: on_it
            .filter(|status| status.key.source == settings.id)
            .count(),
    };
    let reader = Reader {
        now,
        zone: shared.zone,
        local: shared.local,
    };
    sources::lines(&known, &reader)
}

fn engine(shared: &Shared, snapshot: Option<&Snapshot>, now: DateTime<Utc>) -> [Told; ENGINE] {
    let about = &shared.about;
    let clock = |at| {
        let zone = text::zone_name(shared.zone);
        format!("{} {zone}", text::near(at, now, shared.zone))
    };
    let of = |tell: &dyn Fn(&Snapshot) -> String| snapshot.map_or_else(String::new, tell);
    let owner = match (&shared.stopped, snapshot) {
        (Some(reason), _) => format!("the engine stopped: {reason}"),
        (None, None) => "starting".to_owned(),
        (None, Some(snapshot)) if snapshot.read_only => "none: read-only".to_owned(),
        (None, Some(snapshot)) if snapshot.schedule.is_owner => "this process".to_owned(),
        (None, Some(snapshot)) if snapshot.schedule.no_engine => "nobody".to_owned(),
        (None, Some(_)) => "another process".to_owned(),
    };
    let next = of(
        &|snapshot| match (snapshot.schedule.next_at, snapshot.schedule.paused) {
            (_, true) => "paused".to_owned(),
            (Some(at), false) => clock(at),
            (None, false) => "never".to_owned(),
        },
    );
    let due = of(&|snapshot| text::count(snapshot.schedule.sendable_next, "request"));
    let (run, last) = snapshot.map_or_else(Default::default, runs);
    [
        (
            "version",
            env!("CARGO_PKG_VERSION").to_owned(),
            String::new(),
        ),
        (
            "process",
            about.pid.to_string(),
            format!(
                "since {}, {}",
                clock(about.started_at),
                text::ago(about.started_at, now)
            ),
        ),
        (
            "schedule",
            of(&|snapshot| snapshot.schedule.schedule.words()),
            of(&|snapshot| around_the_clock(snapshot).to_owned()),
        ),
        ("owner", owner, "fetches on schedule".to_owned()),
        ("next", next, due),
        ("run", run, last),
        ("market", markets(shared, now), String::new()),
    ]
}

/// All engines: how many work, and the first four.
fn engines(shared: &Shared, snapshot: Option<&Snapshot>) -> [Told; ENGINES] {
    let engines = snapshot.and_then(|snapshot| snapshot.engines.as_deref());
    let mut all = engines.into_iter().flat_map(|engines| &engines.all);
    let mut next = |label| {
        let told = all.next().zip(engines);
        let (value, note) = told.map_or_else(Default::default, |(engine, engines)| {
            (where_it_is(engine), what_it_does(engine, engines))
        });
        (label, value, note)
    };
    let each = ["1", "2", "3", "4"].map(&mut next);
    let [one, two, three, four] = each;
    let more = text::count(all.count(), "engine");
    let working = engines.map_or_else(String::new, |engines| {
        let working = engines.all.iter().filter(|one| one.works(engines.now));
        let (busy, waiting): (Vec<_>, Vec<_>) = working.partition(|one| !one.lanes.is_empty());
        let busy = text::count(busy.len(), "engine");
        match waiting.len() {
            0 => busy,
            1 => format!("{busy}, 1 waits"),
            waiting => format!("{busy}, {waiting} wait"),
        }
    });
    let since = engines.and_then(Engines::none_since).map(|at| {
        let (at, zone) = (
            text::near(at, at, shared.zone),
            text::zone_name(shared.zone),
        );
        format!("none has worked since {at} {zone}")
    });
    let more = match more.as_str() {
        "0 engines" => String::new(),
        more => format!("{more} more"),
    };
    [
        ("at work", working, since.unwrap_or(more)),
        one,
        two,
        three,
        four,
    ]
}

fn where_it_is(engine: &EngineStatus) -> String {
    let home = &engine.home;
    format!("{} pid {}, version {}", home.host, home.pid, home.version)
}

/// Its last beat, its lanes, and what it has sent.
fn what_it_does(engine: &EngineStatus, engines: &Engines) -> String {
    let seen = text::ago(engine.last_seen(), engines.now);
    if engine.ended_at.is_some() {
        return format!("ended {seen}");
    }
    let seen = if engine.lives {
        format!("beat {seen}")
    } else {
        format!("died, beat {seen}")
    };
    let lanes: Vec<&str> = engine.lanes.iter().map(LaneName::as_str).collect();
    let lanes = match lanes.as_slice() {
        [] => "waits".to_owned(),
        lanes => lanes.join(", "),
    };
    let sent = usize::try_from(engine.requests).unwrap_or(usize::MAX);
    format!(
        "{seen}; {lanes}; {} in an hour",
        text::count(sent, "request")
    )
}

/// The markets of the watched series, each once; New York where nothing is watched.
fn markets(shared: &Shared, now: DateTime<Utc>) -> String {
    let mut calendars: Vec<(Calendar, Option<NaiveDate>)> = vec![];
    for series in shared.series() {
        let (calendar, closed_on) = (&series.grid.calendar, series.truth.closed_on(&series.grid));
        match calendars.iter_mut().find(|(known, _)| known == calendar) {
            Some((_, closed)) => *closed = closed.or(closed_on),
            None => calendars.push((calendar.clone(), closed_on)),
        }
    }
    if calendars.is_empty() {
        calendars.push((CalendarId::Xnys.into(), None));
    }
    let said = calendars
        .iter()
        .map(|(calendar, closed_on)| market::supposed(calendar, *closed_on, now, shared.zone));
    said.collect::<Vec<_>>().join("; ")
}

/// The current run, and the last one that ended.
/// What the schedule does not speak for.
fn around_the_clock(snapshot: &Snapshot) -> &'static str {
    let schedule = &snapshot.schedule.schedule;
    let mut series = snapshot.series.iter();
    if series.any(|series| !schedule.speaks_for(series.grid.calendar.id())) {
        "24/7 markets: each bar when it is due"
    } else {
        ""
    }
}

fn runs(snapshot: &Snapshot) -> (String, String) {
    let current = snapshot.run.as_ref().map_or_else(
        || "none".to_owned(),
        |run| {
            let id = run.id.map_or_else(String::new, |id| format!("{id}, "));
            format!("{id}{} of {} done", run.done, run.total)
        },
    );
    let last = snapshot.runs.iter().find(|run| run.finished_at.is_some());
    let last = last.map_or_else(String::new, |run| {
        format!("last: {} {}", run.id, run.status)
    });
    (current, last)
}

fn store(about: &About, snapshot: Option<&Snapshot>, system: Option<&SystemView>) -> [Told; STORE] {
    let of = |tell: &dyn Fn(&Snapshot) -> String| snapshot.map_or_else(String::new, tell);
    let read = |tell: &dyn Fn(&SystemView) -> String| system.map_or_else(String::new, tell);
    let lost = of(&|snapshot| match &snapshot.store.lost {
        Some((_, reason)) => format!("no answer: {reason}"),
        None => String::new(),
    });
    let config = if about.has_config_file {
        ""
    } else {
        "not found: environment and defaults apply"
    };
    let place = if about.store_is_server {
        "server"
    } else {
        "path"
    };
    let plain = String::new;
    [
        ("database", read(&|system| system.database.clone()), lost),
        (place, about.store.clone(), plain()),
        (
            "bars",
            of(&|snapshot| thousands(snapshot.store.bars)),
            of(&|snapshot| format!("{} watched", text::count(snapshot.series.len(), "series"))),
        ),
        (
            "size",
            read(&|system| {
                system
                    .size
                    .bytes
                    .map_or_else(|| "not known".to_owned(), text::size)
            }),
            read(&|system| format!("schema {}", system.schema)),
        ),
        (
            "answers",
            read(&|system| {
                let size = system.size;
                let answers = usize::try_from(size.answers).unwrap_or(usize::MAX);
                format!("{} kept", text::count(answers, "answer"))
            }),
            read(&|system| text::size(system.size.answer_bytes)),
        ),
        (
            "spool",
            read(&|system| match system.spooled {
                Some(waiting) => text::count(waiting, "answer"),
                None => "not known".to_owned(),
            }),
            "on disk until the store takes them".to_owned(),
        ),
        ("data folder", about.data_dir.clone(), plain()),
        ("exports", about.exports.clone(), plain()),
        ("log file", about.log_file.clone(), plain()),
        ("config file", about.config_file.clone(), config.to_owned()),
    ]
}
