//! `demo`: the whole pipeline against a built-in provider, in a store that vanishes.

use std::fmt::Write as _;
use std::sync::Arc;

use super::args::DemoArgs;
use super::exit::{self, Failure};
use super::{Context, bars, fetch, open, output};
use crate::config::{self, Inputs};
use crate::model::{Interval, SeriesKey, SeriesStatus};
use crate::pipeline::RunRequest;
use crate::pipeline::narrate;
use crate::pipeline::source::FetchOptions;
use crate::simulate::{Options, Plan, Server};

/// Bars shown of each series.
const SHOWN: u32 = 5;

pub async fn run(args: &DemoArgs, context: &Context) -> Result<u8, Failure> {
    let folder = tempfile::tempdir()?;
    let options = Options {
        seed: args.seed,
        plan: Plan::Unlimited,
        ..Options::default()
    };
    let server = Server::start(options)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let environment = [
        ("ALPHA_VANTAGE_API_KEY", "SIMULATED0123456".to_owned()),
        ("ALPHA_VANTAGE_BASE_URL", server.base_url()),
        ("ALPHA_VANTAGE_PLAN", "unlimited".to_owned()),
    ];
    // The caller's settings are none of the demo's business.
    let inputs = Inputs {
        environment: environment
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        ..Inputs::isolated(folder.path())
    };
    let settings = config::load(&inputs)?;
    let store = open::store(&settings, false).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let series = settings
        .defaults
        .symbols
        .iter()
        .map(|symbol| SeriesKey::raw(symbol.clone(), Interval::Min5));
    let request = RunRequest {
        trigger: "demo",
        series: series.collect(),
        options: FetchOptions::default(),
        max_age: None,
    };
    context.narrator.say(
        "DEMO: a simulated provider and a temporary store; no key, no network, nothing is kept",
    );
    let report = fetch::watched(&pipeline, request, context.narrator).await?;
    let mut text = String::from("DEMO\n");
    for series in &report.series {
        text.push_str(&narrate::line(series));
        text.push('\n');
    }
    for series in report
        .series
        .iter()
        .filter(|series| series.status == SeriesStatus::Succeeded)
    {
        let newest = bars::newest(&store, series, SHOWN).await?;
        let _ = writeln!(text, "\n{}", series.series);
        text.push_str(&bars::table(&newest, series.series.interval));
    }
    store.close().await;
    server.stop().await;
    output::print(&text)?;
    Ok(exit::of_series(&report.series))
}
