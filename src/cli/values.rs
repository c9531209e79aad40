//! Values of flags and arguments, read from text; each error says what to use.

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;

use super::instant::Bound;
use crate::model::moment::{self, Moment};
use crate::model::text::{clean_to, either};
use crate::model::{Priority, Span};
use crate::simulate::{Dialect, Plan, Scene};

/// Parses one of a few words; the error lists them.
pub fn one_of(
    words: &'static [&'static str],
) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text| {
        let is_known = words.contains(&text);
        let known = is_known.then(|| text.to_owned());
        known.ok_or_else(|| format!("use {}", either(words)))
    }
}

/// Parses how much the freshness of a series matters.
pub fn parse_priority(text: &str) -> Result<Priority, String> {
    let names: Vec<&str> = Priority::ALL.iter().map(|word| word.as_str()).collect();
    let word = text.to_ascii_lowercase();
    word.parse().map_err(|_| format!("use {}", either(&names)))
}

/// Parses the plan of the simulated key.
pub fn parse_plan(text: &str) -> Result<Plan, String> {
    let names: Vec<&str> = Plan::ALL.iter().map(|plan| plan.as_str()).collect();
    text.parse().map_err(|_| format!("use {}", either(&names)))
}

/// Parses the provider whose dialect is spoken.
pub fn parse_dialect(text: &str) -> Result<Dialect, String> {
    let names: Vec<&str> = Dialect::ALL
        .iter()
        .map(|dialect| dialect.as_str())
        .collect();
    text.parse().map_err(|_| format!("use {}", either(&names)))
}

/// The time that a day, a month or a year covers at the exchange in New York, or an instant.
pub fn parse_time(text: &str) -> Result<Span, String> {
    let midnight = |date| moment::midnight(date, New_York);
    match moment::parse(text, New_York) {
        Some(Moment::Instant(at)) => Ok(Span::new(at, at + TimeDelta::seconds(1))),
        Some(Moment::Days(first, last)) => Ok(Span::new(
            midnight(first),
            midnight(last.succ_opt().unwrap_or(last)),
        )),
        None => Err("use a day (2026-05-15), a month (2026-05) or a year (2026)".to_owned()),
    }
}

/// Parses the name of a scene.
pub fn parse_scene(text: &str) -> Result<Scene, String> {
    let names: Vec<&str> = Scene::ALL.iter().map(|scene| scene.as_str()).collect();
    text.parse().map_err(|_| format!("use {}", either(&names)))
}

/// Parses the instant at which a clock starts.
pub fn parse_start(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse().map(Bound::start)
}

/// Parses a limit of printed lines.
pub fn parse_limit(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| format!("use a whole number from 1 to {}", u32::MAX))
}

pub fn parse_speed(text: &str) -> Result<i32, String> {
    text.parse()
        .ok()
        .filter(|speed| (1..=100_000).contains(speed))
        .ok_or_else(|| "use a whole number from 1 to 100000".to_owned())
}

pub fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("use a whole number from 0 to {}", u64::MAX))
}

pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "use an IP address and a port, for example 127.0.0.1:8600".to_owned())
}

pub fn parse_run(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        let shown = clean_to(text, 40);
        format!("{shown:?} is not a run number; list them with: pipeline-tui runs")
    })
}

pub fn parse_cursor(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        let shown = clean_to(text, 40);
        format!("{shown:?} is not a cursor; take the number after \"cursor\" in an event, for example 42")
    })
}

pub fn parse_percent(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| "use a whole number from 0 to 100".to_owned())
}
