//! What nobody asked for, and what the provider does not have: only the first is a hole.

use pipeline_tui::model::Interval;

use super::verdict::{Told, Verdict};
use super::world::{World, at, days};

/// A Tuesday after Thanksgiving week.
const NOW: &str = "2026-12-01 07:00";

const PLANTS: [&str; 4] = [
    "halt@2026-11-20 10:10..2026-11-20 10:40,symbol=IBM",
    "halt@2026-11-17..2026-11-17,symbol=IBM",
    "illiquid:2000,symbol=QUIET",
    "closed@2026-11-18",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_between_two_months_is_told_from_halts_closures_and_minutes_without_a_trade() {
    for world in World::on_each_database(&PLANTS, NOW).await {
        let mut verdict = Verdict::of("two months with a hole between them", &world);
        let all = [
            ("IBM", Interval::Min5),
            ("AAPL", Interval::Min60),
            ("QUIET", Interval::Min15),
        ];
        let judge = |verdict: &mut Verdict, series, holes| {
            let told = Told {
                series,
                within: days("2026-10-28", "2026-12-01"),
                holes,
                asked: at(NOW),
            };
            verdict.judge(&world, &told);
        };
        for series in all {
            for month in ["2026-09", "2026-11"] {
                world.fetch(series, &["--month", month]);
            }
            judge(&mut verdict, series, vec![days("2026-10-01", "2026-11-01")]);
        }
        let asked = world.requests();
        let filled = world.run(&["backfill", "--symbols", "IBM,AAPL,QUIET"]);
        assert_eq!(filled.code, 0, "{filled:?}");
        verdict.compare("requests that fill the holes", 3, world.requests() - asked);
        for series in all {
            judge(&mut verdict, series, vec![]);
        }
        let again = world.run(&["backfill", "--symbols", "IBM,AAPL,QUIET"]);
        assert!(again.stderr.contains("nothing is missing"), "{again:?}");
        verdict.assert();
    }
}

/// The newest hundred bars are fetched, months pass, and again the newest hundred are fetched.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_between_two_answers_of_the_newest_bars_is_a_hole_until_a_fetch_fills_it() {
    for world in World::on_each_database(&PLANTS, "2026-06-12 16:20").await {
        let mut verdict = Verdict::of("two answers of the newest bars", &world);
        let newest = ["--outputsize", "compact"];
        for series in [("IBM", Interval::Min5), ("IBM", Interval::Daily)] {
            world.at("2026-06-12 16:20").fetch(series, &newest);
            let first = *world.stored(series).last_key_value().unwrap().0;
            world.at("2026-11-30 16:20").fetch(series, &newest);
            let mut after = world
                .stored(series)
                .into_keys()
                .skip_while(|label| *label <= first);
            let second = after.next().unwrap();
            let oldest = *world.stored(series).first_key_value().unwrap().0;
            let mut holes = vec![first + series.1.length()..second];
            if series.1 == Interval::Daily {
                // All that the plan has is wanted of few bars, and the provider has more.
                holes.push(at("1999-11-01")..oldest);
            }
            let wanted = holes.iter().map(|hole| hole.start).chain([oldest]).min();
            let told = |holes, asked| Told {
                series,
                within: wanted.unwrap()..at("2026-11-30 16:00"),
                holes,
                asked: at(asked),
            };
            verdict.judge(&world, &told(holes, "2026-11-30 16:20"));
            world.at("2026-12-01 07:00").fetch(series, &[]);
            verdict.judge(&world, &told(vec![], "2026-12-01 07:00"));
        }
        verdict.assert();
    }
}

/// Symbols of which most five minutes have no trade, the newest ones too.
#[tokio::test(flavor = "multi_thread")]
async fn an_illiquid_symbol_is_neither_behind_nor_full_of_holes_after_one_answer() {
    let symbols: Vec<String> = (0..8).map(|number| format!("Q{number}")).collect();
    let shares = [500, 2_000, 8_000, 30_000];
    let plants = symbols.iter().zip(shares.iter().cycle());
    let plants: Vec<String> = plants
        .map(|(symbol, shares)| format!("illiquid:{shares},symbol={symbol}"))
        .collect();
    let plants: Vec<&str> = plants.iter().map(String::as_str).collect();
    for now in ["2026-11-20 12:32", "2026-11-20 16:01", "2026-11-21 07:00"] {
        for world in World::on_each_database(&plants, now).await {
            let mut verdict = Verdict::of(&format!("one answer at {now}"), &world);
            let all = symbols.join(",");
            world.fetch((&all, Interval::Min5), &["--outputsize", "compact"]);
            for symbol in &symbols {
                let series = (symbol.as_str(), Interval::Min5);
                let first = *world.stored(series).first_key_value().unwrap().0;
                let due = at(now).min(at("2026-11-20 16:00")) - Interval::Min5.length();
                let told = Told {
                    series,
                    within: first..due,
                    holes: vec![],
                    asked: at(now),
                };
                verdict.judge(&world, &told);
            }
            let status = world.json(&["status"]);
            verdict.compare("fresh", 8, status["fresh"].as_u64().unwrap());
            verdict.assert();
        }
    }
}
