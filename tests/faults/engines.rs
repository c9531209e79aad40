//! Four engines on one PostgreSQL, killed and frozen at random: every due series is asked for once, by whoever
//! has its lane, and an engine that was frozen writes nothing when it wakes.
//!
//! The check never relies on the program: each engine connects as a role of its own, and triggers note who
//! stores which answer while another engine has the lane. The provider counts the requests, and refuses
//! what exceeds a limit.
//!
//! `ENGINE_ROUNDS` is the number of faults, `ENGINE_SEED` repeats an earlier run, `ENGINE_LEASE` is how many
//! seconds a lease lasts.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use crate::support::cluster::{PASSWORD, new_database, notice, psql};
use crate::support::program::{Desk, signal};
use crate::support::sources::variables;
use crate::support::wall::Wall;
use crate::support::{chance, rounds};

const ENGINES: usize = 4;
/// Each source is a lane.
const SERIES: [&str; 12] = [
    "coinbase:BTC-USD",
    "coinbase:ETH-USD",
    "coinbase:SOL-USD",
    "coinbase:LTC-USD",
    "coinbase:DOGE-USD",
    "coinbase:ADA-USD",
    "binance:BTCUSDT",
    "binance:ETHUSDT",
    "binance:SOLUSDT",
    "binance:LTCUSDT",
    "binance:DOGEUSDT",
    "binance:ADAUSDT",
];
const MINUTES: i64 = 5;
const SCHEDULE: &str = r#"{"when":{"every":{"minutes":5}},"missed":"once"}"#;
/// When the first round begins: a Wednesday.
const BEGINS: &str = "2026-05-13T12:01:30Z";
/// How long the twelve series may take once their lanes are held: by far more than they need.
const PATIENCE: Duration = Duration::from_secs(40);

/// Notes answers that an engine stores while another one has the lane. What a dead one left is stored by
/// others, which come as other roles; [`late`] leaves out what an engine left itself.
pub const WITNESS: &str = "\
    CREATE TABLE seen_engines (role text PRIMARY KEY, id uuid); \
    CREATE TABLE seen_late (what text, series text); \
    CREATE FUNCTION see_engine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO seen_engines VALUES (current_user, NEW.id) \
        ON CONFLICT (role) DO UPDATE SET id = excluded.id; RETURN NEW; END $$; \
    CREATE TRIGGER see_engine AFTER INSERT ON engines FOR EACH ROW EXECUTE FUNCTION see_engine(); \
    CREATE FUNCTION see_store() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF NEW.state = 'stored' AND NEW.engine = (SELECT id FROM seen_engines WHERE role = current_user) \
           AND NOT EXISTS (SELECT 1 FROM lanes WHERE source = NEW.source AND engine = NEW.engine) THEN \
            INSERT INTO seen_late SELECT 'request ' || NEW.id || ' of ' || NEW.engine || ' was stored late', \
                CASE WHEN status = 'running' THEN '' ELSE ( \
                    SELECT CASE source WHEN 'alpha_vantage' THEN '' ELSE source || ':' END || symbol || ' ' || interval \
                    FROM request_series WHERE request_id = NEW.id LIMIT 1) END \
            FROM runs WHERE id = NEW.run_id; \
        END IF; RETURN NEW; END $$; \
    CREATE TRIGGER see_store AFTER UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION see_store();";

/// What [`WITNESS`] has noted, with a series of the answer if its run had ended.
pub const LATE: &str = "SELECT what || '|' || series FROM seen_late";

/// Of that, the answers that were stored late. An engine that lost a lane and lives stores what its run
/// left when it ended, as any other may, and says so.
pub fn late(rows: &[String], said: &str) -> Vec<String> {
    let rows = rows.iter().filter(|row| {
        let (_, series) = row.split_once('|').unwrap();
        let recovered = format!("recovered from a kept answer: {series}");
        series.is_empty() || !said.contains(&recovered)
    });
    rows.cloned().collect()
}

/// The wall clock of all engines, and of the provider.
struct Hands {
    wall: Wall,
    ahead: Arc<AtomicI64>,
}

impl Hands {
    fn show(&self, instant: DateTime<Utc>) {
        let ahead = (instant - Clock::system().now()).num_seconds();
        self.ahead.store(ahead, Ordering::SeqCst);
        self.wall.show(instant);
    }
}

/// A process that comes as a role of its own, from a machine of its own as far as files go.
struct Worker {
    desk: Desk,
    role: String,
    process: Child,
}

/// What happened to an engine in a round.
struct Fault {
    /// When the round began, by the database's clock.
    begins: f64,
    /// Which engine it was.
    engine: String,
    /// When, by the database's clock.
    at: f64,
}

/// A request as the ledger has it.
struct Sent {
    attempt: String,
    engine: String,
    series: String,
    is_stored: bool,
    reserved_at: f64,
    ended_at: f64,
}

struct Rig {
    url: String,
    server: Server,
    hands: Hands,
    lease: u64,
}

impl Rig {
    /// The same program, database and provider for each engine.
    fn desk(&self, url: &str) -> Desk {
        variables(&self.server)
            .into_iter()
            .fold(Desk::new().asking(&self.server), |desk, (name, value)| {
                desk.with(name, &value)
            })
            .with("DATABASE_URL", url)
    }

