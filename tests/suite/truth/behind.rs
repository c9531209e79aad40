//! A provider that is behind with one symbol, and then catches up.

use pipeline_tui::model::Interval;

use super::verdict::{Told, Verdict};
use super::world::{Series, World, at};

const PLANTS: [&str; 1] = ["behind:2026-11-18@2026-11-19..2026-11-23 09:00,symbol=IBM"];

const ALL: [Series<'_>; 4] = [
    ("IBM", Interval::Min5),
    ("IBM", Interval::Daily),
    ("AAPL", Interval::Min5),
    ("AAPL", Interval::Daily),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_with_which_the_provider_is_behind_is_told_and_complete_when_it_has_caught_up() {
    for world in World::on_each_database(&PLANTS, "2026-11-18 16:20").await {
        let mut verdict = Verdict::of("a provider that is behind", &world);
        for (now, behind) in [
            ("2026-11-18 16:20", 0),
            ("2026-11-19 16:20", 2),
            ("2026-11-20 16:20", 2),
            ("2026-11-23 07:00", 2),
            ("2026-11-23 09:05", 0),
        ] {
            world.at(now);
            let asked = world.requests();
            for series in ALL {
                world.fetch(series, &[]);
                let first = *world.stored(series).first_key_value().unwrap().0;
                let told = Told {
                    series,
                    within: first..at(now).min(at("2026-11-21")),
                    holes: vec![],
                    asked: at(now),
                };
                verdict.judge(&world, &told);
            }
            verdict.compare("requests", 4, world.requests() - asked);
            let status = world.run(&["status", "--format", "json"]);
            let told: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
            let found = ["behind", "fresh", "holes"].map(|word| told[word].as_u64().unwrap());
            verdict.compare(now, [behind, 4 - behind, 0], found);
            verdict.compare("exit code", i32::from(behind > 0), status.code);
        }
        verdict.assert();
    }
}
