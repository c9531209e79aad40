//! How to reach a source: its key, its addresses, its plan.

use std::net::IpAddr;
use std::path::PathBuf;

use url::{Host, Url};

use super::error::{ConfigError, Problems, shown};
use super::key::{self, check_key, check_whole};
use super::layers::Layers;
use super::plan::{Plan, Plans};
use super::saved_key;
use super::secret::Secret;
use super::setting::Setting;
use super::source::{KeyField, SourceSettings};
use crate::model::{Interval, text};

/// How to reach one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAccess {
    /// What the source declares.
    pub settings: &'static SourceSettings,
    /// The key.
    pub key: Key,
    /// The addresses, in the order in which the source declares them.
    pub addresses: Vec<Url>,
    /// What may be requested of it.
    pub plan: Plan,
    /// Where the panel saved the key, if that is the key in use.
    pub saved_key: Option<PathBuf>,
}

impl SourceAccess {
    /// What a person has of this source: `key demo`, `free key`, `75 a minute`.
    #[must_use]
    pub fn plan_words(&self) -> String {
        match self.key.values.first() {
            None if self.lacks_key() => "no key".to_owned(),
            Some(public) if !self.key.is_own => format!("key {}", public.expose()),
            _ => self.plan.words.to_owned(),
        }
    }

    /// The same with the key that a person has entered for the sources of a section.
    pub(super) fn rekeyed(self, section: &str, key: &[Secret]) -> Self {
        if self.settings.section() != section {
            return self;
        }
        Self {
            key: Key::own(key.to_vec()),
            saved_key: None,
            ..self
        }
    }

    /// Whether the source wants a key and has none: it can be asked nothing.
    #[must_use]
    pub const fn lacks_key(&self) -> bool {
        self.key.values.len() < self.settings.key.len()
    }

    /// The interval if none is set: the finest that is worth its requests and that the key can fetch.
    #[must_use]
    pub const fn usual_interval(&self) -> Interval {
        let is_served = self.key.is_own || self.settings.key.is_empty();
        if is_served && self.plan.has_intraday {
            Interval::Min5
        } else {
            Interval::Daily
        }
    }
}

/// The values of a key, in the order in which its source declares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The values; none if no key is set and the source has none for everyone.
    pub values: Vec<Secret>,
    /// Whether it is a person's own, and not one that everyone may use.
    pub is_own: bool,
}

impl Key {
    /// A person's own key.
    #[must_use]
    pub const fn own(values: Vec<Secret>) -> Self {
        Self {
            values,
            is_own: true,
        }
    }

    /// The key of a source that everyone may use, if it has one.
    fn public(settings: &SourceSettings) -> Self {
        let values = settings.key.iter().map(|field| field.value.default);
        Self {
            values: values
                .filter(|value| !value.is_empty())
                .map(Secret::public)
                .collect(),
            is_own: false,
        }
    }
}

/// Reads what the layers say about a source. Where none of them names a key, a saved one applies.
pub(super) fn resolve(
    settings: &'static SourceSettings,
    layers: &Layers,
    warnings: &mut Vec<String>,
    problems: &mut Problems,
) -> Result<SourceAccess, ConfigError> {
    let key = problems.note(own_key(settings, layers, warnings));
    let addresses = problems.note(addresses(settings, layers));
    let plan = problems.note(plan(&settings.plans, layers));
    let (key, saved_key) = match key? {
        Some(values) => (Some(values), None),
        None if is_named(settings, layers) => (None, None),
        None => saved_key::read(settings, &layers.config_file, warnings).unzip(),
    };
    Ok(SourceAccess {
        settings,
        key: key.map_or_else(|| Key::public(settings), Key::own),
        addresses: addresses?,
        plan: plan?,
        saved_key,
    })
}

/// Whether the layers name a key, even one that everyone may use; the placeholder of the example
/// files does not count.
pub(super) fn is_named(settings: &SourceSettings, layers: &Layers) -> bool {
    let named = |setting| layers.get(setting).map(|given| given.value.as_str());
    settings.key.iter().any(|field| {
        named(&field.file).is_some()
            || named(&field.value).is_some_and(|key| !key::is_placeholder(key))
    })
}

