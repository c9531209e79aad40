//! Which conditions hold, given what is known.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::super::text::{clean_to, counted, thousands};
use super::super::{ErrorClass, Grid, SeriesKey, Span, Standing, Truth};
use super::message::{SAFE, advice};
use super::{AlertKind, AlertSeverity, Condition};

/// Characters of a provider's words in a sentence.
const WORDS: usize = 200;

/// What is alerted, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRules {
    /// The kinds that open alerts.
    pub kinds: Vec<AlertKind>,
    /// Sessions that a series may lack.
    pub behind: u32,
    /// Runs that may fail one after the other, for reasons that pass.
    pub failures: u32,
    /// How full a disk or store may be, in percent.
    pub full: u32,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            kinds: AlertKind::ALL.to_vec(),
            behind: 2,
            failures: 3,
            full: 90,
        }
    }
}

/// What is known. `None`: it was not looked at, and what was true of it stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The series of the watch list.
    pub series: Option<Vec<SeriesHealth>>,
    /// Those that were tried lately, and how that ended.
    pub tried: Option<Vec<Tried>>,
    /// The sources that have no requests left today.
    pub spent: Option<Vec<SpentSource>>,
    /// Whether an engine follows the schedule.
    pub engine: Option<Engine>,
    /// The disk that holds the data.
    pub disk: Option<Space>,
    /// The store, if its size is limited.
    pub store: Option<Space>,
}

/// How a series stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesHealth {
    /// The series.
    pub series: SeriesKey,
    /// Whole sessions that it lacks at its end.
    pub behind: u64,
    /// The end of its newest bar.
    pub newest: Option<DateTime<Utc>>,
    /// Bars that its holes have room for.
    pub missing: u64,
    /// The oldest bar that it lacks, if its source has it for less than another session.
    pub loses: Option<DateTime<Utc>>,
}

impl SeriesHealth {
    /// How a series stands that can be asked for since `reach`.
    #[must_use]
    pub fn of(series: SeriesKey, grid: &Grid, truth: &Truth, reach: Option<DateTime<Utc>>) -> Self {
        let is_late = matches!(truth.standing, Standing::Behind | Standing::Due);
        let lacks = truth.newest.zip(truth.newest_due);
        let lacks = lacks.map(|(newest, due)| Span::new(newest, due.span.to));
        let behind = lacks
            .filter(|_| is_late)
            .map_or(0, |span| closes(grid, span));
        let missing = truth.holes.iter().copied().chain(lacks);
        let loses = reach.and_then(|reach| loses(grid, missing, reach));
        Self {
            series,
            behind,
            newest: truth.newest,
            missing: truth.missing,
            loses,
        }
    }
}

/// Sessions that ended in a time.
fn closes(grid: &Grid, span: Span) -> u64 {
    let calendar = &grid.calendar;
    let sessions = calendar.sessions(calendar.date(span.from)..=calendar.date(span.to));
    let ended = sessions.filter(|session| span.from < session.close && session.close <= span.to);
    ended.count() as u64
}

/// The oldest slot of these times that a source still has, if it is gone a session later.
fn loses(
    grid: &Grid,
    missing: impl Iterator<Item = Span>,
    reach: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let first = |span: Span| grid.first(span.common(Span::new(reach, span.to)));
    let oldest = missing.filter_map(first).map(|slot| slot.span.from).min()?;
    let calendar = &grid.calendar;
    let day = calendar.date(reach);
    let mut sessions = calendar.sessions(day..=day + chrono::Days::new(14));
    let next = sessions.find(|session| session.close > reach)?;
    (oldest < next.close).then_some(oldest)
}

/// A series that was tried lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The series.
    pub series: SeriesKey,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// Why the last of them did, as a class and in words.
    pub problem: Option<(ErrorClass, String)>,
}

/// A source that may be sent nothing more today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentSource {
    /// Its name.
    pub name: String,
    /// Requests of a day.
    pub limit: u32,
    /// Series that are due.
    pub due: u64,
    /// When there are requests again.
    pub renews_at: DateTime<Utc>,
}

/// Whether an engine follows the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One does, or the schedule is off.
    Works,
    /// None did at this instant of the schedule, and none does now.
    Missing(DateTime<Utc>),
}

/// What is taken of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// The place.
    pub name: String,
    /// Bytes in use.
    pub used: u64,
    /// Bytes in all.
    pub all: u64,
}

impl Space {
    /// How full it is, in percent.
    #[must_use]
    pub fn percent(&self) -> u32 {
        let percent = u128::from(self.used) * 100 / u128::from(self.all.max(1));
        u32::try_from(percent).unwrap_or(u32::MAX)
    }
}

/// What was judged, and what holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The kinds that were looked at.
    pub kinds: Vec<AlertKind>,
    /// What holds of them.
    pub conditions: Vec<Condition>,
    /// Series of the watch list that were not tried lately: whether they still fail is not known.
    pub untried: BTreeSet<String>,
}

impl Judgement {
    /// Notes that kinds were looked at, and what holds.
    fn saw(&mut self, kinds: &[AlertKind], holds: impl IntoIterator<Item = Condition>) {
        self.kinds.extend(kinds);
        self.conditions.extend(holds);
    }
}

