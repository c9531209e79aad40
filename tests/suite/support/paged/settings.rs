//! The rows of the table of settings.

use chrono::TimeDelta;
use pipeline_tui::config::{
    KeyField, Kind, Plan, Plans, Route, Secrecy, Setting, SourceSettings, SourceWords,
};
use pipeline_tui::model::calendar::CalendarId;
use pipeline_tui::model::quota::Quota;

const fn part(name: &'static str, variable: &'static str, file: &'static str) -> KeyField {
    KeyField {
        name,
        begins: &[],
        value: Setting::new(variable, None, "", "a part of the key").secrecy(Secrecy::Key),
        file: Setting::new(file, None, "", "a file with it"),
    }
}

pub static SETTINGS: SourceSettings = SourceSettings {
    id: super::PAGED,
    words: SourceWords {
        name: "Paged",
        without_key: "Paged needs a key; get one at https://paged.example/keys",
        curl_key: "",
        key_page: Some("https://paged.example/keys"),
        free: "200 requests a minute",
        more: None,
        terms: "for tests",
    },
    key: &[
        part("key ID", "PAGED_KEY_ID", "PAGED_KEY_ID_FILE"),
        part("secret", "PAGED_SECRET", "PAGED_SECRET_FILE"),
    ],
    addresses: &[Setting::new(
        "PAGED_BASE_URL",
        None,
        "https://paged.example",
        "its address",
    )],
    route: Route::by_endpoint,
    allow_http: Setting::new("PAGED_ALLOW_HTTP", None, "false", "allows plain http")
        .kind(Kind::Switch),
    calendar: |_| CalendarId::Xnys,
    currency: |_| None,
    plans: Plans {
        setting: None,
        usual: Plan {
            name: "basic",
            words: "200 a minute",
            quota: Quota::daily(TimeDelta::zero(), None, chrono_tz::UTC),
            in_flight: 1,
            has_intraday: true,
        },
        others: &[],
    },
    former_key_file: None,
    suggested: &[],
};
