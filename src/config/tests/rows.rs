//! The rows of two made-up sources: one with plans and a key for everyone, as earlier versions had
//! it, and one whose key is a pair.

use chrono::TimeDelta;

use crate::config::{
    KeyField, Kind, Plan, Plans, Route, Secrecy, Setting, SourceSettings, SourceWords,
};
use crate::model::SourceId;
use crate::model::calendar::CalendarId;
use crate::model::quota::Quota;

pub static SOURCES: &[&SourceSettings] = &[&FIRST, &SECOND];

pub static FIRST: SourceSettings = SourceSettings {
    id: SourceId::known("first"),
    words: SourceWords {
        name: "First",
        without_key: "the key demo serves one symbol",
        curl_key: "",
        key_page: Some("https://first.example/keys"),
        free: "25 requests a day",
        more: None,
        terms: "own use only",
    },
    key: &[KeyField {
        name: "key",
        begins: &[],
        value: Setting::new(
            "FIRST_API_KEY",
            Some("sources.first.api_key"),
            "demo",
            "the key",
        )
        .formerly("first.api_key")
        .secrecy(Secrecy::Key),
        file: Setting::new(
            "FIRST_API_KEY_FILE",
            Some("sources.first.api_key_file"),
            "",
            "a file that contains the key",
        )
        .formerly("first.api_key_file"),
    }],
    addresses: &[Setting::new(
        "FIRST_BASE_URL",
        Some("sources.first.base_url"),
        "https://first.example/query",
        "the address",
    )
    .formerly("first.base_url")],
    route: Route::at_address,
    allow_http: Setting::new(
        "FIRST_ALLOW_HTTP",
        Some("sources.first.allow_http"),
        "false",
        "allows plain http",
    )
    .formerly("first.allow_http")
    .kind(Kind::Switch),
    calendar: |_| CalendarId::Xnys,
    currency: |_| None,
    plans: Plans {
        setting: Some(
            Setting::new("FIRST_PLAN", Some("sources.first.plan"), "free", "the plan")
                .formerly("first.plan")
                .kind(Kind::Number),
        ),
        usual: plan("free", "free key", Some(25), false),
        others: &[
            plan("75", "75 a minute", None, true),
            plan("unlimited", "no limit", None, true),
        ],
    },
    former_key_file: Some("api_key"),
    suggested: &["IBM", "AAPL", "MSFT", "GOOGL"],
};

pub static SECOND: SourceSettings = SourceSettings {
    id: SourceId::known("second"),
    words: SourceWords {
        name: "Second",
        without_key: "nothing",
        curl_key: "",
        key_page: Some("https://second.example/keys"),
        free: "200 requests a minute",
        more: None,
        terms: "own use only",
    },
    key: &[
        KeyField {
            name: "key ID",
            begins: &["PK", "AK"],
            value: Setting::new("SECOND_KEY_ID", Some("sources.second.key_id"), "", "its id")
                .secrecy(Secrecy::Key),
            file: Setting::new(
                "SECOND_KEY_ID_FILE",
                Some("sources.second.key_id_file"),
                "",
                "a file with its id",
            ),
        },
        KeyField {
            name: "secret key",
            begins: &[],
            value: Setting::new(
                "SECOND_SECRET_KEY",
                Some("sources.second.secret_key"),
                "",
                "its secret",
            )
            .secrecy(Secrecy::Key),
            file: Setting::new(
                "SECOND_SECRET_KEY_FILE",
                Some("sources.second.secret_key_file"),
                "",
                "a file with its secret",
            ),
        },
    ],
    addresses: &[
        Setting::new(
            "SECOND_BASE_URL",
            Some("sources.second.base_url"),
            "https://data.second.example/",
            "where its bars are",
        ),
        Setting::new(
            "SECOND_TRADING_URL",
            Some("sources.second.trading_url"),
            "https://trade.second.example/",
            "where its symbols are",
        ),
    ],
    route: Route::at_address,
    allow_http: Setting::new(
        "SECOND_ALLOW_HTTP",
        Some("sources.second.allow_http"),
        "false",
        "allows plain http",
    )
    .kind(Kind::Switch),
    calendar: |_| CalendarId::Xnys,
    currency: |_| None,
    plans: Plans {
        setting: None,
        usual: plan("basic", "200 a minute", None, true),
        others: &[],
    },
    former_key_file: None,
    suggested: &[],
};

const fn plan(
    name: &'static str,
    words: &'static str,
    per_day: Option<u32>,
    has_intraday: bool,
) -> Plan {
    Plan {
        name,
        words,
        quota: Quota::daily(TimeDelta::milliseconds(300), per_day, chrono_tz::UTC),
        in_flight: 1,
        has_intraday,
    }
}
