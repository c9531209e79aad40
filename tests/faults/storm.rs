//! Faults of all groups at once, one every few seconds: engines are killed and frozen, the provider
//! answers wrongly or not at all, the database crashes, freezes, loses its sessions or is locked, the disk
//! is full, nobody takes the alerts, and a person goes on working (T29).
//!
//! Two installations side by side: several engines on a PostgreSQL server of their own, and one on an
//! SQLite file. When the last fault is over, everything must be done within [`LIMIT`]; what holds all the
//! time is checked by the provider's journal and the database. Wrong clocks are in `clock`, and no disk
//! of a server is filled.
//!
//! `STORM_SECONDS` is how long the storm lasts, give or take half a minute; `STORM_SEED` repeats an
//! earlier one.

mod checks;
mod door;
mod plan;
mod told;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Timelike as _};
use pipeline_tui::time::Clock;

use self::plan::{Side, plays};
use self::world::World;
use crate::support::cluster::notice;
use crate::support::promise::assert_in_time;
use crate::support::server::{database, durable};
use crate::support::{chance, rounds};

const ENGINES: usize = 3;
/// How soon after the last fault everything is done.
const LIMIT: Duration = Duration::from_mins(1);
/// How long the test waits for that, so that it can say how long it took.
const PATIENCE: Duration = Duration::from_mins(3);
/// From one fault to the next; in a short storm less.
const PERIOD: Duration = Duration::from_secs(5);
/// Faults that a short storm has.
const FEW: u32 = 24;
/// How often the processes are looked after.
const LOOK: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn after_random_faults_of_all_groups_everything_gets_done_within_a_minute() {
    let Some(cluster) = durable() else { return };
    let mut rng = chance("STORM_SEED");
    let seconds = rounds("STORM_SECONDS", 45);
    let wished = Duration::from_secs(seconds as u64);
    let starts = 100 + seconds;
    let url = database(&cluster);
    let mut worlds = [
        World::new(Side::Postgres, Some(url), ENGINES, starts).await,
        World::new(Side::Sqlite, None, 1, 0).await,
    ];
    for world in &mut worlds {
        world.start();
    }
    first_bars(&mut worlds).await;

    let length = until_half_past(wished);
    let plays = plays(&mut rng, length, PERIOD.min(length / FEW));
    let mut moments: Vec<(Duration, bool, usize)> = vec![];
    for (number, play) in plays.iter().enumerate() {
        moments.push((play.at, true, number));
        moments.push((play.until, false, number));
    }
    moments.sort_unstable_by_key(|(at, begins, number)| (*at, !*begins, *number));
    let began = Instant::now();
    for (at, begins, number) in moments {
        let play = &plays[number];
        while began.elapsed() < at {
            worlds.iter_mut().for_each(World::tend);
            // This is the schedule of the faults, not a wait for something.
            tokio::time::sleep(LOOK.min(at.saturating_sub(began.elapsed()))).await;
        }
        let world = worlds
            .iter_mut()
            .find(|world| world.side == play.side)
            .unwrap();
        if begins {
            world.begin(number, play, &cluster).await;
        } else {
            world.end(number, play, &cluster).await;
        }
    }
    let lasted = began.elapsed();
    let (took, left) = all_done(&mut worlds).await;

    for world in &mut worlds {
        world.stop().await;
    }
    let mut brought = vec![];
    let harms = plays.iter().filter(|play| play.card.interrupts()).count();
    for world in &worlds {
        let found = checks::check(world).await;
        // Who dies before it has noted that a message was taken leaves it to be sent again.
        assert!(found.again <= harms, "{} messages came again", found.again);
        brought.push(format!(
            "{}: {} requests, {} answers and {} bars stored, {} messages and {} again, {} engines started again",
            side(world),
            found.requests,
            found.stored,
            found.bars,
            found.messages,
            found.again,
            world.restarts
        ));
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for play in &plays {
        *kinds.entry(play.card.name()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, times)| format!("{times} {kind}"))
        .collect();
    notice(&format!(
        "storm of {:.1} minutes, {} faults: {}; {}; all done after {took:.1?}",
        lasted.as_secs_f64() / 60.0,
        plays.len(),
        kinds.join(", "),
        brought.join("; "),
    ));
    assert!(harms > 0, "a storm without harm proves nothing");
    assert_eq!(left, "", "after the last fault and {took:?}");
    assert_in_time(took, LIMIT);
}

const fn side(world: &World) -> &'static str {
    match world.side {
        Side::Postgres => "PostgreSQL",
        Side::Sqlite => "SQLite",
    }
}

/// As long as was wished, or up to half a minute more or less: half a minute before the next instant of
/// the schedule.
fn until_half_past(wished: Duration) -> Duration {
    let now = Clock::system().now();
    let ends = now + wished;
    let ends = ends + TimeDelta::seconds(30 - i64::from(ends.second()));
    (ends - now).to_std().unwrap_or_default()
}

/// Waits until every engine works and each store has bars.
async fn first_bars(worlds: &mut [World]) {
    let began = Instant::now();
    for at in 0..worlds.len() {
        loop {
            worlds.iter_mut().for_each(World::tend);
            let world = &worlds[at];
            if world.left().is_empty()
                && world.rows("SELECT 'x' FROM stock_data LIMIT 1").len() == 1
            {
                break;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{}\n{}",
                world.left(),
                world.said()
            );
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Waits until nothing is left to do anywhere; returns how long that took, and what is left for longer
/// than anybody waits.
async fn all_done(worlds: &mut [World]) -> (Duration, String) {
    let began = Instant::now();
    let mut took = vec![None; worlds.len()];
    let mut left = String::new();
    while took.contains(&None) && began.elapsed() < PATIENCE {
        worlds.iter_mut().for_each(World::tend);
        for (world, took) in worlds.iter().zip(&mut took) {
            if took.is_some() {
                continue;
            }
            let found = world.left();
            if found.is_empty() {
                *took = Some(began.elapsed());
            } else {
                left = format!("{}: {found}", side(world));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    match took.into_iter().collect::<Option<Vec<Duration>>>() {
        Some(took) => (took.into_iter().max().unwrap_or_default(), String::new()),
        None => (began.elapsed(), left),
    }
}
