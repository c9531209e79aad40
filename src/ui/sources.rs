//! A source in lines: its key, what it allows, what was sent, and what to do next. The panel and the
//! command `sources` say the same.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::text;
use crate::config::SourceSettings;
use crate::model::ErrorClass;
use crate::pipeline::snapshot::{
    Entitlement, EventsAsked, KeyUse, QuotaStatus, RollingStatus, SourceFacts, SourceStatus,
};

/// A label, what is so, and what else there is to know.
pub type Told = (&'static str, String, String);

/// The lines of a source: always as many, so that none moves when something is read.
pub const LINES: usize = 15;

/// A source, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct SourcePage<'a> {
    /// What it declares.
    pub settings: &'static SourceSettings,
    /// Where it is.
    pub address: &'a str,
    /// Where its key comes from.
    pub key_origin: &'a str,
    /// How it stands; `None`: nothing is known yet.
    pub status: Option<&'a SourceStatus>,
    /// What was read of it, once that was requested.
    pub facts: Option<&'a SourceFacts>,
    /// Series of the watch list that it serves.
    pub series: usize,
}

/// Where and when the lines are read.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The time.
    pub now: DateTime<Utc>,
    /// The zone of displayed times.
    pub zone: Tz,
    /// The zone of the machine.
    pub local: Tz,
}

impl Reader {
    fn near(&self, at: DateTime<Utc>) -> String {
        let zone = text::zone_name(self.zone);
        format!("{} {zone}", text::near(at, self.now, self.zone))
    }
}

/// The lines of a source.
#[must_use]
pub fn lines(source: &SourcePage<'_>, reader: &Reader) -> [Told; LINES] {
    let words = source.settings.words;
    let of = |tell: &dyn Fn(&SourceStatus) -> String| source.status.map_or_else(String::new, tell);
    let read = |tell: &dyn Fn(&SourceFacts) -> String| source.facts.map_or_else(String::new, tell);
    let allowed = |granted| read(&|facts| allowed(&facts.entitlements, granted));
    let key_page = words.key_page.unwrap_or_default().to_owned();
    [
        (
            "source",
            source.settings.id.to_string(),
            words.name.to_owned(),
        ),
        ("address", source.address.to_owned(), String::new()),
        ("key", key(source), source.key_origin.to_owned()),
        (
            "plan",
            of(&|status| status.plan.clone()),
            of(&|status| limit(&status.quota)),
        ),
        ("pace", of(&|status| pace(&status.quota)), String::new()),
        (
            "today",
            of(&|status| today(&status.quota)),
            of(&|status| held_up(status, reader)),
        ),
        (
            "renews",
            of(&|status| {
                let renews = status.quota.renews_at;
                renews.map_or_else(String::new, |at| text::renewal(at, reader.local))
            }),
            String::new(),
        ),
        (
            "answered",
            of(&|status| answered(&status.quota, reader)),
            of(&|status| match status.quota.in_flight {
                0 => String::new(),
                open => format!("{} in flight", text::count(open as usize, "request")),
            }),
        ),
        (
            "allowed",
            allowed(true),
            "answered with this key so far".to_owned(),
        ),
        (
            "refused",
            allowed(false),
            "refused with this key so far".to_owned(),
        ),
        (
            "events",
            read(&|facts| facts.events.map_or_else(|| "none".to_owned(), events)),
            match source.facts {
                Some(facts) if facts.events.is_none() => "it has no splits and dividends",
                _ => "splits, dividends; the palette (:) fetches them",
            }
            .to_owned(),
        ),
        (
            "series",
            text::count(source.series, "series"),
            "on the watch list".to_owned(),
        ),
        ("free", words.free.to_owned(), key_page),
        ("terms", words.terms.to_owned(), String::new()),
        (
            "next",
            of(&|status| next(source, status, reader)),
            String::new(),
        ),
    ]
}