    fn command(&self, desk: &Desk, arguments: &[&str]) -> Command {
        self.hands.wall.over(desk.command(arguments))
    }

    /// Makes the store, with its watch list and schedule, and watches it.
    fn prepare(&self) {
        let admin = self.desk(&self.url);
        let wanted = admin.folder().join("watched");
        let series = SERIES.map(|series| format!("{series} 5min"));
        std::fs::write(&wanted, series.join("\n")).unwrap();
        let import = ["watch", "import", "--replace", wanted.to_str().unwrap()];
        let imported = self.command(&admin, &import).output().unwrap();
        assert!(imported.status.success(), "{imported:?}");
        let schedule =
            format!("INSERT INTO settings (name, value) VALUES ('schedule', '{SCHEDULE}')");
        psql(&self.url, &schedule);
        psql(&self.url, WITNESS);
    }

    fn engine(&self, number: usize) -> Worker {
        let (server, database) = self.url.rsplit_once('/').unwrap();
        let (_, place) = server.rsplit_once('@').unwrap();
        let role = format!("{database}_{number}");
        psql(
            &self.url,
            &format!("CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{PASSWORD}'"),
        );
        let desk = self.desk(&format!("postgres://{role}:{PASSWORD}@{place}/{database}"));
        let process = self.start(&desk);
        Worker {
            desk,
            role,
            process,
        }
    }

