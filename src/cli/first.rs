//! The first start: nothing is set and nothing is watched. Three ways to begin, in words.

use std::sync::Arc;

use super::exit::Failure;
use crate::config::Settings;
use crate::db::Store;

/// The three ways to begin, where no key is set and nothing is watched; `None`: there is something.
pub async fn ways(settings: &Settings, store: &Arc<dyn Store>) -> Result<Option<String>, Failure> {
    if !settings.is_blank || !store.watch_list().await?.is_empty() {
        return Ok(None);
    }
    Ok(Some(words(settings)))
}

fn words(settings: &Settings) -> String {
    let all = || settings.access().map(|access| access.settings);
    let keyless = settings.without_key().map(|source| {
        let symbols = source.suggested.iter();
        let symbols: Vec<String> = symbols
            .map(|symbol| format!("{}:{symbol}", source.id))
            .collect();
        format!(
            "real bars of {} without a key: pipeline-tui watch add {} --interval 5min\n  ",
            source.words.name,
            symbols.join(",")
        )
    });
    let keys = all().filter_map(|source| {
        let page = source
            .words
            .key_page
            .filter(|_| source.section() == source.id.as_str())?;
        let (name, variables) = (source.words.name, source.key_variables());
        Some(format!(
            "a free key of {name}: {page}, then set {variables}\n  "
        ))
    });
    let ways: String = keyless.into_iter().chain(keys).collect();
    format!(
        "no key is set and nothing is on the watch list; begin with\n  {ways}a simulated market: pipeline-tui demo"
    )
}
