//! The client against a server that misbehaves.

use std::future;
use std::io::Write as _;

use chrono::DateTime;
use flate2::{Compression, write::GzEncoder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::model::ErrorClass;
use crate::model::Stated;

const KEY: &str = "CANARY-KEY-9731";
/// The first byte of a client that speaks TLS.
const TLS_HANDSHAKE: [u8; 1] = [0x16];
const ATTEMPT: Uuid = Uuid::from_u128(7);

/// A server that answers one request with these bytes, then closes or holds the connection.
struct Server {
    url: Url,
    request: tokio::task::JoinHandle<String>,
}

async fn serve(reply: impl Into<Vec<u8>>, hold: bool) -> Server {
    let reply = reply.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/query", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let request = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") && !request.starts_with(&TLS_HANDSHAKE) {
            let mut chunk = [0; 1024];
            match socket.read(&mut chunk).await.unwrap_or(0) {
                0 => break,
                read => request.extend_from_slice(&chunk[..read]),
            }
        }
        let _ = socket.write_all(&reply).await;
        if hold {
            let _: () = future::pending().await;
        }
        String::from_utf8_lossy(&request).into_owned()
    });
    Server { url, request }
}

fn short() -> Bounds {
    Bounds {
        read: Duration::from_millis(600),
        ..Bounds::default()
    }
}

fn client(url: &Url, bounds: Bounds) -> Client {
    let clock = Clock::fixed(DateTime::UNIX_EPOCH);
    Client::new(
        url.clone(),
        Auth::Query("apikey", Secret::new(KEY)),
        clock,
        bounds,
    )
    .unwrap()
}

fn question() -> Route {
    let function = ("function".into(), "TIME_SERIES_DAILY".into());
    Route::at_address("", vec![function, ("symbol".into(), "A&B".into())])
}

async fn error(url: &Url, bounds: Bounds) -> SendError {
    let error = client(url, bounds)
        .get(&question(), ATTEMPT)
        .await
        .unwrap_err();
    assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
    error
}

fn with_length(length: usize, body: &[u8], headers: &str) -> Vec<u8> {
    let mut reply =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n").into_bytes();
    reply.extend_from_slice(body);
    reply
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_answer_is_dated_by_the_server_where_our_clock_is_off() {
    // Our clock shows the beginning of 1970.
    for (date, dated) in [
        (
            "Date: Fri, 20 Nov 2026 15:00:00 GMT\r\n",
            "2026-11-20T15:00:00Z",
        ),
        (
            "Date: Thu, 01 Jan 1970 00:01:00 GMT\r\n",
            "1970-01-01T00:00:00Z",
        ),
        ("Date: yesterday\r\n", "1970-01-01T00:00:00Z"),
        ("", "1970-01-01T00:00:00Z"),
    ] {
        let reply = format!("HTTP/1.1 200 OK\r\n{date}Content-Length: 2\r\n\r\n{{}}");
        let server = serve(reply, false).await;
        let answer = client(&server.url, short())
            .get(&Route::default(), ATTEMPT)
            .await;
        let expected: DateTime<Utc> = dated.parse().unwrap();
        assert_eq!(answer.unwrap().received_at, expected, "{date}");
    }
}

#[tokio::test]
async fn sends_exactly_the_question_with_the_key_last() {
    let server = serve(
        with_length(2, b"{}", "Content-Type: application/json\r\n"),
        false,
    )
    .await;
    let answer = client(&server.url, Bounds::default())
        .get(&question(), ATTEMPT)
        .await
        .unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]));
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert_eq!(answer.received_at, DateTime::UNIX_EPOCH);
    let request = server.request.await.unwrap().to_ascii_lowercase();
    let line =
        "get /query?function=time_series_daily&symbol=a%26b&apikey=canary-key-9731 http/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    for header in [
        "accept: */*\r\n".to_owned(),
        "accept-encoding: gzip\r\n".to_owned(),
        format!("user-agent: pipeline-tui/{}\r\n", env!("CARGO_PKG_VERSION")),
        format!("x-request-id: {ATTEMPT}\r\n"),
    ] {
        assert!(request.contains(&header), "{header} is not in {request}");
    }
    assert!(!request.contains("referer"));
}

