//! Faults of the connection to the provider: their cost, their message, and that nothing is stored.

mod bounds;
mod pauses;
mod storms;
mod tls;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use futures_util::future::join_all;
use pipeline_tui::model::{ErrorClass, SeriesStatus};
use pipeline_tui::pipeline::http::Bounds;
use rustix::net::{AddressFamily, SocketType};

use crate::support::peer::{Peer, Step, answer, bars, bomb, chunked, gzip, head};
use crate::support::program::{CANARY, holds};
use crate::support::rig::{Rig, UNLIMITED, class, short, source};

use ErrorClass::{Malformed, Network};
use Step::{Drip, Hold, Repeat, Reset, Send};

const TICK: Duration = Duration::from_millis(1);

/// A name, what the provider does, the class, the requests one series costs, and words of the message.
type Fault = (&'static str, Vec<Step>, ErrorClass, u32, &'static str);

fn part(headers: &str, body: &[u8]) -> Step {
    Send([head(200, headers), body.to_vec()].concat())
}

/// Answers that stop, wait or break in the middle.
fn broken() -> Vec<Fault> {
    let short = "Content-Length: 20000\r\n";
    let body = &[b'x'; 12_345];
    let in_chunks = "Transfer-Encoding: chunked\r\n";
    let cut_off = "the answer was cut off after 12,345 bytes";
    let unreadable = "the answer became unreadable after 5 bytes";
    let before = "the connection broke before an answer came";
    let silent = "the answer stopped after 0 bytes and stayed silent for 1 s";
    vec![
        (
            "accept, then nothing",
            vec![Hold],
            Network,
            4,
            "no answer within 1 s",
        ),
        ("goodbye at once", vec![], Network, 4, before),
        ("reset at once", vec![Reset], Network, 4, before),
        (
            "half a status line",
            vec![Send(b"HTTP/1.1 2".to_vec())],
            Network,
            4,
            before,
        ),
        (
            "half a header",
            vec![Send(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec())],
            Network,
            4,
            before,
        ),
        (
            "headers, then nothing",
            vec![part(short, b""), Hold],
            Network,
            4,
            silent,
        ),
        (
            "a body cut short",
            vec![part(short, body)],
            Network,
            4,
            cut_off,
        ),
        (
            "a chunk without a size",
            vec![part(in_chunks, b"5\r\nhello\r\nzz\r\n")],
            Network,
            4,
            unreadable,
        ),
        (
            "endless chunks",
            vec![part(in_chunks, &chunked(b"hello"))],
            Network,
            4,
            "the answer was cut off after 5 bytes",
        ),
        (
            "another protocol",
            vec![Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())],
            Network,
            4,
            before,
        ),
    ]
}

/// Answers that are compressed wrongly, or decompress to more than is read.
fn packed() -> Vec<Fault> {
    let gzipped = "Content-Encoding: gzip\r\n";
    let twice = "Content-Encoding: gzip, gzip\r\n";
    let right = gzip(&bars("IBM", 50));
    let whole = |headers: &str, body: &[u8]| vec![Send(answer(200, headers, body))];
    let too_large = "the answer is larger than 8 MiB";
    vec![
        ("a bomb", whole(gzipped, &bomb(64)), Malformed, 1, too_large),
        (
            "an endless body",
            vec![part("", b""), Repeat(vec![b' '; 1 << 16], u64::MAX)],
            Malformed,
            1,
            too_large,
        ),
        (
            "gzip in gzip",
            whole(gzipped, &gzip(&right)),
            Malformed,
            1,
            "not UTF-8",
        ),
        (
            "gzip in gzip, declared",
            whole(twice, &gzip(&right)),
            Malformed,
            1,
            "not UTF-8",
        ),
        (
            "gzip called brotli",
            whole("Content-Encoding: br\r\n", &right),
            Malformed,
            1,
            "not UTF-8",
        ),
        (
            "invalid gzip",
            whole(gzipped, &bars("IBM", 50)),
            Network,
            4,
            "unreadable after 0 bytes",
        ),
        (
            "half a gzip",
            whole(gzipped, &right[..right.len() / 2]),
            Network,
            4,
            "the answer was cut off after",
        ),
    ]
}

/// Headers that do not end, and far too many of them.
fn headers() -> Vec<Fault> {
    let status = Send(b"HTTP/1.1 200 OK\r\n".to_vec());
    let before = "the connection broke before an answer came";
    let lines = b"X-Filler: yes\r\n".repeat(1_000);
    let endless = vec![
        status.clone(),
        Send(b"X-Endless: ".to_vec()),
        Repeat(vec![b'y'; 1 << 16], u64::MAX),
    ];
    vec![
        ("a header without an end", endless, Network, 4, before),
        (
            "a million headers",
            vec![status, Repeat(lines, 1_000)],
            Network,
            4,
            before,
        ),
    ]
}

