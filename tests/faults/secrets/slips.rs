//! What people get wrong about a secret: the error says what to do and quotes nothing.

use pipeline_tui::simulate::{Plan, Server};

use super::{Sinks, encoded, talkative};
use crate::support::canary::{KEY, KEY_ID, KEY_SECRET, PASSWORD};
use crate::support::cluster;
use crate::support::program::{Desk, provider};

/// Wrong places and spellings of a database.
fn urls() -> Vec<(&'static str, String)> {
    let whole = encoded(PASSWORD);
    let mut urls = vec![
        (
            "a server that is down",
            format!("postgres://me:{whole}@127.0.0.1:1/bars"),
        ),
        (
            "a host that does not exist",
            format!("postgres://me:{whole}@no-such-host.invalid/bars"),
        ),
        // The tail of a password must not become a host name to look up.
        (
            "a password without encoding",
            format!("postgres://me:{PASSWORD}@127.0.0.1:1/bars"),
        ),
        (
            "a URL of another kind",
            format!("mysql://me:{whole}@127.0.0.1/bars"),
        ),
        (
            "an invalid port",
            format!("postgres://me:{whole}@127.0.0.1:port/bars"),
        ),
        (
            "an unknown parameter",
            format!("postgres://me@127.0.0.1:1/bars?pasword={whole}"),
        ),
        (
            "a password as a parameter",
            format!("postgres://me@127.0.0.1:1/bars?password={whole}"),
        ),
    ];
    if let Some(url) = cluster::new_database() {
        urls.push(("a wrong password", url.replace(cluster::PASSWORD, &whole)));
    }
    urls
}

/// Other variables, each with what is wrong in it.
fn variables() -> Vec<(&'static str, &'static str, String)> {
    let key = encoded(KEY);
    let address = "ALPHA_VANTAGE_BASE_URL";
    vec![
        (
            "a key in the address",
            address,
            format!("http://127.0.0.1:1/query?apikey={key}"),
        ),
        (
            "a user in the address",
            address,
            format!("http://me:{key}@127.0.0.1:1/query"),
        ),
        ("an address that is none", address, key),
        (
            "a key with a line break",
            "ALPHA_VANTAGE_API_KEY",
            format!("{KEY}\n{KEY}"),
        ),
        (
            "a key with a space",
            "ALPHA_VANTAGE_API_KEY",
            format!("{KEY} {KEY}"),
        ),
        (
            "a key as a file",
            "ALPHA_VANTAGE_API_KEY_FILE",
            "no-such-file".to_owned(),
        ),
        (
            "an unknown plan",
            "ALPHA_VANTAGE_PLAN",
            "no-such-plan".to_owned(),
        ),
    ]
}

/// A key of two values, each time wrong in another way.
fn halves(server: &Server) -> [(&'static str, Desk); 6] {
    let (id, secret) = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY");
    let desk = || talkative(server);
    let placeholder = "your_api_key_here";
    [
        ("an id alone", desk().with(secret, "")),
        ("a secret alone", desk().with(id, "")),
        (
            "swapped values",
            desk().with(id, KEY_SECRET).with(secret, KEY_ID),
        ),
        ("a placeholder of an id", desk().with(id, placeholder)),
        (
            "both values in one",
            desk().with(id, &format!("{KEY_ID}:{KEY_SECRET} ")),
        ),
        (
            "two ids that differ",
            desk().with("ALPACA_API_KEY", &format!("{KEY_ID}\n{KEY_SECRET}")),
        ),
    ]
}

/// What is wrong with a key of two values is said, by the names of its variables.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_key_swapped_values_and_placeholders_are_told_and_cost_nothing() {
    let server = provider(Plan::Unlimited, &[]).await;
    let words = [
        "APCA_API_SECRET_KEY: is missing",
        "APCA_API_KEY_ID: is missing",
        "are swapped: the key ID begins with PK, AK or C",
        "APCA_API_KEY_ID: is missing",
    ];
    for ((slip, desk), words) in halves(&server).into_iter().zip(words) {
        let done = desk.run(&["fetch", "--symbols", "alpaca:IBM"]);
        assert_eq!(done.code, 2, "{slip}: {done:?}");
        assert!(done.stderr.contains(words), "{slip}: {done:?}");
    }
    assert_eq!(server.journal().len(), 0, "nothing was sent");
}

fn files(server: &Server) -> [(&'static str, Desk); 2] {
    let environment = talkative(server).with("ALPHA_VANTAGE_API_KEY", "");
    let text = format!(
        "ALPHA_VANTAGE_API_KEY=\"{KEY}\n{KEY}\n1X={PASSWORD}\nPOSTGRES_PASSWORD='{PASSWORD}\n"
    );
    std::fs::write(environment.folder().join(".env"), text).unwrap();
    let file = talkative(server).with("PIPELINE_CONFIG", "mine.toml");
    let plain = KEY.replace(['"', '\\'], "");
    let text = format!("interval = \"5min\"\n[sources.alpha_vantage]\napi_key = \"{plain}\n");
    std::fs::write(file.folder().join("mine.toml"), text).unwrap();
    [("a broken .env", environment), ("a broken file", file)]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_slip_in_the_settings_lets_a_secret_out() {
    let server = provider(Plan::Unlimited, &[]).await;
    let mut desks = vec![(
        "a password in pieces",
        talkative(&server)
            .with("POSTGRES_HOST", "127.0.0.1")
            .with("POSTGRES_PORT", "1")
            .with("POSTGRES_PASSWORD", PASSWORD),
    )];
    for (slip, url) in urls() {
        desks.push((slip, talkative(&server).with("DATABASE_URL", &url)));
    }
    for (slip, name, value) in variables() {
        desks.push((slip, talkative(&server).with(name, &value)));
    }
    desks.extend(halves(&server));
    desks.extend(files(&server));
    let mut sinks = Sinks::default();
    for (slip, desk) in &desks {
        for command in [
            &["fetch", "--symbols", "IBM"][..],
            &["doctor"],
            &["doctor", "--store"],
            &["doctor", "--report", "-"],
            &["config", "show"],
            &["config", "check"],
        ] {
            sinks.said(
                &format!("{} with {slip}", command.join(" ")),
                &desk.run(command),
            );
        }
    }
    assert_eq!(sinks.0.len(), desks.len() * 12, "{:?}", sinks.0);
}
