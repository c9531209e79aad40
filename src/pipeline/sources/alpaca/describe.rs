//! Alpaca's feeds in words, and how fast they are asked.

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::America::New_York;

use super::plan::ENDPOINT;
use super::settings::{FREE, IEX_SETTINGS, SETTINGS};
use crate::config::Plan;
use crate::model::{Interval, Publishing, Request, Settles, SourceId};
use crate::pipeline::retry::Waits;
use crate::pipeline::source::{Description, Policy};

/// How long the free plan withholds what the consolidated tape says: 15 minutes, and one more for
/// clocks that differ and requests that take their time.
pub(super) const WITHHELD: TimeDelta = TimeDelta::minutes(16);

/// More pages than any answer has for which a request is planned.
const MOST_PAGES: u32 = 250;

/// A feed: what is traded where. Each is a source of its own, because the numbers differ.
#[derive(Debug)]
pub struct Feed {
    /// The word for it in a request.
    pub(super) word: &'static str,
    /// Whether the free plan withholds its newest minutes.
    pub(super) is_withheld: bool,
    /// The source in words.
    pub(super) description: Description,
}

/// The consolidated tape of all US exchanges.
pub static SIP: Feed = Feed {
    word: "sip",
    is_withheld: true,
    description: Description {
        settings: &SETTINGS,
        intervals: &Interval::ALL,
        publishing: publishing(2016, 1, 4),
    },
};

/// The exchange IEX alone.
pub static IEX: Feed = Feed {
    word: "iex",
    is_withheld: false,
    description: Description {
        settings: &IEX_SETTINGS,
        intervals: &Interval::ALL,
        publishing: publishing(2020, 7, 27),
    },
};

/// Bars are computed again for late trades, and a corrected close follows in the night.
const fn publishing(year: i32, month: u32, day: u32) -> Publishing {
    let first_day = match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    };
    Publishing {
        zone: New_York,
        delay: TimeDelta::zero(),
        settles: Settles::NextDay(MORNING),
        first_day,
        between_sessions: true,
    }
}

const MORNING: NaiveTime = match NaiveTime::from_hms_opt(6, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

impl Feed {
    /// The word for its source.
    #[must_use]
    pub const fn source(&self) -> &SourceId {
        self.description.id()
    }

    /// When a key of this plan has the feed's bars.
    pub(super) fn on(&self, plan: &Plan) -> Publishing {
        if self.is_withheld && plan.name == FREE {
            self.withheld()
        } else {
            self.description.publishing
        }
    }

    /// The same where the newest minutes are withheld.
    pub(super) const fn withheld(&self) -> Publishing {
        Publishing {
            delay: WITHHELD,
            ..self.description.publishing
        }
    }

    /// What helps when the plan does not include a request.
    pub(super) fn instead_of(&self, request: &Request) -> String {
        if request.endpoint != ENDPOINT {
            return format!("this key's plan does not include {}", request.endpoint);
        }
        format!(
            "this key's plan does not include the feed {} at this time; the bars of {} need no paid plan",
            self.word,
            IEX.source()
        )
    }
}

/// What a plan allows. A refusal for too many requests names no time: the wait doubles, half of it by
/// chance.
pub(super) fn policy(plan: &Plan) -> Policy {
    Policy {
        quota: plan.quota,
        in_flight: plan.in_flight,
        waits: Waits {
            burst: Duration::from_secs(1),
            spread: 0.5,
            cap: Duration::from_secs(30),
            retries: 6,
            ..Waits::default()
        },
        minutes_that_mean_a_day: None,
        most_pages: MOST_PAGES,
    }
}
