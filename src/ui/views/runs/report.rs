//! A run to share: a request as a curl command, the whole run as Markdown. Neither holds a secret.

use std::fmt::Write as _;

use chrono_tz::Tz;

use crate::model::{SeriesReport, SeriesStatus};
use crate::pipeline::snapshot::{RequestRow, RunDetail};
use crate::ui::about::AboutSource;
use crate::ui::action::Effect;
use crate::ui::reply::Reply;
use crate::ui::shared::Shared;
use crate::ui::text;

/// The request as a shell command, with the key left to variables.
fn curl(source: &AboutSource, request: &RequestRow) -> Option<String> {
    let route = (source.settings.route)(&request.endpoint, request.parameters());
    let url = route.url(source.addresses.get(route.address)?);
    let url = url.as_str().replace('\'', "'\\''");
    let command = format!("curl '{url}' {}", source.settings.words.curl_key);
    Some(command.trim_end().to_owned())
}

/// Copies the request as a shell command.
#[must_use]
pub fn command(request: &RequestRow, shared: &Shared) -> Reply {
    let mut known = shared.about.sources.iter();
    let source = known.find(|source| source.settings.id.as_str() == request.source);
    match source.and_then(|source| curl(source, request)) {
        Some(text) => Reply::Do(Effect::Copy {
            text,
            what: "the curl command".to_owned(),
        }),
        None => Reply::Warn(format!(
            "this version does not know the source {}",
            request.source
        )),
    }
}

/// The run as a page.
#[must_use]
pub fn markdown(detail: &RunDetail, zone: Tz) -> String {
    let run = &detail.summary;
    let started = run.started_at.with_timezone(&zone);
    let mut page = format!(
        "# Run {}: {}\n\nStarted {} {} by {}. {} of {} series, {}.\n\n",
        run.id,
        run.status,
        started.format("%Y-%m-%d %H:%M:%S"),
        text::zone_name(zone),
        run.trigger,
        run.succeeded,
        run.series,
        text::count(run.requests as usize, "request"),
    );
    page.push_str("| series | status | received | new | changed | unchanged | requests | why |\n|---|---|---:|---:|---:|---:|---:|---|\n");
    for report in &detail.series {
        let _ = writeln!(page, "{}", series_line(report));
    }
    page.push_str("\n| sent | series | attempt | state | class | HTTP | ms | query |\n|---|---|---:|---|---|---:|---:|---|\n");
    for request in &detail.requests {
        let sent = request.reserved_at.with_timezone(&zone);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | `{}` |",
            sent.format("%H:%M:%S"),
            request.series().as_deref().unwrap_or("–"),
            request.attempt,
            request.state.replace('_', " "),
            request.class.as_deref().unwrap_or(""),
            request
                .http_status
                .map_or_else(String::new, |status| status.to_string()),
            request
                .elapsed_ms
                .map_or_else(String::new, |ms| ms.to_string()),
            request.query
        );
    }
    page
}

fn series_line(report: &SeriesReport) -> String {
    let counts = report.counts;
    let why = report.error.as_ref().map_or_else(String::new, |error| {
        format!("{}: {}", error.class, error.message)
    });
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        report.series,
        report.status,
        report.received,
        counts.inserted,
        counts.changed,
        counts.unchanged,
        report.requests,
        why.replace('|', "\\|")
    )
}

/// The result of a series, in a few words.
#[must_use]
pub fn outcome(report: &SeriesReport) -> String {
    if let Some(error) = &report.error {
        return format!("{}: {}", report.status, error.message);
    }
    let counts = report.counts;
    match report.status {
        SeriesStatus::Succeeded if counts.inserted + counts.changed == 0 => {
            format!(
                "{} unchanged",
                crate::model::text::thousands(counts.unchanged)
            )
        }
        SeriesStatus::Succeeded => format!(
            "{} new, {} changed",
            crate::model::text::thousands(counts.inserted),
            crate::model::text::thousands(counts.changed)
        ),
        SeriesStatus::Skipped => "fresh enough, no request sent".to_owned(),
        status => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample::{self, sources::KEYLESS};

    #[test]
    fn a_copied_request_names_the_variable_and_never_the_key() {
        let keyless = AboutSource {
            settings: &KEYLESS,
            addresses: vec!["https://keyless.example".parse().unwrap()],
            key_origin: String::new(),
            key_is_set: false,
        };
        let mut sources = sample::blank().about.sources;
        sources.push(keyless);
        let copied = |source: &str, request: &RequestRow| {
            let mut known = sources.iter();
            let source = known.find(|known| known.settings.id.as_str() == source);
            curl(source.unwrap(), request).unwrap()
        };
        let usual = sample::run_detail().requests.remove(0);
        assert_eq!(
            copied("alpha_vantage", &usual),
            "curl 'https://www.alphavantage.co/query?function=TIME_SERIES_DAILY&symbol=IBM' \
             --get --data \"apikey=$ALPHA_VANTAGE_API_KEY\""
        );
        let below = RequestRow {
            endpoint: "v2/bars".to_owned(),
            query: "symbols=A%26B%2CC&start=2026-11-20".to_owned(),
            ..usual
        };
        assert_eq!(
            copied("keyless", &below),
            "curl 'https://keyless.example/v2/bars?symbols=A%26B%2CC&start=2026-11-20'"
        );
    }

    #[test]
    fn a_report_holds_every_series_and_every_request() {
        let detail = sample::run_detail();
        let page = markdown(&detail, chrono_tz::America::New_York);
        assert!(
            page.starts_with("# Run 1042: partial\n\nStarted 2026-11-20 13:36:10 ET by schedule."),
            "{page}"
        );
        for report in &detail.series {
            assert!(
                page.contains(&format!("| {} | {} |", report.series, report.status)),
                "{page}"
            );
        }
        assert_eq!(
            page.matches("function=TIME_SERIES_").count(),
            detail.requests.len()
        );
    }
}
