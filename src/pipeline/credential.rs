//! The name under which the store remembers a key.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::config::{Secret, SourceAccess};
use crate::db::Credential;

/// The name under which the store remembers a source's key, and its plan.
#[must_use]
pub fn credential(access: &SourceAccess) -> Credential {
    let id = &access.settings.id;
    let fingerprint = match access.key.values.as_slice() {
        // Two sources without a key are limited apart, and the ledger knows them by this name.
        [] => fingerprint(&[Secret::public(id.as_str())]),
        values => fingerprint(values),
    };
    Credential {
        source: id.clone(),
        fingerprint,
        plan: access.plan.name.to_owned(),
    }
}

/// Sixteen hexadecimal digits that name a key, of all its values, without revealing any of them.
#[must_use]
pub fn fingerprint(key: &[Secret]) -> String {
    let digest = key.iter().fold(
        Sha256::new_with_prefix(b"pipeline-tui key"),
        |digest, value| {
            // No value contains a NUL: ("a", "bc") and ("ab", "c") differ.
            digest.chain_update(b"\0").chain_update(value.expose())
        },
    );
    digest
        .finalize()
        .iter()
        .take(8)
        .fold(String::with_capacity(16), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::rows::{SECOND, SOURCES};
    use crate::config::{self, Inputs, Plans, SourceSettings};
    use crate::model::SourceId;

    #[test]
    fn sources_without_a_key_have_a_ledger_each() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = Inputs::isolated(folder.path(), SOURCES);
        let access = config::load(&inputs).unwrap().others.remove(0);
        let keyless = |id| {
            let settings = Box::leak(Box::new(SourceSettings {
                id,
                words: SECOND.words,
                key: &[],
                addresses: &[],
                route: SECOND.route,
                allow_http: SECOND.allow_http,
                calendar: SECOND.calendar,
                currency: SECOND.currency,
                plans: Plans {
                    setting: None,
                    usual: SECOND.plans.usual,
                    others: &[],
                },
                former_key_file: None,
                suggested: &[],
            }));
            credential(&SourceAccess {
                settings,
                ..access.clone()
            })
            .fingerprint
        };
        let [one, other] = ["one", "other"].map(|word| keyless(SourceId::known(word)));
        assert_ne!(one, other);
    }

    #[test]
    fn fingerprints_tell_keys_apart_and_nothing_else() {
        let of = |values: &[&str]| {
            fingerprint(
                &values
                    .iter()
                    .copied()
                    .map(Secret::public)
                    .collect::<Vec<_>>(),
            )
        };
        assert_ne!(of(&["demo"]), of(&["demo2"]));
        assert_ne!(of(&["id", "secret"]), of(&["ids", "ecret"]));
        assert_ne!(of(&["id", "secret"]), of(&["id"]));
        // Stores of version 0.1.0 know the key by this name.
        assert_eq!(of(&["demo"]), "84a0e3cc785b21d4");
    }
}
