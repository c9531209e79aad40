//! The product's ledger beside the journal of its provider.
use std::collections::{BTreeMap, BTreeSet};

use pipeline_tui::simulate::Server;

use super::product::Product;

/// Requests in flight at once on the plan `unlimited`: as many may be in doubt after a kill.
const IN_FLIGHT: usize = 4;

/// A row of `requests` with what both sides know about it.
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) run: String,
    pub(crate) state: String,
    pub(crate) symbol: String,
    pub(crate) interval: String,
    /// The run was interrupted, and this answer stored afterwards.
    recovered: bool,
    /// The market and the query with which the provider received it.
    pub(crate) seen: Option<(usize, Vec<(String, String)>)>,
}

/// The ledger beside the journals of the provider.
pub(crate) struct Ledger {
    /// In the order in which they were reserved.
    pub(crate) requests: Vec<Request>,
    /// Status of each run.
    runs: BTreeMap<String, String>,
}

impl Ledger {
    pub(crate) async fn read(product: &Product, servers: &[Server], markets: usize) -> Self {
        let mut journal = BTreeMap::new();
        for (round, server) in servers.iter().enumerate() {
            for entry in server.journal() {
                let id = entry.request_id.unwrap();
                let entry = (round % markets, entry.query);
                assert!(
                    journal.insert(id.clone(), entry).is_none(),
                    "{id} was sent twice"
                );
            }
        }
        let runs = "SELECT CAST(id AS text), CAST(status AS text) FROM runs";
        let runs = product.rows(runs).await.into_iter();
        let requests = "SELECT CAST(q.id AS text), CAST(q.attempt_id AS text), CAST(q.run_id AS text), \
                               CAST(q.state AS text), CAST(a.symbol AS text), CAST(a.interval AS text), \
                               CASE WHEN r.status = 'interrupted' AND s.finished_at >= r.finished_at THEN 'yes' END \
                        FROM requests q JOIN runs r ON r.id = q.run_id \
                        LEFT JOIN request_series a ON a.request_id = q.id \
                        LEFT JOIN run_series s ON s.run_id = q.run_id AND s.symbol = a.symbol \
                        ORDER BY q.id";
        let requests = product.rows(requests).await.into_iter().map(|row| {
            let [id, attempt, run, state, symbol, interval, recovered]: [String; 7] =
                row.try_into().unwrap();
            let recovered = recovered == "yes" && state == "stored";
            let seen = journal.remove(&attempt);
            Request {
                id,
                run,
                state,
                symbol,
                interval,
                recovered,
                seen,
            }
        });
        let ledger = Self {
            requests: requests.collect(),
            runs: runs.map(|row| (row[0].clone(), row[1].clone())).collect(),
        };
        let unknown: Vec<_> = journal.keys().collect();
        assert!(
            unknown.is_empty(),
            "sent without a reservation: {unknown:?}"
        );
        ledger
    }

    /// Nothing is left open, and what was sent is what the provider received.
    pub(crate) fn check_requests(&self) {
        let mut in_doubt: BTreeMap<&str, usize> = BTreeMap::new();
        for request in &self.requests {
            let Request {
                id,
                run,
                state,
                seen,
                ..
            } = request;
            let interrupted = self.runs[run] == "interrupted";
            match (state.as_str(), seen) {
                ("stored", Some((_, query))) => {
                    let asked = |name: &str, value: &str| {
                        query.contains(&(name.to_owned(), value.to_owned()))
                    };
                    assert!(asked("symbol", &request.symbol), "request {id}: {query:?}");
                    assert!(
                        asked("interval", &request.interval),
                        "request {id}: {query:?}"
                    );
                }
                ("in_doubt", seen) if interrupted => {
                    if seen.is_none() {
                        *in_doubt.entry(run).or_default() += 1;
                    }
                }
                _ => panic!(
                    "request {id} of run {run} is {state}, seen: {}",
                    seen.is_some()
                ),
            }
        }
        let most = in_doubt.values().max().copied().unwrap_or(0);
        assert!(
            most <= IN_FLIGHT,
            "a kill cost {most} requests that were never sent"
        );
    }

    /// No run is left running, and none that ended by itself was swept.
    pub(crate) async fn check_runs(&self, product: &Product, killed: usize, ended: usize) {
        let count = |status: &str| self.runs.values().filter(|&found| found == status).count();
        let (interrupted, succeeded) = (count("interrupted"), count("succeeded"));
        assert_eq!(interrupted + succeeded, self.runs.len(), "{:?}", self.runs);
        assert!(
            succeeded >= ended,
            "{succeeded} succeeded, {ended} processes said so"
        );
        assert!(
            self.runs.len() <= killed + ended,
            "{} runs",
            self.runs.len()
        );
        let open = "SELECT CAST(count(*) AS text) FROM run_series s JOIN runs r ON r.id = s.run_id \
                    WHERE s.status <> 'succeeded' AND (s.status <> 'interrupted' OR r.status <> 'interrupted')";
        assert_eq!(product.text(open).await, "0", "unfinished series");
    }

    /// Where the kills hit; one kill hits up to four requests in flight, each at its own step.
    pub(crate) fn distribution(&self, killed: usize, ended: usize) -> String {
        let interrupted: BTreeSet<&str> = self
            .runs
            .iter()
            .filter_map(|(id, status)| (status == "interrupted").then_some(id.as_str()))
            .collect();
        let hit = |step: &dyn Fn(&Request) -> bool| -> BTreeSet<&str> {
            let hit = self.requests.iter().filter(|request| step(request));
            hit.map(|request| request.run.as_str()).collect()
        };
        let reserved = hit(&|r| r.state == "in_doubt" && r.seen.is_none());
        let sent = hit(&|r| r.state == "in_doubt" && r.seen.is_some());
        let kept = hit(&|r| r.recovered);
        let busy: BTreeSet<&str> = [&reserved, &sent, &kept]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        let finished = self.runs.len() - interrupted.len() - ended;
        format!(
            "killed before a run {}, reserved but not sent {}, sent but not kept {}, kept but not stored {}, \
             with nothing in flight {}, after the run's end {finished}",
            killed - interrupted.len() - finished,
            reserved.len(),
            sent.len(),
            kept.len(),
            interrupted.difference(&busy).count(),
        )
    }
}
