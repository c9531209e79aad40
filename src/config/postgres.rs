//! The URL of a PostgreSQL server: parsed, completed and rebuilt.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use url::Url;

use super::secret::{self, Secret};
use crate::model::words::words;

/// The user and the database where a URL or the settings name none.
pub(super) const USER: &str = "postgres";
pub(super) const NAME: &str = "stock_data";

words! {
    /// How strictly a PostgreSQL server's identity is checked, in libpq's words.
    pub enum SslMode {
        /// Never encrypted.
        Disable = "disable",
        /// Encrypted if the server insists.
        Allow = "allow",
        /// Encrypted if the server can.
        Prefer = "prefer",
        /// Encrypted, without checking who answers.
        Require = "require",
        /// Encrypted, with a certificate signed by a known authority.
        VerifyCa = "verify-ca",
        /// As `verify-ca`, and the certificate names this host.
        VerifyFull = "verify-full",
    }
}

const ENCODE: &str = "cannot be read as a URL; percent-encode special characters in the password \
                      (@ is %40, / is %2F), or set POSTGRES_HOST and POSTGRES_PASSWORD instead";

/// More than any server's name, user, password and parameters need.
const LONGEST: usize = 8 << 10;
/// The longest name in the domain name system.
const LONGEST_HOST: usize = 253;
const TOO_LONG: &str = "is too long for a URL; write postgres://user@host:5432/database";
pub(super) const SEVERAL_HOSTS: &str = "names several hosts, but pipeline-tui connects to one; name the primary, \
                                        or an address that always leads to it";
const NO_HOST: &str = "names no host; write postgres://user@host:5432/database";
const PORT: &str = "has a port that is not a number from 1 to 65535";
const UNKNOWN: &str = "has an unknown parameter after the ?; the known ones are sslmode, sslrootcert, sslcert, \
                       sslkey, application_name, options, host, port, user, password and dbname";
const NUL: &str = "contains %00, which is not allowed in a name; leave it out";

/// The server to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The whole URL, password and sslmode included.
    pub url: Secret,
    /// The URL without the password.
    pub shown: String,
    /// The server's name, address or socket folder.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user to connect as.
    pub user: String,
    /// The database's name.
    pub name: String,
    /// How strictly the server's identity is checked.
    pub sslmode: SslMode,
}

/// The parts of a connection.
pub(super) struct Target {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub name: String,
    pub sslmode: Option<SslMode>,
    /// Other parameters that the driver knows, kept as they are.
    pub options: Vec<(String, String)>,
}

