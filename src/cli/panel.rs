//! The panel: assembles its parts, starts the engine behind it, and prints the last line.

use std::io::{self, IsTerminal as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{America::New_York, Tz, UTC};
use tokio::sync::mpsc;

use super::context::Context;
use super::exit::{self, Failure};
use super::{open, output, run as headless};
use crate::config::{self, Database, Settings, SourceAccess};
use crate::db::Store;
use crate::model::Interval;
use crate::model::text::either;
use crate::pipeline::engine::{self, EngineOptions, Handle};
use crate::pipeline::sources;
use crate::telemetry::Record;
use crate::telemetry::kept::{self, KeptLog, Line};
use crate::time::Clock;
use crate::ui::log_lines::LogLines;
use crate::ui::shared::{Boot, Shared};
use crate::ui::theme::{Preset, Theme};
use crate::ui::{self, About, AboutSource, Booting, Ended, PanelOptions};

/// Waits between attempts to open a store that does not answer; `LAST_WAIT` from then on.
const AGAIN: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
];
const LAST_WAIT: Duration = Duration::from_secs(5);
/// Messages about the start that may wait to be read.
const TOLD: usize = 4;

/// Why the panel cannot be shown here, if it cannot.
pub fn why_no_screen() -> Option<&'static str> {
    let term = std::env::var_os("TERM").unwrap_or_default();
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        Some("there is no terminal")
    } else if term.is_empty() || term == "dumb" {
        Some("the terminal (TERM) cannot draw a screen")
    } else {
        None
    }
}

/// The bare command without a terminal: only the engine.
pub async fn without_screen(
    context: &Context,
    records: Option<mpsc::Receiver<Record>>,
) -> Result<u8, Failure> {
    let reason = why_no_screen().unwrap_or("there is no terminal");
    context.narrator.say(&format!(
        "{reason}: acting as pipeline-tui run, the engine without a screen"
    ));
    headless::run(context, records, None).await
}

/// The bare command.
pub async fn run(context: &Context, records: mpsc::Receiver<Record>) -> Result<u8, Failure> {
    let (settings, problems) = config::load_leniently(&context.inputs)?;
    let engine = EngineOptions {
        read_only: context.read_only,
        ..headless::options(&settings)
    };
    let panel = Panel {
        settings,
        engine,
        clock: Clock::system(),
        problems: problems.iter().map(ToString::to_string).collect(),
        demo: None,
    };
    panel.show(records).await
}

/// What the panel needs.
pub struct Panel {
    pub settings: Settings,
    pub engine: EngineOptions,
    pub clock: Clock,
    pub problems: Vec<String>,
    /// In the demo, the clock's speed as a multiple of real time.
    pub demo: Option<i32>,
}

impl Panel {
    /// Shows the panel until the person quits; the engine starts behind it.
    pub async fn show(self, records: mpsc::Receiver<Record>) -> Result<u8, Failure> {
        let Self {
            settings,
            engine,
            clock,
            mut problems,
            demo,
        } = self;
        let is_demo = demo.is_some();
        let keeps = !is_demo && !engine.read_only;
        let (earlier, kept) = keeps.then(|| kept_log(&settings, clock.now())).unzip();
        let exports = std::env::current_dir()?;
        let engine = EngineOptions {
            exports: exports.clone(),
            ..engine
        };
        problems.extend(settings.warnings.iter().cloned());
        let mut shared = shared(&settings, demo, &mut problems);
        shared.about = about(&settings, &exports, clock.now());
        if let Some(Some(_)) = &kept {
            shared.about.log_file = ui::shown_path(&kept::file(&log_folder(&settings)));
        }
        let (tell, booting) = mpsc::channel(TOLD);
        let boot = tokio::spawn(boot(settings.clone(), engine, clock.clone(), tell));
        let config_file = settings.config_file.clone();
        let options = PanelOptions {
            shared,
            clock,
            beat: is_demo.then_some(Duration::from_millis(250)),
            booting,
            records,
            earlier: earlier.unwrap_or_default(),
            kept: kept.flatten(),
            exports,
            save_key: Arc::new(move |key| {
                let mut declared = sources::SETTINGS.iter();
                let source = declared.find(|source| source.id == key.source);
                let source = source.ok_or(io::ErrorKind::NotFound)?;
                config::save_key(&config_file, source, &key.values)
            }),
            problems,
        };
        let ended = ui::run(options).await;
        boot.abort();
        if let Ok(Some(store)) = boot.await {
            open::close(&store).await;
        }
        match ended {
            Ok(ended) if ended.goes_to_demo => Err(to_demo()),
            ended => last_words(ended, is_demo),
        }
    }
}

