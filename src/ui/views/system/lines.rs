//! What the view says, as plain lines. Each section but the settings always has the same lines, so
//! that none moves under the selection when something is read.

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::calendar::{Calendar, CalendarId};
use crate::model::text::thousands;
use crate::pipeline::snapshot::{Entitlement, EventsAsked, Snapshot, SystemView};
use crate::ui::about::About;
use crate::ui::shared::Shared;
use crate::ui::{market, text};

/// A part of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Whose data it is, and what may be requested.
    Source,
    /// This process.
    Engine,
    /// Where the data is.
    Store,
    /// The settings and their origins.
    Settings,
}

impl Section {
    /// Its head.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Engine => "Engine",
            Self::Store => "Store",
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
        match field {
            None => [self.section.title(), &self.label, &self.value, &self.note]
                .map(holds)
                .contains(&true),
            Some("section") => holds(self.section.title()),
            Some("name") => holds(&self.label),
            Some("value") => holds(&self.value),
            Some("from") => self.section == Section::Settings && holds(&self.note),
            Some(_) => false,
        }
    }
}

/// A label, its value, and a note.
type Told = (&'static str, String, String);

const SOURCE: usize = 10;
const ENGINE: usize = 7;
const STORE: usize = 10;

/// The first line of a section among all.
pub(super) const fn first(section: Section) -> usize {
    match section {
        Section::Source => 0,
        Section::Engine => SOURCE,
        Section::Store => SOURCE + ENGINE,
        Section::Settings => SOURCE + ENGINE + STORE,
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
    section(Section::Source, source(shared, snapshot, system, now))
        .chain(section(Section::Engine, engine(shared, snapshot, now)))
        .chain(section(
            Section::Store,
            store(&shared.about, snapshot, system),
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
    shared: &Shared,
    snapshot: Option<&Snapshot>,
    system: Option<&SystemView>,
    now: DateTime<Utc>,
) -> [Told; SOURCE] {
    let usual = shared.about.sources.first();
    let of = |tell: &dyn Fn(&Snapshot) -> String| snapshot.map_or_else(String::new, tell);
    let read = |tell: &dyn Fn(&SystemView) -> String| system.map_or_else(String::new, tell);
    let limit = of(&|snapshot| match snapshot.quota.limit {
        Some(limit) => format!("{} a day", text::count(limit as usize, "request")),
        None => "no daily limit".to_owned(),
    });
    let key = snapshot.map_or_else(String::new, |snapshot| {
        if snapshot.provider.key_is_demo {
            "demo".to_owned()
        } else {
            read(&|system| format!("fingerprint {}", system.fingerprint))
        }
    });
    let spent = of(&|snapshot| match snapshot.quota.spent_until {
        Some(until) => format!(
            "nothing more until {} {}",
            text::near(until, now, shared.zone),
            text::zone_name(shared.zone)
        ),
        None => String::new(),
    });
    let known = |granted| read(&|system| allowed(&system.entitlements, granted));
    [
        (
            "provider",
            of(&|snapshot| snapshot.provider.name.clone()),
            String::new(),
        ),
        (
            "address",
            usual.map_or_else(String::new, |usual| usual.address.clone()),
            String::new(),
        ),
        (
            "key",
            key,
            usual.map_or_else(String::new, |usual| shared.key_origin(usual)),
        ),
        (
            "plan",
            of(&|snapshot| snapshot.provider.plan.clone()),
            limit,
        ),
        ("pace", read(&|system| pace(system.gap)), String::new()),
        ("today", of(&|snapshot| used(shared, snapshot)), spent),
        (
            "renews",
            of(&|snapshot| {
                snapshot
                    .quota
                    .renews_at
                    .map_or_else(String::new, |at| text::renewal(at, shared.local))
            }),
            String::new(),
        ),
        (
            "allowed",
            known(true),
            "answered with this key so far".to_owned(),
        ),
        (
            "refused",
            known(false),
            "refused with this key so far".to_owned(),
        ),
        (
            "events",
            read(&|system| events(system.events)),
            "splits, dividends; the palette (:) fetches them".to_owned(),
        ),
    ]
}

/// Of how many symbols splits and dividends were asked for, and when last.
fn events(asked: EventsAsked) -> String {
    let symbols = usize::try_from(asked.symbols).unwrap_or(usize::MAX);
    asked.last.map_or_else(
        || "never asked for".to_owned(),
        |last| format!("of {}, last {last}", text::count(symbols, "symbol")),
    )
}

fn pace(gap: chrono::TimeDelta) -> String {
    if gap.is_zero() {
        "no limit".to_owned()
    } else {
        format!("one request every {}", text::step(gap))
    }
}

fn used(shared: &Shared, snapshot: &Snapshot) -> String {
    let quota = &snapshot.quota;
    let sent = format!("{} sent", text::count(quota.used as usize, "request"));
    match (quota.limit, shared.requests_left()) {
        (Some(limit), Some(left)) => format!("{sent}, {left} of {limit} left"),
        _ => sent,
    }
}

/// The endpoints that the key is known to be allowed, or not.
fn allowed(known: &[Entitlement], granted: bool) -> String {
    let endpoints: Vec<String> = known
        .iter()
        .filter(|known| known.granted == granted)
        .map(|known| match known.parameter.as_str() {
            "" => known.endpoint.clone(),
            parameter => format!("{} with {parameter}", known.endpoint),
        })
        .collect();
    endpoints.join(", ")
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
            String::new(),
        ),
        ("owner", owner, "fetches on schedule".to_owned()),
        ("next", next, due),
        ("run", run, last),
        ("market", markets(shared, now), String::new()),
    ]
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
