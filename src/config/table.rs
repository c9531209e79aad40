//! All settings. The layers, `config show`, the example files' tests and the texts of errors are
//! all built from this one table.

/// How a setting is written in the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text in quotes.
    Text,
    /// A whole number, or text in quotes.
    Number,
    /// `true` or `false`.
    Switch,
    /// An array of strings.
    List,
}

/// Which layers may contain a setting. A configuration file may if there is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Flags, environment and `.env`.
    Outer,
    /// The environment only.
    Environment,
    /// The configuration file only.
    File,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The variable, or the key of a setting that only the configuration file has.
    pub name: &'static str,
    /// The dotted key in the configuration file.
    pub key: Option<&'static str>,
    /// The flag of the command line.
    pub flag: Option<&'static str>,
    /// How the configuration file spells the value.
    pub kind: Kind,
    /// Whether the value must never be shown.
    pub secret: bool,
    /// The value when nothing is set; empty if there is none.
    pub default: &'static str,
    /// The meaning, in one line.
    pub help: &'static str,
    pub(super) reach: Reach,
}

impl Setting {
    const fn new(
        name: &'static str,
        key: Option<&'static str>,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            key,
            flag: None,
            kind: Kind::Text,
            secret: false,
            default,
            help,
            reach: Reach::Outer,
        }
    }

    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }
}

macro_rules! settings {
    ($($id:ident = $setting:expr;)+) => {
        $(pub(super) static $id: Setting = $setting;)+

        /// All settings, in the order in which they are shown.
        pub static SETTINGS: &[&Setting] = &[$(&$id),+];
    };
}

settings! {
    API_KEY = Setting::new("ALPHA_VANTAGE_API_KEY", Some("alpha_vantage.api_key"), "demo",
        "the provider's key; `demo` serves only IBM").secret().flag("--api-key");
    API_KEY_FILE = Setting::new("ALPHA_VANTAGE_API_KEY_FILE", Some("alpha_vantage.api_key_file"), "",
        "a file that contains the key").flag("--api-key-file");
    BASE_URL = Setting::new("ALPHA_VANTAGE_BASE_URL", Some("alpha_vantage.base_url"),
        "https://www.alphavantage.co/query", "the provider's address");
    PLAN = Setting::new("ALPHA_VANTAGE_PLAN", Some("alpha_vantage.plan"), "free",
        "pace and limits: free, 75, 150, 300, 600, 1200 or unlimited").kind(Kind::Number);
    ALLOW_HTTP = Setting::new("ALPHA_VANTAGE_ALLOW_HTTP", Some("alpha_vantage.allow_http"), "false",
        "allows sending the key over plain http to another machine").kind(Kind::Switch);
    DATABASE_URL = Setting::new("DATABASE_URL", Some("database.url"), "",
        "postgres://… or sqlite://…; without it and POSTGRES_HOST, pipeline.db in the data folder")
        .secret().flag("--database-url");
    HOST = Setting::new("POSTGRES_HOST", Some("database.host"), "",
        "the PostgreSQL server; a name, an address or a socket's folder");
    PORT = Setting::new("POSTGRES_PORT", Some("database.port"), "5432",
        "the server's port").kind(Kind::Number);
    USER = Setting::new("POSTGRES_USER", Some("database.user"), "postgres",
        "the user to connect as");
    PASSWORD = Setting::new("POSTGRES_PASSWORD", Some("database.password"), "",
        "the user's password, as it is, not percent-encoded").secret();
    PASSWORD_FILE = Setting::new("POSTGRES_PASSWORD_FILE", Some("database.password_file"), "",
        "a file that contains the password");
    DB = Setting::new("POSTGRES_DB", Some("database.name"), "stock_data",
        "the database's name");
    SSLMODE = Setting::new("POSTGRES_SSLMODE", Some("database.sslmode"), "",
        "disable, allow, prefer, require, verify-ca or verify-full; without it verify-full for public addresses, else prefer");
    SYMBOLS = Setting::new("PIPELINE_SYMBOLS", Some("symbols"), "IBM,AAPL,MSFT,GOOGL",
        "the symbols to watch; the variable applies to one process, the file fills an empty watch list")
        .kind(Kind::List);
    INTERVAL = Setting::new("PIPELINE_INTERVAL", Some("interval"), "daily",
        "their interval: 1min, 5min, 15min, 30min, 60min, daily, weekly or monthly; without it daily, or 5min where the plan has intraday");
    ANSWERS_LIMIT = Setting::new("store.answers_limit", Some("store.answers_limit"), "256MiB",
        "how much space the provider's answers may take; the oldest are deleted first")
        .kind(Kind::Number).reach(Reach::File);
    KEEP_LOG = Setting::new("log.keep", Some("log.keep"), "true",
        "whether the log of the panel and of run is kept in the data folder, 2 MiB at most")
        .kind(Kind::Switch).reach(Reach::File);
    THEME = Setting::new("ui.theme", Some("ui.theme"), "terminal",
        "the panel's colours: terminal, dark, light or mono").reach(Reach::File);
    ASCII = Setting::new("ui.ascii", Some("ui.ascii"), "false",
        "whether the panel draws with ASCII only; by default if the locale is not UTF-8").kind(Kind::Switch).reach(Reach::File);
    MOUSE = Setting::new("ui.mouse", Some("ui.mouse"), "false",
        "whether the panel takes the mouse; selecting text then needs Shift").kind(Kind::Switch).reach(Reach::File);
    TIME_ZONE = Setting::new("ui.time_zone", Some("ui.time_zone"), "exchange",
        "the panel's times: exchange, utc or local").reach(Reach::File);
    CONFIG = Setting::new("PIPELINE_CONFIG", None, "",
        "another place for the configuration file").flag("--config");
    DATA_DIR = Setting::new("PIPELINE_DATA_DIR", None, "",
        "another place for data and logs").flag("--data-dir");
    NO_COLOR = Setting::new("NO_COLOR", None, "",
        "any value: no colours").reach(Reach::Environment);
    RUST_LOG = Setting::new("RUST_LOG", None, "",
        "what is logged, instead of -v and -q").reach(Reach::Environment);
}

/// A secret, and the setting that names a file with it; only one of the two may be set.
pub(super) static TWINS: [(&Setting, &Setting); 2] =
    [(&API_KEY, &API_KEY_FILE), (&PASSWORD, &PASSWORD_FILE)];

/// The setting with this variable.
pub(super) fn by_variable(name: &str) -> Option<&'static Setting> {
    find(|setting| setting.name == name && setting.reach != Reach::File)
}

/// The setting with this dotted key.
pub(super) fn by_key(key: &str) -> Option<&'static Setting> {
    find(|setting| setting.key == Some(key))
}

fn find(wanted: impl Fn(&Setting) -> bool) -> Option<&'static Setting> {
    SETTINGS.iter().copied().find(|setting| wanted(setting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_unique_and_everything_is_explained() {
        for (at, one) in SETTINGS.iter().enumerate() {
            assert!(!one.help.is_empty(), "{}", one.name);
            for other in &SETTINGS[at + 1..] {
                assert_ne!(one.name, other.name);
                assert!(one.key.is_none() || one.key != other.key, "{:?}", one.key);
            }
        }
        assert!(by_variable("store.answers_limit").is_none());
        assert!(by_key("store.answers_limit").is_some());
    }
}
