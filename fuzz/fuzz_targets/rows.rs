//! Feeds libFuzzer's inputs to one target.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pipeline_tui_fuzz::judge("rows", data));
