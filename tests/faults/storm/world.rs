//! An installation in a storm: its database, its engines, its provider, and the person who uses it.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use pipeline_tui::simulate::{Fault, Options, Plan, Server};
use pipeline_tui::time::Clock;
use serde_json::Value;

use super::door::Door;
use super::plan::{Card, Play, Side};
use super::told::Told;
use crate::engines::WITNESS;
use crate::support::cluster::{PASSWORD, Server as Cluster, find, psql};
use crate::support::mount::{Filling, Mount};
use crate::support::process::finish;
use crate::support::program::{Desk, signal};
use crate::support::server;
use crate::support::sources::variables;

/// What is watched beside the minutes of the assets: four sources, of which two trade around the clock. The
/// first four ride along with the minutes of the same symbol.
const WATCHED: [&str; 12] = [
    "coinbase:BTC-USD 5min",
    "coinbase:ETH-USD 15min",
    "binance:BTCUSDT 15min",
    "binance:ETHUSDT 5min",
    "coinbase:XRP-USD 5min",
    "coinbase:LINK-USD 15min",
    "binance:XRPUSDT 5min",
    "binance:LINKUSDT 15min",
    "alpaca:IBM 5min",
    "alpaca:AAPL 15min",
    "alpha_vantage:IBM 60min",
    "alpha_vantage:MSFT 15min",
];
/// Of each of these a bar is due every minute, at two sources.
const ASSETS: [&str; 6] = ["BTC", "ETH", "SOL", "LTC", "DOGE", "ADA"];
/// What is always wrong with the provider: each answer takes this long, so that faults meet requests.
const SLOW: &str = "slow:1500";
const SCHEDULE: &str = r#"{"when":{"every":{"minutes":1}},"missed":"once"}"#;
/// Alerts at the first failure, so that there are some.
const ALERTS: &str = "[alerts]\nfailures = 1\nbehind = 1\n";
/// Seconds for which a lane is an engine's after it was last heard of: less than the longest freeze, and
/// more than a beat takes where many processes share two cores.
const LEASE: &str = "10";
/// What the simulated market is computed from.
pub const SEED: u64 = 29;
/// How long a supervisor waits before it starts an engine again that ended by itself.
const RESTART: Duration = Duration::from_secs(1);
/// How long a look at the file waits for who writes it.
const BUSY: Duration = Duration::from_mins(1);

/// A machine and the engine on it.
struct Machine {
    desk: Desk,
    engine: Option<Child>,
    /// When an engine that ended by itself is started again.
    again: Option<Instant>,
}

/// An installation.
pub struct World {
    /// Which one it is.
    pub side: Side,
    /// What the provider has seen, a line of JSON each.
    pub journal: PathBuf,
    /// Who takes its alerts.
    pub told: Told,
    /// Engines that ended by themselves and were started again.
    pub restarts: usize,
    url: String,
    provider: Server,
    door: Door,
    machines: Vec<Machine>,
    /// Where a person sits who has no engine.
    person: Desk,
    roles: usize,
    /// What the provider does wrong at present: the play's number and the fault.
    wrong: Vec<(usize, Fault)>,
    disk: Option<Mount>,
    filling: Option<Filling>,
    held: Option<rusqlite::Connection>,
    /// Statements of others on the server.
    others: Vec<Child>,
    /// A person's commands.
    commands: Vec<Child>,
}

