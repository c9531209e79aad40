//! Wishes for many series become few requests: those for the same time share them, each for as many
//! symbols as its pages bear. Pure.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::describe::Feed;
use super::route::HOURS;
use super::times::{Times, requests};
use crate::model::{ErrorClass, Interval, Publishing, Request, SeriesKey, Span, Symbol};
use crate::pipeline::source::{Hours, Planned, Range, Refusal, Wish};

/// Where a page says which one is meant.
pub(super) const PAGE: &str = "page_token";
/// What is asked.
pub(super) const ENDPOINT: &str = "v2/stocks/bars";
/// Bars of a page; no more may be asked for.
pub(super) const PAGE_BARS: u64 = 10_000;
/// Symbols of a request.
pub(super) const MOST_SYMBOLS: usize = 150;
/// Characters of its symbols, commas as a URL writes them: all of it stays below 6 kB.
const MOST_CHARS: usize = 5_000;
/// Bars that a request is planned for: a walk of so many pages is worth its first one.
const MOST_BARS: u64 = 50 * PAGE_BARS;
/// A clock that is so much ahead of the provider's is not noticed.
const FAST: TimeDelta = TimeDelta::minutes(2);
const REGULAR: &str = "regular";

/// When and of which feed is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub feed: &'a Feed,
    pub publishing: Publishing,
    pub now: DateTime<Utc>,
}

/// What series have in common that share requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    interval: Interval,
    is_regular: bool,
    times: Vec<Span>,
}

