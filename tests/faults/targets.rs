//! What is fuzzed: one function per target, which takes bytes and panics if a promise is broken.
//!
//! `fuzz/` passes them to libFuzzer; `corpus.rs` replays the seeds in every run of the tests. An
//! oracle here shares no code with what it checks.

mod answers;
mod harmless;
mod keys;
mod numbers;
mod panel;
mod settings;
mod sheet;
mod symbols;
mod texts;
mod times;

/// Checks one input.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const ALL: &[(&str, Target)] = &[
    ("json", answers::json),
    ("csv", answers::csv),
    ("rows", answers::rows),
    ("refusals", answers::refusals),
    ("symbols", symbols::symbols),
    ("prices", numbers::prices),
    ("dates", times::dates),
    ("schedules", times::schedules),
    ("settings", settings::settings),
    ("clean", texts::clean),
    ("faults", texts::faults),
    ("chords", keys::chords),
    ("keys", keys::keys),
];
