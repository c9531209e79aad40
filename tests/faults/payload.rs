//! Flawed answers, over HTTP into the real program: old bars stay as they were, nothing is
//! partly stored, and the program says what is wrong.
//!
//! One run fetches many symbols, and each gets its own answer. What is stored is read with the
//! databases' own clients.

mod bodies;
mod cuts;

use std::fmt::Write as _;
use std::path::Path;

use pipeline_tui::simulate::{Options, Replay, Server};
use serde_json::Value;

use self::bodies::{document, table};
use crate::support::program::Desk;

/// Symbols of one run with the answers they get.
type Answers = Vec<(String, Vec<u8>)>;

/// A provider that answers each symbol with these bytes.
async fn provider(answers: &Answers, function: &str, datatype: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut index = String::new();
    for (number, (symbol, body)) in answers.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), body).unwrap();
        let _ = writeln!(
            index,
            "[[answer]]\nfile = \"{number}\"\nfunction = \"{function}\"\nsymbol = \"{symbol}\"\ndatatype = \"{datatype}\""
        );
    }
    std::fs::write(folder.path().join("index.toml"), index).unwrap();
    replaying(folder.path()).await
}

async fn replaying(path: &Path) -> Server {
    let replay = Some(Replay::open(path).unwrap());
    let options = Options {
        replay,
        ..Options::default()
    };
    Server::start(options).await.unwrap()
}

/// Fetches all of them in one run and returns the outcome of each, in order.
async fn fetch(desk: Desk, answers: &Answers, datatype: &str) -> (Desk, Vec<Value>) {
    let server = provider(answers, "TIME_SERIES_DAILY", datatype).await;
    let desk = desk.asking(&server);
    let symbols: Vec<&str> = answers.iter().map(|(symbol, _)| symbol.as_str()).collect();
    let symbols = symbols.join(",");
    let (_, document) = tokio::task::block_in_place(|| {
        desk.fetch(&[
            "--symbols",
            &symbols,
            "--interval",
            "daily",
            "--datatype",
            datatype,
        ])
    });
    let series = document["series"].as_array().unwrap().clone();
    let answered: Vec<&str> = series
        .iter()
        .map(|series| series["symbol"].as_str().unwrap())
        .collect();
    assert_eq!(answered.join(","), symbols);
    for series in &series {
        assert_eq!(series["requests"], 1, "{series}");
    }
    (desk, series)
}

/// Every stored bar, one line each.
fn stored(desk: &Desk) -> Vec<String> {
    desk.sql(
        "SELECT symbol, timestamp, open_price, high_price, low_price, close_price, volume \
         FROM stock_data ORDER BY symbol, timestamp",
    )
}

fn rejected(desk: &Desk, symbol: &str) -> Vec<String> {
    let sql =
        format!("SELECT label, reason FROM rejected_rows WHERE symbol = '{symbol}' ORDER BY id");
    desk.sql(&sql)
}

