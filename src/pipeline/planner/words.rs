//! A plan in words.

use chrono::{DateTime, Utc};

use crate::model::text::counted;

use super::{Backlog, LanePlan, PlannedFetch, Why, WhyNot};

impl LanePlan {
    /// What the source is asked, as one line; `name` is the source's, `clock` writes an instant.
    #[must_use]
    pub fn words(&self, name: &str, clock: &dyn Fn(DateTime<Utc>) -> String) -> String {
        let next = self.at.map_or_else(
            || "nothing is planned".to_owned(),
            |at| format!("{} at {}", counted(self.next.into(), "request"), clock(at)),
        );
        let left = match (self.left, self.per_day) {
            (Some(left), Some(per_day)) => {
                let pass = match self.days {
                    0 | 1 => "all that are due fit into one day".to_owned(),
                    days => format!("{days} days until all that are due have been asked for"),
                };
                format!(
                    ", {left} of {per_day} left today, {} kept for you; {pass}",
                    self.reserve
                )
            }
            _ => ", no limit a day".to_owned(),
        };
        let lost = match self.loses {
            0 => "no bar is lost".to_owned(),
            loses => format!(
                "{} will lose bars; fewer series, a longer interval or a plan with more requests a day would keep them",
                counted(loses.into(), "series")
            ),
        };
        format!("{name}: {next}{left}; {lost}")
    }
}

impl PlannedFetch {
    /// Why it is asked for when it is, and why not now, as one line; `clock` writes an instant.
    #[must_use]
    pub fn words(&self, clock: &dyn Fn(DateTime<Utc>) -> String) -> String {
        let parts = [
            self.why
                .as_ref()
                .map(|why| why.words(self.safe_until, clock)),
            self.why_not_now
                .as_ref()
                .map(|why_not| why_not.words(clock)),
            self.backlog.map(Backlog::words),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let words = parts.join("; ");
        if self.loses() && self.at.is_some() {
            format!("{words}; bars will be lost")
        } else {
            words
        }
    }
}

impl Backlog {
    fn words(self) -> String {
        let Self { since, price } = self;
        let price = counted(price.into(), "request");
        format!("bars since {since} come with what is spare, {price}")
    }
}

impl Why {
    fn words(
        &self,
        safe_until: Option<DateTime<Utc>>,
        clock: &dyn Fn(DateTime<Utc>) -> String,
    ) -> String {
        match (self, safe_until) {
            (Self::AboutToBeLost, Some(at)) => format!("bars can be had until {} only", clock(at)),
            (Self::AboutToBeLost, None) => "bars would be lost".to_owned(),
            (Self::New, _) => "not asked for yet".to_owned(),
            (Self::Target { within, until }, _) => {
                format!("more than {} old from {} on", within.words(), clock(*until))
            }
            (Self::RolledUp { from }, _) => format!("rolled up from {from} bars, no request"),
            (Self::Due { since }, _) => format!("known up to {}", clock(*since)),
        }
    }
}

impl WhyNot {
    fn words(&self, clock: &dyn Fn(DateTime<Utc>) -> String) -> String {
        match self {
            Self::NotDue { due: Some(due) } => format!("the next bar is due {}", clock(*due)),
            Self::NotDue { due: None } => "no bar is due any more".to_owned(),
            Self::Schedule => "waits for the schedule".to_owned(),
            Self::Paused => "the schedule is paused".to_owned(),
            Self::Quota { before: 0 } => "no request of today is left for it".to_owned(),
            Self::Quota { before } => {
                format!(
                    "{} before it, and none is left today",
                    counted((*before).into(), "request")
                )
            }
            Self::Refused { said, .. } => said.clone(),
            Self::Fills { source } => format!("fills what {source} cannot give"),
            Self::Rests { until } => {
                format!("the source does not know it; asked again {}", clock(*until))
            }
        }
    }
}
