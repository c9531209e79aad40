//! `watch`: the watch list from the command line. It never contacts the provider.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::America::New_York;
use serde::Serialize;

use super::args::{DeclaredArgs, ReportFormat, SeriesArgs, TableFormat, WatchCommand};
use super::context::Context;
use super::exit::{self, Failure};
use super::table::layout;
use super::{bars, fetch, open, output};
use crate::config::{Settings, SourceAccess};
use crate::db::Store;
use crate::model::text::{clean, thousands};
use crate::model::watch_file::{self, MAX_BYTES};
use crate::model::{
    Declarations, Declared, Declaring, Fillings, Instrument, Interval, SeriesKey, SourceId,
    Sources, WatchEdit, WatchEdited,
};
use crate::time::Clock;
use crate::ui::files;

/// Wrong lines that are listed one by one; in a file of the wrong kind all of them are wrong.
const MOST_NAMED: usize = 20;

pub async fn run(command: WatchCommand, context: &Context) -> Result<u8, Failure> {
    let changes = !matches!(
        command,
        WatchCommand::List { .. } | WatchCommand::Export { .. }
    );
    if changes && context.read_only {
        return Err(Failure::usage(
            "this changes the watch list; leave out --read-only",
        ));
    }
    let settings = open::settings(context)?;
    if settings.symbols.is_some() {
        context.narrator.say(
            "PIPELINE_SYMBOLS is set: a process with it watches those symbols instead of the list in the store",
        );
    }
    let default = settings.interval.unwrap_or(settings.defaults.interval);
    let (read_only, sources) = (context.read_only, &settings.sources);
    // Wrong arguments are reported before the store is opened: it may not exist yet.
    match command {
        WatchCommand::List { format } => {
            let store = open::store(&settings, read_only).await?;
            let list = store.watch_list().await?;
            print(&list, &store.declared().await?, format, &settings, context)
        }
        WatchCommand::Export { output } => {
            let store = open::store(&settings, read_only).await?;
            export(
                &store.watch_list().await?,
                &store.declared().await?,
                output.as_deref(),
                &sources.usual,
                context,
            )
        }
        WatchCommand::Add {
            series,
            declared,
            format,
        } => {
            let series = named(&series, default, sources)?;
            let from = declared.fill_from.clone();
            let declaring = declaring(declared, today())?;
            let declare = series.iter().map(|key| (key.clone(), declaring.clone()));
            let declare: Vec<_> = declare.collect();
            filling(declare.clone(), from.as_ref(), sources, &Fillings::new())?;
            let store = open::store(&settings, false).await?;
            let listed = listed(store.as_ref()).await?;
            let fill = filling(declare.clone(), from.as_ref(), sources, &listed)?;
            let edits = [Some(watch_file::adding(declare)), fill];
            let edits = edits.into_iter().flatten().collect();
            change(store, WatchEdit::Several(edits), format, &settings).await
        }
        WatchCommand::Set {
            symbols,
            interval,
            declared,
            format,
        } => {
            let instruments = named_instruments(&symbols, sources)?;
            let from = declared.fill_from.clone();
            let declaring = declaring(declared, today())?;
            if declaring.is_empty() && from.is_none() {
                return Err(Failure::usage(
                    "nothing to set; use --since, --priority, --fresh-within, --group or --fill-from",
                ));
            }
            let is_meant = |key: &SeriesKey| interval.is_none_or(|it| key.interval == it);
            let change = (&declaring, from.as_ref());
            set(&instruments, is_meant, change, format, &settings).await
        }
        WatchCommand::Replace { series, format } => {
            let edit = WatchEdit::Set(named(&series, default, sources)?);
            let store = open::store(&settings, false).await?;
            change(store, edit, format, &settings).await
        }
        WatchCommand::Import {
            file,
            interval,
            replace,
            format,
        } => {
            let lines = import(&file, interval.unwrap_or(default), sources)?;
            let edit = if replace {
                watch_file::replacing(lines)
            } else {
                watch_file::adding(lines)
            };
            let store = open::store(&settings, false).await?;
            change(store, edit, format, &settings).await
        }
        WatchCommand::Remove {
            symbols,
            interval,
            adjusted,
            format,
        } => {
            let instruments = named_instruments(&symbols, sources)?;
            let is_meant = |key: &SeriesKey| {
                interval.is_none_or(|interval| key.interval == interval)
                    && (key.adjusted || !adjusted)
            };
            remove(&instruments, is_meant, format, &settings).await
        }
    }
}

