//! The watch list of a running engine: its own changes, and those of other processes.

use super::*;
use pipeline_tui::model::Declarations;

fn shows(snapshot: &Snapshot, list: &[SeriesKey]) -> bool {
    snapshot.series.iter().map(|series| &series.key).eq(list)
}

fn many() -> Vec<SeriesKey> {
    (0..300)
        .map(|n| SeriesKey::raw(format!("S{n}").parse().unwrap(), Interval::Daily))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_makes_of_the_list_is_seen_by_the_next_look() {
    for (_folder, [here, there]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(here, &server, &hands).await;
        until(&mut handle, |snapshot| shows(snapshot, &watched())).await;
        let set = WatchEdit::Set([many(), watched()].concat());
        let edited = there.edit_watch_list(set).await.unwrap();
        hands.move_on(TimeDelta::seconds(11));
        until(&mut handle, |snapshot| shows(snapshot, &edited.list)).await;
        let edited = there.edit_watch_list(WatchEdit::Remove(many()));
        assert_eq!(edited.await.unwrap().list, watched());
        hands.move_on(TimeDelta::seconds(11));
        until(&mut handle, |snapshot| shows(snapshot, &watched())).await;
        assert_eq!(server.journal().len(), 0, "a list costs no request");
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_series_are_one_change_and_one_notice_and_can_be_put_back() {
    for (_folder, [here, there]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(here, &server, &hands).await;
        until(&mut handle, |snapshot| shows(snapshot, &watched())).await;
        let add = WatchEdit::Add(many());
        send(&handle, Command::EditList(add.clone())).await;
        let joined = told(&mut handle, |what| match what {
            What::Watched { added, .. } => Some(added.clone()),
            _ => None,
        })
        .await;
        assert_eq!(joined, many());
        let list = add.apply(&watched()).list;
        until(&mut handle, |snapshot| shows(snapshot, &list)).await;
        let marked = list.iter().step_by(3).cloned().collect();
        let remove = WatchEdit::Remove(marked);
        // Quickly: each undo must come after what it undoes.
        for _ in 0..5 {
            send(&handle, Command::EditList(remove.clone())).await;
            send(
                &handle,
                Command::EditList(remove.undo(&list, &Declarations::new())),
            )
            .await;
        }
        send(&handle, Command::EditList(add.clone())).await;
        let why = told(&mut handle, |what| match what {
            What::Refused(_, why) => Some(why.clone()),
            _ => None,
        })
        .await;
        assert_eq!(why, "all 300 series are already on the watch list");
        assert_eq!(there.watch_list().await.unwrap(), list);
        until(&mut handle, |snapshot| shows(snapshot, &list)).await;
        end(handle).await;
    }
}
