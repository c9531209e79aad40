//! Whether the locale says that a terminal shows UTF-8.

use std::collections::BTreeMap;
use std::fmt;

use super::error::shown;

/// The variables that POSIX reads for the character set, the strongest first.
pub(super) const VARIABLES: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The variable that decides, and its value; `None` if no locale is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locale(Option<(&'static str, String)>);

impl Locale {
    /// The locale of an environment; an empty variable is unset.
    #[must_use]
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        Self(VARIABLES.into_iter().find_map(|name| {
            let value = environment.get(name).filter(|value| !value.is_empty())?;
            Some((name, value.clone()))
        }))
    }

    /// Whether UTF-8 may be written. It may if no locale is set: containers and services have none,
    /// and the terminals that show their output have long been UTF-8.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.0.as_ref().is_none_or(|(_, value)| {
            let value = value.split('@').next().unwrap_or_default();
            let codeset = value.rsplit('.').next().unwrap_or_default();
            codeset.eq_ignore_ascii_case("UTF-8") || codeset.eq_ignore_ascii_case("UTF8")
        })
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((name, value)) => write!(f, "{name}={}", shown(value)),
            None => f.write_str("no locale is set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(variables: &[(&str, &str)]) -> Locale {
        let pairs = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Locale::of(&pairs.collect())
    }

    #[test]
    fn the_strongest_variable_that_is_set_decides() {
        for (variables, is_utf8, says) in [
            (&[][..], true, "no locale is set"),
            (&[("LANG", "")], true, "no locale is set"),
            (&[("LANG", "en_US.UTF-8")], true, "LANG=en_US.UTF-8"),
            (
                &[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")],
                false,
                "LC_ALL=C",
            ),
            (
                &[("LANG", "C"), ("LC_ALL", "C.UTF-8")],
                true,
                "LC_ALL=C.UTF-8",
            ),
            (
                &[("LANG", "C"), ("LC_CTYPE", "de_DE.utf8"), ("LC_ALL", "")],
                true,
                "LC_CTYPE=de_DE.utf8",
            ),
            (
                &[("LC_CTYPE", "POSIX"), ("LANG", "C.UTF-8")],
                false,
                "LC_CTYPE=POSIX",
            ),
            (&[("LC_MESSAGES", "C")], true, "no locale is set"),
        ] {
            let locale = locale(variables);
            assert_eq!(
                (locale.is_utf8(), locale.to_string().as_str()),
                (is_utf8, says)
            );
        }
    }

    #[test]
    fn a_locale_is_utf8_by_its_character_set() {
        for (value, is_utf8) in [
            ("C.UTF-8", true),
            ("C.utf8", true),
            ("en_US.Utf-8", true),
            ("sr_RS.UTF-8@latin", true),
            // As macOS sends it over ssh.
            ("UTF-8", true),
            ("C", false),
            ("POSIX", false),
            ("en_US", false),
            ("de_DE@euro", false),
            ("en_US.ISO-8859-1", false),
            ("ja_JP.eucJP", false),
            ("en_US.UTF-16", false),
            ("UTF-8.C", false),
            ("@UTF-8", false),
            (".", false),
            ("C.UTF-8\u{1b}[2J", false),
        ] {
            let locale = locale(&[("LC_ALL", value)]);
            assert_eq!(locale.is_utf8(), is_utf8, "{value}");
            assert!(!locale.to_string().contains('\u{1b}'));
        }
    }
}
