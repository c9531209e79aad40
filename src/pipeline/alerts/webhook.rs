//! One address that takes messages as JSON. Nobody may see it: whoever knows it can write there.

use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, redirect};
use url::Url;

use super::deliver::{Failed, PATIENCE};
use crate::config::Secret;
use crate::pipeline::http::is_loopback;

/// The address.
#[derive(Debug)]
pub(super) struct Webhook(Secret);

impl Webhook {
    pub(super) const fn new(address: Secret) -> Self {
        Self(address)
    }

    /// Posts a message once. Redirects are not followed: they would carry it elsewhere.
    pub(super) async fn send(&self, payload: &str) -> Result<String, Failed> {
        let wrong = |_| Failed::ForGood("the address is no URL".to_owned());
        let url = Url::parse(self.0.expose()).map_err(wrong)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pipeline-tui/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(PATIENCE);
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        if url.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| for_now(&error))?;
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(payload.to_owned());
        let answer = request
            .send()
            .await
            .map_err(|error| for_now(&error.without_url()))?;
        judged(answer.status())
    }
}

fn for_now(error: &reqwest::Error) -> Failed {
    Failed::ForNow(if error.is_timeout() {
        format!("no answer within {} s", PATIENCE.as_secs())
    } else if error.is_connect() {
        "it cannot be reached".to_owned()
    } else {
        "the connection broke before an answer came".to_owned()
    })
}

/// What a status says of the message.
fn judged(status: StatusCode) -> Result<String, Failed> {
    let said = format!("HTTP {}", status.as_u16());
    match status {
        _ if status.is_success() => Ok(said),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failed::ForNow(said))
        }
        _ if status.is_redirection() => Err(Failed::ForGood(format!(
            "{said}: it redirects elsewhere, which is not followed"
        ))),
        _ if status.is_client_error() => Err(Failed::ForGood(said)),
        _ => Err(Failed::ForNow(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_for_good_and_an_outage_for_now() {
        let judged = |status: u16| judged(StatusCode::from_u16(status).unwrap());
        assert!(judged(204).is_ok());
        for status in [301, 400, 401, 404, 410] {
            assert!(
                matches!(judged(status), Err(Failed::ForGood(_))),
                "{status}"
            );
        }
        for status in [408, 429, 500, 502, 503] {
            assert!(matches!(judged(status), Err(Failed::ForNow(_))), "{status}");
        }
    }
}
