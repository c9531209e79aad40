//! Compares what was planted with what the program says of every bar that can exist.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use chrono::{DateTime, Days, NaiveTime, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::simulate::{Why, Witness};
use serde_json::Value;

use super::world::{Series, World, at};
use crate::support::cluster::notice;

/// What there is to be found about a bar that can exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    Bar,
    Hole,
    Halt,
    NoTrade,
    Closed,
    Unlisted,
    Awaited,
    Behind,
}

/// How many of a kind were planted and found, and the rest.
#[derive(Debug, Default)]
struct Row {
    planted: usize,
    found: usize,
    /// Bars of this kind of which something else was said.
    missed: Vec<String>,
}

/// What was planted and found in a story.
pub struct Verdict {
    story: String,
    rows: BTreeMap<Planted, Row>,
    others: Vec<String>,
}

/// A time of a series, and what is known about the requests for it.
pub struct Told<'a> {
    pub series: Series<'a>,
    /// What is judged: from the first bar that is wanted to the newest that is due.
    pub within: Range<DateTime<Utc>>,
    /// What was never asked for.
    pub holes: Vec<Range<DateTime<Utc>>>,
    /// When the rest was last asked for.
    pub asked: DateTime<Utc>,
}

impl Verdict {
    pub fn of(story: &str, world: &World) -> Self {
        Self {
            story: format!("{story} on {}", world.database()),
            rows: BTreeMap::new(),
            others: vec![],
        }
    }

    /// Compares a series with the witness, bar by bar.
    pub fn judge(&mut self, world: &World, told: &Told<'_>) {
        let (symbol, interval) = told.series;
        let witness = world.server.witness();
        let planted = witness.planted(symbol, interval, true, &told.within);
        let absent: BTreeMap<DateTime<Utc>, Why> = planted
            .iter()
            .filter(|planted| planted.why.is_absence())
            .map(|planted| (planted.slot, planted.why))
            .collect();
        let kind = |slot: &DateTime<Utc>| match absent.get(slot) {
            _ if told.holes.iter().any(|hole| hole.contains(slot)) => Planted::Hole,
            Some(why) => absence(*why),
            None => Planted::Bar,
        };
        let series = ["--symbols", symbol, "--interval", interval.as_str()];
        let said = only(&world.json(&[&["coverage"], &series[..]].concat()));
        let ranges = spans(&said["ranges"]);
        let gaps = only(&world.json(&[&["gaps"], &series[..]].concat()));
        let gaps = spans(&gaps["gaps"]);
        let stored = world.stored(told.series);
        // Without a newer bar the provider may be late.
        let newest = stored
            .last_key_value()
            .map_or(told.within.start, |(label, _)| *label);
        let settled = settled(told.asked);
        let slots = Witness::expected(interval, true, &told.within);
        for slot in &slots {
            let kind = kind(slot);
            let state = ranges.iter().find(|(span, ..)| span.contains(slot));
            let state = state.map_or("nothing", |(_, state, _)| state);
            let is_gap = gaps.iter().any(|(span, ..)| span.contains(slot));
            let row = self.rows.entry(kind).or_default();
            row.planted += 1;
            let is_right = state == kind.state(*slot, settled.min(newest))
                && is_gap == (kind == Planted::Hole)
                && stored.contains_key(slot) == (kind == Planted::Bar);
            if is_right {
                row.found += 1;
            } else {
                let local = slot.with_timezone(&New_York).format("%a %m-%d %H:%M");
                let gap = if is_gap { ", a gap" } else { "" };
                let of = format!("{symbol} {interval} {local}");
                row.missed
                    .push(format!("{of}: {kind:?}, said {state}{gap}"));
            }
        }
        // Nothing is counted that cannot exist.
        for (span, state, bars) in ranges
            .iter()
            .filter(|(_, state, _)| !state.contains("extra"))
        {
            let expected = Witness::expected(interval, true, span).len();
            if expected != *bars {
                let text =
                    format!("{symbol} {interval} {span:?}: {bars} bars {state}, not {expected}");
                self.others.push(text);
            }
        }
    }

    /// Compares anything else.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "most of what is compared is made for it"
    )]
    pub fn compare<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, planted: T, found: T) {
        if planted != found {
            self.others
                .push(format!("{what}: planted {planted:?}, found {found:?}"));
        }
    }

    /// Prints what was planted and found; nothing may be missed, and nothing found that is not there.
    pub fn assert(self) {
        let mut table = format!("{}\n{:<10}{:>9}{:>9}\n", self.story, "", "planted", "found");
        for (kind, row) in &self.rows {
            let kind = format!("{kind:?}");
            let _ = writeln!(table, "{kind:<10}{:>9}{:>9}", row.planted, row.found);
        }
        notice(&table);
        let wrong = self.rows.into_values().flat_map(|row| row.missed);
        let wrong: Vec<String> = wrong.chain(self.others).collect();
        let some: Vec<&String> = wrong.iter().take(12).collect();
        assert!(
            wrong.is_empty(),
            "{}: {} wrong: {some:#?}",
            self.story,
            wrong.len()
        );
    }
}

impl Planted {
    /// What the program must say of it.
    fn state(self, slot: DateTime<Utc>, settled: DateTime<Utc>) -> &'static str {
        match self {
            Self::Bar => "held",
            Self::Hole => "never asked",
            Self::Halt | Self::NoTrade | Self::Closed | Self::Unlisted if slot < settled => {
                "none at the provider"
            }
            _ => "none so far",
        }
    }
}

const fn absence(why: Why) -> Planted {
    match why {
        Why::Unlisted => Planted::Unlisted,
        Why::Closed => Planted::Closed,
        Why::Halted => Planted::Halt,
        Why::NoTrade => Planted::NoTrade,
        Why::Awaited => Planted::Awaited,
        Why::Behind => Planted::Behind,
        Why::Late | Why::Corrected | Why::Split(_) | Why::Dividend(_) => Planted::Bar,
    }
}

/// What was asked for at an instant is settled before this one: a day is at six in the next morning.
fn settled(asked: DateTime<Utc>) -> DateTime<Utc> {
    let local = asked.with_timezone(&New_York).naive_local();
    let is_morning = local.time() < NaiveTime::from_hms_opt(6, 0, 0).unwrap();
    at(&(local.date() - Days::new(u64::from(is_morning))).to_string())
}

/// The one series of a report, or null.
fn only(told: &Value) -> Value {
    let told = told.as_array().unwrap();
    assert!(told.len() <= 1, "{told:?}");
    told.first().cloned().unwrap_or(Value::Null)
}

/// Spans with their states and numbers of bars.
fn spans(told: &Value) -> Vec<(Range<DateTime<Utc>>, String, usize)> {
    let span = |span: &Value| {
        let at = |key: &str| {
            span[key]
                .as_str()
                .unwrap()
                .parse::<DateTime<Utc>>()
                .unwrap()
        };
        let state = span["state"].as_str().unwrap_or_default().to_owned();
        let bars = usize::try_from(span["bars"].as_u64().unwrap()).unwrap();
        (at("from")..at("to"), state, bars)
    };
    told.as_array()
        .map_or_else(Vec::new, |all| all.iter().map(span).collect())
}
