//! The provider's refusals, word for word. The marks (E1, L7, ...) are those of the recorded texts.

use crate::model::words::words;
use crate::simulate::reply::Reply;

words! {
    /// One way in which the provider refuses.
    pub enum Refusal {
        /// E1: the symbol or a parameter is wrong.
        Invalid = "invalid",
        /// E3: no key.
        BadKey = "bad-key",
        /// E5: no such function.
        NoFunction = "no-function",
        /// E6: the provider failed.
        Internal = "internal",
        /// L7: the day's requests are used up; echoes the key.
        Day = "day",
        /// L9: the free plan's limit per second.
        Burst = "burst",
        /// L11: a paid plan's limit per second.
        PaidBurst = "paid-burst",
        /// L12: a paid plan's limit per minute.
        Minute = "minute",
        /// P1: the plan does not include the function.
        Premium = "premium",
        /// P3: the plan does not include the full history.
        PremiumFull = "premium-full",
        /// P5: the key `demo` answers documented requests only.
        DemoKey = "demo-key",
    }
}

impl Refusal {
    /// The answer in the provider's words.
    pub(super) fn reply(self, function: &str, key: &str) -> Reply {
        let name = if matches!(
            self,
            Self::Invalid | Self::BadKey | Self::NoFunction | Self::Internal
        ) {
            "Error Message"
        } else {
            "Information"
        };
        let outcome = if self == Self::PaidBurst {
            Self::Burst
        } else {
            self
        };
        notice(outcome.as_str(), name, &self.text(function, key))
    }

    fn text(self, function: &str, key: &str) -> String {
        match self {
            Self::Invalid => format!(
                "Invalid API call. Please retry or visit the documentation \
                 (https://www.alphavantage.co/documentation/) for {function}."
            ),
            Self::BadKey => "the parameter apikey is invalid or missing. Please claim your free \
                API key on (https://www.alphavantage.co/support/#api-key). It should take less \
                than 20 seconds."
                .to_owned(),
            Self::NoFunction => format!("This API function ({function}) does not exist."),
            Self::Internal => "The intraday time series encountered an internal or external error \
                - we apologize for the inconvenience. If you would like to obtain the realtime \
                stock quote for the current trading day, please refer to the latest data point of \
                our DAILY and DAILY ADJUSTED functions."
                .to_owned(),
            Self::Day => format!(
                "We have detected your API key as {key} and our standard API rate limit is 25 \
                 requests per day. Please subscribe to any of the premium plans at \
                 https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
            ),
            Self::Burst => "Thank you for using Alpha Vantage! Please consider spreading out your \
                free API requests more sparingly (1 request per second). You may subscribe to any \
                of the premium plans at https://www.alphavantage.co/premium/ to lift the free key \
                rate limit (25 requests per day), raise the per-second burst limit, and instantly \
                unlock all premium endpoints"
                .to_owned(),
            Self::PaidBurst => "Burst pattern detected. Please consider spreading out your API \
                requests more evenly across a 1-minute window and query no more than 5 requests \
                per second. Please contact support@alphavantage.co if you are targeting a higher \
                API request volume."
                .to_owned(),
            Self::Minute => "Minute-level rate limit exceed. Please stay under the number of API \
                requests per minute for your premium subscription plan. Please contact \
                support@alphavantage.co if you are targeting a higher API request volume."
                .to_owned(),
            Self::Premium => "Thank you for using Alpha Vantage! This is a premium endpoint. You \
                may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ \
                to instantly unlock all premium endpoints"
                .to_owned(),
            Self::PremiumFull => format!(
                "Thank you for using Alpha Vantage! The outputsize=full parameter value is a \
                 premium feature for the {function} endpoint. You may subscribe to any of the \
                 premium plans at https://www.alphavantage.co/premium/ to instantly unlock all \
                 premium features"
            ),
            Self::DemoKey => "The **demo** API key is for demo purposes only. Please claim your \
                free API key at (https://www.alphavantage.co/support/#api-key) to explore our \
                full API offerings. It takes fewer than 20 seconds, and we are committed to \
                making it free forever."
                .to_owned(),
        }
    }
}

/// A JSON object with one text, in the provider's layout.
pub(super) fn notice(outcome: &str, name: &str, text: &str) -> Reply {
    let text = serde_json::Value::from(text);
    Reply::json(outcome, format!("{{\n    \"{name}\": {text}\n}}"))
}

/// A sample that looks like data.
pub(super) const ARTIFICIAL: &str = r#"{
    "endpoint": "Realtime Bulk Quotes",
    "message": "This is a premium endpoint. ***THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL AND FOR ILLUSTRATION PURPOSES ONLY***. To access the actual data, please subscribe to any premium plan that mentions 'Realtime US Market Data' in its description at https://www.alphavantage.co/premium/ for your personal non-professional use. For professional/commercial use, please contact support at support@alphavantage.co.",
    "data": [
        {
            "symbol": "MSFT",
            "timestamp": "2024-10-18 19:59:55.291",
            "open": "417.61",
            "high": "419.649",
            "low": "416.2601",
            "close": "418.16",
            "volume": "17145307"
        }
    ]
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(refusal: Refusal) -> String {
        let reply = refusal.reply("TIME_SERIES_DAILY", "SECRET");
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    #[test]
    fn the_layout_is_the_recorded_one() {
        assert_eq!(
            body(Refusal::Invalid),
            "{\n    \"Error Message\": \"Invalid API call. Please retry or visit the \
             documentation (https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY.\"\n}"
        );
    }

    #[test]
    fn only_the_daily_limit_echoes_the_key() {
        for refusal in Refusal::ALL {
            assert_eq!(
                body(*refusal).contains("SECRET"),
                *refusal == Refusal::Day,
                "{refusal}"
            );
        }
    }
}
