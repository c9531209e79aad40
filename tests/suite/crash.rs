//! `kill -9` at random moments of `fetch`, judged from outside.
//!
//! The judge never asks the program. It reads the tables with SQL of its own, and learns what the
//! provider had sent by asking the simulator again: its answers are functions of seed, clock and
//! query.
//!
//! `CRASH_ROUNDS` is the number of kills on each database (50), `CRASH_SEED` repeats the moments of
//! an earlier run as closely as the machine's own timing allows.

mod ledger;
mod oracle;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use fastrand::Rng;

use crate::support::product::{CANARY, Database, Product};
use ledger::Ledger;
use oracle::{Key, Values, bars, lost_bars};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use tokio::net::{TcpListener, TcpStream};

use crate::support::cluster;

/// Saturday, 2026-05-16 02:00 UTC: every bar of Friday is final.
const NIGHT: &str = "2026-05-16T02:00:00Z";
const SYMBOLS: [&str; 12] = [
    "IBM", "AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "ORCL", "INTC", "CSCO", "QCOM", "TXN", "AMD",
];
const INTERVALS: [&str; 5] = ["5min", "15min", "1min", "30min", "60min"];
/// Two markets tell different prices of the same bars, so that a later round changes what an earlier one stored.
const MARKETS: usize = 2;
/// The longest that a process may take to its own end; far more than it ever needs.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_in_sqlite() {
    kills_lose_nothing(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_in_postgres() {
    if let Some(product) = Product::postgres() {
        kills_lose_nothing(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_is_not_swept_in_sqlite() {
    a_live_run_is_not_swept(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_is_not_swept_in_postgres() {
    if let Some(product) = Product::postgres() {
        a_live_run_is_not_swept(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_after_the_sweep_is_in_doubt_in_sqlite() {
    a_reservation_after_the_sweep_is_in_doubt(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_after_the_sweep_is_in_doubt_in_postgres() {
    if let Some(product) = Product::postgres() {
        a_reservation_after_the_sweep_is_in_doubt(product).await;
    }
}

async fn kills_lose_nothing(product: Product) {
    let number = |name| std::env::var(name).ok().map(|n| n.parse::<u64>().unwrap());
    let kills = usize::try_from(number("CRASH_ROUNDS").unwrap_or(50)).unwrap();
    let seed = number("CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    let kind = product.kind();
    cluster::notice(&format!("{kind}: CRASH_ROUNDS={kills} CRASH_SEED={seed}"));
    let mut rng = Rng::with_seed(seed);
    let (mut servers, mut killed, mut ended) = (Vec::new(), 0, 0);
    while killed < kills {
        let round = servers.len();
        assert!(round < 4 * kills + 20, "most kills come too late to count");
        let server = market(round).await;
        let mut child = start(&product, &server.base_url(), &wish(round, &mut rng));
        let moment = Moment::random(&mut rng);
        match strike(&mut child, &server, moment).await {
            status if status.signal() == Some(9) => killed += 1,
            status if status.success() => ended += 1,
            status => panic!("round {round}: {status}\n{}", said(&product)),
        }
        servers.push(server);
    }
    product.settle().await;
    let last = market(servers.len()).await;
    let mut child = start(&product, &last.base_url(), &wish(servers.len(), &mut rng));
    let status = finish(&mut child).await;
    assert!(
        status.success(),
        "the last run: {status}\n{}",
        said(&product)
    );
    servers.push(last);

    let ledger = Ledger::read(&product, &servers, MARKETS).await;
    ledger.check_requests();
    ledger.check_runs(&product, killed, ended + 1).await;
    check_bars(&product, &ledger, &servers).await;
    check_secrets(&product).await;
    cluster::notice(&format!(
        "{kind}: {killed} kills, {ended} runs ended before theirs; {}",
        ledger.distribution(killed, ended + 1)
    ));
}

/// The provider of a round; rounds take the markets in turn.
async fn market(round: usize) -> Server {
    Server::start(Options {
        plan: Plan::Unlimited,
        seed: (round % MARKETS) as u64,
        clock: Clock::fixed(NIGHT.parse().unwrap()),
        ..Options::default()
    })
    .await
    .unwrap()
}

/// What a round fetches: the same months and intervals in each market, then others.
fn wish(round: usize, rng: &mut Rng) -> Vec<String> {
    let turn = round / MARKETS;
    let months_back = turn / INTERVALS.len();
    let month = format!("{}-{:02}", 2025 - months_back / 12, 12 - months_back % 12);
    let interval = INTERVALS[turn % INTERVALS.len()];
    // A whole month of minutes would take an unoptimised build longer than all the rest.
    let full = turn % 4 == 3 && interval != "1min";
    let size = if full { "full" } else { "compact" };
    let format = if rng.bool() { "json" } else { "csv" };
    let words = [
        "fetch",
        "--month",
        &month,
        "--outputsize",
        size,
        "--datatype",
        format,
    ];
    let symbols = SYMBOLS.join(",");
    let series = ["--interval", interval, "--symbols", &symbols];
    words
        .iter()
        .chain(&series)
        .map(|&word| word.to_owned())
        .collect()
}

/// Starts the binary; what it says is added to a file.
fn start(product: &Product, base_url: &str, arguments: &[String]) -> Child {
    let file = product.data().with_file_name("said");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    let mut command = product.command(base_url);
    command
        .args(arguments)
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    command.spawn().unwrap()
}

fn said(product: &Product) -> String {
    std::fs::read_to_string(product.data().with_file_name("said")).unwrap()
}

/// When a process is killed: so long after the provider has seen so many of its requests.
#[derive(Debug, Clone, Copy)]
struct Moment {
    requests: usize,
    later: Duration,
}

impl Moment {
    /// Any step of a run: before its first request, between two, or after the last.
    fn random(rng: &mut Rng) -> Self {
        let requests = rng.usize(0..=SYMBOLS.len());
        // A start takes longer than a request, and the last answers have yet to be stored.
        let most = match requests {
            0 => 60_000,
            n if n == SYMBOLS.len() => 400_000,
            _ => 40_000,
        };
        Self {
            requests,
            later: Duration::from_micros(rng.u64(0..=most)),
        }
    }
}

/// Kills a process at its moment, if it has not ended by then.
async fn strike(child: &mut Child, server: &Server, moment: Moment) -> ExitStatus {
    let reached = async {
        while server.journal().len() < moment.requests && child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap();
    // This is the fault itself, not a wait for something: it spreads the kills over the steps
    // between two requests.
    tokio::time::sleep(moment.later).await;
    child.kill().unwrap();
    child.wait().unwrap()
}

/// Waits until a process has ended by itself.
async fn finish(child: &mut Child) -> ExitStatus {
    let ended = async {
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.unwrap_or_else(|_| {
        child.kill().unwrap();
        panic!("the process did not end within {} s", PATIENCE.as_secs())
    })
}

/// Every bar of every stored answer is there once, as it was sent last, and no other bar.
async fn check_bars(product: &Product, ledger: &Ledger, servers: &[Server]) {
    let packed = match product.database {
        Database::Sqlite(_) => "hex(body)",
        Database::Postgres(_) => "encode(body, 'hex')",
    };
    let kept = format!("SELECT CAST(request_id AS text), CAST({packed} AS text) FROM answers");
    let kept: BTreeMap<String, String> = product
        .rows(&kept)
        .await
        .into_iter()
        .map(|row| (row[0].clone(), unpacked(&row[1])))
        .collect();
    let received = "SELECT run_id || ' ' || symbol, CAST(received AS text) FROM run_series \
                    WHERE inserted + changed + unchanged = received";
    let received = product.rows(received).await.into_iter();
    let received: BTreeMap<String, String> = received
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut expected: BTreeMap<Key, Values> = BTreeMap::new();
    for request in ledger
        .requests
        .iter()
        .filter(|request| request.state == "stored")
    {
        let Some((market, query)) = &request.seen else {
            panic!("request {} is stored and was never sent", request.id)
        };
        let body = ask_again(&client, &servers[*market], query).await;
        assert!(
            kept[&request.id] == body,
            "the kept answer {} is not what was sent",
            request.id
        );
        let sent = bars(&request.symbol, &request.interval, &body);
        let series = format!("{} {}", request.run, request.symbol);
        assert_eq!(received[&series], sent.len().to_string(), "{series}");
        expected.extend(sent);
    }
    let stored = stored_bars(product).await;
    let wrong = lost_bars(&expected, &stored);
    let some = &wrong[..wrong.len().min(5)];
    assert!(
        wrong.is_empty(),
        "{} bars are wrong: {some:#?}",
        wrong.len()
    );
    assert!(!stored.is_empty(), "a test without bars proves nothing");
    let inserted = "SELECT CAST(sum(inserted) AS text) FROM run_series";
    assert_eq!(product.text(inserted).await, stored.len().to_string());
}

async fn stored_bars(product: &Product) -> Vec<(Key, Values)> {
    let sql = match product.database {
        Database::Sqlite(_) => {
            "SELECT symbol, interval, CAST(timestamp AS text), date(trading_day * 86400, 'unixepoch'), \
                    CAST(open_price AS text), CAST(high_price AS text), CAST(low_price AS text), \
                    CAST(close_price AS text), CAST(volume AS text) FROM bars WHERE adjusted = 0"
        }
        Database::Postgres(_) => {
            "SELECT CAST(symbol AS text), CAST(interval AS text), \
                    CAST(CAST(extract(epoch FROM timestamp) AS bigint) AS text), CAST(trading_date AS text), \
                    CAST(CAST(open_price * 100000000 AS bigint) AS text), \
                    CAST(CAST(high_price * 100000000 AS bigint) AS text), \
                    CAST(CAST(low_price * 100000000 AS bigint) AS text), \
                    CAST(CAST(close_price * 100000000 AS bigint) AS text), CAST(volume AS text) \
             FROM stock_data WHERE NOT adjusted"
        }
    };
    let rows = product.rows(sql).await.into_iter();
    rows.map(|row| {
        let number = |column: usize| row[column].parse().unwrap();
        let key = (row[0].clone(), row[1].clone(), number(2));
        let values = Values {
            date: row[3].clone(),
            prices: [number(4), number(5), number(6), number(7)],
            volume: number(8),
        };
        (key, values)
    })
    .collect()
}

/// The answer to a query that is in the journal.
async fn ask_again(
    client: &reqwest::Client,
    server: &Server,
    query: &[(String, String)],
) -> String {
    let query = query.iter().map(|(name, value)| match name.as_str() {
        "apikey" => (name.as_str(), CANARY),
        _ => (name.as_str(), value.as_str()),
    });
    let mut url = url::Url::parse(&server.base_url()).unwrap();
    url.query_pairs_mut().extend_pairs(query);
    client.get(url).send().await.unwrap().text().await.unwrap()
}

/// The text of gzip bytes written as hexadecimal digits.
fn unpacked(hex: &str) -> String {
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(!text.contains(CANARY), "a kept answer holds the key");
    text
}

/// The key is in no table, no file of the data folder, and nothing the program ever said.
async fn check_secrets(product: &Product) {
    let holds = |bytes: &[u8], word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    let mut sinks: Vec<(String, Vec<u8>)> = vec![("output".into(), said(product).into_bytes())];
    for path in files(&product.data()) {
        sinks.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    if let Database::Postgres(_) = product.database {
        let tables = "SELECT CAST(table_name AS text) FROM information_schema.tables WHERE table_schema = 'public'";
        let mut dump = String::new();
        for table in product.rows(tables).await.concat() {
            let rows = product
                .rows(&format!("SELECT CAST(t AS text) FROM {table} t"))
                .await;
            dump.push_str(&rows.concat().concat());
        }
        sinks.push(("tables".into(), dump.into_bytes()));
    }
    for (name, bytes) in &sinks {
        assert!(!holds(bytes, CANARY), "{name} holds the key");
    }
    let places = sinks.iter().filter(|(_, bytes)| holds(bytes, "GOOGL"));
    assert!(places.count() >= 2, "the search looks at the wrong places");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// A provider that takes requests and holds them until it is told to go on.
struct Gate {
    listener: TcpListener,
    behind: String,
}

impl Gate {
    async fn before(server: &Server) -> Self {
        let url = url::Url::parse(&server.base_url()).unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            behind: format!("127.0.0.1:{}", url.port().unwrap()),
        }
    }

    fn base_url(&self) -> String {
        format!("http://{}/query", self.listener.local_addr().unwrap())
    }

    /// Waits until a process has sent its request.
    async fn arrival(&self) -> TcpStream {
        let arrived = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            stream
        };
        tokio::time::timeout(PATIENCE, arrived).await.unwrap()
    }

    /// Lets a request through.
    async fn release(&self, mut request: TcpStream) {
        let mut server = TcpStream::connect(&self.behind).await.unwrap();
        tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional(&mut request, &mut server).await;
        });
    }
}

/// The arguments that fetch one series.
fn fetch(symbol: &str) -> Vec<String> {
    ["fetch", "--symbols", symbol].map(str::to_owned).to_vec()
}

async fn a_live_run_is_not_swept(product: Product) {
    let server = market(0).await;
    let gate = Gate::before(&server).await;
    let runs = "SELECT CAST(status AS text) FROM runs ORDER BY id";
    let requests = "SELECT CAST(state AS text) FROM requests ORDER BY id";

    let mut live = start(&product, &gate.base_url(), &fetch("IBM"));
    let held = gate.arrival().await;
    let mut dead = start(&product, &gate.base_url(), &fetch("AAPL"));
    drop(gate.arrival().await);
    dead.kill().unwrap();
    dead.wait().unwrap();
    assert_eq!(product.rows(runs).await.concat(), ["running", "running"]);
    wait_for_a_free_lock(&product).await;

    let mut next = start(&product, &server.base_url(), &fetch("MSFT"));
    assert!(finish(&mut next).await.success(), "{}", said(&product));
    let expected = ["running", "interrupted", "succeeded"];
    assert_eq!(
        product.rows(runs).await.concat(),
        expected,
        "{}",
        said(&product)
    );
    let expected = ["reserved", "in_doubt", "stored"];
    assert_eq!(product.rows(requests).await.concat(), expected);

    gate.release(held).await;
    assert!(finish(&mut live).await.success(), "{}", said(&product));
    let expected = ["succeeded", "interrupted", "succeeded"];
    assert_eq!(product.rows(runs).await.concat(), expected);
    let expected = ["stored", "in_doubt", "stored"];
    assert_eq!(product.rows(requests).await.concat(), expected);
}

/// Waits until PostgreSQL has noticed the death of one of two runs.
async fn wait_for_a_free_lock(product: &Product) {
    if let Database::Postgres(_) = product.database {
        let locks = "SELECT CAST(count(*) AS text) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                     WHERE d.datname = current_database() AND l.locktype = 'advisory'";
        let free = async {
            while product.text(locks).await != "1" {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, free).await.unwrap();
    }
}

/// PostgreSQL may carry out the COMMIT of a dead process after the next start has looked.
async fn a_reservation_after_the_sweep_is_in_doubt(product: Product) {
    let server = market(0).await;
    let gate = Gate::before(&server).await;
    let mut dead = start(&product, &gate.base_url(), &fetch("IBM"));
    drop(gate.arrival().await);
    dead.kill().unwrap();
    dead.wait().unwrap();
    product.settle().await;
    let requests = "SELECT CAST(state AS text) FROM requests ORDER BY id";
    for after in [
        ["in_doubt", "stored"].as_slice(),
        &["in_doubt", "stored", "stored"],
    ] {
        let mut next = start(&product, &server.base_url(), &fetch("MSFT"));
        assert!(finish(&mut next).await.success(), "{}", said(&product));
        assert_eq!(product.rows(requests).await.concat(), after);
        let late = "UPDATE requests SET state = 'reserved' WHERE state = 'in_doubt'";
        product.rows(late).await;
    }
}
