//! Finds the known name that a mistyped one most likely means.

use strsim::osa_distance;

/// The nearest of `known`, if it is near enough for a suggestion.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (last(name).chars().count() / 3).max(2);
    known
        .map(|candidate| {
            // The right key in the wrong table is a near miss too.
            let moved = osa_distance(last(name), last(candidate)) + 1;
            (osa_distance(name, candidate).min(moved), candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

fn last(dotted: &str) -> &str {
    dotted.rsplit('.').next().unwrap_or(dotted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let known = ["symbols", "sources.first.plan", "database.url"];
        for (typed, meant) in [
            ("symbol", Some("symbols")),
            ("plan", Some("sources.first.plan")),
            ("sources.frist.plan", Some("sources.first.plan")),
            ("database.ulr", Some("database.url")),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, known.into_iter()), meant, "{typed}");
        }
    }
}
