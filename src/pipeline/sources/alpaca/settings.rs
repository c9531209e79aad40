//! The settings of Alpaca. Its feeds are sources of their own, and share key, addresses and plan.

use chrono::TimeDelta;
use chrono_tz::America::New_York;

use super::route;
use crate::config::{KeyField, Kind, Plan, Plans, Secrecy, Setting, SourceSettings, SourceWords};
use crate::model::calendar::{CalendarId, CalendarOf};
use crate::model::quota::{Quota, WINDOWS, Window, WindowSpan};
use crate::model::{Currency, CurrencyOf, SourceId};

/// The plan that withholds the newest minutes.
pub(super) const FREE: &str = "free";

const KEY_PAGE: &str = "https://app.alpaca.markets/signup";

static KEY: [KeyField; 2] = [
    KeyField {
        name: "key ID",
        // Of paper, live and broker accounts.
        begins: &["PK", "AK", "C"],
        value: Setting::new(
            "APCA_API_KEY_ID",
            Some("sources.alpaca.key_id"),
            "",
            "the id of Alpaca's key",
        )
        .or("ALPACA_API_KEY")
        .secrecy(Secrecy::Key),
        file: Setting::new(
            "APCA_API_KEY_ID_FILE",
            Some("sources.alpaca.key_id_file"),
            "",
            "a file that contains the id",
        )
        .or("ALPACA_API_KEY_FILE"),
    },
    KeyField {
        name: "secret key",
        begins: &[],
        value: Setting::new(
            "APCA_API_SECRET_KEY",
            Some("sources.alpaca.secret_key"),
            "",
            "the secret of Alpaca's key",
        )
        .or("ALPACA_SECRET_KEY")
        .secrecy(Secrecy::Key),
        file: Setting::new(
            "APCA_API_SECRET_KEY_FILE",
            Some("sources.alpaca.secret_key_file"),
            "",
            "a file that contains the secret",
        )
        .or("ALPACA_SECRET_KEY_FILE"),
    },
];

static ADDRESSES: [Setting; 2] = [
    Setting::new(
        "ALPACA_BASE_URL",
        Some("sources.alpaca.base_url"),
        "https://data.alpaca.markets",
        "the address of Alpaca's bars",
    ),
    Setting::new(
        "ALPACA_TRADING_URL",
        Some("sources.alpaca.trading_url"),
        "https://paper-api.alpaca.markets",
        "the address of its list of symbols; https://api.alpaca.markets for the key of a live account",
    ),
];

const ALLOW_HTTP: Setting = Setting::new(
    "ALPACA_ALLOW_HTTP",
    Some("sources.alpaca.allow_http"),
    "false",
    "allows sending Alpaca's key over plain http to another machine",
)
.kind(Kind::Switch);

const PLAN: Setting = Setting::new(
    "ALPACA_PLAN",
    Some("sources.alpaca.plan"),
    FREE,
    "Alpaca's plan: free, without the last 15 minutes, or paid",
);

const USUAL: Plan = Plan {
    name: FREE,
    words: "free key, without the last 15 minutes",
    quota: Quota {
        gap: TimeDelta::zero(),
        windows: windows(200),
        zone: New_York,
    },
    in_flight: 4,
    has_intraday: true,
};

static PAID: [Plan; 1] = [Plan {
    name: "paid",
    words: "10,000 a minute",
    quota: Quota {
        gap: TimeDelta::zero(),
        windows: windows(10_000),
        zone: New_York,
    },
    in_flight: 8,
    has_intraday: true,
}];

/// So many requests a minute, and at most a twentieth of them at once: ten on the free plan, and three a
/// second after that, which is how fast the provider refills.
const fn windows(a_minute: u32) -> [Option<Window>; WINDOWS] {
    let burst = Window {
        limit: a_minute / 20,
        span: WindowSpan::Rolling(TimeDelta::milliseconds(3_350)),
    };
    let minute = Window {
        limit: a_minute,
        span: WindowSpan::Rolling(TimeDelta::minutes(1)),
    };
    [Some(minute), Some(burst), None]
}

