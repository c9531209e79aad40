//! The panel asks for splits and dividends: the price first, then two requests, then other prices.

use pipeline_tui::db::EventsAsked;
use pipeline_tui::model::SourceId;
use pipeline_tui::pipeline::command::{PriceQuestion, Priced};
use pipeline_tui::pipeline::events::EventList;

use super::*;

async fn lists(handle: &mut Handle) -> Vec<EventList> {
    told(handle, |what| match what {
        What::Events(lists) => Some(lists.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_priced_asked_for_once_and_known_afterwards() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        ran_before(&store, &hands).await;
        let pipeline = Arc::new(pipeline(Arc::clone(&store), &server, &hands, CANARY));
        let mut handle = engine::start(pipeline, options()).await.unwrap();
        fetch(&mut handle, &watched()).await;
        let sent = server.journal().len();
        let wanted = vec![watched()[0].instrument()];
        let question = PriceQuestion {
            what: Priced::Events(wanted.clone()),
            at: hands.clock().now(),
        };
        send(&handle, Command::Price(question.clone())).await;
        let priced = until(&mut handle, |snapshot| snapshot.preview.is_some()).await;
        let preview = priced.preview.clone().unwrap();
        assert_eq!(preview.question, question);
        assert_eq!((preview.requests, &preview.refusal), (2, &None));
        assert_eq!(preview.known_to, None, "never asked for");
        assert_eq!(server.journal().len(), sent, "a price costs nothing");

        send(&handle, Command::FetchEvents(wanted.clone())).await;
        let lists = lists(&mut handle).await;
        assert!(lists.iter().all(|list| list.outcome.is_ok()), "{lists:?}");
        assert_eq!((lists.len(), server.journal().len()), (2, sent + 2));
        let asked = store.events_asked(SourceId::DEFAULT).await.unwrap();
        let (_, known) = store.adjustments(wanted[0].clone()).await.unwrap();
        assert!(known.splits.is_some() && known.dividends.is_some());
        let last = known.splits;
        assert_eq!(asked, EventsAsked { symbols: 1, last });
        send(&handle, Command::ShowSystem).await;
        let shown = until(&mut handle, |snapshot| snapshot.system.is_some()).await;
        assert_eq!(
            shown.system.as_ref().unwrap().sources[0].events,
            Some(asked)
        );
        end(handle).await;
    }
}