#[tokio::test]
async fn an_echoed_key_does_not_survive_in_an_answer() {
    let echo = format!("{{\"Information\": \"We have detected your API key as {KEY} and\"}}");
    let headers = format!("Content-Type: text/{KEY}\r\n");
    let server = serve(with_length(echo.len(), echo.as_bytes(), &headers), false).await;
    let answer = client(&server.url, Bounds::default())
        .get(&question(), ATTEMPT)
        .await
        .unwrap();
    assert_eq!(answer.body, echo.replace(KEY, "***"));
    assert!(!format!("{answer:?}").contains("CANARY"));
}

#[tokio::test]
async fn gzip_is_read_and_a_bomb_is_stopped() {
    let small = gzip(b"{\"a\": 1}");
    let server = serve(
        with_length(small.len(), &small, "Content-Encoding: gzip\r\n"),
        false,
    )
    .await;
    let answer = client(&server.url, Bounds::default())
        .get(&question(), ATTEMPT)
        .await
        .unwrap();
    assert_eq!(&answer.body[..], b"{\"a\": 1}");
    let bomb = gzip(&vec![0; 64 << 20]);
    let server = serve(
        with_length(bomb.len(), &bomb, "Content-Encoding: gzip\r\n"),
        true,
    )
    .await;
    let SendError::TooLarge(text) = error(&server.url, Bounds::default()).await else {
        panic!()
    };
    assert!(text.contains("8 MiB"), "{text}");
}

