//! `doctor`: one line per check, with the fix where something is wrong.

mod online;
mod report;

use std::io::IsTerminal as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use url::Url;

use super::args::DoctorArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::instant;
use super::{open, output, panel};
use crate::config::{self, Database, Inputs, Setting, Settings, SourceAccess};
use crate::model::text::{clean, size, thousands};
use crate::model::{LaneName, SourceId};
use crate::time::Clock;
use crate::ui::files;

/// Clocks further apart than this make schedules and labels wrong.
const SKEW_SECONDS: i64 = 30;
/// So many of the largest tables are named.
const TABLES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(8);

/// A finding: the exit code it would give alone, and one sentence.
struct Finding {
    code: u8,
    about: &'static str,
    text: String,
}

impl Finding {
    fn line(&self) -> String {
        let mark = if self.code == exit::DONE {
            "ok "
        } else {
            "!! "
        };
        format!("{mark} {:<14} {}", self.about, self.text)
    }
}

fn good(about: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        code: exit::DONE,
        about,
        text: text.into(),
    }
}

fn bad(about: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        code: exit::SOME,
        ..good(about, text)
    }
}

impl Finding {
    const fn with(mut self, code: u8) -> Self {
        self.code = code;
        self
    }
}

pub async fn run(args: &DoctorArgs, context: &Context) -> Result<u8, Failure> {
    if args.store {
        return store(context).await;
    }
    if args.online && context.read_only {
        return Err(Failure::usage(
            "--online spends a request and stores its bars; leave out one of --online and --read-only",
        ));
    }
    if let Some(file) = &args.report {
        report::refuse_what_is_there(file)?;
    }
    let mut findings = findings(context).await;
    let mut code = code(&findings);
    if args.report.is_none() {
        print(&findings)?;
    }
    if args.online {
        let (found, of_requests) = online::ask(&findings, context).await?;
        code = if of_requests == exit::DONE {
            code
        } else {
            of_requests
        };
        if args.report.is_none() {
            print(&found)?;
        }
        findings.extend(found);
    }
    if let Some(file) = &args.report {
        report::write(file, &findings, context).await?;
    }
    Ok(code)
}

/// All checks except the one that costs a request.
async fn findings(context: &Context) -> Vec<Finding> {
    let inputs = &context.inputs;
    let mut findings = Vec::new();
    match config::load(inputs) {
        Err(_) => findings.extend(wrong_settings(inputs)),
        Ok(settings) => {
            findings.push(good(
                "configuration",
                settings.config_file.display().to_string(),
            ));
            let problems = panel::problems(&settings).into_iter();
            findings.extend(problems.map(|text| bad("configuration", text).with(exit::USAGE)));
            findings.extend(
                settings
                    .warnings
                    .iter()
                    .map(|warning| bad("configuration", warning)),
            );
            let mut provider_time = None;
            let used = in_use(&settings).await;
            for access in settings.access() {
                findings.push(key(access, &settings));
                if !used.contains(&access.settings.id) {
                    continue;
                }
                for (row, address) in access.settings.addresses.iter().zip(&access.addresses) {
                    let (found, time) = provider(row, address).await;
                    findings.push(found);
                    provider_time = provider_time.or(time);
                }
            }
            let (database, database_time) = database(&settings, context.read_only).await;
            findings.push(database);
            findings.extend(engines(&settings).await);
            findings.extend(tables(&settings).await);
            findings.extend(wide_store(&settings));
            findings.push(clock(&[
                ("provider", provider_time),
                ("database", database_time),
            ]));
        }
    }
    findings.push(terminal(inputs));
    findings
}

/// The sources that matter here: the usual one, those with a key, and those with series on the watch
/// list, as far as that can be read.
async fn in_use(settings: &Settings) -> Vec<SourceId> {
    let is_there = match &settings.database {
        Database::Sqlite { path } => path.exists(),
        Database::Postgres(_) => true,
    };
    let list = match is_there.then(|| open::store(settings, true)) {
        Some(store) => match store.await {
            Ok(store) => store.watch_list().await.unwrap_or_default(),
            Err(_) => vec![],
        },
        None => vec![],
    };
    let is_used = |access: &&SourceAccess| {
        let id = &access.settings.id;
        *id == settings.sources.usual
            || access.key.is_own
            || list.iter().any(|series| series.source == *id)
    };
    let used = settings.access().filter(is_used);
    used.map(|access| access.settings.id.clone()).collect()
}

