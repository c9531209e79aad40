//! What is kept of the history, and where the engine can be watched.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::error::{ConfigError, shown};
use super::layers::Layers;
use super::number::number;
use super::table;
use crate::model::Retention;

/// `[retention]`.
pub(super) fn retention(layers: &Layers) -> Result<Retention, ConfigError> {
    let usual = Retention::USUAL;
    Ok(Retention {
        days: number(layers, &table::RETENTION_DAYS, usual.days, 7..=36_500)?,
        rows: number(
            layers,
            &table::RETENTION_ROWS,
            usual.rows,
            1_000..=1_000_000_000,
        )?,
    })
}

/// Where metrics and health are served; `None`: nowhere.
pub(super) fn metrics(layers: &Layers) -> Result<Option<SocketAddr>, ConfigError> {
    let Some(given) = layers.get(&table::METRICS) else {
        return Ok(None);
    };
    let address = address(given.value.trim());
    address.map(Some).ok_or_else(|| {
        let value = shown(given.value.trim());
        given.error(format!(
            "{value} is not an address; write a port such as 9464, or an address and a port such as 127.0.0.1:9464"
        ))
    })
}

/// A port alone is one of this machine.
fn address(text: &str) -> Option<SocketAddr> {
    let port = text.strip_prefix(':').unwrap_or(text).parse();
    match port {
        Ok(port) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_says_so_is_open_to_others() {
        for (text, read) in [
            ("9464", Some("127.0.0.1:9464")),
            (":9464", Some("127.0.0.1:9464")),
            ("0.0.0.0:9464", Some("0.0.0.0:9464")),
            ("[::1]:0", Some("[::1]:0")),
            ("0.0.0.0", None),
            ("localhost", None),
            ("70000", None),
        ] {
            assert_eq!(
                address(text),
                read.map(|read| read.parse().unwrap()),
                "{text}"
            );
        }
    }
}
