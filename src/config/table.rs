//! The one table of settings: those of the program, and the rows that each source declares. The
//! layers, `config show`, the example files' tests and the texts of errors are all built from it.

use std::collections::BTreeSet;

use super::postgres;
use super::setting::{Kind, Reach, Secrecy, Setting};
use super::source::SourceSettings;

macro_rules! settings {
    ($($id:ident = $setting:expr;)+) => {
        $(pub(super) static $id: Setting = $setting;)+

        /// The settings that belong to no source.
        static PROGRAM: &[&Setting] = &[$(&$id),+];
    };
}

settings! {
    SOURCE = Setting::new("PIPELINE_SOURCE", Some("source"), "",
        "the source of symbols that name none").flag("--source");
    DATABASE_URL = Setting::new("DATABASE_URL", Some("database.url"), "",
        "postgres://… or sqlite://…; without it and POSTGRES_HOST, pipeline.db in the data folder")
        .secrecy(Secrecy::Url).flag("--database-url");
    HOST = Setting::new("POSTGRES_HOST", Some("database.host"), "",
        "the PostgreSQL server; a name, an address or a socket's folder");
    PORT = Setting::new("POSTGRES_PORT", Some("database.port"), "5432",
        "the server's port").kind(Kind::Number);
    USER = Setting::new("POSTGRES_USER", Some("database.user"), postgres::USER,
        "the user to connect as");
    PASSWORD = Setting::new("POSTGRES_PASSWORD", Some("database.password"), "",
        "the user's password, as it is, not percent-encoded").secrecy(Secrecy::Secret);
    PASSWORD_FILE = Setting::new("POSTGRES_PASSWORD_FILE", Some("database.password_file"), "",
        "a file that contains the password");
    DB = Setting::new("POSTGRES_DB", Some("database.name"), postgres::NAME,
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
    RETENTION_DAYS = Setting::new("retention.days", Some("retention.days"), "400",
        "how many days runs, requests and events are kept; bars are kept for ever").kind(Kind::Number).reach(Reach::File);
    RETENTION_ROWS = Setting::new("retention.rows", Some("retention.rows"), "1000000",
        "the most rows of each of their tables; the oldest are deleted first").kind(Kind::Number).reach(Reach::File);
    METRICS = Setting::new("PIPELINE_METRICS", Some("metrics.listen"), "",
        "where run serves /metrics and /health: a port of this machine, or an address and a port; without it nowhere")
        .flag("--metrics");
    KEEP_LOG = Setting::new("log.keep", Some("log.keep"), "true",
        "whether the log of the panel and of run is kept in the data folder, 2 MiB at most")
        .kind(Kind::Switch).reach(Reach::File);
    ALERT_KINDS = Setting::new("alerts.kinds", Some("alerts.kinds"),
        "failed,behind,holes,about_to_be_lost,quota_spent_early,no_engine,disk_near_full,store_near_full",
        "what opens an alert").kind(Kind::List).reach(Reach::File);
    ALERT_BEHIND = Setting::new("alerts.behind", Some("alerts.behind"), "2",
        "sessions that a series lacks before that is an alert").kind(Kind::Number).reach(Reach::File);
    ALERT_FAILURES = Setting::new("alerts.failures", Some("alerts.failures"), "3",
        "runs in a row that fail for a passing reason before that is an alert").kind(Kind::Number).reach(Reach::File);
    ALERT_FULL = Setting::new("alerts.full", Some("alerts.full"), "90",
        "how full the disk or the store is, in percent, before that is an alert").kind(Kind::Number).reach(Reach::File);
    ALERT_STORE_LIMIT = Setting::new("alerts.store_limit", Some("alerts.store_limit"), "",
        "the size that the store may have; without it any").kind(Kind::Number).reach(Reach::File);
    ALERT_QUIET = Setting::new("alerts.quiet", Some("alerts.quiet"), "false",
        "whether alerts are only shown: nothing rings, nothing is sent").kind(Kind::Switch).reach(Reach::File);
    ALERT_BELL = Setting::new("alerts.bell", Some("alerts.bell"), "true",
        "whether the panel rings the terminal's bell and sends it a notification").kind(Kind::Switch).reach(Reach::File);
    ALERT_WEBHOOK = Setting::new("PIPELINE_ALERT_WEBHOOK", Some("alerts.webhook"), "",
        "an address that takes alerts as JSON, such as that of Slack or Discord").secrecy(Secrecy::Secret);
    ALERT_WEBHOOK_FILE = Setting::new("PIPELINE_ALERT_WEBHOOK_FILE", Some("alerts.webhook_file"), "",
        "a file that contains the address");
    ALERT_ALLOW_HTTP = Setting::new("PIPELINE_ALERT_ALLOW_HTTP", Some("alerts.allow_http"), "false",
        "whether the webhook may be on another machine over plain http").kind(Kind::Switch);
    ALERT_COMMAND = Setting::new("alerts.command", Some("alerts.command"), "",
        "a program that gets alerts as JSON on its standard input, and its arguments")
        .kind(Kind::Program).reach(Reach::File);
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

/// All settings.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    sources: &'static [&'static SourceSettings],
}

impl Table {
    /// The program's own settings, and the rows of these sources.
    #[must_use]
    pub const fn new(sources: &'static [&'static SourceSettings]) -> Self {
        Self { sources }
    }

    /// What each source declares.
    #[must_use]
    pub const fn sources(self) -> &'static [&'static SourceSettings] {
        self.sources
    }

    /// The settings, in the order in which they are shown.
    pub fn settings(self) -> impl Iterator<Item = &'static Setting> {
        let of_sources = self.declaring().flat_map(|source| source.rows());
        of_sources.chain(PROGRAM.iter().copied())
    }

    /// Secrets, each with the setting that names a file with it; only one of the two may be set.
    pub(super) fn twins(self) -> impl Iterator<Item = (&'static Setting, &'static Setting)> {
        let keys = self.declaring().flat_map(|source| source.key);
        keys.map(|field| (&field.value, &field.file)).chain([
            (&PASSWORD, &PASSWORD_FILE),
            (&ALERT_WEBHOOK, &ALERT_WEBHOOK_FILE),
        ])
    }

    /// The sources without those that share the rows of one before them.
    fn declaring(self) -> impl Iterator<Item = &'static &'static SourceSettings> {
        let section = |source: &SourceSettings| source.section().to_owned();
        let mut seen = BTreeSet::new();
        self.sources
            .iter()
            .filter(move |source| seen.insert(section(source)))
    }

    /// The setting with this variable.
    pub(super) fn by_variable(self, name: &str) -> Option<&'static Setting> {
        self.settings().find(|setting| {
            setting.reach != Reach::File && setting.variables().any(|known| known == name)
        })
    }

    /// The setting with this dotted key, today's or an earlier one, and that key.
    pub(super) fn by_key(self, key: &str) -> Option<(&'static Setting, &'static str)> {
        self.settings().find_map(|setting| {
            let keys = [setting.key, setting.former_key];
            let found = keys.into_iter().flatten().find(|known| *known == key)?;
            Some((setting, found))
        })
    }

    /// All dotted keys, today's before those of earlier versions.
    pub(super) fn keys(self) -> impl Iterator<Item = &'static str> {
        let today = self.settings().filter_map(|setting| setting.key);
        today.chain(self.settings().filter_map(|setting| setting.former_key))
    }

    /// Whether a variable looks like one of ours, so that a typo in it can be reported.
    pub(super) fn is_ours(self, variable: &str) -> bool {
        let begins_with = |word: &str| {
            variable
                .strip_prefix(&word.to_ascii_uppercase())
                .is_some_and(|rest| rest.starts_with('_'))
        };
        begins_with("pipeline") || self.sources.iter().any(|one| begins_with(one.id.as_str()))
    }
}
