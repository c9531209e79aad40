//! The settings of Alpha Vantage.

use chrono::TimeDelta;
use chrono_tz::America::New_York;

use crate::config::{
    KeyField, Kind, Plan, Plans, Route, Secrecy, Setting, SourceSettings, SourceWords,
};
use crate::model::SourceId;
use crate::model::quota::Quota;

const KEY_PAGE: &str = "https://www.alphavantage.co/support/#api-key";

/// The rows of the table of settings.
pub static SETTINGS: SourceSettings = SourceSettings {
    id: SourceId::known("alpha_vantage"),
    words: SourceWords {
        name: "Alpha Vantage",
        without_key: "the key demo serves only IBM; get a free key at \
                      https://www.alphavantage.co/support/#api-key",
        curl_key: "--get --data \"apikey=$ALPHA_VANTAGE_API_KEY\"",
        key_page: Some(KEY_PAGE),
        free: "daily bars of 100 days, weekly and monthly ones in full, 25 requests a day",
        more: Some("a paid Alpha Vantage plan"),
        terms: "own use only; showing or passing on its data needs a licence",
    },
    key: &[KeyField {
        name: "key",
        begins: &[],
        value: Setting::new(
            "ALPHA_VANTAGE_API_KEY",
            Some("sources.alpha_vantage.api_key"),
            "demo",
            "the provider's key; `demo` serves only IBM",
        )
        .formerly("alpha_vantage.api_key")
        .secrecy(Secrecy::Key),
        file: Setting::new(
            "ALPHA_VANTAGE_API_KEY_FILE",
            Some("sources.alpha_vantage.api_key_file"),
            "",
            "a file that contains the key",
        )
        .formerly("alpha_vantage.api_key_file"),
    }],
    addresses: &[Setting::new(
        "ALPHA_VANTAGE_BASE_URL",
        Some("sources.alpha_vantage.base_url"),
        "https://www.alphavantage.co/query",
        "the provider's address",
    )
    .formerly("alpha_vantage.base_url")],
    route: Route::at_address,
    allow_http: Setting::new(
        "ALPHA_VANTAGE_ALLOW_HTTP",
        Some("sources.alpha_vantage.allow_http"),
        "false",
        "allows sending the key over plain http to another machine",
    )
    .formerly("alpha_vantage.allow_http")
    .kind(Kind::Switch),
    calendar: super::calendar::of,
    // One exchange has several currencies, which its search names.
    currency: |_| None,
    plans: Plans {
        setting: Some(
            Setting::new(
                "ALPHA_VANTAGE_PLAN",
                Some("sources.alpha_vantage.plan"),
                "free",
                "pace and limits: free, 75, 150, 300, 600, 1200 or unlimited",
            )
            .formerly("alpha_vantage.plan")
            .kind(Kind::Number),
        ),
        usual: Plan {
            name: "free",
            words: "free key",
            quota: Quota::daily(TimeDelta::milliseconds(1200), Some(25), New_York),
            in_flight: 1,
            has_intraday: false,
        },
        others: &[
            paid("75", "75 a minute", 800),
            paid("150", "150 a minute", 400),
            paid("300", "300 a minute", SHORTEST_GAP),
            paid("600", "600 a minute", SHORTEST_GAP),
            paid("1200", "1200 a minute", SHORTEST_GAP),
            // For the simulator and for tests.
            paid("unlimited", "no limit", 0),
        ],
    },
    former_key_file: Some("api_key"),
    suggested: &["IBM", "AAPL", "MSFT", "GOOGL"],
};

/// In milliseconds: the provider treats faster starts as a burst.
const SHORTEST_GAP: i64 = 250;

/// A plan without a limit by day, with this gap in milliseconds.
const fn paid(name: &'static str, words: &'static str, gap: i64) -> Plan {
    Plan {
        name,
        words,
        quota: Quota::daily(TimeDelta::milliseconds(gap), None, New_York),
        in_flight: 4,
        has_intraday: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paid_plan_keeps_the_pace_that_its_name_says() {
        for plan in SETTINGS.plans.others {
            if let Ok(requests) = plan.name.parse::<i64>() {
                let gap = (60_000 / requests).max(SHORTEST_GAP);
                assert_eq!(
                    plan.quota.gap,
                    TimeDelta::milliseconds(gap),
                    "{}",
                    plan.name
                );
                assert_eq!(plan.words, format!("{requests} a minute"));
            }
        }
    }
}
