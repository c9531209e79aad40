//! Where a request goes: bars and corporate actions are at one address, the list of symbols at another.

use crate::config::Route;

/// The place of the address that has bars.
pub(super) const BARS: usize = 0;
/// The place of the address that has the list of symbols.
const TRADING: usize = 1;
/// The list of symbols.
pub(super) const ASSETS: &str = "v2/assets";
/// What the reader of the answer must know, and the provider is not told: it has no such parameter.
pub(super) const HOURS: &str = "hours";

/// Where a request goes. The hours that are wanted are ours to choose from the answer.
pub(super) fn route(endpoint: &str, mut parameters: Vec<(String, String)>) -> Route {
    parameters.retain(|(name, _)| name != HOURS);
    Route {
        address: match endpoint {
            ASSETS => TRADING,
            _ => BARS,
        },
        ..Route::by_endpoint(endpoint, parameters)
    }
}
