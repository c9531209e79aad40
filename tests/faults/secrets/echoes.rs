//! A provider that quotes the key wherever it can, in every spelling: none of it is stored or shown.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pipeline_tui::config::Secret;
use pipeline_tui::model::{Answer, Interval, SeriesKey};
use pipeline_tui::pipeline::source::{Source as _, Wish};
use pipeline_tui::pipeline::sources::alpha_vantage::AlphaVantage;
use pipeline_tui::time::Clock;
use serde_json::json;

use super::{Sinks, talkative};
use crate::support::canary::{KEY, KEY_ID, KEY_SECRET, assert_no_secret};
use crate::support::cluster;
use crate::support::program::{Desk, provider, signal};

/// The whole answer, head and body, to a request.
type Reply = Box<dyn Fn() -> Vec<u8> + Send>;

fn whole(head: &str, body: &str) -> Reply {
    let text = format!(
        "HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    Box::new(move || text.clone().into_bytes())
}

fn refusal(text: &str) -> Reply {
    whole(
        "Content-Type: application/json\r\n",
        &json!({ "Information": text }).to_string(),
    )
}

/// Answers each connection with the reply whose turn it is.
fn echoing(replies: Vec<Reply>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/query", listener.local_addr().unwrap());
    let turn = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&turn);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            read_head(&mut connection);
            let reply = &replies[theirs.load(Ordering::SeqCst)];
            connection.write_all(&reply()).unwrap();
        }
    });
    (url, turn)
}

fn read_head(connection: &mut TcpStream) {
    let (mut head, mut byte) = (vec![], [0]);
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(
            connection.read(&mut byte).unwrap(),
            1,
            "a request has an end"
        );
        head.push(byte[0]);
    }
}

/// Every character as JSON may write it: `\u` and four digits.
fn all_escaped(text: &str) -> String {
    text.encode_utf16()
        .fold(String::new(), |mut escaped, unit| {
            let _ = write!(escaped, "\\u{unit:04x}");
            escaped
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_provider_quotes_is_neither_kept_nor_shown() {
    // An unknown refusal would be retried; this one never is.
    let invalid = |quoted: &str| format!("Invalid API call {quoted} for TIME_SERIES_DAILY.");
    let ascii: String = serde_json::to_string(KEY)
        .unwrap()
        .trim_matches('"')
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                all_escaped(&c.to_string())
            }
        })
        .collect();
    let raw = |body: String| whole("Content-Type: application/json\r\n", &body);
    let notice = |quoted: &str| {
        raw(format!(
            "{{\"Error Message\": \"Invalid API call {quoted} again.\"}}"
        ))
    };
    let replies: Vec<(String, Reply)> = vec![
        ("as JSON does".into(), refusal(&invalid(KEY))),
        ("as ASCII JSON".into(), notice(&ascii)),
        ("as escapes alone".into(), notice(&all_escaped(KEY))),
        ("with \\/".into(), notice(&ascii.replace('/', "\\/"))),
        ("as a URL".into(), refusal(&invalid(&super::encoded(KEY)))),
        (
            "as a form".into(),
            refusal(&invalid(
                &url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect::<String>(),
            )),
        ),
        (
            "in its type".into(),
            whole(
                &format!("Content-Type: application/json; key={KEY}\r\n"),
                "{}",
            ),
        ),
        (
            "as a field of the answer".into(),
            raw(json!({ KEY: KEY }).to_string()),
        ),
        ("as a price".into(), raw(bars(KEY, "1.0"))),
        ("as a date".into(), raw(bars("1.0", KEY))),
        (
            "as plain text".into(),
            whole("Content-Type: text/plain\r\n", &invalid(KEY)),
        ),
    ];
    let ways: Vec<String> = replies.iter().map(|(way, _)| way.clone()).collect();
    let (url, turn) = echoing(replies.into_iter().map(|(_, reply)| reply).collect());
    let server = provider(pipeline_tui::simulate::Plan::Unlimited, &[]).await;
    let desk = talkative(&server).with("ALPHA_VANTAGE_BASE_URL", &url);
    let mut sinks = Sinks::default();
    for (number, way) in ways.iter().enumerate() {
        turn.store(number, Ordering::SeqCst);
        let done = desk.run(&["fetch", "--symbols", "IBM", "--interval", "daily", "-vv"]);
        sinks.said(way, &done);
        sinks.said("runs", &desk.run(&["runs", "--format", "json"]));
        sinks.files(&desk);
        sinks.answers(&desk);
    }
    let asked: usize = desk.sql("SELECT count(*) FROM requests")[0]
        .parse()
        .unwrap();
    assert_eq!(asked, ways.len());
}

