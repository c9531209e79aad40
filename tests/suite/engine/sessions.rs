//! A week with a holiday and a half day, on real stores: what is sent, counted by the provider.

use pipeline_tui::model::calendar::{Closure, Day};
use pipeline_tui::pipeline::snapshot::SeriesState;

use super::*;

/// The next Thanksgiving after the database's present.
fn thanksgiving() -> NaiveDate {
    let calendar = Calendar::from(CalendarId::Xnys);
    let tomorrow = Clock::system().now().date_naive() + chrono::Days::new(4);
    let holiday = Day::Closed(Closure::Holiday("Thanksgiving"));
    let mut days = tomorrow.iter_days();
    days.find(|date| calendar.day(*date) == holiday).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holiday_costs_nothing_and_a_half_day_is_fetched_after_its_own_close() {
    let holiday = thanksgiving();
    let clock = |days: i64, hour, minute| {
        let date = holiday + TimeDelta::days(days);
        let local = date.and_hms_opt(hour, minute, 0).unwrap();
        New_York.from_local_datetime(&local).unwrap().to_utc()
    };
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands(Arc::new(Mutex::new(clock(-1, 16, 15))));
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        let is_owner = |snapshot: &Snapshot| snapshot.schedule.is_owner;
        until(&mut handle, is_owner).await;

        *hands.0.lock().unwrap() = clock(-1, 16, 20);
        until(&mut handle, |snapshot| {
            snapshot.runs.len() == 1
                && snapshot.run.is_none()
                && snapshot
                    .series
                    .iter()
                    .all(|one| one.state == SeriesState::Fresh)
        })
        .await;
        assert_eq!(server.journal().len(), 2);

        // Ten o'clock on the holiday, and later than on any other Thursday.
        for (hour, minute) in [(10, 0), (16, 20), (20, 30)] {
            *hands.0.lock().unwrap() = clock(0, hour, minute);
            send(&handle, Command::FetchDue).await;
            told(&mut handle, |what| match what {
                What::Refused(Command::FetchDue, why) => Some(why.clone()),
                _ => None,
            })
            .await;
            send(&handle, Command::Pause).await;
            until(&mut handle, |snapshot| snapshot.schedule.paused).await;
            send(&handle, Command::Resume).await;
            let snapshot = until(&mut handle, |snapshot| !snapshot.schedule.paused).await;
            let schedule = &snapshot.schedule;
            assert_eq!(
                (schedule.due, schedule.next_at),
                (0, Some(clock(1, 13, 20)))
            );
        }

        *hands.0.lock().unwrap() = clock(1, 13, 20);
        let snapshot = until(&mut handle, |snapshot| {
            snapshot.runs.len() == 2 && snapshot.run.is_none()
        })
        .await;
        assert_eq!(server.journal().len(), 4, "two of Wednesday, two of Friday");
        assert_eq!(snapshot.runs[0].trigger, "schedule");
        end(handle).await;
    }
}
