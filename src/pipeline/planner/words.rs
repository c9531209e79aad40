//! A plan in words.

use chrono::{DateTime, Utc};

use crate::model::text::counted;

use super::{PlannedFetch, Why, WhyNot};

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
                    "{} before it; today has no more",
                    counted((*before).into(), "request")
                )
            }
            Self::Refused { said, .. } => said.clone(),
            Self::Rests { until } => {
                format!("the source does not know it; asked again {}", clock(*until))
            }
        }
    }
}
