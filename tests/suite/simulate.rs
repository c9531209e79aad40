//! The simulator from the client's side of HTTP.

mod alpaca;
mod binance;
mod coinbase;
mod dialects;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pipeline_tui::simulate::{Options, Plan, Replay, Server, StartError};
use pipeline_tui::time::Clock;
use reqwest::{Client, Response};

/// Saturday, 2026-05-16 02:00 UTC: Friday's trading ended two hours before.
const NIGHT: &str = "2026-05-16T02:00:00Z";
const INTRADAY: &str = "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&apikey=SECRET1";
const DAILY: &str = "function=TIME_SERIES_DAILY&symbol=IBM&apikey=SECRET1";
/// What has not arrived by then counts as never arriving.
const STANDSTILL: Duration = Duration::from_millis(300);
const FREE_DEMO: &str = "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&apikey=demo";

fn options(plan: Plan) -> Options {
    Options {
        plan,
        clock: Clock::fixed(NIGHT.parse().unwrap()),
        ..Options::default()
    }
}

async fn server(plan: Plan) -> Server {
    Server::start(options(plan)).await.unwrap()
}

async fn faulty(fault: &str) -> Server {
    let server = server(Plan::Unlimited).await;
    server.set_faults(vec![fault.parse().unwrap()]);
    server
}

async fn get(server: &Server, query: &str) -> reqwest::Result<Response> {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let url = format!("{}?{query}", server.base_url());
    client.get(url).send().await
}

async fn text(server: &Server, query: &str) -> String {
    get(server, query).await.unwrap().text().await.unwrap()
}

fn outcomes(server: &Server) -> Vec<String> {
    let journal = server.journal();
    journal.into_iter().map(|entry| entry.outcome).collect()
}

fn fixture(name: &str) -> Option<String> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/fixtures/alpha_vantage"
    );
    let text = fs::read_to_string(PathBuf::from(folder).join(name));
    if text.is_err() {
        // Bypasses the test harness's capture, so that a skipped comparison is seen.
        let line = format!("skipped: {name} is not in {folder}\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    text.ok()
}

/// The keys of a JSON text in order up to the second row, with time labels as `T`, and the text of
/// `1. Information`.
fn outline(json: &str) -> (Vec<String>, String) {
    let mut keys: Vec<String> = Vec::new();
    let mut information = String::new();
    for line in json.lines() {
        let Some((key, value)) = line.trim().split_once("\": ") else {
            continue;
        };
        let key = key.trim_start_matches('"');
        let is_time = key.starts_with("20") && key.get(4..5) == Some("-");
        if is_time && keys.iter().any(|known| known == "T") {
            break;
        }
        if key == "1. Information" {
            value.clone_into(&mut information);
        }
        keys.push(if is_time { "T" } else { key }.to_owned());
    }
    (keys, information)
}

#[tokio::test]
async fn json_and_csv_come_as_the_provider_labels_them() {
    let server = server(Plan::Unlimited).await;
    let json = get(&server, INTRADAY).await.unwrap();
    assert_eq!(json.headers()["content-type"], "application/json");
    assert!(!json.headers().contains_key("content-disposition"));
    let json = json.text().await.unwrap();
    assert!(json.starts_with("{\n    \"Meta Data\": {\n        \"1. Information\": \"Intraday"));
    assert!(json.contains("\"3. Last Refreshed\": \"2026-05-15 19:55:00\""));
    assert!(json.ends_with("\n        }\n    }\n}"));
    assert_eq!(json.matches("\"1. open\"").count(), 100);

    let csv = get(&server, &format!("{INTRADAY}&datatype=csv"))
        .await
        .unwrap();
    assert_eq!(csv.headers()["content-type"], "application/x-download");
    let disposition = "attachment; filename=intraday_5min_IBM.csv";
    assert_eq!(csv.headers()["content-disposition"], disposition);
    let csv = csv.text().await.unwrap();
    assert!(csv.starts_with("timestamp,open,high,low,close,volume\r\n2026-05-15 19:55:00,"));
    assert_eq!(csv.matches("\r\n").count(), 101);
    server.stop().await;
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let server = server(Plan::Unlimited).await;
    let plain = Client::builder().no_proxy().no_gzip().build().unwrap();
    let url = format!("{}?{INTRADAY}", server.base_url());
    let asked = plain.get(&url).header("accept-encoding", "gzip");
    let packed = asked.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    let mut unpacked = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&*packed);
    decoder.read_to_string(&mut unpacked).unwrap();
    let plain = plain.get(&url).send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    assert_eq!(plain.text().await.unwrap(), unpacked);
}

