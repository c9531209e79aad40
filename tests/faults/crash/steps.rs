//! A kill at the Nth call that changes anything outside the program, for each N.
//!
//! Each step of a run changes the world by such a call: a statement to PostgreSQL, a page of
//! SQLite's file or log, a request to the provider. strace counts each thread separately.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use crate::support::market::{fetch, last_run, market};
use crate::support::process::{finish, said, start, start_as};
use crate::support::product::Product;
use crate::support::{cluster, may_trace, rounds};

const MANY: &str = "IBM,AAPL,MSFT,GOOGL,AMZN,NVDA";
/// Calls that write to a socket or a file, or make it durable.
pub const CALLS: [&str; 3] = ["sendto", "pwrite64", "fsync"];

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_each_step_loses_nothing_in_sqlite() {
    if may_trace() {
        a_kill_at_each_step_loses_nothing(&Product::sqlite).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_each_step_loses_nothing_in_postgres() {
    if may_trace() && Product::postgres().is_some() {
        a_kill_at_each_step_loses_nothing(&|| Product::postgres().unwrap()).await;
    }
}

/// `STEPS` is how many calls of each kind are tried, `STEP` the distance between two.
async fn a_kill_at_each_step_loses_nothing(new: &dyn Fn() -> Product) {
    let (steps, step) = (rounds("STEPS", 4), rounds("STEP", 7));
    let product = new();
    let provider = market(0).await;
    let mut first = start(&product, &provider.base_url(), &fetch("TXN"));
    assert!(finish(&mut first).await.success(), "{}", said(&product));
    let (mut providers, mut killed, mut ended) = (vec![provider], 0, 1);
    for call in CALLS {
        for nth in (0..steps).map(|turn| 1 + turn * step) {
            let provider = market(0).await;
            let order = fetch(MANY);
            let traced = killed_at(&product.command(&provider.base_url()), call, nth);
            let mut run = start_as(&product, traced, &order);
            let status = finish(&mut run).await;
            providers.push(provider);
            // No thread made so many of these calls: it ended by itself.
            if status.success() {
                ended += 1;
                continue;
            }
            assert_eq!(status.signal(), Some(9), "{status}\n{}", said(&product));
            killed += 1;
            product.settle().await;
        }
    }
    let ledger = last_run(&product, providers, killed, ended).await;
    assert!(killed > 0, "a test without kills proves nothing");
    cluster::notice(&format!(
        "{}: {killed} kills at system calls; {}",
        product.kind(),
        ledger.distribution(killed, ended + 1)
    ));
}

/// The same command, under a tracer that kills it at its Nth call.
pub fn killed_at(command: &Command, call: &str, nth: usize) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-o", "/dev/null"])
        .arg(format!("-etrace={call}"))
        .arg(format!("-einject={call}:signal=SIGKILL:when={nth}"))
        .arg(command.get_program())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    if let Some(path) = std::env::var_os("PATH") {
        traced.env("PATH", path);
    }
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    traced
}