    fn start(&self, desk: &Desk) -> Child {
        let lease = self.lease.to_string();
        let mut command = self.command(desk, &["run", "--lease", &lease]);
        let said = std::fs::OpenOptions::new()
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

    fn now(&self) -> f64 {
        let now = psql(&self.url, "SELECT extract(epoch FROM clock_timestamp())");
        now.parse().unwrap()
    }

    /// The engine to fail next: most often one that has a lane.
    fn victim(&self, engines: &[Worker], rng: &mut Rng) -> usize {
        let working = "SELECT DISTINCT role FROM seen_engines JOIN lanes ON engine = id";
        let working = psql(&self.url, working);
        let at_work: Vec<usize> = (0..engines.len())
            .filter(|place| working.lines().any(|role| role == engines[*place].role))
            .collect();
        match rng.choice(&at_work) {
            Some(place) if rng.u8(0..4) > 0 => *place,
            _ => rng.usize(0..engines.len()),
        }
    }

    /// Waits until every series has the bar that begins at an instant, and it is final.
    async fn complete(&self, bar: DateTime<Utc>, engines: &[Worker]) {
        let missing = format!(
            "SELECT {} - count(DISTINCT source || symbol) FROM stock_data WHERE final AND timestamp = '{}'",
            SERIES.len(),
            bar.format("%Y-%m-%d %H:%M:%S+00"),
        );
        let began = Instant::now();
        while psql(&self.url, &missing) != "0" {
            if began.elapsed() > PATIENCE + Duration::from_secs(self.lease) {
                let lanes = psql(&self.url, "SELECT * FROM lanes");
                let said = engines.iter().map(|engine| {
                    let said = std::fs::read_to_string(engine.desk.folder().join("said")).unwrap();
                    format!("{}:\n{said}", engine.role)
                });
                let said: Vec<String> = said.collect();
                panic!("no bar of {bar} everywhere\n{lanes}\n{}", said.join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all engines are there, those that were just started, too.
    async fn all_beat(&self) {
        let beat =
            "SELECT count(*) FROM engines WHERE beat_at > clock_timestamp() - interval '4 seconds'";
        let beat = async {
            while psql(&self.url, beat) != ENGINES.to_string() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, beat).await.unwrap();
    }

    /// What the ledger has, in order.
    fn sent(&self) -> Vec<Sent> {
        let rows = psql(
            &self.url,
            "SELECT attempt_id, coalesce(engine::text, ''), s.source || ':' || s.symbol, state = 'stored', \
                    extract(epoch FROM reserved_at), coalesce(extract(epoch FROM ended_at), 0) \
             FROM requests JOIN request_series s ON request_id = id WHERE state <> 'not_sent' ORDER BY reserved_at",
        );
        let row = |line: &str| {
            let cells: Vec<&str> = line.split('|').collect();
            Sent {
                attempt: cells[0].to_owned(),
                engine: cells[1].to_owned(),
                series: cells[2].to_owned(),
                is_stored: cells[3] == "t",
                reserved_at: cells[4].parse().unwrap(),
                ended_at: cells[5].parse().unwrap(),
            }
        };
        rows.lines().map(row).collect()
    }

    /// Each request was reserved once and came at most once, and no limit was exceeded.
    fn check_limits(&self, sent: &[Sent]) {
        let mut came: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.server.journal() {
            assert_eq!(entry.outcome, "data", "{entry:?}");
            *came.entry(entry.request_id.clone().unwrap()).or_default() += 1;
            let id = entry.request_id.unwrap();
            assert!(
                sent.iter().any(|sent| sent.attempt == id),
                "{id} was never reserved"
            );
        }
        assert!(came.values().all(|times| *times == 1), "{came:?}");
    }

    /// Whoever works asks once. An engine that fails may have asked before, and its answer be lost with it;
    /// what it had stored is not asked for again.
    fn check_once(sent: &[Sent], faults: &[Fault]) {
        for (round, fault) in faults.iter().enumerate() {
            let ends = faults.get(round + 1).map_or(f64::MAX, |next| next.begins);
            for series in SERIES {
                let of_round = sent.iter().filter(|sent| {
                    sent.series == series
                        && sent.reserved_at >= fault.begins
                        && sent.reserved_at < ends
                });
                let (failed, good): (Vec<&Sent>, Vec<&Sent>) =
                    of_round.partition(|sent| sent.engine == fault.engine);
                let (asked, again) = (failed.len(), good.len());
                let what = format!(
                    "round {round}, {series}: asked {asked} times, by others {again} times"
                );
                assert!(asked <= 1 && again <= 1 && asked + again >= 1, "{what}");
                let was_stored = failed
                    .iter()
                    .any(|sent| sent.is_stored && sent.ended_at < fault.at);
                assert!(!was_stored || again == 0, "{what}, though it was stored");
                assert!(
                    good.iter().all(|sent| sent.is_stored),
                    "{what}, which was not stored"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_are_killed_and_frozen_at_random_ask_for_everything_once() {
    let Some(url) = new_database() else { return };
    let (mut rng, mut faults) = (chance("ENGINE_SEED"), vec![]);
    let ahead = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&ahead);
    let clock = Clock::from_fn(move || {
        Clock::system().now() + TimeDelta::seconds(told.load(Ordering::SeqCst))
    });
    let server = Server::start(Options {
        plan: Plan::Free,
        clock,
        ..Options::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let Some(wall) = Wall::new(folder.path()) else {
        return;
    };
    let rig = Rig {
        url,
        server,
        hands: Hands { wall, ahead },
        lease: rounds("ENGINE_LEASE", 5) as u64,
    };
    let begins: DateTime<Utc> = BEGINS.parse().unwrap();
    rig.hands.show(begins);
    rig.prepare();
    let mut engines: Vec<Worker> = (0..ENGINES).map(|number| rig.engine(number)).collect();
    rig.complete(bar(begins), &engines).await;

    let (mut killed, mut slowest) = (0, Duration::ZERO);
    let rounds = rounds("ENGINE_ROUNDS", 3);
    for round in 1..=rounds {
        let now = begins + TimeDelta::minutes(MINUTES) * i32::try_from(round).unwrap();
        let victim = rig.victim(&engines, &mut rng);
        let round_begins = rig.now();
        rig.hands.show(now);
        // This is the fault itself, not a wait for something: it spreads the faults over the round.
        tokio::time::sleep(Duration::from_millis(rng.u64(0..=2_500))).await;
        let id = format!(
            "SELECT id FROM seen_engines WHERE role = '{}'",
            engines[victim].role
        );
        faults.push(Fault {
            begins: round_begins,
            engine: psql(&rig.url, &id),
            at: rig.now(),
        });
        let (failed, is_killed) = (Instant::now(), rng.bool());
        let engine = &mut engines[victim];
        signal(if is_killed { "KILL" } else { "STOP" }, &engine.process);
        rig.complete(bar(now), &engines).await;
        slowest = slowest.max(failed.elapsed());
        let engine = &mut engines[victim];
        if is_killed {
            killed += 1;
            engine.process.wait().unwrap();
            engine.process = rig.start(&engine.desk);
        } else {
            signal("CONT", &engine.process);
        }
    }
    rig.all_beat().await;
    let mut all_said = String::new();
    for engine in &mut engines {
        signal("TERM", &engine.process);
        let status = engine.process.wait().unwrap();
        let said = std::fs::read_to_string(engine.desk.folder().join("said")).unwrap();
        assert_eq!(status.code(), Some(0), "{said}");
        all_said += &said;
    }
    let rows = psql(&rig.url, LATE);
    let rows: Vec<String> = rows.lines().map(str::to_owned).collect();
    assert_eq!(late(&rows, &all_said), [""; 0]);
    let sent = rig.sent();
    rig.check_limits(&sent);
    Rig::check_once(&sent, &faults);
    let undecided = "SELECT at, source, outcome FROM ticks WHERE outcome NOT IN ('done', 'missed')";
    assert_eq!(psql(&rig.url, undecided), "");
    let instants = psql(&rig.url, "SELECT count(*), count(DISTINCT at) FROM ticks");
    assert_eq!(instants, format!("{}|{rounds}", 2 * rounds));
    notice(&format!(
        "{killed} engines killed and {} frozen, leases of {} s: the bars were there after {slowest:.1?} at most; {} requests",
        rounds - killed,
        rig.lease,
        sent.len(),
    ));
}

/// The newest bar that has ended at an instant.
fn bar(now: DateTime<Utc>) -> DateTime<Utc> {
    let step = MINUTES * 60;
    let begins = now.timestamp().div_euclid(step) * step - step;
    DateTime::from_timestamp(begins, 0).unwrap()
}