impl Asking<'_> {
    /// The fewest requests for these wishes.
    pub(super) fn plan(&self, wishes: &[Wish]) -> Planned {
        let mut planned = Planned::default();
        let mut groups: Vec<(Group, Vec<SeriesKey>)> = vec![];
        for wish in wishes {
            match self.group(wish) {
                Ok(group) => match groups.iter_mut().find(|(known, _)| *known == group) {
                    Some((_, series)) => series.push(wish.series.clone()),
                    None => groups.push((group, vec![wish.series.clone()])),
                },
                Err(refusal) => planned.refused.push((wish.series.clone(), refusal)),
            }
        }
        for (group, series) in joined(groups) {
            planned.requests.extend(self.requests(&group, series));
        }
        planned
    }

    fn group(&self, wish: &Wish) -> Result<Group, Refusal> {
        self.refuse_lacking(wish)?;
        let interval = wish.series.interval;
        let times = Times::of(interval, &self.publishing, self.now);
        let wanted = match &wish.range {
            Range::Between(span) => vec![*span],
            Range::Missing(spans) if !spans.is_empty() => spans.clone(),
            Range::Newest | Range::Missing(_) => vec![times.newest()],
        };
        let found = times.askable(&wanted);
        if found.is_empty() {
            return Err(self.nothing_to_ask(&wanted, times.limit()));
        }
        Ok(Group {
            interval,
            is_regular: wish.hours == Hours::Regular && interval.is_intraday(),
            times: found,
        })
    }

    /// Refuses what this source has not: ignored, it would bring other bars than were wanted.
    fn refuse_lacking(&self, wish: &Wish) -> Result<(), Refusal> {
        let name = self.feed.description.settings.words.name;
        let text = if let Some(extra) = wish.extras.first() {
            format!("{name} has no --{}; leave it out", extra.name)
        } else if wish.series.adjusted {
            format!(
                "bars of {name} are stored as traded, and adjusted prices computed; leave out \
                 --adjusted, and read them with bars --adjusted"
            )
        } else {
            return Ok(());
        };
        Err(Refusal::new(ErrorClass::BadRequest, text))
    }

    fn nothing_to_ask(&self, wanted: &[Span], limit: DateTime<Utc>) -> Refusal {
        let Publishing {
            zone,
            delay,
            first_day,
            ..
        } = self.publishing;
        let clock = limit.with_timezone(&zone).format("%H:%M");
        if wanted.iter().all(|span| span.to <= limit) {
            let name = self.feed.description.settings.words.name;
            let text = format!("{name} has no bars before {first_day}");
            return Refusal::new(ErrorClass::BadRequest, text);
        }
        if delay.is_zero() {
            let text = format!("newest possible now: {clock}; no bar of this time has ended yet");
            return Refusal::new(ErrorClass::BadRequest, text);
        }
        let text = format!("newest possible now: {clock}; plan withholds the last 15 minutes");
        Refusal::new(ErrorClass::NotEntitled, text)
    }

    /// The requests of a group: of each batch of symbols its times follow each other, newest first.
    fn requests(&self, group: &Group, mut series: Vec<SeriesKey>) -> Vec<Request> {
        series.sort();
        let times = Times::of(group.interval, &self.publishing, self.now);
        let pieces: Vec<Span> = group
            .times
            .iter()
            .flat_map(|span| times.pieces(*span, series.len().min(MOST_SYMBOLS)))
            .collect();
        let longest = pieces.iter().map(|span| times.bars(*span)).max();
        let most_bars = match finer(group.interval) {
            Some(_) => PAGE_BARS,
            None => MOST_BARS,
        };
        let most = most_bars / longest.unwrap_or(1).max(1);
        let most = usize::try_from(most)
            .unwrap_or(MOST_SYMBOLS)
            .clamp(1, MOST_SYMBOLS);
        let request = |batch: &[SeriesKey], span: &Span| self.request(group, batch, *span);
        batches(&series, most, |key| &key.symbol)
            .iter()
            .flat_map(|batch| pieces.iter().map(move |span| request(batch, span)))
            .collect()
    }

    fn request(&self, group: &Group, series: &[SeriesKey], span: Span) -> Request {
        let symbols: Vec<&str> = series.iter().map(|key| key.symbol.as_str()).collect();
        let today = self.now.with_timezone(&self.publishing.zone).date_naive();
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let mut parameters = vec![
            pair("symbols", symbols.join(",")),
            pair("timeframe", timeframe(group.interval).to_owned()),
            pair("start", written(span.from)),
            pair("end", last_instant(span.to)),
            pair("limit", PAGE_BARS.to_string()),
            pair("adjustment", "raw".to_owned()),
            pair("asof", today.to_string()),
            pair("feed", self.feed.word.to_owned()),
            pair("sort", "asc".to_owned()),
        ];
        if group.is_regular {
            parameters.push(pair(HOURS, REGULAR.to_owned()));
        }
        Request {
            source: self.feed.source().clone(),
            endpoint: ENDPOINT.to_owned(),
            parameters,
            series: series.to_vec(),
            riders: vec![],
            page: 1,
        }
    }

    /// What is left of a request that was refused because of one of its symbols, or of its end.
    pub(super) fn amend(&self, request: &Request, refusal: &Refusal) -> Option<Request> {
        let (name, value) = refusal.parameter.as_deref()?.split_once('=')?;
        match (refusal.class, name) {
            (ErrorClass::BadRequest, "symbols") => without(request, value),
            (ErrorClass::NotEntitled, "end") => self.until_withheld(request, self.now - FAST),
            _ => None,
        }
    }

    /// The request without the minutes that are withheld at an instant; `None`: it asks for none of them, or for no
    /// others.
    pub(super) fn until_withheld(&self, request: &Request, now: DateTime<Utc>) -> Option<Request> {
        let interval = request.series.first()?.interval;
        let limit = Times::of(interval, &self.publishing, now).limit();
        let time = time(request)?;
        let is_shorter = time.from < limit && limit < time.to;
        is_shorter.then(|| with(request, "end", &last_instant(limit)))
    }
}

/// Joins groups of one interval where that saves requests.
fn joined(mut groups: Vec<(Group, Vec<SeriesKey>)>) -> Vec<(Group, Vec<SeriesKey>)> {
    groups.sort();
    let mut joined: Vec<(Group, Vec<SeriesKey>)> = vec![];
    for (group, series) in groups {
        let cost = |group: &Group, series: usize| requests(group.interval, &group.times, series);
        if let Some((before, there)) = joined.last_mut()
            && (before.interval, before.is_regular) == (group.interval, group.is_regular)
        {
            let bounds = before.times.iter().chain(&group.times);
            let hull = bounds.copied().reduce(hull).into_iter().collect();
            let both = Group {
                times: hull,
                ..group.clone()
            };
            let apart = cost(before, there.len()) + cost(&group, series.len());
            if cost(&both, there.len() + series.len()) < apart {
                *before = both;
                there.extend(series);
                continue;
            }
        }
        joined.push((group, series));
    }
    joined
}