#[tokio::test]
async fn refusals_are_json_in_the_providers_words() {
    let server = server(Plan::Unlimited).await;
    for (query, expected) in [
        (
            "function=TIME_SERIES_DAILY&symbol=IBM",
            "the parameter apikey is invalid or missing.",
        ),
        ("apikey=k", "This API function () does not exist."),
        (
            "function=NOPE&apikey=k",
            "This API function (NOPE) does not exist.",
        ),
        (
            "function=TIME_SERIES_DAILY&symbol=UNKNOWN&apikey=k&datatype=csv",
            "(https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY.",
        ),
        (
            "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2030-01&apikey=k",
            "for TIME_SERIES_INTRADAY.",
        ),
    ] {
        let body = text(&server, query).await;
        assert!(body.starts_with("{\n    \"Error Message\": \""), "{body}");
        assert!(body.contains(expected), "{query}: {body}");
    }
    let expected = [
        "bad-key",
        "no-function",
        "no-function",
        "invalid",
        "invalid",
    ];
    assert_eq!(outcomes(&server), expected);
}

#[tokio::test]
async fn the_free_plan_refuses_what_it_lacks_and_a_second_request_in_a_second() {
    let server = server(Plan::Free).await;
    let premium = text(&server, INTRADAY).await;
    assert!(premium.contains("This is a premium endpoint."), "{premium}");
    let burst = text(&server, DAILY).await;
    assert!(burst.contains("(1 request per second)"), "{burst}");
    let other = "function=TIME_SERIES_DAILY&symbol=IBM&apikey=K2";
    assert!(text(&server, other).await.contains("Time Series (Daily)"));
    let full = "function=TIME_SERIES_DAILY&symbol=IBM&outputsize=full&apikey=K3";
    let full = text(&server, full).await;
    assert!(full.contains("outputsize=full parameter value is a premium feature"));
    let expected = ["premium", "burst", "data", "premium-full"];
    assert_eq!(outcomes(&server), expected);
}

#[tokio::test]
async fn the_premium_plan_refuses_the_sixth_request_in_a_second() {
    let server = server(Plan::Premium).await;
    let mut bodies = Vec::new();
    // Weekly history of an unknown symbol costs nothing to compute, so all six fit in a second.
    let query = "function=TIME_SERIES_WEEKLY&symbol=UNKNOWN&apikey=k";
    let client = Client::builder().no_proxy().build().unwrap();
    for _ in 0..6 {
        let url = format!("{}?{query}", server.base_url());
        let answer = client.get(url).send().await.unwrap();
        bodies.push(answer.text().await.unwrap());
    }
    assert!(bodies[4].contains("Invalid API call"));
    assert!(bodies[5].contains("no more than 5 requests per second"));
    assert_eq!(outcomes(&server).last().unwrap(), "burst");
}

#[tokio::test]
async fn the_demo_key_answers_documented_requests_on_every_plan() {
    for plan in [Plan::Demo, Plan::Free, Plan::Premium, Plan::Unlimited] {
        let server = server(plan).await;
        for _ in 0..2 {
            assert!(
                text(&server, FREE_DEMO)
                    .await
                    .contains("Time Series (5min)")
            );
        }
        let other = FREE_DEMO.replace("IBM", "AAPL");
        let refused = text(&server, &other).await;
        assert!(refused.contains("The **demo** API key is for demo purposes only."));
        assert_eq!(outcomes(&server), ["data", "data", "demo-key"]);
    }
    let server = server(Plan::Demo).await;
    assert!(text(&server, INTRADAY).await.contains("**demo**"));
}

