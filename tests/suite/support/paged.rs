//! A second source, as unlike the first as real ones are: many series in one request, pages by token,
//! a key of two parts in headers, times in RFC 3339, 200 requests a minute and no limit by day. It
//! speaks real HTTP to a provider on loopback.

mod provider;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::UTC;
use pipeline_tui::config::{self, Inputs, Secret, SourceSettings};
use pipeline_tui::db::Credential;
use pipeline_tui::model::adjustment::Rule;
use pipeline_tui::model::quota::{Quota, Window, WindowSpan};
use pipeline_tui::model::{
    Answer, Bar, ErrorClass, Interval, Price, Publishing, Reading, Request, SeriesKey, Settles,
    SourceId, Span, Spoken, Volume,
};
use pipeline_tui::pipeline::http::{self, Auth, Bounds, Client};
use pipeline_tui::pipeline::source::{
    Asked, Description, Hours, Page, Pause, Planned, Policy, Range, Refusal, SendError, Source,
    Wish,
};
use pipeline_tui::pipeline::{Lane, Waits};
use pipeline_tui::time::Clock;
use reqwest::header::HeaderName;
use serde_json::Value;
use uuid::Uuid;

pub use self::provider::{Provider, Script};

pub const PAGED: SourceId = SourceId::known("paged");
pub const KEY_ID: &str = "CANARY-ID-0042";
pub const KEY_SECRET: &str = "CANARY-SECRET-0042";
/// More pages than this are taken for pages that never end.
pub const MOST_PAGES: u32 = 6;

const ENDPOINT: &str = "v2/bars";

static DESCRIPTION: Description = Description {
    settings: &settings::SETTINGS,
    intervals: &[Interval::Min5, Interval::Daily],
    publishing: Publishing {
        zone: chrono_tz::UTC,
        delay: TimeDelta::zero(),
        settles: Settles::After(TimeDelta::minutes(16)),
        first_day: NaiveDate::MIN,
        between_sessions: false,
    },
};

/// The client's side.
#[derive(Debug)]
pub struct Paged {
    client: Client,
    policy: Policy,
}

/// What the key may send.
pub fn quota() -> Quota {
    let minute = Window {
        limit: 200,
        span: WindowSpan::Rolling(TimeDelta::minutes(1)),
    };
    Quota {
        windows: [None, Some(minute), None],
        ..Quota::unlimited(UTC)
    }
}

/// A lane to a provider at this address.
pub fn lane(base_url: &str) -> Lane {
    let credential = Credential {
        source: PAGED,
        fingerprint: "9a6ed".into(),
        plan: "basic".into(),
    };
    Lane::of(Arc::new(source(base_url)), credential)
}

/// A lane as it is where no key is set.
pub fn lane_without_key(base_url: &str) -> Lane {
    static SOURCES: &[&SourceSettings] = &[&settings::SETTINGS];
    let folder = tempfile::tempdir().unwrap();
    let inputs = Inputs::isolated(folder.path(), SOURCES);
    let settings = config::load(&inputs).unwrap();
    Lane::open(source(base_url), &settings.usual)
}

fn source(base_url: &str) -> Paged {
    let auth = Auth::Headers(vec![
        (HeaderName::from_static("x-key-id"), Secret::new(KEY_ID)),
        (
            HeaderName::from_static("x-key-secret"),
            Secret::new(KEY_SECRET),
        ),
    ]);
    let url = base_url.parse().unwrap();
    let client = Client::new(url, auth, Clock::system(), Bounds::default()).unwrap();
    let tick = std::time::Duration::from_millis(1);
    let policy = Policy {
        quota: quota(),
        in_flight: 1,
        waits: Waits {
            burst: tick,
            minute: tick,
            outage: tick,
            ..Waits::default()
        },
        minutes_that_mean_a_day: None,
        most_pages: MOST_PAGES,
    };
    Paged { client, policy }
}

pub fn series(symbol: &str) -> SeriesKey {
    SeriesKey {
        source: PAGED,
        ..SeriesKey::raw(symbol.parse().unwrap(), Interval::Min5)
    }
}

/// One request for all series of an interval.
pub fn request(series: &[SeriesKey]) -> Request {
    let symbols: Vec<&str> = series.iter().map(|key| key.symbol.as_str()).collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Request {
        source: PAGED,
        endpoint: ENDPOINT.to_owned(),
        parameters: vec![
            pair("symbols", &symbols.join(",")),
            pair("timeframe", series[0].interval.as_str()),
        ],
        series: series.to_vec(),
        riders: vec![],
        page: 1,
    }
}