/// The most pages that the answer to a request can have.
pub(super) fn pages(request: &Request) -> u32 {
    let time = |name: &str| request.get(name)?.parse::<DateTime<Utc>>().ok();
    let (Some(series), Some(from), Some(to)) = (request.series.first(), time("start"), time("end"))
    else {
        return 1;
    };
    let pages = requests(
        series.interval,
        &[Span::new(from, to)],
        request.series.len(),
    );
    u32::try_from(pages).unwrap_or(u32::MAX).max(1)
}

/// What is left of a request where the walk of an earlier one was cut before this page: the page with
/// those after it, and before that the bars that are newer than the whole walk.
pub(super) fn continued(wanted: &Request, next: &Request) -> Option<Vec<Request>> {
    let (asked, walked) = (time(wanted)?, time(next)?);
    if !(walked.from <= asked.from && asked.from < walked.to && walked.to <= asked.to) {
        return None;
    }
    let as_walked = |name: &str| next.get(name).unwrap_or_default().to_owned();
    let alike = with(wanted, "start", &as_walked("start"));
    let alike = with(&alike, "end", &as_walked("end"));
    if !alike.is_continued_by(next) {
        return None;
    }
    let newer = Span::new(walked.to, asked.to);
    let newer = (!newer.is_empty()).then(|| with(wanted, "start", &written(newer.from)));
    Some(newer.into_iter().chain([next.clone()]).collect())
}

/// From the beginning of the earlier to the end of the later.
pub(super) fn hull(one: Span, other: Span) -> Span {
    Span::new(one.from.min(other.from), one.to.max(other.to))
}

/// Things in batches of at most so many, whose symbols fit into a URL.
pub(super) fn batches<T: Clone>(
    things: &[T],
    most: usize,
    symbol: impl Fn(&T) -> &Symbol,
) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = vec![];
    let mut chars = 0;
    for thing in things {
        let more = symbol(thing).as_str().len() + "%2C".len();
        match batches.last_mut() {
            Some(batch) if batch.len() < most && chars + more <= MOST_CHARS => {
                chars += more;
                batch.push(thing.clone());
            }
            _ => {
                chars = more;
                batches.push(vec![thing.clone()]);
            }
        }
    }
    batches
}

/// The interval from which bars are rolled up. The provider's half hours and hours are those of the
/// clock, which mix what is traded before the session with its beginning.
pub(super) const fn finer(interval: Interval) -> Option<Interval> {
    match interval {
        Interval::Min30 | Interval::Min60 => Some(Interval::Min15),
        _ => None,
    }
}

const fn timeframe(interval: Interval) -> &'static str {
    match interval {
        Interval::Min1 => "1Min",
        Interval::Min5 => "5Min",
        Interval::Min15 | Interval::Min30 | Interval::Min60 => "15Min",
        Interval::Daily => "1Day",
        Interval::Weekly => "1Week",
        Interval::Monthly => "1Month",
    }
}

/// The provider's end is inclusive: the last instant before ours.
fn last_instant(end: DateTime<Utc>) -> String {
    written(end - TimeDelta::milliseconds(1))
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The time that a request asks for.
pub(super) fn time(request: &Request) -> Option<Span> {
    let at = |name| request.get(name)?.parse::<DateTime<Utc>>().ok();
    Some(Span::new(
        at("start")?,
        at("end")? + TimeDelta::milliseconds(1),
    ))
}

/// The hours that a request asks for.
pub(super) fn hours(request: &Request) -> Hours {
    match request.get(HOURS) {
        Some(REGULAR) => Hours::Regular,
        _ => Hours::All,
    }
}

/// The request without one of its symbols; `None`: it has no other.
fn without(request: &Request, symbol: &str) -> Option<Request> {
    let is_other = |name: &str| !name.eq_ignore_ascii_case(symbol);
    let symbols = request.get("symbols")?;
    let left: Vec<&str> = symbols.split(',').filter(|name| is_other(name)).collect();
    if left.is_empty() || left.len() == symbols.split(',').count() {
        return None;
    }
    let series = request.series.iter();
    Some(Request {
        series: series
            .filter(|key| is_other(key.symbol.as_str()))
            .cloned()
            .collect(),
        ..with(request, "symbols", &left.join(","))
    })
}

/// The request with another value of a parameter.
fn with(request: &Request, name: &str, value: &str) -> Request {
    let mut request = request.clone();
    for (known, old) in &mut request.parameters {
        if known == name {
            value.clone_into(old);
        }
    }
    request
}