#[tokio::test]
async fn symbols_are_served_on_every_plan_counted_and_written_down() {
    let free = server(Plan::Free).await;
    let listing = "function=LISTING_STATUS&apikey=SECRET1";
    let csv = get(&free, listing).await.unwrap();
    assert_eq!(csv.headers()["content-type"], "application/x-download");
    let csv = csv.text().await.unwrap();
    assert!(csv.starts_with("symbol,name,exchange,assetType,ipoDate,delistingDate,status\r\n"));
    assert_eq!(csv.lines().count(), 13_401);
    let search = "function=SYMBOL_SEARCH&keywords=microsoft&apikey=SECRET1";
    assert!(text(&free, search).await.contains("1 request per second"));
    let other = text(&free, &search.replace("SECRET1", "SECRET2")).await;
    assert!(other.contains("\"1. symbol\": \"MSFT\""), "{other}");
    assert_eq!(outcomes(&free), ["data", "burst", "data"]);

    let demo = server(Plan::Demo).await;
    let tesco = "function=SYMBOL_SEARCH&keywords=tesco&apikey=demo";
    assert!(text(&demo, tesco).await.contains("TSCO.LON"));
    text(&demo, &tesco.replace("tesco", "apple")).await;
    text(&demo, &listing.replace("SECRET1", "demo")).await;
    assert_eq!(outcomes(&demo), ["data", "demo-key", "data"]);
    let empty = faulty("no-rows").await;
    assert_eq!(text(&empty, tesco).await, "{\n    \"bestMatches\": []\n}");
}

#[tokio::test]
async fn a_fault_meets_the_requests_it_names() {
    let server = faulty("burst@2").await;
    for expected in [false, true, false] {
        let refused = text(&server, DAILY)
            .await
            .contains("(1 request per second)");
        assert_eq!(refused, expected);
    }
    server.set_faults(vec!["day".parse().unwrap()]);
    let day = text(&server, DAILY).await;
    assert!(day.contains("We have detected your API key as SECRET1 and our standard"));
    assert_eq!(
        outcomes(&server),
        ["data", "fault:burst", "data", "fault:day"]
    );
}

#[tokio::test]
async fn answers_can_be_something_else() {
    for (fault, status, content) in [
        ("status:503", 503, "herokucdn"),
        ("status:429", 429, "html"),
        ("html", 200, "<html>"),
        ("forbidden", 403, "Just a moment"),
        ("redirect:http://127.0.0.1:9/x", 302, ""),
        (
            "artificial",
            200,
            "THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL",
        ),
        ("empty", 200, "{}"),
        ("no-rows", 200, "\"Time Series (5min)\": {}"),
        ("wrong-symbol", 200, "\"2. Symbol\": \"WRONG\""),
        ("wrong-interval", 200, "\"4. Interval\": \"15min\""),
        ("unknown-text", 200, "stars"),
        ("escape", 200, "\\u001b[2J"),
        ("bad-row", 200, "2026-02-30"),
        ("slow:1", 200, "Meta Data"),
        ("drip:1000000", 200, "Meta Data"),
    ] {
        let server = faulty(fault).await;
        let answer = get(&server, INTRADAY).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        let body = answer.text().await.unwrap();
        assert!(body.contains(content), "{fault}: {body:.300}");
    }
}

#[tokio::test]
async fn a_cut_answer_promises_more_than_it_brings() {
    for bytes in [0, 100] {
        let server = faulty(&format!("cut:{bytes}")).await;
        let mut answer = get(&server, INTRADAY).await.unwrap();
        assert!(answer.content_length().unwrap() > 10_000);
        let mut received = 0;
        let error = loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => received += chunk.len(),
                Ok(None) => panic!("the answer ended well"),
                Err(error) => break error,
            }
        };
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        assert_eq!(received, bytes);
    }
}

#[tokio::test]
async fn a_truncated_answer_is_complete_as_http() {
    let server = faulty("truncate:100").await;
    assert_eq!(text(&server, INTRADAY).await.len(), 100);
    assert_eq!(server.journal()[0].bytes, 100);
}