#[tokio::test]
async fn every_member_of_a_gzip_answer_is_read_and_they_share_one_limit() {
    let two = [gzip(b"{\"a\": "), gzip(b"1}")].concat();
    let as_gzip = |body: &[u8]| with_length(body.len(), body, "Content-Encoding: gzip\r\n");
    let server = serve(as_gzip(&two), false).await;
    let answer = client(&server.url, Bounds::default())
        .get(&question(), ATTEMPT)
        .await
        .unwrap();
    assert_eq!(&answer.body[..], b"{\"a\": 1}");
    let bounds = Bounds {
        body: 100,
        ..Bounds::default()
    };
    let large = [gzip(&[b'x'; 60]), gzip(&[b'x'; 41])].concat();
    let server = serve(as_gzip(&large), false).await;
    let SendError::TooLarge(text) = error(&server.url, bounds).await else {
        panic!()
    };
    assert!(text.contains("100 bytes"), "{text}");
    let first = gzip(b"{\"a\": ");
    for (file, text) in [
        (&two[..two.len() - 3], "cut off after 8 bytes"),
        (&two[..first.len() + 4], "cut off after 6 bytes"),
        (
            &[&first[..], b"no gzip at all"].concat(),
            "unreadable after 6 bytes",
        ),
    ] {
        let server = serve(as_gzip(file), false).await;
        let SendError::Broken(said) = error(&server.url, Bounds::default()).await else {
            panic!("{text}")
        };
        assert!(said.contains(text), "{said}");
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let bounds = Bounds {
        body: 1_000,
        ..Bounds::default()
    };
    let server = serve(with_length(1_000, &[b'x'; 1_000], ""), false).await;
    assert!(
        client(&server.url, bounds)
            .get(&question(), ATTEMPT)
            .await
            .is_ok()
    );
    let server = serve(with_length(1_001, &[b'x'; 1_001], ""), false).await;
    let SendError::TooLarge(text) = error(&server.url, bounds).await else {
        panic!()
    };
    assert!(text.contains("1,000 bytes"), "{text}");
}

#[tokio::test]
async fn broken_answers_say_how_far_they_came() {
    let cut = gzip(&(0..=255).cycle().take(100_000).collect::<Vec<u8>>());
    for (reply, text) in [
        (
            with_length(20_000, &[b'x'; 12_345], ""),
            "the answer was cut off after 12,345 bytes",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n".to_vec(),
            "the answer became unreadable after 5 bytes",
        ),
        (
            with_length(
                cut.len() / 2,
                &cut[..cut.len() / 2],
                "Content-Encoding: gzip\r\n",
            ),
            "the answer was cut off after ",
        ),
        (
            with_length(9, b"not gzip!", "Content-Encoding: gzip\r\n"),
            "the answer became unreadable after 0 bytes",
        ),
        (Vec::new(), "the connection broke before an answer came"),
        (
            b"HTTP/1.1 2".to_vec(),
            "the connection broke before an answer came",
        ),
        (
            b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(),
            "the connection broke before an answer came",
        ),
    ] {
        let server = serve(reply, false).await;
        let SendError::Broken(said) = error(&server.url, Bounds::default()).await else {
            panic!("{text}")
        };
        assert!(said.starts_with(text), "{said}");
    }
}

#[tokio::test]
async fn silence_is_not_waited_out() {
    let server = serve("", true).await;
    assert_eq!(
        error(&server.url, short()).await,
        SendError::Broken("no answer within 600 ms".into())
    );
    let server = serve(with_length(9, b"abc", ""), true).await;
    let text = "the answer stopped after 3 bytes and stayed silent for 600 ms";
    assert_eq!(
        error(&server.url, short()).await,
        SendError::Broken(text.into())
    );
    let total = Bounds {
        total: Duration::from_millis(600),
        ..Bounds::default()
    };
    let server = serve(with_length(9, b"abc", ""), true).await;
    let text = "the answer was not complete within 600 ms";
    assert_eq!(
        error(&server.url, total).await,
        SendError::Broken(text.into())
    );
    let server = serve("", true).await;
    assert_eq!(
        error(&server.url, total).await,
        SendError::Broken("no answer within 600 ms".into())
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let reply = format!(
            "HTTP/1.1 {status} Moved\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
            elsewhere.local_addr().unwrap()
        );
        let server = serve(reply, false).await;
        let SendError::Redirected(text) = error(&server.url, Bounds::default()).await else {
            panic!()
        };
        assert!(text.contains(&status.to_string()), "{text}");
    }
    let followed = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
    assert!(followed.is_err(), "no connection reached the other address");
}

#[tokio::test]
async fn a_pause_that_the_provider_asks_for_is_kept() {
    for (status, header, paused) in [
        (429, "Retry-After: 7", Some((ErrorClass::Minute, 7))),
        (
            503,
            "Retry-After: 1000000000000",
            Some((ErrorClass::Outage, 86_400)),
        ),
        (418, "Retry-After: 119", Some((ErrorClass::Blocked, 119))),
        // By the server's clock, which is half a century behind ours.
        (
            503,
            "Date: Sun, 06 Nov 1994 08:49:07 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT",
            Some((ErrorClass::Outage, 30)),
        ),
        (503, "Retry-After: -5", None),
        (503, "Retry-After: soon", None),
        (503, "X-Nothing: 1", None),
        (200, "Retry-After: 7", None),
        (
            200,
            "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 9",
            Some((ErrorClass::Minute, 9)),
        ),
        (
            200,
            "X-RateLimit-Remaining: 3\r\nX-RateLimit-Reset: 9",
            None,
        ),
    ] {
        let reply = format!("HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: 0\r\n\r\n");
        let server = serve(reply, false).await;
        let client = client(&server.url, Bounds::default());
        assert_eq!(
            client.get(&question(), ATTEMPT).await.unwrap().status,
            status
        );
        let Some((class, most)) = paused else {
            assert_eq!(client.pause(), None, "{header}");
            continue;
        };
        let pause = client.pause().unwrap();
        let least = Duration::from_secs(most - 1);
        assert_eq!(pause.why.class, class);
        assert!(
            (least..=Duration::from_secs(most)).contains(&pause.left),
            "{header}: {pause:?}"
        );
        // The server is gone: sending anything would report that it cannot be reached.
        let SendError::NeverSent(text) = client.get(&question(), ATTEMPT).await.unwrap_err() else {
            panic!("{header}")
        };
        assert!(text.starts_with("the provider asks for a pause"), "{text}");
    }
}

#[tokio::test]
async fn a_meter_that_is_nearly_full_stops_until_the_next_minute() {
    for (used, left) in [("4799", None), ("4800", Some(20)), ("6004", Some(20))] {
        let date = "Date: Fri, 20 Nov 2026 15:00:40 GMT";
        let reply = format!(
            "HTTP/1.1 200 X\r\n{date}\r\nX-Used-1m: {used}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let server = serve(reply, false).await;
        let client = client(&server.url, Bounds::default()).metered(Meter {
            header: HeaderName::from_static("x-used-1m"),
            most: 4800,
            weight: 2,
        });
        client.get(&question(), ATTEMPT).await.unwrap();
        let pause = client.pause();
        let seconds = pause.map(|pause| pause.left.as_secs_f64().ceil());
        assert_eq!(seconds, left.map(f64::from), "{used}");
    }
}

#[tokio::test]
async fn what_was_never_sent_is_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/query", closed.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(closed);
    let SendError::NeverSent(text) = error(&url, Bounds::default()).await else {
        panic!()
    };
    assert!(text.starts_with("127.0.0.1 cannot be reached: "), "{text}");
    // A name that no resolver looks up: its first part is too long.
    let host = format!("{}.invalid", "x".repeat(64));
    let unknown: Url = format!("http://{host}/query").parse().unwrap();
    let SendError::NeverSent(text) = error(&unknown, Bounds::default()).await else {
        panic!()
    };
    assert!(
        text.starts_with(&format!("{host} cannot be reached: ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_not_trusted() {
    let server = serve("HTTP/1.1 400 Bad Request\r\n\r\n", false).await;
    let mut url = server.url.clone();
    url.set_scheme("https").unwrap();
    let Err(error) = Client::new(url, Auth::None, Clock::system(), Bounds::default())
        .unwrap()
        .get(&question(), ATTEMPT)
        .await
    else {
        panic!()
    };
    assert!(matches!(error, SendError::Untrusted(_)), "{error:?}");
}

#[test]
fn nothing_prints_the_key_or_the_address() {
    let url = "http://user:CANARY-PASS@127.0.0.1:1/query".parse().unwrap();
    let client = client(&url, Bounds::default());
    assert!(!format!("{client:?}").contains("CANARY"));
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(1_234_567), "1,234,567");
}

#[tokio::test]
async fn a_key_of_two_parts_travels_in_headers_and_a_path_below_the_address() {
    let server = serve(with_length(2, b"{}", ""), false).await;
    let auth = Auth::Headers(vec![
        (
            HeaderName::from_static("x-key-id"),
            Secret::new("CANARY-ID-11"),
        ),
        (HeaderName::from_static("x-key-secret"), Secret::new(KEY)),
    ]);
    let clock = Clock::fixed(DateTime::UNIX_EPOCH);
    let client = Client::new(server.url, auth, clock, Bounds::default()).unwrap();
    client
        .get(&Route::by_endpoint("v2/bars", vec![]), ATTEMPT)
        .await
        .unwrap();
    let request = server.request.await.unwrap();
    assert!(
        request.starts_with("GET /query/v2/bars HTTP/1.1\r\n"),
        "{request}"
    );
    for header in [
        "x-key-id: CANARY-ID-11\r\n".to_owned(),
        format!("x-key-secret: {KEY}\r\n"),
    ] {
        assert!(request.contains(&header), "{header} is not in {request}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_never_sent() {
    let url: Url = "http://127.0.0.1:1/".parse().unwrap();
    let auth = Auth::Headers(vec![(
        HeaderName::from_static("x-key"),
        Secret::new("CANARY\r\nX-Evil: 1"),
    )]);
    let client = Client::new(url, auth, Clock::system(), Bounds::default()).unwrap();
    let error = client.get(&Route::default(), ATTEMPT).await.unwrap_err();
    assert!(matches!(&error, SendError::NeverSent(text) if !text.contains("CANARY")));
}

#[tokio::test]
async fn what_an_answer_says_is_left_goes_along_with_it() {
    let stated = |left, seconds| {
        Some(Stated {
            left,
            ends_in: Duration::from_secs(seconds),
        })
    };
    let date = "Date: Fri, 20 Nov 2026 15:00:20 GMT\r\n";
    for (status, header, said) in [
        (429, "Retry-After: 7", stated(0, 7)),
        (503, "Retry-After: 7", None),
        (
            200,
            "X-RateLimit-Remaining: 3\r\nX-RateLimit-Reset: 9",
            stated(3, 9),
        ),
        (
            200,
            "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1795186850",
            stated(0, 30),
        ),
        (200, "X-RateLimit-Remaining: 3", None),
        (
            200,
            "X-RateLimit-Remaining: some\r\nX-RateLimit-Reset: 9",
            None,
        ),
        (200, "X-Used: 91", stated(4, 40)),
        (200, "X-Used: 4000", stated(0, 40)),
        (200, "X-Nothing: 1", None),
    ] {
        let reply = format!("HTTP/1.1 {status} X\r\n{date}{header}\r\nContent-Length: 0\r\n\r\n");
        let server = serve(reply, false).await;
        let client = client(&server.url, Bounds::default()).metered(Meter {
            header: HeaderName::from_static("x-used"),
            most: 100,
            weight: 2,
        });
        let answer = client.get(&question(), ATTEMPT).await.unwrap();
        assert_eq!(answer.stated, said, "{header}");
    }
}