/// Which conditions hold. A kind that opens no alerts is judged and never holds, so that its alerts end.
#[must_use]
pub fn judge(facts: &Facts, rules: &AlertRules) -> Judgement {
    let mut judged = Judgement::default();
    if let Some(series) = &facts.series {
        use AlertKind::{AboutToBeLost, Behind, Holes};
        let holds = series.iter().flat_map(|one| of_series(one, rules));
        judged.saw(&[Behind, Holes, AboutToBeLost], holds);
    }
    if let Some(tried) = &facts.tried {
        let holds = tried.iter().filter_map(|one| failed(one, rules));
        judged.saw(&[AlertKind::Failed], holds);
        let known: BTreeSet<String> = tried.iter().map(|one| one.series.to_string()).collect();
        let watched = facts.series.iter().flatten();
        let watched = watched.map(|one| one.series.to_string());
        judged.untried = watched.filter(|series| !known.contains(series)).collect();
    }
    if let Some(spent) = &facts.spent {
        let holds = spent.iter().filter(|one| one.due > 0).map(spent_early);
        judged.saw(&[AlertKind::QuotaSpentEarly], holds);
    }
    if let Some(engine) = facts.engine {
        judged.saw(&[AlertKind::NoEngine], no_engine(engine));
    }
    for (kind, space) in [
        (AlertKind::DiskNearFull, &facts.disk),
        (AlertKind::StoreNearFull, &facts.store),
    ] {
        if let Some(space) = space {
            judged.saw(&[kind], near_full(kind, space, rules.full));
        }
    }
    judged
        .conditions
        .retain(|condition| rules.kinds.contains(&condition.kind));
    judged
}

fn condition(
    kind: AlertKind,
    severity: AlertSeverity,
    subject: String,
    happened: &str,
) -> Condition {
    let advice = advice(kind);
    // What happened may say it already.
    let advice = advice
        .strip_prefix(SAFE)
        .filter(|_| happened.contains("is safe"))
        .unwrap_or(advice);
    let text = format!("{happened}. {advice}");
    Condition {
        kind,
        subject,
        severity,
        text,
    }
}

fn of_series(one: &SeriesHealth, rules: &AlertRules) -> Vec<Condition> {
    let series = &one.series;
    let about =
        |kind, severity, happened: String| condition(kind, severity, series.to_string(), &happened);
    let behind = (one.behind >= u64::from(rules.behind.max(1))).then(|| {
        let newest = one.newest.map_or_else(String::new, |newest| {
            format!("; its newest bar ends at {}", moment(newest))
        });
        let sessions = counted(one.behind, "session");
        let happened = format!("{series} is {sessions} behind{newest}");
        about(AlertKind::Behind, AlertSeverity::Warning, happened)
    });
    let holes = (one.missing > 0).then(|| {
        let bars = counted(one.missing, "bar");
        let happened = format!("{series} has holes: {bars} missing");
        about(AlertKind::Holes, AlertSeverity::Warning, happened)
    });
    let loses = one.loses.map(|oldest| {
        let oldest = moment(oldest);
        let happened = format!(
            "{series} is about to lose bars: its source no longer has that of {oldest} after the next session"
        );
        about(AlertKind::AboutToBeLost, AlertSeverity::Error, happened)
    });
    [behind, holes, loses].into_iter().flatten().collect()
}

fn failed(one: &Tried, rules: &AlertRules) -> Option<Condition> {
    let (class, message) = one.problem.as_ref()?;
    let is_told = class.is_lasting() || one.failures >= rules.failures;
    let series = &one.series;
    let message = clean_to(message.trim_end_matches('.'), WORDS);
    let happened = match one.failures {
        0 | 1 => format!("{series} failed: {message}"),
        times => format!("{series} failed {times} times in a row: {message}"),
    };
    let subject = series.to_string();
    is_told.then(|| condition(AlertKind::Failed, AlertSeverity::Error, subject, &happened))
}

fn spent_early(one: &SpentSource) -> Condition {
    let (limit, due) = (
        counted(one.limit.into(), "request"),
        counted_series(one.due),
    );
    let renews = moment(one.renews_at);
    let happened = format!(
        "{}: today's {limit} are used up and {due} due; more can be sent from {renews}",
        one.name
    );
    let kind = AlertKind::QuotaSpentEarly;
    condition(kind, AlertSeverity::Warning, one.name.clone(), &happened)
}

fn counted_series(count: u64) -> String {
    match count {
        1 => "1 series is".to_owned(),
        many => format!("{} series are", thousands(many)),
    }
}

fn no_engine(engine: Engine) -> Option<Condition> {
    let Engine::Missing(missed) = engine else {
        return None;
    };
    let happened = format!(
        "No engine follows the schedule: the run of {} did not start",
        moment(missed)
    );
    let subject = "the schedule".to_owned();
    let kind = AlertKind::NoEngine;
    Some(condition(kind, AlertSeverity::Error, subject, &happened))
}

fn near_full(kind: AlertKind, space: &Space, full: u32) -> Option<Condition> {
    let percent = space.percent();
    let happened = format!(
        "{} is {percent} % full: {} MiB are left",
        space.name,
        thousands(space.all.saturating_sub(space.used) >> 20)
    );
    let holds = percent >= full;
    holds.then(|| condition(kind, AlertSeverity::Error, space.name.clone(), &happened))
}

fn moment(at: DateTime<Utc>) -> String {
    let there = at.with_timezone(&New_York);
    there.format("%Y-%m-%d %H:%M ET").to_string()
}
