//! What a frame costs: each view at three sizes, drawn, compared with the previous one, and written as
//! terminal sequences.
//!
//! The state is that of a real engine on an SQLite file that the simulator filled; keys bring the
//! panel where a person would. The writer is a counting sink. Times are the thread's CPU times, so a busy
//! machine does not lengthen them.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot make its own input should stop"
)]

#[path = "support/many.rs"]
mod many;
#[path = "support/percentile.rs"]
mod percentile;

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::config::{Secret, SourceSettings};
use pipeline_tui::db::{Access, Credential, open_sqlite};
use pipeline_tui::model::{Interval, SeriesKey, SourceId, Sources};
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::pipeline::credential::fingerprint;
use pipeline_tui::pipeline::engine::{self, EngineOptions, Handle};
use pipeline_tui::pipeline::narrate::Severity;
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::snapshot::Snapshot;
use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::sources::{
    self,
    alpha_vantage::{self, AlphaVantage},
};
use pipeline_tui::pipeline::{Lane, Once, Persistence, Pipeline, RunRequest, Unreadable};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use pipeline_tui::ui::action::Effect;
use pipeline_tui::ui::app::App;
use pipeline_tui::ui::frame::render;
use pipeline_tui::ui::log_lines::{KEPT, LogLine, LogLines, pane_record};
use pipeline_tui::ui::screen::Screen;
use pipeline_tui::ui::shared::{Boot, Shared};
use pipeline_tui::ui::theme::{Preset, Theme};
use pipeline_tui::ui::views::keymap;
use pipeline_tui::ui::{About, AboutSource};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use self::many::{DAILY, Many};
use self::percentile::percentile;

/// Frames of each line of the table.
const FRAMES: usize = 2_000;
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
/// The views by their keys, and the two keys that show one page of each and then another.
const VIEWS: [(&str, &str, [&str; 2]); 5] = [
    ("Overview", "1", [">", ">"]),
    ("Bars", "2", ["pagedown", "pageup"]),
    ("Runs", "5", ["esc", "enter"]),
    ("Log", "6", ["pageup", "pagedown"]),
    ("System", "7", ["pagedown", "pageup"]),
];
/// The views of a panel that watches a thousand series, 26 years of each covered.
const VIEWS_OF_MANY: [(&str, &str, [&str; 2]); 2] = [
    ("Overview", "1", [">", ">"]),
    ("Coverage", "3", ["pagedown", "pageup"]),
];
/// Bars of each of the thousand series: more than a summary reads.
const BARS_OF_MANY: usize = 300;
/// Watched series: more than the largest screen has lines for.
const SERIES: usize = 60;
/// Runs in the history: as many as the panel lists.
const RUNS: usize = 100;

/// What happens between two frames.
#[derive(Clone, Copy)]
enum Between {
    Nothing,
    Second,
    Page,
    Forgotten,
}

const STATES: [(&str, Between); 4] = [
    ("nothing changed", Between::Nothing),
    ("a second later", Between::Second),
    ("another page", Between::Page),
    ("everything written again", Between::Forgotten),
];

fn main() {
    println!("{FRAMES} frames a line, CPU time of the thread");
    println!(
        "{:>7}  {:<8}  {:<24}  {:>7}  {:>7}  {:>7}",
        "size", "view", "between two frames", "p50 us", "p99 us", "bytes"
    );
    Panel::start().measure(&VIEWS);
    println!("1,000 series");
    Panel::of_many().measure(&VIEWS_OF_MANY);
}

/// The panel without its terminal, and the engine behind it.
struct Panel {
    app: App,
    screen: Screen<Sink>,
    written: Rc<Cell<usize>>,
    area: Rect,
    now: DateTime<Utc>,
    engine: Handle,
    runtime: Runtime,
    _server: Server,
    _folder: TempDir,
}

