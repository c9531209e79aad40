//! A process that is killed between two pages of the second source, and the start after it.

use std::process::{Command, Stdio};

use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::{Observer, Once, Pipeline, RunRequest, Unreadable};
use pipeline_tui::time::Clock;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::paged::{self, Provider, Script};
use crate::support::program::persistence;

contract! {
    a_process_killed_between_two_pages_costs_no_page_twice,
}

/// Where the store and the provider are: in the process that is killed.
const STORE: &str = "PAGED_STORE";
const PROVIDER: &str = "PAGED_PROVIDER";
/// The test that is that process.
const CHILD: &str = "contract::killed::the_process_that_is_killed";

async fn fetch(store: &Arc<dyn Store>, provider: &str) -> RunStatus {
    let pipeline = Arc::new(Pipeline {
        store: Arc::clone(store),
        lanes: vec![paged::lane(provider)],
        answers_limit: 1 << 28,
        persistence: persistence(),
        clock: Clock::system(),
        calendars: pipeline_tui::pipeline::sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
    });
    let request = RunRequest {
        trigger: "test",
        series: ["IBM", "MSFT"].map(paged::series).into(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    let silent: Observer = Arc::new(|_| {});
    let ended = pipeline
        .run(request, silent, CancellationToken::new())
        .await;
    ended.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let (Ok(place), Ok(provider)) = (std::env::var(STORE), std::env::var(PROVIDER)) else {
        return;
    };
    let place = if place.starts_with("postgres") {
        Place::Postgres(place)
    } else {
        Place::Sqlite(place.into())
    };
    fetch(&place.open().await, &provider).await;
}

async fn a_process_killed_between_two_pages_costs_no_page_twice(place: Place) {
    let store = place.open().await;
    let silent = Provider::start(Script::SilentAt(3, 2)).await;
    let at = match &place {
        Place::Sqlite(path) => path.to_str().unwrap().to_owned(),
        Place::Postgres(url) => url.clone(),
    };
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD])
        .env(STORE, at)
        .env(PROVIDER, &silent.base_url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    silent.asked_for(2).await;
    process.kill().unwrap();
    process.wait().unwrap();
    // PostgreSQL releases a session's lock when it notices that the connection is closed.
    while store.runs(1).await.unwrap()[0].status == RunStatus::Running {
        store.sweep().await.unwrap();
    }
    let states = place
        .sql("SELECT page || ' ' || state FROM requests ORDER BY id")
        .await;
    assert_eq!(
        states,
        ["1 stored", "2 in_doubt"],
        "killed between two pages"
    );
    let provider = Provider::start(Script::Pages(3)).await;
    assert_eq!(
        fetch(&store, &provider.base_url).await,
        RunStatus::Succeeded
    );
    assert_eq!(
        provider.pages(),
        [2, 3],
        "it goes on at the page that is missing"
    );
    let bars = place
        .sql("SELECT symbol || ' ' || count(*) FROM stock_data WHERE source = 'paged' GROUP BY symbol ORDER BY 1")
        .await;
    assert_eq!(bars, ["IBM 3", "MSFT 3"]);
}