/// A pipeline over a peer that does this, with a shorter wait for silence than usual.
async fn rig(peer: &Peer, script: &[Step]) -> Rig {
    let is_silent = script.iter().any(|step| matches!(step, Hold));
    let limits = if is_silent {
        short()
    } else {
        Bounds::default()
    };
    Rig::with(source(&peer.base_url(), limits), UNLIMITED, TICK).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_break_has_its_class_and_cost_and_stores_nothing() {
    let faults = broken().into_iter().chain(packed()).chain(headers());
    join_all(
        faults.map(|(name, script, expected, cost, words)| async move {
            let peer = Peer::always(script.clone()).await;
            let rig = rig(&peer, &script).await;
            let report = rig.fetch(&["IBM"]).await.remove(0);
            assert_eq!(class(&report), Some(expected), "{name}: {report:?}");
            assert_eq!(report.requests, cost, "{name}: {report:?}");
            let said = report.error.unwrap().message;
            assert!(said.contains(words), "{name}: {said}");
            assert_spent_as_seen(&rig, &peer, name);
            assert_eq!(
                rig.column("SELECT symbol FROM stock_data"),
                [""; 0],
                "{name}"
            );
            assert!(!holds(said.as_bytes(), CANARY), "{name}: {said}");
        }),
    )
    .await;
}

/// The ledger holds exactly the attempts that the provider has received, each once.
fn assert_spent_as_seen(rig: &Rig, peer: &Peer, name: &str) {
    let seen: Vec<String> = peer.journal().into_iter().map(|seen| seen.id).collect();
    assert_eq!(rig.spent(), seen, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_answer_is_stored_however_it_arrives() {
    let body = bars("IBM", 50);
    let one_by_one: Vec<u8> = answer(200, "", &bars("IBM", 1));
    let long = format!("X-Long: {}\r\n", "z".repeat(100_000));
    for (name, script, stored) in [
        ("at once", vec![Send(answer(200, "", &body))], 50),
        (
            "packed",
            vec![Send(answer(
                200,
                "Content-Encoding: gzip\r\n",
                &gzip(&body),
            ))],
            50,
        ),
        (
            "after 100 KB of header",
            vec![Send(answer(200, &long, &body))],
            50,
        ),
        ("byte by byte", vec![Drip(one_by_one, TICK)], 1),
        ("until the connection ends", vec![part("", &body)], 50),
    ] {
        let peer = Peer::always(script).await;
        let rig = Rig::new(&peer.base_url(), UNLIMITED, TICK).await;
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert_eq!(report.status, SeriesStatus::Succeeded, "{name}: {report:?}");
        assert_eq!(report.requests, 1, "{name}: {report:?}");
        assert_eq!(
            rig.column("SELECT symbol FROM stock_data").len(),
            stored,
            "{name}"
        );
        assert_spent_as_seen(&rig, &peer, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_once_is_asked_once_more() {
    for (name, script, _, cost, _) in broken() {
        let first = script.clone();
        let peer = Peer::start(move |number, _| match number {
            0 => first.clone(),
            _ => vec![Send(answer(200, "", &bars("IBM", 50)))],
        })
        .await;
        let rig = rig(&peer, &script).await;
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert!(cost > 1, "{name}");
        assert_eq!(
            (report.status, report.requests),
            (SeriesStatus::Succeeded, 2),
            "{name}: {report:?}"
        );
        assert_spent_as_seen(&rig, &peer, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_no_other_host_hears_of_the_key() {
    let elsewhere = Peer::always(vec![Send(answer(200, "", &bars("IBM", 50)))]).await;
    let addresses = [
        elsewhere.base_url(),
        elsewhere.base_url().replace("127.0.0.1", "localhost"),
        "/query".to_owned(),
        "//[".to_owned(),
    ];
    for status in [301, 302, 303, 307, 308] {
        for address in &addresses {
            let headers = format!("Location: {address}\r\n");
            let peer = Peer::always(vec![Send(answer(status, &headers, b""))]).await;
            let rig = Rig::new(&peer.base_url(), UNLIMITED, TICK).await;
            let report = rig.fetch(&["IBM"]).await.remove(0);
            assert_eq!(
                (class(&report), report.requests),
                (Some(Network), 1),
                "{report:?}"
            );
            let said = report.error.unwrap().message;
            assert!(said.contains("redirects to another address"), "{said}");
            assert_spent_as_seen(&rig, &peer, address);
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_left_costs_nothing_and_is_tried_again() {
    // The port is taken, and nobody listens.
    let taken = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&taken, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let nobody = SocketAddr::try_from(rustix::net::getsockname(&taken).unwrap()).unwrap();
    // A name that no resolver looks up: its first part is too long.
    let host = format!("{}.invalid", "x".repeat(64));
    let unknown = format!("{host} cannot be reached");
    let deaf = Deaf::new();
    let hasty = Bounds {
        connect: Duration::from_millis(200),
        ..Bounds::default()
    };
    for (base_url, words) in [
        (
            format!("http://{nobody}/query"),
            "127.0.0.1 cannot be reached",
        ),
        (format!("http://{host}/query"), unknown.as_str()),
        (
            format!("http://{}/query", deaf.address),
            "does not accept a connection within 200 ms",
        ),
    ] {
        let limits = if words.contains("accept") {
            hasty
        } else {
            Bounds::default()
        };
        let rig = Rig::with(source(&base_url, limits), UNLIMITED, TICK).await;
        let report = rig.fetch(&["IBM"]).await.remove(0);
        assert_eq!(
            (class(&report), report.requests),
            (Some(Network), 0),
            "{report:?}"
        );
        let said = report.error.unwrap().message;
        assert!(said.contains(words), "{said}");
        assert_eq!(rig.spent(), [""; 0]);
        let states = rig.column("SELECT state FROM requests");
        assert_eq!(states, ["not_sent"; 4], "one attempt and three retries");
    }
}

/// A port whose queue is full: a connection gets no answer, as from a host behind a silent firewall.
struct Deaf {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Deaf {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let knock = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        let queue: Vec<TcpStream> = std::iter::from_fn(|| knock().ok()).take(100).collect();
        assert!(queue.len() < 100, "the queue does not fill");
        Self {
            address,
            _listener: listener,
            _queue: queue,
        }
    }
}
