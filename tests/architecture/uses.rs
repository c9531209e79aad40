//! Which file of a source tree uses which, read from the tokens of each: imports, groups within
//! them, and paths written inline, also inside macros.
//!
//! A name counts for the file that defines it, however many modules pass it on; so a re-export alone
//! does not count, and neither does `mod`. Code compiled only for tests is left out.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The segments of a path or of a module's place in the tree.
type Path = Vec<String>;

/// For each file, the files that it uses, and by which names.
pub type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What the tokens of one file say.
#[derive(Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    /// Children and imports that only tests see.
    in_tests: BTreeSet<String>,
    /// The path behind each imported name.
    imports: BTreeMap<String, Path>,
    /// Paths that make the file depend on another.
    used: Vec<Path>,
}

/// Reads a tree: the files by their place in it, such as `db/sqlite.rs`.
pub fn uses(files: &BTreeMap<String, String>) -> Uses {
    let mut modules: BTreeMap<Path, Module> = files
        .iter()
        .map(|(file, text)| (place(file), Module::read(file, text)))
        .collect();
    let in_tests: Vec<Path> = modules
        .iter()
        .flat_map(|(place, module)| module.in_tests.iter().map(|child| under(place, child)))
        .collect();
    modules.retain(|place, _| !in_tests.iter().any(|test| place.starts_with(test)));
    let tree = Tree(modules);
    tree.0
        .iter()
        .map(|(place, module)| (module.file.clone(), tree.used_by(place, module)))
        .collect()
}

/// The module that a file is.
fn place(file: &str) -> Path {
    let path = file.trim_end_matches(".rs");
    if path == "lib" {
        return vec![];
    }
    path.split('/').map(str::to_owned).collect()
}

fn under(place: &[String], child: &str) -> Path {
    let mut path = place.to_vec();
    path.push(child.to_owned());
    path
}

impl Module {
    fn read(file: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{file}: {e}"));
        let mut module = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        module.walk(&tokens.into_iter().collect::<Vec<_>>());
        module
    }

    fn walk(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            at += match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(rest) => {
                    self.skip_test(rest)
                }
                TokenTree::Ident(word) if word == "use" => {
                    let is_passed_on = is_public(&tokens[..at]);
                    let length = length_to(rest, ";");
                    for (name, path) in imports(&rest[1..length]) {
                        if !is_passed_on || name == "*" {
                            self.used.push(path.clone());
                        }
                        self.imports.insert(name, path);
                    }
                    length
                }
                TokenTree::Ident(word) if word == "mod" => {
                    let name = rest[1].to_string();
                    assert!(
                        is_punct(rest.get(2), ';'),
                        "{}: give {name} a file",
                        self.file
                    );
                    self.children.insert(name);
                    2
                }
                TokenTree::Ident(_) => {
                    let path = path(rest);
                    let length = path.len() * 3 - 2;
                    if !goes_on(&tokens[..at]) {
                        self.used.push(path);
                    }
                    length
                }
                TokenTree::Group(group) => {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>());
                    1
                }
                _ => 1,
            };
        }
    }

    /// The length of an item that is compiled for tests alone; a module's name is noted.
    fn skip_test(&mut self, tokens: &[TokenTree]) -> usize {
        let is_use = tokens.iter().find_map(|token| match token {
            TokenTree::Ident(word) if word == "use" => Some(true),
            TokenTree::Ident(word) if word != "pub" => Some(false),
            _ => None,
        });
        let length = if is_use == Some(true) {
            length_to(tokens, ";")
        } else {
            length_to(tokens, "{;,")
        };
        let item = &tokens[..length];
        if let Some(at) = item.iter().position(|token| token.to_string() == "mod") {
            self.in_tests.insert(item[at + 1].to_string());
        }
        length
    }
}

/// Whether `#[cfg(test)]` begins here.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    tokens.get(1).is_some_and(|attribute| {
        let text: String = attribute.to_string().split_whitespace().collect();
        text == "[cfg(test)]"
    })
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Whether what comes before is `pub` or `pub(…)`.
fn is_public(before: &[TokenTree]) -> bool {
    let is_pub = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "pub");
    match before {
        [.., word, TokenTree::Group(_)] | [.., word] => is_pub(word),
        [] => false,
    }
}

/// Whether an identifier belongs to what comes before: a field, a method, a lifetime, a later segment.
fn goes_on(before: &[TokenTree]) -> bool {
    let colon = |token| is_punct(token, ':');
    match before {
        [.., a, b] if colon(Some(a)) && colon(Some(b)) => true,
        [.., a, b] if is_punct(Some(a), '.') && is_punct(Some(b), '.') => false,
        [.., last] => is_punct(Some(last), '.') || is_punct(Some(last), '\''),
        [] => false,
    }
}