/// `doctor --store`: checks only whether the store answers. A health check of a container may exit
/// with 0 or 1 only.
async fn store(context: &Context) -> Result<u8, Failure> {
    let findings = match config::load(&context.inputs) {
        Err(_) => wrong_settings(&context.inputs),
        Ok(settings) => vec![database(&settings, context.read_only).await.0],
    };
    Ok(match told(&findings)? {
        exit::DONE => exit::DONE,
        _ => exit::SOME,
    })
}

fn told(findings: &[Finding]) -> Result<u8, Failure> {
    print(findings)?;
    Ok(code(findings))
}

fn print(findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        output::print(&finding.line())?;
    }
    Ok(())
}

fn code(findings: &[Finding]) -> u8 {
    verdict(findings.iter().map(|finding| finding.code))
}

/// What a script can do about all findings together: a setting to fix outweighs everything, and
/// waiting helps only if nothing else is wrong.
fn verdict(codes: impl Iterator<Item = u8>) -> u8 {
    let rank = |code: &u8| match *code {
        exit::DONE => 0,
        exit::PASSING => 1,
        exit::USAGE => 3,
        _ => 2,
    };
    codes.max_by_key(rank).unwrap_or(exit::DONE)
}

fn wrong_settings(inputs: &Inputs) -> Vec<Finding> {
    config::check(inputs)
        .iter()
        .map(|problem| bad("configuration", problem.to_string()).with(exit::USAGE))
        .collect()
}

/// What is set of a source's key. The source is named where there are several.
fn key(access: &SourceAccess, settings: &Settings) -> Finding {
    let whose = match settings.others.as_slice() {
        [] => String::new(),
        _ => format!("{}: ", access.settings.words.name),
    };
    let text = if access.settings.key.is_empty() {
        "not needed".to_owned()
    } else if access.key.is_own {
        let plan = access.plan.name;
        format!("set, plan {plan}; the next fetch will show whether it is accepted")
    } else {
        format!("not set: {}", access.settings.key_advice())
    };
    good("key", format!("{whose}{text}"))
}

/// Contacts a source's host without spending a request of the plan.
async fn provider(row: &Setting, address: &Url) -> (Finding, Option<DateTime<Utc>>) {
    let mut root = address.clone();
    root.set_path("/");
    root.set_query(None);
    let shown = root.to_string();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build();
    let answer = match client {
        Ok(client) => client.head(root).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => {
            let date = answer
                .headers()
                .get("date")
                .and_then(|date| date.to_str().ok());
            let time = date
                .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
                .map(|date| date.to_utc());
            (
                good("provider", format!("{shown} answers; no request was spent")),
                time,
            )
        }
        Err(error) => {
            let error = error.without_url();
            let cause = std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), ToString::to_string);
            let text = format!(
                "{shown} does not answer ({}); check the network and {}",
                clean(&cause),
                row.name
            );
            (bad("provider", text).with(exit::PASSING), None)
        }
    }
}

async fn database(settings: &Settings, read_only: bool) -> (Finding, Option<DateTime<Utc>>) {
    if !read_only {
        match open::preview(settings).await {
            Ok(None) => {}
            Ok(Some(text)) => return (good("database", text), None),
            Err(failure) => return (unusable(failure), None),
        }
    }
    let health = match open::store(settings, true).await {
        Ok(store) => store
            .health()
            .await
            .map_err(Failure::from)
            .map(|health| (store.backend(), health)),
        Err(failure) => Err(failure),
    };
    match health {
        Ok((backend, health)) => {
            let text = format!(
                "{backend} {}, schema {}, {} bars, {}",
                health.version,
                health.schema,
                thousands(health.bars),
                settings.database
            );
            (good("database", text), Some(health.now))
        }
        Err(failure) => (unusable(failure), None),
    }
}

