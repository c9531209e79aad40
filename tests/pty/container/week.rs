//! A week of all four sources in the container: the program itself at each tick, PostgreSQL and the
//! simulator under one wall clock.

use std::fs::{Permissions, create_dir, set_permissions, write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::Project;
use crate::support::wall;

/// Every four hours from Monday morning in New York on, a minute after the hour: a bar that ends with
/// the hour is out by then, and none comes before the status is read. At one tick, on Tuesday,
/// Coinbase is away.
const WEEK: &str = r"
show() { printf '%+d' $(($1 - $(LD_PRELOAD= date +%s))) >/wall/new; mv /wall/new /wall/ahead; }
begins=$(LD_PRELOAD= date -u -d '2026-05-11 06:01' +%s)
show $begins
printf '%s\n' 'alpha_vantage:IBM 5min' 'alpha_vantage:IBM daily' 'alpaca:IBM 5min' 'alpaca:AAPL 5min' \
  'coinbase:BTC-USD 5min' 'binance:BTCUSDT 5min' 'binance:ETHUSDT 60min' |
  pipeline-tui --quiet watch import --replace - >&2
tick=0
while [ $tick -lt 42 ]; do
  show $((begins + tick * 14400))
  if [ $tick = 8 ]; then
    export COINBASE_BASE_URL=http://127.0.0.1:9
  else
    export COINBASE_BASE_URL=http://simulate:8080/coinbase
  fi
  pipeline-tui --quiet fetch >&2 || echo tick $tick: exit code $? >&2
  tick=$((tick + 1))
done
pipeline-tui --quiet gaps >&2
pipeline-tui status --format json
";

#[test]
fn a_week_of_four_sources_is_complete_and_one_that_is_away_holds_up_none() {
    let Some(given) = Project::given() else {
        return;
    };
    let Some(library) = wall::library() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let wall = folder.path().join("wall");
    prepare(&wall);
    let mounted = [
        ("FAKETIME_LIBRARY", library.to_str().unwrap()),
        ("WALL", wall.to_str().unwrap()),
    ];
    let beside = given.beside("week", "tests/pty/container/week.yml", &mounted);
    let project = &beside.project;
    let run = ["run", "--rm", "-T", "--entrypoint", "sh"];
    let told = project.run(&[&run[..], &["pipeline-tui", "-euc", WEEK]].concat());
    let status: Value = serde_json::from_str(&told).unwrap();
    let [series, fresh, holes] = ["series", "fresh", "holes"].map(|name| status[name].as_u64());
    assert_eq!(
        [series, fresh, holes],
        [Some(7), Some(7), Some(0)],
        "{told}"
    );
    assert_the_outage_held_up_none(project);

    // Six days and 20 hours between the first tick and the last, or five sessions of 78 bars.
    let (around_the_clock, sessions) = (12 * (24 * 6 + 20), 5 * 78);
    for (source, least) in [
        ("binance", around_the_clock),
        ("coinbase", around_the_clock),
        ("alpaca", 2 * sessions),
        ("alpha_vantage", sessions),
    ] {
        let sql = format!(
            "SELECT count(*) FROM stock_data WHERE source = '{source}' AND interval = '5min'"
        );
        let bars: u32 = project.psql(&sql).parse().unwrap();
        assert!(bars >= least, "{source}: {bars}");
    }
}

/// Only the series of one run failed, after the others had ended, and nothing else was ever refused.
#[track_caller]
fn assert_the_outage_held_up_none(project: &Project) {
    let failed = project
        .psql("SELECT source, symbol, error_class FROM run_series WHERE status <> 'succeeded'");
    assert_eq!(failed, "coinbase|BTC-USD|network");
    let others = project.psql(
        "SELECT count(*), bool_and(other.finished_at < away.finished_at) FROM run_series away \
         JOIN run_series other USING (run_id) WHERE away.status <> 'succeeded' AND other.status = 'succeeded'",
    );
    assert_eq!(others, "6|t");
    let refused = project.psql(
        "SELECT source, state, class, message FROM requests WHERE state NOT IN ('stored', 'not_sent')",
    );
    assert_eq!(refused, "");
}

/// A clock that any user can set, and that is set: the database starts before the week does.
fn prepare(wall: &Path) {
    create_dir(wall).unwrap();
    set_permissions(wall, Permissions::from_mode(0o777)).unwrap();
    write(wall.join("ahead"), "+0").unwrap();
}
