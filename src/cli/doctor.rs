//! `doctor`: one line for everything that must be right, and the fix where it is not.

use std::io::IsTerminal as _;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::exit::{self, Failure};
use super::{Context, open, output};
use crate::config::{self, Database, Settings};
use crate::model::text::clean;
use crate::time::Clock;

/// Clocks further apart than this make schedules and labels wrong.
const SKEW_SECONDS: i64 = 30;
const PATIENCE: Duration = Duration::from_secs(8);

/// A finding: whether it is in order, and one sentence.
struct Finding {
    good: bool,
    about: &'static str,
    text: String,
}

fn good(about: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        good: true,
        about,
        text: text.into(),
    }
}

fn bad(about: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        good: false,
        about,
        text: text.into(),
    }
}

pub async fn run(context: &Context) -> Result<u8, Failure> {
    let mut findings = Vec::new();
    match config::load(&context.inputs) {
        Err(error) => findings.push(bad("configuration", error.to_string())),
        Ok(settings) => {
            findings.push(good(
                "configuration",
                settings.config_file.display().to_string(),
            ));
            findings.extend(
                settings
                    .warnings
                    .iter()
                    .map(|warning| bad("configuration", warning)),
            );
            findings.push(key(&settings));
            let (provider, provider_time) = provider(&settings).await;
            findings.push(provider);
            let (database, database_time) = database(&settings).await;
            findings.push(database);
            findings.extend(wide_store(&settings));
            findings.push(clock(&[
                ("provider", provider_time),
                ("database", database_time),
            ]));
        }
    }
    findings.push(terminal());
    told(&findings)
}

/// `doctor --store`: whether the store answers, and nothing about what is beside it.
pub async fn store(context: &Context) -> Result<u8, Failure> {
    let finding = match config::load(&context.inputs) {
        Err(error) => bad("configuration", error.to_string()),
        Ok(settings) => database(&settings).await.0,
    };
    told(&[finding])
}

fn told(findings: &[Finding]) -> Result<u8, Failure> {
    for finding in findings {
        let mark = if finding.good { "ok " } else { "!! " };
        output::print(&format!("{mark} {:<14} {}", finding.about, finding.text))?;
    }
    Ok(if findings.iter().all(|finding| finding.good) {
        exit::DONE
    } else {
        exit::SOME
    })
}

fn key(settings: &Settings) -> Finding {
    if settings.provider.key_is_demo {
        good(
            "key",
            "none: with the key demo only IBM is served; a free key is at \
             https://www.alphavantage.co/support/#api-key, set it as ALPHA_VANTAGE_API_KEY",
        )
    } else {
        good(
            "key",
            format!(
                "set, plan {}; whether it is accepted shows the next fetch",
                settings.provider.plan
            ),
        )
    }
}

/// Asks the provider's host for nothing that counts as a request of the plan.
async fn provider(settings: &Settings) -> (Finding, Option<DateTime<Utc>>) {
    let mut root = settings.provider.base_url.clone();
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
                "{shown} does not answer ({}); check the network and ALPHA_VANTAGE_BASE_URL",
                clean(&cause)
            );
            (bad("provider", text), None)
        }
    }
}

async fn database(settings: &Settings) -> (Finding, Option<DateTime<Utc>>) {
    let fresh = matches!(&settings.database, Database::Sqlite { path } if !path.exists());
    if fresh {
        let text = format!("{} will be made by the first fetch", settings.database);
        return (good("database", text), None);
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
                health.version, health.schema, health.bars, settings.database
            );
            (good("database", text), Some(health.now))
        }
        Err(Failure::Told { text, .. }) => (bad("database", text), None),
        Err(Failure::Closed) => (bad("database", "the connection was closed"), None),
    }
}

/// A store that other users of this machine may read, where it is a file.
#[cfg(unix)]
fn wide_store(settings: &Settings) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;

    let Database::Sqlite { path } = &settings.database else {
        return None;
    };
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| {
        let path = clean(&path.display().to_string());
        let text = format!("others on this machine may read the store: chmod 600 {path}");
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
                    format!("this machine is {skew} s off the {name}; set its clock"),
                );
            }
        }
    }
    good("clock", now.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn terminal() -> Finding {
    if std::io::stdout().is_terminal() {
        good("terminal", "stdout is a terminal")
    } else {
        good(
            "terminal",
            "stdout is a pipe or file: no progress bar, plain text",
        )
    }
}
