//! `keys`: the key table.

use super::exit::{self, Failure};
use super::{Context, output};
use crate::config;
use crate::ui::keymap::{Keymap, markdown};

/// The head of the page.
const HEAD: &str = "# Keys\n\n\
    Made by `pipeline-tui keys --markdown` from the table that the panel itself uses; do not edit.\n\
    Rebind an action in `config.toml`: `[keys]`, then for example `fetch = \"r\"` or `fetch = [\"r\", \"f5\"]`.\n\n";

pub fn run(as_markdown: bool, context: &Context) -> Result<u8, Failure> {
    if as_markdown {
        output::data(&page())?;
        return Ok(exit::DONE);
    }
    let (settings, _) = config::load_leniently(&context.inputs)?;
    let (keymap, problems) = Keymap::with(&settings.keys);
    for problem in problems {
        context.narrator.say(&format!("warning: {problem}"));
    }
    output::print(&markdown::plain(&keymap))?;
    Ok(exit::DONE)
}

/// The page `docs/keys.md`.
fn page() -> String {
    let page = markdown::page(&Keymap::default());
    format!("{HEAD}{}\n", page.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_documents_is_fresh() {
        assert_eq!(
            include_str!("../../docs/keys.md"),
            page(),
            "write it again: pipeline-tui keys --markdown >docs/keys.md"
        );
    }
}
