//! What the reading commands accept, find and refuse.

use pipeline_tui::simulate::{Options, Plan, Server};

use crate::support::program::{Desk, Done};

async fn market() -> Server {
    Server::start(Options {
        plan: Plan::Unlimited,
        ..Options::default()
    })
    .await
    .unwrap()
}

fn assert_refused(done: &Done, says: &[&str]) {
    assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{done:?}");
    for say in says {
        assert!(done.stderr.contains(say), "{say}: {done:?}");
    }
}

/// The first line of data: `symbol,interval,adjusted`.
fn shown(done: &Done) -> String {
    let line = done.stdout.lines().nth(1).unwrap_or_default();
    line.split(',').take(3).collect::<Vec<_>>().join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prices_are_in_stands_beside_them_where_it_is_known() {
    let server = market().await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        desk.fetch(&["--symbols", "IBM", "--interval", "daily"]);
        let bars = |format: &str| {
            let done = desk.run(&["bars", "IBM", "--limit", "1", "--format", format]);
            done.stdout
        };
        let head = |table: &str| table.lines().next().unwrap_or_default().to_owned();
        let plain = head(&bars("table"));
        assert!(
            plain.contains(" CLOSE ") && !plain.contains("USD"),
            "{plain}"
        );
        assert!(!bars("jsonl").contains("currency"), "it is not known");
        desk.sql(
            "INSERT INTO listings (source, symbol, name, exchange, kind, currency) \
             VALUES ('alpha_vantage', 'IBM', '', '', '', 'GBX')",
        );
        let known = head(&bars("table"));
        assert!(
            known.contains("OPEN GBX") && known.contains("CLOSE GBX"),
            "{known}"
        );
        assert!(bars("jsonl").trim_end().ends_with("\"currency\":\"GBX\"}"));
        assert!(bars("csv").trim_end().ends_with(",GBX,"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_are_found_by_their_symbol_alone() {
    let server = market().await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let bars = |arguments: &[&str]| {
            desk.run(&[&["bars", "--format", "csv", "--limit", "2"], arguments].concat())
        };
        let none = bars(&["IBM"]);
        assert!(
            none.code == 0 && none.stderr.contains("fetch --symbols IBM --interval 5min"),
            "{none:?}"
        );
        desk.fetch(&["--symbols", "IBM", "--interval", "weekly"]);
        let only = bars(&["ibm"]);
        assert_eq!(shown(&only), "IBM,weekly,false", "{only:?}");
        assert!(
            only.stderr.contains("weekly") && only.stderr.contains("raw"),
            "{only:?}"
        );

        desk.fetch(&["--symbols", "IBM", "--interval", "60min", "--adjusted"]);
        desk.fetch(&["--symbols", "IBM", "--interval", "daily"]);
        let finest = bars(&["IBM"]);
        assert_eq!(shown(&finest), "IBM,60min,true", "{finest:?}");
        for say in [
            "raw ones are not stored",
            "60min",
            "daily",
            "weekly",
            "OLDEST",
        ] {
            assert!(finest.stderr.contains(say), "{say}: {finest:?}");
        }
        let quiet = bars(&["IBM", "--quiet"]);
        assert!(
            quiet.stderr.is_empty() && quiet.stdout == finest.stdout,
            "{quiet:?}"
        );
        let named = bars(&["iBm", "--interval", "DAILY"]);
        assert_eq!(shown(&named), "IBM,daily,false", "{named:?}");
        assert!(named.stderr.is_empty(), "{named:?}");
        let usual = desk
            .command(&["bars", "IBM", "--format", "csv"])
            .env("PIPELINE_INTERVAL", "weekly")
            .output()
            .unwrap();
        assert_eq!(shown(&Done::from(usual)), "IBM,weekly,false");
        let absent = bars(&["IBM", "--interval", "15min"]);
        assert_eq!(absent.stdout.lines().count(), 1, "{absent:?}");
        for say in [
            "no bars of IBM 15min are stored",
            "--interval 15min",
            "60min",
        ] {
            assert!(absent.stderr.contains(say), "{say}: {absent:?}");
        }
        let early = bars(&["IBM", "--interval", "daily", "--to", "1999-01-01"]);
        assert!(early.stderr.contains("in that range"), "{early:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adjusted_bars_can_be_read() {
    let server = market().await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let bars = |arguments: &[&str]| {
            desk.run(&[&["bars", "IBM", "--format", "csv"], arguments].concat())
        };
        let intraday = ["--interval", "5min", "--adjusted"];
        desk.fetch(&[&["--symbols", "IBM"], &intraday[..]].concat());
        desk.fetch(&["--symbols", "IBM", "--interval", "5min"]);
        assert_eq!(shown(&bars(&intraday)), "IBM,5min,true");
        assert_eq!(shown(&bars(&["--interval", "5min"])), "IBM,5min,false");

        let daily = ["--interval", "daily", "--adjusted"];
        desk.fetch(&["--symbols", "IBM", "--interval", "daily"]);
        let without = bars(&daily);
        assert_eq!(shown(&without), "IBM,daily,true");
        assert!(
            without.stderr.contains("adjusted for splits alone")
                && without.stderr.contains("fetch --events --symbols IBM"),
            "{without:?}"
        );
        // A raw fetch today does not make the adjusted closes fresh.
        let asked = server.journal().len();
        let fresh = bars(&[&daily[..], &["--fresh"]].concat());
        assert_eq!((fresh.code, fresh.stderr.as_str()), (0, ""), "{fresh:?}");
        let line = fresh.stdout.lines().nth(1).unwrap();
        // What its prices are in is not known, since no list of symbols was asked for; and they are its own.
        let values = line.strip_suffix(",,").unwrap();
        assert!(values.split(',').all(|cell| !cell.is_empty()), "{line}");
        let journal = server.journal();
        assert_eq!(
            journal[asked..]
                .iter()
                .map(|entry| entry.query[0].1.as_str())
                .collect::<Vec<_>>(),
            ["TIME_SERIES_DAILY_ADJUSTED"]
        );
        bars(&[&daily[..], &["--fresh"]].concat());
        assert_eq!(server.journal().len(), asked + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_that_no_bar_can_be_in_are_refused() {
    let desk = Desk::new();
    for (arguments, says) in [
        (
            vec!["bars", "IBM", "--limit", "0"],
            vec!["--limit", "from 1"],
        ),
        (vec!["bars", "IBM", "--limit=-3"], vec!["--limit"]),
        (
            vec!["bars", "IBM", "--limit", "many"],
            vec!["--limit", "from 1"],
        ),
        (vec!["runs", "--limit", "0"], vec!["--limit", "from 1"]),
        (
            vec!["runs", "abc"],
            vec!["\"abc\" is not a run number", "pipeline-tui runs"],
        ),
        (vec!["runs", "1.5"], vec!["\"1.5\" is not a run number"]),
        (
            vec!["runs", "99999999999999999999"],
            vec!["is not a run number"],
        ),
        (vec!["bars", ""], vec!["a symbol is empty"]),
        (
            vec!["fetch", "--symbols", "A B"],
            vec!["--symbols: a symbol cannot contain"],
        ),
        (
            vec!["bars", "IBM", "--from", "2026-06-02", "--to", "2026-06-01"],
            vec!["--from 2026-06-02 is after --to 2026-06-01; swap them"],
        ),
        (
            vec![
                "bars",
                "IBM",
                "--from",
                "2026-06-01T12:00:00Z",
                "--to",
                "2026-05-31",
            ],
            vec!["--from 2026-06-01T12:00:00Z is after"],
        ),
    ] {
        assert_refused(&desk.run(&arguments), &says);
    }
    assert!(!desk.database().exists());
    // One day is a range.
    let day = desk.run(&["bars", "IBM", "--from", "2026-06-01", "--to", "2026-06-01"]);
    assert_eq!(day.code, 0, "{day:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_of_the_hand_costs_no_request_and_makes_no_run() {
    let server = market().await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let asked = server.journal().len();
        for (line, says) in [
            (
                "IBM --interval 5min --month 2130-01",
                vec!["2130-01 has not begun yet", "the newest month"],
            ),
            (
                "IBM --interval 5min --month 9999-12 --adjusted",
                vec!["9999-12 has not begun yet"],
            ),
            (
                "IBM --interval 5min --month 1999-12",
                vec!["from 2000-01 on"],
            ),
            ("IBM --interval 5min --month 2026-13", vec!["YYYY-MM"]),
            ("IBM --interval 5min --month=", vec!["YYYY-MM"]),
            (
                "IBM --interval daily --month 2024-01",
                vec!["intraday bars only"],
            ),
            (
                "IBM --interval weekly --regular-hours",
                vec!["intraday bars only"],
            ),
            (
                "IBM --interval monthly --outputsize full",
                vec!["leave out the outputsize"],
            ),
            ("IBM,,AAPL", vec!["a symbol is empty"]),
            ("IBM --max-age soon", vec!["15m"]),
        ] {
            let arguments: Vec<&str> = ["fetch", "--symbols"]
                .into_iter()
                .chain(line.split(' '))
                .collect();
            assert_refused(&desk.run(&arguments), &says);
        }
        assert_eq!(server.journal().len(), asked);
        assert_eq!(desk.run(&["runs", "--format", "json"]).stdout.trim(), "[]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stored_series_are_compared_and_the_exit_code_says_whether_they_agree() {
    let server = market().await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        let compared = |arguments: &[&str]| {
            let command = ["compare", "IBM", "coinbase:IBM", "--interval", "daily"];
            desk.run(&[&command, arguments].concat())
        };
        desk.fetch(&["--symbols", "IBM", "--interval", "daily"]);
        assert_refused(
            &compared(&[]),
            &["no daily bars of coinbase:IBM are stored"],
        );
        // The same bars from another source.
        if desk.postgres().is_some() {
            desk.sql(
                "INSERT INTO stock_data (symbol, timestamp, open_price, high_price, low_price, close_price, volume, \
                 interval, trading_date, source) SELECT symbol, timestamp, open_price, high_price, low_price, \
                 close_price, volume, interval, trading_date, 'coinbase' FROM stock_data",
            );
            desk.sql("INSERT INTO series_totals (source, symbol, interval, adjusted, bars) SELECT 'coinbase', symbol, interval, adjusted, bars FROM series_totals");
        } else {
            desk.sql("INSERT INTO series_totals (id, source, symbol, interval, adjusted, place, bars) SELECT id + 100, 'coinbase', symbol, interval, adjusted, place + 1, bars FROM series_totals");
            desk.sql("INSERT INTO bars (series_id, timestamp, trading_day, open_price, high_price, low_price, close_price, volume) SELECT series_id + 100, timestamp, trading_day, open_price, high_price, low_price, close_price, volume FROM bars");
        }
        let same = compared(&[]);
        assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{same:?}");
        assert!(same.stderr.contains("they agree"), "{same:?}");
        assert!(!same.stderr.contains("listings"), "{same:?}");
        desk.sql(
            "INSERT INTO listings (source, symbol, name, exchange, kind, currency) VALUES \
             ('alpha_vantage', 'IBM', 'International Business Machines', '', 'Stock', 'USD'), \
             ('coinbase', 'IBM', 'A coin in EUR', '', 'Crypto', 'EUR')",
        );
        let doubtful = compared(&[]);
        let said = "differ in name (International Business Machines, A coin in EUR) and kind (Stock, Crypto) and \
                    currency (USD, EUR): make sure";
        assert!(doubtful.stderr.contains(said), "{doubtful:?}");

        let (table, series) = if desk.postgres().is_some() {
            ("stock_data", "source = 'coinbase'")
        } else {
            ("bars", "series_id > 100")
        };
        let newest = format!("SELECT max(timestamp) FROM {table}");
        desk.sql(&format!(
            "UPDATE {table} SET volume = volume * 2 WHERE {series} AND timestamp = ({newest})"
        ));
        let other = compared(&[]);
        assert_eq!(other.code, 1, "{other:?}");
        assert!(
            other.stdout.contains("volume") && other.stderr.contains("1 difference"),
            "{other:?}"
        );
        let json = compared(&["--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(
            (&json["agree"], &json["second"]["source"]),
            (&false.into(), &"coinbase".into())
        );
        assert_eq!(json["differences"][0]["differs"], "volume");
        assert_eq!(compared(&["--volume-tolerance", "50"]).code, 0);
    }
}
