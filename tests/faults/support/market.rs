//! Providers whose answers can be requested again, and what a store filled by them must hold.

use std::collections::BTreeMap;
use std::io::Read as _;

use fastrand::Rng;
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use super::ledger::Ledger;
use super::oracle::{Key, Values, bars, lost_bars};
use super::process::{finish, said, start};
use super::product::{CANARY, Database, Product};

/// Saturday, 2026-05-16 02:00 UTC: every bar of Friday is final.
const NIGHT: &str = "2026-05-16T02:00:00Z";
pub const SYMBOLS: [&str; 12] = [
    "IBM", "AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "ORCL", "INTC", "CSCO", "QCOM", "TXN", "AMD",
];
const INTERVALS: [&str; 5] = ["5min", "15min", "1min", "30min", "60min"];
/// Two markets have different prices for the same bars, so that a later round changes what an earlier one stored.
pub const MARKETS: usize = 2;

/// The provider of a round; rounds take the markets in turn.
pub async fn market(round: usize) -> Server {
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
pub fn wish(round: usize, rng: &mut Rng) -> Vec<String> {
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

/// The arguments that fetch the newest bars of series at their default interval.
pub fn fetch(symbols: &str) -> Vec<String> {
    ["fetch", "--symbols", symbols, "--outputsize", "compact"]
        .map(str::to_owned)
        .to_vec()
}

/// A last run, which cleans up after the dead, and then every check, for runs that all used the first
/// market. Returns the ledger.
pub async fn last_run(
    product: &Product,
    mut providers: Vec<Server>,
    killed: usize,
    ended: usize,
) -> Ledger {
    let last = market(0).await;
    let mut run = start(product, &last.base_url(), &fetch("IBM"));
    assert!(finish(&mut run).await.success(), "{}", said(product));
    providers.push(last);
    let ledger = Ledger::read(product, &providers, 1).await;
    ledger.check_requests();
    ledger.check_runs(product, killed, ended + 1).await;
    check_bars(product, &ledger, &providers).await;
    ledger
}

/// Every bar of every stored answer is there once, as it was sent last, and no other bar.
pub async fn check_bars(product: &Product, ledger: &Ledger, servers: &[Server]) {
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

/// The stored bars in their order, read without the product.
pub async fn stored_bars(product: &Product) -> Vec<(Key, Values)> {
    let sql = match product.database {
        Database::Sqlite(_) => {
            "SELECT symbol, interval, CAST(unixepoch(timestamp) AS text), date(trading_day * 86400, 'unixepoch'), \
                    CAST(open_price AS text), CAST(high_price AS text), CAST(low_price AS text), \
                    CAST(close_price AS text), CAST(volume AS text) \
             FROM bars JOIN series_totals s ON s.id = series_id WHERE adjusted = 0"
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
    let bars = rows.map(|row| {
        let number = |column: usize| row[column].parse().unwrap();
        let key = (row[0].clone(), row[1].clone(), number(2));
        let values = Values {
            date: row[3].clone(),
            prices: [number(4), number(5), number(6), number(7)],
            volume: number(8),
        };
        (key, values)
    });
    let mut bars: Vec<(Key, Values)> = bars.collect();
    bars.sort_by(|(one, _), (other, _)| one.cmp(other));
    bars
}

/// The answer to a query from the journal.
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
