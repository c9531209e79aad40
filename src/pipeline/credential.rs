//! The name under which the store remembers a key.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::config::Secret;

/// Sixteen hexadecimal digits that name a key without revealing any of it.
#[must_use]
pub fn fingerprint(key: &Secret) -> String {
    let digest = Sha256::new()
        .chain_update(b"pipeline-tui key\0")
        .chain_update(key.expose())
        .finalize();
    digest
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
        let (one, other) = (
            fingerprint(&Secret::public("demo")),
            fingerprint(&Secret::public("demo2")),
        );
        assert_ne!(one, other);
        assert_eq!(one.len(), 16);
        assert_eq!(one, fingerprint(&Secret::public("demo")));
    }
}
