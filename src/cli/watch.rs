//! `watch`: the watch list from the command line. It never contacts the provider.

mod list;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::America::New_York;

use self::list::{count, print, report};
pub use self::list::{missing, not_listed};
use super::args::{DeclaredArgs, ReportFormat, SeriesArgs, WatchCommand};
use super::context::Context;
use super::exit::{self, Failure};
use super::{bars, open, output};
use crate::config::Settings;
use crate::db::Store;
use crate::model::text::clean;
use crate::model::watch_file::{self, MAX_BYTES};
use crate::model::{
    Declarations, Declaring, Fillings, Instrument, Interval, SeriesKey, SourceId, Sources,
    WatchEdit,
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
            let declared = store.declared().await?;
            print(&list, &declared, format, (&settings, store), context)
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
            add(series, declared, format, &settings).await
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
            remove(&instruments, is_meant, format, &settings, context).await
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
    let begins = declaring.begins_by(today);
    begins.map_err(|why| Failure::usage(format!("--since: {why}")))?;
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

/// Puts series on the list and declares something of them.
async fn add(
    series: Vec<SeriesKey>,
    declared: DeclaredArgs,
    format: ReportFormat,
    settings: &Settings,
) -> Result<u8, Failure> {
    let sources = &settings.sources;
    let from = declared.fill_from.clone();
    let declaring = declaring(declared, today())?;
    let declare = series.iter().map(|key| (key.clone(), declaring.clone()));
    let declare: Vec<_> = declare.collect();
    filling(declare.clone(), from.as_ref(), sources, &Fillings::new())?;
    let store = open::store(settings, false).await?;
    let listed = listed(store.as_ref()).await?;
    let fill = filling(declare.clone(), from.as_ref(), sources, &listed)?;
    let edits = [Some(watch_file::adding(declare)), fill];
    let edits = edits.into_iter().flatten().collect();
    change(store, WatchEdit::Several(edits), format, settings).await
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
    report(&done, &edited, format, (settings, store))?;
    Ok(if missing.is_empty() {
        exit::DONE
    } else {
        exit::SOME
    })
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
    report(&done.join(", "), &edited, format, (settings, store))?;
    Ok(exit::DONE)
}

async fn remove(
    instruments: &[Instrument],
    is_meant: impl Fn(&SeriesKey) -> bool,
    format: ReportFormat,
    settings: &Settings,
    context: &Context,
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
    let before = listed(store.as_ref()).await?;
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
    for key in edited.left_alone(&before) {
        context.narrator.say(&left_alone(&key));
    }
    report(&done, &edited, format, (settings, store))?;
    Ok(if missing == 0 { exit::DONE } else { exit::SOME })
}

/// What becomes of a series that filled the gaps of a removed one.
fn left_alone(key: &SeriesKey) -> String {
    format!(
        "{key} filled its gaps and stays on the list, fetched for itself from now on; remove it with: \
         pipeline-tui watch remove {} --interval {}",
        key.instrument(),
        key.interval
    )
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
    let series = watch_file::parse(text, interval, sources, today()).map_err(|problems| {
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
