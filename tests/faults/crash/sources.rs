//! `backfill` of three more sources at once, killed again and again until it ends by itself: a walk
//! over pages of two symbols, and windows of time. No page and no window is paid for twice although its
//! answer was there, none is skipped, and the walk goes on at the page that was missing.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};
use std::time::Duration;

use pipeline_tui::simulate::{JournalEntry, Options, Plan, Server};
use pipeline_tui::time::Clock;

use super::steps::{CALLS, killed_at};
use super::{Moment, check_secrets, strike};
use crate::support::canary::{KEY_ID, KEY_SECRET};
use crate::support::process::{finish, said, start_as};
use crate::support::product::{CANARY, Database, Product};
use crate::support::sources::{Key, Said, Values, ask_again, parameter, read, variables};
use crate::support::{chance, cluster, may_trace, rounds};

const SERIES: &str = "alpaca:IBM,alpaca:AAPL,coinbase:BTC-USD,binance:BTCUSDT";
/// After the last of these days, so that every bar is final.
const NIGHT: &str = "2026-05-16T02:00:00Z";
/// Later days, which are there before the first kill: of the newest bars the program also looks at
/// those that it holds, and asks for less where a walk was cut short.
const NEWEST: [&str; 2] = ["2026-05-04", "2026-05-15"];
/// Days for kills at random moments, and for each kind of call.
const DAYS: [[&str; 2]; 4] = [
    ["2026-04-06", "2026-04-17"],
    ["2026-03-09", "2026-03-20"],
    ["2026-02-02", "2026-02-13"],
    ["2026-01-05", "2026-01-16"],
];
/// Every page has half of its bars, so that a walk has many pages of few bars.
const SHORT_PAGES: &str = "page-shrinks,dialect=alpaca";
/// A walk over some days has more pages than this.
const FEW_PAGES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn killed_walks_and_windows_are_paid_once_in_sqlite() {
    if may_trace() {
        killed_walks_and_windows_are_paid_once(Product::sqlite()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_walks_and_windows_are_paid_once_in_postgres() {
    if let Some(product) = Product::postgres().filter(|_| may_trace()) {
        killed_walks_and_windows_are_paid_once(product).await;
    }
}

/// `PAGE_KILLS` is the number of kills at random moments, `PAGE_SEED` repeats them.
async fn killed_walks_and_windows_are_paid_once(product: Product) {
    let provider = Server::start(Options {
        plan: Plan::Unlimited,
        faults: vec![SHORT_PAGES.parse().unwrap()],
        clock: Clock::fixed(NIGHT.parse().unwrap()),
        ..Options::default()
    });
    let provider = provider.await.unwrap();
    let rig = Rig {
        product: &product,
        provider: &provider,
    };
    rig.to_the_end(NEWEST).await;
    let [random, steps @ ..] = DAYS;
    let mut killed = rig.at_random(random).await;
    for (call, days) in CALLS.into_iter().zip(steps) {
        killed += rig.at_each(call, days).await;
    }
    assert!(killed > 0, "a test without kills proves nothing");

    let sent = provider.journal();
    for days in DAYS {
        rig.to_the_end(days).await;
    }
    assert_eq!(
        provider.journal().len(),
        sent.len(),
        "nothing is missing any more"
    );
    let paid = rig.check_requests(&sent).await;
    let answers = rig.check_answers(&paid).await;
    Rig::check_walks(&answers);
    rig.check_bars(&answers).await;
    check_secrets(&product, &[CANARY, KEY_ID, KEY_SECRET], "IBM").await;
    cluster::notice(&format!(
        "{}: {killed} kills of three sources; {} requests, {} answers",
        product.kind(),
        sent.len(),
        answers.len()
    ));
}

/// An installation, and the provider of all its sources.
struct Rig<'a> {
    product: &'a Product,
    provider: &'a Server,
}

impl Rig<'_> {
    fn command(&self) -> Command {
        let mut command = self.product.command(&self.provider.base_url());
        command.envs(variables(self.provider));
        command
    }

    fn start(&self, command: Command, [from, to]: [&str; 2]) -> Child {
        let words = format!("backfill --symbols {SERIES} --interval 15min --from {from} --to {to}");
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        start_as(self.product, command, &words)
    }

    async fn to_the_end(&self, days: [&str; 2]) {
        let mut run = self.start(self.command(), days);
        let status = finish(&mut run).await;
        assert!(status.success(), "{status}\n{}", said(self.product));
    }

    /// Kills at random moments of one backfill; returns how many.
    async fn at_random(&self, days: [&str; 2]) -> usize {
        let mut rng = chance("PAGE_SEED");
        let mut killed = 0;
        while killed < rounds("PAGE_KILLS", 6) {
            let mut run = self.start(self.command(), days);
            let moment = Moment {
                requests: self.provider.journal().len() + rng.usize(1..=4),
                later: Duration::from_micros(rng.u64(0..=40_000)),
            };
            let status = strike(&mut run, self.provider, moment).await;
            self.product.settle().await;
            match status.signal() {
                Some(9) => killed += 1,
                _ => assert!(status.success(), "{status}\n{}", said(self.product)),
            }
            if status.success() {
                break;
            }
        }
        self.to_the_end(days).await;
        killed
    }

    /// Kills at a call of a kind, each time at a later one, until the backfill ends by itself; returns how many.
    async fn at_each(&self, call: &str, days: [&str; 2]) -> usize {
        let (mut killed, mut nth) = (0, 2);
        loop {
            let mut run = self.start(killed_at(&self.command(), call, nth), days);
            let status = finish(&mut run).await;
            self.product.settle().await;
            if status.success() {
                return killed;
            }
            assert_eq!(status.signal(), Some(9), "{status}\n{}", said(self.product));
            killed += 1;
            nth = 2 * nth + 3;
        }
    }

    /// Everything that was sent was reserved, and is either stored or in doubt. What was sent again had
    /// no answer. Returns what is stored.
    async fn check_requests(&self, journal: &[JournalEntry]) -> Vec<JournalEntry> {
        let mut seen = BTreeMap::new();
        for entry in journal {
            let id = entry.request_id.clone().unwrap();
            assert!(seen.insert(id, entry).is_none(), "{entry:?} was sent twice");
        }
        let sql = "SELECT CAST(q.attempt_id AS text), CAST(q.state AS text), CAST(r.status AS text) \
                   FROM requests q JOIN runs r ON r.id = q.run_id ORDER BY q.id";
        let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut paid = vec![];
        for row in self.product.rows(sql).await {
            let [attempt, state, run]: [String; 3] = row.try_into().unwrap();
            let entry = seen.remove(&attempt);
            match (state.as_str(), entry) {
                ("stored", Some(entry)) => paid.push(entry.clone()),
                ("in_doubt", _) if run == "interrupted" => {}
                _ => panic!("{attempt} of a run that is {run} is {state}: {entry:?}"),
            }
            if let Some(entry) = entry {
                let question = format!("{} {:?}", entry.path, entry.query);
                asked.entry(question).or_default().push(state);
            }
        }
        assert!(seen.is_empty(), "sent without a reservation: {seen:?}");
        for (question, states) in &asked {
            let (last, others) = states.split_last().unwrap();
            assert!(
                last == "stored" && others.iter().all(|state| state == "in_doubt"),
                "{question} was asked again although its answer was there: {states:?}"
            );
        }
        let open = "SELECT CAST(count(*) AS text) FROM runs WHERE status NOT IN ('succeeded', 'interrupted')";
        assert_eq!(self.product.text(open).await, "0", "runs are left open");
        paid
    }

    async fn check_answers(&self, paid: &[JournalEntry]) -> Vec<(JournalEntry, Said)> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut answers = vec![];
        for entry in paid {
            let body = ask_again(&client, self.provider, entry).await;
            answers.push((entry.clone(), read(entry, &body)));
        }
        answers
    }

    /// Each page leads to one that was asked for too, with the same question, up to the last.
    fn check_walks(answers: &[(JournalEntry, Said)]) {
        let question = |entry: &JournalEntry| -> Vec<(String, String)> {
            let mut query = entry.query.clone();
            query.retain(|(name, _)| name != "page_token");
            query
        };
        let pages: Vec<_> = answers
            .iter()
            .filter(|(entry, _)| entry.dialect.unwrap().as_str() == "alpaca")
            .collect();
        let mut firsts: BTreeSet<(Vec<(String, String)>, String)> = pages
            .iter()
            .map(|(entry, _)| (question(entry), parameter(entry, "page_token").to_owned()))
            .collect();
        assert_eq!(firsts.len(), pages.len(), "a page was paid for twice");
        for (entry, said) in &pages {
            if let Some(next) = &said.next {
                let page = (question(entry), next.clone());
                assert!(firsts.remove(&page), "skipped: {page:?}");
            }
        }
        let walks = 1 + DAYS.len();
        assert!(pages.len() > walks * FEW_PAGES, "{} pages", pages.len());
        assert_eq!(firsts.len(), walks, "one walk for all days: {firsts:?}");
        assert!(
            firsts.iter().all(|(_, token)| token.is_empty()),
            "{firsts:?}"
        );
    }

    /// Every bar of every answer is in one answer, and is stored as it was sent; no other is.
    async fn check_bars(&self, answers: &[(JournalEntry, Said)]) {
        let mut expected: BTreeMap<Key, Values> = BTreeMap::new();
        for (entry, said) in answers {
            for (key, values) in &said.bars {
                let other = expected.insert(key.clone(), *values);
                assert_eq!(other, None, "{key:?} was paid for twice: {entry:?}");
            }
        }
        let stored = self.stored().await;
        let rows = stored.len();
        let stored: BTreeMap<Key, Values> = stored.into_iter().collect();
        assert_eq!(stored.len(), rows, "a bar is there twice");
        let wrong: Vec<_> = expected
            .iter()
            .filter(|(key, values)| stored.get(key) != Some(values))
            .take(5)
            .collect();
        assert!(wrong.is_empty(), "lost or changed: {wrong:?}");
        assert_eq!(stored.len(), expected.len(), "bars that nobody sent");
        for series in SERIES.split(',') {
            let bars = stored.keys().filter(|(name, _)| name == series);
            assert!(bars.count() > 1_000, "{series}");
        }
    }

    async fn stored(&self) -> Vec<(Key, Values)> {
        let sql = match self.product.database {
            Database::Sqlite(_) => {
                "SELECT source || ':' || symbol, CAST(unixepoch(timestamp) AS text), \
                        CAST(open_price AS text), CAST(high_price AS text), CAST(low_price AS text), \
                        CAST(close_price AS text), CAST(volume * 100000000 + volume_fraction AS text) \
                 FROM bars JOIN series_totals s ON s.id = series_id"
            }
            Database::Postgres(_) => {
                "SELECT source || ':' || symbol, \
                        CAST(CAST(extract(epoch FROM timestamp) AS bigint) AS text), \
                        CAST(CAST(open_price * 100000000 AS bigint) AS text), \
                        CAST(CAST(high_price * 100000000 AS bigint) AS text), \
                        CAST(CAST(low_price * 100000000 AS bigint) AS text), \
                        CAST(CAST(close_price * 100000000 AS bigint) AS text), \
                        CAST(CAST(volume * 100000000 AS bigint) AS text) \
                 FROM stock_data"
            }
        };
        let rows = self.product.rows(sql).await.into_iter();
        rows.map(|row| {
            let number = |column: usize| -> i64 { row[column].parse().unwrap() };
            let values = [2, 3, 4, 5, 6].map(number);
            ((row[0].clone(), number(1)), values)
        })
        .collect()
    }
}
