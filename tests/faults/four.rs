//! Four sources in one run, one of them down from the first request to the last: it holds up no other,
//! and the run says which it was.

use pipeline_tui::simulate::Plan;

use crate::support::program::{Desk, provider};
use crate::support::sources::variables;

const SERIES: [&str; 4] = [
    "alpha_vantage:IBM",
    "alpaca:IBM",
    "coinbase:BTC-USD",
    "binance:BTCUSDT",
];

#[tokio::test(flavor = "multi_thread")]
async fn one_source_that_is_down_holds_up_no_other_of_four() {
    // None of these is tried again: what is, is in `simulated`.
    let refused = "the provider's network refuses this address";
    for (down, fault, code, words) in [
        (0, "forbidden", 1, refused),
        (1, "bad-key", 2, "the provider does not accept the key"),
        (2, "forbidden", 1, refused),
        (
            3,
            "banned",
            1,
            "Binance has banned this address for a while",
        ),
    ] {
        let name = SERIES[down].split(':').next().unwrap();
        let server = provider(Plan::Unlimited, &[&format!("{fault},dialect={name}")]).await;
        for desk in Desk::on_each_database() {
            let desk = variables(&server)
                .into_iter()
                .fold(desk.asking(&server), |desk, (name, value)| {
                    desk.with(name, &value)
                });
            let fetch = [
                "fetch",
                "--symbols",
                &SERIES.join(","),
                "--interval",
                "5min",
            ];
            let done = tokio::task::block_in_place(|| desk.run(&fetch));
            assert_eq!(done.code, code, "{fault} at {name}: {done:?}");
            let line = done.stdout.lines().find(|line| line.contains(words));
            let symbol = SERIES[down].rsplit(':').next().unwrap();
            assert!(
                line.is_some_and(|line| line.contains(symbol)),
                "{fault} at {name}: {done:?}"
            );
            let mut stored = desk.sql("SELECT DISTINCT source FROM stock_data");
            let mut up: Vec<&str> = SERIES
                .iter()
                .filter_map(|series| series.split(':').next())
                .filter(|source| *source != name)
                .collect();
            stored.sort_unstable();
            up.sort_unstable();
            assert_eq!(stored, up, "{fault} at {name}");
            let runs = desk.sql("SELECT status FROM runs");
            assert_eq!(runs, ["partial"], "{fault} at {name}");
        }
    }
}