/// How many tokens there are up to and with the first that is one of `ends`: a sign, or `{` for a block.
fn length_to(tokens: &[TokenTree], ends: &str) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => ends.contains(punct.as_char()),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && ends.contains('{'),
        _ => false,
    };
    tokens
        .iter()
        .position(is_end)
        .map_or(tokens.len(), |end| end + 1)
}

/// The path at the beginning of these tokens, up to type arguments or a macro's `!`.
fn path(tokens: &[TokenTree]) -> Path {
    let mut path = vec![];
    let mut rest = tokens;
    while let Some((TokenTree::Ident(word), after)) = rest.split_first() {
        path.push(word.to_string());
        match after {
            [a, b, next @ ..] if is_punct(Some(a), ':') && is_punct(Some(b), ':') => rest = next,
            _ => break,
        }
    }
    path
}

/// The names that an import binds, and their paths; a name that stands for all is `*`.
fn imports(tokens: &[TokenTree]) -> Vec<(String, Path)> {
    let prefix = path(tokens);
    let rest = &tokens[(prefix.len() * 3).min(tokens.len())..];
    match rest.first() {
        Some(TokenTree::Group(group)) => {
            let inner: Vec<_> = group.stream().into_iter().collect();
            inner
                .split(|token| is_punct(Some(token), ','))
                .filter(|part| !part.is_empty())
                .flat_map(imports)
                .map(|(name, path)| (name, [prefix.clone(), path].concat()))
                .map(|(name, path)| named_by_self(name, path))
                .collect()
        }
        Some(star) if is_punct(Some(star), '*') => vec![("*".to_owned(), prefix)],
        _ => {
            let last = prefix.last().cloned().unwrap_or_default();
            let alias = match &tokens[(prefix.len() * 3).saturating_sub(2).min(tokens.len())..] {
                [TokenTree::Ident(word), name, ..] if word == "as" => name.to_string(),
                _ => last,
            };
            vec![(alias, prefix)]
        }
    }
}

/// `self` at the end of a group is the module before it.
fn named_by_self(name: String, mut path: Path) -> (String, Path) {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
        let module = path.last().cloned().unwrap_or_default();
        return (if name == "self" { module } else { name }, path);
    }
    (name, path)
}

struct Tree(BTreeMap<Path, Module>);

impl Tree {
    fn used_by(&self, place: &[String], module: &Module) -> BTreeMap<String, BTreeSet<String>> {
        let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in &module.used {
            if let Some((definer, name)) = self.definer(place, path)
                && definer.file != module.file
            {
                used.entry(definer.file.clone()).or_default().insert(name);
            }
        }
        used
    }

    /// The module that defines what a path names; `None` if it is a module or not of this tree.
    fn definer(&self, from: &[String], path: &[String]) -> Option<(&Module, String)> {
        let here = self.0.get(from)?;
        let (head, rest) = path.split_first()?;
        match head.as_str() {
            "crate" => self.below(&[], rest),
            "self" => self.below(from, rest),
            "super" => {
                let (_, parent) = from.split_last()?;
                match rest.first() {
                    Some(next) if next == "super" => self.definer(parent, rest),
                    _ => self.below(parent, rest),
                }
            }
            _ if here.children.contains(head) || here.imports.contains_key(head) => {
                self.below(from, path)
            }
            _ => None,
        }
    }

