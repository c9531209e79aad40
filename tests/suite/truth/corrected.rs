//! Bars that come late and values that are corrected after the session.

use std::collections::BTreeSet;

use pipeline_tui::model::Interval;
use pipeline_tui::simulate::Why;

use super::verdict::{Told, Verdict};
use super::world::{World, at, days};

const PLANTS: [&str; 2] = [
    "corrected,symbol=IBM",
    "late:2026-11-21 03:00@2026-11-20 10:10..2026-11-20 10:40,symbol=IBM",
];

#[tokio::test(flavor = "multi_thread")]
async fn late_bars_and_corrected_values_are_stored_by_the_first_fetch_of_the_next_morning() {
    for world in World::on_each_database(&PLANTS, "2026-11-20 16:20").await {
        let mut verdict = Verdict::of("late bars and corrections", &world);
        for (interval, query) in [
            (
                Interval::Min5,
                "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&adjusted=false&month=2026-11&outputsize=full",
            ),
            (
                Interval::Daily,
                "function=TIME_SERIES_DAILY&symbol=IBM&outputsize=full",
            ),
        ] {
            let series = ("IBM", interval);
            let told = |asked| Told {
                series,
                within: days("2026-11-20", "2026-11-21"),
                holes: vec![],
                asked: at(asked),
            };
            world.at("2026-11-20 16:20").fetch(series, &[]);
            verdict.judge(&world, &told("2026-11-20 16:20"));
            let before = world.stored(series);
            world.at("2026-11-21 07:00").fetch(series, &[]);
            verdict.judge(&world, &told("2026-11-21 07:00"));
            let after = world.stored(series);
            let day = days("2026-11-20", "2026-11-21");
            let planted = world.server.witness().planted("IBM", interval, true, &day);
            let of = |why| -> BTreeSet<_> {
                let such = planted.iter().filter(|planted| planted.why == why);
                such.map(|planted| planted.slot).collect()
            };
            let regular = |labels: BTreeSet<_>| -> BTreeSet<_> {
                let opens = at("2026-11-20 09:30")..at("2026-11-20 16:00");
                let is_daily = interval == Interval::Daily;
                labels
                    .into_iter()
                    .filter(|label| is_daily || opens.contains(label))
                    .collect()
            };
            let changed = after.iter().filter(|(label, values)| {
                before.get(label).is_some_and(|before| before != *values)
            });
            let changed = regular(changed.map(|(label, _)| *label).collect());
            verdict.compare("corrected", of(Why::Corrected), changed);
            let came = after
                .keys()
                .filter(|label| day.contains(label) && !before.contains_key(label));
            verdict.compare("late", of(Why::Late), regular(came.copied().collect()));
            let served = world.served(query).await;
            let wrong = after
                .iter()
                .filter(|(label, values)| served[label] != **values);
            verdict.compare("values unlike the provider's", 0, wrong.count());
            // Settled: the same answer is not asked for again.
            let asked = world.requests();
            world.fetch(series, &[]);
            let again = world.server.journal();
            let months = again[asked..]
                .iter()
                .filter(|entry| entry.query.iter().any(|(name, _)| name == "month"));
            verdict.compare("months asked for again", 0, months.count());
        }
        verdict.assert();
    }
}
