//! Which calendar a symbol has: the provider marks exchanges outside the US by a suffix.

use crate::model::Symbol;
use crate::model::calendar::CalendarId;

/// The suffixes of exchanges whose days are known. Frankfurt's floor (`.FRK`) trades longer than
/// Xetra, so that it is none of them.
const SUFFIXES: [(&str, CalendarId); 7] = [
    ("TRT", CalendarId::Xtse),
    ("TRV", CalendarId::Xtse),
    ("LON", CalendarId::Xlon),
    ("DEX", CalendarId::Xetr),
    ("BSE", CalendarId::Xbom),
    ("SHH", CalendarId::Xshg),
    ("SHZ", CalendarId::Xshg),
];

/// The calendar of a symbol. A single letter is no exchange but a class of shares, as in `BRK.B`.
pub(super) fn of(symbol: &Symbol) -> CalendarId {
    let Some((_, suffix)) = symbol.as_str().rsplit_once('.') else {
        return CalendarId::Xnys;
    };
    if suffix.len() == 1 {
        return CalendarId::Xnys;
    }
    let known = SUFFIXES.iter().find(|(known, _)| *known == suffix);
    known.map_or(CalendarId::Weekdays, |(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_names_the_exchange() {
        for (symbol, id) in [
            ("IBM", CalendarId::Xnys),
            ("BRK-B", CalendarId::Xnys),
            ("BRK.B", CalendarId::Xnys),
            ("SHOP.TRT", CalendarId::Xtse),
            ("GPV.TRV", CalendarId::Xtse),
            ("tsco.lon", CalendarId::Xlon),
            ("MBG.DEX", CalendarId::Xetr),
            ("RELIANCE.BSE", CalendarId::Xbom),
            ("600104.SHH", CalendarId::Xshg),
            ("000002.SHZ", CalendarId::Xshg),
            ("MBG.FRK", CalendarId::Weekdays),
            ("PETR4.SAO", CalendarId::Weekdays),
        ] {
            assert_eq!(of(&symbol.parse().unwrap()), id, "{symbol}");
        }
    }
}