/// The date in New York.
fn today() -> NaiveDate {
    let now = Clock::system().now();
    now.with_timezone(&New_York).date_naive()
}

/// What is declared on the command line.
fn declaring(args: DeclaredArgs, today: NaiveDate) -> Result<Declaring, Failure> {
    let mut declaring = Declaring {
        priority: args.priority,
        ..Declaring::default()
    };
    for (name, flag, value) in [
        ("since", "--since", args.since),
        ("fresh_within", "--fresh-within", args.fresh_within),
        ("group", "--group", args.group),
    ] {
        if let Some(value) = value {
            let taken = declaring.take(name, &value);
            taken.map_err(|why| Failure::usage(format!("{flag}: {why}")))?;
        }
    }
    if let Some(day) = declaring.since.flatten().filter(|day| *day > today) {
        return Err(Failure::usage(format!(
            "--since: {day} is in the future, there are no bars yet; write a day up to {today}, or none"
        )));
    }
    Ok(declaring)
}

/// The series of the watch list, each with the source whose gaps it fills.
async fn listed(store: &dyn Store) -> Result<Fillings, Failure> {
    let (list, mut declared) = (store.watch_list().await?, store.declared().await?);
    let each = list.into_iter().map(|key| {
        let fills = declared.remove(&key).and_then(|declared| declared.fills);
        (key, fills)
    });
    Ok(each.collect())
}

/// Adds the series of a source that fill the gaps of these.
fn filling(
    series: Vec<(SeriesKey, Declaring)>,
    from: Option<&SourceId>,
    sources: &Sources,
    listed: &Fillings,
) -> Result<Option<WatchEdit>, Failure> {
    let fill = from.map(|from| WatchEdit::fill(series, from, sources, listed));
    fill.transpose()
        .map_err(|why| Failure::usage(format!("--fill-from: {why}")))
}

/// Declares something of the series on the list that are meant, and adds those that fill their gaps.
async fn set(
    instruments: &[Instrument],
    is_meant: impl Fn(&SeriesKey) -> bool,
    (declaring, from): (&Declaring, Option<&SourceId>),
    format: ReportFormat,
    settings: &Settings,
) -> Result<u8, Failure> {
    let store = open::store(settings, false).await?;
    let wanted: HashSet<&Instrument> = instruments.iter().collect();
    let list = store.watch_list().await?.into_iter();
    let meant = list.filter(|key| is_meant(key) && wanted.contains(&key.instrument()));
    let pairs: Vec<_> = meant.map(|key| (key, declaring.clone())).collect();
    if pairs.is_empty() {
        return Err(Failure::usage(
            "none of these is on the watch list; watch add adds them",
        ));
    }
    let missing = missing(instruments, pairs.iter().map(|(key, _)| key));
    let done = format!("set {}", count(pairs.len()));
    let declared = store.declared().await?;
    let now = pairs.iter().map(|(key, declaring)| {
        let before = declared.get(key).cloned().unwrap_or_default();
        (key.clone(), declaring.apply(&before).into())
    });
    let listed = listed(store.as_ref()).await?;
    let fill = filling(now.collect(), from, &settings.sources, &listed)?;
    let edits = [Some(WatchEdit::Declare(pairs)), fill];
    let edits = edits.into_iter().flatten().collect();
    let mut edited = store.edit_watch_list(WatchEdit::Several(edits)).await?;
    edited.unchanged += missing.len();
    let mut done = if edited.is_changed {
        done
    } else {
        "no change".to_owned()
    };
    if let Some(said) = not_listed(&missing) {
        let _ = write!(done, ", {said}");
    }
    report(&done, &edited, format, settings)?;
    Ok(if missing.is_empty() {
        exit::DONE
    } else {
        exit::SOME
    })
}

