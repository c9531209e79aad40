//! What an instant falls on.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{Calendar, Closure, Day, Session};

/// Days within which every exchange has a session.
const A_YEAR: Days = Days::new(366);

/// What a market does at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    /// It trades, until this session closes or pauses.
    Open(Session),
    /// It pauses in the middle of this session.
    Paused(Session),
    /// It does not trade.
    Closed {
        /// Why there is no session on this date at the exchange; `None`: there is one, at other
        /// hours.
        why: Option<Closure>,
        /// The next session, if one is known.
        next: Option<Session>,
    },
}

impl Calendar {
    /// What the market does.
    #[must_use]
    pub fn market(&self, now: DateTime<Utc>) -> Market {
        let today = self.day(self.date(now));
        match today {
            Day::Open(session) if session.is_open(now) => Market::Open(session),
            Day::Open(session) if session.is_paused(now) => Market::Paused(session),
            _ => Market::Closed {
                why: match today {
                    Day::Open(_) => None,
                    Day::Closed(closure) => Some(closure),
                },
                next: self.next_session(now),
            },
        }
    }

    /// Whether the exchange trades.
    #[must_use]
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        matches!(self.market(now), Market::Open(_))
    }

    /// The first session that opens after `now`.
    #[must_use]
    pub fn next_session(&self, now: DateTime<Utc>) -> Option<Session> {
        self.sessions_from(now).find(|session| session.open > now)
    }

    /// The last session that has closed, if only now.
    #[must_use]
    pub fn last_session(&self, now: DateTime<Utc>) -> Option<Session> {
        let today = self.date(now);
        let since = today.checked_sub_days(A_YEAR).unwrap_or(NaiveDate::MIN);
        self.sessions(since..=today)
            .rev()
            .find(|session| session.close <= now)
    }

    /// The first instant after `now` at which trading begins, or continues after a pause.
    #[must_use]
    pub fn next_open(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.sessions_from(now)
            .flat_map(|session| [Some(session.open), session.pause.map(|(_, to)| to)])
            .flatten()
            .find(|open| *open > now)
    }

    /// The first instant after `now` at which a session closes.
    #[must_use]
    pub fn next_close(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.sessions_from(now)
            .map(|session| session.close)
            .find(|close| *close > now)
    }

    /// When the last session closed, if only now.
    #[must_use]
    pub fn last_close(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.last_session(now).map(|session| session.close)
    }

    /// The sessions from today's on.
    fn sessions_from(&self, now: DateTime<Utc>) -> impl Iterator<Item = Session> + '_ {
        let today = self.date(now);
        let until = today.checked_add_days(A_YEAR).unwrap_or(NaiveDate::MAX);
        self.sessions(today..=until)
    }
}
