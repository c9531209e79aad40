//! Made-up sources: the usual one, and one that needs no key.

use crate::config::tests::rows::FIRST;
use crate::config::{Plans, Route, SourceSettings, SourceWords};
use crate::model::SourceId;

/// The usual source.
pub static USUAL: SourceSettings = SourceSettings {
    id: SourceId::DEFAULT,
    words: SourceWords {
        name: "Alpha Vantage",
        without_key: "the key demo serves only IBM; get a free key at https://www.alphavantage.co",
        curl_key: "--get --data \"apikey=$ALPHA_VANTAGE_API_KEY\"",
        key_page: Some("https://www.alphavantage.co/support/#api-key"),
        free: "daily bars of 100 days, weekly and monthly ones in full, 25 requests a day",
        more: Some("a paid Alpha Vantage plan"),
        terms: "for your own use; showing or passing on its data needs a licence",
    },
    key: FIRST.key,
    addresses: &[],
    route: Route::at_address,
    allow_http: FIRST.allow_http,
    calendar: FIRST.calendar,
    currency: FIRST.currency,
    plans: Plans {
        setting: None,
        usual: FIRST.plans.usual,
        others: &[],
    },
    former_key_file: None,
    suggested: &["IBM", "AAPL", "MSFT", "GOOGL"],
};

/// A source that needs no key.
pub static KEYLESS: SourceSettings = SourceSettings {
    id: SourceId::known("keyless"),
    words: SourceWords {
        name: "Keyless",
        without_key: "Keyless needs no key",
        curl_key: "",
        key_page: None,
        free: "everything",
        more: None,
        terms: "no redistribution",
    },
    key: &[],
    addresses: &[],
    route: Route::by_endpoint,
    allow_http: FIRST.allow_http,
    calendar: FIRST.calendar,
    currency: FIRST.currency,
    plans: Plans {
        setting: None,
        usual: FIRST.plans.usual,
        others: &[],
    },
    former_key_file: None,
    suggested: &["BTC-USD", "ETH-USD"],
};
