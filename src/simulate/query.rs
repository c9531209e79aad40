//! A query string as received.

/// A query string, decoded, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(pub Vec<(String, String)>);

impl Query {
    /// Decodes a query string; bytes that are not UTF-8 become replacement characters.
    pub(super) fn decode(text: &str) -> Self {
        Self(
            url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The last value of a parameter; empty when absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// A word from a list, or the default when the parameter is absent.
    pub(super) fn word<T: Copy>(&self, name: &str, default: T, words: &[(&str, T)]) -> Option<T> {
        match self.get(name) {
            "" => Some(default),
            text => words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_values_counts() {
        assert_eq!(Query::decode("a=1&a=2").get("a"), "2");
        assert_eq!(Query::decode("a=%ff").get("a"), "\u{fffd}");
        assert_eq!(Query::decode("a=1").get("b"), "");
    }
}
