//! `compare`: two stored series side by side.

use std::sync::Arc;

use serde::Serialize;

use super::args::{CompareArgs, ReportFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::held::Lookup;
use super::table::layout;
use super::{open, output};
use crate::config::Settings;
use crate::db::{BarQuery, Holding, Order};
use crate::model::comparison::{Comparison, Difference, DifferenceKind, Terms, compare};
use crate::model::listing::Unlike;
use crate::model::text::counted;
use crate::model::{Bar, Currency, Interval, Listing, SeriesKey, SourceId, Symbol, Volume};
use crate::pipeline::subject::Subject;
use crate::pipeline::{Pipeline, narrate};

/// What is not there.
const NONE: &str = "–";

/// A stored series.
struct Side {
    held: Holding,
    subject: Subject,
    listing: Option<Arc<Listing>>,
}

#[derive(Serialize)]
struct Compared<'a> {
    first: Named<'a>,
    second: Named<'a>,
    interval: Interval,
    agree: bool,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

#[derive(Serialize)]
struct Named<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    adjusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_from: Option<Interval>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'a str,
}

impl Side {
    fn series(&self) -> &SeriesKey {
        &self.held.series
    }

    fn named(&self) -> Named<'_> {
        let series = self.series();
        let listing = self.listing.as_deref();
        Named {
            source: &series.source,
            symbol: &series.symbol,
            adjusted: series.adjusted,
            currency: self.subject.currency.as_ref(),
            derived_from: self.subject.derived_from,
            name: listing.map_or("", |listing| &listing.name),
            kind: listing.map_or("", |listing| &listing.kind),
        }
    }

    /// What its prices are, in words; what they are in only where `has_currency`.
    fn prices(&self, has_currency: bool) -> String {
        let kind = if self.series().adjusted {
            "adjusted"
        } else {
            "raw"
        };
        match &self.subject.currency {
            Some(currency) => format!("{kind} in {currency}"),
            None if has_currency => format!("{kind} in a currency that is not known"),
            None => kind.to_owned(),
        }
    }
}

pub async fn run(args: &CompareArgs, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let interval = args.interval.or(settings.interval);
    let interval = interval.unwrap_or(Interval::Daily);
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let first = side(&args.first, interval, &settings, &pipeline).await?;
    let second = side(&args.second, interval, &settings, &pipeline).await?;
    // Two sources may date the same bar by different hours or days.
    let slack = interval.length();
    let from = first.held.oldest.max(second.held.oldest) - slack;
    let to = first.held.newest.min(second.held.newest) + slack;
    let read = async |side: &Side| {
        let query = BarQuery {
            series: side.series().clone(),
            from: Some(args.from.map_or(from, |bound| bound.first(interval))),
            to: Some(args.to.map_or(to, |bound| bound.last(interval))),
            limit: u32::MAX,
            order: Order::OldestFirst,
        };
        store.bars(query).await
    };
    let (one, other): (Vec<Bar>, Vec<Bar>) = (read(&first).await?, read(&second).await?);
    let comparison = {
        let terms = Terms {
            interval,
            percent: args.volume_tolerance,
            // Where no range is given, only what both have had time to have.
            from_common: args.from.is_none(),
            to_common: args.to.is_none(),
        };
        compare(&one, &other, terms)
    };
    let has_currency = [&first, &second].map(|side| side.subject.currency.is_some());
    let has_currency = has_currency.contains(&true);
    let (prices, others) = (first.prices(has_currency), second.prices(has_currency));
    if prices != others {
        context.narrator.say(&format!(
            "the prices of {} are {prices}, those of {} are {others}",
            first.series(),
            second.series(),
        ));
    }
    if let Some(said) = doubt(&first, &second) {
        context.narrator.say(&said);
    }
    match args.format {
        ReportFormat::Json => output::data(&serialize(&Compared {
            first: first.named(),
            second: second.named(),
            interval,
            agree: comparison.agrees(),
            comparison: &comparison,
        })?)?,
        ReportFormat::Text => {
            if !comparison.differences.is_empty() {
                output::print(&table(&comparison, (first.series(), second.series())))?;
            }
            context.narrator.say(&summary(&comparison));
        }
    }
    Ok(if comparison.agrees() {
        exit::DONE
    } else {
        exit::SOME
    })
}

/// That both may be different instruments, by what their sources say of them.
fn doubt(first: &Side, second: &Side) -> Option<String> {
    let (one, other) = (first.listing.as_deref()?, second.listing.as_deref()?);
    let found = one.differences(other);
    if found.is_empty() {
        return None;
    }
    let said = found.iter().map(
        |Unlike {
             what,
             first,
             second,
         }| { format!("{what} ({first}, {second})") },
    );
    Some(format!(
        "the listings of {} and {} differ in {}: make sure that they are one instrument",
        first.series().instrument(),
        second.series().instrument(),
        said.collect::<Vec<_>>().join(" and ")
    ))
}

/// The stored series that a word means.
async fn side(
    word: &str,
    interval: Interval,
    settings: &Settings,
    pipeline: &Pipeline,
) -> Result<Side, Failure> {
    let instrument = settings.sources.instrument(word);
    let instrument = instrument.map_err(|error| Failure::usage(error.to_string()))?;
    let store = &pipeline.store;
    let all = store.held(instrument.symbol.clone()).await?;
    let lookup = Lookup {
        instrument,
        interval: Some(interval),
        usual: None,
        adjusted: false,
    };
    let found = lookup.among(&all);
    let held = all
        .into_iter()
        .find(|held| Some(&held.series) == found.as_ref());
    let Some(held) = held else {
        let instrument = lookup.instrument;
        return Err(Failure::usage(format!(
            "no {interval} bars of {instrument} are stored; fetch them with: pipeline-tui fetch --symbols \
             {instrument} --interval {interval}"
        )));
    };
    let facts = store.facts(held.series.clone()).await?;
    Ok(Side {
        subject: pipeline.subject(held.series.clone(), &facts),
        listing: facts.listing,
        held,
    })
}

fn table(comparison: &Comparison, (first, second): (&SeriesKey, &SeriesKey)) -> String {
    let volume = |volume: &Volume| volume.grouped();
    let row = |found: &Difference| {
        let (what, one, other) = match &found.kind {
            DifferenceKind::Close { first, second } => {
                ("close", first.to_string(), second.to_string())
            }
            DifferenceKind::Volume { first, second } => ("volume", volume(first), volume(second)),
            DifferenceKind::OnlyFirst => ("bar", "has it".to_owned(), NONE.to_owned()),
            DifferenceKind::OnlySecond => ("bar", NONE.to_owned(), "has it".to_owned()),
        };
        let time = narrate::label(found.timestamp, found.trading_date, first.interval);
        vec![time, what.to_owned(), one, other]
    };
    let rows: Vec<Vec<String>> = comparison.differences.iter().map(row).collect();
    let heads = [first, second].map(|series| format!(">{}", series.instrument()));
    let [one, other] = heads.each_ref().map(String::as_str);
    layout(&["TIME", "DIFFERS", one, other], &rows)
}

fn summary(comparison: &Comparison) -> String {
    let compared = counted(comparison.compared, "bar");
    let unfinished = match comparison.unfinished {
        0 => String::new(),
        unfinished => format!("; {unfinished} unfinished left out"),
    };
    let found = match comparison.differences.len() as u64 {
        0 if comparison.compared == 0 => "they have no bar in common".to_owned(),
        0 => "they agree".to_owned(),
        differences => counted(differences, "difference"),
    };
    format!("{compared} compared: {found}{unfinished}")
}
