//! The settings of Binance.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::{plan, symbols};
use crate::config::{Kind, Plan, Plans, Setting, SourceSettings, SourceWords};
use crate::model::SourceId;
use crate::model::calendar::CalendarId;
use crate::model::quota::{Quota, Window, WindowSpan};

/// The rows of the table of settings.
pub static SETTINGS: SourceSettings = SourceSettings {
    id: SourceId::known("binance"),
    words: SourceWords {
        name: "Binance",
        without_key: "Binance needs no key",
        curl_key: "",
        key_page: None,
        free: "all bars since 2017",
        more: None,
        terms: "for your own use; the vendor does not allow selling its data or passing it on",
    },
    key: &[],
    addresses: &[Setting::new(
        "BINANCE_BASE_URL",
        Some("sources.binance.base_url"),
        "https://data-api.binance.vision",
        "the address: its public mirror, or another exchange in the same format",
    )],
    route: plan::route,
    allow_http: Setting::new(
        "BINANCE_ALLOW_HTTP",
        Some("sources.binance.allow_http"),
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
            in_flight: 4,
            has_intraday: true,
        },
        others: &[],
    },
    former_key_file: None,
    suggested: &["BTCUSDT", "ETHUSDT"],
};

/// A fifth of what the provider allows: 3,000 requests for bars a minute for each address.
const QUOTA: Quota = Quota {
    windows: [
        None,
        None,
        Some(Window {
            limit: 10,
            span: WindowSpan::Rolling(TimeDelta::seconds(1)),
        }),
    ],
    ..Quota::unlimited(Tz::UTC)
};
