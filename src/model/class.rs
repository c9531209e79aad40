//! Why something did not succeed, in the classes that decide what happens next.

use super::words::words;

words! {
    /// The class of a refusal or failure.
    pub enum ErrorClass {
        /// Requests came too close together.
        Burst = "burst",
        /// This minute's requests are used up.
        Minute = "minute",
        /// Today's requests are used up.
        Day = "day",
        /// The plan does not include the endpoint or one of its parameters.
        NotEntitled = "not_entitled",
        /// The key is missing or wrong.
        BadKey = "bad_key",
        /// The key `demo` does not serve this request.
        DemoKey = "demo_key",
        /// The provider does not know the symbol or refuses a parameter.
        BadRequest = "bad_request",
        /// An answer without any bar.
        NoData = "no_data",
        /// The provider is down or answers with an error page.
        Outage = "outage",
        /// An answer that is not in the documented shape.
        Malformed = "malformed",
        /// The pages of an answer do not end.
        Endless = "endless",
        /// The provider does not know the requested endpoint.
        ClientBug = "client_bug",
        /// The provider's network refuses this address.
        Blocked = "blocked",
        /// A refusal with an unknown message.
        Unknown = "unknown",
        /// The provider could not be reached, or the connection broke.
        Network = "network",
        /// The store could not be reached or refused a statement.
        Database = "database",
        /// Stopped on request.
        Cancelled = "cancelled",
        /// Another engine has the lane, or may have it.
        Superseded = "superseded",
    }
}

impl ErrorClass {
    /// Whether another attempt fails for the same reason, until a person does something.
    #[must_use]
    pub const fn is_lasting(self) -> bool {
        match self {
            Self::Burst
            | Self::Minute
            | Self::Day
            | Self::Outage
            | Self::Unknown
            | Self::Network
            | Self::Database
            | Self::Cancelled
            | Self::Superseded => false,
            Self::NotEntitled
            | Self::BadKey
            | Self::DemoKey
            | Self::BadRequest
            | Self::NoData
            | Self::Malformed
            | Self::Endless
            | Self::ClientBug
            | Self::Blocked => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::UnknownWord;
    use super::*;

    #[test]
    fn words_round_trip_and_others_are_refused() {
        for class in ErrorClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(*class));
        }
        assert_eq!("sleepy".parse::<ErrorClass>(), Err(UnknownWord));
    }
}