const fn settings(id: SourceId, name: &'static str) -> SourceSettings {
    const CALENDAR: CalendarOf = |_| CalendarId::Xnys;
    const CURRENCY: CurrencyOf = |_| Some(Currency::usd());
    SourceSettings {
        id,
        words: SourceWords {
            name,
            without_key: "Alpaca needs a key, which is free; get one at https://app.alpaca.markets/signup",
            curl_key: "-H \"APCA-API-KEY-ID: $APCA_API_KEY_ID\" \
                       -H \"APCA-API-SECRET-KEY: $APCA_API_SECRET_KEY\"",
            key_page: Some(KEY_PAGE),
            free: "bars of all US stocks since 2016, without the last 15 minutes",
            more: Some("a paid Alpaca plan"),
            terms: "for personal, non-commercial use; the vendor does not allow passing its data on",
        },
        key: &KEY,
        addresses: &ADDRESSES,
        route: route::route,
        allow_http: ALLOW_HTTP,
        calendar: CALENDAR,
        currency: CURRENCY,
        plans: Plans {
            setting: Some(PLAN),
            usual: USUAL,
            others: &PAID,
        },
        former_key_file: None,
        suggested: &["IBM", "AAPL", "MSFT", "GOOGL"],
    }
}

/// The rows of the consolidated tape.
pub static SETTINGS: SourceSettings = settings(SourceId::known("alpaca"), "Alpaca");

/// The rows of the feed of one exchange: the same.
pub static IEX_SETTINGS: SourceSettings =
    settings(SourceId::known("alpaca_iex"), "Alpaca (IEX only)");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Inputs, Secret, Settings};
    use crate::pipeline::sources;

    /// The settings of a process with these variables.
    fn loaded(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut inputs = Inputs::isolated(folder.path(), sources::SETTINGS);
        for (name, value) in variables {
            inputs
                .environment
                .insert((*name).to_owned(), (*value).to_owned());
        }
        config::load(&inputs).map_err(|error| error.to_string())
    }

    /// The key of each feed.
    fn keys(variables: &[(&str, &str)]) -> [Vec<String>; 2] {
        let settings = loaded(variables).unwrap();
        ["alpaca", "alpaca_iex"].map(|source| {
            let mut others = settings.others.iter();
            let access = others.find(|access| access.settings.id.as_str() == source);
            let values = access.unwrap().key.values.iter().map(Secret::expose);
            values.map(str::to_owned).collect()
        })
    }

    #[test]
    fn the_key_has_two_values_by_either_name_and_both_feeds_have_it() {
        let pair = ["canary-id-1", "canary-secret-1"]
            .map(str::to_owned)
            .to_vec();
        let both = [pair.clone(), pair];
        for variables in [
            [
                ("APCA_API_KEY_ID", "canary-id-1"),
                ("APCA_API_SECRET_KEY", "canary-secret-1"),
            ],
            [
                ("ALPACA_API_KEY", "canary-id-1"),
                ("ALPACA_SECRET_KEY", "canary-secret-1"),
            ],
            [
                ("APCA_API_KEY_ID", "canary-id-1"),
                ("ALPACA_SECRET_KEY", "canary-secret-1"),
            ],
        ] {
            assert_eq!(keys(&variables), both);
        }
        let twice = [
            ("APCA_API_KEY_ID", "canary-id-1"),
            ("ALPACA_API_KEY", "canary-id-2"),
            ("APCA_API_SECRET_KEY", "canary-secret-1"),
        ];
        assert_eq!(keys(&twice), both, "the provider's own name counts");
        let half = loaded(&[("ALPACA_API_KEY", "canary-id-1")]).unwrap_err();
        assert!(half.contains("APCA_API_SECRET_KEY: is missing"), "{half}");
        assert!(!half.contains("canary"), "{half}");
        for name in ["ALPACA_API_KEY_FILE", "APCA_API_SECRET_KEY_FILE"] {
            let error = loaded(&[(name, "/nowhere/canary")]).unwrap_err();
            assert!(error.contains("cannot use the file"), "{error}");
        }
    }

    #[test]
    fn a_row_that_feeds_share_is_shown_once() {
        let report = loaded(&[]).unwrap().report;
        let plans = report.iter().filter(|row| row.name == "ALPACA_PLAN");
        assert_eq!(plans.count(), 1);
        assert_eq!(IEX_SETTINGS.section(), "alpaca");
    }

    #[test]
    fn at_most_ten_requests_go_out_at_once_and_three_a_second_after_that() {
        let [Some((minute, _)), Some((burst, span)), None] = USUAL.quota.rolling() else {
            panic!("two windows");
        };
        assert_eq!((minute, burst), (200, 10));
        let a_second = f64::from(burst) / span.as_seconds_f64();
        assert!(a_second <= 3.0, "{a_second}");
    }
}