/// The instruments of which none of these series is, in their order.
pub(super) fn missing<'a, 'b>(
    instruments: &'a [Instrument],
    series: impl Iterator<Item = &'b SeriesKey>,
) -> Vec<&'a Instrument> {
    let found: HashSet<Instrument> = series.map(SeriesKey::instrument).collect();
    let mut missing: Vec<&Instrument> = vec![];
    for one in instruments.iter().filter(|one| !found.contains(one)) {
        if !missing.contains(&one) {
            missing.push(one);
        }
    }
    missing
}

/// That these are not on the watch list; `None` if there are none.
pub(super) fn not_listed(missing: &[&Instrument]) -> Option<String> {
    match missing {
        [] => None,
        [one] => Some(format!("{one} is not on the list")),
        many => Some(format!("{} symbols are not on the list", count(many.len()))),
    }
}

async fn change(
    store: Arc<dyn Store>,
    edit: WatchEdit,
    format: ReportFormat,
    settings: &Settings,
) -> Result<u8, Failure> {
    let (list, declared) = (store.watch_list().await?, store.declared().await?);
    if let Some(why) = edit.idle_filling(&list, &declared) {
        return Err(Failure::usage(why));
    }
    let edited = store.edit_watch_list(edit).await?;
    let mut done = vec![format!("added {}", count(edited.added.len()))];
    if !edited.removed.is_empty() {
        done.push(format!("removed {}", count(edited.removed.len())));
    }
    match edited.unchanged {
        0 => {}
        1 => done.push("1 was already on the list".to_owned()),
        many => done.push(format!("{} were already on the list", count(many))),
    }
    report(&done.join(", "), &edited, format, settings)?;
    Ok(exit::DONE)
}

async fn remove(
    instruments: &[Instrument],
    is_meant: impl Fn(&SeriesKey) -> bool,
    format: ReportFormat,
    settings: &Settings,
) -> Result<u8, Failure> {
    let store = open::store(settings, false).await?;
    let list = store.watch_list().await?;
    let wanted: HashSet<&Instrument> = instruments.iter().collect();
    let meant = list.into_iter().filter(is_meant);
    let meant: Vec<_> = meant
        .filter(|key| wanted.contains(&key.instrument()))
        .collect();
    let missing = missing(instruments, meant.iter());
    let said = not_listed(&missing);
    let missing = missing.len();
    let mut edited = store.edit_watch_list(WatchEdit::Remove(meant)).await?;
    edited.unchanged += missing;
    let removed = edited.removed.len();
    let mut done = match removed {
        0 => "removed nothing".to_owned(),
        1 => "removed 1 (its bars stay)".to_owned(),
        many => format!("removed {} (their bars stay)", count(many)),
    };
    if let Some(said) = said {
        let _ = write!(done, ", {said}");
    }
    report(&done, &edited, format, settings)?;
    Ok(if removed == 0 { exit::SOME } else { exit::DONE })
}

/// Prints what a change did, and what the list costs now.
fn report(
    done: &str,
    edited: &WatchEdited,
    format: ReportFormat,
    settings: &Settings,
) -> Result<(), Failure> {
    match format {
        ReportFormat::Json => output::print(&fetch::serialize(&JsonEdited::from(edited))?),
        ReportFormat::Text => {
            let cost = cost(&edited.list, settings);
            output::print(&format!("{done}; {cost}"))
        }
    }
}

/// The words between commas and spaces.
fn words(texts: &[String]) -> impl Iterator<Item = &str> {
    texts
        .iter()
        .flat_map(|text| text.split(|c: char| c == ',' || c.is_whitespace()))
        .filter(|word| !word.is_empty())
}

