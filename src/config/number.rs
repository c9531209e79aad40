//! Numbers within limits.

use super::error::ConfigError;
use super::layers::Layers;
use super::setting::Setting;

/// The number that a setting names, or the default.
pub(super) fn number(
    layers: &Layers,
    setting: &Setting,
    default: u32,
    allowed: std::ops::RangeInclusive<u32>,
) -> Result<u32, ConfigError> {
    let Some(given) = layers.get(setting) else {
        return Ok(default);
    };
    let number = given.value.trim().parse().ok();
    number
        .filter(|number| allowed.contains(number))
        .ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            given.error(format!("must be a number from {least} to {most}"))
        })
}