/// Continues as the demo, in this process's place. Returns only if that is not possible.
fn to_demo() -> Failure {
    use std::os::unix::process::CommandExt as _;

    let started = std::env::current_exe().map(|program| Command::new(program).arg("demo").exec());
    let (Ok(error) | Err(error)) = started;
    Failure::Told {
        code: exit::SOME,
        text: format!("the demo cannot be started ({error}); run: pipeline-tui demo"),
    }
}

fn log_folder(settings: &Settings) -> PathBuf {
    settings.data_dir.join("log")
}

/// The log of the last hours, and the writer that keeps new lines.
pub fn kept_log(settings: &Settings, now: DateTime<Utc>) -> (Vec<Line>, Option<KeptLog>) {
    if !settings.keep_log {
        return (vec![], None);
    }
    let folder = log_folder(settings);
    let earlier = kept::recent(&folder, now);
    let log = KeptLog::start(&folder).inspect_err(|error| {
        tracing::warn!(%error, folder = %folder.display(), "the log cannot be kept");
    });
    (earlier, log.ok())
}

fn last_words(ended: io::Result<Ended>, is_demo: bool) -> Result<u8, Failure> {
    let ended = ended.map_err(|error| Failure::Told {
        code: exit::SOME,
        text: format!("the terminal cannot be used ({error})"),
    })?;
    if let Some(text) = ended.failure {
        return Err(Failure::Told {
            code: ended.code,
            text,
        });
    }
    let with_key = format!("{}=… pipeline-tui", sources::SIMULATED.key_variable());
    let keep_fetching = if is_demo {
        &with_key
    } else if in_container() {
        "docker compose up -d"
    } else {
        "pipeline-tui run"
    };
    // After a hang-up nobody reads it.
    let _ = output::print(&ui::last_line(ended.last.as_deref(), keep_fetching));
    Ok(ended.code)
}

/// The person's time zone: what `TZ` names, or else what the system is set to.
fn local_zone(tz: Option<&str>) -> Option<Tz> {
    let named = tz.and_then(|tz| tz.trim_start_matches(':').parse().ok());
    named.or_else(|| iana_time_zone::get_timezone().ok()?.parse().ok())
}

fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| Path::new(mark).exists())
}

/// Only what is on a volume outlives a container.
fn exports_warning() -> Option<String> {
    let device = |path: &str| std::fs::metadata(path).map(|data| data.dev()).ok();
    (in_container() && device(".") == device("/"))
        .then(|| "this folder is not a volume; --rm will delete it".to_owned())
}

/// What is wrong with the settings that only the panel knows: its themes, zones and keys.
pub fn problems(settings: &Settings) -> Vec<String> {
    let mut problems = vec![];
    shared(settings, None, &mut problems);
    problems
}

/// What every view shares, from the settings. A word that cannot be used is reported and ignored.
fn shared(settings: &Settings, demo: Option<i32>, problems: &mut Vec<String>) -> Shared {
    let wanted = &settings.ui;
    let place = |line: Option<usize>, key: &str| {
        let line = line.map_or_else(String::new, |line| format!(" line {line}"));
        format!("config.toml{line}, {key}")
    };
    let preset = wanted.theme.parse().unwrap_or_else(|_| {
        let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
        problems.push(format!(
            "{}: there is no such theme; use {}",
            place(wanted.theme_line, "ui.theme"),
            either(&names)
        ));
        Preset::Terminal
    });
    let local = local_zone(std::env::var("TZ").ok().as_deref());
    let mut zones = vec![New_York, UTC];
    zones.extend(local.filter(|zone| !zones.contains(zone)));
    let zone = match wanted.time_zone.as_str() {
        "exchange" => New_York,
        "utc" => UTC,
        "local" => local.unwrap_or(UTC),
        _ => {
            problems.push(format!(
                "{}: use exchange, utc or local",
                place(wanted.time_zone_line, "ui.time_zone")
            ));
            New_York
        }
    };
    let (keymap, wrong_keys) = ui::views::keymap().rebound(&settings.keys);
    problems.extend(wrong_keys);
    let interval = settings.interval.unwrap_or(settings.defaults.interval);
    Shared {
        snapshot: None,
        boot: Boot::Opening,
        calendars: settings.calendars.clone(),
        zone,
        zones,
        local: local.unwrap_or(UTC),
        theme: Theme::new(preset, settings.no_color, wanted.ascii),
        keymap,
        mouse: wanted.mouse,
        rings: settings.alerts.bell && !settings.alerts.quiet,
        is_demo: demo.is_some(),
        speed: demo.unwrap_or(1),
        interval: if settings.usual.key.is_own {
            interval
        } else {
            Interval::Daily
        },
        sources: settings.sources.clone(),
        about: About::default(),
        exports_warning: exports_warning(),
        log: LogLines::default(),
        undos: vec![],
        entered: vec![],
        stopped: None,
    }
}