impl Drop for World {
    fn drop(&mut self) {
        let engines = self.machines.iter_mut().filter_map(|one| one.engine.take());
        let beside = self.others.drain(..).chain(self.commands.drain(..));
        for mut child in engines.chain(beside) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl World {
    /// One with this many engines, none of which is started yet; on PostgreSQL in this database. For each
    /// start of an engine there is a role.
    pub async fn new(side: Side, url: Option<String>, engines: usize, starts: usize) -> Self {
        let person = Desk::new();
        let journal = person.folder().join("journal");
        let provider = Server::start(Options {
            plan: Plan::Premium,
            seed: SEED,
            journal: Some(journal.clone()),
            faults: vec![SLOW.parse().unwrap()],
            ..Options::default()
        });
        let provider = provider.await.unwrap();
        let behind = url::Url::parse(&provider.base_url()).unwrap();
        let behind = format!("127.0.0.1:{}", behind.port().unwrap());
        let door = Door::before(behind.parse().unwrap()).await;
        let told = Told::start().await;
        let place = door.place.to_string();
        let set = |desk: Desk| {
            let settings = variables(&provider)
                .into_iter()
                .chain([("ALPHA_VANTAGE_BASE_URL", provider.base_url())]);
            let desk = settings.fold(desk, |desk, (name, value)| {
                desk.with(name, &value.replace(&behind, &place))
            });
            let desk = desk
                .with("ALPHA_VANTAGE_PLAN", "75")
                .with("PIPELINE_ALERT_WEBHOOK", &told.address)
                .with("RUST_BACKTRACE", "1");
            match &url {
                Some(url) => desk.with("DATABASE_URL", url),
                None => desk,
            }
        };
        let machine = |_| Machine {
            desk: set(Desk::new()),
            engine: None,
            again: None,
        };
        let machines: Vec<Machine> = (0..engines).map(machine).collect();
        let person = set(person);
        let mut world = Self {
            side,
            journal,
            restarts: 0,
            url: url.clone().unwrap_or_default(),
            machines,
            person,
            roles: 0,
            wrong: vec![],
            disk: None,
            filling: None,
            held: None,
            others: vec![],
            commands: vec![],
            door,
            told,
            provider,
        };
        world.prepare(starts);
        world
    }

    /// Makes the store, with its watch list and schedule.
    fn prepare(&mut self, starts: usize) {
        for desk in self.desks() {
            let folder = desk.folder().join(".config/pipeline-tui");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("config.toml"), ALERTS).unwrap();
        }
        if self.side == Side::Sqlite {
            let data = self.machines[0].desk.folder().join("data");
            std::fs::create_dir_all(&data).unwrap();
            self.disk = Mount::small(&data, "192M");
        }
        let desk = self.user();
        let wanted = desk.folder().join("watched");
        let minutes =
            ASSETS.map(|asset| format!("coinbase:{asset}-USD 1min\nbinance:{asset}USDT 1min"));
        let lines = [WATCHED.join("\n"), minutes.join("\n")].join("\n");
        std::fs::write(&wanted, lines).unwrap();
        let import = ["watch", "import", "--replace", wanted.to_str().unwrap()];
        let done = desk.run(&import);
        assert_eq!(done.code, 0, "{done:?}");
        let schedule =
            format!("INSERT INTO settings (name, value) VALUES ('schedule', '{SCHEDULE}')");
        desk.sql(&schedule);
        if self.side == Side::Postgres {
            psql(&self.url, WITNESS);
            let roles = format!(
                "DO $$ BEGIN FOR n IN 1..{starts} LOOP \
                 EXECUTE format('CREATE ROLE engine_%s SUPERUSER LOGIN PASSWORD ''{PASSWORD}''', n); \
                 END LOOP; END $$"
            );
            psql(&self.url, &roles);
        }
    }

    /// The desk of a person: on a file it must be the machine of the engine.
    fn user(&self) -> &Desk {
        match self.side {
            Side::Postgres => &self.person,
            Side::Sqlite => &self.machines[0].desk,
        }
    }

    /// All desks.
    pub fn desks(&self) -> impl Iterator<Item = &Desk> {
        self.machines
            .iter()
            .map(|machine| &machine.desk)
            .chain([&self.person])
    }

    /// Starts every engine that does not work and is not waited for.
    pub fn start(&mut self) {
        for at in 0..self.machines.len() {
            if self.machines[at].engine.is_none() && self.machines[at].again.is_none() {
                self.start_one(at);
            }
        }
    }

    fn start_one(&mut self, at: usize) {
        let mut command = self.machines[at].desk.command(&["run", "--lease", LEASE]);
        if self.side == Side::Postgres {
            // A role of its own, so that the witness knows who writes.
            self.roles += 1;
            let (_, place) = self.url.rsplit_once('@').unwrap();
            let url = format!("postgres://engine_{}:{PASSWORD}@{place}", self.roles);
            command.env("DATABASE_URL", url);
        }
        self.machines[at].again = None;
        self.machines[at].engine = Some(spawn(command, &self.machines[at].desk));
    }

    /// Does what a supervisor does: an engine that has ended by itself is started again.
    pub fn tend(&mut self) {
        let now = Instant::now();
        for at in 0..self.machines.len() {
            let machine = &mut self.machines[at];
            let ended = machine.engine.as_mut().map(Child::try_wait);
            if let Some(Ok(Some(status))) = ended {
                // Where its store is away while it starts, it says so and ends.
                assert_eq!(status.code(), Some(3), "{status}: {}", self.said());
                self.restarts += 1;
                self.machines[at].engine = None;
                self.machines[at].again = Some(now + RESTART);
            } else if machine.again.is_some_and(|again| again <= now) {
                self.start_one(at);
            }
        }
        self.others
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let ended = self
            .commands
            .iter_mut()
            .filter_map(|child| child.try_wait().unwrap());
        for status in ended {
            assert!(
                matches!(status.code(), Some(0 | 1 | 3 | 4)),
                "{status}: {}",
                self.said()
            );
        }
        self.commands
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    /// Begins a play.
    pub async fn begin(&mut self, number: usize, play: &Play, cluster: &Cluster) {
        let at = play.which % self.machines.len();
        match play.card {
            Card::Kill => {
                if let Some(mut engine) = self.machines[at].engine.take() {
                    let _ = engine.kill();
                    engine.wait().unwrap();
                    self.start_one(at);
                }
            }
            Card::Freeze => self.signal(at, "STOP"),
            Card::Answers(word) => {
                let dialects: &[&str] = match word {
                    // Of these Binance makes a pause of a minute.
                    "burst" => &["coinbase", "alpha_vantage", "alpaca"],
                    "minute" => &["alpha_vantage", "binance"],
                    _ => &["coinbase", "binance", "alpha_vantage", "alpaca", ""],
                };
                let fault = match dialects[play.which % dialects.len()] {
                    "" => word.to_owned(),
                    dialect => format!("{word},dialect={dialect}"),
                };
                self.wrong.push((number, fault.parse().unwrap()));
                self.spoil();
            }
            Card::Refused => self.door.shut().await,
            Card::Sessions => self.statement(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pipeline-tui'",
            ),
            Card::Crash => server::crash(cluster),
            Card::Stuck => server::signal(cluster, "STOP"),
            Card::Lock => self.lock(play.until.saturating_sub(play.at)),
            Card::Full => self.filling = self.disk.as_ref().map(|disk| disk.fill(0)),
            Card::Receiver(status) => self.told.says(status),
            Card::Person(words) => self.run(words, play.which),
        }
        if let Some(words) = play.beside {
            self.run(words, play.which);
        }
    }

    /// Runs a command beside the engines, about a day of those that are named so.
    fn run(&mut self, words: &str, which: usize) {
        let days = TimeDelta::days(i64::try_from(which % 700).unwrap());
        let day = (Clock::system().now() - days)
            .format("%Y-%m-%d")
            .to_string();
        let words = words.replace("DAY", &day);
        let words: Vec<&str> = words.split(' ').collect();
        let child = spawn(self.user().command(&words), self.user());
        self.commands.push(child);
    }

    /// Ends a play.
    pub async fn end(&mut self, number: usize, play: &Play, cluster: &Cluster) {
        match play.card {
            Card::Freeze => self.signal(play.which % self.machines.len(), "CONT"),
            Card::Answers(_) => {
                self.wrong.retain(|(other, _)| *other != number);
                self.spoil();
            }
            Card::Refused => self.door.open().await,
            Card::Crash => cluster.begin(),
            Card::Stuck => server::signal(cluster, "CONT"),
            Card::Lock => self.held = None,
            Card::Full => self.filling = None,
            Card::Receiver(_) => self.told.says(204),
            Card::Kill | Card::Sessions | Card::Person(_) => {}
        }
    }

    fn signal(&self, at: usize, name: &str) {
        if let Some(engine) = &self.machines[at].engine {
            signal(name, engine);
        }
    }

    fn spoil(&self) {
        let wrong = self.wrong.iter().map(|(_, fault)| fault.clone());
        let always = std::iter::once(SLOW.parse().unwrap());
        self.provider.set_faults(wrong.chain(always).collect());
    }

    /// Runs SQL on the server that nobody waits for; it may be away.
    fn statement(&mut self, sql: &str) {
        let program = find("psql").expect("psql comes with PostgreSQL");
        let mut command = Command::new(program);
        command
            .args(["-X", "-q", "-d", &self.url, "-c", sql])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.others.push(command.spawn().unwrap());
    }

    fn lock(&mut self, lasts: Duration) {
        match self.side {
            Side::Postgres => self.statement(&format!(
                "BEGIN; LOCK TABLE stock_data IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({})",
                lasts.as_secs_f64()
            )),
            Side::Sqlite => {
                let file = rusqlite::Connection::open(self.user().database()).unwrap();
                file.busy_timeout(Duration::from_secs(2)).unwrap();
                // If others write all the time, nothing is locked.
                self.held = file.execute_batch("BEGIN IMMEDIATE").ok().map(|()| file);
            }
        }
    }

    /// Rows of one text.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        if self.side == Side::Postgres {
            return psql(&self.url, sql).lines().map(str::to_owned).collect();
        }
        let file = rusqlite::Connection::open(self.user().database()).unwrap();
        file.busy_timeout(BUSY).unwrap();
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// What is left to do; empty once every series is fresh, or due since its last run, and nothing waits.
    pub fn left(&self) -> String {
        let open = "SELECT 'request ' || CAST(id AS text) || ' is ' || state FROM requests \
                    WHERE state IN ('reserved', 'answered') UNION ALL \
                    SELECT 'run ' || CAST(id AS text) || ' is ' || status FROM runs WHERE status = 'running'";
        let mut left = self.rows(open);
        if !self.commands.is_empty() {
            left.push(format!("{} commands go on", self.commands.len()));
        }
        for desk in self.desks() {
            let spool = std::fs::read_dir(desk.folder().join("data/spool"));
            let waiting = spool.into_iter().flatten().flatten();
            left.extend(waiting.map(|file| format!("{} waits", file.path().display())));
        }
        if left.is_empty() {
            let done = self.user().run(&["status", "--format", "json"]);
            let status: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
            let count = |name: &str| status[name].as_u64().unwrap_or(u64::MAX);
            let well = ["fresh", "due", "closed"].map(count);
            let is_well = well.iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
            if done.code != 0 || is_well != count("series") {
                let gaps = self.user().run(&["gaps"]);
                left.push(format!("{}{done:?}", gaps.stdout));
            }
        }
        if left.is_empty() {
            let done = self.user().run(&["doctor"]);
            if done.code != 0 {
                left.push(format!("{done:?}"));
            }
        }
        left.join("\n")
    }

    /// Tells every engine to end, and waits for each.
    pub async fn stop(&mut self) {
        for machine in &mut self.machines {
            let Some(mut engine) = machine.engine.take() else {
                continue;
            };
            signal("TERM", &engine);
            let status = finish(&mut engine).await;
            let said = std::fs::read_to_string(machine.desk.folder().join("said")).unwrap();
            assert_eq!(status.code(), Some(0), "{said}");
        }
    }

    /// What its processes have said.
    pub fn said(&self) -> String {
        let said = self.desks().map(|desk| {
            let said = std::fs::read_to_string(desk.folder().join("said"));
            format!("{}:\n{}", desk.folder().display(), said.unwrap_or_default())
        });
        said.collect::<Vec<_>>().join("\n")
    }
}

/// Starts the program; what it says is appended to a file of its desk.
fn spawn(mut command: Command, desk: &Desk) -> Child {
    let said = OpenOptions::new()
        .create(true)
        .append(true)
        .open(desk.folder().join("said"))
        .unwrap();
    command
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .stdin(Stdio::null());
    command.spawn().unwrap()
}
