//! `plan`: what is asked for next, when, at what cost and why; also as if the watch list or the plan of
//! the key were another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::args::{PlanArgs, TableFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::instant::clock;
use super::table::layout;
use super::{chosen, open, output, run, watch};
use crate::config::{self, Inputs, Settings, SourceSettings};
use crate::model::text::{clean_to, counted, either};
use crate::model::{Declaring, Instrument, SeriesKey};
use crate::pipeline::planner::{LanePlan, PlannedFetch};
use crate::pipeline::sources;

pub async fn run(args: &PlanArgs, context: &Context) -> Result<u8, Failure> {
    let mut settings = open::settings(context)?;
    if let Some(plan) = &args.key_plan {
        settings = config::load(&with_plan(&settings, plan, &context.inputs)?)?;
    }
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    if !context.read_only {
        pipeline.take_stock().await?;
    }
    let listed = chosen::series(&[], None, &settings, &store).await?;
    let removed = read("--remove", &args.remove, &settings)?;
    let unlisted = watch::not_listed(&watch::missing(&removed, listed.iter()));
    let series = wished(args, &settings, listed, &removed)?;
    let usual = run::options(&settings).schedule;
    let plan = pipeline.fetch_plan(series, usual).await?;
    match args.format {
        TableFormat::Json => output::data(&serialize(&plan)?)?,
        TableFormat::Table => {
            let most = args.limit.map_or(usize::MAX, |most| most as usize);
            let rows: Vec<Vec<String>> = plan.lines.iter().take(most).map(row).collect();
            let more = plan.lines.len() - rows.len();
            if rows.is_empty() {
                context
                    .narrator
                    .say("the watch list is empty; add a series with: pipeline-tui watch add");
            } else {
                output::print(&layout(
                    &["WHEN", "SERIES", ">REQUESTS", "SAFE UNTIL", "WHY"],
                    &rows,
                ))?;
            }
            if more > 0 {
                let more = counted(more as u64, "more line");
                let said = format!("{more}; leave out --limit to see all");
                context.narrator.say(&said);
            }
            for lane in &plan.lanes {
                context.narrator.say(&summary(lane));
            }
        }
    }
    Ok(match unlisted {
        None => exit::DONE,
        Some(said) => {
            context.narrator.say(&format!("--remove: {said}"));
            exit::SOME
        }
    })
}

/// The inputs with another plan of the key of the usual source.
fn with_plan(settings: &Settings, plan: &str, inputs: &Inputs) -> Result<Inputs, Failure> {
    let source: &SourceSettings = settings.leading().settings;
    let name = source.words.name;
    let Some(setting) = &source.plans.setting else {
        let text = format!("--key-plan: {name} has one plan only");
        return Err(Failure::usage(text));
    };
    if source.plans.named(plan.trim()).is_none() {
        let known: Vec<&str> = source.plans.all().map(|plan| plan.name).collect();
        return Err(Failure::usage(format!(
            "--key-plan: \"{}\" is not a plan of {name}; use {}",
            clean_to(plan, 40),
            either(&known)
        )));
    }
    let mut inputs = inputs.clone();
    let environment = &mut inputs.environment;
    environment.insert(setting.name.to_owned(), plan.to_owned());
    Ok(inputs)
}

/// The watch list as it would be, with what the file declares.
fn wished(
    args: &PlanArgs,
    settings: &Settings,
    mut series: Vec<SeriesKey>,
    removed: &[Instrument],
) -> Result<Vec<(SeriesKey, Declaring)>, Failure> {
    let usual = args.interval.or(settings.interval);
    let usual = usual.unwrap_or(settings.defaults.interval);
    series.retain(|key| !removed.iter().any(|one| *one == key.instrument()));
    let added = read("--add", &args.add, settings)?;
    series.extend(added.iter().map(|one| SeriesKey::of(one, usual)));
    let lines = match &args.add_file {
        Some(file) => watch::import(file, usual, &settings.sources)?,
        None => vec![],
    };
    series.extend(lines.iter().map(|(key, _)| key.clone()));
    let mut declaring: HashMap<SeriesKey, Declaring> = lines.into_iter().collect();
    let mut seen = HashSet::new();
    series.retain(|key| seen.insert(key.clone()));
    let wished = series.into_iter().map(|key| {
        let change = declaring.remove(&key).unwrap_or_default();
        (key, change)
    });
    Ok(wished.collect())
}

/// The symbols that a flag names.
fn read(flag: &str, symbols: &[String], settings: &Settings) -> Result<Vec<Instrument>, Failure> {
    if symbols.is_empty() {
        return Ok(vec![]);
    }
    config::parse_symbols(&symbols.join(","), &settings.sources)
        .map_err(|error| Failure::usage(format!("{flag}: {error}")))
}

fn row(line: &PlannedFetch) -> Vec<String> {
    vec![
        line.at.map_or_else(|| "-".to_owned(), clock),
        line.series.to_string(),
        line.price.to_string(),
        match line.safe_until {
            _ if line.is_refused() => "-".to_owned(),
            Some(safe) => clock(safe),
            None => "always".to_owned(),
        },
        line.words(&clock),
    ]
}

/// What a source is asked, in a line.
fn summary(lane: &LanePlan) -> String {
    let mut known = sources::SETTINGS.iter();
    let known = known.find(|settings| settings.id == lane.source);
    let name = known.map_or(lane.source.as_str(), |settings| settings.words.name);
    lane.words(name, &clock)
}