impl Panel {
    /// A panel over an engine that watches these series, once they are stored.
    fn over(watched: Vec<SeriesKey>, fill: impl AsyncFnOnce(&Arc<Pipeline>)) -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.db");
        let (server, engine) = runtime.block_on(async {
            let server = Server::start(Options {
                plan: Plan::Unlimited,
                ..Options::default()
            })
            .await
            .unwrap();
            let store = open_sqlite(&path, Access::ReadWrite).await.unwrap();
            let pipeline = pipeline(&server, store);
            fill(&pipeline).await;
            let engine = engine::start(pipeline, options(watched)).await.unwrap();
            (server, engine)
        });
        let written = Rc::default();
        Self {
            app: App::new(shared()),
            screen: Screen::new(Sink(Rc::clone(&written))),
            written,
            area: Rect::new(0, 0, 80, 24),
            now: Clock::system().now(),
            engine,
            runtime,
            _server: server,
            _folder: folder,
        }
    }

    /// A panel with every view filled.
    fn start() -> Self {
        let mut panel = Self::over(watched(), fill);
        panel.observe_until(|snapshot| {
            snapshot.run.is_none()
                && snapshot.series.len() == SERIES
                && snapshot.series.iter().all(|series| series.bars > 0)
                && snapshot.runs.len() == RUNS
        });
        let all = watched();
        panel.send(Command::Fetch(all));
        panel.observe_until(|snapshot| snapshot.run.is_some());
        panel.observe_until(|snapshot| snapshot.run.is_none());
        panel.log();
        panel.press("2");
        panel.observe_until(|snapshot| snapshot.bars.is_some());
        panel.press("5");
        panel.press("enter");
        panel.observe_until(|snapshot| snapshot.opened.is_some());
        panel
    }

    /// A panel that watches a thousand series.
    fn of_many() -> Self {
        let many = Many {
            bars: BARS_OF_MANY,
            ..DAILY
        };
        let fill = async |pipeline: &Arc<Pipeline>| {
            let tick = pipeline.clock.now();
            let last_tick = pipeline
                .store
                .set_setting("last_tick".into(), tick.to_rfc3339());
            last_tick.await.unwrap();
            many.fill(&pipeline.store, tick).await;
        };
        let mut panel = Self::over(many.keys(), fill);
        panel.observe_until(|snapshot| snapshot.series.len() == many.series);
        panel.press("3");
        panel.observe_until(|snapshot| snapshot.coverage.is_some());
        panel
    }

    /// Prints a line for each size, view and state.
    fn measure(&mut self, views: &[(&str, &str, [&str; 2])]) {
        for (columns, rows) in SIZES {
            for (name, key, pages) in views {
                for (state, between) in STATES {
                    self.resize(columns, rows);
                    self.press(key);
                    let size = format!("{columns}x{rows}");
                    let (times, bytes) = self.frames(between, *pages);
                    println!(
                        "{size:>7}  {name:<8}  {state:<24}  {:>7.0}  {:>7.0}  {bytes:>7}",
                        percentile(&times, 0.5),
                        percentile(&times, 0.99)
                    );
                }
            }
        }
    }

    /// Fills the log with the engine's notices, repeated until it is full.
    fn log(&mut self) {
        let mut lines = vec![];
        while let Ok(notice) = self.engine.notices.try_recv() {
            lines.extend(self.app.notice(&notice, self.now));
        }
        tui_logger::set_default_level(log::LevelFilter::Trace);
        for (number, (severity, text)) in (0..).zip(lines.iter().cycle().take(KEPT)) {
            let line = LogLine {
                at: self.now + TimeDelta::milliseconds(number * 10),
                severity: *severity,
                text: text.clone(),
            };
            let shown = pane_record(&line);
            tui_logger::Drain::new().log(
                &log::Record::builder()
                    .level(match severity {
                        Severity::Info => log::Level::Info,
                        Severity::Warn => log::Level::Warn,
                        Severity::Error => log::Level::Error,
                    })
                    .target("pipeline-tui")
                    .args(format_args!("{shown}"))
                    .build(),
            );
            tui_logger::move_events();
            self.app.log(line);
        }
    }

    /// Takes snapshots until one is as wanted.
    fn observe_until(&mut self, is_wanted: impl Fn(&Snapshot) -> bool) {
        loop {
            let snapshot = Arc::clone(&self.engine.snapshots.borrow_and_update());
            let is_there = is_wanted(&snapshot);
            let effects = self.app.observe(snapshot);
            self.carry_out(effects);
            if is_there {
                return;
            }
            self.runtime
                .block_on(self.engine.snapshots.changed())
                .unwrap();
        }
    }

    fn press(&mut self, key: &str) {
        let effects = self.app.press(key.parse().unwrap(), self.now);
        self.carry_out(effects);
    }

    fn carry_out(&self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Send(command) = effect {
                self.send(command);
            }
        }
    }

    fn send(&self, command: Command) {
        self.engine.commands.try_send(command).unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.area = Rect::new(0, 0, columns, rows);
    }

    /// What the panel does for one frame.
    fn frame(&mut self) {
        let mut buffer = Buffer::empty(self.area);
        let regions = render(&self.app, self.now, &mut buffer);
        self.screen.show(buffer, regions.cursor).unwrap();
        let _ = self.app.laid_out(&regions);
    }

    /// Microseconds of each frame, and the bytes that one wrote on average.
    fn frames(&mut self, between: Between, pages: [&str; 2]) -> (Vec<f64>, usize) {
        for _ in 0..2 {
            self.frame();
        }
        let before = self.written.get();
        let mut times = Vec::with_capacity(FRAMES);
        for number in 0..FRAMES {
            match between {
                Between::Nothing => {}
                Between::Second => self.now += TimeDelta::seconds(1),
                Between::Page => {
                    // What it requests from the engine changes nothing here: all bars are there.
                    let key = pages.get(number % 2).unwrap();
                    let _ = self.app.press(key.parse().unwrap(), self.now);
                }
                Between::Forgotten => self.screen.forget(),
            }
            let start = cpu_time();
            self.frame();
            times.push(cpu_time().saturating_sub(start).as_secs_f64() * 1e6);
        }
        let bytes = (self.written.get() - before) / FRAMES;
        (times, bytes)
    }
}

