//! The panel's export: several files in one command, beside everything else.

use std::path::Path;

use pipeline_tui::model::bar_file::{self, BarFile, BarFormat};
use pipeline_tui::pipeline::notice::{CutShort, Exported};

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

async fn ended(handle: &mut Handle) -> Exported {
    told(handle, |what| match what {
        What::Exported(exported) => Some(exported.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn series_are_exported_together_and_the_next_export_waits_for_their_end() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        ran_before(&store, &hands).await;
        let folder = tempfile::tempdir().unwrap();
        let options = EngineOptions {
            exports: folder.path().to_owned(),
            ..options()
        };
        let pipeline = Arc::new(pipeline(store, &server, &hands, CANARY));
        let mut handle = engine::start(pipeline, options).await.unwrap();
        fetch(&mut handle, &watched()).await;

        let files = |end| bar_file::one_for_each(&watched(), end, BarFormat::Parquet);
        let paths = |files: &[BarFile]| {
            let mut paths: Vec<String> = files
                .iter()
                .map(|file| file.path.to_str().unwrap().to_owned())
                .collect();
            paths.sort();
            paths
        };
        send(&handle, Command::Export(files("a"))).await;
        let all = ended(&mut handle).await;
        assert_eq!((all.progress.done, all.progress.total), (2, 2));
        assert!(all.progress.bars >= 200, "{all:?}");
        assert_eq!((all.place.as_path(), all.cut_short), (folder.path(), None));
        assert_eq!(names(folder.path()), paths(&files("a")));
        until(&mut handle, |snapshot| snapshot.export.is_none()).await;

        // The same names again: what is there stays.
        send(&handle, Command::Export(files("a"))).await;
        let Some(CutShort::Failed(why)) = ended(&mut handle).await.cut_short else {
            panic!("it replaced a file");
        };
        assert!(why.ends_with("there is a file of that name"), "{why}");

        // Cancelled at once: what was complete by then stays, and nothing else.
        send(&handle, Command::Export(files("b"))).await;
        send(&handle, Command::CancelExport).await;
        let some = ended(&mut handle).await;
        let complete: Vec<String> = paths(&files("a"))
            .into_iter()
            .chain(paths(&files("b")[..some.progress.done]))
            .collect();
        let there = names(folder.path());
        assert_eq!(there.len(), complete.len(), "{there:?}");
        assert!(
            complete.iter().all(|name| there.contains(name)),
            "{there:?}"
        );

        // The engine ends only when no half file is left.
        send(&handle, Command::Export(files("c"))).await;
        end(handle).await;
        assert!(
            names(folder.path())
                .iter()
                .all(|name| name.ends_with(".parquet"))
        );
    }
}
