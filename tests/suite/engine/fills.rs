//! A second source brings what the plan of the first does not have, and nothing else.

use std::path::Path;

use pipeline_tui::config::{self, Inputs};
use pipeline_tui::db::{BarQuery, Order};
use pipeline_tui::model::{Bar, Declaring, Fillings, Grid, Sources, Span, Standing};
use pipeline_tui::simulate::Dialect;

use super::*;

/// The sources of a person with free keys of two of them.
pub fn lanes(server: &Server, hands: &Hands, folder: &Path) -> Vec<pipeline_tui::pipeline::Lane> {
    let mut inputs = Inputs::isolated(folder, sources::SETTINGS);
    for source in sources::SETTINGS {
        let Some(dialect) = Dialect::of_source(source.id.as_str()) else {
            continue;
        };
        let url = server.base_url_of(dialect.as_str()).unwrap();
        let addresses = source.addresses.iter().map(|one| (one.name, url.clone()));
        inputs
            .environment
            .extend(addresses.map(|(name, url)| (name.to_owned(), url)));
        let fields = source.key.iter().zip(dialect.key());
        let fields =
            fields.map(|(field, value)| (field.value.name.to_owned(), (*value).to_owned()));
        inputs.environment.extend(fields);
    }
    let settings = config::load(&inputs).unwrap();
    sources::lanes(&settings, &hands.clock()).unwrap()
}

/// The finished bars of a series.
pub async fn bars(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<Bar> {
    let query = BarQuery {
        series: series.clone(),
        from: None,
        to: None,
        limit: 100_000,
        order: Order::OldestFirst,
    };
    let bars = store.bars(query).await.unwrap().into_iter();
    bars.filter(|bar| bar.is_final).collect()
}

async fn times(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<DateTime<Utc>> {
    let bars = bars(store, series).await.into_iter();
    bars.map(|bar| bar.timestamp).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_source_brings_what_the_first_cannot_and_nothing_else() {
    for (folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let alpaca = SourceId::known("alpaca");
        let filling = ibm.at(&alpaca);
        let since = hands.clock().now().date_naive() - TimeDelta::days(700);
        let declaring = Declaring {
            since: Some(Some(since)),
            ..Declaring::default()
        };
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::DEFAULT, alpaca],
        };
        let declared = vec![(ibm.clone(), declaring)];
        let fill = WatchEdit::fill(
            declared.clone(),
            &filling.source,
            &sources,
            &Fillings::new(),
        )
        .unwrap();
        let list = vec![
            WatchEdit::Add(vec![ibm.clone()]),
            WatchEdit::Declare(declared),
            fill,
        ];
        store
            .edit_watch_list(WatchEdit::Several(list))
            .await
            .unwrap();
        ran_before(&store, &hands).await;
        let mut pipeline = pipeline(Arc::clone(&store), &server, &hands, CANARY);
        pipeline.lanes = lanes(&server, &hands, folder.path());
        let pipeline = Arc::new(pipeline);
        let mut handle = engine::start(Arc::clone(&pipeline), options())
            .await
            .unwrap();
        until(&mut handle, |snapshot| {
            snapshot.schedule.is_owner && snapshot.plan.line(&filling).is_some()
        })
        .await;

        hands.move_on(TimeDelta::minutes(265));
        let snapshot = until(&mut handle, |snapshot| {
            let is_fresh = |one: &&SeriesKey| {
                let mut series = snapshot.series.iter();
                let series = series.find(|series| series.key == **one).unwrap();
                series.bars > 0 && series.truth.standing == Standing::Fresh
            };
            is_fresh(&&filling) && is_fresh(&&ibm) && snapshot.run.is_none()
        })
        .await;
        // What the first lacks for ever is the second's.
        for one in pipeline
            .stands(&[ibm.clone(), filling.clone()], None)
            .await
            .unwrap()
        {
            assert_eq!(
                (one.truth.holes, one.truth.standing),
                (vec![], Standing::Fresh)
            );
        }
        let line = snapshot.plan.line(&filling).unwrap();
        let said = line.words(&|at| at.to_string());
        assert_eq!(said, "fills what alpha_vantage cannot give");
        let (first, second) = (times(&store, &ibm).await, times(&store, &filling).await);
        assert_eq!(first.len(), 100, "as many as the free plan has");
        let grid: Grid = pipeline.grid(&filling);
        let day = |at: &DateTime<Utc>| grid.publishing.slot(grid.interval, *at);
        let between = Span::new(day(second.last().unwrap()).to, day(&first[0]).from);
        assert_eq!(grid.count(between), 0, "they meet: {between:?}");
        let begin = day(&second[0]).from.with_timezone(&New_York).date_naive();
        assert!(
            since <= begin && begin <= since + chrono::Days::new(5),
            "{begin}"
        );

        // New bars are the first one's.
        let asked = |path: &str| {
            let journal = server.journal();
            let about = journal.iter().filter(|one| one.path.contains(path));
            about.count()
        };
        let counts = || (asked("/query"), asked("/bars"));
        assert_eq!(counts(), (1, 1), "{:#?}", server.journal());
        hands.after_mondays_close();
        until(&mut handle, |snapshot| {
            counts().0 > 1 && snapshot.run.is_none() && snapshot.runs.len() > 2
        })
        .await;
        end(handle).await;
        assert_eq!(counts(), (2, 1), "{:#?}", server.journal());
    }
}
