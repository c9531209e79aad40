//! Where the store is: a URL, the parts of one, or a file in the data folder.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::error::{ConfigError, shown};
use super::layers::{Given, Layers};
use super::postgres::{SEVERAL_HOSTS, Server, SslMode, Target};
use super::setting::Setting;
use super::table;

/// The store's file in the data folder, if nothing else is set.
const FILE: &str = "pipeline.db";

/// The store to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite {
        /// Its absolute path.
        path: PathBuf,
    },
    /// A server.
    Postgres(Server),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => {
                write!(f, "sqlite://{}", shown(&path.display().to_string()))
            }
            Self::Postgres(server) => f.write_str(&server.shown),
        }
    }
}

/// The store that the layers name.
pub(super) fn resolve(
    layers: &Layers,
    data_dir: &Path,
    warnings: &mut Vec<String>,
) -> Result<Database, ConfigError> {
    let (url, host) = (
        layers.get(&table::DATABASE_URL),
        layers.get(&table::HOST).map(|given| given.value.trim()),
    );
    match (url, host) {
        (Some(given), _) => from_url(given, layers),
        (None, Some(_)) => from_pieces(layers, warnings),
        (None, None) => Ok(Database::Sqlite {
            path: data_dir.join(FILE),
        }),
    }
}

fn from_url(given: &Given, layers: &Layers) -> Result<Database, ConfigError> {
    let text = given.value.trim();
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "sqlite" => sqlite_path(rest)
            .map(|path| Database::Sqlite {
                path: layers.working_dir.join(path),
            })
            .map_err(|reason| given.error(reason)),
        "postgres" | "postgresql" => {
            let target = Target::parse(text).map_err(|reason| given.error(reason))?;
            let sslmode = sslmode(layers)?;
            Ok(Database::Postgres(target.server(sslmode)))
        }
        _ => Err(given.error("must begin with postgres:// or sqlite://")),
    }
}

fn sqlite_path(rest: &str) -> Result<PathBuf, &'static str> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.starts_with(":memory:") {
        return Err(
            "an in-memory database would lose every bar at exit; name a file: sqlite:///path/to/file.db",
        );
    }
    let path = match path.split_once('?') {
        None | Some((_, "mode=rwc")) => path.split('?').next().unwrap_or(path),
        Some(_) => {
            return Err("options after the ? in an SQLite URL are not supported; leave them out");
        }
    };
    let path = percent_decode_str(path).decode_utf8();
    let path = path.map_err(|_| "the path is not UTF-8; use another")?;
    if path.is_empty() || path.ends_with('/') {
        return Err("names no file; write sqlite:///path/to/file.db");
    }
    Ok(path.into_owned().into())
}

fn from_pieces(layers: &Layers, warnings: &mut Vec<String>) -> Result<Database, ConfigError> {
    let text = |setting: &'static Setting| {
        let given = layers.get(setting);
        given.map_or(setting.default, |given| given.value.trim())
    };
    let refused = |setting, reason: &str| match layers.get(setting) {
        Some(given) => given.error(reason),
        None => ConfigError::new(setting.name, reason),
    };
    let port = text(&table::PORT)
        .parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| {
            refused(
                &table::PORT,
                "is not a port; write only a number, such as 5432",
            )
        })?;
    let target = Target {
        host: text(&table::HOST).to_owned(),
        port,
        user: text(&table::USER).to_owned(),
        password: layers.secret(&table::PASSWORD, &table::PASSWORD_FILE, warnings)?,
        name: text(&table::DB).to_owned(),
        sslmode: None,
        options: Vec::new(),
    };
    if target.host.contains(',') {
        return Err(refused(&table::HOST, SEVERAL_HOSTS));
    }
    if !target.has_plain_host() {
        return Err(refused(
            &table::HOST,
            "is not a host name; write only the name or address, and the port in POSTGRES_PORT",
        ));
    }
    let sslmode = sslmode(layers)?;
    Ok(Database::Postgres(target.server(sslmode)))
}

fn sslmode(layers: &Layers) -> Result<Option<SslMode>, ConfigError> {
    let Some(given) = layers.get(&table::SSLMODE) else {
        return Ok(None);
    };
    let mode = given.value.trim().parse();
    mode.map(Some).map_err(|_| {
        given.error(
            "there is no such mode; use disable, allow, prefer, require, verify-ca or verify-full",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_paths_come_in_every_spelling() {
        for (rest, path) in [
            ("///srv/a.db", Ok("/srv/a.db")),
            ("//data/a.db", Ok("data/a.db")),
            ("a.db", Ok("a.db")),
            ("//a%20b+c.db?mode=rwc", Ok("a b+c.db")),
            ("a.db?mode=ro", Err("options")),
            (":memory:", Err("lose every bar")),
            ("//:memory:", Err("lose every bar")),
            ("//", Err("names no file")),
            ("///srv/", Err("names no file")),
        ] {
            match (sqlite_path(rest), path) {
                (Ok(found), Ok(path)) => assert_eq!(found, Path::new(path), "{rest}"),
                (Err(found), Err(reason)) => assert!(found.contains(reason), "{rest}: {found}"),
                other => panic!("{rest}: {other:?}"),
            }
        }
    }
}
