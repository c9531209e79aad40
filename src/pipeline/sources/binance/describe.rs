//! This source in words, and how fast it is asked.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::settings::SETTINGS;
use crate::config::Plan;
use crate::model::{Interval, Publishing, Request, Settles, SourceId};
use crate::pipeline::retry::Waits;
use crate::pipeline::source::{Description, Policy};

pub(super) const ID: SourceId = SourceId::known("binance");

/// Bars are there when their time ends.
pub(super) const PUBLISHING: Publishing = Publishing {
    zone: Tz::UTC,
    delay: TimeDelta::seconds(2),
    settles: Settles::After(TimeDelta::minutes(1)),
    first_day: FIRST_DAY,
    between_sessions: false,
};

const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2017, 8, 17) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// This source in words.
pub static DESCRIPTION: Description = Description {
    settings: &SETTINGS,
    intervals: &Interval::ALL,
    publishing: PUBLISHING,
};

/// What a plan allows.
pub(super) fn policy(plan: &Plan) -> Policy {
    Policy {
        quota: plan.quota,
        in_flight: plan.in_flight,
        waits: Waits::default(),
        minutes_that_mean_a_day: None,
        most_pages: 1,
    }
}

/// What helps when a request is not included.
pub(super) fn instead_of(request: &Request) -> String {
    format!("Binance does not serve {} to everyone", request.endpoint)
}