/// Who works on the store. That nobody does is no fault: commands need no engine.
async fn engines(settings: &Settings) -> Option<Finding> {
    if let Database::Sqlite { path } = &settings.database
        && !path.exists()
    {
        return None;
    }
    let store = open::store(settings, true).await.ok()?;
    let engines = store.engines().await.ok()?;
    let working = engines.all.iter().filter(|one| one.works(engines.now));
    let told = working.map(|engine| {
        let (home, lanes) = (&engine.home, &engine.lanes);
        let lanes: Vec<&str> = lanes.iter().map(LaneName::as_str).collect();
        let does = match lanes.as_slice() {
            [] => "waits".to_owned(),
            lanes => lanes.join(", "),
        };
        format!("{} pid {}: {does}", home.host, home.pid)
    });
    let mut told: Vec<String> = told.collect();
    told.extend(engines.none_since().map(|at| {
        let at = instant::clock(at);
        format!("none has worked since {at}; start one: pipeline-tui run")
    }));
    let text = match told.join("; ") {
        none if none.is_empty() => "none yet; start one: pipeline-tui run".to_owned(),
        told => told,
    };
    Some(good("engines", text))
}

/// What the store takes, by table.
async fn tables(settings: &Settings) -> Option<Finding> {
    if let Database::Sqlite { path } = &settings.database
        && !path.exists()
    {
        return None;
    }
    let store = open::store(settings, true).await.ok()?;
    let tables = store.tables().await.ok()?;
    let (largest, others) = tables.split_at(tables.len().min(TABLES));
    let each = largest.iter().map(|one| {
        let (bytes, kept) = (size(one.bytes), one.table.kept(settings.retention));
        format!("{} {bytes} ({kept})", one.table)
    });
    let others: u64 = others.iter().map(|one| one.bytes).sum();
    let others = format!("others {}", size(others));
    let told: Vec<String> = each.chain([others]).collect();
    Some(good("tables", told.join("; ")))
}

fn unusable(failure: Failure) -> Finding {
    match failure {
        Failure::Told { code, text } => bad("database", text).with(code),
        Failure::Closed => bad("database", "the connection was closed"),
        Failure::Stopped(_) => {
            bad("database", "not opened: stopped by a signal").with(exit::INTERRUPTED)
        }
    }
}

/// A warning if the store is a file that other users of this machine may read.
#[cfg(unix)]
fn wide_store(settings: &Settings) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;

    let Database::Sqlite { path } = &settings.database else {
        return None;
    };
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| {
        let path = clean(&path.display().to_string());
        let text = format!("other users of this machine may read the store; run: chmod 600 {path}");
        bad("database", text)
    })
}

#[cfg(not(unix))]
fn wide_store(_settings: &Settings) -> Option<Finding> {
    None
}

fn clock(others: &[(&str, Option<DateTime<Utc>>)]) -> Finding {
    let now = Clock::system().now();
    for (name, time) in others {
        if let Some(time) = time {
            let skew = (now - *time).num_seconds();
            if skew.abs() > SKEW_SECONDS {
                return bad(
                    "clock",
                    format!("this machine's clock is {skew} s off the {name}'s; set it"),
                );
            }
        }
    }
    good("clock", now.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// What stdout is, and whether it shows more than ASCII.
fn terminal(inputs: &Inputs) -> Finding {
    let stdout = if std::io::stdout().is_terminal() {
        "stdout is a terminal"
    } else {
        "stdout is a pipe or file: no progress bar, plain text"
    };
    let locale = &inputs.locale;
    let shows = if locale.is_utf8() {
        format!("UTF-8 ({locale})")
    } else {
        format!("ASCII only ({locale}); for UTF-8 set LC_ALL=C.UTF-8")
    };
    let panel = match config::load(inputs) {
        Ok(settings) if settings.ui.ascii == locale.is_utf8() => {
            format!("; the panel follows ui.ascii = {}", settings.ui.ascii)
        }
        _ => String::new(),
    };
    good("terminal", format!("{stdout}; {shows}{panel}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_what_a_script_can_do() {
        use exit::{DONE, PASSING, SOME, USAGE};
        for (codes, expected) in [
            (&[][..], DONE),
            (&[DONE, DONE], DONE),
            (&[DONE, PASSING, DONE], PASSING),
            (&[PASSING, SOME], SOME),
            (&[SOME, DONE], SOME),
            (&[USAGE, SOME, PASSING], USAGE),
            (&[PASSING, USAGE], USAGE),
        ] {
            assert_eq!(verdict(codes.iter().copied()), expected, "{codes:?}");
        }
    }
}