#[tokio::test]
async fn connections_can_be_reset_stall_or_stay_silent() {
    let server = faulty("reset").await;
    let error = get(&server, INTRADAY).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");

    let server = faulty("stall").await;
    let mut stalled = get(&server, INTRADAY).await.unwrap();
    assert_eq!(stalled.status(), 200);
    let rest = async { while stalled.chunk().await.unwrap().is_some() {} };
    assert!(tokio::time::timeout(STANDSTILL, rest).await.is_err());

    let server = faulty("silent").await;
    let answer = get(&server, INTRADAY);
    assert!(tokio::time::timeout(STANDSTILL, answer).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_bomb_is_small_on_the_wire_and_large_after() {
    let server = faulty("bomb:8").await;
    let answer = get(&server, INTRADAY).await.unwrap();
    let packed = answer.bytes().await.unwrap();
    assert!(packed.len() < 32 * 1024, "{}", packed.len());
    let mut decoded = flate2::read::GzDecoder::new(packed.as_ref());
    let bytes = std::io::copy(&mut decoded, &mut std::io::sink()).unwrap();
    assert_eq!(bytes, 8 << 20);
}

#[tokio::test]
async fn a_recording_is_replayed_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "timestamp,open\r\n1,2\r\n";
    fs::write(folder.path().join("a.csv"), csv).unwrap();
    let index = "[[answer]]\nfile = \"a.csv\"\nfunction = \"TIME_SERIES_DAILY\"\n\
                 symbol = \"IBM\"\ndatatype = \"csv\"\n";
    fs::write(folder.path().join("index.toml"), index).unwrap();
    for path in [folder.path().join("a.csv"), folder.path().to_owned()] {
        let replay = Some(Replay::open(&path).unwrap());
        let options = Options {
            replay,
            ..options(Plan::Free)
        };
        let server = Server::start(options).await.unwrap();
        for _ in 0..2 {
            let answer = get(&server, &format!("{DAILY}&datatype=csv")).await;
            let answer = answer.unwrap();
            assert_eq!(answer.headers()["content-type"], "application/x-download");
            assert_eq!(answer.text().await.unwrap(), csv);
        }
        let other = text(&server, INTRADAY).await;
        assert_eq!(other == csv, path.is_file());
        assert_eq!(other.contains("Invalid API call"), path.is_dir());
    }
}

#[tokio::test]
async fn the_journal_holds_every_request_and_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(Options {
        journal: Some(path.clone()),
        faults: vec!["empty@2".parse().unwrap()],
        ..options(Plan::Unlimited)
    })
    .await
    .unwrap();
    let url = format!("{}?{INTRADAY}", server.base_url());
    let client = Client::builder().no_proxy().build().unwrap();
    let asked = client.get(url).header("X-Request-Id", "r-1");
    let body = asked.send().await.unwrap().text().await.unwrap();
    let lines = || fs::read_to_string(&path).unwrap();
    assert_eq!(lines().lines().count(), 1);
    text(&server, DAILY).await;
    let journal = server.journal();
    assert_eq!(journal[0].request_id.as_deref(), Some("r-1"));
    assert_eq!(journal[0].at.to_rfc3339(), "2026-05-16T02:00:00+00:00");
    assert_eq!(journal[0].bytes, u64::try_from(body.len()).unwrap());
    let names: Vec<_> = journal[0]
        .query
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["function", "symbol", "interval", "apikey"]);
    assert_eq!(journal[0].query[3], journal[1].query[2]);
    assert_eq!(
        (journal[1].outcome.as_str(), journal[1].bytes),
        ("fault:empty", 2)
    );
    assert!(!lines().contains("SECRET1"));
    let second: serde_json::Value = serde_json::from_str(lines().lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["outcome"], "fault:empty");
}

