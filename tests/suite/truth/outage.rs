//! The provider fails for ten sessions, and then it works again.

use pipeline_tui::model::Interval;
use pipeline_tui::pipeline::snapshot::SeriesState;

use super::engine;
use super::verdict::{Told, Verdict};
use super::world::{Series, World, at};

/// The ten sessions from the Monday of Thanksgiving week.
const PLANTS: [&str; 1] = ["outage:10@2026-11-23"];

const ALL: [Series<'_>; 3] = [
    ("IBM", Interval::Min5),
    ("IBM", Interval::Daily),
    ("AAPL", Interval::Min60),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_ten_sessions_loses_nothing_and_is_never_fresh() {
    for world in World::on_each_database(&PLANTS, "2026-11-20 16:20").await {
        let mut verdict = Verdict::of("an outage of ten sessions", &world);
        let mut handle = engine::start(&world, &ALL).await;
        let fetched = engine::until(&mut handle, |snapshot| {
            snapshot.runs.len() == 1 && snapshot.run.is_none()
        });
        fetched.await;
        let standings = || {
            let status = world.run(&["status", "--format", "json"]);
            let told: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
            let words = ["fresh", "failed"].map(|word| told[word].as_u64().unwrap());
            (words, status.code)
        };
        verdict.compare("before", ([3, 0], 0), standings());
        let out = [
            "2026-11-23 16:20",
            "2026-11-24 16:20",
            "2026-11-25 16:20",
            "2026-11-27 13:20",
            "2026-11-30 16:20",
            "2026-12-01 16:20",
            "2026-12-02 16:20",
            "2026-12-03 16:20",
            "2026-12-04 16:20",
            "2026-12-07 16:20",
        ];
        for (sessions, now) in (1..).zip(out) {
            let asked = world.requests();
            world.at(now);
            let snapshot = engine::until(&mut handle, |snapshot| {
                snapshot.runs.len() == 1 + sessions && snapshot.run.is_none()
            })
            .await;
            verdict.compare("requests of a session", 3, world.requests() - asked);
            let states = snapshot.series.iter().map(|series| series.state);
            verdict.compare(now, vec![SeriesState::Failed; 3], states.collect());
            verdict.compare(now, ([0, 3], 1), standings());
            let lacking = snapshot
                .series
                .iter()
                .find(|series| series.key.interval == Interval::Daily);
            let lacking = lacking.unwrap().truth.lacking;
            verdict.compare("sessions behind", sessions as u64, lacking);
        }
        let asked = world.requests();
        world.at("2026-12-08 16:20");
        engine::until(&mut handle, |snapshot| {
            snapshot.runs.len() == 12 && snapshot.run.is_none()
        })
        .await;
        engine::end(handle).await;
        // Two months, the newest days, and the newest hours.
        verdict.compare("requests of the recovery", 5, world.requests() - asked);
        verdict.compare("after", ([3, 0], 0), standings());
        for series in ALL {
            let first = *world.stored(series).first_key_value().unwrap().0;
            let told = Told {
                series,
                within: first..at("2026-12-08 16:00"),
                holes: vec![],
                asked: at("2026-12-08 16:20"),
            };
            verdict.judge(&world, &told);
        }
        verdict.assert();
    }
}