/// The key that the layers name, if it is a person's own.
fn own_key(
    settings: &'static SourceSettings,
    layers: &Layers,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<Secret>>, ConfigError> {
    let values: Vec<Option<Secret>> = settings
        .key
        .iter()
        .map(|field| own_value(field, layers, warnings))
        .collect::<Result<_, _>>()?;
    let missing = settings.key.iter().zip(&values);
    let missing = missing.filter(|(_, value)| value.is_none()).map(|(f, _)| f);
    let missing: Vec<&str> = missing.map(|field| field.value.name).collect();
    let values: Vec<Secret> = values.into_iter().flatten().collect();
    match missing.as_slice() {
        _ if values.is_empty() => Ok(None),
        [] => match check_whole(settings, &values) {
            Ok(()) => Ok(Some(values)),
            Err(wrong) => Err(ConfigError::new(settings.key_variables(), wrong)),
        },
        missing => Err(ConfigError::new(
            missing.join(", "),
            "is missing, but the rest of the key is set; set all of it or nothing",
        )),
    }
}

fn own_value(
    field: &'static KeyField,
    layers: &Layers,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>, ConfigError> {
    let Some(value) = layers.secret(&field.value, &field.file, warnings)? else {
        return Ok(None);
    };
    if key::is_public(&value, &field.value) {
        return Ok(None);
    }
    check_key(&value).map(Some).map_err(|reason| {
        let given = layers.get(&field.value).or_else(|| layers.get(&field.file));
        given.map_or_else(
            || ConfigError::new(field.value.name, reason.to_string()),
            |given| given.error(reason.to_string()),
        )
    })
}

fn addresses(settings: &SourceSettings, layers: &Layers) -> Result<Vec<Url>, ConfigError> {
    let allow_http = match layers.get(&settings.allow_http) {
        Some(given) => given.switch()?,
        None => false,
    };
    let address = |setting: &Setting| match layers.get(setting) {
        Some(given) => check_url(given.value.trim(), allow_http)
            .map_err(|wrong| given.error(wrong.reason(&settings.allow_http))),
        None => check_url(setting.default, false)
            .map_err(|wrong| ConfigError::new(setting.name, wrong.reason(&settings.allow_http))),
    };
    settings.addresses.iter().map(address).collect()
}

fn plan(plans: &Plans, layers: &Layers) -> Result<Plan, ConfigError> {
    let Some(given) = plans.setting.as_ref().and_then(|row| layers.get(row)) else {
        return Ok(plans.usual);
    };
    let value = given.value.trim();
    plans.named(value).ok_or_else(|| {
        let names: Vec<&str> = plans.all().map(|plan| plan.name).collect();
        let (value, names) = (shown(value), text::either(&names));
        given.error(format!("{value}: there is no such plan; use {names}"))
    })
}

/// What is wrong with an address. None of the reasons quotes it: it may contain a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WrongUrl {
    NotAUrl,
    NoHost,
    User,
    Query,
    PlainHttp,
}

impl WrongUrl {
    fn reason(self, allow_http: &Setting) -> String {
        match self {
            Self::NotAUrl => "is not a URL; write https://host/path".into(),
            Self::NoHost => "must begin with https:// and name a host".into(),
            Self::User => "must not contain a user or password; remove what is before the @".into(),
            Self::Query => "must not contain a ? or #; the program adds the query itself".into(),
            Self::PlainHttp => format!(
                "plain http would expose the key on the network; use https, or set {}=1",
                allow_http.name
            ),
        }
    }
}

fn check_url(text: &str, allow_http: bool) -> Result<Url, WrongUrl> {
    let url = Url::parse(text).map_err(|_| WrongUrl::NotAUrl)?;
    let host = url
        .host()
        .filter(|_| matches!(url.scheme(), "http" | "https"))
        .ok_or(WrongUrl::NoHost)?;
    if !url.username().is_empty() || url.password().is_some() {
        Err(WrongUrl::User)
    } else if url.query().is_some() || url.fragment().is_some() {
        Err(WrongUrl::Query)
    } else if url.scheme() == "http" && !allow_http && !is_loopback(&host) {
        Err(WrongUrl::PlainHttp)
    } else {
        Ok(url)
    }
}

pub(super) fn is_loopback(host: &Host<&str>) -> bool {
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
            ("https://example.com/query", false, true),
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
        assert_eq!(
            check_url("http://example.com/", false),
            Err(WrongUrl::PlainHttp)
        );
    }
}
