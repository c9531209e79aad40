//! The settings of Coinbase.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::{plan, symbols};
use crate::config::{Kind, Plan, Plans, Setting, SourceSettings, SourceWords};
use crate::model::SourceId;
use crate::model::calendar::CalendarId;
use crate::model::quota::{Quota, Window, WindowSpan};

/// The rows of the table of settings.
pub static SETTINGS: SourceSettings = SourceSettings {
    id: SourceId::known("coinbase"),
    words: SourceWords {
        name: "Coinbase",
        without_key: "Coinbase needs no key",
        curl_key: "",
        key_page: None,
        free: "all bars since 2015",
        more: None,
        terms: "for your own use; the vendor does not allow passing its data on, nor indices built on it",
    },
    key: &[],
    addresses: &[Setting::new(
        "COINBASE_BASE_URL",
        Some("sources.coinbase.base_url"),
        "https://api.exchange.coinbase.com",
        "the exchange's address",
    )],
    route: plan::route,
    allow_http: Setting::new(
        "COINBASE_ALLOW_HTTP",
        Some("sources.coinbase.allow_http"),
        "false",
        "allows plain http to another machine",
    )
    .kind(Kind::Switch),
    calendar: |_| CalendarId::Always,
    currency: symbols::currency,
    plans: Plans {
        setting: None,
        usual: Plan {
            name: "public",
            words: "no key needed",
            quota: QUOTA,
            in_flight: 3,
            has_intraday: true,
        },
        others: &[],
    },
    former_key_file: None,
    suggested: &["BTC-USD", "ETH-USD"],
};

/// Ten requests a second are allowed for each address; others may share it.
const QUOTA: Quota = Quota {
    windows: [
        None,
        None,
        Some(Window {
            limit: 6,
            span: WindowSpan::Rolling(TimeDelta::seconds(1)),
        }),
    ],
    ..Quota::unlimited(Tz::UTC)
};
