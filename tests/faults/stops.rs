//! A process that is stopped while the provider owes it an answer (T26).
//!
//! `STOPS` is how many processes are stopped, by either signal, half of them on each database.

use std::process::Child;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::net::TcpStream;

use crate::support::cluster::notice;
use crate::support::gate::Gate;
use crate::support::market::{fetch, market};
use crate::support::process::{finish, said, start};
use crate::support::product::Product;
use crate::support::program::signal;
use crate::support::promise::assert_in_time;
use crate::support::rounds;

/// Docker kills after ten seconds by itself.
const STOPPED: Duration = Duration::from_secs(5);
/// How long a process that is stopped once waits for its answer; stopped twice it must not wait.
const GRACE: Duration = Duration::from_secs(3);
/// Processes that are stopped at once.
const AT_ONCE: usize = 10;

/// A process with a request at a provider that never answers.
struct Owed {
    product: Product,
    run: Child,
    /// The connection on which the answer would come.
    _request: TcpStream,
    /// The system merges two equal signals that come at once.
    names: [&'static str; 2],
}

impl Owed {
    async fn new(number: usize) -> Self {
        let product = (number % 2 == 1).then(Product::postgres).flatten();
        let product = product.unwrap_or_else(Product::sqlite);
        let provider = market(0).await;
        let gate = Gate::before(&provider).await;
        let run = start(&product, &gate.base_url(), &fetch("IBM,AAPL"));
        let request = gate.arrival().await;
        let mut names = ["INT", "TERM"];
        if number % 4 >= 2 {
            names.reverse();
        }
        Self {
            product,
            run,
            _request: request,
            names,
        }
    }

    /// The time from the last signal to the end, whose exit code must say that it was stopped from outside.
    async fn end(&mut self, signals: usize) -> Duration {
        for name in self.names.iter().take(signals) {
            signal(name, &self.run);
        }
        let told = Instant::now();
        let status = finish(&mut self.run).await;
        let took = told.elapsed();
        assert_eq!(status.code(), Some(130), "{}", said(&self.product));
        took
    }

    /// Each run with its status, and each request with its state.
    async fn left(&self) -> Vec<String> {
        let runs = "SELECT CAST(status AS text) FROM runs ORDER BY id";
        let requests = "SELECT CAST(state AS text) FROM requests ORDER BY id";
        let mut left = self.product.rows(runs).await.concat();
        left.extend(self.product.rows(requests).await.concat());
        left
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_waits_a_little_for_what_is_paid_for_and_writes_down_the_rest() {
    let numbers: Vec<usize> = (0..rounds("STOPS", 4)).collect();
    let mut took = vec![];
    for some in numbers.chunks(AT_ONCE) {
        took.extend(
            join_all(some.iter().map(|&number| async move {
                let mut owed = Owed::new(number).await;
                let took = owed.end(1).await;
                assert_in_time(took, STOPPED);
                assert_eq!(owed.left().await, ["cancelled", "failed"]);
                took
            }))
            .await,
        );
    }
    tell("told once", &took);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_it_ends_at_once_and_the_next_start_says_so() {
    let mut took = vec![];
    for number in 0..rounds("STOPS", 4) {
        let mut owed = Owed::new(number).await;
        let ended = owed.end(2).await;
        assert_in_time(ended, GRACE);
        took.push(ended);
        owed.product.settle().await;
        let provider = market(0).await;
        let mut next = start(&owed.product, &provider.base_url(), &fetch("IBM"));
        assert!(finish(&mut next).await.success(), "{}", said(&owed.product));
        assert_eq!(
            owed.left().await,
            ["interrupted", "succeeded", "in_doubt", "stored"]
        );
    }
    tell("told twice", &took);
}

fn tell(what: &str, took: &[Duration]) {
    let most = took.iter().max().unwrap();
    notice(&format!(
        "{} processes {what} to stop: ended within {most:?}",
        took.len()
    ));
}
