//! Circles of files: each uses the next, and the last the first, so none can be read alone.

use std::collections::{BTreeMap, BTreeSet};

use super::uses::Uses;

/// A reader can hold this many files that explain each other.
const MAX_FILES: usize = 5;

/// A circle that is too large, or that crosses a folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    pub files: Vec<String>,
    /// Which file uses which, by which names.
    pub uses: Vec<String>,
}

/// The circles that a tree must not have.
pub fn circles(uses: &Uses) -> Vec<Circle> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|file| (file.as_str(), reached(uses, file)))
        .collect();
    let mut found = vec![];
    let mut seen = BTreeSet::new();
    for (file, after) in &reached {
        let circle: Vec<&str> = after
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(file)))
            .copied()
            .collect();
        if !circle.is_empty() && seen.insert(circle.clone()) && !is_small(&circle) {
            found.push(Circle {
                uses: within(uses, &circle),
                files: circle.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    found
}

/// The files that one uses, and those that they use.
fn reached<'a>(uses: &'a Uses, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut ahead = vec![file];
    while let Some(file) = ahead.pop() {
        for used in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(used.as_str()) {
                ahead.push(used);
            }
        }
    }
    reached
}

/// Whether a circle has few files, all in one folder. A module's file belongs to the folder of its
/// name, as well as to that in which it lies.
fn is_small(circle: &[&str]) -> bool {
    let lies_in = |file: &&str| {
        file.rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .to_owned()
    };
    let holds = |folder: &String| {
        circle
            .iter()
            .all(|file| lies_in(file) == *folder || *file == format!("{folder}.rs"))
    };
    circle.len() <= MAX_FILES && circle.iter().map(lies_in).any(|folder| holds(&folder))
}

fn within(uses: &Uses, circle: &[&str]) -> Vec<String> {
    let mut lines = vec![];
    for file in circle {
        for (used, names) in &uses[*file] {
            if circle.contains(&used.as_str()) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                lines.push(format!("{file} -> {used}: {}", names.join(", ")));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of each circle that is too large or crosses a folder.
    fn found(uses: &[(&str, &str)]) -> Vec<Vec<String>> {
        let mut tree = Uses::new();
        for (file, used) in uses {
            for file in [file, used] {
                tree.entry((*file).to_owned()).or_default();
            }
            let names = BTreeSet::from(["x".to_owned()]);
            tree.entry((*file).to_owned())
                .or_default()
                .insert((*used).to_owned(), names);
        }
        circles(&tree)
            .into_iter()
            .map(|circle| circle.files)
            .collect()
    }

    fn ring(files: &[&'static str]) -> Vec<(&'static str, &'static str)> {
        let next = files.iter().cycle().skip(1);
        files.iter().copied().zip(next.copied()).collect()
    }

    #[test]
    fn a_line_is_no_circle() {
        assert!(found(&[("a.rs", "b.rs"), ("b.rs", "c/d.rs"), ("a.rs", "c/d.rs")]).is_empty());
    }

    #[test]
    fn five_files_of_a_folder_may_use_each_other_and_six_may_not() {
        let five = ["a/b.rs", "a/c.rs", "a/d.rs", "a/e.rs", "a.rs"];
        assert!(found(&ring(&five)).is_empty());
        let six = ["a.rs", "a/b.rs", "a/c.rs", "a/d.rs", "a/e.rs", "a/f.rs"];
        assert_eq!(found(&ring(&six)), [six]);
    }

    #[test]
    fn a_circle_across_folders_is_found_whatever_its_size() {
        assert_eq!(found(&ring(&["a/b.rs", "c/d.rs"])), [["a/b.rs", "c/d.rs"]]);
        // A module and the file of its parent's neighbour.
        assert_eq!(found(&ring(&["a/b.rs", "c.rs"])), [["a/b.rs", "c.rs"]]);
        // Two floors.
        let floors = ["a.rs", "a/b.rs", "a/b/c.rs"];
        assert_eq!(found(&ring(&floors)), [floors]);
    }

    #[test]
    fn circles_that_share_a_file_are_one_and_others_are_told_apart() {
        let mut uses = ring(&["a.rs", "b/c.rs"]);
        uses.extend(ring(&["b/c.rs", "d/e.rs"]));
        uses.extend(ring(&["f.rs", "g/h.rs"]));
        assert_eq!(
            found(&uses),
            [vec!["a.rs", "b/c.rs", "d/e.rs"], vec!["f.rs", "g/h.rs"]]
        );
    }

    #[test]
    fn a_circle_says_who_uses_what() {
        let mut tree = Uses::new();
        for (file, used) in ring(&["a.rs", "b/c.rs"]) {
            let names = BTreeSet::from(["X".to_owned(), "y".to_owned()]);
            tree.insert(file.to_owned(), [(used.to_owned(), names)].into());
        }
        assert_eq!(
            circles(&tree)[0].uses,
            ["a.rs -> b/c.rs: X, y", "b/c.rs -> a.rs: X, y"]
        );
    }
}