/// Which key it is, never the key itself.
fn key(source: &SourcePage<'_>) -> String {
    match source.status.map(|status| status.key) {
        None => String::new(),
        Some(KeyUse::Public) => "the one for everyone".to_owned(),
        Some(KeyUse::Missing) => "none".to_owned(),
        Some(KeyUse::Unneeded) => "needs none".to_owned(),
        Some(KeyUse::Own) => source.facts.map_or_else(String::new, |facts| {
            format!("fingerprint {}", facts.fingerprint)
        }),
    }
}

fn limit(quota: &QuotaStatus) -> String {
    match quota.limit {
        Some(limit) => format!("{} a day", text::count(limit as usize, "request")),
        None => "no daily limit".to_owned(),
    }
}

fn pace(quota: &QuotaStatus) -> String {
    let gap =
        (!quota.gap.is_zero()).then(|| format!("one request every {}", text::step(quota.gap)));
    let windows = quota.rolling.iter().flatten();
    let windows = windows.map(|window| format!("{} {}", window.limit, per(window.span)));
    let said: Vec<String> = gap.into_iter().chain(windows).collect();
    if said.is_empty() {
        "no limit".to_owned()
    } else {
        said.join(", ")
    }
}

/// `a minute`.
fn per(span: TimeDelta) -> String {
    unit(span).map_or_else(
        || format!("in {}", text::step(span)),
        |unit| format!("a {unit}"),
    )
}

/// A time that has a name of its own.
fn unit(span: TimeDelta) -> Option<&'static str> {
    match span.num_seconds() {
        1 => Some("second"),
        60 => Some("minute"),
        3_600 => Some("hour"),
        86_400 => Some("day"),
        _ => None,
    }
}

/// What is left of a rolling time: `187 of 200 left this minute`.
#[must_use]
pub fn left_now(window: &RollingStatus) -> String {
    let (left, limit) = (window.left(), window.limit);
    match unit(window.span) {
        Some(unit) => format!("{left} of {limit} left this {unit}"),
        None => format!("{left} of {limit} left in {}", text::step(window.span)),
    }
}

/// A shorter rolling time is over before it is read.
const READABLE: TimeDelta = TimeDelta::seconds(10);

/// The rolling times that a person can follow.
fn windows(quota: &QuotaStatus) -> impl Iterator<Item = &RollingStatus> {
    let windows = quota.rolling.iter().flatten();
    windows.filter(|window| window.span >= READABLE)
}

/// The rolling time that says most: the longest.
#[must_use]
pub fn widest(quota: &QuotaStatus) -> Option<&RollingStatus> {
    windows(quota).max_by_key(|window| window.span)
}

fn today(quota: &QuotaStatus) -> String {
    let sent = format!("{} sent", text::count(quota.used as usize, "request"));
    let left = match (quota.limit, quota.left()) {
        (Some(limit), Some(left)) => Some(format!("{left} of {limit} left")),
        _ => None,
    };
    let windows = windows(quota).map(left_now);
    let said = [sent].into_iter().chain(left).chain(windows);
    said.collect::<Vec<_>>().join(", ")
}

/// Until when nothing is sent, and why.
fn held_up(status: &SourceStatus, reader: &Reader) -> String {
    if let Some(until) = status.quota.spent_until {
        return format!("nothing more until {}", reader.near(until));
    }
    match &status.pause {
        Some((until, why)) if *until > reader.now => {
            format!("paused until {}: {why}", reader.near(*until))
        }
        _ => String::new(),
    }
}

fn answered(quota: &QuotaStatus, reader: &Reader) -> String {
    let Some(at) = quota.answered_at else {
        return "never asked".to_owned();
    };
    let how = quota.class.map_or("with success", |class| class.as_str());
    format!("{}, {}, {how}", reader.near(at), text::ago(at, reader.now))
}

/// The endpoints that the key is known to be allowed, or not.
fn allowed(known: &[Entitlement], granted: bool) -> String {
    let known = known.iter().filter(|known| known.granted == granted);
    let known = known.filter(|known| known.endpoint != Entitlement::SYMBOL);
    let endpoints = known.map(|known| match known.parameter.as_str() {
        "" => known.endpoint.clone(),
        parameter => format!("{} with {parameter}", known.endpoint),
    });
    endpoints.collect::<Vec<_>>().join(", ")
}

