//! Recorded answers instead of the simulated market.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;

use super::query::Query;

const INDEX: &str = "index.toml";
/// Recordings larger than this are refused; the largest answer of the provider has about 4 MB.
const MAX_BYTES: u64 = 64 << 20;

/// Recorded answers, read once at the start.
#[derive(Debug, Clone)]
pub struct Replay(Answers);

#[derive(Debug, Clone)]
enum Answers {
    /// One for every request.
    Same(Bytes),
    /// One for each kind of request.
    Listed(Vec<(Match, Bytes)>),
}

/// Why recorded answers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A recording is too large.
    #[error("{} is larger than 64 MiB", .0.display())]
    TooLarge(PathBuf),
    /// The index is not valid.
    #[error("{}, line {line}: {message}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[serde(default)]
    answer: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    function: String,
    symbol: String,
    interval: Option<String>,
    datatype: Option<String>,
}

/// The requests a recording answers.
#[derive(Debug, Clone)]
struct Match {
    function: String,
    symbol: String,
    /// `None` for every interval.
    interval: Option<String>,
    datatype: String,
}

impl Match {
    fn holds(&self, query: &Query) -> bool {
        let datatype = match query.get("datatype") {
            "" => "json",
            datatype => datatype,
        };
        self.function == query.get("function")
            && self.symbol == query.get("symbol")
            && self
                .interval
                .as_deref()
                .is_none_or(|interval| interval == query.get("interval"))
            && self.datatype == datatype
    }
}

impl Replay {
    /// Reads one file that answers everything, or a folder with an `index.toml` that says which
    /// file answers what.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let read = |source| ReplayError::Read {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(read)?.is_dir() {
            folder(path).map(|answers| Self(Answers::Listed(answers)))
        } else {
            load(path).map(|bytes| Self(Answers::Same(bytes)))
        }
    }

    /// The recording that answers a request; the first that matches.
    pub(super) fn answer(&self, query: &Query) -> Option<Bytes> {
        match &self.0 {
            Answers::Same(bytes) => Some(bytes.clone()),
            Answers::Listed(answers) => answers
                .iter()
                .find(|(known, _)| known.holds(query))
                .map(|(_, bytes)| bytes.clone()),
        }
    }
}

fn folder(folder: &Path) -> Result<Vec<(Match, Bytes)>, ReplayError> {
    let path = folder.join(INDEX);
    let text = fs::read_to_string(&path).map_err(|source| ReplayError::Read {
        path: path.clone(),
        source,
    })?;
    let index: Index = toml_edit::de::from_str(&text).map_err(|error| ReplayError::Index {
        path: path.clone(),
        line: line_at(&text, error.span().map_or(0, |span| span.start)),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    index
        .answer
        .into_iter()
        .map(|entry| {
            let bytes = load(&folder.join(&entry.file)).map_err(|error| ReplayError::Index {
                path: path.clone(),
                line: line_at(&text, text.find(&entry.file).unwrap_or(0)),
                message: error.to_string(),
            })?;
            let known = Match {
                function: entry.function,
                symbol: entry.symbol,
                interval: entry.interval,
                datatype: entry.datatype.unwrap_or_else(|| "json".to_owned()),
            };
            Ok((known, bytes))
        })
        .collect()
}

fn load(path: &Path) -> Result<Bytes, ReplayError> {
    let read = |source| ReplayError::Read {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(read)?.len() > MAX_BYTES {
        return Err(ReplayError::TooLarge(path.to_owned()));
    }
    fs::read(path).map(Bytes::from).map_err(read)
}

/// The line of a byte offset, counted from 1.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(index: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(INDEX), index).unwrap();
        fs::write(folder.path().join("ibm.json"), b"{\"a\": 1}").unwrap();
        folder
    }

    fn refused(index: &str) -> String {
        let folder = folder_with(index);
        let error = Replay::open(folder.path()).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    const ENTRY: &str = "[[answer]]\nfile = \"ibm.json\"\nfunction = \"TIME_SERIES_INTRADAY\"\n\
                         symbol = \"IBM\"\n";

    #[test]
    fn an_index_says_what_answers_what() {
        let folder = folder_with(&format!(
            "{ENTRY}interval = \"5min\"\ndatatype = \"json\"\n"
        ));
        let replay = Replay::open(folder.path()).unwrap();
        let answer = |query: &str| replay.answer(&Query::decode(query)).is_some();
        let base = "function=TIME_SERIES_INTRADAY&symbol=IBM";
        assert!(answer(&format!("{base}&interval=5min&apikey=x")));
        assert!(!answer(&format!("{base}&interval=1min")));
        assert!(!answer(&format!("{base}&interval=5min&datatype=csv")));
        assert!(!answer("function=TIME_SERIES_DAILY&symbol=IBM"));
    }

    #[test]
    fn a_file_answers_everything_unchanged() {
        let folder = folder_with("");
        let replay = Replay::open(&folder.path().join("ibm.json")).unwrap();
        assert_eq!(replay.answer(&Query::default()).unwrap(), "{\"a\": 1}");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let missing = refused(&ENTRY.replace("ibm.json", "none.json"));
        assert!(
            missing.contains("line 2") && missing.contains("none.json"),
            "{missing}"
        );
        let syntax = refused(&format!("{ENTRY}interval = 5min\n"));
        assert!(syntax.contains("line 5"), "{syntax}");
        let unknown = refused(&format!("{ENTRY}colour = \"red\"\n"));
        assert!(
            unknown.contains("line 5") && unknown.contains("colour"),
            "{unknown}"
        );
        let error = Replay::open(Path::new("/nowhere/x"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/x"), "{error}");
    }
}