#[tokio::test]
async fn nonsense_ends_only_its_own_connection() {
    let server = server(Plan::Unlimited).await;
    let address: SocketAddr = server
        .base_url()
        .trim_start_matches("http://")
        .trim_end_matches("/query")
        .parse()
        .unwrap();
    for nonsense in [&b"\x16\x03\x01\x00\xff"[..], b"GET\r\n\r\n", b"GET /query"] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(nonsense).unwrap();
    }
    let other = server.base_url().replace("/query", "/other");
    assert_eq!(reqwest::get(other).await.unwrap().status(), 404);
    let posted = Client::new().post(server.base_url()).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    assert!(
        text(&server, "%ff=%&symbol=%00&apikey=a")
            .await
            .contains("does not exist")
    );
    let long = format!("{}?symbol={}", server.base_url(), "A".repeat(9_000));
    assert_eq!(reqwest::get(long).await.unwrap().status(), 414);
    assert!(text(&server, DAILY).await.contains("Meta Data"));
}

#[tokio::test]
async fn a_taken_port_says_what_to_do_and_stopping_frees_it() {
    let first = server(Plan::Free).await;
    let address = first.base_url();
    let address = address
        .trim_start_matches("http://")
        .trim_end_matches("/query");
    let again = || Options {
        listen: address.parse().unwrap(),
        ..options(Plan::Free)
    };
    let error = Server::start(again()).await.unwrap_err();
    assert!(matches!(error, StartError::Taken(_)));
    let advice =
        format!("{address} is in use; choose another with --listen, or port 0 for a free one");
    assert_eq!(error.to_string(), advice);
    let url = first.base_url();
    first.stop().await;
    assert!(reqwest::get(url).await.unwrap_err().is_connect());
    let everywhere = Server::start(Options {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..options(Plan::Free)
    });
    let everywhere = everywhere.await.unwrap();
    assert!(text(&everywhere, DAILY).await.contains("Meta Data"));
}

#[tokio::test]
async fn json_has_the_keys_of_the_recordings() {
    let server = server(Plan::Unlimited).await;
    for (name, query) in [
        ("intraday_5min_IBM_compact_2025-07-11.json", INTRADAY),
        ("daily_IBM_compact_2023-10-27.json", DAILY),
        (
            "daily_adjusted_AAPL_compact_2021-02-05.json",
            "function=TIME_SERIES_DAILY_ADJUSTED&symbol=AAPL&apikey=k",
        ),
        (
            "monthly_MSFT_2018-06-08.json",
            "function=TIME_SERIES_MONTHLY&symbol=MSFT&apikey=k",
        ),
        (
            "weekly_adjusted_TSLA_2021-04-23.json",
            "function=TIME_SERIES_WEEKLY_ADJUSTED&symbol=TSLA&apikey=k",
        ),
    ] {
        if let Some(recorded) = fixture(name) {
            assert_eq!(
                outline(&text(&server, query).await),
                outline(&recorded),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn csv_and_refusals_are_those_of_the_recordings() {
    let server = server(Plan::Unlimited).await;
    for (name, query) in [
        ("intraday_5min_IBM_compact_2024-01-16.csv", INTRADAY),
        ("daily_IBM_compact_2026-05-15.csv", DAILY),
        (
            "daily_adjusted_IBM_compact_2026-05-15.csv",
            "function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM&apikey=k",
        ),
    ] {
        if let Some(recorded) = fixture(name) {
            let body = text(&server, &format!("{query}&datatype=csv")).await;
            assert_eq!(body.lines().next(), recorded.lines().next(), "{name}");
            assert_eq!(body.lines().count(), recorded.lines().count(), "{name}");
        }
    }
    for (name, query) in [
        (
            "error_invalid_call_csv-request_2021-01.csv",
            "function=TIME_SERIES_DAILY&symbol=NOSUCH&apikey=k&datatype=csv",
        ),
        (
            "error_apikey_missing_csv-request_2023-06.csv",
            "function=TIME_SERIES_DAILY&symbol=IBM&datatype=csv",
        ),
    ] {
        if let Some(recorded) = fixture(name) {
            assert_eq!(text(&server, query).await, recorded.trim_end(), "{name}");
        }
    }
}