    /// The same for a path that begins in a module.
    fn below(&self, place: &[String], path: &[String]) -> Option<(&Module, String)> {
        let here = self.0.get(place)?;
        let (name, rest) = path.split_first()?;
        let is_module = here.children.contains(name);
        match here.imports.get(name) {
            // A macro that is passed on by its own name.
            Some(import) if import == std::slice::from_ref(name) => Some((here, name.clone())),
            // A crate that has something of its own name.
            Some(import) if import.first() == Some(name) && !is_module => None,
            Some(import) if !is_module || rest.is_empty() => {
                self.definer(place, &[import.as_slice(), rest].concat())
            }
            _ if is_module => self.below(&under(place, name), rest),
            _ => Some((here, name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The uses of a file in a tree, as `file: names`.
    fn of(file: &str, tree: &[(&str, &str)]) -> Vec<String> {
        let tree = tree
            .iter()
            .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()))
            .collect();
        let all = super::uses(&tree);
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        all[file]
            .iter()
            .map(|(used, named)| format!("{used}: {}", names(named)))
            .collect()
    }

    const LIB: (&str, &str) = ("lib.rs", "pub mod a; pub mod b;");

    #[test]
    fn paths_from_the_crate_from_above_and_from_here_are_seen() {
        let tree = [
            LIB,
            ("a.rs", "mod x; mod y; fn f() {}"),
            ("a/x.rs", "use super::y::Y; use crate::b::B; use super::f;"),
            (
                "a/y.rs",
                "fn g() -> super::super::b::C { super::x::g::<u8>() }",
            ),
            ("b.rs", "fn h() { self::i(); crate::a::f() }"),
        ];
        assert_eq!(of("a/x.rs", &tree), ["a.rs: f", "a/y.rs: Y", "b.rs: B"]);
        assert_eq!(of("a/y.rs", &tree), ["a/x.rs: g", "b.rs: C"]);
        assert_eq!(of("b.rs", &tree), ["a.rs: f"]);
        assert!(of("a.rs", &tree).is_empty());
    }

    #[test]
    fn groups_within_groups_self_and_other_names_are_seen() {
        let tree = [
            LIB,
            ("a.rs", "pub mod x; pub mod y;"),
            (
                "a/x.rs",
                "use crate::{a::{self, y::{self as why, Y as Other}}, b::{B, c::{D, E as _}}};\n\
                 fn f() { why::g(a::h()); Other::new() }",
            ),
            ("a/y.rs", ""),
            ("b.rs", "pub mod c;"),
            ("b/c.rs", ""),
        ];
        assert_eq!(
            of("a/x.rs", &tree),
            ["a.rs: h", "a/y.rs: Y g", "b.rs: B", "b/c.rs: D E"]
        );
    }

    #[test]
    fn paths_inside_macros_blocks_and_attributes_are_seen() {
        let tree = [
            LIB,
            (
                "a.rs",
                "#[derive(crate::b::Made)] struct S;\n\
                 fn f() { println!(\"{}\", vec![crate::b::one()].len()); { use crate::b::two; } }",
            ),
            ("b.rs", ""),
        ];
        assert_eq!(of("a.rs", &tree), ["b.rs: Made one two"]);
    }

    #[test]
    fn a_name_counts_for_the_file_that_defines_it_and_passing_it_on_is_no_use() {
        let tree = [
            ("lib.rs", "pub mod a; pub mod b; pub use a::X as Ex;"),
            ("a.rs", "mod x; pub(crate) use x::X; use x::Y;"),
            ("a/x.rs", "pub struct X; fn f() -> super::X {}"),
            (
                "b.rs",
                "use crate::Ex; fn f() { crate::a::X; a::X; std::a::X }",
            ),
        ];
        assert_eq!(of("b.rs", &tree), ["a/x.rs: X"]);
        assert_eq!(of("a.rs", &tree), ["a/x.rs: Y"]);
        assert!(of("lib.rs", &tree).is_empty());
        assert!(of("a/x.rs", &tree).is_empty());
        let used = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod x; pub use x::X; fn f(x: X) {}"),
            ("a/x.rs", ""),
        ];
        assert_eq!(of("a.rs", &used), ["a/x.rs: X"]);
    }

    #[test]
    fn what_only_looks_like_a_path_is_no_use() {
        let tree = [
            LIB,
            (
                "a.rs",
                "// crate::b::X\n\
                 fn f<'b>(s: &'b S) { let t = \"crate::b::X\"; s.b(); s.b; x::b::y(); ::b::z(); crate::b; }",
            ),
            ("b.rs", ""),
        ];
        assert!(of("a.rs", &tree).is_empty());
    }

    #[test]
    fn what_is_compiled_for_tests_alone_is_left_out() {
        let tree = [
            LIB,
            (
                "a.rs",
                "#[cfg(test)] mod tests; #[cfg(test)] use crate::b::{X, Y};\n\
                 #[cfg(test)] pub(crate) fn f() { crate::b::z() }\n\
                 #[cfg(test)] mod more { use crate::b::V; }\n\
                 struct S { #[cfg(test)] t: crate::b::T, u: crate::b::U }",
            ),
            ("a/tests.rs", "use crate::b::W;"),
            ("b.rs", ""),
        ];
        assert_eq!(of("a.rs", &tree), ["b.rs: U"]);
        assert!(
            !super::uses(&tree.map(|(f, t)| (f.to_owned(), t.to_owned())).into())
                .contains_key("a/tests.rs")
        );
    }
}
