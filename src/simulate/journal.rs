//! The requests and their outcomes, kept without any key.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::dialect::Dialect;
use super::query::Query;

/// Entries kept in memory; the oldest are dropped. A file keeps all.
const MAX_ENTRIES: usize = 20_000;

/// One request and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalEntry {
    /// When it arrived, by the simulator's clock.
    pub at: DateTime<Utc>,
    /// In which dialect; `None` for a path at which none is spoken.
    pub dialect: Option<Dialect>,
    /// Its path.
    pub path: String,
    /// Its header `X-Request-Id`.
    pub request_id: Option<String>,
    /// Its parameters in order; the key is replaced by a short fingerprint.
    pub query: Vec<(String, String)>,
    /// `data`, `replay`, the name of a refusal such as `burst`, or `fault:` and the fault.
    pub outcome: String,
    /// Bytes of the body sent, before compression.
    pub bytes: u64,
    /// The bars in it, if it had bars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
}

/// The bars in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Served {
    /// How many.
    pub bars: usize,
    /// The label of the newest; `None` without bars.
    pub newest: Option<String>,
    /// The label of the oldest; `None` without bars.
    pub oldest: Option<String>,
}

/// All requests so far.
#[derive(Debug)]
pub(super) struct Journal(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    entries: VecDeque<JournalEntry>,
    file: Option<File>,
}

impl Journal {
    /// An empty journal, also written to the file if there is one.
    pub(super) fn new(file: Option<File>) -> Self {
        Self(Mutex::new(Inner {
            entries: VecDeque::new(),
            file,
        }))
    }

    /// Adds an entry; when this returns, it is on disk in the file.
    pub(super) fn add(&self, entry: JournalEntry) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut inner.file {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_data()?;
        }
        if inner.entries.len() == MAX_ENTRIES {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
        Ok(())
    }

    /// The entries so far, oldest first.
    pub(super) fn entries(&self) -> Vec<JournalEntry> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.iter().cloned().collect()
    }
}

/// The parameters of a request with the key replaced by its fingerprint.
pub(super) fn without_key(query: &Query) -> Vec<(String, String)> {
    query
        .0
        .iter()
        .map(|(name, value)| {
            if name.eq_ignore_ascii_case("apikey") {
                (name.clone(), fingerprint(value))
            } else {
                (name.clone(), value.clone())
            }
        })
        .collect()
}

/// Eight hexadecimal digits that tell keys apart and reveal none.
fn fingerprint(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let start = digest.iter().take(4);
    let number = start.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{number:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_replaced() {
        let query = Query::decode("apikey=SECRET&symbol=IBM&APIKEY=OTHER");
        let kept = without_key(&query);
        assert_eq!(kept[1], ("symbol".to_owned(), "IBM".to_owned()));
        assert_eq!(kept[0].1.len(), 8);
        assert_ne!(kept[0].1, kept[2].1);
        assert!(!format!("{kept:?}").contains("SECRET"));
    }
}
