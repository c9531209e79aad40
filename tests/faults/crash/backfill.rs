//! `backfill`, killed at a call that changes anything outside it, run again and killed at a later one,
//! until it ends by itself: before a request is reserved, after it, after its answer came, while it is
//! stored, between two months. No month is lost, and none is asked for twice.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;

use super::steps::{CALLS, killed_at};
use crate::support::ledger::Ledger;
use crate::support::market::{fetch, market, stored_bars};
use crate::support::process::{finish, said, start, start_as};
use crate::support::product::Product;
use crate::support::{cluster, may_trace};

/// Two months for each kind of call.
const RANGES: [[&str; 2]; 3] = [
    ["2026-03", "2026-04"],
    ["2026-01", "2026-02"],
    ["2025-11", "2025-12"],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backfill_asks_for_no_month_twice_in_sqlite() {
    if may_trace() {
        a_killed_backfill_asks_for_no_month_twice(&Product::sqlite).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backfill_asks_for_no_month_twice_in_postgres() {
    if may_trace() && Product::postgres().is_some() {
        a_killed_backfill_asks_for_no_month_twice(&|| Product::postgres().unwrap()).await;
    }
}

fn backfill([from, to]: [&str; 2]) -> Vec<String> {
    let words = format!("backfill --symbols IBM --interval 5min --from {from} --to {to}");
    words.split(' ').map(str::to_owned).collect()
}

async fn a_killed_backfill_asks_for_no_month_twice(new: &dyn Fn() -> Product) {
    let (product, provider) = (new(), market(0).await);
    let url = provider.base_url();
    let mut first = start(&product, &url, &fetch("TXN"));
    assert!(finish(&mut first).await.success(), "{}", said(&product));
    let mut killed = 0;
    for (call, range) in CALLS.into_iter().zip(RANGES) {
        let mut nth = 1;
        loop {
            let traced = killed_at(&product.command(&url), call, nth);
            let mut run = start_as(&product, traced, &backfill(range));
            let status = finish(&mut run).await;
            product.settle().await;
            // No thread made so many of these calls: it ended by itself.
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(9), "{status}\n{}", said(&product));
            killed += 1;
            nth += 1 + nth / 4;
        }
    }
    assert!(killed > 0, "a test without kills proves nothing");

    let sent = provider.journal().len();
    for range in RANGES {
        let mut again = start(&product, &url, &backfill(range));
        assert!(finish(&mut again).await.success(), "{}", said(&product));
    }
    assert_eq!(
        provider.journal().len(),
        sent,
        "nothing is missing any more"
    );
    let (untouched, other) = (new(), market(0).await);
    for order in [fetch("TXN")].into_iter().chain(RANGES.map(backfill)) {
        let mut run = start(&untouched, &other.base_url(), &order);
        assert!(finish(&mut run).await.success(), "{}", said(&untouched));
    }
    let bars = stored_bars(&product).await;
    assert!(bars.len() > 10_000, "{} bars", bars.len());
    assert!(bars == stored_bars(&untouched).await, "a bar was lost");

    let ledger = Ledger::read(&product, &[provider], 1).await;
    ledger.check_requests();
    let mut months: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for request in &ledger.requests {
        let query = request.seen.as_ref().map(|(_, query)| query);
        let mut pairs = query.into_iter().flatten();
        if let Some((_, month)) = pairs.find(|(name, _)| name == "month") {
            months.entry(month).or_default().push(&request.state);
        }
    }
    assert_eq!(months.len(), 6, "{months:?}");
    for (month, states) in &months {
        let (last, others) = states.split_last().unwrap();
        assert!(
            *last == "stored" && others.iter().all(|state| *state == "in_doubt"),
            "{month} was asked for again although its answer was there: {states:?}"
        );
    }
    cluster::notice(&format!(
        "{}: {killed} kills of backfill; {months:?}",
        product.kind()
    ));
}