/// Of how many symbols splits and dividends were asked for, and when last.
fn events(asked: EventsAsked) -> String {
    let symbols = usize::try_from(asked.symbols).unwrap_or(usize::MAX);
    asked.last.map_or_else(
        || "never asked for".to_owned(),
        |last| format!("of {}, last {last}", text::count(symbols, "symbol")),
    )
}

/// What a person can do next.
fn next(source: &SourcePage<'_>, status: &SourceStatus, reader: &Reader) -> String {
    let settings = source.settings;
    let held_up = held_up(status, reader);
    let is_refused = status.quota.class == Some(ErrorClass::BadKey);
    match status.key {
        KeyUse::Missing => settings.key_advice(),
        KeyUse::Public if source.series > 0 => settings.key_advice(),
        KeyUse::Own if is_refused => format!(
            "the last answer refused the key: correct {}",
            settings.key_variables()
        ),
        _ if !held_up.is_empty() => held_up,
        _ if source.series == 0 => match settings.suggested.first() {
            Some(symbol) => format!("add a series: {}:{symbol}", settings.id),
            None => "add a series".to_owned(),
        },
        _ => "nothing to do".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;
    use crate::config::tests::rows::SECOND;

    fn status() -> SourceStatus {
        let minute = RollingStatus {
            used: 13,
            limit: 200,
            span: TimeDelta::minutes(1),
        };
        SourceStatus {
            id: SECOND.id.clone(),
            plan: "200 a minute".to_owned(),
            key: KeyUse::Own,
            has_intraday: true,
            quota: QuotaStatus {
                used: 300,
                rolling: [None, Some(minute), None],
                in_flight: 1,
                answered_at: Some(now() - TimeDelta::seconds(5)),
                ..QuotaStatus::default()
            },
            sendable: 0,
            pause: None,
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-20T18:38:00Z".parse().unwrap()
    }

    fn told(status: &SourceStatus, series: usize, label: &str) -> (String, String) {
        let known = SourcePage {
            settings: &SECOND,
            address: "https://data.second.example",
            key_origin: "environment",
            status: Some(status),
            facts: None,
            series,
        };
        let reader = Reader {
            now: now(),
            zone: New_York,
            local: New_York,
        };
        let mut lines = lines(&known, &reader).into_iter();
        let (_, value, note) = lines.find(|(name, ..)| *name == label).unwrap();
        (value, note)
    }

    #[test]
    fn a_rolling_window_tells_what_is_left_of_it() {
        assert_eq!(told(&status(), 1, "pace").0, "200 a minute");
        assert_eq!(
            told(&status(), 1, "today").0,
            "300 requests sent, 187 of 200 left this minute"
        );
        assert_eq!(told(&status(), 1, "plan").1, "no daily limit");
        assert_eq!(
            told(&status(), 1, "answered"),
            (
                "13:37 ET, 5 s ago, with success".into(),
                "1 request in flight".into()
            )
        );
    }

    #[test]
    fn what_to_do_next_follows_from_key_pause_and_series() {
        let next = |change: &dyn Fn(&mut SourceStatus), series| {
            let mut status = status();
            change(&mut status);
            told(&status, series, "next").0
        };
        assert_eq!(next(&|_| {}, 1), "nothing to do");
        assert_eq!(next(&|_| {}, 0), "add a series");
        let missing = next(&|status| status.key = KeyUse::Missing, 1);
        assert!(
            missing.contains("SECOND_KEY_ID and SECOND_SECRET_KEY"),
            "{missing}"
        );
        let refused = next(&|status| status.quota.class = Some(ErrorClass::BadKey), 1);
        assert!(refused.contains("correct SECOND_KEY_ID"), "{refused}");
        let until = now() + TimeDelta::minutes(7);
        let banned = |status: &mut SourceStatus| {
            status.pause = Some((until, "too many requests".to_owned()));
        };
        assert_eq!(next(&banned, 1), "paused until 13:45 ET: too many requests");
        let over = |status: &mut SourceStatus| {
            status.pause = Some((now(), "too many requests".to_owned()));
        };
        assert_eq!(next(&over, 1), "nothing to do");
    }
}