/// A provider that is sent two values quotes each of them.
#[tokio::test(flavor = "multi_thread")]
async fn neither_value_of_a_key_that_the_provider_quotes_is_kept_or_shown() {
    let json = |body: String| whole("Content-Type: application/json\r\n", &body);
    let mut replies = vec![];
    for value in [KEY_ID, KEY_SECRET] {
        let escaped = serde_json::to_string(value).unwrap();
        let escaped = escaped.trim_matches('"');
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        for spelled in [
            escaped.to_owned(),
            escaped.replace('/', "\\/"),
            all_escaped(value),
            super::encoded(value),
            form,
        ] {
            replies.push(json(format!(
                r#"{{"message": "invalid symbol: {spelled}"}}"#
            )));
            replies.push(json(format!(
                r#"{{"bars": {{"{spelled}": []}}, "next_page_token": "{spelled}"}}"#
            )));
        }
        let bar = |time: &str| json!({ "t": time, "o": 1, "h": 1, "l": 1, "c": 1, "v": 1 });
        let bars = json!({ "IBM": [bar("2026-05-14T04:00:00Z"), bar(value)] });
        replies.push(json(json!({ "bars": bars }).to_string()));
        let page = format!("<html><pre>apca-api-key-id: {value}</pre></html>");
        replies.push(whole("Content-Type: text/html\r\n", &page));
        let kind = format!("Content-Type: application/json; key={value}\r\n");
        replies.push(whole(&kind, "{}"));
    }
    let ways = replies.len();
    let (url, turn) = echoing(replies);
    let server = provider(pipeline_tui::simulate::Plan::Unlimited, &[]).await;
    let desk = talkative(&server).with("ALPACA_BASE_URL", &url);
    let words = "fetch --symbols alpaca:IBM --interval daily --month 2026-05 -vv";
    let words: Vec<&str> = words.split(' ').collect();
    let mut sinks = Sinks::default();
    for number in 0..ways {
        turn.store(number, Ordering::SeqCst);
        sinks.said("fetch", &desk.run(&words));
        sinks.said("runs", &desk.run(&["runs", "--format", "json"]));
        sinks.files(&desk);
        sinks.answers(&desk);
    }
    let asked: usize = desk.sql("SELECT count(*) FROM requests")[0]
        .parse()
        .unwrap();
    assert!(asked >= ways, "{asked} requests for {ways} answers");
}

/// A daily answer with one good bar and nineteen more, so that one bad row does not spoil the answer.
fn bars(price: &str, bad_date: &str) -> String {
    let mut series = serde_json::Map::new();
    let bar = |close: &str| json!({ "1. open": "1.0", "2. high": "1.0", "3. low": "1.0", "4. close": close, "5. volume": "1" });
    for day in 1..=20 {
        series.insert(format!("2024-02-{day:02}"), bar("1.0"));
    }
    series.insert(
        if bad_date == "1.0" {
            "2024-02-21"
        } else {
            bad_date
        }
        .to_owned(),
        bar(price),
    );
    json!({
        "Meta Data": {
            "1. Information": "Daily Prices (open, high, low, close) and Volumes",
            "2. Symbol": "IBM",
            "3. Last Refreshed": "2024-02-21",
            "4. Output Size": "Compact",
            "5. Time Zone": "US/Eastern"
        },
        "Time Series (Daily)": series
    })
    .to_string()
}

/// If a message is cut at this many characters, no half of a key may remain.
#[test]
fn a_quoted_key_is_masked_before_the_text_around_it_is_cut() {
    let key = Secret::new(KEY);
    let nowhere = "http://127.0.0.1:9/query".parse().unwrap();
    let source = AlphaVantage::new(nowhere, key, false, Clock::system()).unwrap();
    let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
    let ask = source.plan(&[Wish::newest(series)]).requests.remove(0);
    let mut masked = 0;
    for before in 0..600 {
        // Spelled so that a search through the whole answer does not find it.
        let padding = "x ".repeat(before / 2);
        let body = format!("{{\"Information\": \"{padding}{}\"}}", all_escaped(KEY));
        let answer = Answer {
            status: 200,
            content_type: None,
            body: body.into(),
            received_at: Clock::system().now(),
            elapsed_ms: 1,
            stated: None,
        };
        let refusal = source.read(&ask, &answer).unwrap_err();
        assert_no_secret("a refusal", format!("{refusal:?}").as_bytes());
        masked += usize::from(format!("{refusal:?}").contains("***"));
    }
    assert!(masked > 500, "{masked}");
}

/// An answer that waits on disk for its store is without the key that it quotes.
#[test]
fn an_answer_that_outlasts_its_database_holds_no_key() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let (place, name) = url.rsplit_once('/').unwrap();
    let [gone, elsewhere] = [name.to_owned(), format!("{place}/postgres")];
    let answer = refusal(&format!(
        "We have detected your API key as {KEY} and so on."
    ));
    let cut_off: Reply = Box::new(move || {
        let sql = format!(
            "ALTER DATABASE {gone} WITH ALLOW_CONNECTIONS false; \
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{gone}'"
        );
        cluster::psql(&elsewhere, &sql);
        answer()
    });
    let (address, _) = echoing(vec![cut_off]);
    let desk = Desk::new()
        .with("ALPHA_VANTAGE_BASE_URL", &address)
        .with("ALPHA_VANTAGE_API_KEY", KEY)
        .with("DATABASE_URL", &url);
    let mut process = desk
        .command(&["fetch", "--symbols", "IBM", "--interval", "daily"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let spool = desk.folder().join("data/spool");
    let deadline = Instant::now() + Duration::from_mins(1);
    let waiting = loop {
        let entries = std::fs::read_dir(&spool).into_iter().flatten().flatten();
        // It is written under another name first.
        let whole: Vec<Vec<u8>> = entries
            .filter_map(|entry| std::fs::read(entry.path()).ok())
            .filter(|bytes| memchr::memmem::find(bytes, b"***").is_some())
            .collect();
        if !whole.is_empty() {
            break whole;
        }
        assert!(Instant::now() < deadline, "no answer was kept aside");
        std::thread::yield_now();
    };
    signal("KILL", &process);
    process.wait().unwrap();
    for bytes in waiting {
        assert_no_secret("an answer that waits", &bytes);
    }
    for entry in std::fs::read_dir(&spool).unwrap().flatten() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
