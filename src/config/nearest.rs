//! Finds the known name that a mistyped one most likely means.

/// The nearest of `known`, if it is near enough for a suggestion.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (last(name).chars().count() / 3).max(2);
    known
        .map(|candidate| {
            // The right key in the wrong table is a near miss too.
            let moved = distance(last(name), last(candidate)) + 1;
            (distance(name, candidate).min(moved), candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

fn last(dotted: &str) -> &str {
    dotted.rsplit('.').next().unwrap_or(dotted)
}

/// How many characters must be added, dropped or replaced to make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for ((y, above), corner) in b.chars().zip(row.iter().skip(1)).zip(&row) {
            left = (corner + usize::from(x != y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let known = ["symbols", "alpha_vantage.plan", "database.url"];
        for (typed, meant) in [
            ("symbol", Some("symbols")),
            ("plan", Some("alpha_vantage.plan")),
            ("alpha_vantge.plan", Some("alpha_vantage.plan")),
            ("database.ulr", Some("database.url")),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, known.into_iter()), meant, "{typed}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