/// Symbols as typed. An interval among them would silently become a symbol.
fn named_instruments(texts: &[String], sources: &Sources) -> Result<Vec<Instrument>, Failure> {
    let mut instruments = Vec::new();
    for word in words(texts) {
        if word.parse::<Interval>().is_ok() {
            return Err(Failure::usage(format!(
                "{word} is an interval, not a symbol; use --interval {word}"
            )));
        }
        let instrument = sources.instrument(word);
        instruments.push(instrument.map_err(|error| Failure::usage(error.to_string()))?);
    }
    if instruments.is_empty() {
        return Err(Failure::usage("no symbol given; name one, for example IBM"));
    }
    Ok(instruments)
}

fn named(
    args: &SeriesArgs,
    default: Interval,
    sources: &Sources,
) -> Result<Vec<SeriesKey>, Failure> {
    let interval = args.interval.unwrap_or(default);
    let instruments = named_instruments(&args.symbols, sources)?;
    let keys = instruments.iter().map(|instrument| SeriesKey {
        adjusted: args.adjusted,
        ..SeriesKey::of(instrument, interval)
    });
    Ok(keys.collect())
}

/// The series listed in a file or stdin, or else every wrong line.
pub(super) fn import(
    file: &Path,
    interval: Interval,
    sources: &Sources,
) -> Result<Vec<(SeriesKey, Declaring)>, Failure> {
    let is_stdin = file == Path::new("-");
    let shown = if is_stdin {
        "stdin".to_owned()
    } else {
        clean(&file.display().to_string())
    };
    let bytes = if is_stdin {
        let mut bytes = Vec::new();
        let stdin = std::io::stdin().lock();
        stdin
            .take(MAX_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    } else {
        files::load(file, MAX_BYTES)
    };
    let unchanged = "the watch list is unchanged";
    let bytes = bytes.map_err(|error| {
        Failure::usage(format!("{shown} cannot be read ({error}); {unchanged}"))
    })?;
    let text = watch_file::text(&bytes)
        .map_err(|why| Failure::usage(format!("{shown}: {why}; {unchanged}")))?;
    let series = watch_file::parse(text, interval, sources).map_err(|problems| {
        let mut text = format!(
            "{shown}: {} wrong; {unchanged}; write one series per line: symbol, interval, adjusted",
            match problems.len() {
                1 => "one line is".to_owned(),
                many => format!("{} lines are", count(many)),
            }
        );
        for problem in problems.iter().take(MOST_NAMED) {
            let _ = write!(text, "\n  {problem}");
        }
        if let more @ 1.. = problems.len().saturating_sub(MOST_NAMED) {
            let _ = write!(text, "\n  and {} more", count(more));
        }
        Failure::usage(text)
    })?;
    if series.is_empty() {
        return Err(Failure::usage(format!(
            "{shown} contains no series; {unchanged}; write one per line, for example: IBM,daily"
        )));
    }
    Ok(series)
}

fn print(
    list: &[SeriesKey],
    declared: &Declarations,
    format: TableFormat,
    settings: &Settings,
    context: &Context,
) -> Result<u8, Failure> {
    match format {
        TableFormat::Json => {
            let each = list.iter().map(|series| JsonSeries {
                series,
                declared: declared.get(series).cloned().unwrap_or_default(),
            });
            output::print(&fetch::serialize(&each.collect::<Vec<_>>())?)?;
        }
        TableFormat::Table if list.is_empty() => context.narrator.say(&cost(&[], settings)),
        TableFormat::Table => {
            let rows: Vec<Vec<String>> = list
                .iter()
                .map(|key| {
                    let prices = if key.adjusted { "adjusted" } else { "raw" };
                    let declared = declared.get(key).map(Declared::written);
                    [
                        key.instrument().to_string(),
                        key.interval.to_string(),
                        prices.to_owned(),
                        declared.unwrap_or_default(),
                    ]
                    .into()
                })
                .collect();
            output::print(&layout(
                &["SYMBOL", "INTERVAL", "PRICES", "DECLARED"],
                &rows,
            ))?;
            let is_known = |key: &&SeriesKey| settings.sources.knows(&key.source);
            let known: Vec<SeriesKey> = list.iter().filter(is_known).cloned().collect();
            context.narrator.say(&cost(&known, settings));
            if let Some(sentence) = unknown(list, &settings.sources) {
                context.narrator.say(&sentence);
            }
        }
    }
    Ok(exit::DONE)
}

fn export(
    list: &[SeriesKey],
    declared: &Declarations,
    file: Option<&Path>,
    usual: &SourceId,
    context: &Context,
) -> Result<u8, Failure> {
    let text = watch_file::write(list, declared, usual);
    match file {
        None => output::print(&text)?,
        Some(path) => {
            bars::write_text(path, &text)?;
            context.narrator.say(&format!(
                "{} series written to {}",
                count(list.len()),
                clean(&path.display().to_string())
            ));
        }
    }
    Ok(exit::DONE)
}

/// What becomes of series from sources that this version does not know: a newer one added them.
fn unknown(list: &[SeriesKey], sources: &Sources) -> Option<String> {
    let unknown = list.iter().map(|key| &key.source);
    let unknown: Vec<&SourceId> = unknown.filter(|source| !sources.knows(source)).collect();
    let names: BTreeSet<&str> = unknown.iter().map(|source| source.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let series = count(unknown.len());
    let stay = "on the list and are not fetched";
    match names.as_slice() {
        [] => None,
        [name] => Some(format!(
            "this version does not know the source {name}: its {series} series stay {stay}"
        )),
        names => Some(format!(
            "this version does not know the sources {}: their {series} series stay {stay}",
            names.join(", ")
        )),
    }
}

/// How long the list is, and what fetching all of it costs.
fn cost(list: &[SeriesKey], settings: &Settings) -> String {
    let of = |access: &SourceAccess| {
        let of_it = |series: &&SeriesKey| series.source == access.settings.id;
        list.iter().filter(of_it).count()
    };
    let plan: String = settings
        .access()
        .filter_map(|access| {
            let limit = access.plan.quota.per_day()?;
            let whose = match of(access) {
                some if some <= limit as usize => return None,
                all if all == list.len() => "the plan".to_owned(),
                some => format!(
                    "{} of {}, whose plan",
                    count(some),
                    access.settings.words.name
                ),
            };
            Some(format!(" ({whose} allows {} a day)", thousands(limit)))
        })
        .collect();
    match list.len() {
        0 => "the list is empty; the next fetch or start fills it with the configured symbols"
            .to_owned(),
        1 => "1 series, each fetch costs 1 request".to_owned(),
        many => {
            let many = count(many);
            format!("{many} series, each fetch costs {many} requests{plan}")
        }
    }
}

fn count(number: usize) -> String {
    thousands(number as i128)
}

#[derive(Serialize)]
struct JsonSeries<'a> {
    #[serde(flatten)]
    series: &'a SeriesKey,
    #[serde(flatten)]
    declared: Declared,
}

#[derive(Serialize)]
struct JsonEdited {
    added: usize,
    removed: usize,
    unchanged: usize,
    series: usize,
    requests: usize,
}

impl From<&WatchEdited> for JsonEdited {
    fn from(edited: &WatchEdited) -> Self {
        Self {
            added: edited.added.len(),
            removed: edited.removed.len(),
            unchanged: edited.unchanged,
            series: edited.list.len(),
            requests: edited.list.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_a_source_of_tomorrow_stay_and_are_named() {
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::DEFAULT],
        };
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let of = |source: &str| SeriesKey {
            source: source.parse().unwrap(),
            ..ibm.clone()
        };
        assert_eq!(unknown(std::slice::from_ref(&ibm), &sources), None);
        assert_eq!(
            unknown(&[ibm.clone(), of("tomorrow"), of("tomorrow")], &sources).unwrap(),
            "this version does not know the source tomorrow: its 2 series stay on the list and are not fetched"
        );
        let two = unknown(&[of("tomorrow"), ibm.clone(), of("after")], &sources).unwrap();
        assert!(
            two.contains("the sources after, tomorrow: their 2 series"),
            "{two}"
        );
    }
}