impl Target {
    /// Parses a URL. What it leaves out has the defaults of the individual settings.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err(TOO_LONG);
        }
        let (authority, tail) = split(text);
        let is_whole = !tail.contains('@');
        let host = authority.rsplit('@').next().unwrap_or_default();
        if is_whole && host.contains(',') {
            return Err(SEVERAL_HOSTS);
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::InvalidPort if is_whole && authority.contains('@') => PORT,
            url::ParseError::EmptyHost if is_whole => NO_HOST,
            _ => ENCODE,
        })?;
        // A raw `/`, `?` or `#` in a password ends the host early: its tail would become a name
        // that is looked up in public.
        let cut_short = url.path().contains('@')
            || url.fragment().is_some()
            || (url.username().is_empty() && url.query().is_some_and(|query| query.contains('@')));
        if cut_short {
            return Err(ENCODE);
        }
        let or_default = |part: String, default: &str| match part.as_str() {
            "" => default.to_owned(),
            _ => part,
        };
        let mut target = Self {
            host: decoded(
                url.host_str()
                    .unwrap_or_default()
                    .trim_matches(['[', ']'].as_slice()),
            )?,
            port: url.port().unwrap_or(5432),
            user: or_default(decoded(url.username())?, USER),
            password: url.password().map(decoded).transpose()?,
            name: or_default(decoded(url.path().trim_start_matches('/'))?, NAME),
            sslmode: None,
            options: Vec::new(),
        };
        for (key, value) in url.query_pairs() {
            let value = value.into_owned();
            match key.as_ref() {
                "host" | "hostaddr" | "port" if value.contains(',') => return Err(SEVERAL_HOSTS),
                "host" | "hostaddr" => target.host = value,
                "port" => target.port = value.parse().map_err(|_| PORT)?,
                "user" => target.user = value,
                "password" => target.password = Some(value),
                "dbname" => target.name = value,
                "sslmode" | "ssl-mode" => {
                    target.sslmode = Some(value.parse().map_err(|_| {
                        "has an unknown sslmode; use disable, allow, prefer, require, verify-ca or verify-full"
                    })?);
                }
                other if is_option(other) => target.options.push((other.to_owned(), value)),
                other if is_harmless(other) => {}
                // It may be a misspelt `password`, or the rest of one with a raw `&`, so it is not shown.
                _ => return Err(UNKNOWN),
            }
        }
        if target.port == 0 {
            return Err(PORT);
        }
        if [&target.host, &target.user, &target.name]
            .iter()
            .any(|part| part.contains('\0'))
        {
            return Err(NUL);
        }
        if target.host.is_empty() {
            return Err(NO_HOST);
        }
        if target.has_plain_host() {
            Ok(target)
        } else {
            Err(ENCODE)
        }
    }

    /// Whether the host is a name, an address or a socket's folder, and nothing more.
    pub(super) fn has_plain_host(&self) -> bool {
        let host = self.host.as_str();
        host.starts_with('/')
            || host.parse::<IpAddr>().is_ok()
            || ((1..=LONGEST_HOST).contains(&host.len())
                && host
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_')))
    }

    /// Completes the parts and builds the URL. The URL's own sslmode wins over `given`.
    pub(super) fn server(self, given: Option<SslMode>) -> Server {
        let sslmode = self
            .sslmode
            .or(given)
            .unwrap_or_else(|| default_sslmode(&self.host));
        let host = if self.host.parse::<Ipv6Addr>().is_ok() {
            format!("[{}]", self.host)
        } else {
            encoded(&self.host)
        };
        let place = format!("{host}:{}/{}", self.port, encoded(&self.name));
        let user = encoded(&self.user);
        let password = self.password.as_deref().map(|password| {
            secret::register(password);
            format!(":{}", encoded(password))
        });
        let mut url = format!(
            "postgres://{user}{}@{place}?sslmode={sslmode}",
            password.as_deref().unwrap_or_default()
        );
        for (key, value) in &self.options {
            url = format!("{url}&{}={}", encoded(key), encoded(value));
        }
        Server {
            // Without a password it is not a secret, and masking it would mask `shown` as well.
            url: match password {
                Some(_) => Secret::new(url),
                None => Secret::public(url),
            },
            shown: shown_url(&user, &place),
            host: self.host,
            port: self.port,
            user: self.user,
            name: self.name,
            sslmode,
        }
    }
}

/// Whether a database URL, well formed or not, may contain a password.
pub(super) fn has_password(text: &str) -> bool {
    let text = text.trim();
    match Target::parse(text) {
        Ok(target) => target.password.is_some(),
        Err(_) => text.contains('@') && !text.starts_with("sqlite:"),
    }
}

/// Whether the driver knows a parameter of a URL, other than host, port, user, password and database.
fn is_option(name: &str) -> bool {
    const KNOWN: [&str; 10] = [
        "application_name",
        "options",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
        "ssl-root-cert",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "statement-cache-capacity",
    ];
    KNOWN.contains(&name) || name.starts_with("options[")
}