fn pipeline(server: &Server, store: Arc<dyn pipeline_tui::db::Store>) -> Arc<Pipeline> {
    let key = Secret::new("SIMULATED0123456");
    let base_url = server.base_url().parse().unwrap();
    let credential = Credential {
        source: SourceId::DEFAULT,
        fingerprint: fingerprint(std::slice::from_ref(&key)),
        plan: "unlimited".to_owned(),
    };
    let unlimited = alpha_vantage::SETTINGS.plans.named("unlimited").unwrap();
    let clock = Clock::system();
    let source = AlphaVantage::new(base_url, key, false, clock.clone()).unwrap();
    Arc::new(Pipeline {
        store,
        lanes: vec![Lane::of(Arc::new(source.on(&unlimited)), credential)],
        answers_limit: 64 << 20,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: Persistence::new(std::env::temp_dir().join("pipeline-tui-bench-spool")),
        clock,
    })
}

/// The first series has a month of intraday bars, the others a hundred days.
fn watched() -> Vec<SeriesKey> {
    (0..SERIES)
        .map(|number| {
            let symbol = match number {
                0 => "IBM".to_owned(),
                _ => format!("SYM{number}"),
            };
            let interval = match number {
                0 => Interval::Min5,
                _ => Interval::Daily,
            };
            SeriesKey::raw(symbol.parse().unwrap(), interval)
        })
        .collect()
}

/// Fetches everything once, and then one series after the other for the history.
async fn fill(pipeline: &Arc<Pipeline>) {
    let full = FetchOptions::default().with("outputsize", "full");
    let all = watched();
    let (first, others) = all.split_first().unwrap();
    fetch(pipeline, vec![first.clone()], full).await;
    fetch(pipeline, others.to_vec(), FetchOptions::default()).await;
    for series in all.iter().cycle().take(RUNS) {
        fetch(pipeline, vec![series.clone()], FetchOptions::default()).await;
    }
}

async fn fetch(pipeline: &Arc<Pipeline>, series: Vec<SeriesKey>, options: FetchOptions) {
    let request = RunRequest {
        trigger: "fetch",
        series,
        options,
        max_age: None,
        within: None,
    };
    let ended = pipeline.run(request, Arc::new(|_| {}), CancellationToken::new());
    ended.await.unwrap();
}

fn options(watch: Vec<SeriesKey>) -> EngineOptions {
    EngineOptions {
        watch,
        only: None,
        schedule: Schedule::after_close(),
        tick: None,
        read_only: false,
        rekey: None,
        exports: ".".into(),
        alerts: Arc::default(),
        retention: pipeline_tui::model::Retention::default(),
        lease: pipeline_tui::pipeline::engine::LEASE,
    }
}

fn shared() -> Shared {
    Shared {
        snapshot: None,
        boot: Boot::Opening,
        calendars: sources::calendars(),
        zone: New_York,
        zones: vec![New_York],
        local: New_York,
        theme: Theme::new(Preset::Terminal, false, false),
        keymap: keymap(),
        mouse: false,
        rings: false,
        is_demo: false,
        speed: 1,
        interval: Interval::Daily,
        sources: Sources::default(),
        about: about(),
        exports_warning: None,
        log: LogLines::default(),
        undos: vec![],
        entered: vec![],
        stopped: None,
    }
}

/// Counts bytes and discards them.
struct Sink(Rc<Cell<usize>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// The known sources, none with a key.
fn about() -> About {
    let source = |settings: &&'static SourceSettings| AboutSource {
        settings,
        addresses: vec![],
        key_origin: String::new(),
        key_is_set: false,
    };
    About {
        sources: sources::SETTINGS.iter().map(source).collect(),
        ..About::default()
    }
}
