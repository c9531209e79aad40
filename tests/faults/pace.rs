//! Eight processes with one key, killed at random: what the provider sees of their pace.
//!
//! The check never relies on the program: two providers on raw TCP note when each request came.
//! `PACE_KILLS` is the number of kills on each database, `PACE_SEED` repeats the moments of an earlier run.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::peer::{Peer, Step, answer, bars};
use crate::support::process::{finish, said, start_as};
use crate::support::product::Product;
use crate::support::{chance, cluster, rounds};

const WORKERS: usize = 8;
/// The usual source with the plan of 75 a minute, and one with ten requests in any second.
const SYMBOLS: &str = "IBM,AAPL,MSFT,GOOGL,AMZN,NVDA,\
    binance:BTCUSDT,binance:ETHUSDT,binance:SOLUSDT,binance:XRPUSDT,binance:ADAUSDT,binance:DOGEUSDT,\
    binance:DOTUSDT,binance:LTCUSDT,binance:BNBUSDT,binance:TRXUSDT,binance:LINKUSDT,binance:AVAXUSDT";
const GAP: Duration = Duration::from_millis(800);
const A_SECOND: usize = 10;
/// A request is on its way for a while, and the sources' paces leave so much of what providers allow.
const ON_THE_WAY: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn killed_beside_each_other_processes_keep_every_pace_in_sqlite() {
    killed_beside_each_other_processes_keep_every_pace(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_beside_each_other_processes_keep_every_pace_in_postgres() {
    if let Some(product) = Product::postgres() {
        killed_beside_each_other_processes_keep_every_pace(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_day_stops_eight_processes_within_a_second_in_sqlite() {
    a_refused_day_stops_eight_processes_within_a_second(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_day_stops_eight_processes_within_a_second_in_postgres() {
    if let Some(product) = Product::postgres() {
        a_refused_day_stops_eight_processes_within_a_second(product).await;
    }
}

/// Both providers.
struct Providers {
    stocks: Peer,
    pairs: Peer,
}

impl Providers {
    async fn start() -> Self {
        let json = "Content-Type: application/json\r\n";
        Self {
            stocks: Peer::start(move |_, symbol| {
                vec![Step::Send(answer(200, json, &bars(symbol, 3)))]
            })
            .await,
            pairs: Peer::always(vec![Step::Send(answer(200, json, b"[]"))]).await,
        }
    }

    fn worker(&self, product: &Product) -> Child {
        let mut command = product.command(&self.stocks.base_url());
        command
            .env("ALPHA_VANTAGE_PLAN", "75")
            .env(
                "BINANCE_BASE_URL",
                self.pairs.base_url().replace("/query", ""),
            )
            .env("BINANCE_ALLOW_HTTP", "true");
        let arguments = ["fetch", "--symbols", SYMBOLS, "--interval", "5min"];
        start_as(product, command, &arguments.map(str::to_owned))
    }
}

/// When the requests came, in order.
fn arrivals(peer: &Peer) -> Vec<Instant> {
    let mut times: Vec<Instant> = peer.journal().iter().map(|seen| seen.at).collect();
    times.sort();
    times
}

/// The shortest time in which so many requests came, and one more.
fn shortest(times: &[Instant], requests: usize) -> Option<Duration> {
    let spans = times.windows(requests + 1);
    spans.map(|some| some[requests] - some[0]).min()
}

async fn killed_beside_each_other_processes_keep_every_pace(product: Product) {
    let mut rng = chance("PACE_SEED");
    let providers = Providers::start().await;
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| providers.worker(&product)).collect();
    let (mut killed, mut ended) = (0, 0);
    let began = Instant::now();
    let is_enough = |killed| {
        let came = |peer: &Peer, least| peer.journal().len() > least;
        killed >= rounds("PACE_KILLS", 12)
            && came(&providers.stocks, 2)
            && came(&providers.pairs, A_SECOND)
    };
    while !is_enough(killed) {
        assert!(
            killed < 100 || killed < rounds("PACE_KILLS", 12),
            "too few requests in {:?}",
            began.elapsed()
        );
        // This is the fault itself, not a wait for something: it spreads the kills over the runs.
        tokio::time::sleep(Duration::from_millis(rng.u64(0..=400))).await;
        let worker = rng.choice(&mut workers).unwrap();
        worker.kill().unwrap();
        match worker.wait().unwrap() {
            status if status.signal() == Some(9) => killed += 1,
            // Another killed one's answer may be left to store.
            status if status.code().is_some() => ended += 1,
            status => panic!("{status}\n{}", said(&product)),
        }
        *worker = providers.worker(&product);
    }
    for worker in &mut workers {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let (stocks, pairs) = (arrivals(&providers.stocks), arrivals(&providers.pairs));
    let gap = shortest(&stocks, 1).expect("two requests came");
    let second = shortest(&pairs, A_SECOND).expect("more than fit in a second came");
    let minute = shortest(&stocks, 75).unwrap_or(Duration::MAX);
    cluster::notice(&format!(
        "{}: {killed} of {WORKERS} at once killed, {ended} ended; {} and {} requests, starts {gap:?} apart at least, \
         11 in {second:?} at least",
        product.kind(),
        stocks.len(),
        pairs.len(),
    ));
    assert!(gap + ON_THE_WAY >= GAP, "two starts {gap:?} apart");
    assert!(
        second + ON_THE_WAY >= Duration::from_secs(1),
        "{A_SECOND} and one more in {second:?}"
    );
    assert!(
        minute.saturating_add(ON_THE_WAY) >= Duration::from_mins(1),
        "75 and one more in {minute:?}"
    );
}

async fn a_refused_day_stops_eight_processes_within_a_second(product: Product) {
    const SERVED: usize = 4;
    let refusal = "{\"Information\": \"We have detected your API key as CANARY and our standard API rate limit is 25 \
                   requests per day. Please subscribe to any of the premium plans at \
                   https://www.alphavantage.co/premium/ to instantly remove all daily rate limits.\"}";
    let json = "Content-Type: application/json\r\n";
    let stocks = Peer::start(move |number, symbol| {
        let served = bars(symbol, 3);
        let body = if number < SERVED {
            served.as_slice()
        } else {
            refusal.as_bytes()
        };
        vec![Step::Send(answer(200, json, body))]
    })
    .await;
    let started = |plan| {
        let mut command = product.command(&stocks.base_url());
        command.env("ALPHA_VANTAGE_PLAN", plan);
        let symbols = "IBM,AAPL,MSFT,GOOGL,AMZN,NVDA";
        let arguments = ["fetch", "--symbols", symbols, "--interval", "5min"];
        start_as(&product, command, &arguments.map(str::to_owned))
    };
    // They want 48 requests of a key that has fewer than its plan says.
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| started("300")).collect();
    for worker in &mut workers {
        let status = finish(worker).await;
        assert!(
            matches!(status.code(), Some(0 | 1 | 3 | 4)),
            "{status}\n{}",
            said(&product)
        );
    }
    let times = arrivals(&stocks);
    let refused_at = times[SERVED];
    let last = *times.last().unwrap();
    assert!(
        last - refused_at <= Duration::from_secs(1),
        "{:?} after the day was refused",
        last - refused_at
    );
    let before = times.len();
    let mut later = started("300");
    finish(&mut later).await;
    assert_eq!(stocks.journal().len(), before, "nothing is sent any more");
    cluster::notice(&format!(
        "{}: {} requests, the last one {:?} after the refusal",
        product.kind(),
        times.len(),
        last - refused_at
    ));
}
