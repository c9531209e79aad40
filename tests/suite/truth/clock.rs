//! A machine whose clock is wrong by years: nothing is lost, nothing is claimed, and nothing is asked
//! again and again.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use pipeline_tui::model::Interval;
use pipeline_tui::time::Clock;

use super::engine;
use super::verdict::{Told, Verdict};
use super::world::{Series, World, at};

const ALL: [Series<'_>; 2] = [("IBM", Interval::Min5), ("IBM", Interval::Daily)];

/// Wrong by how many days.
const WRONG: [i64; 2] = [3_000, -3_000];

/// In the middle of a session, so that the newest bars are unfinished.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_under_a_wrong_clock_is_as_complete_as_the_provider_says() {
    for wrong in WRONG {
        for world in World::on_each_database(&[], "2026-11-16 11:02").await {
            let mut verdict = Verdict::of(&format!("a clock {wrong} days off"), &world);
            let clock = world.clock().now() + TimeDelta::days(wrong);
            for (symbol, interval) in ALL {
                let series = ["--symbols", symbol, "--interval", interval.as_str()];
                let done = world.run_at(clock, &[&["fetch"], &series[..]].concat());
                assert_eq!(done.code, 0, "{done:?}");
                for says in [
                    "this machine's clock is ",
                    " days ",
                    " the provider's; set it",
                ] {
                    assert!(done.stderr.contains(says), "{done:?}");
                }
            }
            // The clock is set right a week later.
            world.at("2026-11-23 16:20");
            let status = world.json(&["status"]);
            verdict.compare("with holes", 2, status["holes"].as_u64().unwrap());
            for series in ALL {
                world.fetch(series, &[]);
                let first = *world.stored(series).first_key_value().unwrap().0;
                let told = Told {
                    series,
                    within: first..at("2026-11-24"),
                    holes: vec![],
                    asked: at("2026-11-23 16:20"),
                };
                verdict.judge(&world, &told);
            }
            let status = world.json(&["status"]);
            verdict.compare("fresh", 2, status["fresh"].as_u64().unwrap());
            verdict.assert();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_under_a_wrong_clock_asks_no_more_than_under_the_right_one() {
    for wrong in WRONG {
        for world in World::on_each_database(&[], "2026-11-16 11:02").await {
            // A Tuesday, so far away, in the middle of a session.
            let hand = Arc::new(Mutex::new(
                at("2026-11-17 11:02") + TimeDelta::weeks(wrong / 7),
            ));
            let clock = {
                let hand = Arc::clone(&hand);
                Clock::from_fn(move || *hand.lock().unwrap())
            };
            let daily = [("IBM", Interval::Daily), ("AAPL", Interval::Daily)];
            let schedule = "every 5".parse().unwrap();
            let mut handle = engine::start_at(&world, &daily, clock, schedule).await;
            engine::until(&mut handle, |snapshot| {
                snapshot.runs.len() == 1 && snapshot.run.is_none()
            })
            .await;
            for _ in 0..20 {
                *hand.lock().unwrap() += TimeDelta::minutes(5);
                let now = *hand.lock().unwrap();
                engine::until(&mut handle, |snapshot| snapshot.taken_at == now).await;
            }
            engine::until(&mut handle, |snapshot| snapshot.run.is_none()).await;
            assert_eq!(world.requests(), 2, "one of each series in two hours");
            engine::end(handle).await;
        }
    }
}