#[async_trait]
impl Source for Paged {
    fn describe(&self) -> &Description {
        &DESCRIPTION
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn plan(&self, wishes: &[Wish]) -> Planned {
        let mut planned = Planned::default();
        let mut wanted: BTreeMap<&str, Vec<SeriesKey>> = BTreeMap::new();
        for wish in wishes {
            let series = wish.series.clone();
            if let Some(lacking) = lacking(wish) {
                let text = format!("Paged has no {lacking}; leave it out");
                let refusal = Refusal::new(ErrorClass::BadRequest, text);
                planned.refused.push((series, refusal));
            } else {
                let interval = wish.series.interval.as_str();
                wanted.entry(interval).or_default().push(series);
            }
        }
        planned.requests = wanted.values().map(|series| request(series)).collect();
        planned
    }

    fn rule(&self) -> Rule {
        Rule::CloseBefore
    }

    async fn send(&self, request: &Request, attempt: Uuid) -> Result<Answer, SendError> {
        self.client
            .get(&settings::SETTINGS.route(request), attempt)
            .await
    }

    fn pause(&self) -> Option<Pause> {
        self.client.pause()
    }

    fn hold(&self, pause: Pause) {
        self.client.hold(pause);
    }

    fn read(&self, request: &Request, answer: &Answer) -> Result<Page, Refusal> {
        if answer.status == 401 {
            return Err(Refusal::new(ErrorClass::BadKey, "wrong key"));
        }
        if let Some(refusal) = http::by_status(answer.status, &answer.body) {
            return Err(refusal);
        }
        let malformed = || Refusal::new(ErrorClass::Malformed, "not the documented shape");
        let root: Value = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        let mut page = Page::default();
        for (symbol, rows) in root["bars"].as_object().ok_or_else(malformed)? {
            let symbol = symbol.parse().map_err(|_| malformed())?;
            let known = request.series.iter().find(|key| key.symbol == symbol);
            let rows = rows.as_array().ok_or_else(malformed)?;
            let bars: Option<Vec<Bar>> = rows.iter().map(bar).collect();
            let reading = Reading {
                received: u32::try_from(rows.len()).unwrap(),
                bars: bars.ok_or_else(malformed)?,
                ..Reading::default()
            };
            let series = known.ok_or_else(malformed)?;
            page.parts.push((series.clone(), reading));
        }
        let token = root["next_page_token"].as_str();
        page.next = token.map(|token| request.next_page([("page_token", token)]));
        Ok(page)
    }

    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
        let interval = asked.series.interval;
        let slot = |bar: &Bar| DESCRIPTION.publishing.slot(interval, bar.timestamp);
        let (first, last) = (slot(bars.first()?), slot(bars.last()?));
        Some(Spoken {
            asked: Span::new(first.from, last.to),
            settled_to: DESCRIPTION.publishing.settled(interval, asked.at),
            complete_to: last.to,
            newest_at: Some(asked.at),
        })
    }

    fn instead_of(&self, request: &Request) -> String {
        format!("this key's plan does not include {}", request.endpoint)
    }
}

/// What of a wish this source has not. Nothing of a wish is ignored: the bars would be other ones.
fn lacking(wish: &Wish) -> Option<String> {
    let Wish {
        series,
        range,
        hours,
        extras,
    } = wish;
    match (extras.first(), range, hours) {
        (Some(extra), ..) => Some(format!("--{}", extra.name)),
        (None, Range::Between(_), _) => Some("--month".to_owned()),
        (None, _, Hours::Regular) => Some("--regular-hours".to_owned()),
        _ if series.adjusted => Some("--adjusted".to_owned()),
        _ if !DESCRIPTION.intervals.contains(&series.interval) => {
            Some(format!("{} bars", series.interval))
        }
        _ => None,
    }
}

fn bar(row: &Value) -> Option<Bar> {
    let timestamp: DateTime<Utc> = row["t"].as_str()?.parse().ok()?;
    let price = |name: &str| {
        Price::parse(&row[name].to_string())
            .ok()
            .map(|(price, _)| price)
    };
    Some(Bar {
        timestamp,
        trading_date: timestamp
            .with_timezone(&chrono_tz::America::New_York)
            .date_naive(),
        open: price("o")?,
        high: price("h")?,
        low: price("l")?,
        close: price("c")?,
        volume: Volume::parse(&row["v"].to_string()).ok()?.0,
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    })
}