/// This process, its paths and its settings, ready to be shown.
fn about(settings: &Settings, exports: &Path, started_at: DateTime<Utc>) -> About {
    About {
        pid: std::process::id(),
        started_at,
        store: match &settings.database {
            Database::Sqlite { path } => ui::shown_path(path),
            Database::Postgres(server) => server.shown.clone(),
        },
        data_dir: ui::shown_path(&settings.data_dir),
        exports: ui::shown_path(exports),
        config_file: ui::shown_path(&settings.config_file),
        has_config_file: settings.config_file.is_file(),
        log_file: String::new(),
        store_is_server: matches!(settings.database, Database::Postgres { .. }),
        is_blank: settings.is_blank,
        sources: about_sources(settings),
        retention: settings.retention,
        settings: settings.report.clone(),
    }
}

/// The sources and where their keys come from.
pub fn about_sources(settings: &Settings) -> Vec<AboutSource> {
    let about = |access| about_source(access, settings);
    settings.access().map(about).collect()
}

/// The zone of this machine.
pub fn zone() -> Tz {
    local_zone(std::env::var("TZ").ok().as_deref()).unwrap_or(UTC)
}

/// A source and where its key comes from.
fn about_source(access: &SourceAccess, settings: &Settings) -> AboutSource {
    let key = access.settings.key.first().filter(|_| !access.lacks_key());
    let key = key.and_then(|field| {
        let mut rows = settings.report.iter();
        rows.find(|row| row.name == field.value.name)
    });
    AboutSource {
        settings: access.settings,
        addresses: access.addresses.clone(),
        key_origin: key.map_or_else(String::new, |row| row.source.clone()),
        key_is_set: access.key.is_own && access.saved_key.is_none(),
    }
}

/// Opens the store and starts the engine; tries again while the store does not answer.
async fn boot(
    settings: Settings,
    engine: EngineOptions,
    clock: Clock,
    tell: mpsc::Sender<Booting>,
) -> Option<Arc<dyn Store>> {
    let mut waits = AGAIN.into_iter().chain(std::iter::repeat(LAST_WAIT));
    loop {
        let (code, reason) = match start(&settings, engine.clone(), &clock).await {
            Ok((handle, store)) => {
                let _ = tell.send(Booting::Ready(Box::new(handle))).await;
                return Some(store);
            }
            Err(Failure::Told { code, text }) => (code, text),
            Err(Failure::Closed | Failure::Stopped(_)) => return None,
        };
        let Some(wait) = waits.next().filter(|_| code == exit::PASSING) else {
            let _ = tell.send(Booting::Failed { code, reason }).await;
            return None;
        };
        let again_at = clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
        let _ = tell.send(Booting::Waiting { reason, again_at }).await;
        tokio::time::sleep(wait).await;
    }
}

async fn start(
    settings: &Settings,
    engine: EngineOptions,
    clock: &Clock,
) -> Result<(Handle, Arc<dyn Store>), Failure> {
    let store = open::store(settings, engine.read_only).await?;
    #[cfg(debug_assertions)]
    let clock = &ui::fault::clock(clock.clone());
    let pipeline = open::pipeline_at(settings, Arc::clone(&store), clock.clone())?;
    let options = EngineOptions {
        rekey: Some(open::rekey(settings, Arc::clone(&store), clock.clone())),
        ..engine
    };
    let handle = engine::start(pipeline, options).await?;
    Ok((handle, store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_the_one_that_tz_names() {
        assert_eq!(local_zone(Some("Europe/Berlin")), Some(Tz::Europe__Berlin));
        assert_eq!(local_zone(Some(":Asia/Tokyo")), Some(Tz::Asia__Tokyo));
        assert_eq!(local_zone(Some("no such place")), local_zone(None));
    }
}
