//! `sources`: each source, as the panel's page shows it.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
use serde::Serialize;

use super::args::{ReportFormat, SourcesArgs};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::{offers, open, output, panel};
use crate::model::{ErrorClass, Interval, SeriesKey};
use crate::pipeline::Lane;
use crate::pipeline::snapshot::{SourceFacts, SourceStatus};
use crate::ui::AboutSource;
use crate::ui::sources::{Reader, SourcePage, Told, lines};

/// Cells of a label and the gap after it.
const LABEL: usize = 10;

pub async fn run(args: &SourcesArgs, context: &Context) -> Result<u8, Failure> {
    if args.markdown {
        output::data(&offers::page().map_err(Failure::usage)?)?;
        return Ok(exit::DONE);
    }
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let list = store.watch_list().await?;
    let (statuses, facts) = (
        pipeline.sources_now().await?,
        pipeline.source_facts().await?,
    );
    open::close(&store).await;
    let about = panel::about_sources(&settings);
    let all = about.iter().filter_map(|about| {
        let id = &about.settings.id;
        let status = statuses.iter().find(|status| status.id == *id)?;
        let facts = facts.iter().find(|facts| facts.id == *id)?;
        Some(SourceNow {
            about,
            status,
            facts,
            intervals: pipeline.lane(id).map(intervals).unwrap_or_default(),
            series: of(&list, status),
        })
    });
    match args.format {
        ReportFormat::Text => {
            let reader = Reader {
                now: pipeline.clock.now(),
                zone: New_York,
                local: panel::zone(),
            };
            let pages: Vec<String> = all.map(|source| source.page(&reader)).collect();
            output::print(&pages.join("\n"))?;
        }
        ReportFormat::Json => {
            let all: Vec<JsonSource<'_>> = all.map(SourceNow::json).collect();
            output::data(&serialize(&all)?)?;
        }
    }
    Ok(exit::DONE)
}

fn of(list: &[SeriesKey], status: &SourceStatus) -> usize {
    let of_it = |series: &&SeriesKey| series.source == status.id;
    list.iter().filter(of_it).count()
}

/// The intervals of a source, and which of them it does not have by itself.
fn intervals(lane: &Lane) -> Vec<JsonInterval> {
    let of_its = lane.source.describe().intervals.iter();
    let named = of_its.map(|interval| JsonInterval {
        interval: *interval,
        derived_from: lane.source.derived_from(*interval),
    });
    named.collect()
}

struct SourceNow<'a> {
    about: &'a AboutSource,
    status: &'a SourceStatus,
    facts: &'a SourceFacts,
    intervals: Vec<JsonInterval>,
    series: usize,
}

impl<'a> SourceNow<'a> {
    fn told(&self, reader: &Reader) -> impl Iterator<Item = Told> {
        let origin = match self.about.key_origin.as_str() {
            "" if self.about.settings.key.is_empty() => "",
            "" => "no key is set",
            origin => origin,
        };
        let known = SourcePage {
            settings: self.about.settings,
            address: self.about.address(),
            key_origin: origin,
            status: Some(self.status),
            facts: Some(self.facts),
            series: self.series,
        };
        lines(&known, reader).into_iter()
    }

    fn page(&self, reader: &Reader) -> String {
        let mut page = String::new();
        let told = self.told(reader);
        for (label, value, note) in told.filter(|(_, value, _)| !value.is_empty()) {
            let note = if note.is_empty() {
                note
            } else {
                format!("  ({note})")
            };
            let _ = writeln!(page, "{label:LABEL$}{value}{note}");
        }
        page
    }

    fn json(self) -> JsonSource<'a> {
        let (status, settings) = (self.status, self.about.settings);
        let quota = status.quota;
        let paused = status.pause.as_ref();
        let endpoints = |granted| {
            let known = self.facts.entitlements.iter();
            let known = known.filter(move |known| known.granted == granted);
            known.map(|known| JsonEndpoint {
                endpoint: &known.endpoint,
                parameter: &known.parameter,
            })
        };
        let day = quota.limit.map(|limit| JsonWindow {
            seconds: None,
            limit,
            used: quota.used,
        });
        let rolling = quota.rolling.iter().flatten().map(|window| JsonWindow {
            seconds: Some(window.span.num_seconds()),
            limit: window.limit,
            used: window.used,
        });
        JsonSource {
            source: settings.id.as_str(),
            name: settings.words.name,
            address: self.about.address(),
            key: status.key.as_str(),
            key_from: &self.about.key_origin,
            plan: &status.plan,
            requests_today: quota.used,
            windows: day.into_iter().chain(rolling).collect(),
            gap_ms: quota.gap.num_milliseconds(),
            renews_at: quota.renews_at,
            nothing_until: quota.spent_until.or(paused.map(|(until, _)| *until)),
            in_flight: quota.in_flight,
            answered_at: quota.answered_at,
            class: quota.class.map(ErrorClass::as_str),
            allowed: endpoints(true).collect(),
            refused: endpoints(false).collect(),
            series: self.series,
            intervals: self.intervals,
            free: settings.words.free,
            key_page: settings.words.key_page,
            terms: settings.words.terms,
        }
    }
}

/// A source for scripts.
#[derive(Serialize)]
struct JsonSource<'a> {
    source: &'a str,
    name: &'a str,
    address: &'a str,
    /// `own`, `public`, `missing` or `unneeded`; never the key.
    key: &'a str,
    key_from: &'a str,
    plan: &'a str,
    requests_today: u32,
    windows: Vec<JsonWindow>,
    gap_ms: i64,
    renews_at: Option<DateTime<Utc>>,
    nothing_until: Option<DateTime<Utc>>,
    in_flight: u32,
    answered_at: Option<DateTime<Utc>>,
    class: Option<&'a str>,
    allowed: Vec<JsonEndpoint<'a>>,
    refused: Vec<JsonEndpoint<'a>>,
    series: usize,
    intervals: Vec<JsonInterval>,
    free: &'a str,
    key_page: Option<&'a str>,
    terms: &'a str,
}

/// An interval, and the finer one from whose bars its own are rolled up.
#[derive(Serialize)]
struct JsonInterval {
    interval: Interval,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_from: Option<Interval>,
}

/// A window of the pace: of a day, or of the seconds before now.
#[derive(Serialize)]
struct JsonWindow {
    seconds: Option<i64>,
    limit: u32,
    used: u32,
}

/// What the key is known to be allowed, or not.
#[derive(Serialize)]
struct JsonEndpoint<'a> {
    endpoint: &'a str,
    parameter: &'a str,
}