/// Answers that are refused whole, each with its class; `SELF` stands for the requested symbol.
fn refused_whole() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let whole = document("SELF", &bodies::rows(0..2, 0));
    let but = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replace(from, to).into_bytes()
    };
    let latin1 = but("the exchange", "caf#")
        .into_iter()
        .map(|b| if b == b'#' { 0xe9 } else { b });
    let keys: Vec<String> = (0..300_000).map(|key| format!("\"{key}\":0")).collect();
    vec![
        ("EMPTY", "malformed", vec![]),
        ("SPACE", "malformed", b" \r\n".to_vec()),
        ("NULL", "malformed", b"null".to_vec()),
        ("LIST", "malformed", b"[]".to_vec()),
        ("NUMBER", "malformed", b"7".to_vec()),
        ("UTF16", "malformed", utf16),
        ("LATIN1", "malformed", latin1.collect()),
        ("TABLE", "malformed", table(3).into_bytes()),
        ("OBJECT", "no_data", b"{}".to_vec()),
        ("NOROWS", "no_data", document("SELF", "").into_bytes()),
        (
            "NOSERIES",
            "malformed",
            but("Time Series (Daily)", "Global Quote"),
        ),
        (
            "TWO",
            "malformed",
            [whole.as_bytes(), whole.as_bytes()].concat(),
        ),
        ("OTHER", "malformed", but("SELF", "MSFT")),
        (
            "WEEKLY",
            "malformed",
            but("Time Series (Daily)", "Weekly Time Series"),
        ),
        ("NAMELESS", "malformed", but("2. Symbol", "2. Name")),
        ("ZONELESS", "malformed", but("5. Time Zone", "5. Zone")),
        (
            "MARS",
            "malformed",
            but("US/Eastern", "Mars/\\u001b[2J\\u202eOlympus"),
        ),
        (
            "DEEP",
            "malformed",
            format!("{{\"a\": {}", "[".repeat(200)).into_bytes(),
        ),
        (
            "WIDE",
            "malformed",
            but(
                "\"Meta Data\": ",
                &format!("{}, \"Meta Data\": ", keys.join(",")),
            )
            .into_iter()
            .chain(*b"}")
            .collect(),
        ),
        ("LONE", "malformed", but("the exchange", "\\ud800")),
        (
            "MOSTLYBAD",
            "malformed",
            document("SELF", &bodies::rows(0..30, 16)).into_bytes(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_whole_leaves_every_old_bar_as_it_was() {
    let flawed = refused_whole();
    for desk in Desk::on_each_database() {
        let old: Answers = flawed
            .iter()
            .map(|(symbol, _, _)| {
                let rows = bodies::rows(10..12, 0);
                ((*symbol).to_owned(), document(symbol, &rows).into_bytes())
            })
            .collect();
        let (desk, series) = fetch(desk, &old, "json").await;
        assert!(
            series.iter().all(|series| series["inserted"] == 2),
            "{series:?}"
        );
        let before = stored(&desk);
        assert_eq!(before.len(), flawed.len() * 2);

        let answers: Answers = flawed
            .iter()
            .map(|(symbol, _, body)| ((*symbol).to_owned(), bodies::named(body, symbol)))
            .collect();
        let (desk, series) = fetch(desk, &answers, "json").await;
        for ((symbol, class, _), series) in flawed.iter().zip(&series) {
            assert_eq!(series["error"]["class"], *class, "{symbol}: {series}");
            let said = series["error"]["message"].as_str().unwrap();
            assert!(said.chars().count() <= 700, "{symbol}: {said}");
            assert!(
                !said.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{symbol}: {said}"
            );
        }
        let said = |symbol: &str| {
            let at = flawed.iter().position(|(known, _, _)| *known == symbol);
            series[at.unwrap()]["error"]["message"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert!(
            said("OTHER").contains("the answer is for MSFT, not OTHER"),
            "{}",
            said("OTHER")
        );
        assert!(
            said("MOSTLYBAD").contains("16 of 30 rows cannot be used"),
            "{}",
            said("MOSTLYBAD")
        );
        assert_eq!(stored(&desk), before);
        assert_eq!(desk.sql("SELECT count(*) FROM rejected_rows"), ["0"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_kept_apart_and_the_others_are_stored() {
    let flaws = bodies::flaws();
    let flawed = |at: usize| format!("X{at}");
    let answers: Answers = flaws
        .iter()
        .enumerate()
        .map(|(at, flaw)| {
            let (newer, older) = (bodies::rows(0..50, 0), bodies::rows(51..100, 0));
            let rows = [newer, flaw.row(), older].join(", ");
            (flawed(at), document(&flawed(at), &rows).into_bytes())
        })
        .collect();
    for desk in Desk::on_each_database() {
        let (desk, series) = fetch(desk, &answers, "json").await;
        for (at, (flaw, series)) in flaws.iter().zip(&series).enumerate() {
            let counts = ["received", "inserted", "rejected"].map(|name| &series[name]);
            assert_eq!(counts, [100, 99, 1], "{flaw:?}: {series}");
            assert_eq!(series["status"], "succeeded", "{flaw:?}");
            assert_eq!(
                rejected(&desk, &flawed(at)),
                [format!("{}|{}", flaw.label, flaw.reason)]
            );
        }
        assert_eq!(stored(&desk).len(), flaws.len() * 99);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_that_comes_twice_is_stored_once_and_the_last_wins() {
    let (first, last) = (
        bodies::row("2026-05-15", "\"1\"", "\"1\""),
        bodies::row("2026-05-15", "\"1\"", "\"2\""),
    );
    let unsorted = [bodies::rows(40..80, 0), first, bodies::rows(1..40, 0), last].join(", ");
    let answers = vec![("IBM".to_owned(), document("IBM", &unsorted).into_bytes())];
    for desk in Desk::on_each_database() {
        let (desk, series) = fetch(desk, &answers, "json").await;
        let counts = ["received", "inserted", "rejected"].map(|name| &series[0][name]);
        assert_eq!(counts, [81, 80, 1], "{}", series[0]);
        assert_eq!(rejected(&desk, "IBM"), ["2026-05-15|duplicate instant"]);
        let newest = desk.sql("SELECT volume FROM stock_data ORDER BY timestamp DESC LIMIT 1");
        assert_eq!(newest, ["2"]);
        let (_, again) = fetch(desk, &answers, "json").await;
        assert_eq!(again[0]["unchanged"], 80, "{}", again[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_shrinks_deletes_nothing() {
    let answer = |rows: String| vec![("IBM".to_owned(), document("IBM", &rows).into_bytes())];
    for desk in Desk::on_each_database() {
        let (desk, _) = fetch(desk, &answer(bodies::rows(0..100, 0)), "json").await;
        let before = stored(&desk);
        let (desk, series) = fetch(desk, &answer(bodies::rows(0..3, 0)), "json").await;
        let counts = ["received", "inserted", "changed", "unchanged"].map(|name| &series[0][name]);
        assert_eq!(counts, [3, 0, 0, 3], "{}", series[0]);
        assert_eq!((stored(&desk), before.len()), (before, 100));
    }
}
