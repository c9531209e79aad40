//! Entering a key: first of which source, then each of its values.

use super::Suggestion;
use crate::config::{EnteredKey, Secret, SourceSettings, check_key};
use crate::model::{SeriesKey, SourceId};
use crate::ui::about::AboutSource;
use crate::ui::reply::{PromptKind, Reply};
use crate::ui::shared::Shared;

/// The sources that take a key; of those that share one, the first.
fn takers(shared: &Shared) -> impl Iterator<Item = &AboutSource> {
    let all = &shared.about.sources;
    let is_first = |at: usize, source: &AboutSource| {
        let before = all.iter().take(at);
        let section = source.settings.section();
        before
            .filter(|other| other.settings.section() == section)
            .count()
            == 0
    };
    let takes = move |(at, source): &(usize, &AboutSource)| {
        !source.settings.key.is_empty() && is_first(*at, source)
    };
    all.iter()
        .enumerate()
        .filter(takes)
        .map(|(_, source)| source)
}

/// What is asked for a key of the source of a series: for the key itself, or of which source it is.
#[must_use]
pub fn question(series: Option<&SeriesKey>, shared: &Shared) -> Reply {
    let of_series =
        |source: &&AboutSource| series.is_some_and(|series| series.source == source.settings.id);
    let usual = takers(shared).find(of_series).or(takers(shared).next());
    match usual.map(|source| &source.settings.id) {
        None => Reply::Say("no source takes a key".to_owned()),
        Some(usual) if takers(shared).count() > 1 => {
            Reply::Prompt(PromptKind::KeyOf, usual.to_string())
        }
        Some(only) => first(only),
    }
}

/// Asks for the first value of a source's key.
fn first(source: &SourceId) -> Reply {
    let kind = PromptKind::Key {
        source: source.clone(),
        values: vec![],
    };
    Reply::Prompt(kind, String::new())
}

/// The sources to choose from, each with what it has for a key.
pub(super) fn choices(shared: &Shared) -> Vec<Suggestion> {
    let choice = |source: &AboutSource| Suggestion {
        value: source.settings.id.to_string(),
        note: match source.settings.words.key_page {
            Some(page) if !shared.has_own_key(source) => page.to_owned(),
            _ => shared.key_origin(source),
        },
    };
    takers(shared).map(choice).collect()
}

/// The source that was chosen.
pub(super) fn chosen(typed: &str, shared: &Shared) -> Result<Vec<Reply>, String> {
    let typed = typed.to_lowercase();
    let is_it = |source: &&AboutSource| {
        let settings = source.settings;
        settings.id.as_str() == typed || settings.words.name.to_lowercase() == typed
    };
    let source = takers(shared).find(is_it);
    let source = source.ok_or("choose one of these sources with the arrow keys")?;
    Ok(vec![first(&source.settings.id)])
}

/// What the next value is.
pub(super) fn title(source: &SourceId, given: usize, shared: &Shared) -> String {
    let Some(settings) = settings(source, shared) else {
        return format!("{source} key");
    };
    let field = settings.key.get(given).map_or("key", |field| field.name);
    let name = settings.words.name;
    match settings.key.len() {
        1 => format!("{name} {field}"),
        fields => format!("{name} {field}, {} of {fields}", given + 1),
    }
}

/// What is free, what the vendor allows, and where to get a key.
pub(super) fn hint(source: &SourceId, shared: &Shared) -> String {
    let words = settings(source, shared).map(|settings| settings.words);
    let said = words.map_or_else(String::new, |words| {
        let free = (!words.free.is_empty()).then(|| format!("Free: {}.", words.free));
        let page = words.key_page.map(|page| format!("A key: {page}"));
        let terms = Some(format!("Terms: {}.", words.terms));
        let said = [free, terms, page].into_iter().flatten();
        said.map(|line| line + "\n").collect()
    });
    format!("{said}Used until you quit; to save it, choose \"Save the key\" in the palette (:)")
}

/// What an entered value becomes: the question for the next one, or the key.
pub(super) fn entered(
    source: &SourceId,
    values: &[Secret],
    typed: &str,
    shared: &Shared,
) -> Result<Vec<Reply>, String> {
    let settings = settings(source, shared).ok_or("this version does not know the source")?;
    if values.len() + 1 < settings.key.len() {
        let value = check_key(typed).map_err(|wrong| wrong.to_string())?;
        let kind = PromptKind::Key {
            source: source.clone(),
            values: values.iter().cloned().chain([value]).collect(),
        };
        return Ok(vec![Reply::Prompt(kind, String::new())]);
    }
    let texts = values.iter().map(Secret::expose).chain([typed]);
    let texts: Vec<&str> = texts.collect();
    let key = EnteredKey::read(settings, &texts)?;
    Ok(vec![Reply::Key(key)])
}

fn settings(source: &SourceId, shared: &Shared) -> Option<&'static SourceSettings> {
    shared.source(source).map(|source| source.settings)
}
