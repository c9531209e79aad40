//! The program with Alpaca's key: what it says and writes, and what it never does.

use crate::support::program::{Desk, Done, holds};
use crate::support::scripted::{Arrived, Reply, Scripted};

const ID: &str = "PKCANARY7Q2XW9ZL";
const SECRET: &str = "s3cr3t/CANARY+7Q2XW9ZL";

/// The provider that echoes what it was sent: a refused key first, then an error, then bars.
fn echo() -> impl Fn(&Arrived) -> Reply + Send + Sync {
    let seen = std::sync::atomic::AtomicU32::new(0);
    move |arrived| {
        let head = &arrived.head;
        let json = |text: &str| serde_json::json!({ "message": text }).to_string();
        Some(
            match seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => (
                    401,
                    format!("<html><title>401</title><pre>{head}</pre></html>"),
                ),
                1 => (400, json(head)),
                2 => (
                    200,
                    format!(r#"{{"bars":{{"{ID}":[]}},"note":{}}}"#, json(head)),
                ),
                _ => {
                    let bar = r#"{"t":"2026-10-15T04:00:00Z","o":10,"h":12,"l":9,"c":11,"v":100}"#;
                    (
                        200,
                        format!(r#"{{"bars":{{"AAPL":[{bar}]}},"next_page_token":null}}"#),
                    )
                }
            },
        )
    }
}

fn fetch(desk: &Desk) -> Done {
    let daily = [
        "--symbols",
        "alpaca:AAPL",
        "--interval",
        "daily",
        "--month",
        "2026-10",
    ];
    desk.run(&[&["-vv", "fetch"], &daily[..]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_part_of_the_key_is_ever_written_or_said() {
    for desk in Desk::on_each_database() {
        let provider = Scripted::start(pipeline_tui::time::Clock::system().now(), echo());
        let provider = provider.await;
        let desk = desk
            .with("ALPACA_BASE_URL", &provider.base_url)
            .with("ALPACA_TRADING_URL", &provider.base_url)
            .with("APCA_API_KEY_ID", ID)
            .with("ALPACA_SECRET_KEY", SECRET);
        for (code, words) in [
            (2, "does not accept the key"),
            (1, "please report this"),
            (1, "not what was requested"),
            (0, "1 received, 1 new"),
        ] {
            let Done {
                code: ended,
                stdout,
                stderr,
            } = tokio::task::block_in_place(|| fetch(&desk));
            assert!(
                stdout.contains(words) || stderr.contains(words),
                "{words}: {stdout}{stderr}"
            );
            assert_eq!(ended, code, "{stdout}{stderr}");
            for part in [ID, SECRET] {
                assert!(
                    !stdout.contains(part) && !stderr.contains(part),
                    "{stdout}{stderr}"
                );
            }
        }
        let written = desk.everything_written();
        for part in [ID, SECRET] {
            assert!(!holds(&written, part), "a part of the key was written");
        }
        assert!(provider.journal()[0].head.contains(SECRET), "it is sent");
        let rows = desk.sql("SELECT symbol || ' ' || source FROM stock_data");
        assert_eq!(rows, ["AAPL alpaca"]);
    }
}

#[test]
fn half_a_key_and_no_key_are_told_apart() {
    let half = fetch(&Desk::new().with("ALPACA_API_KEY", ID));
    assert_eq!(half.code, 2);
    assert!(
        half.stderr.contains("APCA_API_SECRET_KEY: is missing"),
        "{}",
        half.stderr
    );
    let none = fetch(&Desk::new());
    assert_eq!(none.code, 2, "{}{}", none.stdout, none.stderr);
    for words in [
        "app.alpaca.markets",
        "APCA_API_KEY_ID and APCA_API_SECRET_KEY",
    ] {
        assert!(
            none.stdout.contains(words),
            "{}{}",
            none.stdout,
            none.stderr
        );
    }
    assert!(!half.stderr.contains(ID));
}
