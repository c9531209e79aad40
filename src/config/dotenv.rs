//! The `.env` file: `NAME=value` lines, as Compose and shells read them, without substitution.

/// One variable, and its line.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Variable {
    pub name: String,
    pub value: String,
    pub line: usize,
}

/// One line that cannot be read. It never contains a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadVariable {
    pub line: usize,
    pub name: Option<String>,
    pub reason: &'static str,
}

/// Reads every line; a faulty one does not hide the others.
pub(super) fn parse(text: &str) -> (Vec<Variable>, Vec<BadVariable>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match entry(content) {
            Ok((name, value)) => entries.push(Variable { name, value, line }),
            Err((name, reason)) => faults.push(BadVariable { line, name, reason }),
        }
    }
    (entries, faults)
}

fn entry(content: &str) -> Result<(String, String), (Option<String>, &'static str)> {
    let content = content
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map_or(content, str::trim_start);
    // A line without a name may be the rest of a secret with a line break: none of it is shown.
    let (name, value) = content
        .split_once('=')
        .ok_or((None, "no = in this line; write NAME=value"))?;
    let name = name.trim_end();
    if !is_name(name) {
        return Err((None, "no variable name before the =; write NAME=value"));
    }
    match unquote(value.trim_start()) {
        Ok(value) => Ok((name.to_owned(), value)),
        Err(reason) => Err((Some(name.to_owned()), reason)),
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unquote(value: &str) -> Result<String, &'static str> {
    if let Some(quoted) = value.strip_prefix('\'') {
        let (inner, tail) = quoted.split_once('\'').ok_or(UNCLOSED)?;
        return nothing_more(tail).map(|()| inner.to_owned());
    }
    if let Some(quoted) = value.strip_prefix('"') {
        return double_quoted(quoted);
    }
    Ok(without_comment(value).to_owned())
}

const UNCLOSED: &str = "the quote is never closed; close it on the same line";

fn double_quoted(quoted: &str) -> Result<String, &'static str> {
    let mut inner = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return nothing_more(chars.as_str()).map(|()| inner),
            '\\' => match chars.next() {
                Some('n') => inner.push('\n'),
                Some(escaped @ ('"' | '\\')) => inner.push(escaped),
                Some(other) => inner.extend(['\\', other]),
                None => return Err(UNCLOSED),
            },
            other => inner.push(other),
        }
    }
    Err(UNCLOSED)
}

fn nothing_more(tail: &str) -> Result<(), &'static str> {
    let rest = tail.trim_start();
    if rest.is_empty() || (rest.starts_with('#') && rest.len() < tail.len()) {
        Ok(())
    } else {
        Err("text after the closing quote; put the whole value inside the quotes")
    }
}

fn without_comment(value: &str) -> &str {
    if value.starts_with('#') {
        return "";
    }
    let comment = value
        .match_indices('#')
        .map(|(at, _)| value.split_at(at).0)
        .find(|before| before.ends_with([' ', '\t']));
    comment.unwrap_or(value).trim_end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> String {
        let (entries, faults) = parse(line);
        assert_eq!(faults, [], "{line}");
        assert_eq!(entries[0].name, "NAME", "{line}");
        entries[0].value.clone()
    }

    #[test]
    fn reads_what_people_write() {
        for (line, value) in [
            ("NAME=plain", "plain"),
            ("NAME = spaced ", "spaced"),
            ("export NAME=x", "x"),
            ("export\tNAME=x", "x"),
            ("NAME=", ""),
            ("NAME=a=b", "a=b"),
            ("NAME=a b", "a b"),
            ("NAME=a # comment", "a"),
            ("NAME=a#b", "a#b"),
            ("NAME=a#b # comment # more", "a#b"),
            ("NAME=# nothing", ""),
            ("NAME='a # b $HOME \\n'", "a # b $HOME \\n"),
            ("NAME='a' # comment", "a"),
            ("NAME=\"a # b\\n\\\"c\\\" \\\\ \\d\"", "a # b\n\"c\" \\ \\d"),
            ("NAME=\"\"", ""),
            ("NAME=$HOME ${X}", "$HOME ${X}"),
            ("\u{feff}NAME=bom", "bom"),
            ("NAME=crlf\r\n", "crlf"),
            ("  NAME=indented", "indented"),
        ] {
            assert_eq!(one(line), value, "{line:?}");
        }
    }

    #[test]
    fn counts_lines_over_comments_blanks_and_crlf() {
        let (entries, faults) = parse("\u{feff}# head\r\n\r\nA=1\r\n\r\nB='2'\r\n");
        assert_eq!(faults, []);
        let found: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.line)).collect();
        assert_eq!(found, [("A", 3), ("B", 5)]);
    }

    #[test]
    fn a_faulty_line_is_named_but_its_value_is_not() {
        let canary = "canary-7f3a";
        for (line, name) in [
            (canary.to_owned(), None),
            (format!("{canary} x=1"), None),
            (format!("1A={canary}"), None),
            (format!("={canary}"), None),
            (format!("NAME='{canary}"), Some("NAME")),
            (format!("NAME=\"{canary}"), Some("NAME")),
            (format!("NAME=\"{canary}\\"), Some("NAME")),
            (format!("NAME='a'{canary}"), Some("NAME")),
            (format!("NAME=\"a\"#{canary}"), Some("NAME")),
        ] {
            let (entries, faults) = parse(&format!("\n{line}\nOTHER=1"));
            assert_eq!(faults.len(), 1, "{line}");
            assert_eq!(
                (faults[0].line, faults[0].name.as_deref()),
                (2, name),
                "{line}"
            );
            assert!(!format!("{faults:?}").contains(canary), "{line}");
            assert_eq!(entries.len(), 1, "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_single_quoted_values(text in "(?s).*", value in "[^'\r\n]*") {
            let _ = parse(&text);
            prop_assert_eq!(one(&format!("NAME='{value}'")), value);
        }
    }
}
