//! `alert`: what a person should know, and whether it would arrive.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::args::{AlertArgs, AlertCommand, TableFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::instant::clock;
use super::{open, output, run, table};
use crate::db::Undelivered;
use crate::model::alert::{Alert, AlertKind, AlertSeverity, Condition};
use crate::model::text::counted;
use crate::pipeline::alerts::Alerts;
use crate::time::Clock;

pub async fn run(args: &AlertArgs, context: &Context) -> Result<u8, Failure> {
    match &args.command {
        AlertCommand::List { all, format } => list(*all, *format, context).await,
        AlertCommand::Test => test(context).await,
    }
}

#[derive(Serialize)]
struct Listed {
    alerts: Vec<Row>,
    undelivered: Vec<Undelivered>,
}

#[derive(Serialize)]
struct Row {
    kind: AlertKind,
    subject: String,
    severity: AlertSeverity,
    text: String,
    /// None: this command noticed it.
    opened_at: Option<DateTime<Utc>>,
    recovered_at: Option<DateTime<Utc>>,
}

impl Row {
    fn of(condition: Condition) -> Self {
        let Condition {
            kind,
            subject,
            severity,
            text,
        } = condition;
        Self {
            kind,
            subject,
            severity,
            text,
            opened_at: None,
            recovered_at: None,
        }
    }

    fn stored(alert: Alert) -> Self {
        Self {
            opened_at: Some(alert.opened_at),
            recovered_at: alert.recovered_at,
            ..Self::of(alert.condition)
        }
    }

    fn cells(&self) -> Vec<String> {
        let at = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, clock);
        vec![
            at(self.opened_at),
            at(self.recovered_at),
            self.severity.to_string(),
            self.kind.to_string(),
            self.text.clone(),
        ]
    }
}

async fn list(all: Option<u32>, format: TableFormat, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let alerts = Alerts::new(&settings.alerts, settings.data_dir.clone());
    let usual = run::options(&settings).schedule;
    let view = alerts.look(&pipeline, &usual).await?.view;
    let stored = match all {
        Some(limit) => store.alerts(limit).await?,
        None => view.open.clone(),
    };
    open::close(&store).await;
    let unsaid = view.conditions().skip(view.open.len()).cloned();
    let rows: Vec<Row> = unsaid
        .map(Row::of)
        .chain(stored.into_iter().map(Row::stored))
        .collect();
    let is_well = rows.iter().all(|row| row.recovered_at.is_some());
    let listed = Listed {
        alerts: rows,
        undelivered: view.undelivered,
    };
    match format {
        TableFormat::Json => output::data(&serialize(&listed)?)?,
        TableFormat::Table => output::print(&text(&listed))?,
    }
    Ok(if is_well { exit::DONE } else { exit::SOME })
}

const HEADS: [&str; 5] = ["opened", "recovered", "severity", "kind", "alert"];

fn text(listed: &Listed) -> String {
    let mut text = if listed.alerts.is_empty() {
        "no open alerts".to_owned()
    } else {
        let rows: Vec<Vec<String>> = listed.alerts.iter().map(Row::cells).collect();
        table::layout(&HEADS, &rows).trim_end().to_owned()
    };
    if let Some(waiting) = listed.undelivered.first() {
        let count = counted(listed.undelivered.len() as u64, "message");
        let why = waiting.outcome.as_deref().unwrap_or("not tried yet");
        let (channel, next) = (waiting.channel, clock(waiting.next_at));
        let _ = write!(
            text,
            "\n{count} not delivered yet; {channel}: {why}, next attempt {next}"
        );
    }
    text
}

async fn test(context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let alerts = Alerts::new(&settings.alerts, settings.data_dir.clone());
    let tried = alerts.test(Clock::system().now()).await;
    if tried.is_empty() {
        return Err(Failure::usage(
            "there is nowhere to send alerts; set alerts.webhook or alerts.command in config.toml, and not alerts.quiet",
        ));
    }
    for (_, said) in &tried {
        output::print(said)?;
    }
    let is_sent = tried.iter().all(|(is_sent, _)| *is_sent);
    Ok(if is_sent { exit::DONE } else { exit::PASSING })
}
