//! `[alerts]`: what opens an alert, and where it is sent.

use url::{Host, Url};

use super::access::is_loopback;
use super::error::{ConfigError, shown};
use super::layers::{Given, Layers};
use super::number::number;
use super::secret::Secret;
use super::setting::Setting;
use super::{size, table};
use crate::model::alert::{AlertKind, AlertRules, Channel};
use crate::model::nearest::nearest;

/// What opens an alert, and where it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertSettings {
    /// What opens an alert.
    pub rules: AlertRules,
    /// The most bytes that the store may take; `None`: no limit.
    pub store_limit: Option<u64>,
    /// Whether nothing rings and nothing is sent: alerts are only shown.
    pub quiet: bool,
    /// Whether the panel rings the terminal's bell and sends it a notification.
    pub bell: bool,
    /// The address that takes messages as JSON.
    pub webhook: Option<Secret>,
    /// The program that takes them on its standard input, and its arguments.
    pub command: Vec<String>,
}

impl AlertSettings {
    /// Where messages are sent.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        let webhook = self.webhook.is_some().then_some(Channel::Webhook);
        let command = (!self.command.is_empty()).then_some(Channel::Command);
        let all = webhook.into_iter().chain(command);
        all.filter(|_| !self.quiet).collect()
    }
}

pub(super) fn settings(
    layers: &Layers,
    warnings: &mut Vec<String>,
) -> Result<AlertSettings, ConfigError> {
    let usual = AlertRules::default();
    let is_on = |setting: &Setting, default| layers.get(setting).map_or(Ok(default), Given::switch);
    Ok(AlertSettings {
        rules: AlertRules {
            kinds: kinds(layers)?.unwrap_or(usual.kinds),
            behind: number(layers, &table::ALERT_BEHIND, usual.behind, 1..=1_000)?,
            failures: number(layers, &table::ALERT_FAILURES, usual.failures, 1..=50)?,
            full: number(layers, &table::ALERT_FULL, usual.full, 1..=100)?,
        },
        store_limit: size::of(layers, &table::ALERT_STORE_LIMIT)?,
        quiet: is_on(&table::ALERT_QUIET, false)?,
        bell: is_on(&table::ALERT_BELL, true)?,
        webhook: webhook(layers, warnings)?,
        command: command(layers),
    })
}

fn kinds(layers: &Layers) -> Result<Option<Vec<AlertKind>>, ConfigError> {
    let Some(given) = layers.get(&table::ALERT_KINDS) else {
        return Ok(None);
    };
    let words = given.value.split(',').map(str::trim);
    let kind = |word: &str| {
        word.parse().map_err(|_| {
            let known = AlertKind::ALL.iter().map(|kind| kind.as_str());
            let hint = nearest(word, known)
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            given.error(format!("there is no alert {}{hint}", shown(word)))
        })
    };
    let kinds = words.filter(|word| !word.is_empty()).map(kind);
    Ok(Some(kinds.collect::<Result<_, _>>()?))
}

/// The program and its arguments: each is an element of the list, so that nothing is split.
fn command(layers: &Layers) -> Vec<String> {
    let given = layers.get(&table::ALERT_COMMAND);
    given.map_or_else(Vec::new, |given| {
        given.value.lines().map(str::to_owned).collect()
    })
}

/// The address. No error quotes it: whoever knows it can write to the channel behind it.
fn webhook(layers: &Layers, warnings: &mut Vec<String>) -> Result<Option<Secret>, ConfigError> {
    let (value, file) = (&table::ALERT_WEBHOOK, &table::ALERT_WEBHOOK_FILE);
    let Some(text) = layers.secret(value, file, warnings)? else {
        return Ok(None);
    };
    let allow_http = match layers.get(&table::ALERT_ALLOW_HTTP) {
        Some(given) => given.switch()?,
        None => false,
    };
    let text = text.trim();
    let wrong = why_unusable(text, allow_http);
    if let Some(reason) = wrong {
        let given = layers.get(value).or_else(|| layers.get(file));
        return Err(given.map_or_else(
            || ConfigError::new(value.name, reason),
            |given| given.error(reason),
        ));
    }
    Ok(Some(Secret::new(text)))
}

fn why_unusable(text: &str, allow_http: bool) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else {
        return Some("is not a URL; write https://host/path");
    };
    let is_near = url
        .host()
        .is_some_and(|host: Host<&str>| is_loopback(&host));
    match url.scheme() {
        "https" if url.has_host() => None,
        "http" if is_near || (allow_http && url.has_host()) => None,
        "http" if url.has_host() => Some(
            "plain http would expose the address on the network; use https, or set PIPELINE_ALERT_ALLOW_HTTP=1",
        ),
        _ => Some("must begin with https:// and name a host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_https_or_on_this_machine() {
        for (text, allowed, fine) in [
            ("https://hooks.example.com/T/B?x=1", false, true),
            ("http://127.0.0.1:9/x", false, true),
            ("http://hooks.example.com/x", false, false),
            ("http://hooks.example.com/x", true, true),
            ("ftp://hooks.example.com/x", true, false),
            ("hooks.example.com", true, false),
        ] {
            assert_eq!(why_unusable(text, allowed).is_none(), fine, "{text}");
        }
    }
}
