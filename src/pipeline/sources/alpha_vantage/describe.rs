//! This source in words, and how fast it is asked.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::America::New_York;

use super::settings::SETTINGS;
use crate::config::Plan;
use crate::model::{Interval, Publishing, Request, Settles, SourceId};
use crate::pipeline::retry::Waits;
use crate::pipeline::source::{Description, Policy};

pub(super) const ID: SourceId = SourceId::known("alpha_vantage");

/// What a person reads when the key `demo` does not serve a request.
pub(super) const NEEDS_A_KEY: &str = "needs your own key (free): https://www.alphavantage.co/support/#api-key, then set ALPHA_VANTAGE_API_KEY";

/// The older free plan had one text for its minute and day limits: after this many in a row it
/// means the day.
const AMBIGUOUS_MINUTES: u32 = 2;

/// Bars come with the end of their time, and are corrected until the next morning.
pub(super) const PUBLISHING: Publishing = Publishing {
    zone: New_York,
    delay: TimeDelta::zero(),
    settles: Settles::NextDay(MORNING),
    first_day: FIRST_DAY,
    between_sessions: false,
};

const MORNING: NaiveTime = match NaiveTime::from_hms_opt(6, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(1999, 11, 1) {
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
        minutes_that_mean_a_day: Some(AMBIGUOUS_MINUTES),
        most_pages: 1,
    }
}

/// What helps when the plan does not include a request.
pub(super) fn instead_of(request: &Request) -> String {
    let function = request.endpoint.as_str();
    let interval = request.series.first().map(|series| series.interval);
    let is_raw_daily = interval == Some(Interval::Daily) && !function.ends_with("_ADJUSTED");
    if request.get("outputsize") == Some("full") && is_raw_daily {
        return format!(
            "this key's plan does not include outputsize=full of {function}; leave out --outputsize for the \
             newest 100 bars, or use weekly bars, which are free with their full history"
        );
    }
    let instead = if function.ends_with("_ADJUSTED") {
        "; leave out --adjusted, or use a key with a paid plan"
    } else if interval.is_some_and(Interval::is_intraday) {
        "; daily and weekly bars are free: --interval daily"
    } else if interval.is_some() {
        "; a key with a paid plan may"
    } else {
        ""
    };
    format!("this key's plan does not include {function}{instead}")
}
