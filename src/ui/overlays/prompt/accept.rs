//! What an entered line becomes, or why it cannot be accepted.

use super::typed::series_of;
use super::{add, keys, named};
use crate::model::{SeriesKey, Sources, WatchEdit, moment};
use crate::pipeline::command::Command;
use crate::pipeline::schedule::Schedule;
use crate::ui::action::Effect;
use crate::ui::export::files;
use crate::ui::reply::{PromptKind, Reply};
use crate::ui::shared::Shared;

/// What a text becomes; `before` is what the line held when it was opened.
pub(super) fn accept(
    kind: &PromptKind,
    typed: &str,
    before: &str,
    shared: &Shared,
) -> Result<Vec<Reply>, String> {
    match kind {
        PromptKind::Filter => Ok(vec![Reply::Filter(typed.to_owned())]),
        PromptKind::Add { interval } => {
            add::change(series_of(typed, *interval, &shared.sources)?, shared)
        }
        PromptKind::Edit { series } => edit(series, typed, !before.is_empty(), shared),
        PromptKind::Import if typed.is_empty() => Err("enter the path of a file".to_owned()),
        PromptKind::Import => Ok(vec![Reply::Do(Effect::Import(typed.into()))]),
        PromptKind::Schedule => {
            let mut schedule: Schedule = typed.parse().map_err(|error| format!("{error}"))?;
            if let Some(snapshot) = &shared.snapshot {
                schedule.missed = snapshot.schedule.schedule.missed;
            }
            let say = Reply::Say(format!("runs start {}", schedule.words()));
            Ok(vec![Command::SetSchedule(schedule).into(), say])
        }
        PromptKind::KeyOf => keys::chosen(typed, shared),
        PromptKind::Key { source, values } => keys::entered(source, values, typed, shared),
        PromptKind::GoTo => match moment::parse(typed, shared.zone) {
            Some(moment::Moment::Instant(at)) => Ok(vec![Reply::GoTo(at)]),
            Some(moment::Moment::Days(_, last)) => {
                let end = moment::midnight(last.succ_opt().unwrap_or(last), shared.zone);
                Ok(vec![Reply::GoTo(end - chrono::TimeDelta::seconds(1))])
            }
            None => Err("enter 2026-05-15, 2026-05-15 09:30, 2026-05 or 2026".to_owned()),
        },
        PromptKind::Export { series } => export(series, typed),
    }
}

/// Watches other series instead of these: another interval, other prices.
///
/// If the line was filled in when it opened (`is_whole`), prices are raw unless it says otherwise;
/// else they stay as they are.
fn edit(
    series: &[SeriesKey],
    typed: &str,
    is_whole: bool,
    shared: &Shared,
) -> Result<Vec<Reply>, String> {
    let says_prices = typed
        .split_whitespace()
        .any(|word| word.eq_ignore_ascii_case("adjusted") || word.eq_ignore_ascii_case("raw"));
    let parse = |from: &SeriesKey| {
        let words = format!("{} {typed}", from.symbol);
        let its_own = Sources {
            usual: from.source.clone(),
            known: vec![],
        };
        let to = SeriesKey::from_words(&words, from.interval, &its_own)
            .map_err(|error| error.to_string())?;
        let adjusted = if is_whole || says_prices {
            to.adjusted
        } else {
            from.adjusted
        };
        Ok::<_, String>(SeriesKey { adjusted, ..to })
    };
    if typed.is_empty() {
        return Err("enter an interval, or choose one with the arrow keys".to_owned());
    }
    for from in series {
        parse(from)?;
    }
    if let [one] = series
        && parse(one)? == *one
    {
        return Ok(vec![]);
    }
    let to = |from: &SeriesKey| parse(from).unwrap_or_else(|_| from.clone());
    let pairs = shared.replacing(series, to);
    if pairs.is_empty() {
        return Err(match series {
            [one] => format!("{} is already on the watch list", to(one)),
            _ => "all of these are already on the watch list".to_owned(),
        });
    }
    Ok(vec![Reply::Change(WatchEdit::Replace(pairs))])
}

fn export(series: &[SeriesKey], typed: &str) -> Result<Vec<Reply>, String> {
    let files = files(series, typed)?;
    let say = format!("exporting {} in the background", named(series));
    Ok(vec![Command::Export(files).into(), Reply::Say(say)])
}
