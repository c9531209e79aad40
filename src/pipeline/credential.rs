//! The name under which the store remembers a key.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::config::{Secret, SourceAccess};
use crate::db::Credential;

/// The name under which the store remembers a source's key, and its plan.
#[must_use]
pub fn credential(access: &SourceAccess) -> Credential {
    Credential {
        source: access.settings.id.clone(),
        fingerprint: fingerprint(&access.key.values),
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
