//! Types that other files can see: one name for each.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

/// The names that more than one file declares for others to use, with those files.
///
/// The simulated provider is a program of its own: its names are the provider's, not ours.
pub fn shared(files: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<&str>> {
    let mut all: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let ours = files
        .iter()
        .filter(|(file, _)| !file.starts_with("simulate"));
    for (file, text) in ours {
        let tokens = text.parse().unwrap_or_else(|e| panic!("{file}: {e}"));
        let mut names = BTreeSet::new();
        collect(tokens, &mut names);
        for name in names {
            all.entry(name).or_default().insert(file);
        }
    }
    all.retain(|_, files| files.len() > 1);
    all
}

/// Adds the public types that tokens declare, also within macros and modules.
fn collect(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Ident(word) if word == "pub" => {
                let after = tokens.iter().skip(at + 1);
                let mut words = after
                    .skip_while(|token| matches!(token, TokenTree::Group(_)))
                    .map(ToString::to_string);
                let kind = words.next().unwrap_or_default();
                if ["struct", "enum", "trait", "type"].contains(&kind.as_str()) {
                    names.extend(words.next().filter(|name| !name.starts_with('$')));
                }
            }
            _ => {}
        }
    }
}

#[test]
fn a_name_declared_twice_is_found() {
    let files = [
        (
            "a.rs",
            "pub struct Line; struct Own; pub(super) enum Way {}",
        ),
        (
            "a/b.rs",
            "mod inner { pub(in crate::a) type Line = u8; } struct Own;",
        ),
        ("c.rs", "words! { pub enum Way { A = \"a\", } }"),
        ("simulate/plan.rs", "pub struct Line;"),
    ]
    .map(|(file, text)| (file.to_owned(), text.to_owned()));
    let found: Vec<_> = shared(&files.clone().into()).into_keys().collect();
    assert_eq!(found, ["Line", "Way"]);
}
