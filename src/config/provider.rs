//! How to reach the provider: the key, the address, the plan.

use std::net::IpAddr;

use url::{Host, Url};

use super::error::{ConfigError, shown};
use super::layers::{Entry, Layers};
use super::plan::{Plan, UnknownPlan};
use super::{Secret, table};

/// The public key, which works for the documented examples only.
pub const DEMO_KEY: &str = "demo";
/// What `.env.example` contains instead of a key.
const PLACEHOLDER: &str = "your_api_key_here";

/// How to reach the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The key.
    pub key: Secret,
    /// Whether it is the public key `demo`.
    pub key_is_demo: bool,
    /// The address to which a query is added.
    pub base_url: Url,
    /// What may be requested of the provider.
    pub plan: Plan,
}

/// Whether the layers name a key, even `demo`; the placeholder of the example file does not count.
pub(super) fn is_named(layers: &Layers) -> bool {
    let named = |setting| layers.get(setting).map(|entry| entry.value.trim());
    named(&table::API_KEY_FILE).is_some()
        || named(&table::API_KEY).is_some_and(|key| key != PLACEHOLDER)
}

/// Whether a text stands for the public key.
pub(super) fn is_demo(key: &str) -> bool {
    matches!(key.trim(), "" | DEMO_KEY | PLACEHOLDER)
}

/// The key that the layers name, if it is not `demo`.
pub(super) fn key(
    layers: &Layers,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>, ConfigError> {
    let Some(key) = layers.secret(&table::API_KEY, &table::API_KEY_FILE, warnings)? else {
        return Ok(None);
    };
    if is_demo(&key) {
        return Ok(None);
    }
    usable(&key).map(Some).map_err(|reason| {
        let entry = layers
            .get(&table::API_KEY)
            .or_else(|| layers.get(&table::API_KEY_FILE));
        match entry {
            Some(entry) => entry.error(reason),
            None => ConfigError::new(table::API_KEY.name, reason),
        }
    })
}

/// A key as it may be sent. Anything else is a mistake, and it would cost a request to learn that
/// from the provider.
fn usable(key: &str) -> Result<Secret, &'static str> {
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    if key.contains(is_foreign) || key.starts_with(['"', '\'']) {
        return Err(
            "the key begins with a quote, or contains a space, a line break or an invisible character; \
             copy it again",
        );
    }
    Ok(Secret::new(key))
}

/// A key that a person entered, without surrounding blanks, or why it cannot be used.
pub fn check_key(text: &str) -> Result<Secret, String> {
    let key = text.trim();
    if is_demo(key) {
        return Err("that is not a personal key; enter the one the provider sent you".to_owned());
    }
    usable(key).map_err(str::to_owned)
}

/// The provider's address that the layers name.
pub(super) fn base_url(layers: &Layers) -> Result<Url, ConfigError> {
    let allow_http = match layers.get(&table::ALLOW_HTTP) {
        Some(entry) => switch(entry)?,
        None => false,
    };
    match layers.get(&table::BASE_URL) {
        Some(entry) => {
            check_url(entry.value.trim(), allow_http).map_err(|reason| entry.error(reason))
        }
        None => check_url(table::BASE_URL.default, false)
            .map_err(|reason| ConfigError::new(table::BASE_URL.name, reason)),
    }
}

/// The plan that the layers name.
pub(super) fn plan(layers: &Layers) -> Result<Plan, ConfigError> {
    let Some(entry) = layers.get(&table::PLAN) else {
        return Ok(Plan::default());
    };
    let value = entry.value.trim();
    value
        .parse()
        .map_err(|error: UnknownPlan| entry.error(format!("{}: {error}", shown(value))))
}

/// A setting that is on or off.
pub(super) fn switch(entry: &Entry) -> Result<bool, ConfigError> {
    match entry.value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(entry.error("must be 1 or 0")),
    }
}

/// None of the reasons quotes the address: it may contain a key.
fn check_url(text: &str, allow_http: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL; write https://host/path")?;
    let host = url
        .host()
        .filter(|_| matches!(url.scheme(), "http" | "https"));
    let Some(host) = host else {
        return Err("must begin with https:// and name a host");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user or password; remove what is before the @");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a ? or #; the program adds the query itself");
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&host) {
        return Err(
            "plain http would expose the key on the network; use https, or set ALPHA_VANTAGE_ALLOW_HTTP=1",
        );
    }
    Ok(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_allowed() {
        for (text, allowed, fine) in [
            ("https://www.alphavantage.co/query", false, true),
            ("http://127.0.0.1:8080/query", false, true),
            ("http://localhost:8080/query", false, true),
            ("http://[::1]:8080/query", false, true),
            ("http://simulator:8080/query", false, false),
            ("http://simulator:8080/query", true, true),
            ("http://localhost.example.com/", false, false),
            ("http://127.0.0.1.example.com/", false, false),
            ("https://user:pw@example.com/", true, false),
            ("https://example.com/?apikey=x", true, false),
            ("ftp://example.com/", true, false),
            ("file:///etc/passwd", true, false),
            ("example.com", true, false),
        ] {
            assert_eq!(check_url(text, allowed).is_ok(), fine, "{text} {allowed}");
        }
        let error = check_url("http://example.com/", false).unwrap_err();
        assert!(error.contains("ALPHA_VANTAGE_ALLOW_HTTP=1"), "{error}");
    }
}