/// The part of a URL between scheme and path, and everything after it.
fn split(text: &str) -> (&str, &str) {
    let (_, rest) = text.split_once("://").unwrap_or_default();
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Whether a parameter for other programs affects neither the destination nor what is trusted.
fn is_harmless(name: &str) -> bool {
    const HARMLESS: [&str; 10] = [
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "target_session_attrs",
        "tcp_user_timeout",
    ];
    HARMLESS.contains(&name)
}

fn shown_url(user: &str, place: &str) -> String {
    // Cleaned only: a password such as `postgres` must not turn the scheme into asterisks.
    crate::model::text::clean(&format!("postgres://{user}@{place}"))
}

/// Registers the password of a URL with the redactor, also as spelled in the URL.
pub(super) fn register(text: &str) {
    let text = text.trim();
    if let Ok(url) = Url::parse(text)
        && let Some(spelled) = url.password()
    {
        secret::register(spelled);
        if let Ok(password) = decoded(spelled) {
            secret::register(&password);
        }
    }
    if let Ok(target) = Target::parse(text)
        && let Some(password) = target.password
    {
        secret::register(&password);
    }
}

/// A part of a URL, with everything encoded that has, or may have, a special meaning.
fn encoded(part: &str) -> String {
    utf8_percent_encode(part, secret::RESERVED).to_string()
}

fn decoded(part: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(part).decode_utf8();
    text.map(Into::into).map_err(|_| ENCODE)
}

fn default_sslmode(host: &str) -> SslMode {
    if is_public(host) {
        SslMode::VerifyFull
    } else {
        SslMode::Prefer
    }
}

/// Whether the connection to a host may cross the internet.
fn is_public(host: &str) -> bool {
    if let Ok(address) = host.parse() {
        return match address {
            IpAddr::V4(v4) => is_public_v4(v4),
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(
                || {
                    !(v6.is_loopback()
                        || v6.is_unspecified()
                        || v6.is_unique_local()
                        || v6.is_unicast_link_local())
                },
                is_public_v4,
            ),
        };
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let local = [".localhost", ".local", ".internal", ".lan"];
    !name.starts_with('/')
        && name.contains('.')
        && !local.iter().any(|suffix| name.ends_with(suffix))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is used by carriers and by overlay networks.
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || shared)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(server: &Server) -> (&str, &str) {
        (server.url.expose(), &server.shown)
    }

    #[test]
    fn a_url_is_completed_and_shown_without_its_password() {
        for (text, url, shown) in [
            (
                "postgres://host",
                "postgres://postgres@host:5432/stock_data?sslmode=prefer",
                "postgres://postgres@host:5432/stock_data",
            ),
            (
                "postgresql://u:p%40ss-1@db.example.com:6543/x?application_name=a&connect_timeout=5&sslmode=require",
                "postgres://u:p%40ss-1@db.example.com:6543/x?sslmode=require&application_name=a",
                "postgres://u@db.example.com:6543/x",
            ),
            (
                "postgres://u:p@ss-2@db.example.com/x",
                "postgres://u:p%40ss-2@db.example.com:5432/x?sslmode=verify-full",
                "postgres://u@db.example.com:5432/x",
            ),
            (
                "postgres:///x?host=/run/pg&user=me&password=in-query&port=1",
                "postgres://me:in-query@%2Frun%2Fpg:1/x?sslmode=prefer",
                "postgres://me@%2Frun%2Fpg:1/x",
            ),
            (
                "postgres://[::1]:5433/x?ssl-mode=disable",
                "postgres://postgres@[::1]:5433/x?sslmode=disable",
                "postgres://postgres@[::1]:5433/x",
            ),
        ] {
            let server = Target::parse(text).unwrap().server(None);
            assert_eq!(parts(&server), (url, shown), "{text}");
        }
    }

    #[test]
    fn a_password_that_would_leak_into_the_host_is_refused() {
        for text in [
            "postgres://u:canary/x@host/db",
            "postgres://u:p@canary/x@host/db",
            "postgres://u:canary#x@host/db",
            "postgres://u:1#canary@host/db",
            "postgres://u:1?canary@host/db",
            "postgres:///db",
            "postgres://",
            "postgres://host/db?sslmode=maybe-canary",
        ] {
            let error = Target::parse(text).err().unwrap();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn half_right_urls_are_refused_in_a_sentence_without_their_secrets() {
        let long = format!("postgres://u@{}/d", "h".repeat(254));
        let longer = format!("postgres://u:{}@h/d", "canary".repeat(2_000));
        for (text, reason) in [
            ("postgres://u:canary@h1,h2/d", SEVERAL_HOSTS),
            ("postgres://u:canary@h1:5432,h2:5433/d", SEVERAL_HOSTS),
            ("postgres://h1,h2/d", SEVERAL_HOSTS),
            ("postgres:///d?host=h1,h2&password=canary", SEVERAL_HOSTS),
            ("postgres://u:canary@h/d?port=1,2", SEVERAL_HOSTS),
            ("postgres://u:canary,x/y@h/d", ENCODE),
            ("postgres://u:canary@my host/d", ENCODE),
            ("postgres://u:canary@h%20x/d", ENCODE),
            ("postgres://u:can%ffary@h/d", ENCODE),
            ("postgres://u:canary@/d", NO_HOST),
            ("postgres:///d", NO_HOST),
            ("postgres://u:canary@h:99999/d", PORT),
            ("postgres://u:canary@h:0/d", PORT),
            ("postgres://u:canary@h:x/d", PORT),
            ("postgres://u:canary@h/d?port=x", PORT),
            ("postgres://u:canary@h/d?pasword=canary", UNKNOWN),
            ("postgres://h/d?user=u&password=can&ary=1", UNKNOWN),
            ("postgres://u:canary@h/d?sslmod=require", UNKNOWN),
            ("postgres://u:canary@h/d?channel_binding=require", UNKNOWN),
            ("postgres://u:canary@h/d?%00=1", UNKNOWN),
            ("postgres://u:canary@h/d%00", NUL),
            ("postgres://u%00:canary@h/d", NUL),
            (&long, ENCODE),
            (&longer, TOO_LONG),
        ] {
            let shown = text.get(..60).unwrap_or(text);
            assert_eq!(Target::parse(text).err(), Some(reason), "{shown}");
            assert!(!reason.contains("canary"));
        }
        for text in [
            "postgres://u:a,b@h/d",
            "postgres://u@h/d?target_session_attrs=read-write&connect_timeout=10",
            "postgres://u@h/d?options=-csearch_path%3Da,b@c",
        ] {
            assert!(Target::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_servers_proof_is_asked_for_in_public_only() {
        for (host, public) in [
            ("localhost", false),
            ("postgres", false),
            ("/var/run/postgresql", false),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.18.0.2", false),
            ("100.100.1.1", false),
            ("::1", false),
            ("fd00::1", false),
            ("::ffff:192.168.0.1", false),
            ("db.lan", false),
            ("nas.local.", false),
            ("host.docker.internal", false),
            ("8.8.8.8", true),
            ("2001:4860:4860::8888", true),
            ("db.example.com", true),
            ("DB.Example.Com.", true),
        ] {
            assert_eq!(is_public(host), public, "{host}");
        }
    }

    proptest! {
        #[test]
        fn every_password_survives_the_url(user in "[^\0]{1,8}", password in "(?s)\\PC|.{9,24}", name in "[^\0.]{1,8}") {
            let target = Target {
                host: "db".into(), port: 5432, user: user.clone(), password: Some(password.clone()),
                name: name.clone(), sslmode: None, options: Vec::new(),
            };
            let server = target.server(None);
            let read = Target::parse(parts(&server).0).unwrap();
            prop_assert_eq!((read.host.as_str(), read.port), ("db", 5432));
            prop_assert_eq!((read.user, read.password, read.name), (user, Some(password), name));
        }
    }
}
