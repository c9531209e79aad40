//! What an entered line becomes, or why it cannot be accepted.

use super::typed::series_of;
use super::{add, keys, named};
use crate::model::source::SourceError;
use crate::model::text::clean;
use crate::model::{Declared, Declaring, SeriesKey, SourceId, Sources, WatchEdit, moment};
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

/// Watches other series instead of these: another interval, other prices; and declares what `name=value`
/// says of them.
///
/// If the line was filled in when it opened (`is_whole`), prices are raw unless it says otherwise;
/// else they stay as they are.
fn edit(
    series: &[SeriesKey],
    typed: &str,
    is_whole: bool,
    shared: &Shared,
) -> Result<Vec<Reply>, String> {
    let (typed, declaring, fill_from) = declared(typed)?;
    declaring
        .begins_by(shared.today())
        .map_err(|why| format!("since={why}"))?;
    let says_prices = typed
        .split_whitespace()
        .any(|word| word.eq_ignore_ascii_case("adjusted") || word.eq_ignore_ascii_case("raw"));
    let parse = |from: &SeriesKey| {
        if typed.is_empty() {
            return Ok(from.clone());
        }
        let words = format!("{}:{} {typed}", from.source, from.symbol);
        let its_own = Sources {
            usual: from.source.clone(),
            known: vec![from.source.clone()],
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
    if typed.is_empty() && declaring.is_empty() && fill_from.is_none() {
        return Err("enter an interval, or choose one with the arrow keys".to_owned());
    }
    for from in series {
        parse(from)?;
    }
    let to = |from: &SeriesKey| parse(from).unwrap_or_else(|_| from.clone());
    let is_same = series.iter().all(|from| to(from) == *from);
    let pairs = shared.replacing(series, to);
    if pairs.is_empty() && !is_same {
        return Err(match series {
            [one] => format!("{} is already on the watch list", to(one)),
            _ => "all of these are already on the watch list".to_owned(),
        });
    }
    let is_replaced = |from: &&SeriesKey| pairs.iter().any(|(before, _)| before == *from);
    let stays = series.iter().filter(|from| !is_replaced(from)).cloned();
    let after = pairs.iter().map(|(from, to)| (from.clone(), to.clone()));
    let after: Vec<_> = after.chain(stays.map(|key| (key.clone(), key))).collect();
    let fill = match fill_from {
        Some(from) => Some(filling(&after, &declaring, &from, shared)?),
        None => None,
    };
    let declare = after.into_iter().map(|(_, key)| (key, declaring.clone()));
    let declare = (!declaring.is_empty()).then(|| WatchEdit::Declare(declare.collect()));
    let replace = (!pairs.is_empty()).then_some(WatchEdit::Replace(pairs));
    let edits = [replace, declare, fill].into_iter().flatten();
    let mut edits: Vec<WatchEdit> = edits.collect();
    let edit = match edits.len() {
        0 | 1 => edits.pop(),
        _ => Some(WatchEdit::Several(edits)),
    };
    let listed: Vec<SeriesKey> = shared.series().iter().map(|one| one.key.clone()).collect();
    let idle = edit
        .as_ref()
        .and_then(|edit| edit.idle_filling(&listed, &shared.declared()));
    if let Some(why) = idle {
        return Err(why);
    }
    Ok(edit.map(Reply::Change).into_iter().collect())
}

/// Adds the series of a source that fill the gaps of these, each with what it was before.
fn filling(
    series: &[(SeriesKey, SeriesKey)],
    declaring: &Declaring,
    from: &SourceId,
    shared: &Shared,
) -> Result<WatchEdit, String> {
    let now = series.iter().map(|(before, key)| {
        let before = shared.status(before);
        let before = before.map_or_else(Declared::default, |status| status.declared.clone());
        (key.clone(), declaring.apply(&before).into())
    });
    WatchEdit::fill(now.collect(), from, &shared.sources, &shared.fillings())
}

/// The words that name an interval or prices, what the others declare, and the source that fills gaps.
fn declared(typed: &str) -> Result<(String, Declaring, Option<SourceId>), String> {
    let (mut declaring, mut fill_from) = (Declaring::default(), None);
    let mut rest = vec![];
    for word in typed.split_whitespace() {
        match word.split_once('=') {
            Some(("fill_from", value)) => {
                let source = value.to_ascii_lowercase().parse();
                fill_from = Some(source.map_err(|error: SourceError| error.to_string())?);
            }
            Some((name, value)) if declaring.take(name, value)? => {}
            Some((name, _)) => {
                let name = clean(name);
                return Err(format!(
                    "\"{name}\" is not a setting; use since, priority, fresh_within, group, fills or fill_from"
                ));
            }
            None => rest.push(word),
        }
    }
    Ok((rest.join(" "), declaring, fill_from))
}

fn export(series: &[SeriesKey], typed: &str) -> Result<Vec<Reply>, String> {
    let files = files(series, typed)?;
    let say = format!("exporting {} in the background", named(series));
    Ok(vec![Command::Export(files).into(), Reply::Say(say)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;
    use crate::ui::sample;

    fn edited(typed: &str) -> Result<WatchEdit, String> {
        let mut shared = sample::shared(sample::normal());
        shared.sources.known = vec![SourceId::DEFAULT, SourceId::known("other")];
        let ibm = sample::series("IBM", Interval::Daily);
        match edit(&[ibm], typed, true, &shared)?.as_slice() {
            [Reply::Change(edit)] => Ok(edit.clone()),
            other => panic!("{typed}: {other:?}"),
        }
    }

    #[test]
    fn settings_are_declared_alone_or_with_another_interval_and_wrong_ones_are_said() {
        let daily = sample::series("IBM", Interval::Daily);
        let Ok(WatchEdit::Declare(pairs)) = edited("priority=high fresh_within=2h group=tech")
        else {
            panic!("settings alone");
        };
        let [(series, declaring)] = pairs.as_slice() else {
            panic!("{pairs:?}");
        };
        assert_eq!(*series, daily);
        let declared = declaring.apply(&crate::model::Declared::default());
        assert_eq!(
            declared.written(),
            "priority=high fresh_within=2h group=tech"
        );
        let Ok(WatchEdit::Several(edits)) = edited("weekly since=2020-01-31") else {
            panic!("both");
        };
        let [WatchEdit::Replace(_), WatchEdit::Declare(pairs)] = edits.as_slice() else {
            panic!("{edits:?}");
        };
        assert_eq!(pairs[0].0, sample::series("IBM", Interval::Weekly));
        let Ok(WatchEdit::Several(edits)) = edited("priority=low fill_from=other") else {
            panic!("a second source");
        };
        let [WatchEdit::Declare(_), WatchEdit::Several(fill)] = edits.as_slice() else {
            panic!("{edits:?}");
        };
        let [WatchEdit::Add(added), WatchEdit::Declare(pairs)] = fill.as_slice() else {
            panic!("{fill:?}");
        };
        assert_eq!((added.len(), &added[0]), (1, &pairs[0].0));
        let declared = pairs[0].1.apply(&crate::model::Declared::default());
        assert_eq!(declared.written(), "priority=low fills=alpha_vantage");
        for (typed, said) in [
            (
                "fill_from=alpha_vantage",
                "alpha_vantage cannot fill its own",
            ),
            ("fill_from=nobody", "there is no source nobody; use one of"),
            ("daily since=2020", "\"2020\" is not a day"),
            (
                "since=2099-01-01",
                "since=2099-01-01 is in the future, there are no bars yet",
            ),
            (
                "fills=other",
                "IBM daily cannot fill what other cannot give: other:IBM daily is not on the list",
            ),
            ("colour=red", "\"colour\" is not a setting; use since"),
            ("", "enter an interval"),
        ] {
            let why = edited(typed).unwrap_err();
            assert!(why.starts_with(said), "{why}");
        }
    }
}
