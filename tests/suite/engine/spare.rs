//! Bars since a declared day come by themselves, after the schedule's run.

use std::collections::HashSet;

use pipeline_tui::model::{Declaring, RunStatus};

use super::coverage::started;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn bars_since_a_declared_day_come_after_the_schedule_and_are_asked_for_once() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5);
        let since = hands.clock().now().date_naive() - TimeDelta::days(100);
        let declaring = Declaring {
            since: Some(Some(since)),
            ..Declaring::default()
        };
        let list = WatchEdit::Several(vec![
            WatchEdit::Add(vec![ibm.clone()]),
            WatchEdit::Declare(vec![(ibm.clone(), declaring)]),
        ]);
        store.edit_watch_list(list).await.unwrap();
        let (mut handle, _) = started(store, &server, &hands).await;
        until(&mut handle, |snapshot| {
            snapshot.schedule.is_owner && snapshot.plan.line(&ibm).is_some()
        })
        .await;
        assert_eq!(server.journal().len(), 0, "not before the schedule");

        hands.move_on(TimeDelta::minutes(265));
        let backlog = |snapshot: &Snapshot| snapshot.plan.line(&ibm).and_then(|line| line.backlog);
        let snapshot = until(&mut handle, |snapshot| backlog(snapshot).is_some()).await;
        let lacks = backlog(&snapshot).unwrap();
        assert_eq!(lacks.since, since);
        assert!((4..=5).contains(&lacks.price), "{lacks:?}");
        let snapshot = until(&mut handle, |snapshot| {
            let mut runs = snapshot.runs.iter();
            let are_over = runs.all(|run| run.status != RunStatus::Running);
            snapshot.runs.len() > 1 && are_over && backlog(snapshot).is_none()
        })
        .await;
        let mut runs: Vec<_> = snapshot.runs.iter().collect();
        runs.sort_by_key(|run| run.id);
        let told: Vec<_> = runs
            .iter()
            .map(|run| (run.trigger.as_str(), run.status))
            .collect();
        assert_eq!(told[0], ("schedule", RunStatus::Succeeded));
        assert_eq!(told[1], ("history", RunStatus::Succeeded));
        end(handle).await;
        let asked: Vec<String> = server
            .journal()
            .iter()
            .map(|one| format!("{:?}", one.query))
            .collect();
        let once: HashSet<&String> = asked.iter().collect();
        assert_eq!(once.len(), asked.len(), "{asked:?}");
    }
}
