//! Instants that follow the sessions of an exchange: pure functions of a calendar and an instant.

use chrono::{DateTime, Days, TimeDelta, Utc};

use crate::model::calendar::{Calendar, CalendarId, Session};

/// How long after the close the last runs of a session start, so that its last bar is there: the second
/// for plans that withhold the newest minutes. Where nothing is due then, it sends nothing.
const LAST: [TimeDelta; 2] = [TimeDelta::minutes(5), TimeDelta::minutes(20)];

/// The first instant after `now` that is so many minutes after a close.
pub(super) fn close_after(
    calendar: &Calendar,
    minutes: u32,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let wait = TimeDelta::minutes(minutes.into());
    Some(calendar.next_close(now - wait)? + wait)
}

/// The last such instant up to `now`.
pub(super) fn close_until(
    calendar: &Calendar,
    minutes: u32,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let wait = TimeDelta::minutes(minutes.into());
    Some(calendar.last_close(now - wait)? + wait)
}

/// The first instant after `now` that is a multiple of so many minutes after an open and within the
/// session, or a little after its close.
pub(super) fn open_after(
    calendar: &Calendar,
    minutes: u32,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let today = calendar.date(now);
    // Yesterday's last run may be today: where sessions end at midnight.
    let yesterday = today.pred_opt()?;
    let sessions = calendar.sessions(yesterday..=today.checked_add_days(Days::new(366))?);
    let firsts = sessions
        .take(3)
        .filter_map(|session| instants(calendar, session, minutes).find(|at| *at > now));
    firsts.min()
}

/// The last such instant up to `now`.
pub(super) fn open_until(
    calendar: &Calendar,
    minutes: u32,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let today = calendar.date(now);
    let sessions = calendar.sessions(today.checked_sub_days(Days::new(366))?..=today);
    let lasts = sessions.rev().take(3).filter_map(|session| {
        instants(calendar, session, minutes)
            .rev()
            .find(|at| *at <= now)
    });
    lasts.max()
}

/// The instants of one session, oldest first. A market that never closes has no last ones.
fn instants(
    calendar: &Calendar,
    session: Session,
    minutes: u32,
) -> impl DoubleEndedIterator<Item = DateTime<Utc>> + use<> {
    let closes = calendar.id() != CalendarId::Always;
    let step = i64::from(minutes.max(1));
    let steps = (session.close - session.open).num_minutes() / step;
    (1..=steps)
        .map(move |number| session.open + TimeDelta::minutes(number * step))
        .filter(move |at| !session.is_paused(*at))
        .chain(
            LAST.map(|wait| session.close + wait)
                .into_iter()
                .filter(move |_| closes),
        )
}
